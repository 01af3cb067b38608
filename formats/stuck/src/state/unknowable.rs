//! `unknowable`: the evidence does not tell.
//!
//! Found by `offline.rs`. Tests: `tests/states.rs`; what files alone leave
//! unknown is said of each scene of `testdata/make/runtime.toml` (`disk`).

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
