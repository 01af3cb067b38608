//! Arguments and variables of a frame.
//!
//! Go's frame base is the canonical frame address, which is the address above the frame's own bytes. What
//! is in a register is known for no frame but the innermost: Go keeps none across calls.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use elfcore::Memory;
use gimli::{
    AttributeValue, DW_AT_abstract_origin, DW_AT_location, DW_AT_name, DW_AT_type,
    DW_TAG_formal_parameter, DW_TAG_inlined_subroutine, DW_TAG_lexical_block, DW_TAG_subprogram,
    DW_TAG_variable, EntriesTreeNode, EvaluationResult, Expression, Location, Piece, Unit,
    UnitOffset,
};
use serde::Serialize;

use super::value::{self, Bytes};
use super::{Dwarf, Reader, attribute_text};

/// Scopes in scopes.
const DEPTH: usize = 64;
/// Variables of one frame.
const VARIABLES: usize = 64;
/// Steps of one location.
const STEPS: u32 = 1000;

/// A variable of a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// The function whose it is: of inlined ones several share a frame.
    pub function: String,
    /// Its name.
    pub name: String,
    /// Whether it is an argument (or a result).
    pub argument: bool,
    /// Its type.
    pub kind: String,
    /// What it holds; nothing if that cannot be had.
    pub value: Option<String>,
    /// Why it cannot.
    pub why: Option<&'static str>,
}

/// Units by the code that is in them; each is read when it is first asked for.
#[expect(missing_debug_implementations, reason = "units have nothing to show")]
pub struct Variables<'d> {
    dwarf: &'d Dwarf,
    ranges: Vec<(u64, u64, usize)>,
    headers: Vec<gimli::UnitHeader<Reader>>,
    units: RefCell<BTreeMap<usize, Rc<Unit<Reader>>>>,
}

/// Where the variables of a frame are.
struct Frame<'m> {
    memory: &'m dyn Memory,
    /// The address that is looked up, without the slide.
    pc: u64,
    /// The address above the frame's bytes.
    fp: u64,
    slide: u64,
}

impl<'d> Variables<'d> {
    /// Of a program's DWARF.
    pub fn new(dwarf: &'d Dwarf) -> Self {
        let (mut ranges, mut headers) = (Vec::new(), Vec::new());
        let mut units = dwarf.dwarf.units();
        while let Ok(Some(header)) = units.next() {
            let Ok(unit) = dwarf.dwarf.unit(header.clone()) else {
                continue;
            };
            let Ok(mut all) = dwarf.dwarf.unit_ranges(&unit) else {
                continue;
            };
            while let Ok(Some(range)) = all.next() {
                ranges.push((range.begin, range.end, headers.len()));
            }
            headers.push(header);
        }
        ranges.sort_unstable();
        Self {
            dwarf,
            ranges,
            headers,
            units: RefCell::default(),
        }
    }

    fn unit(&self, pc: u64) -> Option<Rc<Unit<Reader>>> {
        let after = self.ranges.partition_point(|range| range.0 <= pc);
        let range = self.ranges.get(after.checked_sub(1)?)?;
        if pc >= range.1 {
            return None;
        }
        if let Some(unit) = self.units.borrow().get(&range.2) {
            return Some(Rc::clone(unit));
        }
        let unit = Rc::new(
            self.dwarf
                .dwarf
                .unit(self.headers.get(range.2)?.clone())
                .ok()?,
        );
        self.units.borrow_mut().insert(range.2, Rc::clone(&unit));
        Some(unit)
    }

    /// The variables of a frame: `pc` is the address of the instruction that runs or called, `fp` the
    /// address above the frame's bytes, `slide` what was added to the program's addresses.
    pub fn variables_at(&self, memory: &dyn Memory, pc: u64, fp: u64, slide: u64) -> Vec<Variable> {
        let frame = Frame {
            memory,
            pc: pc.wrapping_sub(slide),
            fp,
            slide,
        };
        let mut found = Vec::new();
        if let Some(unit) = self.unit(frame.pc) {
            // What is not readable ends the list.
            let _ = self.subprogram(&unit, &frame, &mut found);
        }
        found
    }

