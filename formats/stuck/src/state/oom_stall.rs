//! `oom-stall`: it waits for memory, and nothing may be killed for it.
//!
//! Found by `workload.rs`. Tests: made for real by `testdata/make/runtime` (`oom-stall` in runtime.toml).

use super::{Row, State};
use crate::remedy::oom;
use runc::Phase;

pub(super) const ROW: Row = Row {
    state: State::OomStall,
    word: "oom-stall",
    row: Some(26),
    healthy: false,
    cause: "The memory limit is reached, and oom_kill_disable is set.",
    never: &["Do not exec into it: that would wait for memory, too."],
    remedy: oom,
    // It can come over any process.
    may: |signs| signs.phase != Phase::Empty,
};
