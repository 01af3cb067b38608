//! What makes it wrong to write to a store now.

mod live;
mod room;
mod units;

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use finding::size_text;
use nix::sys::stat::SFlag;
use nix::sys::statfs::{self, FsType};

use crate::Refused;
use crate::disk::{Folder, is_kind};
use crate::plan::{Action, Plan};
pub(crate) use live::{lock_holder, openers};

/// File systems on which an exchange of names is not known to be safe.
const FOREIGN: &[(FsType, &str)] = &[
    (statfs::NFS_SUPER_MAGIC, "NFS"),
    (statfs::FUSE_SUPER_MAGIC, "FUSE"),
    (statfs::OVERLAYFS_SUPER_MAGIC, "overlay"),
    (statfs::BTRFS_SUPER_MAGIC, "btrfs"),
];

/// Magic numbers that nix does not name: 9p, CIFS, SMB2, ZFS.
const FOREIGN_RAW: &[(i64, &str)] = &[
    (0x0102_1997, "9p"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x2fc1_2fc1, "ZFS"),
];

/// The inode number of the host's first pid and user namespace.
const FIRST_PID_NS: u64 = 0xefff_fffc;
const FIRST_USER_NS: u64 = 0xefff_fffd;

/// What is to be done with a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is applied.
    Apply,
    /// It was half applied, and is to be applied whole: all that it writes is written.
    GoOn,
    /// It is taken back: that takes no room.
    Undo,
}

/// What makes this process unable to judge, or to write with the right owners.
pub(crate) fn asker() -> Vec<Refused> {
    if nix::unistd::geteuid().is_root() {
        return namespaces();
    }
    vec![Refused::new(
        "only root can put files in place with their owners",
        "run it as root",
    )]
}

/// Every reason not to write to `root` now.
pub(crate) fn all(
    node: &Folder,
    root: &Folder,
    shown: &Path,
    plan: &Plan,
    purpose: Purpose,
) -> Vec<Refused> {
    let mut found = Vec::new();
    // What an attempt had begun, and what is taken back, takes no room.
    let is_new = purpose == Purpose::Apply;
    let floor = is_new.then(|| room::Floor::from_folder(node));
    found.extend(owned(root));
    found.extend(disk(root, None, plan, floor));
    found.extend(live::locks(root));
    for base in plan.bases() {
        match Folder::inside(node, Path::new(base)) {
            // What is staged in memory is small, and its file system has no room to keep for images.
            Ok(_) if Path::new(base).starts_with(&plan.state) => {}
            Ok(folder) => found.extend(disk(&folder, Some(base), plan, floor)),
            // After a reboot the state is gone, and its steps with it.
            Err(_) if !is_new && Path::new(base).starts_with(&plan.state) => {}
            Err(error) => found.push(unknown(base, &error)),
        }
    }
    found.extend(units::waiting(node, plan));
    found.extend(live::processes(node, shown, plan));
    found.extend(live::mounts(node, shown, plan));
    if is_new {
        found.extend(labels(node, root, plan));
    }
    found
}

fn unknown(what: &str, why: &dyn core::fmt::Display) -> Refused {
    Refused::new(
        format!("{what} is not known: {why}"),
        "run it as root on the host itself",
    )
}

/// Only from the host's own namespaces is every process seen, and every owner what it says.
fn namespaces() -> Vec<Refused> {
    let mut found = Vec::new();
    for (name, first) in [("pid", FIRST_PID_NS), ("user", FIRST_USER_NS)] {
        match std::fs::metadata(format!("/proc/self/ns/{name}")) {
            Ok(meta) if meta.ino() == first => {}
            Ok(_) => found.push(Refused::new(
                format!("this is not the host's {name} namespace: a daemon outside of it would not be seen"),
                "run it on the host (from a container: nsenter --target 1 --all)",
            )),
            Err(error) => found.push(unknown("the namespaces", &error)),
        }
    }
    found
}

/// A store of an ordinary user: its owners are shifted, and a repair would give it files of root's.
fn owned(root: &Folder) -> Option<Refused> {
    match root.own() {
        Ok(stat) if stat.st_uid == 0 => None,
        Ok(stat) => Some(Refused::new(
            format!(
                "the root belongs to the user {}: it is a rootless store",
                stat.st_uid
            ),
            "repair a copy of it (`coroner repair apply --to DIR`)",
        )),
        Err(error) => Some(unknown("the root's owner", &error)),
    }
}

/// Errors that the kernel has noted in the file system: what is missing there may come back by a check.
fn noted_errors(root: &Folder) -> Option<Refused> {
    let device = root.own().ok()?.st_dev;
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    let device = std::fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    let name = device.file_name()?.to_str()?.to_owned();
    let count = live::read_proc(Path::new(&format!("/sys/fs/ext4/{name}/errors_count"))).ok()?;
    let count: u64 = count.trim().parse().ok()?;
    (count > 0).then(|| {
        Refused::new(
            format!("the file system on {name} has {count} errors that the kernel noted: what is missing may come back by a check"),
            format!("unmount it, and check it first (e2fsck -f /dev/{name})"),
        )
    })
}

