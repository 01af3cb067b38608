//! The kernel's lines that tell why a node, a container or a store failed.

use super::{DMESG, STUCK};
use crate::message::Component::Kernel as TheKernel;
use crate::message::Whose::{Image, Kernel, Memory, Network, Nobody, Security, Storage};
use crate::message::{Message, act, cause};

pub(super) const ALL: &[Message] = &[
    act(
        "module-not-inserted",
        TheKernel,
        Kernel,
        &["modprobe: ERROR: could not insert {q}: {}", "Running modprobe {} failed with message: {rest}", "could not insert {q}: {}", "insmod: ERROR: could not insert module {path}: {}", "Failed to load kernel module {} with modprobe"],
        "A module of the kernel could not be loaded: it is not there for the kernel that runs (upgraded without a boot), is built for another, \
         is built in, or whoever asks may not (a container).",
    )
    .wraps(&[])
    .first(&["uname -r; ls /lib/modules", "lsmod", DMESG]),
    cause(
        "device-too-short",
        TheKernel,
        Storage,
        &["{}: attempt to access beyond end of device{rest}", "attempt to access beyond end of device{rest}"],
        "Something asked for blocks behind the end of a device: the device was taken away (a volume that was detached has no size any more), or \
         is shorter than the file system on it.",
    )
    .first(&[DMESG, "lsblk -b", "findmnt | grep csi"]),
    cause(
        "tcp-memory",
        TheKernel,
        Network,
        &["TCP: out of memory -- consider tuning tcp_mem", "TCP: out of memory{rest}", "out of memory -- consider tuning tcp_mem"],
        "The memory that the kernel gives to TCP on the whole node (net.ipv4.tcp_mem) is used up: connections of all pods slow down or \
         break. Mostly one program leaves very many sockets with unread data.",
    )
    .first(&["cat /proc/net/sockstat", "sysctl net.ipv4.tcp_mem", "ss -tnpm | sort -k2 -n | tail"]),
    act(
        "kernel-vmalloc",
        TheKernel,
        Memory,
        &["vmalloc: allocation failure{rest}", "{}: vmalloc: allocation failure{rest}", "{} vmalloc: allocation failure{rest}", "warn_alloc: {rest}"],
        "The kernel could not get memory for that process: its cgroup's limit, or the node's memory.",
    )
    .first(&["journalctl -k -b | grep -e oom-kill -e 'Killed process'", "free -m"]),
    cause(
        "oom-kill-container",
        TheKernel,
        Memory,
        &["oom-kill:constraint=CONSTRAINT_MEMCG{rest}", "Memory cgroup out of memory: Killed process {n} ({}){rest}", "Memory cgroup out of memory: Kill process {n} ({}){rest}", "Memory cgroup out of memory{rest}", "Tasks in {} killed as a result of limit of {}", "Memory cgroup stats for {rest}", "memory: usage {}kB, limit {}kB, failcnt {n}"],
        "A container reached its memory limit, and the kernel killed a process of it. oom_memcg names the container.",
    )
    .codes(&["runtime/oom-killed"])
    .certain()
    .first(&["journalctl -k -b | grep -e oom-kill -e 'Killed process'", "crictl ps -a"]),
    cause(
        "oom-kill-node",
        TheKernel,
        Memory,
        &["oom-kill:constraint=CONSTRAINT_NONE{rest}", "Out of memory: Killed process {n} ({}){rest}", "Out of memory: Kill process {n} ({}){rest}", "Out of memory and no killable processes{rest}", "Out of memory{rest}"],
        "The node ran out of memory, and the kernel killed a process; when it is containerd, a shim or kubelet, that \
         is why those ended.",
    )
    .certain()
    .first(&["journalctl -k -b | grep -e oom-kill -e 'Killed process'", "free -m"]),
    cause(
        "user-space-oom",
        crate::message::Component::System,
        Memory,
        &["Sending SIGKILL to cgroup{rest}", "Killed {path} due to memory pressure {rest}", "Killed {path} due to memory used {rest}"],
        "A program of the node (systemd-oomd, Talos' OOM controller), not the kernel, killed a whole cgroup because memory was \
         short by its own rule.",
    )
    .first(&["cat /proc/pressure/memory", "journalctl -b -u systemd-oomd --no-pager | tail -n 20", "free -m"]),
    cause(
        "hung-task",
        TheKernel,
        Storage,
        &["INFO: task {} blocked for more than {n} seconds.", "INFO: task {} blocked for more than {n} seconds", "task {} blocked for more than {rest}", "INFO: task {}:{n} blocked for more than {n} seconds{rest}", "blocked for more than {rest}"],
        "A task sleeps in state D: it waits for a disk or a server of storage, or for memory. On \
         some kernels a frozen task looks the same: the cgroup's freezer shows the difference.",
    )
    .codes(&["runtime/stuck"])
    .states(&["storage-hung", "frozen-v1", "oom-stall"])
    .first(&[STUCK, DMESG]),
    cause(
        "ext4-error",
        TheKernel,
        Storage,
        &["EXT4-fs error (device {}): {rest}", "EXT4-fs error {rest}", "EXT4-fs ({}): {rest}error{rest}", "EXT4-fs ({}): Remounting filesystem read-only", "Aborting journal on device {}", "JBD2: Detected {rest}", "JBD2: Error {rest}", "JBD2: {}error{rest}", "JBD2: {}failed{rest}", "EXT4-fs warning (device {}): {rest}"],
        "The file system ext4 found itself damaged, or could not write; it may be read-only since.",
    )
    .certain()
    .first(&[DMESG, "findmnt -T /var/lib/containerd", "smartctl -a /dev/DISK"]),
    cause(
        "xfs-error",
        TheKernel,
        Storage,
        &["XFS ({}): Metadata corruption detected at {rest}", "XFS ({}): Corruption {rest}", "XFS ({}): metadata I/O error{rest}", "XFS ({}): log I/O error{rest}", "XFS ({}): Filesystem has been shut down{rest}", "XFS ({}): Internal error {rest}", "XFS ({}): xfs_do_force_shutdown{rest}", "XFS ({}): Please unmount the filesystem and rectify the problem(s)", "XFS ({}): I/O Error Detected{rest}", "XFS: Internal error {rest}", "XFS: Metadata corruption detected at {rest}", "XFS: possible corruption {rest}", "XFS ({}): {rest}error{rest}"],
        "The file system xfs found itself damaged, or could not write; it may be shut down since.",
    )
    .certain()
    .first(&[DMESG, "findmnt -T /var/lib/containerd", "smartctl -a /dev/DISK"]),
    cause(
        "kernel-allocation-waits",
        TheKernel,
        Memory,
        &["XFS ({}): {} possible memory allocation deadlock{rest}", "XFS ({}): possible memory allocation deadlock{rest}", "XFS: {} possible memory allocation deadlock{rest}", "XFS: possible memory allocation deadlock{rest}"],
        "The file system waits for memory of the kernel: the node, or the cgroup of the process that is named, has too little of it, or only \
         in small pieces. Nothing on the disk is damaged by it.",
    )
    .first(&["free -m", "slabtop -o -s c | head -n 20", "cat /proc/buddyinfo"]),
    cause(
        "btrfs-error",
        TheKernel,
        Storage,
        &["BTRFS error (device {}){rest}", "BTRFS critical (device {}){rest}", "BTRFS: error (device {}){rest}", "BTRFS: Transaction aborted{rest}", "BTRFS warning (device {}){rest}"],
        "The file system btrfs found itself damaged, full, or read-only.",
    )
    .certain()
    .first(&[DMESG, "btrfs filesystem usage /var/lib/containerd"]),
    cause(
        "disk-error",
        TheKernel,
        Storage,
        &["{}: I/O Cmd({}) @ LBA {rest}", "blk_update_request: I/O error, dev {}, sector {n}{rest}", "blk_update_request: {rest}", "print_req_error: I/O error{rest}", "I/O error, dev {}, sector {n}{rest}", "Buffer I/O error on dev {}{rest}", "Buffer I/O error on device {}{rest}", "critical medium error{rest}", "critical target error{rest}", "critical space allocation error{rest}", "nvme {}: {rest}", "sd {}: [{}] {rest}", "ata{n}{}: {rest}", "rejecting I/O to offline device{rest}", "lost page write due to I/O error{rest}", "megaraid_sas {}: [{n}]waiting for {n} commands to complete for scsi{n}", "md/raid{rest}", "device-mapper: multipath: {rest}"],
        "A disk, its cable or its controller does not do what it should.",
    )
    .first(&[DMESG, "smartctl -a /dev/DISK", "lsblk"]),
    cause(
        "nfs-server",
        TheKernel,
        Storage,
        &["nfs: server {} not responding, still trying", "nfs: server {} not responding, timed out", "nfs: server {} not responding{rest}", "connection{n}:{n}: detected conn error ({n})", "session{n}: session recovery timed out after {n} secs"],
        "A server of storage does not answer: what waits for it cannot be killed until it does.",
    )
    .codes(&["runtime/stuck"])
    .states(&["storage-hung"])
    .first(&[STUCK, "findmnt -t nfs,nfs4,cifs,ceph,fuse"]),
    cause(
        "segfault",
        TheKernel,
        Image,
        &["{}[{n}]: segfault at {n} ip {n} sp {n} error {n}{rest}", "{}[{n}]: segfault at {rest}", "segfault at {rest}", "traps: {}[{n}] general protection fault ip:{rest}", "traps: {}[{n}] trap invalid opcode ip:{rest}", "general protection fault ip:{rest}"],
        "A program crashed. In a container it is the image's; containerd, a shim or runc should not: memory or disk \
         may be bad.",
    )
    .unless(&["solve"])
    .first(&["coredumpctl list", DMESG]),
    cause(
        "pids-limit",
        TheKernel,
        Memory,
        &["cgroup: fork rejected by pids controller in {path}", "cgroup: fork rejected by pids controller in {rest}", "fork rejected by pids controller{rest}"],
        "A container or a unit reached its limit of processes and threads.",
    )
    .certain()
    .first(&["grep -i podpidslimit /var/lib/kubelet/config.yaml", "systemctl show containerd -p TasksMax"]),
    cause(
        "netdevice-busy",
        TheKernel,
        Network,
        &["unregister_netdevice: waiting for {} to become free. Usage count = {n}", "unregister_netdevice: waiting for {rest}"],
        "A network namespace that is being removed still has something in use: a known defect of kernels, or a \
         connection that is not let go. What waits for it hangs.",
    )
    .first(&["uname -r", STUCK]),
    cause(
        "conntrack-full",
        TheKernel,
        Network,
        &["nf_conntrack: table full, dropping packet", "nf_conntrack: nf_conntrack: table full, dropping packet"],
        "A table of the node's network is full: connections fail by chance.",
    )
    .certain()
    .first(&["sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max"]),
    cause(
        "soft-lockup",
        TheKernel,
        Kernel,
        &["watchdog: BUG: soft lockup - CPU#{n} stuck for {rest}", "BUG: soft lockup{rest}", "rcu: INFO: rcu_sched {rest}", "rcu: INFO: {rest}", "INFO: rcu_sched {rest}", "INFO: rcu_preempt {rest}", "rcu_sched detected {rest}", "rcu_preempt detected {rest}", "rcu_sched self-detected stall {rest}", "{}: rcu_sched kthread starved {rest}", "INFO: rcu_bh {rest}", "NMI watchdog: BUG{rest}", "NMI watchdog: Watchdog detected hard LOCKUP{rest}", "Kernel panic - not syncing: {rest}", "BUG: unable to handle {rest}", "kernel BUG at {rest}", "BUG: kernel NULL pointer dereference{rest}", "BUG: Bad page {rest}", "Unable to handle kernel {rest}", "Oops: {rest}", "general protection fault: {rest}", "general protection fault, {rest}", "general protection fault", "invalid opcode: 0000 {rest}", "divide error: 0000 {rest}", "double fault: 0000 {rest}", "page allocation failure{rest}", "{}: page allocation failure{rest}", "cache_from_obj: Wrong slab cache{rest}"],
        "The kernel itself is in trouble: a defect, a host that gives a virtual machine no time, or no memory.",
    )
    .first(&[DMESG, "uname -r"]),
    cause(
        "audit-denied",
        TheKernel,
        Security,
        &["AVC avc:{rest}", "audit: type=1400 audit({}): apparmor=\"DENIED\" {rest}", "audit: type=1326 {rest}", "apparmor=\"DENIED\" {rest}", "type=1400 audit({}): avc: denied {rest}", "AVC avc: denied {rest}", "audit: type=1400 audit({}): avc: denied {rest}", "SECCOMP auid={rest}", "audit({}): apparmor=\"DENIED\" {rest}", "audit({}): avc:{rest}", "avc: denied {rest}", "avc:  denied {rest}"],
        "A security rule refused something: AppArmor or SELinux (1400), or seccomp (1326). The line names the program \
         and what it wanted.",
    )
    .unless(&["permissive=1", "received policyload"])
    .first(&["ausearch -m avc,apparmor -ts recent", "aa-status"]),
    cause(
        "audit-permissive",
        TheKernel,
        Security,
        &["AVC avc:{rest}", "audit: type=1400 audit({}): avc: denied {rest}", "audit({}): avc:{rest}", "avc: denied {rest}", "avc:  denied {rest}"],
        "A rule of SELinux would have refused this, but it is permissive: nothing was refused, it was only logged. It would be refused \
         once SELinux enforces.",
    )
    .within(&["permissive=1"])
    .first(&["getenforce", "ausearch -m avc -ts recent", "ls -Z FILE"]),
    act(
        "selinux-mount",
        TheKernel,
        Security,
        &["SELinux: mount invalid.  Same superblock, different security settings for (dev {}, type {})", "SELinux: mount invalid{rest}", "SELinux: mount invalid."],
        "Something was to be mounted a second time with another label of SELinux, and the kernel refused it. With mqueue and containers it is \
         mostly noise; with a volume the mount fails.",
    )
    .first(&["getenforce", "ausearch -m avc -ts recent", "findmnt"]),
    cause(
        "dm-io-error",
        TheKernel,
        Storage,
        &["Buffer I/O error on dev dm-{}{rest}", "Buffer I/O error on device dm-{}{rest}", "I/O error, dev dm-{}{rest}", "blk_update_request: I/O error, dev dm-{}{rest}", "print_req_error: I/O error, dev dm-{}{rest}", "Buffer I/O error on logical block {n} of device dm-{}{rest}"],
        "A device of the device mapper gives errors: LVM, a thin pool (also devmapper's), encryption or multipath. The device below it \
         may fail, or the pool is full.",
    )
    .or(&["a thin pool or its metadata is full", "the disk below it fails", "a path to it, or the device below, was taken away"])
    .codes(&["store/disk-full"])
    .first(&["dmsetup status", "lvs -a", DMESG, "lsblk"]),
    cause(
        "neighbour-table-full",
        TheKernel,
        Network,
        &["neighbour: arp_cache: neighbor table overflow!", "neighbour: ndisc_cache: neighbor table overflow!", "neighbour: {}: neighbor table overflow!", "neighbor table overflow{rest}", "Neighbour table overflow{rest}"],
        "The table of neighbours (ARP, NDP) of the node is full: packets to hosts and pods that are not in it are lost.",
    )
    .first(&["sysctl net.ipv4.neigh.default.gc_thresh3 net.ipv6.neigh.default.gc_thresh3", "ip neigh | wc -l"]),
    cause(
        "bridge-own-address",
        TheKernel,
        Network,
        &["{}: received packet on {} with own address as source address{rest}", "received packet on {} with own address as source address{rest}"],
        "A bridge got back what it sent itself, or another has its hardware address: a loop of the network, or one address used twice.",
    )
    .first(&["bridge link; bridge fdb show", "ip -br link"]),
    act(
        "kernel-trace",
        TheKernel,
        Kernel,
        &["CPU: {n} PID: {n} Comm: {rest}", "CPU: {n} UID: {n} PID: {n} Comm: {rest}", "CPU {n} PID: {n} Comm: {rest}", "Hardware name: {rest}", "RIP: {n}:{rest}", "RIP: 0010:{rest}", "Modules linked in: {rest}", "Kernel Offset: {rest}", "Workqueue: {rest}", "echo 0 > /proc/sys/kernel/hung_task_timeout_secs{rest}", "Not tainted {rest}", "Tainted: {rest}", "task:{} state:{} stack:{rest}", "{} cpuset={} mems_allowed={}", "? {}+0x{n}/0x{n}", "{}+0x{n}/0x{n}", "RSP: {n}:{rest}", "Code: Bad RIP value", "Code: {n} {n} {n} {n} {rest}"],
        "A part of a report of the kernel (a task that waits long, an oops, a warning). The task that it names ran or waited just then; \
         it need not be the culprit. The first line of the report says what it is about, the trace says where.",
    )
    .first(&[DMESG, "journalctl -k -b --no-pager | grep -B2 -A30 -e 'blocked for more' -e 'Oops' -e 'BUG:' -e 'general protection' | head -n 80", "uname -r"]),
    cause(
        "memory-cgroup-warning",
        TheKernel,
        Nobody,
        &["cgroup: cgroup: disabling cgroup2 socket matching due to {rest}", "cgroup: {} ({n}) created nested cgroup for controller {q} which has incomplete hierarchy support{rest}", "IPv6: ADDRCONF({}): {rest}", "{}: port {n}({}) entered {} state", "device {} entered promiscuous mode", "device {} left promiscuous mode", "{}: left allmulticast mode", "{}: entered allmulticast mode", "{}: left promiscuous mode", "{}: entered promiscuous mode", "{} (unregistering): left allmulticast mode", "{} (unregistering): left promiscuous mode", "eth0: renamed from {}", "{}: link becomes ready", "eth0{}: renamed from {}", "{} eth0: renamed from {}", "{}: renamed from {}", "IPVS: Creating netns size={n} id={n}", "{}: detected capacity change from {n} to {n}", "IPVS: Registered protocols {rest}"],
        "What the kernel says when containers come and go. Nothing is wrong.",
    )
    .certain(),
    act(
        "oom-report",
        TheKernel,
        Memory,
        &["Tasks state (memory values in pages){rest}", "[ pid ] {rest}", "Mem-Info:{rest}", "Node {n} {} free:{rest}", "{n} pages reserved", "{n} pages RAM{rest}", "{n} total pagecache pages", "Unreclaimable slab info{rest}", "memory: usage {rest}", "swap: usage {rest}", "Memory cgroup stats for {rest}"],
        "A part of the kernel's report of a process that it killed for want of memory: the table of processes, or how memory was used. \
         The line `Killed process` after it says which it was, `oom-kill:constraint=` whether a container's limit or the node's memory.",
    )
    .within(&["pages", "kern", "pid", "memory", "mem", "slab", "swap", "oom", "free:"])
    .first(&["journalctl -k -b | grep -e oom-kill -e 'Killed process'", "free -m"]),
];
