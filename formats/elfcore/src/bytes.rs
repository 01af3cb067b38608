//! Where the bytes of a file are.

use mapped::Mapped;

/// The bytes of a file, read here and there.
pub trait Bytes {
    /// How many there are.
    fn len(&self) -> u64;

    /// Fills `into` from `at` on; how many bytes there were.
    fn read_at(&self, at: u64, into: &mut [u8]) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `len` bytes from `at` on, or as many as there are; never more than `limit`.
    fn some(&self, at: u64, len: u64, limit: usize) -> Vec<u8> {
        let there = self.len().saturating_sub(at).min(len);
        let count = usize::try_from(there).unwrap_or(limit).min(limit);
        let mut bytes = vec![0; count];
        let read = self.read_at(at, &mut bytes);
        bytes.truncate(read);
        bytes
    }
}

impl Bytes for Mapped {
    fn len(&self) -> u64 {
        Self::len(self)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        self.read_into(at, into)
    }
}

impl Bytes for [u8] {
    fn len(&self) -> u64 {
        u64::try_from(Self::len(self)).unwrap_or(u64::MAX)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..));
        let from = from.unwrap_or_default();
        let count = from.len().min(into.len());
        if let (Some(into), Some(from)) = (into.get_mut(..count), from.get(..count)) {
            into.copy_from_slice(from);
        }
        count
    }
}

impl Bytes for Vec<u8> {
    fn len(&self) -> u64 {
        Bytes::len(self.as_slice())
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        self.as_slice().read_at(at, into)
    }
}

impl<T: Bytes + ?Sized> Bytes for std::sync::Arc<T> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        (**self).read_at(at, into)
    }
}

impl<T: Bytes + ?Sized> Bytes for Box<T> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        (**self).read_at(at, into)
    }
}
