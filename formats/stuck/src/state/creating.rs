//! `creating`: being created, at this moment.
//!
//! Found by `creating.rs`, `ended.rs`. Tests: made for real by `testdata/make/runtime` (`creating` in runtime.toml).

use super::{Row, State};
use crate::remedy::nothing;
use runc::Phase;

pub(super) const ROW: Row = Row {
    state: State::Creating,
    word: "creating",
    row: None,
    healthy: true,
    cause: "It is being created; that takes less than a second.",
    never: &[],
    remedy: nothing,
    may: |signs| signs.young && (signs.making() || signs.phase == Phase::Empty),
};
