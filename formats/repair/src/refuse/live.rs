//! What runs on this machine: processes, their files, locks and mounts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{databases, unknown};
use crate::Refused;
use crate::disk::Folder;
use crate::plan::{Action, MadeOf, Plan, Step};

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
    "nydusd",
];

/// Snapshotters that are daemons of their own; the kernel keeps 15 letters of a name.
const SNAPSHOTTERS: &[&str] = &[
    "containerd-star",
    "containerd-nydu",
    "containerd-fuse",
    "containerd-zfs-",
    "containerd-over",
    "nydus-snapshott",
    "soci-snapshotte",
    "overlaybd-snaps",
    "stargz-snapshot",
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

/// Locks that somebody holds on a database.
pub(super) fn locks(root: &Folder) -> Vec<Refused> {
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
        let place = place(device, inode);
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

/// The process that holds a lock on a folder.
pub(crate) fn lock_holder(folder: &Folder) -> Option<u32> {
    let stat = folder.own().ok()?;
    let text = read_proc(Path::new("/proc/locks")).ok()?;
    let place = place(stat.st_dev, stat.st_ino);
    let line = text.lines().find(|line| line.contains(&place))?;
    line.split_whitespace().nth(4)?.parse().ok()
}

/// A file as `/proc/locks` names it.
fn place(device: u64, inode: u64) -> String {
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    format!(" {major:02x}:{minor:02x}:{inode} ")
}

/// A small text of /proc.
pub(super) fn read_proc(path: &Path) -> io::Result<String> {
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

/// Where `/` is: of this process, and of the node, which may be a container of this machine.
fn homes(node: &Folder) -> Vec<(u64, u64)> {
    let own = std::fs::metadata("/").map(|meta| (meta.dev(), meta.ino()));
    let node = node.own().map(|stat| (stat.st_dev, stat.st_ino));
    own.into_iter().chain(node).collect()
}

/// Whether a process lives in one of these.
fn lives_in(pid: u32, homes: &[(u64, u64)]) -> bool {
    let other = std::fs::metadata(format!("/proc/{pid}/root")).map(|meta| (meta.dev(), meta.ino()));
    other.is_ok_and(|other| homes.contains(&other))
}

/// Whether a systemd manages this node: it is this machine, or a container with one of its own.
pub(super) fn is_managed(node: &Folder) -> bool {
    let (Ok(here), Ok(own)) = (std::fs::metadata("/"), node.own()) else {
        return false;
    };
    let own = (own.st_dev, own.st_ino);
    if own == (here.dev(), here.ino()) {
        return true;
    }
    let all = all_processes().unwrap_or_default();
    let mut managers = all.iter().filter(|one| one.name == "systemd");
    managers.any(|one| lives_in(one.pid, &[own]))
}

/// Programs that have files of the root open, or that would delete what the plan makes.
pub(super) fn processes(node: &Folder, shown: &Path, plan: &Plan) -> Vec<Refused> {
    let all = match all_processes() {
        Ok(all) => all,
        Err(error) => return vec![unknown("the processes", &error)],
    };
    let homes = homes(node);
    let mut found = Vec::new();
    for Process { pid, name } in all {
        let is_writer = WRITERS.contains(&name.as_str()) || SNAPSHOTTERS.contains(&name.as_str());
        if is_writer && has_open(pid, shown) {
            found.push(Refused::new(
                format!(
                    "{name} (process {pid}) has files of {} open",
                    shown.display()
                ),
                "stop it first, and what starts it again",
            ));
            continue;
        }
        let Some(does) = does_harm(&name, plan).filter(|_| lives_in(pid, &homes)) else {
            continue;
        };
        found.push(Refused::new(
            format!("{name} (process {pid}) runs: {does}"),
            "stop it, and keep it from starting until the node is looked at (`systemctl stop`, then `systemctl mask --runtime`)",
        ));
    }
    found
}

/// What a program would do beside the repair, or after it.
fn does_harm(name: &str, plan: &Plan) -> Option<&'static str> {
    if name == "dockerd" && plan.whose == "docker" {
        // It runs this containerd as its child, and waits for it without end.
        Some("it starts the containerd of this root again")
    } else if DELETERS.contains(&name) && plan.is_rebuilt() {
        Some("it deletes images and containers that it has no record of")
    } else {
        None
    }
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
pub(super) fn mounts(node: &Folder, shown: &Path, plan: &Plan) -> Vec<Refused> {
    let moves = |step: &&Step| {
        step.action == Action::Remove || matches!(step.made_of, MadeOf::Layer { .. })
    };
    let touched: Vec<&Step> = plan.steps.iter().filter(moves).collect();
    if touched.is_empty() {
        return Vec::new();
    }
    let all = match all_processes() {
        Ok(all) => all,
        Err(error) => return vec![unknown("the mounts", &error)],
    };
    // As this machine names the places, and as processes do whose `/` is the node.
    let own = node.own().map(|stat| (stat.st_dev, stat.st_ino));
    let mut texts: BTreeMap<bool, BTreeSet<String>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for pid in all
        .into_iter()
        .map(|one| one.pid)
        .chain([std::process::id()])
    {
        let space = std::fs::metadata(format!("/proc/{pid}/ns/mnt")).map(|meta| meta.ino());
        let lives =
            std::fs::metadata(format!("/proc/{pid}/root")).map(|meta| (meta.dev(), meta.ino()));
        let is_inside = matches!((&own, lives), (Ok(own), Ok(lives)) if *own == lives);
        if space.is_ok_and(|space| seen.insert((space, is_inside))) {
            let text = read_proc(Path::new(&format!("/proc/{pid}/mountinfo")));
            let texts = texts.entry(is_inside).or_default();
            texts.extend(
                text.into_iter()
                    .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()),
            );
        }
    }
    let mut found = Vec::new();
    for step in touched {
        let base = step.base.as_deref().unwrap_or(&plan.root);
        let outside = match &step.base {
            None => shown.to_owned(),
            Some(base) => {
                match Folder::inside(node, Path::new(base)).and_then(|folder| folder.shown()) {
                    Ok(shown) => shown,
                    // A reboot took it: what is not there is not mounted.
                    Err(error)
                        if error.kind() == io::ErrorKind::NotFound
                            && Path::new(base).starts_with(&plan.state) =>
                    {
                        continue;
                    }
                    Err(error) => return vec![unknown("the mounts", &error)],
                }
            }
        };
        let here = [(false, outside), (true, PathBuf::from(base))];
        let is_mounted = here.iter().any(|(is_inside, base)| {
            let lines = texts.get(is_inside).into_iter().flatten();
            let path = base.join(&step.path).display().to_string();
            let folder = base
                .join(&step.path)
                .parent()
                .map(|above| above.display().to_string());
            let number = Path::new(&step.path)
                .file_name()
                .map(|name| format!("{}/fs", name.to_string_lossy()));
            let mut lines = lines;
            lines.any(|line| {
                names(line, &path) || names_short(line, folder.as_deref(), number.as_deref())
            })
        });
        if is_mounted {
            found.push(Refused::new(
                format!("{} is mounted", step.place()),
                "stop the containers that use it, or plan again without it",
            ));
        }
    }
    found
}

/// Whether a line of a mount table names `path`, or something below it.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let rest = line.get(at.saturating_add(path.len())..);
        let after = rest.and_then(|rest| rest.bytes().next());
        matches!(after, Some(b'/' | b' ' | b',' | b':') | None)
    })
}

