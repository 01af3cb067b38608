//! How much may be read, kept and inflated.

use std::path::PathBuf;

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
    /// File contents of a bundle that are kept in memory, together.
    pub memory: u64,
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
            member: WHOLE_COPY,
            blob: MIB,
            spool: 8 << 30,
            entries: 2_000_000,
            ratio: 2_000,
            inflated: 512 * MIB,
            depth: 1_024,
            links: 40,
            record: MIB,
        }
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
