//! Blobs against the digests that their names promise; layers against their diffIDs.

use std::collections::{BTreeMap, BTreeSet};

use checks::{Measured, judge_with};
use content::{Blob, Digest, Kind, Store};
use evidence::Evidence;
use finding::{Finding, Object, Severity, Text, Unknown, Unread, size_number, size_option};
use layer::{InflateError, Limits, Summary};
use measure::{Control, Cut, Hashed, HashedBlob, Hashes, Tally};
use node::{Node, path_text};
use serde::Serialize;

use crate::sample::Percent;

/// A blob whose bytes are not what its name promises.
#[derive(Debug, Clone, Serialize)]
pub struct Bad {
    /// Its file.
    pub path: Text,
    /// What its name promises.
    pub claimed: Digest,
    /// What its bytes are.
    pub computed: Digest,
    /// How many they are.
    #[serde(serialize_with = "size_number")]
    pub size: u64,
    /// Images that need it.
    pub used_by: Vec<Object>,
}

/// A blob of which that is not known.
#[derive(Debug, Clone, Serialize)]
pub struct Unchecked {
    /// Its digest.
    pub digest: Digest,
    /// Why not.
    pub why: String,
}

/// Blobs that were picked, and those that were not.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// How many were picked.
    pub percent: String,
    /// By which number.
    pub seed: u64,
    /// Blobs that were not picked: nothing is known of their bytes.
    pub left: Vec<Digest>,
    /// Bytes of those.
    #[serde(serialize_with = "size_number")]
    pub left_bytes: u64,
}

impl Sample {
    fn from_picked(percent: Percent, seed: u64, all: &[&Blob], picked: &BTreeSet<&Digest>) -> Self {
        let left = all.iter().filter(|blob| !picked.contains(&blob.digest));
        let left_bytes = left
            .clone()
            .fold(0_u64, |sum, blob| sum.saturating_add(blob.stat.size));
        Self {
            percent: percent.to_string(),
            seed,
            left: left.map(|blob| blob.digest.clone()).collect(),
            left_bytes,
        }
    }
}

/// A layer that was inflated.
#[derive(Debug, Clone, Serialize)]
pub struct Inflated {
    /// The digest of its blob.
    pub digest: Digest,
    /// The digest of its tar; nothing where it could not be inflated to its end.
    pub diff_id: Option<Digest>,
    /// How it is packed.
    pub compression: Option<String>,
    /// Bytes that were inflated.
    #[serde(serialize_with = "size_option")]
    pub packed: Option<u64>,
    /// Bytes of its tar.
    #[serde(serialize_with = "size_option")]
    pub unpacked: Option<u64>,
    /// Entries of that.
    pub entries: u64,
    /// Whether every entry was seen.
    pub whole: bool,
    /// Its place in images.
    pub chains: Vec<Chain>,
}

/// A chainID that a layer is the top of.
#[derive(Debug, Clone, Serialize)]
pub struct Chain {
    /// The chainID.
    pub chain_id: Digest,
    /// Snapshotters that have it.
    pub unpacked: Vec<Text>,
}

/// What became of the blobs.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// How many were as they should be.
    pub tally: Tally,
    /// Blobs that an earlier run has verified.
    pub resumed: usize,
    /// Which were picked, where not all were.
    pub sample: Option<Sample>,
    /// Whether the time was up before all was read.
    pub late: bool,
    /// Whether one job alone read, since the store lies on a rotational disk.
    pub one_job: bool,
    /// Layers, where they were inflated.
    pub layers: Option<Vec<Inflated>>,
    /// Blobs that were altered.
    pub bad: Vec<Bad>,
    /// Blobs of which that is not known.
    pub unchecked: Vec<Unchecked>,
    /// What else is wrong with the store: blobs that are missing, of another size, or no blobs;
    /// layers that do not inflate to what they should.
    pub findings: Vec<Finding>,
    /// What is not known of the store.
    pub unknown: Vec<Unknown>,
    /// Why what was verified could not be kept.
    pub state: Option<String>,
}

type Layers = BTreeMap<Digest, Result<Summary, Unread>>;

/// A layer's reading as a hashing.
fn as_hashed(blob: &Blob, read: &Result<Summary, Unread>) -> HashedBlob {
    let (outcome, size) = match read {
        Err(unread) => (Hashed::Unread(unread.clone()), 0),
        Ok(summary) => match (&summary.blob, &summary.inflated) {
            (Some(computed), _) if *computed == blob.digest => (Hashed::Match, blob.stat.size),
            (Some(computed), _) => {
                let computed = computed.clone();
                (Hashed::Mismatch { computed }, blob.stat.size)
            }
            (None, Err(InflateError::Unread(unread))) => (Hashed::Unread(unread.clone()), 0),
            (None, _) => (Hashed::Cut(Cut::Cancelled), 0),
        },
    };
    HashedBlob { outcome, size }
}

