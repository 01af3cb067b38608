//! Containers whose records are lost and whose bundles are there: a running node still has the
//! specification of each of them, equal to that of the record.
//!
//! The CRI's own records are made from the annotations that it writes into each specification. What
//! stands there only (the pod's labels, the number of attempts) does not come back.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use content::Digest;
use evidence::Evidence;
use finding::{Text, Time};
use metadb::cri::{CONTAINER_EXTENSION, KIND_LABEL, SANDBOX_EXTENSION};
use metadb::{put_any, put_time};
use node::Node;
use runc::Bundle;
use serde_json::{Map, Value, json};

use crate::complete::Added;
use crate::docker;
use crate::rows::{backend_rows, parent_of, split_key};
use crate::{Item, Tree};

/// The type of a specification, kept as JSON.
pub(crate) const SPEC: &str = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
/// The types of the CRI's records.
const CRI_TYPES: &str = "github.com/containerd/cri/pkg/store";
/// The most bytes of a specification.
const SPEC_LIMIT: u64 = 8 << 20;

/// The specifications of bundles, as they stand in their files, by the bundle's path.
pub fn specs(evidence: &Evidence, node: &Node) -> BTreeMap<Text, Vec<u8>> {
    let bundles = node
        .runtime
        .read()
        .map_or(&[][..], |runtime| &runtime.bundles);
    let whole = bundles
        .iter()
        .filter(|bundle| !bundle.hidden && bundle.spec.whole().is_some());
    let read = |bundle: &Bundle| {
        let path = Path::new(OsStr::from_bytes(bundle.path.bytes())).join("config.json");
        let source = evidence.source(&path, SPEC_LIMIT).ok()?;
        Some((bundle.path.clone(), source.bytes().to_vec()))
    };
    whole.filter_map(read).collect()
}

/// Gives every bundle that has no record a record.
pub(crate) fn restore(
    tree: &mut Tree,
    node: &Node,
    specs: &BTreeMap<Text, Vec<u8>>,
    now: Time,
    added: &mut Added,
) {
    let bundles = node
        .runtime
        .read()
        .map_or(&[][..], |runtime| &runtime.bundles);
    for bundle in bundles {
        let (namespace, id) = (bundle.namespace.bytes(), bundle.id.bytes());
        let at: [&[u8]; 4] = [b"v1", namespace, b"containers", id];
        let (Some(spec), None) = (specs.get(&bundle.path), tree.at(&at)) else {
            continue;
        };
        let pod = Pod::from_bundle(bundle);
        let image = image_of(tree, node, namespace, id);
        let snapshotter = snapshotter_of(node, namespace, id);
        let record = tree.make(&at);
        record.put("createdat", put_time(now));
        record.put("updatedat", put_time(now));
        record.put("spec", put_any(SPEC, spec));
        if let Some((name, _)) = &image {
            record.put("image", name.as_bytes());
        }
        if let Some(snapshotter) = snapshotter {
            record.put("snapshotter", snapshotter.bytes());
            record.put("snapshotKey", id);
        }
        let runtime = record.make(&["runtime"]);
        runtime.put("name", runtime_name(bundle));
        runtime.put("options", put_any("containerd.runc.v1.Options", b""));
        if let Some(pod) = pod.filter(|_| namespace == b"k8s.io") {
            pod.write(record, bundle, image.as_ref());
            if !pod.is_sandbox {
                let name = format!("{}/{}", bundle.namespace, bundle.id);
                added.restarted.push(name);
            }
        }
        if docker::is_containers(namespace, id) {
            docker::put_bundle_label(record, &node.roots.state, &bundle.id);
        }
        added
            .containers
            .push(format!("{}/{}", bundle.namespace, bundle.id));
    }
}

/// `io.containerd.runc.v2` of `…/containerd-shim-runc-v2`.
fn runtime_name(bundle: &Bundle) -> String {
    let program = bundle.shim_binary.as_ref().and_then(|path| path.utf8());
    let program = program.and_then(|path| path.rsplit('/').next());
    let shim = program.and_then(|name| name.strip_prefix("containerd-shim-"));
    let parts = shim.and_then(|shim| shim.rsplit_once('-'));
    match parts {
        Some((name, version)) if !name.is_empty() => format!("io.containerd.{name}.{version}"),
        _ => "io.containerd.runc.v2".to_owned(),
    }
}

