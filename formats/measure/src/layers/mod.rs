//! Unpacked layers against the tars that they were unpacked from.
//!
//! What containerd makes of a tar (`pkg/archive/tar.go`, `applyNaive`; `core/diff/apply`) is what
//! is wanted: later entries over earlier ones, parents that have no entry of their own, `.wh.name`
//! as a device 0:0 and `.wh..wh..opq` as a mark (in the lowest layer as nothing), times as the tar
//! has them. Not compared is what the kernel and the unpacking leave of their own: times of
//! directories, marks of overlayfs that change nothing (`origin`, `impure`, `uuid`, …), labels of
//! SELinux, the layer's root if the tar has none.

mod attributes;
mod compare;
mod wants;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use content::Digest;
use evidence::Evidence;
use finding::{Known, Text};
use layer::Summary;
use serde::Serialize;

use crate::{Control, pool};

/// A layer's directory, and the blobs that it was unpacked from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerJob {
    /// The snapshotter.
    pub snapshotter: Text,
    /// The number of the directory.
    pub id: u64,
    /// Where its files lie.
    pub files: PathBuf,
    /// The blobs of its layers with their diffIDs, the lowest first: one where a directory holds
    /// one layer, all of the chain where it is a full copy (`native`).
    pub blobs: Vec<(PathBuf, Digest)>,
    /// Whether the directory is one layer of an overlay, with marks and whiteouts.
    pub is_overlay: bool,
    /// Whether no layer is below: it was unpacked into a plain directory, where deleted names leave
    /// nothing.
    pub is_base: bool,
    /// Whether owners are those of the tar: user namespaces shift them.
    pub owners: bool,
}

/// In what a file differs from the one in the tar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Departure {
    /// The tar has no such name.
    Added,
    /// The tar has it, the directory does not.
    Missing,
    /// It is another kind of file.
    Kind,
    /// It has no bytes, and had some: what a power loss leaves.
    Empty,
    /// It is shorter.
    Truncated,
    /// It is longer.
    Longer,
    /// It has as many bytes, and others.
    Content,
    /// Permission bits.
    Mode,
    /// setuid or setgid is set, or gone.
    Setuid,
    /// Owner or group.
    Owner,
    /// `security.capability`.
    Capability,
    /// Other extended attributes.
    Xattrs,
    /// Where a symbolic link leads.
    Target,
    /// The numbers of a device.
    Device,
    /// It is not the same file as the one that the tar links it to.
    HardLink,
    /// A name that the layer deletes is not deleted, or one is that it does not delete.
    Whiteout,
    /// A mark by which overlayfs shows other files than the layer says: `opaque`, `redirect`,
    /// `metacopy`.
    Mark,
    /// The time of the last change of its contents.
    Mtime,
}

impl Departure {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Missing => "missing",
            Self::Kind => "kind",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Longer => "longer",
            Self::Content => "content",
            Self::Mode => "mode",
            Self::Setuid => "setuid",
            Self::Owner => "owner",
            Self::Capability => "capability",
            Self::Xattrs => "xattrs",
            Self::Target => "target",
            Self::Device => "device",
            Self::HardLink => "hard link",
            Self::Whiteout => "whiteout",
            Self::Mark => "mark",
            Self::Mtime => "mtime",
        }
    }

    /// Whether it is about deleted names and marks (D07), not about files (D06).
    pub const fn is_mark(self) -> bool {
        matches!(self, Self::Whiteout | Self::Mark)
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// From the layer's root, with a slash before it.
    pub path: Text,
    /// In what.
    pub how: Departure,
    /// What the tar says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub want: Option<Text>,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Text>,
}

/// What became of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LayerFound {
    /// Names that the tars make.
    pub names: u64,
    /// In the order of paths.
    pub differences: Vec<Difference>,
    /// Differences beyond these.
    pub more: u64,
}

/// Who is given what became of a blob that was read to its end: its path, and its digests and faults.
/// From any thread.
pub type LayerTold<'t> = dyn Fn(&Path, &Summary) + Sync + 't;

/// Differences of one layer that are kept.
const MOST: usize = 10_000;

/// Compares every layer with its blobs, several at once. [`Control::progress`] gets the packed
/// bytes of blobs.
///
/// Only [`Known::Whole`] says that a layer without differences has none: a blob that cannot be
/// inflated to its diffID proves nothing. `told` is given what became of each blob that was read.
pub fn verify_layers(
    evidence: &Evidence,
    jobs: &[LayerJob],
    control: &Control<'_>,
    told: &LayerTold<'_>,
) -> BTreeMap<(Text, u64), Known<LayerFound>> {
    let done = pool::each(jobs, control.threads(jobs.len()), |job| {
        let found = compare::layer(evidence, job, control, told);
        ((job.snapshotter.clone(), job.id), found)
    });
    done.into_iter().collect()
}