    fn subprogram(
        &self,
        unit: &Unit<Reader>,
        frame: &Frame<'_>,
        found: &mut Vec<Variable>,
    ) -> gimli::Result<()> {
        let mut tree = unit.entries_tree(None)?;
        let mut children = tree.root()?.children();
        while let Some(child) = children.next()? {
            if child.entry().tag() == DW_TAG_subprogram && self.holds(unit, child.entry(), frame.pc)
            {
                return self.scope(unit, child, frame, String::new(), 0, found);
            }
        }
        Ok(())
    }

    fn holds(
        &self,
        unit: &Unit<Reader>,
        entry: &gimli::DebuggingInformationEntry<Reader>,
        pc: u64,
    ) -> bool {
        let Ok(mut ranges) = self.dwarf.dwarf.die_ranges(unit, entry) else {
            return false;
        };
        while let Ok(Some(range)) = ranges.next() {
            if range.begin <= pc && pc < range.end {
                return true;
            }
        }
        false
    }

    /// The variables of a function or block, and of those in it that hold the address.
    fn scope(
        &self,
        unit: &Unit<Reader>,
        node: EntriesTreeNode<'_, '_, Reader>,
        frame: &Frame<'_>,
        function: String,
        depth: usize,
        found: &mut Vec<Variable>,
    ) -> gimli::Result<()> {
        let entry = node.entry();
        let function = match entry.tag() {
            tag if tag == DW_TAG_lexical_block => function,
            _ => self.name(unit, entry).unwrap_or(function),
        };
        let mut children = node.children();
        while let Some(child) = children.next()? {
            if found.len() >= VARIABLES {
                break;
            }
            let tag = child.entry().tag();
            if tag == DW_TAG_formal_parameter || tag == DW_TAG_variable {
                let argument = tag == DW_TAG_formal_parameter;
                if let Some(one) = self.variable(unit, child.entry(), frame, &function, argument) {
                    found.push(one);
                }
            } else if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block)
                && depth < DEPTH
                && self.holds(unit, child.entry(), frame.pc)
            {
                let depth = depth.saturating_add(1);
                self.scope(unit, child, frame, function.clone(), depth, found)?;
            }
        }
        Ok(())
    }

    /// An attribute of an entry, or of the one that it is a copy of.
    fn attribute(
        &self,
        unit: &Unit<Reader>,
        entry: &gimli::DebuggingInformationEntry<Reader>,
        name: gimli::DwAt,
    ) -> Option<(AttributeValue<Reader>, Option<Unit<Reader>>)> {
        if let Some(value) = entry.attr_value(name) {
            return Some((value, None));
        }
        match entry.attr_value(DW_AT_abstract_origin)? {
            AttributeValue::UnitRef(at) => {
                let origin = unit.entry(at).ok()?;
                Some((origin.attr_value(name)?, None))
            }
            AttributeValue::DebugInfoRef(at) => {
                let (other, at) = self.elsewhere(at)?;
                let value = other.entry(at).ok()?.attr_value(name)?;
                Some((value, Some(other)))
            }
            _ => None,
        }
    }

    /// The unit that holds an offset.
    fn elsewhere(&self, at: gimli::DebugInfoOffset) -> Option<(Unit<Reader>, UnitOffset)> {
        let after = self
            .headers
            .partition_point(|header| header.debug_info_offset().is_some_and(|start| start <= at));
        let header = self.headers.get(after.checked_sub(1)?)?;
        let inside = at.to_unit_offset(header)?;
        Some((self.dwarf.dwarf.unit(header.clone()).ok()?, inside))
    }

    fn name(
        &self,
        unit: &Unit<Reader>,
        entry: &gimli::DebuggingInformationEntry<Reader>,
    ) -> Option<String> {
        let (value, other) = self.attribute(unit, entry, DW_AT_name)?;
        attribute_text(
            &self.dwarf.dwarf,
            other.as_ref().unwrap_or(unit),
            Some(value),
        )
    }

    fn variable(
        &self,
        unit: &Unit<Reader>,
        entry: &gimli::DebuggingInformationEntry<Reader>,
        frame: &Frame<'_>,
        function: &str,
        argument: bool,
    ) -> Option<Variable> {
        let name = self.name(unit, entry)?;
        let (kind, other) = self.attribute(unit, entry, DW_AT_type)?;
        // Types may be in another unit than the variable, or the function that it was inlined from.
        let (elsewhere, at) = match kind {
            AttributeValue::UnitRef(at) => (other, at),
            AttributeValue::DebugInfoRef(at) => {
                let (unit, at) = self.elsewhere(at)?;
                (Some(unit), at)
            }
            _ => return None,
        };
        let dwarf = &self.dwarf.dwarf;
        let unit_of_kind = elsewhere.as_ref().unwrap_or(unit);
        let mut one = Variable {
            function: function.to_owned(),
            name,
            argument,
            kind: value::type_name(dwarf, unit_of_kind, at),
            value: None,
            why: None,
        };
        match self.bytes(unit, entry, frame, value::size(dwarf, unit_of_kind, at)) {
            Ok(bytes) => {
                one.value = value::shown(dwarf, unit_of_kind, at, &bytes, frame.memory);
                if one.value.is_none() {
                    one.why = Some("its type is not shown");
                }
            }
            Err(why) => one.why = Some(why),
        }
        Some(one)
    }

    /// The bytes of a variable, put together from where they are.
    fn bytes(
        &self,
        unit: &Unit<Reader>,
        entry: &gimli::DebuggingInformationEntry<Reader>,
        frame: &Frame<'_>,
        size: Option<u64>,
    ) -> Result<Bytes, &'static str> {
        let size = size
            .filter(|size| *size <= value::LIMIT)
            .ok_or("it is too large")?;
        let nowhere = "it is nowhere at this place of the program";
        let expression = match entry.attr_value(DW_AT_location).ok_or(nowhere)? {
            AttributeValue::Exprloc(expression) => expression,
            list => self.listed(unit, list, frame.pc).ok_or(nowhere)?,
        };
        let pieces = evaluated(unit, expression, frame)?;
        let mut bytes: Bytes = Vec::new();
        for piece in pieces {
            let left = size.saturating_sub(value::count(&bytes));
            let want = piece.size_in_bits.map_or(left, |bits| (bits / 8).min(left));
            let want = usize::try_from(want).map_err(|_| "it is too large")?;
            match piece.location {
                Location::Address { address } => {
                    let held = frame.memory.all(address, want);
                    let held = held.ok_or("its memory is not in the core")?;
                    bytes.extend(held.into_iter().map(Some));
                }
                Location::Value { value } => {
                    let word = value
                        .to_u64(u64::MAX)
                        .map_err(|_| "its location is not known")?;
                    let held = word.to_le_bytes();
                    let held = held.iter().copied().chain(std::iter::repeat(0));
                    bytes.extend(held.take(want).map(Some));
                }
                // A register, or nothing any more.
                _ => bytes.extend(std::iter::repeat_n(None, want)),
            }
        }
        if bytes.iter().all(Option::is_none) {
            return Err("it was in a register, or is not kept any more");
        }
        Ok(bytes)
    }

    fn listed(
        &self,
        unit: &Unit<Reader>,
        list: AttributeValue<Reader>,
        pc: u64,
    ) -> Option<Expression<Reader>> {
        let mut list = self.dwarf.dwarf.attr_locations(unit, list).ok()??;
        while let Ok(Some(entry)) = list.next() {
            if entry.range.begin <= pc && pc < entry.range.end {
                return Some(entry.data);
            }
        }
        None
    }
}

/// Where an expression leads.
fn evaluated(
    unit: &Unit<Reader>,
    expression: Expression<Reader>,
    frame: &Frame<'_>,
) -> Result<Vec<Piece<Reader>>, &'static str> {
    let bad = "its location is not known";
    let mut evaluation = expression.evaluation(unit.encoding());
    evaluation.set_max_iterations(STEPS);
    let mut result = evaluation.evaluate().map_err(|_| bad)?;
    for _ in 0..STEPS {
        result = match result {
            EvaluationResult::Complete => return Ok(evaluation.result()),
            EvaluationResult::RequiresFrameBase => evaluation.resume_with_frame_base(frame.fp),
            EvaluationResult::RequiresCallFrameCfa => {
                evaluation.resume_with_call_frame_cfa(frame.fp)
            }
            EvaluationResult::RequiresRelocatedAddress(at) => {
                evaluation.resume_with_relocated_address(at.wrapping_add(frame.slide))
            }
            EvaluationResult::RequiresRegister { .. } => {
                return Err("it was in a register");
            }
            _ => return Err(bad),
        }
        .map_err(|_| bad)?;
    }
    Err(bad)
}
