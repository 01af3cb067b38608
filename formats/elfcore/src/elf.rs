//! ELF headers: of cores and of executables.

use core::fmt;

use goblin::container::{Container, Ctx, Endian};
use goblin::elf::header::{self, EM_AARCH64, EM_X86_64, ET_CORE, ET_DYN, ET_EXEC, Header};
use goblin::elf::program_header::{PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE, ProgramHeader};
use goblin::elf::section_header::{SHF_COMPRESSED, SHT_NOBITS, SectionHeader};
use serde::Serialize;

use crate::{Auxv, Bytes};

/// Program headers that are looked at: a process may have 65,530 areas by default, and ten times
/// as many where it was allowed to.
const SEGMENTS: usize = 1 << 20;
/// Sections that are looked at.
const SECTIONS: usize = 1 << 16;
/// Bytes of their names.
const NAMES: usize = 1 << 20;

/// An architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

impl Arch {
    /// Go's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

/// A program header of memory or of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Whether it is of notes, not of memory.
    pub is_notes: bool,
    /// Its address in memory; in a position-independent executable without the slide.
    pub address: u64,
    /// Bytes that it has in memory.
    pub size: u64,
    /// Where its bytes are in the file.
    pub offset: u64,
    /// How many bytes of it are in the file.
    pub held: u64,
    /// Whether it may be read, written, executed.
    pub rights: (bool, bool, bool),
}

/// A section of an executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: Vec<u8>,
    /// Its address, without the slide; 0 if it is not loaded.
    pub address: u64,
    /// Where its bytes are in the file.
    pub offset: u64,
    /// How many.
    pub size: u64,
    /// Whether it has bytes in the file.
    pub has_bytes: bool,
    /// Whether they are packed (`SHF_COMPRESSED`).
    pub packed: bool,
}

/// The headers of an ELF file.
#[derive(Debug, Clone)]
pub struct Elf {
    /// Its architecture.
    pub arch: Arch,
    /// Whether it is a core.
    pub is_core: bool,
    /// Whether it is position-independent: a slide is added to its addresses.
    pub is_pie: bool,
    /// Where it begins to run.
    pub entry: u64,
    /// Where its program headers are in the file.
    pub headers_at: u64,
    /// Its segments, in the file's order.
    pub segments: Vec<Segment>,
    /// How many segments it claims, if that is more than are there.
    pub claims_segments: Option<u64>,
    sections_at: u64,
    section_count: u16,
    names_index: u16,
}

/// Why a file is no ELF file that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotElf {
    /// It does not begin as one.
    Magic,
    /// It is one of 32 bits or big-endian.
    Class,
    /// It is of another machine.
    Machine(u16),
    /// It is neither a core nor a program.
    Kind(u16),
    /// Its headers are not whole.
    Short,
}

impl fmt::Display for NotElf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("it is no ELF file"),
            Self::Class => f.write_str("it is an ELF file of 32 bits or of a big-endian machine"),
            Self::Machine(machine) => {
                write!(f, "it is of machine {machine}; amd64 and arm64 are known")
            }
            Self::Kind(kind) => {
                write!(f, "it is an ELF file of type {kind}, not a program or core")
            }
            Self::Short => f.write_str("its ELF header is cut"),
        }
    }
}

impl core::error::Error for NotElf {}

impl Elf {
    /// Reads the headers.
    pub fn read_elf(bytes: &(impl Bytes + ?Sized)) -> Result<Self, NotElf> {
        let start = bytes.some(0, 64, 64);
        if !start.starts_with(header::ELFMAG) {
            return Err(NotElf::Magic);
        }
        if start.get(4..6) != Some(&[2, 1]) {
            return Err(NotElf::Class);
        }
        if start.len() < 64 {
            return Err(NotElf::Short);
        }
        let head: Header = goblin::elf::Elf::parse_header(&start).map_err(|_| NotElf::Short)?;
        let arch = match head.e_machine {
            EM_X86_64 => Arch::Amd64,
            EM_AARCH64 => Arch::Arm64,
            other => return Err(NotElf::Machine(other)),
        };
        if !matches!(head.e_type, ET_CORE | ET_DYN | ET_EXEC) {
            return Err(NotElf::Kind(head.e_type));
        }
        let (claimed, segments) = segments(bytes, &head);
        let there = u64::try_from(segments.0).unwrap_or(u64::MAX);
        Ok(Self {
            arch,
            is_core: head.e_type == ET_CORE,
            is_pie: head.e_type == ET_DYN,
            entry: head.e_entry,
            headers_at: head.e_phoff,
            segments: segments.1,
            claims_segments: (claimed > there).then_some(claimed),
            sections_at: head.e_shoff,
            section_count: head.e_shnum,
            names_index: head.e_shstrndx,
        })
    }

