//! The kinds of findings about the runtime.

use finding::{Code, Severity};

/// A task that was created and waits for its start.
pub static FIFO_WAITING: Code = Code {
    name: "runtime/fifo-waiting",
    rule: "",
    severity: Severity::Note,
    title: "container created but never started",
    explanation: "exec.fifo is there beside a whole state.json, and was not written to since: `runc create` ended, and \
`runc start` was not called. Init, if it still runs, waits in an open of the FIFO; runc and \
containerd call that \"created\". The wait alone is legal, so this is a note for the first ten \
minutes before the capture. A longer wait means that the container was forgotten: odd for a client \
of containerd's own, damage for a container of a pod, which the kubelet starts within seconds of its \
creation. The usual cause is a caller that was killed or hangs between Create and Start (containerd \
1.6.0 to 1.6.2: a deadlock in the cgroup metrics). Files do not show whether init still runs.",
    remedy: "Do not open, read or write exec.fifo: opening it kills or starts the container. Look at why the \
caller stopped (containerd's and kubelet's log). Then start the task, or remove it: `ctr task rm -f ID`, or \
`runc --root ROOT delete ID`. In a pod, deleting the pod is enough.",
};

/// A FIFO that is still there although the workload was let go.
pub static FIFO_STALE: Code = Code {
    name: "runtime/fifo-stale",
    rule: "",
    severity: Severity::Damage,
    title: "exec.fifo is there although the container was started",
    explanation: "The FIFO was written to after state.json (its mtime is more than 10 ms later), which only init does, \
in answer to a start. So the workload was started, or hangs in a startContainer hook; but the FIFO \
was not removed, because `runc start` was killed in between, or waits for the hook (runc up to 1.2.7 \
and 1.3.2). runc then always reports the container as \"created\", and a second start hangs.",
    remedy: "If the process is the workload (its /proc/PID/exe is not runc), remove the FIFO without opening \
it: `rm ROOT/NS/ID/exec.fifo`; runc then says \"running\". Do not start it again. If a hook hangs, end the \
hook, not init.",
};

/// No state.json in a state folder.
pub static STATE_MISSING: Code = Code {
    name: "runtime/state-missing",
    rule: "",
    severity: Severity::Damage,
    title: "container's state folder has no state.json",
    explanation: "runc writes state.json when init has its root file system, after the prestart and createRuntime \
hooks. A folder without it is a container that is being created (a note within two minutes before \
the capture), or its creation hangs (a hook, a mount on storage that does not answer, a frozen \
cgroup) or failed. No pid is known. runc says that the container does not exist.",
    remedy: "First look for a `runc init` with a cgroup or open files of this container: `runc delete --force` \
succeeds here, removes the folder and leaks the process. What the container's cgroup.procs lists may be \
its healthy workload: only the command of the runtime is lost then, and it may run on. If it is a hook that \
hangs, end the hook. Only what is no longer needed is ended, by its pid; what it has not saved is lost. \
Remove the folder when no process of the container is left.",
};

/// A cut state.json.
pub static STATE_TRUNCATED: Code = Code {
    name: "runtime/state-truncated",
    rule: "",
    severity: Severity::Damage,
    title: "state.json is cut or empty",
    explanation: "runc renames a complete file into place, so a cut one means that /run was full, or that a power loss \
or a copy cut it. runc reads all or nothing: state, list, kill and even `delete --force` fail for \
this container, while its processes may still run. coroner shows what is before the cut.",
    remedy: "If there is a whole `state-N` in the folder, rename it to state.json. Otherwise rebuild the keys \
from the bundle (config.json, init.pid) and /proc. The container may be healthy and run on without it; it only \
cannot be stopped or entered through its runtime. When it is no longer needed, end its processes by their pids \
(what they have not saved is lost), then remove the cgroups and the folder; containerd removes the bundle.",
};

