//! Records of blobs, with the labels that follow from the documents.

use std::collections::BTreeMap;

use content::{Digest, Kind, Role};
use metadb::{put_time, put_varint};

use super::Work;
use crate::Survivors;
use crate::rows::text;

impl Work<'_> {
    pub(super) fn blobs(&mut self, namespace: &[u8]) {
        let bucket: [&[u8]; 4] = [b"v1", namespace, b"content", b"blob"];
        let unpacked = self.diff_ids();
        let mut count = 0_usize;
        for (digest, held) in &self.survivors.blobs {
            let key = digest.as_str().as_bytes();
            if self.tree.make(&bucket).entries.contains_key(key) {
                continue;
            }
            let mut labels = self.labels(namespace, digest);
            if let Some(diff_id) = unpacked.get(digest) {
                labels.push(("containerd.io/uncompressed".to_owned(), diff_id.to_string()));
            }
            let at = [bucket.as_slice(), &[key]].concat();
            let record = self.tree.make(&at);
            record.put("createdat", put_time(held.written));
            record.put("updatedat", put_time(held.written));
            record.put(
                "size",
                put_varint(i64::try_from(held.size).unwrap_or(i64::MAX)),
            );
            for (name, value) in labels {
                self.tree
                    .make(&[at.as_slice(), &[b"labels"]].concat())
                    .put(name, value);
            }
            count = count.saturating_add(1);
        }
        if count > 0 {
            self.added.blobs.insert(text(namespace), count);
        }
    }

    /// The diffID of each layer, where a manifest and its configuration agree on the number.
    fn diff_ids(&self) -> BTreeMap<Digest, Digest> {
        let mut found = BTreeMap::new();
        for manifest in self.survivors.documents.values() {
            let config = Survivors::config_of(manifest)
                .and_then(|digest| self.survivors.documents.get(digest));
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
    fn labels(&self, namespace: &[u8], digest: &Digest) -> Vec<(String, String)> {
        let Some(document) = self.survivors.documents.get(digest) else {
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
                Role::Manifest(number) if self.survivors.blobs.contains_key(to) => {
                    labels.push(refers(&format!("m.{number}"), to));
                }
                Role::Manifest(_) | Role::Subject => {}
            }
        }
        if let Some(last) = document
            .config()
            .and_then(|config| config.chain_ids().pop())
        {
            for snapshotter in self.unpacked(namespace, &last) {
                let name = format!(
                    "containerd.io/gc.ref.snapshot.{}",
                    String::from_utf8_lossy(&snapshotter)
                );
                labels.push((name, last.to_string()));
            }
        }
        labels
    }
}
