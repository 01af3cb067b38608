//! Keys of snapshots and containers, and what records name.

use std::collections::BTreeSet;

use content::{Digest, Kind};
use metadb::{put_varint, varint};
use node::Node;

use super::{fields, is_near, only_near, parts, records, rename, set, value};
use crate::records::Edit;
use crate::rows::{backend_rows, keys, lossy_text, split_key};
use crate::{Survivors, Tree};

/// What an image's target may be said to be.
const TYPES: &[&str] = &[
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// A snapshot's key is the end of its name: where a row of metadata.db has that name, or a container or another snapshot
/// the key in it, the key is wrong.
pub(super) fn snapshots(tree: &mut Tree, node: &Node, edits: &mut Vec<Edit>) {
    let rows = node.snapshotters.iter().flat_map(backend_rows);
    let rows: BTreeSet<Vec<u8>> = rows.map(|row| row.key.bytes().to_vec()).collect();
    for at in fields::snapshots(tree) {
        let at = parts(&at);
        let Some((key, bucket)) = at.split_last() else {
            continue;
        };
        let name = tree.at(&at).and_then(|record| record.value("name"));
        let name = name.unwrap_or_default().to_vec();
        let Some((_, _, right)) = split_key(&name) else {
            continue;
        };
        if !is_near(key, right) || !rows.contains(&name) && !is_named(tree, bucket, right) {
            continue;
        }
        if rename(tree, bucket, key, right) {
            let why = format!("its key was {}: its name ends so", lossy_text(right));
            set(edits, &[bucket, &[right]].concat(), why);
        }
    }
}

/// Whether a container has a snapshot of this key in a bucket of snapshots, or another one of them stands on it.
fn is_named(tree: &Tree, bucket: &[&[u8]], key: &[u8]) -> bool {
    let names = |all: Option<&Tree>, field: &str| {
        let mut all = all.into_iter().flat_map(Tree::buckets);
        all.any(|(_, record)| record.value(field) == Some(key))
    };
    let space = bucket.get(..2).unwrap_or_default();
    let containers = tree.at(&[space, &[b"containers"]].concat());
    names(containers, "snapshotKey") || names(tree.at(bucket), "parent")
}

/// What a snapshot stands on is there: where no record has that key, the one that is near to it, if it is a layer's, or has
/// this snapshot among its children.
pub(super) fn parents(tree: &mut Tree, edits: &mut Vec<Edit>) {
    for at in fields::snapshots(tree) {
        let at = parts(&at);
        let Some((key, bucket)) = at.split_last() else {
            continue;
        };
        let parent = tree.at(&at).and_then(|record| record.value("parent"));
        let parent = parent.unwrap_or_default().to_vec();
        // To list all keys for each snapshot would be quadratic.
        if parent.is_empty() || is_there(tree, bucket, &parent) {
            continue;
        }
        let there = tree.at(bucket).into_iter().flat_map(Tree::buckets);
        let right = only_near(&parent, there.map(|(key, _)| key));
        let Some(right) = right.map(<[u8]>::to_vec) else {
            continue;
        };
        let right = right.as_slice();
        let children = tree.at(&[bucket, &[right, b"children"]].concat());
        let is_child = children.is_some_and(|all| all.entries.contains_key(*key));
        if is_child || Digest::parse_bytes(right).is_ok() {
            field(tree, &at, "parent", right, edits);
        }
    }
}

/// Whether a bucket has a bucket of this key.
fn is_there(tree: &Tree, bucket: &[&[u8]], key: &[u8]) -> bool {
    tree.at(&[bucket, &[key]].concat()).is_some()
}

/// A container has the key of its snapshot, unless somebody chose another; and what it names is there.
pub(super) fn containers(tree: &mut Tree, edits: &mut Vec<Edit>) {
    for at in records(tree, &[b"containers"]) {
        let at = parts(&at);
        let (Some(record), Some((id, bucket)), Some(namespace)) =
            (tree.at(&at), at.split_last(), at.get(1).copied())
        else {
            continue;
        };
        let text = |key| record.value(key).unwrap_or_default().to_vec();
        let (snapshotter, own) = (text("snapshotter"), text("snapshotKey"));
        let space = [&b"v1"[..], namespace];
        let stores: Vec<Vec<u8>> = keys(tree.at(&[&space[..], &[b"snapshots"]].concat()));
        let snapshotter = match only_near(&snapshotter, stores.iter().map(Vec::as_slice)) {
            Some(right) if !stores.contains(&snapshotter) => {
                field(tree, &at, "snapshotter", right, edits);
                right.to_vec()
            }
            _ => snapshotter,
        };
        let all = [&space[..], &[b"snapshots", &snapshotter]].concat();
        if !own.is_empty() && !is_there(tree, &all, &own) {
            let there = tree.at(&all).into_iter().flat_map(Tree::buckets);
            let near = only_near(&own, there.map(|(key, _)| key));
            let right = near.filter(|right| is_drawn(right) || right == id);
            if let Some(right) = right.map(<[u8]>::to_vec) {
                field(tree, &at, "snapshotKey", &right, edits);
            }
        } else if is_drawn(&own) && is_near(id, &own) && rename(tree, bucket, id, &own) {
            let why = format!("its id was {}: its snapshot is called so", lossy_text(&own));
            set(edits, &[bucket, &[own.as_slice()]].concat(), why);
        }
    }
}

/// Whether a name was drawn by chance: names that people choose are near to each other (`app-1`, `app-3`).
fn is_drawn(name: &[u8]) -> bool {
    name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit)
}

