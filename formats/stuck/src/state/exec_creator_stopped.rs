//! `exec-creator-stopped`: the caller of an exec into it was stopped.
//!
//! Found by `exec.rs`. Tests: made for real by `testdata/make/runtime` (`exec-creator-stopped` in runtime.toml).

use super::{Row, State};
use crate::remedy::continued;

pub(super) const ROW: Row = Row {
    state: State::ExecCreatorStopped,
    word: "exec-creator-stopped",
    row: Some(25),
    healthy: false,
    cause: "`runc exec` was stopped by a signal or a tracer.",
    never: &[],
    remedy: continued,
    may: |signs| signs.created() || signs.gone_on(),
};
