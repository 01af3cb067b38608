//! What no gap explains: where keys may be missing, or older than they should be, though the tree looks
//! whole there.

use std::collections::{BTreeMap, BTreeSet};

use view::Span;

use super::{
    Gap, Salvage,
    decision::{Action, Proof},
    fill::{Placed, Shown},
    fits::Fits,
    gather::Gather,
    notes::Hollow,
    orphans::Orphan,
    owned,
    tree::Item,
};
use crate::{
    bucket::{Bucket, Value},
    fault::{Fault, KeyRange, What},
    page::PageId,
    schema::Schema,
    space::Space,
    stale::Stale,
    walk::Visit,
};

/// How deep the buckets lie that hold records.
const DEEPEST: usize = 5;

/// The fault of a page that may be of an older transaction.
fn fault(space: Space<'_>, page: PageId) -> Fault {
    let span = Span::new(page.at(space.page_size), space.page_size);
    let what = What::LostWrite { why: Stale::Older };
    Fault::new(what, Some(page), span)
}

impl Gap {
    /// Of a page that is not what it should be, what the leaf that names it holds: that may be the old one.
    pub(super) fn around(hollow: &Hollow<'_>, space: Space<'_>) -> Option<Self> {
        let (from, until) = hollow.around?;
        let (_, above) = hollow.path.split_last()?;
        let fault = fault(space, hollow.above?);
        Some(Self::doubtful(
            owned(above),
            KeyRange::new(from, until),
            fault,
        ))
    }
}

impl<'s> Salvage<'s> {
    /// Pages that are in order, and that nothing in the tree goes with.
    pub(super) fn disbelieved(&mut self, gather: &Gather<'s, '_>) {
        let why = "what it names is another's by now, so it is of an older transaction";
        let known: BTreeSet<PageId> = self
            .decisions
            .iter()
            .filter(|decision| decision.action == Action::Distrusted)
            .filter_map(|decision| decision.page)
            .collect();
        let mut paths: BTreeMap<PageId, Vec<Vec<u8>>> = BTreeMap::new();
        for hollow in &gather.hollows {
            if let What::LostWrite { .. } = hollow.fault.what
                && let Some(page) = hollow.fault.page
            {
                paths.insert(page, owned(&hollow.path));
            }
        }
        for page in gather.believed.distrusted.difference(&known) {
            let path = paths.get(page).cloned().unwrap_or_default();
            let path: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
            self.decide(
                Action::Distrusted,
                Proof::Likely,
                &path,
                Some(*page),
                0,
                why,
            );
        }
    }

