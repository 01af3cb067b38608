//! Products of a cluster with logs of their own: agents of the network, drivers of volumes, monitors. Whose log to read first.

use super::{Place, place};
use crate::message::Component::{Client, Cni, Kubernetes, OtherEngine, Volumes};
use crate::message::Whose::{Network, Other, Storage};

/// Where the driver of a volume is, and what the cluster knows of it.
const DRIVER: &str = "kubectl get pods -A -o wide | grep -i -e csi -e provisioner";
const CLAIMS: &str = "kubectl get pv,pvc,volumeattachments -A";

pub(super) const ALL: &[Place] = &[
    place(
        "at-antrea",
        Cni,
        Network,
        &["antrea", "ovs_client.go"],
        "Antrea, a network on Open vSwitch: its agent on this node needs Open vSwitch's own container (antrea-ovs) and the API server.",
    )
    .or(&["Open vSwitch (its database or its switch) does not run on this node yet, or any more", "the agent has no rights, no address range or no configuration of this node"])
    .first(&["kubectl -n kube-system get pods -l app=antrea -o wide", "kubectl -n kube-system logs -l component=antrea-agent --all-containers --tail=50"]),
    place(
        "at-kube-router",
        Cni,
        Network,
        &["kube-router", "network_routes_controller", "network_policy_controller.go", "gobgp"],
        "kube-router: its pod on this node writes routes, services' rules and policies.",
    )
    .first(&["kubectl -n kube-system get pods -l k8s-app=kube-router -o wide", "kubectl -n kube-system logs -l k8s-app=kube-router --tail=50"]),
    place(
        "at-weave",
        Cni,
        Network,
        &["weave", "weaver", "127.0.0.1:6784", "weave-npc"],
        "Weave: its router on this node (127.0.0.1:6784) gives out addresses and reaches the other nodes' (port 6783).",
    )
    .or(&["the router does not run on this node or has not started yet", "its peers are not reached, or are of another ring of addresses", "left-over rules or interfaces of another network stand in the way"])
    .first(&["kubectl -n kube-system get pods -l name=weave-net -o wide", "kubectl -n kube-system logs -l name=weave-net -c weave --tail=50"]),
    place(
        "at-longhorn",
        Volumes,
        Storage,
        &["longhorn", "instance pvc-", "engine image", "instance manager", "instance-manager", "driver.longhorn.io"],
        "Longhorn, whose volumes are served by pods of the cluster: its manager, its engines and replicas.",
    )
    .or(&["a replica or an engine of the volume has failed, or its node is gone", "the disk that a node gives to Longhorn is full or missing", "open-iscsi is not installed, or another program (multipathd) took the device"])
    .first(&["kubectl -n longhorn-system get pods -o wide", "kubectl -n longhorn-system get volumes.longhorn.io,engines.longhorn.io,replicas.longhorn.io", "kubectl -n longhorn-system logs -l app=longhorn-manager --tail=50"]),
    place(
        "at-ceph",
        Volumes,
        Storage,
        &["ceph-csi", "cephfs", "cephcsi", "rook", "csi-rbdplugin", "csi-cephfsplugin", "ceph&mon", "mds server", "rbd: ", "rbd error", "rados", "ceph osd", "ceph -s"],
        "Ceph, or its driver (ceph-csi, Rook): the cluster's monitors, its metadata servers (mds) for CephFS, and the driver's pod on this node.",
    )
    .or(&["no monitor, or no metadata server, is up or reached from this node", "the cluster is unhealthy or full", "the client's key or its rights", "the driver's pod does not see the node's /dev, or the kernel lacks rbd or ceph"])
    .first(&["ceph status", "kubectl get pods -A -o wide | grep -i -e rook -e ceph", CLAIMS]),
    place(
        "at-csi-driver",
        Volumes,
        Storage,
        &["grpc error", "grpc.call", "csi.v1.", "/csi.v1", "nodestagevolume", "nodepublishvolume", "controllerpublishvolume", "createvolume", "csi-provisioner", "csi-attacher", "csi-resizer", "csi-snapshotter", "node-driver-registrar", "livenessprobe&csi", "csi-node", "csi-controller", "globalmount", "csi driver&connect", "csi_handler.go", "nodeserver.go", "/csi/csi.sock", "csi.sock", "by-path", "iscsiadm", "local-path-provisioner", "nfs-subdir"],
        "A volume's driver (CSI) or one of its sidecars: a pod of the driver on this node stages and mounts, one for the cluster makes and attaches. The driver's own log says more than what \
         kubelet gets.",
    )
    .or(&["the driver's pod on this node does not run, or is not registered with kubelet", "the device did not appear on the node, or another program (multipathd) or an old mount holds it", "the storage behind it refused, or is not reached"])
    .first(&[DRIVER, CLAIMS, "kubectl get csidrivers,csinodes", "lsblk -f; findmnt | grep -e globalmount -e kubelet/pods"]),
    place(
        "at-problem-detector",
        Kubernetes,
        Other,
        &["node-problem-detector", "log_monitor.go", "health_checker.go", "custom_plugin_monitor"],
        "node-problem-detector, which reads this node's logs and checks and reports what it finds: what it reports has its own lines.",
    )
    .first(&["kubectl get pods -A -o wide | grep node-problem-detector", "kubectl describe node NODE"]),
    place(
        "at-controller-manager",
        Kubernetes,
        Other,
        &["cidr allocation failed", "range_allocator.go", "cidr_allocator.go", "controller_utils.go", "node_lifecycle_controller", "kube-controller-manager", "cluster cidr"],
        "The controller manager of the cluster: it gives nodes their ranges of addresses, watches them and makes what other objects ask for. It is no program of this node.",
    )
    .first(&["kubectl -n kube-system logs -l component=kube-controller-manager --tail=50", "kubectl get nodes -o custom-columns=NAME:.metadata.name,CIDR:.spec.podCIDR"]),
    place(
        "at-kaniko",
        crate::message::Component::Buildkit,
        Other,
        &["kaniko", "/kaniko/", "error building image", "error building stage", "error checking push permissions"],
        "kaniko, which builds an image in a pod, without a daemon: the step, the base image or the registry that the line names.",
    )
    .first(&["kubectl logs POD", "kubectl describe pod POD"]),
    place(
        "at-kind",
        Client,
        Other,
        &["failed to create cluster", "kind-control-plane", "kind create", "kindest/node", "could not find a log line that matches"],
        "kind, whose nodes are containers: the node's container did not come up as it should; its own log says why.",
    )
    .or(&["limits of inotify on the host (fs.inotify.max_user_instances, max_user_watches)", "cgroups of the host (v1 without what the image's systemd wants; rootless without delegation)", "memory or disk of the host"])
    .first(&["docker ps -a --filter label=io.x-k8s.kind.cluster", "docker logs NODE_CONTAINER", "sysctl fs.inotify"]),
    place(
        "at-lxc",
        OtherEngine,
        Other,
        &["lxc-start", "lxc_", "lxd", "lxc ", "lxcfs", "incus"],
        "LXC, LXD or Incus, which run containers of whole systems. containerd has no part in it.",
    )
    .first(&["lxc-info --name NAME", "lxc-checkconfig", "journalctl -b -u lxc -u lxd -u snap.lxd.daemon -u incus --no-pager | tail -n 50"]),
    place(
        "at-snap",
        crate::message::Component::System,
        Other,
        &["snap-confine", "snapd"],
        "A program in a snap: its files are in an image that snapd mounts under /snap. Where they are not there, the snap is being renewed, is not mounted, or is damaged.",
    )
    .first(&["snap changes", "findmnt -t squashfs | grep /snap", "journalctl -b -u snapd --no-pager | tail -n 30"]),
];
