//! Names of images that the node itself still tells, where no list, no copy and no record does.
//!
//! ```text
//! the daemon's log   Pulled image "X" with image id "sha256:…", repo digest "R@sha256:…"
//! config.toml        sandbox_image, pinned_images.sandbox: what the pods' own containers stand on
//! config.v2.json     what dockerd's containers were made of (see [`crate::docker`])
//! ```
//!
//! They are likely, and no more: a tag may have been given to another image since, and config.toml may have
//! been changed. So they stand in only for images without any name, and the plan shows where each is from.

use std::collections::{BTreeMap, BTreeSet};

use content::Digest;
use evidence::Evidence;
use logs::{ImageName, NameIs, Options, Program};
use measure::Control;
use node::Node;

use crate::Survivors;
use crate::names::{Named, whole_name};
use crate::rows::parent_of;

/// So many bytes of journals, and of other logs, are read for names: the newest.
const MOST: u64 = 512 << 20;

/// A line says the configuration a moment after the one that says the manifest: so many seconds at most.
const ONE_PULL: i64 = 60;

/// What the CRI's namespace is called.
const SPACE: &str = "k8s.io";

/// The names under which the daemon's log says that images were pulled, each with the newest image that had it.
pub(crate) fn logged(evidence: &Evidence) -> Vec<Named> {
    let options = Options {
        program: Some(Program::Containerd),
        most: Some(MOST),
        ..Options::default()
    };
    let gathered = logs::gather(evidence, &options, &Control::default());
    newest(&logs::names(&gathered.lines))
}

fn newest(all: &[ImageName]) -> Vec<Named> {
    let mut by_name: BTreeMap<String, [Option<&ImageName>; 2]> = BTreeMap::new();
    for one in all {
        let place = match one.is {
            NameIs::Manifest => 0,
            NameIs::Configuration => 1,
            NameIs::Alone => continue,
        };
        let Some(name) = one.name.utf8().and_then(whole_name) else {
            continue;
        };
        let found = by_name.entry(name).or_default();
        if let Some(found) = found.get_mut(place)
            && found.is_none_or(|other| other.at < one.at)
        {
            *found = Some(one);
        }
    }
    let named = by_name
        .into_iter()
        .filter_map(|(name, [manifest, config])| {
            let is_of_one_pull = |manifest: &&ImageName| {
                let at = |one: &ImageName| one.at.map(|at| at.seconds);
                config.is_none_or(|config| match (at(manifest), at(config)) {
                    (Some(first), Some(second)) => second.saturating_sub(first) < ONE_PULL,
                    _ => true,
                })
            };
            let one = manifest.filter(is_of_one_pull).or(config)?;
            let when = one.at.map_or_else(String::new, |at| format!(" at {at}"));
            Some(Named {
                name,
                digest: Digest::parse(one.digest.as_ref()?.utf8()?).ok()?,
                namespace: Some(SPACE.to_owned()),
                from: format!("the daemon's log: it was pulled under this name{when}; likely"),
            })
        });
    named.collect()
}

/// The image that the pods' own containers stand on, under the name that config.toml gives it: where they all
/// stand on one.
pub(crate) fn sandbox(node: &Node, survivors: &Survivors) -> Option<Named> {
    let config = node.roots.config.as_ref()?;
    let name = whole_name(config.sandbox_image.as_ref()?)?;
    let runtime = node.runtime.read()?;
    let mut pods: BTreeSet<&[u8]> = runtime
        .sandbox_dirs
        .iter()
        .map(finding::Text::bytes)
        .collect();
    for bundle in &runtime.bundles {
        let spec = bundle.spec.get();
        let kind = spec.and_then(|spec| {
            let mut all = spec.annotations.iter();
            all.find(|(key, _)| *key == "io.kubernetes.cri.container-type")
        });
        if kind.is_some_and(|(_, value)| *value == "sandbox") {
            pods.insert(bundle.id.bytes());
        }
    }
    let chains: BTreeSet<String> = pods
        .into_iter()
        .filter_map(|id| parent_of(node, SPACE.as_bytes(), id))
        .collect();
    let stands = |root: &&Digest| {
        let manifests = survivors.manifests_of(root);
        let mut last = manifests
            .iter()
            .filter_map(|(_, manifest)| survivors.chain_of(manifest).pop());
        last.any(|last| chains.contains(last.as_str()))
    };
    let found: Vec<&Digest> = survivors.roots().into_iter().filter(stands).collect();
    let [image] = found.as_slice() else {
        return None;
    };
    Some(Named {
        name,
        digest: (*image).clone(),
        namespace: Some(SPACE.to_owned()),
        from: "config.toml: it is the sandbox image, and the pods stand on this one; likely"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use finding::{Text, Time};

    use super::*;

    fn said(is: NameIs, digest: char, at: &str) -> ImageName {
        ImageName {
            name: Text::from("r.example/app:1"),
            digest: Some(Text::from(format!(
                "sha256:{}",
                digest.to_string().repeat(64)
            ))),
            is,
            at: Time::parse(at).ok(),
            times: 1,
            source: 0,
        }
    }

    #[test]
    fn a_tag_that_was_pulled_again_is_the_newer_image_s() {
        let config = |digest, at| said(NameIs::Configuration, digest, at);
        let first = config('a', "2026-01-01T00:00:00Z");
        let second = config('b', "2026-02-01T00:00:00Z");
        let named = newest(&[second.clone(), first.clone()]);
        assert_eq!(named.len(), 1);
        assert!(named[0].digest.to_string().ends_with("bb"));
        assert!(named[0].from.contains("2026-02-01"), "{}", named[0].from);
        // The manifest of the same pull says more than the configuration.
        let manifest = said(NameIs::Manifest, 'c', "2026-01-31T23:59:59Z");
        let named = newest(&[first.clone(), second.clone(), manifest]);
        assert!(named[0].digest.to_string().ends_with("cc"));
        // That of an older pull does not.
        let old = said(NameIs::Manifest, 'd', "2026-01-01T00:00:00Z");
        let named = newest(&[first, second, old]);
        assert!(named[0].digest.to_string().ends_with("bb"));
    }

    #[test]
    fn a_name_alone_stands_for_nothing() {
        let mut alone = said(NameIs::Alone, 'a', "2026-01-01T00:00:00Z");
        alone.digest = None;
        assert_eq!(newest(&[alone]), []);
    }
}
