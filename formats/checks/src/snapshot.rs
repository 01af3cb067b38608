//! Snapshots: rows of meta.db among themselves, and against each snapshotter's metadata.db.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Location, Object, Severity, Text, Unread};
use metadb::{Backend, BackendSnapshot, Row, SnapshotRow, Snapshots};
use node::{DatabaseState, Snapshotter};

use crate::judge::affecting;
use crate::snapshot_commit;
use crate::snapshot_commit::in_backend;
use crate::{Check, Judge, Need};

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
        remedy: "For layers of an image: delete the snapshot and all that stands on it, and let \
            containerd unpack the image again. For a container's snapshot: export its writable \
            layer first.",
        messages: &[
            "parent snapshot",
            "does not exist: not found",
            "missing parent",
        ],
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
        explanation: "Following the parents from this snapshot comes back to it. containerd follows \
            them for ever, inside a write transaction: the first use hangs it, and its memory grows \
            until it is killed.",
        remedy: "Do not start containerd. Cut the cycle in a copy of the database.",
        messages: &[],
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
        explanation: "meta.db keeps the children of a snapshot beside the parent of each. A child \
            that is listed but not there is what containerd's own garbage collector leaves behind \
            (a note): removing the parent by hand is then refused, the garbage collector removes it \
            all the same. A child that is there but not listed can lose its parent under it.",
        remedy: "Rebuild the lists from the parents in a copy of meta.db.",
        messages: &["cannot remove snapshot with child: failed precondition"],
    },
    needs: &[],
    run: children,
};

/// meta.db names a snapshot that its snapshotter does not know.
pub(crate) const BACKEND_MISSING: Check = Check {
    code: &Code {
        name: "snapshot/backend-missing",
        rule: "S01",
        severity: Severity::Damage,
        title: "meta.db names a snapshot that its snapshotter does not know",
        explanation: "The row of meta.db has a name for which metadata.db has no key. Images that \
            stand on it count as not unpacked, and unpacking them fails because the snapshot \
            'already exists'; a container that stands on it cannot be started. It comes from a \
            meta.db that is older than its metadata.db or the other way round: a restored backup, \
            a lost write, a disk that was not mounted.",
        remedy: "Delete the row and all that stands on it in a copy of meta.db; containerd unpacks \
            the image again.",
        messages: &[
            "snapshot does not exist: not found",
            "is not unpacked",
            "missing parent",
            "already exists",
            "uncommittable snapshot: missing in backend",
        ],
    },
    needs: &[],
    run: backend_missing,
};

/// A snapshotter knows a snapshot that meta.db does not name.
pub(crate) const BACKEND_UNKNOWN: Check = Check {
    code: &Code {
        name: "snapshot/backend-unknown",
        rule: "S02",
        severity: Severity::Note,
        title: "A snapshotter knows a snapshot that no namespace names",
        explanation: "A crash between the two databases leaves one now and then: it is invisible, \
            and removed when the garbage collector next has removed some other snapshot. If most \
            snapshots of a node are like this, meta.db was lost or made anew: then this is told as \
            fatal, because the garbage collector would remove them all.",
        remedy: "A few: nothing to do. Many: do not start containerd, restore meta.db.",
        messages: &[],
    },
    needs: &[Need::Snapshots],
    run: backend_unknown,
};

/// The two databases disagree about a parent.
pub(crate) const PARENTS_DISAGREE: Check = Check {
    code: &Code {
        name: "snapshot/parents-disagree",
        rule: "S03",
        severity: Severity::Damage,
        title: "The two databases disagree about a snapshot's parent",
        explanation: "meta.db and metadata.db name different parents. What is mounted follows \
            metadata.db, what the garbage collector keeps follows meta.db.",
        remedy: "Trust metadata.db; correct the row in a copy of meta.db.",
        messages: &["mismatched parent"],
    },
    needs: &[],
    run: parents_disagree,
};

/// Two rows share one backend snapshot.
pub(crate) const NAME_TWICE: Check = Check {
    code: &Code {
        name: "snapshot/name-twice",
        rule: "G05",
        severity: Severity::Damage,
        title: "Two snapshots of meta.db share one snapshot of their snapshotter",
        explanation: "The `name` of a snapshot is unique: two rows with the same one write into \
            each other's files, and removing one removes both.",
        remedy: "Find out which row is the right one before anything is removed.",
        messages: &[],
    },
    needs: &[],
    run: name_twice,
};

