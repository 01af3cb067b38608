//! What a snapshot stands on, where the record of that is lost.
//!
//! A snapshot's record names its parent by the key in meta.db, a row of metadata.db by its own. If the
//! parent's is lost, the snapshot must not be written as if it stood on nothing: its container would start
//! without the files of its image.

use std::collections::{BTreeMap, BTreeSet};

use content::Digest;
use finding::Text;
use metadb::{BackendSnapshot, Row};
use node::Snapshotter;

use super::{Ask, LayerBlob, Wanted, is_inherited};
use crate::rows::{backend_rows, split_key};

/// Finds each snapshot's parent by its key, and says which have children.
pub(crate) fn relate(all: &mut [Wanted]) {
    let by_key: BTreeMap<(Vec<u8>, Vec<u8>), Vec<u8>> = all
        .iter()
        .map(|one| ((one.namespace.clone(), one.key.clone()), one.name.clone()))
        .collect();
    for one in all.iter_mut().filter(|one| one.parent.is_none()) {
        if let Some(key) = &one.parent_key {
            one.parent = by_key.get(&(one.namespace.clone(), key.clone())).cloned();
        }
    }
    let parents: BTreeSet<Vec<u8>> = all.iter().filter_map(|one| one.parent.clone()).collect();
    for one in all {
        one.has_children = parents.contains(&one.name);
    }
}

/// Adds the rows of metadata.db that `all` does not name: a damaged meta.db has lost their records.
pub(crate) fn add_rows(snapshotter: &Snapshotter, all: &mut Vec<Wanted>) {
    let known: BTreeSet<(Vec<u8>, Vec<u8>)> = all
        .iter()
        .map(|one| (one.namespace.clone(), one.key.clone()))
        .collect();
    let rows = backend_rows(snapshotter).iter().filter_map(of_row);
    all.extend(rows.filter(|one| !known.contains(&(one.namespace.clone(), one.key.clone()))));
    relate(all);
}

fn of_row(row: &Row<BackendSnapshot>) -> Option<Wanted> {
    row.kind?;
    row.id?;
    let (namespace, _, key) = split_key(row.key.bytes())?;
    let parent = row.parent.as_ref().map(Text::bytes);
    let labels = row.labels.entries.iter();
    let labels = labels.filter(|(name, _)| is_inherited(name.bytes()));
    Some(Wanted {
        name: row.key.bytes().to_vec(),
        namespace: namespace.to_vec(),
        key: key.to_vec(),
        parent: None,
        // What is no key at all leads to no parent either: it is not taken for the lowest layer.
        parent_key: parent
            .map(|parent| split_key(parent).map_or(parent, |(_, _, key)| key).to_vec()),
        created: row.created,
        updated: row.updated,
        labels: labels
            .map(|(name, value)| (name.bytes().to_vec(), value.bytes().to_vec()))
            .collect(),
        has_children: false,
        is_written: false,
    })
}

/// Where meta.db has no record of a parent, the row in metadata.db says what the snapshot stands on: the same
/// parent, which has its row still, or another one that both know (then the record's is wrong).
pub(crate) fn by_rows(snapshotter: &Snapshotter, all: &mut [Wanted]) {
    let rows: BTreeMap<&[u8], &Row<BackendSnapshot>> = backend_rows(snapshotter)
        .iter()
        .map(|row| (row.key.bytes(), row))
        .collect();
    let names: BTreeSet<Vec<u8>> = all.iter().map(|one| one.name.clone()).collect();
    let lost = |one: &&mut Wanted| one.parent.is_none() && one.parent_key.is_some();
    for one in all.iter_mut().filter(lost) {
        let row = rows.get(one.name.as_slice());
        let parent = row.and_then(|row| row.parent.as_ref());
        let Some(parent) = parent.map(Text::bytes) else {
            continue;
        };
        let Some((namespace, _, key)) = split_key(parent) else {
            continue;
        };
        let is_same = one.parent_key.as_deref() == Some(key) && rows.contains_key(parent);
        if is_same || (namespace == one.namespace && names.contains(parent)) {
            one.parent = Some(parent.to_vec());
            one.parent_key = Some(key.to_vec());
        }
    }
}

/// Adds the layers that a snapshot stands on and that nothing has a record of, where their blobs are there:
/// they are unpacked again.
pub(crate) fn add_layers(ask: Ask<'_>, all: &mut Vec<Wanted>) {
    relate(all);
    let mut known: BTreeSet<(Vec<u8>, Vec<u8>)> = all
        .iter()
        .map(|one| (one.namespace.clone(), one.key.clone()))
        .collect();
    let numbers = all.iter().filter_map(|one| Some(split_key(&one.name)?.1));
    let mut next = numbers.max().unwrap_or(0);
    let mut more = Vec::new();
    for one in all.iter().filter(|one| one.parent.is_none()) {
        let chain = one.parent_key.as_deref().map(Digest::parse_bytes);
        let Some(Ok(chain)) = chain else { continue };
        let Some(stack) = stack(ask, &chain) else {
            continue;
        };
        for (chain, layer) in stack {
            let key = chain.as_str().as_bytes().to_vec();
            if !known.insert((one.namespace.clone(), key.clone())) {
                continue;
            }
            next = next.saturating_add(1);
            more.push(Wanted {
                name: [&one.namespace, next.to_string().as_bytes(), &key].join(&b'/'),
                namespace: one.namespace.clone(),
                key,
                parent: None,
                parent_key: layer
                    .below
                    .as_ref()
                    .map(|below| below.as_str().as_bytes().to_vec()),
                created: one.created,
                updated: one.updated,
                labels: Vec::new(),
                has_children: false,
                is_written: false,
            });
        }
    }
    all.extend(more);
    relate(all);
}

/// A layer and all below it; nothing if a blob is not there.
fn stack<'a>(ask: Ask<'a>, chain: &Digest) -> Option<Vec<(Digest, &'a LayerBlob)>> {
    let mut found = Vec::new();
    let mut next = Some(chain.clone());
    while let Some(chain) = next.take() {
        let layer = ask.layers.get(&chain)?;
        found.push((chain, layer));
        next.clone_from(&layer.below);
        if found.len() > 256 {
            return None;
        }
    }
    Some(found)
}
