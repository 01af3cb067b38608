//! A snapshotter's metadata.db, as the bolt crate asks for it.

use std::collections::BTreeSet;

use bolt::{Bucket, Change, Contradiction, Counter, Counts, Db, Fit, Found, Keys, Schema, Value};
use finding::Time;

use super::{birthday, contradictions, grammar, kind_of, lost, order, time};
use crate::carved::ObjectKind;

/// A snapshotter's metadata.db.
#[derive(Debug)]
pub(super) struct Backend;

/// Whether `bucket` is `v1`: snapshots, and the index of their parents.
fn v1(bucket: &Bucket<'_>) -> Fit {
    let contents = bucket.contents();
    let has = |key: &[u8]| {
        let entry = contents.get(key);
        entry.is_some_and(|entry| entry.value.bucket().is_some())
    };
    match contents.entries.len() {
        2 if has(b"parents") && has(b"snapshots") => Fit::Yes,
        0 => Fit::Unknown,
        _ if has(b"parents") && has(b"snapshots") => Fit::Unknown,
        _ => Fit::No,
    }
}

fn id(value: &[u8]) -> Option<u64> {
    crate::uvarint(value).ok()
}

impl Schema for Backend {
    fn name(&self) -> &'static str {
        "metadata.db"
    }

    fn root(&self, root: &Bucket<'_>) -> Fit {
        let contents = root.contents();
        let is_alone = contents.entries.len() == 1;
        match contents.get(b"v1").map(|entry| &entry.value) {
            Some(Value::Bucket(bucket)) if is_alone => v1(bucket),
            None if contents.may_have_held(b"v1") => Fit::Unknown,
            _ => Fit::No,
        }
    }

    fn top(&self, bucket: &Bucket<'_>) -> Option<&'static str> {
        (v1(bucket) == Fit::Yes).then_some("v1")
    }

    fn records(&self, path: &Keys<'_>) -> Option<&'static str> {
        (path == [b"v1".as_slice(), b"snapshots"]).then(|| ObjectKind::Backend.name())
    }

    fn record(&self, bucket: &Bucket<'_>) -> Option<&'static str> {
        let kind = kind_of(bucket).filter(|kind| *kind == ObjectKind::Backend);
        kind.map(ObjectKind::name)
    }

    fn entry(&self, path: &Keys<'_>, key: &[u8], value: &Value<'_>) -> Fit {
        match (path, value) {
            ([], Value::Bucket(_)) if key == b"v1" => Fit::Yes,
            ([b"v1"], Value::Bucket(_)) if matches!(key, b"snapshots" | b"parents") => Fit::Yes,
            ([b"v1", b"parents"], Value::Bytes(_)) => {
                if crate::backend::parent_key(key).is_some() {
                    Fit::Yes
                } else {
                    Fit::No
                }
            }
            ([b"v1", b"snapshots"], Value::Bucket(bucket)) => match kind_of(bucket) {
                Some(ObjectKind::Backend) => Fit::Yes,
                Some(_) => Fit::No,
                None => Fit::Unknown,
            },
            ([] | [b"v1"] | [b"v1", b"snapshots" | b"parents"], _) => Fit::No,
            _ => Fit::Unknown,
        }
    }

    fn leaf(&self, path: &Keys<'_>, entries: &[(&[u8], Value<'_>)], is_all: bool) -> Fit {
        grammar::leaf(grammar::Of::Backend, path, entries, is_all)
    }

    fn required(&self, path: &Keys<'_>) -> &'static [&'static [u8]] {
        match path {
            [b"v1", b"snapshots"] => &[b"id", b"kind"],
            _ => &[],
        }
    }

    fn counts(&self, path: &Keys<'_>) -> Counts {
        match path {
            [] | [b"v1"] => Counts::Below,
            [b"v1", b"snapshots"] => Counts::Here(Counter {
                key: b"id",
                read: id,
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
        contradictions::backend(root)
    }

    fn stale(&self, old: &Db<'_>, new: &Db<'_>, changes: &[Change<'_>]) -> Vec<Found> {
        lost::stale(old, new, changes)
    }

    fn older(&self, trees: &[Db<'_>]) -> Vec<BTreeSet<usize>> {
        order::older(trees)
    }
}
