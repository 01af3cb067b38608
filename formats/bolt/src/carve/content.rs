//! Names for relics by what they hold.
//!
//! Three ways, in this order: a bucket of the tree in use holds the same values (then the relic is
//! an older page of it, whatever old parents call it); another relic with a name holds the very
//! same; its keys occur in one bucket of the tree only (a guess).

use std::collections::HashMap;

use crate::{
    carve::{
        inline_page,
        live::{Home, Live},
        paths::{PathId, Paths, Top},
        place::{Confidence, Named, Place},
        relic::{Origin, Relic},
    },
    node::BUCKET_FLAG,
    page::Kind,
};

/// How often a name that was found may help to find others.
const ROUNDS: usize = 4;

/// Looks at what relics hold, where nothing better names them.
pub(crate) fn adopt<'s>(
    relics: &[Relic<'s>],
    live: &Live<'s>,
    paths: &mut Paths<'s>,
    places: &mut [Place<'s>],
) {
    for (relic, place) in relics.iter().zip(places.iter_mut()) {
        if relic.kind() != Kind::Leaf || relic.origin == Origin::Slack {
            continue;
        }
        let before = place.path;
        if place.confidence < Confidence::Exact
            && let Some(path) = by_values(relic, live)
            && path != before
            && !live.has_bucket(before)
        {
            *place = Place {
                path,
                named: Named::Content,
                confidence: Confidence::Medium,
                ..*place
            };
        }
    }
    by_copies(relics, live, places);
    follow(relics, paths, places);
    for _ in 0..ROUNDS {
        if !by_keys(relics, live, paths, places) {
            break;
        }
        follow(relics, paths, places);
    }
    by_shape(relics, live, places);
}

/// The bucket of the tree in use that has the values of this relic.
fn by_values(relic: &Relic<'_>, live: &Live<'_>) -> Option<PathId> {
    let mut votes: HashMap<PathId, u64> = HashMap::new();
    let mut values = 0_u64;
    for element in relic.elements() {
        if element.flags & BUCKET_FLAG != 0 {
            continue;
        }
        values = values.saturating_add(1);
        let home = live.home_of_pair(element.key.bytes(), element.value.bytes());
        let Some(path) = home.and_then(Home::one) else {
            continue;
        };
        let birthday = live.birthday(element.key.bytes(), element.value.bytes());
        let weight = birthday.map_or(1, |_| 1000);
        let count = votes.entry(path).or_default();
        *count = count.saturating_add(weight);
    }
    let (path, count) = votes
        .into_iter()
        .max_by_key(|(path, count)| (*count, *path))?;
    (count.saturating_mul(2) > values).then_some(path)
}

/// Everything that a leaf holds, as one number.
fn fingerprint(relic: &Relic<'_>, live: &Live<'_>) -> Option<u64> {
    if relic.kind() != Kind::Leaf || relic.is_empty() || !relic.is_whole() {
        return None;
    }
    let mut all = 0_u64;
    for element in relic.elements() {
        // Buckets with pages of their own move when they change.
        let is_moving = element.flags & BUCKET_FLAG != 0 && inline_page(&element).is_none();
        let value = if is_moving {
            &[]
        } else {
            element.value.bytes()
        };
        all = all.wrapping_add(live.hash_pair(element.key.bytes(), value));
    }
    Some(all)
}

/// Relics without a name that hold the very same as one with a name.
fn by_copies(relics: &[Relic<'_>], live: &Live<'_>, places: &mut [Place<'_>]) {
    let mut known: HashMap<u64, Option<PathId>> = HashMap::new();
    for (relic, place) in relics.iter().zip(places.iter()) {
        if place.named == Named::Nothing {
            continue;
        }
        if let Some(print) = fingerprint(relic, live) {
            known
                .entry(print)
                .and_modify(|path| *path = path.filter(|path| *path == place.path))
                .or_insert(Some(place.path));
        }
    }
    for (relic, place) in relics.iter().zip(places.iter_mut()) {
        if place.named != Named::Nothing {
            continue;
        }
        let path = fingerprint(relic, live).and_then(|print| known.get(&print).copied().flatten());
        if let Some(path) = path {
            place.path = path;
            place.named = Named::Content;
            place.confidence = Confidence::Medium;
        }
    }
}

/// Leaves and branches without a name whose keys occur in one known bucket only; whether there
/// were any.
fn by_keys<'s>(
    relics: &[Relic<'s>],
    live: &Live<'s>,
    paths: &Paths<'s>,
    places: &mut [Place<'s>],
) -> bool {
    let mut carved: HashMap<u64, Home> = HashMap::new();
    for (relic, place) in relics.iter().zip(places.iter()) {
        if paths.top(place.path) != Top::Root {
            continue;
        }
        for element in relic.elements() {
            carved
                .entry(live.hash_key(element.key.bytes()))
                .and_modify(|home| {
                    if *home != Home::One(place.path) {
                        *home = Home::Many;
                    }
                })
                .or_insert(Home::One(place.path));
        }
    }
    let mut found = false;
    for (relic, place) in relics.iter().zip(places.iter_mut()) {
        if place.named != Named::Nothing {
            continue;
        }
        // The fields of one object are no sign of it: all objects of its kind have them. Keys of
        // buckets are, where there is nothing else, and values that are the same.
        let is_list = relic
            .elements()
            .all(|element| element.child.is_some() || element.flags & BUCKET_FLAG != 0);
        let mut votes: HashMap<PathId, u64> = HashMap::new();
        let mut asked = 0_u64;
        for element in relic.elements() {
            let key = element.key.bytes();
            let home = if is_list {
                live.home_of_key(key)
                    .or_else(|| carved.get(&live.hash_key(key)).copied())
            } else {
                asked = asked.saturating_add(1);
                live.home_of_pair(key, element.value.bytes())
            };
            let Some(home) = home else { continue };
            if is_list {
                asked = asked.saturating_add(1);
            }
            if let Some(path) = home.one() {
                let count = votes.entry(path).or_default();
                *count = count.saturating_add(1);
            }
        }
        let best = votes
            .into_iter()
            .max_by_key(|(path, count)| (*count, *path));
        if let Some((path, count)) = best
            && count.saturating_mul(2) > asked
        {
            place.path = path;
            place.named = Named::Guess;
            place.confidence = Confidence::Low;
            found = true;
        }
    }
    found
}

/// Gives the relics below those that got another name their new names.
fn follow<'s>(relics: &[Relic<'s>], paths: &mut Paths<'s>, places: &mut [Place<'s>]) {
    // Parents come in any order: as many rounds as names are deep, each one level further.
    for _ in 0..8 {
        let mut is_done = true;
        for place in 0..places.len() {
            let Some(own) = places.get(place).copied() else {
                continue;
            };
            let Some((parent, element)) = own.parent else {
                continue;
            };
            let (Some(above), Some(relic)) = (places.get(parent).copied(), relics.get(parent))
            else {
                continue;
            };
            if !matches!(own.named, Named::Relic { .. }) {
                continue;
            }
            let key = relic
                .element(element)
                .filter(|element| element.child.is_none())
                .map(|element| element.key.bytes());
            let path = match key {
                None => Some(above.path),
                Some(key) => paths.below(above.path, key),
            };
            if let (Some(path), Some(slot)) = (path, places.get_mut(place))
                && slot.path != path
            {
                slot.path = path;
                slot.confidence = slot.confidence.min(above.confidence);
                is_done = false;
            }
        }
        if is_done {
            return;
        }
    }
}

/// Leaves without a name that have the keys which the buckets of one bucket have: no name for
/// them, but one for what they are in.
fn by_shape(relics: &[Relic<'_>], live: &Live<'_>, places: &mut [Place<'_>]) {
    for (relic, place) in relics.iter().zip(places.iter_mut()) {
        if place.named == Named::Nothing && relic.kind() == Kind::Leaf {
            let keys = relic.elements().map(|element| element.key.bytes());
            place.guess = live.home_of_shape(keys).and_then(Home::one);
        }
    }
}
