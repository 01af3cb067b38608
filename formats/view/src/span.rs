//! A stretch of one source.

use core::fmt;

/// A stretch of bytes in one source: where it starts and how long it is, both in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte from the start of the source.
    pub start: u64,
    /// Number of bytes.
    pub len: u64,
}

impl Span {
    /// A span of `len` bytes at `start`.
    pub const fn new(start: u64, len: u64) -> Self {
        Self { start, len }
    }

    /// The offset after the last byte; saturates where the numbers are nonsense.
    pub const fn end(self) -> u64 {
        self.start.saturating_add(self.len)
    }

    /// Whether `at` lies inside.
    pub const fn contains(self, at: u64) -> bool {
        self.start <= at && at < self.end()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}+{:#x}", self.start, self.len)
    }
}
