//! Writes that never arrived: the newest tree against the one before.
//!
//! If the meta of transaction N arrives on the disk and one of its pages does not, what stood there
//! before is taken for new: a page of an older transaction, whole by itself, with the right number.
//! No rule of one tree shows it. The tree of transaction N-1 does, since N writes no page of it:
//!
//! - a page that both trees have was not written by N, so it belongs to the same bucket in both;
//! - N takes the pages that it writes from those that N-1 does not use, the lowest first, and its
//!   tree uses them all: one that is left out was written, and the page that names it is old;
//! - sequences only grow, and the root bucket holds nothing but buckets;
//! - what the program that owns the file never does: its [`Schema`](crate::Schema) knows.

mod pages;

use std::collections::BTreeMap;

use view::Span;

use crate::{
    bucket::{Entry, Value},
    check::{CheckReport, Found, TreeState},
    db::Db,
    diff::{Change, Differs},
    fault::{Fault, What},
    page::PageId,
    schema::Schemas,
    stale::Stale,
    walk::Visit,
};

impl<'s> Db<'s> {
    /// Pages of the newest tree that seem to be of an older transaction.
    ///
    /// `report` is what the check of the same file gave. Gives nothing where one of the trees is
    /// not whole, or where there is only one. What a program does is asked of that of `schemas` which
    /// the file has.
    pub fn lost_writes(&self, report: &CheckReport, schemas: Schemas) -> Vec<Found> {
        let Some(old) = self.previous() else {
            return Vec::new();
        };
        let is_next = old.meta().txid.saturating_add(1) == self.meta().txid;
        if !is_next || (report.tree, report.previous) != (TreeState::Whole, TreeState::Whole) {
            return Vec::new();
        }
        let mut found = self.root_values();
        if found.is_empty() && self.overwrote(&old) {
            let at = PageId(old.meta().slot).at(self.page_size());
            let span = Span::new(at.saturating_add(0x20), 8);
            let what = What::PreviousTree { faults: 0 };
            return vec![Found {
                fault: Fault::new(what, Some(PageId(old.meta().slot)), span),
                path: Vec::new(),
            }];
        }
        found.extend(self.moved(&old));
        found.extend(pages::skipped(self, &old, report));
        let changes: Vec<Change<'s>> = self.changes_since(&old).collect();
        found.extend(changes.iter().filter_map(back));
        found.extend(Self::other_kind(&old, &changes));
        if let Some(schema) = schemas.of(self) {
            found.extend(schema.stale(&old, self, &changes));
        }
        found
    }

    /// Values in a bucket that held nothing but buckets.
    fn other_kind(old: &Self, changes: &[Change<'s>]) -> Vec<Found> {
        let mut kinds: BTreeMap<Vec<&[u8]>, (bool, bool)> = BTreeMap::new();
        for step in old.walk() {
            if let Visit::Entry(entry) = step.what {
                let (values, buckets) = kinds.entry(step.bucket.to_vec()).or_default();
                *if entry.value.bucket().is_some() {
                    buckets
                } else {
                    values
                } = true;
            }
        }
        let is_value = |change: &&Change<'s>| {
            change.old.is_none()
                && change
                    .new
                    .as_ref()
                    .is_some_and(|new| new.value.bytes().is_some())
        };
        changes
            .iter()
            .filter(is_value)
            .filter(|change| kinds.get(change.bucket.as_slice()) == Some(&(false, true)))
            .filter_map(|change| {
                Some(Found::lost_write(
                    change.new.as_ref()?,
                    &change.bucket,
                    Stale::OtherKind,
                ))
            })
            .collect()
    }

    /// Values in the root bucket: the library has no way to put one there.
    fn root_values(&self) -> Vec<Found> {
        let entries = self.root().contents().entries;
        let values = entries
            .iter()
            .filter(|entry| entry.value.bucket().is_none());
        values
            .map(|entry| Found::lost_write(entry, &[], Stale::RootValue))
            .collect()
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

    /// The leaves of all buckets: to which bucket each belongs, and its first entry.
    fn leaves(&self) -> BTreeMap<PageId, (Vec<&'s [u8]>, Entry<'s>)> {
        let mut leaves = BTreeMap::new();
        for step in self.walk() {
            if let Visit::Entry(entry) = step.what {
                let bucket = || (step.bucket.to_vec(), entry.clone());
                leaves.entry(entry.page).or_insert_with(bucket);
                if let Some(page) = entry.value.bucket().and_then(crate::Bucket::page) {
                    let path = step.bucket.iter().copied().chain([entry.key]).collect();
                    leaves.insert(page, (path, entry));
                }
            }
        }
        leaves
    }

    /// Buckets on a page that N-1 had in another bucket.
    fn moved(&self, old: &Self) -> Vec<Found> {
        let before = old.leaves();
        let mut found = Vec::new();
        for (page, (path, entry)) in self.leaves() {
            if before.get(&page).is_some_and(|(other, _)| *other != path) {
                let above = path.split_last().map_or(&[][..], |(_, above)| above);
                found.push(Found::lost_write(&entry, above, Stale::Moved));
            }
        }
        found
    }
}

/// A bucket whose sequence went back.
fn back(change: &Change<'_>) -> Option<Found> {
    let (Some(old), Some(new)) = (&change.old, &change.new) else {
        return None;
    };
    let (Value::Bucket(before), Value::Bucket(now)) = (&old.value, &new.value) else {
        return None;
    };
    (change.differs == Differs::Changed && now.sequence() < before.sequence())
        .then(|| Found::lost_write(new, &change.bucket, Stale::Sequence))
}

impl Found {
    /// That `entry`, in the bucket at `path`, is of an older transaction.
    pub fn lost_write(entry: &Entry<'_>, path: &[&[u8]], why: Stale) -> Self {
        Self {
            fault: Fault::new(What::LostWrite { why }, Some(entry.page), entry.key_span),
            path: path.iter().map(|key| key.to_vec()).collect(),
        }
    }
}
