//! Where a journal's bytes come from, and a few of its blocks in memory.

use std::sync::Arc;

use evidence::Pages;
use finding::Unread;
use view::Span;

/// A file that is read in places.
pub trait Bytes {
    /// Its length in bytes.
    fn length(&self) -> u64;
    /// Fills `into` from `at` on; how many bytes there were before the end.
    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, Unread>;
    /// The stretches that are not holes, in order.
    fn stretches(&self) -> Vec<Span>;
}

impl Bytes for Pages {
    fn length(&self) -> u64 {
        self.len()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, Unread> {
        Self::read_at(self, at, into)
    }

    fn stretches(&self) -> Vec<Span> {
        self.data().collect()
    }
}

/// Bytes that are in memory.
#[derive(Debug, Clone)]
pub struct Held(pub Arc<Vec<u8>>);

impl Bytes for Held {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, Unread> {
        self.0.read_at(at, into)
    }

    fn stretches(&self) -> Vec<Span> {
        self.0.stretches()
    }
}

impl Bytes for Vec<u8> {
    fn length(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, Unread> {
        let from = usize::try_from(at).unwrap_or(usize::MAX);
        let rest = self.get(from..).unwrap_or_default();
        let count = rest.len().min(into.len());
        let (Some(to), Some(from)) = (into.get_mut(..count), rest.get(..count)) else {
            return Ok(0);
        };
        to.copy_from_slice(from);
        Ok(count)
    }

    fn stretches(&self) -> Vec<Span> {
        vec![Span::new(0, self.length())]
    }
}

/// Bytes of one block: 256 KiB.
const BLOCK: usize = 256 << 10;
/// Blocks that are kept: 8 MiB.
const BLOCKS: usize = 32;

/// A few blocks of a file, those that were read last.
#[derive(Debug)]
pub(crate) struct Blocks<'b, B> {
    bytes: &'b B,
    slots: Vec<Option<(u64, Vec<u8>)>>,
}

impl<'b, B: Bytes> Blocks<'b, B> {
    pub(crate) fn new(bytes: &'b B) -> Self {
        Self {
            bytes,
            slots: vec![None; BLOCKS],
        }
    }

    /// `count` bytes at `at`, appended to `into`; whether all of them are there.
    pub(crate) fn append(
        &mut self,
        at: u64,
        count: usize,
        into: &mut Vec<u8>,
    ) -> Result<bool, Unread> {
        let mut at = at;
        let mut left = count;
        while left > 0 {
            let size = u64::try_from(BLOCK).unwrap_or(1).max(1);
            let number = at.checked_div(size).unwrap_or(0);
            let start = number.saturating_mul(size);
            let block = self.block(number, start)?;
            let from = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
            let piece = block.get(from..).unwrap_or_default();
            let piece = piece.get(..piece.len().min(left)).unwrap_or_default();
            if piece.is_empty() {
                return Ok(false);
            }
            into.extend_from_slice(piece);
            left = left.saturating_sub(piece.len());
            at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        }
        Ok(true)
    }

    fn block(&mut self, number: u64, start: u64) -> Result<&[u8], Unread> {
        let count = u64::try_from(BLOCKS).unwrap_or(1).max(1);
        let slot = usize::try_from(number.checked_rem(count).unwrap_or(0)).unwrap_or(0);
        let Some(slot) = self.slots.get_mut(slot) else {
            return Ok(&[]);
        };
        if slot.as_ref().is_none_or(|(held, _)| *held != number) {
            let mut bytes = slot.take().map_or_else(Vec::new, |(_, bytes)| bytes);
            bytes.resize(BLOCK, 0);
            let count = self.bytes.read_at(start, &mut bytes)?;
            bytes.truncate(count);
            *slot = Some((number, bytes));
        }
        Ok(slot.as_ref().map_or(&[], |(_, bytes)| bytes.as_slice()))
    }
}
