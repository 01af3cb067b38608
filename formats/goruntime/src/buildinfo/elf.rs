//! One section of an ELF file, found with three reads.

use goblin::container::Ctx;
use goblin::elf::section_header::{SHT_NOBITS, SectionHeader};
use goblin::elf::{Elf, header};

use crate::NoBuildInfo;

/// Names of sections take no more than that, and as many sections as can be counted.
const NAMES: u64 = 1 << 20;

/// The bytes of the section `name`, at most `limit`.
pub(crate) fn section(
    read_at: &mut impl FnMut(u64, &mut [u8]) -> Option<usize>,
    name: &str,
    limit: usize,
) -> Result<Vec<u8>, NoBuildInfo> {
    let mut bytes = |at: u64, length: usize| {
        let mut bytes = vec![0; length];
        let count = read_at(at, &mut bytes).ok_or(NoBuildInfo::Unread)?;
        bytes.truncate(count);
        Ok(bytes)
    };
    let start = bytes(0, 64)?;
    if !start.starts_with(header::ELFMAG) {
        return Err(NoBuildInfo::NotElf);
    }
    let whole = |_| NoBuildInfo::NotElf;
    let header = Elf::parse_header(&start).map_err(whole)?;
    let container = header.container().map_err(whole)?;
    let context = Ctx::new(container, header.endianness().map_err(whole)?);
    let count = usize::from(header.e_shnum);
    let size = SectionHeader::size(context);
    let table = bytes(header.e_shoff, count.saturating_mul(size))?;
    let sections = SectionHeader::parse_from(&table, 0, count, context).map_err(whole)?;
    let names = sections
        .get(usize::from(header.e_shstrndx))
        .ok_or(NoBuildInfo::NotElf)?;
    let length = usize::try_from(names.sh_size.min(NAMES)).map_err(|_| NoBuildInfo::NotElf)?;
    let names = bytes(names.sh_offset, length)?;
    let called = |section: &&SectionHeader| {
        let rest = names.get(section.sh_name..).unwrap_or_default();
        rest.strip_prefix(name.as_bytes())
            .is_some_and(|end| end.first() == Some(&0))
    };
    let found = sections
        .iter()
        .filter(|section| section.sh_type != SHT_NOBITS)
        .find(called)
        .ok_or(NoBuildInfo::NotGo)?;
    let length = usize::try_from(found.sh_size).unwrap_or(limit).min(limit);
    bytes(found.sh_offset, length)
}
