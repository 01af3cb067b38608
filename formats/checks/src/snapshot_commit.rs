//! Snapshots whose two rows do not find each other: a commit that was cut off, a name that is none.

use std::collections::BTreeSet;

use finding::{Code, Location, Object, Severity, Text};
use metadb::{BackendSnapshot, Kind, Row, SnapshotRow};
use node::Snapshotter;

use crate::snapshot::{Group, about_backend, about_row, backend_rows, groups};
use crate::snapshot_name::number;
use crate::{Check, Judge, Need};

/// A commit that reached one of the two databases.
pub(crate) const HALF: Check = Check {
    code: &Code {
        name: "snapshot/half-committed",
        rule: "S06",
        severity: Severity::Damage,
        title: "A commit of a snapshot reached only one of the two databases",
        explanation: "The snapshotter committed the snapshot under its new name; the daemon was killed before \
            meta.db knew of it. meta.db still has the active snapshot, but metadata.db no longer has \
            its name; no namespace names the committed snapshot. The layer counts as not unpacked; \
            the next attempt unpacks it again.",
        remedy: "Delete the active row in a copy of meta.db (or `ctr snapshots rm` it). The \
            committed one is removed by the garbage collector; its directory holds a whole layer.",
    },
    needs: &[Need::Snapshots],
    run: half,
};

/// A name that the daemon would not have given.
pub(crate) const NAME_FORM: Check = Check {
    code: &Code {
        name: "snapshot/name-form",
        rule: "G05",
        severity: Severity::Damage,
        title: "A snapshot's name in its snapshotter does not have containerd's form",
        explanation: "meta.db keeps, for each snapshot, its key in metadata.db: `<namespace>/<N>/<key>`. This \
            one has another form, so the snapshot is not found. Where the name of a parent is empty, \
            a child is created on an empty root file system, and nothing is logged.",
        remedy: "Write the right name into a copy of meta.db: the key of metadata.db that ends in \
            this snapshot's key.",
    },
    needs: &[],
    run: name_form,
};

/// A commit of which each database knows another half.
pub(crate) struct Half<'n> {
    /// The active snapshot in meta.db.
    pub(crate) row: &'n Row<SnapshotRow>,
    /// The committed one in metadata.db.
    pub(crate) committed: &'n Row<BackendSnapshot>,
}

/// `<namespace>/<N>/<key>`
pub(crate) fn is_name(name: &Text, namespace: &Text, key: &Text) -> bool {
    let rest = name.bytes().strip_prefix(namespace.bytes());
    let rest = rest.and_then(|rest| rest.strip_prefix(b"/"));
    let own = rest
        .and_then(|rest| rest.strip_suffix(key.bytes()))
        .and_then(|rest| rest.strip_suffix(b"/"));
    own.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// The key of meta.db in a key of metadata.db.
pub(crate) fn key_of<'k>(name: &'k Text, namespace: &Text) -> Option<&'k [u8]> {
    let rest = name.bytes().strip_prefix(namespace.bytes())?;
    let rest = rest.strip_prefix(b"/")?;
    let slash = rest.iter().position(|byte| *byte == b'/')?;
    rest.get(slash..)?.get(1..)
}

/// Commits that were cut off between the two databases.
///
/// The one in metadata.db is the newest of its namespace, stands on the same parent, and is the
/// layer that the other was labelled to become, where it was labelled.
pub(crate) fn halves<'n>(judge: &Judge<'n>) -> Vec<Half<'n>> {
    let groups = groups(judge);
    let mut halves = Vec::new();
    for group in &groups {
        let Some(snapshotter) = group.snapshotter.filter(|snapshotter| {
            let rows = snapshotter.db.rows.as_ref();
            rows.is_some_and(|rows| rows.snapshots.is_whole()) && !snapshotter.is_proxy
        }) else {
            continue;
        };
        let by_key = snapshotter.by_key();
        let mut alone = group
            .rows()
            .filter(|row| row.whole && !by_key.contains_key(&row.name))
            .filter(|row| is_name(&row.name, group.namespace, &row.key));
        let Some(first) = alone.next() else { continue };
        let orphans = orphans(&groups, group, snapshotter);
        for row in core::iter::once(first).chain(alone) {
            let fits = |orphan: &&&Row<BackendSnapshot>| become_of(group, row, orphan);
            let mut fitting = orphans.iter().filter(fits);
            if let (Some(committed), None) = (fitting.next(), fitting.next()) {
                halves.push(Half { row, committed });
            }
        }
    }
    halves
}

/// Committed snapshots of metadata.db that no namespace names, newer than what meta.db counted.
fn orphans<'n>(
    groups: &[Group<'n>],
    group: &Group<'n>,
    snapshotter: &'n Snapshotter,
) -> Vec<&'n Row<BackendSnapshot>> {
    let newer = |row: &&Row<BackendSnapshot>| {
        row.kind == Some(Kind::Committed)
            && number(&row.key, group.namespace).is_some_and(|n| n > group.snapshots.sequence)
    };
    let mut orphans: Vec<_> = backend_rows(snapshotter).iter().filter(newer).collect();
    let of_it = |group: &&Group<'_>| group.snapshots.snapshotter == snapshotter.name;
    for row in groups.iter().filter(of_it).flat_map(Group::rows) {
        orphans.retain(|orphan| orphan.key != row.name);
    }
    orphans
}

/// Whether `orphan` is what became of the active snapshot `row`.
fn become_of(group: &Group<'_>, row: &Row<SnapshotRow>, orphan: &Row<BackendSnapshot>) -> bool {
    let parent = row.parent.as_ref();
    let parent = parent.map(|parent| group.rows().find(|row| row.key == *parent));
    let same_parent = match parent {
        None => orphan.parent.is_none(),
        Some(Some(parent)) => orphan.parent.as_ref() == Some(&parent.name),
        Some(None) => false,
    };
    let target = row.labels.get("containerd.io/snapshot.ref");
    let wanted = target.is_none_or(|target| {
        key_of(&orphan.key, group.namespace).is_some_and(|key| key == target.bytes())
    });
    same_parent && wanted
}

