//! The CRI plugin recovers its pods, containers and images.
//!
//! 1.x: `pkg/cri/server/restart.go`; 2.x: `internal/cri/server/restart.go`.

use super::{Effect, Phase, StartRule, rule};
use crate::Release;

const FATAL: &[(Release, &str)] = &[(Release::V1_6, "Failed to run CRI service")];

/// A container's record does not decode.
pub const CONTAINER_UNREADABLE: StartRule = rule(
    "container-unreadable",
    "M04",
    Phase::Cri,
    Effect::Exits,
    "exits: the CRI cannot read a container's record",
    FATAL,
);

/// An image's record does not decode, or has no target.
pub const IMAGE_UNREADABLE: StartRule = rule(
    "image-unreadable",
    "M06",
    Phase::Cri,
    Effect::Exits,
    "exits: the CRI cannot read an image's record (and does not say which)",
    FATAL,
);

/// A sandbox's record does not decode.
pub const SANDBOX_UNREADABLE: StartRule = rule(
    "sandbox-unreadable",
    "M07",
    Phase::Cri,
    Effect::Exits,
    "exits: the CRI cannot read a sandbox's record",
    FATAL,
);

/// A FIFO stands in the place of a container's status.
pub const STATUS_WAITS: StartRule = rule(
    "status-waits",
    "K06",
    Phase::Cri,
    Effect::Hangs,
    "answers nothing of pods, for ever: its CRI waits for a FIFO in the place of a container's status",
    &[],
);

/// A sandbox has no metadata, and the release gives up on that.
pub const SANDBOX_METADATA: StartRule = rule(
    "sandbox-metadata",
    "M08",
    Phase::Cri,
    Effect::Exits,
    "exits: a sandbox has no metadata (2.0 up to 2.0.5, 2.1 up to 2.1.2)",
    &[(Release::V2_0, "failed to get metadata for stored sandbox")],
)
.untested()
.since(Release::V2_0)
.named("2.0.0 to 2.0.5, 2.1.0 to 2.1.2");

/// The same, where it goes on: a real start of 2.1.9 kept the record.
pub const SANDBOX_SKIPPED: StartRule = rule(
    "sandbox-skipped",
    "M08",
    Phase::Cri,
    Effect::Skips,
    "does not load a sandbox without metadata",
    &[],
)
.since(Release::V2_0)
.named("later 2.x");

/// Two pods of one name.
pub const POD_TWICE: StartRule = rule(
    "pod-twice",
    "K02",
    Phase::Cri,
    Effect::Exits,
    "exits: two pods have one name",
    &[(Release::V1_6, "failed to reserve sandbox name")],
);

/// Two containers of one name.
pub const CONTAINER_TWICE: StartRule = rule(
    "container-twice",
    "K02",
    Phase::Cri,
    Effect::Exits,
    "exits: two containers have one name",
    &[(Release::V1_6, "failed to reserve container name")],
);

/// A folder of the CRI's is none.
pub const NOT_A_CRI_FOLDER: StartRule = rule(
    "not-a-cri-folder",
    "K08",
    Phase::Cri,
    Effect::Exits,
    "exits: the CRI's folder is not a folder",
    &[(Release::V1_6, "not a directory")],
);

/// A record that the CRI cannot use.
pub const RECORD_SKIPPED: StartRule = rule(
    "record-skipped",
    "K01",
    Phase::Cri,
    Effect::Skips,
    "does not load this pod or container: the kubelet makes a second one, and this one leaks",
    &[(Release::V1_6, "Failed to load")],
);

/// A status file that cannot be used.
pub const STATUS_REWRITTEN: StartRule = rule(
    "status-rewritten",
    "K06",
    Phase::Cri,
    Effect::Rewrites,
    "calls the container's state unknown, and writes \"exited, 255\" over its status file",
    &[(Release::V1_6, "Failed to load container status")],
)
.on(&["runtime/status-damaged", "runtime/status-missing"]);

/// A running container's status without a task.
pub const STATUS_EXITED: StartRule = rule(
    "status-exited",
    "K10",
    Phase::Cri,
    Effect::Rewrites,
    "writes \"exited, 255, Unknown\", ended now, over the status of containers that ran",
    &[],
)
.on(&["runtime/status-without-task"]);

/// The folder of a status is not there.
pub const STATUS_FOLDER: StartRule = rule(
    "status-folder",
    "K07",
    Phase::Cri,
    Effect::Skips,
    "does not load this container: its status folder is gone, and kubelet can neither see nor \
     remove it",
    &[(Release::V1_6, "failed to checkpoint status")],
)
.on(&["runtime/status-dir-missing"]);

/// Folders without records.
pub const FOLDERS_REMOVED: StartRule = rule(
    "folders-removed",
    "K09",
    Phase::Cri,
    Effect::Deletes,
    "removes the CRI's folders of pods and containers that meta.db does not know",
    &[],
)
.on(&["runtime/status-orphan"])
.deletes("the folders");

/// The address of a pod is not on disk.
pub const POD_ADDRESS_LOST: StartRule = rule(
    "pod-address-lost",
    "K03",
    Phase::Cri,
    Effect::FailsLater,
    "loads the pods without an address; the kubelet recreates them",
    &[],
);

/// The folder of a container's log is gone.
pub const LOG_FOLDER_MADE: StartRule = rule(
    "log-folder-made",
    "K11",
    Phase::Cri,
    Effect::Rewrites,
    "recreates the folder of the log",
    &[],
);

/// A container's pipes cannot be opened.
pub const CONTAINER_UNATTACHED: StartRule = rule(
    "container-unattached",
    "K16",
    Phase::Cri,
    Effect::Skips,
    "cannot attach to a container that runs, and calls it unknown: the kubelet kills it and makes \
     another one",
    &[(Release::V1_6, "failed to load task")],
);

/// A container's pipes are not those that its shim writes to.
pub const OUTPUT_LOST: StartRule = rule(
    "output-lost",
    "K16",
    Phase::Cri,
    Effect::FailsLater,
    "loses what the container writes from then on; once the old pipe is full, the container waits \
     without end at a write",
    &[],
);

/// A file of a pod is not there.
pub const POD_FILE_LEFT_OUT: StartRule = rule(
    "pod-file-left-out",
    "K17",
    Phase::Later,
    Effect::FailsLater,
    "does not make it again: the next container of the pod is made without it, or not at all",
    &[],
);

/// Every rule of this step.
pub(super) const ALL: &[StartRule] = &[
    LOG_FOLDER_MADE,
    POD_ADDRESS_LOST,
    CONTAINER_UNREADABLE,
    STATUS_WAITS,
    IMAGE_UNREADABLE,
    SANDBOX_UNREADABLE,
    SANDBOX_METADATA,
    SANDBOX_SKIPPED,
    POD_TWICE,
    CONTAINER_TWICE,
    NOT_A_CRI_FOLDER,
    RECORD_SKIPPED,
    STATUS_REWRITTEN,
    STATUS_EXITED,
    STATUS_FOLDER,
    FOLDERS_REMOVED,
    CONTAINER_UNATTACHED,
    OUTPUT_LOST,
    POD_FILE_LEFT_OUT,
];
