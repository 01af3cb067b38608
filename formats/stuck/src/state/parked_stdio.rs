//! `parked-stdio`: waits at the FIFO, and its shim waits for whoever should read its output.
//!
//! Found by `parked.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`parked-stdio` in runtime.toml).

use super::{FIFO, Row, State};
use crate::remedy::{Case, END, risky, safe, shares_shim};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::ParkedStdio,
    word: "parked-stdio",
    row: Some(3),
    healthy: false,
    cause: "The client ended before it opened the FIFOs of the container's output; the shim still waits \
         for the client.",
    never: &[
        FIFO,
        "Do not open the FIFOs of the output to help: the shim's \
         copying would end with whatever opened them.",
    ],
    remedy: way_out,
    may: |signs| signs.created() && signs.shim,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let why =
        "containerd cleans up after a shim that has ended. All containers of the shim end with it.";
    let mut steps = case.culprit(END);
    if case.index.daemon.is_none() {
        steps.push(case.tools().delete());
    }
    if case.index.daemon.is_some() && !shares_shim(case.index, case.subject) {
        safe(why, steps)
    } else {
        risky(why, steps)
    }
}
