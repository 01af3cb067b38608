//! Which snapshot another one stands on, where the two databases do not agree.
//!
//! ```text
//! key is a chain that an image's configuration gives    the chain before it: that is proof
//! else metadata.db, if it says the same twice           rows and the index of children: what is mounted
//! else meta.db                                          metadata.db is made anew from it
//! ```
//!
//! This comes before metadata.db is compared with meta.db: a parent that is wrong in meta.db alone must not
//! be written into both, least of all one that makes a circle, at which the daemon hangs.

use std::collections::{BTreeMap, BTreeSet};

use content::Digest;
use finding::{Text, Time};
use node::{DatabaseState, Node, Snapshotter};

use crate::Tree;
use crate::backend::LayerBlob;
use crate::complete::put_snapshot;
use crate::records::Edit;
use crate::rows::{backend_rows, shown, split_key};

/// Sets parents in meta.db right, and makes records of parents that it lost.
pub(crate) fn agree(
    tree: &mut Tree,
    node: &Node,
    layers: &BTreeMap<Digest, LayerBlob>,
    now: Time,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    for snapshotter in &node.snapshotters {
        edits.extend(parents(tree, snapshotter, layers));
        edits.extend(lost(tree, snapshotter, now));
    }
    edits
}

/// Whether metadata.db was read whole, and says each parent in its rows as in its index.
fn is_sound(snapshotter: &Snapshotter) -> bool {
    let db = &snapshotter.db;
    let Some(backend) = db.rows.as_ref().filter(|_| db.state == DatabaseState::Open) else {
        return false;
    };
    let (Some(rows), Some(index)) = (backend.snapshots.whole(), backend.parents.whole()) else {
        return false;
    };
    let by_name: BTreeMap<&[u8], Option<u64>> =
        rows.iter().map(|row| (row.key.bytes(), row.id)).collect();
    let said: BTreeSet<(u64, u64)> = rows
        .iter()
        .filter_map(|row| {
            let parent = by_name.get(row.parent.as_ref()?.bytes())?;
            Some(((*parent)?, row.id?))
        })
        .collect();
    !db.is_damaged() && backend.troubles.is_empty() && said == index.keys().copied().collect()
}

fn parents(
    tree: &mut Tree,
    snapshotter: &Snapshotter,
    layers: &BTreeMap<Digest, LayerBlob>,
) -> Vec<Edit> {
    let is_sound = is_sound(snapshotter);
    let mut edits = Vec::new();
    let rows = backend_rows(snapshotter);
    let known: BTreeSet<&[u8]> = rows
        .iter()
        .filter_map(|row| Some(split_key(row.key.bytes())?.2))
        .collect();
    for row in rows {
        let Some((namespace, _, key)) = split_key(row.key.bytes()) else {
            continue;
        };
        let bucket = [b"v1", namespace, b"snapshots", snapshotter.name.bytes()];
        let at = [&bucket[..], &[key]].concat();
        let Some(record) = tree.at(&at) else { continue };
        if record.value("name") != Some(row.key.bytes()) {
            continue;
        }
        let said = record.value("parent").filter(|parent| !parent.is_empty());
        let chain = Digest::parse_bytes(key).ok();
        let layer = chain.and_then(|chain| layers.get(&chain));
        let (right, why): (Option<Vec<u8>>, &str) = match layer {
            Some(layer) => (
                layer
                    .below
                    .as_ref()
                    .map(|below| below.to_string().into_bytes()),
                "that is the layer below it in its image",
            ),
            None if is_sound => {
                let parent = row.parent.as_ref().map(|parent| split_key(parent.bytes()));
                match parent {
                    None => (None, "metadata.db says so, and that is what is mounted"),
                    Some(Some((space, _, parent))) if space == namespace => (
                        Some(parent.to_vec()),
                        "metadata.db says so, and that is what is mounted",
                    ),
                    Some(_) => continue,
                }
            }
            None => continue,
        };
        if said == right.as_deref() {
            continue;
        }
        // `docker commit` makes a layer on top of what it made for the container.
        let is_between = |said: &[u8]| {
            let below = tree.at(&[&bucket[..], &[said]].concat());
            let below = below.and_then(|record| record.value("parent"));
            said.ends_with(b"-init") && below == right.as_deref()
        };
        if said.is_some_and(is_between) {
            continue;
        }
        // A layer below that nobody has is made again by whoever pulls the image.
        let has = |parent: &[u8]| {
            tree.at(&[&bucket[..], &[parent]].concat()).is_some() || known.contains(parent)
        };
        if right.as_deref().is_some_and(|right| !has(right)) {
            continue;
        }
        let old = said.map(<[u8]>::to_vec);
        if let Some(old) = &old {
            let children = [&bucket[..], &[old, b"children", key]].concat();
            tree.remove(&children);
        }
        let record = tree.make(&at);
        match &right {
            Some(right) => record.put("parent", right.as_slice()),
            None => {
                record.entries.remove(&b"parent"[..]);
            }
        }
        if let Some(right) = right.as_ref().filter(|right| {
            tree.at(&[&bucket[..], &[right.as_slice()]].concat())
                .is_some()
        }) {
            tree.make(&[&bucket[..], &[right.as_slice(), b"children"]].concat())
                .put_new(key, []);
        }
        let name = |parent: Option<&[u8]>| {
            parent.map_or_else(
                || "none".to_owned(),
                |parent| Text::from(parent).to_string(),
            )
        };
        edits.push(Edit {
            record: shown(&at),
            removed: false,
            why: format!(
                "its parent was {}, and is {}: {why}",
                name(old.as_deref()),
                name(right.as_deref())
            ),
        });
    }
    edits
}

/// Records of parents that meta.db lost, and metadata.db still has.
fn lost(tree: &mut Tree, snapshotter: &Snapshotter, now: Time) -> Vec<Edit> {
    let rows = backend_rows(snapshotter);
    let mut edits = Vec::new();
    // Each round makes the next one below.
    for _ in 0..rows.len() {
        let mut made = false;
        for row in rows {
            let Some((namespace, number, key)) = split_key(row.key.bytes()) else {
                continue;
            };
            let bucket = [b"v1", namespace, b"snapshots", snapshotter.name.bytes()];
            let Some(all) = tree.at(&bucket) else {
                continue;
            };
            if all.entries.contains_key(key) || !key_is_parent(all, key) {
                continue;
            }
            let children: Vec<Vec<u8>> = all
                .buckets()
                .filter(|(_, record)| record.value("parent") == Some(key))
                .map(|(child, _)| child.to_vec())
                .collect();
            put_snapshot(tree, &bucket, key, row, now);
            let all = tree.make(&bucket);
            all.sequence = all.sequence.max(number);
            let at = [&bucket[..], &[key]].concat();
            for child in children {
                tree.make(&[at.as_slice(), &[b"children"]].concat())
                    .put_new(&child, []);
            }
            edits.push(Edit {
                record: shown(&at),
                removed: false,
                why: "other snapshots depend on it, it had no record, and metadata.db has it"
                    .to_owned(),
            });
            made = true;
        }
        if !made {
            break;
        }
    }
    edits
}

fn key_is_parent(all: &Tree, key: &[u8]) -> bool {
    all.buckets()
        .any(|(_, record)| record.value("parent") == Some(key))
}
