//! Which transactions wrote and freed a relic.
//!
//! Pages have no transaction number. What is known follows from what is reachable: the tree of
//! transaction N uses everything that N wrote, that of N-1 all that N-1 wrote; and from copying: a
//! page is never older than a page that it names.

use serde::Serialize;

use crate::{
    carve::{
        image::FreelistImage,
        live::Live,
        place::{Named, Place},
        relic::{Origin, Relic},
    },
    page::PageId,
};

/// How a bound is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Why {
    /// The tree of the transaction before has the page, the newest has not.
    InPreviousTree,
    /// Neither tree has it, and each has all that its transaction wrote.
    InNeitherTree,
    /// The newest tree does not have it.
    NotInTree,
    /// It stands past the high-water mark.
    PastMark,
    /// It names a page past the high-water mark, or is named by such a one alone.
    NamesPastMark {
        /// That page.
        page: PageId,
    },
    /// The sequence of a bucket in it is higher than that of the bucket in use.
    Sequence,
    /// A page that it names, or that names it.
    Relic {
        /// That page.
        page: PageId,
    },
    /// An old freelist does not have it.
    Freelist {
        /// The page of that freelist.
        page: PageId,
    },
}

/// A transaction, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// The transaction.
    pub txid: u64,
    /// How it is known.
    #[serde(flatten)]
    pub why: Why,
}

/// The transactions between which a page was written, and those between which it was freed. All
/// are inclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// It was not written before this transaction.
    pub written_from: Option<Bound>,
    /// It was written by this transaction at the latest.
    pub written_until: Option<Bound>,
    /// It was not freed before this transaction.
    pub freed_from: Option<Bound>,
    /// It was freed by this transaction at the latest.
    pub freed_until: Option<Bound>,
}

/// Bounds of every relic.
pub(crate) fn bounds(
    relics: &[Relic<'_>],
    places: &[Place<'_>],
    uncommitted: &[Option<Why>],
    images: &[FreelistImage],
    live: &Live<'_>,
) -> Vec<Bounds> {
    let Some(txid) = live.txid() else {
        return vec![Bounds::default(); relics.len()];
    };
    let is_next = live
        .previous
        .as_ref()
        .is_some_and(|db| db.meta().txid.checked_add(1) == Some(txid));
    let mut all: Vec<Bounds> = relics
        .iter()
        .zip(uncommitted)
        .map(|(relic, why)| of_trees(relic, *why, txid, is_next && live.is_previous_whole))
        .collect();
    contain(relics, places, uncommitted, &mut all);
    for ((bounds, relic), why) in all.iter_mut().zip(relics).zip(uncommitted) {
        if why.is_none() && relic.origin == Origin::Free {
            of_images(relic.id(), images, bounds);
        }
    }
    all
}

fn of_trees(relic: &Relic<'_>, uncommitted: Option<Why>, txid: u64, is_next: bool) -> Bounds {
    let bound = |txid, why| Some(Bound { txid, why });
    let back = |count| txid.saturating_sub(count);
    if let Some(why) = uncommitted {
        return Bounds {
            written_from: bound(txid.saturating_add(1), why),
            ..Bounds::default()
        };
    }
    match relic.origin {
        Origin::Previous if is_next => Bounds {
            written_until: bound(back(1), Why::InPreviousTree),
            freed_from: bound(txid, Why::InPreviousTree),
            freed_until: bound(txid, Why::InPreviousTree),
            ..Bounds::default()
        },
        Origin::Free if is_next => Bounds {
            written_until: bound(back(2), Why::InNeitherTree),
            freed_until: bound(back(1), Why::InNeitherTree),
            ..Bounds::default()
        },
        Origin::Previous | Origin::Free => Bounds {
            written_until: bound(back(1), Why::NotInTree),
            freed_until: bound(txid, Why::NotInTree),
            ..Bounds::default()
        },
        Origin::PastMark | Origin::Slack => Bounds::default(),
    }
}

/// A page is never older than one that it names.
fn contain(
    relics: &[Relic<'_>],
    places: &[Place<'_>],
    uncommitted: &[Option<Why>],
    all: &mut [Bounds],
) {
    // Upwards from the leaves, then down; parents are reached by steps, never by recursion.
    for place in 0..relics.len() {
        let mut next = place;
        let mut steps = 0_u32;
        while let Some((parent, _)) = places.get(next).and_then(|place| place.parent) {
            let named = places.get(next).map(|place| place.named);
            let from = all.get(next).and_then(|bounds| bounds.written_from);
            let page = relics.get(next).map_or(PageId(0), Relic::id);
            let (Some(from), Some(Named::Relic { .. })) = (from, named) else {
                break;
            };
            let Some(above) = all.get_mut(parent) else {
                break;
            };
            if above
                .written_from
                .is_some_and(|known| known.txid >= from.txid)
                || steps > 64
            {
                break;
            }
            above.written_from = Some(Bound {
                txid: from.txid,
                why: Why::Relic { page },
            });
            next = parent;
            steps = steps.saturating_add(1);
        }
    }
    for place in 0..relics.len() {
        let Some((parent, _)) = places.get(place).and_then(|place| place.parent) else {
            continue;
        };
        let above = all.get(parent).copied().unwrap_or_default();
        let page = relics.get(parent).map_or(PageId(0), Relic::id);
        if uncommitted.get(place).copied().flatten().is_some() {
            continue;
        }
        let Some(own) = all.get_mut(place) else {
            continue;
        };
        if let Some(until) = above.written_until
            && own
                .written_until
                .is_none_or(|known| known.txid > until.txid)
        {
            own.written_until = Some(Bound {
                txid: until.txid,
                why: Why::Relic { page },
            });
        }
    }
}

/// What the old freelists say: the newest one that does not have the page is older than the
/// transaction that freed it.
fn of_images(page: PageId, images: &[FreelistImage], bounds: &mut Bounds) {
    let newest = images
        .iter()
        .filter(|image| image.shows_in_use(page))
        .max_by_key(|image| (image.oldest, image.newest));
    let Some(image) = newest else { return };
    let txid = image.oldest.saturating_add(1);
    let fits = bounds.freed_until.is_none_or(|until| until.txid >= txid);
    if fits {
        bounds.freed_from = Some(Bound {
            txid,
            why: Why::Freelist { page: image.page },
        });
    }
}
