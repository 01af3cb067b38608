//! What containerd writes together, and what it never takes away.

use std::collections::{BTreeMap, BTreeSet};

use bolt::{Bucket, Change, Db, Differs, Entry, Found};

use super::{
    DANGLING, SHAPELESS, UNCOUNTED, UNHELD, found,
    objects::{Of, collection},
};

/// Objects without what each has, collections that went away, names that lead nowhere.
pub(super) fn stale<'s>(db: &Db<'s>, changes: &[Change<'s>]) -> Vec<Found> {
    let tree = &mut Tree::of_root(db.root());
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
                    && tree.entry(&named).is_none()
                {
                    stale.push(found(new, path, &DANGLING));
                }
                if matches!(path, [b"v1", b"parents"]) && !is_child(tree, new) {
                    stale.push(found(new, path, &DANGLING));
                }
            }
            (Differs::Changed, _, Some(new))
                if matches!(path, [b"v1", b"parents"]) && !is_child(tree, new) =>
            {
                stale.push(found(new, path, &DANGLING));
            }
            (Differs::Removed, Some(old), _)
                if matches!(path, [b"v1", b"parents"]) && is_child(tree, old) =>
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
                if let Some(namespace) = tree.entry(path) {
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
    stale.extend(uncounted(tree, changes));
    stale.extend(unheld(tree, changes));
    stale.extend(unnamed(changes));
    stale
}

/// A bucket of snapshots in meta.db that gave a number, and from which one went: who commits a snapshot adds
/// another one, and who removes one takes no number.
fn unnamed(changes: &[Change<'_>]) -> Option<Found> {
    let buckets = |differs| -> BTreeSet<&[&[u8]]> {
        let all = changes.iter().filter(|one| one.differs == differs);
        all.map(|one| one.bucket.as_slice()).collect()
    };
    let (added, removed) = (buckets(Differs::Added), buckets(Differs::Removed));
    let counted = changes.iter().find(|change| {
        let (Some(old), Some(new)) = (&change.old, &change.new) else {
            return false;
        };
        let sequence = |entry: &Entry<'_>| entry.value.bucket().map(Bucket::sequence);
        let path: Vec<&[u8]> = change.bucket.iter().copied().chain([change.key]).collect();
        collection(&path) == Some(Of::Snapshots)
            && sequence(new) > sequence(old)
            && removed.contains(path.as_slice())
            && !added.contains(path.as_slice())
    })?;
    Some(found(counted.new.as_ref()?, &counted.bucket, &UNCOUNTED))
}

/// A lease of which an ingest went in the transaction that made a blob of it: whoever commits puts the blob in
/// its place.
fn unheld<'s>(tree: &mut Tree<'s>, changes: &[Change<'s>]) -> Option<Found> {
    // Of each namespace: the blob that was added, or none of several.
    let mut blobs: BTreeMap<&[u8], Option<&[u8]>> = BTreeMap::new();
    for one in changes {
        if let [b"v1", namespace, b"content", b"blob"] = one.bucket.as_slice()
            && one.differs == Differs::Added
        {
            let blob = blobs.entry(namespace).and_modify(|blob| *blob = None);
            blob.or_insert(Some(one.key));
        }
    }
    changes.iter().find_map(|gone| {
        let [v1, namespace, b"leases", lease, b"ingests"] = gone.bucket.as_slice() else {
            return None;
        };
        let blob = (*blobs.get(namespace)?).filter(|_| gone.differs == Differs::Removed)?;
        let held = [*v1, *namespace, b"leases", *lease, b"content", blob];
        let lease = tree.entry(&[*v1, *namespace, b"leases", *lease])?;
        let is_missing = tree.entry(&held).is_none();
        is_missing.then(|| found(&lease, gone.bucket.get(..3).unwrap_or_default(), &UNHELD))
    })
}

/// A tree in which entries are looked up: each bucket on the way is read once.
struct Tree<'s> {
    root: Bucket<'s>,
    read: BTreeMap<Vec<&'s [u8]>, BTreeMap<&'s [u8], Entry<'s>>>,
}

impl<'s> Tree<'s> {
    const fn of_root(root: Bucket<'s>) -> Self {
        let read = BTreeMap::new();
        Self { root, read }
    }