/// A state.json that is not what runc writes.
pub static STATE_DAMAGED: Code = Code {
    name: "runtime/state-damaged",
    rule: "",
    severity: Severity::Damage,
    title: "state file of the runtime is damaged",
    explanation: "state.json (or crun's status) is no JSON, or a key has another type or value than the \
runtime writes. The runtime reads all or nothing, so no command works for this container.",
    remedy: "Restore it from `state-N`, or rebuild it from the bundle and /proc. The container may be healthy \
and run on without it. When it is no longer needed, end its processes by their pids (what they have not saved is \
lost), then remove the folder.",
};

/// A state file that may not be read.
pub static STATE_UNREAD: Code = Code {
    name: "runtime/state-unread",
    rule: "",
    severity: Severity::Damage,
    title: "state file of the runtime is not a file that can be read",
    explanation: "state.json is a link, a FIFO, a folder, or far larger than any runtime writes. Nothing of \
the kind was opened.",
    remedy: "Find out what created it: no runtime does. Then continue as for a damaged state file.",
};

/// A temporary state file.
pub static STATE_LEFTOVER: Code = Code {
    name: "runtime/state-leftover",
    rule: "",
    severity: Severity::Odd,
    title: "temporary state file was left",
    explanation: "runc writes `state-N` and renames it to state.json. One that stayed means that runc was killed in \
that instant. Its content is complete in most cases: it has the pid and start time of init.",
    remedy: "If state.json is missing or damaged, this file can take its place. Else it can be removed.",
};

/// A copy of runc in a state folder.
pub static BINARY_LEFTOVER: Code = Code {
    name: "runtime/binary-leftover",
    rule: "",
    severity: Severity::Odd,
    title: "copy of runc was left in the state folder",
    explanation: "runc up to 1.1.14 (and 1.2 before its first release) lets init run from a bind mount of \
itself named `runc.XXXXXX`, for milliseconds. One that stayed means that init was killed in that time; on the \
node it may still be mounted, and the folder cannot be removed then.",
    remedy: "On the node: `umount` the file, then delete the container.",
};

/// A bundle whose runtime state is gone.
pub static BUNDLE_WITHOUT_STATE: Code = Code {
    name: "runtime/bundle-without-state",
    rule: "R05",
    severity: Severity::Damage,
    title: "task's bundle without state of the runtime",
    explanation: "The bundle has an init.pid, so the task was created; but its runtime has no folder for it. The task \
cannot be stopped, entered or deleted through runc, and its processes may still run. Without an \
init.pid the task was about to be created (a note within two minutes before the capture), or its \
creation failed and nothing was cleaned up.",
    remedy: "Look for processes in the container's cgroup (`coroner runtime stuck` on the node does). If there are \
none, containerd 1.7 and later end the shim and remove the bundle at their next start. If its process lives, do \
not restart containerd: 1.7 and later then forget the task and leave the process. End it by its pid, when that \
suits; its shim then cleans up.",
};

/// Runtime state whose bundle is gone.
pub static STATE_WITHOUT_BUNDLE: Code = Code {
    name: "runtime/state-without-bundle",
    rule: "R04",
    severity: Severity::Damage,
    title: "state of the runtime without the bundle it names",
    explanation: "runc has a container without its bundle. containerd finds tasks by their bundles, so it will never \
see, stop or remove this container; its processes may still run, and a new task of this id fails.",
    remedy: "Check the pid and start time from state.json against /proc. `runc --root ROOT delete --force ID` \
ends and removes it; unmount its root file system if it is still mounted.",
};

/// State of an earlier boot.
pub static STATE_STALE: Code = Code {
    name: "runtime/state-stale",
    rule: "R04",
    severity: Severity::Odd,
    title: "state of the runtime is from before the last boot",
    explanation: "The start time in state.json, subtracted from the time of creation, gives when the machine was \
booted. A container that was created later says a later boot, with fewer clock ticks: the machine \
was booted in between, and /run kept its files. The pid in it may belong to another process now.",
    remedy: "Never signal that pid. `runc --root ROOT delete ID` removes the folder. /run should be a tmpfs.",
};

