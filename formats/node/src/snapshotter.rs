//! One snapshotter: its database and its directories.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind};
use finding::{Known, Text};
use metadb::{Backend, BackendSnapshot, MetaDb, Pool, Row, Snapshots};
use snapshots::{Layout, Rules};

use crate::config::Config;
use crate::kernel;
use crate::left_out::{is_part, is_unseen};
use crate::{Database, Headers};

/// One snapshotter of the node.
#[derive(Debug, Clone)]
pub struct Snapshotter {
    /// Its name: `overlayfs`.
    pub name: Text,
    /// Where it keeps its things.
    pub root: PathBuf,
    /// Where a store of it is that config.toml does not name, if there is none where it should be.
    pub elsewhere: Option<PathBuf>,
    /// Whether it is a proxy's: its store is kept by another daemon.
    pub is_proxy: bool,
    /// Its metadata.db.
    pub db: Database<Backend>,
    /// Its directories.
    pub layout: Known<Layout>,
    /// The databases of its thin pools (devmapper).
    pub pools: Vec<Database<Pool>>,
}

impl Snapshotter {
    /// Its snapshots by key, as far as they could be read.
    pub fn by_key(&self) -> BTreeMap<&Text, &Row<BackendSnapshot>> {
        let rows = self.db.rows.as_ref().map_or(&[][..], Backend::snapshots);
        rows.iter().map(|row| (&row.key, row)).collect()
    }
}

impl crate::Node {
    /// Snapshotters whose metadata.db has the snapshot of this chainID, in any namespace.
    pub fn unpacked(&self, chain: &content::Digest) -> Vec<Text> {
        let has = |snapshotter: &&Snapshotter| {
            let rows = snapshotter.db.rows.as_ref();
            let mut rows = rows.map_or(&[][..], Backend::snapshots).iter();
            rows.any(|row| metadb::meta_key(&row.key).is_some_and(|(_, key)| key == chain.as_str()))
        };
        let found = self.snapshotters.iter().filter(has);
        found.map(|snapshotter| snapshotter.name.clone()).collect()
    }
}

const PREFIX: &[u8] = b"io.containerd.snapshotter.v1.";

/// Stores of snapshotters that are daemons of their own, by the name under which containerd
/// usually knows them.
const PROXIES: &[(&str, &str)] = &[
    ("stargz", "/var/lib/containerd-stargz-grpc/snapshotter"),
    ("nydus", "/var/lib/containerd-nydus"),
    ("soci", "/var/lib/soci-snapshotter-grpc/snapshotter"),
];

