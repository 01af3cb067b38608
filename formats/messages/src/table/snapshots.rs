//! Snapshotters: what is said when meta.db, a snapshotter's database and its directories disagree, and when
//! a file system cannot do what is asked.

use super::{DISK, DMESG, TRIAGE};
use crate::message::Component::{Containerd, Cri, Kernel as TheKernel};
use crate::message::Whose::{Daemon, Kernel, Memory, Other, Settings, Storage, Stores};
use crate::message::{Message, act, cause};

/// A line about the machine's own folder for what is short-lived.
const TMP: &[&str] = &["temp dir: stat /tmp", "temp dir: mkdir /tmp"];

const SNAPSHOTS: &str = "coroner snapshots check /";

pub(super) const ALL: &[Message] = &[
    cause(
        "not-on-btrfs",
        Containerd,
        Settings,
        &["Failed to create btrfs subvolume: inappropriate ioctl for device{}", "Failed to create btrfs snapshot: inappropriate ioctl for device{}", "failed to create btrfs subvolume{rest}inappropriate ioctl for device{}"],
        "The snapshotter (or storage driver) btrfs works on a folder that does not lie on btrfs: its volume is not mounted, or the root was \
         moved.",
    )
    .first(&["findmnt -T /var/lib/containerd", "findmnt -T /var/lib/docker"]),
    cause(
        "snapshot-missing",
        Containerd,
        Stores,
        &[
            "snapshot {} does not exist: not found",
            "snapshot {} does not exist",
            "snapshot does not exist: not found",
            "target snapshot {q} in backend",
            "target snapshot {q} from snapshotter",
        ],
        "A snapshot that is asked for is not there: in meta.db or in the snapshotter's own database.",
    )
    .wraps(&[])
    .codes(&["snapshot/backend-missing", "container/snapshot-gone", "snapshot/half-committed", "snapshot/name-form"])
    .or(&["garbage collection took it while it was used: a lease was missing or expired"])
    .first(&[SNAPSHOTS, TRIAGE]),
    cause(
        "snapshot-parent-missing",
        Containerd,
        Stores,
        &[
            "parent snapshot {} does not exist: not found",
            "parent snapshot {} does not exist",
            "missing parent {q} bucket",
            "missing parent {q} bucket: not found",
            "failed to create snapshot: missing parent {q} bucket: not found",
            "missing parent {}",
            "parent snapshot does not exist",
        ],
        "The snapshot under the one to be made is gone: from the snapshotter's database while meta.db has it, \
         or collected during the pull. A pull then continues where it believes it stopped, and fails each time.",
    )
    .wraps(&[])
    .codes(&["snapshot/parent-missing", "snapshot/backend-missing", "image/chain-broken"])
    .or(&["garbage collection ran while the image was unpacked", "a snapshotter of its own (stargz, nydus, overlaybd) lost its state"])
    .first(&[SNAPSHOTS, TRIAGE]),
    cause(
        "rw-snapshot-missing",
        Cri,
        Stores,
        &["rw layer snapshot not found for container {}: not found", "rw layer snapshot not found for container {}"],
        "The container's own writable snapshot is gone while it was created or started.",
    )
    .codes(&["container/snapshot-gone", "snapshot/backend-missing"])
    .or(&["garbage collection took it while the container was created"])
    .first(&[SNAPSHOTS, TRIAGE]),
    cause(
        "container-record-incomplete",
        Containerd,
        Stores,
        &["container.Spec must be set", "container.Runtime.Name must be set"],
        "A container's record lacks its specification or its runtime: meta.db lost keys of it, or a client asked for such a record.",
    )
    .codes(&["container/incomplete"])
    .or(&["a client that creates containers leaves the field out"])
    .first(&[TRIAGE]),
    cause(
        "snapshot-directory-missing",
        Containerd,
        Stores,
        &[
            "failed to stat parent: stat {path}: no such file or directory",
            "failed to stat parent",
            "stat {path}/snapshots/{n}/fs: no such file or directory",
            "lstat {path}/snapshots/{n}/fs: no such file or directory",
            "open {path}/snapshots/{n}/fs{}: no such file or directory",
            "{path}/snapshots/{n}/fs: no such file or directory",
        ],
        "A snapshot's directory is gone, and its record is not: it was removed by hand, or the disk lost it.",
    )
    .wraps(&["no-such-file"])
    .codes(&["snapshot/directory-missing", "snapshot/work-missing"])
    .or(&["the container was just removed, and its usage was asked for a last time (then nothing is wrong)"])
    .first(&[SNAPSHOTS, TRIAGE]),
    act(
        "snapshot-usage",
        Cri,
        Stores,
        &["Failed to get usage for snapshot {q}", "failed to get usage for snapshot {q}", "Failed to get usage for snapshot {}"],
        "How much a snapshot uses could not be found out. For one that was just removed, or with a snapshotter that does \
         not measure, nothing is wrong; else its directory is gone.",
    )
    .codes(&["snapshot/directory-missing"])
    .first(&[SNAPSHOTS]),
    cause(
        "snapshot-id-taken",
        Containerd,
        Stores,
        &[
            "rename {path}/snapshots/new-{n} {path}: file exists",
            "failed to rename: rename {path} {path}: file exists",
            "failed to rename: rename {path} {path}: directory not empty",
            "rename {path}/snapshots/new-{n} {path}: directory not empty",
            "rename {path}new-{n} {path}: {}",
            "failed to rename",
        ],
        "The directory with the number that the snapshotter wants to use next is there already: its database was \
         set back, or a directory was left.",
    )
    .wraps(&["exists"])
    .codes(&["snapshot/id-sequence", "snapshot/directory-unknown"])
    .first(&[SNAPSHOTS]),
    cause(
        "snapshot-uncommittable",
        Containerd,
        Stores,
        &[
            "uncommittable snapshot: missing in backend, snapshot should be removed",
            "uncommittable snapshot: transaction failed after commit, snapshot should be removed",
            "uncommittable snapshot{rest}",
        ],
        "meta.db has a snapshot as active that its snapshotter does not have: unpacking stopped in the middle.",
    )
    .certain()
    .codes(&["snapshot/half-committed", "snapshot/backend-missing"])
    .first(&[SNAPSHOTS]),
    cause(
        "snapshot-exists",
        Containerd,
        Stores,
        &[
            "snapshot {q}: already exists",
            "snapshot {}: already exists",
            "target snapshot {q}: already exists",
            "unexpected error: snapshot {q}: already exists",
        ],
        "A snapshot of that name is there already: unpacked by another pull at the same time (then it is no \
         fault), or left in one of the two databases.",
    )
    .open()
    .codes(&["snapshot/backend-missing", "snapshot/name-sequence"])
    .first(&[SNAPSHOTS]),
    cause(
        "snapshot-mismatched-parent",
        Containerd,
        Stores,
        &["mismatched parent {} from target {}", "mismatched parent {rest}", "mismatched parent"],
        "meta.db and the snapshotter name different parents of one snapshot.",
    )
    .certain()
    .codes(&["snapshot/parents-disagree"])
    .first(&[SNAPSHOTS]),
    cause(
        "snapshot-kind",
        Containerd,
        Stores,
        &["requested snapshot {} not active nor view", "{} is not active or view", "is not active or view", "{} is not committed snapshot", "is not committed snapshot", "parent is not committed snapshot", "snapshot {} is not active", "snapshot {} is not active: failed precondition", "parent {q} is not committed snapshot"],
        "A snapshot has another kind than what was asked of it needs.",
    )
    .codes(&["snapshot/kind"])
    .first(&[SNAPSHOTS]),
    cause(
        "snapshot-has-child",
        Containerd,
        Stores,
        &["cannot remove snapshot with child: failed precondition", "cannot remove snapshot with child"],
        "A snapshot cannot be removed, because another depends on it. From garbage collection it means that the \
         snapshotter's list of children is wrong.",
    )
    .codes(&["snapshot/children", "snapshot/parents-index"])
    .first(&[SNAPSHOTS]),
    act(
        "snapshot-remove-failed",
        Containerd,
        Stores,
        &["failed to remove snapshot", "failed to remove root filesystem", "failed to remove directory", "failed to cleanup unreferenced snapshot", "failed to remove snapshot {}"],
        "A snapshot could not be removed. The rest of the line says whether its record or its directory resists.",
    )
    .codes(&["snapshot/parents-index", "store/immutable"])
    .first(&["findmnt | grep snapshots", SNAPSHOTS]),
    cause(
        "snapshotter-not-loaded",
        Containerd,
        Settings,
        &["snapshotter not loaded: {}", "snapshotter not loaded", "can not find snapshotter {q}", "unknown snapshotter {q}"],
        "Something names a snapshotter that this daemon does not have: disabled, failed at the start, or a proxy \
         plugin that is not set up.",
    )
    .certain()
    .codes(&["container/snapshotter-unknown"])
    .first(&["ctr plugins ls | grep snapshotter"]),
    cause(
        "image-archive",
        crate::Component::Client,
        crate::Whose::Image,
        &["unrecognized image format", "no descriptor found for reference object {q}", "no descriptor found for reference {q}"],
        "The archive that is imported is no image as this release reads it: its index.json or manifest.json is not at the top (the files lie in a sub-folder), or it has no such name; very old releases do not read `docker save`.",
    )
    .first(&["tar tf ARCHIVE | head", "ctr version"]),
    cause(
        "diff-media-type",
        crate::Component::Containerd,
        crate::Whose::Other,
        &["unsupported diff media type: {}", "unsupported diff media type {}"],
        "A client wants a layer made in a kind that the differ does not make (it makes OCI's).",
    )
    .first(&["ctr plugins ls | grep differ"]),
    cause(
        "snapshotter-argument",
        crate::Component::Client,
        crate::Whose::Other,
        &["snapshotter argument missing", "failed to stat snapshot: snapshotter argument missing"],
        "The client asked the snapshots service without naming a snapshotter: a fault of that client's release.",
    )
    .first(&["ctr version"]),
    cause(
        "snapshotter-proxy-down",
        Containerd,
        Other,
        &[
            "dial unix {path}grpc.sock: connect: {}",
            "dial unix {path}containerd-nydus-grpc{}: connect: {}",
            "dial unix {path}containerd-stargz-grpc{}: connect: {}",
            "dial unix {path}soci-snapshotter{}: connect: {}",
            "failed to get fuse server {rest}",
        ],
        "A snapshotter that is a program of its own (stargz, nydus, soci) does not answer.",
    )
    .wraps(&[])
    .first(&["ss -xlp | grep -i -e stargz -e nydus -e soci", "systemctl list-units '*snapshotter*'"]),
    cause(
        "annotations-withheld",
        crate::Component::OtherSnapshotter,
        crate::Whose::Settings,
        &["failed to find image ref of snapshot {}, labels {rest}", "failed to find image ref of snapshot {rest}", "missing image reference label{rest}", "reference is required for chain {rest}"],
        "The snapshotter got no image's name with the layer: containerd's CRI plugin passes it on only with disable_snapshot_annotations = false.",
    )
    .first(&["containerd config dump | grep -e disable_snapshot_annotations -e 'snapshotter ='"]),
    act(
        "extract-failed",
        Containerd,
        Stores,
        &[
            "failed to extract layer {}",
            "failed to extract layer ({rest}",
            "apply failure, attempting cleanup",
            "failed to unpack image on snapshotter {}",
            "failed to unpack image {}",
            "failed to apply layer",
            "failed to prepare extraction snapshot {q}",
            "failed to register layer",
            "error processing tar file({})",
            "failed to unpack{}",
            "unpack failed{}",
        ],
        "A layer could not be unpacked; the rest of the line says why.",
    )
    .codes(&["layer/damaged", "snapshot/parent-missing", "store/disk-full"])
    .first(&[DISK, DMESG, TRIAGE]),
    cause(
        "layer-unexpected-eof",
        Containerd,
        Stores,
        &["failed to extract layer {}: unexpected EOF", "failed to apply layer: unexpected EOF", "archive/tar: invalid tar header", "failed to unpack image on snapshotter {}: unexpected EOF", "failed to write diff: unexpected EOF"],
        "A layer ended too early while it was unpacked: its blob is cut, or the connection to the registry broke.",
    )
    .open()
    .codes(&["layer/damaged", "blob/size"])
    .or(&["the connection to the registry broke (then a second try succeeds)"])
    .first(&["coroner content verify /", DISK]),
    cause(
        "layer-not-a-directory",
        Containerd,
        crate::Whose::Image,
        &["mkparent {path}: not a directory", "mkdir {path}/snapshots/{}: not a directory", "link {path} {path}: no such file or directory"],
        "A layer wants a folder where a layer below it has a file or a link: the image, or a snapshot that \
         was changed by hand.",
    )
    .within(&["snapshot", "layer", "extract", "unpack"])
    .codes(&["snapshot/layer-differs"])
    .first(&["coroner snapshots verify /"]),
    cause(
        "layer-lchown",
        Containerd,
        crate::Whose::Image,
        &["lchown {path}: invalid argument", "failed to Lchown {q} for UID {n}, GID {n}{rest}", "failed to Lchown {q}{rest}", "potentially insufficient UIDs or GIDs available in user namespace (requested {rest}"],
        "A file of the image has an owner that the user namespace does not map: rootless, or a too small range \
         in /etc/subuid.",
    )
    .within(&["lchown", "layer", "uid", "gid"])
    .first(&["cat /etc/subuid /etc/subgid"]),
    cause(
        "layer-whiteout",
        Containerd,
        Storage,
        &["failed to convert whiteout file {q}", "failed to convert whiteout file{rest}", "failed to mknod({q}{rest}"],
        "A layer removes a file of one below, and the mark for that (a device, or an attribute) cannot be made: in a user \
         namespace, or on a file system that has no such attributes.",
    )
    .first(&[DMESG, "findmnt -T /var/lib/containerd"]),
    act(
        "database-open",
        Containerd,
        Stores,
        &["failed to open database file {}", "failed to open database file"],
        "A snapshotter's own database (metadata.db), or the mount manager's of 2.2 and later (mounts.db), could not be opened.",
    )
    .codes(&["store/metadata-broken", "store/mounts-broken"])
    .first(&[TRIAGE, DISK]),
    cause(
        "snapshotter-database-broken",
        Containerd,
        Stores,
        &["failed to open database file: open {path}metadata.db: {}", "open {path}/metadata.db: is a directory", "open {path}/metadata.db: not a directory", "open {path}/metadata.db: permission denied", "open {path}/metadata.db: operation not permitted"],
        "A snapshotter's own database (metadata.db) cannot be opened: it is no file, may not be read, or its folder is gone. \
         Whatever needs that snapshotter fails.",
    )
    .codes(&["store/metadata-broken", "store/unreadable", "store/immutable"])
    .first(&["ls -ld /var/lib/containerd/io.containerd.snapshotter.v1.*/metadata.db", TRIAGE]),
    cause(
        "layer-exists",
        Containerd,
        Stores,
        &["failed to create prepare snapshot dir", "failed to create prepare snapshot dir: failed to create temp dir", "failed to create temp dir"],
        "The snapshotter cannot make its next directory: the disk is full, read-only, or the folder is gone.",
    )
    .open()
    .unless(TMP)
    .codes(&["store/disk-full", "store/immutable"])
    .first(&[DISK]),
    cause(
        "tmp-unusable",
        Containerd,
        Storage,
        &[
            "failed to create temp dir: stat /tmp: {rest}",
            "failed to create temp dir: mkdir /tmp/{rest}",
            "mkdir /tmp/containerd-mount{rest}",
            "stat /tmp: no such file or directory",
        ],
        "The machine's /tmp (or the folder that TMPDIR names) is gone, full or read-only: containerd and ctr mount roots \
         there for a moment when they unpack or look into an image.",
    )
    .first(&["ls -ld /tmp; df -h /tmp; df -i /tmp; findmnt -T /tmp"]),
    cause(
        "overlay-lower-limit",
        Containerd,
        Kernel,
        &["mount options is too long", "failed to mount {}: mount options is too long", "argument list too long"],
        "mount or exec gets more than one page holds: an image of very many layers under a long path, or a \
         very large environment.",
    )
    .certain(),
    cause(
        "overlay-on-overlay",
        Containerd,
        Storage,
        &[
            "failed to mount overlay: invalid argument",
            "failed to mount rootfs component {}: invalid argument",
            "failed to mount rootfs component: invalid argument",
            "failed to mount rootfs component &{{}}: invalid argument",
            "failed to mount {path}: invalid argument",
            "mount source: \"overlay\", target: {q}, fstype: overlay, flags: {n}, data: {q}, err: invalid argument",
            "fstype: overlay, flags: {n}, data: {q}, err: invalid argument",
        ],
        "The kernel refuses the overlay's options or folders: a lower or work directory is missing or on another \
         file system, the root itself lies on an overlay, or the kernel lacks an option (userxattr, index).",
    )
    .open()
    .codes(&["snapshot/work-missing", "snapshot/directory-missing"])
    .or(&["containerd's root lies on an overlay itself (a container in a container)", "the kernel does not know an option"])
    .first(&[DMESG, "findmnt -T /var/lib/containerd", SNAPSHOTS]),
    cause(
        "overlay-no-device",
        Containerd,
        Kernel,
        &["failed to mount {path}: no such device", "failed to mount rootfs component {}: no such device", "fstype: overlay, flags: {n}, data: {q}, err: no such device", "no such device"],
        "The kernel has no such file system: the module overlay is not loaded, or not installed for the running \
         kernel.",
    )
    .within(&["overlay", "fstype", "mount"])
    .unless(&["format/", "fstype: mk"])
    .first(&["modprobe overlay; grep overlay /proc/filesystems", "uname -r"]),
    cause(
        "d-type",
        Containerd,
        Storage,
        &[
            "{path} does not support d_type. If the backing filesystem is xfs, please reformat with ftype=1 to enable d_type support",
            "{} does not support d_type{rest}",
            "does not support d_type{rest}",
            "overlayfs is not supported over {rest}",
            "overlayfs{} is not supported over {q}",
            "the backing {} filesystem is formatted without d_type support{rest}",
        ],
        "The file system under containerd's root cannot carry overlayfs (xfs with ftype=0). The snapshotter \
         overlayfs is left out.",
    )
    .certain()
    .first(&["xfs_info /var/lib/containerd | grep ftype", "findmnt -T /var/lib/containerd"]),
    cause(
        "upperdir-in-use",
        TheKernel,
        Stores,
        &[
            "overlayfs: upperdir is in-use as upperdir/workdir of another mount{rest}",
            "overlayfs: lowerdir is in-use as upperdir/workdir of another mount{rest}",
            "overlayfs: workdir is in-use as upperdir/workdir of another mount{rest}",
        ],
        "One snapshot's directory is mounted twice: a mount was left over from before, or two daemons work on \
         one root.",
    )
    .codes(&["runtime/mount-orphan"])
    .first(&["coroner runtime mounts /", "pgrep -a containerd"]),
    cause(
        "overlay-too-deep",
        TheKernel,
        Storage,
        &["overlayfs: maximum fs stacking depth exceeded", "overlayfs: upper fs does not support {}, falling back to {rest}", "overlayfs: failed to resolve {}: {}", "overlayfs: missing '{}'", "overlayfs: unrecognized mount option {rest}", "overlayfs: null uuid detected {rest}", "overlayfs: fs on {} does not support file handles, falling back to {rest}", "overlayfs: workdir and upperdir must reside under the same mount", "overlayfs: idmapped layers are currently not supported"],
        "overlayfs says why it takes the folders it was given only in part, or not at all. A fallback is no fault.",
    )
    .first(&[DMESG, "findmnt -T /var/lib/containerd"]),
    cause(
        "overlay-in-use",
        crate::Component::Kernel,
        crate::Whose::Storage,
        &["overlayfs: lowerdir is in-use as upperdir/workdir{rest}", "overlayfs: upperdir is in-use as upperdir/workdir of another mount{rest}", "overlayfs: workdir is in-use as upperdir/workdir of another mount{rest}"],
        "A folder is in two overlay mounts at the same time: two containers, or an old mount that was left in another mount namespace. What is written there may be seen by neither.",
    )
    .first(&["grep -l overlay /proc/*/mountinfo | head", "coroner runtime mounts /"]),
    cause(
        "overlay-upper",
        crate::Component::Kernel,
        crate::Whose::Storage,
        &["overlayfs: filesystem on {} not supported as upperdir", "filesystem on {} not supported as upperdir", "overlayfs: upper fs missing required features{rest}", "overlayfs: upper fs is missing required features{rest}", "overlayfs: upper fs does not support tmpfile{rest}", "overlayfs: workdir is not on the same filesystem{rest}", "overlayfs: upper fs needs to support d_type", "overlayfs: Ensure upper filesystem supports d_type{rest}"],
        "The file system under containerd's (or Docker's) root cannot carry overlayfs: it is an overlay itself (a container in a container, a live system), a network's, or xfs that was made with ftype=0. The root must lie on another file system; ftype cannot be switched on later.",
    )
    .first(&["findmnt -T /var/lib/containerd", "xfs_info /var/lib | grep ftype"]),
    cause(
        "mount-io-error",
        crate::Component::System,
        Storage,
        &["failed to mount {path}: input/output error", "{path}: input/output error", "input/output error", "structure needs cleaning", "{path}: structure needs cleaning"],
        "The disk or its file system failed. The kernel's lines say which.",
    )
    .unless(&["/port/", "userland proxy", "read /proc/self/fd", "stdin", "cgroup", "control group", "/proc/", "/sys/", "/dev/pts", "/dev/tty", "/dev/kmsg", "terminal"])
    .or(&["a program that serves what is mounted there (FUSE: nydus, stargz, a bucket) ended, or does not get its data"])
    .first(&[DMESG, "findmnt -T /var/lib/containerd"]),
    act(
        "mount-failed",
        Containerd,
        Storage,
        &[
            "failed to mount {path}",
            "failed to mount rootfs component {}",
            "failed to mount rootfs component",
            "failed to mount",
            "mount source: {q}, target: {path}, fstype: {}, flags: {n}, data: {q}, err: {}",
            "failed to mount {}",
        ],
        "A mount failed; the last word is the kernel's, and its log often says more.",
    )
    .codes(&["snapshot/work-missing", "snapshot/directory-missing"])
    .first(&[DMESG, SNAPSHOTS]),
    act(
        "unmount-failed",
        Containerd,
        Storage,
        &["failed to unmount {path}", "failed to unmount target {}", "unmount task rootfs", "failed to cleanup rootfs mount", "failed to unmount", "unmounting temp mounts", "failed to umount {path}", "Error unmounting container {id}", "failed to cleanup ipc mounts"],
        "Something could not be unmounted: a process still has it open, another mount lies on it, or it is gone.",
    )
    .codes(&["runtime/mount-orphan"])
    .first(&["coroner runtime mounts /", "fuser -vm PATH"]),
    cause(
        "dm-pool",
        Containerd,
        Stores,
        &["device {q} is already there", "is already there", "couldn't find free device key", "device id {n} is already {}", "failed to save metadata for device {q}", "error saving metadata for device {q}"],
        "devmapper's own database and the thin pool disagree about which devices there are.",
    )
    .codes(&["snapshot/pool-disagrees"])
    .first(&["dmsetup status", SNAPSHOTS]),
    cause(
        "dm-faulty",
        Containerd,
        Stores,
        &["device {q} marking as faulty", "marking as faulty", "failed to mark device {q} as faulty", "marking device {q} as faulty"],
        "devmapper gave a device up after an error, and will not use it again.",
    )
    .certain()
    .codes(&["snapshot/device-faulty"])
    .first(&["dmsetup status", SNAPSHOTS]),
    cause(
        "dm-pool-full",
        TheKernel,
        Storage,
        &[
            "device-mapper: thin: {}: no free {} space available.",
            "device-mapper: thin: {}: switching pool to {rest}",
            "{}: pool in read-only mode",
        ],
        "The thin pool is full or failed: reads go on, writes do not.",
    )
    .first(&["dmsetup status", "lvs -a"]),
    act(
        "dm-thin",
        TheKernel,
        Storage,
        &["device-mapper: thin: {rest}"],
        "The kernel reports on a thin pool: devmapper's, or Docker's. The rest of the line says what it did or refused.",
    )
    .first(&["dmsetup status", "lvs -a", DMESG]),
    cause(
        "zfs-dataset",
        Containerd,
        Stores,
        &["dataset does not exist", "cannot open {q}: dataset does not exist", "cannot create {q}: {}", "cannot destroy {q}: {}"],
        "zfs answers that a dataset is missing or in the way.",
    )
    .unless(&["resolvconf"])
    .first(&["zfs list -t all -r", SNAPSHOTS]),
    cause(
        "usage-sync",
        Cri,
        Stores,
        &["Failed to sync snapshot stats", "failed to sync snapshot stats", "failed to list snapshots", "Failed to cleanup snapshot stats"],
        "The CRI plugin cannot ask a snapshotter for what is used.",
    )
    .wraps(&[])
    .codes(&["store/metadata-broken"])
    .first(&[TRIAGE]),
    cause(
        "erofs-unsupported",
        Containerd,
        Kernel,
        &["EROFS unsupported{rest}", "failed to find erofs{}", "exec: \"mkfs.erofs\": executable file not found in $PATH"],
        "The erofs snapshotter needs a module of the kernel and mkfs.erofs.",
    )
    .certain()
    .first(&["grep erofs /proc/filesystems"]),
    cause(
        "loop-devices",
        Containerd,
        Kernel,
        &["failed to find a free loop device{rest}", "could not open loop device{rest}", "failed to setup loop device{rest}"],
        "No loop device could be had.",
    )
    .first(&["losetup -a"]),
    cause(
        "fs-quota",
        Containerd,
        Storage,
        &["disk quota exceeded", "{}: disk quota exceeded", "write {path}: disk quota exceeded", "failed to create key: disk quota exceeded", "unable to join session keyring: unable to create session key: disk quota exceeded"],
        "A quota is used up: of a disk, or (when the line names a keyring) of the kernel's keys, of which each \
         container takes one.",
    )
    .unless(&["cgroup"])
    .first(&["cat /proc/key-users; sysctl kernel.keys", DISK]),
    cause(
        "cannot-allocate",
        Containerd,
        Memory,
        &["fork/exec {path}: cannot allocate memory", "mount{}: cannot allocate memory"],
        "The node or a cgroup had no memory left at that moment.",
    )
    .unless(&["/sys/fs/cgroup"])
    .first(&["free -m", DMESG]),
    cause(
        "two-daemons",
        Containerd,
        Daemon,
        &["root directory {path} is in use by another daemon"],
        "Two daemons share one root.",
    )
    .certain(),
];
