//! What a damaged meta.db still holds outside of its trees: names of images, and records of
//! containers whose files are there.
//!
//! A record that no tree reaches may have been deleted. So these stand in only where something on the
//! disk asks for them: an image without any name, a writable layer without its container.

use std::collections::{BTreeMap, BTreeSet};

use bolt::{Carve, CarveOptions, Db, Layout, Salvage, SalvageOptions, Status, Top};
use content::Digest;
use metadb::{ObjectKind, carved_objects};
use view::View;

use crate::names::{Named, whole_name};
use crate::{Item, Tree};

/// Buckets below lost+found that are looked through: a kind, a page, a namespace, names.
const DEEPEST: usize = 5;

/// What salvage makes of a damaged database.
pub(crate) struct Salvaged {
    /// Its tree, without lost+found.
    pub(crate) tree: Tree,
    /// What has no place in it.
    pub(crate) found: Option<Tree>,
    pub(crate) layout: Layout,
    /// Where keys are missing: the bucket, why, and how many came from the transaction before.
    pub(crate) gaps: Vec<(Vec<Vec<u8>>, String, u64)>,
}

/// What can be saved of the bytes of a meta.db.
pub(crate) fn salvaged(bytes: &[u8]) -> Option<Salvaged> {
    let options = SalvageOptions {
        schemas: metadb::SCHEMAS,
        ..SalvageOptions::default()
    };
    let salvage = Salvage::with(View::new(bytes), options);
    salvage.choice?;
    let layout = salvage.layout();
    let open = salvage.gaps.iter().filter(|gap| !gap.is_closed);
    let gaps = open.map(|gap| (gap.path.clone(), gap.fault.to_string(), gap.filled));
    let gaps = gaps.collect();
    let mut new = std::io::Cursor::new(Vec::new());
    salvage.write(&mut new, layout).ok()?;
    let new = new.into_inner();
    let db = Db::open(View::new(&new)).db?;
    let (mut tree, _) = Tree::read_tree(&db);
    let found = match tree.entries.remove(b"lost+found".as_slice()) {
        Some(Item::Bucket(found)) => Some(found),
        _ => None,
    };
    Some(Salvaged {
        tree,
        found,
        layout,
        gaps,
    })
}

/// What was found beside the trees.
#[derive(Debug, Default)]
pub struct Relics {
    /// Names of images.
    pub names: Vec<Named>,
    /// Records of containers, by namespace and id; the newest of each.
    pub containers: BTreeMap<(Vec<u8>, Vec<u8>), Tree>,
    /// Records of containers of which the namespace is gone, by id: their snapshot tells it.
    pub homeless: BTreeMap<Vec<u8>, Tree>,
    /// Snapshotters that it has, or had, snapshots of.
    pub snapshotters: BTreeSet<Vec<u8>>,
}

impl Relics {
    /// Carves the bytes of a meta.db.
    pub(crate) fn carve_relics(bytes: &[u8]) -> Self {
        let options = CarveOptions {
            roots: vec![b"v1".to_vec()],
            schemas: metadb::SCHEMAS,
            ..CarveOptions::default()
        };
        let view = View::new(bytes);
        let Ok(carve) = Carve::carve_file(view, &options) else {
            return Self::default();
        };
        let db = Db::open(view).db;
        let objects = carved_objects(&carve, db.as_ref());
        let images = objects
            .iter()
            .filter(|object| object.kind == ObjectKind::Image);
        let named = images.filter_map(|object| {
            let digest = object.record.pointer("/target/digest")?.as_str()?;
            Some(Named {
                name: whole_name(object.name.as_ref()?.utf8()?)?,
                digest: Digest::parse(digest).ok()?,
                namespace: object
                    .namespace
                    .as_ref()
                    .and_then(|name| name.utf8())
                    .map(str::to_owned),
                from: format!(
                    "a record that no tree of meta.db reaches (page {}); likely",
                    object.page.0
                ),
            })
        });
        let mut relics = Self {
            names: named.collect(),
            containers: BTreeMap::new(),
            homeless: BTreeMap::new(),
            snapshotters: BTreeSet::new(),
        };
        relics.containers(&carve);
        if let Some(found) = salvaged(bytes).and_then(|salvaged| salvaged.found) {
            let mut tags = BTreeMap::new();
            relics.gather_homeless(&found, 0, &mut tags);
            relics.add_names(tags);
        }
        relics
    }

