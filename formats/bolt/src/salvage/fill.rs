//! Filling the places where keys are missing.

mod choose;
mod placed;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::{
    Gap, Salvage, SalvageOptions,
    decision::{Action, Proof},
    fits::Fits,
    gather::{Gather, Start},
    notes::Hollow,
    older::Older,
    orphans::Orphan,
    tree::{Item, Saved},
};
use crate::{
    check::bits::Bits,
    fault::KeyRange,
    page::PageId,
    space::{Pointer, Space},
};
use choose::is_pointer;

pub(super) use placed::{Placed, Shown};

/// Gaps for which pages are looked for that nothing names.
const SEARCHED: usize = 256;

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
