//! Where the parts of a program are in memory.

use elfcore::{Arch, Auxv, Bytes, Elf, Memory, Segment};

/// Program headers that are looked at.
const HEADERS: u64 = 128;
/// Bytes of a segment that are searched: the largest programs have a quarter of it.
const SEARCHED: u64 = 1 << 30;
/// Bytes of all segments together.
const WHOLE: u64 = 2 << 30;

/// Where the parts of a program are in memory, by its program headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// What was added to its addresses.
    pub slide: u64,
    /// What may be written to: start and end.
    pub writable: Vec<(u64, u64)>,
    /// What may not.
    pub constant: Vec<(u64, u64)>,
    /// Where its sections say that the line table is.
    pub(crate) pclntab: Option<u64>,
    /// Where they say that the build info is.
    pub(crate) buildinfo: Option<u64>,
}

impl Outline {
    /// Of an executable that was loaded with this slide.
    pub fn of_file(bytes: &(impl Bytes + ?Sized), elf: &Elf, slide: u64) -> Self {
        let loads = elf
            .loads()
            .map(|load| (load.address, load.size, load.rights.1));
        let mut outline = Self::of_loads(loads, slide);
        let sections = elf.sections(bytes);
        let section = |names: &[&[u8]]| {
            let found = sections
                .iter()
                .find(|section| names.contains(&section.name.as_slice()))?;
            Some(found.address.wrapping_add(slide))
        };
        outline.pclntab = section(&[b".gopclntab", b".data.rel.ro.gopclntab"]);
        outline.buildinfo = section(&[b".go.buildinfo"]);
        outline
    }

    /// Of the program that ran, by the program headers in its own memory.
    pub fn of_memory(memory: &dyn Memory, auxv: &Auxv) -> Option<Self> {
        let at = auxv.get(Auxv::PHDR)?;
        let count = auxv.get(Auxv::PHNUM)?.min(HEADERS);
        let table = memory.some(at, count.saturating_mul(56));
        let word = |header: &[u8], at: usize| {
            let word = header.get(at..)?.first_chunk::<8>()?;
            Some(u64::from_le_bytes(*word))
        };
        let head = |header: &[u8]| {
            let word = header.first_chunk::<8>()?;
            let word = u64::from_le_bytes(*word);
            Some((word & 0xffff_ffff, word >> 32))
        };
        let own = table
            .chunks_exact(56)
            .find(|header| head(header).is_some_and(|(kind, _)| kind == 6))
            .and_then(|header| word(header, 16));
        // A program of Go's own linker that is not position-independent has a PT_PHDR, too.
        let slide = own.map_or(0, |own| at.wrapping_sub(own));
        let loads = table.chunks_exact(56).filter_map(|header| {
            let (kind, flags) = head(header)?;
            (kind == 1).then_some(())?;
            Some((word(header, 16)?, word(header, 40)?, flags & 2 != 0))
        });
        let outline = Self::of_loads(loads, slide);
        (!outline.writable.is_empty()).then_some(outline)
    }

    /// Of a core of which only the segments are known: everything in it is searched.
    pub fn of_segments(segments: &[Segment]) -> Self {
        let loads = segments.iter().filter(|segment| !segment.is_notes);
        Self::of_loads(
            loads.map(|load| (load.address, load.held, load.rights.1)),
            0,
        )
    }

    fn of_loads(loads: impl Iterator<Item = (u64, u64, bool)>, slide: u64) -> Self {
        let mut outline = Self {
            slide,
            ..Self::default()
        };
        let mut left = WHOLE;
        for (address, size, writable) in loads {
            let size = size.min(SEARCHED).min(left);
            left = left.saturating_sub(size);
            let start = address.wrapping_add(slide);
            let range = (start, start.saturating_add(size));
            if writable {
                outline.writable.push(range);
            } else {
                outline.constant.push(range);
            }
        }
        outline
    }

    /// Bytes between two instructions.
    pub(crate) const fn quantum(arch: Arch) -> u8 {
        match arch {
            Arch::Amd64 => 1,
            Arch::Arm64 => 4,
        }
    }
}

/// Places of `pattern` in the memory of `ranges`, aligned to `step`; the first for which `is` says
/// yes.
pub(crate) fn search<T>(
    memory: &dyn Memory,
    ranges: &[(u64, u64)],
    pattern: &[u8],
    step: u64,
    mut is: impl FnMut(u64) -> Option<T>,
) -> Option<T> {
    const CHUNK: u64 = 1 << 20;
    let finder = memchr::memmem::Finder::new(pattern);
    let more = u64::try_from(pattern.len()).unwrap_or(0);
    for (start, end) in ranges {
        let mut at = *start;
        while at < *end {
            let want = end.saturating_sub(at).min(CHUNK.saturating_add(more));
            let bytes = memory.some(at, want);
            for place in finder.find_iter(&bytes) {
                let place = at.saturating_add(u64::try_from(place).unwrap_or(0));
                if place.checked_rem(step) == Some(0)
                    && let Some(found) = is(place)
                {
                    return Some(found);
                }
            }
            // What is not there is stepped over by pages.
            let read = u64::try_from(bytes.len()).unwrap_or(0);
            let step = if read < want {
                (read & !0xfff).saturating_add(0x1000)
            } else {
                CHUNK
            };
            let Some(next) = at.checked_add(step) else {
                break;
            };
            at = if read < want { next & !0xfff } else { next };
        }
    }
    None
}
