//! Writes our own bundle from any evidence. `docs/bundle.md` describes the format.
//!
//! ```text
//! Collect ──walk──▶ records, by path ──manifest──▶ first member
//!                   records ──copy──▶ a member for each directory, link and collected file
//!                                     what became of each, and of the manifest ──▶ trailer
//! ```

mod copy;
mod taken;
mod walk;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use finding::{Text, Time, Unread};
use sha2::{Digest, Sha256};

use super::manifest::{self, DiskFact, Program, Trailer};
use crate::tar::build::{self, Item};
use crate::zframe::Frames;
use crate::{Evidence, Stat};
pub use taken::Taken;
use walk::Walk;

/// Which content blobs are collected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Blobs {
    /// All of them.
    All,
    /// Those of at most 1 MiB: manifests, indexes, configs.
    #[default]
    Metadata,
    /// None; they are listed all the same.
    None,
}

/// Bytes of a blob that count as metadata.
const METADATA: u64 = 1 << 20;

/// What is to be collected.
#[derive(Debug, Clone)]
pub struct Collect {
    /// Absolute paths inside the evidence; directories with everything below them.
    pub roots: Vec<PathBuf>,
    /// Absolute paths of which only the names are wanted, not the bytes.
    pub listed: Vec<PathBuf>,
    /// What was read before the walk.
    pub taken: Vec<Taken>,
    /// Which content blobs.
    pub blobs: Blobs,
    /// Whether the files in snapshots are collected, too. Otherwise `snapshots/<id>/fs` is noted
    /// and not looked into.
    pub upperdirs: bool,
    /// Bytes of data (holes do not count) of a file that is still collected.
    pub limit: u64,
    /// Bytes of data of all files together.
    pub total: u64,
    /// Who writes: `coroner 0.1.0`.
    pub tool: String,
    /// The command line.
    pub command: Vec<String>,
    /// Now.
    pub captured: Time,
    /// What time it was at the node, where that is not now: of a node that does not run.
    pub as_of: Option<Time>,
    /// Places of which the kernel's word about their disk is kept.
    pub disks: Vec<PathBuf>,
    /// How the node's programs were built.
    pub programs: Vec<Program>,
    /// What whoever gets the bundle must know of it.
    pub warnings: Vec<String>,
    /// Whether secrets are masked.
    pub redacted: bool,
    /// What was left out before the walk, in words.
    pub left_out: Vec<String>,
}

impl Default for Collect {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            listed: Vec::new(),
            taken: Vec::new(),
            blobs: Blobs::default(),
            upperdirs: false,
            limit: 4 << 30,
            total: u64::MAX,
            tool: String::new(),
            command: Vec::new(),
            captured: Time::new(0, 0),
            as_of: None,
            disks: Vec::new(),
            programs: Vec::new(),
            warnings: Vec::new(),
            redacted: false,
            left_out: Vec::new(),
        }
    }
}

/// What is packed in place of a file's own bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether they may be a mixture of two states of the file.
    pub changed: bool,
    /// How many values were masked in them.
    pub masked: u64,
    /// What there is to say of the copy.
    pub note: Option<String>,
}

/// What became of a file that somebody has a say in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// These bytes are packed.
    Bytes(Prepared),
    /// It is left out: nobody knows what in it is secret.
    Hidden,
}

/// Who has a say while files are copied.
pub trait Helper {
    /// What is packed in place of the bytes of the file at `path`; nothing to pack its own.
    fn prepare(&mut self, path: &Path, stat: &Stat) -> Option<Result<Replaced, Unread>>;

    /// Masks what was taken before the walk; how many values were masked. Nothing: it is left out.
    fn mask(&mut self, _path: &Path, _bytes: &mut Vec<u8>) -> Option<u64> {
        Some(0)
    }

