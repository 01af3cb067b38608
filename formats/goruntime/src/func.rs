//! Functions, and what the line table tells of a program counter.
//!
//! Values that depend on the program counter (line, file, size of the frame, what is inlined) are
//! tables of differences: a zigzag varint for the value, a varint for the distance; the value holds
//! below the sum of distances.

use std::collections::BTreeSet;

use elfcore::Memory;
use finding::Text;

use crate::module::ModuleData;
use crate::pclntab::Form;

/// Bytes of a table that are read at once, and the most that one has.
const STEP: u64 = 512;
const TABLE: u64 = 4 << 20;
/// Bytes of a name.
const NAME: u64 = 1 << 16;
/// Functions that are inlined into each other: the compiler stops much earlier.
const INLINED: usize = 128;

/// One function of the line table (`_func`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Func {
    /// Where it begins.
    pub(crate) entry: u64,
    name: u32,
    pcsp: u32,
    pcfile: u32,
    pcln: u32,
    unit: u32,
    /// Which of the special functions it is.
    pub(crate) id: u8,
    flags: u8,
    pcdata: Vec<u32>,
    funcdata: Vec<u64>,
}

/// Line and file of a place, and the function it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) function: Text,
    pub(crate) id: u8,
    pub(crate) file: Text,
    pub(crate) number: u32,
    /// Whether it is inlined into the next.
    pub(crate) inlined: bool,
}

/// The line table.
#[derive(Clone, Copy)]
pub(crate) struct Table<'m> {
    pub(crate) memory: &'m dyn Memory,
    pub(crate) module: &'m ModuleData,
    pub(crate) quantum: u64,
}

impl Func {
    /// The runtime's mark: a stack ends here.
    pub(crate) const fn is_top(&self) -> bool {
        self.flags & 1 != 0
    }

