//! What `fsck` saved: files and folders whose names a damaged file system had lost. They lie in
//! `lost+found` at the top of their disk, called by their inode (`#131077`), and may be what a store
//! lacks: the folder of a snapshot, a whole meta.db.

use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use evidence::{Entry, Evidence, FileKind};
use finding::{Text, Unknown};

use crate::{Roots, Snapshotter};

/// The folder's name on ext2 to ext4, and on XFS, where people make it so.
pub const LOST_FOUND: &str = "lost+found";
/// Entries that are looked at.
const MOST: usize = 1_000;
/// Where the magic of BoltDB stands: after the first page's header of 16 bytes.
const MAGIC_AT: usize = 16;

/// A `lost+found` that holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostFound {
    /// The folder.
    pub path: PathBuf,
    /// How many entries it has.
    pub entries: usize,
    /// Files that begin as a database of BoltDB.
    pub databases: Vec<Text>,
    /// Folders that hold an `fs`, as those of snapshots do.
    pub snapshots: Vec<Text>,
    /// Whether it lies among the folders of snapshots: the snapshotter deletes it at its next clean-up.
    pub among_snapshots: bool,
}

impl LostFound {
    /// Those of the disks that hold the stores, as far as they can be read.
    pub(crate) fn read_lost_found(
        evidence: &Evidence,
        roots: &Roots,
        snapshotters: &[Snapshotter],
        unknown: &mut Vec<Unknown>,
    ) -> Vec<Self> {
        let stores = snapshotters.iter().filter(|one| !one.is_proxy);
        let among: Vec<PathBuf> = stores.map(|one| one.root.join("snapshots")).collect();
        let above = std::iter::once(&roots.root).chain(among.iter());
        let mut places: Vec<&Path> = above.flat_map(|path| path.ancestors()).collect();
        places.sort();
        places.dedup();
        let found = places.into_iter().filter_map(|place| {
            let path = place.join(LOST_FOUND);
            let kind = evidence.stat(&path).ok()?.kind;
            if kind != FileKind::Dir {
                return None;
            }
            let list = evidence.list(&path);
            // That of another disk may be closed to whoever looks; the stores' own belongs to them.
            if path.starts_with(&roots.root) {
                unknown.extend(list.unknown().iter().cloned());
            }
            let entries = list.read()?;
            let among_snapshots = among.iter().any(|folder| folder == place);
            if entries.len() > MOST {
                unknown.push(Unknown::new(
                    format!(
                        "entries of {} after the first {MOST}",
                        crate::path_text(&path)
                    ),
                    "there are too many",
                ));
            }
            Self::look_at(evidence, path, entries, among_snapshots)
        });
        found.collect()
    }

    fn look_at(
        evidence: &Evidence,
        path: PathBuf,
        entries: &[Entry],
        among_snapshots: bool,
    ) -> Option<Self> {
        if entries.is_empty() {
            return None;
        }
        let mut this = Self {
            path,
            entries: entries.len(),
            databases: Vec::new(),
            snapshots: Vec::new(),
            among_snapshots,
        };
        for entry in entries.iter().take(MOST) {
            let path = this.path.join(OsStr::from_bytes(entry.name.bytes()));
            let is_folder = |path: &Path| {
                let stat = evidence.stat(path);
                stat.is_ok_and(|stat| stat.kind == FileKind::Dir)
            };
            match entry.stat.kind {
                FileKind::Dir if is_folder(&path.join("fs")) => {
                    this.snapshots.push(entry.name.clone());
                }
                FileKind::File if is_database(evidence, &path) => {
                    this.databases.push(entry.name.clone());
                }
                _ => {}
            }
        }
        Some(this)
    }
}

/// Whether a file begins as a database does; of one that cannot be read it is not known, and not told.
fn is_database(evidence: &Evidence, path: &Path) -> bool {
    let Ok(mut reader) = evidence.reader(path) else {
        return false;
    };
    let mut head = [0_u8; 20];
    let magic = bolt::MAGIC.to_le_bytes();
    reader.read_exact(&mut head).is_ok() && head.get(MAGIC_AT..) == Some(&magic[..])
}
