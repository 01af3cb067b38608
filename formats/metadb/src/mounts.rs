//! mounts.db of the mount manager (2.2 and later).
//!
//! ```text
//! STATE/io.containerd.mount-manager.v1.bolt/mounts.db    core/mount/manager/manager.go
//! v1/<namespace>/mounts/<name>/   id=uvarint createdat updatedat lease=text labels/
//!                                 active/<u8>/{type,mp,mat}   system/<u8>/{type,source,target,options}
//! v1/<namespace>/leases/<lease>/<name> = nothing
//! ```
//!
//! A mount without `active` was being made when the daemon died. The label
//! `containerd.io/gc.bref.container` names the container that needs it.

use bolt::Db;
use finding::{Known, Text, Time};
use serde::Serialize;

use crate::open::{Open, Troubles};
use crate::{Labels, Row, Trouble};

/// A mount that the manager made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// Its namespace.
    pub namespace: Text,
    /// The name of its folder below `t`.
    pub id: Option<u64>,
    /// When it was made.
    pub created: Option<Time>,
    /// The lease that holds it.
    pub lease: Option<Text>,
    /// Its labels.
    pub labels: Labels,
    /// Where its parts are mounted.
    pub targets: Vec<Text>,
    /// Whether its parts were mounted.
    pub is_active: bool,
}

impl Mount {
    /// The container that needs it, where it says so.
    pub fn container(&self) -> Option<&Text> {
        let mut labels = self.labels.entries.iter();
        let bref = b"containerd.io/gc.bref.container";
        let named = labels.find(|(key, _)| {
            let rest = key.bytes().strip_prefix(bref);
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(b".") || rest.starts_with(b"/")
            })
        });
        named.map(|(_, value)| value)
    }
}

/// mounts.db, read as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounts {
    /// The mounts of every namespace.
    pub mounts: Known<Vec<Row<Mount>>>,
    /// What could not be read or decoded.
    pub troubles: Vec<Trouble>,
}

const KEYS: &[&str] = &[
    "id",
    "createdat",
    "updatedat",
    "lease",
    "labels",
    "active",
    "system",
];

impl Mounts {
    /// Reads the tree that the daemon would use.
    pub fn read_mounts(db: &Db<'_>) -> Self {
        let mut troubles = Troubles::default();
        let root = Open::new(&db.root(), Vec::new(), &mut troubles);
        let mut rows = Vec::new();
        let mut unknown = root.unknown();
        if let Some(v1) = root.bucket("v1", &mut troubles) {
            unknown.extend(v1.unknown());
            for (at, namespace) in v1.children(&mut troubles) {
                let name = at.path.last().cloned().unwrap_or_default();
                let of = namespace.rows("mounts", KEYS, &mut troubles, |bucket, troubles| {
                    read_mount(bucket, &name, troubles)
                });
                unknown.extend(of.unknown().iter().cloned());
                if let Known::Whole(mounts) | Known::Partial(mounts, _) = of {
                    rows.extend(mounts);
                }
            }
        }
        Self {
            mounts: Known::with(rows, unknown),
            troubles: troubles.0,
        }
    }
}

fn read_mount(bucket: &Open<'_>, namespace: &Text, troubles: &mut Troubles) -> Mount {
    let active = bucket.bucket("active", troubles);
    let parts = active.as_ref().map(|active| active.children(troubles));
    let mut targets = Vec::new();
    for (_, part) in parts.into_iter().flatten() {
        targets.extend(part.text_value("mp", troubles));
    }
    Mount {
        namespace: namespace.clone(),
        id: bucket.uvarint("id", troubles),
        created: bucket.time("createdat", troubles),
        lease: bucket.text_value("lease", troubles),
        labels: bucket.labels("labels", troubles),
        targets,
        is_active: active.is_some(),
    }
}
