//! The garbage collector of each release, simulated on a node's stores.
//!
//! A collection marks everything that is reachable from the roots, deletes all other leases,
//! snapshots, blobs, ingests (and, since 2.0, images) from meta.db in one transaction, and then
//! lets each store that lost something delete what meta.db does not name (any more):
//!
//! ```text
//! meta.db      v1/<namespace>/…            what no root reaches            core/metadata/gc.go
//! metadata.db  keys that no `name` has     children first                  core/metadata/snapshot.go
//! snapshots/   names that are no id        overlayfs only                  plugins/snapshots/overlay
//! blobs/       digests that no row has     in order of their names         core/metadata/content.go
//! ingest/      references that no row has
//! ```
//!
//! It runs 100 ms after a start, after each deletion, and after each 100 changes; never because
//! time passed. A store that lost nothing is not looked at: what is unknown to meta.db stays in it
//! until something else is deleted there, which is [`Fate::Waits`].
//!
//! Unknown is not absent: what no root is *seen* to reach is [`Fate::Unknown`] where a damaged page
//! may have held the reference.
//!
//! ```no_run
//! # fn example(node: &node::Node) {
//! use daemon::{Release, gc};
//! let collection = gc::simulate(node, Release::V1_7, node.now).unwrap();
//! if let Some(failure) = &collection.failure {
//!     println!("the collector fails ({}), and the daemon dies: {}", failure.says, failure.is_fatal);
//! }
//! let lost = collection.totals();
//! println!("{} snapshots, {} blobs", lost.snapshots.deleted, lost.blobs.deleted);
//! for layer in collection.writable_layers() {
//!     println!("the writable layer {} would be gone", layer.key);
//! }
//! # }
//! ```
//!
//! The rules of 1.6, 1.7 and 2.1 were compared with the real daemons on random stores
//! (`testdata/make/gc`, `docs/gc.md`); those of 2.0, 2.2 and 2.3 were read in the source.

mod backend;
mod content;
mod mark;
mod rules;
mod totals;
mod when;

use std::sync::Arc;

use finding::{Known, Text, Time, Unknown};
use metadb::MetaDb;
use node::Node;
use node::graph::{Graph, Id, Index, Kind};
use serde::Serialize;

use crate::Release;

pub use backend::{BackendRow, BackendRun, Entry};
pub use content::{ContentRun, Stored};
pub use mark::{Chain, Marks, Step};
pub use rules::{Root, Rules};
pub use totals::{Count, Totals};
pub use when::Until;

/// What becomes of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", content = "why", rename_all = "kebab-case")]
pub enum Fate {
    /// It is kept: something holds it.
    Kept,
    /// It is deleted.
    Deleted,
    /// Nothing holds it, but its store is not looked at before something else in it is deleted.
    Waits,
    /// Nothing holds it, and no collection ever deletes it.
    Stays(String),
    /// It cannot be decided: what might hold it could not be read.
    Unknown,
}

/// A record of meta.db and its fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in the graph.
    pub index: Index,
    /// Which it is.
    pub id: Id,
    /// What becomes of it.
    pub fate: Fate,
    /// Until when it is held, or was.
    pub held: Until,
    /// The root that holds it longest, or did.
    pub holder: Option<Index>,
}

/// Why no collection takes place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The record that the collector cannot read.
    pub record: Id,
    /// What the daemon's log says.
    pub says: String,
    /// Whether the daemon dies of it: the first collection after a start that fails is a nil
    /// pointer panic up to 2.1.
    pub is_fatal: bool,
}

/// A simulated collection.
#[derive(Debug, Clone)]
pub struct Collection {
    /// How it was decided.
    pub rules: Rules,
    /// When it took place.
    pub at: Time,
    /// The references of the node.
    pub graph: Arc<Graph>,
    /// What is held until when.
    pub marks: Marks,
    /// Why it does not take place, if it does not: then every record is kept.
    pub failure: Option<Failure>,
    /// Records of meta.db that a collection may delete, sorted by id.
    pub records: Vec<Record>,
    /// What each snapshotter deletes.
    pub backends: Vec<BackendRun>,
    /// What the content store deletes.
    pub content: ContentRun,
    /// What of all this is not known.
    pub unknown: Vec<Unknown>,
}

/// Simulates the collection of a daemon of `release` at `at`, as the first one after a start.
///
/// Nothing, with the reason, where nothing of meta.db is known: a missing or empty one is taken for
/// new by a daemon, and its next collections delete everything.
pub fn simulate(node: &Node, release: Release, at: Time) -> Result<Collection, Unknown> {
    simulate_with(node, release, at, false)
}

