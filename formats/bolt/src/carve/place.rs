//! Which bucket a relic belongs to: by the relics that name it, else by what it holds.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    carve::{
        inline_elements, inline_page,
        live::{Home, Live},
        paths::{PathId, Paths},
        relic::{Origin, Relic},
    },
    inline::{self, Header as Bucket},
    node::{BUCKET_FLAG, Element},
    page::{Kind, PageId},
};

/// How a relic got the name of its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Named {
    /// A meta names it as the root page.
    Meta,
    /// It is behind the count of a page in use.
    Page,
    /// Its keys are those of the root bucket.
    RootKeys,
    /// Another relic names it.
    Relic {
        /// That page.
        page: PageId,
    },
    /// It holds what a bucket of the tree in use, or another relic that has a name, holds.
    Content,
    /// Its keys look like those of that bucket: a guess.
    Guess,
    /// Nothing names it.
    Nothing,
}

/// How much can be said for the name, the bucket and the value of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess, or one of several possible.
    Low,
    /// Part of it could be read, or what it holds decided between several names.
    Medium,
    /// Whole pages that name each other, up to an old root page.
    High,
    /// Reached from the meta of the transaction before.
    Exact,
}

/// Where a relic belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'s> {
    /// The bucket whose entries, or branches, it holds.
    pub(crate) path: PathId,
    pub(crate) named: Named,
    pub(crate) confidence: Confidence,
    /// The relic that names it, and in which element.
    pub(crate) parent: Option<(usize, u64)>,
    /// Another key under which another relic names it.
    pub(crate) contested: Option<&'s [u8]>,
    /// Where the bucket of such keys stands in the tree in use: a guess.
    pub(crate) guess: Option<PathId>,
}

/// A relic names another.
#[derive(Debug, Clone, Copy)]
struct Claim<'s> {
    parent: usize,
    element: u64,
    /// The key, if it is a bucket; none: the next level of the same bucket.
    key: Option<&'s [u8]>,
    score: Score,
}

/// How good a claim is; the fields in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// Both are in the tree of the transaction before.
    is_previous: bool,
    /// The key occurs in what it names.
    is_self_named: bool,
    /// How much of the parent is still in use: what stood there last.
    alike: u64,
    is_whole: bool,
}

/// Claims on one relic.
#[derive(Debug, Clone, Copy, Default)]
struct Claims<'s> {
    best: Option<Claim<'s>>,
    /// The best one of another name.
    other: Option<Claim<'s>>,
    searched: u8,
}

/// The page below that an element names.
pub(crate) fn target<'s>(
    element: &Element<'s>,
    page: PageId,
) -> Option<(PageId, Option<&'s [u8]>)> {
    if let Some(child) = element.child {
        return Some((child, None));
    }
    if element.flags & BUCKET_FLAG == 0 {
        return None;
    }
    match inline::header(element.value, page).0? {
        Bucket::Page { root, .. } => Some((root, Some(element.key.bytes()))),
        Bucket::Inline { .. } => None,
    }
}

/// Gives every relic its place.
pub(crate) fn places<'s>(
    relics: &[Relic<'s>],
    by_page: &HashMap<PageId, usize>,
    live: &Live<'s>,
    paths: &mut Paths<'s>,
    roots: &[Vec<u8>],
) -> Vec<Place<'s>> {
    let claims = claims(relics, by_page, live);
    let mut places: Vec<Option<Place<'s>>> = vec![None; relics.len()];
    let placing = Placer {
        relics,
        live,
        roots,
        claims: &claims,
    };
    for first in 0..relics.len() {
        placing.resolve(first, &mut places, paths);
    }
    placing.second(&mut places, paths);
    let mut places: Vec<Place<'s>> = places.into_iter().flatten().collect();
    super::content::adopt(relics, live, paths, &mut places);
    places
}

fn claims<'s>(
    relics: &[Relic<'s>],
    by_page: &HashMap<PageId, usize>,
    live: &Live<'s>,
) -> Vec<Claims<'s>> {
    let mut claims = vec![Claims::default(); relics.len()];
    for (parent, relic) in relics.iter().enumerate() {
        let alike = alike(relic, live);
        let mut elements = relic.elements().peekable();
        while let Some(element) = elements.next() {
            let Some((page, key)) = target(&element, relic.id()) else {
                continue;
            };
            let Some((place, child)) = by_page
                .get(&page)
                .and_then(|place| Some((*place, relics.get(*place)?)))
            else {
                continue;
            };
            let until = elements.peek().map(|next| next.key.bytes());
            let from = Some(element.key.bytes()).filter(|_| element.index > 0);
            if place == parent || !fits(relic, child, key, from, until, live) {
                continue;
            }
            let is_previous = relic.origin == Origin::Previous && child.origin == Origin::Previous;
            let claim = Claim {
                parent,
                element: element.index,
                key,
                score: Score {
                    is_previous: is_previous || relic.origin == Origin::Slack,
                    is_self_named: false,
                    alike,
                    is_whole: relic.is_whole(),
                },
            };
            if let Some(claims) = claims.get_mut(place) {
                claims.add(claim, child);
            }
        }
    }
    claims
}

