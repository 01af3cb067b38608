//! Who can have said a line: a message's text tells who says it mostly, and the line may show that it was another.

use crate::message::{Component, Message, Whose};
use crate::peel::Peeled;

/// Programs that a journal names, by how their names begin, and who they are.
const PROGRAMS: &[(&str, Component)] = &[
    ("containerd-stargz", Component::OtherSnapshotter),
    ("containerd-nydus", Component::OtherSnapshotter),
    ("soci-snapshotter", Component::OtherSnapshotter),
    ("nydus", Component::OtherSnapshotter),
    ("containerd-shim-kata", Component::OtherRuntime),
    ("containerd-shim-runsc", Component::OtherRuntime),
    ("kata", Component::OtherRuntime),
    ("runsc", Component::OtherRuntime),
    ("virtiofsd", Component::OtherRuntime),
    ("containerd-shim", Component::Shim),
    ("containerd", Component::Containerd),
    ("dockerd", Component::Dockerd),
    ("docker", Component::Dockerd),
    ("balena", Component::Dockerd),
    ("kubelet", Component::Kubelet),
    ("hyperkube", Component::Kubelet),
    ("k3s", Component::K3s),
    ("k3d", Component::K3s),
    ("rke2", Component::K3s),
    ("k0s", Component::K3s),
    ("microk8s", Component::K3s),
    ("crio", Component::OtherEngine),
    ("cri-o", Component::OtherEngine),
    ("podman", Component::OtherEngine),
    ("buildah", Component::OtherEngine),
    ("conmon", Component::OtherEngine),
    ("buildkit", Component::Buildkit),
    ("kernel", Component::Kernel),
    ("systemd", Component::Systemd),
    ("runc", Component::Runc),
    ("crun", Component::Crun),
    ("ctr", Component::Client),
    ("crictl", Component::Client),
    ("nerdctl", Component::Client),
    ("kube", Component::Kubernetes),
    ("minikube", Component::Client),
    ("calico", Component::Cni),
    ("flannel", Component::Cni),
    ("cilium", Component::Cni),
    ("multus", Component::Cni),
    ("audit", Component::Kernel),
    ("dbus", Component::Systemd),
    ("networkd-dispatcher", Component::Systemd),
    ("cri-dockerd", Component::OtherEngine),
];

/// Files of kubelet's source, as klog names them, by how their names begin. Files that others have, too, tell nothing.
const KUBELETS: &[&str] = &[
    "kubelet",
    "kuberuntime",
    "remote_runtime.go",
    "remote_image.go",
    "pod_workers.go",
    "pod_container_",
    "pod_startup_latency",
    "cri_stats_provider",
    "stats_provider",
    "eviction_manager.go",
    "image_gc_manager.go",
    "container_gc.go",
    "container_manager_linux.go",
    "cgroup_manager_linux.go",
    "qos_container_manager",
    "node_container_manager",
    "nestedpendingoperations.go",
    "operation_generator.go",
    "operation_executor.go",
    "reconciler",
    "desired_state_of_world",
    "actual_state_of_world",
    "volume_manager.go",
    "prober",
    "status_manager.go",
    "generic.go",
    "evented.go",
    "pleg.go",
    "docker_sandbox.go",
    "docker_service.go",
    "docker_container.go",
    "fshandler.go",
    "fs.go",
    "cpu_manager",
    "memory_manager",
    "topology_manager",
    "dns.go",
    "setters.go",
    "file_linux.go",
    "oom_watcher",
    "plugin_watcher.go",
    "csi_",
    "subpath",
    "nodeshutdown",
    "node_shutdown",
    "lifecycle.go",
    "kube_docker_client.go",
];

/// Words of programs and things that only containers have: in a stranger's line others tell nothing.
const CORE: &[&str] = &[
    "containerd",
    "docker",
    "kube",
    "k3s",
    "rke2",
    "runc",
    "crun",
    "oci runtime",
    "cni",
    "container",
    "sandbox",
    "snapshot",
    "cgroup",
    "crio",
    "cri-o",
    "moby",
    "buildkit",
    "ttrpc",
    "podman",
    "nerdctl",
];

