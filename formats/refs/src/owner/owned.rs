//! A path and its owners.

use evidence::Evidence;
use finding::{Object, Text};
use node::path_text;
use serde::Serialize;

use super::place::{Is, Place};
use super::resolve::Resolver;

/// An image, container or pod that something belongs to.
#[derive(Debug, Clone, Serialize)]
pub struct User {
    /// Which.
    #[serde(flatten)]
    pub object: Object,
    /// Whether it is its own, not only something below its own.
    pub own: bool,
    /// The image of a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Text>,
    /// The pod of a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<Text>,
}

/// A path and its owners.
#[derive(Debug, Clone, Serialize)]
pub struct Owned {
    /// `path`, `number`, `inode`; of a mount `upper`, `lower`, `source`.
    pub asked: &'static str,
    /// The path inside the evidence.
    pub path: Text,
    /// Whether it is there; nothing where that is not known.
    pub exists: Option<bool>,
    /// What it is.
    #[serde(flatten)]
    pub is: Is,
    /// Records of meta.db that stand for it.
    pub records: Vec<Object>,
    /// Whose it is.
    pub users: Vec<User>,
}

impl Owned {
    pub(super) fn new(
        evidence: &Evidence,
        resolver: &Resolver<'_>,
        asked: &'static str,
        place: Place,
    ) -> Self {
        let exists = match evidence.stat(&place.path) {
            Ok(_) => Some(true),
            Err(why) if why.is_absent() => Some(false),
            Err(_) => None,
        };
        let (records, users) = match &place.is {
            Is::Snapshot {
                snapshotter, key, ..
            } => of_snapshot(resolver, snapshotter, key.as_ref()),
            Is::Blob { digest, .. } => {
                let records = records(resolver, "blob", |ns| {
                    let rows = ns.blobs.read().into_iter().flatten();
                    rows.filter(|row| row.key == *digest)
                        .map(|row| row.key.clone())
                        .collect()
                });
                let digest = place.digest.as_ref();
                let images = digest.map(|digest| resolver.graph().users_of_blob(digest));
                let images = images.unwrap_or_default().into_iter().map(|object| User {
                    object,
                    own: true,
                    image: None,
                    pod: None,
                });
                (records, images.collect())
            }
            Is::Ingest {
                reference: Some(reference),
            } => {
                let records = records(resolver, "ingest", |ns| {
                    let rows = ns.ingests.read().into_iter().flatten();
                    rows.filter(|row| row.backend == *reference)
                        .map(|row| row.key.clone())
                        .collect()
                });
                (records, Vec::new())
            }
            Is::Bundle { namespace, id, .. } | Is::Work { namespace, id } => {
                (Vec::new(), container(resolver, Some(namespace), id))
            }
            Is::RuntimeState { namespace, id } => {
                (Vec::new(), container(resolver, namespace.as_ref(), id))
            }
            Is::Cri { id, .. } => (Vec::new(), container(resolver, None, id)),
            Is::Socket => (Vec::new(), of_socket(resolver, &path_text(&place.path))),
            Is::Named { .. } => (Vec::new(), of_named(resolver, &path_text(&place.path))),
            _ => (Vec::new(), Vec::new()),
        };
        Self {
            asked,
            path: path_text(&place.path),
            exists,
            is: place.is,
            records,
            users,
        }
    }
}

fn records(
    resolver: &Resolver<'_>,
    kind: &'static str,
    pick: impl Fn(&metadb::Namespace) -> Vec<Text>,
) -> Vec<Object> {
    let namespaces = resolver.node.namespaces();
    let all = namespaces.flat_map(|ns| {
        let keys = pick(ns).into_iter();
        keys.map(|key| Object::new(kind, ns.name.clone(), key))
            .collect::<Vec<_>>()
    });
    all.collect()
}

