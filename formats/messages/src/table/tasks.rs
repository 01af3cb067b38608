//! Shims and tasks: what containerd says when it cannot start, reach or end what runs.

use super::{DISK, DMESG, JOURNAL, STUCK, TRIAGE};
use crate::message::Component::{Containerd, Kubelet, Shim};
use crate::message::Whose::{Daemon, Memory, Nobody, Other, Programs, Security, Storage, Tasks};
use crate::message::{Message, act, cause, consequence};

pub(super) const ALL: &[Message] = &[
    act(
        "task-folder-exists",
        Containerd,
        Tasks,
        &["mkdir {path}: file exists"],
        "The folder of a task of that id is there already: a task of the same id runs, or one is left whose shim ended while the daemon did not \
         look.",
    )
    .within(&["io.containerd.runtime"])
    .first(&["coroner runtime ls /", "coroner runtime shims /"]),
    cause(
        "shim-not-found",
        Containerd,
        Programs,
        &[
            "exec: \"containerd-shim{}\": executable file not found in $PATH",
            "runtime {q} binary not installed {q}",
            "runtime {q} binary not installed {}",
            "failed to start shim: failed to resolve runtime path: {rest}",
            "failed to resolve runtime path: runtime {q} binary not installed {q}: file does not exist",
            "failed to resolve runtime path",
            "fork/exec {path}containerd-shim{}: no such file or directory",
            "failed to resolve runtime path: invalid runtime name {}, correct runtime name should be {rest}",
            "invalid runtime name {}, correct runtime name should be {rest}",
        ],
        "The shim's program is not there for containerd: not installed, an upgrade under way, or the unit's PATH \
         does not name its folder.",
    )
    .certain()
    .codes(&["runtime/program-missing", "container/runtime-gone"])
    .first(&["systemctl show containerd -p Environment", "command -v containerd-shim-runc-v2 runc"]),
    cause(
        "runtime-program-broken",
        Shim,
        Programs,
        &[
            "unable to retrieve OCI runtime error ({}): fork/exec {path}: exec format error",
            "unable to retrieve OCI runtime error ({}): fork/exec {path}: permission denied",
            "fork/exec {path}runc: exec format error",
            "fork/exec {path}crun: exec format error",
            "fork/exec {path}containerd-shim{}: exec format error",
            "fork/exec {path}nvidia-container-runtime: exec format error",
            "fork/exec {path}runc: permission denied",
            "fork/exec {path}containerd-shim{}: permission denied",
            "failed to start shim: start failed: : exec format error",
        ],
        "A program of the runtime is there and cannot be run: it is empty or damaged (what was \
         installed shortly before a power loss), was made for another machine, or may not be \
         executed. No container starts. Do not restart containerd before the program is repaired: \
         from 1.7 on, a start forgets the running tasks.",
    )
    .certain()
    .codes(&["runtime/program-broken", "runtime/program-missing"])
    .first(&["ls -l $(command -v runc containerd-shim-runc-v2)", TRIAGE]),
    cause(
        "runc-not-found",
        Shim,
        Programs,
        &[
            "exec: \"runc\": executable file not found in $PATH",
            "exec: \"crun\": executable file not found in $PATH",
            "exec: \"runsc\": executable file not found in $PATH",
            "unable to retrieve OCI runtime error (open {path}log.json: no such file or directory): exec: {q}: executable file not found in $PATH",
            "unable to retrieve OCI runtime error ({}): fork/exec {path}: no such file or directory",
            "unable to retrieve OCI runtime error ({}): exec: {q}: executable file not found in $PATH",
            "unable to retrieve OCI runtime error (open {path}log.json: no such file or directory): fork/exec {path}: no such file or directory",
            "fork/exec {path}/runc: no such file or directory",
            "fork/exec {path}nvidia-container-runtime: no such file or directory",
            "runc not installed on system",
        ],
        "The runtime's program is not there for the shim: runc is not installed, or its folder is not in the PATH \
         of containerd's unit. No container starts.",
    )
    .certain()
    .codes(&["runtime/program-missing"])
    .first(&["command -v runc crun", "systemctl show containerd -p Environment"]),
    cause(
        "runtime-failed-silently",
        Shim,
        Other,
        &[
            "{} did not terminate successfully",
            "{} did not terminate successfully: exit status {n}",
            "runc did not terminate successfully",
            "runc did not terminate successfully: exit status {n}",

            "{path} did not terminate successfully: exit status {n}",
            "runsc did not terminate successfully{rest}",
            "nvidia-container-runtime did not terminate successfully{rest}",
        ],
        "The runtime ended before it could write down why (log.json is missing or empty): it crashed, was killed, \
         or is not what the shim takes it for. What follows is what it printed.",
    )
    .wraps(&[])
    .codes(&["runtime/bundle-file-kind"])
    .or(&["the kernel killed it for want of memory", "seccomp or SELinux refused it", "for runsc and kata: see their own logs"])
    .unless(&["failed to remove runc container"])
    .first(&["runc --version", DMESG]),
    cause(
        "signal-denied",
        crate::Component::Runc,
        crate::Whose::Security,
        &["unable to signal init: permission denied", "unable to signal init: operation not permitted"],
        "runc may not send a signal to the container's first process: AppArmor (a profile of runc or of the container that does not allow signals, as on Ubuntu 24.04 with old profiles), or another user's. The pod stays.",
    )
    .first(&["journalctl -k -b | grep -i denied", "aa-status", "ls -l /etc/apparmor.d | grep -i -e runc -e containerd"]),
    cause(
        "shim-lacks-call",
        Shim,
        Tasks,
        &["/containerd.task.v2.Task/{} is not supported", "/containerd.task.v3.Task/{} is not supported", "/containerd.task.v2.Task/{} is not supported: not found"],
        "The shim answers, and does not have the call that it was asked for: it is another runtime's shim than the one that was meant, an unfinished \
         one, or one of a much older release.",
    )
    .first(&["ctr version", "ls -l /usr/bin/containerd-shim-* /usr/local/bin/containerd-shim-*", "containerd config dump | grep -A6 runtimes"]),
    consequence(
        "no-runtime-log",
        Shim,
        Other,
        &["unable to retrieve OCI runtime error (open {path}log.json: no such file or directory)", "open {path}log.json: no such file or directory"],
        "The runtime did not write why it failed: its program could not be run, died before it had a log, or is a wrong or broken one.",
    )
    .first(&["runc --version", "ldd $(command -v runc)", DMESG]),
    cause(
        "fork-limit",
        Containerd,
        Memory,
        &[
            "fork/exec {path}: resource temporarily unavailable",
            "failed to start shim: fork/exec {path}: resource temporarily unavailable",
        ],
        "No new process can be made: the limit of tasks of containerd's unit, the user or the kernel is reached \
         (thousands of shims, or threads that a program leaks).",
    )
    .certain()
    .codes(&["runtime/daemon-at-limit"])
    .first(&["systemctl show containerd -p TasksMax -p TasksCurrent", "cat /proc/sys/kernel/pid_max; ps -eL | wc -l"]),
    act(
        "shim-start-failed",
        Containerd,
        Tasks,
        &[
            "failed to start shim",
            "failed to start shim: {}",
            "failed to create shim",
            "failed to start shim: start failed",
            "start failed",
            "failed to start new shim for sandbox {}",
            "failed to create shim: {}",
        ],
        "A shim could not be started; the rest says why.",
    )
    .first(&[JOURNAL, DISK]),
    cause(
        "shim-version",
        Containerd,
        Daemon,
        &[
            "unsupported shim version ({n}): not implemented",
            "unsupported shim version ({n})",
            "containerd client supports only v2 and v3 TTRPC task client (got {n})",
            "containerd client supports only v3 GRPC task service (got {n})",
            "unknown service containerd.task.v3.Task",
            "unknown service containerd.task.v2.Task",
            "service containerd.task.v2.Task{rest}",
        ],
        "The daemon that runs and the shim's program on the disk are of different releases: containerd was upgraded \
         and not restarted, or the runtime's shim is not made for this release.",
    )
    .certain()
    .first(&["containerd --version; ctr version", "ls -l $(command -v containerd-shim-runc-v2)"]),
    consequence(
        "shim-disconnected",
        Containerd,
        Tasks,
        &["cleaning up after shim disconnected", "shim disconnected", "cleaning up dead shim", "cleanup warnings {rest}", "cleanup warnings", "failed to clean up after shim disconnected", "warnings while cleaning up dead shim", "failed to clean up dead shim"],
        "The connection to a shim ended. After a container ended, or its creation failed, this is \
         normal. While a container runs, or at the daemon's start, the shim was killed or could not \
         be reached, and its container is killed.",
    )
    .codes(&["runtime/address-damaged", "runtime/socket-missing"])
    .first(&["journalctl -k -b | grep -i 'killed process'", JOURNAL]),
    cause(
        "shim-bundle-unreadable",
        Containerd,
        Tasks,
        &["failed to read bootstrap.json when restoring bundle{}", "failed to read bootstrap.json when restoring bundle", "unable to load shim {q}"],
        "At its start the daemon could not find the way back to a shim: its container is killed and the bundle \
         removed.",
    )
    .wraps(&["no-such-file"])
    .codes(&["runtime/address-damaged", "runtime/socket-missing"])
    .first(&[TRIAGE]),
    act(
        "shims-loaded",
        Containerd,
        Tasks,
        &["failed to load shim {}", "failed to load shim", "loading container {}", "failed to load existing shims for task manager", "failed to load shims", "loading shim {}", "unable to make connection"],
        "At its start the daemon looks for the shims of the bundles that it finds. A container whose shim it cannot \
         reach is killed, and its bundle removed.",
    )
    .codes(&["runtime/address-damaged", "runtime/socket-missing"])
    .first(&[TRIAGE]),
    cause(
        "shim-leaked",
        Containerd,
        Tasks,
        &["cleaning leaked shim process", "cleaning leaked shim process{rest}", "failed to shutdown shim task and the shim might be leaked", "failed to shutdown shim task and the shim might be leaked{rest}"],
        "A shim was asked for its processes and named none. One that has none is ended; where the task's process \
         lives and its runtime cannot tell (its state folder was removed, runc is missing or damaged, the process \
         is dying), the daemon forgets the task and leaves process, shim and bundle behind. Where it says that the \
         shim might be leaked, the shim did not answer, and its process may stay.",
    )
    .codes(&["runtime/bundle-without-state", "runtime/program-missing", "runtime/program-broken"])
    .or(&["the shim did not answer in time: look at it with `coroner runtime shims`"])
    .first(&["coroner runtime shims /", STUCK]),
    cause(
        "workdir-cleanup",
        Containerd,
        Tasks,
        &["cleanup working directory in namespace {}", "cleanup working directory in namespace{rest}"],
        "At its start the daemon removes a work folder without a bundle.",
    )
    .codes(&["runtime/work-dir-orphan"]),
    consequence(
        "shim-refused",
        Containerd,
        Tasks,
        &[
            "dial unix {path}shim.sock: connect: connection refused",
            "dial unix \\x00/containerd-shim/{}.sock: connect: connection refused",
            "dial unix {}containerd-shim{}: connect: connection refused",
            "dial unix {path}containerd/s/{}: connect: connection refused",
            "dial unix {path}containerd/s/{}: connect: no such file or directory",
            "connecting to shim",
            "failed to connect to shim{}",
            "failed to create TTRPC connection{}",
            "failed to create TTRPC connection: dial unix {}: {}",
            "failed to dial shim{}",
        ],
        "A shim's socket has no listener, or is gone: the shim was killed, or /run was emptied.",
    )
    .unless(&["error=<nil>", "containerd.sock.ttrpc"])
    .codes(&["runtime/socket-missing", "runtime/address-damaged"])
    .states(&["shim-died"])
    .first(&["coroner runtime shims /", "journalctl -k -b | grep -i 'killed process'"]),
    consequence(
        "events-not-sent",
        crate::Component::Shim,
        crate::Whose::Daemon,
        &["dial unix {path}containerd.sock.ttrpc: connect: {}", "failed to connect: dial unix {path}containerd.sock.ttrpc: connect: {}", "forward event"],
        "A shim that runs wants to tell the daemon of an event, and the daemon does not listen: it is down or starting. The shim tries again, and the container runs on.",
    )
    .first(&["systemctl status containerd", "coroner preflight /"]),
    consequence(
        "ttrpc-closed",
        Containerd,
        Tasks,
        &["ttrpc: closed", "ttrpc: server closed", "ttrpc: client shutting down", "ttrpc: client shutting down: {}", "failed to receive message", "transport is closing: unavailable"],
        "The connection to a shim (or an NRI plugin) closed in the middle: the other side crashed or was ended.",
    )
    .states(&["shim-died"])
    .first(&["coroner runtime shims /", "journalctl -k -b | grep -i 'killed process'"]),
    act(
        "ttrpc-failed",
        Containerd,
        Tasks,
        &["ttrpc: {}", "ttrpc: cannot marshal unknown type: {}", "ttrpc: cannot unmarshal unknown type: {}"],
        "The daemon was talking with a shim (or an NRI plugin); the rest says why that failed. A type that is not known means that \
         the two were built of different releases.",
    )
    .unless(&["ttrpc: closed", "ttrpc: server closed", "ttrpc: client shutting down"])
    .first(&["containerd --version", "coroner runtime shims /"]),
    cause(
        "task-not-found",
        Containerd,
        Tasks,
        &["no running task found: task {} not found: not found", "no running task found: task {} not found", "no running task found", "task {} not found: not found", "task {} not found", "no running process found", "{}: task not found"],
        "There is no task of that id: it ended, or was never made. Asked by `ctr tasks` or an exec, it means that \
         the container is not running.",
    )
    .open()
    .codes(&["runtime/bundle-without-state", "runtime/state-without-bundle"])
    .first(&["ctr -n k8s.io tasks ls", "crictl ps -a"]),
    cause(
        "task-exists",
        Containerd,
        Tasks,
        &["task {} already exists: already exists", "task {} already exists", "task {}: already exists"],
        "A task of that id is there already: an earlier start of the container is still known to the daemon, or was \
         left in the middle.",
    )
    .open()
    .codes(&["runtime/bundle-without-state", "runtime/state-without-bundle", "runtime/fifo-waiting"])
    .first(&["ctr -n k8s.io tasks ls", STUCK]),
    cause(
        "task-not-stopped",
        Containerd,
        Tasks,
        &["task must be stopped before deletion: running: failed precondition", "task must be stopped before deletion", "task must be stopped before deletion: {}", "current process state: {}, process must be stopped before deletion", "cannot delete running task {}: failed precondition", "cannot delete running task {}", "cannot delete a running process{}", "cannot delete a {} process{}"],
        "The shim calls the task running, and so it is not removed. Where runc calls it stopped at the same time, \
         its init is a zombie or only its first thread has ended: look at its threads.",
    )
    .states(&["zombie", "storage-hung"])
    .codes(&["runtime/stuck"])
    .first(&[STUCK, "ps -eLo pid,tid,stat,wchan:32,args | grep -e ' Z' -e ' D'"]),
    cause(
        "process-finished",
        Shim,
        Tasks,
        &["process already finished: not found", "process already finished", "os: process already finished", "cannot kill a deleted process{}", "cannot kill a deleted process", "unknown error after kill: container not running", "container not running"],
        "What should be killed has ended already, as the runtime sees it. Once, it is a race and no fault; if it \
         comes again and again and the pod stays, the runtime calls stopped what the shim calls running: a zombie, \
         or an init of which some threads are left.",
    )
    .open()
    .codes(&["runtime/stuck", "runtime/pids-disagree"])
    .states(&["zombie"])
    .or(&["a race with the container's own end: nothing is wrong"])
    .first(&[STUCK, "ps -eLo pid,tid,stat,wchan:32,args | grep -e ' Z' -e ' D'"]),
    consequence(
        "task-delete-failed",
        Containerd,
        Tasks,
        &["failed to delete task", "failed to delete task {rest}", "failed to delete", "delete task failed", "failed to delete containerd task {q}", "failed to delete container task{}", "failed to delete shim{}", "failed to cleanup containerd task{rest}"],
        "A task could not be removed: its shim does not answer, its rootfs cannot be unmounted, or its cgroup is \
         not empty.",
    )
    .codes(&["runtime/stuck"])
    .states(&["shim-stopped", "zombie", "storage-hung"])
    .first(&[STUCK, "coroner runtime shims /"]),
    consequence(
        "task-state-timeout",
        Containerd,
        Tasks,
        &["get state for {}", "failed to get task status", "failed to get task {}", "failed to load task for sandbox", "failed to load task for container", "failed to get state for {}", "failed to query sandbox {} status", "failed to wait for task", "failed to get sandbox container task", "failed to update sandbox status"],
        "A shim did not answer when it was asked for its task: it was stopped, is overloaded, or holds its lock \
         while a start hangs.",
    )
    .codes(&["runtime/stuck"])
    .states(&["shim-stopped", "parked-start-hung", "parked-stdio"])
    .first(&[STUCK]),
    cause(
        "bundle-busy",
        Containerd,
        Storage,
        &[
            "failed to delete runtime bundle",
            "unlinkat {path}/rootfs: device or resource busy",
            "unlinkat {path}io.containerd.runtime.v2.task{}: device or resource busy",
            "remove {path}io.containerd.runtime.v2.task{}: device or resource busy",
            "failed to remove bundle rootfs",
            "failed to remove both bundle and workdir locations",
            "failed to unmount {path}/rootfs: device or resource busy",
            "unmount rootfs {path}",
            "unmount rootfs {}",
        ],
        "A bundle cannot be removed: its rootfs is still mounted, or a process in another mount namespace holds it.",
    )
    .wraps(&["busy"])
    .codes(&["runtime/mount-orphan", "snapshot/directory-missing"])
    .first(&["coroner runtime mounts /", "grep -l io.containerd.runtime.v2.task /proc/*/mountinfo"]),
    act(
        "bundle-write",
        Containerd,
        Storage,
        &["failed to write bundle spec", "mkdir {path}io.containerd.runtime.v2.task{}: {}", "mkdir {path}containerd{path}: no space left on device", "failed to create bundle{}"],
        "A task's bundle could not be made under /run.",
    )
    .codes(&["store/disk-full"])
    .first(&["df -h /run; df -i /run"]),
    consequence(
        "shim-log",
        Shim,
        Nobody,
        &[
            "copy shim log",
            "copy shim log{}",
            "read /proc/self/fd/{n}: file already closed",
            "{}: file already closed",
            "open shim log pipe",
            "failed to copy shim log{}",
            "error copying stdout",
            "error copying stderr",
        ],
        "The pipe on which a shim hands its log or a container's output on was closed: at the end of a task that is \
         normal.",
    ),
    cause(
        "io-reader-gone",
        Shim,
        Tasks,
        &["failed to write, error log file", "failed to drain init process {} io{}", "failed to drain init process {} io", "failed to drain exec process {} io"],
        "A shim could not hand output on, or waited in vain for its end: whoever should read it is gone, or a \
         process that the container left behind keeps its output open.",
    )
    .codes(&["runtime/stuck"])
    .states(&["stdout-full"])
    .first(&[STUCK]),
    cause(
        "fifo-open",
        Shim,
        Tasks,
        &["failed to open stdout fifo", "failed to open stderr fifo", "failed to open stdin fifo", "containerd-shim: opening file {q} for {}", "open {path}fifo/{}: no such file or directory", "fifo: failed to open {}", "containerd-shim: opening w/o fifo {q} failed", "opening w/o fifo {q} failed"],
        "The pipes for a container's output are gone: /run was emptied, or the client that made them ended.",
    )
    .wraps(&["no-such-file"])
    .first(&["ls -l /run/containerd/fifo", STUCK]),
    cause(
        "pid-missing",
        Shim,
        Tasks,
        &["failed to find pid", "failed to read init pid file", "failed to retrieve OCI runtime container pid", "failed to retrieve OCI runtime container pid: open {path}init.pid: no such file or directory", "open {path}init.pid: no such file or directory", "failed to get init process pid", "bad pid {n} obtained"],
        "The file with the pid of the container's init is not there: the creation did not come to its end, or the \
         task was removed meanwhile.",
    )
    .unless(&["cleanup warnings"])
    .codes(&["runtime/bundle-without-state", "runtime/state-missing"])
    .states(&["parked-no-pid-file"])
    .first(&[STUCK]),
    cause(
        "namespace-pid-zero",
        Shim,
        Tasks,
        &["namespace path: lstat /proc/0/ns/{}: no such file or directory", "lstat /proc/0/ns/{}: no such file or directory",
            "lstat /proc/0/ns/{}", "namespace path: lstat /proc/{n}/ns/{}: no such file or directory", "lstat /proc/{n}/ns/{}: no such file or directory"],
        "The pod's sandbox has no process any more (pid 0, or one that is gone): the pause container ended between \
         the pod's making and this container's. kubelet makes a new sandbox.",
    )
    .or(&["the pause image does not run on this node (architecture, memory, seccomp)"])
    .first(&["crictl pods", "crictl inspectp ID", "journalctl -k -b | grep -i 'killed process'"]),
    cause(
        "sandbox-not-found-shim",
        Containerd,
        Tasks,
        &["failed to get socket address for sandbox {q}", "can't find the sandbox's shim{}", "failed to get sandbox runtime{}", "sandbox not started", "sandbox {} already running"],
        "The daemon does not find the shim of a pod's sandbox.",
    )
    .open()
    .first(&["coroner runtime shims /", "crictl pods"]),
    consequence(
        "cgroup-deleted",
        Shim,
        Tasks,
        &["cgroups: cgroup deleted", "cgroup deleted", "{}: cgroups: cgroup deleted"],
        "The cgroup that was asked about is gone: the container ended, or someone removed its cgroup. For the numbers of a \
         container that ends that is ordinary.",
    )
    .first(&["crictl ps -a"]),
    cause(
        "cgroup-not-found",
        Shim,
        crate::Whose::Cgroups,
        &["cgroups: cgroup mountpoint does not exist", "cgroup mountpoint does not exist", "cgroups: unable to find {q} in controller set", "cgroups: unable to find {}", "unable to find {q} in controller set", "Devices cgroup isn't mounted", "failed to find the cgroup root{}", "no cgroup mount found in mountinfo", "cgroups: cannot find cgroup mount destination", "cannot find cgroup mount destination", "cgroups: cannot found cgroup mount destination", "mountpoint for {} not found", "mountpoint not found", "Unable to find {} cgroup in mounts", "failed to find subsystem mount for required subsystem", "Failed to find subsystem mount for required subsystem"],
        "A cgroup controller is not mounted where the runtime looks for it: a node with cgroup v2 and a runtime that \
         knows v1 only, or the other way round, or a container without /sys/fs/cgroup.",
    )
    .first(&["stat -fc %T /sys/fs/cgroup", "cat /proc/cgroups", "grep cgroup /proc/mounts"]),
    cause(
        "kata",
        Shim,
        Other,
        &["Failed to Check if grpc server is working{rest}", "Failed to Check if grpc server is working", "failed to launch qemu{rest}", "qemu-system-{}: {rest}", "qemu-kvm: {rest}", "Create container timeout{rest}", "failed to get OOM event from sandbox{rest}", "Could not create the sandbox resource controller{rest}"],
        "Kata's virtual machine did not start, or its agent does not answer. Its own log says why.",
    )
    .wraps(&[])
    .first(&["journalctl -b -t kata -t kata-runtime -t containerd-shim-kata-v2", "kata-runtime check"]),
    cause(
        "seccomp-notify",
        Shim,
        Security,
        &["seccomp listener path {q} is not set{}", "unable to pass seccomp notify fd{}", "failed to create seccomp agent{}"],
        "A seccomp profile wants an agent that is not there.",
    )
    .states(&["seccomp-wait"]),
    cause(
        "checkpoint-criu",
        Shim,
        Programs,
        &["criu failed: {rest}", "({n}) Error (cr-{}.c:{n}): {rest}", "Error (criu/{}.c:{n}): {rest}", "CRIU version {rest}", "exec: \"criu\": executable file not found in $PATH", "criu: {rest}"],
        "criu, which makes checkpoints, failed or is not there.",
    )
    .wraps(&[]),
    consequence(
        "runtime-slow",
        Kubelet,
        Tasks,
        &["PLEG is not healthy: pleg was last seen active {} ago; threshold is {}", "PLEG is not healthy{rest}", "pleg was last seen active {rest}", "GenericPLEG: Unable to retrieve pods"],
        "kubelet does not get the list of containers in time: a shim does not answer, containerd waits for a lock or \
         the disk, or the node is overloaded.",
    )
    .codes(&["runtime/stuck"])
    .states(&["shim-stopped", "storage-hung"])
    .first(&[STUCK, "time crictl ps -a > /dev/null", "cat /proc/pressure/io /proc/pressure/memory"]),
    cause(
        "task-not-created",
        Shim,
        Tasks,
        &["container not created{}", "container not created", "process not created{}", "process does not exist {}"],
        "The shim holds no process of that name: it was never made (the creation failed before), or has been removed already. After \
         a start that failed, or where two remove it at once, that is ordinary. Where a task cannot be removed or made for it, a shim \
         was left without its container.",
    )
    .open()
    .or(&["the creation failed: an earlier line says why", "it was removed already", "a shim is left that has lost its container"])
    .first(&["coroner runtime shims /", "ctr -n k8s.io tasks ls", JOURNAL]),
    consequence(
        "task-state-unread",
        Containerd,
        Tasks,
        &["converting task to protobuf", "unknown status"],
        "The daemon asked a shim how its task is, and got no answer, or none that it knows. The line before or after says which task.",
    )
    .within(&["containerd"])
    .first(&[STUCK, "coroner runtime shims /"]),
    consequence(
        "ttrpc-late-answer",
        Containerd,
        Tasks,
        &["ttrpc: received message on inactive stream", "received message on inactive stream"],
        "An answer of a shim (or of an NRI plugin) came after its caller had given it up: a time limit ran out, or the request was withdrawn. \
         The shim runs, and was slow. Nothing is lost by that.",
    )
    .first(&[STUCK, "cat /proc/pressure/io /proc/pressure/cpu"]),
    act(
        "shim-cleanup-runc",
        Shim,
        Tasks,
        &["failed to remove runc container", "failed to remove runc container: {rest}"],
        "After a shim had ended, its container was to be removed, and `runc delete` failed. Where the container was never made, or is gone \
         already, that is ordinary: runc says so with exit status 255 or 1. Else its processes or its cgroup are left.",
    )
    .or(&["there is no such container any more (then nothing is wrong)", "a process of it does not end, or its cgroup is busy"])
    .first(&["runc --root /run/containerd/runc/k8s.io list", STUCK, "coroner runtime shims /"]),
    cause(
        "restart-log-label",
        Containerd,
        Tasks,
        &[
            "Label {q} is no longer supported since containerd v2.0. Use {q} instead",
            "Label {q} is no longer supported since containerd v2.0",
        ],
        "A container that containerd starts by its restart label has its log named by a label of 1.x, which 2.x does not \
         follow: what it writes from then on is lost.",
    )
    .certain()
    .codes(&["container/restart-log-lost"])
    .first(&[TRIAGE]),
];
