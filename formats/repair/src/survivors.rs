//! What the content store still says: documents by digest, and blobs that are not what their names
//! claim.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use content::{Blob, DOCUMENT_LIMIT, Digest, Document, Kind, Role, Store};
use evidence::Evidence;
use finding::Time;
use measure::{Control, Hashed};
use metadb::MetaDb;

/// The annotation by which an import's index names each of its images.
const IMPORTED_NAME: &str = "io.containerd.image.name";

/// A blob that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Its size in bytes.
    pub size: u64,
    /// When it was written.
    pub written: Time,
}

/// The blobs of a node, its documents read.
#[derive(Debug, Default)]
pub struct Survivors {
    /// Blobs whose bytes are, as far as was looked at, what their names claim.
    pub blobs: BTreeMap<Digest, Held>,
    /// Manifests, indexes and configurations among them.
    pub documents: BTreeMap<Digest, Document>,
    /// Blobs that are not what their names claim, and why.
    pub damaged: BTreeMap<Digest, String>,
}

impl Survivors {
    /// Reads every document of `store`. Layers are not hashed: their sizes are compared with what
    /// the manifests say. Hashed are those that something speaks against: an empty one, one of another size
    /// than `meta` has recorded, one that should be a document and is none.
    pub(crate) fn read_survivors(
        evidence: &Evidence,
        store: &Store,
        meta: Option<&MetaDb>,
    ) -> Self {
        let mut all = Self::default();
        for blob in &store.blobs {
            let held = Held {
                size: blob.stat.size,
                written: blob.stat.mtime,
            };
            all.blobs.insert(blob.digest.clone(), held);
            if blob.stat.size <= DOCUMENT_LIMIT && begins_like_json(evidence, blob) {
                all.read_document(evidence, blob);
            }
        }
        all.compare_sizes();
        all.hash_suspects(evidence, store, meta);
        for digest in all.damaged.keys() {
            all.blobs.remove(digest);
            all.documents.remove(digest);
        }
        all
    }

    /// Adds a blob whose bytes are at `path`, and have this digest.
    pub(crate) fn add(
        &mut self,
        evidence: &Evidence,
        path: &std::path::Path,
        digest: &Digest,
        size: u64,
        written: Time,
    ) {
        self.blobs.insert(digest.clone(), Held { size, written });
        if let Ok(source) = evidence.source(path, DOCUMENT_LIMIT)
            && let Ok(document) = Document::parse(source.bytes(), None)
        {
            self.documents.insert(digest.clone(), document);
        }
    }

    fn read_document(&mut self, evidence: &Evidence, blob: &Blob) {
        let source = match evidence.source(&blob.path, DOCUMENT_LIMIT) {
            Ok(source) => source,
            Err(why) => {
                self.damaged.insert(blob.digest.clone(), why.to_string());
                return;
            }
        };
        if blob.digest.compute(source.bytes()) != blob.digest {
            let why = "its bytes have another digest".to_owned();
            self.damaged.insert(blob.digest.clone(), why);
            return;
        }
        if let Ok(document) = Document::parse(source.bytes(), None) {
            self.documents.insert(blob.digest.clone(), document);
        }
    }

    /// A blob of another size than every document says is not that blob.
    fn compare_sizes(&mut self) {
        let links = self.documents.values().flat_map(Document::links);
        for link in links {
            let want = link.descriptor.size;
            let digest = &link.descriptor.digest;
            let found = self.blobs.get(digest).map(|held| held.size);
            if let Some(found) = found.filter(|found| *found != want) {
                let why = format!("it has {found} bytes, and a manifest says {want}");
                self.damaged.insert(digest.clone(), why);
            }
        }
    }

    /// Hashes blobs that may not be what their names claim.
    fn hash_suspects(&mut self, evidence: &Evidence, store: &Store, meta: Option<&MetaDb>) {
        let links = self.documents.values().flat_map(Document::links);
        let is_document = |role: &Role| matches!(role, Role::Config | Role::Manifest(_));
        let documents: BTreeSet<&Digest> = links
            .filter(|link| is_document(&link.role))
            .map(|link| &link.descriptor.digest)
            .filter(|digest| !self.documents.contains_key(*digest))
            .collect();
        let mut recorded: BTreeMap<&[u8], BTreeSet<i64>> = BTreeMap::new();
        for namespace in meta.map_or(&[][..], MetaDb::namespaces) {
            for row in namespace.blobs.read().into_iter().flatten() {
                let sizes = recorded.entry(row.key.bytes()).or_default();
                sizes.extend(row.size);
            }
        }
        let is_suspect = |blob: &&Blob| {
            let size = i64::try_from(blob.stat.size).ok();
            let sizes = recorded.get(blob.digest.as_str().as_bytes());
            !self.damaged.contains_key(&blob.digest)
                && (blob.stat.size == 0
                    || documents.contains(&blob.digest)
                    || sizes.is_some_and(|all| all.iter().any(|one| Some(*one) != size)))
        };
        let suspects: Vec<&Blob> = store.blobs.iter().filter(is_suspect).collect();
        let hashes = measure::hash(evidence, suspects, &Control::default());
        for (digest, hashed) in hashes.blobs {
            if let Hashed::Mismatch { .. } = hashed.outcome {
                let why = format!("its {} bytes have another digest", hashed.size);
                self.damaged.insert(digest, why);
            }
        }
    }

