//! What makes it wrong to write to a store now.

mod live;

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

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

/// Of the whole file system, how much stays free: below it the kubelet deletes images.
const FREE_PERCENT: u64 = 15;

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

/// Every reason not to write to `root` now.
pub(crate) fn all(
    node: &Folder,
    root: &Folder,
    shown: &Path,
    plan: &Plan,
    purpose: Purpose,
) -> Vec<Refused> {
    let mut found = Vec::new();
    if !nix::unistd::geteuid().is_root() {
        found.push(Refused::new(
            "only root can put files in place with their owners",
            "run it as root",
        ));
    }
    found.extend(namespaces());
    let is_new = purpose == Purpose::Apply;
    found.extend(disk(root, None, plan, is_new));
    found.extend(live::locks(root));
    for base in plan.bases() {
        match Folder::inside(node, Path::new(base)) {
            // What is staged in memory is small, and its file system has no room to keep for images.
            Ok(_) if Path::new(base).starts_with(&plan.state) => {}
            Ok(folder) => found.extend(disk(&folder, Some(base), plan, is_new)),
            // After a reboot the state is gone, and its steps with it.
            Err(_) if !is_new && Path::new(base).starts_with(&plan.state) => {}
            Err(error) => found.push(unknown(base, &error)),
        }
    }
    found.extend(live::processes(shown, plan));
    found.extend(live::mounts(node, shown, plan));
    if is_new {
        found.extend(labels(node, root, plan));
    }
    found
}

fn unknown(what: &str, why: &dyn core::fmt::Display) -> Refused {
    Refused::new(
        format!("{what} could not be told: {why}"),
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

fn disk(root: &Folder, base: Option<&str>, plan: &Plan, is_new: bool) -> Vec<Refused> {
    let mut found = Vec::new();
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
                        "the root is on {name}, where an exchange of names is not known to be safe"
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
                    "the root is mounted read-only",
                    "mount it writable, after a check of the file system if the kernel made it so",
                ));
            }
            let size = stat.blocks().saturating_mul(stat.fragment_size());
            let free = stat.blocks_available().saturating_mul(stat.fragment_size());
            let floor = size
                .saturating_mul(FREE_PERCENT)
                .checked_div(100)
                .unwrap_or(0);
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
            if is_new && after < floor {
                found.push(Refused::new(
                    format!("{free} bytes are free, and {FREE_PERCENT} % of the file system ({floor} bytes) must stay free: below that the kubelet deletes images"),
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
