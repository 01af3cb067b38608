//! `v1/<namespace>/snapshots/<snapshotter>/<key>/`

use std::collections::BTreeSet;

use finding::{Known, Text, Time};
use serde::Serialize;

use crate::open::{Open, Troubles};
use crate::{At, Labels, Row};

/// A snapshot as meta.db knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotRow {
    /// Its key in the snapshotter's metadata.db: `<namespace>/<N>/<key>`.
    pub name: Text,
    /// When it was made.
    pub created: Option<Time>,
    /// When it was changed.
    pub updated: Option<Time>,
    /// Key of its parent in the same bucket; none for a base.
    pub parent: Option<Text>,
    /// Keys of its children.
    pub children: BTreeSet<Text>,
    /// Its labels.
    pub labels: Labels,
}

/// The snapshots of one snapshotter in one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshots {
    /// The snapshotter's name: `overlayfs`.
    pub snapshotter: Text,
    /// The last N that was handed out for a `name`.
    pub sequence: u64,
    /// Where its bucket stands.
    pub at: At,
    /// The snapshots.
    pub rows: Known<Vec<Row<SnapshotRow>>>,
}

pub(crate) const KEYS: &[&str] = &[
    "name",
    "createdat",
    "updatedat",
    "parent",
    "children",
    "labels",
];

pub(crate) fn read_snapshot_row(bucket: &Open<'_>, troubles: &mut Troubles) -> SnapshotRow {
    bucket.missing("name", "snapshot", troubles);
    SnapshotRow {
        name: bucket.text_value("name", troubles).unwrap_or_default(),
        created: bucket.time("createdat", troubles),
        updated: bucket.time("updatedat", troubles),
        parent: bucket
            .text_value("parent", troubles)
            .filter(|parent| !parent.is_empty()),
        children: bucket.set("children", troubles),
        labels: bucket.labels("labels", troubles),
    }
}

pub(crate) fn read_all(namespace: &Open<'_>, troubles: &mut Troubles) -> Known<Vec<Snapshots>> {
    let Some(bucket) = namespace.bucket("snapshots", troubles) else {
        return Known::with(Vec::new(), namespace.unknown());
    };
    let snapshotters = bucket
        .children(troubles)
        .into_iter()
        .map(|(at, child)| Snapshots {
            snapshotter: at.path.last().cloned().unwrap_or_default(),
            sequence: child.sequence,
            at,
            rows: child.all_rows(KEYS, troubles, read_snapshot_row),
        });
    let all = snapshotters.collect();
    Known::with(all, bucket.unknown())
}
