//! Others: Windows, other engines, builders, runtimes of virtual machines, vendors' devices, and who is only named.

use super::{Place, place};
use crate::message::Component;
use crate::message::Component::{
    Buildkit, Client, Dockerd, K3s, Kubelet, Kubernetes, OtherEngine, OtherRuntime,
    OtherSnapshotter, Windows,
};
use crate::message::Whose::{Other, Registry, Stores, Tasks, Unknown};
use crate::table::{DISK, DMESG, JOURNAL};

pub(super) const FOREIGN: &[Place] = &[
    place(
        "at-windows",
        Windows,
        Other,
        &["hcsshim", "hcs::", "hcscreate", "runhcs", "\\\\.\\pipe", "//./pipe", "npipe:", "hns failed", "hnsnetwork", "hnsendpoint", "hnscall", "in win32", "hostnetsvc", "onecore\\", "hcn", "the system cannot find", "windowsfilter", "wclayer", "vmcompute", "c:/windows", "0x8037", "cri-containerd-windows", "windows nanoserver", "in windows system call", "containerd.exe", "dockerd.exe", "hcs_e", "failure in a windows", "wcow", "lcow", "sdnoverlay", "sdnbridge"],
        "A Windows node: its containers are made by the host compute service (HCS, hcsshim, HNS), not by runc. coroner reads \
         Linux nodes only; containerd's own words around it mean the same on both.",
    )
    .or(&[
        "the host network service (HNS) has a network or an endpoint of before, or lost the one that is named",
        "the image is for another build of Windows than the host's",
        "the folder, the user or the command that the container names is not in the image",
    ])
    .first(&["Get-Service containerd, vmcompute, hns", "Get-HnsNetwork | Select-Object Name, Type, Subnets", "Get-HnsEndpoint | Select-Object Name, IPAddress, State", "Get-ComputeInfo -Property WindowsVersion, OsBuildNumber"]),
    place(
        "at-k3s-supervisor",
        K3s,
        Other,
        &["/v1-k3s/", "/v1-rke2/", "remotedialer", "k3s&cacerts", "rke2&cacerts"],
        "An agent or a server of k3s or RKE2 speaks with a server of its cluster (port 6443 or 9345): whether that runs, is reached, and \
         takes the token and the node's password (403: another node of that name, or one that was installed again) decides.",
    )
    .first(&["journalctl -b -u k3s -u k3s-agent -u rke2-server -u rke2-agent --no-pager | tail -n 50", "ls -l /etc/rancher/node/password"]),
];

/// What registries' own servers log.
pub(super) const SERVERS: &[Place] = &[place(
    "at-registry-server",
    Component::Registry,
    Other,
    &["http.request.host", "http.request.id", "http.request.uri", "response completed with error", "s3aws:", "registry/storage", "docker/registry/v2", "/var/lib/registry", "layer upload resources", "err.detail"],
    "The line is a registry server's own: what failed is there, at its storage, its database or its settings. Whoever pulls from it only \
     sees that it failed. A HEAD that is answered with \"blob unknown\" is ordinary: a push asks so what is there.",
)
.first(&["docker ps -a", "kubectl get pods -A -o wide"])];

/// Plugins of dockerd, which have the names of what they drive.
pub(super) const DRIVERS: &[Place] = &[place(
    "at-docker-plugin",
    Dockerd,
    crate::message::Whose::Network,
    &["networkdriver.", "volumedriver.", "ipamdriver."],
    "dockerd asked a plugin of its own (a driver of networks or volumes), which refused or does not answer: its own log says why. \
     It is no part of Kubernetes or containerd.",
)
.first(&["docker plugin ls", "docker network ls", "journalctl -b -u docker --no-pager | tail -n 50"])];

pub(super) const SETUP: &[Place] = &[
    place(
        "at-kubeadm",
        Client,
        Other,
        &["[preflight]", "[kubelet-check]", "[kubelet-start]", "[wait-control-plane]", "[error cri]", "[warning systemverification]", "[warning hostname]", "[warning service-kubelet]"],
        "kubeadm, which checks a node and sets up kubelet and the control plane: what it marks as ERROR stops it, what it marks as \
         WARNING does not.",
    )
    .first(&["systemctl status kubelet containerd", "crictl info"]),
];

