//! What only a mounted file system tells: whether it can be written, what it is, and whether it tells
//! the kinds of a directory's entries.

use std::os::fd::AsFd;
use std::path::Path;

use finding::Unread;
use nix::sys::statfs::fstatfs;
use nix::sys::statvfs::{FsFlags, fstatvfs};
use serde::{Deserialize, Serialize};

use super::walk::Handle;
use super::walk::unread;
use super::{Directory, mounts};
use crate::{Stat, host};

/// How the file system of a path is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Whether it is mounted read-only: on this machine, or below evidence that is not. Of an image
    /// that was mounted read-only as a whole, nothing follows.
    pub read_only: bool,
    /// The type, as statfs(2) numbers it.
    pub kind: i64,
}

/// The type of a tmpfs.
const TMPFS: i64 = 0x0102_1994;
/// The type of procfs.
const PROCFS: i64 = 0x9fa0;
/// The type of a ramfs.
const RAMFS: i64 = 0x8584_58f6;
/// The type of overlayfs.
const OVERLAYFS: i64 = 0x794c_7630;
/// The type of NFS.
const NFS: i64 = 0x6969;

/// The type of btrfs.
const BTRFS: i64 = 0x9123_683e;
/// The type of zfs.
const ZFS: i64 = 0x2fc1_2fc1;

/// The type of FAT.
const FAT: i64 = 0x4d44;
/// The type of exFAT.
const EXFAT: i64 = 0x2011_bab0;
/// The type of FUSE, and of virtiofs.
const FUSE: i64 = 0x6573_5546;
/// The type of 9p.
const V9FS: i64 = 0x0102_1997;
/// The types of SMB.
const SMB: [i64; 2] = [0xff53_4d42, 0xfe53_4d42];
/// The type of Ceph.
const CEPH: i64 = 0x00c3_6400;

/// Types of file systems as a table of mounts names them; of those that say something to an overlay.
const NAMES: &[(&str, i64)] = &[
    ("overlay", OVERLAYFS),
    ("nfs", NFS),
    ("nfs4", NFS),
    ("vfat", FAT),
    ("msdos", FAT),
    ("exfat", EXFAT),
    ("zfs", ZFS),
    ("fuse", FUSE),
    ("fuseblk", FUSE),
    ("virtiofs", FUSE),
    ("9p", V9FS),
    ("cifs", SMB[0]),
    ("smb3", SMB[1]),
    ("ceph", CEPH),
    ("tmpfs", TMPFS),
    ("ext4", 0xef53),
    ("xfs", 0x5846_5342),
    ("btrfs", BTRFS),
];

/// Types of file systems that keep stores: ext4, xfs, btrfs, f2fs, zfs, bcachefs.
const DISKS: [i64; 6] = [0xef53, 0x5846_5342, BTRFS, 0xf2f5_2010, ZFS, 0xca45_1a4e];

impl Mount {
    /// Whether it is a disk of this machine: one that answers.
    pub fn is_local_disk(&self) -> bool {
        DISKS.contains(&self.kind)
    }

    /// Whether it shows processes of this machine.
    pub const fn is_procfs(&self) -> bool {
        self.kind == PROCFS
    }

    /// Whether it is lost when the machine is switched off.
    pub const fn is_memory(&self) -> bool {
        matches!(self.kind, TMPFS | RAMFS)
    }

    /// Whether it is of the kind that a snapshotter is named after: btrfs, zfs; nothing for others.
    pub fn is_kind(&self, name: &str) -> Option<bool> {
        match name {
            "btrfs" => Some(self.kind == BTRFS),
            "zfs" => Some(self.kind == ZFS),
            _ => None,
        }
    }

