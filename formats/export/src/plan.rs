//! What goes into an export: which manifests, which blobs, what is rebuilt, what is left out.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::AtomicBool;

use content::{Algorithm, Descriptor, Digest, Hasher, Store, chain_ids};
use evidence::Evidence;
use finding::{Refused, Text, size_number};
use layer::{Inflating, Limits, Watch};
use measure::{Hashed, HashedBlob};
use names::Target;
use node::{Documents, Manifest, Node};
use serde::Serialize;

use crate::rebuild::{self, Source};

/// Where the bytes of one layer of the export come from.
#[derive(Debug, Clone)]
pub enum From {
    /// The blob as it lies there.
    Blob,
    /// The blob, inflated.
    Inflated,
    /// A snapshot.
    Snapshot(Source),
}

/// One layer of the export.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The blob that the manifest names.
    pub wanted: Digest,
    /// The digest of what is written.
    pub digest: Digest,
    /// Its size.
    pub size: u64,
    /// Where it comes from.
    pub from: From,
}

/// A manifest that is exported, and its layers.
#[derive(Debug)]
pub struct Whole<'d> {
    /// The manifest.
    pub manifest: Manifest<'d>,
    /// Its layers, the lowest first.
    pub layers: Vec<Piece>,
    /// Whether some of them were rebuilt.
    pub rebuilt: bool,
}

/// A layer that was rebuilt.
#[derive(Debug, Clone, Serialize)]
pub struct Rebuilt {
    /// The manifest that names it.
    pub manifest: Digest,
    /// Its number there.
    pub layer: usize,
    /// The blob that the image names, and why it was not taken.
    pub wanted: Digest,
    /// Why it was not taken.
    pub why: String,
    /// The digest of its tar.
    pub wanted_diff_id: Digest,
    /// What was written instead: a tar that is not packed, so that this is its diffID, too.
    pub digest: Digest,
    /// The size of that.
    #[serde(serialize_with = "size_number")]
    pub size: u64,
    /// The snapshotter of the snapshot that it was rebuilt from.
    pub snapshotter: Text,
    /// The key of that in metadata.db.
    pub snapshot: Text,
    /// The number of its directory.
    pub id: u64,
    /// Files, directories and links.
    pub entries: u64,
    /// Whiteouts.
    pub deleted: u64,
    /// What of the snapshot is not in it, and why.
    pub lacks: Vec<String>,
    /// How many more.
    pub more_lacks: u64,
}

/// A manifest that is not exported.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// Its digest.
    pub digest: Digest,
    /// What it runs on.
    pub platform: Option<String>,
    /// Everything that stands against it.
    pub why: Vec<String>,
    /// Whether it was there at least in parts: a platform that was never pulled is no loss.
    pub damaged: bool,
}

/// What goes into an export.
#[derive(Debug, Default)]
pub struct Plan<'d> {
    /// What is exported.
    pub whole: Vec<Whole<'d>>,
    /// What of it was rebuilt.
    pub rebuilt: Vec<Rebuilt>,
    /// What is not.
    pub left_out: Vec<LeftOut>,
}

/// What a plan is made from.
#[derive(Debug)]
pub struct Planner<'p> {
    /// Where it lies.
    pub evidence: &'p Evidence,
    /// The node.
    pub node: &'p Node,
    /// Its content store.
    pub store: &'p Store,
    /// The digests of its blobs: what was not hashed is not taken.
    pub hashes: &'p BTreeMap<Digest, HashedBlob>,
    /// Set from outside, it ends the planning.
    pub cancel: &'p AtomicBool,
    /// Layers are written inflated.
    pub inflate: bool,
    /// Layers are never taken from snapshots.
    pub only_blobs: bool,
}

/// Counts and hashes what is written.
struct Sink {
    hasher: Hasher,
    size: u64,
}

impl Sink {
    fn new() -> Self {
        Self {
            hasher: Algorithm::Sha256.hasher(),
            size: 0,
        }
    }

