//! Records of snapshots, from the snapshotters' metadata.db.

use finding::Time;
use metadb::{BackendSnapshot, Row, put_time};
use node::Snapshotter;

use super::Work;
use crate::Tree;
use crate::rows::{backend_rows, lossy_text, split_key};

impl Work<'_> {
    pub(super) fn snapshots(&mut self, snapshotter: &Snapshotter) {
        for row in backend_rows(snapshotter) {
            let Some((namespace, number, key)) = split_key(row.key.bytes()) else {
                continue;
            };
            let bucket = [b"v1", namespace, b"snapshots", snapshotter.name.bytes()];
            let all = self.tree.make(&bucket);
            all.sequence = all.sequence.max(number);
            if all.entries.contains_key(key) {
                continue;
            }
            put_snapshot(self.tree, &bucket, key, row, self.wants.now);
            let place = format!("{}/{}", lossy_text(namespace), snapshotter.name);
            let count = self.added.snapshots.entry(place).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Tells every parent of its children, once all records are there.
    pub(super) fn children(&mut self, snapshotter: &Snapshotter) {
        for row in backend_rows(snapshotter) {
            let own = split_key(row.key.bytes());
            let parent = row
                .parent
                .as_ref()
                .and_then(|parent| split_key(parent.bytes()));
            let (Some((namespace, _, key)), Some((_, _, parent))) = (own, parent) else {
                continue;
            };
            let bucket = [b"v1", namespace, b"snapshots", snapshotter.name.bytes()];
            let has = |key: &[u8]| {
                self.tree
                    .at(&[bucket.as_slice(), &[key]].concat())
                    .is_some()
            };
            if has(key) && has(parent) {
                let children: Vec<&[u8]> = [bucket.as_slice(), &[parent, b"children"]].concat();
                self.tree.make(&children).put_new(key, []);
            }
        }
    }
}

/// Makes the record of a snapshot as its row has it.
pub(crate) fn put_snapshot(
    tree: &mut Tree,
    bucket: &[&[u8]],
    key: &[u8],
    row: &Row<BackendSnapshot>,
    now: Time,
) {
    let at = [bucket, &[key]].concat();
    let made = row.created.unwrap_or(now);
    let record = tree.make(&at);
    record.put("name", row.key.bytes());
    record.put("createdat", put_time(made));
    record.put("updatedat", put_time(row.updated.unwrap_or(made)));
    for (name, value) in &row.labels.entries {
        tree.make(&[at.as_slice(), &[b"labels"]].concat())
            .put(name.bytes(), value.bytes());
    }
    // The parent is in the same namespace: a key of meta.db is known there only.
    let parent = row
        .parent
        .as_ref()
        .and_then(|parent| split_key(parent.bytes()));
    if let Some((_, _, parent)) = parent {
        tree.make(&at).put("parent", parent);
    }
}
