//! What is said all the time and is no fault: kubelet's, containerd's and the kernel's notes; and file systems' words that stand beside
//! their errors.

use super::{DISK, DMESG, STUCK};
use crate::message::Component::{Client, Containerd, Kernel as TheKernel, Kubelet, System};
use crate::message::Whose::{Daemon, Kernel, Memory, Nobody, Pod, Storage, Tls};
use crate::message::{Message, act, cause, consequence};

pub(super) const ALL: &[Message] = &[
    cause(
        "kubelet-notes",
        Kubelet,
        Nobody,
        &["eviction manager: no observation found for eviction signal {}", "Could not get instant cpu stats: {rest}", "Could not get instant cpu stats", "operationExecutor.VerifyControllerAttachedVolume started for volume {rest}", "operationExecutor.MountVolume started for volume {rest}", "operationExecutor.UnmountVolume started for volume {rest}", "operationExecutor.UnmountDevice started for {rest}", "MountVolume.SetUp succeeded for volume {rest}", "MountVolume.MountDevice succeeded for volume {rest}", "UnmountVolume.TearDown succeeded for volume {rest}", "UnmountDevice succeeded for volume {rest}", "Volume detached for volume {rest}", "SyncLoop ADD{rest}", "SyncLoop UPDATE{rest}", "SyncLoop DELETE{rest}", "SyncLoop REMOVE{rest}", "SyncLoop (PLEG){rest}", "SyncLoop (probe){rest}", "Observed pod startup duration", "Topology Admit Handler", "RemoveContainer", "Attempting to register node", "Successfully registered node", "Started kubelet", "Starting to listen", "Loaded volume plugin", "Creating node shutdown manager", "oomparser using systemd", "Setting node annotation to enable volume controller attach/detach", "Recording NodeHasSufficientMemory event message for node {}", "Recording NodeHasNoDiskPressure event message for node {}", "Recording NodeHasSufficientPID event message for node {}", "Killing container with a grace period", "RemoveStaleState{rest}", "Deleted CPUSet assignment", "Cleaned up orphaned pod volumes dir", "Generic (PLEG): container finished", "There were many similar errors. Turn up verbosity to see them", "Pod is terminated, but some containers are still running", "Starting kubelet main sync loop", "Adding debug handlers to kubelet server", "Container runtime initialized", "Image garbage collection succeeded", "Unable to read config path {q}: path does not exist, ignoring", "Unable to read config path", "No cloud provider specified{}", "Standalone mode, no API client", "invalid capacity 0 on image filesystem", "Flag --{} has been deprecated, {rest}"],
        "A note of kubelet's ordinary work. By itself no fault.",
    )
    .unless(&["failed", "level=error"]),
    cause(
        "leader-notes",
        crate::message::Component::Kubernetes,
        Nobody,
        &["attempting to acquire leader lease {rest}", "successfully acquired lease {rest}", "Attempting to acquire leader lease{rest}", "Successfully acquired lease{rest}"],
        "A part of the control plane, or a controller, waits for its turn to work, or has got it: of several, one works. By itself \
         no fault.",
    ),
    cause(
        "kubelet-start-wait",
        Kubelet,
        Nobody,
        &["skipping pod synchronization - [container runtime is down{rest}pleg was last seen active 2562047h{rest}", "PLEG is not healthy: pleg has yet to be successful", "PLEG is not healthy: pleg was last seen active 2562047h{rest}", "pleg was last seen active 2562047h{rest}", "pleg has yet to be successful"],
        "kubelet has just started and has not listed the containers yet (2562047h is no time: it never did). It passes within \
         seconds; only if it comes again and again does the runtime not answer.",
    )
    .first(&["systemctl status containerd", "time crictl ps -a > /dev/null"]),
    consequence(
        "node-not-becoming-ready",
        Kubelet,
        Daemon,
        &["Node not becoming ready in time after startup", "Node became not ready{}", "Node became not ready"],
        "The node is not Ready. The condition's message, or kubelet's lines beside it, say what it waits for: the network's \
         plugin, the runtime, the API server.",
    )
    .first(&["kubectl describe node NODE", "crictl info | grep -A8 conditions", "journalctl -b -u kubelet --no-pager | tail -n 50"]),
    cause(
        "container-gone-note",
        Kubelet,
        Nobody,
        &["Error getting ContainerStatus for containerID", "DeleteContainer returned error", "Error removing container{rest}an error occurred when try to find container {rest}"],
        "kubelet asked for a container that was removed meanwhile: two of its own loops meet. By itself no fault.",
    )
    .within(&["not found", "notfound", "no such container", "does not exist"]),
    cause(
        "container-forced",
        crate::message::Component::Dockerd,
        Nobody,
        &["Container {} failed to exit within {rest}", "Container failed to exit within {rest}", "Container {} failed to stop{}signal{}using the force"],
        "The container's program did not end at the stop signal in the time that it had, and dockerd sends SIGKILL. That is the \
         ordinary way; only if it does not end at that, something holds it.",
    )
    .unless(&["level=error"])
    .first(&[STUCK]),
    cause(
        "client-credentials",
        Client,
        Tls,
        &["You must be logged in to the server{rest}", "error: You must be logged in to the server{rest}"],
        "The API server does not take the credentials of the client's own kubeconfig: a certificate or a token that is expired, or of another cluster or an earlier life of this one. \
         Where the line names a part of a pod in brackets (pods/log, pods/exec), it is kubelet that does not take the API server's.",
    )
    .first(&["kubectl config view --minify", "date", "openssl x509 -noout -dates -in /etc/kubernetes/pki/apiserver-kubelet-client.crt"]),
    cause(
        "api-unauthorized",
        Kubelet,
        crate::message::Whose::Tls,
        &["Unauthorized", "{}: Unauthorized", "the server has asked for the client to provide credentials"],
        "The API server was reached and does not take this client's credentials: a certificate or token that is expired, or of \
         another cluster.",
    )
    .within(&["lease", "kubelet", "kube", "controller.go", "reflector", "node", "api server", "server has asked"])
    .unless(&["pull", "registry", "/v2/", "image", "manifest"])
    .first(&["openssl x509 -noout -dates -in /var/lib/kubelet/pki/kubelet-client-current.pem", "date"]),
    act(
        "stream-upgrade",
        Kubelet,
        Pod,
        &["unable to upgrade connection", "error dialing backend", "error executing command in container", "unable to upgrade connection: container not found ({q})"],
        "A stream to a container (kubectl exec, attach, port-forward, logs) was being opened: the API server asks kubelet, and \
         kubelet the runtime's streaming server. The rest of the line says at which of them it failed.",
    )
    .or(&["the container does not run (yet, or any more)", "a proxy, a firewall or a wrong address between the API server and kubelet (port 10250)", "the image has no such program"])
    .first(&["kubectl get pod POD -o wide", "crictl ps -a"]),
    cause(
        "inotify-watches",
        crate::message::Component::System,
        crate::message::Whose::Kernel,
        &["{}inotify_add_watch {path}: no space left on device", "{}inotify_add_watch {}: no space left on device", "inotify_add_watch {path}: no space left on device", "inotify_add_watch {}: no space left on device", "failed to add watch{rest}no space left on device", "error creating inotify watch{rest}no space left on device", "inotify_add_watch{rest}no space left on device", "inotify_init: too many open files", "{}inotify_init: too many open files"],
        "The limit of inotify watches or instances of that user (fs.inotify.max_user_watches, max_user_instances) is used up. No disk is full. What should be \
         watched (a folder of settings, a cgroup, a log) is not seen to change.",
    )
    .certain()
    .first(&["sysctl fs.inotify"]),
    act(
        "orphaned-pod",
        Kubelet,
        Pod,
        &["Orphaned pod {q} found, but error occurred when trying to remove the volumes dir: {rest}", "orphaned pod {q} found, but volume paths are still present on disk{rest}", "orphaned pod {q} found, but {rest}", "Orphaned pod {q} found, but {rest}", "orphaned pod found, but {rest}"],
        "The folder of a pod that is gone is left under kubelet's folder, and kubelet does not remove it as long as something is in \
         its volumes: that may be data of a volume that is still mounted.",
    )
    .first(&["findmnt | grep kubelet/pods", "ls -la /var/lib/kubelet/pods/UID/volumes"]),
    consequence(
        "kubelet-slow",
        Kubelet,
        Storage,
        &["Housekeeping took longer than {}", "Housekeeping took longer than expected", "housekeeping took longer than {rest}", "PLEG: Relisting containers took longer than {rest}", "Calculate volume metrics of {rest} took {rest}", "fs: disk usage and inodes count on following dirs took {rest}", "Slow readiness of {rest}"],
        "A part of kubelet's regular work took longer than it should: the disk, the CPU or the runtime is slow.",
    )
    .first(&["cat /proc/pressure/io /proc/pressure/cpu", DISK, STUCK]),
    cause(
        "containerd-notes",
        Containerd,
        Nobody,
        &["No cni config template is specified, wait for other system components to drop the config", "Start subscribing containerd event", "Start recovering state", "Start event monitor", "Start snapshots syncer", "Start cni network conf syncer for default", "Start streaming server", "Connect containerd service", "Get image filesystem path {q}", "loading plugin {q}...", "loading plugin", "TaskExit event {rest}", "TaskExit event in podsandbox handler {rest}", "received container exit event {rest}", "received sandbox exit event {rest}", "Stop container {q} with signal {}", "Kill container {q}", "Finish piping std{} of container {q}", "snapshot garbage collected", "garbage collected", "schedule snapshotter cleanup", "removed snapshot", "remove snapshot", "stat snapshot", "prepare snapshot", "commit snapshot", "event published", "ImageCreate event {rest}", "ImageUpdate event {rest}", "StopPodSandbox for {q} returns successfully", "CreateContainer within sandbox {q} for container {}", "StopPodSandbox for {q}", "RemovePodSandbox for {q}", "StartContainer for {q}", "RemoveContainer for {q}", "PullImage {q}", "Removing stale sandbox {}", "shim reaped", "RemovePodSandbox {q} returns successfully", "RunPodSandbox for {} returns sandbox id {q}", "CreateContainer within sandbox {q} for {} returns container id {q}", "StartContainer for {q} returns successfully", "StopContainer for {q} returns successfully", "RemoveContainer for {q} returns successfully", "PullImage {q} returns image reference {q}", "TearDown network for sandbox {q} successfully", "Forcibly stopping sandbox {q}", "wrote queued deletion file", "Queueing endpoint batch deletion request", "stop pulling image {}: active requests={n}, bytes read={n}", "metadata content store policy set", "Enforce kubelet's static pod"],
        "containerd tells of its work: starts, ends, pulls. By itself no fault.",
    )
    .unless(&["level=error", "level=fatal", "failed"]),
    cause(
        "client-notes",
        crate::message::Component::Client,
        Nobody,
        &["runtime connect using default endpoints: {rest}", "image connect using default endpoints: {rest}", "Using default endpoints{rest}", "remote version is much newer: {rest}", "WARNING: kubeadm cannot validate component configs for API groups {rest}", "missing optional cgroups: {}", "swap is enabled; production deployments should disable swap unless testing the NodeSwap feature gate of the kubelet", "swap is supported for cgroup v2 only{rest}", "The configuration is using `runtime_path`, which is deprecated and will be removed in future{rest}", "Using cgroups-v1 which is deprecated in favor of cgroups-v2 with Podman v5{rest}", "detected that the sandbox image {q} of the container runtime is inconsistent with that used by kubeadm{rest}", "hostname {q} could not be reached", "you should set the endpoint instead"],
        "A warning of a tool (crictl, kubeadm, podman) about its own settings or versions. The tool continues.",
    )
    .unless(&["level=fatal"])
    .first(&["cat /etc/crictl.yaml"]),
    cause(
        "kubeadm-check",
        crate::message::Component::Client,
        crate::message::Whose::Settings,
        &["Port {n} is in use", "{path} contents are not set to 1", "{path} does not exist", "{path} already exists", "{path} is not empty", "the number of available CPUs {n} is less than the required {n}", "the system RAM ({n} MB) is less than the minimum {n} MB", "user is not running as root", "{} not found in system path"],
        "kubeadm's check before it begins: the node is not as it wants it. The line names what: a port that is taken or a file that \
         is there (kubeadm, or another Kubernetes, was set up before), a setting of the kernel, a program, the runtime.",
    )
    .within(&["[error port", "[error file", "[error dir", "[error num", "[error mem", "[error ispriv"])
    .first(&["ss -lntp", "ls -l /etc/kubernetes/manifests", "sysctl net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables"]),
    act(
        "kernel-network-fs",
        TheKernel,
        Storage,
        &["NFS: {rest}", "CIFS{}: {rest}", "ceph: {rest}", "rbd: {rest}", "libceph: {rest}", "fuse: {rest}"],
        "A file system that lies on a server (NFS, CIFS, Ceph) or is a program's (FUSE) tells of itself.",
    )
    .first(&["findmnt -t nfs,nfs4,cifs,ceph,fuse", DMESG]),
    cause(
        "kernel-notes",
        TheKernel,
        Nobody,
        &["aufs {}dirperm1 breaks the protection by the permission bits on the lower branch", "{}dirperm1 breaks the protection by the permission bits on the lower branch", "perf: interrupt took too long ({n} > {n}), lowering kernel.perf_event_max_sample_rate to {n}", "{}: SATA link up {rest}", "xfs filesystem being mounted at {path} supports timestamps until {rest}", "ZFS: Loaded module {rest}", "Adding {n}k swap on {path}.  Priority:{rest}", "fuse: init (API version {})", "device-mapper: uevent: version {}", "device-mapper: ioctl: {} initialised: {}", "ceph: loaded (mds proto {n})", "libceph: {} session established", "libceph: loaded (mon/osd proto {rest}", "EDAC MC: Ver: {}", "Bridge firewalling registered", "bridge: filtering via arp/ip/ip6tables is no longer available by default. Update your scripts to load br_netfilter if you need this", "bridge: automatic filtering via arp/ip/ip6tables has been deprecated. Update your scripts to load br_netfilter if you need this", "overlayfs: loaded{}", "Initializing XFRM netlink socket", "IPVS: ipvs loaded", "process {q} launched {q} using {rest}", "Key type {} registered", "nvidia-modeset: Loading NVIDIA Kernel Mode Setting Driver {rest}", "NVRM: loading NVIDIA UNIX {rest}", "nvidia: module license {rest}", "nvidia: loading out-of-tree module taints kernel"],
        "A note of the kernel about a module, a device or its own settings. Nothing failed.",
    ),
    cause(
        "syn-flood",
        TheKernel,
        crate::message::Whose::Network,
        &["TCP: request_sock_TCP: Possible SYN flooding on port {}. Sending cookies{rest}", "TCP: {}: Possible SYN flooding on port {}. Sending cookies{rest}", "Possible SYN flooding on port {rest}"],
        "More connections came to that port at once than the program that listens takes: many clients, a slow program, or an attack. \
         The kernel continues with cookies.",
    )
    .first(&["ss -lnt", "nstat -az TcpExtListenOverflows TcpExtListenDrops"]),
    cause(
        "overlay-fallback",
        TheKernel,
        Nobody,
        &["overlayfs: upper fs does not support file handles, falling back to {}", "overlayfs: {}, falling back to {}", "overlayfs: fs on '{}' does not support file handles, falling back to {rest}", "fs on '{}' does not support file handles, falling back to {rest}", "overlayfs: upper fs does not support {}, falling back to {rest}", "overlayfs: null uuid detected in lower fs '{}', falling back to {rest}", "null uuid detected in lower fs '{}', falling back to {rest}", "overlayfs: missing \"lowerdir\" or {rest}", "overlayfs: \"xino\" feature enabled using {rest}", "overlayfs: enabling xino{rest}", "overlayfs: {}falling back to {rest}"],
        "overlayfs does without an optional feature on this file system. Containers still run.",
    ),
    cause(
        "overlay-shared",
        TheKernel,
        Storage,
        &["overlayfs: upperdir is in-use as upperdir/workdir of another mount{rest}", "overlayfs: lowerdir is in-use as upperdir/workdir of another mount{rest}", "overlayfs: workdir is in-use as upperdir/workdir of another mount{rest}", "overlayfs: lowerdir is in-use as upperdir/workdir{rest}", "overlayfs: upperdir is in-use{rest}", "upperdir is in-use as upperdir/workdir of another mount{rest}"],
        "One folder is used by two overlay mounts at once. The kernel warns, or refuses the second mount (busy); what is written \
         through both is undefined.",
    )
    .or(&["a mount of an earlier container was left, here or in another mount namespace", "two daemons use one root", "a container is started twice at once"])
    .first(&["grep -l overlay /proc/*/mountinfo | head", "coroner runtime mounts /", DMESG]),
    cause(
        "overlay-path",
        TheKernel,
        Storage,
        &["failed to resolve '{}': {n}", "failed to resolve \"{}\": {n}"],
        "A folder that an overlay mount names is not there (-2) or cannot be reached: a snapshot's directory was removed, or its \
         path is wrong.",
    )
    .within(&["overlay"])
    .codes(&["snapshot/directory-missing"])
    .first(&["coroner snapshots check /", DMESG]),
    cause(
        "ext4-check-due",
        TheKernel,
        Storage,
        &["EXT4-fs ({}): warning: mounting unchecked fs, running e2fsck is recommended", "EXT4-fs ({}): warning: maximal mount count reached, running e2fsck is recommended", "EXT4-fs ({}): warning: checktime reached, running e2fsck is recommended", "EXT4-fs ({}): error count since last fsck: {n}", "EXT4-fs ({}): initial error at time {rest}", "EXT4-fs ({}): last error at time {rest}"],
        "The file system's own record says that it was not checked since an error, or for long. That tells of the past: it need \
         not fail now. A check needs it unmounted.",
    )
    .open()
    .first(&[DMESG, "findmnt -T /var/lib/containerd"]),
    cause(
        "file-system-replayed",
        TheKernel,
        Nobody,
        &["EXT4-fs ({}): INFO: recovery required on readonly filesystem", "EXT4-fs ({}): write access will be enabled during recovery", "XFS ({}): Starting recovery (logdev: {})", "XFS ({}): Ending recovery (logdev: {})", "XFS ({}): Deprecated V4 format {rest}", "XFS ({}): Quotacheck {rest}", "EXT4-fs ({}): quota mode: {rest}", "EXT4-fs ({}): {n} orphan inodes deleted", "EXT4-fs ({}): {n} orphan inode deleted"],
        "A file system was not unmounted before (a power cut, a crash), and its journal brought it in order; or it tells how it is \
         mounted. By itself no fault.",
    ),
    cause(
        "ext4-no-write",
        TheKernel,
        Storage,
        &["EXT4-fs ({}): Delayed block allocation failed for inode {rest}", "This should not happen!! Data will be lost", "EXT4-fs ({}): {}: This should not happen!! Data will be lost{rest}"],
        "What programs wrote could not be put on the disk and is lost: the disk, or the pool of thin volumes below it, is full or \
         fails.",
    )
    .first(&[DMESG, DISK, "lvs -a -o +data_percent,metadata_percent"]),
    cause(
        "xfs-uuid",
        TheKernel,
        Storage,
        &["XFS ({}): Filesystem has duplicate UUID {} - can't mount", "XFS ({}): Filesystem has duplicate UUID{rest}"],
        "Two block devices carry the same xfs, a copy (a snapshot, a clone, a second path) of one that is mounted already.",
    )
    .certain()
    .first(&["lsblk -f", "blkid"]),
    cause(
        "oom-kill",
        TheKernel,
        Memory,
        &["{} invoked oom-killer: {rest}", "{} invoked oom-killer{rest}", "Killed process {n} ({}) total-vm{rest}", "oom_reaper: reaped process {n} ({}){rest}", "oom_reaper: unable to reap pid:{n} ({})", "oom-kill:constraint=CONSTRAINT_CPUSET{rest}", "oom-kill:constraint=CONSTRAINT_MEMORY_POLICY{rest}"],
        "The kernel kills a process because memory is used up. Whether a container's limit or the node's memory: the line \
         `oom-kill:constraint=` beside it says (MEMCG is a limit, NONE the node).",
    )
    .first(&["journalctl -k -b | grep -e oom-kill -e 'Killed process'", "free -m"]),
    cause(
        "security-notes",
        TheKernel,
        Nobody,
        &["avc:  received policyload notice{rest}", "avc: received policyload notice{rest}", "audit: type=1400 audit({}): apparmor=\"STATUS\" {rest}", "apparmor=\"STATUS\" {rest}", "audit: type=1400 audit({}): apparmor=\"ALLOWED\" {rest}", "apparmor=\"ALLOWED\" {rest}", "audit({}): apparmor=\"STATUS\" {rest}", "type=1400 audit({}): apparmor=\"STATUS\" {rest}", "audit: type=1325 {rest}", "audit: type=1334 {rest}", "audit: type=1300 {rest}", "audit: type=1327 {rest}", "audit: type=1700 {rest}", "NMI watchdog: Enabled. {rest}", "audit: backlog limit exceeded", "kauditd_printk_skb: {n} callbacks suppressed", "audit: kauditd hold queue overflow"],
        "A note of the kernel: a profile was loaded, something was let through and written down, a rule of the firewall changed. \
         Nothing was refused.",
    ),
    act(
        "kernel-warning",
        TheKernel,
        Kernel,
        &["WARNING: CPU: {n} PID: {n} at {rest}", "Call Trace:", "------------[ cut here ]------------", "---[ end trace {} ]---"],
        "The kernel met something that it did not expect, and dumps where. The first line of the dump names the place; the system \
         mostly runs on.",
    )
    .first(&[DMESG, "uname -r"]),
    act(
        "docker-overlay-mount",
        crate::message::Component::Dockerd,
        Storage,
        &["error creating overlay mount to {path}", "error creating overlay mount to {}"],
        "dockerd was mounting the file system of a container (or of a step of a build).",
    )
    .or(&["busy: the same folder is in another mount still, here or in another mount namespace", "no such file: a layer's folder is gone", "invalid argument or too many levels: the kernel does not take these folders (dmesg says why)"])
    .first(&[DMESG, "grep -l overlay2 /proc/*/mountinfo | head", DISK]),
    cause(
        "dm-low-water",
        TheKernel,
        Storage,
        &["device-mapper: thin: {}: reached low water mark for {} device{rest}", "device-mapper: thin: {}: reached low water mark{rest}"],
        "A pool of thin volumes has less free space than its low-water mark. It is not full yet; when it is, what is written to \
         its volumes waits or fails.",
    )
    .certain()
    .first(&["lvs -a -o +data_percent,metadata_percent", "dmsetup status --target thin-pool"]),
    act(
        "dm-table",
        TheKernel,
        Storage,
        &["device-mapper: table: {}: thin-pool: metadata device already in use by a pool", "device-mapper: table: {}: {rest}", "device-mapper: ioctl: error adding target to table", "device-mapper: ioctl: {rest}", "device-mapper: table: {rest}", "device-mapper: space map {rest}"],
        "The device mapper did not take a device that a program (dmsetup, LVM, the snapshotter devmapper) wanted to make: the line \
         says why.",
    )
    .or(&["another device uses the same data or metadata already (a pool that was made twice, or under another name)", "the size or the table does not fit the devices below"])
    .first(&["dmsetup ls --tree; dmsetup table", DMESG]),
    cause(
        "mount-template",
        Containerd,
        Daemon,
        &["mount source: {q}, target: {q}, fstype: format/{}, flags: {n}, data: {q}, err: no such device", "mount source: {q}, target: {q}, fstype: mkfs/{}, flags: {n}, data: {q}, err: no such device", "mount source: {q}, target: {q}, fstype: mkdir/{}, flags: {n}, data: {q}, err: no such device"],
        "A mount with a template in it (its kind begins with format/, mkdir/ or mkfs/: snapshotters of 2.2 and later, erofs) was \
         given to the kernel as it is: whoever mounts it does not know containerd's mount manager. The kernel's modules are \
         not at fault.",
    )
    .of_releases("2.2 and later")
    .first(&["containerd --version", "containerd-shim-runc-v2 -v"]),
    cause(
        "grpc-notes",
        System,
        Nobody,
        &[
            "ClientConn switching balancer to {q}",
            "scheme {q} not registered, fallback to default scheme",
            "parsed scheme: {q}",
            "ccResolverWrapper: sending update to cc: {rest}",
            "ccResolverWrapper: sending new addresses to cc: {rest}",
            "blockingPicker: the picked transport is not ready, loop back to repick",
            "pickfirstBalancer: HandleSubConnStateChange: {rest}",
            "pickfirstBalancer: UpdateSubConnState: {rest}",
            "Subchannel Connectivity change to {rest}",
            "Subchannel picks a new address {rest}",
            "Channel Connectivity change to {rest}",
            "[core] {rest}",
        ],
        "A note of the library with which programs speak to each other (gRPC): a connection is being made. By itself no fault.",
    )
    .unless(&["failed to connect", "refused", "transientfailure", "transient_failure", "error while dialing"]),
    cause(
        "lines-left-out",
        System,
        Nobody,
        &["{n} callbacks suppressed", "{}: {n} callbacks suppressed", "Suppressed {n} messages from {rest}", "message repeated {n} times: {rest}", "--- last message repeated {n} times ---"],
        "So many lines like those beside it were left out, since they came too fast. What they are about is in the ones that were kept.",
    )
    .first(&["journalctl -b --no-pager | grep -B5 -e suppressed | tail -n 40"]),
];
