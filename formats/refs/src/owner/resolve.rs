//! From a path to what it is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use content::{Algorithm, Digest};
use finding::Text;
use metadb::Row;
use node::graph::Graph;
use node::{CONTENT_DIR, META_DIR, Node, Snapshotter};

use super::place::{Is, Layer, Place};

/// What paths are looked up in.
#[derive(Debug)]
pub(super) struct Resolver<'n> {
    pub(super) node: &'n Node,
}

/// The names of a path, without dots; `..` takes back one.
fn names(path: &Path) -> Vec<&OsStr> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::ParentDir => {
                names.pop();
            }
            _ => {}
        }
    }
    names
}

fn name_text(name: &OsStr) -> Text {
    Text::from(name.as_bytes())
}

fn joined(names: &[&OsStr]) -> Option<Text> {
    if names.is_empty() {
        return None;
    }
    let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
    Some(Text::from([b"/", names.join(&b'/').as_slice()].concat()))
}

/// What of `path` is below `root`.
fn below<'p, 'n>(path: &'p [&'n OsStr], root: &Path) -> Option<&'p [&'n OsStr]> {
    let root = names(root);
    let same = path
        .iter()
        .zip(&root)
        .all(|(name, of_root)| name == of_root);
    path.get(root.len()..).filter(|_| same)
}

const CRI: &str = "io.containerd.grpc.v1.cri";
const TASKS: &str = "io.containerd.runtime.v2.task";

impl<'n> Resolver<'n> {
    pub(super) fn new(node: &'n Node) -> Self {
        Self { node }
    }

    pub(super) fn graph(&self) -> &Graph {
        self.node.graph()
    }

    /// The snapshots of this number, one for each snapshotter that has it.
    pub(super) fn snapshots(&self, id: u64) -> Vec<Place> {
        let has = |snapshotter: &&Snapshotter| {
            let layout = snapshotter.layout.read();
            let row = || snapshotter.by_key().values().any(|row| row.id == Some(id));
            layout.is_some_and(|layout| layout.dirs.contains_key(&id)) || row()
        };
        let all = self.node.snapshotters.iter().filter(has);
        all.filter_map(|snapshotter| {
            let path = snapshotter.layout.read()?.directory(id);
            Some(Place {
                is: snapshot(snapshotter, id, None),
                path,
                digest: None,
            })
        })
        .collect()
    }

    /// Where what a container sees as `inner` would lie in its writable layer.
    pub(super) fn upper(&self, namespace: &Text, id: &Text, inner: &Text) -> Option<Place> {
        let mut containers = self.containers();
        let (_, row) = containers.find(|(name, row)| *name == namespace && row.key == *id)?;
        let namespaces = self.node.namespaces();
        let mut snapshots = namespaces
            .filter(|ns| ns.name == *namespace)
            .flat_map(|ns| ns.snapshots.read().into_iter().flatten());
        let snapshots = snapshots.find(|all| all.snapshotter == row.snapshotter)?;
        let mut rows = snapshots.rows.read().into_iter().flatten();
        let name = &rows.find(|found| found.key == row.snapshot_key)?.name;
        let mut all = self.node.snapshotters.iter();
        let snapshotter = all.find(|snapshotter| snapshotter.name == row.snapshotter)?;
        let number = snapshotter.by_key().get(name)?.id?;
        let files = snapshotter.layout.read()?.files(number);
        let inner = inner.bytes();
        let inner = OsStr::from_bytes(inner.strip_prefix(b"/").unwrap_or(inner));
        Some(self.place(&files.join(inner)))
    }

    pub(super) fn place(&self, path: &Path) -> Place {
        let names = names(path);
        let (is, digest) = self.is(&names);
        let clean: PathBuf = [OsStr::new("/")].iter().chain(&names).collect();
        Place {
            path: clean,
            is,
            digest,
        }
    }

