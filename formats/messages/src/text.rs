//! Texts of which only this is known: who says them, in which releases, and what is being done then.
//! They were read in the sources.

use std::sync::LazyLock;

use serde::Serialize;

use crate::message::{Component, Message};

/// A text of a program's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Who says it.
    pub who: Component,
    /// What is being done then, as a clause after "while".
    pub doing: &'static str,
    /// The part of the source.
    #[serde(skip)]
    area: &'static str,
    /// Whether an error follows that says why.
    pub is_act: bool,
    /// Releases in whose sources it is: the first and the last; empty: not told apart.
    pub releases: &'static str,
    /// How rare its words are.
    pub weight: u16,
    /// The text, with holes.
    pub says: &'static str,
}

/// All of them.
pub(crate) static TEXTS: LazyLock<Vec<Text>> = LazyLock::new(|| {
    include_str!("texts.tsv")
        .lines()
        .filter_map(line_text)
        .collect()
});

fn line_text(line: &'static str) -> Option<Text> {
    let mut columns = line.splitn(6, '\t');
    let who = match columns.next()? {
        "containerd" => Component::Containerd,
        "cri" => Component::Cri,
        "shim" => Component::Shim,
        "runc" => Component::Runc,
        "crun" => Component::Crun,
        "cni" => Component::Cni,
        "dockerd" => Component::Dockerd,
        "kubelet" => Component::Kubelet,
        "client" => Component::Client,
        "cri-dockerd" | "other-engine" => Component::OtherEngine,
        "k3s" => Component::K3s,
        "kubernetes" => Component::Kubernetes,
        "buildkit" => Component::Buildkit,
        "other-runtime" => Component::OtherRuntime,
        "snapshotter" => Component::OtherSnapshotter,
        "registry" => Component::Registry,
        "volumes" => Component::Volumes,
        "windows" => Component::Windows,
        _ => return None,
    };
    let area = columns.next()?;
    Some(Text {
        who,
        doing: doing(area),
        area,
        is_act: columns.next()? == "a",
        releases: columns.next()?,
        weight: columns.next()?.parse().ok()?,
        says: columns.next()?,
    })
}

impl Text {
    /// What can be the cause there, and what tells the causes apart.
    pub fn place(&self) -> Option<&'static Message> {
        let key = match self.area {
            "start" => "at-plugin",
            "bolt" | "metadata" => "at-bolt",
            "content" => "at-content",
            "snapshot" => "at-snapshotter",
            "mount" | "rootfs" => "at-runc-rootfs",
            "unpack" => "at-unpack",
            "pull" | "registry" => "at-pull",
            "lease" | "gc" => "at-gc",
            "task" => "at-task",
            "shim" => "at-shim",
            "netns" => "at-netns",
            "nri" => "at-nri",
            "cri-run" => "at-run-sandbox",
            "spec" | "cri-create" => "at-create-container",
            "cri-start" => "at-start-container",
            "cri-kill" | "cri-stop" => "at-stop-container",
            "cri-remove" => "at-remove-container",
            "cri-exec" => "at-exec",
            "cri-io" => "at-log-file",
            "cri-recover" => "at-recover",
            "cri-network" => "at-network-config",
            "cri-config" => "at-config",
            "cri-status" => "at-status",
            "cri" | "cri-store" | "cri-events" => "at-cri",
            "cgroup" => "at-runc-cgroup",
            "seccomp" | "security" => "at-runc-security",
            "runc-init" => "at-runc-init",
            "runc-exec" => "at-runc-setns",
            "runc-process" | "runc" | "runc-state" => "at-runc",
            "crun" => "at-crun",
            "cni" => "at-cni",
            "cni-ipam" => "at-host-local",
            "docker-swarm" => "at-swarm",
            "docker-network" => "at-dockerd-network",
            "docker-build" | "buildkit" => "at-buildkit",
            "docker" | "docker-volume" | "docker-log" | "docker-image" | "docker-layer"
            | "docker-container" | "docker-start" | "docker-plugin" | "docker-cli"
            | "cri-dockerd" => "at-dockerd",
            "kubelet-stats" => "at-stats",
            "kubelet-cgroups" => "at-kubelet-cgroups",
            "kubelet-eviction" => "at-eviction",
            "kubelet-static" => "at-static-pods",
            "kubelet-prober" => "at-probe",
            "kubelet-volumes" => "at-volume",
            "kubelet-run" | "kubelet-dockershim" | "kubelet-images" | "kubelet-main"
            | "kubelet-certs" | "kubelet-status" | "kubelet-node" | "kubelet-server"
            | "kubelet-network" | "kubelet-oom" => "at-kubelet",
            "kube-proxy" => "at-kube-proxy",
            "kubeadm" => "at-kubeadm",
            "api-client" => "at-api-server",
            "calico" => "at-calico",
            "flannel" => "at-flannel",
            "multus" | "whereabouts" => "at-multus",
            "aws-cni" => "at-aws-cni",
            "kata" => "at-kata",
            "gvisor" => "at-gvisor",
            "nvidia" => "at-nvidia",
            "nydus" | "soci" | "stargz" => "at-remote-snapshotter",
            "crio" => "at-crio",
            "podman" | "storage" | "images" => "at-podman",
            "etcd" => "at-etcd",
            "coredns" => "at-cluster-dns",
            "ovn" => "at-ovn",
            "crictl" => "at-client",
            "nerdctl" | "rootlesskit" => "at-nerdctl",
            "k3s" => "at-k3s",
            "registry-server" => "at-registry-server",
            "longhorn" => "at-longhorn",
            "ceph-csi" => "at-ceph",
            "csi" => "at-csi-driver",
            "antrea" => "at-antrea",
            "azure" => "at-azure-cni",
            "kube-router" => "at-kube-router",
            "weave" => "at-weave",
            "kaniko" => "at-kaniko",
            "kind" => "at-kind",
            "npd" => "at-problem-detector",
            "windows" => "at-windows",
            _ => "at-containerd",
        };
        crate::message(key)
    }
}