/// As [`simulate`]; with `dirty`, as if something had been deleted from every store before.
pub fn simulate_with(
    node: &Node,
    release: Release,
    at: Time,
    dirty: bool,
) -> Result<Collection, Unknown> {
    let Some(meta) = &node.meta.rows else {
        let lost = node.meta.lost();
        return Err(lost.unwrap_or_else(|| Unknown::new("meta.db", "it was not read")));
    };
    let rules = Rules {
        release,
        schema: meta.version,
    };
    let graph = Arc::clone(node.graph());
    let marks = Marks::new(&graph, rules, at);
    let failure = failure(&graph, release);
    let records = records(&graph, &marks, rules, at, failure.is_some());
    let mut collection = Collection {
        rules,
        at,
        marks,
        failure,
        records,
        backends: Vec::new(),
        content: ContentRun::default(),
        unknown: graph.all_unknown(),
        graph,
    };
    for snapshotter in &node.snapshotters {
        let run = backend::run(&collection, meta, snapshotter, dirty);
        collection.unknown.extend(run.unknown.iter().cloned());
        collection.backends.push(run);
    }
    collection.content = content::run(&collection, meta, node, dirty);
    let unknown = collection.content.unknown.clone();
    collection.unknown.extend(unknown);
    collection
        .unknown
        .sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
    collection.unknown.dedup();
    Ok(collection)
}

/// The first ingest whose `expireat` does not decode: the roots cannot be listed.
fn failure(graph: &Graph, release: Release) -> Option<Failure> {
    graph.objects().find_map(|(_, object)| {
        let error = object.life.expires_fault.as_ref()?;
        Some(Failure {
            record: object.id.clone(),
            says: format!("garbage collection failed: {error}"),
            is_fatal: release.dies_of_garbage(),
        })
    })
}

fn records(graph: &Graph, marks: &Marks, rules: Rules, at: Time, fails: bool) -> Vec<Record> {
    let rows = graph
        .objects()
        .filter(|(_, object)| object.at.is_some() && rules.collects(object.id.kind));
    rows.map(|(index, object)| {
        let held = marks.held(index);
        // Nothing refers to a lease: what its own label says is all.
        let is_lease = object.id.kind == Kind::Lease;
        let ended = is_lease
            && rules
                .root(object)
                .is_some_and(|(_, until)| !until.holds(at));
        let unknown = !graph.unknown(&object.id.namespace).is_empty();
        let fate = if held.holds(at) || fails {
            Fate::Kept
        } else if unknown && !ended {
            Fate::Unknown
        } else {
            Fate::Deleted
        };
        Record {
            index,
            id: object.id.clone(),
            fate,
            held,
            holder: marks.holder(index),
        }
    })
    .collect()
}

impl Collection {
    /// For every root that reaches an object, ended ones included, the shortest chain of
    /// references from it: at most `most`, the ones that hold longest first. And how many there
    /// are in all.
    pub fn chains(&self, target: Index, most: usize) -> (Vec<Chain>, usize) {
        mark::chains(&self.graph, self.rules, self.at, target, most)
    }

    /// The record of an object, if a collection may delete it.
    pub fn record(&self, id: &Id) -> Option<&Record> {
        let at = self
            .records
            .binary_search_by(|record| record.id.cmp(id))
            .ok()?;
        self.records.get(at)
    }

    /// Snapshots that are deleted and that somebody wrote into: layers of containers, or of pulls
    /// that did not end.
    pub fn writable_layers(&self) -> impl Iterator<Item = &BackendRow> {
        self.backends
            .iter()
            .flat_map(|backend| &backend.rows)
            .filter(|row| row.fate == Fate::Deleted && row.kind == Some(metadb::Kind::Active))
    }

    /// How much is kept and deleted.
    pub fn totals(&self) -> Totals {
        Totals::from_collection(self)
    }
}

/// Whether something of a store is deleted from meta.db, so that the store is looked at: nothing
/// where that cannot be decided.
fn is_dirty<'r>(records: impl Iterator<Item = &'r Record>, always: bool) -> Option<bool> {
    let mut unknown = false;
    for record in records {
        match record.fate {
            Fate::Deleted => return Some(true),
            Fate::Unknown => unknown = true,
            _ => {}
        }
    }
    match (always, unknown) {
        (true, _) => Some(true),
        (false, true) => None,
        (false, false) => Some(false),
    }
}

/// The fate of what nothing names, once it is known whether its store is looked at.
fn unnamed(dirty: Option<bool>) -> Fate {
    match dirty {
        Some(true) => Fate::Deleted,
        Some(false) => Fate::Waits,
        None => Fate::Unknown,
    }
}

/// Every namespace of `meta` that a collection looks into: those in `v1`.
fn namespaces(meta: &MetaDb) -> impl Iterator<Item = &metadb::Namespace> {
    meta.namespaces().iter().filter(|ns| ns.at.is_some())
}

/// What was read of a list.
fn known_rows<T>(rows: &Known<Vec<T>>) -> impl Iterator<Item = &T> {
    rows.read().into_iter().flatten()
}

fn path_text(path: &std::path::Path) -> Text {
    node::path_text(path)
}