/// A bundle that is being removed.
pub static BUNDLE_HIDDEN: Code = Code {
    name: "runtime/bundle-hidden",
    rule: "R07",
    severity: Severity::Odd,
    title: "the removal of a bundle was interrupted",
    explanation: "containerd renames a bundle to `.<id>` before it removes it. One that stayed means that the \
daemon ended in between, or could not unmount or remove something in it.",
    remedy: "If nothing is mounted below it any more, it can be removed.",
};

/// A bundle without a way to its shim.
pub static ADDRESS_DAMAGED: Code = Code {
    name: "runtime/address-damaged",
    rule: "R02",
    severity: Severity::Fatal,
    title: "bundle does not say how to reach its shim: the next start kills the container",
    explanation: "`address` (containerd up to 1.7) or `bootstrap.json` (2.x) of a bundle is missing, empty or damaged, \
usually because /run was full. At its next start the daemon cannot reach the shim and runs `shim \
delete`, which kills the container, even a healthy one. 1.6 and 1.7 log only a warning.",
    remedy: "Do not start or restart containerd before the file is rewritten. The shim's socket is \
/run/containerd/s/<SHA-256 of \"<address of containerd>/<namespace>/<group>\">; the finding names it.",
};

/// Another file of a bundle.
pub static BUNDLE_FILE_DAMAGED: Code = Code {
    name: "runtime/bundle-file-damaged",
    rule: "",
    severity: Severity::Damage,
    title: "file of a bundle is damaged",
    explanation: "config.json, options.json, init.pid or log.json of a bundle is cut or is not what containerd \
and runc write. Without config.json a task that was not started cannot be, and its pod is not known.",
    remedy: "config.json can be taken from the container's spec in meta.db (`coroner meta show`).",
};

/// A work folder without a bundle.
pub static WORK_DIR_ORPHAN: Code = Code {
    name: "runtime/work-dir-orphan",
    rule: "R06",
    severity: Severity::Note,
    title: "work folder of a task that has no bundle",
    explanation: "A task's work folder under root survives a reboot, its bundle under state does not: it is a \
task that existed when the machine went down. containerd removes it when it next loads that namespace.",
    remedy: "Nothing. The folder is empty; its name says which task there was.",
};

/// A bundle without a work folder.
pub static WORK_DIR_MISSING: Code = Code {
    name: "runtime/work-dir-missing",
    rule: "R06",
    severity: Severity::Odd,
    title: "the work folder of a bundle is gone",
    explanation: "The link `work` of a bundle leads to a folder under root that is not there. Nothing needs it \
while the task runs.",
    remedy: "Nothing; the bundle goes with its task.",
};

/// A socket of no bundle.
pub static SOCKET_ORPHAN: Code = Code {
    name: "runtime/socket-orphan",
    rule: "",
    severity: Severity::Note,
    title: "shim's socket that no bundle names",
    explanation: "There is a socket in the shims' folder that no bundle's address names. A killed shim leaves its \
socket. Files do not show whether a process listens.",
    remedy: "With no listener in /proc/net/unix, it can be removed.",
};

/// An address that this daemon would not have made.
pub static SOCKET_FOREIGN: Code = Code {
    name: "runtime/socket-foreign",
    rule: "R03",
    severity: Severity::Note,
    title: "shim's socket has a name that this containerd would not give",
    explanation: "A socket's name is the hash of the daemon's address, the namespace and the group. This one has \
another: the daemon's address was changed since, or another daemon started the shim. The socket \
still works; only a new task of this group would get another shim.",
    remedy: "Nothing, unless the address of containerd was changed by mistake.",
};

/// A status of the CRI that cannot be read.
pub static STATUS_DAMAGED: Code = Code {
    name: "runtime/status-damaged",
    rule: "K06",
    severity: Severity::Damage,
    title: "CRI status of a container is damaged",
    explanation: "The CRI plugin cannot read `containers/<id>/status`: it calls the container's state unknown, \
and writes \"exited, 255\" over it at its next start. When the container was created, started and ended is \
lost then.",
    remedy: "Keep a copy. The times can be rebuilt from runc's state.json and the container's record.",
};

