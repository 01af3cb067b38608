//! What is missing, put back from what nothing names and from the tree before.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Choice, ROUNDS, Salvage, SalvageOptions, accounted,
    best::Best,
    decision::{Action, Proof},
    fill::{Placed, Shown, Stock},
    fits::Fits,
    gather::Gather,
    older::{self, Older},
    orphans::{self, Orphan},
    replaced,
};
use crate::{check::bits::Bits, page::PageId, space::Space};

/// Records of a bucket that are compared.
const RECORDS: usize = 64;

impl<'s> Salvage<'s> {
    /// Fills what is missing.
    pub(super) fn restore(
        &mut self,
        best: &Best<'s>,
        gather: &mut Gather<'s, '_>,
        free: Option<&Bits>,
        options: SalvageOptions,
    ) {
        let space = best.db.space();
        let unmoved = BTreeMap::new();
        let mut older = None;
        let is_damaged = !gather.hollows.is_empty() || !gather.suspects.is_empty();
        if is_damaged && let Some(meta) = best.older {
            let fits = Fits {
                schema: best.schema,
                space,
                is_listed: free.is_some(),
            };
            let distrusted = &gather.believed.distrusted;
            older = Some(Older::read_older(fits, meta, &unmoved, distrusted));
        }
        self.suspects(gather, older.as_mut(), free);
        let is_homeless = matches!(
            best.choice,
            Choice::Root { .. } | Choice::Top { .. } | Choice::Pages { .. }
        );
        let is_whole = gather.hollows.is_empty() && !is_homeless;
        if is_whole && free.is_none() {
            return self.odd(gather, options);
        }
        let claimed = &gather.claims;
        let is_taken = |page| claimed.has(page) || free.is_some_and(|free| free.has(page));
        let (mut orphans, roots) = orphans::orphans(space, is_taken);
        if is_whole && orphans.is_empty() && gather.listed.is_empty() {
            return self.odd(gather, options);
        }
        let newer = orphans.clone();
        if free.is_some() {
            orphans = older::topmost(space, &orphans);
        } else if let (Some(older), None) = (&older, best.schema) {
            // The place of these is known: what is missing is taken from that tree, key by key.
            orphans.retain(|orphan| !older.claims.has(orphan.id));
        }
        // What stands on a page that is not what it should be goes in nobody's place.
        let old = gather.old();
        orphans.retain(|orphan| !old.contains(&orphan.id));
        let fits = Fits {
            schema: best.schema,
            space,
            is_listed: free.is_some(),
        };
        let mut stock = Stock {
            space,
            older,
            orphans,
            is_sure: free.is_some(),
            roots,
            used: BTreeSet::new(),
            left: BTreeSet::new(),
            options,
            fits,
        };
        let mut placed = Vec::new();
        for _ in 0..ROUNDS {
            let hollows = core::mem::take(&mut gather.hollows);
            if hollows.is_empty() {
                break;
            }
            placed.extend(stock.place_all(self, gather, hollows));
        }
        let lost: BTreeSet<PageId> = placed.iter().filter_map(Placed::page).collect();
        let is_cut = best.db.meta().high_water > space.end && !is_homeless;
        let in_use = |one: &Orphan<'_>| free.is_some() && !gather.claims.has(one.id);
        let is_accounted = !is_cut
            && gather.hollows.is_empty()
            && !newer.iter().any(in_use)
            && !accounted::is_anything_missing(space, &gather.claims, free, &lost);
        if is_accounted {
            placed.iter_mut().for_each(Placed::close);
        }
        let unplaced = newer.iter().filter(|one| !gather.claims.has(one.id));
        let unplaced = unplaced.filter(|one| !old.contains(&one.id)).copied();
        let moved = self.grafts(&fits, unplaced.collect(), stock.older.as_ref(), free);
        if !moved.is_empty() {
            stock.older = stock.older.map(|older| older.with(&moved));
        }
        let grafted: BTreeSet<_> = moved.values().copied().collect();
        let homeless = newer.iter().filter(|orphan| old.contains(&orphan.id));
        let homeless: Vec<Orphan<'s>> = homeless.copied().collect();
        let common = self.common(space, placed.iter().map(Placed::above).collect());
        let all = |path: &[&'s [u8]]| common.get(path);
        let is_wanted = |orphan: &Orphan<'s>| {
            let shown = Shown::read_orphan(orphan, &fits);
            let mut gaps = placed.iter();
            gaps.any(|gap| gap.may_want(&shown, &fits) || gap.wants_part(&shown, &fits, all))
        };
        let wanted: Vec<Orphan<'s>> = stock
            .orphans
            .iter()
            .chain(&homeless)
            .filter(|orphan| !stock.used.contains(&orphan.id) && !grafted.contains(&orphan.id))
            .filter(|orphan| !gather.claims.has(orphan.id))
            .filter(|orphan| free.is_some() || !stock.is_before(orphan))
            .filter(|orphan| {
                free.is_some()
                    || is_homeless && !best.is_tree
                    || stock.left.contains(&orphan.id)
                    || old.contains(&orphan.id)
                    || is_wanted(orphan)
            })
            .copied()
            .collect();
        self.unexplained(gather, &wanted, &placed, &fits);
        stock.fill_all(self, placed);
        self.keep_homeless(gather, space, &wanted, &fits, options);
        self.odd(gather, options);
    }

    /// The keys that all buckets in a bucket have, of each of these.
    fn common(
        &mut self,
        space: Space<'s>,
        paths: BTreeSet<Vec<&'s [u8]>>,
    ) -> BTreeMap<Vec<&'s [u8]>, BTreeSet<Vec<u8>>> {
        let mut common = BTreeMap::new();
        for path in paths {
            let Some(saved) = self.root.at(&path, space) else {
                continue;
            };
            let items = saved.entries.values();
            let keys = items.filter_map(|item| item.shallow(space));
            // A record that is damaged may have none.
            let keys = keys.filter(|keys| !keys.is_empty()).take(RECORDS);
            let all = keys.reduce(|all, keys| all.intersection(&keys).cloned().collect());
            common.extend(all.map(|all| (path, all)));
        }
        common
    }

    /// Pages of the newest transaction that took the place of pages of the tree before.
    fn grafts(
        &mut self,
        fits: &Fits<'s>,
        mut newer: Vec<Orphan<'s>>,
        older: Option<&Older<'s>>,
        free: Option<&Bits>,
    ) -> BTreeMap<PageId, PageId> {
        let (Some(older), Some(free)) = (older, free) else {
            return BTreeMap::new();
        };
        newer.retain(|orphan| !older.claims.has(orphan.id));
        let newer = older::topmost(fits.space, &newer);
        let moved = replaced::replaced(fits, &newer, older, free);
        for to in moved.values() {
            let why = "the freelist says that it is in use and that the page of the transaction before, \
                       with which it shares what one bucket alone has, is not";
            let keys = newer
                .iter()
                .find(|one| one.id == *to)
                .map_or(0, |one| one.count);
            self.decide(Action::Grafted, Proof::Proven, &[], Some(*to), keys, why);
        }
        moved
    }
}