/// Words of lines that have to do with containers.
const OURS: &[&str] = &[
    "containerd",
    "docker",
    "kube",
    "k3s",
    "rke2",
    "runc",
    "crun",
    "oci ",
    "oci runtime",
    "cni",
    "pod",
    "container",
    "sandbox",
    "registry",
    "image",
    "snapshot",
    "overlay",
    "cgroup",
    "shim",
    "crio",
    "cri-o",
    "moby",
    "buildkit",
    "netns",
    "calico",
    "cilium",
    "flannel",
    "apparmor",
    "seccomp",
    "oom",
    "nvidia",
    "nfs",
    "iptables",
    "nf_tables",
    "conntrack",
    "etcd",
    "csi",
    "ttrpc",
    "mount",
    "layer",
    "volume",
    "sha256",
    "manifest",
    "/v2/",
    "bundle",
    "plugin",
    "namespace",
    "proc/self",
    "/run/",
    "/var/lib/",
    "bolt",
    "freelist",
    "goroutine",
    "panic:",
    "grpc",
    "netlink",
    "selinux",
    "ext4",
    "xfs",
    "vxlan",
    "hcs",
    "hns ",
    "criu",
    "unpack",
    "blob",
    "systemd",
    "rpc error",
    "conmon",
    "device-mapper",
    "kernel",
    "fork",
    "mke2fs",
    "mkfs",
    "fata[",
    "erro[",
    "ctr: ",
    "nodefs",
    "node was low",
    "nydus",
    "stargz",
];

/// Words of the part of kubelet that had Docker run pods (dockershim, later cri-dockerd).
pub(crate) const DOCKERSHIM: &[&str] = &[
    "failed to start sandbox container for pod",
    "failed to create a sandbox for pod",
    "failed to set up sandbox container",
    "failed to inspect sandbox image",
    "operation timeout: context deadline",
];

/// Who speaks, as far as the line shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speaker {
    /// The program that its journal names, or klog's file, where that is one that is known.
    pub(crate) program: Option<Component>,
    /// A program is named that is none of those.
    is_stranger: bool,
    /// klog names a file that is not known as kubelet's, and no journal names another program.
    is_klogs: bool,
    /// klog names a file of kubelet's.
    pub(crate) is_kubelets: bool,
    /// A stranger's line without a word of containers.
    pub(crate) is_unrelated: bool,
    /// A program of ours is named, or a word of containers.
    pub(crate) is_ours: bool,
}

impl Speaker {
    pub(crate) fn from_line(peeled: &Peeled, whole: &str) -> Self {
        let name = peeled.program.as_deref().unwrap_or_default();
        let name = name.rsplit('/').next().unwrap_or_default();
        let name = name.trim_start_matches(['(', '[']).to_ascii_lowercase();
        // Docker gives the lines of a container to the journal as `docker/ID`, and gives no word of its own there.
        let is_containers = peeled.program.as_deref().is_some_and(is_a_containers);
        let known = PROGRAMS
            .iter()
            .find(|(start, _)| !is_containers && name.starts_with(start));
        let file = peeled.file.as_deref().unwrap_or_default();
        let file = file
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_kubelets = KUBELETS.iter().any(|start| file.starts_with(start));
        let is_stranger = !name.is_empty() && known.is_none() && !is_kubelets;
        let words = if is_stranger { CORE } else { OURS };
        let has = |text: &str| {
            let text = text.to_ascii_lowercase();
            words.iter().any(|word| text.contains(word))
        };
        let fields = peeled.fields.iter();
        let has_our_word = peeled.said.iter().any(|said| has(said))
            || fields
                .into_iter()
                .any(|(key, value)| has(key) || has(value))
            || (!is_stranger && has(whole));
        let is_ours =
            known.is_some() || is_kubelets || has_our_word || whole.contains("containerd");
        let program = known.map(|(_, who)| *who);
        let is_klogs = !file.is_empty()
            && !is_kubelets
            && (matches!(program, None | Some(Component::Kubernetes))
                || is_every_program(name.as_str()));
        // One program that is all of Kubernetes: the file tells which part of it speaks.
        let program = program.filter(|_| !(is_klogs && is_every_program(name.as_str())));
        Self {
            program: program.or(is_kubelets.then_some(Component::Kubelet)),
            is_stranger,
            is_klogs,
            is_kubelets,
            is_unrelated: is_stranger && !is_ours,
            is_ours,
        }
    }

