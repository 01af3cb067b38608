//! Which relics a transaction wrote that was never finished.
//!
//! A transaction writes its pages, then its meta. If it dies between the two, its pages are there
//! and no tree has them. They look like any free page, but for three things: they may stand past
//! the high-water mark, they may name pages there, and the sequences of their buckets may be ahead
//! of those in use.

use std::collections::HashSet;

use finding::Time;

use crate::{
    carve::{
        bounds::Why,
        live::Live,
        paths::{Paths, Top},
        place::{Named, Place, target},
        relic::{Origin, Relic},
    },
    inline::{self, Header as Bucket},
    node::{BUCKET_FLAG, Element},
    page::{Kind, PageId},
};

/// Relics that a transaction may have written that was not finished, or one of the last that were.
///
/// The next transaction takes the lowest free pages first, which in a file at work are those of the
/// tree of transaction N-1: then its root stands where the old root stood, and its tree is taken
/// for the old one. What tells them apart is time: what the next transaction made is younger than
/// all that N has. What N itself deleted may be, too; so this is doubt, not knowledge. (The
/// library's other kind of freelist takes pages in no order; nothing is known of that.)
pub(crate) fn doubtful(
    relics: &[Relic<'_>],
    places: &[Place<'_>],
    uncommitted: &[Option<Why>],
    live: &Live<'_>,
) -> Vec<bool> {
    let mut all = vec![false; relics.len()];
    if !live.is_valid {
        return all;
    }
    let below = live.lowest_before.filter(|_| live.is_previous_whole);
    let mut is_previous = live.is_overwritten;
    let mut pages = HashSet::new();
    for (number, relic) in relics.iter().enumerate() {
        let is_low = below.is_none_or(|below| relic.id() < below);
        let may_be = relic.origin == Origin::Previous || (relic.origin == Origin::Free && is_low);
        let is_known = uncommitted.get(number).copied().flatten().is_some();
        if !may_be || is_known || youngest(relic, live) <= live.newest {
            continue;
        }
        is_previous |= relic.origin == Origin::Previous;
        let mut next = Some(number);
        while let Some(place) = next {
            let Some(slot) = all.get_mut(place).filter(|slot| !**slot) else {
                break;
            };
            *slot = true;
            // All pages of the bucket that is so young.
            let path = |place: usize| places.get(place).map(|place| place.path);
            if path(place) == path(number) {
                pages.extend(relics.get(place).map(Relic::id));
            }
            let parent = places.get(place).and_then(|place| place.parent);
            next = parent.map(|(parent, _)| parent);
        }
    }
    for (slot, relic) in all.iter_mut().zip(relics) {
        *slot |= is_previous && relic.origin == Origin::Previous;
        // Whoever names such a page may be of the same transaction.
        let names = |element: Element<'_>| {
            target(&element, relic.id()).is_some_and(|(page, _)| pages.contains(&page))
        };
        *slot |= !pages.is_empty() && relic.elements().any(names);
    }
    for _ in 0..8 {
        let mut is_done = true;
        for place in 0..all.len() {
            let parent = places.get(place).and_then(|place| place.parent);
            let is_below = parent.is_some_and(|(parent, _)| all.get(parent) == Some(&true));
            let is_free = relics
                .get(place)
                .is_some_and(|relic| relic.origin == Origin::Free);
            if let Some(slot) = all.get_mut(place).filter(|slot| !**slot)
                && is_below
                && is_free
            {
                *slot = true;
                is_done = false;
            }
        }
        if is_done {
            break;
        }
    }
    all
}

/// The newest time among its values.
fn youngest(relic: &Relic<'_>, live: &Live<'_>) -> Option<Time> {
    relic
        .elements()
        .filter(|element| element.flags & BUCKET_FLAG == 0)
        .filter_map(|element| live.time(element.value.bytes()))
        .max()
}

/// For each relic, how it is known that its transaction was not finished, if it was not.
pub(crate) fn uncommitted<'s>(
    relics: &[Relic<'s>],
    places: &[Place<'s>],
    live: &Live<'s>,
    paths: &mut Paths<'s>,
) -> Vec<Option<Why>> {
    let none = || vec![None; relics.len()];
    if !live.is_valid {
        return none();
    }
    let mark = live.mark();
    let mut all: Vec<Option<Why>> = relics
        .iter()
        .map(|relic| past_mark(relic, mark, live))
        .collect();
    let has_traces =
        all.iter().any(Option::is_some) || live.previous.is_some() && !live.is_previous_whole;
    if !has_traces {
        return none();
    }
    for ((why, relic), place) in all.iter_mut().zip(relics).zip(places) {
        if why.is_none() && may_be_new(relic, live) && is_ahead(relic, place, live, paths) {
            *why = Some(Why::Sequence);
        }
    }
    up(relics, places, live, &mut all);
    down(relics, places, live, &mut all);
    all
}

fn past_mark(relic: &Relic<'_>, mark: PageId, live: &Live<'_>) -> Option<Why> {
    if relic.origin == Origin::PastMark {
        return Some(Why::PastMark);
    }
    if !may_be_new(relic, live) {
        return None;
    }
    relic
        .elements()
        .filter_map(|element| target(&element, relic.id()))
        .find(|(page, _)| *page >= mark)
        .map(|(page, _)| Why::NamesPastMark { page })
}

/// Whether a transaction that died may have written it.
fn may_be_new(relic: &Relic<'_>, live: &Live<'_>) -> bool {
    relic.origin == Origin::Free || (relic.origin == Origin::Previous && !live.is_previous_whole)
}

/// Whether a bucket in it has handed out more numbers than the tree in use knows of.
fn is_ahead<'s>(relic: &Relic<'s>, place: &Place<'s>, live: &Live<'s>, paths: &Paths<'s>) -> bool {
    if relic.kind() != Kind::Leaf
        || paths.top(place.path) != Top::Root
        || matches!(place.named, Named::Guess)
    {
        return false;
    }
    let sequence = |element: &Element<'s>| {
        let header = inline::header(element.value, relic.id()).0?;
        let (Bucket::Page { sequence, .. } | Bucket::Inline { sequence, .. }) = header;
        let path = paths.find(place.path, element.key.bytes())?;
        Some((sequence, *live.sequences.get(&path)?))
    };
    relic
        .elements()
        .filter(|element| element.flags & BUCKET_FLAG != 0)
        .filter_map(|element| sequence(&element))
        .any(|(carved, used)| carved > used)
}

