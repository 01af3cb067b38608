//! Containers whose snapshots meta.db does not have, and what their snapshotter still has of them.

use daemon::{start, told};
use std::collections::BTreeMap;

use finding::{Code, Finding, Location, Object, Severity, Text};
use metadb::{BackendSnapshot, Container, Namespace, Row};

use crate::container::{is_unknown, pod_of};
use crate::judge::affecting;
use crate::snapshot_backend::Survivors;
use crate::snapshot_name::number;
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
    fn users(&self, judge: &Judge<'_>) -> Vec<Object> {
        let name = self.namespace.name.clone();
        let container = Object::new("container", name, self.row.key.clone());
        core::iter::once(container)
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
            // A snapshotter that there is not is told as that.
            if row.whole && is_unknown(judge.node, &row.snapshotter) == Some(true) {
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

/// What containers lost of a snapshotter.
pub(crate) struct Gone {
    /// The containers and their pods.
    pub(crate) users: Vec<Object>,
    namespace: Text,
    key: Text,
    is_all: bool,
}

impl Gone {
    /// Whether this row of metadata.db is what is left of it.
    pub(crate) fn is_survivor(&self, row: &Row<BackendSnapshot>) -> bool {
        if self.is_all {
            return number(&row.key, &self.namespace).is_some();
        }
        let key = crate::snapshot_commit::key_of(&row.key, &self.namespace);
        key.is_some_and(|key| key == self.key.bytes())
    }
}

/// What containers lost of this snapshotter.
pub(crate) fn gone_of(judge: &Judge<'_>, snapshotter: &Text) -> Vec<Gone> {
    let alone = alone(judge, |_| {});
    let ours = alone
        .iter()
        .filter(|one| one.row.snapshotter == *snapshotter);
    ours.map(|one| Gone {
        users: one.users(judge),
        namespace: one.namespace.name.clone(),
        key: one.row.snapshot_key.clone(),
        is_all: one.is_all,
    })
    .collect()
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
        // A meta.db that was lost is told as that, with these containers.
        if survivors.is_told && survivor.is_some() {
            continue;
        }
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
    let left = Survivors::find_survivors(judge, snapshotter).count(namespace);
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
    let users = findings.into_iter().flat_map(|finding| finding.affects);
    let users: Vec<Object> = users.collect();
    judge.say(affecting(finding, &users));
}
