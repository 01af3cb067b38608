//! The kernel's and systemd's own lines.

use super::{Place, place};
use crate::message::Component::{Kernel as TheKernel, Systemd};
use crate::message::Whose::{Cgroups, Kernel, Memory, Network, Security, Storage, Unknown};
use crate::table::{DMESG, JOURNAL};

pub(super) const ALL: &[Place] = &[
    place(
        "at-apparmor",
        TheKernel,
        Security,
        &["apparmor="],
        "AppArmor allowed or refused something. The line has it: the profile, the operation, the program (comm), and what was asked \
         (requested_mask, denied_mask; peer is the other side).",
    )
    .first(&["aa-status", "journalctl -k -b --no-pager | grep apparmor=.DENIED. | tail -n 20"]),
    place(
        "at-selinux",
        TheKernel,
        Security,
        &["avc:", "type=user_avc"],
        "SELinux refused something, or would have (permissive=1). The line has it: what (in braces), who (comm, scontext), of whom (path, tcontext). A \
         runtime that is unconfined_service_t, or a file without a container's label, tells of a policy (container-selinux, k3s-selinux, rke2-selinux) that is \
         missing or older than the runtime.",
    )
    .first(&["ausearch -m avc -ts recent", "getenforce", "rpm -qa | grep selinux"]),
    place(
        "at-kernel-security",
        TheKernel,
        Security,
        &["apparmor=", "avc:", "audit:", "type=avc", "type=user_avc", "type=1400", "type=1326", "seccomp:", "selinux"],
        "A security rule of the node (AppArmor, SELinux, seccomp) was applied or refused something.",
    )
    .first(&["ausearch -m avc,apparmor -ts recent", "aa-status", "getenforce"]),
    place(
        "at-kernel-memory",
        TheKernel,
        Memory,
        &["kernel:&oom", "oom-kill", "invoked oom", "kernel:&out of memory", "oom_reaper", "kernel:&page allocation", "killed process", "systemd-oomd"],
        "Memory ran out, of a cgroup or of the node, and a process was killed or could not get any.",
    )
    .first(&["journalctl -k -b | grep -e oom-kill -e 'Killed process'", "free -m"]),
    place(
        "at-kernel-overlay",
        TheKernel,
        Storage,
        &["overlayfs:", "overlay: "],
        "overlayfs, on which containers' root file systems lie, tells of the folders that it was given.",
    )
    .first(&[DMESG, "findmnt -T /var/lib/containerd", "coroner snapshots check /"]),
    place(
        "at-kernel-disk",
        TheKernel,
        Storage,
        &["ext4-fs", "xfs (", "xfs_", "btrfs", "jbd2", "i/o error", "blk_update", "kernel:&nvme", "kernel:&sd", "device-mapper", "kernel:&dm-", "kernel:&ata", "kernel:&scsi", "kernel:&nfs", "kernel:&cifs", "kernel:&ceph", "squashfs", "erofs", "fuse:", "loop: write error", "loop: read error", "kernel:&loop", "xfs: "],
        "A disk, a file system or a server of storage, as the kernel sees it. What lies on it (stores, volumes) waits or fails \
         with it.",
    )
    .first(&[DMESG, "findmnt -T /var/lib/containerd", "lsblk"]),
    place(
        "at-kernel-network",
        TheKernel,
        Network,
        &["kernel:&veth", "kernel:&nf_", "nf_conntrack", "unregister_netdevice", "kernel:&ipv6", "kernel:&eth0", "neighbour:", "kernel:&bridge", "kernel:&tcp", "kernel:&cni"],
        "Interfaces, tables and rules of the node's network, as the kernel sees them.",
    )
    .first(&[DMESG, "ip -br link", "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max"]),
    place(
        "at-kernel",
        TheKernel,
        Kernel,
        &[" kernel: ", "kernel: [", "call trace", "kern: ", "kernel panic", "rcu_", "soft lockup", "general protection", "segfault", "hung_task", "blocked for more than", "not tainted", "tainted:", "end trace", "rip: 0"],
        "The kernel says it. Its lines just before and after tell what it was about.",
    )
    .first(&[DMESG, "uname -r"]),
    place(
        "at-systemd-cgroup",
        Systemd,
        Cgroups,
        &["systemd[1]&cgroup", "systemd[1]&.scope", "systemd[1]&.slice", "dbus", "org.freedesktop.systemd1", "cri-containerd-&scope", "systemd cgroup", "transient unit", "startransientunit", "starttransientunit"],
        "systemd makes and ends the units (scopes, slices) in whose cgroups containers stand, when it is asked over D-Bus.",
    )
    .or(&["systemd or D-Bus does not answer, or is overloaded by very many units", "a unit of that name is left from before, or its slice is gone", "systemd refused a property that its release does not know"])
    .first(&["journalctl -b _PID=1 --no-pager | tail -n 50", "systemctl is-system-running", "systemctl list-units --all 'cri-containerd-*' | tail -n 5"]),
    place(
        "at-systemd",
        Systemd,
        Unknown,
        &["systemd[1]", "systemd[", "systemd:", "failed with result", "main process exited", "start request repeated", ".service: ", ".service failed", "systemctl", "failed to start&.service", "job for "],
        "systemd tells of a unit's start, end or restart. Why it ended is in the unit's own lines just before.",
    )
    .first(&["systemctl status UNIT", "journalctl -b -u UNIT --no-pager | tail -n 50", JOURNAL]),
];
