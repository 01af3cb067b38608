//! metadata.db by itself: kinds, ids, the index of parents, recorded usage.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Object, Severity, Text};
use metadb::{BackendSnapshot, Kind, Row};
use node::Snapshotter;

use crate::snapshot::{about_backend, backend_finding, backend_rows, groups};
use crate::snapshot_commit::{in_backend, shared_names};
use crate::{Check, Judge};

/// A snapshot that is not of the kind that its use asks for.
pub(crate) const KIND: Check = Check {
    code: &Code {
        name: "snapshot/kind",
        rule: "S04",
        severity: Severity::Damage,
        title: "A snapshot is not of the kind that its use asks for",
        explanation: "A parent is committed; the writable layer of a container is active (or a view). The \
            snapshotter refuses to mount a snapshot of the wrong kind, or to use it as a parent.",
        remedy: "`coroner repair` rewrites its row with the right kind: no layer and no name is lost.",
    },
    needs: &[],
    run: kind,
};

/// Two snapshots with one directory.
pub(crate) const ID_TWICE: Check = Check {
    code: &Code {
        name: "snapshot/id-twice",
        rule: "F04",
        severity: Severity::Fatal,
        title: "Two snapshots have one id, and so one directory",
        explanation: "The id in metadata.db is the name of the snapshot's directory. With the same \
            id (or an id of 0, which is never given) two snapshots write into each other's files, \
            and removing one of them removes the files of both.",
        remedy: "Do not start containerd: its garbage collector may remove one of them. Find out which \
            snapshot the files belong to, copy the directory, and delete the other row in a copy of \
            metadata.db.",
    },
    needs: &[],
    run: id_twice,
};

/// The index of parents is not what the rows say.
pub(crate) const PARENTS_INDEX: Check = Check {
    code: &Code {
        name: "snapshot/parents-index",
        rule: "F06",
        severity: Severity::Damage,
        title: "metadata.db's index of parents is wrong",
        explanation: "metadata.db keeps, beside the parent of each snapshot, an index of children: \
            the only thing that a removal asks. A child that it lists and that is not there keeps \
            its parent for ever, with a complaint at each garbage collection (reported as odd); a \
            child that it does not list can lose its parent.",
        remedy: "Rebuild the index from the rows in a copy of metadata.db.",
    },
    needs: &[],
    run: parents_index,
};

/// A committed snapshot without its usage.
pub(crate) const USAGE_MISSING: Check = Check {
    code: &Code {
        name: "snapshot/usage-missing",
        rule: "F08",
        severity: Severity::Odd,
        title: "A committed snapshot has no recorded usage",
        explanation: "A commit records how many bytes and inodes the layer takes. Without them the layer \
            counts as empty, and whether its files changed since is not known.",
        remedy: "Nothing that is urgent: unpacking the layer again records them.",
    },
    needs: &[],
    run: usage_missing,
};

/// Snapshotters whose database is containerd's own.
fn own<'n>(judge: &Judge<'n>) -> impl Iterator<Item = &'n Snapshotter> + use<'n> {
    judge.node.snapshotters.iter().filter(|s| !s.is_proxy)
}

fn kind(judge: &mut Judge<'_>) {
    for snapshotter in own(judge) {
        let rows = backend_rows(snapshotter);
        let mut children: BTreeMap<&Text, Vec<&Text>> = BTreeMap::new();
        for row in rows {
            if let Some(parent) = &row.parent {
                children.entry(parent).or_default().push(&row.key);
            }
        }
        let written = written(judge, snapshotter);
        for row in rows {
            let Some(found) = row.kind else { continue };
            let below = children.get(&row.key).map_or(0, Vec::len);
            let user = written.get(&row.key);
            let (want, why) = match (found, user) {
                (Kind::Committed, Some(user)) => ("active", format!("{user} writes to it")),
                (Kind::Committed, None) => continue,
                (_, _) if below > 0 => ("committed", format!("{below} snapshots depend on it")),
                (_, None) if is_layer(&row.key) => {
                    ("committed", "its key is a layer's chain ID".to_owned())
                }
                _ => continue,
            };
            let message = format!("it is {found}, although {why}");
            let mut finding = backend_finding(judge, snapshotter, KIND.code, row, message)
                .want(want)
                .found(found.to_string());
            if finding.affects.is_empty() {
                finding = finding.affects(Object::global("snapshot", row.key.clone()));
            }
            judge.say(finding);
        }
    }
}

