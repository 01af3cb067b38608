//! What an older copy of the databases says of the directories.
//!
//! A number is never given twice, so a directory is still the snapshot that it was. Where a metadata.db was
//! lost meanwhile, numbers began anew: so the directory must have been made when the copy says, too.

use std::collections::{BTreeMap, BTreeSet};

use finding::Time;

use super::pairing::{Ask, NEAR, Paired, nanos};
use super::parents::relate;
use super::{Wanted, wanted};
use crate::copy::Copied;
use crate::plan::Proof;
use crate::rows::split_key;

/// The directories by the snapshots' keys in metadata.db, as copies have them.
pub(crate) fn pairs(ask: Ask<'_>, copies: &[Copied]) -> BTreeMap<Vec<u8>, u64> {
    let mut found = BTreeMap::new();
    for copy in copies {
        let rows = copy.backends.get(ask.snapshotter.name.bytes());
        for row in rows.into_iter().flatten() {
            let (Some(id), Some(made)) = (row.id, row.created) else {
                continue;
            };
            let is_half =
                split_key(row.key.bytes()).is_none_or(|(_, _, key)| key.starts_with(b"extract-"));
            let dir = ask.layout.dirs.get(&id);
            let is_its = dir.is_some_and(|dir| apart(made, dir.stat.mtime) <= NEAR);
            if is_its && !is_half {
                found.entry(row.key.bytes().to_vec()).or_insert(id);
            }
        }
    }
    found
}

fn apart(one: Time, other: Time) -> i128 {
    nanos(one).saturating_sub(nanos(other)).saturating_abs()
}

/// Adds the snapshots that copies have and `all` has not, where their directories are there: those that the
/// pairs prove, or, where no copy of metadata.db was given, all whose parents are known. Gives their names.
pub(crate) fn add(
    ask: Ask<'_>,
    copies: &[Copied],
    pairs: &BTreeMap<Vec<u8>, u64>,
    all: &mut Vec<Wanted>,
) -> BTreeSet<Vec<u8>> {
    let mut added = BTreeSet::new();
    for copy in copies {
        let has_rows = copy.backends.contains_key(ask.snapshotter.name.bytes());
        let keys: BTreeSet<(Vec<u8>, Vec<u8>)> = all
            .iter()
            .map(|one| (one.namespace.clone(), one.key.clone()))
            .collect();
        let is_new = |one: &Wanted| {
            let at = (one.namespace.clone(), one.key.clone());
            !keys.contains(&at) && !one.key.starts_with(b"extract-")
        };
        let mut more: Vec<Wanted> = wanted(&copy.tree, ask.snapshotter.name.bytes())
            .into_iter()
            .filter(|one| is_new(one) && (!has_rows || pairs.contains_key(&one.name)))
            .collect();
        // Without its parent a snapshot cannot be.
        loop {
            let known: BTreeSet<Vec<u8>> = all
                .iter()
                .chain(&more)
                .map(|one| one.name.clone())
                .collect();
            let before = more.len();
            more.retain(|one| {
                one.parent_key.is_none()
                    || one
                        .parent
                        .as_ref()
                        .is_some_and(|parent| known.contains(parent))
            });
            if more.len() == before {
                break;
            }
        }
        added.extend(more.iter().map(|one| one.name.clone()));
        all.extend(more);
    }
    relate(all);
    added
}

/// Takes those out again for which no directory was found, or a likely one only: their directories are kept
/// under their numbers then. Gives what was likely, to be told.
pub(crate) fn settle(
    added: &BTreeSet<Vec<u8>>,
    by_time: bool,
    all: &mut Vec<Wanted>,
    paired: &mut Paired,
) -> Vec<(Wanted, u64)> {
    let mut gone: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut likely = Vec::new();
    loop {
        let before = gone.len();
        for one in all.iter().filter(|one| added.contains(&one.name)) {
            let is_orphan = one
                .parent
                .as_ref()
                .is_some_and(|parent| gone.contains(parent));
            let is_proven = match paired.pairs.get(&one.name) {
                Some((_, Proof::Time)) => by_time,
                Some(_) => true,
                None => false,
            };
            if (is_orphan || !is_proven)
                && gone.insert(one.name.clone())
                && let Some((id, proof)) = paired.pairs.remove(&one.name)
            {
                paired.free.insert(id);
                if proof == Proof::Time {
                    likely.push((one.clone(), id));
                }
            }
        }
        if gone.len() == before {
            break;
        }
    }
    all.retain(|one| !gone.contains(&one.name));
    relate(all);
    likely
}