    /// Whether the line shows that `who` speaks, or that a word of its was passed on.
    pub(crate) fn shows(self, who: Component, whole: &str) -> bool {
        let is_daemon = matches!(
            (self.program, who),
            (
                Some(Component::Containerd),
                Component::Cri | Component::Containerd | Component::Shim
            )
        );
        // What the kernel, a registry or the API server says has its own form; a word of the system is nobody's.
        let is_plain = matches!(
            who,
            Component::Kernel
                | Component::System
                | Component::Go
                | Component::Registry
                | Component::Kubernetes
        );
        self.program == Some(who)
            || is_daemon
            || is_plain
            || named(who).iter().any(|word| whole.contains(word))
    }

    /// Whether the line shows it by a name that only `who` has: enough for a text of few words.
    pub(crate) fn shows_well(self, who: Component, whole: &str) -> bool {
        let own: &[&str] = match who {
            Component::Containerd => &["containerd", "ctr:"],
            Component::Cri => &["containerd", "cri:", "runpodsandbox", "podsandbox"],
            Component::Shim => &["shim", "containerd"],
            Component::Kubelet => &["kubelet", "syncing pod", "failedmount", "probe"],
            Component::Cni => &[
                "cni",
                "ipam",
                "calico",
                "flannel",
                "cilium",
                "network for sandbox",
            ],
            Component::Client => &["ctr:", "crictl", "nerdctl", "kubeadm", "kubectl", "docker"],
            Component::Systemd => &["systemd", ".service", ".scope", ".slice", ".mount"],
            _ => return self.shows(who, whole),
        };
        self.program == Some(who)
            || self.program == Some(Component::Containerd) && Component::Containerd.is_kin(who)
            || own.iter().any(|word| whole.contains(word))
    }

    /// Whether the kernel speaks: its journal's name, or the time since the boot (or of `dmesg -T`) before the line.
    pub(crate) fn is_kernels(self, whole: &str) -> bool {
        self.program == Some(Component::Kernel)
            || whole
                .trim_start_matches([' ', '>', '`', '<'])
                .starts_with('[')
            || ["kernel", "dmesg", "kmsg"]
                .iter()
                .any(|word| whole.contains(word))
    }

    /// Whether another program than `who` is known to speak, and nothing shows that it passes on what `who` said.
    pub(crate) fn is_anothers(self, who: Component, whole: &str) -> bool {
        let is_runtimes = matches!(
            who,
            Component::Runc | Component::Crun | Component::Shim | Component::Cri
        );
        let is_another = matches!(
            self.program,
            Some(
                Component::Dockerd
                    | Component::Kubelet
                    | Component::Systemd
                    | Component::Kernel
                    | Component::Kubernetes
            )
        );
        is_runtimes && is_another && !self.shows(who, whole)
    }

    /// Who says it, where the line shows that it is a program for which the message's meaning and its commands do not
    /// hold: a builder or an engine with stores of its own, a program that is not known, another client of the API server.
    pub(crate) fn another(self, message: &Message, whole: &str) -> Option<Component> {
        if message.whose == Whose::Nobody {
            return None;
        }
        // Every program that watches the API server has these files, and credentials of its own.
        let is_clients = message.whose == Whose::Tls
            || ["reflector.go:", "leaderelection.go:", "request.go:"]
                .iter()
                .any(|file| whole.contains(file));
        if is_clients
            && message.who == Component::Kubelet
            && self.is_klogs
            && !whole.contains("kubelet")
        {
            return Some(Component::Kubernetes);
        }
        let real = self.speaker_of(message.who, whole);
        let has_its_own = matches!(
            real,
            Component::Buildkit
                | Component::OtherEngine
                | Component::OtherSnapshotter
                | Component::System
        );
        (real != message.who && has_its_own).then_some(real)
    }