    /// Records of pages that have no place in the tree: salvage keeps them by their kind, without a namespace.
    fn gather_homeless(
        &mut self,
        below: &Tree,
        depth: usize,
        names: &mut BTreeMap<String, BTreeSet<Digest>>,
    ) {
        if depth > DEEPEST {
            return;
        }
        for (key, record) in below.buckets() {
            let digest = record
                .at(&["target"])
                .and_then(|target| target.value("digest"));
            let digest = digest.and_then(|digest| Digest::parse_bytes(digest).ok());
            let name = std::str::from_utf8(key).ok().and_then(whole_name);
            if let Some((digest, name)) = digest.zip(name) {
                names.entry(name).or_default().insert(digest);
            } else if crate::records::is_sound_container(record)
                && record.value("snapshotKey").is_some()
            {
                let newer = |old: &Tree| old.value("updatedat") < record.value("updatedat");
                if self.homeless.get(key).is_none_or(newer) {
                    self.homeless.insert(key.to_vec(), record.clone());
                }
            } else {
                self.gather_homeless(record, depth.saturating_add(1), names);
            }
        }
    }

    /// Names of images whose namespace is gone. One that stands with two digests was moved, or is of two namespaces:
    /// which is the right one, nothing tells.
    fn add_names(&mut self, names: BTreeMap<String, BTreeSet<Digest>>) {
        for (name, digests) in names {
            let mut digests = digests.into_iter();
            let (Some(digest), None) = (digests.next(), digests.next()) else {
                continue;
            };
            let is_other = |one: &Named| one.name == name && one.digest != digest;
            if !self.names.iter().any(is_other) {
                self.names.push(Named {
                    name,
                    digest,
                    namespace: None,
                    from: "a record of meta.db whose namespace is gone; likely".to_owned(),
                });
            }
        }
    }

    /// Gives those a namespace whose snapshot has one, and one alone, in a metadata.db.
    pub(crate) fn place_homeless(&mut self, node: &node::Node) {
        for (id, record) in core::mem::take(&mut self.homeless) {
            let value = |key: &str| record.value(key).unwrap_or_default().to_vec();
            let (snapshotter, wanted) = (value("snapshotter"), value("snapshotKey"));
            let mut owners = node
                .snapshotters
                .iter()
                .filter(|one| *one.name.bytes() == *snapshotter);
            let rows = owners.next().and_then(|one| one.db.rows.as_ref());
            let rows = rows.map_or(&[][..], metadb::Backend::snapshots);
            // `default/18/odd`: the namespace, a number, the key.
            let spaces: BTreeSet<&[u8]> = rows
                .iter()
                .filter_map(|row| {
                    let mut parts = row.key.bytes().splitn(3, |byte| *byte == b'/');
                    let space = parts.next()?;
                    (parts.nth(1)? == wanted).then_some(space)
                })
                .collect();
            let mut spaces = spaces.into_iter();
            if let (Some(space), None) = (spaces.next(), spaces.next()) {
                self.containers
                    .entry((space.to_vec(), id))
                    .or_insert(record);
            }
        }
    }

    fn containers(&mut self, carve: &Carve<'_>) {
        let usable = |status| !matches!(status, Status::Uncommitted);
        let records = carve.records.iter().filter(|record| usable(record.status));
        for record in records {
            let (top, path) = carve.bucket_of(record);
            if let (Top::Root, [b"v1", _, b"snapshots", name, ..]) = (top, path.as_slice()) {
                self.snapshotters.insert(name.to_vec());
                continue;
            }
            let (Top::Root, [b"v1", namespace, b"containers"]) = (top, path.as_slice()) else {
                continue;
            };
            let Some(bucket) = carve.bucket(record) else {
                continue;
            };
            let (tree, whole) = Tree::read_bucket(bucket);
            if whole && crate::records::is_sound_container(&tree) {
                let key = (namespace.to_vec(), record.key.to_vec());
                let newer = |old: &Tree| old.value("updatedat") < tree.value("updatedat");
                if self.containers.get(&key).is_none_or(newer) {
                    self.containers.insert(key, tree);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tag that was moved has two records: neither is taken for the right one.
    #[test]
    fn a_name_with_two_digests_names_nothing() {
        let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
        let mut found = Tree::default();
        for (page, name, letter) in [
            ("page-3", "images.example/app:1", "a"),
            ("page-4", "images.example/app:1", "b"),
            ("page-4", "images.example/base:1", "c"),
        ] {
            let image = found.make(&["image-rows", page, name, "target"]);
            image.put("digest", digest(letter));
        }
        let (mut relics, mut names) = (Relics::default(), BTreeMap::new());
        relics.gather_homeless(&found, 0, &mut names);
        relics.add_names(names);
        let all: Vec<_> = relics
            .names
            .iter()
            .map(|named| named.name.as_str())
            .collect();
        assert_eq!(all, ["images.example/base:1"]);
    }
}
