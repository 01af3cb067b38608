//! Writes that never arrived: the newest tree against the one before.
//!
//! If the meta of transaction N arrives on the disk and one of its pages does not, what stood there
//! before is taken for new: a page of an older transaction, whole by itself, with the right number.
//! No rule of one tree shows it. The tree of transaction N-1 does, since N writes no page of it:
//!
//! - a page that both trees have was not written by N, so it belongs to the same bucket in both;
//! - a page past the mark of N-1 was first used by N, so the tree of N reaches it;
//! - a library that keeps free pages in order takes the lowest first;
//! - what the program that owns the file never does: its [`Schema`](crate::Schema) knows.
//!
//! Where not even the root buckets go together, one of the two trees is not what its transaction
//! wrote: [`truth`] says which. What any program may do is no finding, or a note at most: a bucket
//! that is made again starts with a new sequence, one that is renamed keeps its pages.

mod pages;
mod truth;

use std::collections::BTreeMap;

use finding::{Fault as _, Severity};
use view::Span;

use crate::{
    bucket::{Entry, Value},
    check::{CheckReport, Found},
    db::Db,
    diff::{Change, Differs},
    fault::{Fault, What},
    page::PageId,
    salvage::{has_next, is_written_over},
    schema::{Counts, Schema, Schemas},
    stale::Stale,
    walk::Visit,
};

use truth::Truth;

impl<'s> Db<'s> {
    /// The root of the newest tree, or a page right below it, if it is not what the last transaction wrote:
    /// the one of all these after which nothing else in the tree means anything.
    pub fn stale_root(&self, report: &CheckReport, schemas: Schemas) -> Option<Found> {
        let old = self.previous()?;
        let is_next = old.meta().txid.saturating_add(1) == self.meta().txid;
        if !is_next || !report.can_compare() {
            return None;
        }
        match truth::truth(self, &old, report, schemas) {
            Truth::Older(stale) => Some(stale),
            Truth::Both | Truth::Newer => None,
        }
    }

    /// Pages of the newest tree that seem to be of an older transaction.
    ///
    /// `report` is what the check of the same file gave. Gives nothing where one of the trees is
    /// not whole, or where there is only one. What a program does is asked of that of `schemas` which
    /// the file has.
    ///
    /// Where the whole tree of a transaction after the newest one is in the file, that explains all that does not go together:
    /// then nothing is suspected.
    pub fn lost_writes(&self, report: &CheckReport, schemas: Schemas) -> Vec<Found> {
        let found = self.doubted_writes(report, schemas);
        let is_page = |found: &Found| is_above_note(found) && !found.fault.what.is_stale_root();
        match self.previous() {
            Some(old) if found.iter().any(is_page) && has_next(self, schemas) => {
                vec![overwritten(self, &old)]
            }
            _ => found,
        }
    }

    /// The same for whoever saves what is there: what may be of an older transaction is doubtful, whatever else may
    /// explain it.
    pub(crate) fn doubted_writes(&self, report: &CheckReport, schemas: Schemas) -> Vec<Found> {
        let Some(old) = self.previous() else {
            return Vec::new();
        };
        let is_next = old.meta().txid.saturating_add(1) == self.meta().txid;
        if !is_next || !report.can_compare() {
            return Vec::new();
        }
        let schema = schemas.schema_of(self);
        match truth::truth(self, &old, report, schemas) {
            Truth::Both => {}
            Truth::Older(stale) => return vec![stale],
            Truth::Newer => return vec![overwritten(self, &old)],
        }
        if is_written_over(self, &old, schemas) {
            return vec![overwritten(self, &old)];
        }
        let mut found = self.root_values(&old);
        found.extend(self.moved(&old, schema.is_some()));
        found.extend(self.unchanged(&old, schema.is_some()));
        found.extend(pages::skipped(self, &old, report));
        let changes: Vec<Change<'s>> = self.changes_since(&old).collect();
        found.extend(changes.iter().filter_map(|change| back(change, schema)));
        if let Some(schema) = schema {
            found.extend(schema.stale(&old, self, &changes));
            if found.iter().any(is_above_note) && self.is_before(&old, schema) {
                return vec![overwritten(self, &old)];
            }
        }
        found
    }

    /// Whether the tree of the meta before is what one transaction makes of this one: the one after it was not
    /// finished, and its root stands where that of the one before stood. Or this is the tree of the one before that,
    /// as nothing of the last one arrived: no bytes tell which of the two it is.
    pub(crate) fn is_before(&self, old: &Self, schema: &dyn Schema) -> bool {
        let changes: Vec<Change<'s>> = old.changes_since(self).collect();
        let back = changes
            .iter()
            .filter_map(|change| back(change, Some(schema)));
        let found = back.chain(schema.stale(self, old, &changes));
        !changes.is_empty() && !found.into_iter().any(|found| is_above_note(&found))
    }