/// The snapshotter that holds a snapshot under the container's id.
fn snapshotter_of<'n>(node: &'n Node, namespace: &[u8], id: &[u8]) -> Option<&'n Text> {
    let has = |snapshotter: &&node::Snapshotter| {
        let mut rows = backend_rows(snapshotter).iter();
        rows.any(|row| {
            split_key(row.key.bytes())
                .is_some_and(|(space, _, key)| (space, key) == (namespace, id))
        })
    };
    node.snapshotters
        .iter()
        .find(has)
        .map(|snapshotter| &snapshotter.name)
}

/// The name of the image that a container stands on, and the digest of its configuration.
fn image_of(
    tree: &Tree,
    node: &Node,
    namespace: &[u8],
    id: &[u8],
) -> Option<(String, Option<String>)> {
    let chain = parent_of(node, namespace, id)?;
    // The configuration that ends in this chain refers to the snapshot; the image's names point to
    // what refers to the configuration.
    let blobs = tree.at(&[&b"v1"[..], namespace, b"content", b"blob"])?;
    let label = |blob: &Tree, wanted: &dyn Fn(&str, &str) -> bool| {
        let labels = blob
            .at(&["labels"])
            .into_iter()
            .flat_map(|labels| &labels.entries);
        let mut texts = labels.filter_map(|(name, value)| match value {
            Item::Value(value) => Some((
                core::str::from_utf8(name).ok()?,
                core::str::from_utf8(value).ok()?,
            )),
            Item::Bucket(_) => None,
        });
        texts.any(|(name, value)| wanted(name, value))
    };
    let ends_here = |name: &str, value: &str| {
        name.starts_with("containerd.io/gc.ref.snapshot.") && value == chain
    };
    let config = blobs.buckets().find(|(_, blob)| label(blob, &ends_here));
    let config = core::str::from_utf8(config?.0).ok()?.to_owned();
    let holds = |inner: &str| {
        let inner = inner.to_owned();
        let refers = move |name: &str, value: &str| {
            name.starts_with("containerd.io/gc.ref.content.") && value == inner
        };
        let found = blobs.buckets().filter(|(_, blob)| label(blob, &refers));
        found
            .filter_map(|(key, _)| Some(core::str::from_utf8(key).ok()?.to_owned()))
            .collect::<Vec<_>>()
    };
    let mut targets = holds(&config);
    targets.extend(targets.clone().iter().flat_map(|manifest| holds(manifest)));
    let images = tree.at(&[&b"v1"[..], namespace, b"images"])?;
    let is_target = |image: &Tree| {
        let digest = image
            .at(&["target"])
            .and_then(|target| target.value("digest"));
        digest.is_some_and(|digest| targets.iter().any(|target| target.as_bytes() == digest))
    };
    let names: Vec<&[u8]> = images
        .buckets()
        .filter(|(_, image)| is_target(image))
        .map(|(name, _)| name)
        .collect();
    // A tag rather than a digest.
    let is_tag = |name: &&&[u8]| !name.contains(&b'@') && !name.starts_with(b"sha256:");
    let name = names.iter().find(is_tag).or_else(|| names.first())?;
    Some((
        core::str::from_utf8(name).ok()?.to_owned(),
        Digest::parse(&config).ok().map(|digest| digest.to_string()),
    ))
}

/// The CRI's `namespace_options` of a pod with these namespaces: the kubelet replaces a pod whose network is another than
/// it wants.
fn shared(own: &[(Text, Text)]) -> Map<String, Value> {
    /// `NamespaceMode` of the CRI.
    const NODE: u8 = 2;
    /// Unlike the pod's, which is the usual one of the others.
    const CONTAINER: u8 = 1;
    let has = |kind: &str| own.iter().any(|(name, _)| *name == *kind);
    let mut found = Map::new();
    for kind in ["network", "ipc"] {
        if !has(kind) {
            found.insert(kind.to_owned(), Value::from(NODE));
        }
    }
    let pid = if has("pid") { CONTAINER } else { NODE };
    found.insert("pid".to_owned(), Value::from(pid));
    found
}

/// What the CRI wrote into a specification of its pod.
struct Pod {
    is_sandbox: bool,
    sandbox: String,
    name: String,
    namespace: String,
    uid: String,
    container: String,
    image: String,
    logs: String,
    netns: String,
    /// Namespaces of the node's that it has no own of, as the CRI names them.
    shared: Map<String, Value>,
}

