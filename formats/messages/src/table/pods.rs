//! kubelet's words about what a pod asks for: volumes, devices, admission; and the cluster's own.

use crate::message::Component::{Kubelet, Kubernetes, Registry as TheRegistry, System};
use crate::message::Whose::{Nobody, Other, Pod, Registry, Security, Settings, Storage, Tls};
use crate::message::{Message, act, cause, consequence};

const DESCRIBE: &str = "kubectl describe pod POD";
const KUBELET: &str = "journalctl -b -u kubelet --no-pager | tail -n 50";
const MOUNTS: &str = "findmnt | grep kubelet/pods";

pub(super) const ALL: &[Message] = &[
    consequence(
        "api-server-starts",
        Kubernetes,
        Other,
        &["{} is forbidden: not yet ready to handle request{}", "nodes {q} is forbidden: not yet ready to handle request{}", "not yet ready to handle request{}"],
        "The API server is up, but has not loaded its objects yet, and refuses requests until then. Seconds after its start that is ordinary; \
         if it lasts, its database (etcd, kine) is slow.",
    )
    .first(&["curl -ks https://API_SERVER:6443/readyz?verbose", "cat /proc/pressure/io"]),
    cause(
        "api-server-unreached",
        Kubernetes,
        Other,
        &["dial tcp {}:6443: connect: connection refused", "Get \"https://{}:6443/{}\": dial tcp {}: connect: connection refused", "Get \"https://{}:6443/{}\": {rest}"],
        "The cluster's API server (of k3s: its server) was not reached at that address, port 6443: it does not run there, is elsewhere, or \
         something between refuses it. Where it runs in a pod of this node, other lines say why that does not start.",
    )
    .open()
    .unless(&["pull", "registry", "/v2/", "swarm", "docker", "cacerts", "ca certs", "/v1-k3s", "/v1-rke2"])
    .or(&["the address in the kubeconfig or of --server is another's", "the server is starting, or lost its database (etcd)"])
    .first(&["curl -ks https://API_SERVER:6443/healthz", "crictl ps -a | grep -e apiserver -e etcd", "ss -lntp | grep 6443"]),
    act(
        "pod-sync-skipped",
        Kubelet,
        Other,
        &["Skipping pod synchronization{}", "Skipping pod synchronization", "skipping pod synchronization - {}", "skipping pod synchronization - [{}", "skipping pod synchronization"],
        "kubelet makes and ends no pods now, because of what the rest of the line says. Soon after kubelet's start that is ordinary.",
    )
    .first(&[KUBELET, "systemctl status containerd", "time crictl ps -a > /dev/null"]),
    act(
        "kubelet-flags",
        Kubelet,
        Settings,
        &["failed to validate kubelet flags{rest}", "Failed to validate kubelet flags", "failed to validate kubelet configuration{rest}"],
        "kubelet does not take its flags or its configuration, and ends: one that this release does not know any more, or that asks for \
         another. The rest of the line names it.",
    )
    .wraps(&[])
    .first(&[KUBELET, "systemctl cat kubelet", "cat /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env"]),
    act(
        "mirror-pod",
        Kubelet,
        Other,
        &["Failed creating a mirror pod for {q}{rest}", "Failed creating a mirror pod for{rest}", "Failed creating a mirror pod", "Failed deleting a mirror pod {q}{rest}", "Failed deleting a mirror pod"],
        "The API server's copy of a static pod could not be made or removed; the static pod itself still runs, but the cluster does \
         not show it. The rest of the line is the API server's answer: a webhook, a right, or that it is not reached.",
    )
    .wraps(&[])
    .first(&["crictl ps -a", "kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations", KUBELET]),
    act(
        "static-pod-file",
        Kubelet,
        Settings,
        &["can't process config file {q}{rest}", "can't process manifest file {q}{rest}", "Could not process manifest file", "Could not process manifest file{rest}", "Can't process manifest file", "Unable to process watch event{rest}", "unable to read config path {q}{rest}", "Unable to read config path{rest}"],
        "A file in the folder of static pods could not be read as a pod. One that an editor or a copy left for a moment is harmless; another \
         keeps that static pod from running.",
    )
    .wraps(&[])
    .first(&["ls -la /etc/kubernetes/manifests", "grep -i staticPodPath /var/lib/kubelet/config.yaml"]),
    act(
        "eviction-signal",
        Kubelet,
        Other,
        &["failed to construct signal: {rest}", "failed to construct signal", "failed to get summary stats{rest}", "failed to get summary stats", "no observation found for eviction signal {rest}", "no observation found for eviction signal", "system container {q} not found in metrics"],
        "kubelet's eviction manager could not measure something this time: the numbers of a file system, of a cgroup or of the runtime were \
         not there (soon after a start, or a cgroup that does not exist here). It does not say that disk or memory is short.",
    )
    .wraps(&[])
    .first(&["crictl imagefsinfo", "ls /sys/fs/cgroup | grep -i kubepods", KUBELET]),
    cause(
        "node-deny",
        Kubernetes,
        Security,
        &["NODE DENY", "NODE DENY{rest}", "node {q} cannot get unknown {rest}", "no relationship found between node {q} and this object{rest}"],
        "The API server's node authorizer refuses a node's request: it knows no pod of that node that uses the object, or has not learnt of \
         it yet (then it passes within a second).",
    )
    .first(&["kubectl get pod POD -n NAMESPACE -o wide", DESCRIBE]),
    cause(
        "pod-object-missing",
        Kubelet,
        Pod,
        &[
            "secret {q} not found", "secrets {q} not found", "configmap {q} not found", "configmaps {q} not found",
            "references non-existent secret key: {}", "references non-existent config key: {}",
            "couldn't find key {} in Secret {}", "couldn't find key {} in ConfigMap {}", "object {q}/{q} not registered",
            "failed to sync secret cache: {rest}", "failed to sync configmap cache: {rest}",
            "couldn't propagate object cache: {rest}", "failed to fetch token: {rest}",
            "Unable to retrieve some image pull secrets {rest}", "Unable to retrieve some image pull secrets",
        ],
        "A ConfigMap, a Secret, a key in one, or a token that the pod names is not there, or kubelet has not got it from \
         the API server yet (then it goes away by itself).",
    )
    .certain()
    .first(&[DESCRIBE, "kubectl get configmap,secret -n NAMESPACE"]),
    cause(
        "host-path-kind",
        Kubelet,
        Pod,
        &["hostPath type check failed: {rest}", "hostPath type check failed"],
        "A hostPath of the pod is not there as kubelet sees it, or is of another kind (file, folder, socket, device) than the pod says. \
         A kubelet in a container or a mount namespace of its own sees other paths than the node's.",
    )
    .first(&["stat PATH_ON_THE_HOST", "nsenter -t $(pidof kubelet) -m stat PATH_ON_THE_HOST"]),
    cause(
        "csi-not-registered",
        Kubelet,
        Storage,
        &["driver name {} not found in the list of registered CSI drivers", "CSI driver name {} not found in the list of registered CSI drivers", "CSINode {} does not contain driver {}", "nodeinfo not found for driver {rest}"],
        "The volume's CSI driver is not registered with kubelet on this node: its pod does not run here, or has not come so \
         far (normal for a minute after a boot).",
    )
    .certain()
    .first(&["kubectl get csinodes -o yaml", "ls -l /var/lib/kubelet/plugins_registry", "kubectl get pods -A -o wide | grep -i csi"]),
    cause(
        "volume-attached-elsewhere",
        Kubernetes,
        Storage,
        &["Multi-Attach error for volume {q} {rest}", "Multi-Attach error for volume {q}", "Volume is already exclusively attached to one node and can't be attached to another", "Volume is already used by pod(s) {rest}"],
        "The volume is still attached to another node, where a pod uses it or used it until that node was lost: it can be at \
         one only. It is let go when the old pod is gone, or after about six minutes.",
    )
    .certain()
    .first(&["kubectl get volumeattachment", "kubectl get pods -A -o wide | grep CLAIM_USER"]),
    cause(
        "volume-attach",
        Kubernetes,
        Storage,
        &["AttachVolume.Attach failed for volume {q}{rest}", "AttachVolume.FindAttachablePluginBySpec failed{rest}", "timed out waiting for external-attacher of {} CSI driver to attach volume {}", "volume attachment is being deleted", "WaitForAttach failed for volume {q}{rest}", "MountVolume.WaitForAttach failed for volume {q}{rest}"],
        "The volume could not be attached to this node: its driver's controller or the provider of the disk refused or did \
         not answer.",
    )
    .first(&[DESCRIBE, "kubectl get volumeattachment"]),
    cause(
        "volume-unbound",
        Kubernetes,
        Storage,
        &["pod has unbound immediate PersistentVolumeClaims{rest}", "{}unbound immediate PersistentVolumeClaims{rest}", "persistentvolumeclaim {q} not found", "waiting for a volume to be created, either by external provisioner {q}{rest}", "waiting for first consumer to be created before binding", "PVC is not bound{}"],
        "The pod's claim of a volume has no volume: the storage class or its provisioner made none, or the claim is not there.",
    )
    .first(&["kubectl get pvc -n NAMESPACE", "kubectl get storageclass"]),
    cause(
        "network-mount",
        Kubelet,
        Storage,
        &[
            "mount.nfs: {rest}", "mount.nfs4: {rest}", "mount.cifs: {rest}", "mount error({n}): {rest}", "mount.glusterfs: {rest}",
            "bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.{rest}",
            "exec: \"mount.nfs\": executable file not found in $PATH", "Mount failed. Please check the log file for more details.",
            "rpc.statd is not running but is required for remote locking{rest}",
            "you need to load the rbd module{rest}", "rbd: map failed{rest}", "rbd: sysfs write failed{rest}",
        ],
        "A volume on the network could not be mounted: the server refuses or does not answer, or the client's program \
         (nfs-common, nfs-utils, cifs-utils, a module of the kernel) is not on the node.",
    )
    .wraps(&[])
    .first(&["command -v mount.nfs mount.cifs", "showmount -e SERVER", "journalctl -k -b | tail -n 50"]),
    cause(
        "mount-helper-missing",
        Kubelet,
        Storage,
        &["mount: wrong fs type, bad option, bad superblock on {rest}", "wrong fs type, bad option, bad superblock on {rest}", "{}wrong fs type, bad option, bad superblock on {rest}"],
        "A share of the network could not be mounted. Most often the helper for its kind (mount.nfs of nfs-common or nfs-utils, mount.cifs of \
         cifs-utils) is not on the node; else an option that it does not take.",
    )
    .within(&["-t nfs", "-t cifs", "-t ceph", "-t glusterfs", "kubernetes.io~nfs"])
    .first(&["command -v mount.nfs mount.cifs mount.ceph", "journalctl -k -b | tail -n 50"]),
    cause(
        "mount-wrong-kind",
        Kubelet,
        Storage,
        &["wrong fs type, bad option, bad superblock on {rest}", "{}wrong fs type, bad option, bad superblock on {rest}", "unknown filesystem type {q}{rest}", "{}unknown filesystem type {q}{rest}", "'fsck' found errors on device {} but could not correct them{rest}", "fsck found errors on device {rest}", "special device {} does not exist", "{}special device {} does not exist{rest}", "{}already mounted or mount point busy{rest}", "mount point does not exist", "{}mount point does not exist{rest}", "failed to mount the volume as {q}, it already contains {rest}"],
        "A device could not be mounted: its file system is damaged, of another kind than asked for or not known to the \
         kernel, or it is mounted already or gone.",
    )
    .unless(&["overlay", "-t nfs", "mount.nfs", "nfs4"])
    .first(&["lsblk -f", "journalctl -k -b | tail -n 50", MOUNTS]),
    cause(
        "volume-still-used",
        Kubelet,
        Storage,
        &["device mount path {q} is still mounted by other references {rest}", "GetDeviceMountRefs check failed for volume {q}{rest}", "target is busy{rest}", "umount: {path}: target is busy{rest}", "volume is still mounted by {rest}", "{}: target is busy"],
        "A volume cannot be unmounted: something has it open, or it is mounted a second time (another pod, another mount \
         namespace).",
    )
    .first(&["fuser -vm PATH", "grep -l PATH /proc/*/mountinfo"]),
    cause(
        "scheduling",
        Kubernetes,
        Pod,
        &["{n}/{n} nodes are available: {rest}", "no nodes available to schedule pods", "0/{n} nodes are available{rest}", "preemption: {n}/{n} nodes are available: {rest}"],
        "The scheduler found no node that has what the pod asks for: the line counts the reasons. No runtime was asked.",
    )
    .certain()
    .first(&[DESCRIBE, "kubectl describe nodes | grep -A8 -e Taints -e Allocated"]),
    cause(
        "not-admitted",
        Kubelet,
        Pod,
        &["Pod was rejected: {rest}", "Predicate {} failed{rest}", "Predicate {} failed", "Node didn't have enough resource: {rest}", "Node didn't have enough capacity: {rest}", "Node didn't have enough allocatable resources: {rest}", "Resources cannot be allocated with Topology locality", "forbidden sysctl: {rest}", "Cannot enforce AppArmor: {rest}", "Pod was terminated in response to imminent node shutdown.", "The node had condition: {rest}", "The node had condition{rest}", "Node is in process of shutting down{rest}", "unhealthy: pod {rest}not admitted{rest}"],
        "kubelet did not let the pod in: it asks for what the node has not free or does not allow. No container was made.",
    )
    .certain()
    .first(&[DESCRIBE, "kubectl describe node NODE"]),
    cause(
        "devices-unavailable",
        Kubelet,
        Other,
        &["Allocate failed due to {rest}", "no healthy devices present; cannot allocate unhealthy devices {}", "previously allocated devices are no longer healthy; cannot allocate unhealthy devices {}", "requested number of devices unavailable for {rest}", "can't allocate unregistered device {}", "device plugin GetPreferredAllocation rpc failed{rest}", "ListAndWatch ended unexpectedly for device plugin{rest}", "listAndWatch ended unexpectedly for device plugin {rest}"],
        "The devices (GPUs, network cards) that the pod asks for are not there as kubelet has it: their plugin does not run, \
         restarted, or calls them unhealthy.",
    )
    .first(&["kubectl describe node NODE | grep -A12 Allocatable", "ls -l /var/lib/kubelet/device-plugins", "kubectl get pods -A -o wide | grep -i device-plugin"]),
    cause(
        "manager-state-stale",
        Kubelet,
        Settings,
        &["[cpumanager] could not initialize checkpoint manager{rest}", "could not restore state from checkpoint: {rest}", "could not initialize checkpoint manager: {rest}", "start cpu manager error: {rest}", "configured policy {q} differs from state checkpoint policy {q}{rest}", "[memorymanager] {rest}", "start memory manager error: {rest}", "current set of available CPUs {rest}", "the expected machine state is different from the real one", "[cpumanager] the number of CPUs {rest}"],
        "kubelet's file of the CPUs or the memory that it gave out does not fit its settings or the node any more: the policy \
         or the hardware changed. With the node drained, kubelet stopped and that file moved aside, it starts.",
    )
    .first(&["ls -l /var/lib/kubelet/cpu_manager_state /var/lib/kubelet/memory_manager_state", "grep -i -e manager -e reserved /var/lib/kubelet/config.yaml"]),
    cause(
        "dns-limits",
        Kubelet,
        Nobody,
        &["Nameserver limits were exceeded{rest}", "Nameserver limits exceeded{rest}", "Search Line limits were exceeded{rest}", "Search Line limits exceeded{rest}", "Resolv.conf file {rest}contains{rest}", "CheckLimitsForResolvConf{rest}"],
        "A note: the node's resolv.conf has more name servers (three) or search domains than a pod's may have; the rest is \
         left out. Pods run.",
    )
    .certain()
    .first(&["cat /etc/resolv.conf /run/systemd/resolve/resolv.conf"]),
    cause(
        "missing-cluster-dns",
        Kubelet,
        Settings,
        &["kubelet does not have ClusterDNS IP configured and cannot create Pod using {q} policy{rest}", "{}kubelet does not have ClusterDNS IP configured{rest}"],
        "kubelet's settings name no cluster DNS: the pod gets the node's resolver.",
    )
    .certain()
    .first(&["grep -i -A2 clusterdns /var/lib/kubelet/config.yaml"]),
    cause(
        "kubelet-certificate",
        Kubelet,
        Tls,
        &["part of the existing bootstrap client certificate in {} is expired: {rest}", "part of the existing bootstrap client certificate is expired: {rest}", "unable to load bootstrap kubeconfig: {rest}", "failed to run Kubelet: unable to load bootstrap kubeconfig{rest}", "failed to run Kubelet: unable to load client CA file{rest}", "The currently active client certificate has expired{rest}", "unable to load client CA file {rest}", "failed to initialize client certificate manager: {rest}"],
        "kubelet's certificate is expired or missing, and there is nothing to get a new one with: the node was off for long, or \
         never joined.",
    )
    .first(&["openssl x509 -noout -dates -in /var/lib/kubelet/pki/kubelet-client-current.pem", "ls -l /etc/kubernetes/*.conf", KUBELET]),
    cause(
        "rbd-map",
        crate::Component::Kubelet,
        crate::Whose::Storage,
        &["Failed to complete 'rbd': exit status {n}", "failed to map image {}", "failed to map image {}: Failed to complete 'rbd': {rest}", "rbd: sysfs write failed{rest}"],
        "A Ceph volume could not be mapped: its image or pool is not there, the cluster is another or not reached, or the kernel lacks a feature of the image.",
    )
    .wraps(&[])
    .first(&["dmesg -T | grep -i -e rbd -e ceph | tail", "ls /sys/bus/rbd/devices"]),
    cause(
        "etcd-slow-disk",
        crate::Component::Kubernetes,
        crate::Whose::Storage,
        &["slow fdatasync", "apply request took too long", "leader failed to send out heartbeat on time; took too long, leader is overloaded likely from slow disk", "etcdserver: request timed out{}", "etcdserver: leader changed", "waiting for ReadIndex response took too long, retrying"],
        "etcd's disk, or its connection to the others, is too slow: leases get lost and the control plane ends or starts again.",
    )
    .first(&["cat /proc/pressure/io", "iostat -x 1 3"]),
    cause(
        "api-forbidden",
        Kubernetes,
        Security,
        &["the server does not allow access to the requested resource{rest}", "{} is forbidden: User {q} cannot {rest}", "is forbidden: User {q} cannot {rest}", "forbidden: User {q} cannot {rest}", "nodes {q} is forbidden: {rest}", "{} is forbidden: {rest}", "pods {q} is forbidden: {rest}"],
        "The API server does not allow that to that user, or a rule of admission (quota, security) forbids it. The runtime has \
         no part in it.",
    )
    .certain()
    .unless(&["not yet ready to handle request"])
    .first(&["kubectl auth can-i --list --as=USER"]),
    cause(
        "lifecycle-hook",
        Kubelet,
        Pod,
        &["PostStartHook failed{rest}", "PreStopHook failed{rest}", "Exec lifecycle hook {rest}failed{rest}", "Http lifecycle hook {rest}failed{rest}", "FailedPostStartHook{rest}", "FailedPreStopHook{rest}"],
        "The command or the request that the pod wants after a container's start, or before its end, failed.",
    )
    .certain()
    .first(&[DESCRIBE, "kubectl logs POD"]),
    cause(
        "cadvisor-late",
        Kubelet,
        Nobody,
        &["Failed to create existing container: {rest}", "Failed to update stats for container {rest}", "Failed to process watch event {rest}", "Error while processing event ({q}: {n} == {}): {rest}", "Error while processing event ({rest}", "PercpuUsage had {n} cpus, but the actual number is {n}; ignoring extra CPUs", "Failed to get the info of the filesystem with id {q}: {rest}", "failed to get cgroup stats for {q}: {rest}", "Failed to get system container stats for {q}{rest}", "Failed to get system container stats{rest}", "unable to find data in memory cache{rest}", "failed to get fs info for {q}: unable to find data in memory cache", "Failed to check if disk space is available for the runtime{rest}", "unknown container \"/{rest}", "unable to determine device info for dir: {rest}", "Failed to collect filesystem stats - rootDiskErr: {rest}"],
        "kubelet's statistics (cAdvisor) came too late or too early: for a cgroup that has just gone, or soon after a start. By \
         itself no fault.",
    )
    .first(&["crictl stats"]),
    act(
        "cri-remove-failed",
        Kubelet,
        crate::Whose::Tasks,
        &["RemoveContainer from runtime service failed", "RemovePodSandbox from runtime service failed", "RemovePodSandbox for {q} failed", "RemoveContainer for {q} failed", "failed to remove container {q}", "Failed to remove sandbox"],
        "A container or a sandbox could not be removed; the rest says why. One that is gone already is no fault.",
    )
    .first(&["crictl ps -a; crictl pods", "coroner runtime stuck /"]),
    cause(
        "registry-refuses",
        TheRegistry,
        Registry,
        &["unexpected status{}: 405 Method Not Allowed{rest}", "405 Method Not Allowed{rest}", "unexpected status{}: 406 Not Acceptable{rest}", "406 Not Acceptable{rest}", "unexpected status{}: 408 {rest}", "unexpected status{}: 409 Conflict{rest}", "unexpected status{}: 412 {rest}", "413 Request Entity Too Large{rest}", "unexpected status{}: 413 {rest}", "unexpected status{}: 415 {rest}", "unexpected status{}: 416 {rest}", "416 Requested Range Not Satisfiable{rest}", "unexpected status{}: 418 {rest}", "unexpected status{}: 451 {rest}", "unexpected status{}: 302 {rest}", "unexpected status{}: 307 {rest}"],
        "The registry, a mirror or a proxy on the way does not take the request: it does not know that kind of request, range \
         or document, or limits its size.",
    )
    .first(&["curl -sSv -o /dev/null https://REGISTRY/v2/", "containerd config dump | grep -A3 registry; ls -R /etc/containerd/certs.d"]),
    act(
        "pod-sync-wait",
        System,
        Pod,
        &["timed out waiting for the condition on {}"],
        "Something of a pod was waited for in vain.",
    )
    .first(&[DESCRIBE]),
];
