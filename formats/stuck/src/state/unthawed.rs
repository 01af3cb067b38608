//! `unthawed`: its init, a process of it or its shim waits to write to a file system that is frozen.
//!
//! `fsfreeze`, agents of hypervisors and LVM's snapshots freeze a file system (FIFREEZE) so that a copy of the disk is whole;
//! whoever begins to write waits in the kernel until it is thawed. Found by `creating.rs`, `workload.rs`,
//! `judge.rs`. Tests: `tests/states.rs`.

use runc::Phase;

use super::{Row, State};
use crate::remedy::file_answered;

pub(super) const ROW: Row = Row {
    state: State::Unthawed,
    word: "unthawed",
    row: Some(33),
    healthy: false,
    cause: "A file system was frozen (fsfreeze, a backup agent, a snapshot of the disk), and not thawed.",
    never: &[
        "Do not restart containerd or the container: what is started waits as well.",
        "Do not rely on SIGKILL: the task ends only when the file system is thawed.",
    ],
    remedy: file_answered,
    // It can come over any process.
    may: |signs| signs.alone || signs.phase != Phase::Empty,
};
