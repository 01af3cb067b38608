//! What a plan says of records: each once, and lost only if it did not come back.

use std::collections::{BTreeMap, BTreeSet};

use content::Digest;
use finding::Text;

use super::Making;
use crate::rows::{keys, namespaces, shown};
use crate::{Edit, Survivors, Tree};

/// A part of a damaged meta.db that could not be read.
#[derive(Debug, Clone)]
pub(super) struct Gap {
    /// The bucket that it is in.
    pub(super) path: Vec<Vec<u8>>,
    /// Why it could not be read.
    pub(super) fault: String,
    /// How many older records stand in its place.
    pub(super) filled: u64,
}

/// Kinds of records that no other store repeats, and how many keys lead to one.
const KINDS: &[(&[&[u8]], usize)] = &[
    (&[b"images"], 4),
    (&[b"containers"], 4),
    (&[b"sandboxes"], 4),
    (&[b"leases"], 4),
    (&[b"content", b"blob"], 5),
    (&[b"content", b"ingests"], 5),
];

/// What has a record in a tree, as edits name it.
fn records(tree: &Tree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (namespace, space) in namespaces(tree) {
        for (kind, _) in KINDS {
            let at = [&[&b"v1"[..], namespace], *kind].concat();
            for key in keys(space.at(kind)) {
                found.insert(shown(&[at.as_slice(), &[key.as_slice()]].concat()));
            }
        }
    }
    found
}

/// The namespace and the digest of a blob's record.
fn blob_of(record: &str) -> Option<(&str, Digest)> {
    let mut parts = record.split(" > ");
    let ["v1", namespace, "content", "blob", digest] = [(); 5].map(|()| parts.next().unwrap_or(""))
    else {
        return None;
    };
    let digest = Digest::parse(digest).ok()?;
    parts.next().is_none().then_some((namespace, digest))
}

