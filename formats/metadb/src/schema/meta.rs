//! meta.db, as the bolt crate asks for it.

use std::collections::BTreeSet;

use bolt::{Bucket, Change, Contradiction, Counter, Counts, Db, Fit, Found, Keys, Schema, Value};
use finding::Time;

use super::{birthday, contradictions, grammar, is_version, kind_of, lost, order, time};
use crate::carved::{ObjectKind, place};

/// meta.db.
#[derive(Debug)]
pub(super) struct Meta;

/// What a namespace holds.
pub(super) const COLLECTIONS: &[&str] = &[
    "labels",
    "images",
    "containers",
    "snapshots",
    "content",
    "leases",
    "sandboxes",
];

/// Whether it is the key of something that a namespace holds.
pub(crate) fn is_collection(key: &[u8]) -> bool {
    COLLECTIONS.iter().any(|name| name.as_bytes() == key)
}

/// What stands in the bucket `v1`.
fn v1(bucket: &Bucket<'_>) -> Fit {
    let contents = bucket.contents();
    let (mut fit, mut has_version) = (Fit::Yes, false);
    for entry in &contents.entries {
        fit = fit.min(match (entry.key, &entry.value) {
            (b"version", Value::Bytes(value)) if is_version(value) => {
                has_version = true;
                Fit::Yes
            }
            (_, Value::Bytes(_)) => Fit::No,
            (_, Value::Bucket(namespace)) => self::namespace(namespace),
        });
    }
    match fit {
        // An empty bucket may be anybody's, and a migration that died leaves no version.
        Fit::Yes if contents.entries.is_empty() => Fit::Unknown,
        // What stands in the place of its namespaces may be damage.
        Fit::No if has_version && is_versioned(bucket) => Fit::Unknown,
        fit => fit,
    }
}

/// Whether `bucket` has a version, and beside it buckets, and nothing but buckets.
fn is_versioned(bucket: &Bucket<'_>) -> bool {
    let contents = bucket.contents();
    let version = contents.get(b"version").and_then(|one| one.value.bytes());
    let values = contents.entries.iter();
    let values = values.filter(|one| one.value.bucket().is_none());
    version.is_some_and(is_version) && values.count() == 1 && contents.entries.len() > 1
}

/// Whether `bucket` is a namespace.
fn namespace(bucket: &Bucket<'_>) -> Fit {
    let contents = bucket.contents();
    let is_known = is_collection;
    let entries = || contents.entries.iter();
    if entries().all(|entry| is_known(entry.key) && entry.value.bucket().is_some()) {
        Fit::Yes
    } else if entries().any(|entry| is_known(entry.key)) {
        Fit::Unknown
    } else {
        Fit::No
    }
}

/// Whether `value` is a record of this kind.
fn record(kind: ObjectKind, value: &Value<'_>) -> Fit {
    let Value::Bucket(bucket) = value else {
        return Fit::No;
    };
    if kind == ObjectKind::Namespace {
        return namespace(bucket);
    }
    match kind_of(bucket) {
        Some(found) if found == kind => Fit::Yes,
        // A container without a snapshot has the keys of a sandbox.
        Some(ObjectKind::Sandbox) if kind == ObjectKind::Container => Fit::Unknown,
        Some(_) => Fit::No,
        None => Fit::Unknown,
    }
}

/// The number in the name of a snapshot: `<namespace>/<number>/<key>`.
pub(super) fn number(name: &[u8]) -> Option<u64> {
    let part = name.split(|byte| *byte == b'/').nth(1)?;
    core::str::from_utf8(part).ok()?.parse().ok()
}

impl Schema for Meta {
    fn name(&self) -> &'static str {
        "meta.db"
    }

    fn root(&self, root: &Bucket<'_>) -> Fit {
        let contents = root.contents();
        let has_value = contents
            .entries
            .iter()
            .any(|entry| entry.value.bucket().is_none());
        match contents.get(b"v1").map(|entry| &entry.value) {
            Some(Value::Bucket(bucket)) if !has_value => v1(bucket),
            None if contents.may_have_held(b"v1") => Fit::Unknown,
            _ => Fit::No,
        }
    }

    fn top(&self, bucket: &Bucket<'_>) -> Option<&'static str> {
        is_versioned(bucket).then_some("v1")
    }

    fn records(&self, path: &Keys<'_>) -> Option<&'static str> {
        place(path)?.kind.map(ObjectKind::name)
    }

    fn record(&self, bucket: &Bucket<'_>) -> Option<&'static str> {
        let kind = kind_of(bucket).filter(|kind| *kind != ObjectKind::Backend);
        kind.map(ObjectKind::name)
    }

    fn entry(&self, path: &Keys<'_>, key: &[u8], value: &Value<'_>) -> Fit {
        let is_bucket = value.bucket().is_some();
        let bucket_if = |is_known: bool, other: Fit| match (is_known, is_bucket) {
            (true, true) => Fit::Yes,
            (true, false) => Fit::No,
            (false, _) => other,
        };
        match path {
            [] if !is_bucket => Fit::No,
            [] => bucket_if(key == b"v1", Fit::Unknown),
            [b"v1"] if key == b"version" => match value {
                Value::Bytes(value) if is_version(value) => Fit::Yes,
                _ => Fit::No,
            },
            [b"v1", _] => bucket_if(is_collection(key), Fit::Unknown),
            [b"v1", _, b"content"] => bucket_if(
                matches!(key, b"blob" | b"ingests" | b"ingest"),
                Fit::Unknown,
            ),
            [b"v1", _, b"snapshots"] => bucket_if(true, Fit::No),
            [.., b"labels" | b"children"] if path.len() > 2 => {
                if is_bucket {
                    Fit::No
                } else {
                    Fit::Unknown
                }
            }
            _ => match place(path).and_then(|place| place.kind) {
                Some(kind) => record(kind, value),
                None => Fit::Unknown,
            },
        }
    }

    fn leaf(&self, path: &Keys<'_>, entries: &[(&[u8], Value<'_>)], is_all: bool) -> Fit {
        grammar::leaf(grammar::Of::Meta, path, entries, is_all)
    }

    fn required(&self, path: &Keys<'_>) -> &'static [&'static [u8]] {
        match place(path).and_then(|place| place.kind) {
            Some(ObjectKind::Image) => &[b"target"],
            Some(ObjectKind::Snapshot) => &[b"name"],
            Some(ObjectKind::Sandbox) => &[b"runtime"],
            _ => &[],
        }
    }

    fn counts(&self, path: &Keys<'_>) -> Counts {
        match path {
            // The names of metadata.db, where it is not known which of the two a file is.
            [b"v1", b"snapshots" | b"parents"] => Counts::Nothing,
            [] | [b"v1"] | [b"v1", _] | [b"v1", _, b"snapshots"] => Counts::Below,
            [b"v1", _, b"snapshots", _] => Counts::Here(Counter {
                key: b"name",
                read: number,
                ..super::SNAPSHOTS
            }),
            _ => Counts::Nothing,
        }
    }

    fn time(&self, value: &[u8]) -> Option<Time> {
        time(value)
    }

    fn birthday(&self, key: &[u8], value: &[u8]) -> Option<Time> {
        birthday(key, value)
    }

    fn contradictions(&self, root: &Bucket<'_>) -> Vec<Contradiction> {
        contradictions::meta(root)
    }

    fn stale(&self, old: &Db<'_>, new: &Db<'_>, changes: &[Change<'_>]) -> Vec<Found> {
        lost::stale(old, new, changes)
    }

    fn older(&self, trees: &[Db<'_>]) -> Vec<BTreeSet<usize>> {
        order::older(trees)
    }
}
