//! What makes it wrong to write to a store now.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::SFlag;
use nix::sys::statfs::{self, FsType};

use crate::Refused;
use crate::disk::{Folder, is_kind};
use crate::plan::{Action, Plan};

/// Programs that write to a containerd root, by the name of their process.
const WRITERS: &[&str] = &[
    "containerd",
    "dockerd",
    "buildkitd",
    "ctr",
    "nerdctl",
    "k3s",
    "k3s-server",
    "k3s-agent",
    "rke2",
    "k0s",
    "kubelite",
];

/// Programs that delete images and containers that they do not expect.
const DELETERS: &[&str] = &[
    "kubelet",
    "dockerd",
    "buildkitd",
    "k3s",
    "k3s-server",
    "k3s-agent",
    "rke2",
    "k0s",
    "kubelite",
];

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

/// Every reason not to write to `root` now.
pub(crate) fn all(root: &Folder, shown: &Path, plan: &Plan) -> Vec<Refused> {
    let mut found = Vec::new();
    if !nix::unistd::geteuid().is_root() {
        found.push(Refused::new(
            "only root can put files in place with their owners",
            "run it as root",
        ));
    }
    found.extend(namespaces());
    found.extend(disk(root, plan));
    found.extend(locks(root));
    found.extend(processes(shown, plan));
    found.extend(mounts(shown, plan));
    found.extend(labels(root, plan));
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

fn disk(root: &Folder, plan: &Plan) -> Vec<Refused> {
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
            // The new file, the journal, and some blocks for directories.
            let after = free
                .saturating_sub(plan.bytes.saturating_mul(2))
                .saturating_sub(1 << 20);
            if after < floor {
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

/// Locks that somebody holds on a database.
fn locks(root: &Folder) -> Vec<Refused> {
    let databases = match databases(root) {
        Ok(databases) => databases,
        Err(error) => return vec![unknown("the databases", &error)],
    };
    let text = match read_proc(Path::new("/proc/locks")) {
        Ok(text) => text,
        Err(error) => return vec![unknown("the locks", &error)],
    };
    let mut found = Vec::new();
    for (name, (device, inode)) in databases {
        let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
        let place = format!(" {major:02x}:{minor:02x}:{inode} ");
        if let Some(line) = text.lines().find(|line| line.contains(&place)) {
            let pid = line.split_whitespace().nth(4).unwrap_or("?");
            found.push(Refused::new(
                format!("{name} is locked by process {pid}: a daemon runs on this root"),
                "stop it first, and what starts it again",
            ));
        }
    }
    found
}

/// A small text of /proc.
fn read_proc(path: &Path) -> io::Result<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a file of the kernel's, not of the evidence"
    )]
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.take(64 << 20).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A process, and what it is called.
struct Process {
    pid: u32,
    name: String,
}

fn all_processes() -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let pid = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok());
        let Some(pid) = pid.filter(|pid| *pid != std::process::id()) else {
            continue;
        };
        // It may have ended meanwhile.
        if let Ok(name) = read_proc(Path::new(&format!("/proc/{pid}/comm"))) {
            let name = name.trim_end().to_owned();
            found.push(Process { pid, name });
        }
    }
    Ok(found)
}

/// Whether a process has the same `/` as this one.
fn shares_root(pid: u32) -> bool {
    let own = std::fs::metadata("/").map(|meta| (meta.dev(), meta.ino()));
    let other = std::fs::metadata(format!("/proc/{pid}/root")).map(|meta| (meta.dev(), meta.ino()));
    matches!((own, other), (Ok(own), Ok(other)) if own == other)
}

