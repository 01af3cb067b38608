//! The documents of an export: as they lie there, or written anew where a layer was rebuilt.

use std::collections::BTreeMap;

use content::{DOCUMENT_LIMIT, Digest, Kind, Store};
use evidence::Evidence;
use finding::Text;
use names::Target;
use serde_json::{Map, Value, json};

use crate::plan::{From, Plan, Whole};

/// What says in a manifest, or a descriptor, that something was rebuilt.
const REBUILT: &str = "io.github.coroner.rebuilt";

/// A document that goes into an export.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it is as it lies in the store.
    pub is_original: bool,
}

/// The documents of an export, by digest.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// Them.
    pub blobs: BTreeMap<Digest, Made>,
    /// For index.json.
    pub root: Value,
    /// Digests of the manifests, as they are written, in the order of the plan, and of their
    /// configurations.
    pub manifests: Vec<(Digest, Digest)>,
}

/// A document's bytes, as they lie in the store.
fn bytes(evidence: &Evidence, store: &Store, digest: &Digest) -> Result<Vec<u8>, String> {
    let path = Store::path_of(&store.root, digest);
    let source = evidence.source(&path, DOCUMENT_LIMIT);
    let source = source.map_err(|why| format!("{digest} {why}"))?;
    if digest.compute(source.bytes()) != *digest {
        return Err(format!("{digest} changed while it was read"));
    }
    Ok(source.bytes().to_vec())
}

fn value(bytes: &[u8], digest: &Digest) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("{digest} is no JSON: {error}"))
}

/// The OCI's name for what Docker calls otherwise.
fn oci_type(media_type: &str) -> String {
    match Kind::from_media_type(media_type) {
        Kind::Manifest => "application/vnd.oci.image.manifest.v1+json".to_owned(),
        Kind::Index => "application/vnd.oci.image.index.v1+json".to_owned(),
        Kind::Config => "application/vnd.oci.image.config.v1+json".to_owned(),
        _ => media_type
            .replace(
                "application/vnd.docker.image.rootfs.diff.tar",
                "application/vnd.oci.image.layer.v1.tar",
            )
            .replace(
                "application/vnd.docker.image.rootfs.foreign.diff.tar",
                "application/vnd.oci.image.layer.nondistributable.v1.tar",
            )
            .replace(".tar.gzip", ".tar+gzip")
            .replace(".tar.zstd", ".tar+zstd"),
    }
}

impl Documents {
    /// The documents of a plan.
    ///
    /// # Errors
    /// One of them cannot be read any more.
    pub(crate) fn from_store(
        evidence: &Evidence,
        store: &Store,
        target: &Target,
        documents: &node::Documents,
        plan: &Plan<'_>,
    ) -> Result<Self, String> {
        let mut all = Self::default();
        let mut roots = Vec::new();
        for whole in &plan.whole {
            let root = if whole.rebuilt {
                all.rewrite(evidence, store, whole)?
            } else {
                all.keep(evidence, store, target, whole)?
            };
            roots.push(root);
        }
        let is_index = plan
            .whole
            .iter()
            .any(|whole| whole.manifest.digest != target.digest);
        let is_complete = plan.left_out.is_empty() && plan.rebuilt.is_empty();
        all.root = if is_index && is_complete {
            all.keep_indexes(evidence, store, target, documents)?
        } else if let (Some(only), 1) = (roots.first(), roots.len()) {
            only.clone()
        } else {
            all.reduced(target, plan, &roots)
        };
        all.name(target);
        Ok(all)
    }

    fn add(&mut self, bytes: Vec<u8>, is_original: bool) -> Digest {
        let digest = Digest::sha256_of(&bytes);
        self.blobs
            .insert(digest.clone(), Made { bytes, is_original });
        digest
    }