    /// The entry at `path`.
    fn entry(&mut self, path: &[&'s [u8]]) -> Option<Entry<'s>> {
        let (last, above) = path.split_last()?;
        let mut bucket = self.root.clone();
        for (depth, key) in above.iter().enumerate() {
            let found = self.entries_of(above.get(..depth)?, &bucket).get(key)?;
            bucket = found.value.bucket()?.clone();
        }
        self.entries_of(above, &bucket).get(last).cloned()
    }

    /// What `bucket`, which stands at `path`, holds.
    fn entries_of(
        &mut self,
        path: &[&'s [u8]],
        bucket: &Bucket<'s>,
    ) -> &BTreeMap<&'s [u8], Entry<'s>> {
        self.read.entry(path.to_vec()).or_insert_with(|| {
            // Of two entries of one key the first counts.
            let entries = bucket.contents().entries;
            #[cfg(test)]
            tests::READ.with(|read| read.set(read.get().saturating_add(entries.len())));
            let entries = entries.into_iter().rev();
            entries.map(|entry| (entry.key, entry)).collect()
        })
    }
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
fn is_child<'s>(tree: &mut Tree<'s>, row: &Entry<'s>) -> bool {
    row.value
        .bytes()
        .is_some_and(|name| tree.entry(&[b"v1", b"snapshots", name]).is_some())
}

/// A snapshotter's number without its snapshot, or the other way round: one transaction counts and
/// adds.
fn uncounted<'s>(tree: &mut Tree<'s>, changes: &[Change<'s>]) -> Option<Found> {
    // A namespace of this name in meta.db has no index of parents beside it.
    tree.entry(&[b"v1", b"parents"])?;
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

#[cfg(test)]
pub(super) mod tests {
    use core::cell::Cell;
    use std::io::Cursor;

    use bolt::{Layout, Writer};
    use view::View;

    use super::*;

    std::thread_local! {
        /// Entries that were read to look others up.
        pub(in super::super) static READ: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts one more look-up; never true.
    pub(in super::super) fn is_one_more() -> bool {
        READ.with(|read| read.set(read.get().saturating_add(1)));
        false
    }

    /// A database of so many leases and of as many blobs; with `held`, each lease names one.
    fn database(count: usize, held: bool) -> Vec<u8> {
        let mut to = Writer::new(Cursor::new(Vec::new()), Layout::default()).unwrap();
        let blob = |number: usize| format!("sha256:{number:064x}").into_bytes();
        for open in [&b"v1"[..], b"default", b"content", b"blob"] {
            to.open_bucket(open, 0).unwrap();
        }
        for number in 0..count {
            to.open_bucket(&blob(number), 0).unwrap();
            to.put(b"size", b"\x02").unwrap();
            to.close_bucket().unwrap();
        }
        to.close_bucket().unwrap();
        to.close_bucket().unwrap();
        to.open_bucket(b"leases", 0).unwrap();
        for number in 0..count {
            to.open_bucket(format!("lease-{number:08}").as_bytes(), 0)
                .unwrap();
            to.open_bucket(b"content", 0).unwrap();
            if held {
                to.put(&blob(number), b"").unwrap();
            }
            to.close_bucket().unwrap();
            to.put(b"createdat", b"x").unwrap();
            to.close_bucket().unwrap();
        }
        for _ in 0..3 {
            to.close_bucket().unwrap();
        }
        to.finish().unwrap().into_inner()
    }

    /// Entries that are read where each of so many leases gets a blob, or loses it.
    fn read_for(count: usize) -> usize {
        let (before, after) = (database(count, false), database(count, true));
        let open = |bytes| Db::open(View::new(bytes)).db.unwrap();
        let (before, after) = (open(before.as_slice()), open(after.as_slice()));
        READ.with(|read| read.set(0));
        for (old, new) in [(&before, &after), (&after, &before)] {
            let changes: Vec<_> = new.changes_since(old).collect();
            assert_eq!(changes.len(), count);
            stale(new, &changes);
        }
        READ.with(Cell::get)
    }

    /// Look-ups where so many leases lose their blob at once.
    fn looked_up_for(count: usize) -> usize {
        let (before, after) = (database(count, true), database(count, false));
        let open = |bytes| Db::open(View::new(bytes)).db.unwrap();
        let (before, after) = (open(before.as_slice()), open(after.as_slice()));
        let changes: Vec<_> = after.changes_since(&before).collect();
        READ.with(|read| read.set(0));
        super::super::objects::stale(&before, &changes);
        READ.with(Cell::get)
    }

    #[test]
    fn what_leases_lose_is_looked_up_in_linear_steps() {
        let (few, many) = (looked_up_for(600), looked_up_for(1_200));
        assert!(few >= 600, "{few}");
        assert!(many <= 2 * few + 16, "{few}, then {many}");
    }

    #[test]
    fn what_leases_hold_is_looked_up_in_linear_steps() {
        let (few, many) = (read_for(600), read_for(1_200));
        assert!(few >= 600, "{few}");
        assert!(many <= 2 * few + 16, "{few}, then {many}");
    }
}
