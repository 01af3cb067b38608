//! What a damaged meta.db still holds outside of its trees: names of images, and records of
//! containers whose files are there.
//!
//! A record that no tree reaches may have been deleted. So these stand in only where something on the
//! disk asks for them: an image without any name, a writable layer without its container.

use std::collections::{BTreeMap, BTreeSet};

use bolt::{Carve, CarveOptions, Db, Status, Top};
use content::Digest;
use metadb::{ObjectKind, carved_objects};
use view::View;

use crate::Tree;
use crate::names::{Named, whole_name};

/// What was found beside the trees.
#[derive(Debug, Default)]
pub struct Relics {
    /// Names of images.
    pub names: Vec<Named>,
    /// Records of containers, by namespace and id; the newest of each.
    pub containers: BTreeMap<(Vec<u8>, Vec<u8>), Tree>,
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
            snapshotters: BTreeSet::new(),
        };
        relics.containers(&carve);
        relics
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