fn field(tree: &mut Tree, at: &[&[u8]], name: &str, right: &[u8], edits: &mut Vec<Edit>) {
    let record = tree.make(at);
    let was = lossy_text(value(record, name.as_bytes()).unwrap_or_default());
    record.put(name, right);
    let why = format!("its {name} was {}, not {was}", lossy_text(right));
    set(edits, at, why);
}

/// The digest, the type and the size of what an image is.
pub(super) fn targets(tree: &mut Tree, survivors: &Survivors, edits: &mut Vec<Edit>) {
    let is_image = |kind| matches!(kind, Kind::Manifest | Kind::Index);
    let documents = survivors.documents.iter();
    let images: Vec<&Digest> = documents
        .filter(|(_, document)| is_image(document.kind))
        .map(|(digest, _)| digest)
        .collect();
    for at in records(tree, &[b"images"]) {
        let at: Vec<&[u8]> = at
            .iter()
            .map(Vec::as_slice)
            .chain([&b"target"[..]])
            .collect();
        let record = at.split_last().map_or(&at[..], |(_, above)| above);
        let Some(target) = tree.at(&at) else { continue };
        let mut found = target.value("digest").unwrap_or_default().to_vec();
        let is_there = images.iter().any(|one| one.as_str().as_bytes() == found);
        let near = only_near(&found, images.iter().map(|one| one.as_str().as_bytes()));
        if let Some(right) = near.filter(|_| !is_there) {
            let why = format!(
                "its target was {}, not {}",
                lossy_text(right),
                lossy_text(&found)
            );
            found = right.to_vec();
            tree.make(&at).put("digest", right);
            set(edits, record, why);
        }
        let Ok(digest) = Digest::parse_bytes(&found) else {
            continue;
        };
        let Some(held) = survivors
            .blobs
            .get(&digest)
            .filter(|_| images.contains(&&digest))
        else {
            continue;
        };
        let target = tree.make(&at);
        let kind = value(target, b"mediatype").unwrap_or_default().to_vec();
        let is_known = TYPES.iter().any(|one| one.as_bytes() == kind);
        let near = only_near(&kind, TYPES.iter().map(|one| one.as_bytes()));
        if let Some(right) = near.filter(|_| !is_known) {
            target.put("mediatype", right);
            let why = format!("the type of its target was {}", lossy_text(right));
            set(edits, record, why);
        }
        let target = tree.make(&at);
        let size = i64::try_from(held.size).unwrap_or(i64::MAX);
        let found = value(target, b"size");
        if found.is_some_and(|found| is_near(found, &put_varint(size)) && varint(found) != Ok(size))
        {
            target.put("size", put_varint(size));
            set(edits, record, format!("its target has {size} bytes"));
        }
    }
}
