//! `start-died-early`: it died between its creation and its start.
//!
//! Found by `ended.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`start-died-early` in runtime.toml).

use super::{Row, State};
use crate::remedy::remains;

pub(super) const ROW: Row = Row {
    state: State::StartDiedEarly,
    word: "start-died-early",
    row: Some(21),
    healthy: false,
    cause: "`start` was killed before init had written its byte (init then ends with a broken pipe), \
         or init was killed while it waited.",
    never: &[],
    remedy: remains,
    may: |signs| signs.created() && signs.done != Some(false),
};
