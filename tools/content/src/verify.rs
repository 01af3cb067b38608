//! `coroner content verify`

mod answer;

use std::path::PathBuf;

use audit::{BlobWork, Percent, Wish};
use cli::{Case, EvidenceArgs, Out, Outcome};
use content::Blob;
use layer::Limits;
use measure::Control;
use node::path_text;

use crate::max_inflate::MaxInflate;
use crate::resume::State;
use crate::watch::{TimeLimit, watched};
use answer::Answered;

/// How blobs are verified.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct VerifyArgs {
    /// How many blobs are read at the same time. If not given: as many as there are cores, and
    /// one on a rotational disk
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
    /// Layers, too: inflate them, compare their diffIDs, read their tars
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

pub(crate) fn run(args: &EvidenceArgs, how: &VerifyArgs, out: &mut Out) -> Outcome {
    let mut state = match &how.resume {
        Some(path) => Some(State::open(path, &args.evidence)?),
        None => None,
    };
    let case = Case::open(args)?;
    let node = case.node()?;
    let store = names::store(&node)?;
    if let Some(state) = &mut state {
        state.is_for(&path_text(&store.root))?;
    }
    let state = state.as_ref();
    let wish = Wish {
        layers: how.layers,
        sample: how.sample.map(|percent| (percent, how.seed)),
        jobs: how.jobs,
    };
    let knows = |blob: &Blob, layer: bool| state.is_some_and(|state| state.knows(blob, layer));
    let work = BlobWork::blobs_to_hash(&case.evidence, &node, store, wish, &knows);
    let cancel = out.cancel();
    let progress = out.progress("hashing blobs", work.bytes());
    let limits = how
        .max_inflate
        .map_or_else(Limits::default, MaxInflate::limits);
    let keep = |blob: &Blob, layer: bool| {
        if let Some(state) = state {
            state.note(&blob.digest, &blob.stat, layer);
        }
    };
    let (read, late) = watched(&cancel, how.time_limit, |stop| {
        let control = Control {
            jobs: work.jobs(),
            cancel: stop,
            progress: &|bytes| progress.add(bytes),
            ..Control::default()
        };
        work.hash_blobs(&case.evidence, limits, &control, &keep)
    });
    drop(progress);
    let mut verified = work.verified(read, late);
    verified.state = state.and_then(State::failed);
    out.answer(&Answered {
        verified,
        again: case.again().clone(),
    })
}