impl Pod {
    fn from_bundle(bundle: &Bundle) -> Option<Self> {
        let spec = bundle.spec.whole()?;
        let get = |wanted: &str| {
            let mut all = spec.annotations.iter();
            let found = all.find(|(key, _)| *key == wanted)?.1.utf8()?;
            Some(found.to_owned())
        };
        let kind = get("io.kubernetes.cri.container-type")?;
        let netns = spec.namespaces.iter().find(|(kind, _)| *kind == "network");
        Some(Self {
            is_sandbox: kind == "sandbox",
            sandbox: get("io.kubernetes.cri.sandbox-id")?,
            name: get("io.kubernetes.cri.sandbox-name")?,
            namespace: get("io.kubernetes.cri.sandbox-namespace")?,
            uid: get("io.kubernetes.cri.sandbox-uid").unwrap_or_default(),
            container: get("io.kubernetes.cri.container-name").unwrap_or_default(),
            image: get("io.kubernetes.cri.image-name").unwrap_or_default(),
            logs: get("io.kubernetes.cri.sandbox-log-directory").unwrap_or_default(),
            netns: netns
                .and_then(|(_, path)| path.utf8())
                .unwrap_or_default()
                .to_owned(),
            shared: shared(&spec.namespaces),
        })
    }

    fn write(&self, record: &mut Tree, bundle: &Bundle, image: Option<&(String, Option<String>)>) {
        let id = bundle.id.to_string();
        let mut labels = Map::new();
        let mut label = |key: &str, value: &str| labels.insert(key.to_owned(), Value::from(value));
        label("io.kubernetes.pod.name", &self.name);
        label("io.kubernetes.pod.namespace", &self.namespace);
        label("io.kubernetes.pod.uid", &self.uid);
        if !self.is_sandbox {
            label("io.kubernetes.container.name", &self.container);
        }
        let owner = format!("{}_{}_{}_0", self.name, self.namespace, self.uid);
        let (kind, extension, url, metadata) = if self.is_sandbox {
            let metadata = json!({
                "ID": id,
                "Name": owner,
                "Config": {
                    "metadata": {"name": self.name, "uid": self.uid, "namespace": self.namespace},
                    "labels": labels,
                    "log_directory": self.logs,
                    "linux": {"security_context": {"namespace_options": self.shared}},
                },
                "NetNSPath": self.netns,
            });
            ("sandbox", SANDBOX_EXTENSION, "sandbox", metadata)
        } else {
            let config = image
                .and_then(|(_, config)| config.clone())
                .unwrap_or_default();
            let metadata = json!({
                "ID": id,
                "Name": format!("{}_{owner}", self.container),
                "SandboxID": self.sandbox,
                "Config": {
                    "metadata": {"name": self.container},
                    "image": {"image": self.image},
                    "labels": labels,
                    "log_path": format!("{}/0.log", self.container),
                },
                "ImageRef": config,
                "LogPath": format!("{}/{}/0.log", self.logs, self.container),
            });
            ("container", CONTAINER_EXTENSION, "container", metadata)
        };
        let whole = json!({"Version": "v1", "Metadata": metadata}).to_string();
        let any = put_any(&format!("{CRI_TYPES}/{url}/Metadata"), whole.as_bytes());
        record.make(&["extensions"]).put(extension, any);
        let own = record.make(&["labels"]);
        own.put(KIND_LABEL, kind);
        for (key, value) in &labels {
            own.put(key, value.as_str().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_shares_what_it_has_no_namespace_of() {
        let own = |kinds: &[&str]| -> Vec<(Text, Text)> {
            let all = kinds.iter();
            all.map(|kind| (Text::from(*kind), Text::from("")))
                .collect()
        };
        let shared = |kinds: &[&str]| Value::Object(shared(&own(kinds)));
        assert_eq!(
            shared(&["network", "pid", "ipc", "uts", "mount"]),
            json!({"pid": 1})
        );
        assert_eq!(
            shared(&["pid", "ipc", "mount"]),
            json!({"network": 2, "pid": 1})
        );
        assert_eq!(shared(&["network", "mount"]), json!({"ipc": 2, "pid": 2}));
    }
}
