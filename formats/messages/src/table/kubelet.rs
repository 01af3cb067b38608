//! kubelet's, kubeadm's and dockerd's words around a runtime's error, and what is theirs alone.

use super::{DISK, DMESG, JOURNAL, STUCK};
use crate::message::Component::{Client, Dockerd, Kubelet, System};
use crate::message::Whose::{Daemon, Memory, Nobody, Pod, Settings, Storage, Stores, Tasks};
use crate::message::{Message, act, cause, consequence, wrapper};

/// Words of a program of the node that another runs: its exit is no container's.
const HOST_PROGRAMS: &[&str] = &[
    "hook",
    "mount.",
    "modprobe",
    "netavark",
    "pasta",
    "slirp4netns",
    "solve",
    "/bin/sh -c",
    "mkfs",
    "newuidmap",
    "conmon",
    "iptables",
    "ip6tables",
    "nft",
    "[talos]",
    "going to restart",
    "version: exit",
    "docker-runc",
    "plugin",
    "helper",
    "exec: \"",
];

pub(super) const ALL: &[Message] = &[
    wrapper(
        "kubelet-pod-worker",
        Kubelet,
        &[
            "Error syncing pod, skipping",
            "Error syncing pod {}, skipping",
            "Error syncing pod {}",
            "failed to {q} for {q} with {}",
            "failed to {q} for {q} with KillPodSandboxError",
            "failed to \"StartContainer\" for {q} with {}",
            "killPodWithSyncResult failed",
            "error killing pod",
            "Failed to create sandbox for pod",
            "Failed to create pod sandbox",
            "CreatePodSandbox for pod failed",
            "createPodSandbox for pod {q} failed",
            "CreatePodSandbox for pod {q} failed",
            "Failed create pod sandbox",
            "Failed to start container",
            "Unhandled Error",
            "container &Container{rest}start failed in pod {}",
            "Create container failed",
            "docker",
            "failed to create task for container",
            "Handler for {} returned error",
            "running container",
            "getting status of runtime failed",
            "command failed",
            "error execution phase preflight",
            "rpc error",
        ],
        "kubelet's or a client's frame around the runtime's error.",
    ),
    consequence(
        "kubelet-create-error",
        Kubelet,
        Tasks,
        &["CreateContainerError{}", "CreateContainerConfigError{}", "CreatePodSandboxError{}", "KillPodSandboxError{}", "KillContainerError{}", "StartError{}", "ContainerCannotRun{}"],
        "The kubelet's word for a request that failed; the runtime's own error is in the same line.",
    )
    .first(&["kubectl describe pod POD", JOURNAL]),
    consequence(
        "crash-loop",
        Kubelet,
        Pod,
        &["back-off {} restarting failed container={} pod={}", "Back-off restarting failed container{rest}", "CrashLoopBackOff{}", "back-off {rest}restarting failed container{rest}"],
        "The container's program ends again and again. Its own log and exit code say why; \
         containerd's state does not.",
    )
    .first(&["kubectl logs --previous POD", "crictl ps -a"]),
    cause(
        "probe-failed",
        Kubelet,
        Pod,
        &["Probe failed", "Liveness probe failed{rest}", "Readiness probe failed{rest}", "Startup probe failed{rest}", "{}probe failed: {rest}", "Container {} failed liveness probe, will be restarted", "Readiness probe for {q} failed{rest}", "Liveness probe for {q} failed{rest}", "pod {q} container {q} is unhealthy{rest}"],
        "The program in the container did not answer its probe. That is the program's or the pod's; a node that is \
         overloaded does it, too.",
    )
    .unless(&["modprobe", "plugin registration hasn't succeeded", "oci runtime", "desc = failed to exec"])
    .first(&["kubectl describe pod POD"]),
    act(
        "probe-errored",
        Kubelet,
        Pod,
        &["Probe errored", "Readiness probe errored", "Liveness probe errored", "Startup probe errored", "Readiness probe errored and resulted in {} state", "Liveness probe errored and resulted in {} state", "Startup probe errored and resulted in {} state"],
        "kubelet could not ask a probe: the program in the container was not asked at all. The rest of the line says why: the \
         container is gone, or the runtime could not run the probe's program in it.",
    )
    .or(&["the container ended or was made again meanwhile: once or twice, that is nothing", "the program of the probe is not in the image", "the runtime, or the node, is too slow to run it in time"])
    .first(&["crictl ps -a", "kubectl describe pod POD"]),
    cause(
        "exit-code",
        Kubelet,
        crate::Whose::Image,
        &["exit code 127{}", "exited with code {n}", "command terminated with exit code {n}", "Exit code {n}{}", "exit status 127", "terminated with exit code {n}", "exit code: {n}"],
        "A program in a container ended with that code: 126 and 127 mean that it could not be run or found, 137 that \
         it was killed (memory, or a stop), 139 that it crashed, 143 that it was asked to end.",
    )
    .within(&["container", "pod", "command terminated", "crashloop", "docker run", "docker start", "docker compose", "entrypoint", "init process", "task", "job/", "exec failed"])
    .unless(HOST_PROGRAMS)
    .first(&["crictl ps -a", "kubectl logs --previous POD"]),
    act(
        "host-program-ended",
        System,
        crate::Whose::Programs,
        &["exec: {q}: exit status {n}", "failed to retrieve {} version: exit status {n}", "{} version: exit status {n}", "exit status 127", "exit status 126", "exit code 127", "exit code 126", "running {q}: exit status {n}", "running `{}`: exit status {n}"],
        "A program of the node that another called ended with an error; the piece before names it. 127: the program, or a library that it is linked to, is not there; 126: it may not \
         be run, or is of another architecture; other numbers are its own. No container's program is meant.",
    )
    .unless(&["plugin type=", "failed (add)", "failed (delete)"])
    .first(&["command -v PROGRAM; ldd \"$(command -v PROGRAM)\"", "PROGRAM --version; echo $?"]),
    cause(
        "eviction",
        Kubelet,
        Storage,
        &["The node was low on resource: {rest}", "node was low on resource{rest}", "eviction manager: attempting to reclaim {rest}", "eviction manager: must evict {rest}", "eviction manager: pods {rest} evicted{rest}", "eviction manager: pod {} is evicted successfully", "eviction manager: unable to evict any pods from the node", "eviction manager: unexpected error when attempting to reduce {rest}", "eviction manager: eviction thresholds have been met, but no pods are active to evict", "Attempting to reclaim ephemeral-storage", "attempting to reclaim {}", "must evict pod(s) to reclaim{rest}", "NodeHasDiskPressure{}", "DiskPressure{rest}", "Pod ephemeral local storage usage exceeds {rest}", "Disk usage on image filesystem is over the high threshold{rest}", "failed to garbage collect required amount of images. {rest}", "Failed to garbage collect required amount of images. {rest}", "Image garbage collection failed {rest}", "wanted to free {n} bytes, but freed {n} bytes{rest}", "freed {n} bytes, but {rest}", "Attempted to evict a critical pod{rest}", "Disk usage on image filesystem is at {rest}", "Image garbage collection failed{rest}", "ImageGCFailed{rest}", "FreeDiskSpaceFailed{rest}"],
        "The node is short of disk, inodes or memory as kubelet sees it, and it removes images and pods.",
    )
    .unless(&["unable to find data", "get imagefs stats"])
    .codes(&["store/disk-full", "gc/unreachable"])
    .first(&[DISK, "coroner df /"]),
    cause(
        "image-gc-early",
        crate::Component::Kubelet,
        crate::Whose::Nobody,
        &["Image garbage collection failed: unable to find data for container /", "Image garbage collection failed{rest}unable to find data{rest}", "Image garbage collection failed once. Stats initialization may not have completed yet{rest}"],
        "kubelet has no numbers of the file systems yet, soon after its start. It tries again; alone it is no fault.",
    )
    .first(&["crictl imagefsinfo"]),
    cause(
        "pod-cgroup-kill",
        Kubelet,
        crate::Whose::Nobody,
        &["Failed to kill all the processes attached to cgroup", "Failed to kill all the processes attached to the {}"],
        "kubelet ends what is left in the cgroup of a pod that is gone; a process that ended by itself meanwhile is no \
         fault.",
    ),
    act(
        "node-condition",
        Kubelet,
        Daemon,
        &[ "Node became not ready"],
        "kubelet calls its node not ready; the rest says why.",
    )
    .first(&[JOURNAL]),
    cause(
        "node-not-ready",
        Kubelet,
        Daemon,
        &["Node {} status is now: NodeNotReady", "Kubelet stopped posting node status{}", "NodeNotReady{}",
            "Recording NodeNotReady event message for node {}", "Container runtime is down{rest}", "container runtime is down{rest}", "container runtime status check may not have completed yet", "[container runtime status check may not have completed yet{rest}", "runtime is down", "KubeletNotReady{rest}", "Container runtime not ready{rest}", "container runtime not ready{rest}", "RuntimeReady=false reason:{rest}"],
        "kubelet calls its runtime down, or is itself not heard of.",
    )
    .open()
    .first(&["systemctl status containerd kubelet", JOURNAL, STUCK]),
    cause(
        "grpc-message-size",
        Client,
        Daemon,
        &["grpc: trying to send message larger than max ({n} vs. {n})", "grpc: received message larger than max ({n} vs. {n})", "trying to send message larger than max ({n} vs. {n})", "received message larger than max ({n} vs. {n})", "{}message larger than max ({n} vs. {n})"],
        "An answer is larger than the client or the daemon takes: a very long list of containers or \
         images, or an exec with very much output. Ended containers that are never removed make the \
         lists long.",
    )
    .certain()
    .first(&["crictl ps -aq | wc -l; crictl images -q | wc -l"]),
    cause(
        "kubelet-config",
        Kubelet,
        Settings,
        &["failed to load kubelet config file{rest}", "failed to load Kubelet config file{rest}", "failed to parse kubelet flag{rest}", "unknown flag: {}", "failed to construct kubelet dependencies{rest}", "failed to run Kubelet: misconfiguration{rest}", "misconfiguration: {rest}"],
        "kubelet's own settings are missing or wrong: it does not start. Before `kubeadm init` or `join` that is \
         normal.",
    )
    .first(&["journalctl -b -u kubelet --no-pager | tail -n 30"]),
    cause(
        "kubelet-not-found",
        Kubelet,
        Pod,
        &["Error getting node{}", "node {q} not found", "nodes {q} not found", "Unable to register node with API server", "Failed to update status for pod", "Failed to ensure lease exists, will retry{rest}", "Failed to contact API server{rest}", "failed to list *v1.{}: {rest}"],
        "kubelet has not (or not any more) what the API server should give it: it cannot reach it, is refused by it, or its \
         node is not registered there. On a control plane that runs in pods, other lines say why those do not start.",
    )
    .open()
    .unless(&["pull", "registry", "/v2/", "swarm", "docker", "cacerts", "ca certs", "/v1-k3s", "/v1-rke2"])
    .first(&["crictl ps -a", "journalctl -b -u kubelet | grep -v 'node.*not found' | tail -n 30"]),
    act(
        "node-status-not-sent",
        crate::Component::Kubelet,
        crate::Whose::Pod,
        &["Error updating node status, will retry"],
        "kubelet could not tell the API server how its node is; the rest says why.",
    )
    .first(&["journalctl -b -u kubelet --no-pager | tail -n 30"]),
    cause(
        "node-object-gone",
        crate::Component::Kubelet,
        crate::Whose::Pod,
        &["no node instance returned for {q}", "Error updating node status, will retry: no node instance returned for {q}"],
        "The API server has no node of that name any more: it was deleted, and this kubelet has not registered again. A restart of kubelet registers it.",
    )
    .first(&["kubectl get nodes"]),
    cause(
        "volume-operation-pending",
        Kubelet,
        Storage,
        &["an operation with the given Volume ID {} already exists", "An operation with the given Volume ID {} already exists", "an operation with the given volume {} already exists", "An operation with the given volume={q} is already in progress", "operation for volume {} is already in progress{rest}"],
        "The volume's driver still works on an earlier call for that volume, which hangs or is slow: its server or disk is not reached. The \
         driver's pod on this node says what it waits for.",
    )
    .first(&["kubectl get pods -A -o wide | grep -i -e csi -e NODE", "kubectl get volumeattachments", DMESG]),
    cause(
        "volume-mount",
        Kubelet,
        Storage,
        &["MountVolume.SetUp failed for volume {q}{rest}", "MountVolume.MountDevice failed for volume {q}{rest}", "Unable to attach or mount volumes{rest}", "UnmountVolume.TearDown failed for volume {q}{rest}", "FailedMount{rest}",
            "Unable to mount volumes for pod {q}", "There were a total of {n} errors similar to this{rest}", "Operation for {q} failed{rest}", "error cleaning subPath mounts for volume {q}{rest}", "failed to prepare subPath for volumeMount {q} of container {q}", "failed to prepare subPath for volumeMount{rest}"],
        "A volume could not be mounted, unmounted or removed: that is kubelet's and the storage's, not the \
         runtime's.",
    )
    .wraps(&[])
    .unless(&["registerplugin"])
    .first(&["kubectl describe pod POD", "findmnt | grep kubelet/pods"]),
    cause(
        "sandbox-changed",
        Kubelet,
        Nobody,
        &["Pod sandbox changed, it will be killed and re-created{}", "SandboxChanged{rest}", "No sandbox for pod can be found. Need to start a new one", "No ready sandbox for pod can be found. Need to start a new one"],
        "kubelet makes a new sandbox for a pod: the old one ended or its network failed. Once, after a start of the \
         node, that is normal; again and again, an earlier line says why.",
    )
    .open()
    .first(&["journalctl -b -u kubelet | grep -e sandbox | tail -n 30", JOURNAL]),
    cause(
        "static-pods-cgroup",
        Kubelet,
        crate::Whose::Cgroups,
        &["failed to ensure that the pod{rest}cgroup{rest}", "failed to ensure that the pod: {} cgroups exist and are correctly applied", "failed to create container for [{rest}", "failed to create container for {rest}", "failed to initialize top level QOS containers", "unable to set memory limit{rest}", "missing required cgroups{rest}", "Failed to delete cgroup paths{rest}", "failed to set supported cgroup subsystems for cgroup {}", "root container [kubepods] doesn't exist"],
        "The kubelet cannot create the parent cgroups of pods. It has another cgroup driver than the \
         node, or systemd or the kernel refuses.",
    )
    .first(&["grep -i cgroup /var/lib/kubelet/config.yaml", "stat -fc %T /sys/fs/cgroup"]),
    cause(
        "evicted-oom",
        Kubelet,
        Memory,
        &["System OOM encountered, victim process: {rest}", "SystemOOM{rest}"],
        "The node itself ran out of memory, and the kernel killed a process.",
    )
    .certain()
    .first(&["journalctl -k -b | grep -i oom", "free -m"]),
    cause(
        "docker-containers-left",
        Dockerd,
        Tasks,
        &["cannot stop container: {rest}", "tried to kill container, but did not receive an exit event", "could not kill{rest}", "Could not kill container{rest}", "Failed to send signal{}to container{rest}", "cannot join network of a non running container{rest}"],
        "dockerd could not end a container, or it is not running (any more).",
    )
    .states(&["storage-hung", "shim-stopped", "zombie"])
    .first(&[STUCK]),
    cause(
        "docker-image-used",
        Dockerd,
        Nobody,
        &["unable to delete {} (must be forced) - {rest}", "unable to delete {} (must force) - {rest}", "unable to delete {} (cannot be forced) - {rest}", "unable to remove repository reference {q} (must force) - {rest}", "conflict: unable to delete {rest}", "conflict: unable to remove repository reference {rest}"],
        "dockerd keeps the image: a container (also one that has ended), another name or an image on top of it needs it. \
         Nothing is wrong.",
    )
    .certain()
    .first(&["docker ps -a --filter ancestor=IMAGE"]),
    cause(
        "docker-link-lost",
        Dockerd,
        Stores,
        &["readlink {path}/overlay2/l/{}: no such file or directory", "readlink {path}/overlay2/l/{}: invalid argument", "readlink {path}overlay2/l: {rest}", "readlink {path}overlay2{rest}"],
        "A short name of a layer (overlay2/l) in dockerd's own store is gone, mostly after a power loss. The layer's folder and its file 'link' may be \
         whole.",
    )
    .first(&["ls /var/lib/docker/overlay2/l | wc -l", "docker info", DMESG]),
    cause(
        "docker-layer",
        Dockerd,
        Stores,
        &["layer does not exist", "RWLayer of container {} is unexpectedly nil", "failed to retrieve image list{rest}", "driver {q} failed to remove root filesystem{rest}", "open {path}/overlay2/{rest}"],
        "dockerd's own store of layers (under /var/lib/docker, not containerd's) is at odds with itself.",
    )
    .first(&[DISK]),
];
