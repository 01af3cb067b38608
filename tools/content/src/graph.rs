//! `coroner content graph`: what an image is made of, and what of it is there.

mod answer;

use std::collections::{BTreeMap, BTreeSet};

use answer::dot;
use cli::{Answer, Measure, Out, Outcome, measure_with};
use content::{Digest, Kind, Platform, Role, chain_ids};
use finding::{Object, Text, Unknown, size_number, size_option};
use measure::Hashed;
use node::{Documents, Node};
use serde::Serialize;

use crate::image::{self, State};
use crate::ls::store;
use crate::target::{self, Target};

/// What is shown, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GraphArgs {
    /// An image, a digest or the beginning of one
    #[arg(value_name = "IMAGE")]
    name: String,
    /// As a graph for `dot` of Graphviz
    #[arg(long)]
    dot: bool,
    /// Hash the bytes of every blob of it, too
    #[arg(long)]
    hash: bool,
}

/// One blob.
#[derive(Serialize)]
struct Blob {
    digest: Digest,
    kind: String,
    media_type: Option<Text>,
    /// Bytes, as its descriptor says.
    #[serde(serialize_with = "size_option")]
    claimed: Option<u64>,
    /// Bytes of its file, if it is there.
    #[serde(serialize_with = "size_option")]
    size: Option<u64>,
    state: State,
    /// Whether its bytes were hashed: documents always are.
    hashed: bool,
    platform: Option<Platform>,
    /// Of a layer: the digest of its inflated bytes, as the configuration says.
    diff_id: Option<Digest>,
    /// Of a layer: the chainID, which is the key of its snapshot.
    chain_id: Option<Digest>,
    /// Snapshotters that have this layer unpacked.
    unpacked: Vec<Text>,
    /// Other images that need it.
    shared_with: Vec<Object>,
    links: Vec<Edge>,
}

#[derive(Serialize)]
struct Edge {
    role: String,
    digest: Digest,
}

#[derive(Serialize)]
struct Graph {
    what: String,
    target: Digest,
    blobs: Vec<Blob>,
    there: u64,
    #[serde(serialize_with = "size_number")]
    bytes: u64,
    unknown: Vec<Unknown>,
    #[serde(skip)]
    dot: bool,
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

pub(crate) fn run(args: &cli::EvidenceArgs, how: &GraphArgs, out: &mut Out) -> Outcome {
    let (case, node) = target::open(args)?;
    let target = target::find(&node, &how.name)?;
    let documents = target.documents(&case, &node);
    let hashes = if how.hash {
        let wanted: BTreeSet<Digest> = documents
            .needs(&target.digest)
            .into_iter()
            .map(|need| need.digest)
            .collect();
        let wish = Measure {
            hash: true,
            ..Measure::default()
        };
        let of = |digest: &Digest| wanted.contains(digest);
        measure_with(&case, &node, wish, Some(&of), out).hashes
    } else {
        None
    };
    let graph = graph(&node, &target, &documents, hashes.as_ref(), how.dot)?;
    if how.dot && out.options().format == cli::Format::Text {
        dot(&graph, &mut out.pen())?;
        out.writer().flush()?;
        return Ok(graph.exit());
    }
    out.answer(&graph)
}

fn graph(
    node: &Node,
    target: &Target,
    documents: &Documents,
    hashes: Option<&BTreeMap<Digest, measure::HashedBlob>>,
    dot: bool,
) -> Result<Graph, cli::Failure> {
    let store = store(node)?;
    let mut said = said(documents, &target.digest);
    let mut blobs = Vec::new();
    for need in documents.needs(&target.digest) {
        let of = said.remove(&need.digest).unwrap_or_default();
        let is_target = need.digest == target.digest;
        let claimed = if is_target { target.size } else { of.claimed };
        let document = documents.get(&need.digest).and_then(node::Wanted::document);
        let mut state = State::of(store, documents, &need.digest, claimed);
        let bytes = hashes.and_then(|hashes| hashes.get(&need.digest));
        match bytes.map(|bytes| &bytes.outcome) {
            Some(Hashed::Mismatch { .. }) => state = State::Altered,
            Some(Hashed::Unread(_)) => state = State::Unread,
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
        blobs.push(Blob {
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
                .map_or_else(Vec::new, |chain| unpacked(node, chain)),
            chain_id,
            shared_with,
            links: links
                .map(|link| Edge {
                    role: link.role.to_string(),
                    digest: link.descriptor.digest.clone(),
                })
                .collect(),
            digest: need.digest,
        });
    }
    let there = |blob: &&Blob| blob.size.is_some();
    let count = blobs.iter().filter(there).count();
    let bytes = blobs
        .iter()
        .filter_map(|blob| blob.size)
        .fold(0_u64, u64::saturating_add);
    Ok(Graph {
        what: target.what.clone(),
        target: target.digest.clone(),
        there: u64::try_from(count).unwrap_or(u64::MAX),
        bytes,
        blobs,
        unknown: node.content.unknown().to_vec(),
        dot,
    })
}

/// What documents say of the blobs below `target`.
fn said(documents: &Documents, target: &Digest) -> BTreeMap<Digest, Said> {
    let mut all: BTreeMap<Digest, Said> = BTreeMap::new();
    let (manifests, _) = image::manifests(documents, target);
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

/// Snapshotters whose metadata.db has the snapshot of this chainID, in any namespace.
pub(crate) fn unpacked(node: &Node, chain: &Digest) -> Vec<Text> {
    let has = |snapshotter: &&node::Snapshotter| {
        let rows = snapshotter.db.rows.as_ref();
        let mut rows = rows.map_or(&[][..], metadb::Backend::snapshots).iter();
        rows.any(|row| key_of(&row.key) == chain.as_str().as_bytes())
    };
    let found = node.snapshotters.iter().filter(has);
    found.map(|snapshotter| snapshotter.name.clone()).collect()
}

/// The key as meta.db has it: without `<namespace>/<number>/`.
pub(crate) fn key_of(backend: &Text) -> &[u8] {
    let mut parts = backend.bytes().splitn(3, |byte| *byte == b'/');
    parts.nth(2).unwrap_or_default()
}
