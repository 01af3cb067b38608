//! Whether a file could be run: its first bytes, its tables, and the place where it begins.
//!
//! A power loss leaves files whose names and sizes are there and whose bytes are not: a file of the
//! right size that is zero from some page on, or one that is shorter than its own tables say.

use std::fmt;

use goblin::container::Ctx;
use goblin::elf::header;
use goblin::elf::program_header::{PT_INTERP, PT_LOAD, ProgramHeader};

/// What stands in a program's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It is whole, as far as its tables tell.
    Whole,
    /// A script: whoever interprets it decides.
    Script,
    /// Neither ELF nor a script.
    NoProgram,
    /// It ends before what its tables name.
    Cut,
    /// Where it begins, or where its last table is, are zeros only.
    Zeros,
    /// Whatever is to interpret or load it is not there.
    NoInterpreter,
}

const WORDS: [(Look, &str); 6] = [
    (Look::Whole, "whole"),
    (Look::Script, "script"),
    (Look::NoProgram, "no-program"),
    (Look::Cut, "cut"),
    (Look::Zeros, "zeros"),
    (Look::NoInterpreter, "no-interpreter"),
];

impl Look {
    /// The word that a bundle has for it.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let found = WORDS.iter().find(|(_, known)| *known == word);
        found.map(|(look, _)| *look)
    }

    /// What is wrong with it; nothing where nothing is.
    pub const fn fault(self) -> Option<&'static str> {
        match self {
            Self::Whole | Self::Script => None,
            Self::NoProgram => Some("it is no program: neither ELF nor a script"),
            Self::Cut => Some("it is cut: it ends before what its own tables name"),
            Self::NoInterpreter => Some(
                "what it names to run it is not there (the interpreter in its first line, its loader)",
            ),
            Self::Zeros => {
                Some("it is zeroed: where its code or its last table should be are zeros only")
            }
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS.iter().find(|(look, _)| look == self);
        f.write_str(word.map_or("", |(_, word)| word))
    }
}

/// Segments and sections of a program that are looked at.
const MOST: usize = 4096;
/// Bytes at the place where a program begins.
const CODE: usize = 16;

/// The segments of a program; nothing where its table is cut.
fn segments(
    header: &header::Header,
    bytes: &mut impl FnMut(u64, usize) -> Option<Vec<u8>>,
) -> Option<Vec<ProgramHeader>> {
    let context = Ctx::new(header.container().ok()?, header.endianness().ok()?);
    let count = usize::from(header.e_phnum).min(MOST);
    let length = count.saturating_mul(ProgramHeader::size(context));
    let table = bytes(header.e_phoff, length)?;
    ProgramHeader::parse(&table, 0, count, context).ok()
}

/// The longest path, and what the kernel reads of a script (`BINPRM_BUF_SIZE`).
const PATH: u64 = 4096;
const LINE: usize = 256;

/// The path of what runs it: the interpreter that a script names in its first line, the loader of a program that is
/// linked dynamically. Nothing where there is none, or one that depends on where it is called.
pub(crate) fn interpreter(
    mut read_at: impl FnMut(u64, &mut [u8]) -> Option<usize>,
) -> Option<Vec<u8>> {
    let mut bytes = |at: u64, length: usize| {
        let mut bytes = vec![0; length];
        let count = read_at(at, &mut bytes)?;
        bytes.truncate(count);
        Some(bytes)
    };
    let start = bytes(0, LINE)?;
    let path = if let Some(line) = start.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next()?;
        let mut words = line.split(|byte| matches!(byte, b' ' | b'\t' | 0));
        words.find(|word| !word.is_empty())?.to_vec()
    } else {
        let header = goblin::elf::Elf::parse_header(start.get(..64)?).ok()?;
        let segments = segments(&header, &mut bytes)?;
        let one = segments.iter().find(|it| it.p_type == PT_INTERP)?;
        let length = usize::try_from(one.p_filesz.min(PATH)).ok()?;
        let path = bytes(one.p_offset, length)?;
        path.split(|byte| *byte == 0).next()?.to_vec()
    };
    path.starts_with(b"/").then_some(path)
}

