//! Which objects a database has.

use std::collections::BTreeSet;

use finding::{Known, Text};
use metadb::{Backend, MetaDb, ObjectKind, Row};

use super::{Loss, Why};

/// The objects of one database.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: BTreeSet<(ObjectKind, Text, Option<Text>)>,
}

impl Names {
    /// Whether it has this one, in any namespace if none is given.
    pub(super) fn have(&self, kind: ObjectKind, namespace: Option<&Text>, name: &Text) -> bool {
        if let Some(namespace) = namespace {
            let own = (kind, name.clone(), Some(namespace.clone()));
            return self.all.contains(&own);
        }
        let first = (kind, name.clone(), None);
        let next = self.all.range(first..).next();
        next.is_some_and(|found| found.0 == kind && found.1 == *name)
    }

    fn add<T>(&mut self, kind: ObjectKind, namespace: &Text, rows: &Known<Vec<Row<T>>>) {
        for row in rows.read().into_iter().flatten() {
            let namespace = Some(namespace.clone());
            self.all.insert((kind, row.key.clone(), namespace));
        }
    }

    /// Those that `other` has not.
    pub(super) fn not_in(&self, other: &Self) -> Vec<Loss> {
        let missing = self.all.difference(&other.all);
        missing
            .map(|(kind, name, namespace)| Loss {
                kind: *kind,
                namespace: namespace.clone(),
                snapshotter: None,
                name: name.clone(),
                backend: None,
                why: Why::NoRow,
            })
            .collect()
    }

    pub(super) fn of_meta(meta: &MetaDb) -> Self {
        let mut names = Self::default();
        for ns in meta.namespaces() {
            let of_none = (ObjectKind::Namespace, ns.name.clone(), None);
            names.all.insert(of_none);
            names.add(ObjectKind::Image, &ns.name, &ns.images);
            names.add(ObjectKind::Container, &ns.name, &ns.containers);
            names.add(ObjectKind::Blob, &ns.name, &ns.blobs);
            names.add(ObjectKind::Ingest, &ns.name, &ns.ingests);
            names.add(ObjectKind::Lease, &ns.name, &ns.leases);
            names.add(ObjectKind::Sandbox, &ns.name, &ns.sandboxes);
            names.add(ObjectKind::Sandbox, &ns.name, &ns.old_sandboxes);
            for snapshots in ns.snapshots.read().into_iter().flatten() {
                names.add(ObjectKind::Snapshot, &ns.name, &snapshots.rows);
            }
        }
        names
    }

    pub(super) fn of_backend(backend: &Backend) -> Self {
        let rows = backend.snapshots().iter();
        let all = rows.map(|row| (ObjectKind::Backend, row.key.clone(), None));
        Self { all: all.collect() }
    }
}
