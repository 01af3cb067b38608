//! The objects of meta.db and of the snapshotters' databases: what is there, and what was.

use std::collections::BTreeSet;
use std::io;

use finding::{Known, Text, Time};
use metadb::{ObjectKind, Row};
use serde::Serialize;
use serde_json::Value;

use crate::carved::Carved;
use crate::carved::recovered;
use crate::gather::Gather;
use crate::owners::Owners;
use crate::owners::{number, text_field};
use crate::subject::{Store, Subject, What};

/// What tells times apart: the same time of the same object is told once.
type Told = BTreeSet<(
    ObjectKind,
    Option<Text>,
    Option<Text>,
    Option<Text>,
    What,
    Time,
)>;

/// One object, wherever it comes from.
struct Object<'o> {
    kind: ObjectKind,
    namespace: Option<Text>,
    snapshotter: Option<Text>,
    name: Option<Text>,
    created: Option<Time>,
    updated: Option<Time>,
    record: &'o Value,
}

impl Gather<'_> {
    /// Every object, and every carved one that says something else.
    pub(crate) fn objects(&mut self, carved: &Carved, owners: &Owners) -> io::Result<()> {
        let node = self.node;
        let mut told = Told::new();
        self.unknown.extend(node.meta.lost());
        for namespace in node.namespaces() {
            let space = Some(&namespace.name);
            self.rows(
                ObjectKind::Image,
                space,
                None,
                &namespace.images,
                owners,
                &mut told,
            )?;
            let containers = &namespace.containers;
            self.rows(
                ObjectKind::Container,
                space,
                None,
                containers,
                owners,
                &mut told,
            )?;
            self.rows(
                ObjectKind::Blob,
                space,
                None,
                &namespace.blobs,
                owners,
                &mut told,
            )?;
            self.rows(
                ObjectKind::Ingest,
                space,
                None,
                &namespace.ingests,
                owners,
                &mut told,
            )?;
            self.rows(
                ObjectKind::Lease,
                space,
                None,
                &namespace.leases,
                owners,
                &mut told,
            )?;
            for rows in [&namespace.sandboxes, &namespace.old_sandboxes] {
                self.rows(ObjectKind::Sandbox, space, None, rows, owners, &mut told)?;
            }
            self.unknown
                .extend(namespace.snapshots.unknown().iter().cloned());
            for snapshots in namespace.snapshots.read().into_iter().flatten() {
                let of = Some(&snapshots.snapshotter);
                self.rows(
                    ObjectKind::Snapshot,
                    space,
                    of,
                    &snapshots.rows,
                    owners,
                    &mut told,
                )?;
            }
        }
        if let Some(meta) = &node.meta.rows {
            self.unknown
                .extend(meta.namespaces.unknown().iter().cloned());
        }
        for snapshotter in &node.snapshotters {
            let of = Some(&snapshotter.name);
            match &snapshotter.db.rows {
                Some(rows) => {
                    let rows = &rows.snapshots;
                    self.rows(ObjectKind::Backend, None, of, rows, owners, &mut told)?;
                }
                None => self.unknown.extend(snapshotter.db.lost()),
            }
        }
        for (database, objects) in &carved.databases {
            for object in objects {
                let one = Object {
                    kind: object.kind,
                    namespace: object.namespace.clone(),
                    snapshotter: object.snapshotter.clone().or_else(|| database.clone()),
                    name: object.name.clone(),
                    created: object.created,
                    updated: object.updated,
                    record: &object.record,
                };
                let mut subject = subject(&one, owners);
                subject.recovered = Some(recovered(object));
                tell(&one, &mut subject, &mut told);
                self.give(&subject)?;
            }
        }
        Ok(())
    }

    fn rows<T: Serialize>(
        &mut self,
        kind: ObjectKind,
        namespace: Option<&Text>,
        snapshotter: Option<&Text>,
        rows: &Known<Vec<Row<T>>>,
        owners: &Owners,
        told: &mut Told,
    ) -> io::Result<()> {
        self.unknown.extend(rows.unknown().iter().cloned());
        for row in rows.read().into_iter().flatten() {
            let record = serde_json::to_value(&row.value).unwrap_or_default();
            let time = |key: &str| Time::parse(record.get(key)?.as_str()?).ok();
            let object = Object {
                kind,
                namespace: namespace.cloned(),
                snapshotter: snapshotter.cloned(),
                name: Some(row.key.clone()),
                created: time("created"),
                updated: time("updated"),
                record: &record,
            };
            let mut subject = subject(&object, owners);
            tell(&object, &mut subject, told);
            self.give(&subject)?;
        }
        Ok(())
    }
}

