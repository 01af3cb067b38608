//! Shims, runc and crun, by the stage that the frames of an error name.

use super::{Place, place};
use crate::message::Component::{Containerd, Crun, Runc, Shim};
use crate::message::Whose::{Cgroups, Image, Kernel, Pod, Programs, Security, Storage, Tasks};
use crate::table::{DMESG, JOURNAL, STUCK};

pub(super) const STAGES: &[Place] = &[
    place(
        "at-checkpoint",
        Runc,
        Tasks,
        &["criu", "checkpointed", "checkpoint&container", "restore&container"],
        "A container was being checkpointed or restored (CRIU).",
    )
    .first(&["criu check", "runc --version"]),
    place(
        "at-runc-cgroup",
        Runc,
        Cgroups,
        &["/sys/fs/cgroup", "cgroup"],
        "A cgroup of a container was being made, set, read or removed, by the runtime itself or through systemd.",
    )
    .or(&["cgroup v1 or v2, or a controller that is not there or not delegated", "systemd removed or holds the unit; kubelet and containerd have different cgroup drivers", "a limit that is too low, or that the kernel does not take"])
    .first(&["stat -fc %T /sys/fs/cgroup; cat /sys/fs/cgroup/cgroup.controllers", "containerd config dump | grep -i systemdcgroup; grep -i cgroupdriver /var/lib/kubelet/config.yaml", DMESG]),
    place(
        "at-runc-security",
        Runc,
        Security,
        &["apparmor", "seccomp", "selinux", "setxattr", "capabilities", "capset", "no_new_privs", "keyring", "process label", "mount label", "relabel"],
        "The container's security settings (AppArmor, SELinux, seccomp, capabilities) were being applied.",
    )
    .or(&["the profile or the label is not on this node", "the kernel or a library is older than the profile", "whoever makes the container has fewer rights itself (a container in a container)"])
    .first(&["aa-status; getenforce", DMESG, "runc --version"]),
    place(
        "at-runc-userns",
        Runc,
        Kernel,
        &["userns", "user namespace", "uid_map", "gid_map", "idmap", "newuidmap", "rootless&map", "subuid", "unshare", "clone:", "uid mapping", "gid mapping"],
        "A user namespace or mapped ids were being set up: the kernel's limits, /etc/subuid and the file system under it \
         decide.",
    )
    .first(&["sysctl user.max_user_namespaces kernel.unprivileged_userns_clone", "cat /etc/subuid /etc/subgid", "uname -r"]),
    place(
        "at-runc-sysctl",
        Runc,
        Pod,
        &["sysctl", "/proc/sys/net", "/proc/sys/kernel/shm", "/proc/sys/fs/mqueue", "setting rlimit", "setrlimit"],
        "A sysctl or a limit that the pod asks for was being set in its namespaces.",
    )
    .first(&["uname -r", "kubectl get pod POD -o jsonpath='{..sysctls}'"]),
    place(
        "at-runc-device",
        Runc,
        Pod,
        &["/dev/", "device node", "devices:", "custom device", "mknod"],
        "A device of the container was being made or opened.",
    )
    .first(&["ls -l /dev", DMESG]),
    place(
        "at-runc-rootfs",
        Runc,
        Storage,
        &["rootfs", "mountpoint", "error mounting", "mount through", "pivot_root", "bind mount", "bind source", "mount `", "flags: ms_", "mount(2)", "remount", "procfd", "masked path", "readonly path", "maskpath"],
        "The container's root file system and its mounts were being put together.",
    )
    .or(&["what should be mounted is missing on the node, or of another kind than its place in the image", "a security rule or a user namespace forbids the mount", "a snapshot's directory is gone, or the server of a mount does not answer"])
    .first(&["kubectl describe pod POD", DMESG, "coroner runtime mounts /"]),
    place(
        "at-runc-entrypoint",
        Runc,
        Image,
        &["exec user process", "exec: \"", "exec /", "entrypoint", "exec format", "chdir to cwd", "working directory", "setuid", "setgid", "unable to setup user", "executable file"],
        "The last step of a container's start: its working folder, its user, and the image's program.",
    )
    .or(&["the program, its interpreter or its folder is not in the image, or may not be run", "it is for another architecture", "a volume hides it"])
    .first(&["crictl inspecti IMAGE", "uname -m", "coroner snapshots verify /"]),
    place(
        "at-runc-hook",
        Runc,
        Programs,
        &["hook"],
        "A hook of the container (a vendor's program that runs before its start or after its end) failed or hangs.",
    )
    .first(&["ls /etc/containers/oci/hooks.d /usr/share/containers/oci/hooks.d", STUCK]),
    place(
        "at-runc-setns",
        Runc,
        Tasks,
        &["setns", "nsexec", "nsenter", "oci runtime exec", "exec failed"],
        "A process was being added to a container that runs (exec): it joins the namespaces and the cgroup of its init.",
    )
    .or(&["the container was ending, or at its limit of memory or processes", "a security rule forbids it", "the image has no such program"])
    .first(&["crictl ps -a", STUCK, "journalctl -k -b | grep -i -e oom -e denied"]),
    place(
        "at-runc-init",
        Runc,
        Tasks,
        &["error during container init", "container init", "init-p", "sync pipe", "procready", "prochooks", "runc init", "standard_init_linux"],
        "The container's init, inside of its namespaces, was setting itself up: mounts, security, user, then the program. \
         The rest of the line says at which of these it ended.",
    )
    .or(&["it was killed: the memory limit is too small", "a mount, a security rule or the program was refused"])
    .first(&["journalctl -k -b | grep -i -e oom -e apparmor -e seccomp", DMESG, "runc --version"]),
    place(
        "at-crun",
        Crun,
        Tasks,
        &["crun"],
        "crun was making, entering or ending a container's process.",
    )
    .first(&["crun --version", "crun list", DMESG]),
    place(
        "at-runc",
        Runc,
        Tasks,
        &["runc", "unable to start container process", "starting container process", "process_linux.go", "container_linux.go", "oci runtime", "libcontainer/"],
        "The runtime was making, starting or ending a container's process; the rest of the line is its own word for why not.",
    )
    .or(&["the image's program, a mount, a cgroup, a security rule or a hook", "the runtime's program is missing, damaged or was killed"])
    .first(&["runc --version", "runc --root /run/containerd/runc/k8s.io list", DMESG]),
];

