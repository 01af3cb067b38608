//! The requests of the CRI: what kubelet asks, and where it is answered.

use super::{Place, place};
use crate::message::Component::{Cri, Kubelet};
use crate::message::Whose::{Daemon, Network, Pod, Stores, Tasks};
use crate::table::{DISK, JOURNAL, STUCK, TRIAGE};

const REQUESTS: &str = "journalctl -b -u containerd --no-pager | grep -e RunPodSandbox -e CreateContainer -e StartContainer | tail -n 30";

pub(super) const ALL: &[Place] = &[
    place(
        "at-remove-sandbox",
        Cri,
        Tasks,
        &["removepodsandbox", "failed to remove sandbox", "failed to delete sandbox"],
        "A pod's sandbox was being removed. It must have been stopped first: a network that cannot be taken down, a task \
         that does not end or a snapshot that is in use holds it up.",
    )
    .first(&["crictl pods", STUCK, JOURNAL]),
    place(
        "at-stop-sandbox",
        Cri,
        Tasks,
        &["stoppodsandbox", "killpodsandbox", "failedkillpod", "failed to stop sandbox", "killpodwithsyncresult", "error killing pod", "podsandbox&stop"],
        "A pod's sandbox was being stopped: its containers are ended, its network is taken down (CNI DEL), its namespace \
         is unmounted. The inner part of the line says at which of these it failed.",
    )
    .or(&[
        "the CNI plugin cannot take the pod off its network",
        "a container does not end: storage (state D), a frozen cgroup, a shim that does not answer",
    ])
    .first(&["crictl pods", STUCK, "journalctl -b -u containerd --no-pager | grep StopPodSandbox | tail -n 20"]),
    place(
        "at-run-sandbox",
        Cri,
        Tasks,
        &["runpodsandbox", "failedcreatepodsandbox", "createpodsandbox", "create pod sandbox", "createsandbox", "start sandbox container", "create sandbox container", "kuberuntime_sandbox.go", "failed to start sandbox", "create sandbox for pod", "create pod sandbox for"],
        "A pod's sandbox was being made: its network namespace and network (CNI), the pause image, a snapshot, and the \
         runtime's create and start of the pause container. The inner part of the line says at which of these it failed.",
    )
    .or(&[
        "the network (a CNI plugin) answered with an error, or hangs",
        "the pause image is not there and cannot be pulled",
        "the runtime (shim, runc) refused; or the disk, memory or a limit of the node is used up",
    ])
    .first(&["journalctl -b -u containerd --no-pager | grep RunPodSandbox | tail -n 20", "crictl pods", STUCK]),
    place(
        "at-create-container",
        Cri,
        Tasks,
        &["createcontainer", "failed to create containerd container", "create container failed", "failedcreatecontainer"],
        "A container was being created: its image, its snapshot, and the specification made of what the pod asks for. \
         No process of it was started yet.",
    )
    .or(&[
        "the image or one of its layers is not whole on the node",
        "the pod asks for what is not there: a volume, a device, a profile, a user of the image",
        "an earlier attempt at the same container is still under way",
    ])
    .first(&[REQUESTS, "kubectl describe pod POD", TRIAGE]),
    place(
        "at-start-container",
        Cri,
        Tasks,
        &["startcontainer", "runcontainererror", "failed to start container", "container start failed", "starterror", "error: failed to start"],
        "A container was being started: the shim and runc make the process and its cgroup, mount what the pod asks for, \
         and run the image's program. The inner part of the line says at which of these it failed.",
    )
    .or(&["the program or its user is not in the image", "a mount, a cgroup or a security rule was refused", "a hook or a device plugin failed"])
    .first(&["crictl ps -a", "crictl inspect ID", REQUESTS]),
    place(
        "at-remove-container",
        Cri,
        Tasks,
        &["removecontainer", "deletecontainer", "failed to remove container", "failed to delete container"],
        "A container was being removed: its task must have ended, then its snapshot and its records go.",
    )
    .or(&["it runs still, or its shim does not answer", "its snapshot or its folder cannot be removed (a mount, an immutable file)", "it is gone already: then nothing is wrong"])
    .first(&["crictl ps -a", STUCK, TRIAGE]),
    place(
        "at-stop-container",
        Cri,
        Tasks,
        &["stopcontainer", "killcontainer", "failed to stop container", "kill container", "termination grace", "graceperiod", "failed to kill"],
        "A container was being ended: its stop signal, its grace period, then SIGKILL, and the wait for its end.",
    )
    .or(&["its process waits for storage (state D) or its cgroup is frozen", "its shim does not answer", "it had ended already: then nothing is wrong"])
    .first(&[STUCK, "crictl ps -a", "ps -e -o pid,stat,wchan:32,args | awk '$2 ~ /D/'"]),
    place(
        "at-port-forward",
        Cri,
        Network,
        &["portforward", "port forward", "port-forward", "forwarding port"],
        "A port of a pod was being forwarded (kubectl port-forward): the connection ended or nothing listens at that port \
         in the pod.",
    )
    .first(&["crictl pods", "kubectl get pod POD -o jsonpath='{..containerPort}'"]),
    place(
        "at-exec",
        Cri,
        Tasks,
        &["execsync", "failed to exec", "exec failed", "exec in container", "error executing command", "runincontainer", "exec \"", "execute command", "attach container", "attach&container"],
        "A command was being run in a container that runs (kubectl exec, a probe, an attach).",
    )
    .or(&["the image has no such command, or no shell", "the container was ending, or is at its limit of memory or processes", "its cgroup is frozen, or its shim does not answer"])
    .first(&["crictl ps -a", "crictl exec ID true", STUCK]),
    place(
        "at-update-resources",
        Cri,
        Tasks,
        &["updatecontainerresources", "update container resources", "failed to update resources"],
        "The limits of a container that runs were being changed (CPU manager, in-place resize): its cgroup takes the new \
         ones or not.",
    )
    .first(&["crictl inspect ID", "stat -fc %T /sys/fs/cgroup"]),
    place(
        "at-log-file",
        Cri,
        Tasks,
        &["reopencontainerlog", "container_log_manager", "container log", "log file for container", "/var/log/pods", "/var/log/containers"],
        "A container's log file was being written, rotated, read or removed (/var/log/pods).",
    )
    .first(&["df -h /var/log && df -i /var/log", "ls -l /var/log/pods"]),
    place(
        "at-status",
        Cri,
        Daemon,
        &["listcontainers", "listpodsandbox", "containerstatus", "podsandboxstatus", "containerstats", "podsandboxstats", "imagefsinfo", "imagefs", "listcontainerstats", "listmetricdescriptors", "listpodsandboxmetrics", "getcontainerevents", "status from runtime", "status of runtime", "runtimeconfig", "version from runtime", "container status", "sandbox status", "from runtime service failed", "from image service failed"],
        "kubelet asked containerd for the state of pods, containers or images. That fails while the daemon starts or does \
         not answer, and for what was just removed (then nothing is wrong).",
    )
    .or(&["containerd does not run, is starting, or is overloaded", "a shim does not answer, and the request waits for it", "what was asked for is gone"])
    .first(&["systemctl status containerd", "time crictl ps -a > /dev/null", STUCK]),
    place(
        "at-recover",
        Cri,
        Stores,
        &["failed to recover", "failed to load container", "failed to load sandbox", "orphaned sandbox", "orphaned container"],
        "At its start the CRI plugin reads its pods and containers back from meta.db and their folders.",
    )
    .first(&["coroner preflight /", TRIAGE]),
    place(
        "at-pod",
        Kubelet,
        Pod,
        &["pod_workers.go", "kuberuntime_manager.go", "kuberuntime_container.go", "error syncing pod", "syncpod", "failedsync", "kuberuntime_"],
        "kubelet brings a pod to what it should be: sandbox, init containers, containers. The error that it got is in \
         the same line or just before, mostly of the runtime (containerd), the network or a volume.",
    )
    .first(&["kubectl describe pod POD", JOURNAL, DISK]),
    place(
        "at-cri",
        Cri,
        Daemon,
        &["plugins.cri", "grpc.v1.cri", "cri plugin", "cri service", "cri.v1", "remote_runtime.go", "remote_image.go", "runtimeservice", "imageservice"],
        "The CRI plugin, through which kubelet speaks with containerd, or its client in kubelet and crictl.",
    )
    .or(&["containerd does not run or has no CRI plugin (disabled, or failed at the start)", "kubelet and containerd name different sockets"])
    .first(&["ctr plugins ls | grep cri", "crictl info", JOURNAL]),
];
