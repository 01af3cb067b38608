//! The CRI plugin's records: JSON in extensions of containers and sandboxes.
//!
//! `{"Version":"v1","Metadata":{…}}`; the same fields from 1.6 to 2.3.

use finding::Text;
use serde_json::Value;

use crate::{Any, Container, Sandbox};

/// The extension of a pod sandbox's container.
pub const SANDBOX_EXTENSION: &str = "io.cri-containerd.sandbox.metadata";
/// The extension of a pod's container.
pub const CONTAINER_EXTENSION: &str = "io.cri-containerd.container.metadata";
/// The extension of a sandbox of the sandbox store.
pub const STORE_EXTENSION: &str = "metadata";
/// The label that says what a container is to the CRI: `sandbox` or `container`.
pub const KIND_LABEL: &str = "io.cri-containerd.kind";

/// What the CRI keeps of a pod.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Pod {
    /// Its id.
    pub id: Text,
    /// `<pod>_<namespace>_<uid>_<attempt>`.
    pub name: Text,
    /// The pod's name in Kubernetes.
    pub pod: Text,
    /// The pod's namespace in Kubernetes.
    pub namespace: Text,
    /// The pod's uid in Kubernetes.
    pub uid: Text,
    /// Path of its network namespace; empty on the host's network.
    pub netns: Text,
    /// Its address.
    pub ip: Text,
    /// Whether what the CNI plugins answered is there.
    #[serde(skip)]
    pub has_cni_result: bool,
    /// Whether it is on the host's network (`namespace_options.network` is `NODE`).
    #[serde(skip)]
    pub on_host_network: bool,
    /// Whether it shares the host's IPC (`namespace_options.ipc` is `NODE`).
    #[serde(skip)]
    pub on_host_ipc: bool,
    /// Whether it has a user namespace of its own.
    #[serde(skip)]
    pub has_user_namespace: bool,
    /// Where the kubelet keeps the logs of its containers; may be empty.
    #[serde(skip)]
    pub log_directory: Text,
    /// The runtime that it was made for, by its name in the configuration; empty: the default one.
    #[serde(skip)]
    pub runtime_handler: Text,
}

/// `NODE` of the CRI's `NamespaceMode`.
const NODE: i64 = 2;

/// What the CRI keeps of a container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PodContainer {
    /// Its id.
    pub id: Text,
    /// `<container>_<pod>_<namespace>_<uid>_<attempt>`.
    pub name: Text,
    /// The pod that it belongs to.
    pub sandbox_id: Text,
    /// Where its log is.
    pub log_path: Text,
}

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadRecord {
    /// There is none.
    Missing,
    /// It is not JSON of the right shape.
    Json,
    /// Its version is not `v1`.
    Version(Text),
}

impl core::fmt::Display for BadRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Missing => write!(f, "there is no metadata extension"),
            Self::Json => write!(f, "the metadata extension is not JSON of the right shape"),
            Self::Version(version) => write!(f, "unsupported version: \"{version}\""),
        }
    }
}

fn metadata(any: Option<&Any>) -> Result<Value, BadRecord> {
    let mut json = any
        .ok_or(BadRecord::Missing)?
        .json()
        .ok_or(BadRecord::Json)?;
    let version = json
        .get("Version")
        .and_then(Value::as_str)
        .ok_or(BadRecord::Json)?;
    if version != "v1" {
        return Err(BadRecord::Version(Text::from(version)));
    }
    json.get_mut("Metadata")
        .map(Value::take)
        .filter(Value::is_object)
        .ok_or(BadRecord::Json)
}

fn text_at(json: &Value, pointer: &str) -> Text {
    json.pointer(pointer)
        .and_then(Value::as_str)
        .map(Text::from)
        .unwrap_or_default()
}

/// A mode of the pod's `namespace_options`; 0 is left out.
fn mode(json: &Value, key: &str) -> Option<i64> {
    let options = json.pointer("/Config/linux/security_context/namespace_options")?;
    options.get(key)?.as_i64()
}

fn pod(any: Option<&Any>) -> Result<Pod, BadRecord> {
    let json = metadata(any)?;
    Ok(Pod {
        id: text_at(&json, "/ID"),
        name: text_at(&json, "/Name"),
        pod: text_at(&json, "/Config/metadata/name"),
        namespace: text_at(&json, "/Config/metadata/namespace"),
        uid: text_at(&json, "/Config/metadata/uid"),
        netns: text_at(&json, "/NetNSPath"),
        ip: text_at(&json, "/IP"),
        has_cni_result: json
            .get("CNIResult")
            .is_some_and(|result| !result.is_null()),
        on_host_network: mode(&json, "network") == Some(NODE),
        on_host_ipc: mode(&json, "ipc") == Some(NODE),
        has_user_namespace: json
            .pointer("/Config/linux/security_context/namespace_options/userns_options")
            .is_some_and(|options| {
                options.is_object() && options.get("mode").and_then(Value::as_i64) != Some(NODE)
            }),
        log_directory: text_at(&json, "/Config/log_directory"),
        runtime_handler: text_at(&json, "/RuntimeHandler"),
    })
}

impl Container {
    /// What it is to the CRI: `sandbox`, `container`, or nothing.
    pub fn cri_kind(&self) -> Option<&str> {
        self.labels.get(KIND_LABEL)?.utf8()
    }

    /// The pod that it is the sandbox of.
    pub fn pod(&self) -> Result<Pod, BadRecord> {
        pod(self.extensions.get(SANDBOX_EXTENSION.as_bytes()))
    }

    /// The CRI's record of it as a container of a pod.
    pub fn pod_container(&self) -> Result<PodContainer, BadRecord> {
        let json = metadata(self.extensions.get(CONTAINER_EXTENSION.as_bytes()))?;
        Ok(PodContainer {
            id: text_at(&json, "/ID"),
            name: text_at(&json, "/Name"),
            sandbox_id: text_at(&json, "/SandboxID"),
            log_path: text_at(&json, "/LogPath"),
        })
    }
}

impl Sandbox {
    /// The pod that it stands for.
    pub fn pod(&self) -> Result<Pod, BadRecord> {
        pod(self.extensions.get(STORE_EXTENSION.as_bytes()))
    }
}
