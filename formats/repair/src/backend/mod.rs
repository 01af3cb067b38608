//! metadata.db of a snapshotter that lays out directories (overlayfs, native), made anew.
//!
//! meta.db names every snapshot (`name`), its parent and its times; the directories are there. What
//! is lost is which directory is whose:
//!
//! ```text
//! a row that is still there     its number, if the directory is there and no other row has it
//! a mount                       upperdir and lowerdir of a running container
//! the blob                      a directory whose files are those of the layer that the key names
//! origin                        trusted.overlay.origin names the lower file by its inode
//! only                          nothing else is left that fits
//! ─── proven above, likely below ───
//! time                          snapshots in the order of their times, directories in that of their numbers
//! ```
//!
//! Time alone may exchange two writable layers, so it is never written without being asked for. A
//! layer of an image needs no directory: it is unpacked again from its blob.

pub(crate) mod copied;
mod facts;
mod invent;
mod pairing;
pub(crate) mod parents;
mod trouble;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use content::Digest;
use finding::Time;
use metadb::go_time;

use crate::rows::{namespaces, split_key};
use crate::{Survivors, Tree};

pub(crate) use facts::{in_use, mounted};
pub(crate) use invent::invent;
pub(crate) use pairing::{Ask, Paired, pair};
pub(crate) use trouble::{is_sound, strange, trouble, unflip};
pub(crate) use write::{Written, write};

/// A snapshot as meta.db has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its key in metadata.db.
    pub(crate) name: Vec<u8>,
    /// Its namespace and key in meta.db.
    pub(crate) namespace: Vec<u8>,
    pub(crate) key: Vec<u8>,
    /// The key of its parent in metadata.db, where that is known.
    pub(crate) parent: Option<Vec<u8>>,
    /// The key of its parent in meta.db; nothing for what stands on nothing.
    pub(crate) parent_key: Option<Vec<u8>>,
    pub(crate) created: Option<Time>,
    pub(crate) updated: Option<Time>,
    /// Those labels that the snapshotter is told.
    pub(crate) labels: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether another one has it as parent.
    pub(crate) has_children: bool,
    /// Whether a container's record says that it writes to it.
    pub(crate) is_written: bool,
}

impl Wanted {
    /// Whether it is a layer of an image: its key is what it is made of.
    pub(crate) fn is_layer(&self) -> bool {
        self.key.starts_with(b"sha256:")
    }

    /// Whether it is a layer or the parent of another one.
    pub(crate) fn is_committed(&self) -> bool {
        self.is_layer() || self.has_children
    }

    /// Whether it is a container's own, and nothing stands on it: then it is active, or a view.
    pub(crate) fn is_open(&self) -> bool {
        self.is_written && !self.is_committed()
    }
}

/// Labels that meta.db hands on to a snapshotter.
fn is_inherited(label: &[u8]) -> bool {
    label.starts_with(b"containerd.io/snapshot/") || label == b"containerd.io/snapshot.ref"
}

/// The snapshots of `snapshotter` in a meta.db.
pub(crate) fn wanted(tree: &Tree, snapshotter: &[u8]) -> Vec<Wanted> {
    let mut found = Vec::new();
    for (namespace, space) in namespaces(tree) {
        let Some(all) = space.at(&[&b"snapshots"[..], snapshotter]) else {
            continue;
        };
        let written = written(space, snapshotter);
        for (key, record) in all.buckets() {
            let name = record.value("name");
            let Some(name) = name.filter(|name| split_key(name).is_some()) else {
                continue;
            };
            let time = |name| record.value(name).and_then(|value| go_time(value).ok());
            let labels = record.at(&["labels"]).into_iter().flat_map(|labels| {
                labels.entries.iter().filter_map(|(key, item)| match item {
                    crate::Item::Value(value) if is_inherited(key) => {
                        Some((key.clone(), value.clone()))
                    }
                    _ => None,
                })
            });
            found.push(Wanted {
                name: name.to_vec(),
                namespace: namespace.to_vec(),
                key: key.to_vec(),
                parent: None,
                parent_key: record
                    .value("parent")
                    .filter(|parent| !parent.is_empty())
                    .map(<[u8]>::to_vec),
                created: time("createdat"),
                updated: time("updatedat"),
                labels: labels.collect(),
                has_children: false,
                is_written: written.contains(key),
            });
        }
    }
    parents::relate(&mut found);
    found
}

/// The keys of snapshots that the containers of a namespace write to.
fn written<'t>(space: &'t Tree, snapshotter: &[u8]) -> BTreeSet<&'t [u8]> {
    let all = space
        .at(&["containers"])
        .into_iter()
        .flat_map(Tree::buckets);
    let own = all.filter(|(_, record)| record.value("snapshotter") == Some(snapshotter));
    own.filter_map(|(_, record)| record.value("snapshotKey"))
        .collect()
}

/// A layer that can be unpacked: its blob, the diffID of its tar, whether none is below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayerBlob {
    pub(crate) blob: Digest,
    pub(crate) path: PathBuf,
    pub(crate) diff_id: Digest,
    /// The chain of the layer below.
    pub(crate) below: Option<Digest>,
}

/// The layers of all images, by chain: those whose blob is there.
pub(crate) fn layer_blobs(
    survivors: &Survivors,
    content: &std::path::Path,
) -> BTreeMap<Digest, LayerBlob> {
    let mut found = BTreeMap::new();
    each_layer(survivors, |layer, diff_id, chain, below| {
        // What is compared and unpacked is a tar, and only who has the key gets that.
        if survivors.blobs.contains_key(&layer.digest) && !layer.is_encrypted() {
            found.entry(chain.clone()).or_insert_with(|| LayerBlob {
                blob: layer.digest.clone(),
                path: content::Store::path_of(content, &layer.digest),
                diff_id: diff_id.clone(),
                below: below.cloned(),
            });
        }
    });
    found
}

/// Chain IDs of layers whose blobs are encrypted.
pub(crate) fn encrypted_layers(survivors: &Survivors) -> BTreeSet<Digest> {
    let mut found = BTreeSet::new();
    each_layer(survivors, |layer, _, chain, _| {
        if layer.is_encrypted() {
            found.insert(chain.clone());
        }
    });
    found
}

/// Each layer of each image: its descriptor, its diffID, its chain ID, and the chain ID below it.
fn each_layer(
    survivors: &Survivors,
    mut with: impl FnMut(&content::Descriptor, &Digest, &Digest, Option<&Digest>),
) {
    for manifest in survivors.documents.values() {
        let config = Survivors::config_of(manifest)
            .and_then(|digest| survivors.documents.get(digest))
            .and_then(content::Document::config);
        let Some(config) = config else { continue };
        let layers: Vec<&content::Descriptor> = manifest.layers().collect();
        if layers.len() != config.diff_ids.len() {
            continue;
        }
        let mut below = None;
        let chains = config.chain_ids();
        for ((layer, diff_id), chain) in layers.into_iter().zip(&config.diff_ids).zip(chains) {
            with(layer, diff_id, &chain, below.as_ref());
            below = Some(chain);
        }
    }
}
