//! runc and crun: making, entering and ending a container's process.

use super::{DMESG, JOURNAL, STUCK, TRIAGE};
use crate::message::Component::{Cri, Crun, OtherRuntime, Runc};
use crate::message::Whose::{
    Cgroups, Image, Kernel, Memory, Other, Pod, Programs, Security, Storage, Tasks,
};
use crate::message::{Message, act, cause};

pub(super) const ALL: &[Message] = &[
    cause(
        "entrypoint-not-found",
        Runc,
        Image,
        &["Container command not found or does not exist{rest}", 
            "exec: {q}: executable file not found in $PATH",
            "exec: {q}: stat {path}: no such file or directory",
            "exec: {q}: stat {}: no such file or directory",
            "exec: {q}: no such file or directory",
            "exec: {q}: not found",
            "exec {path}: no such file or directory",
            "executable file `{}` not found in $PATH",
            "executable file `{}` not found: No such file or directory",
            "exec: {q}: executable file not found in $PATH{rest}",
            "executable file `{}` not found{rest}", "exec: {q}: stat {path}: not a directory", "Container command not found or does not exist",],
        "The program that the image or the pod names is not in the image, or what it needs (the interpreter of a \
         script, a loader) is not. For `kubectl exec` it only means that the image has no such command.",
    )
    .unless(&["kubelet --version", "preflight", "mkfs", "criu", "iptables", "socat", "apparmor_parser", "unpigz", "modprobe", "mount.", "nvidia-container-runtime", "containerd-shim", "exec: \"runc\"", "docker-credential", "docker-proxy", "\"dockerd\"", "exec: \"git\"", "lsb_release", "exec: \"docker\"", "exec: \"containerd\"", "exec: \"auplink\"", "exec: \"zfs\"", "exec: \"crictl\"", "exec: \"kubelet\"", "exec: \"nsenter\"", "exec: \"mount\"", "exec: \"systemctl\"", "exec: \"apparmor_parser\"", "exec: \"ip\"", "exec: \"conntrack\"", "exec: \"blkid\"", "exec: \"btrfs\"", "exec: \"dmsetup\"", "slirp4netns", "fuse-overlayfs", "newuidmap", "newgidmap", "netavark", "conmon", "exec: \"pasta\""])
    .codes(&["snapshot/directory-missing", "snapshot/usage-differs"])
    .or(&["the image has no shell (then only the exec fails)", "a volume hides the program", "the snapshot lost files: compare it with its blobs"])
    .first(&["crictl inspecti IMAGE", "coroner snapshots verify /"]),
    cause(
        "entrypoint-denied",
        Runc,
        Image,
        &["exec: {q}: permission denied", "exec {path}: permission denied", "exec user process caused: permission denied", "standard_init_linux.go:{n}: exec user process caused: permission denied", "exec: {q}: is a directory", "open executable: Permission denied", "open executable: Operation not permitted", "open executable", "exec: {q}: stat {path}: permission denied", "exec: {q}: operation not permitted"],
        "The program of the image may not be run: no execute bit, a folder, a mount with noexec, or a user that may \
         not reach it.",
    )
    .unless(&["fork/exec", "systemd", "prestart", "hook"])
    .codes(&["snapshot/layer-differs"])
    .first(&["coroner snapshots verify /", "findmnt -o TARGET,OPTIONS | grep noexec"]),
    cause(
        "chdir",
        Runc,
        Image,
        &["chdir to cwd ({q}) set in config.json failed: {}", "chdir to cwd ({q}) set in config.json failed", "mkdir {path}: not a directory{rest}rootfs", "cannot chdir to {}", "chdir to `{}`", "current working directory is outside of container mount namespace root{rest}", "OCI runtime {} failed: chdir {rest}"],
        "The working folder of the image or the pod cannot be entered: it is missing, or the user may not reach it.",
    ),
    cause(
        "container-id-exists",
        Runc,
        Tasks,
        &[
            "container with given ID already exists",
            "container with id exists: {}",
            "container with id exists",
            "container {q} already exists",
            "container with id {q} already exists",
            "id already in use",
            "container `{}` already exists",
            "container {id} already exists",
        ],
        "The runtime has a state folder of this id from an earlier task, which was not removed: the daemon or the \
         node went down in the middle, and /run was kept.",
    )
    .codes(&["runtime/state-without-bundle", "runtime/state-stale"])
    .first(&["coroner runtime ls /", STUCK]),
    cause(
        "cgroup-not-empty",
        Runc,
        Cgroups,
        &[
            "container's cgroup is not empty: {n} process(es) found",
            "container's cgroup is not empty{rest}",
            "container's cgroup unexpectedly frozen",
            "the cgroup {q} is not empty",
            "cgroup not empty",
        ],
        "Processes of an earlier container of this id are still in its cgroup, or it is frozen: an earlier removal \
         was not complete.",
    )
    .certain()
    .codes(&["runtime/stuck", "runtime/state-without-bundle"])
    .states(&["leaked-init", "frozen-v1", "frozen-v2"])
    .first(&["cat /sys/fs/cgroup/PATH/cgroup.procs", STUCK]),
    cause(
        "cgroup-busy",
        Runc,
        Cgroups,
        &[
            "remove /sys/fs/cgroup{}: device or resource busy",
            "unlinkat /sys/fs/cgroup{}: device or resource busy",
            "rmdir /sys/fs/cgroup{}: device or resource busy",
            "failed to remove paths: {rest}",
            "Failed to remove paths: {rest}",
            "unable to remove path {q}: {rest}",
            "unable to destroy cgroup{rest}",
            "cannot delete cgroup {rest}",
            "Failed to remove cgroup{rest}",
            "error while removing cgroup{rest}",
        ],
        "A cgroup cannot be removed: processes are in it (in state D, or zombies that no parent \
         reaps), or cgroups below it.",
    )
    .wraps(&["busy", "deadline"])
    .codes(&["runtime/stuck"])
    .states(&["leaked-init", "storage-hung", "zombie"])
    .first(&["find /sys/fs/cgroup/PATH -name cgroup.procs -exec cat {} +", STUCK]),
    cause(
        "cgroup-no-space",
        Runc,
        Cgroups,
        &[
            "mkdir /sys/fs/cgroup{}: no space left on device",
            "mkdir /sys/fs/cgroup/memory{}: no space left on device",
            "mkdir /sys/fs/cgroup/memory{}: cannot allocate memory",
            "mkdir /sys/fs/cgroup{}: cannot allocate memory",
        ],
        "The kernel makes no more cgroups of that kind; no disk is full. With cgroup v1 it is the limit of 65535 \
         memory cgroups, of which removed ones count while anything remembers them (kernels before 5.x with kernel \
         memory accounting leak them); with v2 a limit of descendants.",
    )
    .first(&["cat /proc/cgroups", "uname -r", "cat /sys/fs/cgroup/cgroup.max.descendants /sys/fs/cgroup/cgroup.stat"]),
    cause(
        "cgroup-cpuset",
        Runc,
        Cgroups,
        &[
            "write /sys/fs/cgroup/cpuset{}: no space left on device",
            "write {path}cpuset.cpus: {}",
            "write {path}cpuset.{}: {}",
            "open /sys/fs/cgroup/cpuset{}: no such file or directory",
            "write {path}cgroup.procs: no space left on device",
            "failed to write {} to cpuset.cpus{rest}",
            "failed to write {q}: write {path}cpuset{}: {}",
        ],
        "A cpuset cgroup has no processors, or none that its parent has: the parent's cpuset.cpus is empty or was \
         narrowed (CPU manager, isolated processors, processors taken off).",
    )
    .first(&["find /sys/fs/cgroup -maxdepth 3 -name 'cpuset.cpus*' -exec grep -H . {} +", "cat /sys/devices/system/cpu/online"]),
    cause(
        "cgroup-memory-limit",
        Runc,
        Memory,
        &[
            "unable to set memory limit to {n} (current usage: {n}, peak usage: {n})",
            "unable to set memory limit to {rest}",
            "write {path}memory.{}: device or resource busy",
            "failed to write {q}: write {path}memory.{}: device or resource busy",
            "failed to write {n} to memory.limit_in_bytes{rest}",
            "failed to write {n} to memory.memsw.limit_in_bytes{rest}",
            "failed to write {q}: write {path}memory.{}: {}",
        ],
        "A memory limit is below what is used already. For a new container it is mostly too small to start it at \
         all.",
    )
    .certain(),
    cause(
        "cgroup-path-missing",
        Runc,
        Cgroups,
        &[
            "open /sys/fs/cgroup{}: no such file or directory",
            "openat2 /sys/fs/cgroup{}: no such file or directory",
            "openat2 {path}: no such file or directory",
            "open {path}memory.{}: no such file or directory",
            "open {path}cgroup.{}: no such file or directory",
            "failed to write {q}: open /sys/fs/cgroup{}: no such file or directory",
            "lstat /sys/fs/cgroup{}: no such file or directory",
            "statfs /sys/fs/cgroup{}: no such file or directory",
            "creating cgroup directory `{}`: No such file or directory",
        ],
        "A file of a cgroup is missing: the cgroup was removed meanwhile (systemd did it, or the container ended), \
         or the controller is not enabled there.",
    )
    .open()
    .or(&["systemd removed the unit's cgroup: kubelet and containerd have different cgroup drivers", "the controller is not in cgroup.controllers of the parent"])
    .first(&["cat /sys/fs/cgroup/cgroup.controllers", "grep -r -i cgroup /var/lib/kubelet/config.yaml; containerd config dump | grep -i systemdcgroup"]),
    cause(
        "cgroup-v2-domain",
        Runc,
        Cgroups,
        &[
            "cannot enter cgroupv2 {q} with domain controllers -- it is in an invalid state",
            "cannot enter cgroupv2 {q} with domain controllers -- it is in {}",
            "cannot enter cgroupv2 {rest}",
            "write {path}cgroup.subtree_control: device or resource busy",
            "write {path}cgroup.subtree_control: operation not supported",
            "failed to write {q}: write {path}cgroup.subtree_control: device or resource busy",
            "failed to write {q}: write {path}cgroup.subtree_control: operation not supported",
            "cannot set controllers{}: {rest}",
            "enable controllers {}: Device or resource busy",
            "enable controllers {}: Operation not supported",
        ],
        "A cgroup (v2) is in a state in which it takes no controllers: it is threaded, below a threaded one, or has \
         processes of its own beside child cgroups.",
    )
    .certain()
    .first(&["cat /sys/fs/cgroup/PATH/cgroup.type", "cat /sys/fs/cgroup/PATH/cgroup.subtree_control"]),
    cause(
        "cgroup-pids-limit",
        Runc,
        Cgroups,
        &["write {path}cgroup.procs: resource temporarily unavailable", "write {path}cgroup.procs: invalid argument", "failed to write {n}: write {path}cgroup.procs: resource temporarily unavailable", "failed to write {n} to cgroup.procs: write {path}cgroup.procs: invalid argument", "failed to write {n}: write {path}cgroup.procs: invalid argument", "failed to write {n} to cgroup.procs: write {path}cgroup.procs: resource temporarily unavailable", "write {path}cgroup.procs: no such process", "failed to write {n}: write {path}cgroup.procs: no such process", "write {path}cgroup.procs: device or resource busy", "failed to write {n}: write {path}cgroup.procs: device or resource busy",],
        "A process could not be put into its cgroup: the process is gone, the cgroup takes none (a limit of pids, a \
         cpuset without processors, real-time scheduling), or it is threaded.",
    )
    .open()
    .first(&["cat /sys/fs/cgroup/PATH/pids.max /sys/fs/cgroup/PATH/cgroup.type", DMESG]),
    cause(
        "systemd-unit-exists",
        Runc,
        Cgroups,
        &["Unit {}.scope already exists", "Unit {}.slice already exists", "unit {}.scope already exists", "Unit {} already exists", "Unit {}.scope was already loaded or has a fragment file", "Unit {} was already loaded or has a fragment file"],
        "systemd has a unit of that name from before, mostly one that failed: `systemctl reset-failed` lets it go.",
    )
    .certain()
    .first(&["systemctl list-units --all 'cri-containerd-*.scope' --state=failed"]),
    cause(
        "systemd-unit-failed",
        Runc,
        Cgroups,
        &[
            "error `creating` systemd unit `{}`: got `{}`",
            "error creating systemd unit `{}`: got `failed`",
            "error creating systemd unit `{}`: got `{}`",
            "error creating systemd unit `{}`",
            "Unit {} is not loaded",
            "unable to start unit {q} (properties {rest}",
            "unable to start unit {q}",
            "unable to start unit {q}{}",
            "Failed to activate service 'org.freedesktop.systemd1': timed out{rest}",
            "error creating systemd unit",
            "timeout waiting for systemd to create {}",
            "Timeout waiting for systemd to create {}",
            "dial unix /run/systemd/private: connect: {}",
            "dial unix /run/dbus/system_bus_socket: connect: {}",
            "dial unix /var/run/dbus/system_bus_socket: connect: {}",
            "failed to connect to dbus{rest}",
            "Message recipient disconnected from message bus without replying",

            "systemd failed to {rest}",
            "sd-bus call: {rest}",
            "error adding pid {n} to cgroups",
            "systemd not running on this host, cannot use systemd cgroups manager",
            "Failed to add PIDs to scope's control group: {}",
            "{}: Failed to add PIDs to scope's control group: {}",
        ],
        "systemd did not make the container's unit: it does not answer on D-Bus, is overloaded by very many units, \
         or refused. Its own lines for that unit say which.",
    )
    .within(&["systemd", "unit", "scope", "dbus", "d-bus", "cgroup", "bus"])
    .first(&["journalctl -b _PID=1 --no-pager | tail -n 50", "systemctl is-system-running", "systemctl list-units --all | wc -l"]),
    cause(
        "cgroup-driver",
        Runc,
        Cgroups,
        &[
            "expected cgroupsPath to be of format {q} for systemd cgroups, got {q} instead",
            "expected cgroupsPath to be of format {rest}",
            "kubelet cgroup driver: {q} is different from docker cgroup driver: {q}",
            "invalid slice name: {q}",
            "invalid slice name{rest}",
        ],
        "kubelet and containerd have different cgroup drivers: one gives paths, the other wants units of systemd.",
    )
    .codes(&["runtime/cgroup-driver-differs"])
    .certain()
    .first(&["grep -i cgroupdriver /var/lib/kubelet/config.yaml", "containerd config dump | grep -i systemdcgroup"]),
    act(
        "cgroup-apply",
        Runc,
        Cgroups,
        &["unable to apply cgroup configuration", "applying cgroup configuration for process", "unable to set cgroup config for process", "setting cgroup config for procHooks process", "error setting cgroup config for procHooks process", "failed to create cgroup", "Failed to create cgroup", "unable to apply cgroup configuration{}", "error during cgroup setup", "writing file `/sys/fs/cgroup{}`", "creating cgroup directory `{}`", "failed to write {n} to cgroup.procs", "failed to write {n}: write {path}cgroup.procs", "write {path}cgroup.procs"],
        "The container's cgroup could not be made or set; the rest says why.",
    )
    .first(&["stat -fc %T /sys/fs/cgroup", DMESG]),
    cause(
        "init-oom",
        Runc,
        Memory,
        &[
            "container init was OOM-killed (memory limit too low?)",
            "unable to start container process: container init was OOM-killed (memory limit too low?)",
            "container init was OOM-killed{}",
            "OOM-killed{}",
        ],
        "The container's init was killed for want of memory before the program started: the memory limit is below \
         what runc itself needs.",
    )
    .first(&["kubectl get pod POD -o jsonpath='{..limits}'", "journalctl -k -b | grep -i oom"]),
    cause(
        "child-pid",
        Runc,
        Tasks,
        &[
            "can't get final child's PID from pipe: EOF",
            "can't get final child's PID from pipe{}",
            "can't get final child's PID from pipe",
            "getting the final child's pid from pipe",
            "process_linux.go:{n}: getting the final child's pid from pipe caused: EOF",
            "getting the final child's pid from pipe caused {q}",
            "read init-p: connection reset by peer",
            "error reading from init-p{}",
            "write init-p: broken pipe",
            "copying bootstrap data to pipe",
            "copying bootstrap data to pipe{}",
            "waiting for init preliminary setup: EOF",
            "waiting for init preliminary setup: read init-p: connection reset by peer",
            "waiting for init preliminary setup",
            "unable to create new parent process{}",
            "can't get pid from pipe{}",
        ],
        "runc's child ended in its first steps, before there was a state.json: it was killed \
         (memory), refused (seccomp, user namespaces, a limit of processes), or the kernel lacks a \
         namespace.",
    )
    .wraps(&["broken-pipe", "ended-early"])
    .open()
    .codes(&["runtime/state-missing"])
    .or(&["the memory limit is too small", "user.max_user_namespaces is 0", "a limit of processes is reached"])
    .first(&["journalctl -k -b | grep -i -e oom -e seccomp", "sysctl user.max_user_namespaces kernel.pid_max", "cat /proc/sys/kernel/threads-max"]),
    cause(
        "start-already-running",
        Runc,
        Tasks,
        &["cannot start an already running container"],
        "The start found the FIFO without a byte in it, or gone: the container was let go before.",
    )
    .codes(&["runtime/fifo-stale"])
    .states(&["started-fifo-stale", "second-start-hung"])
    .first(&[STUCK]),
    cause(
        "exec-fifo",
        Runc,
        Tasks,
        &["write exec fifo: {}", "write exec fifo", "open exec fifo /proc/self/fd/{n}: no such file or directory", "open exec fifo{}", "write exec fifo /proc/{rest}"],
        "Init was released and no process read: a start was killed, or a tool opened and closed \
         exec.fifo, which ends a waiting container.",
    )
    .codes(&["runtime/fifo-waiting"])
    .first(&[STUCK]),
    cause(
        "container-does-not-exist",
        Runc,
        Tasks,
        &["container does not exist", "container {q} does not exist", "container {} does not exist", "error opening file `{}/status`: No such file or directory", "container `{}` does not exist"],
        "The runtime has no state of this id: creation is under way, hangs in a hook or a mount, or \
         failed; or the state was removed. `runc delete --force` would leak the process.",
    )
    .unless(&["command not found"])
    .codes(&["runtime/state-missing", "runtime/bundle-without-state"])
    .first(&[STUCK, "coroner runtime ls /"]),
    cause(
        "runc-binary-busy",
        Runc,
        Tasks,
        &["unlinkat {path}containerd/runc/{}: device or resource busy", "remove {path}containerd/runc/{}: device or resource busy", "unlinkat {path}/runc/{}: device or resource busy", "unlinkat /run/runc{}: device or resource busy", "unlinkat {path}/runc.{}: device or resource busy"],
        "A state folder cannot be removed: runc's bind mount of itself is in it (runc.XXXXXX, up to \
         1.1.14). Unmount it, then delete.",
    )
    .certain()
    .codes(&["runtime/binary-leftover"])
    .first(&["coroner runtime mounts /"]),
    cause(
        "netns-busy",
        Runc,
        crate::Whose::Network,
        &["unlinkat {path}netns/cni-{}: device or resource busy", "remove {path}netns/{}: device or resource busy", "unlinkat {path}netns/{}: device or resource busy", "failed to remove netns", "failed to remove network namespace", "failed to remove network namespace for sandbox {q}"],
        "A pod's network namespace is still mounted, here or in another mount namespace (a container that mounts \
         /run or /var/run), and cannot be removed.",
    )
    .wraps(&["busy"])
    .certain()
    .first(&["grep -l netns/cni- /proc/*/mountinfo", "findmnt -t nsfs"]),
    cause(
        "netns-missing",
        Runc,
        crate::Whose::Network,
        &["failed to open netns {q}: failed to Statfs {q}: no such file or directory", "failed to open netns {q}", "failed to Statfs {q}: no such file or directory", "failed to Statfs {q}", "unknown FS magic on {q}: {n}", "unknown FS magic on {q}", "lstat {path}netns/{}: no such file or directory", "open {path}netns/{}: no such file or directory", "failed to check network namespace closed", "namespace {q} has been closed", "failed to open netns(){rest}"],
        "A pod's network namespace is gone from /run/netns, or its file is no namespace (any more): \
         after a reboot, or after it was unmounted. The kubelet creates a new sandbox after the old \
         one is removed.",
    )
    .wraps(&["no-such-file"])
    .unless(&["current namespace", "/host/"])
    .first(&["ls -l /run/netns; findmnt -t nsfs", TRIAGE]),
    cause(
        "freeze",
        Runc,
        Cgroups,
        &["unable to freeze", "unable to freeze{}", "timeout waiting for cgroup to freeze{}", "freezer not supported{}", "cannot freeze{rest}", "cgroup.freeze{rest}"],
        "A cgroup could not be frozen; look for tasks in state D, and for FREEZING.",
    )
    .codes(&["runtime/stuck"])
    .states(&["freezing", "storage-hung"])
    .first(&[STUCK]),
    cause(
        "paused",
        Runc,
        Cgroups,
        &["cannot start a paused container", "cannot exec in a paused container (use --ignore-paused to override)", "cannot exec in a paused container{}", "cannot exec a container that has been paused{}", "Container {} is paused, unpause the container before exec"],
        "The container's cgroup is frozen: it was paused, or an update or checkpoint was killed in the middle.",
    )
    .codes(&["runtime/stuck"])
    .states(&["frozen-v1", "frozen-v2", "paused", "exec-frozen"])
    .first(&[STUCK]),
    cause(
        "start-stopped",
        Runc,
        Tasks,
        &["cannot start a container that has stopped", "container process is already dead", "cannot exec in a stopped container", "cannot exec in a stopped state{}", "cannot exec a container that has stopped{}", "cannot exec in a deleted state{}", "cannot exec in a created state{}"],
        "Its init has ended: before the start (a start or an init that was killed, or a pid that is another's by \
         now), or before the exec.",
    )
    .codes(&["runtime/stuck"])
    .states(&["start-died-early", "pid-reused"])
    .first(&[STUCK, "crictl ps -a"]),
    cause(
        "delete-not-stopped",
        Runc,
        Tasks,
        &["cannot delete container {} that is not stopped: {}", "cannot delete container that is not stopped", "container {} is not stopped"],
        "It is not stopped as runc sees it. Where its FIFO was left, runc takes a workload that runs for one that was \
         never started.",
    )
    .codes(&["runtime/stuck"])
    .states(&["started-fifo-stale"])
    .first(&[STUCK]),
    cause(
        "hook-failed",
        Runc,
        Other,
        &[
            "error running hook #{n}: {rest}",
            "error running hook: {rest}",
            "error running hook{}",
            "error running {} hook #{n}: {rest}",
            "error running {} hook #{n}",
            "error running prestart hook #{n}: {rest}",
            "running hook {n} caused {rest}",
            "running hook {n} caused: {rest}",
            "error executing hook `{}` (exit code: {n})",
            "error executing hook{rest}",
            "prestart hook {n} caused: {rest}",
            "running prestart hook {n} caused {rest}", "hook command exited with non-zero exit code: {n}", "hook command exited with non-zero exit code{rest}",],
        "A hook of the container (nvidia's, or another vendor's) failed or was killed; runc removed \
         what it had created. The line has the hook's output.",
    )
    .wraps(&[])
    .codes(&["runtime/stuck"])
    .states(&["hook-host", "hook-container", "hook-start"])
    .first(&["ls /etc/containers/oci/hooks.d /usr/share/containers/oci/hooks.d", STUCK]),
    cause(
        "sandbox-clone-refused",
        OtherRuntime,
        crate::message::Whose::Kernel,
        &["fork/exec /proc/self/exe: invalid argument", "fork/exec /proc/self/exe: operation not permitted", "fork/exec /proc/self/exe: no space left on device"],
        "The kernel did not make the process with the namespaces that it should have: user namespaces are off or used up, or the kernel is \
         too old.",
    )
    .within(&["sandbox&runsc", "cannot create sandbox process", "starting sandbox", "gvisor", "rootless", "rootlesskit", "unshare"])
    .first(&["sysctl user.max_user_namespaces kernel.unprivileged_userns_clone", "uname -r", "runsc --version"]),
    cause(
        "user-bus",
        Crun,
        Cgroups,
        &["sd-bus call: Transport endpoint is not connected", "sd-bus call: Transport endpoint is not connected: Transport endpoint is not connected", "sd-bus call: Interactive authentication required.: Permission denied", "sd-bus call: Permission denied: Permission denied", "sd-bus add match: {rest}", "cannot set sd-bus{rest}", "open sd-bus{rest}"],
        "The runtime did not reach the systemd that it asked for a cgroup: rootless, that is the user's, whose session (bus address, XDG_RUNTIME_DIR) is \
         not there; else systemd's own bus does not answer.",
    )
    .open()
    .first(&["loginctl list-users", "systemctl status dbus", "systemctl is-system-running"]),
    cause(
        "slice-gone",
        Runc,
        Cgroups,
        &["sd-bus call: Unit {} not found.{rest}", "sd-bus call: Unit {} not found", "Unit {}.slice not found.{rest}", "Unit {}.slice not found"],
        "systemd does not have the pod's slice any more: it was stopped or removed, and with it the pod's cgroup. kubelet recreates it with the pod.",
    )
    .first(&["systemctl list-units --all 'kubepods*' | tail -n 20", "journalctl -b _PID=1 --no-pager | tail -n 50"]),
    cause(
        "nvidia",
        OtherRuntime,
        Other,
        &[
            "nvidia-container-cli: {rest}",
            "Auto-detected mode as 'legacy'{rest}",
            "Auto-detected mode as{rest}",
            "could not select device driver {q} with capabilities{rest}",
            "driver error: failed to process request{rest}",
            "initialization error: {rest}",
            "nvml error: {rest}",
            "failed to get nvidia device{rest}",
            "no such device: nvidia{rest}",
        ],
        "NVIDIA's hook failed: its driver is not loaded, does not fit its libraries, or the device is gone.",
    )
    .wraps(&[])
    .first(&["nvidia-smi", "dmesg | grep -i nvrm"]),
    cause(
        "mount-type-mismatch",
        Runc,
        Pod,
        &[
            "error mounting {q} to rootfs at {q}: mount {}: not a directory",
            "error mounting {q} to rootfs at {q}: mount {rest}: not a directory",
            "error mounting {q} to rootfs at {q}: {}: not a directory",
            "error mounting {q} to rootfs at {q}: create mountpoint for {} mount: {rest}not a directory",
            "open `{}`: Not a directory",
            "mkdir `{}`: Not a directory",
            "creat `{}`: Not a directory",
            "Are you trying to mount a directory onto a file (or vice-versa)?{rest}",
            "Are you trying to mount a directory onto a file (or vice-versa){rest}",
            "mount through procfd: not a directory",
            "cannot create subdirectories in {q}: not a directory",
            "not a directory: Are you trying to mount {rest}",
        ],
        "A volume is a folder where the image has a file, or the other way round: often a file on the host that did \
         not exist and was made as a folder (hostPath, subPath, `-v`).",
    )
    .certain()
    .first(&["stat PATH_ON_THE_HOST"]),
    cause(
        "mount-source-missing",
        Runc,
        Pod,
        &[
            "error mounting {q} to rootfs at {q}: stat {path}: no such file or directory",
            "error mounting {q} to rootfs at {q}: mount {rest}: no such file or directory",
            "error mounting {q} to rootfs at {q}: {rest}no such file or directory",
            "bind source path does not exist{rest}",
            "bind mount source {path}: no such file or directory",
            "invalid mount config for type {q}: bind source path does not exist{rest}",
            "open `{}`: No such file or directory",
            "cannot stat `{}`: No such file or directory", "invalid mount config for type {q}: bind mount source path does not exist{rest}",],
        "What should be mounted into the container is not on the node (any more): a hostPath, a secret that was \
         removed, a socket.",
    )
    .unless(&["mounting \"proc\"", "mounting \"cgroup", "mounting \"sysfs\"", "mounting \"tmpfs\"", "mounting \"mqueue\"", "mounting \"devpts\"", "mounting \"shm\"", "src=proc,", "src=sysfs,", "src=cgroup", "src=tmpfs,", "mounting \\\"proc\\\"", "mounting \\\"cgroup", "mounting \\\"sysfs\\\"", "mounting \\\"tmpfs\\\""])
    .first(&["stat PATH_ON_THE_HOST"]),
    cause(
        "proc-mount-refused",
        Runc,
        Security,
        &["mounting {q} to rootfs at \"/proc\"{}: mount through procfd: operation not permitted", "mounting \"proc\" to rootfs at \"/proc\" caused: mount through procfd: operation not permitted", "error mounting \"proc\" to rootfs at \"/proc\": mount proc:{rest}operation not permitted", "mount `proc` to `/proc`: Operation not permitted", "mount `proc` to `proc`: Operation not permitted"],
        "The kernel refuses a new /proc in a user namespace: a part of the outer /proc is covered (a container in a container), or the pid namespace \
         is the host's (--pid=host while rootless).",
    )
    .first(&["grep proc /proc/self/mountinfo", "sysctl user.max_user_namespaces", "runc --version"]),
    cause(
        "subtree-control",
        Runc,
        Cgroups,
        &["writing file `{path}cgroup.subtree_control`: Invalid argument", "write {path}cgroup.subtree_control: invalid argument", "failed to write {q}: write {path}cgroup.subtree_control: invalid argument", "writing file `{path}cgroup.subtree_control`: Device or resource busy", "write {path}cgroup.subtree_control: device or resource busy", "writing file `{path}cgroup.subtree_control`: Operation not supported", "write {path}cgroup.subtree_control: operation not supported"],
        "The kernel does not enable a controller for the cgroups below: it lacks it, processes are in the cgroup itself, it is a threaded one, or real-time \
         processes keep the cpu controller out (kernels with RT_GROUP_SCHED).",
    )
    .open()
    .first(&["cat /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/cgroup.subtree_control", "ps -eo pid,cls,rtprio,comm | grep -w -e RR -e FF", "findmnt -t cgroup2"]),
    cause(
        "mount-denied",
        Runc,
        Security,
        &[
            "error mounting {q} to rootfs at {q}: {rest}operation not permitted",
            "error mounting {q} to rootfs at {q}: {rest}permission denied",
            "mount {rest}, flags: {}: operation not permitted",
            "mount {q} to {q}: Permission denied",
            "mount through procfd: permission denied",
            "mount `{}` to `{}`: Operation not permitted",
            "mount `{}` to `{}`: Permission denied",
        ],
        "A mount into the container is refused: a user namespace that may not mount it, a security rule, or a \
         container in a container without the rights.",
    )
    .first(&["ausearch -m avc -ts recent", DMESG]),
    cause(
        "mount-propagation",
        Runc,
        Pod,
        &["path {path} is mounted on {path} but it is not a shared mount", "path {q} is mounted on {q} but it is not a shared mount", "is mounted on {} but it is not a shared{rest}", "path {path} is mounted on {path} but it is not a shared or slave mount{}", "path {} is mounted on {} but it is not a shared{rest}", "path {} is not a shared mount{rest}", "failed to generate container {q} spec: failed to generate spec: path {} is mounted on {} but it is not a shared{rest}"],
        "The pod wants mounts to propagate, and that mount of the node is private.",
    )
    .certain()
    .first(&["findmnt -o TARGET,PROPAGATION /"]),
    cause(
        "mount-proc-check",
        Runc,
        Pod,
        &["check proc-safety of {rest}", "{q} cannot be mounted because it is inside /proc{}", "possibly malicious path detected{rest}", "{} is inside /proc{rest}"],
        "A mount over a part of /proc is refused: it would let a container look harmless that is not. runc of \
         November 2025 (1.2.8, 1.3.3, 1.4.0-rc.3 and later) is stricter.",
    )
    .first(&["runc --version"]),
    cause(
        "sysctl-reopen",
        Runc,
        Security,
        &[
            "open sysctl {} file: reopen fd {n}: permission denied",
            "open sysctl {} file: {rest}permission denied",
            "reopen fd {n}: permission denied",

        ],
        "A newer runc (1.3.3, 1.2.8, 1.4.0-rc.3 and later) sets sysctls over a procfs of its own, which AppArmor of \
         an outer container (LXC, Proxmox) refuses. It is neither CNI nor an image.",
    )
    .first(&["runc --version", "systemd-detect-virt", "dmesg | grep -i apparmor"]),
    cause(
        "sysctl-unknown",
        Runc,
        Pod,
        &["open /proc/sys/{}: no such file or directory", "write sysctl key {}: {rest}", "write sysctl key {}", "sysctl {q} is not in a separate kernel namespace", "sysctl {q} not allowed in host network namespace", "open /proc/sys/{}: read-only file system", "open sysctl {} file: {rest}no such file or directory", "cannot set sysctl{rest}", "open sysctl {}: no such file or directory"],
        "A sysctl that the pod asks for is not there in this kernel or namespace, or may not be set.",
    )
    .first(&["uname -r"]),
    cause(
        "proc-not-mountable",
        Runc,
        Kernel,
        &["error mounting {q} to rootfs at {q}: mount src=proc, dst=/proc{rest}", "error mounting {q} to rootfs at {q}: mount proc:/proc{rest}"],
        "runc could not mount a new /proc for the container. In a container of another container (a build in a pod, a rootless engine) the outer one hides parts of /proc or lacks the right; a runc that \
         mounts by a file descriptor needs a newer kernel or another /proc there.",
    )
    .wraps(&["no-such-file", "not-permitted", "permission-denied", "invalid", "other-errno"])
    .first(&["systemd-detect-virt --container", "runc --version; uname -r", "findmnt --submounts /proc"]),
    act(
        "rootfs-mount",
        Runc,
        Storage,
        &["error mounting {q} to rootfs at {q}", "mounting {q} to rootfs {q} at {q}", "error during container init: error mounting {q} to rootfs at {q}", "error preparing rootfs", "preparing rootfs", "error jailing process inside rootfs", "pivot_root", "error mounting {q} to rootfs{rest}", "mounting {q}{}"],
        "The container's root file system could not be put together; the rest says why. If it hangs \
         instead, the server of a mount does not answer.",
    )
    .codes(&["runtime/stuck"])
    .states(&["storage-hung"])
    .first(&["kubectl describe pod POD", DMESG]),
    cause(
        "pivot-root",
        Runc,
        Kernel,
        &["pivot_root {}: invalid argument", "pivot_root: invalid argument", "error jailing process inside rootfs: pivot_root {}: invalid argument", "error jailing process inside rootfs: pivot_root: invalid argument", "pivot_root .: invalid argument"],
        "The node's own root is an initramfs (rootfs), from which pivot_root is not possible.",
    )
    .first(&["findmnt /"]),
    cause(
        "rootfs-missing",
        Runc,
        Tasks,
        &["rootfs ({path}) does not exist", "invalid rootfs: stat {path}: no such file or directory", "invalid rootfs", "stat {path}/rootfs: no such file or directory", "lstat {path}/rootfs: no such file or directory", "error opening file `{}/rootfs`: {rest}", "open {path}config.json: no such file or directory", "JSON specification file config.json not found"],
        "The bundle has no rootfs or no config.json: its folder under /run was emptied or never made.",
    )
    .wraps(&["no-such-file"])
    .codes(&["runtime/bundle-without-record", "runtime/bundle-file-damaged"])
    .first(&["coroner runtime ls /"]),
    cause(
        "apparmor",
        Runc,
        Security,
        &[
            "unable to apply apparmor profile: {rest}",
            "unable to apply apparmor profile",


            "apparmor failed to apply profile: {rest}",
            "apparmor failed to apply profile",
            "write /proc/self/attr/{}exec: {}",
            "write `/proc/self/attr/apparmor/exec`: {rest}",
            "write file `/proc/{rest}attr/{rest}",
        ],
        "The AppArmor profile of the container is not loaded on this node, or AppArmor is not on, or an outer \
         container does not allow it.",
    )
    .first(&["aa-status", "cat /sys/module/apparmor/parameters/enabled", "ls /etc/apparmor.d | grep -i -e cri -e containerd -e docker"]),
    cause(
        "apparmor-not-built",
        crate::Component::Runc,
        crate::Whose::Programs,
        &["apparmor: config provided but apparmor not supported", "config provided but apparmor not supported"],
        "The container has an AppArmor profile, and this runc cannot set one: it was built without AppArmor, or the kernel has it switched off.",
    )
    .first(&["runc --version", "cat /sys/module/apparmor/parameters/enabled"]),
    cause(
        "selinux",
        Runc,
        Security,
        &["write /proc/self/attr/keycreate: {}", "write /proc/{path}attr/{}: {}", "error setting Label on {rest}", "failed to set {path} with selinux{rest}", "selinux is not supported{rest}", "can't set process label{rest}", "setxattr {path}: {}", "lsetxattr {path}: {}", "relabel failed {rest}", "error setting selinux label{rest}"],
        "SELinux does not let the label be set, or is not on while the pod wants one.",
    )
    .unless(&["apparmor"])
    .first(&["getenforce", "ausearch -m avc -ts recent", "rpm -q container-selinux"]),
    cause(
        "selinux-denied",
        crate::Component::Kernel,
        crate::Whose::Security,
        &["avc: denied {rest}", "SELinux is preventing {rest}"],
        "SELinux refused what the line names, to the program that it names: a policy that is older than the program (container-selinux), or files with a wrong label.",
    )
    .unless(&["apparmor"])
    .first(&["ausearch -m avc -ts recent", "rpm -q container-selinux", "ls -Z PATH"]),
    cause(
        "seccomp",
        Runc,
        Security,
        &["error loading seccomp filter into kernel: {rest}", "error loading seccomp filter: {rest}", "unable to init seccomp{rest}", "unable to init seccomp", "seccomp not supported{rest}", "config provided but seccomp not supported{}", "load seccomp filter: {rest}", "error adding seccomp filter rule for syscall {}", "error adding seccomp rule for syscall {}{rest}", "unrecognized syscall {rest}"],
        "The seccomp profile cannot be loaded: the kernel or libseccomp is older than the profile.",
    )
    .first(&["runc --version", "uname -r"]),
    cause(
        "capabilities",
        Runc,
        Security,
        &["unable to apply caps: operation not permitted", "unable to apply caps{}", "capset", "unable to apply bounding set: {rest}", "unable to drop capabilities{rest}", "unable to set capability {rest}", "unknown capability {q}", "setting capabilities{rest}"],
        "The container should get rights that whoever makes it does not have: a container in a container, or a \
         unit of containerd with a bounding set.",
    )
    .first(&["systemctl show containerd -p CapabilityBoundingSet", "grep Cap /proc/$(pgrep -xo containerd)/status"]),
    cause(
        "id-map-refused",
        crate::message::Component::OtherEngine,
        Security,
        &["newuidmap: write to uid_map failed: Operation not permitted", "newgidmap: write to gid_map failed: Operation not permitted", "newuidmap: open of uid_map failed: Permission denied", "newgidmap: open of gid_map failed: Permission denied", "newuidmap: {}uid_map failed: {}", "newgidmap: {}gid_map failed: {}", "running `{}newuidmap {}`: newuidmap: write to uid_map failed: Operation not permitted", "running `{}newuidmap {}`: newuidmap: open of uid_map failed: Permission denied", "running `{}newuidmap {}`: {rest}"],
        "newuidmap could not map the user's ids: it lost its setuid bit or its capabilities (an image that was copied), /etc/subuid has no such range for this \
         user, or, in a container, the outer map does not hold those ids.",
    )
    .first(&["cat /etc/subuid /etc/subgid", "cat /proc/self/uid_map", "ls -l /usr/bin/newuidmap /usr/bin/newgidmap"]),
    cause(
        "userns",
        Runc,
        Kernel,
        &[
            "user namespaces enabled, but no uid mappings found",
            "user namespaces enabled, but no gid mappings found",
            "user namespaces enabled, but no {} mapping found",
            "failed to set up id mappings{}",
            "idmap mounts not supported{}",
            "failed to get user namespace fd{}",
            "operation not permitted: error creating user namespace{rest}",
            "mount_setattr {rest}",
            "failed to set MOUNT_ATTR_IDMAP on {rest}",
            "cannot set uid_map{rest}",


            "idmapped mounts{rest}",
            "unable to unshare namespaces{rest}",

            "user namespace{} is not supported{rest}", "cannot set up namespace using {q}",],
        "User namespaces or idmapped mounts are not set up or not supported: by the kernel, the file system under \
         it, the runtime, or the settings (missing mappings).",
    )
    .first(&["sysctl user.max_user_namespaces kernel.unprivileged_userns_clone", "uname -r", "findmnt -T /var/lib/containerd"]),
    act(
        "nsexec-step",
        Runc,
        Tasks,
        &["nsexec{}: {rest}", "runc: [{n}]{rest}", "nsexec-{n}[{n}]: {rest}"],
        "The first steps of a container's process (runc's C code, nsexec): its copy of its own program, its new namespaces, its \
         mappings of users. The rest of the line says at which it ended.",
    )
    .or(&["user namespaces are switched off or have no mapping", "a security rule or seccomp refuses", "memory or processes are at their limit"])
    .first(&["sysctl user.max_user_namespaces", "journalctl -k -b | grep -i -e oom -e denied", "runc --version"]),
    cause(
        "kernel-namespace",
        Runc,
        Kernel,
        &["namespace {q} does not exist", "unsupported namespace type {q}{rest}", "time namespaces aren't enabled in the kernel"],
        "The kernel does not have a kind of namespace that is asked for.",
    )
    .first(&["uname -r"]),
    cause(
        "setns-exec",
        Runc,
        Tasks,
        &[
            "error executing setns process: exit status {n}",
            "error executing setns process",
            "executing setns process",
            "setns_init_linux.go:{n}: setting {rest}",
            "error closing exec fds",
            "error starting setns process",
            "exec failed{}: cannot exec{rest}",
        ],
        "A process could not be added to the container: it ended at that moment, its init is in a \
         bad state, or the new process was killed (memory, a limit of pids, seccomp). The line gives \
         no other detail.",
    )
    .open()
    .or(&["the container's memory or pids limit is reached", "the container was ending"])
    .codes(&["runtime/stuck"])
    .first(&["crictl ps -a", "journalctl -k -b | grep -i oom", STUCK]),
    cause(
        "fd-denied",
        Runc,
        Security,
        &["open /proc/self/fd/{n}: permission denied", "open /proc/self/fd/{n}: {}", "open /proc/{n}/fd/{n}: permission denied", "can't open /proc/{}: permission denied"],
        "The container may not open what it was handed over (its output, or runc itself): a security rule of an \
         outer container, SELinux, or a terminal that belongs to another user.",
    )
    .open()
    .first(&["ausearch -m avc -ts recent", "dmesg | grep -i apparmor", "runc --version"]),
    cause(
        "exec-cgroup-gone",
        Runc,
        Cgroups,
        &["error joining cgroup{rest}", "unable to join cgroup{rest}", "can't read cgroup{rest}", "process {n} is not in cgroup{rest}"],
        "A process could not join the container's cgroup.",
    )
    .open()
    .first(&[STUCK]),
    cause(
        "keyring",
        Runc,
        Kernel,
        &["unable to join session keyring: {rest}", "unable to join session keyring", "join session keyring: {rest}", "unable to create session key{rest}", "create keyring `{}`: {rest}"],
        "The container should get a keyring of its own, and the kernel refused: this user has no more keys left (disk quota exceeded), an outer container's seccomp forbids it (operation not permitted), or the kernel has no keyrings (function not implemented). `no_new_keyring` in the runtime's options does without.",
    )
    .first(&["cat /proc/key-users", "sysctl kernel.keys.maxkeys kernel.keys.root_maxkeys"]),
    cause(
        "rlimits",
        Runc,
        Pod,
        &["error setting rlimit type {n}: {rest}", "error setting rlimits for ready process{rest}", "error setting rlimit{rest}", "setting rlimit{rest}", "setrlimit `{}`: {rest}"],
        "A limit that the container should get is above what whoever makes it may give.",
    )
    .first(&["systemctl show containerd -p LimitNOFILE -p LimitNPROC"]),
    cause(
        "device-missing",
        Runc,
        Pod,
        &["error gathering device information while adding custom device {q}: {rest}", "error gathering device information{rest}", "not a device node", "lstat /dev/{}: no such file or directory", "stat /dev/{}: no such file or directory", "open /dev/{}: no such file or directory", "failed to create device{rest}", "creating device nodes caused {rest}"],
        "A device that the container should have is not on the node.",
    )
    .unless(&["/dev/mapper", "kvm", "vhost", "nvidia", "/dev/fuse", "/dev/kmsg", "oom events"])
    .first(&["ls -l /dev"]),
    cause(
        "device-denied",
        Runc,
        Security,
        &["open /dev/{}: operation not permitted", "mknod {path}: operation not permitted", "error found less than {rest}device{rest}",],
        "The container may not use or make a device: the rules of its cgroup, or an outer container's.",
    )
    .first(&["uname -r", DMESG]),
    cause(
        "console",
        Runc,
        Tasks,
        &["open /dev/ptmx: {}", "open /dev/tty: {}", "the input device is not a TTY", "provided file is not a console", "inappropriate ioctl for device", "failed to set console{rest}", "cannot allocate tty if runc will detach without setting console socket", "error opening pty{rest}", "cannot allocate tty if runc will detach"],
        "There is no terminal where one is asked for.",
    )
    .within(&["tty", "ptmx", "console", "pty"]),
    cause(
        "crun-wrong",
        Crun,
        Other,
        &["unknown version specified", "OCI runtime version {rest}", "container with a different version{rest}"],
        "crun is older than the specification that it was given (1.0.2-dev and the like).",
    )
    .certain()
    .first(&["crun --version"]),
    cause(
        "runsc",
        OtherRuntime,
        Other,
        &["creating container: cannot create sandbox: {rest}", "cannot create sandbox: {rest}", "cannot read client sync file: {rest}", "starting sub-container {rest}", "urpc method {q} failed: {rest}", "waiting for sandbox to start: {rest}"],
        "gVisor's runsc failed inside of its sandbox; its debug log says more.",
    )
    .wraps(&[])
    .open()
    .first(&["runsc --version", "ls /var/log/runsc"]),
    cause(
        "tmpfs-denied",
        Runc,
        Kernel,
        &["mkdir {path}: permission denied{rest}rootfs", "making root mount private: {rest}", "error making mount private{rest}", "remount-private dst={path}{rest}"],
        "A mount of the node may not be made private: a container in a container.",
    ),
    cause(
        "image-dot-dot",
        Runc,
        Image,
        &["path escapes from parent", "{}: path escapes from parent", "openat {}: path escapes from parent"],
        "A link in the image leads out of it: newer runtimes refuse that.",
    )
    .certain(),
    cause(
        "child-killed",
        Runc,
        Memory,
        &["signal: killed", "signal: terminated"],
        "A program was killed while another waited for it: a timeout, a stop of the unit, or want of memory.",
    )
    .unless(&["solve", "executor failed", "qemu", "netplugin"])
    .open()
    .first(&["journalctl -k -b | grep -i 'killed process'"]),
    cause(
        "binary-replaced",
        Runc,
        Programs,
        &["{path}: text file busy", "text file busy", "exec {path}: text file busy", "symbol lookup error{rest}", "error while loading shared libraries: {rest}", "version `{}' not found (required by {})", "version {q} not found (required by {})", "GLIBC_{} not found{rest}"],
        "A program is being replaced while it is used, or does not fit the node's libraries.",
    )
    .within(&["text file busy", "containerd", "runc", "shim", "docker", "glibc", "shared libraries", "symbol"])
    .first(&["runc --version; ldd $(command -v runc)"]),
    cause(
        "init-first-steps",
        Runc,
        Tasks,
        &["running exec setns process for init{rest}", "running exec setns process for init"],
        "An old runc's first steps of a container's start (its C code, which makes the namespaces) ended. The exit status is the \
         step, and the line says no more: only runc's own source of that release says which.",
    )
    .open()
    .or(&["a kind of namespace, or room for one (user.max_*_namespaces), is not there", "memory or processes are at their limit", "the program that calls libcontainer does not begin as runc's init does"])
    .first(&["sysctl -a 2>/dev/null | grep user.max_", "journalctl -k -b | grep -i -e oom -e denied", "runc --version"]),
    cause(
        "namespaces-limit",
        Runc,
        Kernel,
        &[
            "failed to unshare {}: No space left on device",
            "failed to unshare {}: no space left on device",
            "unshare: No space left on device",
            "failed to start noop process for unshare: fork/exec {}: no space left on device",
            "clone: No space left on device",
        ],
        "The kernel makes no more namespaces of that kind: the limit (user.max_*_namespaces) is reached, or is 0. No disk is full.",
    )
    .first(&["sysctl -a 2>/dev/null | grep user.max_", "lsns | awk '{print $2}' | sort | uniq -c"]),
    act(
        "userns-noop",
        Cri,
        Kernel,
        &["failed to start noop process for unshare", "failed to start noop process for unshare: fork/exec {}", "failed to pin user namespace{}", "failed to create user namespace{}"],
        "containerd's CRI plugin was making the pod's namespaces: it starts a copy of itself for that in a user namespace. The system's \
         word says why it could not.",
    )
    .first(&["sysctl -a 2>/dev/null | grep user.max_", "uname -r", JOURNAL]),
    cause(
        "procfs-unsafe",
        Runc,
        Kernel,
        &["unsafe procfs detected", "unsafe procfs detected: {rest}", "{} unsafe procfs detected: {rest}"],
        "runc of November 2025 on (1.2.8, 1.3.3, 1.4.0-rc.3 and later) looks whether the files of /proc that it uses are the real ones, \
         and could not. \"function not implemented\": the kernel, or a seccomp rule around it, does not have the call (openat2). \"no \
         such file\": this kernel's /proc lacks that file. Else something is mounted over /proc (LXC, sysbox).",
    )
    .open()
    .or(&["an old kernel, or one without user namespaces", "a container in a container, whose /proc is made up", "a defect of that release of runc: its next release may have it fixed"])
    .first(&["runc --version; uname -r", "findmnt -R /proc"]),
    act(
        "virtual-mount-failed",
        Runc,
        Kernel,
        &[
            "error mounting \"proc\" to rootfs at {q}",
            "error mounting \"cgroup\" to rootfs at {q}",
            "error mounting \"cgroup2\" to rootfs at {q}",
            "error mounting \"sysfs\" to rootfs at {q}",
            "error mounting \"tmpfs\" to rootfs at {q}",
            "error mounting \"mqueue\" to rootfs at {q}",
            "error mounting \"devpts\" to rootfs at {q}",
            "error mounting \"shm\" to rootfs at {q}",
            "mounting \"proc\" to rootfs at {q}",
            "mounting \"cgroup\" to rootfs at {q}",
            "mounting \"sysfs\" to rootfs at {q}",
            "can't mask dir {q}",
            "can't mask path {q}",
            "can't make {q} read-only",
            "can't mask paths",
        ],
        "A file system of the kernel (proc, sysfs, cgroup, tmpfs) was being mounted into the container, or a part of it hidden. No file \
         of the node is missing; the system's word says what the kernel did not do.",
    )
    .or(&["the node is a container itself (LXC, sysbox, rootless) and may not mount it", "the kernel lacks what this release of runc uses", "cgroups of the node are mounted otherwise than the runtime thinks"])
    .first(&["runc --version; uname -r", "findmnt -t proc,sysfs,cgroup,cgroup2", "systemd-detect-virt"]),
];