impl Making<'_> {
    /// Edits of meta.db, each record once, and what of them is lost in `tree`, as it is now.
    pub(super) fn tell(&mut self, edits: Vec<Edit>, tree: &Tree, survivors: &Survivors) {
        let there = records(tree);
        let mut order: Vec<String> = Vec::new();
        let mut by_record: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
        let mut blobs: BTreeMap<(Digest, String), BTreeSet<String>> = BTreeMap::new();
        for Edit {
            record,
            removed,
            why,
        } in edits
        {
            if let Some((namespace, digest)) = blob_of(&record).filter(|_| removed) {
                let spaces = blobs.entry((digest, why)).or_default();
                spaces.insert(namespace.to_owned());
                continue;
            }
            let (taken, set) = by_record.entry(record.clone()).or_insert_with(|| {
                order.push(record);
                (Vec::new(), Vec::new())
            });
            let whys = if removed { taken } else { set };
            if !whys.contains(&why) {
                whys.push(why);
            }
        }
        // What another store gave: no gap of meta.db takes anything from it. A lease is nowhere else.
        let made: BTreeSet<String> = order
            .iter()
            .filter(|record| there.contains(*record) && !record.contains(" > leases > "))
            .cloned()
            .collect();
        for record in order {
            let (taken, set) = by_record.remove(&record).unwrap_or_default();
            let (what, why) = match (taken.is_empty(), there.contains(&record)) {
                (true, _) => ("set right", set.join("; ")),
                (false, true) => ("recreated", taken.join("; ")),
                (false, false) => ("left out", taken.join("; ")),
            };
            self.plan.edits.push(format!("{record} is {what}: {why}"));
            if what == "left out" {
                self.plan.lost.push(format!("the record {record}: {why}"));
            }
        }
        for ((digest, why), spaces) in blobs {
            let spaces: Vec<String> = spaces.into_iter().collect();
            self.plan.edits.push(format!(
                "the blob {digest} has no record any more in {}: {why}",
                spaces.join(", ")
            ));
            self.lost_blobs
                .entry(digest)
                .or_insert_with(|| "it is not on the node".to_owned());
        }
        self.tell_blobs(tree, survivors);
        self.tell_gaps(&made);
    }

    /// Blobs that are lost, with the images that lack them.
    fn tell_blobs(&mut self, tree: &Tree, survivors: &Survivors) {
        let lost = core::mem::take(&mut self.lost_blobs);
        if lost.is_empty() {
            return;
        }
        let mut images: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
        for (namespace, space) in namespaces(tree) {
            for (name, image) in space.at(&["images"]).into_iter().flat_map(Tree::buckets) {
                let target = image.at(&["target"]);
                let target = target.and_then(|target| target.value("digest"));
                let Some(Ok(root)) = target.map(Digest::parse_bytes) else {
                    continue;
                };
                for missing in survivors.missing_of(&root) {
                    let name = format!("{}/{}", Text::from(namespace), Text::from(name));
                    images.entry(missing).or_default().push(name);
                }
            }
        }
        let count = lost.len();
        let s = if count == 1 { "" } else { "s" };
        self.plan.wrong.push(format!(
            "{count} blob{s} of the content store: not what the name says, or recorded and not there"
        ));
        for (digest, why) in lost {
            let names = images.get(&digest).map_or(&[][..], Vec::as_slice);
            let whose = match names {
                [] => "no image that is known needs it".to_owned(),
                [one] => format!("{one} lacks it until a pull fetches it again"),
                [one, more @ ..] => format!(
                    "{one} and {} more lack it until a pull fetches it again",
                    more.len()
                ),
            };
            self.plan
                .lost
                .push(format!("the blob {digest}: {why}; {whose}"));
        }
    }

    /// Parts of the old meta.db that could not be read: what other stores repeat came back whole.
    fn tell_gaps(&mut self, made: &BTreeSet<String>) {
        for gap in core::mem::take(&mut self.gaps) {
            let path: Vec<&[u8]> = gap.path.iter().map(Vec::as_slice).collect();
            let place = shown(&path);
            let wrong = format!("meta.db, {place}: {}", gap.fault);
            if !self.plan.wrong.contains(&wrong) {
                self.plan.wrong.push(wrong);
            }
            let below = path.get(2..).unwrap_or_default();
            let is_repeated =
                below.starts_with(&[b"snapshots"]) || below.starts_with(&[b"content", b"blob"]);
            let is_made = KINDS.iter().any(|(kind, length)| {
                let record = path.get(..*length);
                below.starts_with(kind) && record.is_some_and(|it| made.contains(&shown(it)))
            });
            if gap.filled > 0 {
                self.plan.lost.push(format!(
                    "what is newest in meta.db, {place}: {}; {} older records are used instead",
                    gap.fault, gap.filled
                ));
            } else if !is_repeated && !is_made {
                self.plan
                    .lost
                    .push(format!("what else meta.db had in {place}: {}", gap.fault));
            }
        }
    }

    /// What a completed meta.db has no more: names, and what no other store repeats.
    pub(super) fn tell_forgotten(&mut self) {
        let images = &self.plan.brings_back.images;
        let nameless: BTreeSet<&str> = images
            .iter()
            .filter(|image| image.from.is_none())
            .map(|image| image.digest.as_str())
            .collect();
        if !nameless.is_empty() {
            let count = nameless.len();
            let (s, they) = if count == 1 {
                ("", "it comes")
            } else {
                ("s", "they come")
            };
            self.plan.lost.push(format!(
                "the name{s} of {count} image{s}: {they} back under `recovered.invalid/…`; a list of names or an older copy gives the right one{s} (`--names-from`)"
            ));
        }
        if !self.plan.restarted.is_empty() {
            let count = self.plan.restarted.len();
            let (s, them, go) = if count == 1 {
                ("", "it", "it goes")
            } else {
                ("s", "them", "they go")
            };
            self.plan.lost.push(format!(
                "how the kubelet knows {count} container{s} again: it restarts {them}, and deletes what the old one{s} wrote after another restart. The commands below copy that out first; with an older copy of the databases {go} on (`--names-from`)"
            ));
        }
        let layers: Vec<&str> = self
            .plan
            .held
            .snapshots
            .iter()
            .filter(|name| name.contains("/sha256:"))
            .map(String::as_str)
            .collect();
        if !layers.is_empty() {
            self.plan.lost.push(format!(
                "the images of the unpacked layers {}: their manifests or configurations are not on the node. A lease holds the layers; a pull brings the images back",
                layers.join(", ")
            ));
        }
        if self.is_new {
            let what = if self.request.copies.is_empty() {
                "leases, labels of images and namespaces, further names of images, in which namespace an image was where no container shows it, and which downloads were unfinished"
            } else {
                "leases, and which downloads were unfinished"
            };
            self.plan
                .lost
                .push(format!("{what}: only meta.db had them"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_a_blob_is_told_by_its_keys() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let found = blob_of(&format!("v1 > k8s.io > content > blob > {digest}"))
            .map(|(namespace, digest)| (namespace.to_owned(), digest.to_string()));
        assert_eq!(found, Some(("k8s.io".to_owned(), digest.clone())));
        assert!(blob_of(&format!("v1 > a > content > blob > {digest} > labels")).is_none());
        assert!(blob_of("v1 > a > content > ingests > x").is_none());
    }
}
