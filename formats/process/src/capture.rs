//! Takes a running machine's processes.
//!
//! Every process is looked at from afar; those that make, keep or start containers, and those that
//! hang in a way worth knowing, from near. A thousand processes take some ten milliseconds.

mod groups;
mod one;
mod roots;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use evidence::{LiveProc, LiveProcess};
use finding::Unread;

use crate::tree::{Item, Tree, bytes};
use crate::{Membership, Stat, Wait};

/// How much of each process is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What a diagnosis needs.
    Diagnosis,
    /// All that anybody may want to know later.
    Full,
}

/// Bytes of an ordinary file.
const SMALL: usize = 64 << 10;
/// Bytes of a table.
const LARGE: usize = 4 << 20;
/// How long a writer is watched.
const WRITER: Duration = Duration::from_millis(60);
/// How long one is watched that waits for a file system: disks are slow.
const STORAGE: Duration = Duration::from_millis(400);
/// How long a stuck process's own memory is waited for.
const WAIT: Duration = Duration::from_millis(100);

struct Capture<'d> {
    door: &'d LiveProc,
    depth: Depth,
    tree: Tree,
    /// Threads that waited for room in a pipe or for a file system: looked at once more in the end.
    waiters: Vec<Waiter>,
    /// Cgroups that are asked about later, and whether their limits are of interest.
    groups: BTreeMap<Vec<Membership>, bool>,
}

/// A thread that waits for what often comes.
struct Waiter {
    pid: u32,
    process: Arc<LiveProcess>,
    /// What its files begin with: nothing for the first thread, else `task/<tid>/`.
    prefix: String,
    storage: bool,
    before: Vec<u8>,
}

impl Tree {
    /// Takes the processes of a running machine. No process notices.
    pub fn capture(door: &LiveProc, depth: Depth) -> Self {
        let mut capture = Capture {
            door,
            depth,
            tree: Self {
                live: true,
                ..Self::default()
            },
            waiters: Vec::new(),
            groups: BTreeMap::new(),
        };
        match door.pids() {
            Ok(pids) => {
                capture.tree.whole = true;
                capture.tree.listed.insert("/proc".into());
                for pid in pids {
                    // One that has ended meanwhile is none.
                    if let Ok(process) = door.process(pid) {
                        capture.process(pid, &process);
                        capture.watch(pid, process);
                    }
                }
                capture.plugins();
            }
            Err(unread) => {
                let item = Item::Unread(unread);
                capture.tree.global.insert(b"/proc".as_slice().into(), item);
            }
        }
        capture.globals();
        capture.forget_the_accepted();
        capture.idle_roots();
        capture.below_shims();
        capture.cgroups();
        capture.forget_the_busy();
        capture.tree
    }
}

