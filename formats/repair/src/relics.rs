//! What a damaged meta.db still holds outside of its trees: names of images, and records of
//! containers whose files are there.
//!
//! A record that no tree reaches may have been deleted. So these stand in only where something on the
//! disk asks for them: an image without any name, a writable layer without its container.

use std::collections::{BTreeMap, BTreeSet};

use bolt::{Carve, CarveOptions, Db, Salvage, SalvageOptions, Status, Top};
use content::Digest;
use metadb::{ObjectKind, carved_objects};
use view::View;

use crate::Tree;
use crate::names::{Named, whole_name};

/// Buckets below lost+found that are looked through: a kind, a page, a namespace, names.
const DEEPEST: usize = 5;

/// What salvage finds without a place.
fn lost_and_found(view: View<'_>) -> Option<Tree> {
    let options = SalvageOptions {
        schemas: metadb::SCHEMAS,
        ..SalvageOptions::default()
    };
    let salvage = Salvage::with(view, options);
    salvage.choice?;
    let layout = salvage.layout();
    let mut bytes = std::io::Cursor::new(Vec::new());
    salvage.write(&mut bytes, layout).ok()?;
    let bytes = bytes.into_inner();
    let db = Db::open(View::new(&bytes)).db?;
    let (mut tree, _) = Tree::read_tree(&db);
    match tree.entries.remove(b"lost+found".as_slice())? {
        crate::Item::Bucket(found) => Some(found),
        crate::Item::Value(_) => None,
    }
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
    pub fn carve_relics(bytes: &[u8]) -> Self {
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
        if let Some(found) = lost_and_found(view) {
            relics.gather_homeless(&found, 0);
        }
        relics
    }

    /// Records of pages that have no place in the tree: salvage keeps them by their kind, without a namespace.
    fn gather_homeless(&mut self, below: &Tree, depth: usize) {
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
                self.names.push(Named {
                    name,
                    digest,
                    namespace: None,
                    from: "a record of meta.db whose namespace is gone; likely".to_owned(),
                });
            } else if crate::records::is_sound_container(record)
                && record.value("snapshotKey").is_some()
            {
                self.homeless
                    .entry(key.to_vec())
                    .or_insert_with(|| record.clone());
            } else {
                self.gather_homeless(record, depth.saturating_add(1));
            }
        }
    }

    /// Gives those a namespace whose snapshot has one, and one alone, in a metadata.db.
    pub fn place_homeless(&mut self, node: &node::Node) {
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
