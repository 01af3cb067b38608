//! kubelet's own parts, told by the files that klog names and by the reasons of events.

use super::{Place, place};
use crate::message::Component::{Kubelet, Kubernetes};
use crate::message::Whose::{Cgroups, Daemon, Memory, Network, Other, Pod, Settings, Storage};
use crate::table::{DISK, JOURNAL, STUCK};

const KUBELET: &str = "journalctl -b -u kubelet --no-pager | tail -n 50";
const DESCRIBE: &str = "kubectl describe pod POD";

pub(super) const ALL: &[Place] = &[
    place(
        "at-scheduler",
        Kubernetes,
        Pod,
        &["failedscheduling", "nodes are available", "default-scheduler", "preemption: 0/", "didn't match pod", "schedule_one.go"],
        "The scheduler found no node for the pod, or tells why: resources, taints, affinity, volumes. No node's runtime \
         was asked yet.",
    )
    .first(&[DESCRIBE, "kubectl get nodes", "kubectl describe node NODE"]),
    place(
        "at-webhook",
        Kubernetes,
        Other,
        &["admission webhook", "calling webhook", "failed calling webhook"],
        "The API server asked a webhook of the cluster before it took an object, and that refused it, failed or did not answer. What was \
         to be made or changed is not; containers that run are not touched.",
    )
    .first(&["kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations", "kubectl get pods -A -o wide"]),
    place(
        "at-admission",
        Kubelet,
        Pod,
        &["unexpectedadmissionerror", "failed to admit pod", "outofcpu", "outofmemory&node", "outofpods", "nodeaffinity failed", "predicate", "topologyaffinity", "topology affinity", "sysctlforbidden", "forbidden sysctl", "podfitshost", "lifecycle.go&admi", "nodeshutdown", "allocate failed due to"],
        "The pod was not let in: kubelet (or the API server) compares what it asks for with what the node has and allows. \
         No container of it was made.",
    )
    .or(&["the node has no such CPUs, memory, devices or ports free", "a device plugin lost its devices or is not there", "the sysctl, the node's labels or a shutdown forbids it"])
    .first(&[DESCRIBE, "kubectl describe node NODE", KUBELET]),
    place(
        "at-eviction",
        Kubelet,
        Storage,
        &["eviction_manager", "eviction manager", "image_gc_manager", "freediskspacefailed", "imagegcfailed", "evicted", "evict pod", "diskpressure", "memorypressure", "pidpressure", "nodehasinsufficient", "nodehasdiskpressure", "evictionthresholdmet", "disk-pressure", "memory-pressure", "container_gc.go", "image garbage collection", "container garbage collection"],
        "kubelet makes room: it removes images and ended containers, and ends pods, when disk, inodes, memory or process \
         ids run short.",
    )
    .or(&["the disk of images or of kubelet's folder is full (or its inodes)", "memory is short", "the numbers could not be had from the runtime (soon after a start)"])
    .first(&[DISK, "kubectl describe node NODE", "crictl imagefsinfo"]),
    place(
        "at-probe",
        Kubelet,
        Pod,
        &["prober.go", "prober_manager.go", "liveness", "readiness", "startup probe", "warning&unhealthy", " probe"],
        "kubelet's probe of a container. What answers, or does not, is the program in it; a node without CPU time, or a \
         network of pods that fails, does it, too.",
    )
    .first(&[DESCRIBE, "kubectl logs POD --previous", "cat /proc/pressure/cpu /proc/pressure/io"]),
    place(
        "at-lifecycle-hook",
        Kubelet,
        Pod,
        &["poststart", "prestop", "failedpoststarthook", "failedprestophook", "lifecycle hook"],
        "A hook that the pod asks for around its start or its end failed: the command or the request in the container.",
    )
    .first(&[DESCRIBE, "kubectl logs POD"]),
    place(
        "at-back-off",
        Kubelet,
        Pod,
        &["back-off", "backoff&restarting", "crashloopbackoff"],
        "kubelet waits before it tries again: the container ended again and again, or could not be started. The reason is \
         in its last state and its own log.",
    )
    .first(&["kubectl logs POD --previous", DESCRIBE, "crictl ps -a"]),
    place(
        "at-pleg",
        Kubelet,
        Daemon,
        &["pleg", "generic.go:", "evented.go:", "skipping pod synchronization"],
        "kubelet lists the node's containers (PLEG) to see what changed. It waits for containerd, and containerd for its \
         shims and disk.",
    )
    .first(&["time crictl ps -a > /dev/null", STUCK, "cat /proc/pressure/io /proc/pressure/memory"]),
    place(
        "at-kubelet-cgroups",
        Kubelet,
        Cgroups,
        &["container_manager_linux.go", "cgroup_manager_linux.go", "qos_container_manager", "pod_container_manager_linux", "node_container_manager", "qos container", "kubepods", "containermanager", "cgroup driver", "cgroupdriver", "cgroupv2 manager", "cgroups-per-qos", "kube-reserved", "system-reserved"],
        "kubelet makes, sets or removes the cgroups in which pods stand (kubepods).",
    )
    .or(&["kubelet, the runtime and systemd do not agree on the cgroup driver", "a controller is not there (cgroup v1 and v2, a kernel's option)", "processes are left in the cgroup"])
    .first(&["stat -fc %T /sys/fs/cgroup; cat /sys/fs/cgroup/cgroup.controllers", "grep -i cgroup /var/lib/kubelet/config.yaml", "containerd config dump | grep -i systemdcgroup"]),
    place(
        "at-cpu-manager",
        Kubelet,
        Settings,
        &["cpu_manager", "cpumanager", "cpu manager", "memory_manager", "memory manager", "policy_static.go", "policy_none.go", "topology_manager", "topology manager", "state_checkpoint.go", "checkpoint&kubelet", "state_mem.go"],
        "kubelet's managers of CPUs, memory and topology, and the files in which they keep what they gave out.",
    )
    .or(&["a policy was changed and the old state file is there still", "the node's CPUs or memory changed since"])
    .first(&["ls -l /var/lib/kubelet/*_state", "grep -i -e manager -e reserved /var/lib/kubelet/config.yaml", KUBELET]),
    place(
        "at-device-plugin",
        Kubelet,
        Other,
        &["device plugin", "device-plugin", "deviceplugin", "devicemanager", "device manager", "kubelet.sock", "plugins_registry", "plugin_watcher.go", "reconciler.go&regist", "operation_generator.go&regist", "pluginmanager", "dra driver", "resourceclaim", "endpoint.go:"],
        "kubelet speaks with a plugin on the node: of devices (GPUs, network cards), of storage (CSI) or of claims (DRA).",
    )
    .or(&["the plugin's pod does not run or restarted", "its socket under /var/lib/kubelet is stale or gone"])
    .first(&["ls -l /var/lib/kubelet/device-plugins /var/lib/kubelet/plugins_registry", "kubectl -n kube-system get pods -o wide", "kubectl describe node NODE"]),
    place(
        "at-dns-config",
        Kubelet,
        Settings,
        &["dns.go:", "dnsconfigforming", "nameserver limits", "search line limits", "resolv.conf", "missingclusterdns", "clusterdns"],
        "kubelet makes the pod's resolv.conf from the node's and its own settings. Too many name servers or search \
         domains are cut off: a note.",
    )
    .first(&["cat /etc/resolv.conf", "grep -i -e dns -e resolv /var/lib/kubelet/config.yaml"]),
    place(
        "at-static-pods",
        Kubelet,
        Settings,
        &["static pod", "mirror pod", "/etc/kubernetes/manifests", "file_linux.go", "file.go:", "staticpodpath", "static manifests"],
        "kubelet reads the static pods of the node (/etc/kubernetes/manifests): a control plane runs in them.",
    )
    .first(&["ls -l /etc/kubernetes/manifests", "crictl ps -a", KUBELET]),
    place(
        "at-node-status",
        Kubelet,
        Daemon,
        &["kubelet_node_status.go", "nodenotready", "kubeletnotready", "node status", "nodenotschedulable", "node not ready", "setters.go", " runtime.go:", "node \"&not found", "failed to register node", "unable to register node", "csinode", "node lease", "kube-node-lease", "controller.go&lease", "nodelease", "missing node capacity"],
        "kubelet tells the API server how its node is, or could not.",
    )
    .or(&["the API server cannot be reached, or does not know or trust this node", "the runtime or the network is not ready (the reason names it)"])
    .first(&["kubectl describe node NODE", "systemctl status containerd kubelet", KUBELET]),
    place(
        "at-api-server",
        Kubernetes,
        Network,
        &["reflector.go", "failed to list *", "failed to watch *", "the server could not find the requested", "apiserver", "api server", "kube-apiserver", ":6443", "/api/v1/", "/apis/", "kubernetes.default.svc", "10.96.0.1", "10.43.0.1", "client rate limit", "certificate_manager.go", "bootstrap-kubelet", "bootstrap kubeconfig", "unable to connect to the server", "the connection to the server", "csr ", "error from server", "x509&kubernetes", "forbidden: user", "cannot list resource", "is forbidden: user"],
        "Something speaks with the cluster's API server: whether it is up, reachable from this node, and takes the \
         certificate or the token that it is given decides. The container runtime has no part in it, unless the API \
         server itself is a static pod of this node that does not start.",
    )
    .or(&["the API server does not run, or is not reached (load balancer, firewall, service network)", "the certificate or the token is expired or not allowed", "the node's clock is wrong"])
    .first(&["curl -ks https://API_SERVER:6443/healthz", "crictl ps -a | grep -e apiserver -e etcd", "openssl x509 -noout -dates -in /var/lib/kubelet/pki/kubelet-client-current.pem"]),
    place(
        "at-etcd",
        Kubernetes,
        Other,
        &["etcd:", "etcdserver", ":2379", ":2380", "etcd-", "etcd&2379", "etcd&2380", "etcd cluster", "etcd member", "etcd client", "etcd data", "local etcd", "for etcd", "etcd/", "etcd\"", "\"etcd", "etcd&raft", "etcd&wal", "dqlite", "wal: ", "etcdmain/", "etcdserver/", "osutil/interrupt_unix.go", "embed/etcd.go", "rafthttp/"],
        "etcd, the cluster's database: a slow disk, a lost member or its certificates. It is no part of containerd.",
    )
    .first(&["crictl ps -a | grep etcd", "cat /proc/pressure/io"]),
    place(
        "at-kubelet-config",
        Kubelet,
        Settings,
        &["failed to run kubelet", "kubelet.yaml", "kubelet/config.yaml", "kubelet flags", "unknown flag", "feature gate", "server.go&config", "kubeadm", "--container-runtime", "run.go:", "kubeletconfig"],
        "kubelet's or kubeadm's start and settings: a flag or a field that this release does not know, a missing file, \
         swap, the runtime's address.",
    )
    .first(&[KUBELET, "systemctl cat kubelet", "cat /var/lib/kubelet/config.yaml"]),
    place(
        "at-stats",
        Kubelet,
        Pod,
        &["cadvisor", "cri_stats_provider", "stats_provider", "summary_sys_containers", "resource_metrics", "/stats/summary", "container.go:", "factory.go:", "helper.go:", "handler.go:", "fs.go:", "metrics"],
        "Statistics of containers and file systems (cAdvisor, the CRI's statistics). Without them autoscaling and evictions \
         are blind for a while. Where kubelet cannot begin them at its start, it ends.",
    )
    .first(&["crictl stats", "crictl imagefsinfo"]),
    place(
        "at-oom-watcher",
        Kubelet,
        Memory,
        &["oom_watcher", "systemoom", "oomkilled", "oom killed", "oom-kill", "out of memory", "oomkilling"],
        "The kernel killed a process for want of memory: of a container (its limit) or of the node.",
    )
    .first(&["journalctl -k -b | grep -e oom-kill -e 'Killed process'", "free -m", "crictl ps -a"]),
    place(
        "at-streaming",
        Kubelet,
        Network,
        &[":10250", "tls handshake error", "streaming server", "httplog.go", "remotecommand", "spdy", "containerlogs"],
        "A connection to kubelet's or the runtime's streaming server (logs, exec, port-forward, metrics).",
    )
    .first(&["ss -lntp | grep -e 10250 -e containerd", KUBELET]),
    place(
        "at-pod-folder",
        Kubelet,
        Storage,
        &["orphaned pod", "kubelet_volumes.go", "kubelet_getters.go", "cleanup orphaned pod", "/var/lib/kubelet/pods", "pod directory"],
        "kubelet makes or removes the folders of pods under /var/lib/kubelet/pods.",
    )
    .or(&["a volume is still mounted there", "a file was left in a folder that should be empty"])
    .first(&["findmnt | grep kubelet/pods", DISK, JOURNAL]),
];