/// Names in metadata.db of what containers write to, and who they are. A name that several rows of
/// meta.db have is nobody's.
fn written<'n>(judge: &Judge<'n>, snapshotter: &Snapshotter) -> BTreeMap<&'n Text, Object> {
    let groups = groups(judge);
    let shared = shared_names(&groups);
    let mut written: BTreeMap<&Text, Object> = BTreeMap::new();
    for group in groups
        .iter()
        .filter(|group| group.snapshots.snapshotter == snapshotter.name)
    {
        let space = judge
            .namespaces()
            .iter()
            .find(|space| space.name == *group.namespace);
        let containers = space.and_then(|space| space.containers.read());
        let by_key: BTreeMap<&Text, &Text> =
            group.rows().map(|row| (&row.key, &row.name)).collect();
        for container in containers.into_iter().flatten() {
            if container.snapshotter == snapshotter.name
                && let Some(name) = by_key.get(&container.snapshot_key)
                && !shared.contains(&(&group.snapshots.snapshotter, *name))
            {
                let id = container.key.clone();
                written.insert(name, Object::new("container", group.namespace.clone(), id));
            }
        }
    }
    written
}

/// Whether a key of metadata.db ends in a chain ID: only commits are called so.
fn is_layer(key: &Text) -> bool {
    let last = key.bytes().rsplit(|byte| *byte == b'/').next();
    last.is_some_and(|last| content::Digest::parse_bytes(last).is_ok())
}

/// Ids that more than one row has, with those rows.
fn shared(snapshotter: &Snapshotter) -> BTreeMap<u64, Vec<&Row<BackendSnapshot>>> {
    let mut by_id: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    for row in backend_rows(snapshotter) {
        if let Some(id) = row.id {
            by_id.entry(id).or_default().push(row);
        }
    }
    by_id.retain(|id, rows| rows.len() > 1 || *id == 0);
    by_id
}

fn id_twice(judge: &mut Judge<'_>) {
    for snapshotter in own(judge) {
        for (id, rows) in shared(snapshotter) {
            let Some(first) = rows.first() else { continue };
            let keys: Vec<String> = rows.iter().map(|row| row.key.to_string()).collect();
            let message = if rows.len() > 1 {
                format!("{} all have the id {id}", keys.join(" and "))
            } else {
                format!("{} has the id 0", first.key)
            };
            let mut finding: Option<Finding> = None;
            for row in &rows {
                let one = backend_finding(judge, snapshotter, ID_TWICE.code, row, message.clone());
                finding = Some(match finding {
                    None => one,
                    Some(finding) => finding.joined(&one),
                });
            }
            if let Some(finding) = finding {
                let finding = if rows.len() > 1 {
                    finding
                } else {
                    finding.severity(Severity::Damage)
                };
                judge.say(finding);
            }
        }
    }
}