fn of_snapshot(
    resolver: &Resolver<'_>,
    snapshotter: &Text,
    key: Option<&Text>,
) -> (Vec<Object>, Vec<User>) {
    let mut records = Vec::new();
    let mut users = Vec::new();
    let namespaces = resolver.node.namespaces();
    for ns in namespaces {
        let all = ns.snapshots.read().into_iter().flatten();
        for snapshots in all.filter(|snapshots| snapshots.snapshotter == *snapshotter) {
            let rows = snapshots.rows.read().into_iter().flatten();
            for row in rows.filter(|row| key.is_some_and(|key| row.name == *key)) {
                records.push(Object::new("snapshot", ns.name.clone(), row.key.clone()));
                for object in resolver
                    .graph()
                    .users_of_snapshot(&ns.name, snapshotter, &row.key)
                {
                    users.push(user(resolver, object, snapshotter, &row.key));
                }
                // What a lease alone holds is its client's all the same: a stopped container of Docker's.
                let leases = ns.leases.read().into_iter().flatten();
                let holds = |lease: &&metadb::Row<metadb::Lease>| {
                    let keys = lease.snapshots.get(snapshotter);
                    keys.is_some_and(|keys| keys.contains(&row.key))
                };
                users.extend(leases.filter(holds).map(|lease| User {
                    object: Object::new("lease", ns.name.clone(), lease.key.clone()),
                    own: true,
                    image: None,
                    pod: None,
                }));
            }
        }
    }
    users.sort_by_key(|user| !user.own);
    (records, users)
}

fn user(resolver: &Resolver<'_>, object: Object, snapshotter: &Text, key: &Text) -> User {
    let row = resolver.containers().find(|(namespace, row)| {
        object.kind == "container"
            && Some(*namespace) == object.namespace.as_ref()
            && row.key == object.name
    });
    let Some((_, row)) = row else {
        // Every snapshot below the top of an image is a layer of it.
        return User {
            own: object.kind == "image",
            object,
            image: None,
            pod: None,
        };
    };
    User {
        own: row.snapshotter == *snapshotter && row.snapshot_key == *key
            || row.snapshot_key.is_empty() && row.key == *key,
        image: Some(row.image.clone()),
        pod: pod(resolver, row),
        object,
    }
}

/// The pod of a container, or the pod that it is.
fn pod(resolver: &Resolver<'_>, row: &metadb::Container) -> Option<Text> {
    if let Ok(pod) = row.pod() {
        return Some(Text::from(format!("{}/{}", pod.namespace, pod.pod)));
    }
    let sandbox = row.pod_container().ok()?.sandbox_id;
    Some(resolver.graph().pod(&sandbox)?.name)
}

/// The container of this id; in every namespace, if none is given.
fn container(resolver: &Resolver<'_>, namespace: Option<&Text>, id: &Text) -> Vec<User> {
    let all = resolver.containers().filter(|(found, row)| {
        row.key == *id && namespace.is_none_or(|namespace| *found == namespace)
    });
    all.map(|(namespace, row)| User {
        object: Object::new("container", namespace.clone(), row.key.clone()),
        own: true,
        image: Some(row.image.clone()),
        pod: pod(resolver, row),
    })
    .collect()
}

fn of_socket(resolver: &Resolver<'_>, path: &Text) -> Vec<User> {
    let runtime = resolver.node.runtime.read();
    let sockets = runtime.and_then(|runtime| runtime.sockets.as_ref());
    let socket = sockets
        .into_iter()
        .flatten()
        .find(|socket| socket.path == *path);
    let bundles = socket.map_or(&[][..], |socket| &socket.bundles);
    let all = bundles.iter();
    all.flat_map(|(namespace, id)| container(resolver, Some(namespace), id))
        .collect()
}

fn of_named(resolver: &Resolver<'_>, path: &Text) -> Vec<User> {
    let starts = |place: &Text| !place.is_empty() && path.bytes().starts_with(place.bytes());
    let all = resolver.containers().filter(|(_, row)| {
        let log = row
            .pod_container()
            .is_ok_and(|record| starts(&record.log_path));
        log || row.pod().is_ok_and(|pod| starts(&pod.netns))
    });
    all.flat_map(|(namespace, row)| container(resolver, Some(namespace), &row.key))
        .collect()
}