    /// Who says what `who` usually says.
    pub(crate) fn speaker_of(self, who: Component, whole: &str) -> Component {
        let any = |words: &[&str]| words.iter().any(|word| whole.contains(word));
        let is_daemons = matches!(
            who,
            Component::Containerd | Component::Cri | Component::Shim
        );
        let is_runtimes = matches!(who, Component::Runc | Component::Crun);
        // Who keeps the journal's line has said it, whose words ever it has.
        if let Some(program @ (Component::Systemd | Component::Kernel)) = self.program
            && (is_daemons || is_runtimes)
        {
            return program;
        }
        if let Some(program @ (Component::Dockerd | Component::Kubelet)) = self.program
            && (is_daemons || is_runtimes)
            && !any(named(who))
            && !any(&[
                "rpc error",
                "startcontainer",
                "sandbox",
                "runtime network not ready",
            ])
        {
            return program;
        }
        if who == Component::Cni && any(&["kube-proxy", "proxier.go"]) {
            return Component::Kubernetes;
        }
        if !is_daemons && !is_runtimes {
            return who;
        }
        let is_other_engine = self.program == Some(Component::OtherEngine)
            || any(&["podman", "crio[", "cri-o", "/crio", "conmon", "buildah"]);
        if is_daemons && is_other_engine && !whole.contains("containerd") {
            return Component::OtherEngine;
        }
        let is_builder = self.program == Some(Component::Buildkit)
            || any(&["failed to solve", "buildkit", "buildx", "#0 error"]);
        if is_daemons && is_builder {
            return Component::Buildkit;
        }
        let is_snapshotters = any(&[
            "io.containerd.snapshotter.v1.nydus",
            "containerd-nydus",
            "containerd-stargz",
            "soci-snapshotter",
        ]);
        if who == Component::Containerd
            && is_snapshotters
            && !any(&["containerd[", "ctr:", "rpc error"])
        {
            return Component::OtherSnapshotter;
        }
        if is_daemons && any(DOCKERSHIM) && !whole.contains("containerd") {
            return Component::Kubelet;
        }
        let is_docker = self.program == Some(Component::Dockerd)
            || any(&[
                "error response from daemon",
                "dockerd",
                "docker:",
                "/var/lib/docker",
                "error setting up exec command in container",
                "handler for ",
                "module=libcontainerd",
                "health check for container",
                "register layer",
                "upload failed, retrying",
                "download failed, retrying",
                "docker-runc",
                "docker-containerd",
            ]);
        if is_daemons && is_docker && !whole.contains("containerd") {
            return Component::Dockerd;
        }
        if is_runtimes
            && any(&[
                "runsc", "gvisor", "kata", "youki", "sysbox", "wasm", "gofer",
            ])
        {
            return Component::OtherRuntime;
        }
        if who == Component::Runc && any(&["crun:", "crun[", "`crun"]) {
            return Component::Crun;
        }
        if self.is_stranger && !any(named(who)) {
            return Component::System;
        }
        who
    }
}