    /// Values in the root bucket, where the tree before has none: a program hardly puts one there.
    fn root_values(&self, old: &Self) -> Vec<Found> {
        let values = |db: &Self| {
            let mut entries = db.root().contents().entries;
            entries.retain(|entry| entry.value.bucket().is_none());
            entries
        };
        if !values(old).is_empty() {
            return Vec::new();
        }
        values(self)
            .iter()
            .map(|entry| Found::lost_write(entry, &[], Stale::RootValue))
            .collect()
    }

    /// Buckets that stand on another page than before, and hold nothing but buckets that are where they were:
    /// the library writes such a page again only to name another page in it. Only a program that makes a
    /// bucket and takes it away in one transaction does so, too; one that is known does not.
    fn unchanged(&self, old: &Self, is_known: bool) -> Vec<Found> {
        let mut found = Vec::new();
        let mut stack = vec![(Vec::new(), self.root(), old.root())];
        while let Some((path, now, before)) = stack.pop() {
            if now.page().is_none() || now.page() == before.page() {
                continue;
            }
            let (entries, was) = (now.contents().entries, before.contents());
            let is_same = |entry: &Entry<'s>| {
                let other = was.get(entry.key).and_then(|entry| entry.value.bucket());
                let place = |bucket: &crate::Bucket<'s>| Some((bucket.page()?, bucket.sequence()));
                let here = entry.value.bucket().and_then(place);
                here.is_some() && here == other.and_then(place)
            };
            // A bucket that gives a number is written again as it is.
            if let Some(first) = entries.first()
                && now.sequence() == before.sequence()
                && entries.len() == was.entries.len()
                && entries.iter().all(is_same)
            {
                let mut one = Found::lost_write(first, &path, Stale::Unchanged);
                if !is_known {
                    one.fault = one.fault.no_worse_than(Severity::Note);
                }
                found.push(one);
                continue;
            }
            for entry in entries {
                let other = was.get(entry.key).and_then(|entry| entry.value.bucket());
                if let (Value::Bucket(below), Some(before)) = (entry.value, other) {
                    let keys = path.iter().copied().chain([entry.key]).collect();
                    stack.push((keys, below, before.clone()));
                }
            }
        }
        found
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

    /// Buckets on a page that N-1 had in another bucket. `is_known`: whether the program is known, and
    /// so that it never renames a bucket, which leaves its pages where they are.
    fn moved(&self, old: &Self, is_known: bool) -> Vec<Found> {
        let before = old.leaves();
        let mut found = Vec::new();
        for (page, (path, entry)) in self.leaves() {
            let Some((other, _)) = before.get(&page).filter(|(other, _)| *other != path) else {
                continue;
            };
            // A bucket goes under the same key into another one, with all that is in it.
            if !is_known && other.last() == path.last() {
                continue;
            }
            let above = path.split_last().map_or(&[][..], |(_, above)| above);
            found.push(Found::lost_write(&entry, above, Stale::Moved));
        }
        found
    }
}

/// A bucket whose sequence went back. Whoever makes a bucket again starts anew: only of a bucket of
/// which it is known that its sequence numbers objects is it more than a note.
fn back(change: &Change<'_>, schema: Option<&dyn Schema>) -> Option<Found> {
    let (Some(old), Some(new)) = (&change.old, &change.new) else {
        return None;
    };
    let (Value::Bucket(before), Value::Bucket(now)) = (&old.value, &new.value) else {
        return None;
    };
    if change.differs != Differs::Changed || now.sequence() >= before.sequence() {
        return None;
    }
    let mut found = Found::lost_write(new, &change.bucket, Stale::Sequence);
    let path: Vec<&[u8]> = change.bucket.iter().copied().chain([change.key]).collect();
    let is_counter = schema.is_some_and(|schema| matches!(schema.counts(&path), Counts::Here(_)));
    if !is_counter {
        found.fault = found.fault.no_worse_than(Severity::Note);
    }
    Some(found)
}

fn is_above_note(found: &Found) -> bool {
    found.fault.severity() > Severity::Note
}

/// The tree of the transaction before was written over by one that was not finished.
fn overwritten(db: &Db<'_>, old: &Db<'_>) -> Found {
    let slot = PageId(old.meta().slot);
    let span = Span::new(slot.at(db.page_size()).saturating_add(0x20), 8);
    Found {
        fault: Fault::new(What::PreviousTree { faults: 0 }, Some(slot), span),
        path: Vec::new(),
    }
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
