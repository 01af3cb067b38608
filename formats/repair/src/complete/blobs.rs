//! Records of blobs, with the labels that follow from the documents.

use std::collections::{BTreeMap, BTreeSet};

use content::{Digest, Kind, Role};
use metadb::{put_time, put_varint};

use super::{Work, unpacked};
use crate::rows::{lossy_text, shown};
use crate::{Survivors, Tree};

impl Work<'_> {
    pub(super) fn blobs(&mut self, namespace: &[u8]) {
        let written = write(self.tree, self.survivors, namespace, None);
        if !written.is_empty() {
            let count = written.len();
            self.added.blobs.insert(lossy_text(namespace), count);
        }
        let digests = written.into_iter().map(|(digest, _)| digest);
        self.added.blob_files.extend(digests);
    }
}

/// Adds the records of these blobs to a namespace that has them not, and gives their paths.
pub(crate) fn rows_of(
    tree: &mut Tree,
    survivors: &Survivors,
    namespace: &[u8],
    only: &BTreeSet<Digest>,
) -> Vec<String> {
    let written = write(tree, survivors, namespace, Some(only));
    written.into_iter().map(|(_, path)| path).collect()
}

fn write(
    tree: &mut Tree,
    survivors: &Survivors,
    namespace: &[u8],
    only: Option<&BTreeSet<Digest>>,
) -> Vec<(Digest, String)> {
    let bucket: [&[u8]; 4] = [b"v1", namespace, b"content", b"blob"];
    let diff_ids = diff_ids(survivors);
    let mut written = Vec::new();
    let wanted = survivors.blobs.iter();
    let wanted = wanted.filter(|(digest, _)| only.is_none_or(|only| only.contains(*digest)));
    for (digest, held) in wanted {
        let key = digest.as_str().as_bytes();
        // A page that was lost may have held a part of a record: without its labels the next collection
        // takes what the document holds.
        let is_there = tree.make(&bucket).entries.contains_key(key);
        if is_there && only.is_some() {
            continue;
        }
        let mut labels = labels_of(tree, survivors, namespace, digest);
        if is_there {
            labels.retain(|(name, to)| !is_of_layer(name) || is_held(survivors, to));
        }
        if let Some(diff_id) = diff_ids.get(digest) {
            labels.push(("containerd.io/uncompressed".to_owned(), diff_id.to_string()));
        }
        let at = [bucket.as_slice(), &[key]].concat();
        let record = tree.make(&at);
        record.put_new("createdat", put_time(held.written));
        record.put_new("updatedat", put_time(held.written));
        record.put_new(
            "size",
            put_varint(i64::try_from(held.size).unwrap_or(i64::MAX)),
        );
        for (name, value) in labels {
            tree.make(&[at.as_slice(), &[b"labels"]].concat())
                .put_new(name, value);
        }
        if !is_there {
            written.push((digest.clone(), shown(&at)));
        }
    }
    written
}

/// Whether a label keeps a layer's blob: where unpacked layers are discarded, there is none.
fn is_of_layer(name: &str) -> bool {
    name.starts_with("containerd.io/gc.ref.content.l.")
}

fn is_held(survivors: &Survivors, digest: &str) -> bool {
    Digest::parse(digest).is_ok_and(|digest| survivors.blobs.contains_key(&digest))
}

/// The diffID of each layer, where a manifest and its configuration agree on the number.
pub(crate) fn diff_ids(survivors: &Survivors) -> BTreeMap<Digest, Digest> {
    let mut found = BTreeMap::new();
    for manifest in survivors.documents.values() {
        let config =
            Survivors::config_of(manifest).and_then(|digest| survivors.documents.get(digest));
        let Some(config) = config.filter(|_| manifest.kind == Kind::Manifest) else {
            continue;
        };
        let layers: Vec<_> = manifest.layers().collect();
        if layers.len() == config.diff_ids().len() {
            let pairs = layers.iter().zip(config.diff_ids());
            found.extend(pairs.map(|(layer, diff_id)| (layer.digest.clone(), diff_id.clone())));
        }
    }
    found
}

/// The labels that tell the collector what a document holds.
pub(crate) fn labels_of(
    tree: &Tree,
    survivors: &Survivors,
    namespace: &[u8],
    digest: &Digest,
) -> Vec<(String, String)> {
    let Some(document) = survivors.documents.get(digest) else {
        return Vec::new();
    };
    let refers = |role: &str, to: &Digest| {
        (
            format!("containerd.io/gc.ref.content.{role}"),
            to.to_string(),
        )
    };
    let mut labels = Vec::new();
    for link in document.links() {
        let to = &link.descriptor.digest;
        match link.role {
            Role::Config => labels.push(refers("config", to)),
            Role::Layer(number) => labels.push(refers(&format!("l.{number}"), to)),
            Role::Manifest(number) if survivors.blobs.contains_key(to) => {
                labels.push(refers(&format!("m.{number}"), to));
            }
            Role::Manifest(_) | Role::Subject => {}
        }
    }
    if let Some(last) = document
        .config()
        .and_then(|config| config.chain_ids().pop())
    {
        for snapshotter in unpacked(tree, namespace, &last) {
            let name = format!(
                "containerd.io/gc.ref.snapshot.{}",
                String::from_utf8_lossy(&snapshotter)
            );
            labels.push((name, last.to_string()));
        }
    }
    labels
}
