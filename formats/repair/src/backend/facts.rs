//! What a directory says of the snapshot that it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, Wants};
use layer::{Kind, Layer, Limits, Watch};
use measure::{Control, LayerJob, Step, Walk, WalkLimits, verify_layers};
use process::Mount;
use sha2::{Digest as _, Sha256};
use snapshots::{Layout, Marks, Prefix};

use super::LayerBlob;

/// A container's root, as it is mounted: the number of its own directory, and of those below it, the
/// nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mounted {
    pub(crate) namespace: Vec<u8>,
    pub(crate) id: Vec<u8>,
    pub(crate) upper: u64,
    pub(crate) lower: Vec<u64>,
}

/// The number of the directory of `layout` whose files a mount names, by its whole path or from inside the folder of all.
fn number(layout: &Layout, path: &[u8]) -> Option<u64> {
    let path = Path::new(OsStr::from_bytes(path));
    let folder = layout.root.join("snapshots");
    let below = path.strip_prefix(&folder).unwrap_or(path);
    below.strip_suffix("fs")?.parse().ok()
}

/// The directories of `layout` that an overlay stands on: what of them is changed, its containers see in part.
pub(crate) fn in_use(mounts: &[Mount], layout: &Layout) -> BTreeSet<u64> {
    let folder = layout.root.join("snapshots");
    let folder = folder.as_os_str().as_bytes();
    let mut found = BTreeSet::new();
    for mount in mounts.iter().filter(|mount| mount.kind == "overlay") {
        let of = |name: &str| mount.option(name).unwrap_or_default();
        let (upper, lower) = (of("upperdir"), of("lowerdir"));
        let dirs = lower.bytes().split(|byte| *byte == b':');
        let dirs: Vec<&[u8]> = dirs.chain([upper.bytes()]).collect();
        // Short names are of the folder of the whole ones beside them.
        if dirs.iter().any(|dir| dir.starts_with(folder)) {
            found.extend(dirs.iter().filter_map(|dir| number(layout, dir)));
        }
    }
    found
}

/// The overlays among `mounts` that stand on the directories of `layout`.
pub(crate) fn mounted(mounts: &[Mount], state: &Path, layout: &Layout) -> Vec<Mounted> {
    let tasks = state.join("io.containerd.runtime.v2.task");
    let number = |path: &[u8]| number(layout, path);
    let mut found = Vec::new();
    for mount in mounts.iter().filter(|mount| mount.kind == "overlay") {
        let point = Path::new(OsStr::from_bytes(mount.point.bytes()));
        let Ok(below) = point.strip_prefix(&tasks) else {
            continue;
        };
        let parts: Vec<&[u8]> = below
            .components()
            .map(|part| part.as_os_str().as_bytes())
            .collect();
        let [namespace, id, b"rootfs"] = parts.as_slice() else {
            continue;
        };
        let upper = mount.option("upperdir");
        let upper = upper.filter(|upper| upper.bytes().starts_with(b"/"));
        let Some(upper) = upper.and_then(|upper| number(upper.bytes())) else {
            continue;
        };
        let lower = mount.option("lowerdir").unwrap_or_default();
        let lower: Option<Vec<u64>> = lower
            .bytes()
            .split(|byte| *byte == b':')
            .map(number)
            .collect();
        found.push(Mounted {
            namespace: namespace.to_vec(),
            id: id.to_vec(),
            upper,
            lower: lower.unwrap_or_default(),
        });
    }
    found
}

trait StripSuffix {
    fn strip_suffix(&self, last: &str) -> Option<&str>;
}

impl StripSuffix for Path {
    /// What is above, if the last component is this one and one component is above.
    fn strip_suffix(&self, last: &str) -> Option<&str> {
        if self.file_name()? != last {
            return None;
        }
        let above = self.parent()?.to_str()?;
        (!above.is_empty() && !above.contains('/')).then_some(above)
    }
}

/// Names of everything but directories, as one number: equal for a directory and its blob.
pub(crate) type Shape = [u8; 32];

fn shape(names: &BTreeSet<Vec<u8>>) -> Shape {
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name);
        hash.update([0]);
    }
    hash.finalize().into()
}

