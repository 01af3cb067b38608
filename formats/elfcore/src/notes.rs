//! Notes: a stream of owner, type and bytes.

use crate::Bytes;

/// Bytes of a note's owner that are read.
const OWNER: u64 = 64;

/// Where a note is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Whose it is: `CORE`, `LINUX`, `GNU`, `Go`.
    pub owner: Vec<u8>,
    /// Its type.
    pub kind: u32,
    /// Where its bytes begin.
    pub at: u64,
    /// How many it claims.
    pub len: u64,
}

/// The notes in `len` bytes at `at`. A note that leads out of them ends the list.
///
/// Names and bytes are padded to 4, whatever the header's alignment says: gdb writes 1 there.
pub fn notes(bytes: &(impl Bytes + ?Sized), at: u64, len: u64) -> Notes<'_, impl Bytes + ?Sized> {
    Notes {
        bytes,
        at,
        end: at.saturating_add(len).min(bytes.len()),
    }
}

/// Iterator of [`notes`].
#[derive(Debug)]
pub struct Notes<'b, B: ?Sized> {
    bytes: &'b B,
    at: u64,
    end: u64,
}

impl<B: Bytes + ?Sized> Iterator for Notes<'_, B> {
    type Item = Note;

    fn next(&mut self) -> Option<Note> {
        let head = self.bytes.some(self.at, 12, 12);
        let word = |at: usize| {
            let bytes = head.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*bytes))
        };
        let (name, len, kind) = (word(0)?, word(4)?, word(8)?);
        let name_at = self.at.checked_add(12)?;
        let padded = |len: u32| u64::from(len).next_multiple_of(4);
        let at = name_at.checked_add(padded(name))?;
        let next = at.checked_add(padded(len))?;
        if at.checked_add(u64::from(len))? > self.end {
            self.at = self.end;
            return None;
        }
        self.at = next;
        let owner = self.bytes.some(name_at, u64::from(name).min(OWNER), 64);
        let end = owner.iter().position(|byte| *byte == 0);
        Some(Note {
            owner: owner.get(..end.unwrap_or(owner.len()))?.to_vec(),
            kind,
            at,
            len: u64::from(len),
        })
    }
}
