//! Writes that never arrived: the newest tree against the one before.
//!
//! If the meta of transaction N arrives on the disk and one of its pages does not, what stood there
//! before is taken for new: a page of an older transaction, whole by itself, with the right number.
//! No rule of one tree shows it. The tree of transaction N-1 does, since it is always whole:
//!
//! - a page that both trees have was not written by N, so it belongs to the same bucket in both;
//! - what N created is younger than everything that N-1 had;
//! - a transaction that creates an object does not remove the newest one of the same bucket.

use std::collections::BTreeMap;

use view::Span;

use crate::{
    bucket::{Bucket, Entry, Value},
    check::Found,
    db::Db,
    diff::Differs,
    fault::{Fault, What},
    page::PageId,
    walk::Visit,
};

/// Objects that one transaction may remove before it is worth a note.
const MANY: usize = 6;

/// When an object was made: seconds and nanoseconds of Go's `time.Time`, as they sort.
pub(crate) type Made = (u64, u32);

/// Go's `Time.MarshalBinary`: version, seconds since the year 1, nanoseconds, zone.
pub(crate) fn go_time(value: &[u8]) -> Option<Made> {
    let (version, rest) = value.split_first()?;
    let (seconds, rest) = rest.split_first_chunk()?;
    let (nanos, rest) = rest.split_first_chunk()?;
    let is_time = matches!((version, rest.len()), (1, 2) | (2, 3));
    is_time.then(|| (u64::from_be_bytes(*seconds), u32::from_be_bytes(*nanos)))
}

/// When the object in a bucket was made.
fn made(entry: &Entry<'_>) -> Option<Made> {
    let contents = entry.value.bucket()?.contents();
    go_time(contents.get(b"createdat")?.value.bytes()?)
}

impl<'s> Db<'s> {
    /// Pages of the newest tree that seem to be of an older transaction.
    ///
    /// Needs both trees whole; gives nothing where there is only one.
    pub fn lost_writes(&self) -> Vec<Found> {
        let Some(old) = self.previous() else {
            return Vec::new();
        };
        if old.meta().txid.saturating_add(1) != self.meta().txid {
            return Vec::new();
        }
        if self.overwrote(&old) {
            let at = PageId(old.meta().slot).at(self.page_size());
            let span = Span::new(at.saturating_add(0x20), 8);
            let what = What::PreviousTree { faults: 0 };
            return vec![Found {
                fault: Fault::new(what, Some(PageId(old.meta().slot)), span),
                path: Vec::new(),
            }];
        }
        let mut found = self.moved(&old);
        found.extend(self.resurrected(&old));
        found
    }

    /// Whether transaction N+1 began to write over the tree of N-1, before it died: its pages are
    /// whole and have the right numbers, but they are those of other buckets.
    fn overwrote(&self, old: &Self) -> bool {
        let (now, before) = (self.root().contents(), old.root().contents());
        let is_shared = now
            .entries
            .iter()
            .any(|entry| before.get(entry.key).is_some());
        !now.entries.is_empty() && !is_shared
    }

    /// Every bucket with pages of its own: its root page, and the keys that lead to it.
    fn roots(&self) -> BTreeMap<PageId, (Vec<&'s [u8]>, Entry<'s>)> {
        let mut roots = BTreeMap::new();
        for step in self.walk() {
            if let Visit::Entry(entry) = step.what
                && let Some(page) = entry.value.bucket().and_then(Bucket::page)
            {
                let path = step.bucket.iter().copied().chain([entry.key]).collect();
                roots.insert(page, (path, entry));
            }
        }
        roots
    }

    /// Buckets on a page that N-1 had in another bucket.
    fn moved(&self, old: &Self) -> Vec<Found> {
        let before = old.roots();
        let mut found = Vec::new();
        for (page, (path, entry)) in self.roots() {
            if before.get(&page).is_some_and(|(other, _)| *other != path) {
                found.push(lost(
                    &entry,
                    path.split_last().map_or(&[][..], |(_, path)| path),
                ));
            }
        }
        found
    }

    /// Objects that N has and N-1 had not, but which are older than the newest that N-1 had.
    fn resurrected(&self, old: &Self) -> Vec<Found> {
        let times = old.walk().filter_map(|step| match step.what {
            Visit::Entry(Entry {
                key: b"createdat",
                value: Value::Bytes(value),
                ..
            }) => go_time(value),
            _ => None,
        });
        let Some(newest) = times.max() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut gone = Vec::new();
        let mut added = Vec::new();
        let mut last = None;
        for change in self.changes_since(old) {
            let bucket = &change.bucket;
            match (change.differs, &change.old, &change.new) {
                (Differs::Added, _, Some(new)) if made(new).is_some_and(|made| made <= newest) => {
                    found.push(lost(new, bucket));
                }
                (Differs::Added, _, Some(new)) if made(new).is_some() => {
                    added.push(lost(new, bucket));
                }
                (Differs::Removed, Some(entry), _) => {
                    let made = made(entry);
                    if made == Some(newest) {
                        last = Some(lost(entry, bucket).path);
                    }
                    if made.is_some() {
                        gone.push(lost(entry, bucket));
                    }
                }
                _ => {}
            }
        }
        // One object in the place of the newest one: lists of older transactions look like that.
        // A snapshot that is committed does, too: it takes the place of the active one.
        let is_replaced = |object: &Found| {
            let of_snapshots = object.path.iter().any(|key| key == b"snapshots");
            last.as_ref() == Some(&object.path) && !of_snapshots
        };
        found.extend(added.into_iter().filter(is_replaced));
        if gone.len() > MANY {
            let objects = u64::try_from(gone.len()).unwrap_or(u64::MAX);
            found.extend(gone.into_iter().next().map(|mut first| {
                first.fault.what = What::ManyGone { objects };
                first
            }));
        }
        found
    }
}

fn lost(entry: &Entry<'_>, path: &[&[u8]]) -> Found {
    Found {
        fault: Fault::new(What::LostWrite, Some(entry.page), entry.key_span),
        path: path.iter().map(|key| key.to_vec()).collect(),
    }
}