    /// Why no overlay can be written on top of it, if none can.
    pub const fn refuses_overlay(&self) -> Option<&'static str> {
        match self.kind {
            OVERLAYFS => Some("overlayfs"),
            NFS => Some("NFS"),
            FAT => Some("FAT"),
            EXFAT => Some("exFAT"),
            _ => None,
        }
    }

    /// What it is, where it depends on its release whether an overlay can be written on top of it.
    pub fn doubts_overlay(&self) -> Option<&'static str> {
        match self.kind {
            ZFS => Some("zfs"),
            FUSE => Some("a FUSE file system"),
            V9FS => Some("9p"),
            CEPH => Some("Ceph"),
            kind if SMB.contains(&kind) => Some("SMB"),
            _ => None,
        }
    }

    /// A mount as a table of mounts has it: the name of its type, and whether its file system can be
    /// written.
    pub fn of_table(kind: &str, read_only: bool) -> Self {
        let name = if kind.starts_with("fuse.") {
            "fuse"
        } else {
            kind
        };
        let known = NAMES.iter().find(|(known, _)| *known == name);
        Self {
            read_only,
            kind: known.map_or(0, |(_, kind)| *kind),
        }
    }
}

impl Directory {
    /// Nothing where that is the file system on which the evidence itself was put down.
    pub(crate) fn mount(&self, path: &Path) -> Result<Option<Mount>, Unread> {
        let handle = self.hold_followed(path)?;
        if self.is_outside(&handle.stat) {
            return Ok(None);
        }
        let options = fstatvfs(handle.fd.as_fd()).map_err(unread)?;
        let kind = fstatfs(handle.fd.as_fd()).map_err(unread)?;
        let seen = options.flags().contains(FsFlags::ST_RDONLY);
        Ok(Some(Mount {
            read_only: self.is_read_only(&handle.stat, seen)
                || mounts::is_read_only(&self.mounted, path),
            kind: kind.filesystem_type().0,
        }))
    }

    /// Whether the node could not write to the file system of `stat`, which we see mounted
    /// read-only or not: our own view of evidence is always read-only, so only the super block
    /// tells, and of an image that we mounted read-only it tells nothing.
    fn is_read_only(&self, stat: &Stat, seen: bool) -> bool {
        let table = host::own(Path::new("/proc/thread-self/mountinfo")).unwrap_or_default();
        let root = self
            .root
            .metadata()
            .ok()
            .and_then(|root| Stat::from_metadata(&root).ok());
        let of = |dev| super_block_is_read_only(&table, dev);
        let here = stat.dev.is_some_and(of);
        if self.name == *"/" {
            return here || seen;
        }
        here && !root.and_then(|root| root.dev).is_some_and(of)
    }

    /// The option by which the file system of `path` was mounted without replaying its journal.
    pub(crate) fn without_journal(&self, path: &Path) -> Option<&'static str> {
        let table = host::own(Path::new("/proc/thread-self/mountinfo")).unwrap_or_default();
        let stat = self.hold_followed(path).ok()?.stat;
        super_block_leaves_out(&table, stat.dev?)
    }

    /// Whether the file system tells the kinds of a directory's entries (`d_type`), which
    /// overlayfs needs. A directory that is not there yet, or has no entry to ask for, is as the
    /// one above it on the same disk.
    pub(crate) fn tells_kinds(&self, path: &Path) -> Option<bool> {
        let mut disk = None;
        for folder in path.ancestors() {
            let handle = match self.hold_followed(folder) {
                Err(Unread::Absent) if disk.is_none() => continue,
                held => held.ok()?,
            };
            let is_other = disk.is_some_and(|disk| disk != handle.stat.dev);
            if is_other || self.is_outside(&handle.stat) {
                return None;
            }
            disk = Some(handle.stat.dev);
            let told = self.tells_kinds_in(&handle);
            if told.is_some() {
                return told;
            }
        }
        None
    }

    fn tells_kinds_in(&self, handle: &Handle) -> Option<bool> {
        let file = self.reopen(handle).ok()?;
        let mut dir = nix::dir::Dir::from_fd(file.into()).ok()?;
        let mut told = None;
        for entry in dir.iter().take(64) {
            let entry = entry.ok()?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                told = Some(told.unwrap_or(true) && entry.file_type().is_some());
            }
        }
        told
    }
}

