//! The memory of a process that runs: what it cannot change is read from its program.

use crate::{Bytes, Elf, Image, Memory};

/// The memory of a process that runs, together with its program.
#[expect(missing_debug_implementations, reason = "memory has nothing to show")]
pub struct Overlay<'b> {
    program: Image<'b>,
    memory: &'b dyn Memory,
}

/// No bytes at all.
const NOTHING: &[u8] = &[];
static EMPTY: Nothing = Nothing;

struct Nothing;

impl Bytes for Nothing {
    fn len(&self) -> u64 {
        Bytes::len(NOTHING)
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> usize {
        0
    }
}

impl<'b> Overlay<'b> {
    /// `memory`, of which what may not be written to is read from `program`.
    pub fn new(program: &'b dyn Bytes, elf: &Elf, slide: u64, memory: &'b dyn Memory) -> Self {
        let mut image = Image::new(&EMPTY, &[]);
        image.add(program, elf, slide);
        Self {
            program: image,
            memory,
        }
    }
}

impl Memory for Overlay<'_> {
    fn read_memory(&self, at: u64, into: &mut [u8]) -> usize {
        let read = self.program.read_memory(at, into);
        if read == into.len() {
            return read;
        }
        let (Some(rest), Some(at)) = (
            into.get_mut(read..),
            at.checked_add(u64::try_from(read).unwrap_or(0)),
        ) else {
            return read;
        };
        read.saturating_add(self.memory.read_memory(at, rest))
    }
}
