//! `paused`: frozen on purpose.
//!
//! Found by `judge.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`paused` in runtime.toml).

use super::{Row, State};
use crate::may::Signs;
use crate::remedy::nothing;

pub(super) const ROW: Row = Row {
    state: State::Paused,
    word: "paused",
    row: None,
    healthy: true,
    cause: "The container was paused; `resume` continues it.",
    never: &[],
    remedy: nothing,
    may: Signs::started,
};
