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

    /// Whether `orphan` may be something that is missing here.
    ///
    /// More may be than what [`explains`](Self::explains) it: parts of records show no kind, and what stands right
    /// below the root bucket holds records of all kinds.
    pub(in super::super) fn may_want(&self, orphan: &Orphan<'s>, fits: &Fits<'s>) -> bool {
        if self.explains(orphan, fits) {
            return true;
        }
        let path = self.hollow.path.as_slice();
        let is_one = path.len() >= RECORD && fits.kind(path).is_none();
        if self.gap.is_closed || is_one {
            return false;
        }
        let is_typed = fits.rows(orphan.id).is_some() || fits.record(orphan.id).is_some();
        if is_typed {
            path.len() < 2
        } else {
            fits.is_part(orphan)
        }
    }

    /// Whether `orphan` may be a part of the record that is missing here: a leaf of a record of this kind, that
    /// lacks one of the keys in `all`, which each of them has.
    pub(in super::super) fn wants_part(
        &self,
        orphan: &Orphan<'s>,
        fits: &Fits<'s>,
        all: impl Fn(&[&'s [u8]]) -> BTreeSet<Vec<u8>>,
    ) -> bool {
        let Some((_, above)) = self.hollow.path.split_last() else {
            return false;
        };
        let kind = fits.kind(above);
        if self.gap.is_closed || kind.is_none() || fits.record(orphan.id) != kind {
            return false;
        }
        let Some((node, _)) = sound(fits.space, orphan.id) else {
            return false;
        };
        let elements =
            (0..node.count().min(node.room())).filter_map(|index| node.element(index).ok());
        let own: BTreeSet<&[u8]> = elements.map(|element| element.key.bytes()).collect();
        all(above).iter().any(|key| !own.contains(key.as_slice()))
    }

    /// Whether that something is missing here explains `orphan`.
    pub(in super::super) fn explains(&self, orphan: &Orphan<'s>, fits: &Fits<'s>) -> bool {
        if self.gap.is_closed {
            return false;
        }
        if fits.schema.is_none() {
            return true;
        }
        let path = self.hollow.path.as_slice();
        let (rows, record) = (fits.rows(orphan.id), fits.record(orphan.id));
        match fits.kind(path) {
            Some(kind) => rows == Some(kind) || record == Some(kind),
            // Above all records, any; in one, what is no record.
            None if path.len() < RECORD => rows.is_some() || record.is_some(),
            None => {
                orphan.buckets == 0 && record.is_none() && self.hollow.range.may_hold(orphan.first)
            }
        }
    }
}
