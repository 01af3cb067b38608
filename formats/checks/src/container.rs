//! Containers: their images and snapshots.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Location, Object, Severity, Text};

use node::Node;

use crate::judge::joined;
use crate::{Check, Judge};

/// The image that a container was made from is gone.
pub(crate) const IMAGE_GONE: Check = Check {
    code: &Code {
        name: "container/image-gone",
        rule: "",
        severity: Severity::Note,
        title: "A container's image is gone",
        explanation: "The container's record names an image that its namespace does not have. That is legal: \
            an image may be removed while a container uses it, because the container keeps its own \
            snapshots. But the container cannot be recreated from what is on this node.",
        remedy: "Pull the image again if it is still wanted.",
    },
    needs: &[],
    run: image_gone,
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
    },
    needs: &[],
    run: snapshotter_unknown,
};

/// Whether it comes with containerd, of any release and build.
fn is_built_in(name: &Text) -> bool {
    let known = name.utf8().and_then(snapshots::Snapshotter::named);
    known.is_some_and(|known| known.is_built_in)
}

/// Whether nothing is a snapshotter of this name; nothing where config.toml could not be read.
fn is_unknown(node: &Node, name: &Text) -> Option<bool> {
    if name.is_empty() || is_built_in(name) {
        return Some(false);
    }
    let config = node.roots.config.as_ref();
    let config = config.filter(|config| config.faults.is_empty())?;
    let named = name.utf8();
    let is_named = named.is_some_and(|name| {
        config.proxies.contains(name) || config.snapshotter_roots.contains_key(name)
    });
    Some(!is_named)
}

/// One finding for each snapshotter, with all of its containers.
fn snapshotter_unknown(judge: &mut Judge<'_>) {
    let node = judge.node;
    let mut lost: BTreeMap<&Text, Vec<Finding>> = BTreeMap::new();
    for namespace in judge.namespaces() {
        for row in namespace.containers.read().into_iter().flatten() {
            let name = &row.snapshotter;
            if name.is_empty() || is_built_in(name) || !row.whole {
                continue;
            }
            let message = format!("nothing in config.toml is the snapshotter {name}");
            let object = Object::new("container", namespace.name.clone(), row.key.clone());
            let finding = Finding::new(SNAPSHOTTER_UNKNOWN.code, location(judge, &row.at), message);
            let mut finding = finding.about([object.clone()]).affects(object);
            if let Some(pod) = pod_of(judge, row) {
                finding = finding.affects(pod);
            }
            lost.entry(name).or_default().push(finding);
        }
    }
    for (name, findings) in lost {
        let Some(is_unknown) = is_unknown(node, name) else {
            judge.abstain("config.toml could not be read: it may have more snapshotters");
            return;
        };
        if !is_unknown {
            continue;
        }
        let Some((first, others)) = findings.split_first() else {
            continue;
        };
        judge.say(joined(first.clone(), others));
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

/// The pod that a container is part of, as the CRI knows it.
pub(crate) fn pod_of(judge: &Judge<'_>, row: &metadb::Row<metadb::Container>) -> Option<Object> {
    let sandbox = match row.cri_kind()? {
        "sandbox" => row.key.clone(),
        _ => row.pod_container().ok()?.sandbox_id,
    };
    judge.graph.pod(&sandbox)
}
