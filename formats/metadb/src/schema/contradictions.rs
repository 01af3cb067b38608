//! What containerd writes in one transaction, and that does not go together in one tree.
//!
//! ```text
//! meta.db      a snapshot's `parent` is there, and has it among its `children`; no name has a higher number
//!              than the sequence of its bucket. A collection leaves the names of `children` behind.
//! metadata.db  a snapshot's `parent` is there, and the index has a row for the two; each row of the index
//!              names a snapshot that is there, by its number; no number is higher than the sequence
//! ```

use std::collections::{BTreeMap, BTreeSet};

use bolt::{Bucket, Contradiction, Entry, PageId};

use super::meta::number;
use crate::{backend, uvarint};

/// The buckets in a bucket.
fn buckets<'s>(bucket: &Bucket<'s>) -> Vec<(Entry<'s>, Bucket<'s>)> {
    let entries = bucket.contents().entries.into_iter();
    entries
        .filter_map(|entry| {
            let below = entry.value.bucket()?.clone();
            Some((entry, below))
        })
        .collect()
}

fn below<'s>(bucket: &Bucket<'s>, key: &[u8]) -> Option<Bucket<'s>> {
    bucket.contents().get(key)?.value.bucket().cloned()
}

fn owned(path: &[&[u8]]) -> Vec<Vec<u8>> {
    path.iter().map(|key| key.to_vec()).collect()
}

/// What is found, for one collection.
struct Found {
    path: Vec<Vec<u8>>,
    all: Vec<Contradiction>,
}

impl Found {
    fn add(&mut self, below: &[&[u8]], key: Option<&[u8]>, page: PageId, is_missing: bool) {
        let path = self.path.iter().cloned();
        self.all.push(Contradiction {
            path: path.chain(owned(below)).collect(),
            key: key.map(<[u8]>::to_vec),
            page,
            is_missing,
        });
    }

    /// The sequence of the collection is older than what it numbered.
    fn uncounted(&mut self, page: PageId) {
        let Some((key, above)) = self.path.split_last() else {
            return;
        };
        self.all.push(Contradiction {
            path: above.to_vec(),
            key: Some(key.clone()),
            page,
            is_missing: false,
        });
    }
}

/// Of meta.db.
pub(super) fn meta(root: &Bucket<'_>) -> Vec<Contradiction> {
    let mut all = Vec::new();
    let Some(v1) = below(root, b"v1") else {
        return all;
    };
    for (namespace, contents) in buckets(&v1) {
        let Some(snapshots) = below(&contents, b"snapshots") else {
            continue;
        };
        for (snapshotter, rows) in buckets(&snapshots) {
            let path = owned(&[b"v1", namespace.key, b"snapshots", snapshotter.key]);
            all.extend(rows_of_meta(path, &rows, &snapshotter));
        }
    }
    all
}

/// A snapshot of meta.db.
struct Row<'s> {
    page: PageId,
    parent: Option<&'s [u8]>,
    children: Vec<Entry<'s>>,
    number: Option<u64>,
    is_whole: bool,
}

fn rows_of_meta(path: Vec<Vec<u8>>, rows: &Bucket<'_>, above: &Entry<'_>) -> Vec<Contradiction> {
    let mut known = BTreeMap::new();
    for (entry, bucket) in buckets(rows) {
        let fields = bucket.contents();
        let value = |key: &[u8]| fields.get(key).and_then(|entry| entry.value.bytes());
        let children = fields
            .get(b"children")
            .and_then(|entry| entry.value.bucket())
            .map(|children| children.contents().entries);
        let row = Row {
            page: entry.page,
            parent: value(b"parent").filter(|parent| !parent.is_empty()),
            children: children.unwrap_or_default(),
            number: value(b"name").and_then(number),
            is_whole: value(b"name").is_some(),
        };
        known.insert(entry.key, row);
    }
    let mut found = Found {
        path,
        all: Vec::new(),
    };
    for (key, row) in known.iter().filter(|(_, row)| row.is_whole) {
        if row.number.is_some_and(|number| number > rows.sequence()) {
            found.uncounted(above.page);
        }
        if let Some(parent) = row.parent {
            match known.get(parent) {
                None => found.add(&[], Some(parent), row.page, true),
                Some(above) if !above.children.iter().any(|child| child.key == *key) => {
                    // The parent is an older version, or its set of children is.
                    found.add(&[parent], None, above.page, false);
                    found.add(&[parent, b"children"], Some(key), above.page, false);
                }
                Some(_) => {}
            }
        }
    }
    found.all
}

/// Of metadata.db.
pub(super) fn backend(root: &Bucket<'_>) -> Vec<Contradiction> {
    let Some(v1) = below(root, b"v1") else {
        return Vec::new();
    };
    let (Some(rows), Some(index)) = (below(&v1, b"snapshots"), below(&v1, b"parents")) else {
        return Vec::new();
    };
    let mut known = BTreeMap::new();
    let mut by_id = BTreeMap::new();
    for (entry, bucket) in buckets(&rows) {
        let fields = bucket.contents();
        let value = |key: &[u8]| fields.get(key).and_then(|entry| entry.value.bytes());
        let id = value(b"id").and_then(|id| uvarint(id).ok());
        let parent = value(b"parent").filter(|parent| !parent.is_empty());
        if let Some(id) = id {
            by_id.insert(id, entry.key);
        }
        known.insert(entry.key, (entry.page, id, parent));
    }
    let mut found = Found {
        path: owned(&[b"v1", b"snapshots"]),
        all: Vec::new(),
    };
    let mut missing_rows = Vec::new();
    let pairs = index.contents().entries;
    let indexed: BTreeSet<_> = pairs
        .iter()
        .filter_map(|pair| Some((backend::parent_key(pair.key)?, pair.value.bytes()?)))
        .collect();
    for (key, (page, id, parent)) in &known {
        if id.is_some_and(|id| id > rows.sequence()) {
            found.uncounted(*page);
        }
        let (Some(id), Some(parent)) = (id, parent) else {
            continue;
        };
        match known.get(parent) {
            None => found.add(&[], Some(parent), *page, true),
            Some((_, Some(above), _)) => {
                if !indexed.contains(&((*above, *id), *key)) {
                    missing_rows.push(*page);
                }
            }
            Some(_) => {}
        }
    }
    let index_path = owned(&[b"v1", b"parents"]);
    let mut all = found.all;
    if let Some(page) = missing_rows.first() {
        all.push(Contradiction {
            path: index_path.clone(),
            key: None,
            page: *page,
            is_missing: false,
        });
    }
    for pair in &pairs {
        let (Some((_, id)), Some(child)) = (backend::parent_key(pair.key), pair.value.bytes())
        else {
            continue;
        };
        let is_there = known.get(child).is_some_and(|(_, own, _)| *own == Some(id));
        if !is_there {
            all.push(Contradiction {
                path: owned(&[b"v1", b"snapshots"]),
                key: Some(child.to_vec()),
                page: pair.page,
                is_missing: !known.contains_key(child) && !by_id.contains_key(&id),
            });
            // A commit gives the snapshot another key: the row may be the old one.
            all.push(Contradiction {
                path: index_path.clone(),
                key: Some(pair.key.to_vec()),
                page: pair.page,
                is_missing: false,
            });
        }
    }
    all
}
