//! What a collection keeps, deletes and leaves, one line each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use daemon::gc::{Collection, Failure, Fate, Record, Totals, Until};
use evidence::Evidence;
use finding::{Text, Unknown, size_option};
use measure::Control;
use node::Node;
use node::graph::Kind;
use serde::Serialize;

/// One thing that is kept, deleted or left.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// `meta.db`, a snapshotter's name, or `content`.
    pub store: Text,
    /// `lease`, `image`, `snapshot`, `blob`, `ingest`; `directory` for what no row has.
    pub what: &'static str,
    /// Its namespace, in meta.db.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
    /// Its key there.
    pub key: Text,
    /// Where its bytes lie, if they lie somewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// Its bytes: exact for blobs, on disk for snapshots.
    #[serde(serialize_with = "size_option")]
    pub size: Option<u64>,
    /// What becomes of it.
    #[serde(flatten)]
    pub fate: Fate,
    /// What becomes of the snapshot or file that a record of meta.db names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Fate>,
    /// Whether the line of its record tells it, too.
    #[serde(skip)]
    pub is_told: bool,
    /// Whether it is a layer that somebody wrote into.
    pub writable: bool,
    /// Until when a record of meta.db is held, or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Until>,
    /// Why.
    pub reason: String,
}

/// The bytes that a record of meta.db names.
#[derive(Clone, Copy, Default)]
struct Data<'c> {
    path: Option<&'c Text>,
    size: Option<u64>,
    is_writable: bool,
    fate: Option<&'c Fate>,
}

/// Bytes on disk by path.
#[derive(Debug, Default)]
pub struct Measured(BTreeMap<Text, Option<u64>>);

/// Measures what is deleted or left and has no size on record.
pub fn measure(evidence: &Evidence, collection: &Collection, control: &Control<'_>) -> Measured {
    let mut paths: Vec<Text> = Vec::new();
    for backend in &collection.backends {
        let rows = backend.rows.iter();
        let rows = rows.filter(|row| row.fate != Fate::Kept && row.size.is_none());
        paths.extend(rows.filter_map(|row| row.path.clone()));
        let entries = backend.entries.iter();
        let entries = entries.filter(|entry| entry.fate != Fate::Kept);
        paths.extend(entries.map(|entry| entry.path.clone()));
    }
    let paths = paths.into_iter().map(|path| {
        use std::os::unix::ffi::OsStrExt;
        let place = PathBuf::from(std::ffi::OsStr::from_bytes(path.bytes()));
        (path, place)
    });
    let usages = measure::usages(evidence, paths, control);
    let sizes = usages.into_iter().map(|(path, usage)| {
        let size = usage.read().and_then(|usage| usage.size);
        (path, size)
    });
    Measured(sizes.collect())
}

/// What a store says of its own run.
#[derive(Debug, Clone, Serialize)]
pub struct Store {
    /// A snapshotter's name, or `content`.
    #[serde(rename = "store")]
    pub name: Text,
    /// Whether something of it is deleted from meta.db: else it is not looked at.
    pub dirty: Option<bool>,
    /// Why it does not get to its end.
    pub failure: Option<String>,
}

/// A collection, told by what becomes of each thing.
#[derive(Debug, Clone, Serialize)]
pub struct Simulation {
    /// Whether it was simulated as if something had been deleted before.
    pub as_if_dirty: bool,
    /// Why there is no collection, if there is none.
    pub failure: Option<Failure>,
    /// How much is kept and deleted.
    pub totals: Totals,
    /// What each store says.
    pub stores: Vec<Store>,
    /// What is deleted.
    pub deleted: Vec<Item>,
    /// What nothing holds and no collection deletes, now or ever.
    pub left: Vec<Item>,
    /// What cannot be decided.
    pub undecided: Vec<Item>,
    /// What is kept, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Vec<Item>>,
    /// What of all this is not known.
    pub unknown: Vec<Unknown>,
    /// Whether meta.db is damaged: then a daemon may not get so far.
    pub meta_damaged: bool,
}

