//! How each snapshotter lays out its files.

use evidence::FileKind;
use serde::Serialize;

/// How a snapshotter lays out its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rules {
    /// `snapshots/<id>/{fs,work}`, mounted by the kernel's overlayfs.
    Overlay,
    /// `snapshots/<id>/` is a full copy of the tree.
    Native,
    /// `active/<id>`, `view/<id>`, `snapshots/<id>` are subvolumes, which show as directories.
    Btrfs,
    /// `snapshots/<id>` is an image of a block device; `scratch` the one they are copied from.
    Blockfile,
    /// `snapshots/<id>/{fs,work}` with `layer.erofs` or `rwlayer.img` beside them.
    Erofs,
    /// Thin volumes, kept by the kernel; only databases lie here.
    Devmapper,
    /// Datasets, kept by ZFS; only a database lies here.
    Zfs,
    /// A daemon of its own (stargz, nydus, soci): laid out as overlayfs, but layers may be FUSE
    /// mounts with an almost empty `fs`.
    Remote,
    /// A snapshotter that we do not know.
    Unknown,
}

/// A snapshotter that is known: the one line to add for another whose files are laid out as those of
/// one that is here.
#[derive(Debug, Clone, Copy)]
pub struct Snapshotter {
    /// Its name, as in meta.db.
    pub name: &'static str,
    /// How it lays out its files.
    pub rules: Rules,
    /// Whether some release and build of containerd has it built in.
    pub is_built_in: bool,
    /// What it asks of the machine, where that is more than a folder.
    pub needs: Option<&'static str>,
}

const fn built_in(name: &'static str, rules: Rules, needs: Option<&'static str>) -> Snapshotter {
    Snapshotter {
        name,
        rules,
        is_built_in: true,
        needs,
    }
}

const fn plugin(name: &'static str, rules: Rules) -> Snapshotter {
    Snapshotter {
        name,
        rules,
        is_built_in: false,
        needs: None,
    }
}

/// Every snapshotter that is known.
pub const SNAPSHOTTERS: &[Snapshotter] = &[
    built_in("overlayfs", Rules::Overlay, None),
    built_in("native", Rules::Native, None),
    built_in("btrfs", Rules::Btrfs, Some("its folder on btrfs")),
    built_in("blockfile", Rules::Blockfile, Some("a scratch file")),
    built_in("erofs", Rules::Erofs, Some("erofs in its kernel")),
    built_in("devmapper", Rules::Devmapper, Some("a thin pool")),
    built_in("zfs", Rules::Zfs, Some("its folder on zfs")),
    built_in("aufs", Rules::Unknown, Some("aufs in its kernel")),
    plugin("fuse-overlayfs", Rules::Overlay),
    plugin("stargz", Rules::Remote),
    plugin("nydus", Rules::Remote),
    plugin("soci", Rules::Remote),
    plugin("overlaybd", Rules::Remote),
];

impl Snapshotter {
    /// The one of this name, if it is known.
    pub fn named(name: &str) -> Option<&'static Self> {
        SNAPSHOTTERS.iter().find(|known| known.name == name)
    }
}

impl Rules {
    /// The rules of the snapshotter `name`.
    pub fn for_snapshotter(name: &str) -> Self {
        Snapshotter::named(name).map_or(Self::Unknown, |known| known.rules)
    }

    /// The folders that hold one entry a snapshot.
    pub const fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Btrfs => &["snapshots", "active", "view"],
            Self::Devmapper | Self::Zfs => &[],
            _ => &["snapshots"],
        }
    }

    /// What a snapshot is in its folder.
    pub const fn kind(self) -> FileKind {
        match self {
            Self::Blockfile => FileKind::File,
            _ => FileKind::Dir,
        }
    }

    /// Whether every snapshot of its database must have an entry in its folders.
    pub const fn is_understood(self) -> bool {
        matches!(
            self,
            Self::Overlay | Self::Native | Self::Btrfs | Self::Blockfile | Self::Erofs
        )
    }

    /// Whether a snapshot's files lie in a folder `fs` of its directory.
    pub const fn has_fs(self) -> bool {
        matches!(self, Self::Overlay | Self::Erofs | Self::Remote)
    }

    /// Whether a snapshot's directory holds the files as they are, so that they can be walked.
    pub const fn has_files(self) -> bool {
        matches!(self, Self::Overlay | Self::Native | Self::Btrfs)
    }

    /// What it keeps where directories do not lead.
    pub const fn unread(self) -> Option<&'static str> {
        match self {
            Self::Overlay | Self::Native => None,
            Self::Btrfs => {
                Some("properties of subvolumes (read-only, parent, received) were not read")
            }
            Self::Blockfile => Some("the file systems inside the block images were not read"),
            Self::Erofs => {
                Some("the file systems inside layer.erofs and rwlayer.img were not read")
            }
            Self::Devmapper => {
                Some("the thin pool, its volumes and its own database were not read")
            }
            Self::Zfs => Some("the datasets were not read"),
            Self::Remote => Some("what its daemon mounts over the layers was not read"),
            Self::Unknown => {
                Some("its layout is not known; directories were listed as overlayfs has them")
            }
        }
    }
}