/// Every snapshotter that the configuration, the root's folders or meta.db name.
pub(crate) fn all(
    evidence: &Evidence,
    root: &Path,
    config: Option<&Config>,
    meta: Option<&MetaDb>,
    headers: Headers,
) -> Vec<Snapshotter> {
    let mut roots: BTreeMap<Text, (PathBuf, bool)> = BTreeMap::new();
    let mut elsewhere: BTreeMap<Text, PathBuf> = BTreeMap::new();
    let list = evidence.list(root);
    for entry in list.read().into_iter().flatten() {
        if let Some(name) = entry.name.bytes().strip_prefix(PREFIX) {
            let folder = root.join(OsStr::from_bytes(entry.name.bytes()));
            let is_used = entry.stat.kind != FileKind::Dir || !is_unused(evidence, &folder);
            if is_used && is_loaded(evidence, &folder, name, config, meta) {
                roots.insert(Text::from(name), (folder, false));
            }
        }
    }
    for (name, path) in config.iter().flat_map(|config| &config.snapshotter_roots) {
        // Where nothing was ever kept, nothing is to be read.
        if name != "overlayfs" && !is_named(meta, name) && is_unused(evidence, path) {
            continue;
        }
        let new = Text::from(name.as_str());
        if let Some((usual, _)) = roots.insert(new.clone(), (path.clone(), false))
            && usual != *path
            && is_unused(evidence, path)
        {
            elsewhere.insert(new, usual);
        }
    }
    for (name, path) in PROXIES {
        let named = config.is_some_and(|config| config.proxies.contains(*name));
        // One that was never used has nothing to be read.
        if named && is_named(meta, name) || evidence.stat(Path::new(path)).is_ok() {
            roots.insert(Text::from(*name), (PathBuf::from(path), true));
        }
    }
    for namespace in meta.iter().flat_map(|meta| meta.namespaces()) {
        for snapshots in namespace.snapshots.read().into_iter().flatten() {
            let name = &snapshots.snapshotter;
            let folder = [PREFIX, name.bytes()].concat();
            // A name from the evidence never becomes a path of more than one component, nor one that no
            // file can have.
            let is_plain =
                !name.is_empty() && !name.bytes().iter().any(|byte| b"/\0".contains(byte));
            if is_plain && !roots.contains_key(name) && are_snapshots(snapshots) {
                let is_proxy = config.is_some_and(|config| {
                    name.utf8()
                        .is_some_and(|name| config.proxies.contains(name))
                });
                roots.insert(
                    name.clone(),
                    (root.join(OsStr::from_bytes(&folder)), is_proxy),
                );
            }
        }
    }
    roots
        .into_iter()
        .map(|(name, (root, is_proxy))| {
            let path = root.join("metadata.db");
            let db = Database::open_backend(evidence, &path, headers);
            let layout = Layout::read_layout(evidence, &root, &name.to_string());
            let pools = pools(evidence, &layout);
            Snapshotter {
                elsewhere: elsewhere.remove(&name),
                name,
                root,
                is_proxy,
                db,
                layout,
                pools,
            }
        })
        .collect()
}

/// Whether what stands under a snapshotter's name are snapshots: a damaged page may show any bucket there.
fn are_snapshots(of: &Snapshots) -> bool {
    let is_known = of
        .snapshotter
        .utf8()
        .is_some_and(|name| snapshots::Snapshotter::named(name).is_some());
    let rows = of.rows.read().map_or(&[][..], Vec::as_slice);
    is_known || rows.is_empty() || rows.iter().any(|row| !row.value.name.is_empty())
}

/// Whether a daemon has a snapshotter of this name, as far as that is known: a folder that was moved or
/// copied aside (`overlayfs.old`), or of a snapshotter of another time (aufs, zfs on what is ext4 now), is read
/// by nobody.
fn is_loaded(
    evidence: &Evidence,
    folder: &Path,
    name: &[u8],
    config: Option<&Config>,
    meta: Option<&MetaDb>,
) -> bool {
    let Ok(name) = core::str::from_utf8(name) else {
        return false;
    };
    let known = snapshots::Snapshotter::named(name);
    let is_built_in = known.is_some_and(|known| known.is_built_in) && name != "aufs";
    let is_configured = config.is_some_and(|config| {
        config.proxies.contains(name) || config.snapshotter_roots.contains_key(name)
    });
    // Ids of plugins have no dots; without meta.db another name may be one of a build that is not known.
    let is_plain = !name.contains(['.', '~', ' ']);
    if is_built_in && !is_named(meta, name) && lacks_its_ground(evidence, folder, name, config) {
        return false;
    }
    is_built_in || is_configured || is_plain && is_named(meta, name)
}

/// Whether a snapshotter that is built in lacks what it loads with: the file system of its kind, a pool or a
/// file that only config.toml names (tried with 1.7: its plugin is skipped, and its store left alone).
fn lacks_its_ground(
    evidence: &Evidence,
    folder: &Path,
    name: &str,
    config: Option<&Config>,
) -> bool {
    match name {
        "devmapper" | "blockfile" => match config {
            Some(config) => config.faults.is_empty() && !config.equipped.contains(name),
            None => !is_part(evidence),
        },
        "btrfs" | "zfs" => {
            let mount = evidence.mount(folder);
            let mount = mount.or_else(|| kernel::mount_of(evidence, None, folder));
            mount.and_then(|mount| mount.is_kind(name)) == Some(false)
        }
        _ => false,
    }
}

