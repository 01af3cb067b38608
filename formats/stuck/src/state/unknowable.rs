//! `unknowable`: the evidence does not tell.
//!
//! Found by `offline.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`unknowable` in runtime.toml).

use super::{FIFO, Row, State};
use crate::may::never;
use crate::remedy::Case;
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::Unknowable,
    word: "unknowable",
    row: None,
    healthy: false,
    cause: "The evidence does not tell.",
    never: &[FIFO],
    remedy: way_out,
    may: never,
};

fn way_out(_: &Case<'_, '_>) -> Remedy {
    Remedy::new(crate::WITHOUT_PROCESSES, Vec::new())
}
