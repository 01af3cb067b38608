//! The rows of a metadata.db, as the snapshotters read them.
//!
//! ```text
//! v1/snapshots              SEQUENCE = the highest number
//!   "<ns>/<N>/<key>"/       id kind parent createdat updatedat [inodes size] [labels/]
//! v1/parents                uvarint(parent) 00 uvarint(child) = the child's key
//! ```

use std::collections::{BTreeMap, BTreeSet};

use evidence::Evidence;
use finding::Time;
use measure::{Control, usage};
use metadb::{BackendSnapshot, Kind, Row, put_time, put_uvarint, put_varint};

use super::pairing::Ask;
use super::{Paired, Wanted};
use crate::Tree;
use crate::rows::backend_rows;

/// A new metadata.db, and what did not come into it.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) tree: Tree,
    /// Pairs that are likely only, and were left out, or all.
    pub(crate) left_out: Vec<Vec<u8>>,
    /// Snapshots for which a directory is to be unpacked, with the number it gets.
    pub(crate) unpack: BTreeMap<Vec<u8>, u64>,
}

/// Writes the rows of what was paired. Likely pairs only with `by_time`.
pub(crate) fn write(
    ask: Ask<'_>,
    wanted: &[Wanted],
    paired: &Paired,
    by_time: bool,
    now: Time,
) -> Written {
    let mut written = Written::default();
    let mut ids: BTreeMap<&[u8], u64> = BTreeMap::new();
    let highest = ask.layout.dirs.keys().last().copied().unwrap_or(0);
    let given = ask
        .snapshotter
        .db
        .rows
        .as_ref()
        .and_then(|rows| rows.sequence);
    let mut next = highest.max(given.unwrap_or(0));
    for one in wanted {
        let pair = paired.pairs.get(&one.name);
        let is_layer = one.is_layer() && ask.layout.has_fs();
        let blob = content::Digest::parse_bytes(&one.key).ok();
        let has_blob = blob.is_some_and(|chain| ask.layers.contains_key(&chain));
        match pair {
            Some((id, proof)) if proof.is_proof() || by_time => {
                ids.insert(&one.name, *id);
            }
            // What can be unpacked from its blob needs no likely directory.
            _ if is_layer && has_blob => {
                next = next.saturating_add(1);
                ids.insert(&one.name, next);
                written.unpack.insert(one.name.clone(), next);
            }
            _ => written.left_out.push(one.name.clone()),
        }
    }
    let mut others = paired.others.clone();
    // Without its parent a snapshot cannot be.
    loop {
        let known: BTreeSet<Vec<u8>> = ids
            .keys()
            .map(|name| name.to_vec())
            .chain(others.iter().map(|row| row.key.bytes().to_vec()))
            .collect();
        let stands = |parent: Option<&[u8]>| parent.is_none_or(|parent| known.contains(parent));
        let orphans: Vec<&Wanted> = wanted
            .iter()
            .filter(|one| ids.contains_key(one.name.as_slice()))
            .filter(|one| {
                let is_lost = one.parent.is_none() && one.parent_key.is_some();
                is_lost || !stands(one.parent.as_deref())
            })
            .collect();
        let before = others.len();
        others.retain(|row| stands(row.parent.as_ref().map(finding::Text::bytes)));
        if orphans.is_empty() && others.len() == before {
            break;
        }
        for one in orphans {
            ids.remove(one.name.as_slice());
            written.unpack.remove(&one.name);
            written.left_out.push(one.name.clone());
        }
    }
    let mut all: BTreeMap<Vec<u8>, u64> = others
        .iter()
        .filter_map(|row| Some((row.key.bytes().to_vec(), row.id?)))
        .collect();
    all.extend(ids.iter().map(|(name, id)| (name.to_vec(), *id)));
    let mut tree = Tree::default();
    tree.make(&["v1", "snapshots"]).sequence = next;
    tree.make(&["v1", "parents"]);
    for one in wanted {
        let Some(id) = ids.get(one.name.as_slice()).copied() else {
            continue;
        };
        let record = tree.make(&[&b"v1"[..], b"snapshots", &one.name]);
        record.put("id", put_uvarint(id));
        record.put("kind", [number(kind(ask, one, id))]);
        let made = one.created.unwrap_or(now);
        record.put("createdat", put_time(made));
        record.put("updatedat", put_time(one.updated.unwrap_or(made)));
        for (label, value) in &one.labels {
            record.make(&["labels"]).put(label, value.as_slice());
        }
        let is_new = written.unpack.contains_key(&one.name);
        if kind(ask, one, id) == Kind::Committed && !is_new {
            put_usage(ask, one, id, record);
        }
        if let Some(parent) = &one.parent {
            record.put("parent", parent.as_slice());
            if let Some(above) = all.get(parent.as_slice()) {
                put_parent(&mut tree, *above, id, &one.name);
            }
        }
    }
    put_others(&mut tree, &others, &all);
    written.tree = tree;
    written
}

