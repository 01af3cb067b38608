//! runc and crun: what they say of limits, users and mounts beside the more common (`runc`(mod@super::runc)).

use super::{DMESG, STUCK};
use crate::message::Component::{Client, Crun, Runc, Shim, System};
use crate::message::Whose::{
    Cgroups, Daemon, Image, Kernel, Pod, Programs, Security, Settings, Tasks,
};
use crate::message::{Message, act, cause};

pub(super) const ALL: &[Message] = &[
    cause(
        "cgroup-cpu-limit",
        Runc,
        Cgroups,
        &["write {path}cpu.cfs_quota_us: invalid argument", "failed to write {q}: write {path}cpu.cfs_quota_us: invalid argument", "write {path}cpu.cfs_period_us: invalid argument", "failed to write {q}: write {path}cpu.cfs_period_us: invalid argument", "write {path}cpu.max: invalid argument", "failed to write {q}: write {path}cpu.max: invalid argument", "write {path}cpu.rt_runtime_us: invalid argument", "failed to write {q}: write {path}cpu.rt_runtime_us: invalid argument", "write {path}cpu.shares: invalid argument", "write {path}cpu.weight: invalid argument", "failed to write {n} to cpu.cfs_quota_us: {rest}", "failed to write {n} to cpu.rt_runtime_us: {rest}"],
        "The kernel does not take the CPU limit: the quota of the container is above its pod's (or another parent's), too small, \
         or real-time time is not given to the parent.",
    )
    .first(&["cat /sys/fs/cgroup/PARENT/cpu.max", "kubectl get pod POD -o jsonpath='{..limits}'", "uname -r"]),
    cause(
        "cgroup-controller-missing",
        Runc,
        Cgroups,
        &["the requested cgroup controller `{}` is not available", "rootless needs no limits + no cgrouppath when no permission is granted for cgroups{rest}", "cgroup2 controller {} not available{rest}", "open {path}memory.memsw.limit_in_bytes: no such file or directory", "write {path}memory.kmem.limit_in_bytes: {}", "failed to write {q}: write {path}memory.kmem.limit_in_bytes: {}", "this version of runc doesn't work on cgroups v2", "cgroup v2 not supported{rest}", "cgroups v2 not supported{rest}", "kernel does not support {}: {}", "Your kernel does not support {rest}", "cgroup controller {q} not available{rest}", "controller {} is not available under {rest}"],
        "A controller of cgroups is not there for whoever makes the container: not compiled into or switched off in the kernel \
         (memory on some boards, swap accounting), not delegated to the user (rootless), or the runtime knows only the other \
         version of cgroups.",
    )
    .certain()
    .first(&["cat /sys/fs/cgroup/cgroup.controllers /proc/cgroups", "cat /proc/cmdline", "stat -fc %T /sys/fs/cgroup"]),
    cause(
        "empty-command",
        Runc,
        Image,
        &["exec: \"\": executable file not found in $PATH"],
        "The command is an empty string: the pod sets it so, or the image has none. It is not about PATH.",
    )
    .certain()
    .first(&["crictl inspecti IMAGE", "kubectl get pod POD -o yaml | grep -A3 -e command -e args"]),
    cause(
        "mount-over-root",
        Runc,
        Pod,
        &["create mountpoint for / mount: {rest}", "error mounting {q} to rootfs at \"/\": {rest}"],
        "The pod or the container mounts something over its own root (/), which the runtime refuses.",
    )
    .certain()
    .first(&["kubectl get pod POD -o yaml | grep -B2 -A2 mountPath"]),
    cause(
        "cgroup-bpf",
        Runc,
        Kernel,
        &["bpf_prog_query(BPF_CGROUP_DEVICE) failed: {rest}", "failed to call BPF_PROG_ATTACH (BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI): {rest}", "failed to create the bpf device filter{rest}", "bpf create `{}`: {}", "bpf create ``: {}", "bpf_prog_attach{rest}"],
        "With cgroup v2 a small program in the kernel (BPF) decides which devices a container may use. It could not be loaded or \
         asked for: the kernel lacks it (CONFIG_CGROUP_BPF; \"invalid argument\"), or whoever makes the container may not (a \
         container in a container; \"operation not permitted\").",
    )
    .first(&["zgrep -e CGROUP_BPF -e BPF_SYSCALL /proc/config.gz /boot/config-$(uname -r)", "systemd-detect-virt", "runc --version"]),
    cause(
        "wrong-program",
        Shim,
        crate::Whose::Programs,
        &["flag provided but not defined: {}", "flag provided but not defined", "unrecognized option {q}", "unknown command {q} for {q}", "unknown shorthand flag: {rest}"],
        "A program does not know an option that it was called with: it is another program, or another release of it, than whoever \
         calls it takes it for (a shim or a runtime that is a wrong link).",
    )
    .first(&["ls -l $(command -v containerd-shim-runc-v2 runc)", "containerd --version; runc --version"]),
    cause(
        "user-setup",
        Runc,
        Image,
        &["unable to setup user: {rest}", "setup user: {rest}", "setgroups: {}", "setuid: {}", "setgid: {}", "unable to setup user", "setup user"],
        "The user or group that the container should run as cannot be taken: its number is not mapped in the user namespace, or \
         whoever makes the container may not change it.",
    )
    .wraps(&[])
    .first(&["cat /etc/subuid /etc/subgid", "crictl inspecti IMAGE"]),
    cause(
        "mountpoint-read-only",
        Runc,
        Pod,
        &["create mountpoint for {path} mount: {rest}read-only file system", "error mounting {q} to rootfs at {q}: create mountpoint for {path} mount: {rest}: read-only file system", "error mounting {q} to rootfs at {q}: mkdir {path}: read-only file system", "error mounting {q} to rootfs at {q}: {rest}: read-only file system", "mkdirat {path}: read-only file system"],
        "The place for a mount does not exist in the image, and cannot be made: the root file system, or a volume above it, is \
         read-only.",
    )
    .certain()
    .first(&["kubectl get pod POD -o yaml | grep -i -e readOnly -e mountPath"]),
    cause(
        "mount-invalid",
        Runc,
        Kernel,
        &["error mounting {q} to rootfs at {q}: mount {rest}: invalid argument", "error mounting {q} to rootfs at {q}: mount {rest}: no such device", "error mounting {q} to rootfs at {q}: mount {rest}: device or resource busy", "error mounting {q} to rootfs at {q}: {rest}: stale NFS file handle"],
        "The kernel does not take that mount: an option or a kind of file system that it lacks, a source that is gone or busy.",
    )
    .first(&[DMESG, "uname -r", "findmnt"]),
    cause(
        "no-subid-range",
        crate::Component::System,
        Settings,
        &["no subuid ranges found for user {q}", "no subgid ranges found for group {q}", "No subuid ranges found for user {n} ({q})", "No subgid ranges found for user {n} ({q})", "no subuid ranges found for user {q} in /etc/subuid", "no subgid ranges found for group {q} in /etc/subgid"],
        "That user or group has no range of numbers in /etc/subuid or /etc/subgid, and so no user namespace can be made for it. \
         rootless programs (RootlessKit, Podman) and dockerd's userns-remap want one.",
    )
    .certain()
    .first(&["cat /etc/subuid /etc/subgid"]),
    cause(
        "mount-not-absolute",
        Runc,
        Pod,
        &["mount destination {} not absolute{rest}", "mount destination {} is not absolute{rest}"],
        "The place in the container at which something is to be mounted is no absolute path. Whoever made the container gave \
         it so: a pod, a compose file, a path of Windows, or a colon too many. Nothing is wrong with the node.",
    )
    .certain()
    .first(&["crictl inspect ID", "docker compose config"]),
    cause(
        "oom-score-denied",
        Runc,
        Security,
        &["write {path}oom_score_adj: {}", "write to `{}oom_score_adj`: {}", "failed to set oom_score_adj{rest}", "open {path}oom_score_adj: {}"],
        "The container should be killed later than whoever makes it may give (a lower oom_score_adj): rootless, or a container in \
         a container.",
    )
    .certain()
    .first(&["cat /proc/self/oom_score_adj", "systemctl show containerd -p OOMScoreAdjust"]),
    act(
        "self-exec-failed",
        Runc,
        Tasks,
        &["fork/exec /proc/self/exe: {}", "fork/exec /proc/self/exe"],
        "runc could not run itself again, as it does for each container; the system's word says why (a limit of processes, \
         memory, a program that was replaced, noexec).",
    )
    .first(&["ls -l $(command -v runc)", "systemctl show containerd -p TasksMax -p TasksCurrent", "free -m"]),
    cause(
        "crun-libkrun-missing",
        Crun,
        Kernel,
        &["failed to open `{}.so.{}` for krun{rest}", "dlopen {rest}", "requested handler `{}` not found{rest}", "could not load `{}.so{}`{rest}"],
        "crun lacks a library for the kind of container that is asked for.",
    )
    .first(&["crun --version"]),
    cause(
        "shim-option",
        Shim,
        Daemon,
        &["unsupported option type {q}{rest}", "unsupported options type {q}", "failed to unmarshal {}Options{rest}", "type with url {}: not found", "type with url {} not found"],
        "The runtime's options in containerd's settings are not of the kind that its shim takes: another shim, or another release \
         of it.",
    )
    .first(&["containerd config dump | grep -A12 runtimes"]),
    act(
        "exec-step",
        Runc,
        Tasks,
        &["unable to signal init", "error stopping container", "failed to resize pty{}"],
        "A process in a container was being added, signalled or resized; the rest says why not.",
    )
    .first(&[STUCK, "crictl ps -a"]),
    act(
        "nsenter-tool",
        Client,
        Pod,
        &["nsenter: {rest}", "nsenter: cannot open {rest}", "nsenter: reassociate to namespace {rest}", "nsenter: failed to execute {rest}"],
        "The program nsenter, called by a person, a probe or another program, was entering a process' namespaces, and was to run a program \
         there.",
    )
    .or(&["the process ended", "the caller may not (it is in a container itself, or lacks a right)", "the program that it should run is not in the container"])
    .first(&["ls -l /proc/PID/ns"]),
    cause(
        "host-program-missing",
        System,
        Programs,
        &[
            "exec: \"docker\": executable file not found in $PATH",
            "exec: \"containerd\": executable file not found in $PATH",
            "exec: \"auplink\": executable file not found in $PATH",
            "exec: \"zfs\": executable file not found in $PATH",
            "exec: \"crictl\": executable file not found in $PATH",
            "exec: \"kubelet\": executable file not found in $PATH",
            "exec: \"nsenter\": executable file not found in $PATH",
            "exec: \"mount\": executable file not found in $PATH",
            "exec: \"systemctl\": executable file not found in $PATH",
            "exec: \"ip\": executable file not found in $PATH",
            "exec: \"conntrack\": executable file not found in $PATH",
            "exec: \"blkid\": executable file not found in $PATH",
            "exec: \"btrfs\": executable file not found in $PATH",
            "exec: \"dmsetup\": executable file not found in $PATH",
            "exec: \"slirp4netns\": executable file not found in $PATH",
            "exec: \"modprobe\": executable file not found in $PATH",
            "exec: \"newuidmap\": executable file not found in $PATH",
            "exec: \"newgidmap\": executable file not found in $PATH",
            "exec: \"fuse-overlayfs\": executable file not found in $PATH",
            "exec: \"socat\": executable file not found in $PATH",
            "exec: \"ebtables\": executable file not found in $PATH",
            "exec: \"ipset\": executable file not found in $PATH",
            "exec: \"systemd-run\": executable file not found in $PATH",
            "exec: \"rootlesskit\": executable file not found in $PATH",
            "exec: \"pasta\": executable file not found in $PATH",
            "exec: \"unpigz\": executable file not found in $PATH",
            "exec: \"docker-proxy\": executable file not found in $PATH",
            "exec: \"dockerd\": executable file not found in $PATH",
            "exec: \"vgs\": executable file not found in $PATH",
            "exec: \"lvs\": executable file not found in $PATH",
            "exec: \"mkfs.ext4\": executable file not found in $PATH",
            "exec: \"mkfs.xfs\": executable file not found in $PATH",
            "exec: \"e2fsck\": executable file not found in $PATH",
            "exec: \"iptables-save\": executable file not found in $PATH",
            "exec: \"ip6tables\": executable file not found in $PATH",
            "exec: \"nvidia-container-cli\": executable file not found in $PATH",
            "exec: \"losetup\": executable file not found in $PATH",
            "exec: \"pigz\": executable file not found in $PATH",
            "exec: \"iscsiadm\": executable file not found in $PATH",
            "exec: \"multipath\": executable file not found in $PATH",
            "exec: \"udevadm\": executable file not found in $PATH",
            "exec: \"chronyc\": executable file not found in $PATH",
            "exec: \"mkfs\": executable file not found in $PATH",
            "exec: \"apparmor_parser\": executable file not found in $PATH",
            "exec: \"kubeadm\": executable file not found in $PATH",
            "exec: \"buildkitd\": executable file not found in $PATH",
            "exec: \"nerdctl\": executable file not found in $PATH",
            "exec: \"podman\": executable file not found in $PATH",
            "exec: \"conmon\": executable file not found in $PATH",
            "exec: \"catatonit\": executable file not found in $PATH",
            "exec: \"netavark\": executable file not found in $PATH",
            "exec: \"aardvark-dns\": executable file not found in $PATH",
            "exec: \"docker-init\": executable file not found in $PATH",
        ],
        "Whoever speaks runs another program of the node, which is not installed or not in its PATH. A unit's PATH is another than a \
         person's.",
    )
    .unless(&["oci runtime", "container process", "container_linux", "runc create", "runc exec", "containers.failed"])
    .or(&["an image's program of that name, where the line is of a container"])
    .first(&["command -v PROGRAM", "systemctl show UNIT -p Environment"]),
    cause(
        "apparmor-parser",
        System,
        Security,
        &["apparmor_parser: {rest}", "apparmor_parser({}): {rest}", "load apparmor profile {}: {rest}", "AppArmor parser error{rest}", "running `{}apparmor_parser {}` failed with output: {rest}"],
        "A profile of AppArmor could not be loaded, or removed: the program that does it says why, or its exit status does. Inside of \
         another container, or under a profile itself, it may not.",
    )
    .open()
    .or(&["who calls it is confined by a profile itself, or is in a container", "the profile's words are of another release of AppArmor", "AppArmor is not mounted there (/sys/kernel/security)"])
    .first(&["aa-status", "journalctl -k -b | grep -i apparmor | tail -n 20", "ls /sys/kernel/security/apparmor"]),
];