    /// It changes the stack pointer in ways that the table does not tell.
    pub(crate) const fn writes_sp(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Where one of its funcdata is.
    pub(crate) fn data(&self, index: usize) -> Option<u64> {
        self.funcdata.get(index).copied().filter(|at| *at != 0)
    }
}

impl Table<'_> {
    /// The function that holds `pc`.
    pub(crate) fn find(&self, pc: u64) -> Option<Func> {
        if !self.module.has(pc) {
            return None;
        }
        // The last function that begins at or before it.
        let (mut low, mut high) = (0, self.module.head.functions);
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            if self.entry(middle)?.0 <= pc {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        self.at(low.checked_sub(1)?)
    }

    /// The function of that number.
    pub(crate) fn at(&self, index: u64) -> Option<Func> {
        let (_, offset) = self.entry(index)?;
        self.func(offset)
    }

    /// Entry and offset of the function of that number.
    fn entry(&self, index: u64) -> Option<(u64, u64)> {
        let [.., functions] = self.module.head.parts;
        if self.module.head.form == Form::V116 {
            let at = functions.checked_add(index.checked_mul(16)?)?;
            let mut bytes = [0; 16];
            (self.memory.read_memory(at, &mut bytes) == 16).then_some(())?;
            let (pc, offset) = bytes.split_at(8);
            Some((
                u64::from_le_bytes(*pc.first_chunk()?),
                u64::from_le_bytes(*offset.first_chunk()?),
            ))
        } else {
            let at = functions.checked_add(index.checked_mul(8)?)?;
            let word = self.memory.u64(at)?;
            let pc = self.module.text.0.checked_add(word & 0xffff_ffff)?;
            Some((pc, word >> 32))
        }
    }

    fn func(&self, offset: u64) -> Option<Func> {
        let [.., functions] = self.module.head.parts;
        let form = self.module.head.form;
        let at = functions.checked_add(offset)?;
        let bytes = self.memory.some(at, 48);
        let word = |at: usize| {
            let bytes = bytes.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*bytes))
        };
        // Where the fields after the entry begin, and those after the unit.
        let (fields, tail, size) = match form {
            Form::V116 => (8, 40, 44),
            Form::V118 => (4, 36, 40),
            Form::V120 => (4, 40, 44),
        };
        let entry = if form == Form::V116 {
            u64::from_le_bytes(*bytes.first_chunk()?)
        } else {
            self.module.text.0.checked_add(u64::from(word(0)?))?
        };
        let field = |index: usize| word(index.checked_mul(4)?.checked_add(fields)?);
        let byte = |index: usize| bytes.get(index.checked_add(tail)?).copied();
        let pcdata_count = u64::from(field(6)?).min(64);
        let funcdata_count = u64::from(byte(3)?).min(64);
        let pcdata_at = at.checked_add(size)?;
        let pcdata = self.memory.some(pcdata_at, pcdata_count.checked_mul(4)?);
        let pcdata: Vec<u32> = pcdata
            .chunks_exact(4)
            .filter_map(|word| word.first_chunk().copied().map(u32::from_le_bytes))
            .collect();
        let after = pcdata_at.checked_add(pcdata_count.checked_mul(4)?)?;
        let funcdata = if form == Form::V116 {
            let after = after.checked_next_multiple_of(8)?;
            let words = self.memory.some(after, funcdata_count.checked_mul(8)?);
            words
                .chunks_exact(8)
                .filter_map(|word| word.first_chunk().copied().map(u64::from_le_bytes))
                .collect()
        } else {
            let words = self.memory.some(after, funcdata_count.checked_mul(4)?);
            words
                .chunks_exact(4)
                .filter_map(|word| word.first_chunk().copied().map(u32::from_le_bytes))
                .map(|offset| match offset {
                    u32::MAX => 0,
                    offset => self.module.gofunc.wrapping_add(u64::from(offset)),
                })
                .collect()
        };
        Some(Func {
            entry,
            name: field(0)?,
            pcsp: field(3)?,
            pcfile: field(4)?,
            pcln: field(5)?,
            unit: field(7)?,
            id: byte(0)?,
            flags: byte(1)?,
            pcdata,
            funcdata,
        })
    }

    /// A value of a table at a program counter.
    fn value(&self, table: u32, entry: u64, pc: u64) -> Option<i64> {
        let mut found = None;
        self.values(table, entry, |value, until| {
            found = (pc < until).then_some(value);
            found.is_none()
        });
        found
    }

    /// Each value of a table with the address behind the last at which it holds, as long as `more` says so.
    fn values(&self, table: u32, entry: u64, mut more: impl FnMut(i64, u64) -> bool) -> Option<()> {
        if table == 0 {
            return None;
        }
        let [_, _, _, tables, _] = self.module.head.parts;
        let mut bytes = Stream {
            memory: self.memory,
            at: tables.checked_add(u64::from(table))?,
            left: TABLE,
            held: Vec::new(),
            next: 0,
        };
        let mut value = -1_i64;
        let mut until = entry;
        let mut first = true;
        loop {
            let step = bytes.varint()?;
            if step == 0 && !first {
                return None;
            }
            first = false;
            let (half, odd) = (step >> 1, step & 1);
            let half = i64::from(half);
            value = value.wrapping_add(if odd == 1 { !half } else { half });
            let distance = u64::from(bytes.varint()?).wrapping_mul(self.quantum);
            until = until.wrapping_add(distance);
            if !more(value, until) {
                return None;
            }
        }
    }

    /// Bytes of the frame at a program counter, without the return address.
    pub(crate) fn frame_size(&self, func: &Func, pc: u64) -> Option<u64> {
        let size = self.value(func.pcsp, func.entry, pc)?;
        u64::try_from(size).ok()
    }

    /// One of the values that the compiler notes for the runtime.
    pub(crate) fn pcdata(&self, func: &Func, index: usize, pc: u64) -> Option<i64> {
        let table = func.pcdata.get(index).copied()?;
        self.value(table, func.entry, pc)
    }

    /// The name of a function.
    pub(crate) fn name(&self, func: &Func) -> Text {
        self.name_at(func.name)
    }

    fn name_at(&self, offset: u32) -> Text {
        let [names, ..] = self.module.head.parts;
        Text::from(c_string(self.memory, names.wrapping_add(u64::from(offset))))
    }

    fn file(&self, func: &Func, pc: u64) -> Text {
        let find = || {
            let number = self.value(func.pcfile, func.entry, pc)?;
            let [_, units, files, ..] = self.module.head.parts;
            let index = u64::from(func.unit).checked_add(u64::try_from(number).ok()?)?;
            let offset = self
                .memory
                .u32(units.checked_add(index.checked_mul(4)?)?)
                .filter(|offset| *offset != u32::MAX)?;
            Some(c_string(self.memory, files.checked_add(u64::from(offset))?))
        };
        Text::from(find().unwrap_or_default())
    }

    fn line(&self, func: &Func, pc: u64) -> u32 {
        let line = self.value(func.pcln, func.entry, pc);
        line.and_then(|line| u32::try_from(line).ok()).unwrap_or(0)
    }

    /// The lines of a program counter: what is inlined there first, the function itself last.
    pub(crate) fn lines(&self, func: &Func, pc: u64) -> Vec<Line> {
        let mut found = Vec::new();
        let mut pc = pc;
        let mut index = self.pcdata(func, 2, pc);
        while let Some(at) = index.and_then(|index| u64::try_from(index).ok()) {
            let Some((id, name, parent)) = self.inlined(func, at) else {
                break;
            };
            found.push(Line {
                function: self.name_at(name),
                id,
                file: self.file(func, pc),
                number: self.line(func, pc),
                inlined: true,
            });
            if found.len() >= INLINED {
                break;
            }
            pc = func.entry.wrapping_add(u64::from(parent));
            index = self.pcdata(func, 2, pc);
        }
        found.push(Line {
            function: self.name(func),
            id: func.id,
            file: self.file(func, pc),
            number: self.line(func, pc),
            inlined: false,
        });
        found
    }

    /// All functions that are inlined into this one, each with where it is called.
    pub(crate) fn inlined_calls(&self, func: &Func) -> Vec<(Text, u64)> {
        let mut indices = BTreeSet::new();
        let table = func.pcdata.get(2).copied().unwrap_or(0);
        self.values(table, func.entry, |value, _| {
            indices.extend(u64::try_from(value));
            indices.len() < INLINED
        });
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for at in indices {
            let mut index = Some(at);
            while let Some(at) = index.filter(|at| seen.insert(*at)) {
                let Some((_, name, parent)) = self.inlined(func, at) else {
                    break;
                };
                let call = func.entry.wrapping_add(u64::from(parent));
                found.push((self.name_at(name), call));
                let outer = self.pcdata(func, 2, call);
                index = outer.and_then(|index| u64::try_from(index).ok());
            }
        }
        found
    }

    /// Where a program counter is in the function itself: of what is inlined there, where it is called.
    pub(crate) fn position(&self, func: &Func, pc: u64) -> u64 {
        let mut pc = pc;
        for _ in 0..INLINED {
            let index = self.pcdata(func, 2, pc);
            let inlined = index.and_then(|index| self.inlined(func, u64::try_from(index).ok()?));
            let Some((_, _, parent)) = inlined else { break };
            pc = func.entry.wrapping_add(u64::from(parent));
        }
        pc
    }

    /// Bytes from the beginning of a function to that of the next.
    pub(crate) fn length(&self, func: &Func) -> u64 {
        let (mut low, mut high) = (0, self.module.head.functions);
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            match self.entry(middle) {
                Some((pc, _)) if pc <= func.entry => low = middle.saturating_add(1),
                Some(_) => high = middle,
                None => return 0,
            }
        }
        let next = self.entry(low).map_or(self.module.text.1, |(pc, _)| pc);
        next.saturating_sub(func.entry)
    }

    /// An entry of a function's tree of inlined calls: its id, its name, and where it is called.
    fn inlined(&self, func: &Func, index: u64) -> Option<(u8, u32, u32)> {
        let tree = func.data(3)?;
        let (size, id, name, parent) = if self.module.head.form >= Form::V120 {
            (16, 0, 4, 8)
        } else {
            (20, 2, 12, 16)
        };
        let at = tree.checked_add(index.checked_mul(size)?)?;
        Some((
            self.memory.u8(at.checked_add(id)?)?,
            self.memory.u32(at.checked_add(name)?)?,
            self.memory.u32(at.checked_add(parent)?)?,
        ))
    }
}

