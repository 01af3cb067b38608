//! `exec-frozen`: an exec into it is frozen.
//!
//! Found by `exec.rs`. Tests: made for real by `testdata/make/runtime` (`exec-frozen` in runtime.toml).

use super::{Row, State};
use crate::remedy::thawed;

pub(super) const ROW: Row = Row {
    state: State::ExecFrozen,
    word: "exec-frozen",
    row: Some(24),
    healthy: false,
    cause: "An exec was run while the container was frozen.",
    never: &["Do not kill the exec to be rid of it: it stays until the cgroup is thawed."],
    remedy: thawed,
    may: |signs| signs.created() || signs.gone_on(),
};