fn put_parent(tree: &mut Tree, parent: u64, child: u64, name: &[u8]) {
    let mut key = put_uvarint(parent);
    key.push(0);
    key.extend(put_uvarint(child));
    tree.make(&["v1", "parents"]).put(key, name);
}

/// Rows that meta.db does not name stay as they are.
fn put_others(tree: &mut Tree, rows: &[Row<BackendSnapshot>], ids: &BTreeMap<Vec<u8>, u64>) {
    for row in rows {
        let parent = row.parent.as_ref().map(|parent| parent.bytes().to_vec());
        let above = parent.as_ref().and_then(|parent| ids.get(parent)).copied();
        let (Some(id), Some(row_kind)) = (row.id, row.kind) else {
            continue;
        };
        let record = tree.make(&[&b"v1"[..], b"snapshots", row.key.bytes()]);
        record.put("id", put_uvarint(id));
        record.put("kind", [number(row_kind)]);
        for (name, time) in [("createdat", row.created), ("updatedat", row.updated)] {
            if let Some(time) = time {
                record.put(name, put_time(time));
            }
        }
        for (name, value) in [("inodes", row.inodes), ("size", row.size)] {
            if let Some(value) = value {
                record.put(name, put_varint(value));
            }
        }
        for (label, value) in &row.labels.entries {
            record.make(&["labels"]).put(label.bytes(), value.bytes());
        }
        if let (Some(parent), Some(above)) = (parent, above) {
            record.put("parent", parent);
            put_parent(tree, above, id, row.key.bytes());
        }
    }
}

const fn number(kind: Kind) -> u8 {
    match kind {
        Kind::View => 1,
        Kind::Active => 2,
        Kind::Committed => 3,
    }
}

/// What a snapshot is: what its row says unless it must be committed, else what its directory says.
fn kind(ask: Ask<'_>, one: &Wanted, id: u64) -> Kind {
    if one.is_committed() {
        return Kind::Committed;
    }
    let mut rows = backend_rows(ask.snapshotter).iter();
    let row = rows.find(|row| row.key.bytes() == one.name && row.id == Some(id));
    let said = row.and_then(|row| row.kind);
    let is_wrong = one.is_open() && said == Some(Kind::Committed);
    if let Some(kind) = said.filter(|_| !is_wrong) {
        return kind;
    }
    let dir = ask.layout.dirs.get(&id);
    // A view has no work directory; without work directories nothing tells them apart.
    let is_view =
        ask.layout.has_fs() && dir.is_some_and(|dir| dir.work.is_none() && dir.fs.is_some());
    if is_view { Kind::View } else { Kind::Active }
}

/// What a commit records: as the row that was there has it, else counted again.
fn put_usage(ask: Ask<'_>, one: &Wanted, id: u64, record: &mut Tree) {
    let mut rows = backend_rows(ask.snapshotter).iter();
    let row = rows.find(|row| row.key.bytes() == one.name && row.id == Some(id));
    if let Some((inodes, size)) = row.and_then(|row| Some((row.inodes?, row.size?))) {
        record.put("inodes", put_varint(inodes));
        record.put("size", put_varint(size));
        return;
    }
    if let Some((inodes, size)) = counted(ask.evidence, &ask.layout.files(id)) {
        record.put("inodes", put_varint(inodes));
        record.put("size", put_varint(size));
    }
}

fn counted(evidence: &Evidence, files: &std::path::Path) -> Option<(i64, i64)> {
    let known = usage(evidence, files, &Control::default());
    let usage = known.whole()?;
    Some((
        i64::try_from(usage.inodes).ok()?,
        i64::try_from(usage.size?).ok()?,
    ))
}
