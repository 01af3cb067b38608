//! Names of snapshots in their snapshotter: shared ones, and the counter that they come from.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Severity, Text};

use crate::snapshot::{about_row, backend_rows, groups};
use crate::{Check, Judge};

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
            recreated, rolled back or rebuilt. New snapshots will clash with old ones.",
        remedy: "Do not start containerd. Raise the counter in a copy of meta.db, or restore the \
            right meta.db.",
    },
    needs: &[],
    run: name_sequence,
};

fn name_twice(judge: &mut Judge<'_>) {
    let mut seen: BTreeMap<(&Text, &Text), (&Text, &Text)> = BTreeMap::new();
    for group in groups(judge) {
        let snapshotter = &group.snapshots.snapshotter;
        for row in group.rows().filter(|row| !row.name.is_empty()) {
            let one = (group.namespace, &row.key);
            if let Some((namespace, other)) = seen.insert((snapshotter, &row.name), one) {
                let message = format!("its name {} is that of {other}, too", row.name);
                let finding = group.finding(judge, NAME_TWICE.code, row, message);
                judge.say(finding.about([about_row(namespace, snapshotter, other)]));
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
                "the counter of {} in {} is {}, while {highest} is in use",
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
