//! Writes a core: what `coroner core take` found, as a plain ELF core.
//!
//! ```text
//! ELF header, program headers      one PT_NOTE, a PT_LOAD for each run of pages and for what lies between
//! section header                   only where there are more than 65534 program headers: it holds their number
//! notes                            as the kernel's: NT_PRSTATUS, NT_PRPSINFO, …; then our own
//! pages                            in the order of their addresses, from a multiple of 4096 on
//! ```

use std::io::{self, Write};

use crate::Arch;

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Program headers of 56 bytes; as many as the header's own field can count.
const HEADER: u64 = 56;
const COUNTED: usize = 0xffff;

/// A page that was never written to.
const ZEROS: [u8; 4096] = [0; 4096];

/// An area of memory, of which some may be in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Area {
    /// Its first address.
    pub start: u64,
    /// The address after its last.
    pub end: u64,
    /// Whether it may be read, written to, and run.
    pub rights: (bool, bool, bool),
}

/// A core that is going to be written.
#[derive(Debug)]
pub struct NewCore {
    /// The architecture.
    pub arch: Arch,
    /// Owner, type and bytes of each note.
    pub notes: Vec<(&'static str, u32, Vec<u8>)>,
    /// Areas of memory, by their addresses, none over another.
    pub areas: Vec<Area>,
    /// Pages that go to the file: the address of each, a multiple of [`PAGE`], and its bytes; `None`
    /// where all are zero.
    pub pages: Vec<(u64, Option<Box<[u8; 4096]>>)>,
}

/// A program header.
struct Run {
    start: u64,
    end: u64,
    rights: (bool, bool, bool),
    held: bool,
}

impl NewCore {
    /// Writes it.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let runs = self.runs();
        let count = runs.len().saturating_add(1);
        let many = count >= COUNTED;
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let sections_at = 64_u64.saturating_add(wide(count).saturating_mul(HEADER));
        let notes_at = sections_at.saturating_add(if many { 64 } else { 0 });
        let notes = self.note_bytes();
        let pages_at = notes_at
            .saturating_add(wide(notes.len()))
            .next_multiple_of(PAGE);
        let mut head: Vec<u8> = Vec::new();
        head.extend(b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00");
        head.extend(4_u16.to_le_bytes());
        head.extend(match self.arch {
            Arch::Amd64 => 62_u16.to_le_bytes(),
            Arch::Arm64 => 183_u16.to_le_bytes(),
        });
        head.extend(1_u32.to_le_bytes());
        for word in [0, 64, if many { sections_at } else { 0 }] {
            head.extend(u64::to_le_bytes(word));
        }
        head.extend(0_u32.to_le_bytes());
        let counted = u16::try_from(count)
            .ok()
            .filter(|_| !many)
            .unwrap_or(0xffff);
        let sections: u16 = many.into();
        for half in [64, 56, counted, if many { 64 } else { 0 }, sections, 0] {
            head.extend(u16::to_le_bytes(half));
        }
        let mut header = |kind: u32, flags: u32, words: [u64; 6]| {
            head.extend(kind.to_le_bytes());
            head.extend(flags.to_le_bytes());
            for word in words {
                head.extend(word.to_le_bytes());
            }
        };
        header(4, 0, [notes_at, 0, 0, wide(notes.len()), 0, 4]);
        let mut at = pages_at;
        for run in &runs {
            let flags = u32::from(run.rights.0).wrapping_mul(4)
                | u32::from(run.rights.1).wrapping_mul(2)
                | u32::from(run.rights.2);
            let size = run.end.saturating_sub(run.start);
            let in_file = if run.held { size } else { 0 };
            header(1, flags, [at, run.start, 0, in_file, size, PAGE]);
            at = at.saturating_add(in_file);
        }
        if many {
            // The number of program headers, where the header has no room for it.
            let mut section = [0_u8; 64];
            let number = u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
            if let Some(field) = section.get_mut(44..48) {
                field.copy_from_slice(&number);
            }
            head.extend(section);
        }
        head.extend(&notes);
        let padded = usize::try_from(pages_at).unwrap_or(head.len());
        head.resize(padded.max(head.len()), 0);
        to.write_all(&head)?;
        for (_, page) in &self.pages {
            // One write a page: a writer that leaves holes can tell.
            let bytes = page.as_ref().map_or(&ZEROS, |page| page);
            to.write_all(bytes)?;
        }
        to.flush()
    }

    /// Areas cut into what is in the file and what is not.
    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut pages = self.pages.iter().map(|(at, _)| *at).peekable();
        for area in &self.areas {
            let mut push = |start: u64, end: u64, held: bool| {
                if start < end {
                    runs.push(Run {
                        start,
                        end,
                        rights: area.rights,
                        held,
                    });
                }
            };
            let mut place = area.start;
            while let Some(first) = pages.next_if(|at| *at < area.end) {
                push(place, first, false);
                let mut end = first.saturating_add(PAGE);
                while pages.next_if(|at| *at == end && *at < area.end).is_some() {
                    end = end.saturating_add(PAGE);
                }
                push(first, end, true);
                place = end;
            }
            push(place, area.end, false);
        }
        runs
    }

    fn note_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (owner, kind, body) in &self.notes {
            let name = owner.len().saturating_add(1);
            for number in [name, body.len()] {
                bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
            }
            bytes.extend(kind.to_le_bytes());
            bytes.extend(owner.as_bytes());
            bytes.push(0);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes.extend(body);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod tests {
    use super::*;
    use crate::{Core, Image, Maker, Memory};

    fn core(areas: u64) -> Vec<u8> {
        let step = 4 * PAGE;
        let new = NewCore {
            arch: Arch::Amd64,
            notes: vec![("CORE", 1, vec![0; 336]), ("CORONER", 1, b"{}".to_vec())],
            areas: (1..=areas)
                .map(|index| Area {
                    start: index * step,
                    end: (index + 1) * step,
                    rights: (true, true, false),
                })
                .collect(),
            pages: (1..=areas)
                .map(|index| {
                    let page = Box::new([index.to_le_bytes()[0]; 4096]);
                    (index * step + PAGE, Some(page))
                })
                .collect(),
        };
        let mut bytes = Vec::new();
        new.write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        for areas in [3, 30_000] {
            let bytes = core(areas);
            let read = Core::read_core(&bytes).unwrap();
            assert_eq!((read.maker, read.threads.len()), (Maker::Coroner, 1));
            assert_eq!(read.own_notes, [(1, b"{}".to_vec())]);
            assert_eq!((read.cut(), read.claims_segments), (0, None));
            assert_eq!(
                u64::try_from(read.loads().count()),
                Ok(3 * areas),
                "{}",
                bytes.len()
            );
            let image = Image::new(&bytes, &read.segments);
            let memory: &dyn Memory = &image;
            let at = areas * 4 * PAGE + PAGE;
            assert_eq!(memory.u8(at + 4095), Some(areas.to_le_bytes()[0]));
            assert_eq!(memory.u8(at + 4096), None);
            assert_eq!(memory.u8(at - 1), None);
            assert!(!bytes.is_empty());
        }
    }
}
