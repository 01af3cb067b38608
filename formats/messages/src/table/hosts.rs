//! What the node itself refuses or lacks: limits that are no disk, modules, firewalls, clocks, helpers of mounts, users.

use super::DMESG;
use crate::message::Component::{
    Client, Crun, Kernel as TheKernel, OtherEngine, Runc, System, Systemd,
};
use crate::message::Whose::{
    Kernel, Memory, Network, Nobody, Other, Programs, Settings, Storage, Tasks,
};
use crate::message::{Message, act, cause};

pub(super) const ALL: &[Message] = &[
    cause(
        "pty-limit",
        TheKernel,
        Kernel,
        &["open /dev/ptmx: no space left on device", "{}open /dev/ptmx: no space left on device", "posix_openpt: No space left on device", "{}ptmx{}: no space left on device"],
        "The node has as many pseudo-terminals open as kernel.pty.max allows, or the container's own devpts has: no disk is full. Sessions of \
         `exec -it` and ssh that were never ended hold them.",
    )
    .first(&["sysctl kernel.pty", "ls /dev/pts | wc -l"]),
    cause(
        "process-limit",
        System,
        Memory,
        &["{}fork: retry: Resource temporarily unavailable", "fork: retry: Resource temporarily unavailable", "fork: retry: No child processes", "fork: Resource temporarily unavailable", "{}fork: Resource temporarily unavailable", "{}can't fork: Resource temporarily unavailable", "can't fork: Resource temporarily unavailable", "fork failed: Resource temporarily unavailable", "fork failed.: Resource temporarily unavailable", "OpenBLAS blas_thread_init: pthread_create{rest}", "unable to create new native thread{rest}", "{}unable to create native thread{rest}"],
        "No further process or thread may be made: the limit of the cgroup (pids.max: --pids-limit, podPidsLimit, a unit's TasksMax), of the \
         user (ulimit -u) or of the node (kernel.pid_max, kernel.threads-max) is reached. Often one program does not reap its children.",
    )
    .or(&["memory ran out in that moment"])
    .first(&["dmesg -T | grep 'fork rejected' | tail -n 5", "sysctl kernel.pid_max kernel.threads-max", "ps -eL --no-headers | wc -l"]),
    cause(
        "module-of-another-kernel",
        TheKernel,
        Kernel,
        &["could not insert {q}: Exec format error{rest}", "modprobe: ERROR: could not insert {q}: Exec format error{rest}", "{}could not insert {q}: Exec format error{rest}", "could not insert {q}: Invalid argument{rest}", "could not insert {q}: Unknown symbol in module{rest}", "{}disagrees about version of symbol {rest}", "{}version magic {rest}", "could not insert {q}: Key was rejected by service{rest}", "{}could not insert {q}: Key was rejected by service{rest}", "could not insert {q}: Required key not available{rest}"],
        "A kernel module does not fit the kernel that runs: the node was upgraded and not booted, modprobe ran in a container with another's \
         modules, or Secure Boot wants a signature. What needs the module does without it or fails.",
    )
    .first(&["uname -r; ls /lib/modules", DMESG]),
    cause(
        "bridge-netfilter-missing",
        TheKernel,
        Kernel,
        &["/proc/sys/net/bridge/bridge-nf-call-iptables does not exist{rest}", "[ERROR FileContent--proc-sys-net-bridge-bridge-nf-call-iptables]: {rest}", "{}/proc/sys/net/bridge/bridge-nf-call-iptables: no such file or directory{rest}", "open /proc/sys/net/bridge/bridge-nf-call-iptables: no such file or directory", "stat /proc/sys/net/bridge/bridge-nf-call-iptables: no such file or directory{rest}", "{}cannot stat /proc/sys/net/bridge/{rest}", "bridge-nf-call-iptables is disabled", "bridge-nf-call-ip6tables is disabled", "[ERROR FileContent--proc-sys-net-ipv4-ip_forward]: {rest}", "/proc/sys/net/ipv4/ip_forward contents are not set to 1{rest}"],
        "The kernel does not pass packets on as pods need it: br_netfilter is not loaded, or net.bridge.bridge-nf-call-iptables or \
         net.ipv4.ip_forward is 0.",
    )
    .first(&["lsmod | grep br_netfilter", "sysctl net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables"]),
    cause(
        "firewalld-zone",
        System,
        Network,
        &["ZONE_CONFLICT{rest}", "Error: ZONE_CONFLICT: {rest}", "{}ZONE_CONFLICT: {rest}", "'{}' already bound to '{}'{rest}", "{}already bound to a zone"],
        "firewalld: an interface (docker0, a bridge of a network) is in one zone already, and another was asked for. The line names the zone that has it.",
    )
    .first(&["firewall-cmd --get-active-zones", "firewall-cmd --permanent --get-zone-of-interface=INTERFACE"]),
    cause(
        "firewalld-checks",
        System,
        Nobody,
        &["WARNING: COMMAND_FAILED: {rest} -C {rest}", "COMMAND_FAILED: {rest} -C {rest}", "WARNING: COMMAND_FAILED: {rest} -D {rest}", "COMMAND_FAILED: {rest} -D {rest}", "ERROR: COMMAND_FAILED: {rest} -C {rest}", "ERROR: COMMAND_FAILED: {rest} -D {rest}"],
        "firewalld tells that iptables answered no when dockerd asked whether a rule is there (-C), or removed one that was not there (-D). dockerd asks \
         before it adds one: by itself no fault.",
    ),
    cause(
        "clock-not-set",
        System,
        Settings,
        &["time is not in sync yet{rest}", "{}time is not in sync{rest}", "clock is not synchronized{rest}", "{}clock skew{rest}", "the clock difference against peer {rest}", "prober found high clock drift{rest}", "{}clock drift{rest}"],
        "The node's clock is not set by a time server, or runs apart from the others': certificates and leases are refused by it, and some systems wait for \
         it before they go on. The time servers are not reached, or none is named.",
    )
    .first(&["timedatectl", "chronyc tracking"]),
    cause(
        "clock-jumped",
        Systemd,
        Nobody,
        &["Time has been changed", "Time jumped backwards, rotating.", "Clock change detected. Flushing caches.", "Time jumped backwards relative to last journal entry, rotating.", "{}Clock change detected{rest}"],
        "The clock was set: at a boot, by a time server, or by a virtual machine's host. Once it is no fault. Every few seconds, two programs set it \
         against each other (the host's tools and a time server's client).",
    )
    .first(&["timedatectl", "journalctl -b -t systemd --grep 'Time has been changed' --no-pager | tail -n 5"]),
    cause(
        "network-mount-helper",
        System,
        Programs,
        &["mount: wrong fs type, bad option, bad superblock on {}:/{rest}", "wrong fs type, bad option, bad superblock on {}:/{rest}", "{}bad superblock on {}:/{rest}", "{}bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program{rest}", "bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.{rest}", "{}need a helper program to connect to service{rest}", "{}you might need a /sbin/mount.<type> helper program{rest}", "mount: unknown filesystem type 'nfs'{rest}", "unknown filesystem type 'nfs'{rest}", "unknown filesystem type 'cifs'{rest}", "unknown filesystem type 'glusterfs'{rest}", "unknown filesystem type 'ceph'{rest}", "mount: unknown filesystem type 'glusterfs'{rest}", "mount: unknown filesystem type 'cifs'{rest}", "{}unknown filesystem type 'nfs4'{rest}"],
        "A network file system was to be mounted, and the node has no helper for it: the package with mount.nfs (nfs-common, nfs-utils), mount.cifs \
         (cifs-utils) or another is not installed.",
    )
    .first(&["ls /sbin/mount.*", "findmnt -t nfs,nfs4,cifs"]),
    cause(
        "fuse-client-gone",
        System,
        Storage,
        &["stat {path}: transport endpoint is not connected", "transport endpoint is not connected", "{}: Transport endpoint is not connected", "cannot access {}: Transport endpoint is not connected", "open {path}: transport endpoint is not connected", "lstat {path}: transport endpoint is not connected"],
        "The program that serves a mount (a FUSE client: ceph-fuse, glusterfs, s3fs, mergerfs, a CSI driver's) has ended, and the mount is still there: who looks below it gets this. It must be unmounted, and mounted \
         again by who mounted it; a pod that uses it, made again.",
    )
    .unless(&["sd-bus", "d-bus", "dbus"])
    .first(&["findmnt -t fuse,fuse.glusterfs,fuse.ceph-fuse,fuse.s3fs", "kubectl get pods -A -o wide"]),
    cause(
        "rootfs-parent-mount",
        Runc,
        Tasks,
        &["Could not find parent mount of {rest}", "could not find parent mount of {rest}"],
        "runc does not find in its list of mounts the one on which the container's rootfs lies: the rootfs is in a chroot, on a mount that was removed, or \
         in another mount namespace than runc's.",
    )
    .first(&["findmnt --target PATH", "readlink /proc/self/ns/mnt /proc/1/ns/mnt"]),
    act(
        "crun-file",
        Crun,
        Storage,
        &["creating file {q}: {rest}", "creating file `{}`: {rest}", "mount `{}` to `{}`: {rest}", "mkdir `{}`: {rest}", "openat2 `{}`: {rest}", "sd-bus call: {rest}", "realpath `{}` failed: {rest}", "chown `{}`: {rest}", "write to `{}`: {rest}", "open `{}`: {rest}"],
        "crun was making the container's root: its files, mounts and folders. The system's word at the end says why not.",
    )
    .within(&["crun", "oci permission denied", "oci runtime permission denied", "oci not found", "oci runtime error", "oci runtime attempted to invoke", "/containers/storage"])
    .or(&["the image's or the volume's files belong to users that the container's map has not (rootless; /etc/subuid was changed)", "SELinux or AppArmor refuses", "the file or folder is not in the image or on the node"])
    .first(&["podman info", "ausearch -m avc -ts recent", "podman unshare ls -ln PATH"]),
    cause(
        "storage-layer-lost",
        OtherEngine,
        Storage,
        &["layer not known", "{}: layer not known", "image not known", "{}: image not known", "identifier is not a layer", "identifier is not an image", "identifier is not a container", "error locating image {rest}", "locating image {rest}", "error locating layer {rest}", "{}readlink {path}overlay/l: invalid argument{rest}", "layer {} not found"],
        "The store of images that CRI-O and Podman share (containers/storage) names a layer or an image that is not there: a pull or a removal was cut off (a power cut, \
         a full disk), or the image was removed while a container was made.",
    )
    .within(&["layer not known", "image not known", "identifier is not", "containers/storage", "podman", "crio", "cri-o", "locating"])
    .first(&["podman system check --quick", "crictl images", "journalctl -b -u crio --no-pager | tail -n 50"]),
    cause(
        "unit-not-installed",
        Systemd,
        Nobody,
        &["Failed to get unit file state for {}: No such file or directory", "Failed to get unit file state for {}", "Unit {} could not be found.", "Failed to disable unit: Unit file {} does not exist.", "Failed to stop {}: Unit {} not loaded."],
        "systemd was asked of a unit that is not installed here: a script looks whether it is. By itself no fault.",
    )
    .unless(&["containerd.service", "docker.service", "kubelet.service", "crio.service", "k3s.service"]),
    cause(
        "dhcp-client-on-pods-interface",
        System,
        Network,
        &["{}flannel.1: using static address {rest}", "flannel.1: using static address {rest}", "cni0: using static address {rest}", "{}flannel.1: IAID conflicts with one assigned to {rest}", "veth{}: using IPv4LL address {rest}", "veth{}: probing for an IPv4LL address", "veth{}: soliciting a DHCP lease", "flannel.1: soliciting a DHCP lease", "cni0: soliciting a DHCP lease", "flannel.1: probing for an IPv4LL address", "cni0: probing for an IPv4LL address"],
        "The node's DHCP client sets up interfaces that belong to the pods' network (flannel.1, cni0, veth…): it gives them addresses, and breaks the network's routes. \
         It must be told to leave them (denyinterfaces in dhcpcd.conf, unmanaged-devices of NetworkManager).",
    )
    .first(&["ip -br address", "grep -n denyinterfaces /etc/dhcpcd.conf"]),
    cause(
        "interface-without-address",
        Client,
        Network,
        &["interface {} does not have a correct global unicast ip: {rest}", "{}can't find ip for interface {rest}", "can't find ip for interface {}", "failed to find IPv4 address for interface {}", "failed to find interface {}: {rest}", "Could not find valid interface matching {}: {rest}", "unable to get default interface: {rest}", "failed to get default interface: {rest}", "Unable to find default route", "failed to find the interface: {rest}", "no default routes found in {q}{rest}", "unable to select an IP from default routes.", "unable to select an IP from {rest}", "no default routes found in {rest}", "unable to find suitable network address.error='no default routes found{rest}"],
        "An interface of the node that should carry the pods' network, or the default route that should tell which, is not there or has no address: the name in the flag \
         is wrong, or the network was not up yet.",
    )
    .within(&["interface", "default route", "network address"])
    .first(&["ip -br address", "ip route"]),
    cause(
        "token-no-longer-valid",
        crate::message::Component::Kubernetes,
        Other,
        &["[invalid bearer token, service account token has been invalidated]{rest}", "service account token has been invalidated{rest}", "{}service account token has been invalidated{rest}", "invalid bearer token, service account token has expired{rest}", "[invalid bearer token, service account token has expired]{rest}", "[invalid bearer token, service account token is not valid yet]{rest}", "invalid bearer token", "[invalid bearer token, {rest}", "invalid bearer token, {rest}", "token has been invalidated", "serviceaccounts {q} not found: {rest}"],
        "A client of the API server, or of kubelet, shows a service account's token that is no longer valid: its pod or account was deleted, the keys were changed, or \
         the token is older than it may be. The server is well; the client must read its token again, which a restart of its pod does.",
    )
    .within(&["token", "serviceaccount"])
    .first(&["kubectl get pods -A -o wide", "kubectl get serviceaccounts -A"]),
    act(
        "server-authentication",
        crate::message::Component::Kubernetes,
        Other,
        &["Unable to authenticate the request due to an error{rest}", "Unable to authenticate the request"],
        "A server of Kubernetes (the API server, or kubelet at its port) does not take the credentials that a client showed. The rest says why; the client is at fault, or its \
         clock or certificate. The server is well.",
    )
    .or(&["the client's certificate or token is expired, or of another cluster", "the clocks differ"])
    .first(&["date", "kubectl get pods -A -o wide", "openssl x509 -noout -dates -in /var/lib/kubelet/pki/kubelet-client-current.pem"]),
    cause(
        "audit-overflow",
        System,
        Nobody,
        &["audit: rate limit exceeded{rest}", "kauditd_printk_skb: {rest}", "kauditd hold queue overflow", "audit_log_start: {rest}"],
        "The kernel's audit has more records than it passes on. That loses records, and fails nothing else.",
    ),
    cause(
        "snap-files-missing",
        System,
        crate::message::Whose::Programs,
        &["/snap/{}: No such file or directory", "exec /snap/{}: no such file or directory", "fork/exec /snap/{}: no such file or directory", "cannot open path of the current working directory{rest}snap{rest}"],
        "A program in a snap was not there: the image that snapd mounts under /snap is being renewed, is not mounted (any more), or is damaged.",
    )
    .first(&["snap changes", "findmnt -t squashfs | grep /snap", "journalctl -b -u snapd --no-pager | tail -n 30"]),
    cause(
        "registry-challenge",
        crate::message::Component::Registry,
        Nobody,
        &["error authorizing context: authorization token required", "error authorizing context: basic authentication challenge for realm {rest}", "{}authorization token required"],
        "A registry's own server tells a client that it must log in first: every pull and push begins so (a 401, and then the token). By itself no fault.",
    )
    .within(&["http.request", "registry", "authorizing context"]),
];