/// A text that ends with a zero.
fn c_string(memory: &dyn Memory, at: u64) -> Vec<u8> {
    let mut text = Vec::new();
    let mut at = at;
    let mut left = NAME;
    while left > 0 {
        let piece = memory.some(at, 128);
        if let Some(end) = piece.iter().position(|byte| *byte == 0) {
            text.extend_from_slice(piece.get(..end).unwrap_or_default());
            break;
        }
        text.extend_from_slice(&piece);
        if piece.len() < 128 {
            break;
        }
        left = left.saturating_sub(128);
        at = at.wrapping_add(128);
    }
    text
}

/// Bytes of memory, one after the other.
struct Stream<'m> {
    memory: &'m dyn Memory,
    at: u64,
    left: u64,
    held: Vec<u8>,
    next: usize,
}

impl Stream<'_> {
    fn byte(&mut self) -> Option<u8> {
        if self.next >= self.held.len() {
            self.held = self.memory.some(self.at, STEP.min(self.left));
            let count = u64::try_from(self.held.len()).ok()?;
            self.at = self.at.checked_add(count)?;
            self.left = self.left.saturating_sub(count);
            self.next = 0;
        }
        let byte = self.held.get(self.next).copied()?;
        self.next = self.next.saturating_add(1);
        Some(byte)
    }

    fn varint(&mut self) -> Option<u32> {
        let (value, _) = view::uvarint(core::iter::from_fn(|| self.byte()))?;
        u32::try_from(value).ok()
    }
}
