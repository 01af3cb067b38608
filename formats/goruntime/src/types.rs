//! Descriptors of types (`internal/abi/type.go`): what `new` needs of a type, and more than enough
//! to know the layout of the runtime's own structures in this very program.
//!
//! ```text
//! 0   8  size                 48  8  package
//! 20  1  flags: 2 = the name has a star in front       56  24  fields: address, count, room
//! 23  1  kind, in 5 bits: 25 = struct, 22 = pointer        each: name, type, offset
//! 40  4  offset of the name   name: flags, length (varint), bytes; before Go 1.17 a length of 2 bytes
//! ```

use std::collections::BTreeMap;

use elfcore::Memory;
use finding::Text;

use crate::GoVersion;
use crate::module::ModuleData;

/// Bytes of descriptors that are read.
const TYPES: u64 = 256 << 20;
/// Fields of a struct.
const FIELDS: u64 = 512;
/// Structs in structs.
const DEPTH: usize = 5;
/// Bytes of a name.
const NAME: u64 = 4096;
const STRUCT: u8 = 25;

/// The layout of a struct: its size, and the offset of each field by its path (`sched.sp`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) size: u64,
    pub(crate) fields: BTreeMap<String, u64>,
}

/// The layouts of these types of a package (`g` and `m` of `runtime`), as the program's descriptors
/// tell them.
pub(crate) fn layouts<'n>(
    memory: &dyn Memory,
    module: &ModuleData,
    version: GoVersion,
    package: &str,
    wanted: &[&'n str],
) -> BTreeMap<&'n str, Layout> {
    let (start, end) = module.types;
    let bytes = memory.some(start, end.saturating_sub(start).min(TYPES));
    // Names first: offset of the name's record -> type.
    let mut names: Vec<(u32, &'n str)> = Vec::new();
    let prefix = format!("*{package}.");
    for place in memchr::memmem::find_iter(&bytes, prefix.as_bytes()) {
        let rest = bytes.get(place..).unwrap_or_default();
        for name in wanted {
            let whole = name.len().saturating_add(prefix.len());
            let is = rest.get(prefix.len()..whole) == Some(name.as_bytes());
            let head = if version.minor >= 17 { 2 } else { 3 };
            let Some(record) = place.checked_sub(head).filter(|_| is) else {
                continue;
            };
            let says = match head {
                2 => bytes.get(place.wrapping_sub(1)).copied().map(usize::from),
                _ => bytes
                    .get(place.wrapping_sub(2)..place)
                    .and_then(|two| two.first_chunk::<2>())
                    .map(|two| usize::from(u16::from_be_bytes(*two))),
            };
            if says == Some(whole)
                && let Ok(record) = u32::try_from(record)
            {
                names.push((record, name));
            }
        }
    }
    let mut found = BTreeMap::new();
    for (index, descriptor) in bytes.chunks_exact(8).enumerate().skip(5) {
        let Some(name) = descriptor.first_chunk::<4>() else {
            continue;
        };
        let name = u32::from_le_bytes(*name);
        let Some((_, wanted)) = names.iter().find(|(record, _)| *record == name) else {
            continue;
        };
        let Some(offset) = index.checked_sub(5).and_then(|index| index.checked_mul(8)) else {
            continue;
        };
        let byte = |at: usize| bytes.get(offset.saturating_add(at)).copied().unwrap_or(0);
        if byte(23) & 31 != STRUCT || byte(20) & 2 == 0 {
            continue;
        }
        let at = start.saturating_add(u64::try_from(offset).unwrap_or(0));
        if let Some(layout) = layout(memory, at, version) {
            found.entry(*wanted).or_insert(layout);
        }
    }
    found
}

/// The layout of a struct by its descriptor.
fn layout(memory: &dyn Memory, at: u64, version: GoVersion) -> Option<Layout> {
    let mut layout = Layout {
        size: memory.u64(at)?,
        fields: BTreeMap::new(),
    };
    let mut todo = vec![(at, String::new(), 0_u64, 0_usize)];
    while let Some((at, path, base, depth)) = todo.pop() {
        let fields = memory.u64(at.checked_add(56)?)?;
        let count = memory.u64(at.checked_add(64)?)?.min(FIELDS);
        for index in 0..count {
            let field = fields.checked_add(index.checked_mul(24)?)?;
            let name = memory.u64(field)?;
            let kind = memory.u64(field.checked_add(8)?)?;
            let mut offset = memory.u64(field.checked_add(16)?)?;
            if version.minor <= 18 {
                offset >>= 1;
            }
            let offset = base.checked_add(offset)?;
            let name = name_at(memory, name, version)?.to_string();
            let path = if path.is_empty() {
                name
            } else {
                format!("{path}.{name}")
            };
            if memory.u8(kind.checked_add(23)?)? & 31 == STRUCT && depth < DEPTH {
                todo.push((kind, path.clone(), offset, depth.saturating_add(1)));
            }
            if layout.fields.len() > 4096 {
                return None;
            }
            layout.fields.insert(path, offset);
        }
    }
    Some(layout)
}

/// A name by its record.
fn name_at(memory: &dyn Memory, at: u64, version: GoVersion) -> Option<Text> {
    let head = memory.some(at, 4);
    let (len, start) = if version.minor >= 17 {
        match (*head.get(1)?, *head.get(2)?) {
            (low, _) if low < 0x80 => (u64::from(low), 2),
            (low, high) => (u64::from(low & 0x7f) | u64::from(high) << 7, 3),
        }
    } else {
        (
            u64::from(u16::from_be_bytes([*head.get(1)?, *head.get(2)?])),
            3,
        )
    };
    let len = usize::try_from(len.min(NAME)).ok()?;
    Some(Text::from(memory.all(at.checked_add(start)?, len)?))
}

/// The name of a type, as Go prints it: `chan struct {}` holds `struct {}`.
pub(crate) fn type_name(
    memory: &dyn Memory,
    module: &ModuleData,
    version: GoVersion,
    at: u64,
) -> Option<Text> {
    let (start, end) = module.types;
    if at < start || at >= end {
        return None;
    }
    let flags = memory.u8(at.checked_add(20)?)?;
    let offset = memory.u32(at.checked_add(40)?)?;
    let name = name_at(memory, start.checked_add(u64::from(offset))?, version)?;
    let star = flags & 2 != 0 && name.bytes().first() == Some(&b'*');
    let bytes = name.bytes().get(usize::from(star)..)?;
    (!bytes.is_empty()).then(|| Text::from(bytes))
}
