//! What takes space, each thing once: snapshots, blobs, ingests, and the rest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use content::Digest;
use finding::{Text, Unknown};
use measure::{Space, Tree};
use metadb::Kind;
use node::{Node, path_text};

/// What something is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A snapshot's directory.
    Snapshot {
        snapshotter: Text,
        id: u64,
        kind: Option<Kind>,
    },
    /// A directory or file among the snapshots that is none.
    Leftover { snapshotter: Text },
    /// A blob.
    Blob(Digest),
    /// A file among the blobs that is none.
    Stray,
    /// An ingest.
    Ingest,
    /// Everything else: the databases, the folders themselves, the CRI plugin's files, work
    /// directories.
    Rest,
}

/// One thing.
#[derive(Debug, Clone)]
pub(super) struct Thing {
    pub(super) what: What,
    /// Bytes when it was committed, for a snapshot.
    pub(super) recorded: Option<u64>,
    /// What it holds, once it is measured.
    pub(super) tree: Option<Tree>,
    /// What it takes, links counted where they are met first.
    pub(super) space: Option<Space>,
}

/// Everything that takes space, by path.
#[derive(Debug, Default)]
pub(super) struct Things {
    pub(super) by_path: BTreeMap<PathBuf, Thing>,
    /// Whether directories were walked.
    pub(super) measured: bool,
    pub(super) total: Option<Space>,
    pub(super) unknown: Vec<Unknown>,
}

impl Things {
    pub(super) fn from_node(node: &Node) -> Self {
        let mut things = Self::default();
        let mut add = |path: PathBuf, what: What, recorded: Option<u64>| {
            let thing = Thing {
                what,
                recorded,
                tree: None,
                space: None,
            };
            things.by_path.insert(path, thing);
        };
        let mut unknown = Vec::new();
        for snapshotter in &node.snapshotters {
            unknown.extend(snapshotter.layout.unknown().iter().cloned());
            let Some(layout) = snapshotter.layout.read() else {
                continue;
            };
            let rows = snapshotter
                .db
                .rows
                .iter()
                .flat_map(metadb::Backend::snapshots);
            let rows: BTreeMap<u64, _> = rows.filter_map(|row| Some((row.id?, row))).collect();
            for (id, directory) in &layout.dirs {
                let row = rows.get(id);
                let what = What::Snapshot {
                    snapshotter: snapshotter.name.clone(),
                    id: *id,
                    kind: row.and_then(|row| row.kind),
                };
                let size = row.and_then(|row| u64::try_from(row.size?).ok());
                let what = if row.is_none() && snapshotter.db.rows.is_some() {
                    let snapshotter = snapshotter.name.clone();
                    What::Leftover { snapshotter }
                } else {
                    what
                };
                add(directory.path.clone(), what, size);
            }
            for stray in layout.strays.iter().chain(&layout.temporaries) {
                let snapshotter = snapshotter.name.clone();
                add(stray.path.clone(), What::Leftover { snapshotter }, None);
            }
        }
        unknown.extend(node.content.unknown().iter().cloned());
        if let Some(store) = node.content.read() {
            for blob in &store.blobs {
                add(blob.path.clone(), What::Blob(blob.digest.clone()), None);
            }
            for stray in &store.strays {
                add(stray.path.clone(), What::Stray, None);
            }
            for ingest in &store.ingests {
                add(ingest.path.clone(), What::Ingest, None);
            }
        }
        things.unknown = unknown;
        things
    }

    /// Without a walk: blobs as the listing shows them, committed layers as recorded.
    pub(super) fn unmeasured(&mut self, node: &Node) {
        if let Some(store) = node.content.read() {
            for blob in &store.blobs {
                if let Some(thing) = self.by_path.get_mut(&blob.path) {
                    thing.space = (!blob.stat.only_kind).then(|| Space::from_stat(&blob.stat));
                }
            }
            for ingest in &store.ingests {
                if let Some(thing) = self.by_path.get_mut(&ingest.path) {
                    thing.space = ingest.data_size.map(|size| Space {
                        allocated: None,
                        apparent: size,
                        inodes: 0,
                    });
                }
            }
        }
        for thing in self.by_path.values_mut() {
            if let (What::Snapshot { .. }, Some(size)) = (&thing.what, thing.recorded) {
                thing.space = Some(Space {
                    allocated: Some(size),
                    apparent: 0,
                    inodes: 0,
                });
            }
        }
    }

    /// Bytes of the thing at `path`.
    pub(super) fn bytes(&self, path: &Text) -> Option<u64> {
        use std::os::unix::ffi::OsStrExt;
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(path.bytes()));
        Some(self.by_path.get(&path)?.space?.bytes())
    }

    /// Every thing with its path.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Text, &Thing)> {
        self.by_path
            .iter()
            .map(|(path, thing)| (path_text(path), thing))
    }
}