/// Programs that have files of the root open, or that would delete what the plan makes.
fn processes(shown: &Path, plan: &Plan) -> Vec<Refused> {
    let all = match all_processes() {
        Ok(all) => all,
        Err(error) => return vec![unknown("the processes", &error)],
    };
    let mut found = Vec::new();
    for Process { pid, name } in all {
        if WRITERS.contains(&name.as_str()) && shares_root(pid) && has_open(pid, shown) {
            found.push(Refused::new(
                format!(
                    "{name} (process {pid}) has files of {} open",
                    shown.display()
                ),
                "stop it first, and what starts it again",
            ));
        } else if plan.is_rebuilt() && DELETERS.contains(&name.as_str()) && shares_root(pid) {
            found.push(Refused::new(
                format!("{name} (process {pid}) runs: it deletes images and containers whose records are new to it"),
                "stop it, and keep it from starting (`systemctl mask --runtime`), until the node is looked at",
            ));
        }
    }
    found
}

fn has_open(pid: u32, below: &Path) -> bool {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd"));
    let mut targets = links
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok());
    targets.any(|target| target.starts_with(below))
}

/// Every process that holds one of these inodes open, as `name (process pid)`.
pub(crate) fn openers(inodes: &BTreeSet<(u64, u64)>) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for Process { pid, name } in all_processes()? {
        let links = match std::fs::read_dir(format!("/proc/{pid}/fd")) {
            Ok(links) => links,
            // It ended.
            Err(error)
                if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3) =>
            {
                continue;
            }
            Err(error) => return Err(error),
        };
        for link in links.flatten() {
            // The target's own name is asked first: a file on a dead mount would hang the question.
            let target = std::fs::read_link(link.path()).unwrap_or_default();
            let last = target
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let last = last.trim_end_matches(" (deleted)");
            if !matches!(last, "meta.db" | "metadata.db") && !last.starts_with("slot-") {
                continue;
            }
            let held = std::fs::metadata(link.path()).map(|meta| (meta.dev(), meta.ino()));
            if held.is_ok_and(|held| inodes.contains(&held)) {
                found.push(format!("{name} (process {pid})"));
                break;
            }
        }
    }
    Ok(found)
}

/// Mounts, of any process, on or of what a step moves.
fn mounts(shown: &Path, plan: &Plan) -> Vec<Refused> {
    let moved: Vec<PathBuf> = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Remove)
        .map(|step| shown.join(&step.path))
        .collect();
    if moved.is_empty() {
        return Vec::new();
    }
    let mut texts = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let all = match all_processes() {
        Ok(all) => all,
        Err(error) => return vec![unknown("the mounts", &error)],
    };
    let own = std::process::id();
    for pid in all.into_iter().map(|one| one.pid).chain([own]) {
        let space = std::fs::metadata(format!("/proc/{pid}/ns/mnt")).map(|meta| meta.ino());
        if space.is_ok_and(|space| seen.insert(space)) {
            texts.extend(read_proc(Path::new(&format!("/proc/{pid}/mountinfo"))));
        }
    }
    let mut found = Vec::new();
    for path in moved {
        let path = path.display().to_string();
        let is_named = |text: &String| {
            text.match_indices(&path).any(|(at, _)| {
                let after = text
                    .get(at.saturating_add(path.len())..)
                    .and_then(|rest| rest.bytes().next());
                matches!(after, Some(b'/' | b' ' | b',' | b':') | None)
            })
        };
        if texts.iter().any(is_named) {
            found.push(Refused::new(
                format!("{path} is mounted"),
                "stop the containers that use it, or plan again without it",
            ));
        }
    }
    found
}

/// On a host that enforces SELinux, a new file needs the label of the one in whose place it comes.
fn labels(root: &Folder, plan: &Plan) -> Vec<Refused> {
    let enforces =
        read_proc(Path::new("/sys/fs/selinux/enforce")).is_ok_and(|text| text.trim() == "1");
    let puts = plan.steps.iter().filter(|step| step.action == Action::Put);
    let mut found = Vec::new();
    for step in puts.filter(|_| enforces) {
        let path = Path::new(&step.path);
        let above = root.below(path.parent().unwrap_or(Path::new("")));
        let is_there = above.and_then(|above| above.stat(path.file_name().unwrap_or_default()));
        if !matches!(is_there, Ok(Some(_))) {
            found.push(Refused::new(format!("SELinux is enforcing, and {} is not there: nothing says what label the new one needs", step.path), "set the label by hand (`restorecon`) on a copy"));
        }
    }
    found
}
