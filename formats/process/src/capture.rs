//! Takes a running machine's processes.
//!
//! Every process is looked at from afar; those that make, keep or start containers, and those that
//! hang in a way worth knowing, from near. A thousand processes take some ten milliseconds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evidence::{LiveProc, LiveProcess};
use finding::{Text, Unread};

use crate::cgroup::Cgroups;
use crate::tree::{Item, Tree, bytes};
use crate::{Membership, Stat, Status, Wait, mounts};

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
/// Open files of one process.
const FDS: usize = 4096;
/// Open files of one that keeps containers: whether its limit is reached.
const FDS_KEEPER: usize = 1 << 16;
/// Threads of one process.
const TASKS: usize = 512;
/// How long a writer is watched.
const WRITER: Duration = Duration::from_millis(60);
/// How long one is watched that waits for a file system: disks are slow.
const STORAGE: Duration = Duration::from_millis(400);
/// How long a stuck process's own memory is waited for.
const WAIT: Duration = Duration::from_millis(100);

/// Folders of one hierarchy of cgroups.
const FOLDERS: usize = 20_000;
/// Files of each cgroup.
const FREEZER_V1: &[&str] = &[
    "freezer.state",
    "freezer.self_freezing",
    "freezer.parent_freezing",
];
const FREEZER_V2: &[&str] = &["cgroup.freeze", "cgroup.events"];
const MEMORY_V1: &[&str] = &[
    "memory.oom_control",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
];
const MEMORY_V2: &[&str] = &[
    "memory.events",
    "memory.max",
    "memory.current",
    "memory.high",
];
const PIDS: &[&str] = &["pids.max", "pids.current", "pids.events"];
const CPU_V1: &[&str] = &["cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.stat"];
const CPU_V2: &[&str] = &["cpu.max", "cpu.stat"];

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

/// Files of one process as they are taken.
struct Files<'p> {
    process: &'p LiveProcess,
    kept: BTreeMap<Box<str>, Item>,
}

impl Files<'_> {
    fn take(&mut self, name: &str, limit: usize) {
        let item = self.process.file(name, limit);
        self.keep(name, item);
    }

    fn keep(&mut self, name: &str, item: Result<Vec<u8>, Unread>) {
        let item = match item {
            Ok(bytes) => Item::File(bytes),
            Err(Unread::Absent) => return,
            Err(unread) => Item::Unread(unread),
        };
        self.kept.insert(name.into(), item);
    }

    /// A file that the kernel reads out of the process's own memory.
    fn memory(&mut self, name: &'static str, stuck: bool) {
        let item = if stuck {
            self.process.patiently(name, SMALL, WAIT)
        } else {
            self.process.file(name, SMALL)
        };
        self.keep(name, item);
    }

    fn link(&mut self, name: &str) {
        let item = match self.process.link(name) {
            Ok(target) => Item::Link(target),
            Err(Unread::Absent) => return,
            Err(unread) => Item::Unread(unread),
        };
        self.kept.insert(name.into(), item);
    }

    fn get(&self, name: &str) -> &[u8] {
        self.kept.get(name).and_then(bytes).unwrap_or_default()
    }

    fn wait(&self, name: &str) -> Option<Wait> {
        Wait::from_wchan(core::str::from_utf8(self.get(name)).ok()?)
    }
}

