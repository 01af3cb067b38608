//! `scanner-hung`: its init, a process of it or its shim waits for a scanner of files that does not answer.
//!
//! A program that asked for permission events (`FAN_OPEN_PERM`, `FAN_OPEN_EXEC_PERM`, fanotify(7)) must allow each
//! open; whoever opens a file waits in the kernel until it does. Found by `creating.rs`, `workload.rs`, `judge.rs`. Tests:
//! `tests/states.rs`.

use runc::Phase;

use super::{Row, State};
use crate::remedy::file_answered;

pub(super) const ROW: Row = Row {
    state: State::ScannerHung,
    word: "scanner-hung",
    row: Some(32),
    healthy: false,
    cause: "A scanner of files (antivirus, audit) must allow that a file is opened, and does not answer.",
    never: &[
        "Do not rely on SIGKILL: on older kernels the task ends only when the scanner answers or ends.",
    ],
    remedy: file_answered,
    // It can come over any process.
    may: |signs| signs.alone || signs.phase != Phase::Empty,
};
