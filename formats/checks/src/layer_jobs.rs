//! Which unpacked layers can be compared with the tars that they were unpacked from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use content::{Algorithm, Digest, Kind as DocumentKind, Store, chain_ids};
use evidence::Evidence;
use finding::{Known, Text};
use measure::{LayerFound, LayerJob};
use metadb::{BackendSnapshot, Kind, MetaDb, Row};
use node::{Node, Snapshotter};
use serde::Serialize;

/// A committed layer that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerWithout {
    /// The snapshotter.
    pub snapshotter: Text,
    /// The number of the directory.
    pub id: u64,
    /// Its key in metadata.db.
    pub key: Text,
    /// Why.
    pub why: String,
}

/// What comparing layers with their tars gave.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// By snapshotter and number of the directory.
    pub found: BTreeMap<(Text, u64), Known<LayerFound>>,
    /// Layers that have nothing to be compared with.
    pub without: Vec<LayerWithout>,
}

/// The layers and diffIDs of an image, the lowest first.
type Image<'n> = Vec<(&'n content::Descriptor, &'n Digest)>;

/// Layers by chain ID: the image that it comes from, and how many of its layers are in the chain.
fn chains(node: &Node) -> BTreeMap<Text, Vec<(Image<'_>, usize)>> {
    let mut chains: BTreeMap<Text, Vec<(Image<'_>, usize)>> = BTreeMap::new();
    for (_, wanted) in node.documents.iter() {
        let Some(manifest) = wanted.document() else {
            continue;
        };
        let configs = manifest.links().iter().filter_map(|link| {
            let wanted = node.documents.get(&link.descriptor.digest)?;
            wanted.document()?.config()
        });
        for config in configs {
            let image: Image<'_> = manifest.layers().zip(&config.diff_ids).collect();
            if image.len() != config.diff_ids.len() {
                continue;
            }
            for (at, chain_id) in chain_ids(&config.diff_ids).iter().enumerate() {
                let chain = Text::from(chain_id.as_str());
                let known = chains.entry(chain).or_default();
                known.push((image.clone(), at.saturating_add(1)));
            }
        }
    }
    chains
}

/// Every committed layer whose directory and blobs are there, and every other one.
pub fn layer_jobs(
    evidence: &Evidence,
    node: &Node,
    wanted: impl Fn(&Snapshotter, &Row<BackendSnapshot>) -> bool,
) -> (Vec<LayerJob>, Vec<LayerWithout>) {
    let chains = chains(node);
    let root = node.content_root();
    let is_there = |blob: &Digest| evidence.stat(&Store::path_of(&root, blob)).is_ok();
    let names = names(node);
    let (mut jobs, mut without) = (Vec::new(), Vec::new());
    for snapshotter in &node.snapshotters {
        let layout = snapshotter.layout.read();
        let rows = snapshotter.db.rows.as_ref();
        let rows = rows.map_or(&[][..], |rows| rows.snapshots());
        let committed = rows.iter().filter(|row| row.kind == Some(Kind::Committed));
        for row in committed.filter(|row| wanted(snapshotter, row)) {
            let Some(id) = row.id else { continue };
            let mut lacks = |why: &str| {
                without.push(LayerWithout {
                    snapshotter: snapshotter.name.clone(),
                    id,
                    key: row.key.clone(),
                    why: why.to_owned(),
                });
            };
            let Some(layout) = layout.filter(|layout| layout.rules.has_files()) else {
                let unread = layout.and_then(|layout| layout.unread);
                lacks(unread.unwrap_or("its directories could not be listed"));
                continue;
            };
            if !layout.dirs.contains_key(&id) {
                lacks("its directory is not there");
                continue;
            }
            let key = names.get(&(&snapshotter.name, &row.key));
            let Some(images) = key.and_then(|key| chains.get(*key)) else {
                lacks("no image that is there names it");
                continue;
            };
            let is_overlay = layout.has_fs();
            let blobs = |(image, layers): &(Image<'_>, usize)| -> Option<Vec<(PathBuf, Digest)>> {
                let first = if is_overlay {
                    layers.saturating_sub(1)
                } else {
                    0
                };
                let layers = image.get(first..*layers)?.iter();
                layers
                    .map(|(layer, diff_id)| {
                        let path = Store::path_of(&root, &layer.digest);
                        let is_readable = is_there(&layer.digest) && !layer.is_encrypted();
                        is_readable.then(|| (path, (*diff_id).clone()))
                    })
                    .collect()
            };
            let Some(blobs) = images.iter().find_map(blobs) else {
                let mut layers = images
                    .iter()
                    .flat_map(|(image, layers)| image.iter().take(*layers));
                lacks(if layers.any(|(layer, _)| layer.is_encrypted()) {
                    "its blob is encrypted, and only containerd with the key can unpack it"
                } else {
                    "its blob is not in the content store"
                });
                continue;
            };
            let labels = row.labels.entries.keys();
            let is_shifted = labels.into_iter().any(|label| {
                label.bytes().ends_with(b"/uidmapping") || label.bytes().ends_with(b"/gidmapping")
            });
            jobs.push(LayerJob {
                snapshotter: snapshotter.name.clone(),
                id,
                files: layout.files(id),
                blobs,
                is_overlay,
                is_base: row.parent.is_none(),
                owners: !is_shifted,
            });
        }
    }
    (jobs, without)
}

/// Digests of blobs that some manifest says are layers that can be read.
pub fn layer_digests(node: &Node) -> BTreeSet<&Digest> {
    let mut digests = BTreeSet::new();
    for (_, wanted) in node.documents.iter() {
        for link in wanted
            .document()
            .into_iter()
            .flat_map(content::Document::layers)
        {
            let is_layer = matches!(link.kind(), DocumentKind::Layer(_));
            if is_layer && !link.is_encrypted() && link.digest.algorithm() == Algorithm::Sha256 {
                digests.insert(&link.digest);
            }
        }
    }
    digests
}

/// Keys of meta.db by snapshotter and key of metadata.db.
fn names(node: &Node) -> BTreeMap<(&Text, &Text), &Text> {
    let mut names = BTreeMap::new();
    for namespace in node.meta.rows.iter().flat_map(MetaDb::namespaces) {
        for snapshots in namespace.snapshots.read().into_iter().flatten() {
            for row in snapshots.rows.read().into_iter().flatten() {
                names.insert((&snapshots.snapshotter, &row.name), &row.key);
            }
        }
    }
    names
}