/// Whether an overlay is mounted with `<number>/fs` among its lower layers, named from inside the
/// folder of all layers, as containerd does where the whole paths would be too long.
fn names_short(line: &str, folder: Option<&str>, number: Option<&str>) -> bool {
    let (Some(folder), Some(number)) = (folder, number) else {
        return false;
    };
    line.contains(folder) && line.split(['=', ':', ',', ' ']).any(|word| word == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_would_do_harm_depends_on_what_is_written() {
        let plan = |whose: &str, step: Step| Plan {
            whose: whose.to_owned(),
            steps: vec![step],
            ..Plan::default()
        };
        let address = || Step::put("default/a/address", MadeOf::Bytes, "");
        let meta = || Step::put("io.containerd.metadata.v1.bolt/meta.db", MadeOf::Bytes, "");
        for name in ["kubelet", "dockerd", "buildkitd", "k3s-server"] {
            assert_eq!(does_harm(name, &plan("containerd", address())), None);
            assert!(does_harm(name, &plan("containerd", meta())).is_some());
        }
        assert!(does_harm("dockerd", &plan("docker", address())).is_some());
        assert_eq!(does_harm("kubelet", &plan("docker", address())), None);
        assert_eq!(does_harm("bash", &plan("docker", meta())), None);
    }
}
