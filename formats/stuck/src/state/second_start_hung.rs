//! `second-start-hung`: it runs, and a second start waits for ever.
//!
//! Found by `workload.rs`. Tests: made for real by `testdata/make/runtime` (`second-start-hung` in runtime.toml).

use super::{Row, State};
use crate::remedy::{Case, END, safe};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::SecondStartHung,
    word: "second-start-hung",
    row: Some(23),
    healthy: false,
    cause: "The FIFO of a running container was left, and the container was started a second time.",
    never: &["Do not delete the container as one that was never started: its workload runs."],
    remedy: way_out,
    may: |signs| signs.released() && !signs.crun,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let mut steps = case.culprit(END);
    steps.extend(case.tools().remove_fifo());
    safe("It runs; the start that waits can only wait.", steps)
}