/// Which blobs are verified, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    /// Inflate layers, too: their diffIDs, their tars.
    pub layers: bool,
    /// Read only so many of the blobs, picked by this number.
    pub sample: Option<(Percent, u64)>,
    /// How many blobs are read at the same time; else one, where they lie on a rotational disk.
    pub jobs: Option<usize>,
}

/// What is read of the blobs of a node.
#[derive(Debug)]
pub struct BlobWork<'n> {
    node: &'n Node,
    store: &'n Store,
    wish: Wish,
    layers: BTreeSet<&'n Digest>,
    wanted: Vec<&'n Blob>,
    sample: Option<Sample>,
    resumed: usize,
    turns: bool,
}

/// What was read of them.
#[derive(Debug, Default)]
pub struct BlobsRead {
    hashes: Hashes,
    layers: Layers,
}

impl<'n> BlobWork<'n> {
    /// What `wish` asks for, but for the blobs that `knows` to be sound, as bytes or as layers.
    pub fn blobs_to_hash(
        evidence: &Evidence,
        node: &'n Node,
        store: &'n Store,
        wish: Wish,
        knows: &dyn Fn(&Blob, bool) -> bool,
    ) -> Self {
        let layers = if wish.layers {
            checks::layer_digests(node)
        } else {
            BTreeSet::new()
        };
        let all: Vec<&Blob> = store.blobs.iter().collect();
        let mut wanted = match wish.sample {
            Some((percent, seed)) => percent.pick(seed, &all),
            None => all.clone(),
        };
        let sample = wish.sample.map(|(percent, seed)| {
            let picked: BTreeSet<&Digest> = wanted.iter().map(|blob| &blob.digest).collect();
            Sample::from_picked(percent, seed, &all, &picked)
        });
        let before = wanted.len();
        wanted.retain(|blob| !knows(blob, layers.contains(&blob.digest)));
        Self {
            node,
            store,
            wish,
            layers,
            resumed: before.saturating_sub(wanted.len()),
            wanted,
            sample,
            turns: evidence.is_rotational(&store.root) == Some(true),
        }
    }

    /// How many bytes are read.
    pub fn bytes(&self) -> u64 {
        let sizes = self.wanted.iter().map(|blob| blob.stat.size);
        sizes.fold(0, u64::saturating_add)
    }

    /// How many blobs are read at the same time; 0 for as many as there are cores.
    pub fn jobs(&self) -> usize {
        self.wish.jobs.unwrap_or(usize::from(self.turns))
    }

    /// Reads layers as layers, everything else as bytes; `note` is given each blob that is sound,
    /// and whether it was read as a layer.
    pub fn hash_blobs(
        &self,
        evidence: &Evidence,
        limits: Limits,
        control: &Control<'_>,
        note: &(dyn Fn(&Blob, bool) + Sync),
    ) -> BlobsRead {
        let wanted = self.wanted.iter();
        let by_digest: BTreeMap<&Digest, &Blob> =
            wanted.map(|blob| (&blob.digest, *blob)).collect();
        let (as_layers, as_bytes): (Vec<&Blob>, Vec<&Blob>) = self
            .wanted
            .iter()
            .copied()
            .partition(|blob| self.layers.contains(&blob.digest));
        let note = |digest: &Digest, layer: bool| {
            if let Some(blob) = by_digest.get(digest) {
                note(blob, layer);
            }
        };
        let mut hashes = measure::hash_each(evidence, as_bytes, control, &|digest, hashed| {
            if hashed.outcome == Hashed::Match {
                note(digest, false);
            }
        });
        let done = |digest: &Digest, read: &Result<Summary, Unread>| {
            let is_sound = |summary: &Summary| {
                summary.blob.as_ref() == Some(digest) && summary.faults.is_empty()
            };
            if read.as_ref().is_ok_and(is_sound) {
                note(digest, true);
            }
        };
        let layers = measure::tars(evidence, as_layers, limits, control, &done);
        for (digest, summary) in &layers {
            if let Some(blob) = by_digest.get(digest) {
                let one = as_hashed(blob, summary);
                hashes.bytes = hashes.bytes.saturating_add(one.size);
                hashes.blobs.insert(digest.clone(), one);
            }
        }
        BlobsRead { hashes, layers }
    }