/// Whether a journal's name is that of a container's output: `docker/13c8d11e97f3`.
fn is_a_containers(name: &str) -> bool {
    name.split_once('/').is_some_and(|(daemon, id)| {
        daemon == "docker" && id.len() >= 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Whether it is a program that holds all parts of Kubernetes.
fn is_every_program(name: &str) -> bool {
    name.starts_with("hyperkube")
}

/// Words that show that someone speaks, whoever passes it on.
const fn named(who: Component) -> &'static [&'static str] {
    match who {
        Component::Containerd => &["containerd", "io.containerd", "ctr:", "rpc error"],
        Component::Cri => &["containerd", "sandbox", "cri", "pod", "rpc error"],
        Component::Shim => &["shim", "oci runtime", "containerd"],
        Component::Runc => &[
            "runc",
            "oci runtime",
            "libcontainer",
            "container_linux",
            "process_linux",
            "rootfs_linux",
            "standard_init_linux",
            "nsexec",
            "container init",
            "container process",
        ],
        Component::Crun => &["crun"],
        Component::OtherRuntime => &[
            "runsc", "gvisor", "gofer", "kata", "youki", "sysbox", "wasm", "nvidia", "virt",
        ],
        Component::Cni => &[
            "cni", "plugin", "network", "sandbox", "calico", "flannel", "cilium", "weave",
            "multus", "ipam", "veth", "bridge",
        ],
        Component::Kubelet => &[
            "kubelet",
            "pod",
            "volume",
            "container",
            "node",
            "probe",
            "hyperkube",
        ],
        Component::Client => &[
            "ctr", "fata[", "erro[", "nerdctl", "kubeadm", "crictl", "docker", "kubelet",
            "kubectl", "client", "minikube",
        ],
        Component::Dockerd => &[
            "docker",
            "moby",
            "error response from daemon",
            "handler for ",
        ],
        Component::K3s => &["k3s", "rke2", "k0s", "microk8s", "rancher"],
        Component::Systemd => &[
            "systemd", ".service", ".scope", ".slice", ".mount", "unit", "job ",
        ],
        Component::Buildkit => &["build", "solve", "dockerfile", "#"],
        Component::OtherEngine => &[
            "crio",
            "cri-o",
            "podman",
            "conmon",
            "buildah",
            "containers/storage",
            "libpod",
            "cri-dockerd",
        ],
        Component::OtherSnapshotter => &["stargz", "nydus", "soci", "overlaybd", "snapshot"],
        Component::Volumes => &[
            "csi", "ceph", "rbd", "longhorn", "volume", "iscsi", "rook", "nfs",
        ],
        Component::Windows => &["windows", "hcs", "hns", "\\", ".exe", "pipe"],
        Component::Kernel
        | Component::System
        | Component::Go
        | Component::Registry
        | Component::Kubernetes => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peel::peel;

    #[test]
    fn who_speaks_is_shown_or_not() {
        use Component::{Cri, Dockerd, Kubelet, Runc};
        let of = |line: &str| Speaker::from_line(&peel(line), &line.to_ascii_lowercase());
        let line = "E1128 12:00:00.123456  12 kuberuntime_manager.go:919] starting failed: x";
        assert_eq!(of(line).program, Some(Kubelet));
        let line = "E1128 12:00:00.123456  12 clientconn.go:919] starting failed: x";
        assert_eq!(of(line).program, None);
        for (line, who, is_shown, is_anothers) in [
            ("runc create failed: x", Runc, true, false),
            ("fork/exec /proc/self/exe: x", Runc, false, false),
            (
                "Nov 28 14:18:11 node dockerd[40]: exec: x",
                Runc,
                false,
                true,
            ),
            (
                "Nov 28 14:18:11 node dockerd[40]: OCI runtime create failed: x",
                Runc,
                true,
                false,
            ),
            ("Nov 28 14:18:11 node containerd[40]: x", Cri, true, false),
            ("Nov 28 14:18:11 node dockerd[40]: x", Dockerd, true, false),
        ] {
            let whole = line.to_ascii_lowercase();
            let speaker = of(line);
            assert_eq!(speaker.shows(who, &whole), is_shown, "{line}");
            assert_eq!(speaker.is_anothers(who, &whole), is_anothers, "{line}");
        }
    }

    fn told(line: &str, who: Component) -> (Component, bool) {
        let whole = line.to_ascii_lowercase();
        let speaker = Speaker::from_line(&peel(line), &whole);
        (speaker.speaker_of(who, &whole), speaker.is_unrelated)
    }

    #[test]
    fn the_speaker_is_who_the_line_shows() {
        use Component::{
            Buildkit, Cni, Containerd, Cri, Dockerd, Kubernetes, OtherEngine, OtherRuntime, Runc,
            System, Systemd,
        };
        for (line, who, right) in [
            ("Nov 28 14:18:11 node containerd[40]: x", Cri, Cri),
            (
                "Nov 28 14:18:11 node podman[40]: mount failed",
                Containerd,
                OtherEngine,
            ),
            (
                "Nov 28 14:18:11 node dockerd[40]: mount failed",
                Cri,
                Dockerd,
            ),
            (
                "Nov 28 14:18:11 node nomad[40]: write cgroup.procs",
                Runc,
                System,
            ),
            (
                "Nov 28 14:18:11 node nomad[40]: OCI runtime failed",
                Runc,
                Runc,
            ),
            ("runsc: write cgroup.procs", Runc, OtherRuntime),
            ("ERROR: failed to solve: apply layer", Containerd, Buildkit),
            ("write cgroup.procs", Runc, Runc),
            (
                "Nov 28 14:18:11 node systemd[40]: a.scope: write cgroup.procs",
                Runc,
                Systemd,
            ),
            (
                "E1128 12:00:00.1 1 proxier.go:16] iptables-restore",
                Cni,
                Kubernetes,
            ),
            (
                "msg=\"Handler for GET /v1.45/x returned error: it is not running\"",
                Cri,
                Dockerd,
            ),
        ] {
            assert_eq!(told(line, who), (right, false), "{line}");
        }
        let line = "Nov 28 14:18:11 node postgres[40]: could not open file: permission denied";
        assert!(told(line, Runc).1);
    }
}