/// How many of its elements the trees of the metas still have.
fn alike(relic: &Relic<'_>, live: &Live<'_>) -> u64 {
    let is_live = |element: &Element<'_>| match target(element, relic.id()) {
        Some((page, None)) => live.claimed.has(page) || live.before.has(page),
        Some((page, Some(key))) => live.has_link(key, page),
        None => live
            .home_of_pair(element.key.bytes(), element.value.bytes())
            .is_some(),
    };
    let count = relic.elements().filter(is_live).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Whether `child` can be what an element of `parent` names.
fn fits(
    parent: &Relic<'_>,
    child: &Relic<'_>,
    key: Option<&[u8]>,
    from: Option<&[u8]>,
    until: Option<&[u8]>,
    live: &Live<'_>,
) -> bool {
    // All that the tree before names is in it.
    if parent.origin == Origin::Previous && child.origin != Origin::Previous {
        return !live.is_previous_whole;
    }
    if key.is_some() {
        return true;
    }
    let after = match (child.first_key(), from) {
        (Some(first), Some(from)) => first >= from,
        _ => true,
    };
    let before = match (child.last_key(), until) {
        (Some(last), Some(until)) => last < until,
        _ => true,
    };
    after && before && !child.is_empty()
}

/// Keys of a page that are compared with the tree in use.
const ALIKE: usize = 64;

/// Claims on one relic whose key is looked for in it.
const SEARCHED: u8 = 8;

impl<'s> Claims<'s> {
    fn add(&mut self, mut claim: Claim<'s>, child: &Relic<'s>) {
        let Some(mut best) = self.best else {
            self.best = Some(claim);
            return;
        };
        if best.key == claim.key {
            claim.score.is_self_named = best.score.is_self_named;
        } else {
            for claim in [&mut claim, &mut best] {
                if !claim.score.is_self_named && self.searched < SEARCHED {
                    self.searched = self.searched.saturating_add(1);
                    claim.score.is_self_named = claim.key.is_some_and(|key| holds(child, key));
                }
            }
        }
        if claim.score > best.score {
            if best.key != claim.key {
                self.other = Some(best);
            }
            self.best = Some(claim);
        } else {
            self.best = Some(best);
            let is_better = self.other.is_none_or(|other| claim.score > other.score);
            if best.key != claim.key && is_better {
                self.other = Some(claim);
            }
        }
        let is_same = |other: &Claim<'s>| self.best.is_some_and(|best| best.key == other.key);
        if self.other.as_ref().is_some_and(is_same) {
            self.other = None;
        }
    }
}

/// Whether a value in `relic` holds `key`: a record that says its own name.
fn holds(relic: &Relic<'_>, key: &[u8]) -> bool {
    let within = |value: &[u8]| {
        key.len() >= 4
            && value.len() >= key.len()
            && value.windows(key.len()).any(|window| window == key)
    };
    relic.elements().any(|element| match inline_page(&element) {
        Some(inside) => {
            inline_elements(inside, relic.id()).any(|element| within(element.value.bytes()))
        }
        None => element.flags & BUCKET_FLAG == 0 && within(element.value.bytes()),
    })
}

struct Placer<'s, 'a> {
    relics: &'a [Relic<'s>],
    live: &'a Live<'s>,
    roots: &'a [Vec<u8>],
    claims: &'a [Claims<'s>],
}

