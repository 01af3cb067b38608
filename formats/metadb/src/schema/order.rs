//! Which of two trees of one file is the newer one, by what containerd never does backwards.
//!
//! What says when it was made, and when it was changed, said so within its transaction. So an object that one
//! tree has, and that another one with a younger object has not, was removed before that. A number
//! that was given is not given again. An object that was made last tells nothing: it may be new in one tree, or
//! removed in the other.

use std::collections::{BTreeMap, BTreeSet};

use bolt::{Bucket, Db, Value, Visit};
use finding::Time;

use super::time;

/// What one tree says of its age.
#[derive(Default)]
struct Seen<'s> {
    /// Objects that say when they were made, and when they were changed.
    objects: BTreeMap<Vec<&'s [u8]>, (Time, Option<Time>)>,
    /// The youngest of them.
    latest: Option<Time>,
    /// The sequences of the buckets that number snapshots.
    sequences: BTreeMap<Vec<&'s [u8]>, u64>,
    /// The snapshots of a snapshotter by their numbers, and whether each is committed.
    numbers: BTreeMap<u64, bool>,
}

/// Whether objects at `path` get their time in the transaction that makes them: a snapshot's is taken before.
fn is_timed(path: &[&[u8]]) -> bool {
    matches!(
        path,
        [b"v1", _, b"images" | b"containers" | b"leases"] | [b"v1", _, b"content", b"blob"]
    )
}

/// Whether the bucket at `path` numbers snapshots.
fn is_counter(path: &[&[u8]]) -> bool {
    matches!(path, [b"v1", b"snapshots"] | [b"v1", _, b"snapshots", _])
}

impl<'s> Seen<'s> {
    fn from_db(db: &Db<'s>) -> Self {
        let mut seen = Self::default();
        for step in db.walk() {
            let Visit::Entry(entry) = step.what else {
                continue;
            };
            let path: Vec<&[u8]> = step.bucket.iter().copied().chain([entry.key]).collect();
            let Value::Bucket(bucket) = &entry.value else {
                continue;
            };
            if is_counter(&path) {
                seen.sequences.insert(path, bucket.sequence());
            } else if is_timed(&step.bucket) {
                let at = |key: &[u8]| time(value(bucket, key)?);
                if let Some(made) = at(b"createdat") {
                    seen.latest = seen.latest.max(Some(made));
                    seen.objects.insert(path, (made, at(b"updatedat")));
                }
            } else if matches!(step.bucket.as_slice(), [b"v1", b"snapshots"])
                && let Some(id) = value(bucket, b"id").and_then(|id| crate::uvarint(id).ok())
            {
                let is_committed = value(bucket, b"kind") == Some(&[3]);
                seen.numbers.insert(id, is_committed);
            }
        }
        seen
    }

    /// Whether something here is younger than `other` can have been.
    fn is_younger(&self, other: &Self) -> bool {
        let gone = other.objects.iter().any(|(path, (made, _))| {
            !self.objects.contains_key(path) && self.latest.is_some_and(|latest| *made < latest)
        });
        let changed = self.objects.iter().any(|(path, (made, updated))| {
            other.objects.get(path).is_some_and(|(was_made, was)| {
                made > was_made || made == was_made && updated > was
            })
        });
        let counted = self
            .sequences
            .iter()
            .any(|(path, number)| other.sequences.get(path).is_some_and(|was| number > was));
        let last = self.sequences.get([b"v1".as_slice(), b"snapshots"].as_slice());
        let removed = other.numbers.keys().any(|number| {
            !self.numbers.contains_key(number) && last.is_some_and(|last| number <= last)
        });
        let committed = self
            .numbers
            .iter()
            .any(|(number, is)| *is && other.numbers.get(number) == Some(&false));
        gone || changed || counted || removed || committed
    }
}

fn value<'s>(bucket: &Bucket<'s>, key: &[u8]) -> Option<&'s [u8]> {
    bucket.contents().get(key)?.value.bytes()
}

/// Of `trees`, those of each that are older, as far as that is proven: nothing says the opposite.
pub(super) fn older(trees: &[Db<'_>]) -> Vec<BTreeSet<usize>> {
    let seen: Vec<Seen<'_>> = trees.iter().map(Seen::from_db).collect();
    let is_older = |one: &Seen<'_>, other: &Seen<'_>| other.is_younger(one) && !one.is_younger(other);
    seen.iter()
        .map(|one| {
            let others = seen.iter().enumerate();
            let older = others.filter(|(_, other)| is_older(other, one));
            older.map(|(index, _)| index).collect()
        })
        .collect()
}
