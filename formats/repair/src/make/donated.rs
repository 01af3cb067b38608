//! Blobs that the node lost and another store has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use content::{Algorithm, Digest, Store};

use super::Making;
use crate::complete::rows_of;
use crate::plan::{MadeOf, Step};
use crate::rows::namespaces;
use crate::{Edit, Survivors, Tree};

impl Making<'_> {
    /// Takes from other stores the blobs that records name and that are not here, and what the images lack whose
    /// documents are here.
    pub(super) fn donate(&mut self, tree: &Tree, survivors: &mut Survivors) {
        let donors = self.request.donors.clone();
        if donors.is_empty() || !self.node.content.is_whole() {
            return;
        }
        let targets = targets(tree);
        let recorded = recorded(tree);
        let mut tried: BTreeSet<Digest> = BTreeSet::new();
        // A document that comes may name others.
        loop {
            let roots: BTreeSet<Digest> = targets
                .values()
                .flatten()
                .chain(survivors.roots())
                .cloned()
                .collect();
            let lacking = recorded
                .iter()
                .filter(|digest| !survivors.blobs.contains_key(*digest));
            let wanted: BTreeSet<Digest> = roots
                .iter()
                .flat_map(|root| survivors.missing_of(root))
                .chain(lacking.cloned())
                .filter(|digest| digest.algorithm() == Algorithm::Sha256 && !tried.contains(digest))
                .collect();
            if wanted.is_empty() {
                return;
            }
            for digest in wanted {
                for donor in &donors {
                    if let Some((member, size)) = donor.blob(&digest) {
                        let step = Step {
                            mode: Some(0o444),
                            sha256: Some(digest.hex().to_owned()),
                            size: Some(size),
                            ..Step::put(
                                "",
                                MadeOf::Copy {
                                    from: donor.from.clone(),
                                    member: member.display().to_string(),
                                },
                                format!(
                                    "the blob {digest} of this node's images is in {}",
                                    donor.from
                                ),
                            )
                        };
                        let place = Store::path_of(&self.node.content_root(), &digest);
                        if self.step(&place, step).is_some() {
                            let at = self.request.made_at;
                            survivors.damaged.remove(&digest);
                            survivors.add(donor.evidence(), &member, &digest, size, at);
                            self.donated
                                .insert(digest.clone(), (Arc::clone(donor), member));
                        }
                        break;
                    }
                }
                tried.insert(digest);
            }
        }
    }

    /// Their records, in the namespaces whose images want them; where meta.db is completed, it gets them with
    /// all others.
    pub(super) fn rows_of_donated(
        &self,
        tree: &mut Tree,
        survivors: &Survivors,
        is_whole: bool,
    ) -> Vec<Edit> {
        let mut edits = Vec::new();
        if !is_whole || self.donated.is_empty() {
            return edits;
        }
        for (namespace, roots) in targets(tree) {
            let mut wanted: BTreeSet<&Digest> = BTreeSet::new();
            for root in &roots {
                wanted.insert(root);
                for (digest, manifest) in survivors.manifests_of(root) {
                    wanted.insert(digest);
                    wanted.extend(manifest.links().iter().map(|link| &link.descriptor.digest));
                }
            }
            let mine = self.donated.keys().filter(|digest| wanted.contains(digest));
            let mine: BTreeSet<Digest> = mine.cloned().collect();
            for record in rows_of(tree, survivors, &namespace, &mine) {
                edits.push(Edit {
                    record,
                    removed: false,
                    why: "its blob comes from another store".to_owned(),
                });
            }
        }
        edits
    }
}

/// The blobs that have a record.
fn recorded(tree: &Tree) -> BTreeSet<Digest> {
    let blobs = namespaces(tree).filter_map(|(_, space)| space.at(&["content", "blob"]));
    let keys = blobs.flat_map(Tree::buckets);
    keys.filter_map(|(key, _)| Digest::parse_bytes(key).ok())
        .collect()
}

/// What the records of images point to, by namespace.
fn targets(tree: &Tree) -> BTreeMap<Vec<u8>, BTreeSet<Digest>> {
    let mut found: BTreeMap<Vec<u8>, BTreeSet<Digest>> = BTreeMap::new();
    for (namespace, space) in namespaces(tree) {
        let images = space.at(&["images"]).into_iter().flat_map(Tree::buckets);
        for (_, image) in images {
            let digest = image
                .at(&["target"])
                .and_then(|target| target.value("digest"));
            if let Some(Ok(digest)) = digest.map(Digest::parse_bytes) {
                found.entry(namespace.to_vec()).or_default().insert(digest);
            }
        }
    }
    found
}
