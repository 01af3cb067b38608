//! Volumes: kubelet's, the CSI drivers' and the servers' behind them.

use super::{Place, place};
use crate::message::Component::{Kubelet, Kubernetes};
use crate::message::Whose::{Pod, Storage};

const MOUNTS: &str = "findmnt | grep kubelet/pods";

pub(super) const ALL: &[Place] = &[
    place(
        "at-pods-own-mounts",
        Kubernetes,
        Pod,
        &["/host/var/run/netns", "/host/proc/", "/host/run/netns"],
        "A pod of the cluster (an agent of the network, a driver, a monitor) looks at the node through a mount of its own, and does not find there what it looks for. \
         The node may well have it: the pod's mounts decide.",
    )
    .or(&[
        "the folder is not mounted into the pod, or another one than its settings name",
        "the mount does not show what the node mounted later (mountPropagation: HostToContainer is missing)",
        "the node keeps it elsewhere (/run/netns and /var/run/netns, another root of kubelet or containerd)",
        "it was gone by then: what it belonged to had ended",
    ])
    .first(&["kubectl get pods -A -o wide", "kubectl -n NAMESPACE get daemonset NAME -o yaml | grep -A3 -e mountPropagation -e hostPath"]),
    place(
        "at-config-volume",
        Kubelet,
        Pod,
        &["configmap&mount", "secret&mount", "configmap \"", "secret \"&not found", "configmap.go", "secret.go", "projected.go", "couldn't find key", "createcontainerconfigerror", "object \"&not registered", "downwardapi"],
        "The pod names a ConfigMap, a Secret or a token that is not there, lacks that key, or that kubelet has not (yet) got \
         from the API server.",
    )
    .first(&["kubectl describe pod POD", "kubectl get configmap,secret -n NAMESPACE"]),
    place(
        "at-attach",
        Kubernetes,
        Storage,
        &["failedattachvolume", "attachdetach", "attachvolume", "multi-attach", "volumeattachment", "volumesattached", "waitforattach", "rpc error&controllerpublish"],
        "A volume was being attached to the node: by its driver's controller, at the provider of the disk. It may still be \
         attached to another node.",
    )
    .first(&["kubectl describe pod POD", "kubectl get volumeattachment", "lsblk"]),
    place(
        "at-subpath",
        Kubelet,
        Storage,
        &["subpath"],
        "A part of a volume (subPath) was being prepared or mounted for a container. What it names is missing or of another \
         kind, or the volume changed under it.",
    )
    .first(&["kubectl describe pod POD", MOUNTS]),
    place(
        "at-nfs",
        Kubelet,
        Storage,
        &["mount.nfs", "nfs server&respond", "rpc.statd", "nfs:", "mount -t nfs", "mount.cifs", "mount -t cifs", "mount.glusterfs", "mount -t ceph", "ceph-csi", "rbd map", "rbd: ", "iscsiadm", "iscsi", "s3fs", "juicefs", "transport endpoint", "stale file handle"],
        "A volume on the network (NFS, CIFS, Ceph, iSCSI, FUSE) was being mounted or used. The server, the way to it, or the \
         client's programs on the node decide. What waits for a dead one cannot be killed.",
    )
    .first(&["findmnt -t nfs,nfs4,cifs,ceph,fuse", "journalctl -k -b | tail -n 50", "ps -e -o pid,stat,wchan:32,args | awk '$2 ~ /D/'"]),
    place(
        "at-csi",
        Kubelet,
        Storage,
        &["csi_", "csi driver", "csi.", "csinode", "/csi/", "csi-", "kubernetes.io/csi", "nodestagevolume", "nodepublishvolume", "nodeunpublish", "nodeunstage", "mountdevice", "unmountdevice", "fsck", "mkfs"],
        "A volume's CSI driver was asked to stage, mount or unmount it on this node.",
    )
    .or(&["the driver's pod does not run on this node, or is not registered", "the file system of the volume is damaged or of another kind", "it is mounted or staged elsewhere still"])
    .first(&["kubectl get csidrivers,csinodes", "ls -l /var/lib/kubelet/plugins_registry", MOUNTS, "lsblk -f"]),
    place(
        "at-volume",
        Kubelet,
        Storage,
        &["failedmount", "mountvolume", "unmountvolume", "unmount volumes", "mount volumes", "attach or mount", "nestedpendingoperations", "operation_generator.go", "operation_executor.go", "reconciler", "desired_state_of_world", "actual_state_of_world", "volume_manager", "volumemanager", "persistentvolume", "persistent volume", "hostpath", "emptydir", "volume \"", "mount_linux.go", "failed to mount volume", "volumes/kubernetes.io", "volume-subpaths"],
        "kubelet was mounting, unmounting or waiting for a volume of a pod. The pod's containers wait until it is there; the \
         runtime has no part in it.",
    )
    .or(&["its claim is not bound, or it is attached elsewhere", "its driver's or the kernel's mount failed: the rest of the line says how", "a hostPath is missing or of another kind"])
    .first(&["kubectl describe pod POD", MOUNTS, "journalctl -b -u kubelet --no-pager | grep -i volume | tail -n 30"]),
];
