//! What is used though the collector does not follow it: what documents name, how images are
//! unpacked, what containers and pods are made of; and where things lie.

use std::collections::{BTreeMap, BTreeSet};

use content::Digest;
use finding::Text;
use metadb::{MetaDb, Namespace, Row};

use crate::{Node, path_text};

use super::{Graph, Id, Index, Kind, Via};

/// The sandbox that a container of the CRI is, or belongs to, and how.
fn sandbox_of(container: &Row<metadb::Container>) -> Option<(Text, Via)> {
    match container.cri_kind()? {
        "sandbox" => Some((container.key.clone(), Via::Sandbox)),
        _ => Some((container.pod_container().ok()?.sandbox_id, Via::Member)),
    }
}

impl Graph {
    /// The edges of what is used.
    pub(super) fn add_used(&mut self, node: &Node, meta: &MetaDb) {
        for ns in meta.namespaces() {
            self.add_documents(node, ns);
            for row in ns.containers.read().into_iter().flatten() {
                let own = id(ns, Kind::Container, &row.key);
                if row.cri_kind() == Some("sandbox")
                    && let Ok(pod) = row.pod()
                {
                    let name = Text::from(format!("{}/{}", pod.namespace, pod.pod));
                    let pod = self.number(id(ns, Kind::Pod, &name));
                    self.pods.insert(row.key.clone(), pod);
                }
                if !row.image.is_empty() {
                    let container = self.number(own);
                    self.link(container, id(ns, Kind::Image, &row.image), Via::Image);
                }
            }
        }
        // A pod's own record may come after those of its containers.
        for ns in meta.namespaces() {
            for row in ns.containers.read().into_iter().flatten() {
                let Some((sandbox, via)) = sandbox_of(row) else {
                    continue;
                };
                if let Some(pod) = self.pods.get(&sandbox).copied() {
                    self.link(pod, id(ns, Kind::Container, &row.key), via);
                }
            }
        }
    }

    /// What the documents of a namespace's images name, and the snapshots that they unpack to.
    fn add_documents(&mut self, node: &Node, ns: &Namespace) {
        let images = ns.images.read().into_iter().flatten();
        let targets = images.filter_map(|image| image.target.as_ref());
        let mut left: Vec<Digest> = targets
            .filter_map(|target| Digest::parse_bytes(target.digest.bytes()).ok())
            .collect();
        let mut seen: BTreeSet<Digest> = left.iter().cloned().collect();
        while let Some(digest) = left.pop() {
            let wanted = node.documents.get(&digest);
            let Some(document) = wanted.and_then(|wanted| wanted.document()) else {
                continue;
            };
            let from = self.number(blob(ns, &digest));
            for link in document.links() {
                let to = &link.descriptor.digest;
                self.link(from, blob(ns, to), Via::Link(link.role));
                if seen.insert(to.clone()) {
                    left.push(to.clone());
                }
            }
            // The whole image is the snapshot of its last chain ID, in whatever snapshotter has it.
            let chain = document.config().map(content::ImageConfig::chain_ids);
            if let Some(top) = chain.as_ref().and_then(|chain| chain.last()) {
                let key = Text::from(top.as_str());
                for snapshotter in &node.snapshotters {
                    let to = Id::snapshot(&ns.name, &snapshotter.name, &key);
                    self.link(from, to, Via::ChainId);
                }
            }
        }
    }

    /// Where blobs and snapshots lie.
    pub(super) fn add_places(&mut self, node: &Node, meta: &MetaDb) {
        let mut places: Vec<(Id, Text)> = Vec::new();
        let store = node.content.read();
        let blobs: BTreeMap<&str, &std::path::Path> = store
            .iter()
            .flat_map(|store| &store.blobs)
            .map(|blob| (blob.digest.as_str(), blob.path.as_path()))
            .collect();
        for (id, _) in self.index.iter().filter(|(id, _)| id.kind == Kind::Blob) {
            if let Some(path) = id.key.utf8().and_then(|key| blobs.get(key)) {
                places.push((id.clone(), path_text(path)));
            }
        }
        let backends: BTreeMap<&Text, _> = node
            .snapshotters
            .iter()
            .map(|snapshotter| (&snapshotter.name, (snapshotter, snapshotter.by_key())))
            .collect();
        for ns in meta.namespaces() {
            for all in ns.snapshots.read().into_iter().flatten() {
                let Some((snapshotter, by_key)) = backends.get(&all.snapshotter) else {
                    continue;
                };
                for row in all.rows.read().into_iter().flatten() {
                    let number = by_key.get(&row.name).and_then(|found| found.id);
                    let layout = snapshotter.layout.read();
                    let lies = layout.and_then(|layout| layout.dirs.get(&number?));
                    if let Some(directory) = lies {
                        let id = Id::snapshot(&ns.name, &all.snapshotter, &row.key);
                        places.push((id, path_text(&directory.path)));
                    }
                }
            }
        }
        for (id, path) in places {
            let index = self.number(id);
            if let Some(object) = self.objects.get_mut(index) {
                object.path = Some(path);
            }
        }
    }

    /// Notes for every object who refers to it.
    pub(super) fn turn(&mut self) {
        let mut referrers: Vec<Vec<(Index, usize)>> = vec![Vec::new(); self.objects.len()];
        for (from, object) in self.objects() {
            for (number, edge) in object.edges.iter().enumerate() {
                if let Some(list) = referrers.get_mut(edge.to) {
                    list.push((from, number));
                }
            }
        }
        self.referrers = referrers;
    }
}

fn id(ns: &Namespace, kind: Kind, key: &Text) -> Id {
    Id {
        namespace: ns.name.clone(),
        kind,
        key: key.clone(),
    }
}

fn blob(ns: &Namespace, digest: &Digest) -> Id {
    id(ns, Kind::Blob, &Text::from(digest.as_str()))
}
