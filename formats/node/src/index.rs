//! Who uses what: from blobs and snapshots back to images, containers and pods.

use std::collections::BTreeMap;

use content::{Digest, chain_ids};
use finding::{Object, Text};

use crate::Node;

/// A snapshot of meta.db: namespace, snapshotter, key.
pub(crate) type SnapshotId = (Text, Text, Text);

/// Who uses what.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// Images that need a blob.
    blobs: BTreeMap<Digest, Vec<Object>>,
    /// Images, containers and pods that need a snapshot, directly.
    snapshots: BTreeMap<SnapshotId, Vec<Object>>,
    /// Snapshots that have a snapshot as their parent.
    children: BTreeMap<SnapshotId, Vec<Text>>,
    /// Pods by the id of their sandbox.
    pods: BTreeMap<Text, Object>,
}

fn add<K: Ord>(map: &mut BTreeMap<K, Vec<Object>>, key: K, object: Object) {
    let objects = map.entry(key).or_default();
    if !objects.contains(&object) {
        objects.push(object);
    }
}

/// No chain is deeper; a cycle ends here.
const DEEPEST: usize = 10_000;

/// The sandbox that a container of the CRI is, or belongs to.
fn sandbox_of(container: &metadb::Row<metadb::Container>) -> Option<Text> {
    match container.cri_kind()? {
        "sandbox" => Some(container.key.clone()),
        _ => Some(container.pod_container().ok()?.sandbox_id),
    }
}

impl Index {
    /// Follows every reference of `node` once.
    pub fn new(node: &Node) -> Self {
        let mut index = Self::default();
        let Some(meta) = &node.meta.rows else {
            return index;
        };
        // Snapshots of containers, and the sandboxes that these belong to: a pod's own record may
        // come after those of its containers.
        let mut members: Vec<(SnapshotId, Text)> = Vec::new();
        for namespace in meta.namespaces() {
            let name = &namespace.name;
            for image in namespace.images.read().into_iter().flatten() {
                let object = Object::new("image", name.clone(), image.key.clone());
                let target = image.target.as_ref();
                let digest =
                    target.and_then(|target| Digest::parse_bytes(target.digest.bytes()).ok());
                for need in digest
                    .map(|digest| node.documents.needs(&digest))
                    .unwrap_or_default()
                {
                    let document = node.documents.get(&need.digest);
                    let config = document.and_then(|wanted| wanted.document()?.config());
                    if let Some(chain) = config.map(|config| chain_ids(&config.diff_ids)) {
                        index.add_chain(node, name, chain.last(), &object);
                    }
                    add(&mut index.blobs, need.digest, object.clone());
                }
            }
            for container in namespace.containers.read().into_iter().flatten() {
                let object = Object::new("container", name.clone(), container.key.clone());
                let (snapshotter, key) = (&container.snapshotter, &container.snapshot_key);
                let id = (name.clone(), snapshotter.clone(), key.clone());
                if let Some(sandbox) = sandbox_of(container) {
                    members.push((id.clone(), sandbox));
                }
                add(&mut index.snapshots, id, object);
                if container.cri_kind() == Some("sandbox")
                    && let Ok(pod) = container.pod()
                {
                    let named = format!("{}/{}", pod.namespace, pod.pod);
                    let pod = Object::global("pod", named);
                    index.pods.insert(container.key.clone(), pod);
                }
            }
            for snapshots in namespace.snapshots.read().into_iter().flatten() {
                for row in snapshots.rows.read().into_iter().flatten() {
                    if let Some(parent) = &row.parent {
                        let id = (name.clone(), snapshots.snapshotter.clone(), parent.clone());
                        index.children.entry(id).or_default().push(row.key.clone());
                    }
                }
            }
        }
        for (id, sandbox) in members {
            if let Some(pod) = index.pods.get(&sandbox) {
                add(&mut index.snapshots, id, pod.clone());
            }
        }
        index
    }

    /// The image needs the snapshot of its whole chain, in whatever snapshotter has it.
    fn add_chain(&mut self, node: &Node, namespace: &Text, top: Option<&Digest>, image: &Object) {
        let Some(top) = top else { return };
        for snapshotter in &node.snapshotters {
            let id = (
                namespace.clone(),
                snapshotter.name.clone(),
                Text::from(top.as_str()),
            );
            add(&mut self.snapshots, id, image.clone());
        }
    }

    /// Images that need this blob.
    pub fn users_of_blob(&self, digest: &Digest) -> &[Object] {
        self.blobs.get(digest).map_or(&[], Vec::as_slice)
    }

    /// Images and containers that need this snapshot, directly or through its children.
    pub fn users_of_snapshot(
        &self,
        namespace: &Text,
        snapshotter: &Text,
        key: &Text,
    ) -> Vec<Object> {
        let mut users = self.everyone_of_snapshot(namespace, snapshotter, key);
        users.retain(|user| user.kind != "pod");
        users
    }

    /// Images, containers and pods that need this snapshot, directly or through its children.
    pub fn everyone_of_snapshot(
        &self,
        namespace: &Text,
        snapshotter: &Text,
        key: &Text,
    ) -> Vec<Object> {
        let id = |key: &Text| (namespace.clone(), snapshotter.clone(), key.clone());
        let mut keys = vec![key];
        let mut seen = std::collections::BTreeSet::from([key]);
        let mut users = Vec::new();
        let mut known = std::collections::BTreeSet::new();
        let mut at = 0_usize;
        while let Some(key) = keys.get(at).copied() {
            at = at.saturating_add(1);
            if at > DEEPEST {
                break;
            }
            for user in self.snapshots.get(&id(key)).into_iter().flatten() {
                if known.insert(user) {
                    users.push(user.clone());
                }
            }
            let children = self.children.get(&id(key)).into_iter().flatten();
            keys.extend(children.filter(|child| seen.insert(child)));
        }
        users
    }

    /// The pod whose sandbox has this id.
    pub fn pod(&self, sandbox: &Text) -> Option<&Object> {
        self.pods.get(sandbox)
    }
}
