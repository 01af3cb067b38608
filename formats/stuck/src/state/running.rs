//! `running`: it does what it was made for.
//!
//! Found by `workload.rs`. Tests: `tests/states/dying.rs`, `tests/states/foreign.rs`, `tests/states.rs`; made for real by `testdata/make/runtime` (`running` in runtime.toml).

use super::{Row, State};
use crate::remedy::nothing;

pub(super) const ROW: Row = Row {
    state: State::Running,
    word: "running",
    row: None,
    healthy: true,
    cause: "It does what it was made for.",
    never: &[],
    remedy: nothing,
    may: |signs| signs.started() || (signs.young && signs.released()),
};
