//! Containers: their images and snapshots.

use std::collections::BTreeSet;

use finding::{Code, Finding, Location, Object, Severity, Text};

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
        for row in namespace.containers.read().into_iter().flatten() {
            let (snapshotter, key) = (&row.snapshotter, &row.snapshot_key);
            if snapshotter.is_empty() || key.is_empty() {
                continue;
            }
            let Some(all) = namespace.snapshots.whole() else {
                judge.abstains_for(namespace.snapshots.unknown());
                break;
            };
            let snapshots = all
                .iter()
                .find(|snapshots| snapshots.snapshotter == *snapshotter);
            if let Some(rows) = snapshots.map(|snapshots| &snapshots.rows) {
                if rows
                    .read()
                    .is_some_and(|rows| rows.iter().any(|row| row.key == *key))
                {
                    continue;
                }
                if judge.abstains_for(rows.unknown()) {
                    continue;
                }
            }
            let message = format!(
                "the snapshot {key} ({snapshotter}) of the container {} is not there",
                row.key
            );
            let mut finding =
                Finding::new(SNAPSHOT_GONE.code, location(judge, &row.at), message).affects(
                    Object::new("container", namespace.name.clone(), row.key.clone()),
                );
            if let Some(pod) = pod_of(judge, row) {
                finding = finding.affects(pod);
            }
            judge.say(finding);
        }
    }
}

/// The pod that a container is part of, as the CRI knows it.
pub(crate) fn pod_of(judge: &Judge<'_>, row: &metadb::Row<metadb::Container>) -> Option<Object> {
    let sandbox = match row.cri_kind()? {
        "sandbox" => row.key.clone(),
        _ => row.pod_container().ok()?.sandbox_id,
    };
    judge.index.pod(&sandbox).cloned()
}
