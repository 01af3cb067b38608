//! Snapshots and their parents: those that are gone, cycles, lists of children, and what the two
//! databases say of one.

use daemon::{start, told};
use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Object, Severity, Text};
use metadb::{BackendSnapshot, Row, SnapshotRow};
use node::Snapshotter;

use crate::snapshot::{about_backend, about_row, backend_finding, backend_rows, groups};
use crate::snapshot_commit::in_backend;
use crate::{Check, Judge};

/// A parent that is not there.
pub(crate) const PARENT_MISSING: Check = Check {
    code: &Code {
        name: "snapshot/parent-missing",
        rule: "G01",
        severity: Severity::Damage,
        title: "A snapshot's parent is not there",
        explanation: "A snapshot names a parent that its database does not have, in meta.db or in \
            the snapshotter's metadata.db. It can neither be mounted nor, in metadata.db, ever be \
            removed by the garbage collector.",
        remedy: "For layers of an image: delete the snapshot and its descendants, and let \
            containerd unpack the image again. For a container's snapshot: export its writable \
            layer first.",
    },
    needs: &[],
    run: parent_missing,
};

/// A chain that comes back to itself.
pub(crate) const PARENT_CYCLE: Check = Check {
    code: &Code {
        name: "snapshot/parent-cycle",
        rule: "F03",
        severity: Severity::Fatal,
        title: "A snapshot is its own ancestor",
        explanation: "Following the parents from this snapshot comes back to it. containerd follows them \
            without end, inside a write transaction: its first use of the snapshot hangs, and its \
            memory grows until it is killed.",
        remedy: "Do not start containerd. Cut the cycle in a copy of the database.",
    },
    needs: &[],
    run: parent_cycle,
};

/// `children` and `parent` disagree.
pub(crate) const CHILDREN: Check = Check {
    code: &Code {
        name: "snapshot/children",
        rule: "G02",
        severity: Severity::Odd,
        title: "A snapshot's list of children is wrong",
        explanation: "meta.db keeps the children of a snapshot beside the parent of each. A child that is \
            listed but not there is what containerd's own garbage collector leaves behind (a note): \
            `ctr snapshots rm` of the parent is then refused, but the garbage collector still \
            removes it. A child that is there but not listed can lose its parent.",
        remedy: "Do nothing for a child that is listed and gone: the garbage collector still removes the snapshot. Do \
            not remove a snapshot whose list lacks a child: containerd would remove it although the child needs it.",
    },
    needs: &[],
    run: children,
};

/// What a parent that is gone is called: once, however many children it has.
fn of_children(parent: &Text, count: usize, file: &str) -> String {
    match count {
        1 => format!("the parent {parent} of a snapshot is not in {file}"),
        _ => format!("the parent {parent} of {count} snapshots is not in {file}"),
    }
}

fn parent_missing(judge: &mut Judge<'_>) {
    // Names of children in metadata.db whose parent meta.db lacks: that tells of both.
    let mut told: BTreeSet<&Text> = BTreeSet::new();
    for group in groups(judge) {
        let keys: BTreeSet<&Text> = group.rows().map(|row| &row.key).collect();
        let mut gone: BTreeMap<&Text, Vec<&Row<SnapshotRow>>> = BTreeMap::new();
        for row in group.rows() {
            if let Some(parent) = row.parent.as_ref().filter(|parent| !keys.contains(parent)) {
                gone.entry(parent).or_default().push(row);
            }
        }
        if gone.is_empty() || judge.abstains_for(group.snapshots.rows.unknown()) {
            continue;
        }
        for (parent, children) in gone {
            let at = group.snapshots.at.location(&judge.node.meta.path);
            let message = of_children(parent, children.len(), "meta.db");
            let location = at.place("snapshot", parent.clone());
            let mut finding = Finding::new(PARENT_MISSING.code, location, message);
            for row in children {
                let one = group.finding(judge, PARENT_MISSING.code, row, String::new());
                finding = finding.affecting(&one.affects);
                told.insert(&row.name);
            }
            judge.say(finding);
        }
    }
    for snapshotter in &judge.node.snapshotters {
        let by_key = snapshotter.by_key();
        let is_explained = |name: &Text| {
            let mut about = everywhere(judge, snapshotter, name).into_iter();
            about.any(|object| judge.is_explained(PARENT_MISSING.code, &object))
        };
        let mut gone: BTreeMap<&Text, Vec<&Row<BackendSnapshot>>> = BTreeMap::new();
        for row in backend_rows(snapshotter) {
            let parent = row.parent.as_ref().filter(|parent| {
                !by_key.contains_key(parent)
                    && !told.contains(&row.key)
                    && !is_explained(parent)
                    && !is_explained(&row.key)
            });
            if let Some(parent) = parent {
                gone.entry(parent).or_default().push(row);
            }
        }
        let rows = snapshotter.db.rows.as_ref();
        if gone.is_empty() || judge.abstains_for(rows.map_or(&[], |rows| rows.snapshots.unknown()))
        {
            continue;
        }
        for (parent, children) in gone {
            let message = of_children(parent, children.len(), "metadata.db");
            let location = in_backend(snapshotter, "snapshots").place("snapshot", parent.clone());
            let mut finding = Finding::new(PARENT_MISSING.code, location, message);
            for row in children {
                let code = PARENT_MISSING.code;
                let one = backend_finding(judge, snapshotter, code, row, String::new());
                finding = finding.affecting(&one.affects);
            }
            judge.say(finding);
        }
    }
}

