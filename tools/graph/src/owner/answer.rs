//! Who owns a path, as text and JSON.

use std::io;

use cli::{About, Answer, Exit, Pen, Style};
use evidence::Evidence;
use finding::{Object, Text, Unknown};
use metadb::Kind;
use node::path_text;
use serde::Serialize;

use super::place::{Is, Place};
use super::resolve::Resolver;

/// An image, container or pod that something belongs to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct User {
    #[serde(flatten)]
    object: Object,
    /// Whether it is its own, not only something below its own.
    own: bool,
    /// The image of a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Text>,
    /// The pod of a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<Text>,
}

/// A path and its owners.
#[derive(Debug, Serialize)]
pub(crate) struct Owned {
    /// `path`, `number`, `inode`; of a mount `upper`, `lower`, `source`.
    asked: &'static str,
    path: Text,
    /// Whether it is there; nothing where that is not known.
    exists: Option<bool>,
    #[serde(flatten)]
    is: Is,
    /// Records of meta.db that stand for it.
    records: Vec<Object>,
    users: Vec<User>,
}

/// What `owner` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Owner {
    #[serde(rename = "evidence")]
    pub(crate) about: About,
    pub(crate) owned: Vec<Owned>,
    pub(crate) unknown: Vec<Unknown>,
}

impl Owned {
    pub(crate) fn new(
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
                let images = place
                    .digest
                    .as_ref()
                    .map(|digest| resolver.index.users_of_blob(digest));
                let images = images.unwrap_or(&[]).iter().map(|image| User {
                    object: image.clone(),
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
    let namespaces = resolver
        .node
        .meta
        .rows
        .iter()
        .flat_map(metadb::MetaDb::namespaces);
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
    let namespaces = resolver
        .node
        .meta
        .rows
        .iter()
        .flat_map(metadb::MetaDb::namespaces);
    for ns in namespaces {
        let all = ns.snapshots.read().into_iter().flatten();
        for snapshots in all.filter(|snapshots| snapshots.snapshotter == *snapshotter) {
            let rows = snapshots.rows.read().into_iter().flatten();
            for row in rows.filter(|row| key.is_some_and(|key| row.name == *key)) {
                records.push(Object::new("snapshot", ns.name.clone(), row.key.clone()));
                for object in resolver
                    .index
                    .users_of_snapshot(&ns.name, snapshotter, &row.key)
                {
                    users.push(user(resolver, object, snapshotter, &row.key));
                }
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
        own: row.snapshotter == *snapshotter && row.snapshot_key == *key,
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
    Some(resolver.index.pod(&sandbox)?.name.clone())
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

impl Owned {
    /// One sentence: what it is.
    fn sentence(&self) -> String {
        match &self.is {
            Is::Snapshot {
                snapshotter,
                id,
                kind,
                key,
                inner,
                ..
            } => {
                let kind = match kind {
                    Some(Kind::Active) => "writable layer",
                    Some(Kind::Committed) => "layer",
                    Some(Kind::View) => "view",
                    None => "snapshot",
                };
                let inner = inner
                    .as_ref()
                    .map_or_else(String::new, |inner| format!("{inner} in the "));
                let key = key.as_ref().map_or_else(
                    || ", which no row of metadata.db has".to_owned(),
                    |key| format!(": {key}"),
                );
                format!("{inner}{kind} {id} of {snapshotter}{key}")
            }
            Is::Leftover { snapshotter } => {
                format!("among the directories of {snapshotter}, but no snapshot's")
            }
            Is::Snapshotter {
                snapshotter,
                database: true,
            } => format!("the database of the snapshotter {snapshotter}"),
            Is::Snapshotter { snapshotter, .. } => format!("of the snapshotter {snapshotter}"),
            Is::Blob { digest, role } => {
                let role = role.as_deref().map_or_else(
                    || "which no image needs".to_owned(),
                    |role| format!("the {role} of an image"),
                );
                format!("blob {digest}, {role}")
            }
            Is::Ingest {
                reference: Some(reference),
            } => format!("ingest of {reference}"),
            Is::Ingest { .. } => "an ingest whose reference is not known".to_owned(),
            Is::Content => "in the content store, neither a blob's nor an ingest's".to_owned(),
            Is::Meta => "containerd's meta.db".to_owned(),
            Is::Bundle {
                namespace,
                id,
                rootfs: Some(inner),
            } => format!("{inner} in the mounted root of the task {namespace}/{id}"),
            Is::Bundle { namespace, id, .. } => format!("bundle of the task {namespace}/{id}"),
            Is::Work { namespace, id } => format!("work folder of the task {namespace}/{id}"),
            Is::RuntimeState { id, .. } => format!("the runtime's state of {id}"),
            Is::Socket => "a shim's socket".to_owned(),
            Is::Cri { what, id } => format!("the CRI plugin's folder of the {what} {id}"),
            Is::Named { by } => (*by).to_owned(),
            Is::Other { below } => format!("under containerd's {below}, of no object"),
            Is::Outside => "nothing of containerd's".to_owned(),
        }
    }

    fn write(&self, whole: bool, pen: &mut Pen<'_>) -> io::Result<()> {
        let gone = match self.exists {
            Some(false) => " (not there)",
            _ => "",
        };
        let asked = match self.asked {
            "path" | "number" | "inode" => String::new(),
            role => format!("{role}  "),
        };
        pen.heading(format_args!("{asked}{}{gone}", self.path))?;
        pen.line(format_args!("  {}", self.sentence()))?;
        for record in &self.records {
            pen.line(format_args!("  record     {record}"))?;
        }
        for user in &self.users {
            let own = if user.own {
                ""
            } else {
                ", through what stands on it"
            };
            let image = user.image.as_ref().filter(|image| !image.is_empty());
            let image = image.map_or_else(String::new, |image| format!(", image {image}"));
            let pod = user.pod.as_ref();
            let pod = pod.map_or_else(String::new, |pod| format!(", pod {pod}"));
            let kind = format!("{:<9}", user.object.kind);
            let namespace = user.object.namespace.as_ref();
            let namespace = namespace.map_or_else(String::new, |ns| format!("{ns}/"));
            pen.line(format_args!(
                "  {kind}  {namespace}{}{image}{pod}{own}",
                user.object.name
            ))?;
        }
        if self.users.is_empty() && self.belongs() {
            let line = if whole {
                "  no image and no container uses it"
            } else {
                "  no image and no container that could be read uses it"
            };
            let line = pen.styled(Style::Warning, line).to_string();
            pen.line(line)?;
        }
        if let Is::Snapshot { chain, .. } = &self.is {
            for layer in chain.iter().skip(1) {
                let id = layer.id.map_or_else(|| "?".to_owned(), |id| id.to_string());
                pen.line(format_args!("  on         {id}  {}", layer.key))?;
            }
        }
        Ok(())
    }

    /// Whether it is something that an image or a container should use.
    const fn belongs(&self) -> bool {
        matches!(
            self.is,
            Is::Snapshot { .. }
                | Is::Blob { .. }
                | Is::Bundle { .. }
                | Is::Work { .. }
                | Is::RuntimeState { .. }
                | Is::Cri { .. }
        )
    }
}

impl Answer for Owner {
    const SCHEMA: &'static str = "owner/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (number, owned) in self.owned.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            owned.write(self.unknown.is_empty(), pen)?;
        }
        pen.gap()?;
        self.about.text(pen)?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