impl Capture<'_> {
    /// Notes which threads of a process are to be looked at once more.
    fn watch(&mut self, pid: u32, process: LiveProcess) {
        let Some(files) = self.tree.processes.get(&pid) else {
            return;
        };
        let wait = |name: &str| {
            let wchan = files.get(name).and_then(bytes)?;
            Wait::from_wchan(core::str::from_utf8(wchan).ok()?)
        };
        let is_deep = |prefix: &str| {
            let stat = files.get(format!("{prefix}stat").as_str()).and_then(bytes);
            stat.and_then(Stat::parse)
                .is_some_and(|stat| stat.state == 'D')
        };
        let own = format!("task/{pid}/");
        let threads = files.keys().filter_map(|name| name.strip_suffix("wchan"));
        let found: Vec<(String, bool)> = threads
            .filter(|prefix| **prefix != *own)
            .filter_map(|prefix| match wait(&format!("{prefix}wchan"))? {
                Wait::PipeFull | Wait::Spawn | Wait::Seccomp => Some((prefix.to_owned(), false)),
                Wait::Other if is_deep(prefix) => Some((prefix.to_owned(), true)),
                Wait::Storage | Wait::Scanner | Wait::Thaw => Some((prefix.to_owned(), true)),
                _ => None,
            })
            .collect();
        if found.is_empty() {
            return;
        }
        let process = Arc::new(process);
        for (prefix, storage) in found {
            let before = process.file(&format!("{prefix}status"), SMALL);
            self.waiters.push(Waiter {
                pid,
                process: Arc::clone(&process),
                before: before.unwrap_or_default(),
                prefix,
                storage,
            });
        }
    }

    /// Whoever writes much waits for room now and then, whoever reads much for its disk, and whoever calls
    /// programs for these to begin. Only who
    /// did not run between two looks hangs; what the others waited for is forgotten.
    fn forget_the_busy(&mut self) {
        let waiters = core::mem::take(&mut self.waiters);
        if waiters.is_empty() {
            return;
        }
        let slow = waiters.iter().any(|waiter| waiter.storage);
        std::thread::sleep(if slow { STORAGE } else { WRITER });
        for waiter in waiters {
            let name = format!("{}status", waiter.prefix);
            let now = waiter.process.file(&name, SMALL).unwrap_or_default();
            let Some(files) = self.tree.processes.get_mut(&waiter.pid) else {
                continue;
            };
            if switches(&waiter.before) == switches(&now) {
                continue;
            }
            let own = format!("task/{}/", waiter.pid);
            let also = waiter.prefix.is_empty().then_some(own.as_str());
            for prefix in core::iter::once(waiter.prefix.as_str()).chain(also) {
                for what in ["wchan", "syscall", "stack"] {
                    files.remove(format!("{prefix}{what}").as_str());
                }
            }
        }
    }

    /// Of what the daemon called: for which pod it is (`CNI_…` of its environment, nothing else).
    fn plugins(&mut self) {
        let stat =
            |files: &BTreeMap<Box<str>, Item>| Stat::parse(files.get("stat").and_then(bytes)?);
        let all = self.tree.processes.iter();
        let stats: Vec<(u32, Stat)> = all
            .filter_map(|(pid, files)| Some((*pid, stat(files)?)))
            .collect();
        let is_daemon = |stat: &Stat| stat.comm == *"containerd";
        let daemons: BTreeSet<u32> = stats
            .iter()
            .filter(|(_, stat)| is_daemon(stat))
            .map(|(pid, _)| *pid)
            .collect();
        let called = stats
            .iter()
            .filter(|(_, stat)| daemons.contains(&stat.ppid) && !stat.kernel);
        for (pid, stat) in called {
            let Ok(process) = self.door.process(*pid) else {
                continue;
            };
            let environ = if stat.state == 'D' {
                process.patiently("environ", SMALL, WAIT)
            } else {
                process.file("environ", SMALL)
            };
            let environ = environ.unwrap_or_default();
            let words = environ.split(|byte| *byte == 0);
            let ours: Vec<&[u8]> = words.filter(|word| word.starts_with(b"CNI_")).collect();
            if let Some(files) = self.tree.processes.get_mut(pid)
                && !ours.is_empty()
            {
                let kept = Item::File(ours.join(&0));
                files.entry("environ".into()).or_insert(kept);
            }
        }
    }

    /// A listener that works accepts late now and then: who waits at a socket counts if he waits at a
    /// second look, too.
    fn forget_the_accepted(&mut self) {
        let Some(before) = self.tree.file("/proc/net/unix").map(<[u8]>::to_vec) else {
            return;
        };
        if !crate::unix_sockets(&before).iter().any(|it| it.waiting) {
            return;
        }
        std::thread::sleep(STORAGE);
        let Ok(now) = self.door.file("net/unix", LARGE) else {
            return;
        };
        let first: BTreeSet<&[u8]> = before
            .split(|byte| *byte == b'\n')
            .filter_map(|line| line.split(|byte| *byte == b' ').next())
            .collect();
        let waits = |line: &&[u8]| {
            let alone = [b"\n", *line].concat();
            crate::unix_sockets(&alone).iter().any(|it| it.waiting)
        };
        let number = |line: &[u8]| line.split(|byte| *byte == b' ').next().map(<[u8]>::to_vec);
        let lines = now.split(|byte| *byte == b'\n');
        let kept: Vec<&[u8]> = lines
            .filter(|line| {
                !waits(line) || number(line).is_some_and(|it| first.contains(it.as_slice()))
            })
            .collect();
        let item = Item::File(kept.join(&b'\n'));
        self.tree
            .global
            .insert(b"/proc/net/unix".as_slice().into(), item);
    }

    fn globals(&mut self) {
        let full = self.depth == Depth::Full;
        let names: &[&str] = if full {
            &[
                "uptime",
                "net/unix",
                "self/mountinfo",
                "version",
                "filesystems",
                "stat",
                "locks",
            ]
        } else {
            &[
                "uptime",
                "net/unix",
                "self/mountinfo",
                "version",
                "filesystems",
            ]
        };
        for name in names {
            let item = match self.door.file(name, LARGE) {
                Ok(mut bytes) => {
                    if *name == "stat" {
                        bytes = boot_line(&bytes);
                    }
                    Item::File(bytes)
                }
                Err(Unread::Absent) => continue,
                Err(unread) => Item::Unread(unread),
            };
            self.tree
                .global
                .insert(format!("/proc/{name}").into_bytes().into(), item);
        }
    }
}

