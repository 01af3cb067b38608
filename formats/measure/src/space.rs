//! What trees take on disk together, no inode counted twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use evidence::{Evidence, Stat};
use finding::{Known, size_number, size_option};
use serde::Serialize;

use crate::usage::{inode, untold};
use crate::walk::Watched;
use crate::{Control, Step, pool};

/// Bytes and inodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Space {
    /// Bytes on disk: 512 times `st_blocks`. Holes take none. Nothing where the evidence does not
    /// tell blocks (tars do not).
    #[serde(serialize_with = "size_option")]
    pub allocated: Option<u64>,
    /// Bytes in regular files: what they would read as.
    #[serde(serialize_with = "size_number")]
    pub apparent: u64,
    /// Inodes, directories included.
    pub inodes: u64,
}

impl Space {
    /// Nothing at all, and that is known.
    pub const NONE: Self = Self {
        allocated: Some(0),
        apparent: 0,
        inodes: 0,
    };

    /// What one inode takes.
    pub fn from_stat(stat: &Stat) -> Self {
        Self {
            allocated: stat.blocks.map(|blocks| blocks.saturating_mul(512)),
            apparent: if stat.is_file() { stat.size } else { 0 },
            inodes: 1,
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let allocated = self.allocated.zip(other.allocated);
        Self {
            allocated: allocated.map(|(one, other)| one.saturating_add(other)),
            apparent: self.apparent.saturating_add(other.apparent),
            inodes: self.inodes.saturating_add(other.inodes),
        }
    }

    /// Bytes on disk, or what they would read as where the evidence does not tell.
    pub fn bytes(&self) -> u64 {
        self.allocated.unwrap_or(self.apparent)
    }
}

/// Inodes with several names, by what tells them apart.
pub type Links = BTreeMap<(u64, u64), Space>;

/// What one tree takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Inodes with one name.
    pub own: Space,
    /// Inodes with several names, each once: other names of them may lie in other trees.
    pub links: Links,
}

impl Tree {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            own: Space::NONE,
            links: Links::new(),
        }
    }

    /// Adds one name.
    pub fn add(&mut self, evidence: &Evidence, path: &Path, stat: &Stat) {
        let is_one = stat.is_dir() || stat.nlink == Some(1);
        let identity = if is_one {
            None
        } else {
            inode(evidence, path, stat)
        };
        match identity {
            Some(identity) => {
                self.links.insert(identity, Space::from_stat(stat));
            }
            None => self.own = self.own.and(Space::from_stat(stat)),
        }
    }

    /// What it takes, without the links that are in `seen`, which are added to it.
    pub fn space(&self, seen: &mut BTreeSet<(u64, u64)>) -> Space {
        let fresh = self
            .links
            .iter()
            .filter(|(identity, _)| seen.insert(**identity));
        fresh.fold(self.own, |space, (_, link)| space.and(*link))
    }
}

/// Measures the tree at `path`, itself included. Below `except` nothing is looked at, and those
/// places themselves are not counted.
pub fn tree(
    evidence: &Evidence,
    path: &Path,
    except: &BTreeSet<PathBuf>,
    control: &Control<'_>,
) -> Known<Tree> {
    let mut tree = Tree::new();
    let mut unknown = Vec::new();
    let mut walk = Watched::new(evidence, path, control);
    while let Some(step) = walk.next() {
        match step {
            Step::Unknown(what) => unknown.push(what),
            Step::Entry { path, .. } if except.contains(&path) => walk.pass_over(),
            Step::Entry { path, stat, .. } => {
                untold(evidence, &path, &stat, &mut unknown);
                tree.add(evidence, &path, &stat);
            }
        }
    }
    if tree == Tree::new() && !unknown.is_empty() {
        return Known::Lost(unknown);
    }
    Known::with(tree, unknown)
}

/// Measures many trees at once.
pub fn trees<K: Ord + Send + Sync + Clone>(
    evidence: &Evidence,
    paths: impl IntoIterator<Item = (K, PathBuf)>,
    control: &Control<'_>,
) -> BTreeMap<K, Known<Tree>> {
    let paths: Vec<(K, PathBuf)> = paths.into_iter().collect();
    let none = BTreeSet::new();
    let done = pool::each(&paths, control.threads(paths.len()), |(key, path)| {
        (key.clone(), tree(evidence, path, &none, control))
    });
    done.into_iter().collect()
}
