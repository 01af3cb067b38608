//! Who uses what: images, containers and namespaces, by the things that they need.

use std::collections::{BTreeMap, BTreeSet};

use content::{Digest, chain_ids};
use finding::{Known, Text};
use metadb::{Container, Image, Namespace, Row};
use node::{Node, path_text};

use super::things::{Things, What};

/// An image: all its names, in all namespaces.
#[derive(Debug, Default)]
pub(crate) struct ImageUse {
    pub(crate) names: BTreeSet<(Text, Text)>,
    pub(crate) things: BTreeSet<Text>,
    /// Containers made of it.
    pub(crate) containers: u64,
}

/// A container.
#[derive(Debug)]
pub(crate) struct ContainerUse {
    pub(crate) namespace: Text,
    pub(crate) id: Text,
    pub(crate) image: Text,
    pub(crate) pod: Option<Text>,
    /// Its own snapshot.
    pub(crate) own: Option<Text>,
    /// That, and all below it.
    pub(crate) things: BTreeSet<Text>,
}

/// Who uses what; things are named by their paths.
#[derive(Debug, Default)]
pub(crate) struct Users {
    /// By the digest of the target.
    pub(crate) images: BTreeMap<Text, ImageUse>,
    pub(crate) containers: Vec<ContainerUse>,
    /// What records of a namespace name.
    pub(crate) namespaces: BTreeMap<Text, BTreeSet<Text>>,
}

type SnapshotKey = (Text, Text, Text);

/// Where snapshots and blobs lie, by what meta.db calls them.
struct Places {
    /// By namespace, snapshotter and key: its path if it has one, and its parent.
    snapshots: BTreeMap<SnapshotKey, (Option<Text>, Option<Text>)>,
    blobs: BTreeMap<Digest, Text>,
}

impl Places {
    fn of(node: &Node, things: &Things) -> Self {
        let blobs = things.iter().filter_map(|(path, thing)| match &thing.what {
            What::Blob(digest) => Some((digest.clone(), path)),
            _ => None,
        });
        let mut places = Self {
            snapshots: BTreeMap::new(),
            blobs: blobs.collect(),
        };
        let rows: BTreeMap<&Text, _> = node
            .snapshotters
            .iter()
            .map(|snapshotter| (&snapshotter.name, (snapshotter, snapshotter.by_key())))
            .collect();
        let namespaces = node.meta.rows.iter().flat_map(metadb::MetaDb::namespaces);
        for ns in namespaces {
            for snapshots in ns.snapshots.read().into_iter().flatten() {
                let backend = rows.get(&snapshots.snapshotter);
                for row in snapshots.rows.read().into_iter().flatten() {
                    let path = backend.and_then(|(snapshotter, by_key)| {
                        let id = by_key.get(&row.name)?.id?;
                        let directory = snapshotter.layout.read()?.dirs.get(&id)?;
                        Some(path_text(&directory.path))
                    });
                    let key = (
                        ns.name.clone(),
                        snapshots.snapshotter.clone(),
                        row.key.clone(),
                    );
                    places.snapshots.insert(key, (path, row.parent.clone()));
                }
            }
        }
        places
    }

    /// The paths of a snapshot and of all below it, as far as they are there.
    fn chain(&self, ns: &Text, snapshotter: &Text, key: &Text) -> BTreeSet<Text> {
        let mut paths = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut key = Some(key.clone());
        while let Some(at) = key.take().filter(|at| seen.insert(at.clone())) {
            let id = (ns.clone(), snapshotter.clone(), at);
            if let Some((path, parent)) = self.snapshots.get(&id) {
                paths.extend(path.clone());
                key.clone_from(parent);
            }
        }
        paths
    }
}

fn read<T>(rows: &Known<Vec<Row<T>>>) -> impl Iterator<Item = &Row<T>> {
    rows.read().into_iter().flatten()
}

impl Users {
    pub(crate) fn of(node: &Node, things: &Things) -> Self {
        let places = Places::of(node, things);
        let mut users = Self::default();
        let namespaces = node.meta.rows.iter().flat_map(metadb::MetaDb::namespaces);
        for ns in namespaces {
            for image in read(&ns.images) {
                users.add_image(node, ns, image, &places);
            }
            for container in read(&ns.containers) {
                users.add_container(ns, container, &places);
            }
            let named = users.namespaces.entry(ns.name.clone()).or_default();
            let snapshots = places
                .snapshots
                .iter()
                .filter(|((name, ..), _)| *name == ns.name);
            named.extend(snapshots.filter_map(|(_, (path, _))| path.clone()));
            for blob in read(&ns.blobs) {
                let digest = Digest::parse_bytes(blob.key.bytes()).ok();
                named.extend(digest.and_then(|digest| places.blobs.get(&digest).cloned()));
            }
        }
        users
    }

    fn add_image(&mut self, node: &Node, ns: &Namespace, image: &Row<Image>, places: &Places) {
        let Some(target) = &image.target else { return };
        let entry = self.images.entry(target.digest.clone()).or_default();
        entry.names.insert((ns.name.clone(), image.key.clone()));
        let made = read(&ns.containers).filter(|container| container.image == image.key);
        entry.containers = entry
            .containers
            .saturating_add(u64::try_from(made.count()).unwrap_or(u64::MAX));
        let Ok(digest) = Digest::parse_bytes(target.digest.bytes()) else {
            return;
        };
        for need in node.documents.needs(&digest) {
            entry.things.extend(places.blobs.get(&need.digest).cloned());
            let document = node.documents.get(&need.digest);
            let config = document.and_then(|wanted| wanted.document()?.config());
            let Some(top) = config.and_then(|config| chain_ids(&config.diff_ids).last().cloned())
            else {
                continue;
            };
            for snapshotter in &node.snapshotters {
                let key = Text::from(top.as_str());
                entry
                    .things
                    .extend(places.chain(&ns.name, &snapshotter.name, &key));
            }
        }
    }

    fn add_container(&mut self, ns: &Namespace, container: &Row<Container>, places: &Places) {
        let (snapshotter, key) = (&container.snapshotter, &container.snapshot_key);
        let id = (ns.name.clone(), snapshotter.clone(), key.clone());
        let own = places.snapshots.get(&id).and_then(|(path, _)| path.clone());
        let pod = container.pod().ok().or_else(|| {
            let sandbox = container.pod_container().ok()?.sandbox_id;
            let sandbox = read(&ns.containers).find(|row| row.key == sandbox)?;
            sandbox.pod().ok()
        });
        self.containers.push(ContainerUse {
            namespace: ns.name.clone(),
            id: container.key.clone(),
            image: container.image.clone(),
            pod: pod.map(|pod| Text::from(format!("{}/{}", pod.namespace, pod.pod))),
            own,
            things: places.chain(&ns.name, snapshotter, key),
        });
    }

    /// How many images and containers use each thing.
    pub(crate) fn counts(&self) -> BTreeMap<&Text, u64> {
        let mut counts: BTreeMap<&Text, u64> = BTreeMap::new();
        let images = self.images.values().map(|image| &image.things);
        let containers = self.containers.iter().map(|container| &container.things);
        for path in images.chain(containers).flatten() {
            let count = counts.entry(path).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }
}