/// How often a process gave the processor up, as its `status` says.
fn switches(status: &[u8]) -> Vec<&[u8]> {
    let lines = status.split(|byte| *byte == b'\n');
    lines
        .filter(|line| line.windows(14).any(|part| part == b"_ctxt_switches"))
        .collect()
}

/// Of `/proc/stat`, when the machine was booted.
fn boot_line(bytes: &[u8]) -> Vec<u8> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let line = lines.find(|line| line.starts_with(b"btime "));
    line.map(|line| [line, b"\n"].concat()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Processes;
    use procfs::FromRead;

    #[test]
    fn this_machine_is_read_as_procfs_reads_it() {
        let door = LiveProc::open(Path::new("/")).unwrap();
        for depth in [Depth::Diagnosis, Depth::Full] {
            let processes = Processes::new(Tree::capture(&door, depth));
            assert!(processes.whole && processes.live);
            let own = processes.get(std::process::id()).unwrap();
            let bytes = door.file(&format!("{}/stat", own.pid), SMALL).unwrap();
            let theirs = procfs::process::Stat::from_read(bytes.as_slice()).unwrap();
            assert_eq!(own.stat.start_ticks, theirs.starttime);
            assert_eq!(i64::from(own.stat.ppid), i64::from(theirs.ppid));
            let bytes = door.file(&format!("{}/cgroup", own.pid), SMALL).unwrap();
            let theirs = procfs::ProcessCGroups::from_read(bytes.as_slice()).unwrap();
            assert_eq!(own.cgroups.len(), theirs.0.len());
            assert!(processes.age_ticks(own).unwrap() < 100 * 3600);
            let mut siblings = processes.children(own.stat.ppid);
            assert!(siblings.any(|child| child.pid == own.pid));
            assert!(!own.open_files().is_empty());
        }
    }

    #[test]
    fn what_was_stored_reads_the_same() {
        let door = LiveProc::open(Path::new("/")).unwrap();
        let tree = Tree::capture(&door, Depth::Full);
        let folder = tempfile::tempdir().unwrap();
        for (path, item) in tree.entries() {
            let at = folder
                .path()
                .join(path.utf8().unwrap().trim_start_matches('/'));
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            match item {
                Item::File(bytes) => std::fs::write(at, bytes).unwrap(),
                Item::Link(target) => {
                    let target: &std::ffi::OsStr =
                        std::os::unix::ffi::OsStrExt::from_bytes(target.bytes());
                    std::os::unix::fs::symlink(target, at).unwrap();
                }
                Item::Unread(_) => {}
            }
        }
        let evidence = evidence::Evidence::open(folder.path(), &evidence::Options::default());
        let loaded = Tree::load(&evidence.unwrap()).unwrap();
        let readable = |tree: &Tree| {
            let entries = tree
                .entries()
                .filter(|(_, item)| !matches!(item, Item::Unread(_)));
            entries
                .map(|(path, item)| (path, item.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(readable(&tree), readable(&loaded));
        assert!(!loaded.is_live());
    }
}
