//! `coroner content verify`

mod answer;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use checks::{Measured, judge_with};
use cli::{Case, EvidenceArgs, Out, Outcome};
use content::{Blob, Digest, Kind, Store};
use finding::{Severity, Unread};
use layer::{InflateError, Limits, Summary};
use measure::{Control, Cut, Hashed, HashedBlob, Hashes};
use node::{Node, path_text};

use crate::graph::unpacked;
use crate::ls::store;
use crate::max_inflate::MaxInflate;
use crate::resume::State;
use crate::sample::Percent;
use crate::watch::{TimeLimit, watched};
use answer::{Bad, LayerLine, Sample, Unchecked, Verified};

/// How blobs are verified.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct VerifyArgs {
    /// How many blobs are read at the same time. If not given: as many as there are cores, and
    /// one on a rotational disk
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
    /// Inflate layers, too: their diffIDs, their tars
    #[arg(long)]
    layers: bool,
    /// How much of one layer is inflated at most: `16G`. If not given: 4 GiB, or 200 bytes for each
    /// packed one where that is more, at most 64 GiB
    #[arg(long, value_name = "SIZE", requires = "layers")]
    max_inflate: Option<MaxInflate>,
    /// Read only so many of the blobs: `5%`
    #[arg(long, value_name = "PERCENT")]
    sample: Option<Percent>,
    /// Which blobs a sample picks: another number, other blobs
    #[arg(long, value_name = "N", default_value_t = 0, requires = "sample")]
    seed: u64,
    /// End after this time, with what was read until then: `90s`, `15m`, `2h`
    #[arg(long, value_name = "TIME")]
    time_limit: Option<TimeLimit>,
    /// Keep what was verified in this file, outside the evidence, and do not read it again if the
    /// file is there
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
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

pub(crate) fn run(args: &EvidenceArgs, how: &VerifyArgs, out: &mut Out) -> Outcome {
    let mut state = match &how.resume {
        Some(path) => Some(State::open(path, &args.evidence)?),
        None => None,
    };
    let case = Case::open(args)?;
    let node = case.node()?;
    let store = store(&node)?;
    if let Some(state) = &mut state {
        state.is_for(&path_text(&store.root))?;
    }
    let layers = if how.layers {
        checks::layer_digests(&node)
    } else {
        BTreeSet::new()
    };
    let all: Vec<&Blob> = store.blobs.iter().collect();
    let mut wanted = match how.sample {
        Some(percent) => percent.pick(how.seed, &all),
        None => all.clone(),
    };
    let sample = how.sample.map(|percent| {
        let picked: BTreeSet<&Digest> = wanted.iter().map(|blob| &blob.digest).collect();
        Sample::of(percent, how.seed, &all, &picked)
    });
    let before = wanted.len();
    if let Some(state) = &state {
        wanted.retain(|blob| !state.knows(blob, layers.contains(&blob.digest)));
    }
    let resumed = before.saturating_sub(wanted.len());
    let turns = case.evidence.is_rotational(&store.root) == Some(true);
    let jobs = how.jobs.unwrap_or(usize::from(turns));
    let (read, late) = read(&case, &wanted, &layers, how, jobs, state.as_ref(), out);
    let (hashes, layers) = read;
    let measured = Measured {
        hashes: Some(hashes.blobs),
        tars: how.layers.then_some(layers),
        ..Measured::default()
    };
    let wish = |name: &str| {
        name.starts_with("blob/")
            || how.layers && (name.starts_with("layer/") || name == "image/chain-broken")
    };
    let report = judge_with(&node, &measured, |check| wish(check.code.name));
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
    let layers = measured.tars.map(|layers| lines(&node, &layers));
    let tally = hashes.tally();
    // A run that was done just then lacks nothing.
    let late = late && tally.cut > 0;
    let mut verified = Verified {
        tally,
        resumed,
        sample,
        late,
        one_job: turns && how.jobs.is_none(),
        layers,
        bad: Vec::new(),
        unchecked: Vec::new(),
        findings: findings.collect(),
        unknown: node.content.unknown().to_vec(),
        state: state.as_ref().and_then(State::failed),
    };
    tell(&node, store, hashes, late, &mut verified);
    verified.unchecked.extend(over_budget);
    out.answer(&verified)
}

/// Reads what is wanted: layers as layers, everything else as bytes.
fn read(
    case: &Case,
    wanted: &[&Blob],
    layers: &BTreeSet<&Digest>,
    how: &VerifyArgs,
    jobs: usize,
    state: Option<&State>,
    out: &mut Out,
) -> ((Hashes, Layers), bool) {
    let cancel = out.cancel();
    let sizes = wanted.iter().map(|blob| blob.stat.size);
    let progress = out.progress("hashing blobs", sizes.fold(0, u64::saturating_add));
    let add = |bytes| progress.add(bytes);
    let by_digest: BTreeMap<&Digest, &Blob> =
        wanted.iter().map(|blob| (&blob.digest, *blob)).collect();
    let (as_layers, as_bytes): (Vec<&Blob>, Vec<&Blob>) = wanted
        .iter()
        .copied()
        .partition(|blob| layers.contains(&blob.digest));
    let note = |digest: &Digest, layer: bool| {
        if let (Some(state), Some(blob)) = (state, by_digest.get(digest)) {
            state.note(digest, &blob.stat, layer);
        }
    };
    watched(&cancel, how.time_limit, |stop| {
        let control = Control {
            jobs,
            cancel: stop,
            progress: &add,
            ..Control::default()
        };
        let mut hashes =
            measure::hash_each(&case.evidence, as_bytes, &control, &|digest, hashed| {
                if hashed.outcome == Hashed::Match {
                    note(digest, false);
                }
            });
        let limits = how
            .max_inflate
            .map_or_else(Limits::default, MaxInflate::limits);
        let done = |digest: &Digest, read: &Result<Summary, Unread>| {
            let is_sound = |summary: &Summary| {
                summary.blob.as_ref() == Some(digest) && summary.faults.is_empty()
            };
            if read.as_ref().is_ok_and(is_sound) {
                note(digest, true);
            }
        };
        let read = measure::tars(&case.evidence, as_layers, limits, &control, &done);
        for (digest, summary) in &read {
            if let Some(blob) = by_digest.get(digest) {
                let one = as_hashed(blob, summary);
                hashes.bytes = hashes.bytes.saturating_add(one.size);
                hashes.blobs.insert(digest.clone(), one);
            }
        }
        (hashes, read)
    })
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
            cli::size(unpacked)
        );
        let digest = digest.clone();
        Some(Unchecked { digest, why })
    };
    layers.into_iter().flatten().filter_map(over).collect()
}

/// The layers that were read, each with its chainIDs and where they are unpacked.
fn lines(node: &Node, layers: &Layers) -> Vec<LayerLine> {
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
        Some(LayerLine {
            digest: digest.clone(),
            diff_id: inflated.map(|inflated| inflated.diff_id.clone()),
            compression: inflated.map(|inflated| inflated.compression.to_string()),
            packed: inflated.map(|inflated| inflated.packed),
            unpacked: inflated.map(|inflated| inflated.unpacked),
            entries: summary.entries,
            whole: summary.is_whole(),
            chains: chain_ids
                .map(|chain| answer::Chain {
                    unpacked: unpacked(node, chain),
                    chain_id: chain.clone(),
                })
                .collect(),
        })
    };
    layers.iter().filter_map(line).collect()
}
