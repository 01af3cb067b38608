//! Containers: their images and snapshots.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Known, Location, Object, Severity, Text};
use metadb::Namespace;

use crate::judge::affecting;
use crate::{Check, Judge};

/// The image that a container was made from is gone.
pub(crate) const IMAGE_GONE: Check = Check {
    code: &Code {
        name: "container/image-gone",
        rule: "",
        severity: Severity::Note,
        title: "A container's image is gone",
        explanation: "The container's record names an image that its namespace does not have. That \
            is legal: an image may be removed under a container, which keeps its own snapshots. \
            But the container cannot be made again from what is on this node.",
        remedy: "Pull the image again if it is still wanted.",
        messages: &["image not found"],
    },
    needs: &[],
    run: image_gone,
};

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
        remedy: "Look for the writable layer among the snapshot directories that nobody knows \
            (snapshot/directory-unknown, snapshot/backend-unknown) before anything is deleted. \
            Then delete the container's record; Kubernetes makes it again.",
        messages: &[
            "snapshot does not exist: not found",
            "failed to create containerd task",
        ],
    },
    needs: &[],
    run: snapshot_gone,
};

/// A snapshotter that nothing configures.
pub(crate) const SNAPSHOTTER_UNKNOWN: Check = Check {
    code: &Code {
        name: "container/snapshotter-unknown",
        rule: "G07",
        severity: Severity::Damage,
        title: "A container's snapshotter is not configured",
        explanation: "The container's snapshot belongs to a snapshotter that containerd neither \
            brings along nor has as a proxy plugin in config.toml: a proxy was removed from the \
            configuration, or the node was moved. The container can neither be started nor \
            removed with its files.",
        remedy: "Bring the proxy plugin back into config.toml, or delete the container's record.",
        messages: &["snapshotter not loaded"],
    },
    needs: &[],
    run: snapshotter_unknown,
};

/// Snapshotters that come with containerd, of any release and build.
const BUILT_IN: [&str; 8] = [
    "overlayfs",
    "native",
    "btrfs",
    "devmapper",
    "blockfile",
    "erofs",
    "zfs",
    "aufs",
];

/// One finding for each snapshotter, with all of its containers.
fn snapshotter_unknown(judge: &mut Judge<'_>) {
    let node = judge.node;
    let mut lost: BTreeMap<&Text, Vec<Finding>> = BTreeMap::new();
    for namespace in judge.namespaces() {
        for row in namespace.containers.read().into_iter().flatten() {
            let name = &row.snapshotter;
            let built_in = name.utf8().is_some_and(|name| BUILT_IN.contains(&name));
            if name.is_empty() || built_in || !row.whole {
                continue;
            }
            let message = format!("nothing in config.toml is the snapshotter {name}");
            let object = Object::new("container", namespace.name.clone(), row.key.clone());
            let finding = Finding::new(SNAPSHOTTER_UNKNOWN.code, location(judge, &row.at), message);
            let mut finding = finding.affects(object);
            if let Some(pod) = pod_of(judge, row) {
                finding = finding.affects(pod);
            }
            lost.entry(name).or_default().push(finding);
        }
    }
    for (name, findings) in lost {
        let Some(config) = node
            .roots
            .config
            .as_ref()
            .filter(|config| config.faults.is_empty())
        else {
            judge.abstain("config.toml could not be read: it may have more snapshotters");
            return;
        };
        let named = name.utf8();
        if named.is_some_and(|name| {
            config.proxies.contains(name) || config.snapshotter_roots.contains_key(name)
        }) {
            continue;
        }
        let mut findings = findings.into_iter();
        let Some(first) = findings.next() else {
            continue;
        };
        let finding = findings.fold(first, |finding, other| affecting(finding, &other.affects));
        judge.say(finding);
    }
}

fn location(judge: &Judge<'_>, at: &metadb::At) -> Location {
    at.location(&judge.node.meta.path)
}

