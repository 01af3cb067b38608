//! Container records that lack what containerd never leaves out.
//!
//! `metadata/containers.go` (`validateContainer`) refuses to write a record without `spec`, without
//! `runtime/name`, or with `snapshotKey` and without `snapshotter`; clients call a container's
//! writable snapshot by the container's name. The CRI lists its containers by the label `io.cri-containerd.kind`
//! (`pkg/cri/server/restart.go`, `internal/cri/server/restart.go`).

use std::collections::BTreeSet;

use finding::{Code, Finding, Location, Object, Severity, Text};
use metadb::{Container, Namespace, Row};

use crate::container::pod_of;
use crate::{Check, Judge};

/// A record without what its container needs.
pub(crate) const INCOMPLETE: Check = Check {
    code: &Code {
        name: "container/incomplete",
        rule: "G20",
        severity: Severity::Damage,
        title: "A container's record lacks what every record has",
        explanation: "containerd never writes a container's record without a specification, a runtime, or with \
            half of the pair that names its snapshot; the CRI never writes one without the label \
            that says what it is. So the record was damaged after it was written: by a salvage that \
            lost keys, or by a tool that edits databases. Without specification or runtime it cannot \
            be started. The first garbage collection, 100 ms after a start, removes a snapshot that \
            no record names, with all that the container wrote, even while the container runs. \
            Without the label, the CRI does not know the container: it keeps running, and the \
            kubelet creates another one beside it.",
        remedy: "Save what the container wrote before containerd is started (`coroner snapshots \
            extract`). Then put back an older copy of meta.db, or delete the record; the owner of \
            the container recreates it.",
    },
    needs: &[],
    run: incomplete,
};

/// The CRI's own records of a container or a pod.
const CRI: &[u8] = b"io.cri-containerd.";

fn incomplete(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        let writable = writable(namespace);
        for row in namespace.containers.read().into_iter().flatten() {
            // What could not be read is not missing.
            if !row.readable {
                continue;
            }
            let lacks = lacking(row, &writable);
            if lacks.is_empty() {
                continue;
            }
            let message = format!(
                "the record of the container {} {}",
                row.key,
                lacks.join("; it ")
            );
            let object = Object::new("container", namespace.name.clone(), row.key.clone());
            let location: Location = row.at.location(&judge.node.meta.path);
            let finding = Finding::new(INCOMPLETE.code, location, message).affects(object);
            judge.say(match pod_of(judge, row) {
                Some(pod) => finding.affects(pod),
                None => finding,
            });
        }
    }
}

/// Writable snapshots of a namespace, as far as they could be read.
fn writable(namespace: &Namespace) -> BTreeSet<&Text> {
    let groups = namespace.snapshots.read().into_iter().flatten();
    let rows = groups.flat_map(|group| group.rows.read().into_iter().flatten());
    rows.map(|row| &row.key).collect()
}

/// Whether the record is one that Docker made: it names no image and no snapshot.
pub(crate) fn is_of_docker(row: &Row<Container>) -> bool {
    let mut labels = row.labels.entries.keys();
    let is_labelled = labels.any(|label| label.bytes().starts_with(b"com.docker/engine."));
    is_labelled && row.image.is_empty()
}

/// What a record lacks, each as a sentence's end.
fn lacking(row: &Row<Container>, snapshots: &BTreeSet<&Text>) -> Vec<String> {
    let undecodable = |key: &str| {
        row.undecodable
            .keys()
            .any(|it| it.bytes().starts_with(key.as_bytes()))
    };
    let mut lacks = Vec::new();
    let has_spec = row.spec.as_ref().is_some_and(|it| !it.value.is_empty());
    if !has_spec && !undecodable("spec") {
        lacks.push("has no specification (spec)".to_owned());
    }
    let has_runtime = row.runtime.as_ref().is_some_and(|it| !it.name.is_empty());
    if !has_runtime && !undecodable("runtime") {
        lacks.push("has no runtime (runtime/name)".to_owned());
    }
    let (snapshotter, key) = (!row.snapshotter.is_empty(), !row.snapshot_key.is_empty());
    let own = snapshots.contains(&row.key);
    match (snapshotter, key) {
        // A client that brings its own root file system may name a snapshotter and no snapshot.
        (true, false) if own => lacks
            .push("names no snapshot (snapshotKey), and one has the container's name".to_owned()),
        (false, true) => lacks.push(format!(
            "names the snapshot {} and no snapshotter",
            row.snapshot_key
        )),
        // Docker brings the root file system with the task, and holds the snapshot by a lease.
        (false, false) if own && !is_of_docker(row) => lacks.push(
            "names no snapshot (snapshotter, snapshotKey), and one has the container's name"
                .to_owned(),
        ),
        _ => {}
    }
    let is_cri = row
        .extensions
        .keys()
        .any(|name| name.bytes().starts_with(CRI));
    let has_kind = matches!(row.cri_kind(), Some("sandbox" | "container"));
    if is_cri && row.labels.whole && !has_kind {
        let what = if row.labels.get("io.cri-containerd.kind").is_some() {
            "another"
        } else {
            "no"
        };
        lacks.push(format!(
            "has {what} label io.cri-containerd.kind, by which the CRI finds it"
        ));
    }
    lacks
}
