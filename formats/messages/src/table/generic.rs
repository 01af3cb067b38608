//! Words that many causes have, and frames that tell only which layer speaks. None of them leads to a code.

use super::{DISK, DMESG, STUCK, TRIAGE};
use crate::message::Component::{Containerd, Runc, Shim, System};
use crate::message::Whose::Unknown;
use crate::message::{Message, class, consequence, errno, wrapper};

pub(super) const ALL: &[Message] = &[
    errno(
        "no-space",
        &["no space left on device", "No space left on device"],
        "Something could not be made because there was no room: of blocks, of inodes, of cgroups (a path under \
         /sys/fs/cgroup), of inotify watches, or of a tmpfs under /run. The path in the line says where; a full disk is \
         only one of them.",
    )
    .first(&[DISK, "cat /proc/cgroups", "sysctl fs.inotify"]),
    errno(
        "no-such-file",
        &["no such file or directory", "No such file or directory", "file does not exist", "stat {path}: no such file or directory", "open {path}: no such file or directory", "lstat {path}: no such file or directory"],
        "A file or folder is not there. The path in the line says which.",
    )
    .first(&["namei -l PATH", TRIAGE]),
    errno(
        "too-many-links",
        &["too many links", "Too many links"],
        "A file or a folder has as many names (hard links) as its file system allows: 65,000 on ext4. Docker's old driver overlay links each file of \
         a lower layer, overlay2 does not.",
    )
    .first(&["findmnt -T PATH", "docker info --format '{{.Driver}}'"]),
    errno(
        "permission-denied",
        &["permission denied", "Permission denied", "open {path}: permission denied"],
        "Something is not allowed: by the file's mode, or by AppArmor, SELinux or an outer container.",
    )
    .first(&["namei -l PATH", "ausearch -m avc -ts recent", "dmesg | grep -i -e apparmor -e denied"]),
    errno(
        "not-permitted",
        &["operation not permitted", "Operation not permitted", "open {path}: operation not permitted"],
        "Something is not allowed even to root: a capability, seccomp, an immutable file, or a user namespace.",
    )
    .first(&["lsattr -d PATH", "dmesg | grep -i -e seccomp -e apparmor -e denied"]),
    errno(
        "exists",
        &["file exists", "File exists", "already exists"],
        "Something of that name is there already.",
    )
    .first(&[TRIAGE]),
    errno(
        "busy",
        &["device or resource busy", "Device or resource busy", "resource busy"],
        "Something is in use: mounted, here or in another mount namespace, held open, or a cgroup with processes. The path \
         says which.",
    )
    .first(&["coroner runtime mounts /", "fuser -vm PATH", "grep -l PATH /proc/*/mountinfo"]),
    errno(
        "invalid",
        &["invalid argument", "Invalid argument"],
        "The kernel or a program does not take what it was given.",
    )
    .first(&[DMESG]),
    errno(
        "no-memory",
        &["cannot allocate memory", "Cannot allocate memory"],
        "Memory could not be had: the node, a cgroup, or a limit of the kernel.",
    )
    .first(&["free -m", DMESG]),
    errno(
        "not-a-directory",
        &["not a directory", "Not a directory", "is a directory", "Is a directory"],
        "There is a file in the place of a folder, or a folder in the place of a file.",
    )
    .first(&["namei -l PATH"]),
    errno(
        "read-only",
        &["read-only file system", "Read-only file system"],
        "The file system is read-only: mounted so, or by the kernel after an error.",
    )
    .first(&["findmnt -T PATH", DMESG]),
    errno(
        "ended-early",
        &["unexpected EOF", "unexpected end of file", "Unexpected EOF"],
        "What was read ended too early: a blob or a record that is cut, or a connection of which the other side ended.",
    )
    .first(&["coroner content verify /", TRIAGE]),
    errno(
        "broken-json",
        &["unexpected end of JSON input", "invalid character {}"],
        "What should be JSON is not, or is empty: a file, or the answer of a program that ended before it answered.",
    )
    .first(&[TRIAGE]),
    errno(
        "program-not-found",
        &["executable file not found in $PATH", "command not found"],
        "A program is not where it is looked for. The line says whether it belongs to the image, the node or a unit.",
    )
    .first(&["systemctl show containerd -p Environment", "command -v PROGRAM"]),
    errno(
        "timeout",
        &["timeout", "timed out", "Operation timed out"],
        "A time limit ended. For a database (io.containerd.metadata.v1.bolt, metadata.db): another \
         process holds its lock. For a connection: the other end does not answer.",
    )
    .first(&["fuser -v /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db", STUCK]),
    errno(
        "broken-pipe",
        &["broken pipe", "EOF", "write |1: broken pipe", "Broken pipe", "connection reset by peer", "end of file", "read: connection reset by peer", "write: broken pipe"],
        "The other side ended before the answer.",
    )
    .first(&["journalctl -k -b | grep -i 'killed process'"]),
    errno(
        "other-errno",
        &["resource temporarily unavailable", "no such process", "No such process", "no child processes", "waitid: no child processes", "bad file descriptor", "function not implemented", "not implemented", "operation not supported", "Operation not supported", "numerical result out of range", "directory not empty", "i/o timeout", "connection refused", "interrupted system call", "too many levels of symbolic links", "no data available", "no such device or address", "exit status {n}", "value too large for defined data type", "bad address"],
        "The system's word for a call that failed; what comes before it says which.",
    ),
    consequence(
        "deadline",
        System,
        Unknown,
        &[
            "context deadline exceeded",
            "code = DeadlineExceeded",
            "DeadlineExceeded",
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
            "deadline exceeded",
            "operation timeout: context deadline exceeded",
            "operation timeout",
            "stream terminated by RST_STREAM with error code: CANCEL",
            "timed out waiting for the condition",
        ],
        "Something took longer than its caller waits (kubelet: two minutes, four for a sandbox). \
         Other lines say what it waited for: a CNI plugin, a pull, a shim or a mount's server that \
         does not answer, a slow disk. containerd continues the work that it began.",
    )
    .first(&[STUCK, "cat /proc/pressure/io /proc/pressure/memory /proc/pressure/cpu", "journalctl -b -u containerd --no-pager | tail -n 100"]),
    consequence(
        "canceled",
        System,
        Unknown,
        &["context canceled", "code = Canceled", "Canceled", "operation was canceled", "The operation was canceled"],
        "The caller gave up or ended: kubelet or a client was stopped, or lost patience.",
    ),
    class(
        "class",
        &[
            "unknown",
            "not found",
            "already exists{}",
            "failed precondition",
            "unavailable",
            "resource exhausted",
            "aborted",
            "out of range",
            "internal",
            "data loss",
            "conflict",
            "not modified",
            "unauthenticated",
            "code = {}",
            "code = Unknown",
        ],
        "The class of the answer; it does not give a cause.",
    ),
    wrapper(
        "runtime-frame",
        Shim,
        &[
            "OCI runtime create failed",
            "OCI runtime start failed",
            "OCI runtime pause failed",
            "OCI runtime resume failed",
            "OCI runtime update failed",
            "OCI runtime delete failed",
            "OCI runtime kill failed",
            "OCI runtime error",
            "failed to create shim task",
            "oci runtime error",
            "unknown error after kill",
            "unable to retrieve OCI runtime error",
            "OCI permission denied",
            "OCI not found",
            "failed to create task",
            "failed to create containerd task",
        ],
        "The shim reports that the runtime refused; the rest of the line says why.",
    ),
    wrapper(
        "runc-frame",
        Runc,
        &[
            "runc create failed",
            "runc run failed",
            "runc start failed",
            "runc exec failed",
            "unable to start container process",
            "error during container init",
            "starting container process",
            "container init",
            "exec failed",
            "container_linux.go:{n}",
            "container_linux.go:{n}: starting container process",
            "process_linux.go:{n}",
            "process_linux.go:{n}: container init",
            "rootfs_linux.go:{n}",
            "standard_init_linux.go:{n}",
            "exec user process",
            "OCI runtime exec failed",
            "exec_linux.go:{n}",
            "starting setns process",
            "crun",
            "unable to start init",
            "error closing exec fds",
        ],
        "runc names the step that failed; the rest of the line says why.",
    ),
    wrapper(
        "http-request",
        System,
        &["Get {q}", "Head {q}", "Post {q}", "Put {q}", "Get http{}", "Patch {q}", "Post http{}", "Head http{}"],
        "A server was asked over HTTP; the rest says how that went.",
    ),
    wrapper(
        "grpc-frame",
        System,
        &["rpc error: code = {}", "GRPC error: rpc error: code = {}", "GRPC error"],
        "A program answered another over gRPC that it failed: a daemon, a driver of volumes, a plugin. The rest says why.",
    ),
    wrapper(
        "containerd-frame",
        Containerd,
        &["containerd", "ctr", "runtime"],
        "Who speaks.",
    ),
];
