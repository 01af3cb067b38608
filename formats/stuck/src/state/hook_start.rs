//! `hook-start`: it was let go, and waits for a startContainer hook.
//!
//! Found by `parked.rs`. Tests: made for real by `testdata/make/runtime` (`hook-start` in runtime.toml).

use super::{FIFO, KILL, Row, State};
use crate::remedy::end_hook;

pub(super) const ROW: Row = Row {
    state: State::HookStart,
    word: "hook-start",
    row: Some(10),
    healthy: false,
    cause: "A startContainer hook hangs.",
    never: &[FIFO, KILL],
    remedy: end_hook,
    // crun's start removes the FIFO first.
    may: |signs| signs.started() || (signs.released() && !signs.crun),
};
