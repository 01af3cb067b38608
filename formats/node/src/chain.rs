//! A snapshot's chain of layers: where the files of a container lie.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use evidence::Evidence;
use finding::Text;
use metadb::{BackendSnapshot, Kind, Row};
use snapshots::{Merged, Prefix};

use crate::Snapshotter;

/// One layer of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its key in metadata.db.
    pub key: Text,
    /// The name of its directory.
    pub id: u64,
    /// What it is, if its row says so.
    pub kind: Option<Kind>,
    /// Where its files lie, or would lie.
    pub files: PathBuf,
}

/// A snapshot and all that it stands on, the topmost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The layers; never empty.
    pub layers: Vec<Layer>,
    /// How they are seen as one tree.
    pub seen: SeenAs,
}

/// How the layers of a chain are seen as one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenAs {
    /// One directory as it lies there: a bound layer, or a full copy (`native`).
    Plain,
    /// Mounted by overlayfs.
    Overlay,
}

/// Why a chain could not be followed to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainError {
    /// This key has no row, though all rows could be read.
    Missing(Text),
    /// This key has no row, and not all rows could be read.
    Unknown(Text),
    /// The row of this key names no directory.
    NoId(Text),
    /// This key is its own ancestor.
    Cycle(Text),
    /// This snapshotter keeps its files where we do not look.
    Elsewhere(&'static str),
}

impl core::fmt::Display for ChainError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Missing(key) => write!(f, "metadata.db has no snapshot {key}"),
            Self::Unknown(key) => write!(
                f,
                "metadata.db has no row of snapshot {key}, as far as it could be read: `coroner snapshots check` says \
                 what is wrong with it"
            ),
            Self::NoId(key) => write!(f, "the row of snapshot {key} names no directory"),
            Self::Cycle(key) => write!(f, "snapshot {key} is its own ancestor"),
            Self::Elsewhere(where_) => write!(f, "its files are not read: {where_}"),
        }
    }
}

impl Snapshotter {
    /// The chain of the snapshot with this key of metadata.db.
    ///
    /// # Errors
    /// A chain that does not reach its base cannot be seen as the container saw it: the error says
    /// where it ends.
    pub fn chain(&self, key: &Text) -> Result<Chain, ChainError> {
        self.chain_in(&self.by_key(), key)
    }

    /// As [`chain`](Self::chain), with [`by_key`](Self::by_key) made once for many.
    ///
    /// # Errors
    /// As for [`chain`](Self::chain).
    pub(crate) fn chain_in(
        &self,
        by_key: &BTreeMap<&Text, &Row<BackendSnapshot>>,
        key: &Text,
    ) -> Result<Chain, ChainError> {
        let rows = self.db.rows.as_ref();
        let is_whole = rows.is_some_and(|rows| rows.snapshots.is_whole());
        let Some(layout) = self.layout.read() else {
            return Err(ChainError::Elsewhere("the directories could not be listed"));
        };
        if !layout.rules.has_files() {
            return Err(ChainError::Elsewhere(layout.unread.unwrap_or_default()));
        }
        let mut layers = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = Some(key);
        while let Some(key) = next {
            if !seen.insert(key) {
                return Err(ChainError::Cycle(key.clone()));
            }
            let row = match by_key.get(key) {
                Some(row) => row,
                None if is_whole => return Err(ChainError::Missing(key.clone())),
                None => return Err(ChainError::Unknown(key.clone())),
            };
            let id = row.id.ok_or_else(|| ChainError::NoId(key.clone()))?;
            layers.push(Layer {
                key: key.clone(),
                id,
                kind: row.kind,
                files: layout.files(id),
            });
            // A full copy stands on nothing.
            next = row.parent.as_ref().filter(|_| layout.has_fs());
        }
        // A view shows what its parent has: its own directory is not among the layers.
        if layers.len() > 1
            && layers
                .first()
                .is_some_and(|top| top.kind == Some(Kind::View))
        {
            layers.remove(0);
        }
        let seen = match layers.len() {
            1 => SeenAs::Plain,
            _ => SeenAs::Overlay,
        };
        Ok(Chain { layers, seen })
    }
}

impl Chain {
    /// The chain of a directory that no row owns: what it stands on is not known.
    pub fn alone(id: u64, files: PathBuf) -> Self {
        let layer = Layer {
            key: Text::from(""),
            id,
            kind: None,
            files,
        };
        Self {
            layers: vec![layer],
            seen: SeenAs::Plain,
        }
    }

    /// What the topmost layer stands on; nothing if it is the base.
    pub fn below(&self) -> Option<Self> {
        let layers: Vec<Layer> = self.layers.iter().skip(1).cloned().collect();
        let seen = match layers.len() {
            0 => return None,
            1 => SeenAs::Plain,
            _ => SeenAs::Overlay,
        };
        Some(Self { layers, seen })
    }

    /// The chain as one tree. `prefix` is that of overlayfs' marks in it.
    pub fn merged<'e>(&self, evidence: &'e Evidence, prefix: Prefix) -> Merged<'e> {
        let mut files = self.layers.iter().map(|layer| layer.files.clone());
        match self.seen {
            SeenAs::Plain => Merged::plain(evidence, files.next().unwrap_or_default()),
            SeenAs::Overlay => Merged::overlay(evidence, files.collect(), prefix),
        }
    }
}
