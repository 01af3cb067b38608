//! Which pages of a tree are not what its transaction wrote, though each is in order by itself.
//!
//! A page that never arrived is seen by what leads away from it and by what leads to it: an old leaf names
//! pages that are of others by now, or free; a page is not what its branch or its bucket must have. One such
//! pointer does not tell which of its two ends is the old one, and both are doubtful. Of a page with
//! several, the page itself is old.

use std::collections::{BTreeMap, BTreeSet};

use super::mend::Hole;
use crate::{check::bits::Bits, page::PageId};

/// Pointers that have to be wrong before the page that has them is not believed.
const SEVERAL: usize = 2;
/// Pairs of records that may have been made at the same time before it is the way of the file.
const TWINS: usize = 3;
/// Pages that are watched.
const WATCHED: usize = 10_000;

/// Which pages are believed, and what makes them doubtful.
#[derive(Debug, Default)]
pub(super) struct Believed<'s> {
    /// In order, and of an older transaction.
    pub(super) distrusted: BTreeSet<PageId>,
    /// Named by several pages, and nothing tells whose they are.
    nobodys: BTreeSet<PageId>,
    /// Pages of which it is noted what names them.
    watched: BTreeSet<PageId>,
    named_by: BTreeMap<PageId, BTreeSet<PageId>>,
    /// Pages with pointers that do not lead where they should, and where these lead.
    doubts: BTreeMap<PageId, BTreeSet<PageId>>,
    /// When each record was made, and where that stands.
    births: Vec<(u64, u64, PageId)>,
    /// What a leaf below a branch may hold.
    bounds: BTreeMap<PageId, Hole<'s>>,
}

impl<'s> Believed<'s> {
    /// The same, with pages that are not believed from the start.
    pub(super) fn without(&self) -> Self {
        Self {
            distrusted: self.distrusted.clone(),
            nobodys: self.nobodys.clone(),
            ..Self::default()
        }
    }

    pub(super) fn is_distrusted(&self, page: PageId) -> bool {
        self.distrusted.contains(&page)
    }

    pub(super) fn is_nobodys(&self, page: PageId) -> bool {
        self.nobodys.contains(&page)
    }

    /// `from` names `to`.
    pub(super) fn leads(&mut self, from: PageId, to: PageId) {
        if self.watched.contains(&to) {
            self.named_by.entry(to).or_default().insert(from);
        }
    }

    /// `from` names `to`, which is not what should stand there.
    pub(super) fn doubt(&mut self, from: PageId, to: PageId) {
        self.doubts.entry(from).or_default().insert(to);
    }

    /// The leaf may hold keys within these bounds.
    pub(super) fn bounded(&mut self, leaf: PageId, bounds: Hole<'s>) {
        self.bounds.insert(leaf, bounds);
    }

    /// The record with this key, whose bucket is on this page, was made at this time: hashes of both.
    pub(super) fn born(&mut self, (time, key): (u64, u64), page: PageId) {
        self.births.push((time, key, page));
    }

    /// Pages of records that were made at the same time as another one: one of them is a copy, of an older
    /// transaction. None if there are many, as where somebody made them all at once. One object may be
    /// known in several places under one key.
    fn twins(&self) -> BTreeSet<PageId> {
        let mut births = self.births.clone();
        births.sort_unstable();
        let groups = births.chunk_by(|one, other| one.0 == other.0);
        let twins: Vec<_> = groups
            .filter(|group| {
                let first = group.first().map(|one| one.1);
                group.iter().any(|one| Some(one.1) != first)
            })
            .collect();
        // Many pairs, or many of one time.
        if twins.concat().len() > 2 * TWINS {
            return BTreeSet::new();
        }
        let pages = twins.into_iter().flatten().map(|(_, _, page)| *page);
        pages
            .filter(|page| !self.distrusted.contains(page))
            .collect()
    }

    pub(super) fn bounds(&self, leaf: PageId) -> Hole<'s> {
        self.bounds.get(&leaf).copied().unwrap_or((None, None))
    }

    /// What to believe when the tree is gone through once more; none if that would give the same.
    ///
    /// `shared`: pages that several others name, and of which nobody knows whose they are. `free`: pages of
    /// the tree that the freelist has. `leaves`: those of `shared` below which nothing can name them.
    pub(super) fn next(
        &self,
        shared: &BTreeSet<PageId>,
        leaves: &BTreeSet<PageId>,
        free: &BTreeSet<PageId>,
    ) -> Option<Self> {
        let watch: BTreeSet<PageId> = shared.union(free).copied().take(WATCHED).collect();
        if !watch.is_subset(&self.watched) {
            return Some(Self {
                watched: self.watched.union(&watch).copied().collect(),
                ..self.without()
            });
        }
        let mut votes = self.doubts.clone();
        for page in &watch {
            for from in self.named_by.get(page).into_iter().flatten() {
                votes.entry(*from).or_default().insert(*page);
            }
        }
        let count = |page: PageId| votes.get(&page).map_or(0, BTreeSet::len);
        // Of two that name the same page, the one with fewer wrong pointers is right.
        let is_worst = |page: PageId, to: &PageId| {
            let others = self.named_by.get(to).into_iter().flatten();
            others
                .filter(|other| **other != page)
                .all(|other| count(*other) < count(page))
        };
        let old: BTreeSet<PageId> = votes
            .iter()
            .filter(|(page, to)| {
                page.0 >= 2 && to.len() >= SEVERAL && to.iter().all(|to| is_worst(**page, to))
            })
            .map(|(page, _)| *page)
            .filter(|page| !self.distrusted.contains(page))
            .collect();
        let mut next = self.without();
        next.watched.clone_from(&self.watched);
        let old = if old.is_empty() { self.twins() } else { old };
        if !old.is_empty() {
            next.distrusted.extend(old);
            return Some(next);
        }
        let nobodys: BTreeSet<PageId> = leaves.difference(&self.nobodys).copied().collect();
        if nobodys.is_empty() {
            return None;
        }
        next.nobodys.extend(nobodys);
        Some(next)
    }

    /// The leaves that name pages which the freelist has.
    pub(super) fn namers(&self, pages: &BTreeSet<PageId>) -> BTreeSet<PageId> {
        let named = pages.iter().filter_map(|page| self.named_by.get(page));
        named.flatten().copied().collect()
    }
}

/// The pages that both have.
pub(super) fn both(one: &Bits, other: &Bits, end: PageId) -> BTreeSet<PageId> {
    let all = (2..end.0).map(PageId);
    all.filter(|page| one.has(*page) && other.has(*page))
        .take(WATCHED)
        .collect()
}