    fn is(&self, path: &[&OsStr]) -> (Is, Option<Digest>) {
        for snapshotter in &self.node.snapshotters {
            if let Some(rest) = below(path, &snapshotter.root) {
                return (in_snapshotter(snapshotter, rest), None);
            }
        }
        let root = &self.node.roots.root;
        let state = &self.node.roots.state;
        if let Some(rest) = below(path, &root.join(CONTENT_DIR)) {
            return self.in_content(rest);
        }
        if below(path, &root.join(META_DIR)).is_some() {
            return (Is::Meta, None);
        }
        let is = self
            .in_runtime(path, root, state)
            .or_else(|| self.named(path))
            .unwrap_or_else(|| {
                if below(path, root).is_some() {
                    Is::Other { below: "root" }
                } else if below(path, state).is_some() {
                    Is::Other { below: "state" }
                } else {
                    Is::Outside
                }
            });
        (is, None)
    }

    fn in_content(&self, rest: &[&OsStr]) -> (Is, Option<Digest>) {
        match rest {
            [folder, algorithm, hex, ..] if *folder == "blobs" => {
                let algorithm = algorithm.to_str().and_then(Algorithm::named);
                let digest = algorithm.and_then(|algorithm| algorithm.digest(hex.to_str()?).ok());
                match digest {
                    Some(digest) => {
                        let is = Is::Blob {
                            digest: Text::from(digest.as_str()),
                            role: self.role(&digest),
                        };
                        (is, Some(digest))
                    }
                    None => (Is::Content, None),
                }
            }
            [folder, name, ..] if *folder == "ingest" => {
                let name = name_text(name);
                let ingests = self
                    .node
                    .content
                    .read()
                    .map_or(&[][..], |store| &store.ingests);
                let ingest = ingests.iter().find(|ingest| ingest.name == name);
                let reference = ingest.and_then(|ingest| ingest.reference.clone());
                (Is::Ingest { reference }, None)
            }
            _ => (Is::Content, None),
        }
    }

    /// What a blob is to the first image that needs it.
    fn role(&self, digest: &Digest) -> Option<String> {
        let namespaces = self.node.namespaces();
        let images = namespaces.flat_map(|ns| ns.images.read().into_iter().flatten());
        for image in images {
            let Some(target) = &image.target else {
                continue;
            };
            let Ok(target) = Digest::parse_bytes(target.digest.bytes()) else {
                continue;
            };
            let needs = self.node.documents.needs(&target);
            if let Some(need) = needs.iter().find(|need| need.digest == *digest) {
                let role = need.link.map(|link| link.role.to_string());
                return Some(role.unwrap_or_else(|| "target".to_owned()));
            }
        }
        None
    }

    fn in_runtime(&self, path: &[&OsStr], root: &Path, state: &Path) -> Option<Is> {
        let task = |rest: &[&OsStr]| match rest {
            [namespace, id, ..] => Some((name_text(namespace), name_text(id))),
            _ => None,
        };
        if let Some((namespace, id)) = below(path, &state.join(TASKS)).and_then(task) {
            let bytes = id.bytes();
            let id = Text::from(bytes.strip_prefix(b".").unwrap_or(bytes));
            let inner = below(path, &state.join(TASKS)).and_then(|rest| rest.get(2..));
            let rootfs = match inner {
                Some([first, rest @ ..]) if *first == "rootfs" => {
                    Some(joined(rest).unwrap_or_else(|| Text::from("/")))
                }
                _ => None,
            };
            return Some(Is::Bundle {
                namespace,
                id,
                rootfs,
            });
        }
        if let Some((namespace, id)) = below(path, &root.join(TASKS)).and_then(task) {
            return Some(Is::Work { namespace, id });
        }
        for place in [root.join(CRI), state.join(CRI)] {
            for (folder, what) in [("containers", "container"), ("sandboxes", "pod")] {
                if let Some([id, ..]) = below(path, &place.join(folder)) {
                    return Some(Is::Cri {
                        what,
                        id: name_text(id),
                    });
                }
            }
        }
        let runtime = self.node.runtime.read()?;
        let as_path = |text: &Text| PathBuf::from(OsStr::from_bytes(text.bytes()));
        let container = runtime
            .containers
            .iter()
            .find(|container| below(path, &as_path(&container.path)).is_some());
        if let Some(container) = container {
            return Some(Is::RuntimeState {
                namespace: container.namespace.clone(),
                id: container.id.clone(),
            });
        }
        let mut sockets = runtime.sockets.iter().flatten();
        let socket = sockets.any(|socket| names(&as_path(&socket.path)) == path);
        socket.then_some(Is::Socket)
    }

