//! `storage-hung`: its init waits for a file system that does not answer.
//!
//! Found by `creating.rs`, `workload.rs`. Tests: `tests/states/dying.rs`, `tests/states.rs`; made for real by `testdata/make/runtime` (`storage-hung` in runtime.toml).

use super::{Row, State};
use crate::remedy::answered;
use runc::Phase;

pub(super) const ROW: Row = Row {
    state: State::StorageHung,
    word: "storage-hung",
    row: Some(18),
    healthy: false,
    cause: "A mount's server does not answer: FUSE, NFS, or a bind of such a mount.",
    never: &[
        "Do not look into the mount: a process that does hangs, too.",
        "Do not rely on SIGKILL: the task ends only when the file system answers.",
    ],
    remedy: answered,
    // It can come over any process.
    may: |signs| signs.alone || signs.phase != Phase::Empty,
};