pub(super) const ENGINES: &[Place] = &[
    place(
        "at-crio",
        OtherEngine,
        Tasks,
        &["crio[", "crio:", "cri-o", "crio.service", "/crio/", "crio-", "conmon", "reserving pod name", "reserving ctr name"],
        "CRI-O, another engine behind kubelet, or its helper conmon. containerd has no part in it; where runc, crun, CNI or \
         a registry is named, that part means the same.",
    )
    .first(&["journalctl -b -u crio --no-pager | tail -n 50", "crictl info"]),
    place(
        "at-podman",
        OtherEngine,
        Other,
        &["podman","containers/storage","overlay-containers","/var/lib/containers", "libpod", "buildah", "skopeo", "netavark", "aardvark", "slirp4netns", "pasta", "toolbox"],
        "Podman (or Buildah, Skopeo, its network). containerd has no part in it; where runc, crun, CNI or a registry is named, \
         that part means the same.",
    )
    .first(&["podman info", "podman ps -a"]),
];

pub(super) const BUILD: &[Place] = &[
    place(
        "at-buildkit",
        Buildkit,
        Other,
        &["buildkit", "buildx", "failed to solve", "dockerfile", "buildctl", "failed to compute cache key", "process \"/bin/sh", "moby.buildkit", "solver", "llb", "#&error:&cached", "executor failed running", "exporting to image", "failed to load cache key", "cache importer", "docker build", "returned a non-zero code"],
        "A build of an image (BuildKit, docker build). The step that the line names failed: its command, its base image, its \
         context or its cache.",
    )
    .or(&["the command of that step ended with an error of its own", "a base image or a file of the context could not be had", "BuildKit's cache or its disk"])
    .first(&["docker buildx du", DISK, "journalctl -b -u buildkit -u docker --no-pager | tail -n 50"]),
    place(
        "at-nerdctl",
        Client,
        Other,
        &["nerdctl", "rootlesskit", "containerd-rootless", "rootless containerd"],
        "nerdctl, a client of containerd, or what makes it rootless.",
    )
    .first(&["nerdctl info", "nerdctl ps -a"]),
];

pub(super) const SNAPSHOTTERS: &[Place] = &[
    place(
        "at-remote-snapshotter",
        OtherSnapshotter,
        Stores,
        &["nydus", "rafs", "stargz", "soci", "overlaybd", "cvmfs", "proxy_plugins", "remote snapshot", "containerd-fuse", "/var/lib/soci", "/var/lib/containerd-stargz", "/var/lib/containerd/io.containerd.snapshotter.v1.nydus"],
        "A snapshotter that is a program of its own (stargz, nydus, SOCI, overlaybd): it fetches layers on demand, and must run \
         for containers that use it to read their files.",
    )
    .or(&["it does not run, or lost its state at a restart", "the registry is not reached while a container runs", "a snapshot is in containerd's records that it does not have"])
    .first(&["journalctl -b --no-pager -u '*snapshotter*' -u '*stargz*' -u '*nydus*' -u '*soci*' | tail -n 50", "systemctl list-units '*snapshotter*' '*stargz*' '*nydus*' '*soci*'", "findmnt -t fuse", "ctr plugins ls | grep snapshotter"]),
];

pub(super) const GUESTS: &[Place] = &[
    place(
        "at-nvidia",
        OtherRuntime,
        Other,
        &["nvidia", "nvml", "nvrm", "libcuda", "cuda", "gpu", "nvcdi", "xid (", "nvc.c:", "nvc_info.c:", "nvc_container.c:", "nvc_mount.c:"],
        "NVIDIA's driver, its container toolkit or its device plugin.",
    )
    .or(&["the driver is not loaded, or does not fit its libraries or the kernel", "the runtime nvidia is not among containerd's runtimes", "the device plugin does not run"])
    .first(&["nvidia-smi", "dmesg | grep -i nvrm", "containerd config dump | grep -A8 nvidia"]),
    place(
        "at-cdi",
        OtherRuntime,
        Other,
        &["cdi ", "cdi-", "/cdi", "cdi:"],
        "CDI: devices that a vendor describes under /etc/cdi and /var/run/cdi.",
    )
    .first(&["ls -l /etc/cdi /var/run/cdi"]),
    place(
        "at-gvisor",
        OtherRuntime,
        Other,
        &["runsc", "gvisor", "gofer", "urpc", "sentry"],
        "gVisor's runsc, a runtime with a kernel of its own: its debug log says more.",
    )
    .first(&["runsc --version", "ls /var/log/runsc"]),
    place(
        "at-kata",
        OtherRuntime,
        Other,
        &["kata", "agent-url", "/run/vc/", "/dev/mshv", "virtcontainers", "virtiofs", "qemu", "cloud-hypervisor", "firecracker", "vsock", "hypervisor", "dragonball"],
        "Kata Containers (or another runtime with virtual machines): the hypervisor, the machine's agent, or the folder that \
         is shared with it.",
    )
    .or(&["/dev/kvm or vhost modules are missing", "the machine's kernel or image is missing, or its memory is too small", "the agent in the machine died or does not answer"])
    .first(&["kata-runtime check", "ls -l /dev/kvm /dev/vhost-vsock", "journalctl -b -t kata -t kata-runtime --no-pager | tail -n 50"]),
    place(
        "at-wasm",
        OtherRuntime,
        Other,
        &["wasm", "runwasi", "spin-shim", "wasi"],
        "A runtime for WebAssembly behind a shim of its own.",
    )
    .first(&["ls -l /usr/local/bin/containerd-shim-*", "containerd config dump | grep -A4 runtimes"]),
];

