//! What containerd's transactions can do to its objects, and what each object says of its age.
//!
//! ```text
//! meta.db        v1/<namespace>/{images,containers,leases,sandboxes}/<id>/     createdat …
//!                v1/<namespace>/content/{blob,ingests}/<digest, ref>/
//!                v1/<namespace>/snapshots/<snapshotter>/<key>/                 name createdat …
//! metadata.db    v1/snapshots/<key>/           id kind createdat …             sequence: the last id
//! ```

use std::collections::{BTreeMap, BTreeSet};

use bolt::{Change, Db, Differs, Entry, Found, Value, Visit, What};
use finding::{Severity, Time};

use super::{EXCHANGED, REMADE, RESURRECTED, REVERTED, UNDONE, UNLEASED, found};
use crate::schema::time;
use crate::uvarint;

/// Objects that one transaction may remove before it is worth a note.
const MANY: usize = 6;

/// A collection of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Images, containers, leases, sandboxes, blobs.
    Records,
    Ingests,
    Snapshots,
    /// Those of a snapshotter.
    Backend,
}

/// Which collection the bucket at `path` is.
pub(super) fn collection(path: &[&[u8]]) -> Option<Of> {
    match path {
        [b"v1", b"snapshots"] => Some(Of::Backend),
        [
            b"v1",
            _,
            b"images" | b"containers" | b"leases" | b"sandboxes",
        ]
        | [b"v1", _, b"content", b"blob"] => Some(Of::Records),
        [b"v1", _, b"content", b"ingests"] => Some(Of::Ingests),
        [b"v1", _, b"snapshots", _] => Some(Of::Snapshots),
        _ => None,
    }
}

/// A value of the object in a bucket.
fn value<'s>(entry: &Entry<'s>, key: &[u8]) -> Option<&'s [u8]> {
    entry.value.bucket()?.contents().get(key)?.value.bytes()
}

/// When an object was made.
fn made(entry: &Entry<'_>) -> Option<Time> {
    time(value(entry, b"createdat")?)
}

/// The number that a snapshotter gave to a snapshot: an unsigned LEB128.
fn id(entry: &Entry<'_>) -> Option<u64> {
    uvarint(value(entry, b"id")?).ok()
}

/// The number in the name of a snapshot: `namespace/number/key`.
fn number(entry: &Entry<'_>) -> Option<u64> {
    let name = core::str::from_utf8(value(entry, b"name")?).ok()?;
    name.split('/').nth(1)?.parse().ok()
}

/// Whether a snapshot of a snapshotter is committed.
fn is_committed(entry: &Entry<'_>) -> bool {
    value(entry, b"kind") == Some(&[3])
}

/// What is known of the objects in the tree before.
#[derive(Default)]
struct Known<'s> {
    /// The newest time of creation.
    newest: Option<Time>,
    /// The newest time at which something was made or changed.
    latest: Option<Time>,
    /// The last number that the snapshotter gave.
    last_id: u64,
    /// The highest number in a name, of each bucket of snapshots.
    numbers: BTreeMap<Vec<&'s [u8]>, u64>,
}

impl<'s> Known<'s> {
    fn from_db(db: &Db<'s>) -> Self {
        let mut known = Self::default();
        for step in db.walk() {
            let Visit::Entry(entry) = step.what else {
                continue;
            };
            let path = step.bucket.as_slice();
            match (path, entry.key, &entry.value) {
                (_, b"createdat" | b"updatedat", Value::Bytes(value)) => {
                    let time = time(value);
                    known.latest = known.latest.max(time);
                    if entry.key == b"createdat" {
                        known.newest = known.newest.max(time);
                    }
                }
                ([b"v1"], b"snapshots", Value::Bucket(bucket)) => {
                    known.last_id = bucket.sequence();
                }
                _ if collection(path) == Some(Of::Snapshots) => {
                    if let Some(number) = number(&entry) {
                        let most = known.numbers.entry(path.to_vec()).or_default();
                        *most = number.max(*most);
                    }
                }
                _ => {}
            }
        }
        known
    }

