//! Records of images, under every name that is known.

use std::collections::{BTreeMap, BTreeSet};

use content::{Digest, Document, Kind};
use metadb::{put_time, put_varint};
use node::Node;

use super::{NewImage, Work};
use crate::names::{Named, repository, whole_name};
use crate::rows::{lossy_text, parent_of};
use crate::{Survivors, Tree};

impl Work<'_> {
    /// Gives every image that no record names a record.
    pub(super) fn images(&mut self, namespaces: &BTreeSet<Vec<u8>>, node: &Node) {
        let targets = self.targets();
        let roots = self.survivors.roots();
        let imported = self.survivors.imported_names();
        let mut used: BTreeSet<&Named> = BTreeSet::new();
        for root in roots {
            let ids = self.identities(root);
            let known: Vec<&Named> = self
                .wants
                .names
                .iter()
                .filter(|named| ids.contains(&named.digest))
                .collect();
            used.extend(known.iter().copied());
            let imported = imported.iter().filter(|(_, digest)| digest == root);
            let imported: Vec<String> = imported.filter_map(|(name, _)| whole_name(name)).collect();
            for namespace in self.namespaces_of(root, &known, namespaces) {
                let mut given: BTreeMap<String, String> = BTreeMap::new();
                for one in &known {
                    let here = one
                        .namespace
                        .as_ref()
                        .is_none_or(|wanted| wanted.as_bytes() == namespace);
                    if here {
                        given.insert(one.name.clone(), one.from.clone());
                    }
                }
                for name in &imported {
                    let from = "the index of its import".to_owned();
                    given.entry(name.clone()).or_insert(from);
                }
                for (name, from) in running_names(node, &namespace, self.survivors, root) {
                    given.entry(name).or_insert(from);
                }
                let has_record = targets.contains(&(namespace.clone(), root.clone()));
                if given.is_empty() && !has_record {
                    given.extend(fitting(&self.wants.relics.names, &namespace, &ids));
                }
                if given.is_empty() && !has_record {
                    given.extend(fitting(self.wants.likely, &namespace, &ids));
                }
                if given.is_empty() && !has_record {
                    self.image(&namespace, root, &unnamed(root), None);
                }
                for (name, from) in &given {
                    self.image(&namespace, root, name, Some(from.clone()));
                }
            }
        }
        self.added.unused_names = self
            .wants
            .names
            .iter()
            .filter(|named| !used.contains(named))
            .count();
    }

    /// What the records that are there point to, by namespace.
    fn targets(&self) -> BTreeSet<(Vec<u8>, Digest)> {
        let mut found = BTreeSet::new();
        let v1 = self.tree.at(&["v1"]).into_iter().flat_map(Tree::buckets);
        for (namespace, tree) in v1 {
            let images = tree.at(&["images"]).into_iter().flat_map(Tree::buckets);
            for (_, image) in images {
                let digest = image
                    .at(&["target"])
                    .and_then(|target| target.value("digest"));
                let digest = digest.and_then(|digest| Digest::parse_bytes(digest).ok());
                found.extend(digest.map(|digest| (namespace.to_vec(), digest)));
            }
        }
        found
    }

    /// Every digest by which a list may call this image: its own, its manifests', its
    /// configurations'.
    fn identities(&self, root: &Digest) -> BTreeSet<Digest> {
        let mut ids = BTreeSet::from([root.clone()]);
        for (digest, manifest) in self.survivors.manifests_of(root) {
            ids.insert(digest.clone());
            ids.extend(Survivors::config_of(manifest).cloned());
        }
        ids
    }

    /// Where an image belongs: where a name says it, where it is unpacked, else where the CRI is.
    fn namespaces_of(
        &self,
        root: &Digest,
        names: &[&Named],
        all: &BTreeSet<Vec<u8>>,
    ) -> BTreeSet<Vec<u8>> {
        let said = names.iter().filter_map(|named| named.namespace.as_ref());
        let mut found: BTreeSet<Vec<u8>> = said.map(|name| name.clone().into_bytes()).collect();
        for (_, manifest) in self.survivors.manifests_of(root) {
            let Some(last) = self.survivors.chain_of(manifest).pop() else {
                continue;
            };
            found.extend(
                all.iter()
                    .filter(|namespace| !self.unpacked(namespace, &last).is_empty())
                    .cloned(),
            );
        }
        if found.is_empty() {
            let usual: [&[u8]; 2] = [b"k8s.io", b"default"];
            let usual = usual.into_iter().find(|name| all.contains(*name));
            found.extend(usual.map(<[u8]>::to_vec).or_else(|| all.first().cloned()));
        }
        found
    }

    fn image(&mut self, namespace: &[u8], root: &Digest, name: &str, from: Option<String>) {
        let images: [&[u8]; 3] = [b"v1", namespace, b"images"];
        if self
            .tree
            .make(&images)
            .entries
            .contains_key(name.as_bytes())
        {
            return;
        }
        self.write_image(namespace, root, name);
        if namespace == b"k8s.io" {
            // The CRI keeps each image under its repository and digest, and under its configuration.
            let is_ours = from.is_none();
            let by_digest = format!("{}@{root}", repository(name));
            if !is_ours {
                self.write_image(namespace, root, &by_digest);
            }
            let manifests = self.survivors.manifests_of(root);
            let config = manifests.iter().find_map(|(_, manifest)| {
                Survivors::config_of(manifest)
                    .filter(|config| self.survivors.blobs.contains_key(*config))
            });
            if let Some(config) = config.map(ToString::to_string) {
                self.write_image(namespace, root, &config);
            }
        }
        let missing = self.survivors.missing_of(root);
        self.added.images.push(NewImage {
            namespace: lossy_text(namespace),
            name: name.to_owned(),
            digest: root.to_string(),
            from,
            missing: missing.iter().map(ToString::to_string).collect(),
        });
    }

    fn write_image(&mut self, namespace: &[u8], root: &Digest, name: &str) {
        let at: [&[u8]; 4] = [b"v1", namespace, b"images", name.as_bytes()];
        if self.tree.at(&at).is_some() {
            return;
        }
        if let Some(record) = self.copied_image(namespace, name, root.as_str()) {
            *self.tree.make(&at) = record;
            return;
        }
        let now = put_time(self.wants.now);
        let size = self.survivors.blobs.get(root).map_or(0, |held| held.size);
        let document = self.survivors.documents.get(root);
        let record = self.tree.make(&at);
        record.put("createdat", now.clone());
        record.put("updatedat", now);
        let target = record.make(&["target"]);
        target.put("digest", root.as_str());
        target.put("mediatype", media_type(document));
        target.put("size", put_varint(i64::try_from(size).unwrap_or(i64::MAX)));
        if namespace == b"k8s.io" {
            record
                .make(&["labels"])
                .put("io.cri-containerd.image", "managed");
        }
    }
}

