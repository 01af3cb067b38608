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
use nix::sys::statfs;

use crate::Refused;
use crate::disk::{Folder, is_kind};
use crate::plan::{Action, Obstacle, Plan, Room};
pub(crate) use live::{lock_holder, openers};

/// File systems on which an exchange of names was tried, with kills and full disks: ext2 to ext4 (one
/// number), XFS, and tmpfs, which holds the state.
const TRIED: &[i64] = &[0xef53, 0x5846_5342, 0x0102_1994];

/// Names of others, so that a refusal says which one it is.
const OTHERS: &[(i64, &str)] = &[
    (0x6969, "NFS"),
    (0x6573_5546, "FUSE"),
    (0x794c_7630, "overlay"),
    (0x9123_683e, "btrfs"),
    (0x0102_1997, "9p"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x2fc1_2fc1, "ZFS"),
    (0xca45_1a4e, "bcachefs"),
    (0xf2f5_2010, "F2FS"),
    (0x00c3_6400, "Ceph"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x5346_414f, "AFS"),
    (0x786f_4256, "vboxsf"),
    (0xf15f, "eCryptfs"),
    (0x8584_58f6, "ramfs"),
    (0x7371_7368, "squashfs"),
    (0xe0f5_e1e2, "EROFS"),
    (0x9660, "ISO 9660"),
    (0x4d44, "FAT"),
    (0x5346_544e, "NTFS"),
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

/// Why nothing is written to a file system of this kind; the kinds are the kernel's numbers.
fn foreign(place: &str, kind: i64) -> Option<Refused> {
    if TRIED.contains(&kind) {
        return None;
    }
    let name = OTHERS.iter().find(|(number, _)| *number == kind);
    let name = name.map_or_else(
        || format!("a file system of the kind {kind:#x}"),
        |(_, name)| (*name).to_owned(),
    );
    Some(Refused::new(
        format!("{place} is on {name}, where an exchange of names is not known to be safe"),
        "repair a copy of it on ext4 or XFS (`coroner repair apply --to DIR`)",
    ))
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
        Ok(stat) => found.extend(foreign(place, stat.filesystem_type().0)),
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
            if let Some(floor) = floor {
                let space = room_of(&stat, base, plan, floor);
                if space.lacking() > 0 {
                    found.push(Refused::new(
                        format!(
                            "{place} would have {} free ({} now), and {} must stay free: below that the kubelet deletes images ({})",
                            size_text(space.after),
                            size_text(space.free),
                            size_text(space.floor),
                            space.floor_from
                        ),
                        format!(
                            "free {} more on its disk, but not below containerd's root: old logs, caches of packages; or repair a copy on \
                             another disk (`coroner repair apply --to DIR`)",
                            size_text(space.lacking())
                        ),
                    ));
                }
            }
        }
        Err(error) => found.push(unknown("the room on the disk", &error)),
    }
    found
}

/// What the steps on one file system leave of it.
fn room_of(
    stat: &nix::sys::statvfs::Statvfs,
    base: Option<&str>,
    plan: &Plan,
    floor: room::Floor,
) -> Room {
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
    Room {
        store: base.map(str::to_owned),
        free,
        after,
        floor: floor.bytes(size),
        floor_from: floor.said_by(),
    }
}

/// The directory of a node, as it was before rights were given up: afterwards everything is mounted read-only.
#[derive(Debug)]
pub struct Ground(Folder);

impl Ground {
    /// Holds a directory; nothing where `node` is none.
    pub fn hold(node: &Path) -> Option<Self> {
        Folder::root(node).ok().map(Self)
    }
}

/// The file systems that a plan writes to, as they are now, and what of them would keep `apply` from its work: told
/// when the plan is made, so that nobody stops a node for a repair that is then refused. The node begins at `below`.
///
/// # Errors
/// A folder that the plan writes to cannot be opened.
pub fn foreseen(
    ground: &Ground,
    below: &Path,
    plan: &Plan,
) -> io::Result<(Vec<Room>, Vec<Obstacle>)> {
    let node = Folder::inside(&ground.0, below)?;
    let floor = room::Floor::from_folder(&node);
    let (mut rooms, mut obstacles) = (Vec::new(), Vec::new());
    let bases = plan.bases().into_iter().map(Some);
    for base in std::iter::once(None).chain(bases) {
        if base.is_some_and(|base| Path::new(base).starts_with(&plan.state)) {
            continue;
        }
        let folder = Folder::inside(&node, Path::new(base.unwrap_or(&plan.root)))?;
        if let Ok(stat) = nix::sys::statvfs::fstatvfs(folder.fd()) {
            rooms.push(room_of(&stat, base, plan, floor));
        }
        let found = disk(&folder, base, plan, Some(floor)).into_iter();
        obstacles.extend(found.map(|one| Obstacle {
            why: one.why,
            hint: one.hint,
        }));
    }
    Ok((rooms, obstacles))
}

