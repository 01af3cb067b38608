//! The names of images: the CRI's three for one image, and what a name promises.

use std::collections::{BTreeMap, BTreeSet};

use content::{Digest, Kind};
use finding::{Code, Finding, Object, Severity, Text};
use metadb::{Image, Namespace, Row};

use crate::{Check, Judge, Need};

/// A name that holds a digest, and points to something else.
pub(crate) const ALIAS_WRONG: Check = Check {
    code: &Code {
        name: "image/alias-wrong",
        rule: "G16",
        severity: Severity::Damage,
        title: "An image's name holds a digest that its target does not have",
        explanation: "The CRI keeps an image under its tag, under repository@digest and under the \
            digest of its configuration. Who asks by digest gets what the name points to: here \
            that is another image.",
        remedy: "Delete that name (`ctr -n k8s.io images rm`) and pull the image again.",
    },
    needs: &[],
    run: alias_wrong,
};

/// A tag of the CRI without the name by its configuration.
pub(crate) const ALIAS_MISSING: Check = Check {
    code: &Code {
        name: "image/alias-missing",
        rule: "G16",
        severity: Severity::Odd,
        title: "An image of the CRI has no name by its configuration",
        explanation: "The CRI writes, beside the tag, a name that is the digest of the image's \
            configuration: the image ID that the kubelet uses. A crash between the two, or a \
            deletion by hand, leaves one without the other; asking for the image by its ID can \
            then fail.",
        remedy: "Pull the image again, or tag it: the CRI adds the name that is missing.",
    },
    needs: &[Need::Images],
    run: alias_missing,
};

/// Images of one configuration with different targets.
pub(crate) const TARGETS_DIFFER: Check = Check {
    code: &Code {
        name: "image/targets-differ",
        rule: "G17",
        severity: Severity::Note,
        title: "Images with one configuration have different targets",
        explanation: "Two manifests share one configuration: the same image, packed twice. The \
            CRI keeps one image for each configuration, and the one that it meets last wins: \
            which manifest it uses is chance.",
        remedy: "Nothing to repair; remove the names that are not wanted.",
    },
    needs: &[],
    run: targets_differ,
};

fn target(image: &Row<Image>) -> Option<Digest> {
    Digest::parse_bytes(image.target.as_ref()?.digest.bytes()).ok()
}

/// The configurations below a target, and whether all of them are known.
fn configs(judge: &Judge<'_>, target: &Digest) -> (BTreeSet<Digest>, bool) {
    let documents = &judge.node.documents;
    let mut configs = BTreeSet::new();
    let mut whole = true;
    for need in documents.needs(target) {
        let role = need.link.map(|link| &link.role);
        if matches!(role, Some(content::Role::Config)) {
            configs.insert(need.digest);
            continue;
        }
        let kind = need.link.map(|link| link.descriptor.kind());
        let holds_more = kind.is_none_or(|kind| matches!(kind, Kind::Manifest | Kind::Index));
        if holds_more
            && documents
                .get(&need.digest)
                .and_then(node::Wanted::document)
                .is_none()
        {
            whole = false;
        }
    }
    (configs, whole)
}

fn is_managed(image: &Row<Image>) -> bool {
    let label = image.labels.get("io.cri-containerd.image");
    label.is_some_and(|label| *label == "managed")
}

fn each<'n>(judge: &Judge<'n>) -> impl Iterator<Item = (&'n Namespace, &'n Row<Image>)> + use<'n> {
    judge.namespaces().iter().flat_map(|namespace| {
        let images = namespace.images.read().into_iter().flatten();
        images.map(move |image| (namespace, image))
    })
}

fn alias_wrong(judge: &mut Judge<'_>) {
    for (namespace, image) in each(judge) {
        let Some(target) = target(image) else {
            continue;
        };
        let name = image.key.bytes();
        let after_at = name.rsplit(|byte| *byte == b'@').next();
        let promised = after_at.and_then(|name| Digest::parse_bytes(name).ok());
        let Some(promised) = promised.filter(|promised| *promised != target) else {
            continue;
        };
        let (of, found) = if name.contains(&b'@') {
            ("target", target.to_string())
        } else if is_managed(image) {
            let (configs, whole) = configs(judge, &target);
            if configs.contains(&promised) {
                continue;
            }
            if !whole {
                judge.abstain(format!("what {target} holds is not known whole"));
                continue;
            }
            let configs: Vec<String> = configs.iter().map(ToString::to_string).collect();
            ("configuration", configs.join(", "))
        } else {
            continue;
        };
        let message = format!("the {of} of the image {} is another one", image.key);
        let location = image.at.location(&judge.node.meta.path);
        let object = Object::new("image", namespace.name.clone(), image.key.clone());
        judge.say(
            Finding::new(ALIAS_WRONG.code, location, message)
                .want(promised.to_string())
                .found(if found.is_empty() {
                    "none".to_owned()
                } else {
                    found
                })
                .affects(object),
        );
    }
}

fn alias_missing(judge: &mut Judge<'_>) {
    let names: BTreeSet<(&Text, &[u8])> = each(judge)
        .map(|(namespace, image)| (&namespace.name, image.key.bytes()))
        .collect();
    for (namespace, image) in each(judge).filter(|(_, image)| is_managed(image)) {
        let name = image.key.bytes();
        if name.contains(&b'@') || Digest::parse_bytes(name).is_ok() {
            continue;
        }
        let Some(target) = target(image) else {
            continue;
        };
        let (configs, _) = configs(judge, &target);
        let there =
            |config: &Digest| names.contains(&(&namespace.name, config.as_str().as_bytes()));
        let there = configs.iter().any(there);
        let (Some(config), false) = (configs.first(), there) else {
            continue;
        };
        let message = format!("the image {} is not known as {config}, too", image.key);
        let location = image.at.location(&judge.node.meta.path);
        let object = Object::new("image", namespace.name.clone(), image.key.clone());
        judge.say(Finding::new(ALIAS_MISSING.code, location, message).affects(object));
    }
}

fn targets_differ(judge: &mut Judge<'_>) {
    type Targets<'n> = BTreeMap<Digest, Vec<&'n Row<Image>>>;
    let mut by_config: BTreeMap<(Text, Digest), Targets<'_>> = BTreeMap::new();
    for (namespace, image) in each(judge).filter(|(_, image)| is_managed(image)) {
        let Some(target) = target(image) else {
            continue;
        };
        let (configs, _) = configs(judge, &target);
        // An index of several platforms shares a configuration with each of its manifests.
        let (Some(config), 1) = (configs.first(), configs.len()) else {
            continue;
        };
        let targets = by_config
            .entry((namespace.name.clone(), config.clone()))
            .or_default();
        targets.entry(target).or_default().push(image);
    }
    for ((namespace, config), targets) in by_config {
        let related = |target: &Digest| {
            let needs = judge.node.documents.needs(target);
            needs
                .iter()
                .skip(1)
                .any(|need| targets.contains_key(&need.digest))
        };
        if targets.len() < 2 || targets.keys().any(related) {
            continue;
        }
        let digests: Vec<String> = targets.keys().map(ToString::to_string).collect();
        let message = format!("{} share the configuration {config}", digests.join(" and "));
        let images = targets.into_values().flatten();
        let mut finding: Option<Finding> = None;
        for image in images {
            let object = Object::new("image", namespace.clone(), image.key.clone());
            let finding = finding.get_or_insert_with(|| {
                let location = image.at.location(&judge.node.meta.path);
                Finding::new(TARGETS_DIFFER.code, location, message.clone())
            });
            *finding = finding.clone().affects(object);
        }
        judge.say_some(finding);
    }
}
