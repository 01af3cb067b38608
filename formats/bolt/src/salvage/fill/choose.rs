//! Which of the pages that nothing names belong in a gap.

use std::collections::{BTreeMap, BTreeSet};

use finding::Time;

use super::{
    super::{
        Salvage,
        gather::Gather,
        notes::Hollow,
        older::Older,
        orphans::{Orphan, each_pointer, sound},
        tree::{Item, Saved},
    },
    Stock, keys_in,
};
use crate::{
    fault::What,
    page::{Kind, PageId},
    schema::Fit,
};

/// Pages that are compared for one gap.
const COMPARED: usize = 4096;

/// How many of a bucket's entries are buckets, and how many are values.
fn shape(saved: &Saved<'_>) -> (u64, u64) {
    let mut shape = (0_u64, 0_u64);
    for item in saved.entries.values().take(64) {
        let count = match item {
            Item::Value(_) => &mut shape.1,
            Item::Bucket(_) | Item::Whole(_) => &mut shape.0,
        };
        *count = count.saturating_add(1);
    }
    shape
}

/// Whether only a pointer is wrong, and the page that it should lead to may be in order.
pub(super) const fn is_pointer(what: &What) -> bool {
    matches!(
        what,
        What::PageRange { .. }
            | What::PageCycle { .. }
            | What::PageShared { .. }
            | What::BucketHeader { .. }
    )
}

impl<'s> Stock<'s> {
    /// Whether only the newest transaction can have written the page.
    pub(super) fn is_newest(&self, orphan: &Orphan<'_>) -> bool {
        let end = self.older.as_ref().map(Older::end);
        end.is_some_and(|end| orphan.id >= end)
    }

