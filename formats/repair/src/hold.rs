//! The lease that keeps what a collection would take.
//!
//! A database that was brought back never knows all that the old one knew: what nothing in it refers
//! to may be garbage, or a container's only copy of its files. So a lease without an end holds it,
//! one a namespace, until somebody has looked.

use std::collections::{BTreeMap, BTreeSet};

use daemon::gc::{Collection, Fate};
use finding::{Text, Time};
use metadb::put_time;

use crate::Tree;
use crate::rows::split_key;

/// The beginning of the names of recovery leases.
pub const LEASE: &str = "coroner-recovery-";

/// What is to be held, by namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holds(BTreeMap<Vec<u8>, Held>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Held {
    snapshots: BTreeSet<(Vec<u8>, Vec<u8>)>,
    content: BTreeSet<Vec<u8>>,
}

/// Layers that were being unpacked when the node stopped: a pull begins them anew.
fn is_half_unpacked(key: &[u8]) -> bool {
    key.starts_with(b"extract-")
}

impl Holds {
    /// What `collection` would take of snapshots and blobs that have a record.
    pub fn from_collection(collection: &Collection) -> Self {
        let mut holds = Self::default();
        let taken = |fate: &Fate| matches!(fate, Fate::Deleted | Fate::Unknown);
        for run in &collection.backends {
            for row in run.rows.iter().filter(|row| taken(&row.fate)) {
                let Some((namespace, _, key)) = split_key(row.key.bytes()) else {
                    continue;
                };
                if row.record.is_some() && !is_half_unpacked(key) {
                    let held = holds.0.entry(namespace.to_vec()).or_default();
                    held.snapshots
                        .insert((run.snapshotter.bytes().to_vec(), key.to_vec()));
                }
            }
        }
        // Each blob has a record in every namespace that may want it: what one of them keeps needs no
        // lease in the others.
        let content = &collection.content;
        let is_known = content.failure.is_none();
        let stays = content
            .blobs
            .iter()
            .filter(|stored| is_known && !taken(&stored.fate));
        let stays: BTreeSet<&[u8]> = stays.map(|stored| stored.name.bytes()).collect();
        for record in collection
            .records
            .iter()
            .filter(|record| taken(&record.fate))
        {
            let is_blob = record.id.kind == node::graph::Kind::Blob;
            if is_blob && !stays.contains(record.id.key.bytes()) {
                let held = holds
                    .0
                    .entry(record.id.namespace.bytes().to_vec())
                    .or_default();
                held.content.insert(record.id.key.bytes().to_vec());
            }
        }
        holds
    }

    /// Holds a snapshot, or a blob where there is no snapshotter.
    pub(crate) fn put(&mut self, namespace: &[u8], snapshotter: Option<&[u8]>, key: &[u8]) {
        let held = self.0.entry(namespace.to_vec()).or_default();
        match snapshotter {
            Some(snapshotter) => {
                held.snapshots.insert((snapshotter.to_vec(), key.to_vec()));
            }
            None => {
                held.content.insert(key.to_vec());
            }
        }
    }

    /// Adds what another collection would take.
    pub fn add(&mut self, other: Self) {
        for (namespace, more) in other.0 {
            let held = self.0.entry(namespace).or_default();
            held.snapshots.extend(more.snapshots);
            held.content.extend(more.content);
        }
    }

    /// Takes out what another collection takes, too.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (namespace, held) in &mut self.0 {
            if let Some(less) = other.0.get(namespace) {
                held.snapshots.retain(|one| !less.snapshots.contains(one));
                held.content.retain(|one| !less.content.contains(one));
            }
        }
        self.0
            .retain(|_, held| !held.snapshots.is_empty() || !held.content.is_empty());
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes the leases into `tree`.
    pub fn write(&self, tree: &mut Tree, plan: &str, now: Time) {
        let id = format!("{LEASE}{plan}");
        for (namespace, held) in &self.0 {
            let at: [&[u8]; 4] = [b"v1", namespace, b"leases", id.as_bytes()];
            let lease = tree.make(&at);
            lease.put("createdat", put_time(now));
            for (snapshotter, key) in &held.snapshots {
                lease.make(&[&b"snapshots"[..], snapshotter]).put(key, []);
            }
            for digest in &held.content {
                lease.make(&["content"]).put(digest, []);
            }
        }
    }

    /// What is held, as lines: `namespace/snapshotter/key` and `namespace/digest`.
    pub fn named(&self) -> (Vec<String>, Vec<String>) {
        let (mut snapshots, mut blobs) = (Vec::new(), Vec::new());
        for (namespace, held) in &self.0 {
            let namespace = Text::from(namespace.as_slice());
            for (snapshotter, key) in &held.snapshots {
                snapshots.push(format!(
                    "{namespace}/{}/{}",
                    Text::from(snapshotter.as_slice()),
                    Text::from(key.as_slice())
                ));
            }
            for digest in &held.content {
                blobs.push(format!("{namespace}/{}", Text::from(digest.as_slice())));
            }
        }
        (snapshots, blobs)
    }
}
