//! `state-damaged`: its state file is empty, cut or garbled.
//!
//! Found by `ended.rs`, `workload.rs`. Tests: `tests/states.rs`; made for real by `testdata/make/runtime` (`state-damaged` in runtime.toml).

use super::{Row, State};
use crate::may::never;
use crate::remedy::damaged;

pub(super) const ROW: Row = Row {
    state: State::StateDamaged,
    word: "state-damaged",
    row: Some(7),
    healthy: false,
    cause: "/run was full, or the machine lost power while it was written.",
    never: &[
        "Do not run `runc delete --force`: with a damaged state.json it fails, and with none it \
           leaks the process.",
        "Do not restart containerd to be rid of it: from 1.7 on a start forgets the task, and leaves \
           shim, process, bundle and mount behind.",
    ],
    remedy: damaged,
    may: never,
};
