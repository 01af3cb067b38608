//! `creator-stopped`: its creation was stopped in the middle.
//!
//! Found by `creating.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`creator-stopped` in runtime.toml).

use super::{KILL, LEAK, Row, State};
use crate::remedy::{Case, continued, thaw};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::CreatorStopped,
    word: "creator-stopped",
    row: Some(11),
    healthy: false,
    cause: "`create` was stopped by a signal or a tracer, or its cgroup is frozen.",
    never: &[LEAK, KILL],
    remedy: way_out,
    may: |signs| signs.alone || signs.making() || (signs.created() && signs.done != Some(true)),
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    if case.found.freezer.is_some() {
        return thaw(case.found);
    }
    continued(case)
}