pub(super) const TASKS: &[Place] = &[
    place(
        "at-shim-log",
        Shim,
        Tasks,
        &[
            "log.json",
            "shim log",
            "shim.log",
            "bundle/",
            "runtime bundle",
            "bundle path",
            "oci bundle",
            "/io.containerd.runtime.v2.task/",
            "/io.containerd.grpc.v1.cri/",
        ],
        "A task's bundle (its folder under /run/containerd), or a file in it.",
    )
    .first(&["coroner runtime ls /", "df -h /run; df -i /run"]),
    place(
        "at-shim",
        Shim,
        Tasks,
        &[
            "shim",
            "ttrpc",
            "containerd.task.v",
            "taskexit",
            "taskoom",
            "taskcreate",
            "taskdelete",
            "runtime=io.containerd",
            "task.v2",
            "task.v3",
            "containerd.sock.ttrpc",
        ],
        "A shim, which holds a container's process and its output, or the daemon's talk with it.",
    )
    .or(&[
        "the shim was killed (memory) or does not answer",
        "its program is missing, damaged, or of another release than the daemon",
        "/run was emptied under it, or is full",
    ])
    .first(&[
        "coroner runtime shims /",
        STUCK,
        "journalctl -k -b | grep -i 'killed process'",
    ]),
    place(
        "at-task",
        Containerd,
        Tasks,
        &[
            "failed to create task",
            "failed to start task",
            "failed to delete task",
            "failed to kill task",
            "task \"",
            "task not",
            "container task",
            "create container",
            "no running task",
            "running container",
        ],
        "A container's task (its process, as the daemon has it) was being made, asked, or removed.",
    )
    .first(&["ctr -n k8s.io tasks ls", STUCK, JOURNAL]),
];