/// Programs that make, keep or start containers.
fn is_runtime(comm: &Text, cmdline: &[u8]) -> bool {
    let comm = comm.bytes();
    let first = cmdline.split(|byte| *byte == 0).next().unwrap_or_default();
    let program = first
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or_default();
    let known = |name: &[u8]| {
        [b"runc".as_slice(), b"crun", b"youki"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    known(comm) || known(program) || cmdline == b"runc\0init\0" || comm == b"exe"
}

/// Programs that sit above them.
fn is_keeper(comm: &Text) -> bool {
    let comm = comm.bytes();
    comm.starts_with(b"containerd") || matches!(comm, b"dockerd" | b"kubelet" | b"conmon" | b"crio")
}

impl Capture<'_> {
    fn process(&mut self, pid: u32, process: &LiveProcess) {
        let mut files = Files {
            process,
            kept: BTreeMap::new(),
        };
        files.take("stat", SMALL);
        let Some(stat) = Stat::parse(files.get("stat")) else {
            // It ended, or we may not look.
            if !files.kept.is_empty() {
                self.tree.processes.insert(pid, files.kept);
            }
            return;
        };
        let full = self.depth == Depth::Full;
        if stat.kernel && !full {
            self.tree.processes.insert(pid, files.kept);
            return;
        }
        for name in ["wchan", "cgroup", "status"] {
            files.take(name, SMALL);
        }
        // A task that does not wake up may hold the lock of its own memory.
        let stuck = stat.state == 'D';
        files.memory("cmdline", stuck);
        let runtime = is_runtime(&stat.comm, files.get("cmdline"));
        let keeper = is_keeper(&stat.comm);
        let wait = files.wait("wchan");
        let odd = stuck
            || stat.is_stopped()
            || matches!(
                wait,
                Some(
                    Wait::Fifo
                        | Wait::Seccomp
                        | Wait::Memory
                        | Wait::PipeFull
                        | Wait::Storage
                        | Wait::Scanner
                        | Wait::Thaw
                        | Wait::Frozen
                )
            );
        if !stat.kernel {
            // What it belongs to: another node has mounts of its own.
            files.link("ns/mnt");
            files.link("ns/pid");
            // Where it stands, and so what it keeps busy.
            files.link("cwd");
            files.link("root");
        }
        if full && !stat.kernel {
            // Which network namespaces are in use.
            files.link("ns/net");
        }
        if !stat.kernel {
            let most = if keeper { FDS_KEEPER } else { FDS };
            self.fds(pid, &mut files, most, runtime || keeper && full);
        }
        if keeper && self.lives_elsewhere(&files) && !files.kept.contains_key("mountinfo") {
            // Whether it sees our state folder at its path, or another one.
            files.take("mountinfo", LARGE);
        }
        if keeper {
            // Whether its program was replaced meanwhile.
            files.link("exe");
            files.take("limits", SMALL);
        }
        if runtime || odd || full && keeper {
            self.near(&mut files, runtime, stuck, wait);
        }
        if runtime || odd || keeper {
            self.threads(pid, &mut files, keeper && !full, wait);
        } else if stat.threads > 1 && !stat.kernel {
            self.asleep(pid, &mut files);
        }
        let groups = Membership::parse(files.get("cgroup"));
        // Whether the kernel killed something in a container is asked of its first process.
        let first = Status::parse(files.get("status")).is_init() == Some(true);
        let wants_limits = full || keeper || wait == Some(Wait::Memory) || first && pid != 1;
        *self.groups.entry(groups).or_default() |= wants_limits;
        self.tree.processes.insert(pid, files.kept);
    }

    /// Whether a process has other mounts than the first one.
    fn lives_elsewhere(&self, files: &Files<'_>) -> bool {
        let first = self
            .tree
            .processes
            .get(&1)
            .and_then(|files| files.get("ns/mnt"));
        let own = files.kept.get("ns/mnt");
        first.is_some() && own.is_some() && first != own
    }

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

    fn fds(&mut self, pid: u32, files: &mut Files<'_>, most: usize, with_flags: bool) {
        match files.process.links("fd", most) {
            Ok((links, is_whole)) => {
                if is_whole {
                    self.tree.listed.insert(format!("/proc/{pid}/fd").into());
                }
                for (number, target) in links {
                    let is_fifo = target.bytes().ends_with(b"exec.fifo")
                        || target.bytes().ends_with(b"exec.fifo (deleted)");
                    if with_flags || is_fifo || self.depth == Depth::Full && number.len() == 1 {
                        files.take(&format!("fdinfo/{number}"), SMALL);
                    }
                    files
                        .kept
                        .insert(format!("fd/{number}").into(), Item::Link(target));
                }
            }
            Err(Unread::Absent) => {}
            Err(unread) => {
                files.kept.insert("fd".into(), Item::Unread(unread));
            }
        }
    }

    fn near(&self, files: &mut Files<'_>, runtime: bool, stuck: bool, wait: Option<Wait>) {
        files.take("syscall", SMALL);
        files.take("stack", SMALL);
        if runtime {
            files.memory("environ", stuck);
        }
        if wait == Some(Wait::Storage) || self.depth == Depth::Full {
            files.take("mountinfo", LARGE);
        }
        files.link("exe");
        if self.depth == Depth::Full {
            files.take("oom_score_adj", SMALL);
            for (name, target) in files.process.links("ns", 64).unwrap_or_default().0 {
                files
                    .kept
                    .insert(format!("ns/{name}").into(), Item::Link(target));
            }
        }
    }

    fn threads(&mut self, pid: u32, files: &mut Files<'_>, keeper: bool, wait: Option<Wait>) {
        let full = self.depth == Depth::Full;
        // Whoever waits at a FIFO or for its agent has said it all.
        if !full && matches!(wait, Some(Wait::Fifo | Wait::Seccomp)) {
            return;
        }
        let Ok(tasks) = files.process.tasks(TASKS) else {
            return;
        };
        if tasks.len() < TASKS {
            self.tree.listed.insert(format!("/proc/{pid}/task").into());
        }
        for task in tasks {
            let name = format!("task/{task}/wchan");
            files.take(&name, SMALL);
            let wait = files.wait(&name);
            if full
                || matches!(
                    wait,
                    Some(Wait::Fifo | Wait::Storage | Wait::Scanner | Wait::Thaw)
                )
                || !keeper
            {
                files.take(&format!("task/{task}/syscall"), SMALL);
            }
            files.take(&format!("task/{task}/stat"), SMALL);
            if full {
                files.take(&format!("task/{task}/comm"), SMALL);
                files.take(&format!("task/{task}/stack"), SMALL);
                files.take(&format!("task/{task}/children"), SMALL);
            }
        }
    }

    /// Threads besides the first, of a process that seems well: whether one of them hangs, or goes
    /// on where the first has ended.
    fn asleep(&mut self, pid: u32, files: &mut Files<'_>) {
        let Ok(tasks) = files.process.tasks(TASKS) else {
            return;
        };
        if tasks.len() < TASKS {
            self.tree.listed.insert(format!("/proc/{pid}/task").into());
        }
        for task in tasks.into_iter().filter(|task| *task != pid) {
            files.take(&format!("task/{task}/stat"), SMALL);
            let name = format!("task/{task}/wchan");
            files.take(&name, SMALL);
            let wait = files.wait(&name);
            if matches!(
                wait,
                Some(Wait::Storage | Wait::Scanner | Wait::Thaw | Wait::Memory)
            ) {
                files.take(&format!("task/{task}/syscall"), SMALL);
                files.take(&format!("task/{task}/stack"), SMALL);
            }
            if wait == Some(Wait::Storage) && !files.kept.contains_key("mountinfo") {
                files.take("mountinfo", LARGE);
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

    /// Who may keep a container's root busy in which nothing of the container runs any more: what
    /// processes of the machine have mapped, and the mounts of other mount namespaces. Where no root
    /// is idle, and that is the rule, nothing of it is read.
    fn idle_roots(&mut self) {
        let table = self.tree.file("/proc/self/mountinfo").map(mounts);
        let groups = self.groups.keys().flatten();
        let used: BTreeSet<&[u8]> = groups
            .flat_map(|group| group.path.bytes().split(|byte| *byte == b'/'))
            .flat_map(|part| {
                let scope = part.strip_suffix(b".scope");
                let id = scope.and_then(|scope| scope.rsplit(|byte| *byte == b'-').next());
                [Some(part), id].into_iter().flatten()
            })
            .collect();
        let table = table.unwrap_or_default();
        let points = table.iter().map(|mount| mount.point.bytes());
        let idle: Vec<&[u8]> = points
            .filter(|point| task_of(point).is_some_and(|id| !used.contains(id)))
            .collect();
        if idle.is_empty() {
            return;
        }
        let namespace = |files: &BTreeMap<Box<str>, Item>| match files.get("ns/mnt") {
            Some(Item::Link(target)) => Some(target.clone()),
            _ => None,
        };
        let first = self.tree.processes.get(&1).and_then(namespace);
        let mut seen: BTreeSet<Text> = BTreeSet::new();
        let mut all = self.tree.processes.iter();
        let mut wanted: Vec<(u32, &'static str)> = Vec::new();
        for (pid, files) in all.by_ref() {
            match namespace(files) {
                own @ Some(_) if own == first => wanted.push((*pid, "maps")),
                Some(own) if seen.insert(own.clone()) => wanted.push((*pid, "mountinfo")),
                _ => {}
            }
        }
        for (pid, name) in wanted {
            let Ok(process) = self.door.process(pid) else {
                continue;
            };
            let taken = process.patiently(name, LARGE, WAIT).unwrap_or_default();
            let names_one = |line: &[u8]| {
                let mut idle = idle.iter();
                idle.any(|point| line.windows(point.len().max(1)).any(|part| part == *point))
            };
            let mut lines = taken.split(|byte| *byte == b'\n');
            if lines.any(names_one)
                && let Some(files) = self.tree.processes.get_mut(&pid)
            {
                files.entry(name.into()).or_insert(Item::File(taken));
            }
        }
    }

    /// The first process of a container that shares its pod's pid namespace, or the host's, is told by its parent.
    fn below_shims(&mut self) {
        let all = &self.tree.processes;
        let stat =
            |files: &BTreeMap<Box<str>, Item>| Stat::parse(files.get("stat").and_then(bytes)?);
        let is_shim = |(_, stat): &(u32, Stat)| stat.comm.bytes().starts_with(b"containerd-shim");
        let stats = all
            .iter()
            .filter_map(|(pid, files)| Some((*pid, stat(files)?)));
        let shims: BTreeSet<u32> = stats.filter(is_shim).map(|(pid, _)| pid).collect();
        let below = all
            .values()
            .filter(|files| stat(files).is_some_and(|stat| shims.contains(&stat.ppid)));
        let groups = below.filter_map(|files| files.get("cgroup").and_then(bytes));
        let groups: Vec<_> = groups.map(Membership::parse).collect();
        for group in groups {
            *self.groups.entry(group).or_default() |= true;
        }
    }

    fn cgroups(&mut self) {
        let table = self
            .tree
            .file("/proc/self/mountinfo")
            .map(mounts)
            .unwrap_or_default();
        let places = Cgroups::from_mounts(&table);
        let mut files: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut want = |folder: &[u8], names: &[&str]| {
            for name in names {
                files.insert([folder, b"/", name.as_bytes()].concat());
            }
        };
        for (groups, limits) in &self.groups {
            let [v1, v2] = places.freezers(groups);
            let full = self.depth == Depth::Full;
            for folder in &v1 {
                want(folder, FREEZER_V1);
            }
            for folder in &v2 {
                want(folder, FREEZER_V2);
            }
            for folder in v1.iter().chain(&v2).filter(|_| full) {
                want(folder, &["cgroup.procs"]);
            }
            if !*limits {
                continue;
            }
            if let Some((folder, is_v2)) = places.memory(groups) {
                want(&folder, if is_v2 { MEMORY_V2 } else { MEMORY_V1 });
            }
            if let Some((folder, is_v2)) = places.processor(groups) {
                want(&folder, if is_v2 { CPU_V2 } else { CPU_V1 });
            }
            for folder in places.pids_folders(groups) {
                want(&folder, PIDS);
            }
        }
        if self.depth == Depth::Full {
            for point in crate::cgroup::points(&table) {
                let at: &std::ffi::OsStr =
                    std::os::unix::ffi::OsStrExt::from_bytes(point.as_slice());
                for folder in self.door.cgroup_folders(Path::new(at), FOLDERS) {
                    let folder = folder.as_os_str().as_encoded_bytes();
                    files.insert([folder, b"/cgroup.procs"].concat());
                }
            }
        }
        for path in files {
            let at: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(path.as_slice());
            let item = match self.door.cgroup_file(Path::new(at), SMALL) {
                Ok(bytes) => Item::File(bytes),
                Err(Unread::Absent) => continue,
                Err(unread) => Item::Unread(unread),
            };
            self.tree.global.insert(path.into(), item);
        }
    }
}

/// The task whose root a mount point is: `…/io.containerd.runtime.v2.task/<namespace>/<id>/rootfs`.
fn task_of(point: &[u8]) -> Option<&[u8]> {
    let mut parts = point.rsplit(|byte| *byte == b'/');
    let (root, id, _, tasks) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (root == b"rootfs" && tasks == b"io.containerd.runtime.v2.task").then_some(id)
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
