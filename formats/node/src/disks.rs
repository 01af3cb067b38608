//! What the kernel says of the disk below the stores: devices, room, flags of inodes.
//!
//! A folder tells all of it, our own bundle the devices, a tar nothing.

use std::path::Path;

use evidence::{Evidence, Flags, Room};
use finding::Text;

use crate::{META_DIR, Roots, Snapshotter, path_text};

/// What the kernel says of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its path.
    pub path: Text,
    /// The device that holds it.
    pub dev: Option<(u32, u32)>,
    /// Room on its file system.
    pub room: Option<Room>,
    /// Flags of its inode.
    pub flags: Option<Flags>,
}

/// What the kernel says of the places that containerd writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disks {
    /// `root`
    pub root: Place,
    /// `state`
    pub state: Place,
    /// The folder of meta.db.
    pub meta_folder: Place,
    /// meta.db
    pub meta: Place,
    /// The metadata.db of each snapshotter below `root` that is not another daemon's.
    pub metadata: Vec<Place>,
    /// Directories of snapshots, or `fs` in them, that cannot be removed.
    pub immutable: Vec<Text>,
}

impl Disks {
    pub(crate) fn read_disks(
        evidence: &Evidence,
        roots: &Roots,
        snapshotters: &[Snapshotter],
    ) -> Self {
        let at = |path: &Path| place(evidence, path);
        let folder = roots.root.join(META_DIR);
        let own = snapshotters.iter().filter(|s| !s.is_proxy);
        let own = own.filter(|snapshotter| snapshotter.root.parent() == Some(roots.root.as_path()));
        let databases = own.map(|snapshotter| at(&snapshotter.root.join("metadata.db")));
        let metadata = databases.filter(|place| place.dev.is_some()).collect();
        let mut immutable = Vec::new();
        for snapshotter in snapshotters {
            let layout = snapshotter.layout.read();
            for dir in layout.into_iter().flat_map(|layout| layout.dirs.values()) {
                // Where a layer is mounted, the flags are those of what is mounted: of erofs, all
                // say that they cannot be changed.
                let own = dir.fs.as_ref().filter(|fs| fs.dev == dir.stat.dev);
                let fs = own.map(|_| dir.path.join("fs"));
                for path in [Some(dir.path.clone()), fs].into_iter().flatten() {
                    let flags = evidence.flags(&path).unwrap_or_default();
                    if flags.immutable || flags.append_only {
                        immutable.push(path_text(&path));
                    }
                }
            }
        }
        Self {
            root: at(&roots.root),
            state: at(&roots.state),
            meta: at(&folder.join("meta.db")),
            meta_folder: at(&folder),
            metadata,
            immutable,
        }
    }
}

impl crate::Node {
    /// The places of which the kernel is asked what it says of their disks, flags and mounts:
    /// whoever copies a node keeps the answers for them.
    pub fn disk_places(&self) -> Vec<std::path::PathBuf> {
        let disks = &self.disks;
        let places = [&disks.root, &disks.state, &disks.meta_folder, &disks.meta];
        let places = places.into_iter().chain(&disks.metadata);
        let mut paths: Vec<Text> = places.map(|place| place.path.clone()).collect();
        paths.extend(disks.immutable.iter().cloned());
        let used = self.snapshotters.iter().map(|it| &it.root);
        let folders = used.chain([&self.around.overlay]);
        let folders = folders.map(|root| root.join("snapshots"));
        let text = |text: &Text| text.utf8().map(std::path::PathBuf::from);
        let mut paths: Vec<_> = paths.iter().filter_map(text).chain(folders).collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

fn place(evidence: &Evidence, path: &Path) -> Place {
    Place {
        path: path_text(path),
        dev: evidence.stat(path).ok().and_then(|stat| stat.dev),
        room: evidence.room(path),
        flags: evidence.flags(path),
    }
}