/// Options by which a journal is not replayed: of ext4, as it is given and shown; of XFS; of Btrfs.
const NO_JOURNAL: [&str; 4] = ["noload", "norecovery", "nologreplay", "rescue=nologreplay"];

/// Which of them a mounted super block has.
fn super_block_leaves_out(table: &str, (major, minor): (u32, u32)) -> Option<&'static str> {
    let dev = format!("{major}:{minor}");
    table.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut options = after.rsplit(' ').next()?.split(',');
        let is_it = before.split(' ').nth(2) == Some(dev.as_str());
        let left_out =
            options.find_map(|option| NO_JOURNAL.into_iter().find(|name| *name == option));
        left_out.filter(|_| is_it)
    })
}

/// `36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw`: the last are the super block's.
fn super_block_is_read_only(table: &str, (major, minor): (u32, u32)) -> bool {
    let dev = format!("{major}:{minor}");
    table.lines().any(|line| {
        let same = line.split(' ').nth(2) == Some(dev.as_str());
        let options = line
            .split_once(" - ")
            .and_then(|(_, rest)| rest.split(' ').nth(2));
        same && options.is_some_and(|options| options.split(',').any(crate::refuses_writes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_super_block_that_met_an_error_takes_no_write() {
        // As Linux 6.18 shows an ext4 with errors=remount-ro after an error, and one that was shut down.
        for options in ["rw,errors=remount-ro,emergency_ro", "rw,shutdown"] {
            let table =
                format!("37 35 7:0 / /srv rw,relatime shared:9 - ext4 /dev/loop0 {options}\n");
            assert!(super_block_is_read_only(&table, (7, 0)), "{options}");
        }
        let healthy = "37 35 7:0 / /srv rw - ext4 /dev/loop0 rw,errors=remount-ro\n";
        assert!(!super_block_is_read_only(healthy, (7, 0)));
    }

    #[test]
    fn the_super_block_says_read_only() {
        let table = "36 35 98:0 / /mnt ro,noatime master:1 - ext3 /dev/root rw,errors=continue\n\
            37 35 8:2 / /srv rw - ext4 /dev/sdb ro\n";
        assert!(!super_block_is_read_only(table, (98, 0)));
        assert!(super_block_is_read_only(table, (8, 2)));
        assert!(!super_block_is_read_only(table, (8, 3)));
    }

    #[test]
    fn a_mount_without_its_journal_is_told() {
        let table = "36 35 7:0 / /mnt ro,relatime - ext4 /dev/loop0 ro,norecovery\n\
            37 35 7:1 / /srv ro,relatime - xfs /dev/loop1 ro,attr2\n";
        assert_eq!(super_block_leaves_out(table, (7, 0)), Some("norecovery"));
        assert_eq!(super_block_leaves_out(table, (7, 1)), None);
        assert_eq!(super_block_leaves_out(table, (7, 2)), None);
    }

    #[test]
    fn a_folder_of_this_machine_is_mounted() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        let machine = Directory::open(Path::new("/"), &crate::Options::default()).unwrap();
        let mount = machine.mount(folder.path()).unwrap().unwrap();
        assert!(!mount.read_only);
        for path in ["", "empty", "empty/not/there"] {
            let path = folder.path().join(path);
            assert_eq!(machine.tells_kinds(&path), Some(true), "{path:?}");
        }
        // What was put down in a folder says nothing of the disk that it was on.
        let copy = Directory::open(folder.path(), &crate::Options::default()).unwrap();
        assert_eq!(copy.mount(Path::new("/")), Ok(None));
        assert_eq!(copy.tells_kinds(Path::new("/empty")), None);
    }
}