/// A page that names one of an unfinished transaction is of that transaction, too.
fn up(relics: &[Relic<'_>], places: &[Place<'_>], live: &Live<'_>, all: &mut [Option<Why>]) {
    for first in 0..all.len() {
        let Some(mut why) = all.get(first).copied().flatten() else {
            continue;
        };
        let mut next = first;
        while let Some((parent, _)) = places.get(next).and_then(|place| place.parent) {
            let page = relics.get(next).map_or(PageId(0), Relic::id);
            let is_free = relics
                .get(parent)
                .is_some_and(|relic| may_be_new(relic, live));
            match all.get_mut(parent) {
                Some(slot) if slot.is_none() && is_free => {
                    why = match why {
                        Why::PastMark => Why::NamesPastMark { page },
                        why => why,
                    };
                    *slot = Some(why);
                }
                _ => break,
            }
            next = parent;
        }
    }
}

/// What an unfinished transaction names and no tree has is of that transaction, too.
fn down(relics: &[Relic<'_>], places: &[Place<'_>], live: &Live<'_>, all: &mut [Option<Why>]) {
    for _ in 0..8 {
        let mut is_done = true;
        for place in 0..all.len() {
            if all.get(place).is_none_or(Option::is_some) {
                continue;
            }
            let parent = places.get(place).and_then(|place| place.parent);
            let above = parent.and_then(|(parent, _)| all.get(parent).copied().flatten());
            let is_free = relics
                .get(place)
                .is_some_and(|relic| may_be_new(relic, live));
            if let (Some(why), true, Some(slot)) = (above, is_free, all.get_mut(place)) {
                *slot = Some(why);
                is_done = false;
            }
        }
        if is_done {
            return;
        }
    }
}