pub(super) const PROGRAMS: &[Place] = &[
    place(
        "at-k3s",
        K3s,
        Unknown,
        &["k3s", "rke2", "k0s", "microk8s", "rancher"],
        "k3s, RKE2, k0s or MicroK8s, which run containerd and kubelet in or under their own program. containerd's own words \
         are in a file of theirs.",
    )
    .first(&["tail -n 50 /var/lib/rancher/k3s/agent/containerd/containerd.log /var/lib/rancher/rke2/agent/containerd/containerd.log", "systemctl status k3s k3s-agent rke2-server rke2-agent k0sworker snap.microk8s.daemon-kubelite"]),
    place(
        "at-swarm",
        Dockerd,
        Other,
        &["swarm", "memberlist:", "raft.node", "raft node", "error response from daemon&raft", "module=raft", "module=node", "node/agent", "networkdb", "serf:", "docker swarm"],
        "Docker's own cluster (swarm): its managers agree by raft, its nodes gossip at port 7946. It is no part of containerd.",
    )
    .or(&["more than half of the managers do not run, or do not reach each other", "a node is down or overloaded", "this node is in no swarm, and a client still asks for one: then nothing is wrong"])
    .first(&["docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.Error}}'", "docker node ls", "journalctl -b -u docker --no-pager | grep -i -e raft -e swarm -e memberlist | tail -n 20"]),
    place(
        "at-dockerd-network",
        Dockerd,
        crate::message::Whose::Network,
        &["networkdriver.", "failed to create endpoint", "libnetwork", "docker0", "network sandbox", "docker network", "endpoint with name", "programming external connectivity", "userland proxy", "docker_gwbridge", "find endpoint with id", "invalid endpoint id", "local endpoint", "sandbox join failed", "vxlan interface creation", "creating vxlan interface", "overlay subnet", "serf neighbor", "serf neigh", "network sandbox join"],
        "Docker's own network (libnetwork): its bridge, its rules, its ports.",
    )
    .first(&["docker network ls", "iptables -t nat -L -n | head -n 30", "ss -lntup"]),
    place(
        "at-dockerd",
        Dockerd,
        Unknown,
        &["dockerd", "docker:", "error response from daemon", "docker daemon", "moby", "docker[", "/var/lib/docker", "docker.service", "docker compose", "docker-compose", "handler for ", "docker run", "containers/create", "docker"],
        "dockerd, or its client. It has containerd make tasks; images, volumes and networks are its own (/var/lib/docker).",
    )
    .first(&["journalctl -b -u docker --no-pager | tail -n 50", "docker info"]),
    place(
        "at-client",
        Client,
        Other,
        &["crictl", "ctr:", "ctr ", "fata[", "helm", "kubectl", "minikube", "kind ", "out.go:", "kic node", "ssh_runner.go", "cache_images.go", "preload.go"],
        "A client tells of an answer that it got.",
    )
    .first(&["crictl info", JOURNAL]),
    place(
        "at-mirror",
        Client,
        Registry,
        &["harbor", "quay", "ghcr", "gcr.io", "ecr."],
        "A registry is named.",
    )
    .first(&["crictl pull IMAGE"]),
    place(
        "at-kubelet",
        Kubelet,
        Unknown,
        &["kubelet", "hyperkube", "pod=\"", "poduid"],
        "kubelet says it. The text itself is not known here; its lines just before tell what it was about.",
    )
    .first(&["journalctl -b -u kubelet --no-pager | tail -n 50", "kubectl describe node NODE", DMESG]),
    place(
        "at-klog",
        Kubernetes,
        Unknown,
        &["klog.go:"],
        "A program that logs in klog's form wrote it: mostly one of Kubernetes (kubelet, a part of the control plane, a controller, \
         a driver), but others (NVIDIA's tools, gVisor, network agents) begin their lines so, too. Which one it was, the journal's unit, \
         the pod, or the file in the line's head tells.",
    )
    .first(&["journalctl -b --no-pager | grep -F FILE | tail -n 5", "kubectl get pods -A -o wide"]),
];
