//! What a directory takes on disk, counted as containerd counts it.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use evidence::{Evidence, Kind, Stat};
use finding::{Known, Unknown, size_option};
use serde::Serialize;

use crate::walk::{Watched, shown};
use crate::{Control, Step, pool};

/// What a directory takes on disk.
///
/// As in `github.com/containerd/continuity/fs.DiskUsage`, which a commit records: every inode
/// once, the directory itself included, and 512 times its `st_blocks`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Bytes on disk. Nothing where the evidence does not tell blocks (tars do not).
    #[serde(serialize_with = "size_option")]
    pub size: Option<u64>,
    /// Inodes.
    pub inodes: u64,
    /// Bytes in regular files, each inode once: what they would read as.
    #[serde(serialize_with = "finding::size_number")]
    pub apparent: u64,
    /// Regular files of no bytes. Many of them in a layer are what a power loss leaves.
    pub empty_files: u64,
}

/// Measures the directory at `path`.
pub fn usage(evidence: &Evidence, path: &Path, control: &Control<'_>) -> Known<Usage> {
    let mut seen = HashSet::new();
    let mut usage = Usage {
        size: Some(0),
        ..Usage::default()
    };
    let mut unknown = Vec::new();
    for step in Watched::new(evidence, path, control) {
        let (path, stat) = match step {
            Step::Entry { path, stat, .. } => (path, stat),
            Step::Unknown(what) => {
                unknown.push(what);
                continue;
            }
        };
        untold(evidence, &path, &stat, &mut unknown);
        // A directory has one name, and so has what has one link.
        let is_one = stat.is_dir() || stat.nlink == Some(1);
        let inode = if is_one {
            None
        } else {
            inode(evidence, &path, &stat)
        };
        if inode.is_some_and(|inode| !seen.insert(inode)) {
            continue;
        }
        usage.inodes = usage.inodes.saturating_add(1);
        usage.size = usage
            .size
            .zip(stat.blocks)
            .map(|(size, blocks)| size.saturating_add(blocks.saturating_mul(512)));
        if stat.is_file() {
            usage.apparent = usage.apparent.saturating_add(stat.size);
            usage.empty_files = usage.empty_files.saturating_add(u64::from(stat.size == 0));
        }
    }
    if usage.inodes == 0 {
        return Known::Lost(unknown);
    }
    Known::with(usage, unknown)
}

/// Notes what the evidence does not tell of an entry that is measured.
pub(crate) fn untold(evidence: &Evidence, path: &Path, stat: &Stat, unknown: &mut Vec<Unknown>) {
    if stat.only_kind {
        let what = shown(path).to_string();
        unknown.push(Unknown::new(what, "only its kind is known"));
    }
    // A bundle that was made from a tar has no inodes: names of one file count as many.
    let is_one = stat.is_dir() || stat.nlink == Some(1);
    let is_untold = stat.ino.is_none() && evidence.kind() == Kind::Bundle;
    if !is_one && is_untold && unknown.is_empty() {
        let what = format!("which files below {} are one", shown(path));
        unknown.push(Unknown::new(what, "the bundle does not tell inodes"));
    }
}

/// What two names of one file share. An archive tells it even where it has no inode numbers.
pub(crate) fn inode(evidence: &Evidence, path: &Path, stat: &Stat) -> Option<(u64, u64)> {
    match (stat.dev, stat.ino) {
        (Some((major, minor)), Some(inode)) => {
            Some(((u64::from(major) << 32) | u64::from(minor), inode))
        }
        _ => evidence.identity(path),
    }
}

/// Measures many directories at once.
pub fn usages<K: Ord + Send + Sync + Clone>(
    evidence: &Evidence,
    paths: impl IntoIterator<Item = (K, PathBuf)>,
    control: &Control<'_>,
) -> BTreeMap<K, Known<Usage>> {
    let paths: Vec<(K, PathBuf)> = paths.into_iter().collect();
    let done = pool::each(&paths, control.threads(paths.len()), |(key, path)| {
        (key.clone(), usage(evidence, path, control))
    });
    done.into_iter().collect()
}