/// Adds the times of an object that were not told yet.
fn tell(object: &Object<'_>, subject: &mut Subject, told: &mut Told) {
    let expires = match object.kind {
        ObjectKind::Lease => object.record.pointer("/labels/containerd.io~1gc.expire"),
        ObjectKind::Ingest => object.record.get("expires"),
        _ => None,
    };
    let expires = expires.and_then(Value::as_str);
    let expires = expires.and_then(|text| Time::parse(text).ok());
    for (what, time) in [
        (What::Created, object.created),
        (What::Updated, object.updated),
        (What::Expires, expires),
    ] {
        let Some(time) = time else { continue };
        let identity = (
            object.kind,
            object.namespace.clone(),
            object.snapshotter.clone(),
            object.name.clone(),
            what,
            time,
        );
        if told.insert(identity) {
            subject.at(what, Some(time));
        }
    }
}

fn subject(object: &Object<'_>, owners: &Owners) -> Subject {
    let record = object.record;
    let (store, kind) = match object.kind {
        ObjectKind::Namespace => (Store::Meta, "namespace"),
        ObjectKind::Image => (Store::Meta, "image"),
        ObjectKind::Container => (Store::Meta, "container"),
        ObjectKind::Snapshot => (Store::Meta, "snapshot"),
        ObjectKind::Backend => (Store::Snapshotter, "snapshot"),
        ObjectKind::Blob => (Store::Meta, "blob"),
        ObjectKind::Ingest => (Store::Meta, "ingest"),
        ObjectKind::Lease => (Store::Meta, "lease"),
        ObjectKind::Sandbox => (Store::Meta, "sandbox"),
    };
    let name = object.name.clone();
    let mut subject = Subject::new(store, kind, name.unwrap_or_else(|| Text::from("?")));
    subject.is_nameless = object.name.is_none();
    subject.namespace.clone_from(&object.namespace);
    subject.snapshotter.clone_from(&object.snapshotter);
    let mut more: Vec<String> = Vec::new();
    let owner = match (object.kind, &object.name, &object.snapshotter) {
        (ObjectKind::Container, name, _) => {
            subject.container.clone_from(name);
            subject.image = text_field(record, "image");
            more.extend(subject.image.iter().map(|image| format!("image {image}")));
            None
        }
        (ObjectKind::Sandbox, name, _) => {
            subject.container.clone_from(name);
            None
        }
        (ObjectKind::Image, name, _) => {
            subject.image.clone_from(name);
            let digest = record.pointer("/target/digest").and_then(Value::as_str);
            subject.digest = digest.map(Text::from);
            more.extend(subject.digest.iter().map(ToString::to_string));
            None
        }
        (ObjectKind::Blob, name, _) => {
            subject.digest.clone_from(name);
            let size = record.get("size").and_then(number);
            more.extend(size.map(finding::size_text));
            None
        }
        (ObjectKind::Snapshot, Some(key), Some(snapshotter)) => {
            more.push(snapshotter.to_string());
            let namespace = object.namespace.clone().unwrap_or_default();
            owners.of_key(snapshotter, &namespace, key)
        }
        (ObjectKind::Backend, Some(key), Some(snapshotter)) => {
            let id = record.get("id").and_then(number);
            let id = id.map_or_else(String::new, |id| format!("/{id}"));
            more.push(format!("{snapshotter}{id}"));
            more.extend(text_field(record, "kind").map(|kind| kind.to_string()));
            owners.of_backend_key(snapshotter, key)
        }
        _ => None,
    };
    if let Some(owner) = owner {
        let gone = if owner.is_gone { "deleted " } else { "" };
        more.push(format!("{gone}container {}", owner.container));
        subject.container = Some(owner.container.clone());
        subject.image.clone_from(&owner.image);
        subject.namespace = subject.namespace.take().or_else(|| owner.namespace.clone());
    }
    if object.kind == ObjectKind::Backend {
        // The key already begins with the namespace.
        let key = subject.name.bytes();
        let space = key.split(|byte| *byte == b'/').next();
        let space = space.filter(|space| !space.is_empty() && *space != key);
        subject.namespace = space.map(Text::from);
    }
    subject.more = more.join(", ");
    subject
}
