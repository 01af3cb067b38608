//! `init-stopped`: its init was stopped by a signal or a tracer.
//!
//! Found by `judge.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`init-stopped` in runtime.toml).

use super::{FIFO, Row, State};
use crate::remedy::{ASK, CONTINUE, Case, go_on, kill, risky};
use finding::Remedy;
use runc::Phase;

pub(super) const ROW: Row = Row {
    state: State::InitStopped,
    word: "init-stopped",
    row: Some(20),
    healthy: false,
    cause: "The init got SIGSTOP, or a process traces it.",
    never: &[FIFO],
    remedy: way_out,
    // It can come over any process.
    may: |signs| signs.phase != Phase::Empty,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let tracer = case
        .subject
        .process()
        .and_then(|process| process.status.tracer);
    match tracer {
        Some(tracer) => risky("End its tracer.", kill(ASK, tracer).into_iter().collect()),
        None => go_on(case.init(CONTINUE)),
    }
}