/// What is being done in a part of a source.
fn doing(area: &str) -> &'static str {
    match area {
        "start" => "it starts and loads its plugins",
        "bolt" => "it works on a database (bbolt)",
        "metadata" => "it works on meta.db",
        "content" => "it works on the content store",
        "snapshot" => "a snapshotter works",
        "mount" | "rootfs" => "something is mounted",
        "unpack" => "a layer is unpacked or compared",
        "pull" | "registry" => "an image is pulled or pushed",
        "lease" | "gc" => "it collects garbage",
        "task" => "it makes, asks or removes a task",
        "shim" => "a shim is started or at work",
        "spec" => "a container's specification is made or read",
        "netns" => "a network namespace is made or removed",
        "nri" => "it asks its NRI plugins",
        "cri" | "cri-store" => "it answers kubelet",
        "cri-run" => "a pod's sandbox is made",
        "cri-create" => "a container is created",
        "cri-start" => "a container is started",
        "cri-kill" | "cri-stop" => "a container or a pod is stopped",
        "cri-remove" => "a container or a pod is removed",
        "cri-exec" => "a command is run in a container, or a stream is served",
        "cri-io" => "a container's output is read",
        "cri-recover" => "it reads pods and containers at its start",
        "cri-events" => "the end of a task is handled",
        "cri-network" => "it loads the network's configuration",
        "cri-config" => "it reads the CRI plugin's settings",
        "cri-status" => "it answers the kubelet with a status or with statistics",
        "cgroup" => "a cgroup is made, read or removed",
        "seccomp" | "security" => "security rules are applied",
        "runc-init" => "the container's init sets itself up",
        "runc-process" | "runc" | "crun" => "a container's process is made",
        "runc-state" => "a container's state is read or written",
        "runc-exec" => "a process is added to a container",
        "cni" => "a pod's network is set up or removed",
        "cni-ipam" => "an address is given out or returned",
        "docker-swarm" => "its cluster (swarm) is at work",
        "docker-network" => "its own network (libnetwork) is set up, changed or removed",
        "docker-build" => "an image is built",
        "docker-volume" => "a volume or a mount of its is made or removed",
        "docker-log" => "a container's output is written or read",
        "docker-image" => "an image is pulled, pushed, listed or removed",
        "docker-layer" => "a layer of its own store is made, mounted, packed or removed",
        "docker-container" => "a container is made, started, asked or ended",
        "docker-start" => "it starts, reads its settings or ends",
        "docker-plugin" => "a plugin of its is installed, started or asked",
        "docker" => "it answers a client or looks after its containers",
        "kubelet-stats" => "statistics of containers and file systems are read (cAdvisor)",
        "kubelet-run" => "it has pods and containers made, ended and listed",
        "kubelet-dockershim" => "it has Docker make a pod or a container",
        "kubelet-images" => "an image is pulled or removed",
        "kubelet-volumes" => "a volume is attached, mounted, unmounted or removed",
        "kubelet-cgroups" => "cgroups, processors, memory or devices are given to pods",
        "kubelet-eviction" => "it makes room on the node",
        "kubelet-static" => "it reads the pods that it should run",
        "kubelet-prober" => "a container is probed",
        "kubelet-certs" => "its certificates are made or renewed",
        "kubelet-status" | "kubelet-node" => "the node's or a pod's status is written",
        "kubelet-network" => "a pod's network or names are set",
        "kubelet-oom" => "it watches for processes that the kernel kills",
        "kubelet-server" => "it answers at its port",
        "kubelet-main" => "it starts, or looks after its pods",
        "kube-proxy" => "kube-proxy writes the services' rules",
        "kubeadm" => "kubeadm checks or sets up a node",
        "api-client" => "a client of the API server is at work",
        "calico" => "Calico's plugin or its agent is at work",
        "flannel" => "flannel is at work",
        "multus" => "Multus calls other plugins",
        "aws-cni" => "the network of Amazon's nodes (aws-node) is at work",
        "kata" => "Kata makes or looks after a virtual machine",
        "gvisor" => "gVisor's runsc makes or runs a sandbox",
        "nvidia" => "NVIDIA's container toolkit prepares devices for a container",
        "nydus" | "soci" | "stargz" => "a snapshotter of its own prepares a layer",
        "buildkit" => "BuildKit builds an image",
        "crio" => "CRI-O answers kubelet",
        "podman" => "Podman does what it was asked",
        "storage" => "Podman or CRI-O keeps images and layers (containers/storage)",
        "images" => "Podman, CRI-O or Skopeo pulls, copies or pushes an image",
        "etcd" => "etcd, the cluster's database, is at work",
        "coredns" => "CoreDNS, the cluster's name server, is at work",
        "ovn" => "OVN-Kubernetes sets up a pod's or a node's network",
        "whereabouts" => "whereabouts gives out the pods' addresses",
        "crictl" => "crictl does what it was asked",
        "rootlesskit" => "RootlessKit sets up the namespaces of a daemon without root",
        "cri-dockerd" => "cri-dockerd answers kubelet with what Docker does",
        "nerdctl" => "nerdctl does what it was asked",
        "registry-server" => {
            "a registry's server (Distribution, Harbor) answers or keeps its storage"
        }
        "longhorn" => "Longhorn looks after a volume, its engine or its replicas",
        "ceph-csi" => "Ceph's driver or its operator (Rook) is at work",
        "csi" => "a driver of volumes (CSI) or a sidecar of one is at work",
        "antrea" => "Antrea's agent or controller is at work",
        "azure" => "Azure's network (its plugin, CNS or NPM) is at work",
        "kube-router" => "kube-router writes routes, rules or policies",
        "weave" => "Weave's router or plugin is at work",
        "kaniko" => "kaniko builds an image",
        "kind" => "kind makes or removes a cluster of containers",
        "npd" => "node-problem-detector looks at the node",
        "windows" => "Windows' host compute service makes or ends a container (hcsshim)",
        "docker-cli" => "docker's client does what it was asked",
        "k3s" => "RKE2 or k3s starts or looks after its parts",
        _ => "it works",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = include_str!("texts.tsv").lines().count();
        assert_eq!(TEXTS.len(), lines);
        assert!(
            TEXTS
                .iter()
                .all(|text| text.doing != "it works" || text.who == Component::Containerd)
        );
    }
}
