//! What is wrong with a metadata.db, so that it is made anew.

use std::collections::{BTreeMap, BTreeSet};

use finding::Unread;
use metadb::Kind;
use node::{DatabaseState, Snapshotter};
use snapshots::Layout;

use super::Wanted;
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
            let parent = row.parent.as_ref().map(finding::Text::bytes);
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

/// The key in meta.db of a row.
fn key_of(row: &[u8]) -> &[u8] {
    crate::rows::split_key(row).map_or(row, |(_, _, key)| key)
}
