//! Containers whose snapshots meta.db does not have, and what their snapshotter still has of them.

use daemon::{start, told};
use std::collections::BTreeMap;

use finding::{Code, Finding, Location, Object, Severity, Text};
use metadb::{Container, Namespace, Row};

use crate::container::pod_of;
use crate::judge::{affecting, joined};
use crate::snapshot::about_backend;
use crate::snapshot_backend::Survivors;
use crate::{Check, Judge};

/// The snapshot that a container stands on is gone.
pub(crate) const SNAPSHOT_GONE: Check = Check {
    code: &Code {
        name: "container/snapshot-gone",
        rule: "G06",
        severity: Severity::Damage,
        title: "A container's snapshot is gone",
        explanation: "The container's record names a snapshot that its namespace does not have: \
            the container cannot be started, and its writable layer is not where its record says. \
            A pod with such a container hangs in ContainerCreating or RunContainerError.",
        remedy: "Look for the writable layer among the snapshot directories without a record \
            (snapshot/directory-unknown, snapshot/backend-unknown) before you delete anything. Then \
            delete the container's record; Kubernetes recreates the container.",
    },
    needs: &[],
    run: snapshot_gone,
};

/// A container whose snapshot is gone.
struct Lone<'n> {
    namespace: &'n Namespace,
    row: &'n Row<Container>,
    /// Whether the namespace has no other snapshot of this snapshotter.
    is_all: bool,
}

impl Lone<'_> {
    fn object(&self) -> Object {
        Object::new(
            "container",
            self.namespace.name.clone(),
            self.row.key.clone(),
        )
    }

    fn users(&self, judge: &Judge<'_>) -> Vec<Object> {
        core::iter::once(self.object())
            .chain(pod_of(judge, self.row))
            .collect()
    }
}

/// Every container whose snapshot is known to be gone; `unknown` is told of namespaces of which it
/// cannot be known.
fn alone<'n>(judge: &Judge<'n>, mut unknown: impl FnMut(&[finding::Unknown])) -> Vec<Lone<'n>> {
    let mut all = Vec::new();
    for namespace in judge.namespaces() {
        let containers = namespace.containers.read().into_iter().flatten();
        let mut containers = containers
            .filter(|row| !row.snapshotter.is_empty() && !row.snapshot_key.is_empty())
            .peekable();
        if containers.peek().is_none() {
            continue;
        }
        let Some(snapshots) = namespace.snapshots.whole() else {
            unknown(namespace.snapshots.unknown());
            continue;
        };
        for row in containers {
            let group = snapshots
                .iter()
                .find(|all| all.snapshotter == row.snapshotter);
            let rows = group.and_then(|group| group.rows.read()).map(Vec::as_slice);
            let known = rows.unwrap_or_default();
            if known.iter().any(|other| other.key == row.snapshot_key) {
                continue;
            }
            let hidden = group.map_or(&[][..], |group| group.rows.unknown());
            if !hidden.is_empty() {
                unknown(hidden);
                continue;
            }
            all.push(Lone {
                namespace,
                row,
                is_all: known.is_empty(),
            });
        }
    }
    all
}

fn snapshot_gone(judge: &mut Judge<'_>) {
    let mut unknown = Vec::new();
    let alone = alone(judge, |hidden| unknown.push(hidden.to_vec()));
    for hidden in unknown {
        judge.abstains_for(&hidden);
    }
    // Those of a bucket that is gone, or empty, are one fault.
    let mut whole: BTreeMap<(&Text, &Text), Vec<Finding>> = BTreeMap::new();
    let mut survivors: BTreeMap<&Text, Survivors<'_>> = BTreeMap::new();
    for one in alone {
        let (namespace, row) = (&one.namespace.name, one.row);
        let (snapshotter, key) = (&row.snapshotter, &row.snapshot_key);
        let survivors = survivors
            .entry(snapshotter)
            .or_insert_with(|| Survivors::find_survivors(judge, snapshotter));
        let survivor = survivors.find(namespace, key);
        let mut message = format!(
            "the snapshot {key} ({snapshotter}) of the container {} is not there",
            row.key
        );
        let location = row.at.location(&judge.node.meta.path);
        let mut finding = Finding::new(SNAPSHOT_GONE.code, location, String::new());
        if let Some(left) = survivor {
            let id = left.id.map_or("?".to_owned(), |id| id.to_string());
            message = format!("{message}; {snapshotter} still has it as {}", left.key);
            finding = finding.remedy(format!(
                "Do not start containerd: its garbage collector removes what meta.db does not \
                 name. The files are in snapshots/{id} of {snapshotter}: copy them away, or put \
                 the row back into a copy of meta.db."
            ));
        }
        finding.message = message;
        let left = survivor.map(|left| about_backend(snapshotter, &left.key));
        let finding = finding.about(left).about([one.object()]);
        let finding = affecting(finding, &one.users(judge));
        if one.is_all {
            whole
                .entry((namespace, snapshotter))
                .or_default()
                .push(finding);
        } else {
            judge.say(finding);
        }
    }
    for ((namespace, snapshotter), findings) in whole {
        all_gone(judge, namespace, snapshotter, findings);
    }
}

/// The namespace has no snapshot of this snapshotter at all.
fn all_gone(judge: &mut Judge<'_>, namespace: &Text, snapshotter: &Text, findings: Vec<Finding>) {
    let survivors = Survivors::find_survivors(judge, snapshotter);
    let survivors = survivors.of_namespace(namespace);
    let survivors: Vec<Object> = survivors
        .map(|name| about_backend(snapshotter, name))
        .collect();
    let left = survivors.len();
    if let ([_], 0) = (findings.as_slice(), left) {
        for finding in findings {
            judge.say(finding);
        }
        return;
    }
    let mut location = Location::file(judge.node.meta.path.clone());
    for name in ["v1".into(), namespace.clone(), "snapshots".into()] {
        location = location.place("bucket", name);
    }
    let location = location.place("bucket", snapshotter.clone());
    let of = match findings.len() {
        1 => "that of one container is not there".to_owned(),
        count => format!("those of {count} containers are not there"),
    };
    let mut message = format!("{namespace} has no snapshot of {snapshotter}: {of}");
    let mut severity = SNAPSHOT_GONE.code.severity;
    if left > 0 {
        message = format!("{message}; metadata.db still has {left} of its snapshots");
        severity = Severity::Fatal;
    }
    let mut finding = Finding::new(SNAPSHOT_GONE.code, location, message).severity(severity);
    if left > 0 {
        finding = told(finding, &start::SNAPSHOTS_UNNAMED).remedy(
            "Do not start containerd: its garbage collector removes what meta.db does not \
                 name. Restore meta.db, or copy the directories away.",
        );
    }
    let finding = joined(finding, &findings);
    judge.say(finding.about(survivors));
}