    /// Logs and network namespaces, which lie elsewhere.
    fn named(&self, path: &[&OsStr]) -> Option<Is> {
        let is_at = |place: &Text| {
            let place = PathBuf::from(OsStr::from_bytes(place.bytes()));
            !place.as_os_str().is_empty() && below(path, &place).is_some()
        };
        for container in self.containers() {
            if let Ok(record) = container.1.pod_container()
                && is_at(&record.log_path)
            {
                return Some(Is::Named {
                    by: "log of a container",
                });
            }
            if let Ok(pod) = container.1.pod()
                && is_at(&pod.netns)
            {
                return Some(Is::Named {
                    by: "network namespace of a pod",
                });
            }
        }
        None
    }

    /// Every container with its namespace.
    pub(super) fn containers(
        &self,
    ) -> impl Iterator<Item = (&'n Text, &'n Row<metadb::Container>)> {
        let namespaces = self.node.namespaces();
        namespaces.flat_map(|ns| {
            let rows = ns.containers.read().into_iter().flatten();
            rows.map(move |row| (&ns.name, row))
        })
    }
}

fn in_snapshotter(snapshotter: &Snapshotter, rest: &[&OsStr]) -> Is {
    let name = snapshotter.name.clone();
    let folders = snapshotter
        .layout
        .read()
        .map(|layout| layout.rules.folders());
    let folders = folders.unwrap_or(&["snapshots"]);
    match rest {
        [folder, entry, inner @ ..] if folders.iter().any(|known| *folder == *known) => {
            let number = entry.to_str().and_then(|entry| entry.parse::<u64>().ok());
            match number.filter(|id| id.to_string().as_str() == *entry) {
                Some(id) => snapshot(snapshotter, id, Some(inner)),
                None => Is::Leftover { snapshotter: name },
            }
        }
        [file] => Is::Snapshotter {
            snapshotter: name,
            database: *file == "metadata.db",
        },
        _ => Is::Snapshotter {
            snapshotter: name,
            database: false,
        },
    }
}

/// The snapshot of this number, and everything below it.
fn snapshot(snapshotter: &Snapshotter, id: u64, inner: Option<&[&OsStr]>) -> Is {
    let by_key = snapshotter.by_key();
    let row = by_key.values().find(|row| row.id == Some(id));
    let mut chain = Vec::new();
    let mut at = row.copied();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(row) = at.filter(|row| seen.insert(&row.key)) {
        chain.push(Layer {
            id: row.id,
            key: row.key.clone(),
            kind: row.kind,
        });
        at = row
            .parent
            .as_ref()
            .and_then(|parent| by_key.get(parent))
            .copied();
    }
    let has_fs = snapshotter
        .layout
        .read()
        .is_none_or(|layout| layout.rules.has_fs());
    let inner = inner.and_then(|names| match names {
        [first, rest @ ..] if has_fs && *first == "fs" => joined(rest),
        _ if has_fs => None,
        names => joined(names),
    });
    Is::Snapshot {
        snapshotter: snapshotter.name.clone(),
        id,
        kind: row.and_then(|row| row.kind),
        key: row.map(|row| row.key.clone()),
        inner,
        chain,
    }
}
