//! Which of containerd's databases a file is, by what stands in it: people exchange meta.db and metadata.db, and copy
//! the one over the other.

use bolt::{Bucket, Db, Value};

use crate::schema::is_collection;

/// How many namespaces, rows or collections are looked at: one tells.
const ASKED: usize = 100;

/// Which of containerd's databases a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// meta.db: it has namespaces, or the version of its schema.
    Meta,
    /// A snapshotter's metadata.db: it has snapshots with numbers.
    Backend,
    /// It has what both have: a daemon used it as the one and as the other.
    Both,
}

impl Whose {
    /// Which database this is; nothing where its keys do not say so.
    pub fn of_tree(db: &Db<'_>) -> Option<Self> {
        let root = db.root().contents();
        let v1 = root.get(b"v1")?.value.bucket()?.contents();
        let mut rest = v1.entries.iter().take(ASKED);
        let has_namespace = rest.any(|entry| entry.value.bucket().is_some_and(is_namespace));
        let snapshots = v1.get(b"snapshots").and_then(|entry| entry.value.bucket());
        let has_rows = snapshots.is_some_and(has_numbers);
        let has = |key: &[u8]| {
            v1.get(key)
                .is_some_and(|entry| entry.value.bucket().is_some())
        };
        // One that was never used: a namespace of a meta.db has none of these names by chance and is empty.
        let is_bare = has(b"snapshots") && has(b"parents") && v1.entries.len() == 2;
        match (has_namespace, has_rows || is_bare) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Meta),
            // A daemon that took it for meta.db wrote its version into it.
            (false, true) => Some(Self::Backend),
            (false, false) if v1.get(b"version").is_some() => Some(Self::Meta),
            (false, false) => None,
        }
    }
}

/// Whether one of its first buckets is a snapshot as a snapshotter has it.
fn has_numbers(snapshots: &Bucket<'_>) -> bool {
    let contents = snapshots.contents();
    let rows = contents.entries.iter().take(ASKED);
    let mut rows = rows.filter_map(|row| row.value.bucket());
    rows.any(|row| {
        let row = row.contents();
        let is_value =
            |key: &[u8]| matches!(row.get(key).map(|one| &one.value), Some(Value::Bytes(_)));
        is_value(b"id") && is_value(b"kind")
    })
}

/// Whether it is a namespace with a record in it: a daemon makes empty collections wherever it looks for one.
fn is_namespace(bucket: &Bucket<'_>) -> bool {
    let contents = bucket.contents();
    let mut all = contents
        .entries
        .iter()
        .filter(|entry| is_collection(entry.key));
    all.any(|entry| {
        let Some(below) = entry.value.bucket().map(Bucket::contents) else {
            return false;
        };
        let is_deep = matches!(entry.key, b"snapshots" | b"content");
        below
            .entries
            .iter()
            .take(ASKED)
            .any(|entry| match &entry.value {
                Value::Bucket(record) if is_deep => !record.contents().entries.is_empty(),
                _ => true,
            })
    })
}
