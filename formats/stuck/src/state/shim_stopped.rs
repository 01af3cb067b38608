//! `shim-stopped`: its shim was stopped.
//!
//! Found by `workload.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`shim-stopped` in runtime.toml).

use super::{Row, State};
use crate::remedy::{Case, continued, thaw};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::ShimStopped,
    word: "shim-stopped",
    row: Some(31),
    healthy: false,
    cause: "The shim got SIGSTOP, or its cgroup is frozen.",
    never: &[
        "Do not restart containerd: at its start it waits 5 s for the shim's answer, then kills the containers.",
    ],
    remedy: way_out,
    may: |signs| (signs.created() || signs.started()) && signs.shim,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    if case.found.freezer.is_some() {
        return thaw(case.found);
    }
    continued(case)
}
