//! `exited`: it has ended, and nothing of it runs.
//!
//! Found by `ended.rs`. Tests: `tests/states/dying.rs`, `tests/states.rs`; made for real by `testdata/make/runtime` (`exited` in runtime.toml).

use super::{Row, State};
use crate::may::Signs;
use crate::remedy::nothing;

pub(super) const ROW: Row = Row {
    state: State::Exited,
    word: "exited",
    row: None,
    healthy: true,
    cause: "It has ended; whoever made it has not deleted it yet.",
    never: &[],
    remedy: nothing,
    may: Signs::gone_on,
};