impl Simulation {
    /// What `collection` does to `node`, simulated `as_if_dirty` or not; what it keeps, too, if
    /// `all` is wanted.
    pub fn new(
        node: &Node,
        collection: &Collection,
        measured: &Measured,
        (as_if_dirty, all): (bool, bool),
    ) -> Self {
        let mut deleted = Vec::new();
        let mut left = Vec::new();
        let mut undecided = Vec::new();
        let mut kept = Vec::new();
        for item in items(collection, measured) {
            match item.fate {
                Fate::Kept => kept.push(item),
                Fate::Deleted => deleted.push(item),
                Fate::Waits | Fate::Stays(_) => left.push(item),
                Fate::Unknown => undecided.push(item),
            }
        }
        let store = |name: &Text, dirty: Option<bool>, failure: &Option<String>| Store {
            name: name.clone(),
            dirty,
            failure: failure.clone().filter(|_| dirty != Some(false)),
        };
        let backends = collection.backends.iter();
        let backends = backends.map(|run| store(&run.snapshotter, run.dirty, &run.failure));
        let content = &collection.content;
        let content = store(&Text::from("content"), content.dirty, &content.failure);
        Self {
            as_if_dirty,
            failure: collection.failure.clone(),
            totals: collection.totals(),
            stores: backends.chain([content]).collect(),
            deleted,
            left,
            undecided,
            kept: all.then_some(kept),
            unknown: collection.unknown.clone(),
            meta_damaged: node.meta.is_damaged(),
        }
    }

    /// Whether the collection, or that of a store, does not get to its end.
    pub fn fails(&self) -> bool {
        self.failure.is_some() || self.stores.iter().any(|store| store.failure.is_some())
    }
}

