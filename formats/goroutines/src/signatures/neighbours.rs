//! Of what containerd works with: networks, plugins, registries, Docker.

use finding::{Code, Severity};

use crate::signature::{Bond, Part, Signature, Wants};

/// A network plugin does not end.
pub(crate) static CNI: Signature = Signature {
    code: Code {
        name: "core/cni-plugin-hangs",
        rule: "",
        severity: Severity::Damage,
        title: "a network plugin that was called does not end",
        explanation: "While a pod gets or gives back its network, the lock of the CNI's settings is held for reading. A \
change of the settings then waits to write, and every later question whether the network is ready \
waits behind it: the node is NotReady.",
        remedy: "Find the plugin: it is a child of containerd (`coroner runtime stuck` names it), and what it waits for. \
End that, or the plugin: the pod's network is then made again.",
    },
    upstream: &[
        "containerd#4666",
        "containerd/cri#1078",
        "go-cni#37",
        "containernetworking/cni#567",
    ],
    fixed: "no fault of containerd's",
    parts: &[
        Part {
            does: "waits for a network plugin",
            calls: &[
                &[
                    "os/exec.(*Cmd).Wait",
                    "exec.(*Cmd).Wait",
                    "exec.(*Cmd).Run",
                    "os.(*Process).wait",
                    "os.(*Process).Wait",
                ],
                &["go-cni.(*libcni).*", "go-cni.(*Network).*"],
            ],
            wants: Wants::Blocked,
            least: 1,
            minutes: 2,
        },
        Part {
            does: "waits for the lock of the CNI's settings",
            calls: &[&["go-cni.(*libcni).*"]],
            wants: Wants::Lock,
            least: 0,
            minutes: 0,
        },
    ],
    bond: Bond::None,
    unless: &[],
};

/// NRI's two locks.
pub(crate) static NRI: Signature = Signature {
    code: Code {
        name: "core/nri-locks",
        rule: "",
        severity: Severity::Damage,
        title: "NRI's adaptation and containerd wait for each other's lock",
        explanation: "A plugin that changes containers takes the lock of NRI's adaptation and then that of containerd's \
side; a container that is made or ends takes them the other way round.",
        remedy: "A restart of containerd ends it. Until there is a release with the fix, do without plugins that update \
containers on their own.",
    },
    upstream: &["containerd#10085", "nri#78", "containerd#13733", "nri#299"],
    fixed: "no release is known",
    parts: &[
        Part {
            does: "has come from containerd's side, and waits for the adaptation's lock",
            calls: &[&["adaptation.(*Adaptation).*"], &["nri.(*local).*"]],
            wants: Wants::Lock,
            least: 1,
            minutes: 1,
        },
        Part {
            does: "has come from the adaptation, and waits for the lock of containerd's side",
            calls: &[&["nri.(*local).*"], &["adaptation.*"]],
            wants: Wants::Lock,
            least: 1,
            minutes: 1,
        },
    ],
    bond: Bond::Ring,
    unless: &[],
};

/// Pieces of one blob.
pub(crate) static FETCH: Signature = Signature {
    code: Code {
        name: "core/fetch-semaphore",
        rule: "",
        severity: Severity::Damage,
        title: "a pull waits for its own limit of downloads",
        explanation: "A blob that is fetched in pieces takes one more place of the limit for each, while others have taken \
theirs and wait, too: no download continues.",
        remedy: "A restart of containerd ends it; then a release that has the fix, or a higher limit of downloads.",
    },
    upstream: &["containerd commit 34a1cb1dd"],
    fixed: "containerd 2.1.4",
    parts: &[Part {
        does: "waits for a place among the downloads",
        calls: &[
            &["semaphore.(*Weighted).Acquire"],
            &["docker.dockerFetcher.*", "docker.(*dockerFetcher).*"],
        ],
        wants: Wants::Channel,
        least: 1,
        minutes: 2,
    }],
    bond: Bond::None,
    unless: &[],
};

/// A push that is closed early.
pub(crate) static PUSH: Signature = Signature {
    code: Code {
        name: "core/push-close",
        rule: "",
        severity: Severity::Damage,
        title: "a push waits while it closes",
        explanation: "The pipe of an upload is closed while the other side still wants to write or to read: both wait.",
        remedy: "End the client that pushes; then a release that has the fix.",
    },
    upstream: &["containerd commit a9152ebf8"],
    fixed: "containerd 2.0.0",
    parts: &[Part {
        does: "closes or writes an upload, and waits",
        calls: &[&["docker.(*pushWriter).Close", "docker.(*pushWriter).Write"]],
        wants: Wants::Channel,
        least: 1,
        minutes: 2,
    }],
    bond: Bond::None,
    unless: &[],
};

/// Docker's daemon waits for containerd.
pub(crate) static DOCKER: Signature = Signature {
    code: Code {
        name: "core/docker-waits-for-containerd",
        rule: "",
        severity: Severity::Damage,
        title: "Docker's daemon waits for an answer of containerd",
        explanation: "dockerd holds a container's lock while it asks containerd about its task. As long as there is no \
answer, everything that touches that container waits, `docker ps` among it.",
        remedy: "Look at containerd, and through it at the shim: `coroner core deadlocks --pid` of containerd.",
    },
    upstream: &["moby#37910", "moby#27761"],
    fixed: "depends on what containerd waits for",
    parts: &[
        Part {
            does: "waits for containerd's answer",
            calls: &[
                &["grpc.(*ClientConn).Invoke", "grpc.Invoke", "grpc.invoke"],
                &["libcontainerd/remote.*"],
            ],
            wants: Wants::Channel,
            least: 1,
            minutes: 2,
        },
        Part {
            does: "waits for a container's lock",
            calls: &[&["docker/daemon.(*Daemon)*"]],
            wants: Wants::Lock,
            least: 0,
            minutes: 0,
        },
    ],
    bond: Bond::None,
    unless: &[],
};