/// The counter of names is behind the names.
pub(crate) const NAME_SEQUENCE: Check = Check {
    code: &Code {
        name: "snapshot/name-sequence",
        rule: "S05",
        severity: Severity::Fatal,
        title: "meta.db's snapshot counter is behind",
        explanation: "Each snapshot gets the next number of its bucket as part of its name. The \
            counter is lower than a number that is in use in meta.db or metadata.db: meta.db was \
            made anew, rolled back or rebuilt. New snapshots will clash with old ones.",
        remedy: "Do not start containerd. Raise the counter in a copy of meta.db, or restore the \
            right meta.db.",
        messages: &["already exists"],
    },
    needs: &[],
    run: name_sequence,
};

/// The snapshots of one snapshotter in one namespace, with that snapshotter where it was found.
pub(crate) struct Group<'n> {
    pub(crate) namespace: &'n Text,
    pub(crate) snapshots: &'n Snapshots,
    pub(crate) snapshotter: Option<&'n Snapshotter>,
}

impl<'n> Group<'n> {
    pub(crate) fn rows(&self) -> impl Iterator<Item = &'n Row<SnapshotRow>> + use<'n> {
        self.snapshots.rows.read().into_iter().flatten()
    }

    pub(crate) fn finding(
        &self,
        judge: &Judge<'_>,
        code: &'static Code,
        row: &Row<SnapshotRow>,
        message: String,
    ) -> Finding {
        let location = row.at.location(&judge.node.meta.path);
        let name = &self.snapshots.snapshotter;
        let users = judge
            .index
            .everyone_of_snapshot(self.namespace, name, &row.key);
        let object = Object::new("snapshot", self.namespace.clone(), row.key.clone());
        affecting(
            Finding::new(code, location, message).affects(object),
            &users,
        )
    }
}

/// The snapshots of meta.db, as far as they could be read.
pub(crate) fn groups<'n>(judge: &Judge<'n>) -> Vec<Group<'n>> {
    let node = judge.node;
    let namespaces = judge.namespaces().iter();
    namespaces
        .flat_map(|namespace| {
            let all = namespace.snapshots.read().into_iter().flatten();
            all.map(|snapshots| Group {
                namespace: &namespace.name,
                snapshots,
                snapshotter: node
                    .snapshotters
                    .iter()
                    .find(|s| s.name == snapshots.snapshotter),
            })
        })
        .collect()
}

/// A finding about a row of a metadata.db.
pub(crate) fn backend_finding(
    judge: &Judge<'_>,
    snapshotter: &Snapshotter,
    code: &'static Code,
    row: &Row<BackendSnapshot>,
    message: String,
) -> Finding {
    let location = row.at.location(&snapshotter.db.path);
    let mut finding = Finding::new(code, location, message);
    for group in groups(judge)
        .iter()
        .filter(|g| g.snapshots.snapshotter == snapshotter.name)
    {
        for named in group.rows().filter(|named| named.name == row.key) {
            let object = Object::new("snapshot", group.namespace.clone(), named.key.clone());
            let users =
                judge
                    .index
                    .everyone_of_snapshot(group.namespace, &snapshotter.name, &named.key);
            finding = affecting(finding.affects(object), &users);
        }
    }
    finding
}

/// The snapshots of a metadata.db, as far as they could be read.
pub(crate) fn backend_rows(snapshotter: &Snapshotter) -> &[Row<BackendSnapshot>] {
    snapshotter.db.rows.as_ref().map_or(&[], Backend::snapshots)
}

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
                finding = affecting(finding, &one.affects);
                told.insert(&row.name);
            }
            judge.say(finding);
        }
    }
    for snapshotter in &judge.node.snapshotters {
        let by_key = snapshotter.by_key();
        // A parent that meta.db names is told by snapshot/backend-missing.
        let named: BTreeSet<&Text> = groups(judge)
            .iter()
            .filter(|group| group.snapshots.snapshotter == snapshotter.name)
            .flat_map(Group::rows)
            .filter(|row| row.whole && !snapshotter.is_proxy)
            .map(|row| &row.name)
            .collect();
        let mut gone: BTreeMap<&Text, Vec<&Row<BackendSnapshot>>> = BTreeMap::new();
        for row in backend_rows(snapshotter) {
            let parent = row.parent.as_ref();
            let parent = parent.filter(|p| !by_key.contains_key(p) && !named.contains(p));
            if let Some(parent) = parent.filter(|_| !told.contains(&row.key)) {
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
                finding = affecting(finding, &one.affects);
            }
            judge.say(finding);
        }
    }
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

/// As [`cycle`], of metadata.db.
pub(crate) fn backend_cycle(snapshotter: &Snapshotter) -> BTreeSet<&Text> {
    let rows = backend_rows(snapshotter).iter();
    cycle(rows.map(|row| (&row.key, row.parent.as_ref())))
}

