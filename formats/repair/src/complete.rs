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

use std::collections::{BTreeMap, BTreeSet};

use content::{Digest, Document, Kind, Role};
use finding::{Text, Time};
use metadb::{BackendSnapshot, Row, put_time, put_varint};
use node::{Node, Snapshotter};

use crate::names::{Named, repository, whole_name};
use crate::{Item, Relics, Survivors, Tree};

/// What a completion needs to know beside the node.
#[derive(Debug)]
pub struct Wants<'w> {
    /// The time that new records get.
    pub now: Time,
    /// The schema's version, where there is none yet.
    pub schema: Option<i64>,
    /// Names of images, from wherever.
    pub names: &'w [Named],
    /// Specifications of containers, by the path of their bundle.
    pub specs: &'w BTreeMap<Text, Vec<u8>>,
    /// What the damaged meta.db holds beside its trees.
    pub relics: &'w Relics,
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
    /// Images.
    pub images: Vec<NewImage>,
    /// Containers, as `namespace/id`.
    pub containers: Vec<String>,
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

/// A key of metadata.db: `<namespace>/<N>/<key>`.
pub(crate) fn split_key(key: &[u8]) -> Option<(&[u8], u64, &[u8])> {
    let mut parts = key.splitn(3, |byte| *byte == b'/');
    let (namespace, number, key) = (parts.next()?, parts.next()?, parts.next()?);
    let number = core::str::from_utf8(number).ok()?.parse().ok()?;
    (!namespace.is_empty() && !key.is_empty()).then_some((namespace, number, key))
}

fn text(bytes: &[u8]) -> String {
    Text::from(bytes).to_string()
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
                "{}/{} (a record that no tree of meta.db reaches)",
                text(&namespace),
                text(&key)
            ));
        }
    }
    added
}

/// Writable layers that no container's record names, as namespace and key: what is being unpacked is
/// none.
pub(crate) fn unowned_layers(tree: &Tree, node: &Node) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    for snapshotter in &node.snapshotters {
        let rows = snapshotter
            .db
            .rows
            .iter()
            .flat_map(metadb::Backend::snapshots);
        for row in rows.filter(|row| row.kind == Some(metadb::Kind::Active)) {
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
        let rows = snapshotter
            .db
            .rows
            .iter()
            .flat_map(metadb::Backend::snapshots);
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

    fn snapshots(&mut self, snapshotter: &Snapshotter) {
        let rows = snapshotter.db.rows.as_ref();
        for row in rows.into_iter().flat_map(metadb::Backend::snapshots) {
            let Some((namespace, number, key)) = split_key(row.key.bytes()) else {
                continue;
            };
            let bucket = [b"v1", namespace, b"snapshots", snapshotter.name.bytes()];
            let all = self.tree.make(&bucket);
            all.sequence = all.sequence.max(number);
            if all.entries.contains_key(key) {
                continue;
            }
            self.snapshot(&bucket, key, row);
            let place = format!("{}/{}", text(namespace), snapshotter.name);
            let count = self.added.snapshots.entry(place).or_default();
            *count = count.saturating_add(1);
        }
    }

    fn snapshot(&mut self, bucket: &[&[u8]], key: &[u8], row: &Row<BackendSnapshot>) {
        let at = [bucket, &[key]].concat();
        let made = row.created.unwrap_or(self.wants.now);
        let record = self.tree.make(&at);
        record.put("name", row.key.bytes());
        record.put("createdat", put_time(made));
        record.put("updatedat", put_time(row.updated.unwrap_or(made)));
        for (name, value) in &row.labels.entries {
            self.tree
                .make(&[at.as_slice(), &[b"labels"]].concat())
                .put(name.bytes(), value.bytes());
        }
        // The parent is in the same namespace: a key of meta.db is known there only.
        let parent = row
            .parent
            .as_ref()
            .and_then(|parent| split_key(parent.bytes()));
        if let Some((_, _, parent)) = parent {
            self.tree.make(&at).put("parent", parent);
        }
    }

    /// Tells every parent of its children, once all records are there.
    fn children(&mut self, snapshotter: &Snapshotter) {
        let rows = snapshotter.db.rows.as_ref();
        for row in rows.into_iter().flat_map(metadb::Backend::snapshots) {
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

    /// Which snapshot a chain ends in, by snapshotter, in a namespace.
    fn unpacked(&self, namespace: &[u8], chain: &Digest) -> Vec<Vec<u8>> {
        let all = self.tree.at(&[b"v1", namespace, b"snapshots"]);
        let of = |tree: &Tree| tree.entries.contains_key(chain.as_str().as_bytes());
        let all = all.into_iter().flat_map(Tree::buckets);
        all.filter(|(_, tree)| of(tree))
            .map(|(name, _)| name.to_vec())
            .collect()
    }

    fn blobs(&mut self, namespace: &[u8]) {
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

    /// Gives every image that no record names a record.
    fn images(&mut self, namespaces: &BTreeSet<Vec<u8>>, node: &Node) {
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
                    given.extend(self.relic_names(&namespace, &ids));
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

    /// Names that the damaged file holds beside its trees.
    fn relic_names(&self, namespace: &[u8], ids: &BTreeSet<Digest>) -> BTreeMap<String, String> {
        let names = self.wants.relics.names.iter();
        let fits = |named: &&Named| {
            let wanted = named.namespace.as_ref();
            ids.contains(&named.digest)
                && wanted.is_none_or(|wanted| wanted.as_bytes() == namespace)
        };
        names
            .filter(fits)
            .map(|named| (named.name.clone(), named.from.clone()))
            .collect()
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
            namespace: text(namespace),
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

/// What the snapshot of a container stands on, as meta.db calls it.
pub(crate) fn parent_of(node: &Node, namespace: &[u8], id: &[u8]) -> Option<String> {
    for snapshotter in &node.snapshotters {
        let rows = snapshotter
            .db
            .rows
            .iter()
            .flat_map(metadb::Backend::snapshots);
        for row in rows {
            let own = split_key(row.key.bytes());
            if own.is_some_and(|(space, _, key)| space == namespace && key == id) {
                let parent = row
                    .parent
                    .as_ref()
                    .and_then(|parent| split_key(parent.bytes()));
                return parent.map(|(_, _, key)| text(key));
            }
        }
    }
    None
}