    /// Whether this index was made by an import to name its images: it is no image itself.
    fn is_wrapper(document: &Document) -> bool {
        let names_it = |link: &content::Link| imported_name(link).is_some();
        document.kind == Kind::Index && document.links().iter().any(names_it)
    }

    /// Manifests and indexes that no other index holds: the images.
    pub fn roots(&self) -> Vec<&Digest> {
        let mut inner = BTreeSet::new();
        for document in self.documents.values() {
            if document.kind == Kind::Index && !Self::is_wrapper(document) {
                inner.extend(manifests(document));
            }
        }
        let is_root = |(digest, document): &(&Digest, &Document)| {
            matches!(document.kind, Kind::Manifest | Kind::Index)
                && !Self::is_wrapper(document)
                && !inner.contains(digest)
        };
        let all = self.documents.iter();
        all.filter(is_root).map(|(digest, _)| digest).collect()
    }

    /// Every digest by which a name may call one of the images: its own, its manifests', its configurations'.
    pub(crate) fn identities(&self) -> BTreeSet<&Digest> {
        let documents = self.documents.iter();
        let all = documents.filter(|(_, document)| {
            matches!(document.kind, Kind::Manifest | Kind::Index | Kind::Config)
        });
        all.map(|(digest, _)| digest).collect()
    }

    /// The names that imports gave to images, with the image of each.
    pub(crate) fn imported_names(&self) -> Vec<(String, Digest)> {
        let wrappers = self.documents.values();
        let links = wrappers.flat_map(Document::links);
        links
            .filter_map(|link| Some((imported_name(link)?, link.descriptor.digest.clone())))
            .collect()
    }

    /// The manifests of an image that are there, the image itself if it is one.
    pub(crate) fn manifests_of<'s>(&'s self, root: &'s Digest) -> Vec<(&'s Digest, &'s Document)> {
        let mut found = Vec::new();
        let mut queue = vec![root];
        let mut seen = BTreeSet::new();
        while let Some(digest) = queue.pop() {
            let Some(document) = self.documents.get(digest).filter(|_| seen.insert(digest)) else {
                continue;
            };
            match document.kind {
                Kind::Manifest => found.push((digest, document)),
                Kind::Index => queue.extend(manifests(document)),
                _ => {}
            }
        }
        found
    }

    /// The digest of a manifest's configuration.
    pub(crate) fn config_of(manifest: &Document) -> Option<&Digest> {
        let mut links = manifest.links().iter();
        let config = links.find(|link| link.role == Role::Config)?;
        Some(&config.descriptor.digest)
    }

    /// The chain IDs of a manifest's layers, from the lowest up; nothing without its configuration.
    pub(crate) fn chain_of(&self, manifest: &Document) -> Vec<Digest> {
        let config = Self::config_of(manifest).and_then(|digest| self.documents.get(digest));
        let config = config.and_then(Document::config);
        config
            .map(content::ImageConfig::chain_ids)
            .unwrap_or_default()
    }

    /// What of an image is not there: the digests that its documents name.
    pub(crate) fn missing_of(&self, root: &Digest) -> Vec<Digest> {
        let manifests = self.manifests_of(root);
        if manifests.is_empty() {
            return vec![root.clone()];
        }
        let links = manifests.iter().flat_map(|(_, manifest)| manifest.links());
        let needed = links.filter(|link| link.role != Role::Subject);
        let absent = needed.filter(|link| !self.blobs.contains_key(&link.descriptor.digest));
        let missing: BTreeSet<Digest> = absent.map(|link| link.descriptor.digest.clone()).collect();
        missing.into_iter().collect()
    }
}

/// The manifests that an index names.
fn manifests(document: &Document) -> impl Iterator<Item = &Digest> {
    let links = document.links().iter();
    links
        .filter(|link| matches!(link.role, Role::Manifest(_)))
        .map(|link| &link.descriptor.digest)
}

fn imported_name(link: &content::Link) -> Option<String> {
    let mut annotations = link.descriptor.annotations.iter();
    let (_, name) = annotations.find(|(key, _)| *key == IMPORTED_NAME)?;
    name.utf8().map(str::to_owned)
}

/// Whether its first byte is that of a JSON object: all that is read of a layer.
fn begins_like_json(evidence: &Evidence, blob: &Blob) -> bool {
    let mut first = [0_u8; 1];
    let read = evidence
        .reader(&blob.path)
        .map(|mut reader| reader.read(&mut first));
    matches!(read, Ok(Ok(1))) && matches!(first, [b'{' | b' ' | b'\n' | b'\t'])
}
