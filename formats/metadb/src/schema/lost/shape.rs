//! What containerd writes together, and what it never takes away.

use std::collections::BTreeSet;

use bolt::{Bucket, Change, Db, Differs, Entry, Found};

use super::{
    DANGLING, SHAPELESS, UNCOUNTED, UNHELD, found,
    objects::{Of, collection},
};

/// Objects without what each has, collections that went away, names that lead nowhere.
pub(super) fn stale(db: &Db<'_>, changes: &[Change<'_>]) -> Vec<Found> {
    let mut stale = Vec::new();
    let mut seen = BTreeSet::new();
    for change in changes {
        let path = change.bucket.as_slice();
        match (change.differs, &change.old, &change.new) {
            (Differs::Added, _, Some(new)) => {
                if let Some(of) = collection(path)
                    && !is_shaped(new, of)
                {
                    stale.push(found(new, path, &SHAPELESS));
                }
                if matches!(path, [b"v1", _, b"content"])
                    && !matches!(new.key, b"blob" | b"ingests")
                {
                    stale.push(found(new, path, &SHAPELESS));
                }
                if let Some(named) = leased(path, new.key)
                    && entry(db, &named).is_none()
                {
                    stale.push(found(new, path, &DANGLING));
                }
                if matches!(path, [b"v1", b"parents"]) && !is_child(db, new) {
                    stale.push(found(new, path, &DANGLING));
                }
            }
            (Differs::Changed, _, Some(new))
                if matches!(path, [b"v1", b"parents"]) && !is_child(db, new) =>
            {
                stale.push(found(new, path, &DANGLING));
            }
            (Differs::Removed, Some(old), _)
                if matches!(path, [b"v1", b"parents"]) && is_child(db, old) =>
            {
                stale.push(found(old, path, &DANGLING));
            }
            // A namespace goes as a whole, its collections never.
            (Differs::Removed, Some(old), _)
                if path.len() == 2
                    && path.first() == Some(&b"v1".as_slice())
                    && old.value.bucket().is_some()
                    && old.key != b"labels"
                    && collection(path).is_none()
                    && seen.insert(path.to_vec()) =>
            {
                if let Some(namespace) = entry(db, path) {
                    stale.push(found(
                        &namespace,
                        path.get(..1).unwrap_or_default(),
                        &SHAPELESS,
                    ));
                }
            }
            _ => {}
        }
    }
    stale.extend(uncounted(db, changes));
    stale.extend(unheld(db, changes));
    stale.extend(unnamed(changes));
    stale
}

/// A bucket of snapshots in meta.db that gave a number, and from which one went: who commits a snapshot adds
/// another one, and who removes one takes no number.
fn unnamed(changes: &[Change<'_>]) -> Option<Found> {
    let counted = changes.iter().find(|change| {
        let (Some(old), Some(new)) = (&change.old, &change.new) else {
            return false;
        };
        let sequence = |entry: &Entry<'_>| entry.value.bucket().map(Bucket::sequence);
        let path: Vec<&[u8]> = change.bucket.iter().copied().chain([change.key]).collect();
        let of = |differs| {
            let mut all = changes.iter().filter(|one| one.bucket.as_slice() == path);
            all.any(|one| one.differs == differs)
        };
        collection(&path) == Some(Of::Snapshots)
            && sequence(new) > sequence(old)
            && of(Differs::Removed)
            && !of(Differs::Added)
    })?;
    Some(found(counted.new.as_ref()?, &counted.bucket, &UNCOUNTED))
}

/// A lease of which an ingest went in the transaction that made a blob of it: whoever commits puts the blob in
/// its place.
fn unheld(db: &Db<'_>, changes: &[Change<'_>]) -> Option<Found> {
    changes.iter().find_map(|gone| {
        let [v1, namespace, b"leases", lease, b"ingests"] = gone.bucket.as_slice() else {
            return None;
        };
        if gone.differs != Differs::Removed {
            return None;
        }
        let blobs = [*v1, *namespace, b"content".as_slice(), b"blob"];
        let is_blob = |one: &&Change<'_>| {
            one.differs == Differs::Added && one.bucket.as_slice() == blobs.as_slice()
        };
        let mut added = changes.iter().filter(is_blob);
        let (blob, other) = (added.next()?, added.next());
        let held = [*v1, *namespace, b"leases", *lease, b"content", blob.key];
        let lease = entry(db, &[*v1, *namespace, b"leases", *lease])?;
        let is_missing = other.is_none() && entry(db, &held).is_none();
        is_missing.then(|| found(&lease, gone.bucket.get(..3).unwrap_or_default(), &UNHELD))
    })
}