/// A status folder without a status.
pub static STATUS_MISSING: Code = Code {
    name: "runtime/status-missing",
    rule: "K06",
    severity: Severity::Damage,
    title: "CRI folder of a container has no status",
    explanation: "The folder is there, its file `status` is not. The CRI plugin calls the container's state \
unknown, and writes \"exited, 255\" at its next start.",
    remedy: "Write a new one from runc's state.json and the container's record, before a start.",
};

/// No status folder.
pub static STATUS_DIR_MISSING: Code = Code {
    name: "runtime/status-dir-missing",
    rule: "K07",
    severity: Severity::Damage,
    title: "container of a pod has no CRI folder",
    explanation: "meta.db has a container of the CRI plugin, and its folder `containers/<id>` is not there. The plugin \
cannot write the container's status and does not load the container: the kubelet does not see it, \
and it cannot be removed.",
    remedy: "Create the folder and a status in it before a start.",
};

/// A status folder that no record names.
pub static STATUS_ORPHAN: Code = Code {
    name: "runtime/status-orphan",
    rule: "K09",
    severity: Severity::Odd,
    title: "CRI folder of a container that meta.db does not know",
    explanation: "No record of meta.db has this id. The daemon removes the folder at its next start and logs nothing.",
    remedy: "Copy it before a start, if meta.db may have lost the record.",
};

/// A temporary or deleted status.
pub static STATUS_LEFTOVER: Code = Code {
    name: "runtime/status-leftover",
    rule: "",
    severity: Severity::Odd,
    title: "temporary file of a CRI status was left",
    explanation: "`.tmp-status*` stays where the plugin was killed while it wrote a status, `<id>.del-status` \
where it was killed while it removed a container.",
    remedy: "Nothing: the file is harmless, and the daemon removes what no record names.",
};

/// Running says the CRI, nothing says the runtime.
pub static STATUS_WITHOUT_TASK: Code = Code {
    name: "runtime/status-without-task",
    rule: "K10",
    severity: Severity::Note,
    title: "CRI says running, and there is no task",
    explanation: "The status says that the container was started and has not ended, but it has no bundle: the \
machine was booted since, or this is a disk without its /run. The next start writes \"exited, 255, unknown\" \
over the status, with its own time as the end.",
    remedy: "Keep a copy of the status if its times matter.",
};

/// A working directory inside runc.
pub static CWD_ESCAPE: Code = Code {
    name: "runtime/cwd-escape",
    rule: "",
    severity: Severity::Damage,
    title: "container starts in a folder behind runc's file descriptors (CVE-2024-21626)",
    explanation: "process.cwd of config.json leads through /proc/self/fd. runc up to 1.1.11 leaks a descriptor of the \
host's /sys/fs/cgroup into init, so such a container starts outside its root file system and can \
write to the host. No legitimate image needs this.",
    remedy: "If its runc is older than 1.1.12, treat the node as compromised. Keep the image and the container's \
record; find out who started it.",
};

/// All of them.
pub const CODES: &[&Code] = &[
    &FIFO_WAITING,
    &FIFO_STALE,
    &STATE_MISSING,
    &STATE_TRUNCATED,
    &STATE_DAMAGED,
    &STATE_UNREAD,
    &STATE_LEFTOVER,
    &BINARY_LEFTOVER,
    &BUNDLE_WITHOUT_STATE,
    &STATE_WITHOUT_BUNDLE,
    &STATE_STALE,
    &BUNDLE_HIDDEN,
    &ADDRESS_DAMAGED,
    &BUNDLE_FILE_DAMAGED,
    &WORK_DIR_ORPHAN,
    &WORK_DIR_MISSING,
    &SOCKET_ORPHAN,
    &SOCKET_FOREIGN,
    &STATUS_DAMAGED,
    &STATUS_MISSING,
    &STATUS_DIR_MISSING,
    &STATUS_ORPHAN,
    &STATUS_LEFTOVER,
    &STATUS_WITHOUT_TASK,
    &CWD_ESCAPE,
];