    /// What became of them; `late` if the time was up before the end.
    pub fn verified(self, read: BlobsRead, late: bool) -> Verified {
        let BlobsRead { hashes, layers } = read;
        let with_layers = self.wish.layers;
        let measured = Measured {
            hashes: Some(hashes.blobs),
            tars: with_layers.then_some(layers),
            ..Measured::default()
        };
        let wish = |name: &str| {
            name.starts_with("blob/")
                || with_layers && (name.starts_with("layer/") || name == "image/chain-broken")
        };
        let report = judge_with(self.node, &measured, |check| wish(check.code.name));
        // A blob's digest is told in full here.
        let findings = report.findings.into_iter().filter(|finding| {
            wish(finding.code.name)
                && finding.code.name != "blob/altered"
                && finding.severity > Severity::Note
        });
        let hashes = Hashes {
            blobs: measured.hashes.unwrap_or_default(),
            bytes: hashes.bytes,
        };
        let over_budget = over_budget(measured.tars.as_ref());
        let layers = measured.tars.map(|layers| lines(self.node, &layers));
        let tally = hashes.tally();
        // A run that was done just then lacks nothing.
        let late = late && tally.cut > 0;
        let mut verified = Verified {
            tally,
            resumed: self.resumed,
            sample: self.sample,
            late,
            one_job: self.turns && self.wish.jobs.is_none(),
            layers,
            bad: Vec::new(),
            unchecked: Vec::new(),
            findings: findings.collect(),
            unknown: self.node.content.unknown().to_vec(),
            state: None,
        };
        tell(self.node, self.store, hashes, late, &mut verified);
        verified.unchecked.extend(over_budget);
        verified
    }
}

/// What was not as it should be, and what is not known.
fn tell(node: &Node, store: &Store, hashes: Hashes, late: bool, verified: &mut Verified) {
    for (digest, blob) in hashes.blobs {
        let why = match blob.outcome {
            Hashed::Match => continue,
            Hashed::Mismatch { computed } => {
                verified.bad.push(Bad {
                    path: store
                        .blob(&digest)
                        .map(|blob| path_text(&blob.path))
                        .unwrap_or_default(),
                    used_by: node.graph().users_of_blob(&digest),
                    claimed: digest,
                    computed,
                    size: blob.size,
                });
                continue;
            }
            Hashed::Unread(unread) => unread.to_string(),
            Hashed::Cut(Cut::Cancelled) if late => "was not read: the time was up".to_owned(),
            Hashed::Cut(cut) => format!("was not read to its end: {cut}"),
        };
        verified.unchecked.push(Unchecked { digest, why });
    }
}

/// Layers that were not inflated to their end, though their bytes are right.
fn over_budget(layers: Option<&Layers>) -> Vec<Unchecked> {
    let over = |(digest, read): (&Digest, &Result<Summary, Unread>)| {
        let summary = read.as_ref().ok()?;
        let Err(InflateError::Bomb { packed, unpacked }) = summary.inflated else {
            return None;
        };
        let why = format!(
            "was not inflated beyond its budget, {} from {packed} bytes (--max-inflate SIZE raises \
             it): its diffID and its entries are not known",
            finding::size_text(unpacked)
        );
        let digest = digest.clone();
        Some(Unchecked { digest, why })
    };
    layers.into_iter().flatten().filter_map(over).collect()
}

/// The layers that were read, each with its chainIDs and where they are unpacked.
fn lines(node: &Node, layers: &Layers) -> Vec<Inflated> {
    let mut chains: BTreeMap<&Digest, BTreeSet<Digest>> = BTreeMap::new();
    for (_, wanted) in node.documents.iter() {
        let Some(manifest) = wanted.document().filter(|one| one.kind == Kind::Manifest) else {
            continue;
        };
        let mut links = manifest.links().iter();
        let config = links.find(|link| link.role == content::Role::Config);
        let config = config.and_then(|link| node.documents.get(&link.descriptor.digest));
        let config = config.and_then(|config| config.document()?.config());
        let chain = config.map(content::ImageConfig::chain_ids);
        for (layer, chain) in manifest.layers().zip(chain.unwrap_or_default()) {
            chains.entry(&layer.digest).or_default().insert(chain);
        }
    }
    let line = |(digest, read): (&Digest, &Result<Summary, Unread>)| {
        let summary = read.as_ref().ok()?;
        let inflated = summary.inflated.as_ref().ok();
        let chain_ids = chains.get(digest).into_iter().flatten();
        Some(Inflated {
            digest: digest.clone(),
            diff_id: inflated.map(|inflated| inflated.diff_id.clone()),
            compression: inflated.map(|inflated| inflated.compression.to_string()),
            packed: inflated.map(|inflated| inflated.packed),
            unpacked: inflated.map(|inflated| inflated.unpacked),
            entries: summary.entries,
            whole: summary.is_whole(),
            chains: chain_ids
                .map(|chain| Chain {
                    unpacked: node.unpacked(chain),
                    chain_id: chain.clone(),
                })
                .collect(),
        })
    };
    layers.iter().filter_map(line).collect()
}
