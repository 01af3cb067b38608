//! Snapshots of which meta.db and metadata.db name different parents.

use std::collections::BTreeMap;

use finding::{Code, Severity, Text};
use metadb::{BackendSnapshot, Row, SnapshotRow};
use node::Snapshotter;

use crate::snapshot::{about_row, backend_finding, groups};
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
    let code = PARENTS_DISAGREE.code;
    let shown = |name: Option<&Text>| name.map_or("none".to_owned(), ToString::to_string);
    for group in groups(judge) {
        let Some(snapshotter) = group.snapshotter else {
            continue;
        };
        let by_key = snapshotter.by_key();
        let rows: BTreeMap<&Text, &Row<SnapshotRow>> =
            group.rows().map(|row| (&row.key, row)).collect();
        let about = |key: &Text| about_row(group.namespace, &snapshotter.name, key);
        for row in group.rows().filter(|row| row.whole) {
            let Some(backend) = by_key.get(&row.name).filter(|backend| backend.whole) else {
                continue;
            };
            // What metadata.db calls a parent is known of a row that is right.
            let is_doubtful = |key: &Text| judge.is_explained(code, &about(key));
            let want = row.parent.as_ref().map(|parent| rows.get(parent));
            let want = match want {
                None => None,
                Some(Some(parent)) if parent.whole && !is_doubtful(&parent.key) => {
                    Some(&parent.name)
                }
                Some(_) => continue,
            };
            if want == backend.parent.as_ref() || is_doubtful(&row.key) {
                continue;
            }
            let message = "meta.db and metadata.db name different parents".to_owned();
            let mut finding = if sides_with(snapshotter, &by_key, backend, want) {
                let message =
                    format!("{message}; metadata.db's index of parents agrees with meta.db");
                let remedy = match want {
                    Some(want) => {
                        format!("Write the parent `{want}` into the row of a copy of metadata.db.")
                    }
                    None => "Delete the parent from the row in a copy of metadata.db.".to_owned(),
                };
                backend_finding(judge, snapshotter, code, backend, message).remedy(remedy)
            } else {
                // The snapshotter's row is right.
                let mut finding = group.finding(judge, code, row, message);
                finding.about = vec![about(&row.key)];
                finding
            };
            finding = finding.want(format!("{} (meta.db)", shown(want)));
            judge.say(finding.found(format!("{} (metadata.db)", shown(backend.parent.as_ref()))));
        }
    }
}