    fn keep_one(
        &mut self,
        evidence: &Evidence,
        store: &Store,
        digest: &Digest,
    ) -> Result<Vec<u8>, String> {
        let bytes = bytes(evidence, store, digest)?;
        self.blobs.insert(
            digest.clone(),
            Made {
                bytes: bytes.clone(),
                is_original: true,
            },
        );
        Ok(bytes)
    }

    /// A manifest and its configuration as they are.
    fn keep(
        &mut self,
        evidence: &Evidence,
        store: &Store,
        target: &Target,
        whole: &Whole<'_>,
    ) -> Result<Value, String> {
        let digest = &whole.manifest.digest;
        let size = self.keep_one(evidence, store, digest)?.len();
        let config = whole.manifest.config_link.ok_or("no configuration")?;
        self.keep_one(evidence, store, &config.digest)?;
        self.manifests.push((digest.clone(), config.digest.clone()));
        let own = whole.manifest.document.media_type.as_ref();
        let named = match whole.manifest.named {
            Some(named) => Some(&named.media_type),
            None => target.media_type.as_ref(),
        };
        let media_type = named.or(own).and_then(Text::utf8);
        let media_type = media_type.unwrap_or("application/vnd.oci.image.manifest.v1+json");
        Ok(descriptor(media_type, digest, size, whole))
    }

    /// A manifest and its configuration, with the layers that were rebuilt in place of those that
    /// they name. What is written is OCI's, whatever was there: Docker's has no annotations.
    fn rewrite(
        &mut self,
        evidence: &Evidence,
        store: &Store,
        whole: &Whole<'_>,
    ) -> Result<Value, String> {
        let original = &whole.manifest.digest;
        let link = whole.manifest.config_link.ok_or("no configuration")?;
        let mut config = value(&bytes(evidence, store, &link.digest)?, &link.digest)?;
        let mut manifest = value(&bytes(evidence, store, original)?, original)?;
        let diff_ids = config
            .pointer_mut("/rootfs/diff_ids")
            .and_then(Value::as_array_mut)
            .ok_or_else(|| format!("{} has no diff_ids", link.digest))?;
        let mut rebuilt = Vec::new();
        for (number, piece) in whole.layers.iter().enumerate() {
            if !matches!(piece.from, From::Snapshot(_)) {
                continue;
            }
            rebuilt.push(number.to_string());
            let digest = piece.digest.to_string();
            *diff_ids
                .get_mut(number)
                .ok_or_else(|| format!("{} has too few diff_ids", link.digest))? = digest.into();
        }
        let config = serde_json::to_vec(&config).map_err(|error| error.to_string())?;
        let config_size = config.len();
        let config = self.add(config, false);
        let fields = manifest
            .as_object_mut()
            .ok_or_else(|| format!("{original} is no object"))?;
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        fields.insert("mediaType".to_owned(), media_type.into());
        fields.insert(
            "config".to_owned(),
            json!({
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": config.as_str(),
                "size": config_size,
            }),
        );
        let links = whole.manifest.document.layers().zip(&whole.layers);
        let layers = links.map(|(link, piece)| match &piece.from {
            From::Snapshot(source) => json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": piece.digest.as_str(),
                "size": piece.size,
                "annotations": {
                    REBUILT: "true",
                    (format!("{REBUILT}.layer")): piece.wanted.as_str(),
                    (format!("{REBUILT}.snapshot")): source.key.to_string(),
                },
            }),
            From::Blob | From::Inflated => {
                let media_type = link.media_type.utf8().unwrap_or_default();
                json!({
                    "mediaType": oci_type(media_type),
                    "digest": piece.digest.as_str(),
                    "size": piece.size,
                })
            }
        });
        let layers: Vec<Value> = layers.collect();
        fields.insert("layers".to_owned(), layers.into());
        let annotations = fields
            .entry("annotations")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(format!("{REBUILT}.layers"), rebuilt.join(",").into());
            annotations.insert(format!("{REBUILT}.manifest"), original.as_str().into());
        }
        // A signature's or an SBOM's subject is the original, not this one.
        fields.shift_remove("subject");
        let manifest = serde_json::to_vec(&manifest).map_err(|error| error.to_string())?;
        let size = manifest.len();
        let digest = self.add(manifest, false);
        self.manifests.push((digest.clone(), config));
        Ok(descriptor(media_type, &digest, size, whole))
    }

    /// The index of the image as it is, and those below it.
    fn keep_indexes(
        &mut self,
        evidence: &Evidence,
        store: &Store,
        target: &Target,
        documents: &node::Documents,
    ) -> Result<Value, String> {
        let mut size = 0;
        for need in documents.needs(&target.digest) {
            let document = documents.get(&need.digest).and_then(node::Wanted::document);
            if document.is_some_and(|document| document.kind == Kind::Index) {
                let len = self.keep_one(evidence, store, &need.digest)?.len();
                if need.digest == target.digest {
                    size = len;
                }
            }
        }
        let media_type = target.media_type.as_ref().and_then(Text::utf8);
        let media_type = media_type.unwrap_or("application/vnd.oci.image.index.v1+json");
        Ok(json!({
            "mediaType": media_type,
            "digest": target.digest.as_str(),
            "size": size,
        }))
    }

    /// An index of what is there.
    fn reduced(&mut self, target: &Target, plan: &Plan<'_>, roots: &[Value]) -> Value {
        let left_out: Vec<&str> = plan
            .left_out
            .iter()
            .map(|left| left.digest.as_str())
            .collect();
        let media_type = "application/vnd.oci.image.index.v1+json";
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "manifests": roots,
            "annotations": {
                "io.github.coroner.reduced.index": target.digest.as_str(),
                "io.github.coroner.reduced.left-out": left_out.join(","),
            },
        });
        let bytes = index.to_string().into_bytes();
        let size = bytes.len();
        let digest = self.add(bytes, false);
        json!({ "mediaType": media_type, "digest": digest.as_str(), "size": size })
    }

    /// Names the image in the descriptor of index.json, as containerd's own export does.
    fn name(&mut self, target: &Target) {
        let Some((_, name)) = &target.image else {
            return;
        };
        let (Some(name), Some(root)) = (name.utf8(), self.root.as_object_mut()) else {
            return;
        };
        let mut annotations = Map::new();
        annotations.insert("io.containerd.image.name".to_owned(), name.into());
        if let Some(tag) = tag(name) {
            annotations.insert("org.opencontainers.image.ref.name".to_owned(), tag.into());
        }
        root.insert("annotations".to_owned(), annotations.into());
    }
}