/// Names for an image that has none, with where they are from.
fn fitting(names: &[Named], namespace: &[u8], ids: &BTreeSet<Digest>) -> BTreeMap<String, String> {
    let fits = |named: &&Named| {
        let wanted = named.namespace.as_ref();
        ids.contains(&named.digest) && wanted.is_none_or(|wanted| wanted.as_bytes() == namespace)
    };
    let all = names.iter().filter(fits);
    all.map(|named| (named.name.clone(), named.from.clone()))
        .collect()
}

/// What a document is, as it says itself, else by its shape.
fn media_type(document: Option<&Document>) -> String {
    let own = document.and_then(|document| document.media_type.as_ref()?.utf8());
    let shape = match document.map(|document| document.kind) {
        Some(Kind::Index) => "application/vnd.oci.image.index.v1+json",
        _ => "application/vnd.oci.image.manifest.v1+json",
    };
    own.unwrap_or(shape).to_owned()
}

/// The name of an image whose name is lost. The domain is reserved: nothing can ever be pulled by it.
fn unnamed(root: &Digest) -> String {
    format!("recovered.invalid/sha256-{}:recovered", root.hex())
}

/// Names that the bundles of containers hold which stand on this image.
fn running_names(
    node: &Node,
    namespace: &[u8],
    survivors: &Survivors,
    root: &Digest,
) -> Vec<(String, String)> {
    let chains: BTreeSet<String> = survivors
        .manifests_of(root)
        .iter()
        .filter_map(|(_, manifest)| survivors.chain_of(manifest).pop())
        .map(|last| last.to_string())
        .collect();
    let Some(runtime) = node.runtime.read() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for bundle in runtime
        .bundles
        .iter()
        .filter(|bundle| bundle.namespace.bytes() == namespace)
    {
        let Some(spec) = bundle.spec.get() else {
            continue;
        };
        let annotation = |wanted: &str| {
            let mut all = spec.annotations.iter();
            all.find(|(key, _)| *key == wanted)
                .and_then(|(_, value)| value.utf8())
        };
        let image = annotation("io.kubernetes.cri.image-name")
            .or(annotation("io.kubernetes.cri.podsandbox.image-name"));
        let Some(name) = image.and_then(whole_name) else {
            continue;
        };
        if parent_of(node, namespace, bundle.id.bytes())
            .is_some_and(|parent| chains.contains(&parent))
        {
            found.push((name, format!("the bundle of container {}", bundle.id)));
        }
    }
    found
}