    /// Whether `new`, in the bucket at `path`, was made before N.
    fn is_older(&self, new: &Entry<'_>, of: Of, path: &[&[u8]]) -> bool {
        let is_old = || made(new).is_some_and(|made| Some(made) <= self.latest);
        match of {
            // Those are numbered, which is better than any clock.
            Of::Backend => id(new).is_some_and(|id| id <= self.last_id),
            // The number is taken in a transaction of its own, and the time before this one waits
            // for others.
            Of::Snapshots => {
                let most = self.numbers.get(path);
                is_old() && number(new).is_none_or(|new| most.is_some_and(|most| new <= *most))
            }
            Of::Records | Of::Ingests => is_old(),
        }
    }

    /// Whether `old`, in the bucket at `path`, was the last that was made.
    fn is_newest(&self, old: &Entry<'_>, of: Of, path: &[&[u8]]) -> bool {
        match of {
            Of::Backend => id(old) == Some(self.last_id),
            Of::Snapshots => number(old).as_ref() == self.numbers.get(path),
            Of::Records => made(old).is_some() && made(old) == self.newest,
            // Nothing tells when it was begun.
            Of::Ingests => true,
        }
    }
}

/// What one transaction did to the objects.
#[derive(Default)]
struct Done<'a, 's> {
    added: Vec<(Of, &'a Change<'s>, &'a Entry<'s>)>,
    removed: Vec<(Of, &'a Change<'s>, &'a Entry<'s>)>,
}

impl<'a, 's> Done<'a, 's> {
    fn from_changes(changes: &'a [Change<'s>]) -> Self {
        let mut done = Self::default();
        for change in changes {
            let Some(of) = collection(&change.bucket) else {
                continue;
            };
            match (change.differs, &change.old, &change.new) {
                (Differs::Added, _, Some(new)) => done.added.push((of, change, new)),
                (Differs::Removed, Some(old), _) => done.removed.push((of, change, old)),
                _ => {}
            }
        }
        done
    }

    /// Whether a snapshot was committed: it goes on under another key.
    fn is_commit(&self) -> bool {
        match (self.added.as_slice(), self.removed.as_slice()) {
            ([(Of::Backend, _, new)], [(Of::Backend, _, old)]) => {
                id(new) == id(old) && is_committed(new) && !is_committed(old)
            }
            ([(Of::Snapshots, to, _)], [(Of::Snapshots, from, _)]) => to.bucket == from.bucket,
            _ => false,
        }
    }

    /// An object that came with others: a transaction adds one object or removes some. Only a
    /// snapshot that is committed takes the place of another one, and a blob that of its ingest.
    /// One object for another of the same bucket is let pass, if it is not the newest that went.
    fn exchanged(&self, newest: Option<Time>) -> Option<Found> {
        let is_blob = |(of, change, _): &(Of, &Change<'_>, &Entry<'_>)| {
            *of == Of::Records && change.bucket.last() == Some(&b"blob".as_slice())
        };
        let is_right = match (self.added.as_slice(), self.removed.as_slice()) {
            ([], _) | ([_], []) => true,
            ([new], [(Of::Ingests, ..)]) => is_blob(new),
            ([(Of::Records, to, _)], [(Of::Records, from, old)]) => {
                to.bucket == from.bucket && made(old) != newest
            }
            _ => self.is_commit(),
        };
        let (_, change, new) = self.added.first().filter(|_| !is_right)?;
        Some(found(new, &change.bucket, &EXCHANGED))
    }
}

/// What was last made is gone, and nothing came: as before it was made. Somebody may have removed it.
fn undone(known: &Known<'_>, done: &Done<'_, '_>) -> Option<Found> {
    let mut removed = done.removed.iter();
    let is_newest = |of: Of, change: &Change<'_>, old: &Entry<'_>| {
        done.added.is_empty() && known.is_newest(old, of, &change.bucket)
    };
    let (_, change, old) = removed.find(|(of, change, old)| is_newest(*of, change, old))?;
    Some(noted(found(old, &change.bucket, &UNDONE)))
}

