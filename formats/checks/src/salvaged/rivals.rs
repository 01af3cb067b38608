//! What another tree of the damaged file holds, and the new file does not.
//!
//! With both metas gone two whole trees may be left of which nothing proves which is the newer one. Each says what
//! a daemon would keep. What the other one keeps and the new file does not, a start would delete; any other
//! difference (a label, a time, a record that holds nothing alone) deletes nothing.

use std::collections::{BTreeMap, BTreeSet};

use bolt::Db;
use daemon::gc::{Marks, Rules, Until};
use finding::{Known, Text};
use metadb::{Backend, MetaDb, ObjectKind};
use node::graph::{Graph, Id, Kind};

use super::{
    Loss, Why,
    held::{RELEASES, loss, newest},
};

/// What a start on `new` deletes, and one on any of `rivals` does not.
pub(super) fn losses(new: &Db<'_>, is_backend: bool, rivals: &[Db<'_>]) -> BTreeSet<Loss> {
    let mut losses = BTreeSet::new();
    for rival in rivals {
        if is_backend {
            losses.extend(of_backend(new, rival));
        } else {
            of_meta(new, rival, &mut losses);
        }
    }
    losses
}

/// Snapshots whose directories the rows of `new` do not name.
fn of_backend(new: &Db<'_>, rival: &Db<'_>) -> Vec<Loss> {
    let rows = |db: &Db<'_>| -> BTreeMap<u64, Text> {
        let backend = Backend::read_backend(db);
        let rows = backend.snapshots().iter();
        rows.filter_map(|row| Some((row.value.id?, row.key.clone())))
            .collect()
    };
    let own = rows(new);
    let lost = rows(rival).into_iter();
    lost.filter(|(id, _)| !own.contains_key(id))
        .map(|(_, name)| Loss {
            kind: ObjectKind::Backend,
            namespace: None,
            snapshotter: None,
            name,
            backend: None,
            why: Why::NoRow,
        })
        .collect()
}

/// Snapshots and blobs that `rival` holds, and `new` does not: what was not downloaded to its end is downloaded again.
fn of_meta(new: &Db<'_>, rival: &Db<'_>, losses: &mut BTreeSet<Loss>) {
    let (own, other) = (MetaDb::read_meta(new), MetaDb::read_meta(rival));
    let (graph, others) = (Graph::of_records(&own), Graph::of_records(&other));
    let now = newest(&own).max(newest(&other));
    let backends = backend_names(&own);
    for release in RELEASES {
        let kept = |rows: &MetaDb, graph: &Graph| -> BTreeMap<Id, bool> {
            let rules = Rules {
                release,
                schema: rows.version,
            };
            let marks = Marks::new(graph, rules, now);
            let objects = graph.objects();
            let objects = objects.filter(|(_, object)| {
                object.at.is_some() && matches!(object.id.kind, Kind::Snapshot | Kind::Blob)
            });
            objects
                .map(|(index, object)| (object.id.clone(), marks.held(index) != Until::Never))
                .collect()
        };
        let own = kept(&own, &graph);
        let held = kept(&other, &others).into_iter().filter(|(_, is)| *is);
        for (id, _) in held {
            let why = match own.get(&id) {
                Some(true) => continue,
                Some(false) => Why::NotHeld,
                None => Why::NoRow,
            };
            losses.extend(loss(&id, why));
        }
    }
    // A row of the same name that names another directory.
    for (path, name) in backend_names(&other) {
        if backends.get(&path).is_some_and(|own| *own != name) {
            let (namespace, snapshotter, key) = path;
            losses.insert(Loss {
                kind: ObjectKind::Snapshot,
                namespace: Some(namespace),
                snapshotter: Some(snapshotter),
                name: key,
                backend: Some(name),
                why: Why::NoRow,
            });
        }
    }
}

/// What the snapshotters call the snapshots of meta.db, by namespace, snapshotter and key.
fn backend_names(rows: &MetaDb) -> BTreeMap<(Text, Text, Text), Text> {
    let mut names = BTreeMap::new();
    for ns in rows.namespaces() {
        for one in ns.snapshots.read().into_iter().flatten() {
            for row in Known::read(&one.rows).into_iter().flatten() {
                let path = (ns.name.clone(), one.snapshotter.clone(), row.key.clone());
                names.insert(path, row.value.name.clone());
            }
        }
    }
    names
}
