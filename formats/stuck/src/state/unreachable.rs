//! `unreachable`: it runs, and its runtime's folder, or the state in it, is gone: no runtime can reach it.
//!
//! Found by `workload.rs`. Tests: `tests/states/foreign.rs`.

use super::{Row, State};
use crate::remedy::{Case, kill_all, losing, task};
use finding::Remedy;

pub(super) const ROW: Row = Row {
    state: State::Unreachable,
    word: "unreachable",
    row: None,
    healthy: false,
    cause: "Its runtime's state folder, or the state file in it, was removed under it: /run was cleaned.",
    never: &[
        "Do not restart containerd to be rid of it: from 1.7 on a start forgets the task, and leaves \
             shim, process, bundle and mount behind.",
        "Do not run `runc delete --force`: it finds no container, reports success, and leaves the process.",
    ],
    remedy: way_out,
    may: |signs| signs.alone,
};

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let why = "Its workload runs on, and can only be ended by its pid, when that suits. Its shim then takes notice \
        and cleans up, and whoever wants it makes another.";
    let steps = losing(&task(case.subject), kill_all(case.subject));
    Remedy::new(why, steps)
}
