//! The daemon's start and its end: sockets, folders, locks, services.

use super::{DISK, DMESG, JOURNAL, PREFLIGHT, STUCK, TRIAGE};
use crate::message::Component::{
    Client, Containerd, Cri, Dockerd, Go, K3s, Kernel, System, Systemd,
};
use crate::message::Whose::{
    Daemon, Memory, Nobody, Other, Pod, Programs, Settings, Storage, Stores, Tasks,
};
use crate::message::{Message, act, cause, consequence};

/// Words of a containerd's own panic: a frame, or its journal.
const DAEMONS: &[&str] = &[
    "containerd",
    "bolt",
    "freelist",
    "dockerd",
    "kubelet",
    "page ",
    "k3s",
    "rke2",
    "buildkit",
    "shim",
    "crio",
    "podman",
    "runc",
    "cannot allocate memory",
    "runtime",
];

pub(super) const ALL: &[Message] = &[
    act(
        "docker-start-failed",
        Dockerd,
        Tasks,
        &["Failed to start container {bare}", "Cannot start container {bare}", "Cannot restart container {bare}", "cannot restart container {bare}"],
        "dockerd could not start a container (one that it starts again at its own start, or that was asked for); the rest says why.",
    )
    .first(&["docker ps -a", "journalctl -b -u docker --no-pager | tail -n 50"]),
    cause(
        "endpoint-empty",
        Client,
        Settings,
        &["dial unix: missing address{rest}", "transport: Error while dialing dial unix: missing address{rest}", "transport: Error while dialing: dial unix: missing address{rest}"],
        "The address of the socket that a client was given is empty: no --container-runtime-endpoint (or an empty setting).",
    )
    .first(&["systemctl cat kubelet", "cat /etc/crictl.yaml", "grep -i endpoint /var/lib/kubelet/config.yaml"]),
    cause(
        "booted",
        Containerd,
        Nobody,
        &["containerd successfully booted in {}", "containerd successfully booted"],
        "The daemon came up. It says so even where its stores failed; lines before it tell.",
    )
    .certain(),
    cause(
        "starting",
        Containerd,
        Nobody,
        &["starting containerd", "Start cri plugin with config {rest}", "starting cri plugin"],
        "The daemon begins a start; the line has its release.",
    )
    .certain(),
    cause(
        "listener-taken",
        Containerd,
        Daemon,
        &[
            "failed to get listener for main endpoint",
            "failed to get listener for main ttrpc endpoint",
            "failed to get listener for debug endpoint",
            "failed to get listener for metrics endpoint",
            "failed to get listener for {}",
        ],
        "The daemon cannot make its socket and exits: the name is a folder or a file that is no socket, the \
         file system is read-only, or the address is in use.",
    )
    .wraps(&[])
    .first(&["ls -ld /run/containerd /run/containerd/*.sock*", "ss -xlp | grep containerd", PREFLIGHT]),
    cause(
        "database-locked",
        Containerd,
        Daemon,
        &[
            "waiting for response from boltdb open",
            "waiting for response from boltdb {}",
        ],
        "Another process holds the lock on meta.db: a second containerd on the same root, or one that does not \
         die. The daemon waits, and has no socket meanwhile. A tool that holds the file open does it, too.",
    )
    .certain()
    .or(&["a tool (bbolt, a backup) holds the file open"])
    .first(&["pgrep -a containerd", "lslocks | grep -e meta.db -e containerd", "fuser -v /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"]),
    cause(
        "snapshotter-database-locked",
        Containerd,
        Daemon,
        &["failed to open database file: timeout"],
        "A snapshotter could not get the lock on its database: another process holds it open.",
    )
    .first(&["pgrep -a containerd", "lslocks"]),
    cause(
        "read-only-store",
        Containerd,
        Storage,
        &[
            "mkdir /var/lib/containerd{rest}: read-only file system",
            "mkdir {path}containerd{}: read-only file system",
            "open {path}meta.db: read-only file system",
            "open {path}/containerd/{}: read-only file system",
            "chmod {path}containerd{}: read-only file system",
        ],
        "The file system under containerd's root is read-only: mounted so, or the kernel made it so after an \
         error.",
    )
    .first(&["findmnt -T /var/lib/containerd", DMESG]),
    cause(
        "not-a-folder",
        Containerd,
        Stores,
        &[
            "mkdir {path}containerd{}: not a directory",
            "mkdir {path}: not a directory",
            "mkdir {path}: file exists",
        ],
        "Where the daemon wants a folder, there is a file or a dangling link.",
    )
    .within(&["containerd"])
    .unless(&["kubelet", "rootfs", "docker", "buildkit", "io.containerd.runtime"])
    .codes(&["store/unreadable", "store/root-missing"])
    .first(&["namei -l /var/lib/containerd", PREFLIGHT]),
    cause(
        "meta-is-no-file",
        Containerd,
        Stores,
        &["open {path}meta.db: is a directory", "open {path}meta.db: not a directory"],
        "meta.db is no file.",
    )
    .certain()
    .codes(&["store/unreadable"])
    .first(&["stat /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db", TRIAGE]),
    cause(
        "meta-immutable",
        Containerd,
        Stores,
        &[
            "open {path}meta.db: operation not permitted",
            "open {path}meta.db: permission denied",
            "meta.db: operation not permitted",
        ],
        "meta.db cannot be opened for writing: it has the attribute immutable, or a security rule forbids it.",
    )
    .codes(&["store/immutable", "store/unreadable"])
    .first(&["lsattr /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db", "ausearch -m avc -ts recent"]),
    consequence(
        "server-not-initialized",
        Cri,
        Daemon,
        &["server is not initialized yet"],
        "The CRI plugin is still reading back its pods and containers, or hangs: a shim that does \
         not answer, or a mount whose server does not answer.",
    )
    .first(&[STUCK, JOURNAL]),
    consequence(
        "socket-missing",
        Client,
        Daemon,
        &[
            "dial unix {path}containerd{}.sock: connect: no such file or directory",
            "connection error: desc = \"transport: Error while dialing{rest}containerd.sock: connect: no such file or directory\"",
            "transport: Error while dialing dial unix {path}: connect: no such file or directory",
            "transport: Error while dialing: dial unix {path}: connect: no such file or directory",
            "dial unix {path}cri-dockerd.sock: connect: no such file or directory",
            "dial unix {path}docker.sock: connect: no such file or directory",
            "stat {path}containerd.sock: no such file or directory",
        ],
        "Nothing listens at that socket: containerd does not run, has not come so far, or listens elsewhere \
         (k3s, RKE2, MicroK8s and k0s have sockets of their own).",
    )
    .unless(&["buildkit", "csi.sock", "/csi", "/run/vc/", "dbus", "kubelet.sock", "podman", "snapd", "/plugins/", "nydus", "stargz", "soci", "cilium", "calico", "nri.sock", "spire", "libpod"])
    .first(&["systemctl status containerd", JOURNAL, PREFLIGHT]),
    cause(
        "dockershim-asked",
        Client,
        Settings,
        &[
            "dial unix {path}dockershim.sock: connect: no such file or directory",
            "transport: Error while dialing dial unix {path}dockershim.sock: connect: no such file or directory",
            "transport: Error while dialing: dial unix {path}dockershim.sock: connect: no such file or directory",
        ],
        "The client asks at dockershim's socket, which is gone since Kubernetes 1.24: it has no endpoint configured \
         (/etc/crictl.yaml, kubelet's settings) and tries a list of old ones. It says nothing of containerd.",
    )
    .first(&["cat /etc/crictl.yaml", "crictl --runtime-endpoint unix:///run/containerd/containerd.sock info"]),
    consequence(
        "socket-refused",
        Client,
        Daemon,
        &[
            "dial unix {path}containerd{}.sock: connect: connection refused",
            "transport: Error while dialing dial unix {path}: connect: connection refused",
            "transport: Error while dialing: dial unix {path}: connect: connection refused",
            "dial unix {path}docker.sock: connect: connection refused",
        ],
        "The socket is there and no process listens: the daemon ended or is starting.",
    )
    .unless(&["buildkit", "csi.sock", "/csi", "/run/vc/", "dbus", "kubelet.sock", "podman", "snapd", "/plugins/", "nydus", "stargz", "soci", "cilium", "calico", "nri.sock", "spire", "libpod"])
    .first(&["systemctl status containerd", JOURNAL, PREFLIGHT]),
    consequence(
        "socket-denied",
        Client,
        Programs,
        &["dial unix {path}.sock: connect: permission denied"],
        "Whoever asked may not use the socket: it belongs to root.",
    )
    .first(&["ls -l /run/containerd/containerd.sock"]),
    consequence(
        "containerd-unavailable",
        Client,
        Daemon,
        &[
            "failed to dial {q}",
            "failed to connect to containerd",
            "failed to start containerd: timeout waiting for containerd to start",
            "timeout waiting for containerd to start",
            "grpc: the connection is unavailable",
            "libcontainerd: containerd health check returned error{rest}",
            "containerd did not exit successfully",
            "error reading from server",
            "connection error",
            "validate service connection",
            "container runtime is not running",
            "failed to create new CRI runtime service",
            "failed to create new CRI image service",
            "transport is closing",
            "connect endpoint {q}, make sure you are running as root and the endpoint has been started",
            "unable to determine runtime API version",
            "getting status of runtime",
            "failed to get runtime status",
            "Container runtime sanity check failed",
            "the connection is draining",
            "Waiting for containerd startup{rest}", "unable to check if the container runtime at {q} is running",],
        "A client could not connect to containerd. Containerd's own lines of that time say why.",
    )
    .unless(&["dial tcp", ":2379", "csi.sock", "etcd", "buildkit", "/run/vc/", "dbus", "kubelet.sock", "podman", "snapd", "nri.sock", "libpod"])
    .codes(&["client/other-endpoint"])
    .first(&["systemctl status containerd", JOURNAL, PREFLIGHT]),
    act(
        "dockerd-start",
        crate::message::Component::Dockerd,
        Daemon,
        &["failed to start daemon", "Error starting daemon", "Error (re)starting daemon", "failed to start cluster component"],
        "dockerd could not start; the rest says why.",
    )
    .first(&["journalctl -b -u docker --no-pager"]),
    cause(
        "client-release-differs",
        Client,
        Nobody,
        &["WARNING: version mismatch", "WARNING: revision mismatch"],
        "ctr is of another release than the daemon that it asks: a warning.",
    )
    .certain(),
    cause(
        "docker-remove-busy",
        Dockerd,
        Storage,
        &["Unable to remove filesystem for {}{rest}", "unable to remove filesystem for {}{rest}", "driver {q} failed to remove root filesystem{rest}", "Driver {} failed to remove root filesystem{rest}"],
        "dockerd could not remove what a container left: it is still mounted, here or in another mount namespace.",
    )
    .first(&["grep -l /var/lib/docker /proc/*/mountinfo"]),
    cause(
        "dockerd-network",
        crate::message::Component::Dockerd,
        crate::Whose::Network,
        &[
            "Error initializing network controller{rest}",
            "error initializing network controller{rest}",
            "error obtaining controller instance{rest}",
            "failed to create NAT chain {rest}",
            "error creating default {q} network{rest}",
            "Failed to program NAT chain{rest}",
            "list bridge addresses failed{rest}",
        ],
        "dockerd could not set up its bridge and its rules: iptables is missing or of the other kind (legacy, nf_tables), a \
         kernel module is not there (a kernel that was upgraded without a boot), or no address range is free.",
    )
    .wraps(&[])
    .first(&["iptables --version", "lsmod | grep -e ip_tables -e nf_tables", "journalctl -b -u docker --no-pager"]),
    cause(
        "unit-exec",
        Systemd,
        crate::Whose::Programs,
        &["{}.service: Main process exited, code=exited, status=203/EXEC", "{}.service: Failed at step EXEC spawning {}"],
        "systemd could not run the unit's program: it is not at that path, not executable, or for another architecture.",
    )
    .certain()
    .codes(&["runtime/program-missing"])
    .first(&["systemctl cat containerd", "ls -l $(command -v containerd)"]),
    cause(
        "unit-program-missing",
        Systemd,
        crate::Whose::Programs,
        &["{}.service: Unable to locate executable {}"],
        "systemd did not find a program that the unit names. Where it is that of ExecStart, the unit does not start. \
         One that stands there with a dash (ExecStartPre=-/sbin/modprobe overlay) is passed over, and is not why a \
         start failed.",
    )
    .open()
    .codes(&["runtime/program-missing"])
    .or(&["only a program with a dash before it is missing, and what follows in the log is the reason"])
    .first(&["systemctl cat containerd", "journalctl -b -u containerd --no-pager"]),
    consequence(
        "k3s-containerd-exited",
        K3s,
        Daemon,
        &["containerd exited", "containerd: exit status {n}", "containerd exited: exit status {n}", "containerd exited: exec: {q}: executable file not found in %PATH%{}", "containerd exited: exec: {q}: executable file not found in $PATH", "{}containerd exited: exec: {rest}"],
        "k3s' or RKE2's own containerd ended. Its log is agent/containerd/containerd.log under the data folder.",
    )
    .first(&["tail -n 50 /var/lib/rancher/k3s/agent/containerd/containerd.log /var/lib/rancher/rke2/agent/containerd/containerd.log"]),
    consequence(
        "unit-failed",
        Systemd,
        Daemon,
        &[
            "{}.service: Main process exited, code=exited, status={n}/{}",
            "{}.service: Failed with result 'exit-code'",
            "Main process exited, code=exited, status={n}/{}",
            "Failed with result 'exit-code'",
            "{}.service: main process exited, code=dumped, status={n}/{}",
            "{}.service: main process exited, code={}, status={n}/{}",
            "Unit {}.service entered failed state",
            "{}.service failed",
            "{}.service: Start request repeated too quickly",
            "{}.service: Scheduled restart job, restart counter is at {n}",
            "Scheduled restart job, restart counter is at {n}",
            "Failed to start containerd{rest}",
            "Failed to start {}.service{rest}",
            "{}.service: Failed with result 'start-limit-hit'",
        ],
        "systemd reports that the unit ended or is restarted. Status 2 is a panic of Go (nothing was \
         \"invalid\"), 1 the program's own exit: its last lines come just before. Shims keep running \
         on purpose.",
    )
    .codes(&["unit/start-limit"])
    .first(&["journalctl -b -u UNIT --no-pager | tail -n 50", PREFLIGHT]),
    consequence(
        "unit-killed",
        Systemd,
        Memory,
        &[
            "{}.service: Main process exited, code=killed, status=9/KILL",
            "Main process exited, code=killed, status=9/KILL",
            "{}.service: Failed with result 'oom-kill'",
            "{}.service: A process of this unit has been killed by the OOM killer",
            "{}.service: Failed with result 'signal'",
        ],
        "The main process was killed: by the kernel for want of memory, by systemd after a stop that took too \
         long, or by a person.",
    )
    .first(&["journalctl -k -b --no-pager | grep -i -e oom -e 'killed process'", JOURNAL]),
    consequence(
        "unit-timeout",
        Systemd,
        Daemon,
        &[
            "{}.service: start operation timed out. Terminating",
            "{}.service: State 'stop-sigterm' timed out. Killing",
            "{}.service stop-sigterm timed out. Killing",
            "{}.service stopping timed out. {rest}",
            "{}.service start operation timed out. {rest}",
            "{}.service: Failed with result 'timeout'",
            "{}.service: State 'final-sigterm' timed out. Killing", "{}.service: Watchdog timeout (limit {})!", "{}.service: Watchdog timeout{rest}", "{}.service: Service reached runtime time limit. Stopping",],
        "The unit's time limit ended. At a start the daemon hangs before it is ready: a shim that \
         does not answer (it is asked before the socket is created), a lock on meta.db, or a mount \
         whose server does not answer.",
    )
    .codes(&["unit/ends-daemon"])
    .first(&[STUCK, "systemctl show containerd -p TimeoutStartUSec", JOURNAL]),
    cause(
        "go-nil-pointer",
        Go,
        Daemon,
        &[
            "panic: runtime error: invalid memory address or nil pointer dereference",
            "invalid memory address or nil pointer dereference",
        ],
        "The program met something that its authors did not expect: a defect, which a damaged record can call \
         forth. The first frames of the dump name the place.",
    )
    .codes(&["meta/plain-key"])
    .first(&[PREFLIGHT, TRIAGE]),
    cause(
        "go-out-of-memory",
        Go,
        Memory,
        &["fatal error: runtime: cannot allocate memory", "runtime: cannot allocate memory", "fatal error: runtime: out of memory"],
        "Go's runtime could not get memory: the node or the unit's cgroup is full, or the program asked for an \
         absurd size, as bbolt does when the count of a freelist is damaged.",
    )
    .open()
    .codes(&["bolt/freelist-count"])
    .first(&["free -m", "systemctl show containerd -p MemoryMax -p MemoryCurrent", PREFLIGHT]),
    cause(
        "go-threads",
        Go,
        Memory,
        &[
            "runtime: failed to create new OS thread (have {n} already; errno={n})",
            "failed to create new OS thread (have {n} already; errno={n})",
            "failed to create new OS thread (errno={n})",
            "runtime: may need to increase max user processes (ulimit -u)",
            "fatal error: newosproc",
            "pthread_create failed: Resource temporarily unavailable",
        ],
        "No thread can be made: the limit of tasks of the unit, the pod, the user or the kernel is reached. If \
         errno is 1, a seccomp profile that is older than the program's libc refuses clone3.",
    )
    .codes(&["unit/limits", "runtime/daemon-at-limit", "runtime/at-limit"])
    .or(&["a seccomp profile older than the image's libc (errno=1): clone3 is refused"])
    .first(&["systemctl show containerd -p TasksMax -p TasksCurrent", "cat /proc/sys/kernel/threads-max /proc/sys/kernel/pid_max"]),
    cause(
        "go-bus-error",
        Go,
        Storage,
        &[
            "fatal error: fault",
            "unexpected fault address {}",
            "unexpected fault address",
            "[signal SIGBUS{rest}",
            "signal SIGBUS: bus error code={rest}",
        ],
        "A page of a mapped file could not be read: the file is shorter than its database says, or the disk \
         fails.",
    )
    .codes(&["bolt/file-short", "bolt/page-unread"])
    .first(&[DMESG, PREFLIGHT]),
    cause(
        "go-stack-overflow",
        Go,
        Stores,
        &[
            "runtime: goroutine stack exceeds {n}-byte limit",
            "fatal error: stack overflow",
        ],
        "A program called itself without end: bbolt does it when pages of a database form a circle.",
    )
    .codes(&["bolt/page-cycle"])
    .first(&[PREFLIGHT]),
    cause(
        "go-index",
        Go,
        Stores,
        &[
            "panic: runtime error: index out of range{rest}",
            "panic: runtime error: slice bounds out of range{rest}",
            "runtime error: index out of range{rest}",
            "runtime error: slice bounds out of range{rest}",
        ],
        "A program went past the end of a list. In a frame of bbolt it is a damaged page of a database; else it \
         is a defect.",
    )
    .unless(&["ztoc"])
    .codes(&["bolt/element-bounds", "bolt/value-bounds", "bolt/page-count", "bolt/page-empty"])
    .first(&[PREFLIGHT]),
    cause(
        "go-concurrent-map",
        Go,
        Daemon,
        &["fatal error: concurrent map {rest}", "fatal error: all goroutines are asleep - deadlock!", "fatal error: sync: {rest}"],
        "A defect of the program, which no state on disk explains. Look for a newer release.",
    )
    .certain(),
    act(
        "go-fatal",
        Go,
        Daemon,
        &["fatal error: {rest}", "panic: {rest}", "[signal {} code={n} addr={n} pc={n}]", "[signal {rest}", "runtime stack:"],
        "Go's runtime gave the program up. The rest of the line and the first frames of the dump say where; a defect of \
         the program or bad memory, as long as no frame is bbolt's.",
    )
    .within(DAEMONS)
    .first(&[JOURNAL, PREFLIGHT]),
    consequence(
        "program-panicked",
        System,
        Other,
        &["fatal error: {rest}", "panic: {rest}", "[signal {} code={n} addr={n} pc={n}]", "[signal {rest}", "runtime stack:"],
        "A program in Go ended at a mistake that it found in itself, or at an error that it does not go on with: the words after `panic:` are its own. \
         The line does not show which program. It is the one whose journal, pod or terminal has the line; the first frames below it name its source.",
    )
    .unless(DAEMONS)
    .first(&["journalctl -b --no-pager | grep -B20 -A5 -m1 'panic:'", "kubectl get pods -A -o wide | grep -v Running"]),
    consequence(
        "goroutine-dump",
        Go,
        Daemon,
        &[
            "SIGQUIT: quit",
            "SIGABRT: abort",
            "goroutine {n} [{}]",
            "=== BEGIN goroutine stack dump ==={rest}",
        ],
        "A dump of what every goroutine was doing: asked for by a signal, or the end of a crash. Its first lines \
         tell which.",
    ),
    cause(
        "gc-failed",
        Containerd,
        Stores,
        &["garbage collection failed"],
        "Garbage collection ended with an error: nothing is freed until a collection succeeds. The error beside it \
         says why; after a write failed, the next try is up to ten seconds later.",
    )
    .open()
    .codes(&["store/disk-full", "blob/stray", "snapshot/parents-index"])
    .first(&[DISK, TRIAGE]),
    act(
        "content-gc-failed",
        Containerd,
        Stores,
        &["content garbage collection failed", "snapshot garbage collection failed"],
        "Garbage collection of one store stopped: something in its folder is not what the daemon expects, or \
         cannot be removed.",
    )
    .codes(&["blob/stray", "store/immutable"])
    .first(&[TRIAGE]),
    cause(
        "stray-blob-name",
        Containerd,
        Stores,
        &[
            "cannot calculate blob path from invalid digest",
            "invalid checksum digest length",
            "invalid checksum digest format",
            "unsupported digest algorithm",
        ],
        "A digest is invalid: the name of a file in the content store (garbage collection stops \
         there), or a reference in a document.",
    )
    .codes(&["blob/stray", "content/bad-digest"])
    .first(&[TRIAGE]),
    cause(
        "kubelet-swap",
        crate::Component::Kubelet,
        Pod,
        &["running with swap on is not supported, please disable swap{rest}"],
        "kubelet does not start while the node has swap.",
    )
    .certain()
    .first(&["swapon --show"]),
    cause(
        "docker-restart-config",
        Dockerd,
        Settings,
        &["unable to configure the Docker daemon with file {rest}"],
        "daemon.json is wrong: dockerd does not start. containerd has no part in it.",
    )
    .certain(),
    cause(
        "container-load-failed",
        Dockerd,
        Stores,
        &["Failed to load container {}", "failed to load container {}"],
        "dockerd lost one container's file under /var/lib/docker/containers; it continues without that file.",
    )
    .first(&["ls -l /var/lib/docker/containers"]),
    cause(
        "too-many-open-files",
        crate::message::Component::System,
        Daemon,
        &[
            "{}: too many open files",
            "too many open files",
            "socket: too many open files",
            "failed to create fsnotify watcher: too many open files",
            "inotify_init: too many open files",
            "{}: inotify_init: too many open files",
        ],
        "A limit of open files is reached: of the process, or of inotify instances or watches of the user (then \
         the line names inotify or fsnotify).",
    )
    .codes(&["unit/limits", "runtime/daemon-at-limit"])
    .first(&["systemctl show containerd -p LimitNOFILE", "sysctl fs.inotify fs.file-nr", "ls /proc/$(pgrep -xo containerd)/fd | wc -l"]),
    cause(
        "kernel-modules-overlay",
        Kernel,
        crate::Whose::Kernel,
        &[
            "FATAL: Module {} not found{rest}",
            "modprobe: FATAL: Module {} not found{rest}",
        ],
        "A module of the kernel is not installed, mostly after an upgrade of the kernel without a restart. For \
         aufs it means nothing.",
    )
    .unless(&["aufs"])
    .first(&["uname -r", "ls /lib/modules"]),
    cause(
        "shutting-down",
        Containerd,
        Nobody,
        &["Stop CRI service", "Stop CRI service{rest}", "context canceled - stopping", "Stopped containerd{rest}", "Stopping containerd{rest}", "Event monitor stopped", "Stream server stopped"],
        "The daemon was asked to stop, and does.",
    ),
    cause(
        "oom-score",
        Containerd,
        Nobody,
        &["failed to change OOM score to {n}"],
        "A note: the daemon may not change its own OOM score. It runs.",
    ),
    act(
        "log-watch",
        crate::Component::Kubelet,
        Pod,
        &["failed to create fsnotify watcher", "unable to create watcher for {}", "failed to watch file {}"],
        "A file could not be watched: mostly the user's limit of inotify instances or watches.",
    )
    .first(&["sysctl fs.inotify"]),
];
