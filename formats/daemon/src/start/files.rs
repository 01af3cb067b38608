//! Folders, sockets and stores that are not what they should be.
//!
//! `services/server/server.go` (`CreateTopLevelDirectories`), `cmd/containerd/command/main.go`.

use super::{Effect, Phase, StartRule, rule};
use crate::Release;

/// `root` cannot be written.
pub const ROOT_READ_ONLY: StartRule = rule(
    "root-read-only",
    "P20",
    Phase::Places,
    Effect::Exits,
    "exits: root is on a read-only file system",
    &[(Release::V1_6, "read-only file system")],
);

/// `state` cannot be written.
pub const STATE_READ_ONLY: StartRule = rule(
    "state-read-only",
    "P20",
    Phase::Places,
    Effect::Exits,
    "exits: state is on a read-only file system",
    &[(Release::V1_6, "read-only file system")],
);

/// A folder of the daemon's is none.
pub const NOT_A_FOLDER: StartRule = rule(
    "not-a-folder",
    "P21",
    Phase::Places,
    Effect::Exits,
    "exits: its folder is not a folder",
    &[(Release::V1_6, "not a directory")],
);

/// A socket's name is taken by a folder.
pub const SOCKET_TAKEN: StartRule = rule(
    "socket-taken",
    "P22",
    Phase::Places,
    Effect::Exits,
    "exits: there is a folder in the place of its socket",
    &[(Release::V1_6, "failed to get listener for main")],
);

/// `root` is kept in memory.
pub const ROOT_IN_MEMORY: StartRule = rule(
    "root-in-memory",
    "P23",
    Phase::Later,
    Effect::DeletesLater,
    "keeps everything in memory: root is on a tmpfs, and all of it is gone after a reboot",
    &[],
)
.untested()
.deletes("all of root");

/// `state` holds what `root` should.
pub const SWAPPED: StartRule = rule(
    "swapped",
    "P24",
    Phase::Plugins,
    Effect::FailsLater,
    "starts on an empty root: state holds the databases (root and state are swapped, or were)",
    &[],
)
.untested();

/// The content store cannot be opened.
pub const CONTENT_LOST: StartRule = rule(
    "content-lost",
    "C00",
    Phase::Plugins,
    Effect::StaysDead,
    "starts without its content store, and so without its metadata plugin: every API is \
     unimplemented",
    &[
        (
            Release::V1_6,
            "failed to load plugin io.containerd.content.v1.content",
        ),
        (Release::V2_0, "not a directory"),
    ],
);

/// The same, where only the blobs fail.
pub const CONTENT_FAILS: StartRule = rule(
    "content-fails",
    "C00",
    Phase::Later,
    Effect::FailsLater,
    "starts; every blob is missing, and none can be written",
    &[(Release::V1_6, "not a directory")],
);

/// A snapshotter cannot be loaded.
pub const SNAPSHOTTER_LOST: StartRule = rule(
    "snapshotter-lost",
    "S07",
    Phase::Plugins,
    Effect::LosesPlugin,
    "starts without this snapshotter",
    &[
        (Release::V1_6, "could not use snapshotter"),
        (Release::V2_0, "failed to load plugin"),
    ],
);

/// The same, where it is the CRI's.
pub const CRI_SNAPSHOTTER_LOST: StartRule = rule(
    "cri-snapshotter-lost",
    "S07",
    Phase::Plugins,
    Effect::LosesCri,
    "starts without the CRI: its snapshotter could not be loaded",
    &[(Release::V1_6, "failed to find snapshotter")],
);

/// The same, where meta.db's plugin gives up on it.
pub const SNAPSHOTTER_KILLS_METADATA: StartRule = rule(
    "snapshotter-kills-metadata",
    "S07",
    Phase::Plugins,
    Effect::StaysDead,
    "starts without its metadata plugin, because a snapshotter could not be loaded: every API is \
     unimplemented",
    &[(Release::V2_0, "failed to load plugin")],
);

/// The file system is no place for overlayfs.
pub const NO_DTYPE: StartRule = rule(
    "no-dtype",
    "D09",
    Phase::Plugins,
    Effect::LosesPlugin,
    "starts without overlayfs: the file system does not tell the kinds of a folder's entries (xfs \
     with ftype=0)",
    &[(Release::V1_6, "does not support d_type")],
);

/// The file system can hold layers, and no overlay that is written to.
pub const NO_UPPER: StartRule = rule(
    "no-upper",
    "D09",
    Phase::Later,
    Effect::FailsLater,
    "starts; no container can be started on overlayfs: the file system of its folders (another \
     overlay, NFS) cannot hold what containers write",
    &[(Release::V1_6, "invalid argument")],
);

/// The kernel knows no overlay.
pub const NO_OVERLAY: StartRule = rule(
    "no-overlay",
    "D09",
    Phase::Later,
    Effect::FailsLater,
    "starts; no container can be started on overlayfs, and no image of several layers be unpacked: the \
     kernel cannot mount an overlay",
    &[],
);

/// The same, where it is tried before containerd is started.
pub const NO_OVERLAY_TRIED: StartRule = rule(
    "no-overlay-tried",
    "D09",
    Phase::Places,
    Effect::Exits,
    "exits: k3s and RKE2 mount an overlay at root before they start containerd, and the kernel \
     cannot mount an overlay",
    &[(Release::V1_6, "snapshotter cannot be enabled for")],
)
.untested();

/// No room to write.
pub const DISK_FULL: StartRule = rule(
    "disk-full",
    "B13",
    Phase::Collection,
    Effect::Panics,
    "panics: there is no room for what the first garbage collection writes",
    &[(Release::V1_6, "no space left on device")],
)
.until(Release::V2_1);

/// The same, where the collector survives it.
pub const DISK_FULL_LATER: StartRule = rule(
    "disk-full-later",
    "B13",
    Phase::Later,
    Effect::FailsLater,
    "starts; nothing can be written: no image can be pulled, no container started",
    &[(Release::V1_6, "no space left on device")],
)
.since(Release::V2_2);

/// No more files.
pub const NO_INODES: StartRule = rule(
    "no-inodes",
    "B13",
    Phase::Cri,
    Effect::Skips,
    "does not load containers, because it cannot write their status: the file system has no inode left",
    &[(Release::V1_6, "failed to checkpoint status")],
);

/// No more files in state: a socket is one.
pub const STATE_NO_INODES: StartRule = rule(
    "state-no-inodes",
    "B13",
    Phase::Places,
    Effect::Exits,
    "exits: it cannot create its socket, because the file system of state has no inode left",
    &[(Release::V1_6, "failed to get listener for main endpoint")],
);

/// Every rule of this step.
pub(super) const ALL: &[StartRule] = &[
    ROOT_READ_ONLY,
    STATE_READ_ONLY,
    NOT_A_FOLDER,
    SOCKET_TAKEN,
    ROOT_IN_MEMORY,
    SWAPPED,
    CONTENT_LOST,
    CONTENT_FAILS,
    SNAPSHOTTER_LOST,
    CRI_SNAPSHOTTER_LOST,
    SNAPSHOTTER_KILLS_METADATA,
    NO_DTYPE,
    NO_UPPER,
    NO_OVERLAY,
    NO_OVERLAY_TRIED,
    DISK_FULL,
    DISK_FULL_LATER,
    NO_INODES,
    STATE_NO_INODES,
];
