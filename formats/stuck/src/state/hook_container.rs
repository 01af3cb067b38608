//! `hook-container`: its init waits for a createContainer hook.
//!
//! Found by `creating.rs`. Tests: made for real by `testdata/make/runtime` (`hook-container` in runtime.toml).

use super::{KILL, LEAK, Row, State};
use crate::remedy::end_hook;

pub(super) const ROW: Row = Row {
    state: State::HookContainer,
    word: "hook-container",
    row: Some(9),
    healthy: false,
    cause: "A createContainer hook hangs.",
    never: &[LEAK, KILL],
    remedy: end_hook,
    may: |signs| signs.making() && !signs.saved,
};