/// The tag of an image's name, if it has one.
pub(crate) fn tag(name: &str) -> Option<&str> {
    if name.contains('@') {
        return None;
    }
    let last = name.rsplit('/').next()?;
    last.split_once(':').map(|(_, tag)| tag)
}

/// index.json of an OCI layout.
pub(crate) fn index_json(root: &Value) -> Vec<u8> {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [root],
    })
    .to_string()
    .into_bytes()
}

/// The path of a blob in an OCI layout.
pub(crate) fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

fn descriptor(media_type: &str, digest: &Digest, size: usize, whole: &Whole<'_>) -> Value {
    let mut descriptor = json!({
        "mediaType": media_type,
        "digest": digest.as_str(),
        "size": size,
    });
    if let (Some(platform), Some(fields)) = (whole.manifest.platform(), descriptor.as_object_mut())
        && !platform.os.is_empty()
    {
        let mut said = Map::new();
        let mut put = |key: &str, text: &Text| said.insert(key.to_owned(), text.to_string().into());
        put("architecture", &platform.architecture);
        put("os", &platform.os);
        if let Some(version) = &platform.os_version {
            put("os.version", version);
        }
        if let Some(variant) = &platform.variant {
            put("variant", variant);
        }
        fields.insert("platform".to_owned(), said.into());
    }
    descriptor
}