fn parent_cycle(judge: &mut Judge<'_>) {
    for group in groups(judge) {
        let cyclic = cycle(group.rows().map(|row| (&row.key, row.parent.as_ref())));
        if let Some(row) = group.rows().find(|row| cyclic.contains(&row.key)) {
            let message = format!(
                "{} snapshots of meta.db are their own ancestors",
                cyclic.len()
            );
            let finding = group.finding(judge, PARENT_CYCLE.code, row, message);
            judge.say(finding);
        }
    }
    for snapshotter in &judge.node.snapshotters {
        let rows = backend_rows(snapshotter);
        let cyclic = backend_cycle(snapshotter);
        if let Some(row) = rows.iter().find(|row| cyclic.contains(&row.key)) {
            let message = format!(
                "{} snapshots of metadata.db are their own ancestors",
                cyclic.len()
            );
            let finding = backend_finding(judge, snapshotter, PARENT_CYCLE.code, row, message)
                .at_start("all", "hangs at the first use, and its memory grows");
            judge.say(finding);
        }
    }
}

fn children(judge: &mut Judge<'_>) {
    for group in groups(judge) {
        if judge.abstains_for(group.snapshots.rows.unknown()) {
            continue;
        }
        let mut want: BTreeMap<&Text, BTreeSet<&Text>> = BTreeMap::new();
        // What stands on itself is told as that, and is nobody's child.
        let cyclic = cycle(group.rows().map(|row| (&row.key, row.parent.as_ref())));
        for row in group.rows() {
            if let Some(parent) = &row.parent
                && (!cyclic.contains(&row.key) || lists(group.rows(), parent, &row.key))
            {
                want.entry(parent).or_default().insert(&row.key);
            }
        }
        for row in group.rows() {
            let want = want.remove(&row.key).unwrap_or_default();
            let found: BTreeSet<&Text> = row.children.iter().collect();
            if want == found || !row.whole {
                continue;
            }
            let stale: Vec<String> = found.difference(&want).map(ToString::to_string).collect();
            let unlisted: Vec<String> = want.difference(&found).map(ToString::to_string).collect();
            let mut parts = Vec::new();
            if !stale.is_empty() {
                parts.push(format!(
                    "lists {} as children, which are not",
                    stale.join(", ")
                ));
            }
            if !unlisted.is_empty() {
                parts.push(format!(
                    "does not list its children {}",
                    unlisted.join(", ")
                ));
            }
            let message = format!("it {}", parts.join(" and "));
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

/// Whether the row of `parent` lists `child`.
fn lists<'r>(
    mut rows: impl Iterator<Item = &'r Row<SnapshotRow>>,
    parent: &Text,
    child: &Text,
) -> bool {
    let parent = rows.find(|row| row.key == *parent);
    parent.is_some_and(|row| row.children.contains(child))
}

fn backend_missing(judge: &mut Judge<'_>) {
    let halves = snapshot_commit::halves(judge);
    for group in groups(judge) {
        let Some(snapshotter) = group.snapshotter else {
            continue;
        };
        if snapshotter.is_proxy {
            judge.abstain(format!(
                "the store of {} is another daemon's",
                snapshotter.name
            ));
            continue;
        }
        let Some(rows) = &snapshotter.db.rows else {
            // That the database is lost is told by store/metadata-broken.
            let missing = matches!(snapshotter.db.state, DatabaseState::Unread(Unread::Absent));
            if !missing {
                judge.abstain(format!("{} could not be read", snapshotter.db.path));
            }
            continue;
        };
        if judge.abstains_for(rows.snapshots.unknown()) {
            continue;
        }
        let by_key = snapshotter.by_key();
        for row in group.rows() {
            // A commit that was cut off, and a name that is none, are told as that.
            let other = !snapshot_commit::is_name(&row.name, group.namespace, &row.key)
                || halves.iter().any(|half| half.row.at == row.at);
            if !by_key.contains_key(&row.name) && row.whole && !other {
                let message = format!("metadata.db has no snapshot {}", row.name);
                let finding = group.finding(judge, BACKEND_MISSING.code, row, message);
                judge.say(finding);
            }
        }
    }
}

fn backend_unknown(judge: &mut Judge<'_>) {
    let groups = groups(judge);
    let halves = snapshot_commit::halves(judge);
    for snapshotter in &judge.node.snapshotters {
        let named: BTreeSet<&Text> = groups
            .iter()
            .filter(|group| group.snapshots.snapshotter == snapshotter.name)
            .flat_map(Group::rows)
            .map(|row| &row.name)
            .collect();
        let rows = backend_rows(snapshotter);
        let orphans: Vec<_> = rows
            .iter()
            .filter(|row| !named.contains(&row.key))
            .collect();
        // One or two are left by a crash; most of them: meta.db was lost.
        let lost = orphans.len() >= 3 && orphans.len().saturating_mul(2) > rows.len();
        if lost {
            let message = format!(
                "{} of the {} snapshots of {} have no row in meta.db",
                orphans.len(),
                rows.len(),
                snapshotter.name
            );
            let location = Location::file(snapshotter.db.path.clone());
            judge.say(
                Finding::new(BACKEND_UNKNOWN.code, location, message)
                    .severity(Severity::Fatal)
                    .at_start(
                        "all",
                        "removes their directories at the next garbage collection",
                    ),
            );
            continue;
        }
        let other = |row: &&Row<BackendSnapshot>| {
            let half = halves.iter().any(|half| half.committed.at == row.at);
            half || snapshot_commit::lost_its_name(&groups, snapshotter, row)
        };
        for row in orphans.into_iter().filter(|row| !other(row)) {
            let message = "no namespace of meta.db names it".to_owned();
            let finding = backend_finding(judge, snapshotter, BACKEND_UNKNOWN.code, row, message)
                .affects(Object::global("snapshot", row.key.clone()));
            judge.say(finding);
        }
    }
}

fn parents_disagree(judge: &mut Judge<'_>) {
    for group in groups(judge) {
        let Some(snapshotter) = group.snapshotter else {
            continue;
        };
        let by_key = snapshotter.by_key();
        let names: BTreeMap<&Text, &Text> = group.rows().map(|row| (&row.key, &row.name)).collect();
        // A parent that closes a cycle is told as that.
        let own = cycle(group.rows().map(|row| (&row.key, row.parent.as_ref())));
        let cyclic = backend_cycle(snapshotter);
        for row in group.rows() {
            if own.contains(&row.key) || cyclic.contains(&row.name) {
                continue;
            }
            let Some(backend) = by_key
                .get(&row.name)
                .filter(|backend| backend.whole && row.whole)
            else {
                continue;
            };
            // A parent that is not in meta.db is told by snapshot/parent-missing.
            let want = match &row.parent {
                None => None,
                Some(parent) => match names.get(parent) {
                    Some(name) => Some(*name),
                    None => continue,
                },
            };
            if want != backend.parent.as_ref() {
                let shown =
                    |name: Option<&Text>| name.map_or("none".to_owned(), ToString::to_string);
                let message = "meta.db and metadata.db name different parents".to_owned();
                let finding = group
                    .finding(judge, PARENTS_DISAGREE.code, row, message)
                    .want(format!("{} (meta.db)", shown(want)))
                    .found(format!("{} (metadata.db)", shown(backend.parent.as_ref())));
                judge.say(finding);
            }
        }
    }
}

fn name_twice(judge: &mut Judge<'_>) {
    let mut seen: BTreeMap<(&Text, &Text), &Text> = BTreeMap::new();
    for group in groups(judge) {
        for row in group.rows().filter(|row| !row.name.is_empty()) {
            let id = (&group.snapshots.snapshotter, &row.name);
            if let Some(other) = seen.insert(id, &row.key) {
                let message = format!("its name {} is that of {other}, too", row.name);
                let finding = group.finding(judge, NAME_TWICE.code, row, message);
                judge.say(finding);
            }
        }
    }
}

/// N of `<namespace>/<N>/<key>`, if the name is one of this namespace.
pub(crate) fn number(name: &Text, namespace: &Text) -> Option<u64> {
    let rest = name
        .bytes()
        .strip_prefix(namespace.bytes())?
        .strip_prefix(b"/")?;
    let digits = rest.split(|byte| *byte == b'/').next()?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

fn name_sequence(judge: &mut Judge<'_>) {
    for group in groups(judge) {
        let backend = group.snapshotter.map_or(&[][..], backend_rows);
        let named: BTreeSet<&Text> = group.rows().map(|row| &row.name).collect();
        // A commit that was cut off leaves the next number in metadata.db: the counter passes it
        // before anything is committed again.
        let next = group.snapshots.sequence.saturating_add(1);
        let orphans = backend.iter().map(|row| &row.key);
        let orphans = orphans
            .filter(|key| !named.contains(key))
            .filter_map(|key| number(key, group.namespace))
            .filter(|number| *number != next);
        let highest = named
            .iter()
            .filter_map(|name| number(name, group.namespace))
            .chain(orphans)
            .max()
            .unwrap_or(0);
        if highest > group.snapshots.sequence {
            let message = format!(
                "the counter of {} in {} stands at {}, while {highest} is in use",
                group.snapshots.snapshotter, group.namespace, group.snapshots.sequence
            );
            let location = group.snapshots.at.location(&judge.node.meta.path);
            judge.say(
                Finding::new(NAME_SEQUENCE.code, location, message)
                    .want(format!("{highest} or more"))
                    .found(group.snapshots.sequence.to_string()),
            );
        }
    }
}