/// Why a result is not put in place: containerd would not serve with it, or what a start deletes is not known. What else
/// is wrong comes first.
pub(crate) fn result(plan: &Plan) -> Option<Refused> {
    fails(plan).or_else(|| {
        let mut unknown = plan.after.iter().flat_map(|one| &one.blind);
        let first = unknown.next()?;
        Some(Refused::new(
            format!("what a start deletes after the repair is not known: {first}"),
            "make that readable first (run it as root, mount its disk, `coroner triage NODE` says where it is), then plan again",
        ))
    })
}

fn fails(plan: &Plan) -> Option<Refused> {
    let worst = plan.after.iter().find(|one| one.fails)?;
    let hint = if plan.after.iter().all(|one| one.fails) {
        if plan.drafts.is_empty() {
            "mend that first (`coroner triage NODE` says where it is and what to do), then plan again"
        } else {
            "make the edits that the plan shows below \"For a person to edit\" first, then plan again"
        }
    } else {
        "name the release that will be started (`coroner repair plan NODE --daemon RELEASE`), then plan again"
    };
    Some(Refused::new(
        format!("after the repair it would still be so: {}", worst.sentence),
        hint,
    ))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Foretold;

    /// The numbers as `statfs(2)` and the kernel's sources have them.
    #[test]
    fn only_what_was_tried_is_written_to() {
        for (kind, name) in [
            (statfs::NFS_SUPER_MAGIC.0, "NFS"),
            (statfs::FUSE_SUPER_MAGIC.0, "FUSE"),
            (statfs::OVERLAYFS_SUPER_MAGIC.0, "overlay"),
            (statfs::BTRFS_SUPER_MAGIC.0, "btrfs"),
            (0x0102_1997, "9p"),
            (0xff53_4d42, "CIFS"),
            (0xfe53_4d42, "SMB"),
            (0x2fc1_2fc1, "ZFS"),
            (0xf2f5_2010, "F2FS"),
            (0x1234_5678, "a file system of the kind 0x12345678"),
        ] {
            let refused = foreign("the root", kind).unwrap();
            let want = format!("the root is on {name}, where an exchange");
            assert!(refused.why.starts_with(&want), "{}", refused.why);
        }
        for kind in [
            statfs::EXT4_SUPER_MAGIC,
            statfs::XFS_SUPER_MAGIC,
            statfs::TMPFS_MAGIC,
        ] {
            assert_eq!(foreign("the root", kind.0), None);
        }
    }

    fn after(starts: &[&str]) -> Plan {
        let after = starts.iter().map(|start| Foretold {
            start: (*start).to_owned(),
            sentence: format!("said of {start}"),
            fails: *start == "no",
            ..Foretold::default()
        });
        Plan {
            after: after.collect(),
            ..Plan::default()
        }
    }

    #[test]
    fn a_result_that_would_not_start_is_not_put_in_place() {
        for fine in [&["yes"][..], &["with-care", "unknown"], &[]] {
            assert_eq!(result(&after(fine)), None);
        }
        let refused = result(&after(&["no"])).unwrap();
        assert!(refused.why.contains("said of no"), "{}", refused.why);
        assert!(refused.hint.contains("triage"), "{}", refused.hint);
        // A daemon that runs now is told by itself; containers that a start ends were ended by one before, too.
        let mut serves = after(&["no"]);
        for one in &mut serves.after {
            one.fails = false;
        }
        assert_eq!(result(&serves), None);
        // What a start deletes is not known; what is not known of other parts is only shown.
        let mut blind = after(&["unknown"]);
        for one in &mut blind.after {
            one.blind
                .push("snapshotter overlayfs (permission denied)".to_owned());
        }
        let refused = result(&blind).unwrap();
        assert!(
            refused.why.contains("snapshotter overlayfs"),
            "{}",
            refused.why
        );
        // Of two releases that it may be, one would not.
        let refused = result(&after(&["yes", "no"])).unwrap();
        assert!(refused.hint.contains("--daemon"), "{}", refused.hint);
    }
}