/// A snapshot of metadata.db and its rows of meta.db, as what a finding is about.
fn everywhere(judge: &Judge<'_>, snapshotter: &Snapshotter, name: &Text) -> Vec<Object> {
    let rows = judge.snapshots_named(&snapshotter.name, name).iter();
    let rows = rows.map(|(namespace, key)| about_row(namespace, &snapshotter.name, key));
    rows.chain([about_backend(&snapshotter.name, name)])
        .collect()
}

/// Keys that lie on a cycle of `parent_of`: each key is walked once.
fn on_cycles<'k>(parent_of: &BTreeMap<&'k Text, &'k Text>) -> BTreeSet<&'k Text> {
    let mut done: BTreeSet<&Text> = BTreeSet::new();
    let mut cyclic = BTreeSet::new();
    for start in parent_of.keys().copied() {
        let mut way: Vec<&Text> = Vec::new();
        let mut here: BTreeSet<&Text> = BTreeSet::new();
        let mut at = Some(start);
        while let Some(key) = at {
            if done.contains(key) {
                break;
            }
            if !here.insert(key) {
                cyclic.extend(way.iter().copied().skip_while(|passed| *passed != key));
                break;
            }
            way.push(key);
            at = parent_of.get(key).copied();
        }
        done.extend(way);
    }
    cyclic
}

/// Of snapshots and their parents, those that are their own ancestors.
fn cycle<'k>(rows: impl Iterator<Item = (&'k Text, Option<&'k Text>)>) -> BTreeSet<&'k Text> {
    let parents = rows.filter_map(|(key, parent)| Some((key, parent?)));
    on_cycles(&parents.collect())
}

fn parent_cycle(judge: &mut Judge<'_>) {
    for group in groups(judge) {
        let cyclic = cycle(group.rows().map(|row| (&row.key, row.parent.as_ref())));
        if let Some(row) = group.rows().find(|row| cyclic.contains(&row.key)) {
            let message = format!(
                "{} snapshots of meta.db are their own ancestors",
                cyclic.len()
            );
            let mut finding = group.finding(judge, PARENT_CYCLE.code, row, message);
            let snapshotter = &group.snapshots.snapshotter;
            let about = cyclic.iter();
            let about = about.map(|key| about_row(group.namespace, snapshotter, key));
            finding.about = about.collect();
            judge.say(finding);
        }
    }
    for snapshotter in &judge.node.snapshotters {
        let rows = backend_rows(snapshotter);
        let cyclic = cycle(rows.iter().map(|row| (&row.key, row.parent.as_ref())));
        if let Some(row) = rows.iter().find(|row| cyclic.contains(&row.key)) {
            let message = format!(
                "{} snapshots of metadata.db are their own ancestors",
                cyclic.len()
            );
            let finding = backend_finding(judge, snapshotter, PARENT_CYCLE.code, row, message);
            let about = cyclic
                .iter()
                .flat_map(|key| everywhere(judge, snapshotter, key));
            let finding = finding.about(about);
            judge.say(told(finding, &start::CYCLE));
        }
    }
}

fn children(judge: &mut Judge<'_>) {
    for group in groups(judge) {
        if judge.abstains_for(group.snapshots.rows.unknown()) {
            continue;
        }
        let mut want: BTreeMap<&Text, BTreeSet<&Text>> = BTreeMap::new();
        for row in group.rows() {
            if let Some(parent) = &row.parent {
                want.entry(parent).or_default().insert(&row.key);
            }
        }
        // Whose child it is says no row whose parent is wrong.
        let snapshotter = &group.snapshots.snapshotter;
        let keys = group.rows().map(|row| &row.key);
        let doubtful = keys.filter(|key| {
            judge.is_explained(CHILDREN.code, &about_row(group.namespace, snapshotter, key))
        });
        let doubtful: BTreeSet<&Text> = doubtful.collect();
        for row in group.rows() {
            let mut want = want.remove(&row.key).unwrap_or_default();
            let mut found: BTreeSet<&Text> = row.children.iter().collect();
            want.retain(|child| !doubtful.contains(child));
            found.retain(|child| !doubtful.contains(child));
            if want == found || !row.whole {
                continue;
            }
            let stale: Vec<String> = found.difference(&want).map(ToString::to_string).collect();
            let unlisted: Vec<String> = want.difference(&found).map(ToString::to_string).collect();
            let mut parts = Vec::new();
            if !stale.is_empty() {
                parts.push(format!(
                    "lists {} as {}, but there is no such snapshot",
                    stale.join(", "),
                    if stale.len() == 1 {
                        "a child"
                    } else {
                        "children"
                    }
                ));
            }
            if !unlisted.is_empty() {
                parts.push(format!(
                    "does not list its children {}",
                    unlisted.join(", ")
                ));
            }
            let message = format!("the snapshot {} {}", row.key, parts.join(" and "));
            let finding = group.finding(judge, CHILDREN.code, row, message);
            let stale_only = unlisted.is_empty();
            judge.say(if stale_only {
                finding.severity(Severity::Note)
            } else {
                finding
            });
        }
    }
}
