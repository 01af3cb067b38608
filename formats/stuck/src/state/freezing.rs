//! `freezing`: it was to be frozen, and does not freeze.
//!
//! Found by `judge.rs`. Tests: made for real by `testdata/make/runtime` (`freezing` in runtime.toml).

use super::{Row, State};
use crate::remedy::thawed;
use runc::Phase;

pub(super) const ROW: Row = Row {
    state: State::Freezing,
    word: "freezing",
    row: Some(17),
    healthy: false,
    cause: "A task in the cgroup does not freeze, for it waits for storage.",
    never: &["Do not run `runc exec` into it: it would freeze, too."],
    remedy: thawed,
    // It can come over any process.
    may: |signs| signs.phase != Phase::Empty,
};
