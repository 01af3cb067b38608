//! Which pages of the tree before the newest transaction wrote anew.
//!
//! A page that is in use and that nothing names took the place of one that is free by now, of the same bucket. That
//! most of the two is the same does not prove it: records of a kind have the same keys, and many of the same values.
//! What belongs to one bucket alone does: the pages that both name, keys that no other page of that tree has, or the
//! time at which a record was made.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    fits::Fits,
    older::Older,
    orphans::{Orphan, each_pointer, sound},
};
use crate::{
    check::bits::Bits,
    node::{BUCKET_FLAG, Node},
    page::{Kind, PageId},
    space::Space,
};

/// Pages of each side that are compared.
const COMPARED: usize = 256;

/// Finds, for pages that the newest transaction wrote and that nothing names, the pages of the tree
/// before that they replaced.
pub(super) fn replaced(
    fits: &Fits<'_>,
    newer: &[Orphan<'_>],
    older: &Older<'_>,
    free: &Bits,
) -> BTreeMap<PageId, PageId> {
    let space = fits.space;
    let mut moved = BTreeMap::new();
    let end = space.end.0.min(older.end().0);
    let claimed = || (2..end).map(PageId).filter(|page| older.claims.has(*page));
    let gone: Vec<_> = claimed()
        .filter(|page| free.has(*page))
        .filter_map(|page| sound(space, page))
        .take(COMPARED)
        .collect();
    if gone.is_empty() {
        return moved;
    }
    let common = common(space, newer, claimed());
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
            .filter(|(other, _)| {
                has_own_keys(&node, other, &common)
                    || is_same_record(fits, &node, other)
                    || shares_pages(&node, other)
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

/// The keys of a node.
fn keys<'s>(node: &Node<'s>) -> impl Iterator<Item = &'s [u8]> {
    (0..node.count().min(node.room()))
        .filter_map(|index| node.element(index).ok())
        .map(|element| element.key.bytes())
}

/// Of the keys of `newer`, those that stand on more than one page of the tree before, by the kind of page.
fn common<'s>(
    space: Space<'s>,
    newer: &[Orphan<'s>],
    older: impl Iterator<Item = PageId>,
) -> BTreeSet<(Kind, &'s [u8])> {
    let mut counts: BTreeMap<(Kind, &'s [u8]), u64> = BTreeMap::new();
    for orphan in newer.iter().take(COMPARED) {
        if let Some((node, _)) = sound(space, orphan.id) {
            counts.extend(keys(&node).map(|key| ((node.kind(), key), 0)));
        }
    }
    for page in older {
        let Some((node, _)) = sound(space, page) else {
            continue;
        };
        for key in keys(&node) {
            if let Some(count) = counts.get_mut(&(node.kind(), key)) {
                *count = count.saturating_add(1);
            }
        }
    }
    counts.retain(|_, count| *count > 1);
    counts.into_keys().collect()
}

/// Whether half of the keys of both are the same, and on no other page of the tree before.
fn has_own_keys(node: &Node<'_>, other: &Node<'_>, common: &BTreeSet<(Kind, &[u8])>) -> bool {
    let before: BTreeSet<&[u8]> = keys(other).collect();
    let own = keys(node)
        .filter(|key| before.contains(key) && !common.contains(&(node.kind(), *key)))
        .count();
    let most = keys(node).count().max(before.len());
    own > 0 && own.saturating_mul(2) >= most
}

/// Whether both are a record that was made at the same time.
fn is_same_record(fits: &Fits<'_>, node: &Node<'_>, other: &Node<'_>) -> bool {
    let Some(schema) = fits.schema.filter(|_| node.kind() == Kind::Leaf) else {
        return false;
    };
    let births = |node: &Node<'_>| -> BTreeSet<(Vec<u8>, Vec<u8>)> {
        let all = (0..node.count().min(node.room())).filter_map(|index| node.element(index).ok());
        all.filter(|element| element.flags & BUCKET_FLAG == 0)
            .map(|element| (element.key.bytes(), element.value.bytes()))
            .filter(|(key, value)| {
                let time = schema.birthday(key, value);
                time.is_some_and(|time| time.nanos != 0)
            })
            .map(|(key, value)| (key.to_vec(), value.to_vec()))
            .collect()
    };
    let born = births(node);
    !born.is_empty() && born == births(other)
}

/// Whether both name a page that is the same: it belongs to one bucket.
fn shares_pages(node: &Node<'_>, other: &Node<'_>) -> bool {
    let mut named = BTreeSet::new();
    each_pointer(other, |to, _| {
        named.insert(to);
    });
    let mut is_shared = false;
    each_pointer(node, |to, _| is_shared |= to.0 != 0 && named.contains(&to));
    is_shared
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
