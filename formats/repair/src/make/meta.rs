//! The new meta.db: completed from the other stores, and what goes to the quarantine with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use daemon::Release;
use finding::Text;

use super::{Making, meta_name, path};
use crate::docker;
use crate::names::Named;
use crate::plan::{Back, BringsBack, MadeOf, PlanImage, Step};
use crate::rows::{keys, namespaces, unowned_layers};
use crate::{Added, Relics, Survivors, Tree, Wants, complete};

impl Making<'_> {
    pub(super) fn complete(
        &mut self,
        tree: &mut Tree,
        survivors: &Survivors,
        specs: &BTreeMap<Text, Vec<u8>>,
        relics: &Relics,
        likely: &[Named],
    ) {
        let schemas: Vec<i64> = self.release.releases().map(Release::schema).collect();
        let schema = schemas
            .first()
            .copied()
            .filter(|first| schemas.iter().all(|one| one == first));
        let wants = Wants {
            now: self.request.made_at,
            schema,
            names: &self.request.names,
            likely,
            specs,
            relics,
            copies: &self.request.copies,
        };
        let stays = records_of(tree);
        let added = complete(tree, &self.node, survivors, &wants);
        self.plan.brings_back = BringsBack {
            snapshots: added.snapshots.values().sum(),
            blobs: added.blob_files.len(),
            namespaces: by_namespace(&added),
            images: added
                .images
                .into_iter()
                .map(|image| PlanImage {
                    namespace: image.namespace,
                    name: image.name,
                    digest: image.digest,
                    from: image.from,
                    missing: image.missing,
                })
                .collect(),
            containers: added.containers,
            stays,
        };
        self.plan.restarted = added.restarted;
        if added.unused_names > 0 {
            self.plan.unknown.push(format!(
                "{} of the given names belong to images that are not on this node",
                added.unused_names
            ));
        }
        for (digest, why) in &survivors.damaged {
            self.remove_blob(digest, why);
        }
        self.remove_unowned(tree);
    }

    /// Sets `path` aside.
    pub(super) fn remove(&mut self, path: &Path, why: impl Into<String>) {
        self.step(path, Step::remove("", why));
    }

    /// A blob that is not what its name says would be taken for whole by the next pull.
    pub(super) fn remove_blob(&mut self, digest: &content::Digest, why: &str) {
        let path = self
            .node
            .content_root()
            .join("blobs")
            .join(digest.algorithm().name())
            .join(digest.hex());
        self.remove(
            &path,
            format!("the blob is damaged ({why}): a pull would take it as it is"),
        );
        self.lost_blobs.insert(digest.clone(), why.to_owned());
    }

    /// What a start or its first collection deletes because no record names it goes to the quarantine
    /// instead: directories of the CRI, directories among the snapshots.
    pub(super) fn remove_unowned(&mut self, tree: &Tree) {
        let records = |kind: &str| tree.at(&["v1", "k8s.io", kind]);
        let has = |id: &Text| {
            records("containers").is_some_and(|all| all.entries.contains_key(id.bytes()))
        };
        let mut gone: Vec<(PathBuf, String)> = Vec::new();
        if let Some(runtime) = self.node.runtime.read() {
            let why = "no record names it: a start of the CRI deletes it".to_owned();
            let cri = self.request.roots.root.join("io.containerd.grpc.v1.cri");
            for status in runtime.cri.iter().filter(|status| !has(&status.id)) {
                gone.push((path(&status.path), why.clone()));
            }
            for id in runtime.sandbox_dirs.iter().filter(|id| !has(id)) {
                gone.push((cri.join("sandboxes").join(path(id)), why.clone()));
            }
        }
        for (path, why) in gone {
            self.remove(&path, why);
        }
    }

    /// Writable layers whose container has no record: their files are kept, the rest is lost.
    pub(super) fn lost_containers(&mut self, tree: &Tree) {
        for (namespace, key) in unowned_layers(tree, &self.node) {
            // Docker keeps how its containers are run in files of its own, and no record of a stopped one.
            if docker::is_containers(&namespace, &key) {
                continue;
            }
            self.plan.lost.push(format!(
                "the record of what wrote the snapshot {}/{}: how it was run; its files are kept",
                Text::from(namespace),
                Text::from(key),
            ));
        }
    }

    pub(super) fn put_meta(&mut self, bytes: Vec<u8>, why: &str) {
        let step = Step {
            sha256: Some(super::sha256(&bytes)),
            size: u64::try_from(bytes.len()).ok(),
            ..Step::put(meta_name(), MadeOf::Bytes, why)
        };
        self.plan.steps.push(step);
        self.files.insert(meta_name(), bytes);
    }
}

/// The records that a tree has, of all namespaces; of a blob one, however many name it.
fn records_of(tree: &Tree) -> Back {
    let mut found = Back::default();
    let mut blobs: BTreeSet<&[u8]> = BTreeSet::new();
    for (_, space) in namespaces(tree) {
        let count = |kind: &str| keys(space.at(&[kind])).len();
        found.images = found.images.saturating_add(count("images"));
        found.containers = found.containers.saturating_add(count("containers"));
        for (_, snapshotter) in space.at(&["snapshots"]).into_iter().flat_map(Tree::buckets) {
            let own = keys(Some(snapshotter)).len();
            found.snapshots = found.snapshots.saturating_add(own);
        }
        let content = space.at(&["content", "blob"]);
        blobs.extend(
            content
                .into_iter()
                .flat_map(Tree::buckets)
                .map(|(key, _)| key),
        );
    }
    found.blobs = blobs.len();
    found
}

/// What comes back in each namespace.
fn by_namespace(added: &Added) -> BTreeMap<String, Back> {
    let mut found: BTreeMap<String, Back> = BTreeMap::new();
    let mut add = |namespace: &str, count: usize, which: fn(&mut Back) -> &mut usize| {
        let back = which(found.entry(namespace.to_owned()).or_default());
        *back = back.saturating_add(count);
    };
    for (place, count) in &added.snapshots {
        // Neither a namespace nor a snapshotter has a slash.
        let namespace = place.rsplit_once('/').map_or(place.as_str(), |(it, _)| it);
        add(namespace, *count, |back| &mut back.snapshots);
    }
    for (namespace, count) in &added.blobs {
        add(namespace, *count, |back| &mut back.blobs);
    }
    for image in &added.images {
        add(&image.namespace, 1, |back| &mut back.images);
    }
    for container in &added.containers {
        let namespace = container.split('/').next().unwrap_or_default();
        add(namespace, 1, |back| &mut back.containers);
    }
    found
}
