//! The network of pods, as the CRI's start and its first requests meet it.
//!
//! `pkg/cri/server/service_linux.go`, `go-cni`, libcni.

use super::{Effect, Phase, StartRule, rule};
use crate::Release;

/// A configuration or a plugin that no pod gets past.
pub const NETWORK_POD_FAILS: StartRule = rule(
    "network-pod-fails",
    "N03",
    Phase::Later,
    Effect::FailsLater,
    "starts, but each pod fails",
    &[],
);

/// No configuration of the network is loaded.
pub const NETWORK_NOT_READY: StartRule = rule(
    "network-not-ready",
    "N01",
    Phase::Cri,
    Effect::FailsLater,
    "starts, but reports NetworkReady=false: no pod can be created or stopped",
    &[],
);

/// The folder of the configurations is none.
pub const NETWORK_NO_FOLDER: StartRule = rule(
    "network-no-folder",
    "N01",
    Phase::Plugins,
    Effect::LosesCri,
    "starts without the CRI: it cannot create the folder",
    &[],
);

/// The configuration is made of a template.
pub const NETWORK_WRITTEN_LATER: StartRule = rule(
    "network-written-later",
    "N01",
    Phase::Later,
    Effect::Rewrites,
    "starts, and writes one when the kubelet sends the node's addresses",
    &[],
);

/// A configuration is no regular file.
pub const NETWORK_HANGS: StartRule = rule(
    "network-hangs",
    "N02",
    Phase::Plugins,
    Effect::Hangs,
    "opens it and waits without end: it never listens, not even for ctr",
    &[],
);

/// The result of a pod's network is damaged.
pub const NETWORK_RESULT: StartRule = rule(
    "network-result",
    "N05",
    Phase::Later,
    Effect::FailsLater,
    "starts, but the pod cannot be stopped",
    &[],
)
.until(Release::V1_7);

/// Every rule of this step.
pub(super) const ALL: &[StartRule] = &[
    NETWORK_RESULT,
    NETWORK_HANGS,
    NETWORK_WRITTEN_LATER,
    NETWORK_NO_FOLDER,
    NETWORK_NOT_READY,
    NETWORK_POD_FAILS,
];
