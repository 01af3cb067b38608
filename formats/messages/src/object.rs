//! Whose a line is by the objects in it: a path belongs to one program, whatever the words beside it.

use crate::explain::Head;
use crate::message::{Component, Message};
use crate::scope::{Line, has};
use crate::speaker::Speaker;

/// Paths of the node as a pod has them that looks at it through a mount of its own.
const OF_A_PODS_MOUNT: &[&str] = &[
    "/host/var/",
    "/host/run/",
    "/host/proc/",
    "/host/sys/",
    "/host/etc/",
    "/host/opt/",
    "/host/dev/",
    "/host/usr/",
    "/host/lib/",
    "/host/mnt/",
    "/hostfs/",
];

/// How it says that something is not there.
const NOT_THERE: &[&str] = &[
    "no such file",
    "not a directory",
    "statfs",
    "not found",
    "does not exist",
];

/// Folders of volumes' drivers.
const OF_A_DRIVER: &[&str] = &[
    "kubernetes.io/csi",
    "globalmount",
    "/var/lib/kubelet/plugins/",
    "/plugins/&csi.sock",
    "/csi.v1.",
];

/// Folders of images and containers of Podman and CRI-O.
const OF_STORAGE: &[&str] = &[
    "/run/containers/storage",
    "/overlay-containers/",
    "/containers/storage/",
];

/// Words of a line that passes on what a runtime said.
const RUNTIMES: &[&str] = &[
    "oci runtime",
    "runc",
    "crun",
    "containerd",
    "shim",
    "rootfs_linux",
    "to rootfs",
];

/// The part of the node or the cluster that a line's paths belong to.
fn owner(line: &Line) -> Option<&'static str> {
    let any = |marks: &[&str]| marks.iter().any(|mark| has(&line.whole, mark));
    if any(OF_A_PODS_MOUNT) && any(NOT_THERE) {
        return Some("at-pods-own-mounts");
    }
    if any(OF_STORAGE) {
        let is_kubes = any(&["kubelet", "crio", "cri-o", "sandbox", "rpc error"]);
        return Some(if is_kubes { "at-crio" } else { "at-podman" });
    }
    (any(OF_A_DRIVER) && !any(RUNTIMES)).then_some("at-csi")
}

/// `head`, or the place of whom the line's paths belong to, where `head` is of another program that the line does not show.
pub(crate) fn by_owner(head: Head, speaker: Speaker, line: &Line) -> Head {
    let Some(key) = owner(line) else {
        return head;
    };
    let is_a_runtimes = matches!(
        head.who(),
        Component::Runc
            | Component::Crun
            | Component::Shim
            | Component::Containerd
            | Component::Cri
            | Component::Dockerd
    );
    let is_a_pods = key == "at-pods-own-mounts";
    let is_shown = !is_a_pods && speaker.program.is_some_and(|program| program == head.who());
    // The runtime of another engine is a runtime; kubelet has no part in the engine's folders.
    let is_anothers = match key {
        "at-podman" | "at-crio" => matches!(
            head.who(),
            Component::Kubelet | Component::Cri | Component::Containerd | Component::Dockerd
        ),
        _ => is_a_runtimes || is_a_pods,
    };
    if is_shown || !is_anothers {
        return head;
    }
    let word: Option<&'static Message> = match head {
        Head::Act(_, word) | Head::Place(_, word) | Head::Text(_, word) => word,
        Head::Generic(word) => Some(word),
        Head::Cause(_) | Head::Consequence(_) => None,
    };
    crate::message(key).map_or(head, |place| Head::Place(place, word))
}