fn image_gone(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        let containers = namespace.containers.read().into_iter().flatten();
        let Some(images) = namespace.images.whole() else {
            judge.abstains_for(namespace.images.unknown());
            continue;
        };
        let names: BTreeSet<&Text> = images.iter().map(|image| &image.key).collect();
        let digests: BTreeSet<&Text> = images
            .iter()
            .filter_map(|image| Some(&image.target.as_ref()?.digest))
            .collect();
        for row in containers {
            let image = &row.image;
            if image.is_empty() || names.contains(image) || digests.contains(image) {
                continue;
            }
            let message = format!(
                "the image {image} of the container {} is not there",
                row.key
            );
            let object = Object::new("container", namespace.name.clone(), row.key.clone());
            let location = location(judge, &row.at);
            judge.say(Finding::new(IMAGE_GONE.code, location, message).affects(object));
        }
    }
}

fn snapshot_gone(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        // Those of a bucket that is gone, or empty, are one fault.
        let mut whole: BTreeMap<&Text, Vec<Finding>> = BTreeMap::new();
        for row in namespace.containers.read().into_iter().flatten() {
            let (snapshotter, key) = (&row.snapshotter, &row.snapshot_key);
            if snapshotter.is_empty() || key.is_empty() {
                continue;
            }
            let Some(all) = namespace.snapshots.whole() else {
                judge.abstains_for(namespace.snapshots.unknown());
                break;
            };
            let rows = all
                .iter()
                .find(|snapshots| snapshots.snapshotter == *snapshotter)
                .map(|snapshots| &snapshots.rows);
            let known = rows.and_then(metadb_rows).unwrap_or_default();
            if known.iter().any(|row| row.key == *key)
                || rows.is_some_and(|rows| judge.abstains_for(rows.unknown()))
            {
                continue;
            }
            let message = format!(
                "the snapshot {key} ({snapshotter}) of the container {} is not there",
                row.key
            );
            let object = Object::new("container", namespace.name.clone(), row.key.clone());
            let mut finding = Finding::new(SNAPSHOT_GONE.code, location(judge, &row.at), message);
            finding = finding.affects(object);
            if let Some(pod) = pod_of(judge, row) {
                finding = finding.affects(pod);
            }
            if known.is_empty() {
                whole.entry(snapshotter).or_default().push(finding);
            } else {
                judge.say(finding);
            }
        }
        for (snapshotter, findings) in whole {
            all_gone(judge, namespace, snapshotter, findings);
        }
    }
}

/// The rows that could be read.
fn metadb_rows<T>(rows: &Known<Vec<metadb::Row<T>>>) -> Option<&[metadb::Row<T>]> {
    rows.read().map(Vec::as_slice)
}

/// The namespace has no snapshot of this snapshotter at all.
fn all_gone(
    judge: &mut Judge<'_>,
    namespace: &Namespace,
    snapshotter: &Text,
    findings: Vec<Finding>,
) {
    let count = findings.len();
    let mut findings = findings.into_iter();
    let Some(mut first) = findings.next() else {
        return;
    };
    if count > 1 {
        let mut location = Location::file(judge.node.meta.path.clone());
        for name in ["v1".into(), namespace.name.clone(), "snapshots".into()] {
            location = location.place("bucket", name);
        }
        first.location = location.place("bucket", snapshotter.clone());
        first.message = format!(
            "{} has no snapshot of {snapshotter}: those of {count} containers are not there",
            namespace.name
        );
    }
    let finding = findings.fold(first, |finding, other| affecting(finding, &other.affects));
    judge.say(finding);
}

/// The pod that a container is part of, as the CRI knows it.
pub(crate) fn pod_of(judge: &Judge<'_>, row: &metadb::Row<metadb::Container>) -> Option<Object> {
    let sandbox = match row.cri_kind()? {
        "sandbox" => row.key.clone(),
        _ => row.pod_container().ok()?.sandbox_id,
    };
    judge.index.pod(&sandbox).cloned()
}