/// Looks at a file of `size` bytes; and the machine that it was made for. Nothing where it could not
/// be read.
pub(crate) fn look(
    size: u64,
    mut read_at: impl FnMut(u64, &mut [u8]) -> Option<usize>,
) -> Option<(Look, Option<u16>)> {
    let mut bytes = |at: u64, length: usize| {
        let mut bytes = vec![0; length];
        let count = read_at(at, &mut bytes)?;
        bytes.truncate(count);
        Some(bytes)
    };
    let start = bytes(0, 64)?;
    if start.starts_with(b"#!") {
        return Some((Look::Script, None));
    }
    if !start.starts_with(header::ELFMAG) {
        return Some((Look::NoProgram, None));
    }
    let parsed = goblin::elf::Elf::parse_header(&start).ok();
    let is_known = |it: &header::Header| it.container().is_ok() && it.endianness().is_ok();
    let Some(header) = parsed.filter(is_known) else {
        return Some((Look::NoProgram, None));
    };
    let machine = Some(header.e_machine);
    let Some(segments) = segments(&header, &mut bytes) else {
        return Some((Look::Cut, machine));
    };
    let ends = segments
        .iter()
        .filter(|segment| matches!(segment.p_type, PT_LOAD | PT_INTERP))
        .map(|segment| segment.p_offset.saturating_add(segment.p_filesz));
    let sections = u64::from(header.e_shnum).saturating_mul(u64::from(header.e_shentsize));
    let end = header.e_shoff.saturating_add(sections);
    if ends.chain([end]).any(|end| end > size) {
        return Some((Look::Cut, machine));
    }
    let code = segments.iter().find_map(|segment| {
        let within = header.e_entry.checked_sub(segment.p_vaddr)?;
        let holds = segment.p_type == PT_LOAD && within < segment.p_filesz;
        holds.then(|| segment.p_offset.saturating_add(within))
    });
    let empty = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0);
    if empty(&bytes(code.unwrap_or(0), CODE)?) {
        return Some((Look::Zeros, machine));
    }
    // The first section is empty by rule; the others are not.
    let one = usize::from(header.e_shentsize);
    let rest = usize::try_from(sections).unwrap_or(0).saturating_sub(one);
    let last = header.e_shoff.saturating_add(u64::from(header.e_shentsize));
    if header.e_shnum > 1 && empty(&bytes(last, rest.min(MOST.saturating_mul(64)))?) {
        return Some((Look::Zeros, machine));
    }
    Some((Look::Whole, machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> Look {
        let size = u64::try_from(bytes.len()).expect("a size");
        let read = |at: u64, into: &mut [u8]| {
            let from = bytes.get(usize::try_from(at).ok()?..).unwrap_or_default();
            let count = from.len().min(into.len());
            into[..count].copy_from_slice(&from[..count]);
            Some(count)
        };
        look(size, read).expect("it is read").0
    }

    /// A real program of this machine, damaged as a power loss does.
    #[test]
    fn what_a_power_loss_leaves_of_a_program() {
        let own = std::env::current_exe().expect("this test");
        #[expect(clippy::disallowed_methods, reason = "the test's own program")]
        let whole = std::fs::read(own).expect("its bytes");
        assert_eq!(told(&whole), Look::Whole);
        assert_eq!(told(b"#!/bin/sh\nexec runc \"$@\"\n"), Look::Script);
        assert_eq!(told(&whole[..whole.len() / 2]), Look::Cut);
        assert_eq!(told(&whole[..100]), Look::Cut);
        let mut zeroed = whole.clone();
        let half = whole.len() / 2;
        zeroed[half..].fill(0);
        assert_eq!(told(&zeroed), Look::Zeros);
        zeroed.fill(0);
        assert_eq!(told(&zeroed), Look::NoProgram);
        assert_eq!(told(b"\x7fELF"), Look::NoProgram);
        for length in 0..200 {
            assert_ne!(told(&whole[..length]), Look::Whole, "{length}");
        }
    }
}