    /// Gaps for pages that the freelist says are in use and for which no gap is a place, and for those of
    /// the tree that it says are free.
    pub(super) fn unexplained(
        &mut self,
        gather: &Gather<'s, '_>,
        homeless: &[Orphan<'s>],
        placed: &[Placed<'s>],
        fits: &Fits<'s>,
    ) {
        let space = fits.space;
        let mut gaps: Vec<(Vec<Vec<u8>>, KeyRange, PageId)> = Vec::new();
        if fits.is_listed {
            for orphan in super::older::topmost(space, homeless) {
                let shown = Shown::read_orphan(&orphan, fits);
                if placed.iter().any(|gap| gap.explains(&shown, fits)) {
                    continue;
                }
                let kind = fits.rows(orphan.id).or_else(|| fits.record(orphan.id));
                let homes = match (fits.schema, kind) {
                    (Some(schema), Some(kind)) => self.homes(schema, kind, space),
                    _ => Vec::new(),
                };
                let all = || vec![Vec::new()];
                let homes = if homes.is_empty() { all() } else { homes };
                gaps.extend(
                    homes
                        .into_iter()
                        .map(|path| (path, KeyRange::default(), orphan.id)),
                );
            }
            let namers = gather.believed.namers(&gather.listed);
            if !namers.is_empty() {
                let leaves = self.places(&namers, gather, space);
                gaps.extend(leaves);
            }
        }
        gaps.dedup_by(|one, other| one.0 == other.0 && one.1 == other.1);
        for (path, range, page) in gaps {
            let is_known = self
                .gaps
                .iter()
                .any(|gap| gap.path == path && gap.range == range);
            if !is_known {
                self.gaps
                    .push(Gap::doubtful(path, range, fault(space, page)));
            }
        }
    }

    /// Gaps for what does not go together in a tree that looks whole.
    ///
    /// The tree is read as the library reads it: what was set right meanwhile, `is_mended`, explains itself.
    pub(super) fn contradictions(&mut self, best: &super::best::Best<'s>, is_mended: bool) {
        let Some(schema) = best.schema else { return };
        let space = best.db.space();
        let mut found = schema.contradictions(&best.db.root());
        if is_mended {
            found.retain(|one| {
                let path: Vec<&[u8]> = one.path.iter().map(Vec::as_slice).collect();
                let bucket = self.root.at(&path, space);
                let is_there = one
                    .key
                    .as_ref()
                    .zip(bucket)
                    .is_some_and(|(key, bucket)| bucket.entries.contains_key(key.as_slice()));
                one.is_missing && !is_there
            });
        }
        let mut seen = BTreeSet::new();
        found.retain(|one| seen.insert((one.path.clone(), one.key.clone(), one.page)));
        self.is_cut |= found.len() > super::LISTED;
        for one in found.into_iter().take(super::LISTED) {
            let range = one.key.map_or_else(KeyRange::default, |key| {
                let after: Vec<u8> = key.iter().copied().chain([0]).collect();
                KeyRange {
                    from: Some(key),
                    until: Some(after),
                }
            });
            self.gaps
                .push(Gap::doubtful(one.path, range, fault(space, one.page)));
        }
    }

    /// The buckets that hold records of this kind.
    fn homes(
        &self,
        schema: &'static dyn Schema,
        kind: &'static str,
        space: Space<'s>,
    ) -> Vec<Vec<Vec<u8>>> {
        let mut homes = Vec::new();
        for (key, item) in &self.root.entries {
            let mut stack = vec![(vec![key.to_vec()], Look::from_item(item, space))];
            while let Some((path, look)) = stack.pop() {
                let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
                if schema.records(&keys) == Some(kind) {
                    homes.push(path);
                    continue;
                }
                if path.len() >= DEEPEST {
                    continue;
                }
                for (key, below) in look.buckets(space) {
                    let path = path.iter().cloned().chain([key]).collect();
                    stack.push((path, below));
                }
            }
        }
        homes
    }

    /// Where the pages stand in the tree.
    fn places(
        &self,
        pages: &BTreeSet<PageId>,
        gather: &Gather<'s, '_>,
        space: Space<'s>,
    ) -> Vec<(Vec<Vec<u8>>, KeyRange, PageId)> {
        let mut places = Vec::new();
        let mut found = BTreeSet::new();
        for (key, item) in &self.root.entries {
            let Some(Look::Bucket(bucket)) = Some(Look::from_item(item, space)) else {
                continue;
            };
            for step in bucket.walk() {
                let Visit::Entry(entry) = step.what else {
                    continue;
                };
                if pages.contains(&entry.page) && found.insert(entry.page) {
                    let (from, until) = gather.believed.bounds(entry.page);
                    let path = core::iter::once(*key).chain(step.bucket.iter().copied());
                    places.push((
                        path.map(<[u8]>::to_vec).collect(),
                        KeyRange::new(from, until),
                        entry.page,
                    ));
                }
            }
        }
        // Of those that are not found, the place may be anywhere.
        for page in pages.difference(&found) {
            places.push((Vec::new(), KeyRange::default(), *page));
        }
        places
    }
}

/// A bucket of the new file, wherever it stands.
enum Look<'a, 's> {
    Saved(&'a super::tree::Saved<'s>),
    Bucket(Bucket<'s>),
    Value,
}

impl<'a, 's> Look<'a, 's> {
    fn from_item(item: &'a Item<'s>, space: Space<'s>) -> Self {
        match item {
            Item::Value(_) => Self::Value,
            Item::Bucket(saved) => Self::Saved(saved),
            Item::Whole(whole) => Self::Bucket(whole.bucket(space)),
        }
    }

    fn buckets(&self, space: Space<'s>) -> Vec<(Vec<u8>, Self)> {
        match self {
            Self::Value => Vec::new(),
            Self::Saved(saved) => saved
                .entries
                .iter()
                .map(|(key, item)| (key.to_vec(), Self::from_item(item, space)))
                .filter(|(_, look)| !matches!(look, Self::Value))
                .collect(),
            Self::Bucket(bucket) => bucket
                .contents()
                .entries
                .into_iter()
                .filter_map(|entry| match entry.value {
                    Value::Bucket(below) => Some((entry.key.to_vec(), Self::Bucket(below))),
                    Value::Bytes(_) => None,
                })
                .collect(),
        }
    }
}
