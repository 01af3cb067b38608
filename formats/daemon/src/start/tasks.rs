//! Tasks: every bundle under `state`, and its shim.
//!
//! `runtime/v2/shim_load.go`; in 2.x `core/runtime/v2/shim_load.go`. What labels ask for:
//! `runtime/restart/monitor`; in 2.x `plugins/restart`.

use super::{Effect, Phase, StartRule, rule};
use crate::Release;

/// A FIFO in the place of what says how to reach a shim.
pub const SHIM_WAITS: StartRule = rule(
    "shim-waits",
    "R02",
    Phase::Tasks,
    Effect::Hangs,
    "waits without end: the address file of a shim is a FIFO",
    &[],
);

/// The shim's address cannot be read.
pub const ADDRESS_DAMAGED: StartRule = rule(
    "address-damaged",
    "R02",
    Phase::Tasks,
    Effect::Kills,
    "cannot read the address of the shim: kills the container and removes its bundle",
    &[
        (Release::V1_6, "cleaning up after shim disconnected"),
        (Release::V2_0, "failed to load shim"),
    ],
)
.on(&["runtime/address-damaged"])
.deletes("the container's processes, its bundle");

/// The shim's socket is not there.
pub const SOCKET_GONE: StartRule = rule(
    "socket-gone",
    "R02",
    Phase::Tasks,
    Effect::Kills,
    "cannot reach the shim: kills the container and removes its bundle",
    &[(Release::V1_6, "cleaning up after shim disconnected")],
)
.deletes("the container's processes, its bundle");

/// A bundle without a container record.
pub const BUNDLE_ORPHAN: StartRule = rule(
    "bundle-orphan",
    "R01",
    Phase::Tasks,
    Effect::Deletes,
    "cannot read the container of a task, and removes its bundle; its processes keep running without \
     supervision",
    &[(Release::V1_6, "loading container")],
).deletes("the bundle");

/// A bundle with nothing in it.
pub const BUNDLE_EMPTY: StartRule = rule(
    "bundle-empty",
    "R01",
    Phase::Tasks,
    Effect::Deletes,
    "removes an empty bundle; the processes of the task, if there are any, keep running",
    &[],
)
.deletes("the bundle");

/// A task of the runtime that 2.0 took away.
pub const LINUX_TASK: StartRule = rule(
    "linux-task",
    "R13",
    Phase::Tasks,
    Effect::Skips,
    "does not see tasks of io.containerd.runtime.v1.linux, which 2.0 removed: they keep running \
     without supervision",
    &[],
)
.since(Release::V2_0);

/// A task whose shim has no answer about its processes.
pub const TASKS_FORGOTTEN: StartRule = rule(
    "tasks-forgotten",
    "R05",
    Phase::Tasks,
    Effect::Skips,
    "forgets each task of a shim that can name no process: process, shim, bundle and mounts stay, \
     and the recreated container runs beside them",
    &[(Release::V1_7, "cleaning leaked shim process")],
)
.since(Release::V1_7);

/// The program of a bundle's shim is gone.
pub const SHIM_PROGRAM_GONE: StartRule = rule(
    "shim-program-gone",
    "R14",
    Phase::Tasks,
    Effect::Deletes,
    "does not find the program of the task's shim: removes its bundle and unmounts its root; its \
     process and its shim keep running without supervision",
    &[
        (Release::V1_6, "failed to resolve runtime path"),
        (Release::V2_0, "failed to load shim"),
    ],
)
.deletes("the bundle");

/// No container can be made.
pub const RUNTIME_UNUSABLE: StartRule = rule(
    "runtime-unusable",
    "R14",
    Phase::Later,
    Effect::FailsLater,
    "makes no container: a program of its runtime cannot be run",
    &[],
);

/// A shim that listens and does not answer.
pub const SHIM_MUTE: StartRule = rule(
    "shim-mute",
    "R02",
    Phase::Tasks,
    Effect::Kills,
    "waits 5 s for each shim that does not answer, then kills its containers and removes their bundles",
    &[(Release::V1_6, "cleaning up after shim disconnected")],
)
.deletes("the tasks' processes, their bundles");

/// A shim without processes.
pub const SHIM_LEAKED: StartRule = rule(
    "shim-leaked",
    "R05",
    Phase::Tasks,
    Effect::Deletes,
    "ends a shim that has no process, and removes its bundle",
    &[(Release::V1_7, "cleaning leaked shim process")],
)
.since(Release::V1_7)
.deletes("the shim, the bundle");

/// A work folder without a bundle.
pub const WORK_DIR: StartRule = rule(
    "work-dir",
    "R06",
    Phase::Tasks,
    Effect::Deletes,
    "removes work folders of tasks that it did not load",
    &[],
)
.deletes("work folders");