    /// The sections, where the file still has them: nothing depends on it.
    pub fn sections(&self, bytes: &(impl Bytes + ?Sized)) -> Vec<Section> {
        let context = context();
        let size = SectionHeader::size(context);
        let count = usize::from(self.section_count).min(SECTIONS);
        let length = count.saturating_mul(size);
        let table = bytes.some(self.sections_at, wide(length), length);
        let count = table.len().checked_div(size).unwrap_or(0).min(count);
        let Ok(headers) = SectionHeader::parse_from(&table, 0, count, context) else {
            return Vec::new();
        };
        let Some(names) = headers.get(usize::from(self.names_index)) else {
            return Vec::new();
        };
        let names = bytes.some(names.sh_offset, names.sh_size, NAMES);
        let sections = headers.iter().map(|header| {
            let rest = names.get(header.sh_name..).unwrap_or_default();
            let end = rest.iter().take(256).position(|byte| *byte == 0);
            Section {
                name: rest.get(..end.unwrap_or(0)).unwrap_or_default().to_vec(),
                address: header.sh_addr,
                offset: header.sh_offset,
                size: header.sh_size,
                has_bytes: header.sh_type != SHT_NOBITS,
                packed: header.sh_flags & u64::from(SHF_COMPRESSED) != 0,
            }
        });
        sections.collect()
    }

    /// Segments of memory.
    pub fn loads(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| !segment.is_notes)
    }

    /// What was added to the addresses of this program where it ran, by the kernel's own words.
    pub fn slide(&self, auxv: &Auxv) -> u64 {
        if !self.is_pie {
            return 0;
        }
        let by_entry = auxv.get(Auxv::ENTRY);
        let by_entry = by_entry.map(|entry| entry.wrapping_sub(self.entry));
        let headers = auxv.get(Auxv::PHDR).zip(self.headers_address());
        let by_headers = headers.map(|(at, address)| at.wrapping_sub(address));
        by_entry.or(by_headers).unwrap_or(0)
    }

    /// Address of the program headers in memory, without the slide.
    pub fn headers_address(&self) -> Option<u64> {
        let at = self.headers_at;
        self.loads()
            .find(|load| load.offset <= at && at.saturating_sub(load.offset) < load.held)
            .and_then(|load| load.address.checked_add(at.saturating_sub(load.offset)))
    }
}

pub(crate) fn context() -> Ctx {
    Ctx::new(Container::Big, Endian::Little)
}

pub(crate) fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// How many program headers are claimed; how many are there, and those of memory and notes.
fn segments(bytes: &(impl Bytes + ?Sized), head: &Header) -> (u64, (usize, Vec<Segment>)) {
    let context = context();
    let mut claimed = u64::from(head.e_phnum);
    if head.e_phnum == 0xffff {
        // The true number stands in the first section header (PN_XNUM).
        let size = SectionHeader::size(context);
        let first = bytes.some(head.e_shoff, wide(size), size);
        let first = SectionHeader::parse_from(&first, 0, 1, context).ok();
        if let Some(first) = first.as_ref().and_then(|first| first.first())
            && first.sh_info != 0
        {
            claimed = u64::from(first.sh_info);
        }
    }
    let size = ProgramHeader::size(context);
    let count = usize::try_from(claimed).unwrap_or(SEGMENTS).min(SEGMENTS);
    let length = count.saturating_mul(size);
    let table = bytes.some(head.e_phoff, wide(length), length);
    let count = table.len().checked_div(size).unwrap_or(0).min(count);
    let headers = ProgramHeader::parse(&table, 0, count, context).unwrap_or_default();
    let found = headers
        .iter()
        .filter(|header| matches!(header.p_type, PT_LOAD | PT_NOTE))
        .map(|header| Segment {
            is_notes: header.p_type == PT_NOTE,
            address: header.p_vaddr,
            size: header.p_memsz,
            offset: header.p_offset,
            held: if header.p_type == PT_LOAD {
                header.p_filesz.min(header.p_memsz)
            } else {
                header.p_filesz
            },
            rights: (
                header.p_flags & PF_R != 0,
                header.p_flags & PF_W != 0,
                header.p_flags & PF_X != 0,
            ),
        });
    (claimed, (headers.len(), found.collect()))
}
