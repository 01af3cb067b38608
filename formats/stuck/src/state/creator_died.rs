//! `creator-died`: its creation died in the middle.
//!
//! Found by `ended.rs`. Tests: made for real by `testdata/make/runtime` (`creator-died` in runtime.toml).

use super::{Row, State};
use crate::remedy::remains;

pub(super) const ROW: Row = Row {
    state: State::CreatorDied,
    word: "creator-died",
    row: Some(12),
    healthy: false,
    cause: "`create` was killed: out of memory, a timeout, an impatient caller.",
    never: &["Do not reuse the id before its cgroups are gone."],
    remedy: remains,
    may: |signs| signs.making() || (signs.created() && signs.done != Some(true)),
};
