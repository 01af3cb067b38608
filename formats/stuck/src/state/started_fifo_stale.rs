//! `started-fifo-stale`: it runs, and its FIFO was left: runc takes it for created.
//!
//! Found by `workload.rs`. Tests: made for real by `testdata/make/runtime` (`started-fifo-stale` in runtime.toml).

use super::{Row, State};
use crate::remedy::{Case, safe};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::StartedFifoStale,
    word: "started-fifo-stale",
    row: Some(22),
    healthy: false,
    cause: "`start` was killed after init had gone on, or a tool read the FIFO.",
    never: &[
        "Do not run `runc start` again: it would wait for ever.",
        "Do not delete the container as one that was never started: its workload runs.",
    ],
    remedy: way_out,
    may: |signs| signs.released() && !signs.crun,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let why = "It runs. Without the FIFO, runc says so, too. Removing does not open it.";
    safe(why, case.tools().remove_fifo().into_iter().collect())
}