/// The entry at `path`.
fn entry<'s>(db: &Db<'s>, path: &[&[u8]]) -> Option<Entry<'s>> {
    let (last, above) = path.split_last()?;
    let bucket = above
        .iter()
        .try_fold(db.root(), |bucket: Bucket<'s>, key| {
            bucket.contents().get(key)?.value.bucket().cloned()
        })?;
    bucket.contents().get(last).cloned()
}

/// Whether an object has what each of its kind has.
fn is_shaped(object: &Entry<'_>, of: Of) -> bool {
    let Some(bucket) = object.value.bucket() else {
        return false;
    };
    let contents = bucket.contents();
    let text = |key: &[u8]| contents.get(key).and_then(|entry| entry.value.bytes());
    // The name of a snapshot and of an ingest ends with the key.
    let is_named = |key: &[u8]| text(key).is_none_or(|name| name.ends_with(object.key));
    match of {
        Of::Records => text(b"createdat").is_some(),
        Of::Snapshots => text(b"createdat").is_some() && is_named(b"name"),
        Of::Backend => text(b"id").is_some() && text(b"kind").is_some(),
        Of::Ingests => text(b"ref").is_some() && is_named(b"ref"),
    }
}

/// The object that a lease names by `key` in its bucket at `path`.
fn leased<'k>(path: &[&'k [u8]], key: &'k [u8]) -> Option<Vec<&'k [u8]>> {
    match path {
        [v1, namespace, b"leases", _, b"ingests"] => {
            Some(vec![v1, namespace, b"content", b"ingests", key])
        }
        [v1, namespace, b"leases", _, b"content"] => {
            Some(vec![v1, namespace, b"content", b"blob", key])
        }
        [v1, namespace, b"leases", _, b"snapshots", snapshotter] => {
            Some(vec![v1, namespace, b"snapshots", snapshotter, key])
        }
        _ => None,
    }
}

/// Whether a row of the index of parents names a snapshot that is there.
fn is_child(db: &Db<'_>, row: &Entry<'_>) -> bool {
    row.value
        .bytes()
        .is_some_and(|name| entry(db, &[b"v1", b"snapshots", name]).is_some())
}

/// A snapshotter's number without its snapshot, or the other way round: one transaction counts and
/// adds.
fn uncounted(db: &Db<'_>, changes: &[Change<'_>]) -> Option<Found> {
    // A namespace of this name in meta.db has no index of parents beside it.
    entry(db, &[b"v1", b"parents"])?;
    let is_counter = |change: &&Change<'_>| {
        change.differs == Differs::Changed
            && change.bucket.as_slice() == [b"v1".as_slice()]
            && change.key == b"snapshots"
    };
    let in_backend = |change: &&Change<'_>| collection(&change.bucket) == Some(Of::Backend);
    let added = |change: &&Change<'_>| change.differs == Differs::Added;
    let removed = |change: &&Change<'_>| change.differs == Differs::Removed;
    let counter = changes.iter().find(is_counter);
    let new = changes.iter().filter(in_backend).find(added);
    let is_commit = changes
        .iter()
        .filter(in_backend)
        .any(|change| removed(&change));
    match (counter, new) {
        (Some(counter), None) => Some(found(counter.new.as_ref()?, &counter.bucket, &UNCOUNTED)),
        (None, Some(new)) if !is_commit => Some(found(new.new.as_ref()?, &new.bucket, &UNCOUNTED)),
        _ => None,
    }
}
