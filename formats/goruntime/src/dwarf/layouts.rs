//! The runtime's own structures.

use gimli::{
    AttributeValue, DW_AT_data_member_location, DW_AT_name, DW_AT_type, DW_TAG_member,
    DW_TAG_structure_type, DW_TAG_typedef, Unit, UnitOffset,
};

use super::{Dwarf, Reader, attribute_text};
use crate::types::Layout;

/// Structs in structs.
const DEPTH: usize = 5;
/// Fields of one structure, with those of the structs in it.
const FIELDS: usize = 4096;

impl Dwarf {
    /// The layouts of these types of a package (`g` and `m` of `runtime`).
    pub(crate) fn layouts<'n>(&self, package: &str, wanted: &[&'n str]) -> Vec<(&'n str, Layout)> {
        let mut units = self.dwarf.units();
        let mut found = Vec::new();
        while let Ok(Some(header)) = units.next() {
            let Ok(unit) = self.dwarf.unit(header) else {
                continue;
            };
            let name = unit.name.clone().map(AttributeValue::String);
            if attribute_text(&self.dwarf, &unit, name).as_deref() != Some(package) {
                continue;
            }
            let mut entries = unit.entries();
            while let Ok(Some(entry)) = entries.next_dfs() {
                if entry.tag() != DW_TAG_structure_type {
                    continue;
                }
                let name = attribute_text(&self.dwarf, &unit, entry.attr_value(DW_AT_name));
                let name = name
                    .as_deref()
                    .and_then(|name| name.strip_prefix(package)?.strip_prefix('.'));
                let offset = entry.offset();
                if let Some(wanted) = wanted.iter().find(|wanted| Some(**wanted) == name)
                    && let Some(layout) = self.layout(&unit, offset)
                {
                    found.push((*wanted, layout));
                }
            }
        }
        found
    }

    fn layout(&self, unit: &Unit<Reader>, at: UnitOffset) -> Option<Layout> {
        let mut layout = Layout {
            size: unit
                .entry(at)
                .ok()?
                .attr_value(gimli::DW_AT_byte_size)?
                .udata_value()?,
            ..Layout::default()
        };
        let mut todo = vec![(at, String::new(), 0_u64, 0_usize)];
        while let Some((at, path, base, depth)) = todo.pop() {
            let mut tree = unit.entries_tree(Some(at)).ok()?;
            let mut members = tree.root().ok()?.children();
            while let Ok(Some(member)) = members.next() {
                let member = member.entry();
                if member.tag() != DW_TAG_member || layout.fields.len() > FIELDS {
                    continue;
                }
                let name = attribute_text(&self.dwarf, unit, member.attr_value(DW_AT_name))?;
                let offset = member.attr_value(DW_AT_data_member_location);
                let offset = base.checked_add(offset?.udata_value()?)?;
                let path = if path.is_empty() {
                    name
                } else {
                    format!("{path}.{name}")
                };
                if let Some(inner) = structure(unit, member.attr_value(DW_AT_type))
                    && depth < DEPTH
                {
                    todo.push((inner, path.clone(), offset, depth.saturating_add(1)));
                }
                layout.fields.insert(path, offset);
            }
        }
        Some(layout)
    }
}

/// The structure that a type is, or is another name of.
fn structure(unit: &Unit<Reader>, kind: Option<AttributeValue<Reader>>) -> Option<UnitOffset> {
    let mut kind = kind;
    for _ in 0..8 {
        let at = match kind? {
            AttributeValue::UnitRef(at) => at,
            AttributeValue::DebugInfoRef(at) => at.to_unit_offset(&unit.header)?,
            _ => return None,
        };
        let entry = unit.entry(at).ok()?;
        if entry.tag() == DW_TAG_structure_type {
            return Some(at);
        }
        if entry.tag() != DW_TAG_typedef {
            return None;
        }
        kind = entry.attr_value(DW_AT_type);
    }
    None
}
