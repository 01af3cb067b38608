//! Filling the places where keys are missing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use finding::Time;

use super::{
    Gap, Salvage, SalvageOptions,
    decision::{Action, Proof},
    fits::Fits,
    gather::{Gather, Start},
    notes::Hollow,
    older::Older,
    orphans::{Orphan, each_pointer},
    tree::{Item, Saved},
};
use crate::{
    check::bits::Bits,
    fault::{KeyRange, What},
    page::{Kind, PageId},
    schema::Fit,
    space::{Pointer, Space},
};

/// Gaps for which pages are looked for that nothing names.
const SEARCHED: usize = 256;
/// How deep the buckets lie that are records.
const RECORD: usize = 4;
/// Pages that are compared for one gap.
const COMPARED: usize = 4096;

/// What gaps are filled with.
pub(super) struct Stock<'s> {
    pub(super) space: Space<'s>,
    pub(super) older: Option<Older<'s>>,
    /// Pages in order that nothing reaches, below the high-water mark.
    pub(super) orphans: Vec<Orphan<'s>>,
    /// Whether a freelist says that these pages are in use: then they belong to the newest tree.
    pub(super) is_sure: bool,
    /// Pages that some of them name as the root of a bucket.
    pub(super) roots: Bits,
    /// Pages that went into the new database.
    pub(super) used: BTreeSet<PageId>,
    /// Pages that fit somewhere and were not put there.
    pub(super) left: BTreeSet<PageId>,
    pub(super) options: SalvageOptions,
    pub(super) fits: Fits<'s>,
}

/// A gap for which pages were looked for.
pub(super) struct Placed<'s> {
    hollow: Hollow<'s>,
    gap: Gap,
    /// First and last keys of the pages that were put there.
    covered: Vec<(&'s [u8], &'s [u8])>,
    /// Whether all that the lost branch named is there, if no other page is lost.
    may_close: bool,
}

impl<'s> Placed<'s> {
    /// The page that is lost.
    pub(super) fn page(&self) -> Option<PageId> {
        self.hollow.page
    }

    /// The gap is known to be filled, if it can be.
    pub(super) fn close(&mut self) {
        self.gap.is_closed = self.may_close;
    }

    /// Whether `orphan` may be something that is missing here.
    ///
    /// More may be than what [`explains`](Self::explains) it: parts of records show no kind, and what stands right
    /// below the root bucket holds records of all kinds.
    pub(super) fn may_want(&self, orphan: &Orphan<'s>, fits: &Fits<'s>) -> bool {
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

    /// Whether that something is missing here explains `orphan`.
    pub(super) fn explains(&self, orphan: &Orphan<'s>, fits: &Fits<'s>) -> bool {
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

/// The entries of a bucket that lie in a range.
fn keys_in<'s>(saved: &Saved<'s>, from: Option<&[u8]>, until: Option<&[u8]>) -> Vec<&'s [u8]> {
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        return Vec::new();
    }
    let from = from.map_or(Bound::Unbounded, Bound::Included);
    let until = until.map_or(Bound::Unbounded, Bound::Excluded);
    let range = saved.entries.range::<[u8], _>((from, until));
    range.map(|(key, _)| *key).collect()
}

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
const fn is_pointer(what: &What) -> bool {
    matches!(
        what,
        What::PageRange { .. }
            | What::PageCycle { .. }
            | What::PageShared { .. }
            | What::BucketHeader { .. }
    )
}

