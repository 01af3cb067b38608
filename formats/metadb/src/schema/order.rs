//! Which of two trees of one file is the newer one, by what containerd never does backwards.
//!
//! What says when it was made, and when it was changed, said so within its transaction. So an object that one
//! tree has, and that another one lacks beside an object that is younger than it, was removed before that. A number
//! that a bucket of snapshots gave is not given again. An object that was made last tells nothing: it may be new in
//! one tree, or removed in the other.
//!
//! One of the trees may be older, with pages that were written over since: then it is none of any time. So what
//! is compared stands on one page, and both trees have the younger object.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound::{Excluded, Unbounded},
};

use bolt::{Bucket, Db, PageId, Value, Visit};
use finding::Time;

use super::time;

/// An object that says when it was made.
struct Object {
    made: Time,
    changed: Option<Time>,
    /// The page that names it.
    page: PageId,
    /// Whether both times are of the transactions that wrote them. Of a snapshot only the second one is.
    is_timed: bool,
}

/// What one tree says of its age.
#[derive(Default)]
struct Seen<'s> {
    objects: BTreeMap<Vec<&'s [u8]>, Object>,
    /// The sequence of a snapshotter's bucket.
    last: Option<u64>,
    /// Its snapshots by their numbers, and whether each is committed.
    numbers: BTreeMap<u64, bool>,
    /// The sequences of the buckets of snapshots in meta.db.
    sequences: BTreeMap<Vec<&'s [u8]>, u64>,
}

/// Whether snapshots stand at `path`, in either database.
fn has_snapshots(path: &[&[u8]]) -> bool {
    matches!(path, [b"v1", b"snapshots"] | [b"v1", _, b"snapshots", _])
}

/// Whether objects at `path` get their time in the transaction that makes them: a snapshot's is taken before.
fn is_timed(path: &[&[u8]]) -> bool {
    matches!(
        path,
        [b"v1", _, b"images" | b"containers" | b"leases"] | [b"v1", _, b"content", b"blob"]
    )
}

impl<'s> Seen<'s> {
    fn from_db(db: &Db<'s>) -> Self {
        let mut seen = Self::default();
        for step in db.walk() {
            let Visit::Entry(entry) = step.what else {
                continue;
            };
            let Value::Bucket(bucket) = &entry.value else {
                continue;
            };
            let above = step.bucket.as_slice();
            if matches!(above, [b"v1"]) && entry.key == b"snapshots" {
                seen.last = Some(bucket.sequence());
            } else if matches!(above, [b"v1", _, b"snapshots"]) {
                let path = above.iter().copied().chain([entry.key]).collect();
                seen.sequences.insert(path, bucket.sequence());
            }
            if is_timed(above) || has_snapshots(above) {
                let at = |key: &[u8]| time(value(bucket, key)?);
                if let Some(made) = at(b"createdat") {
                    let path = above.iter().copied().chain([entry.key]).collect();
                    let (changed, page) = (at(b"updatedat"), entry.page);
                    let object = Object {
                        made,
                        changed,
                        page,
                        is_timed: is_timed(above),
                    };
                    seen.objects.insert(path, object);
                }
            }
            if matches!(above, [b"v1", b"snapshots"])
                && let Some(id) = value(bucket, b"id").and_then(|id| crate::uvarint(id).ok())
            {
                let is_committed = value(bucket, b"kind") == Some(&[3]);
                seen.numbers.insert(id, is_committed);
            }
        }
        seen
    }

    /// The page that would name the object at `path`, by those beside it.
    fn page_for(&self, path: &[&'s [u8]]) -> Option<PageId> {
        let before = self
            .objects
            .range::<[&[u8]], _>((Unbounded, Excluded(path)));
        let after = self
            .objects
            .range::<[&[u8]], _>((Excluded(path), Unbounded));
        let is_beside = |other: &[&[u8]]| {
            let above = |path: &[&'_ [u8]]| path.len().saturating_sub(1);
            other.len() == path.len() && other.get(..above(other)) == path.get(..above(path))
        };
        before
            .rev()
            .take(1)
            .chain(after.take(1))
            .find(|(other, _)| is_beside(other))
            .map(|(_, object)| object.page)
    }

    /// Whether something here is younger than `other` can have been.
    fn is_younger(&self, other: &Self) -> bool {
        // Of each page that names objects, the youngest that both trees have.
        let mut youngest: BTreeMap<PageId, Time> = BTreeMap::new();
        for (path, object) in &self.objects {
            if object.is_timed && other.has(path, object) {
                let most = youngest.entry(object.page).or_insert(object.made);
                *most = object.made.max(*most);
            }
        }
        let gone = other
            .objects
            .iter()
            .filter(|(path, object)| object.is_timed && !self.objects.contains_key(*path))
            .any(|(path, object)| {
                let page = self.page_for(path);
                let latest = page.and_then(|page| youngest.get(&page));
                latest.is_some_and(|latest| object.made < *latest)
            });
        let changed = self.objects.iter().any(|(path, object)| {
            let was = other.objects.get(path);
            was.is_some_and(|was| was.made == object.made && was.changed < object.changed)
        });
        let counted = self.last > other.last && other.last.is_some();
        let removed = other.numbers.keys().any(|number| {
            !self.numbers.contains_key(number) && self.last.is_some_and(|last| *number <= last)
        });
        let committed = self
            .numbers
            .iter()
            .any(|(number, is)| *is && other.numbers.get(number) == Some(&false));
        gone || changed || counted || removed || committed || self.has_counted(other)
    }

    /// Whether the object at `path` is there, and the same one.
    fn has(&self, path: &[&'s [u8]], object: &Object) -> bool {
        let own = self.objects.get(path);
        own.is_some_and(|own| own.made == object.made)
    }

    /// Whether a bucket of snapshots in meta.db gave numbers since. That of a namespace that was removed and made
    /// again starts anew: it is the same one if both trees have one of its snapshots.
    fn has_counted(&self, other: &Self) -> bool {
        self.sequences.iter().any(|(bucket, sequence)| {
            let is_in = |path: &[&[u8]]| path.len() > bucket.len() && path.starts_with(bucket);
            let is_same = || {
                let mut objects = self.objects.iter();
                objects.any(|(path, object)| is_in(path) && other.has(path, object))
            };
            let before = other.sequences.get(bucket);
            before.is_some_and(|before| before < sequence) && is_same()
        })
    }
}

fn value<'s>(bucket: &Bucket<'s>, key: &[u8]) -> Option<&'s [u8]> {
    bucket.contents().get(key)?.value.bytes()
}

/// Of `trees`, those of each that are older, as far as that is proven: nothing says the opposite.
pub(super) fn older(trees: &[Db<'_>]) -> Vec<BTreeSet<usize>> {
    let seen: Vec<Seen<'_>> = trees.iter().map(Seen::from_db).collect();
    let is_older =
        |one: &Seen<'_>, other: &Seen<'_>| other.is_younger(one) && !one.is_younger(other);
    seen.iter()
        .map(|one| {
            let others = seen.iter().enumerate();
            let older = others.filter(|(_, other)| is_older(other, one));
            older.map(|(index, _)| index).collect()
        })
        .collect()
}