    /// A path, or what a link at `at` leads to, without the secrets in it; nothing: there are none.
    fn name(&self, _at: &Path, _name: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// The name and value of an extended attribute without the secrets in them.
    fn xattr(&self, _name: &[u8], _value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        None
    }

    /// So many bytes more were packed.
    fn packed(&mut self, _bytes: u64) {}
}

/// Nobody has a say.
#[derive(Debug)]
struct Nobody;

impl Helper for Nobody {
    fn prepare(&mut self, _: &Path, _: &Stat) -> Option<Result<Replaced, Unread>> {
        None
    }
}

/// What was collected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Entries in the manifest.
    pub entries: u64,
    /// Files whose bytes are in the bundle.
    pub files: u64,
    /// Their bytes, without holes.
    pub bytes: u64,
    /// Paths that were asked for and are not there.
    pub absent: Vec<Text>,
    /// What was seen and could not be read, and why.
    pub unread: Vec<(Text, Unread)>,
    /// What was seen, and was gone when it was to be copied.
    pub gone: Vec<Text>,
    /// Files that changed while they were copied: their copies may be mixtures.
    pub changed: Vec<Text>,
    /// Databases that were replaced or cut after they were seen: what is told of them and their bytes
    /// are of two times.
    pub replaced: Vec<Text>,
    /// Files in which something was masked, and how many values.
    pub masked: Vec<(Text, u64)>,
    /// Files that were left out for what may be in them.
    pub hidden: Vec<Text>,
    /// Names, targets of links and extended attributes in which something was masked.
    pub renamed: u64,
    /// What there is to say of single copies.
    pub notes: Vec<(Text, String)>,
    /// SHA-256 of the trailer, which holds that of everything else.
    pub trailer: [u8; 32],
}

/// Writes a bundle of `evidence` to `out`: the manifest, the files, the trailer; zstd frames and
/// their seek table. The evidence is only read; what cannot be read is noted and passed over.
pub fn write(evidence: &Evidence, wanted: &Collect, out: impl Write) -> io::Result<Summary> {
    write_with(evidence, wanted, &mut Nobody, out)
}

/// As [`write()`], and `helper` is asked about each file.
pub fn write_with(
    evidence: &Evidence,
    wanted: &Collect,
    helper: &mut dyn Helper,
    out: impl Write,
) -> io::Result<Summary> {
    let mut walk = Walk::new(evidence, wanted);
    walk.roots();
    walk.take();
    let originals = walk.disguise(helper);
    let mut out = Frames::new(out);
    let head = walk.manifest()?;
    let mut trailer = Trailer {
        manifest: Some(hex::encode(Sha256::digest(&head))),
        ..Trailer::default()
    };
    small(&mut out, manifest::NAME, &head, wanted.captured)?;
    drop(head);
    let records = core::mem::take(&mut walk.records);
    for (path, record) in &records {
        let at = originals.get(path).unwrap_or(path);
        walk.copy(at, record, helper, &mut out, &mut trailer)?;
        out.boundary()?;
    }
    let tail = serde_json::to_vec(&trailer).map_err(io::Error::other)?;
    walk.summary.trailer = Sha256::digest(&tail).into();
    small(&mut out, manifest::TRAILER, &tail, wanted.captured)?;
    build::end(&mut out)?;
    out.finish()?;
    Ok(walk.summary)
}

/// A member of ours, and the end of its frame.
fn small(out: &mut Frames<impl Write>, name: &str, bytes: &[u8], at: Time) -> io::Result<()> {
    build::member(out, &Item::file(name.as_bytes(), len(bytes), at))?;
    out.write_all(bytes)?;
    build::pad(out, len(bytes))?;
    out.boundary()
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// What the kernel says of the disk below `path`, where it says anything.
fn disk_fact(evidence: &Evidence, path: &Path) -> Option<DiskFact> {
    let fact = DiskFact {
        path: manifest::Name(crate::path::shown(path)),
        room: evidence.room(path),
        mount: evidence.mount(path),
        tells_kinds: evidence.tells_kinds(path),
        flags: evidence.flags(path),
    };
    let says = fact.room.is_some() || fact.mount.is_some() || fact.flags.is_some();
    says.then_some(fact)
}
