//! A gap, and the pages that were put there.

use std::collections::BTreeSet;

use super::super::{
    Gap,
    fits::Fits,
    notes::Hollow,
    orphans::{Orphan, sound},
};
use crate::page::PageId;

/// How deep the buckets lie that are records.
const RECORD: usize = 4;

/// A gap for which pages were looked for.
pub(in super::super) struct Placed<'s> {
    pub(super) hollow: Hollow<'s>,
    pub(super) gap: Gap,
    /// First and last keys of the pages that were put there.
    pub(super) covered: Vec<(&'s [u8], &'s [u8])>,
    /// Whether all that the lost branch named is there, if no other page is lost.
    pub(super) may_close: bool,
}

impl<'s> Placed<'s> {
    /// The page that is lost.
    pub(in super::super) fn page(&self) -> Option<PageId> {
        self.hollow.page
    }

    /// The bucket in which the one with the gap stands.
    pub(in super::super) fn above(&self) -> Vec<&'s [u8]> {
        let above = self.hollow.path.split_last().map(|(_, above)| above);
        above.unwrap_or_default().to_vec()
    }

    /// The gap is known to be filled, if it can be.
    pub(in super::super) fn close(&mut self) {
        self.gap.is_closed = self.may_close;
    }

    /// Whether it may be something that is missing here.
    ///
    /// More may be than what [`explains`](Self::explains) it: parts of records show no kind, and what stands right
    /// below the root bucket holds records of all kinds.
    pub(in super::super) fn may_want(&self, shown: &Shown<'_, 's>, fits: &Fits<'s>) -> bool {
        if self.explains(shown, fits) {
            return true;
        }
        let path = self.hollow.path.as_slice();
        let is_one = path.len() >= RECORD && fits.kind(path).is_none();
        if self.gap.is_closed || is_one {
            return false;
        }
        if shown.is_typed() {
            path.len() < 2
        } else {
            shown.is_part
        }
    }

    /// Whether it may be a part of the record that is missing here: a leaf of a record of this kind, that
    /// lacks one of the keys in `all`, which each of them has.
    pub(in super::super) fn wants_part<'k>(
        &self,
        shown: &Shown<'_, 's>,
        fits: &Fits<'s>,
        all: impl Fn(&[&'s [u8]]) -> Option<&'k BTreeSet<Vec<u8>>>,
    ) -> bool {
        let Some((_, above)) = self.hollow.path.split_last() else {
            return false;
        };
        let kind = fits.kind(above);
        if self.gap.is_closed || kind.is_none() || shown.record != kind {
            return false;
        }
        let lacks = |key: &Vec<u8>| !shown.keys.contains(key.as_slice());
        all(above).is_some_and(|all| all.iter().any(lacks))
    }

    /// Whether that something is missing here explains it.
    pub(in super::super) fn explains(&self, shown: &Shown<'_, 's>, fits: &Fits<'s>) -> bool {
        if self.gap.is_closed {
            return false;
        }
        if fits.schema.is_none() {
            return true;
        }
        let path = self.hollow.path.as_slice();
        match fits.kind(path) {
            Some(kind) => shown.rows == Some(kind) || shown.record == Some(kind),
            // Above all records, any; in one, what is no record.
            None if path.len() < RECORD => shown.is_typed(),
            None => {
                let Orphan { buckets, first, .. } = *shown.orphan;
                buckets == 0 && shown.record.is_none() && self.hollow.range.may_hold(first)
            }
        }
    }
}

/// What a page that nothing names shows of itself: read once, and then held against all gaps.
pub(in super::super) struct Shown<'o, 's> {
    orphan: &'o Orphan<'s>,
    /// What kind of records it names.
    rows: Option<&'static str>,
    /// What kind of record it is.
    record: Option<&'static str>,
    /// Whether it may be a part of a record, where it shows no kind.
    is_part: bool,
    keys: BTreeSet<&'s [u8]>,
}

impl<'o, 's> Shown<'o, 's> {
    pub(in super::super) fn read_orphan(orphan: &'o Orphan<'s>, fits: &Fits<'s>) -> Self {
        let (rows, record) = (fits.rows(orphan.id), fits.record(orphan.id));
        let node = sound(fits.space, orphan.id).map(|(node, _)| node);
        let elements = node.iter().flat_map(|node| {
            let all = 0..node.count().min(node.room());
            all.filter_map(|index| node.element(index).ok())
        });
        Self {
            orphan,
            rows,
            record,
            is_part: rows.is_none() && record.is_none() && fits.is_part(orphan),
            keys: elements.map(|element| element.key.bytes()).collect(),
        }
    }

    const fn is_typed(&self) -> bool {
        self.rows.is_some() || self.record.is_some()
    }
}
