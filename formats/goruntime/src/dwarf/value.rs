//! Values as people write them.

use elfcore::Memory;
use finding::Escaped;
use gimli::{
    AttributeValue, DW_AT_byte_size, DW_AT_data_member_location, DW_AT_encoding, DW_AT_name,
    DW_AT_type, DW_TAG_array_type, DW_TAG_base_type, DW_TAG_member, DW_TAG_pointer_type,
    DW_TAG_structure_type, DW_TAG_subroutine_type, DW_TAG_typedef, Unit, UnitOffset,
};

use super::{Reader, attribute_text};

/// Bytes of a variable.
pub(super) const LIMIT: u64 = 4096;
/// Bytes of a string that are shown.
const STRING: u64 = 120;
/// Fields of a structure, and elements of an array, that are shown.
const FIELDS: usize = 8;
/// Structures in structures.
const DEPTH: usize = 2;

/// Bytes of a variable; nothing for those that are not known.
pub(super) type Bytes = Vec<Option<u8>>;

type Debug = gimli::Dwarf<Reader>;

/// How many there are.
pub(super) fn count(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The type behind other names of it.
fn behind(unit: &Unit<Reader>, at: UnitOffset) -> Option<UnitOffset> {
    let mut at = at;
    for _ in 0..16 {
        let entry = unit.entry(at).ok()?;
        if entry.tag() != DW_TAG_typedef {
            return Some(at);
        }
        at = reference(unit, entry.attr_value(DW_AT_type))?;
    }
    None
}

fn reference(unit: &Unit<Reader>, value: Option<AttributeValue<Reader>>) -> Option<UnitOffset> {
    match value? {
        AttributeValue::UnitRef(at) => Some(at),
        AttributeValue::DebugInfoRef(at) => at.to_unit_offset(&unit.header),
        _ => None,
    }
}

/// The name of a type.
pub(super) fn type_name(dwarf: &Debug, unit: &Unit<Reader>, at: UnitOffset) -> String {
    let entry = unit.entry(at).ok();
    let name = entry.and_then(|entry| attribute_text(dwarf, unit, entry.attr_value(DW_AT_name)));
    name.unwrap_or_else(|| "?".to_owned())
}

/// The size of a type.
pub(super) fn size(dwarf: &Debug, unit: &Unit<Reader>, at: UnitOffset) -> Option<u64> {
    let at = behind(unit, at)?;
    let entry = unit.entry(at).ok()?;
    let said = entry.attr_value(DW_AT_byte_size);
    if let Some(size) = said.and_then(|size| size.udata_value()) {
        return Some(size);
    }
    let tag = entry.tag();
    let _ = dwarf;
    (tag == DW_TAG_pointer_type || tag == DW_TAG_subroutine_type).then_some(8)
}

/// A word of a variable.
fn word(bytes: &[Option<u8>], at: usize, size: usize) -> Option<u64> {
    let held = bytes.get(at..at.checked_add(size)?)?;
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(held) {
        *to = (*from)?;
    }
    (size <= 8).then(|| u64::from_le_bytes(word))
}

/// A value as text; nothing if its type is of none that is shown.
pub(super) fn shown(
    dwarf: &Debug,
    unit: &Unit<Reader>,
    at: UnitOffset,
    bytes: &[Option<u8>],
    memory: &dyn Memory,
) -> Option<String> {
    inner(dwarf, unit, at, bytes, memory, 0)
}

fn inner(
    dwarf: &Debug,
    unit: &Unit<Reader>,
    at: UnitOffset,
    bytes: &[Option<u8>],
    memory: &dyn Memory,
    depth: usize,
) -> Option<String> {
    let said = type_name(dwarf, unit, at);
    let at = behind(unit, at)?;
    let entry = unit.entry(at).ok()?;
    let tag = entry.tag();
    let name = type_name(dwarf, unit, at);
    let unknown = || "?".to_owned();
    let hex = |at: usize| word(bytes, at, 8).map_or_else(unknown, |word| format!("{word:#x}"));
    if tag == DW_TAG_base_type {
        let size = entry.attr_value(DW_AT_byte_size)?.udata_value()?;
        let size = usize::try_from(size).ok()?;
        let encoding = entry.attr_value(DW_AT_encoding);
        let Some(AttributeValue::Encoding(encoding)) = encoding else {
            return None;
        };
        return base(encoding, size, bytes);
    }
    if tag == DW_TAG_pointer_type || tag == DW_TAG_subroutine_type {
        return Some(match word(bytes, 0, 8) {
            Some(0) => "nil".to_owned(),
            // Of both kinds of maps (hmap; since 1.24 internal/runtime/maps.Map) the first word is the count.
            Some(word) if said.starts_with("map[") => {
                let count = memory.u64(word);
                let count = count.map_or_else(unknown, |count| count.to_string());
                format!("len {count}, at {word:#x}")
            }
            Some(word) => format!("{word:#x}"),
            None => unknown(),
        });
    }
    if tag == DW_TAG_array_type {
        return array(dwarf, unit, at, bytes, memory, depth);
    }
    if tag != DW_TAG_structure_type {
        return None;
    }
    if name == "string" {
        let (Some(start), Some(len)) = (word(bytes, 0, 8), word(bytes, 8, 8)) else {
            return Some(unknown());
        };
        let held = memory.some(start, len.min(STRING));
        if u64::try_from(held.len()).ok() != Some(len.min(STRING)) {
            return Some(format!(
                "{len} bytes at {start:#x}, which are not in the core"
            ));
        }
        let more = if len > STRING {
            format!("… ({len} bytes)")
        } else {
            String::new()
        };
        return Some(format!("\"{}\"{more}", Escaped(&held)));
    }
    if name.starts_with("[]") {
        let number = |at: usize| word(bytes, at, 8).map_or_else(unknown, |word| word.to_string());
        return Some(format!(
            "len {}, cap {}, at {}",
            number(8),
            number(16),
            hex(0)
        ));
    }
    let members = members(dwarf, unit, at)?;
    let is_interface = matches!(members.first(), Some((name, ..)) if name == "tab" || name == "_type")
        && members.len() == 2;
    if is_interface {
        return Some(match word(bytes, 0, 8) {
            Some(0) => "nil".to_owned(),
            _ => format!("an interface whose data is at {}", hex(8)),
        });
    }
    if depth >= DEPTH {
        return Some("{…}".to_owned());
    }
    let mut parts = Vec::new();
    for (name, offset, kind) in members.iter().take(FIELDS) {
        let rest = bytes.get(usize::try_from(*offset).ok()?..)?;
        let deeper = depth.saturating_add(1);
        let value = inner(dwarf, unit, *kind, rest, memory, deeper);
        parts.push(format!(
            "{name}: {}",
            value.unwrap_or_else(|| "…".to_owned())
        ));
    }
    if members.len() > FIELDS {
        parts.push("…".to_owned());
    }
    Some(format!("{{{}}}", parts.join(", ")))
}

/// An array: its first elements.
fn array(
    dwarf: &Debug,
    unit: &Unit<Reader>,
    at: UnitOffset,
    bytes: &[Option<u8>],
    memory: &dyn Memory,
    depth: usize,
) -> Option<String> {
    if depth >= DEPTH {
        return Some("{…}".to_owned());
    }
    let entry = unit.entry(at).ok()?;
    let kind = reference(unit, entry.attr_value(DW_AT_type))?;
    let stride = usize::try_from(size(dwarf, unit, kind)?).ok()?;
    let all = entry.attr_value(DW_AT_byte_size)?.udata_value()?;
    let count = usize::try_from(all).ok()?.checked_div(stride).unwrap_or(0);
    let mut parts = Vec::new();
    for index in 0..count.min(FIELDS) {
        let rest = bytes.get(index.checked_mul(stride)?..)?;
        let deeper = depth.saturating_add(1);
        let value = inner(dwarf, unit, kind, rest, memory, deeper);
        parts.push(value.unwrap_or_else(|| "…".to_owned()));
    }
    if count > FIELDS {
        parts.push(format!("… ({count} elements)"));
    }
    Some(format!("[{}]", parts.join(", ")))
}

fn base(encoding: gimli::DwAte, size: usize, bytes: &[Option<u8>]) -> Option<String> {
    let Some(word) = word(bytes, 0, size) else {
        // Complex numbers have two words.
        return (size <= 8).then(|| "?".to_owned());
    };
    let bits = u32::try_from(size).ok()?.checked_mul(8)?;
    Some(if encoding == gimli::DW_ATE_boolean {
        match word {
            0 => "false".to_owned(),
            1 => "true".to_owned(),
            other => format!("{other} (a bool)"),
        }
    } else if encoding == gimli::DW_ATE_float {
        match size {
            4 => f32::from_bits(u32::try_from(word).ok()?).to_string(),
            _ => f64::from_bits(word).to_string(),
        }
    } else if encoding == gimli::DW_ATE_signed {
        let unused = 64_u32.checked_sub(bits)?;
        let shifted = word.checked_shl(unused)?.cast_signed();
        shifted.checked_shr(unused)?.to_string()
    } else {
        word.to_string()
    })
}

/// The fields of a structure: name, offset, type.
fn members(
    dwarf: &Debug,
    unit: &Unit<Reader>,
    at: UnitOffset,
) -> Option<Vec<(String, u64, UnitOffset)>> {
    let mut tree = unit.entries_tree(Some(at)).ok()?;
    let mut children = tree.root().ok()?.children();
    let mut found = Vec::new();
    while let Ok(Some(child)) = children.next() {
        let entry = child.entry();
        if entry.tag() != DW_TAG_member || found.len() > 256 {
            continue;
        }
        let name = attribute_text(dwarf, unit, entry.attr_value(DW_AT_name))?;
        let offset = entry
            .attr_value(DW_AT_data_member_location)?
            .udata_value()?;
        let kind = reference(unit, entry.attr_value(DW_AT_type))?;
        found.push((name, offset, kind));
    }
    Some(found)
}
