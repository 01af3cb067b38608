//! systemd: what it says of units when they come, go and fail, on nodes with containers.

use super::{DMESG, JOURNAL, PREFLIGHT};
use crate::message::Component::{self, Systemd};
use crate::message::Whose::{Cgroups, Daemon, Nobody, Settings};
use crate::message::{Message, act, cause, consequence};

const UNIT: &str = "systemctl status UNIT";

pub(super) const ALL: &[Message] = &[
    crate::message::cause(
        "program-argument-unknown",
        crate::message::Component::System,
        crate::message::Whose::Programs,
        &["Found argument {q} which wasn't expected{rest}", "unexpected argument {q} found{rest}", "unknown flag: {}"],
        "A program was called with an option that it does not know: the caller and the program are of different releases, or a setting or a unit names an option that is gone.",
    )
    .open()
    .first(&["systemctl cat UNIT", "PROGRAM --version"]),
    crate::message::cause(
        "etcd-quota",
        crate::message::Component::Kubernetes,
        crate::message::Whose::Other,
        &["Errors present on etcd cluster: memberID:{n} alarm:NOSPACE{rest}", "{}alarm:NOSPACE{rest}", "etcdserver: mvcc: database space exceeded{rest}", "mvcc: database space exceeded{rest}"],
        "etcd's database reached its own quota (2 GiB where none is set) and takes no more writes. No disk is full: it must be compacted and defragmented, and the alarm ended.",
    )
    .first(&["etcdctl endpoint status --cluster -w table", "etcdctl alarm list"]),
    crate::message::cause(
        "storage-path-lost",
        crate::message::Component::Kernel,
        crate::message::Whose::Storage,
        &["block {}: no usable path - {rest}", "device-mapper: multipath: {} Failing path {rest}"],
        "All ways to a disk on the network are gone, and its reads and writes wait: the server of the volume, or the network to it, is down.",
    )
    .first(&["nvme list-subsys", "multipath -ll", "kubectl get volumeattachments"]),
    crate::message::cause(
        "kernel-slab-refused",
        crate::message::Component::Kernel,
        crate::message::Whose::Memory,
        &["SLUB: Unable to allocate memory on node {rest}"],
        "The kernel could not get memory for its own objects: the node's, or, on old kernels that count it for each container, the cgroup's limit.",
    )
    .first(&["free -m", "slabtop -o -s c | head -n 20", "uname -r"]),
    crate::message::cause(
        "kubelet-not-running",
        crate::message::Component::Kubelet,
        crate::message::Whose::Pod,
        &["The HTTP call equal to {q} failed with error", "[kubelet-check] The HTTP call equal to {q} failed with error{rest}", "Get {q}: dial tcp 127.0.0.1:10248: connect: connection refused", "dial tcp 127.0.0.1:10248: connect: connection refused"],
        "kubelet does not run on this node (or not yet): nothing answers at its own port 10248. Its log says why it ended.",
    )
    .first(&["systemctl status kubelet", "journalctl -b -u kubelet --no-pager | tail -n 50"]),
    crate::message::cause(
        "no-address-left",
        crate::message::Component::Cni,
        crate::message::Whose::Network,
        &["Failed to allocate address: No available addresses", "request ip return 500 no available ip for pod {}", "no available ip for pod {}"],
        "The pods' network has no free address left to give out, or its records hold addresses of pods that are gone.",
    )
    .first(&["kubectl get pods -A -o wide --field-selector spec.nodeName=NODE | wc -l", "kubectl get pods -n kube-system -o wide"]),
    crate::message::cause(
        "remote-snapshot-lost",
        crate::message::Component::OtherSnapshotter,
        crate::message::Whose::Stores,
        &["snapshot {} is not ready, err: {rest}", "failed to get daemon by snapshotID ({}){rest}"],
        "A snapshotter that is a program of its own (nydus, stargz) does not serve that snapshot: it lost its record of it, or the program behind it ended, mostly at a restart.",
    )
    .first(&["journalctl -b --no-pager -u '*nydus*' -u '*stargz*' | tail -n 50", "findmnt -t fuse,erofs"]),
    crate::message::cause(
        "docker-containerd-late",
        crate::message::Component::Dockerd,
        crate::message::Whose::Daemon,
        &["failed to start containerd: timeout waiting for containerd to start", "timeout waiting for containerd to start"],
        "The containerd that dockerd starts itself was not ready in time: a slow disk, very much load, or state that is left of before (a pid file, a lock). Its lines are in dockerd's own log.",
    )
    .first(&["journalctl -b -u docker --no-pager | tail -n 50", "ls -l /var/run/docker/containerd"]),
    crate::message::cause(
        "kubelet-cgroups-apart",
        crate::message::Component::Kubelet,
        crate::message::Whose::Cgroups,
        &["failed to get the kubelet's cgroup: cpu and memory cgroup hierarchy not unified.{rest}", "cpu and memory cgroup hierarchy not unified.{rest}"],
        "On cgroup v1, kubelet (or the engine) is in another cgroup for cpu than for memory: its unit has CPUAccounting or MemoryAccounting off. Only its statistics suffer.",
    )
    .first(&["systemctl show kubelet containerd docker -p CPUAccounting -p MemoryAccounting", "cat /proc/self/cgroup"]),
    crate::message::cause(
        "scope-move-denied",
        crate::message::Component::Systemd,
        crate::message::Whose::Security,
        &["{}.scope: Failed to add PIDs to scope's control group: Permission denied", "Failed to add PIDs to scope's control group: Permission denied"],
        "systemd was not allowed to move the container's process into its scope: SELinux, or another security rule, denied it.",
    )
    .first(&["ausearch -m avc -ts recent", "getenforce"]),
    crate::message::cause(
        "systemd-bpf-note",
        crate::message::Component::Systemd,
        crate::message::Whose::Nobody,
        &["Detaching egress BPF program from cgroup failed: Invalid argument", "Detaching ingress BPF program from cgroup failed: Invalid argument"],
        "A note of systemd's on a kernel without a part of BPF. Nothing is wrong with containers.",
    )
    .first(&["uname -r"]),
    crate::message::cause(
        "graph-driver-unsupported",
        crate::message::Component::OtherEngine,
        crate::message::Whose::Storage,
        &["kernel does not support overlay fs: {rest}", "{q} is not supported over {} at {q}{rest}", "backing file system is unsupported for this graph driver"],
        "The engine's storage driver does not work here: the kernel has no overlay, or the file system under the store (or a user without root) cannot carry it.",
    )
    .first(&["findmnt -T /var/lib/containers/storage -T /var/lib/docker", "grep overlay /proc/filesystems"]),
    crate::message::cause(
        "image-config-missing",
        crate::message::Component::Containerd,
        crate::message::Whose::Stores,
        &["failed to resolve rootfs: could not resolve config", "could not resolve config"],
        "The image's records or blobs are not whole for this platform: its configuration was not found. No name of a host is meant.",
    )
    .first(&["ctr images check", "coroner content check /"]),
    crate::message::cause(
        "systemd-in-container",
        crate::message::Component::Systemd,
        crate::message::Whose::Cgroups,
        &["Failed to allocate manager object{rest}", "[!!!!!!] Failed to allocate manager object{rest}", "Failed to create {}/init.scope control group{rest}", "Failed to create /init.scope control group{rest}", "Failed to attach {n} to compat systemd cgroup {rest}"],
        "A systemd that is the first process of a container could not set up its cgroup: /sys/fs/cgroup is not writable there, is not the container's own \
         (cgroup namespace), or the image's systemd does not know this node's kind of cgroups. It is no fault of the node's systemd.",
    )
    .open()
    .first(&["findmnt -t cgroup,cgroup2", "docker info --format '{{.CgroupVersion}} {{.CgroupDriver}}'"]),
    cause(
        "unit-step-status",
        Systemd,
        Settings,
        &["{}: Main process exited, code=exited, status=200/CHDIR", "Main process exited, code=exited, status=200/CHDIR", "{}: Main process exited, code=exited, status=201/NICE", "Main process exited, code=exited, status=201/NICE", "{}: Main process exited, code=exited, status=202/FDS", "Main process exited, code=exited, status=202/FDS", "{}: Main process exited, code=exited, status=203/EXEC", "Main process exited, code=exited, status=203/EXEC", "{}: Main process exited, code=exited, status=204/MEMORY", "Main process exited, code=exited, status=204/MEMORY", "{}: Main process exited, code=exited, status=205/LIMITS", "Main process exited, code=exited, status=205/LIMITS", "{}: Main process exited, code=exited, status=206/OOM_ADJUST", "Main process exited, code=exited, status=206/OOM_ADJUST", "{}: Main process exited, code=exited, status=208/STDIN", "Main process exited, code=exited, status=208/STDIN", "{}: Main process exited, code=exited, status=209/STDOUT", "Main process exited, code=exited, status=209/STDOUT", "{}: Main process exited, code=exited, status=210/CHROOT", "Main process exited, code=exited, status=210/CHROOT", "{}: Main process exited, code=exited, status=214/SETSCHEDULER", "Main process exited, code=exited, status=214/SETSCHEDULER", "{}: Main process exited, code=exited, status=216/GROUP", "Main process exited, code=exited, status=216/GROUP", "{}: Main process exited, code=exited, status=217/USER", "Main process exited, code=exited, status=217/USER", "{}: Main process exited, code=exited, status=218/CAPABILITIES", "Main process exited, code=exited, status=218/CAPABILITIES", "{}: Main process exited, code=exited, status=219/CGROUP", "Main process exited, code=exited, status=219/CGROUP", "{}: Main process exited, code=exited, status=220/SETSID", "Main process exited, code=exited, status=220/SETSID", "{}: Main process exited, code=exited, status=224/PAM", "Main process exited, code=exited, status=224/PAM", "{}: Main process exited, code=exited, status=225/NETWORK", "Main process exited, code=exited, status=225/NETWORK", "{}: Main process exited, code=exited, status=226/NAMESPACE", "Main process exited, code=exited, status=226/NAMESPACE", "{}: Main process exited, code=exited, status=228/SECCOMP", "Main process exited, code=exited, status=228/SECCOMP", "{}: Main process exited, code=exited, status=231/APPARMOR_PROFILE", "Main process exited, code=exited, status=231/APPARMOR_PROFILE", "{}: Main process exited, code=exited, status=233/RUNTIME_DIRECTORY", "Main process exited, code=exited, status=233/RUNTIME_DIRECTORY", "{}: Main process exited, code=exited, status=235/CHOWN", "Main process exited, code=exited, status=235/CHOWN", "{}: Main process exited, code=exited, status=238/STATE_DIRECTORY", "Main process exited, code=exited, status=238/STATE_DIRECTORY", "{}: Main process exited, code=exited, status=239/CACHE_DIRECTORY", "Main process exited, code=exited, status=239/CACHE_DIRECTORY", "{}: Main process exited, code=exited, status=240/LOGS_DIRECTORY", "Main process exited, code=exited, status=240/LOGS_DIRECTORY", "{}: Main process exited, code=exited, status=241/CONFIGURATION_DIRECTORY", "Main process exited, code=exited, status=241/CONFIGURATION_DIRECTORY"],
        "systemd itself ended the start before the unit's program ran: the word after the number is the step that failed (CHDIR its working \
         folder is not there, EXEC its program is not there or may not be run, USER or GROUP unknown, NAMESPACE its mounts, CGROUP its \
         cgroup).",
    )
    .first(&["systemctl cat UNIT", "journalctl -b -u UNIT --no-pager | grep -i 'failed at step'"]),
    cause(
        "unit-quiet",
        Systemd,
        Nobody,
        &["{}: Deactivated successfully", "{}: Succeeded", "{}: Consumed {rest}", "Started {}", "Starting {}", "Stopping {}", "Stopped {}", "Reached target {}", "Stopped target {}", "Created slice {}", "Removed slice {}", "Listening on {}", "Closed {}", "Mounted {}", "Unmounted {}", "Finished {}", "{}: Unit is bound to inactive unit{rest}", "{}: Supervising process {n} which is not our child. We'll most likely not notice when it exits", "{}: Got notification message from PID {n}, but reception only permitted for main PID {n}", "{}: Current command vanished from the unit file, execution of the command list won't be resumed", "Reloading.", "Reexecuting."],
        "systemd tells that a unit began, ended or was measured: the scopes and mounts of containers come and go all the time. \
         Nothing in it is a fault.",
    )
    .within(&["systemd[", "systemd:", "systemd ["])
    .unless(&["failed", "dependency"]),
    cause(
        "unit-left-over",
        Systemd,
        Nobody,
        &["{}: Unit process {n} ({}) remains running after unit stopped", "Unit process {n} ({}) remains running after unit stopped", "{}: Found left-over process {n} ({}) in control group while starting unit. Ignoring", "Found left-over process {n} ({}) in control group while starting unit. Ignoring", "{}: This usually indicates unclean termination of a previous run, or service implementation deficiencies", "This usually indicates unclean termination of a previous run, or service implementation deficiencies"],
        "The unit ended or was started again, and processes of it run on. For containerd that is meant (KillMode=process): shims \
         and containers outlive the daemon. Do not kill them.",
    )
    .first(&["coroner runtime shims /", UNIT]),
    consequence(
        "unit-restart",
        Systemd,
        Daemon,
        &["{}: Service RestartSec={} expired, scheduling restart", "{}: Service hold-off time over, scheduling restart", "{} holdoff time over, scheduling restart", "{}: Service restart not allowed", "Job for {} failed because the control process exited with error code{rest}", "Job for {} failed because a {rest}", "Job for {} failed{rest}", "Unit {} entered failed state", "start request repeated too quickly for {}"],
        "A unit ended, and systemd starts it again, or has given that up. Why it ended is in the unit's own lines before this one.",
    )
    .first(&[UNIT, "journalctl -b -u UNIT --no-pager | tail -n 50", PREFLIGHT]),
    act(
        "unit-cgroup",
        Systemd,
        Cgroups,
        &["{}: Couldn't move process {n} to {q}: {rest}", "{}: Failed to attach PID {n} to {q}{rest}", "{}: Failed to open cgroup {rest}", "{}: Failed to create cgroup {rest}", "{}: Failed to kill control group {rest}", "{}: Failed to reset devices.list: {rest}", "{}: Failed to set devices.allow on {rest}", "{}: Failed to set {q} attribute on {q} to {q}: {rest}", "{}: Failed to set '{}' attribute on '{}' to '{}': {rest}", "Failed to create {} control group: {rest}", "{}: Failed to enable unit cgroup: {rest}"],
        "systemd was making, setting or emptying the cgroup of a unit or of a container's scope.",
    )
    .or(&["systemd itself runs in a container that may not change cgroups (then it is a warning)", "another program took or removed that cgroup", "a controller is missing"])
    .first(&["stat -fc %T /sys/fs/cgroup; cat /sys/fs/cgroup/cgroup.controllers", "systemd-detect-virt", DMESG]),
    cause(
        "device-notes",
        Systemd,
        Nobody,
        &["{}: Link is not managed by us", "{}: Lost carrier", "{}: Gained carrier", "{}: Link UP", "{}: Link DOWN", "{}: Gained IPv6LL", "Could not generate persistent MAC address for {}: {rest}", "Could not generate persistent MAC address for {}", "Could not generate persistent MAC: {rest}", "link_config: autonegotiation is unset or enabled, the speed and duplex are not writable", "Using default interface naming scheme {}", "ethtool: autonegotiation is unset or enabled, the speed and duplex are not writable", "{}: Gained carrier", "{}: Lost carrier", "{}: Link UP", "{}: Link DOWN", "{}: Gained IPv6LL"],
        "What udev and systemd-networkd say when the cards of containers (veth) come and go. Nothing is wrong.",
    ),
    cause(
        "unit-setting-unknown",
        Systemd,
        Settings,
        &["{}: Unknown key name {q} in section {q}, ignoring", "{}: Unknown key name '{}' in section '{}', ignoring", "{}: Unknown lvalue '{}' in section '{}', ignoring", "{}: Unknown lvalue {q} in section {q}{rest}", "{}: Assignment outside of section. Ignoring", "{}: Invalid URL, ignoring{rest}", "{}: Failed to parse {}, ignoring{rest}"],
        "A line of a unit's file has no effect: this systemd does not know the setting, or not there. The unit runs without it.",
    )
    .first(&["systemctl cat UNIT", "systemd-analyze verify UNIT"]),
    act(
        "cri-died",
        Component::Cri,
        Daemon,
        &["Failed to run CRI service", "failed to run CRI service", "failed to create CRI service", "Failed to create CRI service"],
        "The CRI plugin failed while it began its work, and takes the daemon with it. The error beside it says what failed.",
    )
    .codes(&["cri/name-twice", "meta/plain-key", "cri/record-unusable"])
    .or(&["a record of a pod, a container or an image cannot be read back", "the address of its streaming server is not there or taken", "NRI, CNI or another of its settings"])
    .first(&[PREFLIGHT, JOURNAL]),
];