/// Every record of meta.db, and everything in the stores that no record names.
pub fn items(collection: &Collection, measured: &Measured) -> Vec<Item> {
    let measured = |path: Option<&Text>| *measured.0.get(path?)?;
    let mut items = Vec::new();
    let mut named: BTreeMap<&node::graph::Id, Data<'_>> = BTreeMap::new();
    for backend in &collection.backends {
        for row in &backend.rows {
            let is_writable = row.kind == Some(metadb::Kind::Active);
            let size = row.size.or_else(|| measured(row.path.as_ref()));
            if let Some(id) = &row.record {
                let data = Data {
                    path: row.path.as_ref(),
                    size,
                    is_writable,
                    fate: Some(&row.fate),
                };
                named.insert(id, data);
            }
        }
    }
    let blobs = &collection.content.blobs;
    let files = blobs.iter().map(|blob| {
        let data = Data {
            path: Some(&blob.path),
            size: blob.size,
            is_writable: false,
            fate: Some(&blob.fate),
        };
        (&blob.name, data)
    });
    let files: BTreeMap<&Text, Data<'_>> = files.collect();
    for record in &collection.records {
        let data = match record.id.kind {
            Kind::Snapshot => named.get(&record.id),
            Kind::Blob => files.get(&record.id.key),
            _ => None,
        };
        let data = data.copied().unwrap_or_default();
        items.push(Item {
            store: Text::from("meta.db"),
            what: record.id.kind.name(),
            namespace: Some(record.id.namespace.clone()),
            key: record.id.key.clone(),
            path: data.path.cloned(),
            size: data.size,
            fate: record.fate.clone(),
            data: data.fate.cloned(),
            is_told: false,
            writable: data.is_writable,
            held: Some(record.held),
            reason: reason(collection, record),
        });
    }
    for backend in &collection.backends {
        let store = &backend.snapshotter;
        for row in &backend.rows {
            let record = row.record.as_ref().and_then(|id| collection.record(id));
            let reason = match (&row.fate, record) {
                (Fate::Stays(why), _) => why.clone(),
                (Fate::Waits, _) => waits(store),
                (Fate::Unknown, _) => "what names it could not be read".to_owned(),
                (Fate::Kept, _) => "meta.db names it".to_owned(),
                (Fate::Deleted, Some(_)) => "its record in meta.db is deleted".to_owned(),
                (Fate::Deleted, None) => "meta.db has no record of it".to_owned(),
            };
            items.push(Item {
                store: store.clone(),
                what: "snapshot",
                namespace: None,
                key: row.key.clone(),
                path: row.path.clone(),
                size: row.size.or_else(|| measured(row.path.as_ref())),
                fate: row.fate.clone(),
                data: None,
                is_told: record.is_some_and(|record| record.fate == row.fate),
                writable: row.kind == Some(metadb::Kind::Active),
                held: None,
                reason,
            });
        }
        for entry in &backend.entries {
            items.push(Item {
                store: store.clone(),
                what: "directory",
                namespace: None,
                key: entry.path.clone(),
                path: Some(entry.path.clone()),
                size: measured(Some(&entry.path)),
                fate: entry.fate.clone(),
                data: None,
                is_told: false,
                writable: false,
                held: None,
                reason: leftover(&entry.fate, store, "no row of metadata.db has it"),
            });
        }
    }
    let content = &collection.content;
    let records = collection.records.iter();
    let records = records.filter(|record| record.id.kind == Kind::Blob);
    let told: BTreeSet<(&Text, bool)> = records
        .map(|record| (&record.id.key, record.fate == Fate::Deleted))
        .collect();
    let stored = [
        ("blob", &content.blobs),
        ("ingest", &content.ingests),
        ("directory", &content.others),
    ];
    for (what, list) in stored {
        for stored in list {
            items.push(Item {
                store: Text::from("content"),
                what,
                namespace: None,
                key: stored.name.clone(),
                path: Some(stored.path.clone()),
                size: stored.size,
                fate: stored.fate.clone(),
                data: None,
                is_told: what == "blob"
                    && told.contains(&(&stored.name, stored.fate == Fate::Deleted)),
                writable: false,
                held: None,
                reason: leftover(
                    &stored.fate,
                    &Text::from("the content store"),
                    "no record of meta.db names it (any more)",
                ),
            });
        }
    }
    items
}

fn waits(store: &Text) -> String {
    format!("meta.db does not name it, but nothing else is deleted from {store}")
}

fn leftover(fate: &Fate, store: &Text, deleted: &str) -> String {
    match fate {
        Fate::Kept => "meta.db names it".to_owned(),
        Fate::Deleted => deleted.to_owned(),
        Fate::Waits => waits(store),
        Fate::Stays(why) => why.clone(),
        Fate::Unknown => "what names it could not be read".to_owned(),
    }
}

/// What holds a record, or held it.
fn reason(collection: &Collection, record: &Record) -> String {
    let holder = record
        .holder
        .and_then(|holder| collection.graph.get(holder))
        .filter(|holder| holder.id != record.id);
    let name = holder.map(|holder| holder.id.to_string());
    match (&record.fate, record.held, name) {
        (Fate::Kept, Until::Never, _) => "nothing holds it; the collection fails".to_owned(),
        (Fate::Kept, Until::Forever, None) => "a root".to_owned(),
        (Fate::Kept, Until::Forever, Some(name)) => format!("held by {name}"),
        (Fate::Kept, Until::At(time), None) => format!("until {time}"),
        (Fate::Kept, Until::At(time), Some(name)) => format!("held by {name} until {time}"),
        (Fate::Unknown, ..) => "nothing that was read holds it; what was not read might".to_owned(),
        (_, Until::At(time), None) => format!("it ended at {time}"),
        (_, Until::At(time), Some(name)) => format!("held by {name} until {time} only"),
        (_, _, _) => "nothing holds it".to_owned(),
    }
}
