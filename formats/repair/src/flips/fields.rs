//! Fields of records, and labels that containerd itself writes.

use super::{only_near, parts, records, rename, set};
use crate::Tree;
use crate::records::Edit;
use crate::rows::{keys, lossy_text};

/// Kinds of records, the fields that each has, and buckets in them that have fields of their own.
struct Kind {
    at: &'static [&'static [u8]],
    fields: &'static [&'static str],
    inner: &'static [(&'static str, &'static [&'static str])],
}

const RUNTIME: (&str, &[&str]) = ("runtime", &["name", "options"]);

const KINDS: &[Kind] = &[
    Kind {
        at: &[b"images"],
        fields: &["createdat", "updatedat", "target", "labels", "annotations"],
        inner: &[("target", &["digest", "mediatype", "size"])],
    },
    Kind {
        at: &[b"containers"],
        fields: &[
            "createdat",
            "updatedat",
            "image",
            "labels",
            "runtime",
            "snapshotKey",
            "snapshotter",
            "spec",
            "extensions",
            "sandboxid",
        ],
        inner: &[RUNTIME],
    },
    Kind {
        at: &[b"sandboxes"],
        fields: &[
            "createdat",
            "updatedat",
            "labels",
            "runtime",
            "spec",
            "extensions",
            "sandboxer",
        ],
        inner: &[RUNTIME],
    },
    Kind {
        at: &[b"content", b"blob"],
        fields: &["createdat", "updatedat", "size", "labels"],
        inner: &[],
    },
];

const SNAPSHOT: &[&str] = &[
    "name",
    "parent",
    "createdat",
    "updatedat",
    "children",
    "labels",
];

/// Labels of containerd's own whose name is always the same.
pub(super) const LABELS: &[&str] = &[
    "containerd.io/gc.root",
    "containerd.io/gc.expire",
    "containerd.io/gc.flat",
    "containerd.io/gc.ref.content.config",
    "containerd.io/snapshot.ref",
    "containerd.io/uncompressed",
    "io.cri-containerd.image",
    "io.cri-containerd.kind",
];

/// Keys that are none of the schema's, and near to the only one of them that is not there.
pub(super) fn fields(tree: &mut Tree, edits: &mut Vec<Edit>) {
    for kind in KINDS {
        for at in records(tree, kind.at) {
            let at = parts(&at);
            bucket(tree, &at, kind.fields, edits);
            for (name, fields) in kind.inner {
                bucket(tree, &[&at[..], &[name.as_bytes()]].concat(), fields, edits);
            }
            own_labels(tree, &at, edits);
        }
    }
    for at in records(tree, &[b"leases"]) {
        own_labels(tree, &parts(&at), edits);
    }
    for at in snapshots(tree) {
        let at = parts(&at);
        bucket(tree, &at, SNAPSHOT, edits);
        own_labels(tree, &at, edits);
    }
}

/// The paths of all snapshots' records.
pub(super) fn snapshots(tree: &Tree) -> Vec<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for at in records(tree, &[b"snapshots"]) {
        for key in keys(tree.at(&at)) {
            found.push([at.as_slice(), &[key]].concat());
        }
    }
    found
}

fn own_labels(tree: &mut Tree, at: &[&[u8]], edits: &mut Vec<Edit>) {
    bucket(tree, &[at, &[b"labels"]].concat(), LABELS, edits);
}

fn bucket(tree: &mut Tree, at: &[&[u8]], fields: &[&str], edits: &mut Vec<Edit>) {
    let Some(found) = tree.at(at) else { return };
    let lacks = |field: &&&str| !found.entries.contains_key(field.as_bytes());
    let lacking: Vec<&[u8]> = fields
        .iter()
        .filter(lacks)
        .map(|field| field.as_bytes())
        .collect();
    let is_known = |key: &[u8]| fields.iter().any(|field| field.as_bytes() == key);
    let odd = found.entries.keys().filter(|key| !is_known(key));
    let flipped: Vec<(Vec<u8>, Vec<u8>)> = odd
        .filter_map(|key| {
            Some((
                key.clone(),
                only_near(key, lacking.iter().copied())?.to_vec(),
            ))
        })
        .collect();
    for (old, new) in flipped {
        if rename(tree, at, &old, &new) {
            let why = format!("{} was {}", lossy_text(&old), lossy_text(&new));
            set(edits, record_of(at), why);
        }
    }
}

/// The record that a bucket is in.
fn record_of<'p, 'k>(at: &'p [&'k [u8]]) -> &'p [&'k [u8]] {
    match at.split_last() {
        Some((last, above)) if [&b"labels"[..], b"target", b"runtime"].contains(last) => above,
        _ => at,
    }
}
