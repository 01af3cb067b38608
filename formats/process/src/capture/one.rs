//! One process, from afar and, if it matters, from near.

use std::collections::BTreeMap;

use evidence::LiveProcess;
use finding::{Text, Unread};

use super::{Capture, Depth, LARGE, SMALL, WAIT};
use crate::tree::{Item, bytes};
use crate::{Membership, Stat, Status, Wait};

/// Open files of one process.
const FDS: usize = 4096;
/// Open files of one that keeps containers: whether its limit is reached.
const FDS_KEEPER: usize = 1 << 16;
/// Threads of one process.
const TASKS: usize = 512;

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
    pub(super) fn process(&mut self, pid: u32, process: &LiveProcess) {
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
}
