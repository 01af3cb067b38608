//! `created`: created a moment ago; its start may still come.
//!
//! Found by `parked.rs`. Tests: made for real by `testdata/make/runtime` (`created` in runtime.toml).

use super::{Row, State};
use crate::remedy::nothing;

pub(super) const ROW: Row = Row {
    state: State::Created,
    word: "created",
    row: None,
    healthy: true,
    cause: "It was created a moment ago; its start may still come.",
    never: &[],
    remedy: nothing,
    may: |signs| signs.young && signs.created(),
};