fn half(judge: &mut Judge<'_>) {
    let groups = groups(judge);
    for Half { row, committed } in halves(judge) {
        let Some(group) = groups
            .iter()
            .find(|group| group.rows().any(|other| other.at == row.at))
        else {
            continue;
        };
        let became = key_of(&committed.key, group.namespace).map(Text::from);
        let became = became.unwrap_or_else(|| committed.key.clone());
        let message = format!(
            "meta.db has the active snapshot {}, which metadata.db has committed as {became}",
            row.key
        );
        let finding = group.finding(judge, HALF.code, row, message);
        let object = Object::new("snapshot", group.namespace.clone(), became);
        judge.say(
            finding
                .about([about_backend(&group.snapshots.snapshotter, &committed.key)])
                .affects(object)
                .want(format!("{} (active)", row.name))
                .found(format!("{} (committed)", committed.key)),
        );
    }
}

/// Names that several rows of a snapshotter have, with that snapshotter.
pub(crate) fn shared_names<'n>(groups: &[Group<'n>]) -> BTreeSet<(&'n Text, &'n Text)> {
    let mut seen = BTreeSet::new();
    let mut shared = BTreeSet::new();
    for group in groups {
        for row in group.rows().filter(|row| !row.name.is_empty()) {
            let name = (&group.snapshots.snapshotter, &row.name);
            if !seen.insert(name) {
                shared.insert(name);
            }
        }
    }
    shared
}

fn name_form(judge: &mut Judge<'_>) {
    for group in groups(judge) {
        let snapshotter = &group.snapshots.snapshotter;
        for row in group.rows().filter(|row| row.whole) {
            if is_name(&row.name, group.namespace, &row.key) {
                continue;
            }
            let message = format!("its name in {snapshotter} is `{}`", row.name);
            let mut finding = group
                .finding(judge, NAME_FORM.code, row, message)
                .want(format!("{}/N/{}", group.namespace, row.key))
                .found(format!("`{}`", row.name));
            let rows = group.snapshotter.map_or(&[][..], backend_rows);
            let same = rows.iter().filter(|other| {
                key_of(&other.key, group.namespace).is_some_and(|key| key == row.key.bytes())
            });
            let same: Vec<_> = same.collect();
            finding.about = vec![about_row(group.namespace, snapshotter, &row.key)];
            let backends = same.iter().map(|row| about_backend(snapshotter, &row.key));
            finding = finding.about(backends);
            if let [right] = same.as_slice() {
                finding = finding.remedy(format!(
                    "metadata.db knows it as `{}`: write that name into a copy of meta.db.",
                    right.key
                ));
            }
            judge.say(finding);
        }
    }
}

/// What a pull left of an unpacking.
pub(crate) const EXTRACTION: Check = Check {
    code: &Code {
        name: "snapshot/extraction-leftover",
        rule: "G13",
        severity: Severity::Note,
        title: "An unpacking was never finished",
        explanation: "A layer is unpacked into an active snapshot that is called extract-…, and is \
            committed when all of it is there. This one is older than a pull takes: its pull was \
            interrupted. It may hold a whole layer, and is removed once no lease holds it.",
        remedy: "Nothing to repair. To have the space back before the lease ends, delete the lease \
            (`ctr leases rm`).",
    },
    needs: &[Need::Leases],
    run: extraction,
};

/// A layer takes minutes; what is older is nobody's.
const LONGEST_PULL: i64 = 3600;

fn extraction(judge: &mut Judge<'_>) {
    for group in groups(judge) {
        let leases = judge.namespaces().iter();
        let leases: Vec<_> = leases
            .filter(|namespace| namespace.name == *group.namespace)
            .flat_map(|namespace| namespace.leases.read().into_iter().flatten())
            .collect();
        for row in group
            .rows()
            .filter(|row| row.key.bytes().starts_with(b"extract-"))
        {
            let since = row.updated.or(row.created);
            let old = since.is_some_and(|since| judge.node.now.since(since) > LONGEST_PULL);
            if !old {
                continue;
            }
            let holds = |lease: &&&Row<metadb::Lease>| {
                let keys = lease.snapshots.get(&group.snapshots.snapshotter);
                keys.is_some_and(|keys| keys.contains(&row.key))
            };
            let held: Vec<_> = leases.iter().filter(holds).collect();
            let until = held
                .iter()
                .map(|lease| lease.expires())
                .max_by_key(|until| {
                    // For ever is later than any time.
                    (until.is_none(), *until)
                });
            let (kept, severity) = match until {
                None => ("nothing holds it".to_owned(), Severity::Note),
                Some(Some(until)) => (format!("a lease holds it until {until}"), Severity::Note),
                Some(None) => ("a lease without an end holds it".to_owned(), Severity::Odd),
            };
            let layer = row.labels.get("containerd.io/snapshot.ref");
            let of = layer.map_or(String::new(), |layer| format!(" of {layer}"));
            let message = format!("the unpacking {}{of} was never finished; {kept}", row.key);
            let finding = group.finding(judge, EXTRACTION.code, row, message);
            judge.say(finding.severity(severity));
        }
    }
}

/// A place in a metadata.db.
pub(crate) fn in_backend(snapshotter: &Snapshotter, bucket: &str) -> Location {
    Location::file(snapshotter.db.path.clone())
        .place("bucket", "v1")
        .place("bucket", bucket)
}
