//! `v1/<namespace>/leases/<id>/`

use std::collections::{BTreeMap, BTreeSet};

use finding::{Text, Time};
use serde::Serialize;

use crate::Labels;
use crate::open::{Open, Troubles};

/// A lease: what it holds is not collected while it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lease {
    /// When it was made.
    pub created: Option<Time>,
    /// Its labels; `containerd.io/gc.expire` says until when it lives.
    pub labels: Labels,
    /// Digests that it holds.
    pub content: BTreeSet<Text>,
    /// Ingests that it holds.
    pub ingests: BTreeSet<Text>,
    /// Keys of snapshots that it holds, by snapshotter.
    pub snapshots: BTreeMap<Text, BTreeSet<Text>>,
    /// Images that it holds (2.x).
    pub images: BTreeSet<Text>,
}

/// The label that says until when a lease lives.
const EXPIRE: &str = "containerd.io/gc.expire";

impl Lease {
    /// Until when it lives; none: for ever.
    pub fn expires(&self) -> Option<Time> {
        self.labels.time(EXPIRE)
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty()
            && self.ingests.is_empty()
            && self.images.is_empty()
            && self.snapshots.values().all(BTreeSet::is_empty)
    }
}

pub(crate) const KEYS: &[&str] = &[
    "createdat",
    "labels",
    "content",
    "ingests",
    "snapshots",
    "images",
];

pub(crate) fn read_lease(bucket: &Open<'_>, troubles: &mut Troubles) -> Lease {
    let mut snapshots = BTreeMap::new();
    if let Some(by_snapshotter) = bucket.bucket("snapshots", troubles) {
        for (at, keys) in by_snapshotter.children(troubles) {
            snapshots.insert(at.path.last().cloned().unwrap_or_default(), keys.keys());
        }
    }
    Lease {
        created: bucket.time("createdat", troubles),
        labels: bucket.labels("labels", troubles),
        content: bucket.set("content", troubles),
        ingests: bucket.set("ingests", troubles),
        snapshots,
        images: bucket.set("images", troubles),
    }
}
