//! Snapshots: rows of meta.db among themselves, and against each snapshotter's metadata.db.

use finding::{Code, Finding, Object, Text};
use metadb::{Backend, BackendSnapshot, Row, SnapshotRow, Snapshots};
use node::Snapshotter;

use crate::Judge;

/// The snapshots of one snapshotter in one namespace, with that snapshotter where it was found.
pub(crate) struct Group<'n> {
    pub(crate) namespace: &'n Text,
    pub(crate) snapshots: &'n Snapshots,
    pub(crate) snapshotter: Option<&'n Snapshotter>,
}

impl<'n> Group<'n> {
    pub(crate) fn rows(&self) -> impl Iterator<Item = &'n Row<SnapshotRow>> + use<'n> {
        self.snapshots.rows.read().into_iter().flatten()
    }

    pub(crate) fn finding(
        &self,
        judge: &Judge<'_>,
        code: &'static Code,
        row: &Row<SnapshotRow>,
        message: String,
    ) -> Finding {
        let location = row.at.location(&judge.node.meta.path);
        let name = &self.snapshots.snapshotter;
        let users = judge
            .graph
            .everyone_of_snapshot(self.namespace, name, &row.key);
        let object = Object::new("snapshot", self.namespace.clone(), row.key.clone());
        let finding = Finding::new(code, location, message).affects(object);
        let about = [
            about_row(self.namespace, name, &row.key),
            about_backend(name, &row.name),
        ];
        finding.affecting(&users).about(about)
    }
}

/// A snapshot's row in meta.db, as what a finding is about.
pub(crate) fn about_row(namespace: &Text, snapshotter: &Text, key: &Text) -> Object {
    let name = [snapshotter.bytes(), b"/", key.bytes()].concat();
    Object::new("row", namespace.clone(), name)
}

/// A snapshot in its snapshotter, as what a finding is about.
pub(crate) fn about_backend(snapshotter: &Text, name: &Text) -> Object {
    Object::new("snapshot", snapshotter.clone(), name.clone())
}

/// The snapshots of meta.db, as far as they could be read.
pub(crate) fn groups<'n>(judge: &Judge<'n>) -> Vec<Group<'n>> {
    let node = judge.node;
    let namespaces = judge.namespaces().iter();
    namespaces
        .flat_map(|namespace| {
            let all = namespace.snapshots.read().into_iter().flatten();
            all.map(|snapshots| Group {
                namespace: &namespace.name,
                snapshots,
                snapshotter: node
                    .snapshotters
                    .iter()
                    .find(|s| s.name == snapshots.snapshotter),
            })
        })
        .collect()
}

/// A finding about a row of a metadata.db.
pub(crate) fn backend_finding(
    judge: &Judge<'_>,
    snapshotter: &Snapshotter,
    code: &'static Code,
    row: &Row<BackendSnapshot>,
    message: String,
) -> Finding {
    let location = row.at.location(&snapshotter.db.path);
    let about = about_backend(&snapshotter.name, &row.key);
    let mut finding = Finding::new(code, location, message).about([about]);
    for (namespace, key) in judge.snapshots_named(&snapshotter.name, &row.key) {
        let object = Object::new("snapshot", namespace.clone(), key.clone());
        let users = judge
            .graph
            .everyone_of_snapshot(namespace, &snapshotter.name, key);
        finding = finding.affects(object).affecting(&users);
    }
    finding
}

/// The snapshots of a metadata.db, as far as they could be read.
pub(crate) fn backend_rows(snapshotter: &Snapshotter) -> &[Row<BackendSnapshot>] {
    snapshotter.db.rows.as_ref().map_or(&[], Backend::snapshots)
}
