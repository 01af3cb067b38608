//! `parked-start-hung`: waits at the FIFO, and its start hangs.
//!
//! Found by `parked.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`parked-start-hung` in runtime.toml).

use super::{FIFO, Row, State};
use crate::may::Signs;
use crate::remedy::{Case, END, safe};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::ParkedStartHung,
    word: "parked-start-hung",
    row: Some(2),
    healthy: false,
    cause: "The process that should start it hangs; the shim holds its lock meanwhile, so that \
         containerd calls the task UNKNOWN.",
    never: &[FIFO],
    remedy: way_out,
    may: Signs::created,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let mut steps = case.culprit(END);
    steps.push(case.tools().remove_task(case.index));
    let why = "When the start that hangs has ended, the shim gives up its lock, and the task can be removed.";
    safe(why, steps)
}