impl<'s> Placer<'s, '_> {
    /// Places relic `first`, after those above it. Claims that go round in a circle are cut.
    fn resolve(&self, first: usize, places: &mut [Option<Place<'s>>], paths: &mut Paths<'s>) {
        let mut line = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut next = Some(first);
        while let Some(place) = next {
            if places.get(place).is_none_or(Option::is_some) || !seen.insert(place) {
                break;
            }
            line.push(place);
            next = self.parent(place).map(|claim| claim.parent);
        }
        for place in line.into_iter().rev() {
            let found = self.place(place, places, paths);
            if let Some(slot) = places.get_mut(place) {
                *slot = found;
            }
        }
    }

    /// The claim by which relic `place` gets its name.
    fn parent(&self, place: usize) -> Option<Claim<'s>> {
        let relic = self.relics.get(place)?;
        let best = self.claims.get(place)?.best?;
        let is_anchor = relic.origin == Origin::Slack
            || self.is_meta_root(relic)
            || (!best.score.is_previous && self.is_root(relic));
        (!is_anchor).then_some(best)
    }

    fn is_meta_root(&self, relic: &Relic<'_>) -> bool {
        let previous = self.live.previous.as_ref();
        relic.origin == Origin::Previous && previous.is_some_and(|db| db.meta().root == relic.id())
    }

    /// Whether the relic holds the buckets that the root bucket holds.
    fn is_root(&self, relic: &Relic<'_>) -> bool {
        if relic.kind() != Kind::Leaf || relic.is_empty() {
            return false;
        }
        let (mut known, mut others) = (0_u64, 0_u64);
        for element in relic.elements() {
            if element.flags & BUCKET_FLAG == 0 {
                return false;
            }
            let key = element.key.bytes();
            let is_known = if self.live.root_keys.is_empty() {
                self.roots.iter().any(|root| root == key)
            } else {
                self.live.root_keys.contains(key)
                    && self.live.home_of_key(key) == Some(Home::One(PathId::ROOT))
            };
            let count = if is_known { &mut known } else { &mut others };
            *count = count.saturating_add(1);
        }
        known > others
    }

    fn place(
        &self,
        place: usize,
        places: &[Option<Place<'s>>],
        paths: &mut Paths<'s>,
    ) -> Option<Place<'s>> {
        let relic = self.relics.get(place)?;
        let whole = if relic.is_whole() {
            Confidence::High
        } else {
            Confidence::Medium
        };
        let anchor = |path, named, confidence| {
            Some(Place {
                path,
                named,
                confidence,
                parent: None,
                contested: None,
                guess: None,
            })
        };
        if relic.origin == Origin::Slack {
            let owner = self.live.owners.get(&relic.id()).copied().flatten();
            return match owner {
                Some(path) => anchor(path, Named::Page, Confidence::High),
                None => anchor(paths.unnamed(relic.id()), Named::Nothing, Confidence::Low),
            };
        }
        if self.is_meta_root(relic) {
            let confidence = if self.live.is_previous_whole {
                Confidence::Exact
            } else {
                whole
            };
            return anchor(PathId::ROOT, Named::Meta, confidence);
        }
        let Some(claim) = self.parent(place) else {
            if self.is_root(relic) {
                return anchor(PathId::ROOT, Named::RootKeys, whole);
            }
            return anchor(paths.unnamed(relic.id()), Named::Nothing, whole);
        };
        let other = self.claims.get(place).and_then(|claims| claims.other);
        self.below(relic, &claim, other, places, paths)
            .or_else(|| anchor(paths.unnamed(relic.id()), Named::Nothing, whole))
    }

    /// The place that `claim` gives to `relic`, if it can be there; `other` names it otherwise.
    fn below(
        &self,
        relic: &Relic<'s>,
        claim: &Claim<'s>,
        other: Option<Claim<'s>>,
        places: &[Option<Place<'s>>],
        paths: &mut Paths<'s>,
    ) -> Option<Place<'s>> {
        let above = (*places.get(claim.parent)?)?;
        let path = match claim.key {
            None => above.path,
            Some(key) => paths.below(above.path, key)?,
        };
        // A branch names what is below in the same bucket, of either kind.
        let keys: Vec<(&[u8], bool)> = relic
            .elements()
            .take(ALIKE)
            .map(|element| {
                let is_bucket = element.flags & BUCKET_FLAG != 0;
                (element.key.bytes(), is_bucket)
            })
            .collect();
        if !claim.score.is_previous && !self.live.is_like(paths, path, &keys) {
            return None;
        }
        let whole = if relic.is_whole() {
            Confidence::High
        } else {
            Confidence::Medium
        };
        let other = other.filter(|_| !claim.score.is_previous);
        let confidence = match (above.confidence, other) {
            (Confidence::Exact, _) if claim.score.is_previous => Confidence::Exact,
            (above, None) => above.min(whole),
            (above, Some(_)) if claim.score.is_self_named => above.min(Confidence::Medium),
            (_, Some(_)) => Confidence::Low,
        };
        let page = self.relics.get(claim.parent).map_or(PageId(0), Relic::id);
        Some(Place {
            path,
            named: Named::Relic { page },
            confidence,
            parent: Some((claim.parent, claim.element)),
            contested: other.and_then(|other| other.key),
            guess: None,
        })
    }

    /// Gives relics that cannot be where the best claim puts them to the second best.
    fn second(&self, places: &mut [Option<Place<'s>>], paths: &mut Paths<'s>) {
        for (number, relic) in self.relics.iter().enumerate() {
            let is_unnamed = places
                .get(number)
                .copied()
                .flatten()
                .is_some_and(|place| place.named == Named::Nothing);
            let other = self.claims.get(number).and_then(|claims| claims.other);
            let Some(claim) = other.filter(|_| is_unnamed) else {
                continue;
            };
            // A line of parents that leads back here would be a circle.
            let mut next = Some(claim.parent);
            let mut steps = 0_u32;
            while let Some(place) = next.filter(|place| *place != number && steps < 64) {
                let place = places.get(place).copied().flatten();
                next = place
                    .and_then(|place| place.parent)
                    .map(|(parent, _)| parent);
                steps = steps.saturating_add(1);
            }
            if next.is_none()
                && let Some(place) = self.below(relic, &claim, None, places, paths)
                && let Some(slot) = places.get_mut(number)
            {
                let confidence = place.confidence.min(Confidence::Medium);
                *slot = Some(Place {
                    confidence,
                    ..place
                });
            }
        }
    }
}
