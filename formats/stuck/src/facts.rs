//! What is looked up while containers are judged: processes by cgroup, FIFOs by path, shims by id.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Text, Time};
use process::{Fd, Process, Processes, Wait};
use runc::Runtime;

use crate::command::Command;
use crate::whose::{Belongs, Host, Other};

/// What a diagnosis starts from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// State folders, bundles, the CRI's files.
    pub runtime: &'f Runtime,
    /// Processes; nothing where the evidence does not hold them.
    pub processes: Option<&'f Processes>,
    /// Containers that containerd's database has, as namespace and id.
    pub records: &'f [(Text, Text)],
    /// What time it was.
    pub now: Time,
}

/// Look-ups.
#[derive(Debug)]
pub(crate) struct Index<'f> {
    pub(crate) facts: Facts<'f>,
    pub(crate) processes: &'f Processes,
    /// Processes by the last components of their cgroups' paths.
    by_group: BTreeMap<&'f [u8], Vec<u32>>,
    /// Who has which exec.fifo open, by its path without ` (deleted)`.
    fifos: BTreeMap<&'f [u8], Vec<(u32, &'f Fd)>>,
    pub(crate) commands: Vec<Command<'f>>,
    /// Whose processes are.
    pub(crate) host: Host<'f>,
    /// The daemon.
    pub(crate) daemon: Option<&'f Process>,
    /// Whether folders have the times of the node.
    pub(crate) keeps_times: bool,
}

/// The part of a systemd scope's name that is the container's id: `cri-containerd-<id>.scope`.
pub(crate) fn of_scope(part: &[u8]) -> Option<&[u8]> {
    let name = part.strip_suffix(b".scope")?;
    name.rsplit(|byte| *byte == b'-').next()
}

impl<'f> Index<'f> {
    pub(crate) fn new(facts: Facts<'f>, processes: &'f Processes) -> Self {
        let mut by_group: BTreeMap<&[u8], Vec<u32>> = BTreeMap::new();
        let mut fifos: BTreeMap<&[u8], Vec<(u32, &Fd)>> = BTreeMap::new();
        let mut commands = Vec::new();
        let host = Host::new(facts.runtime, processes);
        for process in processes.iter() {
            let mut parts: BTreeSet<&[u8]> = BTreeSet::new();
            for group in &process.cgroups {
                // A container may have cgroups of its own below.
                let path = group.path.bytes();
                for part in path.rsplit(|byte| *byte == b'/').take(4) {
                    parts.insert(part);
                    parts.extend(of_scope(part));
                }
            }
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                by_group.entry(part).or_default().push(process.pid);
            }
            for fd in process.open_files() {
                let target = fd.target.bytes();
                let path = target.strip_suffix(b" (deleted)").unwrap_or(target);
                if path.ends_with(b"/exec.fifo") {
                    fifos.entry(path).or_default().push((process.pid, fd));
                }
            }
            // An init's arguments may still be those of crun's create. One in a node inside this one
            // has paths and ids of its own.
            if process.is_nested() != Some(true) || is_crun_init(process) {
                commands.extend(Command::runc_command(process));
            }
        }
        Self {
            facts,
            processes,
            by_group,
            fifos,
            commands,
            keeps_times: processes.live || crate::subject::keeps_times(facts.runtime),
            daemon: host.daemon(),
            host,
        }
    }

    /// The processes in cgroups that are named by a container's id, but for those of a node inside
    /// this one; of another containerd's only where the container is of another one, too.
    pub(crate) fn members(
        &self,
        id: &Text,
        others: bool,
    ) -> impl Iterator<Item = &'f Process> + use<'f, '_> {
        let pids = self.by_group.get(id.bytes()).map_or(&[][..], Vec::as_slice);
        let all = pids.iter().filter_map(|pid| self.processes.get(*pid));
        all.filter(
            move |process| match self.host.owner_of(self.processes, process) {
                Belongs::Theirs(Other::Nested) => false,
                Belongs::Theirs(_) => others,
                Belongs::Ours(_) | Belongs::Nobody => true,
            },
        )
    }

    /// Who has this FIFO open: `inode` is that of the one that is meant, where it is known. A path is
    /// another FIFO's in another mount namespace.
    pub(crate) fn holders(
        &self,
        path: &[u8],
        inode: Option<u64>,
    ) -> impl Iterator<Item = (&'f Process, &'f Fd)> + use<'f, '_> {
        let all = self.fifos.get(path).map_or(&[][..], Vec::as_slice);
        all.iter()
            .filter(move |(_, fd)| {
                let other = fd.ino.zip(inode).is_some_and(|(held, meant)| held != meant);
                !other || fd.is_deleted()
            })
            .filter_map(|(pid, fd)| Some((self.processes.get(*pid)?, *fd)))
            .filter(|(process, _)| !self.is_elsewhere(process))
    }

    /// Whether a process belongs to a node inside this one.
    pub(crate) fn is_elsewhere(&self, process: &'f Process) -> bool {
        let belongs = self.host.owner_of(self.processes, process);
        belongs == Belongs::Theirs(&Other::Nested)
    }

    /// Every FIFO that somebody has open.
    pub(crate) fn open_fifos(&self) -> impl Iterator<Item = (&'f [u8], u32)> + use<'f, '_> {
        self.fifos
            .iter()
            .flat_map(|(path, all)| all.iter().map(|(pid, _)| (*path, *pid)))
    }

    /// The exec.fifo that a process has open.
    pub(crate) fn holds_fifo(&self, process: &Process) -> Option<&'f Fd> {
        let mut all = self.fifos.values().flatten();
        all.find(|(pid, _)| *pid == process.pid).map(|(_, fd)| *fd)
    }

    /// When a process started.
    pub(crate) fn started(&self, process: &Process) -> Option<Time> {
        let age = self.processes.age_ticks(process)?;
        back(self.facts.now, age)
    }

    /// Seconds since a process started.
    pub(crate) fn age(&self, process: &Process) -> Option<u64> {
        Some(self.processes.age_ticks(process)?.div_euclid(100))
    }
}