/// The state survived a reboot, or the shims did not survive.
pub const SHIM_DEAD: StartRule = rule(
    "shim-dead",
    "R02",
    Phase::Tasks,
    Effect::Kills,
    "kills every task of a shim that does not answer, and removes its bundle",
    &[(Release::V1_6, "cleaning up after shim disconnected")],
)
.deletes("the tasks' processes, their bundles");

/// A bundle that the runtime knows nothing of.
pub const BUNDLE_KEPT: StartRule = rule(
    "bundle-kept",
    "R05",
    Phase::Tasks,
    Effect::Skips,
    "keeps the shim, though it has no process",
    &[],
)
.on(&["runtime/bundle-without-state"])
.until(Release::V1_6);

/// The same, where the shim is asked.
pub const BUNDLE_ASKED: StartRule = rule(
    "bundle-asked",
    "R05",
    Phase::Tasks,
    Effect::Deletes,
    "asks the shim for its processes, and gets none: ends a shim without any and removes its bundle; \
     where the process lives, forgets the task, and leaves process, shim, bundle and mount behind",
    &[(Release::V1_7, "cleaning leaked shim process")],
)
.on(&["runtime/bundle-without-state"])
.since(Release::V1_7)
.deletes("the shim, the bundle");

/// A task whose runtime lost its state, where nobody looks at a start.
pub const STATE_LOST_LATER: StartRule = rule(
    "state-lost-later",
    "R05",
    Phase::Later,
    Effect::FailsLater,
    "keeps the task, and can neither stop the container nor run anything in it: its runtime has no state of it",
    &[],
)
.until(Release::V1_6);

/// A container of the runtime without a bundle.
pub const STATE_UNSEEN: StartRule = rule(
    "state-unseen",
    "R04",
    Phase::Tasks,
    Effect::Skips,
    "does not see it: its processes, its state and its mounts stay",
    &[],
)
.on(&["runtime/state-without-bundle"]);

/// A work folder of a namespace without bundles.
pub const WORK_DIR_LEFT: StartRule = rule(
    "work-dir-left",
    "R06",
    Phase::Later,
    Effect::DeletesLater,
    "removes the folder, once the namespace has a bundle again",
    &[],
)
.on(&["runtime/work-dir-orphan"])
.deletes("the folder");

/// The runtime cannot write its log.
pub const LOG_UNWRITABLE: StartRule = rule(
    "log-unwritable",
    "R12",
    Phase::Tasks,
    Effect::Deletes,
    "treats the task as ended, because runc cannot write its log, and removes its bundle; its \
     processes keep running",
    &[],
)
.on(&["runtime/bundle-file-kind"])
.since(Release::V1_7)
.deletes("the bundle");

/// The same, where nobody looks at a start.
pub const LOG_UNWRITABLE_LATER: StartRule = rule(
    "log-unwritable-later",
    "R12",
    Phase::Later,
    Effect::FailsLater,
    "can neither stop the container nor run anything in it: runc cannot write its log",
    &[(Release::V1_6, "runc did not terminate successfully")],
)
.on(&["runtime/bundle-file-kind"])
.until(Release::V1_6);

/// A container whose label wants it to run.
pub const RESTART_STARTS: StartRule = rule(
    "restart-starts",
    "R29",
    Phase::Later,
    Effect::Starts,
    "starts containers that do not run, because their label containerd.io/restart.status is `running`",
    &[],
);

/// A container whose label wants it to be stopped.
pub const RESTART_STOPS: StartRule = rule(
    "restart-stops",
    "R29",
    Phase::Later,
    Effect::Kills,
    "kills containers that run, because their label containerd.io/restart.status is `stopped`",
    &[],
)
.deletes("the containers' processes, their bundles");

/// The log of a container that is started by its label.
pub const RESTART_LOG_LOST: StartRule = rule(
    "restart-log-lost",
    "R29",
    Phase::Later,
    Effect::FailsLater,
    "discards what containers write that it starts by their label: 2.x does not know the label \
     containerd.io/restart.logpath",
    &[(
        Release::V2_0,
        "Label \"containerd.io/restart.logpath\" is no longer supported since containerd v2.0",
    )],
)
.on(&["container/restart-log-lost"])
.since(Release::V2_0);

/// Every rule of this step.
pub(super) const ALL: &[StartRule] = &[
    SHIM_WAITS,
    TASKS_FORGOTTEN,
    SHIM_PROGRAM_GONE,
    RUNTIME_UNUSABLE,
    SHIM_MUTE,
    LINUX_TASK,
    WORK_DIR_LEFT,
    STATE_UNSEEN,
    BUNDLE_KEPT,
    BUNDLE_ASKED,
    STATE_LOST_LATER,
    ADDRESS_DAMAGED,
    SOCKET_GONE,
    BUNDLE_ORPHAN,
    BUNDLE_EMPTY,
    SHIM_LEAKED,
    WORK_DIR,
    SHIM_DEAD,
    LOG_UNWRITABLE,
    LOG_UNWRITABLE_LATER,
    RESTART_STARTS,
    RESTART_STOPS,
    RESTART_LOG_LOST,
];
