//! The CRI plugin: pods and containers as kubelet asks for them.

use super::{DISK, JOURNAL, PREFLIGHT, STUCK, TRIAGE};
use crate::message::Component::{Containerd, Cri, Kubelet};
use crate::message::Whose::{
    Daemon, Image, Network, Nobody, Other, Pod, Security, Storage, Stores, Tasks,
};
use crate::message::{Message, act, cause, consequence};

pub(super) const ALL: &[Message] = &[
    cause(
        "container-removing",
        Cri,
        Tasks,
        &["container is already in removing state", "sandbox is already in removing state"],
        "It is being removed already: by another request, or by one that was broken off and holds it until the daemon starts again.",
    )
    .open()
    .or(&["a removal that waits for a mount or a shim is under way", "kubelet asked twice: then nothing is wrong"])
    .first(&[STUCK, "crictl ps -a"]),
    cause(
        "sandbox-name-reserved",
        Cri,
        Tasks,
        &[
            "failed to reserve sandbox name {q}: name {q} is reserved for {q}",
            "failed to reserve sandbox name {q}",
            "failed to reserve sandbox name",
        ],
        "An earlier attempt to make this pod is still under way in containerd, or was left: find \
         what it waits for (CNI, the pull of the pause image, runc create, a mount whose server does \
         not answer). Only when it follows a start of the daemon do two records claim the name.",
    )
    .unless(&["failed to recover", "failed to run cri service"])
    .open()
    .codes(&["cri/name-twice"])
    .or(&["the first attempt hangs: in a CNI plugin, in `runc create`, in a mount", "kubelet gave the first attempt up after its timeout, and containerd still works on it"])
    .first(&[STUCK, "journalctl -b -u containerd | grep RunPodSandbox", "ps -e -o pid,etime,stat,args | grep -e /opt/cni/bin -e 'runc.*create'"]),
    cause(
        "container-name-reserved",
        Cri,
        Tasks,
        &[
            "failed to reserve container name {q}: name {q} is reserved for {q}",
            "failed to reserve container name {q}",
            "failed to reserve container name",
            "Error reserving pod name {}{rest}",
            "name is reserved",
            "name {q} is reserved for {q}",
        ],
        "An earlier creation of this container is still under way in containerd, or was left: find what it waits \
         for. Slow disks and large images without a timeout do it, too.",
    )
    .unless(&["failed to recover", "failed to run cri service"])
    .open()
    .codes(&["cri/name-twice", "runtime/fifo-waiting"])
    .or(&["the first attempt hangs in `runc create`, a hook or a mount", "kubelet gave the first attempt up after two minutes, and containerd still works on it"])
    .first(&[STUCK, "journalctl -b -u containerd | grep CreateContainer", DISK]),
    act(
        "volume-stat",
        Cri,
        Pod,
        &["failed to stat {q}", "failed to stat {path}"],
        "A file or folder of the node that the container wants was looked at, and the system refused; its word for why comes \
         last.",
    )
    .first(&["stat PATH_ON_THE_HOST", "findmnt -T PATH_ON_THE_HOST"]),
    cause(
        "volume-stat-failed",
        Cri,
        Storage,
        &[
            "failed to stat {q}: errno=512",
            "failed to stat {q}: errno={n}",
            "failed to stat {q}: stale NFS file handle",
            "failed to stat {q}: stat {path}: stale NFS file handle",
            "failed to stat {q}: {rest}transport endpoint is not connected",
            "stale NFS file handle",
            "stale file handle",
                        "stat {path}kubernetes.io~{}: input/output error",
            "stat {path}kubernetes.io~{}: host is down",
            "stat {path}kubernetes.io~{}: permission denied",
        ],
        "A volume of the pod is on a mount that does not answer or is missing: NFS, FUSE or CSI. The \
         call may hang for minutes and hold the pod's name meanwhile.",
    )
    .unless(&["sd-bus", "dbus", "socket", "getpeername", "ftpd", "shutdown", "netns"])
    .codes(&["runtime/stuck"])
    .states(&["storage-hung"])
    .first(&["findmnt | grep kubelet/pods", STUCK]),
    act(
        "spec-failed",
        Cri,
        Pod,
        &[
            "failed to generate container {q} spec",
            "failed to generate container spec",
            "failed to generate spec",
            "failed to generate spec: failed to generate spec",
            "failed to generate sandbox container spec",
            "failed to generate runtime spec for {}",
            "failed to generate security options for container {q}",
            "failed to generate spec opts",
        ],
        "The container's specification could not be made from what the pod asks for: a volume, a device, a \
         profile or a user that the node or the image lacks.",
    )
    .codes(&["cri/pod-file-missing"])
    .first(&["kubectl describe pod POD"]),
    cause(
        "mkdir-volume",
        Cri,
        Storage,
        &["failed to mkdir {q}: mkdir {path}: {}", "failed to mkdir {q}"],
        "A folder that the container should mount is not there, and cannot be made on the node: a hostPath, or the folder of \
         a volume.",
    )
    .wraps(&["no-such-file", "permission-denied", "read-only", "not-a-directory", "no-space", "not-permitted"])
    .unless(&["/sys/fs/cgroup", "overlay", ": file exists"])
    .first(&["findmnt -T PATH"]),
    cause(
        "cdi-device",
        Cri,
        Other,
        &["CDI device injection failed{}", "CDI device injection failed: unresolvable CDI devices {rest}", "unresolvable CDI devices {rest}", "failed to inject CDI devices{}", "CDI registry has errors{rest}"],
        "A device that the pod asks for by CDI has no specification under /etc/cdi or /var/run/cdi: the vendor's \
         plugin did not write it.",
    )
    .first(&["ls -l /etc/cdi /var/run/cdi"]),
    cause(
        "apparmor-profile-missing",
        Cri,
        Security,
        &["apparmor profile not found {}", "apparmor is not enabled on the host", "failed to load apparmor profile{}", "apparmor is not supported"],
        "The pod names an AppArmor profile, and it is not loaded on this node, or the node has AppArmor switched off.",
    )
    .first(&["aa-status"]),
    cause(
        "seccomp-profile-missing",
        Cri,
        Security,
        &["cannot load seccomp profile {q}", "seccomp is not supported", "open {path}seccomp{}: no such file or directory", "failed to generate seccomp spec opts", "failed to load seccomp profile {}"],
        "The pod names a seccomp profile, and its file is not under kubelet's folder on this node, or the kernel or the runtime has no seccomp.",
    )
    .wraps(&["no-such-file", "broken-json"])
    .first(&["ls -R /var/lib/kubelet/seccomp"]),
    cause(
        "image-user",
        Cri,
        Image,
        &["failed to find user {}", "no users found", "unable to find user {}: no matching entries in passwd file", "unable to find user {}", "unable to find group {}", "linux spec user: unable to find user {}", "failed to get user from image {q}", "cannot find user {rest}"],
        "The user that the image or the pod names is not in the image's /etc/passwd.",
    ),
    cause(
        "run-as-non-root",
        crate::Component::Kubelet,
        Pod,
        &["container has runAsNonRoot and image {rest}", "container's runAsUser breaks non-root policy{rest}", "container has runAsNonRoot {rest}"],
        "The pod forbids root, and the image's user is root, or a name of which kubelet cannot tell that it is not: the pod must \
         name a number (runAsUser), or the image another user.",
    )
    .certain()
    .first(&["crictl inspecti IMAGE", "kubectl get pod POD -o jsonpath='{..securityContext}'"]),
    cause(
        "metadata-unusable",
        Cri,
        Stores,
        &[
            "failed to unmarshal metadata extension{}",
            "failed to get metadata for stored sandbox {q}",
            "failed to get metadata for stored sandbox",
            "metadata extension {q} not found",
            "failed to unmarshal metadata",
            "failed to get container extensions",
            "metadata extension",
        ],
        "The CRI plugin cannot read what it wrote into a container's or sandbox's record of meta.db.",
    )
    .codes(&["cri/record-unusable", "cri/sandbox-without-record"])
    .first(&[PREFLIGHT, TRIAGE]),
    cause(
        "recover-sandbox",
        Cri,
        Stores,
        &["failed to recover sandbox state", "unable to find sandbox {q}", "failed to get sandbox controller by {q}", "failed to get sandbox controller by {}", "unable to find sandbox"],
        "The two places where 2.x keeps a sandbox disagree, or its kind of sandboxer is not there.",
    )
    .of_releases("2.x")
    .codes(&["cri/sandbox-alone", "cri/sandboxer-unknown"])
    .first(&[TRIAGE]),
    cause(
        "list-sandboxes",
        Cri,
        Stores,
        &["failed to list sandboxes from API", "failed to list sandboxes"],
        "meta.db's sandboxes cannot be listed: something in that bucket is not what it should be.",
    )
    .codes(&["meta/plain-key"])
    .first(&[TRIAGE]),
    cause(
        "sandbox-missing",
        Cri,
        Tasks,
        &[
            "an error occurred when try to find sandbox {q}: not found",
            "an error occurred when try to find sandbox {q}",
            "an error occurred when try to find sandbox",
            "failed to find sandbox id {q}",
            "failed to find sandbox {q}{rest}",
            "sandbox {q} not found",
        ],
        "The CRI plugin has no sandbox of that id (any more). After a removal it is only late; when a container \
         still names it, its record is gone.",
    )
    .unless(&["locating sandbox id", "libnetwork", "dockerd", "error response from daemon"])
    .wraps(&[])
    .open()
    .codes(&["cri/sandbox-gone"])
    .or(&["kubelet asked once more after the pod was removed: nothing is wrong"])
    .first(&["crictl pods", TRIAGE]),
    cause(
        "container-missing",
        Cri,
        Tasks,
        &[
            "an error occurred when try to find container {q}: not found",
            "an error occurred when try to find container {q}",
            "an error occurred when try to find container",
            "could not find container {q}",
            "failed to find container {q}",
            "failed to set removing state for container {q}{rest}",
            "ContainerStatus from runtime service failed",
            "DeleteContainer returned error",
            "failed to get container status {q}", "container with ID starting with {} not found{rest}", "specified container not found{rest}",],
        "The CRI plugin has no container of that id (any more). Mostly kubelet asks once more after a removal, \
         and nothing is wrong.",
    )
    .wraps(&[])
    .open()
    .codes(&["runtime/status-dir-missing"])
    .first(&["crictl ps -a", TRIAGE]),
    cause(
        "status-unreadable",
        Cri,
        Stores,
        &["Failed to load container status for {q}", "failed to decode status", "failed to read status", "failed to load container status", "failed to unmarshal status"],
        "The file in which the CRI plugin keeps a container's status cannot be read: at the start it takes the \
         container's state for unknown and writes over it.",
    )
    .codes(&["runtime/status-damaged", "runtime/status-missing"])
    .first(&[TRIAGE]),
    cause(
        "cri-folder-broken",
        Cri,
        Stores,
        &["failed to cleanup orphaned sandbox directories", "failed to cleanup orphaned container directories", "failed to read base directory"],
        "The CRI plugin cannot list the folder of its pods or containers under the root or the state \
         folder: something else is in its place, or the disk fails. The daemon ends.",
    )
    .wraps(&[])
    .codes(&["start/refused"])
    .first(&[PREFLIGHT, DISK]),
    cause(
        "io-unreachable",
        Cri,
        Tasks,
        &["error creating fifo {path}", "error creating fifo{rest}", "Failed to pipe stdout of container {q}", "Failed to pipe stderr of container {q}", "Failed to pipe {} for container {q}", "failed to attach to task", "failed to create io", "failed to open fifo {path}"],
        "The pipes of a container's output cannot be opened or made: their folder is gone, or \
         something else is there. After a start of the daemon such a container counts as unknown, \
         and kubelet makes another one.",
    )
    .open()
    .codes(&["cri/io-missing", "cri/io-replaced"])
    .first(&[TRIAGE]),
    cause(
        "status-checkpoint",
        Cri,
        Stores,
        &["failed to checkpoint status to {q}", "failed to checkpoint status", "failed to checkpoint status to {}", "failed to update container state"],
        "The CRI plugin cannot write a container's status: its folder is gone, or the disk is full or read-only. \
         At a start the container is not loaded.",
    )
    .wraps(&["no-space", "read-only", "no-such-file", "permission-denied", "not-a-directory"])
    .codes(&["runtime/status-dir-missing", "store/disk-full"])
    .first(&[DISK, TRIAGE]),
    cause(
        "cleanup-orphans",
        Cri,
        Stores,
        &["cleanup orphaned sandbox {}", "cleanup orphaned container {}", "cleanup orphaned container directory {}", "cleanup orphaned sandbox directory {}", "Failed to remove id directory {q}", "Cleanup orphaned directory {}", "cleanup orphaned container directory", "cleanup orphaned sandbox"],
        "At its start the CRI plugin removes folders of pods and containers that meta.db does not have.",
    )
    .codes(&["cri/folder-orphan", "runtime/status-orphan"])
    .first(&[TRIAGE]),
    act(
        "load-failed",
        Cri,
        Stores,
        &["Failed to load sandbox {q}", "Failed to load sandbox status for {q}", "Failed to load"],
        "At its start the CRI plugin could not read one pod or container back; the error beside it says why.",
    )
    .codes(&["cri/record-unusable", "runtime/status-dir-missing"])
    .first(&[PREFLIGHT, TRIAGE]),
    act(
        "start-sandbox-failed",
        Cri,
        Tasks,
        &[
            "failed to start sandbox {q}",
            "failed to start sandbox",
            "failed to start sandbox container",
            "failed to start sandbox container task {q}",
            "failed to create sandbox container",
            "failed to create containerd task",
            "failed to create sandbox {q}",
        ],
        "A pod's sandbox, or a container's task, could not be made; the rest says why.",
    )
    .first(&[STUCK, JOURNAL]),
    act(
        "container-create-failed",
        Cri,
        Tasks,
        &[
            "failed to create containerd container",
            "failed to create container {q}",
            "failed to create container",
            "CreateContainer within sandbox {q} for {} failed",
            "CreateContainer in sandbox {q} from runtime service failed",
            "CreateContainer in sandbox from runtime service failed",
            "RunPodSandbox for {} failed, error",
            "RunPodSandbox for {} failed",
            "RunPodSandbox from runtime service failed",
            "failed to create snapshot",
            "failed to create task for container",
        ],
        "A pod or a container could not be made; the rest says why.",
    )
    .first(&[JOURNAL]),
    act(
        "start-container-failed",
        Cri,
        Tasks,
        &["failed to start container {q}", "StartContainer for {q} failed", "StartContainer from runtime service failed", "StartContainer {q} from runtime service failed", "failed to start containerd task {q}", "failed to start containerd task", "RunContainerError{}"],
        "A container could not be started; the rest says why.",
    )
    .first(&[JOURNAL, "crictl ps -a"]),
    consequence(
        "stop-timeout",
        Cri,
        Tasks,
        &[
            "failed to stop container {q}",
            "failed to stop container",
            "failed to stop sandbox",
            "failed to stop sandbox {q}",
            "failed to forcibly stop sandbox {q}",
            "failed to kill container {q}",
            "Failed to kill container {}",
            "an error occurs during waiting for container {q} to be killed",
            "an error occurs during waiting for container {q} init process to be killed",
            "wait container {q} stop timeout",
            "wait container {q}",
            "wait sandbox container {q}",
            "StopContainer for {q} failed",
            "StopPodSandbox for {q} failed",
            "StopContainer from runtime service failed",
            "StopPodSandbox from runtime service failed",
            "Failed to stop sandbox before removing",
            "Container termination failed with gracePeriod",
            "Failed to kill container",
            "Kill container failed",
            "Shim ttrpc connection closed when stopping container {q}, retry after {}",
        ],
        "A container or a pod does not end: its process waits for storage (state D), its cgroup is frozen, its \
         shim does not answer, or its network cannot be removed. The rest of the line may say which.",
    )
    .codes(&["runtime/stuck"])
    .states(&["storage-hung", "frozen-v1", "frozen-v2", "frozen-ancestor", "shim-stopped", "zombie"])
    .first(&[STUCK, "ps -e -o pid,stat,wchan:32,args | awk '$2 ~ /D/'"]),
    consequence(
        "exit-event-failed",
        Cri,
        Tasks,
        &[
            "failed to handle container TaskExit event {}",
            "failed to handle container TaskExit event",
            "failed to handle sandbox TaskExit event",
            "Failed to handle event {} for {}",
            "Failed to handle backOff event {} for {}",
            "Failed to handle event {}",
            "failed to cleanup container {} in task-service",
        ],
        "A task ended, and what it left could not be removed; containerd tries again. Look for a \
         shim that does not answer, a frozen cgroup, or a mount whose server does not answer.",
    )
    .codes(&["runtime/stuck"])
    .states(&["shim-stopped", "storage-hung", "zombie"])
    .first(&[STUCK]),
    act(
        "network-setup-failed",
        Cri,
        Network,
        &["failed to setup network for sandbox {q}", "failed to setup network for sandbox", "failed to set up sandbox container {q} network for pod {q}", "networkPlugin cni failed to set up pod {q} network", "NetworkPlugin cni failed to set up pod {q} network", "failed to set up pod network", "failed to find network info for sandbox {q}", "failed to find network info for sandbox", "Failed to setup network for pod {q}{rest}", "NetworkPlugin cni failed to set up pod{rest}"],
        "A pod did not get its network: the CNI plugin that the rest of the line names answered with an error.",
    )
    .codes(&["cni/config-refused", "cni/plugin-missing"])
    .first(&["ls -l /etc/cni/net.d /opt/cni/bin", "kubectl -n kube-system get pods -o wide"]),
    act(
        "network-teardown-failed",
        Cri,
        Network,
        &["failed to destroy network for sandbox {q}", "failed to destroy network for sandbox", "networkPlugin cni failed to teardown pod {q} network", "failed to remove network for sandbox {q}", "failed to teardown sandbox {}"],
        "A pod cannot be taken off its network: until it can be, it is neither stopped nor removed. The rest of \
         the line says why: a plugin that is gone or has lost its rights, or a cached result that cannot be read.",
    )
    .codes(&["cni/result-damaged", "cni/plugin-missing"])
    .first(&["ls -l /etc/cni/net.d /opt/cni/bin", TRIAGE]),
    act(
        "exec-failed",
        Cri,
        Tasks,
        &[
            "failed to exec in container",
            "failed to exec in container{}",
            "ExecSync for {q} failed",
            "ExecSync {q} from runtime service failed",
            "ExecSync cmd from runtime service failed",
            "failed to start exec {q}",
            "failed to load task",
            "failed to create exec {q}",
            "OCI runtime exec failed",
            "command {} exceeded timeout",
            "Exec for {q} failed",
            "Error executing in Docker Container{}",
            "Internal error occurred",
            "error executing command in container",
        ],
        "A command in a container (a probe, `kubectl exec`) could not be run.",
    )
    .first(&["crictl ps -a", STUCK]),
    cause(
        "exec-timeout",
        Cri,
        Image,
        &["timeout {} exceeded: context deadline exceeded", "timeout {} exceeded", "command timed out{}", "command {q} timed out", "ExecSync for {q} failed: timeout {} exceeded"],
        "A command in a container (a probe) took longer than it may.",
    )
    .first(&[STUCK]),
    cause(
        "container-not-running",
        Cri,
        Tasks,
        &[
            "Container {n} is not running",
            "container is in CONTAINER_EXITED state",
            "container is in CONTAINER_CREATED state",
            "container is in CONTAINER_UNKNOWN state",
            "container is in {} state",
            "failed to exec in container: container is in CONTAINER_EXITED state",
            "sandbox container {q} is not running",
            "container {q} is in {} state",
        ],
        "The container is not running, and the request needs a running one. Other lines say why it ended.",
    )
    .unless(&["can't be removed"])
    .certain()
    .first(&["crictl ps -a", "crictl inspect ID"]),
    cause(
        "remove-while-starting",
        crate::Component::Cri,
        crate::Whose::Tasks,
        &["container is in starting state, can't be removed", "container is in removing state, can't be started{rest}", "container {q} is in removing state"],
        "The container is being started, or being removed, by another request that has not come to its end: its shim or a mount does not answer, or it is only slow.",
    )
    .open()
    .codes(&["runtime/stuck"])
    .first(&["coroner runtime stuck /", "crictl ps -a"]),
    cause(
        "stop-of-ended",
        Cri,
        Nobody,
        &["Container to stop {q} must be in running or unknown state, current state {q}", "Container to stop {q} must be in running or unknown state{rest}"],
        "kubelet stops a container that has ended already. Nothing is wrong.",
    ),
    cause(
        "harmless-notes",
        crate::Component::Containerd,
        crate::Whose::Nobody,
        &["container event discarded", "unparsable image name {q}", "failed to determine if container is already mounted", "containerd: unable to save ID starttime{rest}", "unable to save ID starttime{}", "Cluster CA certificate is not trusted by the host CA bundle{rest}", "Failed to load kernel module {} with modprobe"],
        "A note that changes nothing by itself: nothing reads an event, a name cannot be shown, a container is not mounted because it does not run, a module is built in or loaded by the host.",
    ),
    cause(
        "nri",
        Cri,
        Other,
        &["NRI {} failed", "NRI plugin failed", "NRI failed to stop container", "NRI sandbox start failed", "NRI sandbox stop failed", "failed to start shim: NRI plugin failed{rest}", "Failed to invoke NRI plugin{rest}", "NRI container creation failed", "NRI container start failed"],
        "A plugin that containerd asks (NRI) failed or is gone; the request it was asked about fails with it.",
    )
    .wraps(&[])
    .first(&["ls -l /opt/nri/plugins /etc/nri", JOURNAL]),
    cause(
        "container-log-line",
        Cri,
        Storage,
        &["Fail to write {} log to log file {}", "An error occurred when {} log file {}", "failed to create container log file", "failed to open container log{}", "failed to reopen container log file{}", "Failed to rotate {rest}", "Failed to create container logger{}", "failed to create symbolic link {}"],
        "A container's log file cannot be written or rotated: the disk, or its folder under /var/log/pods.",
    )
    .wraps(&["no-space", "read-only"])
    .codes(&["cri/log-folder-missing", "store/disk-full"])
    .first(&["df -h /var/log && df -i /var/log"]),
    cause(
        "stats-missing",
        Kubelet,
        Daemon,
        &["failed to get imageFs stats", "failed to get imageFs info", "Failed to get stats for image filesystem{rest}", "invalid capacity 0 on image filesystem", "failed to get container stats", "Partial failure issuing cadvisor{rest}", "failed to get sandbox stats", "Unable to fetch pod log stats{}", "Unable to fetch container log stats{}", "missing image stats", "no metrics received", "Failed to get the info of the filesystem with mountpoint", "no imagefs label for configured runtime", "Stats initialization may not have completed yet{rest}"],
        "Numbers for statistics are missing: soon after a start, or for a container that just ended. By itself no \
         fault.",
    )
    .open()
    .first(&["crictl imagefsinfo"]),
    cause(
        "oom-event",
        Cri,
        crate::Whose::Memory,
        &["TaskOOM event {}", "received container exit event{}OOM{}", "OOMKilled{}", "Container {} was OOM killed", "oom_kill {n}", "container {q} was OOM killed"],
        "A process of the container was killed because the container reached its memory limit.",
    )
    .certain()
    .first(&["crictl inspect ID | grep -i -e reason -e oom", "journalctl -k -b | grep -i oom"]),
    cause(
        "volume-dead-mount",
        Cri,
        Storage,
        &[
            "failed to mkdir {q}: mkdir {path}: file exists",
            "error while creating mount source path {q}: mkdir {path}: file exists",
            "mkdir {path}/volumes/{}: file exists",
        ],
        "A folder that should be mounted is there, and cannot be looked at: the mount on it does not answer. What served it (a CSI \
         driver's or a FUSE program, a server of NFS or SMB) ended or does not answer; or a file stands in its place.",
    )
    .or(&["a file, or a link to nowhere, has the name of the folder"])
    .first(&["findmnt -T PATH; stat PATH", "ps -e -o pid,stat,wchan:32,args | awk '$2 ~ /D/'", "kubectl describe pod POD"]),
    cause(
        "metrics-race",
        Containerd,
        Nobody,
        &["collecting metrics for {}"],
        "The numbers of a task could not be read: it had just ended, or its shim had. Once for a container that ends, that is ordinary. \
         By itself no fault.",
    )
    .first(&[STUCK]),
];
