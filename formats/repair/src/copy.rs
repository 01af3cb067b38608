//! An older copy of the databases: what containers were, how directories were numbered.
//!
//! What it says was true once. So a record of it stands in only where something on the disk asks for it
//! (its snapshot is there), and never where there is one already, or a bundle that says otherwise.

use std::collections::BTreeMap;

use bolt::Db;
use finding::{Text, Time};
use metadb::{Backend, BackendSnapshot, Row, go_time};
use sha2::{Digest as _, Sha256};
use view::View;

use crate::Tree;
use crate::rows::namespaces;

/// A copy of meta.db, and of each metadata.db that was taken with it.
#[derive(Debug, Clone)]
pub struct Copied {
    /// Where it is from.
    pub from: String,
    /// SHA-256 of its meta.db.
    pub sha256: String,
    pub(crate) tree: Tree,
    /// The rows of each snapshotter's metadata.db.
    pub(crate) backends: BTreeMap<Vec<u8>, Vec<Row<BackendSnapshot>>>,
    /// The time of its newest record: it is at least that new.
    pub(crate) newest: Option<Time>,
}

impl Copied {
    /// Reads a copy; nothing where its meta.db is not whole, or none. `backends` are the bytes of each
    /// metadata.db, by the snapshotter's name.
    pub fn read_copy(meta: &[u8], backends: &[(String, Vec<u8>)], from: &str) -> Option<Self> {
        let tree = Tree::of_bytes(meta)?;
        tree.at(&["v1"])?;
        let rows = |bytes: &[u8]| {
            let db = Db::open(View::new(bytes)).db?;
            let backend = Backend::read_backend(&db);
            let is_whole = backend.snapshots.is_whole() && backend.troubles.is_empty();
            is_whole.then(|| backend.snapshots().to_vec())
        };
        let backends = backends
            .iter()
            .filter_map(|(name, bytes)| Some((name.clone().into_bytes(), rows(bytes)?)));
        Some(Self {
            from: from.to_owned(),
            sha256: hex::encode(Sha256::digest(meta)),
            backends: backends.collect(),
            newest: newest(&tree),
            tree,
        })
    }

    /// What another place says, as if a copy had it.
    pub(crate) fn of_tree(tree: Tree) -> Self {
        Self {
            from: String::new(),
            sha256: String::new(),
            backends: BTreeMap::new(),
            newest: newest(&tree),
            tree,
        }
    }

    /// How people call it: where it is from, and how old it is.
    pub(crate) fn name(&self) -> String {
        let from = Text::from(self.from.as_str());
        match self.newest {
            Some(time) => format!("the copy {from} (newest record: {time})"),
            None => format!("the copy {from}"),
        }
    }

    /// The record of a container, and that of its sandbox.
    pub(crate) fn containers(&self) -> impl Iterator<Item = (&[u8], &[u8], &Tree)> {
        namespaces(&self.tree).flat_map(|(namespace, space)| {
            let all = space
                .at(&["containers"])
                .into_iter()
                .flat_map(Tree::buckets);
            all.map(move |(id, record)| (namespace, id, record))
        })
    }
}

/// The newest time of any record.
fn newest(tree: &Tree) -> Option<Time> {
    let mut found = None;
    for (_, space) in namespaces(tree) {
        for kind in ["images", "containers", "leases"] {
            let records = space.at(&[kind]).into_iter().flat_map(Tree::buckets);
            for (_, record) in records {
                for name in ["createdat", "updatedat"] {
                    let time = record.value(name).and_then(|value| go_time(value).ok());
                    found = found.max(time);
                }
            }
        }
        let stores = space.at(&["snapshots"]).into_iter().flat_map(Tree::buckets);
        for (_, record) in stores.flat_map(|(_, all)| all.buckets()) {
            let time = record
                .value("updatedat")
                .and_then(|value| go_time(value).ok());
            found = found.max(time);
        }
    }
    found
}
