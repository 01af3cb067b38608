//! Records that only an older copy of meta.db has.

use serde_json::Value;

use metadb::Any;
use node::Node;

use super::Work;
use crate::records::is_sound_container;
use crate::rows::lossy_text;
use crate::{Item, Tree};

impl Work<'_> {
    /// Containers whose writable layers are there, and nobody knows any more how they were run. A bundle
    /// that says otherwise than the copy is newer.
    pub(super) fn copied_containers(&mut self, node: &Node) {
        for copy in self.wants.copies {
            for (namespace, id, record) in copy.containers() {
                let at: [&[u8]; 4] = [b"v1", namespace, b"containers", id];
                if self.tree.at(&at).is_some() || !is_sound_container(record) {
                    continue;
                }
                let layer = record.value("snapshotter").zip(record.value("snapshotKey"));
                let has_layer = layer.is_some_and(|(snapshotter, key)| {
                    let at: [&[u8]; 5] = [b"v1", namespace, b"snapshots", snapshotter, key];
                    self.tree.at(&at).is_some()
                });
                let bundle = self.bundle_spec(node, namespace, id);
                let is_same = bundle.is_none_or(|spec| spec_of(record) == Some(spec));
                if !has_layer || !is_same {
                    continue;
                }
                self.insert(&at, record);
                let sandbox: [&[u8]; 4] = [b"v1", namespace, b"sandboxes", id];
                let known = copy.tree.at(&sandbox);
                if let Some(record) = known.filter(|_| self.tree.at(&sandbox).is_none()) {
                    self.insert(&sandbox, record);
                }
                self.added.containers.push(format!(
                    "{}/{} (from {})",
                    lossy_text(namespace),
                    lossy_text(id),
                    copy.name()
                ));
            }
        }
    }

    /// What a namespace is set to.
    pub(super) fn copied_labels(&mut self) {
        for copy in self.wants.copies {
            for (namespace, space) in crate::rows::namespaces(&copy.tree) {
                let at: [&[u8]; 2] = [b"v1", namespace];
                let lacks = self
                    .tree
                    .at(&at)
                    .is_some_and(|own| !own.entries.contains_key(&b"labels"[..]));
                if let Some(labels) = space.at(&["labels"]).filter(|_| lacks) {
                    self.insert(&[&at[..], &[b"labels"]].concat(), labels);
                }
            }
        }
    }

    /// The record of an image under this name, if it stands for the same image there.
    pub(super) fn copied_image(&self, namespace: &[u8], name: &str, digest: &str) -> Option<Tree> {
        let mut copies = self.wants.copies.iter();
        copies.find_map(|copy| {
            let at: [&[u8]; 4] = [b"v1", namespace, b"images", name.as_bytes()];
            let record = copy.tree.at(&at)?;
            let own = record.at(&["target"])?.value("digest")?;
            (own == digest.as_bytes()).then(|| record.clone())
        })
    }

    fn insert(&mut self, at: &[&[u8]], record: &Tree) {
        if let Some((key, above)) = at.split_last() {
            let item = Item::Bucket(record.clone());
            self.tree.make(above).entries.insert(key.to_vec(), item);
        }
    }

    fn bundle_spec(&self, node: &Node, namespace: &[u8], id: &[u8]) -> Option<Value> {
        let runtime = node.runtime.read()?;
        let mut bundles = runtime.bundles.iter();
        let bundle = bundles
            .find(|bundle| bundle.namespace.bytes() == namespace && bundle.id.bytes() == id)?;
        serde_json::from_slice(self.wants.specs.get(&bundle.path)?).ok()
    }
}

fn spec_of(record: &Tree) -> Option<Value> {
    Any::parse(record.value("spec")?).ok()?.json()
}