/// Where something was removed: its bucket, and its key there.
fn removed<'a, 's>(changes: &'a [Change<'s>]) -> BTreeSet<(&'a [&'s [u8]], &'s [u8])> {
    let gone = changes
        .iter()
        .filter(|change| change.differs == Differs::Removed);
    gone.map(|change| (change.bucket.as_slice(), change.key))
        .collect()
}

/// A lease that names content no more. What else happened tells whether anybody wants that: each
/// transaction does one thing, and only a lease that goes takes what it names with it.
fn unleased(changes: &[Change<'_>]) -> Option<Found> {
    let is_content = |change: &&Change<'_>| {
        let path = change.bucket.as_slice();
        change.differs == Differs::Removed && matches!(path, [b"v1", _, b"leases", _, b"content"])
    };
    let gone = removed(changes);
    #[cfg(test)]
    super::shape::tests::READ.with(|read| read.set(read.get().saturating_add(gone.len())));
    let is_gone = |change: &Change<'_>| match change.bucket.as_slice() {
        #[cfg(test)]
        _ if super::shape::tests::is_one_more() => false,
        [above @ .., lease, _] => gone.contains(&(above, lease)),
        _ => false,
    };
    let change = changes
        .iter()
        .filter(is_content)
        .find(|one| !is_gone(one))?;
    let stale = found(change.old.as_ref()?, &change.bucket, &UNLEASED);
    let is_added = changes.iter().any(|one| one.differs == Differs::Added);
    Some(if is_added { stale } else { noted(stale) })
}

fn noted(mut found: Found) -> Found {
    found.fault = found.fault.no_worse_than(Severity::Note);
    found
}

/// Objects of N that cannot be of N.
///
/// Only for databases of containerd, which are known by their root bucket.
pub(super) fn stale(old: &Db<'_>, changes: &[Change<'_>]) -> Vec<Found> {
    let known = Known::from_db(old);
    let done = Done::from_changes(changes);
    let mut stale: Vec<Found> = done.exchanged(known.newest).into_iter().collect();
    stale.extend(undone(&known, &done));
    stale.extend(unleased(changes));
    if !done.is_commit() {
        let older = done
            .added
            .iter()
            .filter(|(of, change, new)| known.is_older(new, *of, &change.bucket));
        stale.extend(older.map(|(_, change, new)| found(new, &change.bucket, &RESURRECTED)));
    }
    let objects: BTreeSet<_> = done
        .removed
        .iter()
        .map(|(_, change, _)| (change.bucket.as_slice(), change.key))
        .collect();
    let is_gone = |change: &&Change<'_>| {
        let object = change.bucket.as_slice().split_last();
        object.is_some_and(|(key, above)| objects.contains(&(above, key)))
    };
    let kept = changes
        .iter()
        .filter(|change| change.new.is_some() || !is_gone(change));
    stale.extend(kept.filter_map(went_back));
    let mut gone = done.removed.iter();
    if gone.len() > MANY {
        let objects = u64::try_from(gone.len()).unwrap_or(u64::MAX);
        stale.extend(gone.next().map(|(_, change, entry)| {
            let mut first = found(entry, &change.bucket, &RESURRECTED);
            first.fault.what = What::ManyGone { objects };
            first
        }));
    }
    stale
}

/// A time that can only grow, and did not. The time when an object was made goes only with it.
fn went_back(change: &Change<'_>) -> Option<Found> {
    if change.differs == Differs::Removed && change.key == b"createdat" {
        let (_, above) = change.bucket.split_last()?;
        let of = collection(above).is_some();
        return change
            .old
            .as_ref()
            .filter(|_| of)
            .map(|old| found(old, &change.bucket, &REMADE));
    }
    let (Some(before), Some(now)) = (&change.old, &change.new) else {
        return None;
    };
    let was = time(before.value.bytes()?)?;
    let is = time(now.value.bytes()?)?;
    let why = match now.key {
        b"createdat" if is != was => &REMADE,
        b"updatedat" if is < was => &REVERTED,
        _ => return None,
    };
    Some(found(now, &change.bucket, why))
}