impl<'s> Stock<'s> {
    /// Puts pages back that nothing names; gives the gaps, and which keys these pages cover.
    pub(super) fn place_all(
        &mut self,
        salvage: &mut Salvage<'s>,
        gather: &mut Gather<'s, '_>,
        hollows: Vec<Hollow<'s>>,
    ) -> Vec<Placed<'s>> {
        let found: Vec<(Vec<Orphan<'s>>, bool)> = hollows
            .iter()
            .take(SEARCHED)
            .map(|hollow| self.fitting(salvage, hollow))
            .collect();
        // A page that fits in several places belongs to none for sure, whether all of it goes there or not.
        let mut fits_in: BTreeMap<PageId, u64> = BTreeMap::new();
        for orphan in found.iter().flat_map(|(orphans, _)| orphans) {
            let count = fits_in.entry(orphan.id).or_default();
            *count = count.saturating_add(1);
        }
        let fitting: Vec<Vec<Orphan<'s>>> = found
            .into_iter()
            .zip(&hollows)
            .map(|((mut orphans, is_right), hollow)| {
                // Where rows are missing as well, these may have named what a wrong pointer lacks.
                let may_be_others = is_pointer(&hollow.fault.what)
                    && hollows
                        .iter()
                        .any(|other| other.path.len() < hollow.path.len());
                orphans.retain(|orphan| {
                    is_right && !may_be_others && fits_in.get(&orphan.id) == Some(&1)
                });
                orphans
            })
            .collect();
        let mut fitting = fitting.into_iter();
        let mut placed = Vec::new();
        for hollow in hollows {
            let mut gap = Gap::new(&hollow);
            let (mut chosen, is_clear) =
                self.chosen(gather, &hollow, fitting.next().unwrap_or_default());
            let is_branch = self.is_branch(&hollow, &chosen);
            let may_be_below = self.may_be_below(&hollow, is_branch);
            if !self.is_sure && !is_branch || may_be_below {
                // They may be older versions of one leaf, or what that leaf named.
                self.left.extend(chosen.iter().map(|orphan| orphan.id));
                chosen.clear();
            }
            let is_newer = self.is_sure || chosen.iter().all(|orphan| self.is_newest(orphan));
            if !is_newer {
                self.take_older(salvage, &hollow, &[], &mut gap);
            }
            self.place(salvage, gather, &hollow, &chosen, &mut gap);
            let covered = chosen.iter().map(|one| (one.first, one.last)).collect();
            let may_close = is_clear
                && is_branch
                && !chosen.is_empty()
                && (self.is_sure || self.fits.schema.is_some());
            placed.push(Placed {
                hollow,
                gap,
                covered,
                may_close,
            });
        }
        placed
    }

    /// Takes what is still missing from the tree before.
    pub(super) fn fill_all(&mut self, salvage: &mut Salvage<'s>, placed: Vec<Placed<'s>>) {
        for Placed {
            hollow,
            mut gap,
            covered,
            ..
        } in placed
        {
            // What a gap that is closed lacks was deleted.
            if !gap.is_closed {
                self.take_older(salvage, &hollow, &covered, &mut gap);
            }
            // Which of the two is old, the page or the one that names it, is not known.
            let around = Gap::around(&hollow, self.space).filter(|_| !gap.is_closed);
            salvage.gaps.push(gap);
            salvage.gaps.extend(around);
        }
    }

    /// Whether only the newest transaction can have written the page.
    fn is_newest(&self, orphan: &Orphan<'_>) -> bool {
        let end = self.older.as_ref().map(Older::end);
        end.is_some_and(|end| orphan.id >= end)
    }