    fn finish(self) -> (Digest, u64) {
        (self.hasher.finish(), self.size)
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hasher.update(bytes);
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.size = self.size.saturating_add(more);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Plan<'_> {
    /// How many bytes of layers are written.
    pub fn bytes(&self) -> u64 {
        let pieces = self.whole.iter().flat_map(|whole| &whole.layers);
        pieces.fold(0, |sum, piece| sum.saturating_add(piece.size))
    }
}

impl Planner<'_> {
    /// Decides, for each manifest of the target, whether all of it can be had.
    ///
    /// # Errors
    /// Nothing of it can be.
    pub fn plan<'d>(
        &self,
        target: &Target,
        documents: &'d Documents,
        platform: Option<&str>,
    ) -> Result<Plan<'d>, Refused> {
        let (manifests, absent) = node::manifests(documents, &target.digest);
        let mut plan = Plan::default();
        for absent in absent {
            plan.left_out.push(LeftOut {
                digest: absent.named.digest.clone(),
                platform: absent.named.platform.as_ref().map(ToString::to_string),
                damaged: self.store.blob(&absent.named.digest).is_some(),
                why: vec![format!("its manifest {}", absent.why)],
            });
        }
        for manifest in manifests {
            if platform.is_some_and(|wish| !manifest.is_for(wish)) {
                plan.left_out.push(LeftOut {
                    platform: manifest.platform().map(ToString::to_string),
                    digest: manifest.digest,
                    why: vec!["another platform was asked for".to_owned()],
                    damaged: false,
                });
                continue;
            }
            match self.manifest(&manifest, documents) {
                Ok((layers, rebuilt)) => {
                    plan.whole.push(Whole {
                        manifest,
                        layers,
                        rebuilt: !rebuilt.is_empty(),
                    });
                    plan.rebuilt.extend(rebuilt);
                }
                Err(why) => plan.left_out.push(LeftOut {
                    platform: manifest.platform().map(ToString::to_string),
                    digest: manifest.digest,
                    why,
                    damaged: true,
                }),
            }
        }
        if plan.whole.is_empty() {
            let mut message = format!("nothing of {} can be exported", target.what);
            if let Some(wanted) = documents
                .get(&target.digest)
                .filter(|one| one.document().is_none())
            {
                message = format!("{message}: {} {}", target.digest, wanted.why());
            }
            for left in plan.left_out.iter().take(8) {
                let platform = left.platform.as_deref().unwrap_or("a manifest");
                let platform = Text::from(platform);
                message = format!("{message}; {platform}: {}", left.why.join(", "));
            }
            return Err(Refused::unread(message)
                .hint("`coroner content graph NODE IMAGE` shows what is there of it"));
        }
        Ok(plan)
    }

    /// The layers of one manifest, or everything that stands against it.
    fn manifest(
        &self,
        manifest: &Manifest<'_>,
        documents: &Documents,
    ) -> Result<(Vec<Piece>, Vec<Rebuilt>), Vec<String>> {
        let mut against = Vec::new();
        match manifest.config_link {
            Some(link) => {
                if let Some(why) = self.unfit(link) {
                    against.push(format!("its configuration {} {why}", link.digest));
                } else if link.kind().is_document() && manifest.config.is_none() {
                    let why = documents.get(&link.digest).map(node::Wanted::why);
                    let why = why.unwrap_or_default();
                    against.push(format!("its configuration {} {why}", link.digest));
                }
            }
            None => against.push("it names no configuration".to_owned()),
        }
        if !manifest.document.is_whole() {
            against.push("not every link of it could be read".to_owned());
        }
        let chain = manifest.config.map(|config| chain_ids(&config.diff_ids));
        let diff_ids = manifest.document.layers().enumerate().map(|(number, _)| {
            let config = manifest.config?;
            config.diff_ids.get(number).cloned()
        });
        let diff_ids: Vec<Option<Digest>> = diff_ids.collect();
        let mut layers = Vec::new();
        let mut rebuilt = Vec::new();
        for (number, link) in manifest.document.layers().enumerate() {
            let diff_id = diff_ids.get(number).cloned().flatten();
            let why = match self.piece(link, diff_id.as_ref()) {
                Ok(piece) => {
                    layers.push(piece);
                    continue;
                }
                Err(why) => why,
            };
            let chain = chain.as_ref().and_then(|chain| chain.get(number));
            let (Some(chain), Some(diff_id), false) = (chain, diff_id, self.only_blobs) else {
                against.push(format!("layer {number}, {}, {why}", link.digest));
                continue;
            };
            match self.rebuild(chain) {
                Ok((source, written, digest, size)) => {
                    rebuilt.push(Rebuilt {
                        manifest: manifest.digest.clone(),
                        layer: number,
                        wanted: link.digest.clone(),
                        why,
                        wanted_diff_id: diff_id,
                        digest: digest.clone(),
                        size,
                        snapshotter: source.snapshotter.clone(),
                        snapshot: source.key.clone(),
                        id: source.id,
                        entries: written.entries,
                        deleted: written.deleted,
                        lacks: written.lacks,
                        more_lacks: written.more_lacks,
                    });
                    layers.push(Piece {
                        wanted: link.digest.clone(),
                        digest,
                        size,
                        from: From::Snapshot(source),
                    });
                }
                Err(not) => {
                    against.push(format!("layer {number}, {}, {why}, and {not}", link.digest));
                }
            }
        }
        if against.is_empty() {
            Ok((layers, rebuilt))
        } else {
            Err(against)
        }
    }

    /// Why the blob of this descriptor cannot be taken.
    fn unfit(&self, link: &Descriptor) -> Option<String> {
        let Some(blob) = self.store.blob(&link.digest) else {
            let is_whole = self.node.content.is_whole();
            let why = if is_whole {
                "is not in the store"
            } else {
                "was not found in what could be listed of the store"
            };
            return Some(why.to_owned());
        };
        match self.hashes.get(&link.digest).map(|hashed| &hashed.outcome) {
            Some(Hashed::Match) if blob.stat.size != link.size => Some(format!(
                "has {} bytes, and the manifest says {}",
                blob.stat.size, link.size
            )),
            Some(Hashed::Match) => None,
            Some(Hashed::Mismatch { computed }) => {
                Some(format!("is altered: its bytes are {computed}"))
            }
            Some(Hashed::Unread(unread)) => Some(unread.to_string()),
            Some(Hashed::Cut(cut)) => Some(cut.to_string()),
            None => Some("was not hashed".to_owned()),
        }
    }

    /// A layer out of its blob.
    fn piece(&self, link: &Descriptor, diff_id: Option<&Digest>) -> Result<Piece, String> {
        if let Some(why) = self.unfit(link) {
            return Err(why);
        }
        if !self.inflate {
            return Ok(Piece {
                wanted: link.digest.clone(),
                digest: link.digest.clone(),
                size: link.size,
                from: From::Blob,
            });
        }
        let path = Store::path_of(&self.store.root, &link.digest);
        let reader = self.evidence.reader(&path).map_err(|why| why.to_string())?;
        let watch = Watch {
            cancel: self.cancel,
            ..Watch::default()
        };
        let inflated = Inflating::new(reader, Limits::default(), watch).finish();
        let inflated = inflated.map_err(|why| why.to_string())?;
        if diff_id.is_some_and(|diff_id| *diff_id != inflated.diff_id) {
            return Err(format!(
                "inflates to {}, which is not the diffID of the configuration",
                inflated.diff_id
            ));
        }
        Ok(Piece {
            wanted: link.digest.clone(),
            digest: inflated.diff_id,
            size: inflated.unpacked,
            from: From::Inflated,
        })
    }

    /// A layer out of a snapshot: what it would be, written to nowhere.
    fn rebuild(&self, chain: &Digest) -> Result<(Source, rebuild::Written, Digest, u64), String> {
        let sources = rebuild::sources(self.node, chain);
        let Some(source) = sources.into_iter().next() else {
            return Err(format!("no snapshot {chain} has its files"));
        };
        let written = source.write(self.evidence, Sink::new(), self.cancel);
        let (written, sink) = written.map_err(|error| error.to_string())?;
        if written.cut {
            return Err("it was interrupted".to_owned());
        }
        let (digest, size) = sink.finish();
        Ok((source, written, digest, size))
    }
}
