//! Rows and records of both kinds of databases, as several repairs walk them.

use std::collections::BTreeSet;

use finding::Text;
use metadb::{Backend, BackendSnapshot, Row};
use node::{Node, Snapshotter};

use crate::Tree;

/// The rows of a snapshotter's metadata.db, as far as they could be read.
pub(crate) fn backend_rows(snapshotter: &Snapshotter) -> &[Row<BackendSnapshot>] {
    snapshotter.db.rows.as_ref().map_or(&[], Backend::snapshots)
}

/// The keys of buckets in a bucket.
pub(crate) fn keys(tree: Option<&Tree>) -> Vec<Vec<u8>> {
    let all = tree.into_iter().flat_map(Tree::buckets);
    all.map(|(key, _)| key.to_vec()).collect()
}

/// The namespaces of meta.db.
pub(crate) fn namespaces(tree: &Tree) -> impl Iterator<Item = (&[u8], &Tree)> {
    tree.at(&["v1"]).into_iter().flat_map(Tree::buckets)
}

/// A path of keys for people: `v1 > default > images`.
pub(crate) fn shown(path: &[&[u8]]) -> String {
    let parts: Vec<String> = path.iter().map(|part| lossy_text(part)).collect();
    parts.join(" > ")
}

/// A key of metadata.db: `<namespace>/<N>/<key>`.
pub(crate) fn split_key(key: &[u8]) -> Option<(&[u8], u64, &[u8])> {
    let mut parts = key.splitn(3, |byte| *byte == b'/');
    let (namespace, number, key) = (parts.next()?, parts.next()?, parts.next()?);
    let number = core::str::from_utf8(number).ok()?.parse().ok()?;
    (!namespace.is_empty() && !key.is_empty()).then_some((namespace, number, key))
}

pub(crate) fn lossy_text(bytes: &[u8]) -> String {
    Text::from(bytes).to_string()
}

/// Writable layers that no container's record names, as namespace and key: what is being unpacked is
/// none.
pub(crate) fn unowned_layers(tree: &Tree, node: &Node) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    for snapshotter in &node.snapshotters {
        let is_active = |row: &&Row<BackendSnapshot>| row.kind == Some(metadb::Kind::Active);
        for row in backend_rows(snapshotter).iter().filter(is_active) {
            let Some((namespace, _, key)) = split_key(row.key.bytes()) else {
                continue;
            };
            let containers = tree.at(&[b"v1", namespace, b"containers"]);
            let mut all = containers.into_iter().flat_map(Tree::buckets);
            let is_owned =
                all.any(|(id, record)| id == key || record.value("snapshotKey") == Some(key));
            if !is_owned && !key.starts_with(b"extract-") {
                found.push((namespace.to_vec(), key.to_vec()));
            }
        }
    }
    found
}

/// The namespaces that the node's stores know of.
pub(crate) fn known_namespaces(node: &Node) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for snapshotter in &node.snapshotters {
        let rows = backend_rows(snapshotter).iter();
        found.extend(rows.filter_map(|row| Some(split_key(row.key.bytes())?.0.to_vec())));
    }
    if let Some(runtime) = node.runtime.read() {
        found.extend(
            runtime
                .bundles
                .iter()
                .map(|bundle| bundle.namespace.bytes().to_vec()),
        );
        found.extend(
            runtime
                .work_dirs
                .iter()
                .map(|dir| dir.namespace.bytes().to_vec()),
        );
        if runtime.has_cri_dir {
            found.insert(b"k8s.io".to_vec());
        }
    }
    found
}

/// What the snapshot of a container stands on, as meta.db calls it.
pub(crate) fn parent_of(node: &Node, namespace: &[u8], id: &[u8]) -> Option<String> {
    for snapshotter in &node.snapshotters {
        let rows = backend_rows(snapshotter).iter();
        for row in rows {
            let own = split_key(row.key.bytes());
            if own.is_some_and(|(space, _, key)| space == namespace && key == id) {
                let parent = row
                    .parent
                    .as_ref()
                    .and_then(|parent| split_key(parent.bytes()));
                return parent.map(|(_, _, key)| lossy_text(key));
            }
        }
    }
    None
}
