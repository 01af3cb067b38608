//! DWARF, where a program or a file beside it still has it: layouts of structures, and variables.
//!
//! Nothing else rests on it: production builds have none. Go packs the sections with zlib since 1.11 (`SHF_COMPRESSED`,
//! or `.zdebug_*` before), and writes DWARF 4, from 1.25 on DWARF 5; each package is a unit of its own, named
//! by its path.

mod layouts;
mod link;
mod value;
mod variables;

use std::io::Read as _;
use std::sync::Arc;

use elfcore::{Bytes, Elf};
use flate2::read::ZlibDecoder;
use gimli::{EndianArcSlice, LittleEndian, SectionId};

pub use link::DebugLink;
pub use variables::{Variable, Variables};

/// Bytes of all sections together, unpacked: those of the largest programs have a quarter of it.
const LIMIT: u64 = 1 << 30;

pub(crate) type Reader = EndianArcSlice<LittleEndian>;

/// The debugging information of a program.
#[expect(
    missing_debug_implementations,
    reason = "sections have nothing to show"
)]
pub struct Dwarf {
    pub(crate) dwarf: gimli::Dwarf<Reader>,
}

impl Dwarf {
    /// That of a file, if it has any.
    pub fn of_file(bytes: &(impl Bytes + ?Sized), elf: &Elf) -> Option<Self> {
        let sections = elf.sections(bytes);
        let mut left = LIMIT;
        let mut load = |id: SectionId| -> Result<Reader, gimli::Error> {
            let name = id.name();
            let old = name.replacen(".debug_", ".zdebug_", 1);
            let section = sections.iter().find(|section| {
                let named = section.name.as_slice();
                section.has_bytes && (named == name.as_bytes() || named == old.as_bytes())
            });
            let held = section.and_then(|section| {
                let limit = usize::try_from(left).ok()?;
                let held = bytes.some(section.offset, section.size, limit);
                let old = section.name.starts_with(b".zdebug");
                if !section.packed && !old {
                    return Some(held);
                }
                // Elf64_Chdr: type (1: zlib, 2: zstd), nothing, size, alignment. Before it: "ZLIB", size.
                let kind = if old {
                    1
                } else {
                    u32::from_le_bytes(*held.first_chunk()?)
                };
                let stream = held.get(if old { 12 } else { 24 }..)?;
                let mut unpacked = Vec::new();
                match kind {
                    1 => ZlibDecoder::new(stream)
                        .take(left)
                        .read_to_end(&mut unpacked),
                    2 => zstd::Decoder::new(stream)
                        .ok()?
                        .take(left)
                        .read_to_end(&mut unpacked),
                    _ => return None,
                }
                .ok()?;
                Some(unpacked)
            });
            let held = held.unwrap_or_default();
            left = left.saturating_sub(u64::try_from(held.len()).unwrap_or(u64::MAX));
            Ok(EndianArcSlice::new(Arc::from(held), LittleEndian))
        };
        let dwarf = gimli::Dwarf::load(&mut load).ok()?;
        let has_any = dwarf.units().next().ok().flatten().is_some();
        has_any.then_some(Self { dwarf })
    }
}

/// The text of an attribute.
pub(crate) fn attribute_text(
    dwarf: &gimli::Dwarf<Reader>,
    unit: &gimli::Unit<Reader>,
    value: Option<gimli::AttributeValue<Reader>>,
) -> Option<String> {
    use gimli::Reader as _;
    let name = dwarf.attr_string(unit, value?).ok()?;
    Some(name.to_string_lossy().ok()?.into_owned())
}
