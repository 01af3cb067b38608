//! Snapshots of which meta.db and metadata.db name different parents.

use std::collections::BTreeMap;

use finding::{Code, Severity, Text};
use metadb::{BackendSnapshot, Row, SnapshotRow};
use node::Snapshotter;

use crate::snapshot::{Group, backend_finding, groups};
use crate::snapshot_commit::{is_name, shared_names};
use crate::snapshot_parent::{backend_cycle, cycle};
use crate::{Check, Judge};

/// The two databases disagree about a parent.
pub(crate) const PARENTS_DISAGREE: Check = Check {
    code: &Code {
        name: "snapshot/parents-disagree",
        rule: "S03",
        severity: Severity::Damage,
        title: "The two databases disagree about a snapshot's parent",
        explanation: "meta.db and metadata.db name different parents. What is mounted follows \
            metadata.db, what the garbage collector keeps follows meta.db. metadata.db has an index \
            of parents besides: the side that it agrees with is the right one.",
        remedy: "Trust metadata.db; correct the row in a copy of meta.db.",
    },
    needs: &[],
    run: parents_disagree,
};

/// A snapshot with two parents.
pub(crate) struct Disagreement<'n> {
    /// Its snapshotter.
    pub(crate) snapshotter: &'n Snapshotter,
    /// Its row in meta.db.
    pub(crate) row: &'n Row<SnapshotRow>,
    /// Its row in metadata.db.
    pub(crate) backend: &'n Row<BackendSnapshot>,
    /// What metadata.db calls the parent that meta.db names.
    want: Option<&'n Text>,
    /// Whether metadata.db's index of parents sides with meta.db: its row is the wrong one then.
    pub(crate) is_backend_wrong: bool,
}

/// Every snapshot with two parents, of those whose names can be trusted.
pub(crate) fn disagreements<'n>(judge: &Judge<'n>) -> Vec<Disagreement<'n>> {
    let groups = groups(judge);
    let shared = shared_names(&groups);
    let mut all = Vec::new();
    for group in &groups {
        let Some(snapshotter) = group.snapshotter else {
            continue;
        };
        let by_key = snapshotter.by_key();
        let rows: BTreeMap<&Text, &Row<SnapshotRow>> =
            group.rows().map(|row| (&row.key, row)).collect();
        // A name that is none, or another's too, is told as that.
        let is_trusted = |row: &Row<SnapshotRow>| {
            let name = (&group.snapshots.snapshotter, &row.name);
            row.whole && is_name(&row.name, group.namespace, &row.key) && !shared.contains(&name)
        };
        // A parent that closes a cycle is told as that.
        let own = cycle(group.rows().map(|row| (&row.key, row.parent.as_ref())));
        let cyclic = backend_cycle(snapshotter);
        for row in group.rows().filter(|row| is_trusted(row)) {
            if own.contains(&row.key) || cyclic.contains(&row.name) {
                continue;
            }
            let Some(backend) = by_key.get(&row.name).filter(|backend| backend.whole) else {
                continue;
            };
            // A parent that is not in meta.db is told by snapshot/parent-missing.
            let want = match &row.parent {
                None => None,
                Some(parent) => match rows.get(parent).filter(|parent| is_trusted(parent)) {
                    Some(parent) => Some(&parent.name),
                    None => continue,
                },
            };
            if want != backend.parent.as_ref() {
                all.push(Disagreement {
                    snapshotter,
                    row,
                    backend,
                    want,
                    is_backend_wrong: sides_with(snapshotter, &by_key, backend, want),
                });
            }
        }
    }
    all
}

/// Whether the index of parents has this parent for a child.
fn sides_with(
    snapshotter: &Snapshotter,
    by_key: &BTreeMap<&Text, &Row<BackendSnapshot>>,
    child: &Row<BackendSnapshot>,
    parent: Option<&Text>,
) -> bool {
    let rows = snapshotter.db.rows.as_ref();
    let (Some(index), Some(id)) = (rows.and_then(|rows| rows.parents.whole()), child.id) else {
        return false;
    };
    let Some(parent) = parent else {
        return index.keys().all(|(_, child)| *child != id);
    };
    let parent = by_key.get(parent).and_then(|parent| parent.id);
    parent.is_some_and(|parent| index.contains_key(&(parent, id)))
}

fn parents_disagree(judge: &mut Judge<'_>) {
    let shown = |name: Option<&Text>| name.map_or("none".to_owned(), ToString::to_string);
    let groups: Vec<Group<'_>> = groups(judge);
    for each in disagreements(judge) {
        let Disagreement {
            row, backend, want, ..
        } = each;
        let code = PARENTS_DISAGREE.code;
        let finding = if each.is_backend_wrong {
            let message = "meta.db and metadata.db name different parents; metadata.db's index of \
                           parents agrees with meta.db";
            let remedy = match want {
                Some(want) => {
                    format!("Write the parent `{want}` into the row of a copy of metadata.db.")
                }
                None => "Delete the parent from the row in a copy of metadata.db.".to_owned(),
            };
            let message = message.to_owned();
            backend_finding(judge, each.snapshotter, code, backend, message).remedy(remedy)
        } else {
            let Some(group) = groups
                .iter()
                .find(|group| group.rows().any(|other| other.at == row.at))
            else {
                continue;
            };
            let message = "meta.db and metadata.db name different parents".to_owned();
            group.finding(judge, code, row, message)
        };
        judge.say(
            finding
                .want(format!("{} (meta.db)", shown(want)))
                .found(format!("{} (metadata.db)", shown(backend.parent.as_ref()))),
        );
    }
}