fn parents_index(judge: &mut Judge<'_>) {
    for snapshotter in own(judge) {
        let Some(backend) = &snapshotter.db.rows else {
            continue;
        };
        if judge.abstains_for(backend.snapshots.unknown())
            || judge.abstains_for(backend.parents.unknown())
        {
            continue;
        }
        let by_key = snapshotter.by_key();
        // What has no id of its own is told as that, and has no right pair.
        let doubtful = shared(snapshotter);
        let rows = backend_rows(snapshotter);
        if rows.iter().any(|row| row.id.is_none()) {
            judge.abstain(format!("ids of {} did not decode", snapshotter.name));
            continue;
        }
        let mut want: BTreeMap<(u64, u64), &Text> = BTreeMap::new();
        for row in rows {
            let parent = row.parent.as_ref().and_then(|parent| by_key.get(parent));
            if let (Some(parent), Some(id)) = (parent.and_then(|parent| parent.id), row.id) {
                want.insert((parent, id), &row.key);
            }
        }
        let none = BTreeMap::new();
        let found = backend.parents.read();
        let found = found.unwrap_or(&none);
        let sure =
            |pair: &&(u64, u64)| !doubtful.contains_key(&pair.0) && !doubtful.contains_key(&pair.1);
        let ids: BTreeMap<u64, &Row<BackendSnapshot>> =
            rows.iter().filter_map(|row| Some((row.id?, row))).collect();
        let mut by_parent: BTreeMap<u64, (Vec<String>, Vec<String>)> = BTreeMap::new();
        let named = |id: &u64| {
            ids.get(id)
                .map_or(format!("id {id}"), |row| row.key.to_string())
        };
        // With an id in doubt, the id that is right may be one that no row has.
        let known = |pair: &&(u64, u64)| {
            doubtful.is_empty() || ids.contains_key(&pair.0) && ids.contains_key(&pair.1)
        };
        // What is wrong with the child's own parent is another fault.
        let is_explained = |pair: &&(u64, u64)| {
            let row = ids.get(&pair.1);
            let about = row.map(|row| about_backend(&snapshotter.name, &row.key));
            about.is_some_and(|about| judge.is_explained(PARENTS_INDEX.code, &about))
        };
        // An entry of a row that is lost is told with that row; one of a row whose parent is not there, with that one.
        let lost = lost_rows(judge, snapshotter);
        let is_lost = |pair: &&(u64, u64)| {
            let child = ids.get(&pair.1);
            let parent = child.and_then(|row| row.parent.as_ref());
            let is_orphan = parent.is_some_and(|parent| !by_key.contains_key(parent));
            // The index says the child's name; that of a parent is known of no row that is lost.
            let is_gone = !ids.contains_key(&pair.0) && !lost.is_empty()
                || child.is_none() && found.get(pair).is_some_and(|name| lost.contains(name));
            is_orphan || is_gone
        };
        let extra = found.keys().filter(sure).filter(known);
        let extra = extra.filter(|pair| !is_lost(pair) && !is_explained(pair));
        for (parent, child) in extra.filter(|pair| !want.contains_key(pair)) {
            by_parent.entry(*parent).or_default().0.push(named(child));
        }
        for (parent, child) in want
            .keys()
            .filter(sure)
            .filter(|pair| !found.contains_key(pair) && !is_explained(pair))
        {
            by_parent.entry(*parent).or_default().1.push(named(child));
        }
        let parents: BTreeSet<u64> = want.keys().map(|(parent, _)| *parent).collect();
        let is_empty = found.is_empty();
        let mut findings = Vec::new();
        for (parent, (extra, lacking)) in by_parent {
            let mut parts = Vec::new();
            if !extra.is_empty() {
                parts.push(format!("lists {} below it, which is not", extra.join(", ")));
            }
            if !lacking.is_empty() {
                parts.push(format!("does not list its child {}", lacking.join(", ")));
            }
            let message = format!("the index {}", parts.join(" and "));
            let severity = if lacking.is_empty() {
                Severity::Odd
            } else {
                Severity::Damage
            };
            let finding = if let Some(row) = ids.get(&parent) {
                backend_finding(judge, snapshotter, PARENTS_INDEX.code, row, message)
            } else {
                let location = in_backend(snapshotter, "parents");
                let message = format!("of the id {parent}, which no snapshot has, {message}");
                Finding::new(PARENTS_INDEX.code, location, message)
            };
            findings.push(finding.severity(severity));
        }
        // An index without an entry is gone as a whole.
        let total = if is_empty {
            findings.len()
        } else {
            parents.len()
        };
        judge.say_all(findings, total, |_| {
            let children = want.len();
            let message = format!("the index lists none of the {children} children");
            let message = if is_empty {
                message
            } else {
                format!(
                    "the index is wrong for each of the {} parents",
                    parents.len()
                )
            };
            (in_backend(snapshotter, "parents"), message)
        });
    }
}

/// Names of snapshots that meta.db has, and metadata.db lacks.
fn lost_rows<'n>(judge: &Judge<'n>, snapshotter: &Snapshotter) -> BTreeSet<&'n Text> {
    let by_key = snapshotter.by_key();
    let mut lost = BTreeSet::new();
    for group in groups(judge) {
        if group.snapshots.snapshotter == snapshotter.name {
            let rows = group.rows().filter(|row| row.whole);
            lost.extend(
                rows.map(|row| &row.name)
                    .filter(|name| !by_key.contains_key(*name)),
            );
        }
    }
    lost
}

fn usage_missing(judge: &mut Judge<'_>) {
    for snapshotter in own(judge) {
        let rows = backend_rows(snapshotter).iter();
        for row in rows.filter(|row| row.kind == Some(Kind::Committed) && row.whole) {
            let lacking = match (row.size, row.inodes) {
                (Some(_), Some(_)) => continue,
                (None, None) => "neither its size nor its inodes",
                (None, Some(_)) => "its inodes, but not its size",
                (Some(_), None) => "its size, but not its inodes",
            };
            let message = format!("metadata.db has {lacking}");
            let finding = backend_finding(judge, snapshotter, USAGE_MISSING.code, row, message);
            judge.say(finding);
        }
    }
}
