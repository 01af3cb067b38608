//! containerd's own parts: its start, its stores, its connections.

use super::{Place, place};
use crate::message::Component::{Client, Containerd, Go};
use crate::message::Whose::{Daemon, Memory, Other, Settings, Stores, Unknown};
use crate::table::{DISK, DMESG, JOURNAL, PLUGINS, PREFLIGHT, STUCK, TRIAGE};

pub(super) const ALL: &[Place] = &[
    place(
        "at-go-crash",
        Go,
        Unknown,
        &["panic:", "goroutine ", "fatal error:", "runtime.throw", "sigsegv", "sigabrt", "runtime error"],
        "A program written in Go ended by a panic, or its dump. The program is the one whose journal, pod or terminal has the line; the first frames outside of package runtime name the \
         place in its source.",
    )
    .or(&["an error that the program does not go on with: the words after `panic:` are its own", "a defect of that release", "frames of bbolt: a damaged database (containerd's, a snapshotter's, etcd's)", "memory that could not be had"])
    .first(&["journalctl -b --no-pager | grep -B20 -A5 -m1 -e 'panic:' -e 'fatal error:'", "kubectl get pods -A -o wide | grep -v Running"]),
    place(
        "at-bolt",
        Containerd,
        Stores,
        &["bolt", "meta.db", "metadata.db", "freelist", "checkptr"],
        "A database of the daemon (meta.db, or a snapshotter's) was being opened, read or written.",
    )
    .or(&["it is damaged (a power cut, a full disk)", "another process holds its lock", "the disk is full or read-only"])
    .first(&["coroner bolt check /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db", PREFLIGHT, DISK]),
    place(
        "at-gc",
        Containerd,
        Stores,
        &["garbage collect", "gc.scheduler", " lease", "leases", "gc failed"],
        "Garbage collection, or a lease that keeps things from it.",
    )
    .first(&[TRIAGE, DISK]),
    place(
        "at-snapshotter",
        Containerd,
        Stores,
        &["snapshot", "overlayfs", "devmapper", "thin-pool", "thinpool", "dmsetup", "zfs", "btrfs", "lowerdir", "upperdir", "workdir"],
        "A snapshotter was making, mounting, measuring or removing the folders (or devices) that containers and layers lie on.",
    )
    .or(&["meta.db, the snapshotter's database and its folders disagree", "the disk or the pool is full, failed, or of a kind that cannot carry it", "a mount still uses it"])
    .first(&["coroner snapshots check /", DISK, DMESG]),
    place(
        "at-content",
        Containerd,
        Stores,
        &["content store", "ingest", "blobs/sha256", "digest", "content.v1"],
        "A blob of an image in the content store was being read, written or removed.",
    )
    .first(&["coroner content verify /", DISK]),
    place(
        "at-plugin",
        Containerd,
        Daemon,
        &["loading plugin", "load plugin", "failed to load plugin", "io.containerd.", "plugin="],
        "The daemon loads its plugins at a start; one that fails takes those with it that need it.",
    )
    .first(&[PLUGINS, PREFLIGHT, JOURNAL]),
    place(
        "at-config",
        Containerd,
        Settings,
        &["config.toml", "toml:", "toml ", "containerd config", "unmarshal toml"],
        "containerd's settings were being read.",
    )
    .first(&["containerd config dump > /dev/null", PREFLIGHT]),
    place(
        "at-socket",
        Client,
        Daemon,
        &["containerd.sock", "dial unix", "health check returned error", "connection is unavailable", "connection error: desc&unix", "transport: error while dialing&unix", "error reading from server", "docker.sock", "crio.sock", "cri-dockerd.sock", "validate service connection", "rpc error: code = unavailable desc = grpc", "rpc error: code = unavailable&.sock"],
        "A client (kubelet, crictl, ctr, dockerd) was talking to a runtime's socket.",
    )
    .or(&["the daemon does not run, is starting, or has died", "it listens at another socket (k3s, RKE2, MicroK8s and k0s have their own)", "the client may not use it: it is root's"])
    .first(&["systemctl status containerd", "ls -l /run/containerd/containerd.sock", JOURNAL]),
    place(
        "at-nri",
        Containerd,
        Other,
        &["nri ", "nri/", "nri:", "nri-"],
        "NRI: plugins that containerd asks before it makes, changes or ends a container.",
    )
    .first(&["ls -l /opt/nri/plugins /etc/nri", JOURNAL]),
    place(
        "at-tracing",
        Containerd,
        Other,
        &["otlp", "opentelemetry", "tracing", "jaeger"],
        "Traces, which containerd sends elsewhere if it is told to. Without them everything else works.",
    )
    .first(&["systemctl show containerd -p Environment"]),
    place(
        "at-limits",
        Containerd,
        Memory,
        &["too many open files", "cannot allocate memory", "resource temporarily unavailable", "no space left", "inotify", "fsnotify", "ulimit"],
        "Something of the node is used up: files, watches, processes, memory or room. The path or the call in the line says \
         which.",
    )
    .first(&[DISK, "systemctl show containerd -p TasksMax -p LimitNOFILE", "sysctl fs.inotify fs.file-nr", "free -m"]),
    place(
        "at-containerd",
        Containerd,
        Unknown,
        &["containerd["," containerd: ", "msg=\"starting containerd", "containerd.io", "level=&containerd", "module=\"containerd", "containerd/", "containerd-", "containerd"],
        "containerd, or who speaks with it. The text itself is not known here.",
    )
    .first(&["systemctl status containerd", JOURNAL, STUCK]),
];
