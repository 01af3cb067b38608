//! Images that are unpacked in a snapshotter which the CRI does not use any more.

use std::collections::BTreeSet;

use daemon::config::effective;
use daemon::{Release, detect};
use finding::{Code, Finding, Location, Object, Severity, Text};
use node::Node;

use crate::cri_pod::NAMESPACE;
use crate::image::{objects, rows};
use crate::image_chain::{by_key, lacks_layers, unpackables};
use crate::judge::affecting;
use crate::{Check, Judge, Need};

/// An image that cannot be unpacked for the CRI's snapshotter.
pub(crate) const ELSEWHERE: Check = Check {
    code: &Code {
        name: "image/unpacked-elsewhere",
        rule: "I03",
        severity: Severity::Damage,
        title: "An image is unpacked in another snapshotter than the CRI's, and lacks layers",
        explanation: "config.toml gives the CRI a snapshotter in which the image is not unpacked, and \
            the layers' blobs were discarded after they had been unpacked in another one. The image is \
            listed as if it were there; a container of it cannot be made before it is pulled again. \
            Containers that are there go on with the layers they have.",
        remedy: "Give the CRI its snapshotter back, or pull the image again.",
    },
    needs: &[Need::Snapshots],
    run: elsewhere,
};

/// The CRI's snapshotter, and where that is said; nothing where the configuration could not be read.
fn chosen(node: &Node) -> Option<(String, Location)> {
    let usual = || {
        (
            "overlayfs".to_owned(),
            Location::file(node.meta.path.clone()),
        )
    };
    let Some(config) = &node.roots.config else {
        let known = node.around.config_untold.is_none();
        return known.then(usual);
    };
    if !config.faults.is_empty() {
        return None;
    }
    let release = detect(&node.traces).to;
    let taken = effective(config, release);
    let key: &[&str] = match release {
        Release::V1_6 | Release::V1_7 => &[
            "plugins",
            "io.containerd.grpc.v1.cri",
            "containerd",
            "snapshotter",
        ],
        _ => &["plugins", "io.containerd.cri.v1.images", "snapshotter"],
    };
    let Some(setting) = taken.settings.get(key) else {
        return Some(usual());
    };
    let name = taken
        .settings
        .text_setting(key)
        .filter(|name| !name.is_empty());
    let at = Location::file(setting.file.clone()).place("key", setting.keys().join("."));
    Some((name?.to_owned(), at))
}

fn elsewhere(judge: &mut Judge<'_>) {
    let node = judge.node;
    let Some((chosen, at)) = chosen(node) else {
        return;
    };
    let config = node.roots.config.as_ref();
    if config.is_some_and(|config| config.proxies.contains(&chosen)) {
        judge.abstain(
            "the CRI's snapshotter is a daemon of its own: what is unpacked in it is not known",
        );
        return;
    }
    let groups = by_key(judge);
    let mut lost: BTreeSet<Object> = BTreeSet::new();
    for image in unpackables(judge) {
        let name = &image.namespace.name;
        let Some(top) = image.chain.last().map(|top| Text::from(top.as_str())) else {
            continue;
        };
        let in_it = |group: &crate::snapshot::Group<'_>| group.snapshots.snapshotter == *chosen;
        let own = groups.iter().filter(|(group, _)| group.namespace == name);
        let has = |is_own: bool| {
            let mut all = own.clone();
            all.any(|(group, keys)| in_it(group) == is_own && keys.contains_key(&top))
        };
        let lacks = *name == *NAMESPACE && !has(true) && has(false);
        if !lacks || !lacks_layers(judge, &rows(image.namespace), image.manifest) {
            continue;
        }
        lost.extend(objects(name, &image.images));
    }
    if lost.is_empty() {
        return;
    }
    let lost: Vec<Object> = lost.into_iter().collect();
    let message = format!(
        "{} names of images are not unpacked in {chosen}, and layers of them were discarded",
        lost.len()
    );
    judge.say(affecting(Finding::new(ELSEWHERE.code, at, message), &lost));
}