fn disk(
    root: &Folder,
    base: Option<&str>,
    plan: &Plan,
    floor: Option<room::Floor>,
) -> Vec<Refused> {
    let mut found: Vec<Refused> = noted_errors(root).into_iter().collect();
    let place = base.unwrap_or("the root");
    match statfs::fstatfs(root.fd()) {
        Ok(stat) => {
            let kind = stat.filesystem_type();
            let known = FOREIGN
                .iter()
                .find(|(foreign, _)| *foreign == kind)
                .map(|(_, name)| *name);
            let raw = FOREIGN_RAW
                .iter()
                .find(|(magic, _)| kind.0 == *magic)
                .map(|(_, name)| *name);
            if let Some(name) = known.or(raw) {
                found.push(Refused::new(
                    format!(
                        "{place} is on {name}, where an exchange of names is not known to be safe"
                    ),
                    "repair a copy of it on ext4 or XFS",
                ));
            }
        }
        Err(error) => found.push(unknown("the file system", &error)),
    }
    match nix::sys::statvfs::fstatvfs(root.fd()) {
        Ok(stat) => {
            if stat.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY) {
                found.push(Refused::new(
                    format!("{place} is mounted read-only"),
                    "mount it writable, after a check of the file system if the kernel made it so",
                ));
            }
            let size = stat.blocks().saturating_mul(stat.fragment_size());
            let free = stat.blocks_available().saturating_mul(stat.fragment_size());
            let here = plan
                .steps
                .iter()
                .filter(|step| step.base.as_deref() == base);
            let bytes = here
                .filter_map(|step| step.size)
                .fold(0, u64::saturating_add);
            // The new files, the journal, and some blocks for directories.
            let after = free
                .saturating_sub(bytes.saturating_mul(2))
                .saturating_sub(1 << 20);
            let floor = floor.map_or(0, |floor| floor.bytes(size));
            if after < floor {
                found.push(Refused::new(
                    format!(
                        "{place} would have {} free, and {} must stay free: below that the kubelet deletes images",
                        size_text(after),
                        size_text(floor)
                    ),
                    "make room, but not below containerd's root",
                ));
            }
        }
        Err(error) => found.push(unknown("the room on the disk", &error)),
    }
    found
}

/// The databases below the root, as they stand now.
pub(crate) fn databases(root: &Folder) -> io::Result<Vec<(String, (u64, u64))>> {
    let mut found = Vec::new();
    for folder in root.names()? {
        let Some(folder) = folder.to_str() else {
            continue;
        };
        let name = if folder == node::META_DIR {
            "meta.db"
        } else if folder.starts_with("io.containerd.snapshotter.v1.") {
            "metadata.db"
        } else {
            continue;
        };
        // What is no folder has no database; a mount is refused by the step that needs it.
        let Ok(inner) = root.below(Path::new(folder)) else {
            continue;
        };
        if let Some(stat) = inner
            .stat(OsStr::new(name))?
            .filter(|stat| is_kind(stat, SFlag::S_IFREG))
        {
            found.push((format!("{folder}/{name}"), (stat.st_dev, stat.st_ino)));
        }
    }
    Ok(found)
}

/// On a host that enforces SELinux, a new file needs the label of the one in whose place it comes.
fn labels(node: &Folder, root: &Folder, plan: &Plan) -> Vec<Refused> {
    let enforces =
        live::read_proc(Path::new("/sys/fs/selinux/enforce")).is_ok_and(|text| text.trim() == "1");
    let puts = plan.steps.iter().filter(|step| step.action == Action::Put);
    let mut found = Vec::new();
    for step in puts.filter(|_| enforces) {
        let path = Path::new(&step.path);
        let folder = match &step.base {
            None => root.below(Path::new("")),
            Some(base) => Folder::inside(node, Path::new(base)),
        };
        let above = folder.and_then(|folder| folder.below(path.parent().unwrap_or(Path::new(""))));
        let is_there = above.and_then(|above| above.stat(path.file_name().unwrap_or_default()));
        if !matches!(is_there, Ok(Some(_))) {
            found.push(Refused::new(format!("SELinux is enforcing, and {} is not there: nothing says what label the new one needs", step.path), "set the label by hand (`restorecon`) on a copy"));
        }
    }
    found
}

/// The metadata.db in a snapshotter's own root.
pub(crate) fn database_in(folder: &Folder) -> io::Result<Option<(u64, u64)>> {
    let stat = folder.stat(OsStr::new("metadata.db"))?;
    let file = stat.filter(|stat| is_kind(stat, SFlag::S_IFREG));
    Ok(file.map(|stat| (stat.st_dev, stat.st_ino)))
}
