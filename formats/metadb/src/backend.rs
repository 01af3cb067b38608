//! A snapshotter's metadata.db.

use std::collections::BTreeMap;

use bolt::Db;
use finding::{Known, Text, Time};
use serde::Serialize;
use view::Span;

use crate::open::{Open, Troubles};
use crate::{DecodeError, Fault, Labels, Problem, Row, Trouble};

/// What a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Read-only, for looking at its parent.
    View,
    /// Writable: a container's, or a layer being unpacked.
    Active,
    /// A finished layer.
    Committed,
}

impl core::fmt::Display for Kind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(match self {
            Self::View => "view",
            Self::Active => "active",
            Self::Committed => "committed",
        })
    }
}

/// A snapshot as its snapshotter knows it; its key is meta.db's `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackendSnapshot {
    /// The name of its directory.
    pub id: Option<u64>,
    /// What it is.
    pub kind: Option<Kind>,
    /// Key of its parent; none for a base.
    pub parent: Option<Text>,
    /// When it was made.
    pub created: Option<Time>,
    /// When it was changed.
    pub updated: Option<Time>,
    /// Its labels.
    pub labels: Labels,
    /// Inodes of its directory when it was committed.
    pub inodes: Option<i64>,
    /// Bytes on disk of its directory when it was committed.
    pub size: Option<i64>,
}

/// A snapshotter's metadata.db, read as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// The last id that was handed out.
    pub sequence: Option<u64>,
    /// The snapshots.
    pub snapshots: Known<Vec<Row<BackendSnapshot>>>,
    /// Key of the child by id of the parent and id of the child: what `Remove` asks.
    pub parents: Known<BTreeMap<(u64, u64), Text>>,
    /// What could not be read or decoded.
    pub troubles: Vec<Trouble>,
}

pub(crate) const KEYS: &[&str] = &[
    "id",
    "kind",
    "parent",
    "createdat",
    "updatedat",
    "labels",
    "inodes",
    "size",
];

impl Backend {
    /// Reads the tree that the snapshotter would use.
    pub fn read_backend(db: &Db<'_>) -> Self {
        let mut troubles = Troubles::for_file(db.view().len());
        let root = Open::new(&db.root(), Vec::new(), &mut troubles);
        let Some(v1) = root.bucket("v1", &mut troubles) else {
            let unknown = root.unknown();
            // A snapshotter that was never used has an empty database, and that is whole.
            if unknown.is_empty() && !root.entries.is_empty() {
                let roots = root.keys().into_iter().collect();
                let problem = Problem::Record(Fault::NoSchema { roots });
                troubles.0.push(Trouble {
                    path: Vec::new(),
                    problem,
                });
            }
            return Self {
                sequence: None,
                snapshots: Known::with(Vec::new(), unknown.clone()),
                parents: Known::with(BTreeMap::new(), unknown),
                troubles: troubles.0,
            };
        };
        let bucket = v1.bucket("snapshots", &mut troubles);
        let sequence = bucket.as_ref().map(|bucket| bucket.sequence);
        let snapshots = match bucket {
            Some(bucket) => bucket.all_rows(KEYS, &mut troubles, read_backend_snapshot),
            None => Known::with(Vec::new(), v1.unknown()),
        };
        let parents = match v1.bucket("parents", &mut troubles) {
            Some(bucket) => read_parents(&bucket, &mut troubles),
            None => Known::with(BTreeMap::new(), v1.unknown()),
        };
        Self {
            sequence,
            snapshots,
            parents,
            troubles: troubles.0,
        }
    }

    /// Every snapshot that could be read.
    pub fn snapshots(&self) -> &[Row<BackendSnapshot>] {
        self.snapshots.read().map_or(&[], Vec::as_slice)
    }
}

pub(crate) fn read_backend_snapshot(bucket: &Open<'_>, troubles: &mut Troubles) -> BackendSnapshot {
    bucket.missing("id", "snapshot", troubles);
    BackendSnapshot {
        id: bucket.uvarint("id", troubles),
        kind: read_kind(bucket, troubles),
        parent: bucket
            .text_value("parent", troubles)
            .filter(|parent| !parent.is_empty()),
        created: bucket.time("createdat", troubles),
        updated: bucket.time("updatedat", troubles),
        labels: bucket.labels("labels", troubles),
        inodes: bucket.varint("inodes", troubles),
        size: bucket.varint("size", troubles),
    }
}

fn read_kind(bucket: &Open<'_>, troubles: &mut Troubles) -> Option<Kind> {
    bucket.missing("kind", "snapshot", troubles);
    let (bytes, span) = bucket.bytes("kind", troubles)?;
    let kind = match bytes {
        [1] => Some(Kind::View),
        [2] => Some(Kind::Active),
        [3] => Some(Kind::Committed),
        _ => None,
    };
    if kind.is_none() {
        undecodable(bucket, "kind", "kind", span, troubles);
    }
    kind
}

fn undecodable(
    bucket: &Open<'_>,
    key: impl Into<Text>,
    what: &'static str,
    span: Span,
    troubles: &mut Troubles,
) {
    let fault = Fault::Value {
        key: key.into(),
        what,
        error: DecodeError::Varint,
        span,
    };
    troubles.0.push(Trouble {
        path: bucket.path.clone(),
        problem: Problem::Record(fault),
    });
}

fn read_parents(bucket: &Open<'_>, troubles: &mut Troubles) -> Known<BTreeMap<(u64, u64), Text>> {
    let mut parents = BTreeMap::new();
    for (key, entry) in bucket.entries.iter() {
        let Some(pair) = parent_key(key) else {
            undecodable(bucket, key, "pair of ids", entry.key_span, troubles);
            continue;
        };
        if let bolt::Value::Bytes(child) = &entry.value {
            parents.insert(pair, Text::from(*child));
        }
    }
    Known::with(parents, bucket.unknown())
}

/// `uvarint(parent) 00 uvarint(child)`.
pub(crate) fn parent_key(key: &[u8]) -> Option<(u64, u64)> {
    let (parent, length) = view::uvarint(key.iter().copied())?;
    let (zero, rest) = key.get(length..)?.split_first()?;
    let (child, length) = view::uvarint(rest.iter().copied())?;
    (*zero == 0 && rest.len() == length).then_some((parent, child))
}

/// Namespace and key of a snapshot in meta.db, by its key in metadata.db:
/// `<namespace>/<number>/<key>`.
pub fn meta_key(backend: &Text) -> Option<(Text, Text)> {
    let mut parts = backend.bytes().splitn(3, |byte| *byte == b'/');
    let (namespace, _, key) = (parts.next()?, parts.next()?, parts.next()?);
    Some((Text::from(namespace), Text::from(key)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_of_the_parents_index_holds_two_ids() {
        assert_eq!(super::parent_key(&[1, 0, 2]), Some((1, 2)));
        assert_eq!(super::parent_key(&[0x80, 1, 0, 0x81, 1]), Some((128, 129)));
        assert_eq!(super::parent_key(&[1, 0]), None);
        assert_eq!(super::parent_key(&[1, 1, 2]), None);
    }
}
