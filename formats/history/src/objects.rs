//! The objects of meta.db, whatever their kind, in one shape.

use finding::{Known, Text, Time, Unknown};
use metadb::{At, MetaDb, Namespace, ObjectKind, Row};
use serde::Serialize;
use serde_json::Value;

/// One object, with everything that its record says.
#[derive(Debug, Clone, Serialize)]
pub struct Object {
    /// Its namespace; that of a namespace is its name.
    pub namespace: Text,
    /// Its name.
    pub name: Text,
    /// When it was made.
    #[serde(skip)]
    pub created: Option<Time>,
    /// Everything that the record says.
    pub record: Value,
    /// Where it stands.
    #[serde(skip)]
    pub at: Option<At>,
    /// Whether all of it could be read.
    #[serde(skip)]
    pub whole: bool,
}

/// Objects of one kind, and what is not known of them.
#[derive(Debug, Clone, Default)]
pub struct Objects {
    /// The objects.
    pub objects: Vec<Object>,
    /// What is not known of them.
    pub unknown: Vec<Unknown>,
}

impl Objects {
    /// Every object of this kind that has a record in meta.db.
    pub fn from_meta(meta: &MetaDb, kind: ObjectKind) -> Self {
        let mut all = Self {
            unknown: meta.namespaces.unknown().to_vec(),
            ..Self::default()
        };
        for ns in meta.namespaces() {
            match kind {
                ObjectKind::Namespace => all.objects.push(Object::of_namespace(ns)),
                ObjectKind::Image => all.rows(ns, &ns.images),
                ObjectKind::Container => all.rows(ns, &ns.containers),
                ObjectKind::Blob => all.rows(ns, &ns.blobs),
                ObjectKind::Ingest => all.rows(ns, &ns.ingests),
                ObjectKind::Lease => all.rows(ns, &ns.leases),
                ObjectKind::Sandbox => {
                    all.rows(ns, &ns.sandboxes);
                    all.rows(ns, &ns.old_sandboxes);
                }
                ObjectKind::Snapshot => {
                    all.unknown.extend(ns.snapshots.unknown().iter().cloned());
                    for snapshots in ns.snapshots.read().into_iter().flatten() {
                        all.rows(ns, &snapshots.rows);
                    }
                }
                // Those of metadata.db.
                ObjectKind::Backend => {}
            }
        }
        all.settle();
        all
    }

    fn rows<T: Serialize>(&mut self, ns: &Namespace, rows: &Known<Vec<Row<T>>>) {
        self.unknown.extend(rows.unknown().iter().cloned());
        let rows = rows.read().into_iter().flatten();
        self.objects.extend(rows.map(|row| Object::of_row(ns, row)));
    }

    /// Each unknown once, in order.
    fn settle(&mut self) {
        self.unknown
            .sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
        self.unknown.dedup();
    }
}

impl Object {
    /// A row of a namespace.
    pub fn of_row<T: Serialize>(ns: &Namespace, row: &Row<T>) -> Self {
        let record = serde_json::to_value(row).unwrap_or_default();
        Self {
            namespace: ns.name.clone(),
            name: row.key.clone(),
            created: time(&record, "created"),
            record,
            at: Some(row.at.clone()),
            whole: row.whole,
        }
    }

    /// The snapshotter that a snapshot's row stands under.
    pub fn snapshotter(&self) -> Option<&Text> {
        let path = &self.at.as_ref()?.path;
        let is_snapshot = path.get(2).is_some_and(|name| *name == "snapshots");
        path.get(3).filter(|_| is_snapshot)
    }

    /// A namespace, with how many objects it has.
    pub fn of_namespace(ns: &Namespace) -> Self {
        fn count<T>(rows: &Known<Vec<T>>) -> String {
            match rows {
                Known::Whole(rows) => rows.len().to_string(),
                Known::Partial(rows, _) => format!("{}+?", rows.len()),
                Known::Lost(_) => "?".to_owned(),
            }
        }
        let snapshots: usize = ns
            .snapshots
            .read()
            .into_iter()
            .flatten()
            .map(|snapshots| snapshots.rows.read().map_or(0, Vec::len))
            .sum();
        // 1.7 keeps them at the root of the database, 2.x in the namespace.
        let sandboxes = match ns.old_sandboxes.read().map_or(0, Vec::len) {
            0 => count(&ns.sandboxes),
            old => format!("{} and {old} at the root", count(&ns.sandboxes)),
        };
        let whole = ns.images.is_whole() && ns.containers.is_whole() && ns.snapshots.is_whole();
        Self {
            namespace: ns.name.clone(),
            name: ns.name.clone(),
            created: None,
            record: serde_json::json!({
                "labels": serde_json::to_value(&ns.labels).unwrap_or_default(),
                "images": count(&ns.images),
                "containers": count(&ns.containers),
                "snapshots": snapshots.to_string(),
                "content": count(&ns.blobs),
                "leases": count(&ns.leases),
                "ingests": count(&ns.ingests),
                "sandboxes": sandboxes,
                "unknown": serde_json::to_value(&ns.unknown).unwrap_or_default(),
            }),
            at: ns.at.clone(),
            whole,
        }
    }
}

/// A time of a record.
pub(crate) fn time(record: &Value, key: &str) -> Option<Time> {
    Time::parse(record.get(key)?.as_str()?).ok()
}
