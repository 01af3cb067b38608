//! How far a layer is read, and who may end it.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

static NEVER: AtomicBool = AtomicBool::new(false);

/// How far a layer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that come out, holes of sparse files included.
    pub bytes: u64,
    /// Bytes that may come out for one that went in, after the first [`Limits::free`]. gzip ends at
    /// about 1,030, which only zeroes reach; zstd has no end. Layers of real images stay below 20.
    pub ratio: u64,
    /// Bytes that may come out whatever the ratio: a layer may well hold a gigabyte of zeroes.
    pub free: u64,
    /// Entries.
    pub entries: u64,
    /// Bytes of one extended header or long name.
    pub record: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 30,
            ratio: 200,
            free: 4 << 30,
            entries: 10_000_000,
            record: 1 << 20,
        }
    }
}

impl Limits {
    /// As usual, but so many bytes may come out, whatever the ratio.
    #[must_use]
    pub fn inflating(bytes: u64) -> Self {
        Self {
            bytes,
            free: bytes,
            ..Self::default()
        }
    }
}

/// Who may end the reading, and who is told how far it is.
#[derive(Clone, Copy)]
pub struct Watch<'w> {
    /// Set from outside, it ends the reading at the next 128 KiB.
    pub cancel: &'w AtomicBool,
    /// Called with the *packed* bytes that were read since the last call, from the thread that
    /// reads.
    pub progress: &'w (dyn Fn(u64) + Sync),
}

impl Watch<'_> {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

impl Default for Watch<'_> {
    fn default() -> Self {
        Self {
            cancel: &NEVER,
            progress: &|_| {},
        }
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}