    /// Pages whose keys lie in the gap, and that look like what stands around it; and whether they are as many
    /// as the fault explains.
    fn fitting(
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
    pub(super) fn is_before(&self, orphan: &Orphan<'_>) -> bool {
        let older = self.older.as_ref();
        older.is_some_and(|older| older.claims.has(orphan.id))
    }

    /// The keys of a page.
    fn keys(&self, orphan: &Orphan<'s>) -> Vec<&'s [u8]> {
        let Some((node, _)) = super::orphans::sound(self.space, orphan.id) else {
            return Vec::new();
        };
        (0..node.count())
            .filter_map(|index| node.element(index).ok())
            .map(|element| element.key.bytes())
            .collect()
    }

    /// Of the pages that fit, those that go together; and whether nothing speaks against them.
    fn chosen(
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
    fn is_branch(&self, hollow: &Hollow<'s>, chosen: &[Orphan<'s>]) -> bool {
        let sibling = || {
            let (node, _) = super::orphans::sound(self.space, hollow.above?)?;
            let mut kinds = Vec::new();
            each_pointer(&node, |to, is_root| {
                if !is_root && Some(to) != hollow.page {
                    kinds.extend(super::orphans::sound(self.space, to).map(|(_, one)| one.kind));
                }
            });
            kinds.first().map(|kind| *kind == Kind::Branch)
        };
        sibling().unwrap_or(chosen.len() > 1)
    }

    /// Whether pages that fit may be buckets that the lost page named, if that was a leaf, and not its children:
    /// where nothing is known of the program, buckets in buckets may well have the same keys.
    fn may_be_below(&self, hollow: &Hollow<'s>, is_branch: bool) -> bool {
        if self.fits.schema.is_some() || is_pointer(&hollow.fault.what) {
            return false;
        }
        let above = hollow
            .above
            .and_then(|above| super::orphans::sound(self.space, above));
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
        let Some((node, _)) = super::orphans::sound(space, orphan.id) else {
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

    /// Puts pages back into the bucket of the gap.
    fn place(
        &mut self,
        salvage: &mut Salvage<'s>,
        gather: &mut Gather<'s, '_>,
        hollow: &Hollow<'s>,
        chosen: &[Orphan<'s>],
        gap: &mut Gap,
    ) {
        let space = self.space;
        let proof = if self.is_sure {
            Proof::Proven
        } else {
            Proof::Likely
        };
        if proof == Proof::Likely && self.options.only_proven {
            for orphan in chosen {
                self.left.insert(orphan.id);
            }
            return;
        }
        for orphan in chosen {
            let mut item = gather_page(gather, space, orphan.id, &hollow.path);
            let Some(from) = item.open(space) else {
                continue;
            };
            let keys = keys_in(
                from,
                hollow.range.from.as_deref(),
                hollow.range.until.as_deref(),
            );
            let Some(into) = salvage.root.at(&hollow.path, space) else {
                return;
            };
            let mut count = 0_u64;
            for key in keys {
                if let Some(item) = from.entries.remove(key)
                    && !into.entries.contains_key(key)
                {
                    count = count.saturating_add(item.size());
                    into.entries.insert(key, item);
                }
            }
            self.used.insert(orphan.id);
            gap.orphans = gap.orphans.saturating_add(count);
            let why = if self.is_sure {
                "the freelist says that it is in use, nothing names it, and its keys lie in the gap"
            } else {
                "nothing names it, and its keys lie in the gap; there is no freelist to say whether it \
                 is in use"
            };
            let page = Some(orphan.id);
            salvage.decide(Action::PageRestored, proof, &hollow.path, page, count, why);
        }
    }

    /// Takes keys of the gap from the tree before; not those in `covered`.
    fn take_older(
        &mut self,
        salvage: &mut Salvage<'s>,
        hollow: &Hollow<'s>,
        covered: &[(&[u8], &[u8])],
        gap: &mut Gap,
    ) {
        let space = self.space;
        let Some(older) = self.older.as_mut() else {
            return;
        };
        let is_whole = older.is_whole(&hollow.path, &hollow.range);
        let bucket = older.root.open(space);
        let Some(from) = bucket.and_then(|root| root.at(&hollow.path, space)) else {
            return;
        };
        let Some(into) = salvage.root.at(&hollow.path, space) else {
            return;
        };
        gap.older_is_whole = is_whole;
        let KeyRange { from: low, until } = &hollow.range;
        let mut count = 0_u64;
        for key in keys_in(from, low.as_deref(), until.as_deref()) {
            let is_covered = covered
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&key));
            if into.entries.contains_key(key) || is_covered {
                continue;
            }
            if let Some(item) = from.entries.remove(key) {
                count = count.saturating_add(item.size());
                into.entries.insert(key, item);
            }
        }
        // A sequence only grows; of two, the higher one is the safe one.
        into.sequence = into.sequence.max(from.sequence);
        if count > 0 {
            gap.filled = gap.filled.saturating_add(count);
            salvage.kept.older = salvage.kept.older.saturating_add(count);
            let why = "the newest tree lacks these keys";
            salvage.decide(
                Action::FromPrevious,
                Proof::Likely,
                &hollow.path,
                None,
                count,
                why,
            );
        }
    }
}

/// The subtree at a page that nothing names.
pub(super) fn gather_page<'s>(
    gather: &mut Gather<'s, '_>,
    space: Space<'s>,
    page: PageId,
    path: &[&'s [u8]],
) -> Item<'s> {
    let pointer = Pointer {
        to: page,
        from: page,
        span: view::Span::new(page.at(space.page_size), 0),
    };
    gather.bucket(Start::Page(pointer, 0), path)
}
