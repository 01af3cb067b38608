//! The tree of the transaction before, and what of it the newest transaction replaced.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    fits::Fits,
    gather::{Gather, Start},
    notes::{Hollow, Odd},
    orphans::{Orphan, each_pointer, sound},
    tree::Item,
};
use crate::{
    bucket::Bucket,
    check::bits::Bits,
    fault::KeyRange,
    meta::Meta,
    page::{Kind, PageId},
    space::{Pointer, Space},
};

/// Faults of the older tree that are looked at for each gap.
const FAULTS: usize = 1000;

/// The tree of the transaction before.
pub(super) struct Older<'s> {
    pub(super) root: Item<'s>,
    pub(super) claims: Bits,
    hollows: Vec<Hollow<'s>>,
    /// Its values in the root bucket, and elements whose key cannot be right.
    pub(super) odd: Vec<Odd<'s>>,
    meta: Meta,
    fits: Fits<'s>,
    distrusted: BTreeSet<PageId>,
}

/// Where a meta names its root.
pub(super) fn start<'s>(space: Space<'s>, meta: &Meta) -> Start<'s> {
    let slot = PageId(meta.slot);
    let pointer = Pointer {
        to: meta.root,
        from: slot,
        span: view::Span::new(slot.at(space.page_size).saturating_add(0x20), 8),
    };
    Start::Page(pointer, meta.sequence)
}

impl<'s> Older<'s> {
    /// `fits` and `distrusted`: what is known of pages that are in order, and not of this tree either.
    pub(super) fn read_older(
        fits: Fits<'s>,
        meta: Meta,
        moved: &BTreeMap<PageId, PageId>,
        distrusted: &BTreeSet<PageId>,
    ) -> Self {
        let space = fits.space;
        let mut gather = Gather::new(space, moved, fits.schema);
        gather.believed.distrusted.clone_from(distrusted);
        let root = gather.bucket(start(space, &meta), &[]);
        Self {
            root,
            claims: gather.claims,
            hollows: gather.hollows,
            odd: gather.odd,
            meta,
            fits,
            distrusted: distrusted.clone(),
        }
    }

    /// The same tree, with pages in the place of others.
    pub(super) fn with(self, moved: &BTreeMap<PageId, PageId>) -> Self {
        let claims = self.claims;
        Self {
            claims,
            ..Self::read_older(self.fits, self.meta, moved, &self.distrusted)
        }
    }

    /// The first page that this tree cannot have.
    pub(super) const fn end(&self) -> PageId {
        self.meta.high_water
    }

    /// Whether the bucket at `path` had more than one page.
    pub(super) fn has_branch(&self, path: &[&[u8]]) -> bool {
        let space = self.fits.space;
        let root = Bucket::at_page(space, self.meta.root, self.meta.sequence);
        let bucket = path.iter().try_fold(root, |bucket, key| {
            bucket.contents().get(key)?.value.bucket().cloned()
        });
        let page = bucket.and_then(|bucket| bucket.page());
        let page = page.and_then(|page| sound(space, page));
        page.is_some_and(|(_, about)| about.kind == Kind::Branch)
    }

    /// Whether nothing is missing in this range of a bucket, nor below.
    pub(super) fn is_whole(&self, path: &[&[u8]], range: &KeyRange) -> bool {
        if self.hollows.len() > FAULTS {
            return false;
        }
        self.hollows.iter().all(|hollow| {
            if !hollow.path.starts_with(path) {
                return true;
            }
            match hollow.path.get(path.len()) {
                Some(below) => !range.may_hold(below),
                None => !overlaps(&hollow.range, range),
            }
        })
    }
}

fn overlaps(one: &KeyRange, other: &KeyRange) -> bool {
    let is_before = |one: &KeyRange, other: &KeyRange| {
        let (until, from) = (one.until.as_deref(), other.from.as_deref());
        until.zip(from).is_some_and(|(until, from)| until <= from)
    };
    !is_before(one, other) && !is_before(other, one)
}

/// Of `pages`, those that no other of them names.
pub(super) fn topmost<'s>(space: Space<'s>, pages: &[Orphan<'s>]) -> Vec<Orphan<'s>> {
    let mut named = Bits::new(space.end);
    for orphan in pages {
        if let Some((node, _)) = sound(space, orphan.id) {
            each_pointer(&node, |to, _| {
                if to != orphan.id {
                    named.insert(to);
                }
            });
        }
    }
    pages
        .iter()
        .filter(|orphan| !named.has(orphan.id))
        .copied()
        .collect()
}
