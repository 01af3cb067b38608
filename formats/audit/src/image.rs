//! What an image is made of, and what of it is there.

use std::collections::{BTreeMap, BTreeSet};

use content::{Digest, Kind, Platform, Role, chain_ids};
use finding::{Object, Refused, Text, Unknown, size_number, size_option};
use measure::{Hashed, HashedBlob};
use names::Target;
use node::{BlobState, Documents, Node};
use serde::Serialize;

/// One blob.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// Its digest.
    pub digest: Digest,
    /// What it is: `manifest`, `config`, `layer`, …
    pub kind: String,
    /// What the document that names it calls it.
    pub media_type: Option<Text>,
    /// Bytes, as its descriptor says.
    #[serde(serialize_with = "size_option")]
    pub claimed: Option<u64>,
    /// Bytes of its file, if it is there.
    #[serde(serialize_with = "size_option")]
    pub size: Option<u64>,
    /// How it stands with it.
    pub state: BlobState,
    /// Whether its bytes were hashed: documents always are.
    pub hashed: bool,
    /// What it runs on.
    pub platform: Option<Platform>,
    /// Of a layer: the digest of its inflated bytes, as the configuration says.
    pub diff_id: Option<Digest>,
    /// Of a layer: the chainID, which is the key of its snapshot.
    pub chain_id: Option<Digest>,
    /// Whether some namespace of meta.db has a record of it.
    pub recorded: bool,
    /// Snapshotters that have this layer unpacked.
    pub unpacked: Vec<Text>,
    /// Other images that need it.
    pub shared_with: Vec<Object>,
    /// What it names.
    pub links: Vec<PartLink>,
}

/// What a document names.
#[derive(Debug, Clone, Serialize)]
pub struct PartLink {
    /// What for.
    pub role: String,
    /// What.
    pub digest: Digest,
}

/// An image, and what of it is there.
#[derive(Debug, Clone, Serialize)]
pub struct Image {
    /// What it is called.
    pub what: String,
    /// Its digest.
    pub target: Digest,
    /// Everything that it is made of, the target first.
    pub blobs: Vec<Part>,
    /// How many of them are there.
    pub there: u64,
    /// Bytes of those.
    #[serde(serialize_with = "size_number")]
    pub bytes: u64,
    /// What is not known of the store.
    pub unknown: Vec<Unknown>,
}

/// What the documents say of a blob besides its digest.
#[derive(Default)]
struct Said {
    media_type: Option<Text>,
    claimed: Option<u64>,
    kind: Option<String>,
    platform: Option<Platform>,
    diff_id: Option<Digest>,
    chain_id: Option<Digest>,
}

impl Image {
    /// The image that `target` is, with the digests of those blobs that were hashed.
    ///
    /// # Errors
    /// Nothing is known of the content store.
    pub fn audit_image(
        node: &Node,
        target: &Target,
        documents: &Documents,
        hashes: Option<&BTreeMap<Digest, HashedBlob>>,
    ) -> Result<Self, Refused> {
        let store = names::store(node)?;
        let mut said = said(documents, &target.digest);
        let spaces = node.namespaces();
        let rows = spaces.flat_map(|space| space.blobs.read().into_iter().flatten());
        let records: BTreeSet<&Text> = rows.map(|row| &row.key).collect();
        let mut blobs = Vec::new();
        for need in documents.needs(&target.digest) {
            let of = said.remove(&need.digest).unwrap_or_default();
            let is_target = need.digest == target.digest;
            let claimed = if is_target { target.size } else { of.claimed };
            let document = documents.get(&need.digest).and_then(node::Wanted::document);
            let mut state = BlobState::look_up(store, documents, &need.digest, claimed);
            let bytes = hashes.and_then(|hashes| hashes.get(&need.digest));
            match bytes.map(|bytes| &bytes.outcome) {
                Some(Hashed::Mismatch { .. }) => state = BlobState::Altered,
                Some(Hashed::Unread(_)) => state = BlobState::Unread,
                _ => {}
            }
            let is_hashed = matches!(
                bytes.map(|bytes| &bytes.outcome),
                Some(Hashed::Match | Hashed::Mismatch { .. })
            );
            let mut shared_with = node.graph().users_of_blob(&need.digest);
            if let Some((namespace, name)) = &target.image {
                let own = Object::new("image", namespace.clone(), name.clone());
                shared_with.retain(|object| *object != own);
            }
            let chain_id = of.chain_id;
            let links = document.into_iter().flat_map(content::Document::links);
            blobs.push(Part {
                kind: document.map_or_else(
                    || of.kind.unwrap_or_else(|| "blob".to_owned()),
                    |document| document.kind.to_string(),
                ),
                media_type: of.media_type.or_else(|| {
                    let said = is_target.then(|| target.media_type.clone());
                    said.flatten()
                }),
                claimed,
                size: store.blob(&need.digest).map(|blob| blob.stat.size),
                state,
                hashed: is_hashed || documents.get(&need.digest).is_some(),
                platform: of.platform,
                diff_id: of.diff_id,
                unpacked: chain_id
                    .as_ref()
                    .map_or_else(Vec::new, |chain| node.unpacked(chain)),
                chain_id,
                shared_with,
                recorded: records.contains(&Text::from(need.digest.as_str())),
                links: links
                    .map(|link| PartLink {
                        role: link.role.to_string(),
                        digest: link.descriptor.digest.clone(),
                    })
                    .collect(),
                digest: need.digest,
            });
        }
        let there = |blob: &&Part| blob.size.is_some();
        let count = blobs.iter().filter(there).count();
        let bytes = blobs
            .iter()
            .filter_map(|blob| blob.size)
            .fold(0_u64, u64::saturating_add);
        Ok(Self {
            what: target.what.clone(),
            target: target.digest.clone(),
            there: u64::try_from(count).unwrap_or(u64::MAX),
            bytes,
            blobs,
            unknown: node.content.unknown().to_vec(),
        })
    }
}

/// What documents say of the blobs below `target`.
fn said(documents: &Documents, target: &Digest) -> BTreeMap<Digest, Said> {
    let mut all: BTreeMap<Digest, Said> = BTreeMap::new();
    let (manifests, _) = node::manifests(documents, target);
    for need in documents.needs(target) {
        let Some(link) = need.link else { continue };
        let descriptor = &link.descriptor;
        let kind = match (link.role, descriptor.kind()) {
            (Role::Layer(_), Kind::Layer(_)) => "layer".to_owned(),
            (Role::Layer(_), _) | (_, Kind::Other) => "blob".to_owned(),
            (_, kind) => kind.to_string(),
        };
        all.insert(
            need.digest.clone(),
            Said {
                media_type: Some(descriptor.media_type.clone()),
                claimed: Some(descriptor.size),
                kind: Some(kind),
                platform: descriptor.platform.clone(),
                ..Said::default()
            },
        );
    }
    for manifest in &manifests {
        if let Some(said) = all.get_mut(&manifest.digest) {
            said.platform = manifest.platform().cloned();
        } else {
            all.insert(
                manifest.digest.clone(),
                Said {
                    platform: manifest.platform().cloned(),
                    ..Said::default()
                },
            );
        }
        let Some(config) = manifest.config else {
            continue;
        };
        let chain = chain_ids(&config.diff_ids);
        let ids = config.diff_ids.iter().zip(chain);
        for (layer, (diff_id, chain_id)) in manifest.document.layers().zip(ids) {
            if let Some(said) = all.get_mut(&layer.digest) {
                said.diff_id = Some(diff_id.clone());
                said.chain_id = Some(chain_id);
            }
        }
    }
    all
}