/// The shape of a directory; nothing if not all of it could be listed.
pub(crate) fn shape_of_dir(evidence: &Evidence, files: &Path) -> Option<Shape> {
    let mut names = BTreeSet::new();
    for step in Walk::new(evidence, files, WalkLimits::default()) {
        match step {
            Step::Entry { path, stat, .. } if !stat.is_dir() => {
                let below = path.strip_prefix(files).ok()?;
                names.insert(below.as_os_str().as_bytes().to_vec());
            }
            Step::Entry { .. } => {}
            Step::Unknown(_) => return None,
        }
    }
    Some(shape(&names))
}

/// The shape that a layer's tar has when it is unpacked.
pub(crate) fn shape_of_blob(evidence: &Evidence, layer: &LayerBlob) -> Option<Shape> {
    let read = Layer::of_blob(evidence, &layer.path, Limits::default(), Watch::default());
    let mut read = read.ok()?;
    let mut names: BTreeSet<Vec<u8>> = BTreeSet::new();
    while let Some(entry) = read.next_entry() {
        let below = |path: &[u8]| [path, b"/"].concat();
        match entry.kind {
            Kind::Aufs | Kind::Other(_) | Kind::Opaque => {}
            Kind::Whiteout if layer.below.is_none() => {}
            Kind::Dir => {
                names.remove(&entry.path);
            }
            _ if entry.path.is_empty() => {}
            _ => {
                let within = below(&entry.path);
                let gone: Vec<Vec<u8>> = names
                    .range(within.clone()..)
                    .take_while(|name| name.starts_with(&within))
                    .cloned()
                    .collect();
                for name in gone {
                    names.remove(&name);
                }
                names.insert(entry.path);
            }
        }
    }
    let summary = read.finish();
    (summary.is_whole() && summary.diff_id() == Some(&layer.diff_id)).then(|| shape(&names))
}

/// Whether the files of a directory are exactly those of a layer; nothing where that cannot be told.
pub(crate) fn is_layer(
    evidence: &Evidence,
    layout: &Layout,
    id: u64,
    layers: &[&LayerBlob],
) -> Option<bool> {
    let job = LayerJob {
        snapshotter: layout.name.as_str().into(),
        id,
        files: layout.files(id),
        blobs: layers
            .iter()
            .map(|layer| (layer.path.clone(), layer.diff_id.clone()))
            .collect(),
        is_overlay: layout.has_fs(),
        is_base: layers.first().is_none_or(|layer| layer.below.is_none()),
        owners: true,
    };
    let key = (job.snapshotter.clone(), id);
    let mut found = verify_layers(evidence, &[job], &Control::default(), &|_, _| {});
    let found = found.remove(&key)?;
    let found = found.whole()?;
    // An entry for the layer's own root is passed over by containerd.
    let differs = found.differences.iter().any(|one| one.path != "/");
    Some(!differs && found.more == 0)
}

/// Whether it was mounted as the upper layer of an overlay; nothing where attributes are not told.
pub(crate) fn was_upper(evidence: &Evidence, layout: &Layout, id: u64) -> Option<bool> {
    let directory = layout.directory(id);
    let work = evidence.list(&directory.join("work"));
    if work.read().is_some_and(|entries| !entries.is_empty()) {
        return Some(true);
    }
    let attributes = evidence.xattrs(&directory.join("fs"));
    let attributes = attributes.whole()?;
    let marks = Marks::decode(attributes, Prefix::Trusted);
    let has = marks.origin.is_some() || marks.impure || !marks.others.is_empty();
    Some(has)
}

/// Which file is in which directory, by inode.
#[derive(Debug, Default)]
pub(crate) struct Inodes(BTreeMap<u64, u64>);

impl Inodes {
    /// Those of all directories of a layout.
    pub(crate) fn read_inodes(evidence: &Evidence, layout: &Layout) -> Self {
        let mut found = BTreeMap::new();
        for id in layout.dirs.keys() {
            for step in Walk::new(evidence, &layout.files(*id), WalkLimits::default()) {
                if let Step::Entry { stat, .. } = step
                    && let Some(inode) = stat.ino
                {
                    found.insert(inode, *id);
                }
            }
        }
        Self(found)
    }

