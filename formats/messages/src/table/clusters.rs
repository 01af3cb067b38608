//! k3s' and kubelet's own starts, other programs that hold containers, and the pods' networks' own words.

use super::{DMESG, JOURNAL};
use crate::message::Component::{Client, K3s, System};
use crate::message::Component::{Cni, Containerd, Kubelet, Kubernetes, OtherRuntime, Systemd};
use crate::message::Whose::{
    Cgroups, Daemon, Kernel, Network, Nobody, Other, Pod, Registry, Settings, Storage, Tasks,
};
use crate::message::{Message, act, cause, consequence};

const KUBELET: &str = "journalctl -b -u kubelet --no-pager | tail -n 50";
const K3S: &str =
    "journalctl -b -u k3s -u k3s-agent -u rke2-server -u rke2-agent --no-pager | tail -n 50";

pub(super) const ALL: &[Message] = &[
    cause(
        "k3s-token-ca",
        K3s,
        Other,
        &["token CA hash does not match the Cluster CA certificate hash: {rest}", "{}token CA hash does not match the Cluster CA certificate hash{rest}", "bootstrap data already found and encrypted with different token", "{}bootstrap data already found and encrypted with different token"],
        "The token of this node is of another cluster (or of this one before its server was installed again), or another server answers \
         at the address.",
    )
    .first(&["cat /etc/rancher/k3s/config.yaml /etc/rancher/rke2/config.yaml", K3S]),
    cause(
        "k3s-datastore-newer",
        K3s,
        Other,
        &["{path} newer than datastore and could cause {rest}", "{} newer than datastore and could cause {rest}"],
        "Files of k3s or RKE2 on this disk (certificates, keys) differ from those in the cluster's database and are younger: usual after a \
         restore. Compare both before any is moved aside: the wrong one cuts the cluster's nodes off.",
    )
    .first(&["ls -l --time-style=full-iso /var/lib/rancher/*/server/tls", K3S]),
    act(
        "k3s-join",
        K3s,
        Other,
        &["failed to get CA certs: {rest}", "starting kubernetes: preparing server: {rest}", "preparing server: {rest}", "preparing server", "failed to validate token: {rest}", "failed to retrieve configuration from server: {rest}", "failed to get CA certs", "starting kubernetes", "Get {q}/cacerts{q}{rest}"],
        "k3s (or RKE2) was joining a server of its cluster, or beginning its own. The server that it was pointed to (--server), at port 6443 \
         or 9345, decides; with 403 it knows the node by another password.",
    )
    .or(&["the first server does not run, or is not reached at that address", "the token is not the server's", "the cluster's database does not begin"])
    .first(&[K3S, "curl -ks https://SERVER:6443/cacerts"]),
    act(
        "k3s-tunnel",
        K3s,
        Other,
        &["Remotedialer proxy error; reconnecting...", "Remotedialer proxy error{rest}", "Error writing ping", "error in remotedialer server{rest}", "Failed to connect to proxy{rest}", "Sending HTTP/1.1 502 response to {}: failed to find Session for client {}", "failed to find Session for client {}", "Sending HTTP/1.1 502 response to {rest}", "Remotedialer connected to proxy{rest}"],
        "The tunnel (remotedialer) between an agent and its server broke or was not made: of k3s or RKE2 (port 6443 or 9345), whose logs and exec fail without it, or of \
         Rancher's agent in a cluster, which then shows no cluster. It is tried again.",
    )
    .or(&[
        "the server does not run, or is overloaded",
        "its certificate is not trusted: a private authority, another name, or a clock",
        "the network between them loses or holds up packets, or a proxy does not pass websockets on",
    ])
    .first(&[K3S, "kubectl -n cattle-system logs -l app=cattle-cluster-agent --tail=50"]),
    act(
        "k3s-snapshotter-test",
        K3s,
        Storage,
        &["\"{}\" snapshotter cannot be enabled for {rest}", "snapshotter cannot be enabled for{rest}"],
        "k3s (or RKE2) tried its snapshotter before it started containerd, and the kernel did not mount what it asked for.",
    )
    .or(&["the kernel has no overlay, or may not load it", "the data folder lies on a file system that cannot carry one (NFS, ZFS, an overlay)", "without root: the kernel is too old, or fuse-overlayfs is missing"])
    .first(&["grep overlay /proc/filesystems", "findmnt -T /var/lib/rancher", DMESG]),
    cause(
        "k3s-node-password",
        K3s,
        Other,
        &["Node password validation failed for {q}, using passwd file {q}", "Node password validation failed for '{}', using passwd file '{}'", "Node password validation failed{rest}", "Node password rejected, duplicate hostname{rest}", "unable to verify password for node {}{rest}"],
        "A node of that name is known by another password: it was installed again, or two nodes have one name.",
    )
    .first(&["kubectl -n kube-system get secrets | grep node-password", "ls -l /etc/rancher/node/password"]),
    cause(
        "memory-cgroup-off",
        K3s,
        Kernel,
        &["failed to find memory cgroup, you may need to add {q} to your linux cmdline{rest}", "failed to find memory cgroup{rest}"],
        "The kernel's memory cgroup is off: it is switched on at the boot (cgroup_memory=1 cgroup_enable=memory on a Raspberry Pi).",
    )
    .first(&["cat /proc/cmdline", "cat /proc/cgroups /sys/fs/cgroup/cgroup.controllers"]),
    act(
        "k3s-module",
        K3s,
        Kernel,
        &["failed to start {} module", "failed to start {} module{rest}", "Failed to load kernel module {} with modprobe"],
        "k3s could not load a module of the kernel. Where it is built in, or was loaded outside of k3s' own container, nothing is missing.",
    )
    .first(&["lsmod", "uname -r; ls /lib/modules"]),
    consequence(
        "k3s-not-ready",
        K3s,
        Daemon,
        &["Failed to list nodes with etcd role: runtime core not ready", "runtime core not ready", "{}: runtime core not ready", "Waiting for API server to become available", "Polling for API server readiness: {rest}", "Polling for API server readiness{rest}", "Waiting to retrieve {rest}", "Pod for {} not synced ({rest}", "Pod for {} not synced{rest}"],
        "k3s or RKE2 waits for its own parts, mostly the API server or a static pod (etcd): ordinary at a start. If it lasts, kubelet's \
         and containerd's logs say why they do not come.",
    )
    .first(&["crictl ps -a", "tail -n 50 /var/lib/rancher/rke2/agent/logs/kubelet.log /var/lib/rancher/rke2/agent/containerd/containerd.log", K3S]),
    cause(
        "k3s-notes",
        K3s,
        Nobody,
        &["Logging containerd to {}", "Running containerd {rest}", "Containerd is now running", "Imported {}", "Imported images from {}", "Running kubelet {rest}", "certificate {} signed by {}: notBefore={rest}"],
        "k3s or RKE2 tells of its start. By itself no fault.",
    )
    .within(&["k3s", "rke2", "rancher"]),
    cause(
        "etcd-no-space",
        Kubernetes,
        Other,
        &["etcdserver: mvcc: database space exceeded{rest}", "mvcc: database space exceeded{rest}", "etcdserver: no space", "etcdserver: no space{rest}"],
        "etcd's own quota (2 GB if nothing else is set) is used up, and it takes no writes; the disk need not be full. It must be \
         compacted and defragmented, and its alarm switched off.",
    )
    .first(&["etcdctl endpoint status -w table", "etcdctl alarm list"]),
    act(
        "kubelet-not-started",
        Kubelet,
        Settings,
        &["failed to run Kubelet: {rest}", "failed to run Kubelet", "Failed to run kubelet", "Failed to start ContainerManager {rest}", "Failed to start ContainerManager", "Failed to start cAdvisor {rest}", "Failed to start cAdvisor", "failed to start ContainerManager{rest}"],
        "kubelet could not begin its work, and ends. The rest of the line says at what.",
    )
    .or(&["its settings, its flags or a file of its own", "the runtime's socket does not answer", "the node's cgroups are mounted otherwise than it expects, or a limit (inotify) is used up"])
    .first(&[KUBELET, "stat -fc %T /sys/fs/cgroup; ls -l /sys/fs/cgroup", "systemctl cat kubelet"]),
    cause(
        "kubelet-clock-speed",
        Kubelet,
        Kernel,
        &["could not detect clock speed from output: {rest}", "could not detect clock speed{rest}"],
        "kubelet (cAdvisor) reads the CPU's clock in /proc/cpuinfo, and this one gives none, or it cannot be read: kubelet does not start.",
    )
    .first(&["grep -i mhz /proc/cpuinfo", "uname -m"]),
    cause(
        "kubelet-state-denied",
        Kubelet,
        Settings,
        &["open /var/lib/kubelet/{}: permission denied", "could not restore state from checkpoint: open {path}: permission denied", "open {path}cpu_manager_state: permission denied", "open {path}memory_manager_state: permission denied"],
        "kubelet may not read its own file: it was started without root's rights, or a security rule forbids it.",
    )
    .within(&["container_manager", "cpu_manager", "memory_manager", "kubelet["])
    .first(&["ps -o user,args -C kubelet", "ls -lZ /var/lib/kubelet"]),
    act(
        "kubelet-proc-missing",
        Kubelet,
        Tasks,
        &["Failed to create pod infra container: {rest}", "Failed to create pod infra container", "failed to find pid of Docker container: {rest}", "failed to find pid of Docker container", "Failed to ensure state of {q}: {rest}"],
        "An old kubelet was looking for a process (of a pod, of dockerd) under /proc. Where kubelet runs in a container without the node's \
         processes (--pid=host), it does not see them.",
    )
    .first(&["ps -o pid,args -C kubelet", KUBELET]),
    act(
        "talos-service",
        System,
        Daemon,
        &["service[{}]({}): {rest}", "[talos] service[{}]({}): {rest}", "Error running Containerd({}), going to restart forever: {rest}", "Error running {}, going to restart forever: {rest}"],
        "Talos tells of one of its services: it ended, and is started again. The service's own log says why.",
    )
    .within(&["talos", "going to restart"])
    .unless(&["failed to create task", "oci runtime", "containerd.sock"])
    .first(&["talosctl logs SERVICE", "talosctl service SERVICE"]),
    cause(
        "subpath-stale",
        Kubelet,
        Storage,
        &["error cleaning subPath mounts for volume {}: {rest}stale NFS file handle{rest}", "lstat {path}: stale NFS file handle", "unlinkat {path}: stale NFS file handle", "stat {path}: stale NFS file handle"],
        "The server of a volume no longer knows what is mounted: it was removed or exported again. Until it is unmounted (lazily), pods that have it \
         do not end.",
    )
    .within(&["stale"])
    .first(&["findmnt -t nfs,nfs4", "journalctl -k -b | grep -i nfs | tail -n 20"]),
    cause(
        "gpu-lost",
        OtherRuntime,
        Other,
        &["nvml: GPU is lost{rest}", "{}GPU is lost{rest}", "GPU is lost{rest}", "NVRM: Xid ({}): 79{rest}"],
        "A card of NVIDIA does not answer any more (it fell off the bus): hardware, power, or its driver. It comes back with a reset or a boot.",
    )
    .first(&["dmesg | grep -i -e nvrm -e xid", "nvidia-smi"]),
    act(
        "kubeadm-kernel-config",
        crate::message::Component::Client,
        crate::message::Whose::Kernel,
        &["failed to parse kernel config: unable to load kernel module: {q}, output: {rest}", "failed to parse kernel config: {rest}", "unable to load kernel module: \"configs\"{rest}"],
        "kubeadm's check could not read how the kernel was built: this kernel keeps no copy of it. As a warning it stops nothing.",
    )
    .first(&["ls /boot/config-$(uname -r) /proc/config.gz", "uname -r"]),
    act(
        "nvml-failed",
        OtherRuntime,
        Other,
        &["could not load NVML library", "Failed to start nvml with error{rest}", "Failed to start nvml{rest}", "Could not load NVML library{rest}", "nvml.Init failed: {rest}", "failed to load NVML{rest}", "Unable to initialize NVML{rest}", "Failed to initialize NVML: {rest}", "Failed to initialize NVML", "failed to initialize NVML: {rest}"],
        "A program could not use NVIDIA's driver.",
    )
    .or(&["in a container: it was not started with NVIDIA's runtime, which is not the engine's default", "in a container: it lost its devices, because systemd was reloaded and set its cgroup again", "the driver is not loaded, or does not fit its libraries (an upgrade without a boot)"])
    .first(&["nvidia-smi", "dmesg | grep -i nvrm", "ls -l /dev/nvidia* /dev/char"]),
    cause(
        "tls-answer-to-http",
        crate::message::Component::Registry,
        Registry,
        &["malformed HTTP response {q}", "malformed HTTP response \"\\x15\\x03{rest}", "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"\\x15\\x03{rest}", "malformed HTTP response \\\"\\\\x15\\\\x03{rest}"],
        "The server speaks TLS and was asked without it: the settings name it with http:// where https:// is right.",
    )
    .within(&["\\x15\\x03&/v2/", "\\x15\\x03&registry", "\\x15\\x03&pull"])
    .first(&["curl -sv https://REGISTRY/v2/ -o /dev/null", "ls /etc/containerd/certs.d/*"]),
    cause(
        "stop-timed-out",
        Systemd,
        Tasks,
        &["{} stopping timed out. Killing", "{}: Stopping timed out. Killing"],
        "What runs in the unit did not end in its time at SIGTERM, and systemd sends SIGKILL. Only what does not end at that is held by something \
         (storage, the kernel).",
    )
    .first(&["systemctl status UNIT", "ps -e -o pid,stat,wchan:32,args | awk '$2 ~ /D/'"]),
    consequence(
        "unit-program-ended",
        Systemd,
        Daemon,
        &["Main PID: {n} (code=killed, signal={})", "Process: {n} {}(code=killed, signal={})", "Main PID: {n} (code=exited, status={})", "Main PID: {n} (code=dumped, signal={})", "Active: failed (Result: {}) since {rest}", "Active: failed (Result: {}){rest}", "failed (Result: start-limit{rest}", "Active: activating (auto-restart) (Result: {}){rest}"],
        "systemd tells how a unit's program ended, or that it has given up to start it (start-limit). KILL came of the kernel (no \
         memory) or of a person; the unit's own lines before say the rest.",
    )
    .first(&["systemctl status UNIT", "journalctl -b -u UNIT --no-pager | tail -n 50", "journalctl -k -b | grep -e oom-kill -e 'Killed process'"]),
    cause(
        "networkd-dispatcher-note",
        Systemd,
        Nobody,
        &["WARNING:Unknown index {n} seen, reloading interface list", "Unknown index {n} seen, reloading interface list"],
        "networkd-dispatcher met a new network card (a container's) and reads the list again. Nothing is wrong.",
    ),
    cause(
        "descriptor-limit-raised",
        Containerd,
        Nobody,
        &["containerd: low RLIMIT_NOFILE changing to max", "low RLIMIT_NOFILE changing to max{rest}"],
        "containerd raises its own limit of open files. Nothing is wrong.",
    ),
    cause(
        "endpoint-format-note",
        Kubelet,
        Nobody,
        &["Using this format as endpoint is deprecated, please consider using full url format{rest}", "Using this endpoint is deprecated, please consider using full URL format{rest}", "--cgroups-per-qos enabled, but --cgroup-root was not specified.  defaulting to /", "--cgroups-per-qos enabled, but --cgroup-root was not specified{rest}"],
        "A note about how a setting of kubelet is written. kubelet continues with what it has.",
    ),
    act(
        "cgroup-systemd-wait",
        Kubelet,
        Cgroups,
        &["Timed out while waiting for systemd to remove {}", "Timed out while waiting for systemd to remove{rest}"],
        "kubelet asked systemd to remove a pod's slice and waited too long: processes are in it still, or systemd is busy. It tries again.",
    )
    .first(&["systemctl status", "systemctl list-units --all | wc -l", JOURNAL]),
    act(
        "bpf-not-loaded",
        System,
        Kernel,
        &["libbpf: {rest}", "BPF program is too large. Processed {n} insn", "BPF program is too large{rest}", "Couldn't load trivial BPF program{rest}"],
        "A program for the kernel (BPF) was not taken: rights or lockdown, the limit of locked memory on older kernels, or the kernel's verifier \
         (too large, or what it needs is not there). Whoever loads it (Cilium, a tracer) names it.",
    )
    .first(&["uname -r", "cat /sys/kernel/security/lockdown", "ulimit -l", DMESG]),
    cause(
        "aws-cni-no-address",
        Cni,
        Network,
        &["Failed to assign an IP address to container {}", "failed to assign an IP address to container{rest}", "assignPodIPv4AddressUnsafe: no available IP addresses{rest}"],
        "Amazon's CNI (ipamd, in the pod aws-node) had no address for the pod: the subnet or the node's cards are used up, its settings name a \
         wrong subnet, or it is not ready. ipamd.log says which.",
    )
    .within(&["routed-eni", "aws-cni", "ipamd", "aws-node"])
    .first(&["tail -n 50 /var/log/aws-routed-eni/ipamd.log", "kubectl -n kube-system get pods -l k8s-app=aws-node -o wide"]),
    act(
        "aws-cni-pool",
        Cni,
        Network,
        &["IP Address Pool stats: total: {n}, assigned: {n}", "IP pool stats: {rest}", "DataStore stats: total: {n}, assigned: {n}", "IP Address Pool stats: {rest}"],
        "Amazon's CNI tells how many addresses the node has and how many are taken. With as many taken as there are, the next pod gets none.",
    )
    .first(&["tail -n 50 /var/log/aws-routed-eni/ipamd.log"]),
    cause(
        "whereabouts-full",
        Cni,
        Network,
        &["Could not allocate IP in range{rest}", "Error at storage engine: Could not allocate IP in range{rest}"],
        "whereabouts has no free address in that range: it is too small, or addresses of pods that are gone were not given back.",
    )
    .first(&["kubectl get ippools.whereabouts.cni.cncf.io -A", "kubectl get overlappingrangeipreservations.whereabouts.cni.cncf.io -A"]),
    cause(
        "cni-plugin-crashed",
        Cni,
        Network,
        &["runtime error: invalid memory address or nil pointer dereference{}goroutine {rest}", "netplugin failed{rest}goroutine {rest}"],
        "The network's plugin itself crashed (a defect of it, written in Go), not containerd: its release and its own log tell.",
    )
    .within(&["networkplugin cni", "plugin type=", "setup network", "set up pod", "netplugin"])
    .first(&["ls -l /etc/cni/net.d /opt/cni/bin"]),
    act(
        "link-rename",
        Cni,
        Network,
        &["failed to rename vf {n} device {q} to {q}: {rest}", "failed to rename link {} -> {}: {rest}", "failed to rename {} to {}: {rest}", "failed to rename link {}: {rest}"],
        "A plugin was giving a network card its name in the pod: busy means that the card is up or in use, exists that the pod has one of that name.",
    )
    .within(&["device", "link", "netns", "eth"])
    .first(&["ip -br link"]),
    act(
        "ovs-command",
        Cni,
        Network,
        &["ovs-vsctl: {rest}", "ovs-ofctl: {rest}", "ovs-appctl: {rest}"],
        "A command of Open vSwitch failed: its database does not answer, or whoever called it (OVN-Kubernetes, another plugin) wrote it wrongly.",
    )
    .first(&["ovs-vsctl show", "systemctl status openvswitch ovsdb-server"]),
    consequence(
        "csi-registrar",
        Kubernetes,
        Pod,
        &["Kubelet plugin registration hasn't succeeded yet, file={} doesn't exist.", "Kubelet plugin registration hasn't succeeded yet{rest}"],
        "A CSI driver's registrar waits for kubelet to take its driver: kubelet's folder is another than it was told, or the driver does not run.",
    )
    .first(&["ls -l /var/lib/kubelet/plugins_registry", "kubectl get csinodes"]),
    act(
        "plugin-socket",
        Kubelet,
        Other,
        &["RegisterPlugin error -- {rest}", "Operation for {q} failed. No retries permitted until{rest}RegisterPlugin error{rest}"],
        "kubelet found a socket in the folder of plugins and could not register it. Where it is the driver's own socket, and no \
         registrar's, kubelet asks it for what it does not know: that does no harm. Otherwise the driver or its registrar does not \
         answer there.",
    )
    .within(&["registerplugin"])
    .first(&["ls -l /var/lib/kubelet/plugins_registry /var/lib/kubelet/plugins", "kubectl get csinodes"]),
    cause(
        "api-invalid",
        crate::Component::Kubernetes,
        Pod,
        &["The {} {q} is invalid{rest}", "{} {q} is invalid{rest}", "The {} {q} is invalid"],
        "The API server does not take the object: a field has a value that it may not have, or the API server's settings or a \
         policy forbid it. The line names the field. The node and its runtime have no part in it.",
    )
    .within(&[": forbidden: ", ": invalid value: ", ": required value", ": unsupported value: ", ": duplicate value: "])
    .wraps(&[])
    .first(&["kubectl apply --dry-run=server -f FILE"]),
    act(
        "k3s-datastore",
        K3s,
        Other,
        &["Failed to test data store connection{rest}", "Failed to test data store connection"],
        "k3s or RKE2 cannot reach its datastore (etcd, or the database of kine) yet. While a server starts, it says so some times; \
         if it does not end, the datastore does not run or its members do not find each other.",
    )
    .first(&[K3S]),
    cause(
        "kubeadm-version-offline",
        Client,
        Nobody,
        &["could not fetch a Kubernetes version from the internet{rest}", "falling back to the local client version{rest}", "remote version is much newer{rest}", "kubeadm cannot validate component configs for API groups{rest}"],
        "kubeadm could not ask, or does not use, the newest release, and takes its own. Nothing is wrong.",
    ),
    consequence(
        "api-server-refused",
        Client,
        Other,
        &["The connection to the server {} was refused - did you specify the right host or port?", "The connection to the server {} was refused{rest}"],
        "kubectl (or another client) reached no API server at that address: it does not run, or listens elsewhere. Where it is a static \
         pod of this node, kubelet and the runtime have to run first.",
    )
    .first(&["crictl ps -a | grep -e apiserver -e etcd", "systemctl status kubelet containerd", KUBELET]),
];