/// Folders of snapshotters that no release, configuration or row of meta.db names.
pub(crate) fn left_over(
    evidence: &Evidence,
    root: &Path,
    config: Option<&Config>,
    meta: Option<&MetaDb>,
) -> Vec<PathBuf> {
    let list = evidence.list(root);
    let entries = list.read().into_iter().flatten();
    entries
        .filter(|entry| {
            let name = entry.name.bytes().strip_prefix(PREFIX);
            name.is_some_and(|name| {
                let folder = root.join(OsStr::from_bytes(entry.name.bytes()));
                !is_loaded(evidence, &folder, name, config, meta)
            })
        })
        .map(|entry| root.join(OsStr::from_bytes(entry.name.bytes())))
        .collect()
}

/// Whether meta.db has snapshots of it, or may have them.
fn is_named(meta: Option<&MetaDb>, name: &str) -> bool {
    meta.is_none_or(|meta| {
        let mut spaces = meta.namespaces().iter();
        !meta.unknown_snapshots().is_empty()
            || spaces.any(|space| {
                let mut all = space.snapshots.read().into_iter().flatten();
                all.any(|of| of.snapshotter == *name)
            })
    })
}

/// `<pool>.db` beside metadata.db, where the snapshotter is devmapper.
fn pools(evidence: &Evidence, layout: &Known<Layout>) -> Vec<Database<Pool>> {
    let layout = layout.read();
    let Some(layout) = layout.filter(|layout| layout.rules == Rules::Devmapper) else {
        return Vec::new();
    };
    let files = layout.beside.iter();
    let files = files
        .filter(|entry| entry.stat.kind == FileKind::File && entry.name.bytes().ends_with(b".db"));
    files
        .map(|entry| layout.root.join(OsStr::from_bytes(entry.name.bytes())))
        .map(|path| Database::open(evidence, &path, Pool::read_pool))
        .collect()
}

/// containerd makes the folders of all its snapshotters at every start; one that was never used
/// has no metadata.db and no snapshots.
fn is_unused(evidence: &Evidence, folder: &Path) -> bool {
    let has = |name: &str| !matches!(evidence.stat(&folder.join(name)), Err(unread) if unread.is_absent());
    let list = evidence.list(&folder.join("snapshots"));
    let no_snapshots = list.whole().is_some_and(Vec::is_empty) || !has("snapshots");
    !has("metadata.db") && no_snapshots && !is_unseen(evidence, folder)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use bolt::PageId;
    use finding::{Known, Text};
    use metadb::{At, Labels, Row, SnapshotRow, Snapshots};
    use view::Span;

    use super::are_snapshots;

    /// What stands under the name of a snapshotter: rows with these names in its metadata.db.
    fn under(snapshotter: &str, names: &[&str]) -> Snapshots {
        let at = At {
            path: Vec::new(),
            page: PageId(2),
            span: Span::new(0, 0),
        };
        let rows = names.iter().map(|name| Row {
            key: Text::from("key"),
            value: SnapshotRow {
                name: Text::from(*name),
                created: None,
                updated: None,
                parent: None,
                children: BTreeSet::new(),
                labels: Labels::default(),
            },
            at: at.clone(),
            whole: true,
            readable: true,
            undecodable: BTreeMap::new(),
            unknown: BTreeMap::new(),
        });
        Snapshots {
            snapshotter: Text::from(snapshotter),
            sequence: 1,
            rows: Known::with(rows.collect(), Vec::new()),
            at,
        }
    }

    #[test]
    fn a_bucket_without_a_snapshot_is_no_snapshotter() {
        assert!(!are_snapshots(&under("v1", &["", ""])));
        assert!(are_snapshots(&under("overlayfs", &["", ""])));
        assert!(are_snapshots(&under("mine", &[])));
        assert!(are_snapshots(&under("mine", &["", "default/1/key"])));
    }
}