    /// The directories whose files were copied up into directory `id`.
    pub(crate) fn origins(&self, evidence: &Evidence, layout: &Layout, id: u64) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        let mut open: Vec<PathBuf> = vec![layout.files(id)];
        let wants = Wants {
            xattrs: true,
            target: false,
        };
        let mut left = 100_000_usize;
        while let Some(folder) = open.pop() {
            let entries = evidence.list_with(&folder, &|_| wants);
            for one in entries.read().into_iter().flatten() {
                left = left.saturating_sub(1);
                if left == 0 {
                    return found;
                }
                let path = folder.join(OsStr::from_bytes(one.entry.name.bytes()));
                if one.entry.stat.is_dir() && !one.entry.stat.only_kind {
                    open.push(path);
                }
                let attributes = one.xattrs.as_ref().and_then(|known| known.read());
                let marks = attributes.map(|attributes| Marks::decode(attributes, Prefix::Trusted));
                let origin = marks.and_then(|marks| marks.origin.flatten());
                let inode = origin.and_then(|origin| inode_of(origin.kind, &origin.handle));
                let lower = inode.and_then(|inode| self.0.get(&inode));
                found.extend(lower.copied().filter(|lower| *lower != id));
            }
        }
        found
    }
}

/// The inode in a file handle: ext4 and its like (1, 2), XFS with 64 bits (0x81, 0x82).
fn inode_of(kind: u8, handle: &[u8]) -> Option<u64> {
    match kind {
        1 | 2 => Some(u64::from(u32::from_le_bytes(
            handle.get(..4)?.try_into().ok()?,
        ))),
        0x81 | 0x82 => Some(u64::from_le_bytes(handle.get(..8)?.try_into().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_names_an_inode() {
        assert_eq!(inode_of(1, &[7, 1, 0, 0, 9, 9, 9, 9]), Some(263));
        assert_eq!(
            inode_of(0x81, &[7, 0, 0, 0, 1, 0, 0, 0, 9, 9, 9, 9]),
            Some((1 << 32) | 7)
        );
        assert_eq!(inode_of(1, &[7]), None);
        assert_eq!(inode_of(0xfe, &[7; 16]), None);
    }

    #[test]
    fn a_mount_names_directories_whole_or_short() {
        let table = b"1 2 0:9 / /run/containerd/io.containerd.runtime.v2.task/default/a/rootfs rw - overlay overlay \
            rw,lowerdir=/r/snapshots/4/fs:/r/snapshots/2/fs,upperdir=/r/snapshots/7/fs,workdir=/r/snapshots/7/work\n\
            3 2 0:9 / /run/containerd/io.containerd.runtime.v2.task/default/b/rootfs rw - overlay overlay \
            rw,lowerdir=4/fs:2/fs,upperdir=/r/snapshots/8/fs,workdir=/r/snapshots/8/work\n\
            5 2 0:9 / /elsewhere/rootfs rw - overlay overlay rw,lowerdir=4/fs,upperdir=/r/snapshots/9/fs\n\
            6 2 0:9 / /run/containerd/io.containerd.runtime.v2.task/default/c/rootfs rw - overlay overlay \
            rw,lowerdir=/r/snapshots/4/fs,upperdir=/other/9/fs\n";
        let mut layout = Layout {
            root: "/r".into(),
            name: "overlayfs".to_owned(),
            rules: snapshots::Rules::Overlay,
            dirs: BTreeMap::new(),
            temporaries: Vec::new(),
            strays: Vec::new(),
            metadata: None,
            beside: Vec::new(),
            unread: None,
        };
        layout.dirs.clear();
        let found = mounted(
            &process::mounts(table),
            Path::new("/run/containerd"),
            &layout,
        );
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.id.as_slice(), one.upper, one.lower.clone()))
            .collect();
        assert_eq!(found, [(&b"a"[..], 7, vec![4, 2]), (b"b", 8, vec![4, 2])]);
    }
}
