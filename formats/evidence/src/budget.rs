//! How much may be read, kept and inflated.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::HeldRoot;

/// One mebibyte.
const MIB: u64 = 1 << 20;

/// The usual limit for a file that is copied whole into memory: 16 MiB.
///
/// Databases that are larger are read through [`Pages`](crate::Pages).
pub const WHOLE_COPY: u64 = 16 * MIB;

/// Bounds for what hostile evidence can make us do. All sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// File contents of a bundle that are kept in memory, together, at most.
    pub memory: u64,
    /// File contents that are kept in memory of any archive: of one that is larger, eight bytes
    /// more for each of its own, up to [`memory`](Self::memory).
    pub free: u64,
    /// Bytes that the entries, names, targets and attributes of any archive may take in memory: of
    /// one that is larger, sixteen bytes more for each of its own.
    pub names: u64,
    /// Contents of one member of a bundle that are kept in memory.
    pub member: u64,
    /// Contents of one content blob of a bundle that are kept in memory: manifests, configs.
    pub blob: u64,
    /// Contents of a bundle that are kept in the spool file, together.
    pub spool: u64,
    /// Entries of one bundle, and of one directory.
    pub entries: u64,
    /// Bytes that one byte of a compressed bundle may inflate to, after the first
    /// [`inflated`](Self::inflated) bytes.
    pub ratio: u64,
    /// Bytes that any compressed bundle may inflate to.
    pub inflated: u64,
    /// Components of one path, after symbolic links are resolved.
    pub depth: u32,
    /// Symbolic links that are followed for one path.
    pub links: u32,
    /// One PAX record, one long name, one manifest entry.
    pub record: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            memory: 512 * MIB,
            free: 64 * MIB,
            names: 64 * MIB,
            member: WHOLE_COPY,
            blob: MIB,
            spool: 8 << 30,
            entries: 2_000_000,
            ratio: 1_000,
            inflated: 512 * MIB,
            depth: 1_024,
            links: 40,
            record: MIB,
        }
    }
}

/// Bytes of the longest path that Linux takes, with the NUL at its end.
pub(crate) const PATH_MAX: usize = 4096;

/// Steps that the header of a member takes.
pub(crate) const HEADER: u64 = 8;
/// One step for so many bytes of a header, as a power of two.
pub(crate) const BYTES_A_STEP: u32 = 6;
/// Steps that reading any archive may take: a second or so. A step is a component of a path that is
/// walked, an extended attribute, a stretch of a sparse file.
const FREE_STEPS: u64 = 16 << 20;
/// Steps for each byte of an archive as it lies on the disk.
const STEPS_A_BYTE: u64 = 32;

/// How many bytes of an archive were read, as it lies on the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Packed(Arc<AtomicU64>);

impl Packed {
    /// So many bytes more.
    pub(crate) fn add(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// All of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The steps that reading an archive takes: what it costs is bounded by what it is.
#[derive(Debug, Default)]
pub(crate) struct Work {
    done: u64,
    /// Nothing where only the unpacked stream is known.
    packed: Option<Packed>,
}

impl Work {
    /// The work on an archive of which so much was read.
    pub(crate) const fn on(packed: Packed) -> Self {
        Self {
            done: 0,
            packed: Some(packed),
        }
    }

    /// Bytes of the archive that were read, as it lies on the disk, where that is known.
    pub(crate) fn packed(&self) -> u64 {
        self.packed.as_ref().map_or(0, Packed::bytes)
    }

    /// Takes so many steps; an error where the archive may take no more. `at`: where its stream is.
    pub(crate) fn spend(&mut self, steps: u64, at: u64) -> io::Result<()> {
        self.done = self.done.saturating_add(steps);
        if self.done <= FREE_STEPS {
            return Ok(());
        }
        let more = match &self.packed {
            Some(packed) => packed.bytes().saturating_mul(STEPS_A_BYTE),
            // A member takes a block at least, and its header is paid for.
            None => at >> 3,
        };
        if self.done <= FREE_STEPS.saturating_add(more) {
            return Ok(());
        }
        Err(io::Error::other(
            "what it holds takes more steps than the budget for an archive of its size",
        ))
    }
}

/// How evidence is opened.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The bounds.
    pub budget: Budget,
    /// Where the part of a bundle that does not fit in memory is kept, in a file without a name;
    /// the system's directory for temporary files if not given.
    pub spool: Option<PathBuf>,
    /// The directory itself, if it had to be opened before rights were given up.
    pub held: Option<HeldRoot>,
}