/// `ticks` hundredths of a second before `now`.
fn back(now: Time, ticks: u64) -> Option<Time> {
    let seconds = i64::try_from(ticks.div_euclid(100)).ok()?;
    let nanos = u32::try_from(ticks.rem_euclid(100))
        .ok()?
        .checked_mul(10_000_000)?;
    let (borrow, nanos) = match now.nanos.checked_sub(nanos) {
        Some(nanos) => (0, nanos),
        None => (1, now.nanos.checked_add(1_000_000_000)?.checked_sub(nanos)?),
    };
    Some(Time::new(
        now.seconds.checked_sub(seconds)?.checked_sub(borrow)?,
        nanos,
    ))
}

/// Whether it is an init of runc that has not become the workload yet.
pub(crate) fn is_runc_init(process: &Process) -> bool {
    let comm = process.stat.comm.bytes();
    let called_so = process.cmdline.as_deref().is_some_and(|words| {
        matches!(words, [program, init] if *init == *"init"
            && program.bytes().rsplit(|byte| *byte == b'/').next() == Some(b"runc"))
    });
    comm.starts_with(b"runc:[")
        || called_so
        || process.libcontainer.contains_key(b"INITTYPE".as_slice())
}

/// Whether it is an init of crun that has not become the workload yet: a child that still is crun.
pub(crate) fn is_crun_init(process: &Process) -> bool {
    process.stat.comm.bytes().starts_with(b"crun") && process.status.is_init() != Some(false)
}

/// Whether it is an init of youki that has not become the workload yet.
pub(crate) fn is_youki_init(process: &Process) -> bool {
    process.stat.comm.bytes().starts_with(b"youki:[2")
}

/// Whether it is the init of an exec.
pub(crate) fn is_setns(process: &Process) -> bool {
    process
        .libcontainer
        .get(b"INITTYPE".as_slice())
        .is_some_and(|kind| *kind == *"setns")
}

/// What holds a process up: its first thread, or another one where that only waits for it.
pub(crate) fn held_by(process: &Process) -> Option<Wait> {
    let main = process.wait();
    if !matches!(main, None | Some(Wait::Futex | Wait::Other | Wait::Poll)) {
        return main;
    }
    let telling = |wait: &Wait| {
        matches!(
            wait,
            Wait::Fifo
                | Wait::Spawn
                | Wait::Seccomp
                | Wait::Storage
                | Wait::Scanner
                | Wait::Thaw
                | Wait::Memory
                | Wait::Socket
        )
    };
    let mut others = process.threads.iter().filter_map(process::Thread::wait);
    others.find(telling).or(main)
}
