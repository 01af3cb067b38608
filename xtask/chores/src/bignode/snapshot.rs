//! overlayfs: its directories, its metadata.db, and the rows of meta.db that name its snapshots.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bolt::Layout;

use super::encode::{Bucket, uvarint, varint};
use super::layer::{Layer, usage};
use super::made;

#[derive(Debug)]
struct Snapshot {
    id: u64,
    parent: Option<String>,
    is_layer: bool,
}

/// The snapshotter.
#[derive(Debug)]
pub(super) struct Snapshots {
    root: PathBuf,
    /// By namespace and key.
    all: BTreeMap<(&'static str, String), Snapshot>,
    last: u64,
    files: u64,
}

impl Snapshots {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let root = root.join("io.containerd.snapshotter.v1.overlayfs");
        fs::create_dir_all(root.join("snapshots"))?;
        Ok(Self {
            root,
            all: BTreeMap::new(),
            last: 0,
            files: 0,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn has(&self, namespace: &'static str, key: &str) -> bool {
        self.all.contains_key(&(namespace, key.to_owned()))
    }

    fn dir(&self, id: u64) -> PathBuf {
        self.root.join("snapshots").join(id.to_string())
    }

    /// Makes one: committed if `is_layer`, else the writable one of a container.
    pub(super) fn add(
        &mut self,
        namespace: &'static str,
        key: &str,
        parent: Option<&str>,
        is_layer: bool,
        layer: &Layer,
    ) -> io::Result<()> {
        // An id for the snapshot that is unpacked into; a commit keeps it.
        self.last = self.last.saturating_add(1);
        let id = self.last;
        let dir = self.dir(id);
        for folder in ["fs", "work"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
        fs::set_permissions(dir.join("work"), fs::Permissions::from_mode(0o711))?;
        layer.unpack(&dir.join("fs"))?;
        self.files = self.files.saturating_add(layer.len());
        let snapshot = Snapshot {
            id,
            parent: parent.map(str::to_owned),
            is_layer,
        };
        self.all.insert((namespace, key.to_owned()), snapshot);
        Ok(())
    }

    /// The key in metadata.db. The number is meta.db's own: here, that of the id and one more for
    /// each layer, which was prepared under one name and committed under the next.
    fn name(namespace: &str, key: &str, snapshot: &Snapshot) -> String {
        format!("{namespace}/{}/{key}", snapshot.id.saturating_mul(2))
    }

    fn parent_name(&self, namespace: &'static str, snapshot: &Snapshot) -> Option<(u64, String)> {
        let key = snapshot.parent.clone()?;
        let parent = self.all.get(&(namespace, key.clone()))?;
        Some((parent.id, Self::name(namespace, &key, parent)))
    }

    /// Its rows in meta.db, below the bucket `v1`.
    pub(super) fn rows(&self, v1: &mut Bucket) {
        for ((namespace, key), snapshot) in &self.all {
            let overlayfs = v1.at(&[namespace, "snapshots", "overlayfs"]);
            overlayfs.sequence = self.last.saturating_mul(2);
            let row = overlayfs.bucket(key);
            row.put("name", Self::name(namespace, key, snapshot));
            row.put("createdat", made(snapshot.id));
            row.put("updatedat", made(snapshot.id));
            if snapshot.is_layer {
                row.at(&["labels"]).put("containerd.io/snapshot.ref", key);
            }
            if let Some(parent) = &snapshot.parent {
                row.put("parent", parent);
                overlayfs.at(&[parent, "children"]).put(key, "");
            }
        }
    }

    /// Writes metadata.db, measuring the layers; how many files there are.
    pub(super) fn write(&self) -> Result<u64, Box<dyn std::error::Error>> {
        let mut db = Bucket::default();
        let v1 = db.bucket("v1");
        for ((namespace, key), snapshot) in &self.all {
            let name = Self::name(namespace, key, snapshot);
            let rows = v1.bucket("snapshots");
            rows.sequence = self.last;
            let row = rows.bucket(&name);
            row.put("id", uvarint(snapshot.id));
            row.put("kind", [if snapshot.is_layer { 3 } else { 2 }]);
            row.put("createdat", made(snapshot.id));
            row.put("updatedat", made(snapshot.id));
            if snapshot.is_layer {
                row.at(&["labels"]).put("containerd.io/snapshot.ref", key);
                let (size, inodes) = usage(&self.dir(snapshot.id).join("fs"))?;
                row.put("size", varint(size));
                row.put("inodes", varint(inodes));
            }
            let parents = v1.bucket("parents");
            if let Some((id, parent)) = self.parent_name(namespace, snapshot) {
                let pair = [uvarint(id), vec![0], uvarint(snapshot.id)].concat();
                parents.put(pair, &name);
                v1.at(&["snapshots", &name]).put("parent", parent);
            }
        }
        db.write(&self.root.join("metadata.db"), Layout::default())?;
        Ok(self.files)
    }
}
