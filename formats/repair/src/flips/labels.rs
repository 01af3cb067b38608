//! Labels that keep what a document holds, and sizes of blobs.

use std::collections::{BTreeMap, BTreeSet};

use content::{Digest, Document};
use metadb::put_varint;

use super::{fields, is_near, only_near, parts, records, rename, set, value};
use crate::complete::{diff_ids, labels_of};
use crate::records::Edit;
use crate::rows::lossy_text;
use crate::{Survivors, Tree};

/// What a layer's snapshot is called, once more.
const REF: &str = "containerd.io/snapshot.ref";
const UNCOMPRESSED: &str = "containerd.io/uncompressed";

pub(super) fn labels(tree: &mut Tree, survivors: &Survivors, edits: &mut Vec<Edit>) {
    let diff_ids = diff_ids(survivors);
    let sizes = sizes(survivors);
    for at in records(tree, &[b"content", b"blob"]) {
        let at = parts(&at);
        let (Some(key), Some(namespace)) = (at.last(), at.get(1).copied()) else {
            continue;
        };
        let Ok(digest) = Digest::parse_bytes(key) else {
            continue;
        };
        let mut wanted = labels_of(tree, survivors, namespace, &digest);
        if let Some(diff_id) = diff_ids.get(&digest) {
            wanted.push((UNCOMPRESSED.to_owned(), diff_id.to_string()));
        }
        own(tree, &at, &wanted, edits);
        let record = tree.make(&at);
        let found = value(record, b"size").unwrap_or_default().to_vec();
        let right = sizes.get(&digest).map(|size| put_varint(*size));
        if let Some(right) = right.filter(|right| is_near(&found, right)) {
            record.put("size", right);
            let why = "its size was that of the file, which a document says, too";
            set(edits, &at, why.to_owned());
        }
    }
    for at in fields::snapshots(tree) {
        let at = parts(&at);
        let Some(key) = at.last().filter(|key| key.starts_with(b"sha256:")) else {
            continue;
        };
        let wanted = [(REF.to_owned(), lossy_text(key))];
        own(tree, &at, &wanted, edits);
    }
}

/// Sets right the labels of a record that are near to one of `wanted`.
fn own(tree: &mut Tree, record: &[&[u8]], wanted: &[(String, String)], edits: &mut Vec<Edit>) {
    let at = [record, &[b"labels"]].concat();
    let Some(found) = tree.at(&at) else { return };
    let names: BTreeSet<&[u8]> = wanted.iter().map(|(name, _)| name.as_bytes()).collect();
    let lacking = names.iter().copied();
    let lacking: Vec<&[u8]> = lacking
        .filter(|name| !found.entries.contains_key(*name))
        .collect();
    let odd = found.entries.keys().filter(|key| !is_own(key));
    let flipped: Vec<(Vec<u8>, Vec<u8>)> = odd
        .filter(|key| !names.contains(key.as_slice()))
        .filter_map(|key| {
            Some((
                key.clone(),
                only_near(key, lacking.iter().copied())?.to_vec(),
            ))
        })
        .collect();
    for (old, new) in flipped {
        if rename(tree, &at, &old, &new) {
            let why = format!("the label {} was {}", lossy_text(&old), lossy_text(&new));
            set(edits, record, why);
        }
    }
    for (name, right) in wanted {
        let labels = tree.make(&at);
        let found = value(labels, name.as_bytes());
        if found.is_some_and(|found| is_near(found, right.as_bytes())) {
            labels.put(name, right.as_bytes());
            set(edits, record, format!("its label {name} was {right}"));
        }
    }
}

/// A label that containerd writes by this name, with whatever number.
fn is_own(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"containerd.io/gc.ref.content.") else {
        return fields::LABELS.iter().any(|own| own.as_bytes() == name);
    };
    let number = rest
        .strip_prefix(b"l.")
        .or_else(|| rest.strip_prefix(b"m."));
    number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
        || rest == b"config"
}

/// The sizes of blobs that a document names, and that the file has.
fn sizes(survivors: &Survivors) -> BTreeMap<Digest, i64> {
    let links = survivors.documents.values().flat_map(Document::links);
    let mut found = BTreeMap::new();
    for link in links {
        let digest = &link.descriptor.digest;
        let held = survivors.blobs.get(digest).map(|held| held.size);
        if let Some(size) = held.filter(|size| *size == link.descriptor.size)
            && let Ok(size) = i64::try_from(size)
        {
            found.insert(digest.clone(), size);
        }
    }
    found
}
