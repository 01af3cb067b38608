//! `parked`: waits at the FIFO, and nobody starts it.
//!
//! Found by `parked.rs`. Tests: `tests/states/foreign.rs`, `tests/states.rs`; made for real by `testdata/make/runtime` (`parked` in runtime.toml).

use super::{FIFO, Row, State};
use crate::may::Signs;
use crate::remedy::{Case, safe};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::Parked,
    word: "parked",
    row: Some(1),
    healthy: false,
    cause: "Its creator stopped between create and start: it was killed, or it is a containerd that \
         waits for a lock (releases before 1.6.3).",
    never: &[FIFO],
    remedy: way_out,
    may: Signs::created,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let tools = case.tools();
    if !case.subject.is_containerds() {
        let why = "Start the container, as its creator meant to. If it is not needed any more, remove it with \
            `delete` instead: it has run no program.";
        return safe(why, vec![tools.call(&["start"])]);
    }
    let why = "The container has run no program: the task can be removed, and its owner creates another. \
        Take the daemon's goroutines first (`kill -USR1` writes them to its log) if it happens \
        again.";
    safe(why, vec![tools.remove_task(case.index)])
}
