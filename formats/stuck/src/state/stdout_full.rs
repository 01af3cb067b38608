//! `stdout-full`: it waits for somebody to read its output.
//!
//! Found by `workload.rs`. Tests: made for real by `testdata/make/runtime` (`stdout-full` in runtime.toml).

use super::{Row, State};
use crate::remedy::full;
use runc::Phase;

pub(super) const ROW: Row = Row {
    state: State::StdoutFull,
    word: "stdout-full",
    row: Some(27),
    healthy: false,
    cause: "No process reads the container's output: containerd is down, or a copier hangs.",
    never: &["Do not read the pipe of another process's output: its lines would be lost."],
    remedy: full,
    // It can come over any process.
    may: |signs| signs.phase != Phase::Empty,
};
