//! `frozen-v1`: its cgroup is frozen (v1).
//!
//! Found by `judge.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`frozen-v1` in runtime.toml).

use super::{Row, State};
use crate::remedy::thawed;
use runc::Phase;

pub(super) const ROW: Row = Row {
    state: State::FrozenV1,
    word: "frozen-v1",
    row: Some(14),
    healthy: false,
    cause: "A pause, or an update that was killed while the cgroup was frozen for it.",
    never: &["Do not wait for a SIGKILL: it comes through when it is thawed."],
    remedy: thawed,
    // It can come over any process.
    may: |signs| signs.phase != Phase::Empty,
};
