//! Completion: what a meta.db lacks and the other stores still know.
//!
//! Of a lost meta.db everything but names, specs of containers and the CRI's records is written
//! twice: blobs lie in the content store, snapshots in each snapshotter's metadata.db, under keys
//! that hold the namespace and meta.db's own key (`<namespace>/<N>/<key>`), and the labels that keep
//! them follow from the documents. So the same function fills the gaps of a salvaged database and
//! writes a new one.
//!
//! ```text
//! v1/<ns>/snapshots/<snapshotter>/<key>   from metadata.db: name, parent, children, times, labels
//! v1/<ns>/content/blob/<digest>           from the file: size, times; labels gc.ref.* from documents
//! v1/<ns>/images/<name>                   manifests and indexes that no other index holds
//! v1/<ns>/containers/<id>                 from bundles: the specification is that of the record
//! ```

mod blobs;
mod copied;
mod images;
mod snapshots;

pub(crate) use snapshots::put_snapshot;

pub(crate) use blobs::{diff_ids, labels_of, rows_of};

use std::collections::{BTreeMap, BTreeSet};

use content::Digest;
use finding::{Text, Time};
use metadb::put_varint;
use node::Node;

use crate::names::Named;
use crate::rows::{known_namespaces, lossy_text, unowned_layers};
use crate::{Copied, Item, Relics, Survivors, Tree};

/// What a completion needs to know beside the node.
#[derive(Debug)]
pub struct Wants<'w> {
    /// The time that new records get.
    pub now: Time,
    /// The schema's version, where there is none yet.
    pub schema: Option<i64>,
    /// Names of images, from wherever.
    pub names: &'w [Named],
    /// Names of images that are likely: they stand in where an image has none.
    pub likely: &'w [Named],
    /// Specifications of containers, by the path of their bundle.
    pub specs: &'w BTreeMap<Text, Vec<u8>>,
    /// What the damaged meta.db holds beside its trees.
    pub relics: &'w Relics,
    /// Older copies of the databases, the newest first.
    pub copies: &'w [Copied],
}

/// An image that was given a record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NewImage {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its manifest or index.
    pub digest: String,
    /// Where the name is from; nothing where it has none and got one of ours.
    pub from: Option<String>,
    /// Blobs of it that are not there.
    pub missing: Vec<String>,
}

/// What was added.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Added {
    /// Snapshot records, by namespace and snapshotter.
    pub snapshots: BTreeMap<String, usize>,
    /// Blob records, by namespace.
    pub blobs: BTreeMap<String, usize>,
    /// The blobs that got one, in however many namespaces.
    #[serde(skip)]
    pub blob_files: BTreeSet<Digest>,
    /// Images.
    pub images: Vec<NewImage>,
    /// Containers, as `namespace/id`.
    pub containers: Vec<String>,
    /// Those whose record lacks what the kubelet compares (`io.kubernetes.container.hash`): it restarts them.
    pub restarted: Vec<String>,
    /// Names that were given and stand for nothing on this node.
    pub unused_names: usize,
}

impl Added {
    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.snapshots.is_empty()
            && self.blobs.is_empty()
            && self.images.is_empty()
            && self.containers.is_empty()
    }
}

/// Adds to `tree` what it lacks and `node` still knows.
pub fn complete(tree: &mut Tree, node: &Node, survivors: &Survivors, wants: &Wants<'_>) -> Added {
    let mut added = Added::default();
    let v1 = tree.make(&["v1"]);
    if let Some(schema) = wants.schema {
        v1.put_new("version", put_varint(schema));
    }
    let mut work = Work {
        tree,
        survivors,
        wants,
        added: &mut added,
    };
    for snapshotter in &node.snapshotters {
        work.snapshots(snapshotter);
        work.children(snapshotter);
    }
    let namespaces = work.namespaces(node);
    for namespace in &namespaces {
        work.blobs(namespace);
    }
    work.images(&namespaces, node);
    work.copied_containers(node);
    work.copied_labels();
    crate::containers::restore(tree, node, wants.specs, wants.now, &mut added);
    for (namespace, key) in unowned_layers(tree, node) {
        if let Some(record) = wants
            .relics
            .containers
            .get(&(namespace.clone(), key.clone()))
        {
            let all = tree.make(&[&b"v1"[..], &namespace, b"containers"]);
            all.entries
                .insert(key.clone(), Item::Bucket(record.clone()));
            added.containers.push(format!(
                "{}/{} (likely: a record that no tree of meta.db reaches, and that may be an older one)",
                lossy_text(&namespace),
                lossy_text(&key)
            ));
        }
    }
    added
}

struct Work<'w> {
    tree: &'w mut Tree,
    survivors: &'w Survivors,
    wants: &'w Wants<'w>,
    added: &'w mut Added,
}

impl Work<'_> {
    fn namespaces(&self, node: &Node) -> BTreeSet<Vec<u8>> {
        let mut found = known_namespaces(node);
        let v1 = self.tree.at(&["v1"]);
        found.extend(
            v1.into_iter()
                .flat_map(Tree::buckets)
                .map(|(name, _)| name.to_vec()),
        );
        found.extend(
            self.wants
                .names
                .iter()
                .filter_map(|named| named.namespace.clone())
                .map(String::into_bytes),
        );
        if found.is_empty() {
            found.insert(b"default".to_vec());
        }
        found
    }

    fn unpacked(&self, namespace: &[u8], chain: &Digest) -> Vec<Vec<u8>> {
        unpacked(self.tree, namespace, chain)
    }
}

/// Which snapshot a chain ends in, by snapshotter, in a namespace.
fn unpacked(tree: &Tree, namespace: &[u8], chain: &Digest) -> Vec<Vec<u8>> {
    let all = tree.at(&[b"v1", namespace, b"snapshots"]);
    let of = |tree: &Tree| tree.entries.contains_key(chain.as_str().as_bytes());
    let all = all.into_iter().flat_map(Tree::buckets);
    all.filter(|(_, tree)| of(tree))
        .map(|(name, _)| name.to_vec())
        .collect()
}
