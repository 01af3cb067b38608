//! What is wrong with a metadata.db, so that it is made anew.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Text, Unread};
use metadb::Kind;
use node::{DatabaseState, Snapshotter};
use snapshots::Layout;

use super::Wanted;
use crate::flips::only_near;
use crate::rows::backend_rows;

/// Why this metadata.db is to be made anew; nothing where nothing is wrong with it.
pub(crate) fn trouble(
    snapshotter: &Snapshotter,
    layout: &Layout,
    wanted: &[Wanted],
    is_meta_whole: bool,
) -> Option<String> {
    let has_dirs = !layout.dirs.is_empty();
    match &snapshotter.db.state {
        DatabaseState::Empty => return has_dirs.then(|| "it is empty".to_owned()),
        DatabaseState::Broken | DatabaseState::Stale => {
            return has_dirs.then(|| "it is damaged".to_owned());
        }
        DatabaseState::Other(stranger) => return has_dirs.then(|| stranger.to_string()),
        DatabaseState::Unread(Unread::Absent) => {
            return has_dirs.then(|| "it is missing".to_owned());
        }
        DatabaseState::Unread(Unread::Special(what)) => {
            return has_dirs.then(|| format!("it is a {what}"));
        }
        DatabaseState::Unread(_) => return None,
        DatabaseState::Open => {}
    }
    let backend = snapshotter.db.rows.as_ref()?;
    let is_whole = backend.snapshots.is_whole() && backend.parents.is_whole();
    if snapshotter.db.is_damaged() || !is_whole || !backend.troubles.is_empty() {
        return Some("it is damaged".to_owned());
    }
    let rows = backend_rows(snapshotter);
    let ids: BTreeSet<u64> = rows.iter().filter_map(|row| row.id).collect();
    if ids.len() != rows.len() {
        return Some("two snapshots have one number".to_owned());
    }
    let orphans = layout.dirs.keys().filter(|id| !ids.contains(id)).count();
    let by_name: BTreeMap<&[u8], _> = rows.iter().map(|row| (row.key.bytes(), row)).collect();
    if is_meta_whole {
        let lacks = wanted
            .iter()
            .filter(|one| !by_name.contains_key(one.name.as_slice()));
        let lacks = lacks.count();
        if lacks > 0 && orphans > 0 {
            return Some(format!(
                "it has no row of {lacks} snapshots that meta.db has, and {orphans} directories have no row"
            ));
        }
        for one in wanted {
            let Some(row) = by_name.get(one.name.as_slice()) else {
                continue;
            };
            let parent = row.parent.as_ref().map(Text::bytes);
            let is_same = match &one.parent {
                Some(_) => parent == one.parent.as_deref(),
                // The parent's own record is not there: then its key alone can be compared.
                None => parent.map(key_of) == one.parent_key.as_deref(),
            };
            if !is_same {
                return Some(format!(
                    "the parent of {} is not the one of meta.db",
                    row.key
                ));
            }
            if one.is_committed() && row.kind != Some(Kind::Committed) {
                return Some(format!(
                    "{} is not a committed snapshot, and must be one",
                    row.key
                ));
            }
            if one.is_open() && row.kind == Some(Kind::Committed) {
                return Some(format!(
                    "{} is called committed, and a container writes to it",
                    row.key
                ));
            }
        }
    }
    let moved = rows
        .iter()
        .filter(|row| row.id.is_some_and(|id| !layout.dirs.contains_key(&id)));
    if moved.count() > 0 && orphans > 0 && is_meta_whole {
        return Some(
            "numbers of its rows have no directory, and directories have no row".to_owned(),
        );
    }
    let highest = ids.last().copied().max(layout.dirs.keys().last().copied());
    if backend.sequence < highest {
        return Some("the number that it gives next was given already".to_owned());
    }
    let parents: BTreeSet<(u64, u64)> = rows
        .iter()
        .filter_map(|row| {
            let parent = by_name.get(row.parent.as_ref()?.bytes())?;
            Some((parent.id?, row.id?))
        })
        .collect();
    let index = backend.parents.read()?;
    if parents != index.keys().copied().collect() {
        return Some("its index of children is not that of its rows".to_owned());
    }
    None
}

/// Gives rows whose key is that of a snapshot of meta.db but for a bit or two that key again; says what was
/// wrong with the first of them.
pub(crate) fn unflip(snapshotter: &mut Snapshotter, wanted: &[Wanted]) -> Option<String> {
    let own: BTreeSet<&[u8]> = wanted.iter().map(|one| one.name.as_slice()).collect();
    let there: BTreeSet<Vec<u8>> = backend_rows(snapshotter)
        .iter()
        .map(|row| row.key.bytes().to_vec())
        .collect();
    let lacking: Vec<&[u8]> = own
        .iter()
        .copied()
        .filter(|name| !there.contains(*name))
        .collect();
    let strangers = there.iter().filter(|row| !own.contains(row.as_slice()));
    let right: BTreeMap<&[u8], &[u8]> = strangers
        .filter_map(|row| Some((row.as_slice(), only_near(row, lacking.iter().copied())?)))
        .collect();
    let (row, name) = right.first_key_value()?;
    let why = format!(
        "the row of {} is called {}: bits of it flipped",
        Text::from(*name),
        Text::from(*row)
    );
    let mut backend = snapshotter.db.rows.take()?;
    backend.snapshots = backend.snapshots.map(|mut rows| {
        for row in &mut rows {
            if let Some(name) = right.get(row.key.bytes()) {
                row.key = Text::from(*name);
            }
        }
        rows
    });
    snapshotter.db.rows = Some(backend);
    Some(why)
}

/// Numbers that both databases have given, to different snapshots: one of the two is another node's, or
/// of another time, and nothing here says which.
pub(crate) fn strange(snapshotter: &Snapshotter, wanted: &[Wanted]) -> Option<String> {
    let number = |name| {
        let (namespace, number, key) = crate::rows::split_key(name)?;
        Some(((namespace, number), key))
    };
    let own = wanted.iter().filter_map(|one| number(&one.name));
    let own: BTreeMap<(&[u8], u64), &[u8]> = own.collect();
    let rows = backend_rows(snapshotter).iter();
    let rows = rows.filter_map(|row| Some((number(row.key.bytes())?, row)));
    let mut odd = rows.filter_map(|((at, key), row)| {
        let other = own.get(&at).filter(|other| **other != key)?;
        Some((row.key.clone(), Text::from(*other)))
    });
    let (row, other) = odd.next()?;
    let more = match odd.count() {
        0 => String::new(),
        more => format!(", and so are {more} more"),
    };
    Some(format!(
        "which database is this node's: {row} of the metadata.db of {} is {other} in meta.db{more}. One of the two \
         was put here from elsewhere. Put back the right one, or delete the wrong one after a copy: then repair \
         rebuilds it",
        snapshotter.name
    ))
}

/// Whether nothing is wrong with the file itself.
pub(crate) fn is_sound(snapshotter: &Snapshotter) -> bool {
    let rows = snapshotter.db.rows.as_ref();
    snapshotter.db.state == DatabaseState::Open
        && !snapshotter.db.is_damaged()
        && rows.is_some_and(|rows| rows.snapshots.is_whole() && rows.troubles.is_empty())
}

/// The key in meta.db of a row.
fn key_of(row: &[u8]) -> &[u8] {
    crate::rows::split_key(row).map_or(row, |(_, _, key)| key)
}