    /// Pages whose keys lie in the gap, and that look like what stands around it; and whether they are as many
    /// as the fault explains.
    pub(super) fn fitting(
        &mut self,
        salvage: &mut Salvage<'s>,
        hollow: &Hollow<'s>,
    ) -> (Vec<Orphan<'s>>, bool) {
        let space = self.space;
        let path = hollow.path.as_slice();
        let Some(saved) = salvage.root.at(path, space) else {
            return (Vec::new(), false);
        };
        let mut around = shape(saved);
        let mut before: Option<BTreeSet<&'s [u8]>> = None;
        if let Some(older) = self.older.as_mut() {
            let is_whole = older.is_whole(path, &hollow.range);
            if let Some(root) = older.root.open(space)
                && let Some(saved) = root.at(path, space)
            {
                if around == (0, 0) {
                    around = shape(saved);
                }
                before = is_whole.then(|| saved.entries.keys().copied().collect());
            }
        }
        // A record has the keys that all of its kind have: without a freelist they prove nothing.
        let record = path
            .split_last()
            .and_then(|(_, above)| self.fits.kind(above));
        let is_named = |len: usize| {
            path.get(..len)
                .is_some_and(|above| self.fits.kind(above).is_some())
        };
        let is_in_record = self.fits.kind(path).is_none() && (1..path.len()).any(is_named);
        if is_in_record && !self.is_sure {
            return (Vec::new(), false);
        }
        let (has_from, has_until) = (hollow.range.from.is_some(), hollow.range.until.is_some());
        let is_bounded = has_from && has_until;
        let fits = |orphan: &Orphan<'s>| {
            let is_in = hollow.range.may_hold(orphan.first) && hollow.range.may_hold(orphan.last);
            let is_alike = match (orphan.kind, around) {
                // No program can put a value into the root bucket.
                (Kind::Leaf, _) if path.is_empty() => orphan.buckets == orphan.count,
                (Kind::Leaf, (0, 1..)) => orphan.buckets == 0,
                (Kind::Leaf, (1.., 0)) => orphan.buckets == orphan.count,
                _ => true,
            };
            let is_named = self.used.contains(&orphan.id)
                || self.roots.has(orphan.id) && (self.is_sure || self.fits.schema.is_none());
            if !is_in || !is_alike || is_named {
                return false;
            }
            if record.is_some() {
                return self.fits.record(orphan.id) == record;
            }
            match (self.fits.schema, &before) {
                (Some(_), _) => match self.fits.page(path, orphan.id) {
                    Fit::No => false,
                    Fit::Unknown => self.is_sure,
                    Fit::Yes => true,
                },
                // What shares nothing with the bucket as it was is of another one.
                (None, Some(before)) if !self.is_sure && path.is_empty() => {
                    before.is_empty() || self.keys(orphan).iter().any(|key| before.contains(key))
                }
                (None, _) => true,
            }
        };
        let found: Vec<_> = self
            .orphans
            .iter()
            .filter(|one| self.is_sure || one.kind == Kind::Leaf)
            .filter(|one| fits(one))
            .copied()
            .collect();
        // Where only a pointer is wrong, one page is missing; where a branch is gone, several are.
        let is_right = if is_pointer(&hollow.fault.what) || is_in_record {
            found.len() == 1
        } else {
            is_bounded || found.len() > 1
        };
        let is_known = self.is_sure || around != (0, 0) || self.fits.schema.is_some();
        let is_right = is_right && is_known && found.len() <= COMPARED;
        (found, is_right)
    }

    /// Whether the transaction before has the page in its tree.
    pub(in super::super) fn is_before(&self, orphan: &Orphan<'_>) -> bool {
        let older = self.older.as_ref();
        older.is_some_and(|older| older.claims.has(orphan.id))
    }

    /// The keys of a page.
    fn keys(&self, orphan: &Orphan<'s>) -> Vec<&'s [u8]> {
        let Some((node, _)) = sound(self.space, orphan.id) else {
            return Vec::new();
        };
        (0..node.count())
            .filter_map(|index| node.element(index).ok())
            .map(|element| element.key.bytes())
            .collect()
    }

    /// Of the pages that fit, those that go together; and whether nothing speaks against them.
    pub(super) fn chosen(
        &mut self,
        gather: &Gather<'s, '_>,
        hollow: &Hollow<'s>,
        mut fitting: Vec<Orphan<'s>>,
    ) -> (Vec<Orphan<'s>>, bool) {
        fitting.retain(|orphan| !self.used.contains(&orphan.id));
        // Without a freelist older versions of a page may be among them: such as name what is
        // another's now, and of the others those whose records are older, or that have fewer keys.
        let is_dated = !self.is_sure && self.fits.schema.is_some();
        if is_dated {
            fitting.retain(|orphan| self.fits.is_alive(orphan.id, &gather.claims));
            let ages: BTreeMap<PageId, Option<Time>> = fitting
                .iter()
                .map(|orphan| (orphan.id, self.fits.age(orphan.id)))
                .collect();
            let age = |orphan: &Orphan<'s>| ages.get(&orphan.id).copied().flatten();
            fitting.sort_by_key(|orphan| {
                core::cmp::Reverse((
                    self.is_newest(orphan),
                    age(orphan),
                    self.is_before(orphan),
                    orphan.count,
                ))
            });
        } else {
            fitting
                .sort_by_key(|orphan| core::cmp::Reverse((self.is_newest(orphan), orphan.count)));
        }
        let mut is_clear = true;
        let mut chosen: Vec<Orphan<'s>> = Vec::new();
        let mut doubtful: BTreeSet<PageId> = BTreeSet::new();
        for orphan in fitting {
            if !self.is_sure && !self.agrees(hollow, &orphan) {
                is_clear &= self.fits.schema.is_some();
                continue;
            }
            let others: Vec<Orphan<'s>> = chosen
                .iter()
                .filter(|other| other.overlaps(&orphan))
                .copied()
                .collect();
            if others.is_empty() {
                chosen.push(orphan);
                continue;
            }
            if !self.is_sure && self.is_part_of(&orphan, &others) {
                continue;
            }
            let is_younger =
                |other: &Orphan<'s>| self.fits.age(other.id) > self.fits.age(orphan.id);
            if is_dated && others.iter().all(is_younger) {
                // What the younger one lacks was deleted.
                continue;
            }
            is_clear = false;
            if !is_dated {
                doubtful.extend(others.iter().map(|other| other.id));
                doubtful.insert(orphan.id);
            }
        }
        chosen.retain(|orphan| !doubtful.contains(&orphan.id));
        self.left.extend(doubtful);
        (chosen, is_clear)
    }

    /// Whether it was a branch that is lost, not a leaf of which older versions are left.
    pub(super) fn is_branch(&self, hollow: &Hollow<'s>, chosen: &[Orphan<'s>]) -> bool {
        let sibling = || {
            let (node, _) = sound(self.space, hollow.above?)?;
            let mut kinds = Vec::new();
            each_pointer(&node, |to, is_root| {
                if !is_root && Some(to) != hollow.page {
                    kinds.extend(sound(self.space, to).map(|(_, one)| one.kind));
                }
            });
            kinds.first().map(|kind| *kind == Kind::Branch)
        };
        sibling().unwrap_or(chosen.len() > 1)
    }

    /// Whether pages that fit may be buckets that the lost page named, if that was a leaf, and not its children:
    /// where nothing is known of the program, buckets in buckets may well have the same keys.
    pub(super) fn may_be_below(&self, hollow: &Hollow<'s>, is_branch: bool) -> bool {
        if self.fits.schema.is_some() || is_pointer(&hollow.fault.what) {
            return false;
        }
        let above = hollow.above.and_then(|above| sound(self.space, above));
        let has_siblings = above.is_some_and(|(_, above)| above.kind == Kind::Branch);
        if has_siblings {
            return !is_branch;
        }
        let older = self.older.as_ref();
        !older.is_some_and(|older| older.has_branch(&hollow.path))
    }

    /// Whether the others have all keys of `orphan`.
    fn is_part_of(&self, orphan: &Orphan<'s>, others: &[Orphan<'s>]) -> bool {
        let all: BTreeSet<&[u8]> = others.iter().flat_map(|other| self.keys(other)).collect();
        self.keys(orphan).iter().all(|key| all.contains(key))
    }

    /// Whether the page has every key that the tree before has in its range.
    fn agrees(&mut self, hollow: &Hollow<'s>, orphan: &Orphan<'s>) -> bool {
        let space = self.space;
        let Some(older) = self.older.as_mut() else {
            return true;
        };
        let Some(saved) = older
            .root
            .open(space)
            .and_then(|root| root.at(&hollow.path, space))
        else {
            return true;
        };
        let mut known = keys_in(saved, Some(orphan.first), None);
        known.retain(|key| *key <= orphan.last);
        let Some((node, _)) = sound(space, orphan.id) else {
            return false;
        };
        let own: BTreeSet<&[u8]> = (0..node.count())
            .filter_map(|index| node.element(index).ok())
            .map(|element| element.key.bytes())
            .collect();
        let has_all = known.iter().all(|key| own.contains(key));
        // What it has beyond that came with the last transaction, or was deleted before: no freelist and no
        // schema tells which.
        let is_known = self.fits.schema.is_some() || own.len() <= known.len();
        has_all && (is_known || self.is_newest(orphan))
    }
}
