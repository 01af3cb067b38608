//! Tasks: every bundle under `state`, and its shim.
//!
//! `runtime/v2/shim_load.go`; in 2.x `core/runtime/v2/shim_load.go`.

use super::{Effect, Phase, StartRule, rule};
use crate::Release;

/// The shim's address cannot be read.
pub const ADDRESS_DAMAGED: StartRule = rule(
    "R02",
    Phase::Tasks,
    Effect::Kills,
    "takes the shim for dead: kills the container and removes its bundle",
    &[
        (Release::V1_6, "cleaning up after shim disconnected"),
        (Release::V2_0, "failed to load shim"),
    ],
);

/// The shim's socket is not there.
pub const SOCKET_GONE: StartRule = rule(
    "R02",
    Phase::Tasks,
    Effect::Kills,
    "cannot reach the shim: kills the container and removes its bundle",
    &[(Release::V1_6, "cleaning up after shim disconnected")],
);

/// A bundle without a container record.
pub const BUNDLE_ORPHAN: StartRule = rule(
    "R01",
    Phase::Tasks,
    Effect::Deletes,
    "cannot read the container of a task, and removes its bundle; its processes live on, and nobody \
     looks after them",
    &[(Release::V1_6, "loading container")],
);

/// A bundle with nothing in it.
pub const BUNDLE_EMPTY: StartRule = rule(
    "R01",
    Phase::Tasks,
    Effect::Deletes,
    "removes an empty bundle; the processes of the task, if there are any, live on",
    &[],
);

/// A shim without processes.
pub const SHIM_LEAKED: StartRule = rule(
    "R05",
    Phase::Tasks,
    Effect::Deletes,
    "ends a shim that has no process, and removes its bundle",
    &[(Release::V1_7, "cleaning leaked shim process")],
);

/// A work folder without a bundle.
pub const WORK_DIR: StartRule = rule(
    "R06",
    Phase::Tasks,
    Effect::Deletes,
    "removes work folders of tasks that it did not load",
    &[],
);

/// The state survived a reboot, or the shims did not survive.
pub const SHIM_DEAD: StartRule = rule(
    "R02",
    Phase::Tasks,
    Effect::Kills,
    "ends every task whose shim does not answer, and removes its bundle",
    &[(Release::V1_6, "cleaning up after shim disconnected")],
);

/// Every rule of this step.
pub(super) const ALL: &[StartRule] = &[
    ADDRESS_DAMAGED,
    SOCKET_GONE,
    BUNDLE_ORPHAN,
    BUNDLE_EMPTY,
    SHIM_LEAKED,
    WORK_DIR,
    SHIM_DEAD,
];
