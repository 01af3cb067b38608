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
    node::Node,
    page::{Kind, PageId},
    space::{Pointer, Space},
};

/// Pages of each side that are compared.
const COMPARED: usize = 256;
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

/// Finds, for pages that the newest transaction wrote and that nothing names, the pages of the tree
/// before that they replaced: most of their elements are the same.
pub(super) fn replaced(
    space: Space<'_>,
    newer: &[Orphan<'_>],
    older: &Older<'_>,
    free: &Bits,
) -> BTreeMap<PageId, PageId> {
    let mut moved = BTreeMap::new();
    let end = space.end.0.min(older.end().0);
    let gone: Vec<_> = (2..end)
        .map(PageId)
        .filter(|page| older.claims.has(*page) && free.has(*page))
        .filter_map(|page| sound(space, page))
        .take(COMPARED)
        .collect();
    let mut taken = BTreeSet::new();
    for orphan in newer.iter().take(COMPARED) {
        let Some((node, _)) = sound(space, orphan.id) else {
            continue;
        };
        let mut scores: Vec<(u64, PageId)> = gone
            .iter()
            .filter(|(other, about)| {
                let is_alike = about.kind == orphan.kind && other.id() != orphan.id;
                is_alike && !taken.contains(&other.id())
            })
            .map(|(other, _)| (likeness(&node, other), other.id()))
            .collect();
        scores.sort_by_key(|score| core::cmp::Reverse(*score));
        let second = scores.get(1).map_or(0, |score| score.0);
        if let Some((score, page)) = scores.first().copied()
            && score >= 500
            && score > second
        {
            taken.insert(page);
            moved.insert(page, orphan.id);
        }
    }
    moved
}

/// How much of two nodes is the same: keys count half, what stands under them the other half; of
/// 1000.
fn likeness(one: &Node<'_>, other: &Node<'_>) -> u64 {
    let elements = |node: &Node<'_>| -> BTreeMap<Vec<u8>, (Vec<u8>, Option<PageId>)> {
        let all = (0..node.count().min(node.room())).filter_map(|index| node.element(index).ok());
        all.map(|element| {
            let value = (element.value.bytes().to_vec(), element.child);
            (element.key.bytes().to_vec(), value)
        })
        .collect()
    };
    let (one, other) = (elements(one), elements(other));
    let mut points = 0_u64;
    for (key, value) in &one {
        if let Some(found) = other.get(key) {
            points = points.saturating_add(if found == value { 2 } else { 1 });
        }
    }
    let most = u64::try_from(one.len().max(other.len())).unwrap_or(u64::MAX);
    points
        .saturating_mul(500)
        .checked_div(most)
        .unwrap_or_default()
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
