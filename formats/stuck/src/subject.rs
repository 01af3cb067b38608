//! One container, and the processes that belong to it.

use finding::{Text, Time, Unread};
use process::{Freezer, Frozen, Process};
use runc::{Bundle, Container, CriStatus, Gvisor, Keeper, Phase, Program};

use crate::command::Command;
use crate::facts::{Index, is_crun_init, is_runc_init, is_setns, is_youki_init, of_scope};
use crate::whose::{Belongs, Other, Shim};

/// Seconds in which whatever is seen may be the normal course of things.
pub(crate) const YOUNG: i64 = 10;

/// Seconds between the reading of processes and of folders, with room.
const FRESH: i64 = 2;

/// What became of the process that a state file names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Init<'f> {
    /// It is there.
    Alive(&'f Process),
    /// Another process has its number.
    Reused(&'f Process),
    /// There is no such process.
    Gone,
    /// Nobody wrote down which it is, and none was found.
    Unnamed,
    /// Not every process was seen.
    Unseen,
}

/// One container.
#[derive(Debug, Clone)]
pub(crate) struct Subject<'f> {
    pub(crate) namespace: Option<Text>,
    pub(crate) id: Text,
    pub(crate) container: Option<&'f Container>,
    pub(crate) bundle: Option<&'f Bundle>,
    pub(crate) cri: Option<&'f CriStatus>,
    /// What gVisor wrote of it.
    pub(crate) gvisor: Option<&'f Gvisor>,
    pub(crate) init: Init<'f>,
    pub(crate) shim: Option<Shim<'f>>,
    /// Who keeps it.
    pub(crate) keeper: Keeper,
    /// Whose it is, if not this containerd's.
    pub(crate) other: Option<Other>,
    /// All processes in its cgroups.
    pub(crate) members: Vec<&'f Process>,
    /// Runtimes that were called for it and still run.
    pub(crate) commands: Vec<Command<'f>>,
    /// Whether the times of its folder are the node's, and not those of a copy.
    pub(crate) keeps_times: bool,
}

/// Seconds that a state file may be younger than the creation that it tells of, with its times kept.
const SLACK: i64 = 60;
/// Seconds that copying the state folders may take.
const COPYING: i64 = 120;

/// Whether folders have the times of the node: `cp -r` and archives without times give each file that
/// of the copy. Then every state file is younger than what it says, and all are equally old, however
/// far apart their containers were made.
pub(crate) fn keeps_times(runtime: &runc::Runtime) -> bool {
    let told = runtime.containers.iter().filter_map(|container| {
        let stat = container.state_stat.as_ref();
        let stat = stat.filter(|stat| !stat.only_kind)?;
        Some((stat.mtime, container.created()?))
    });
    let told: Vec<(Time, Time)> = told.collect();
    let spread = |times: &dyn Fn(&(Time, Time)) -> Time| {
        let last = told.iter().map(times).max();
        let first = told.iter().map(times).min();
        last.zip(first).map_or(0, |(last, first)| last.since(first))
    };
    let all_late = told.iter().all(|(file, made)| file.since(*made) > SLACK);
    let is_copy = spread(&|told| told.0) <= COPYING && spread(&|told| told.1) > 2 * COPYING;
    !(all_late && is_copy)
}

impl<'f> Subject<'f> {
    pub(crate) fn new(
        index: &Index<'f>,
        namespace: Option<Text>,
        id: Text,
        container: Option<&'f Container>,
        bundle: Option<&'f Bundle>,
        cri: Option<&'f CriStatus>,
    ) -> Self {
        let runtime = index.facts.runtime;
        let other = container.and_then(|it| it.other_daemon(&runtime.state));
        let mut subject = Self {
            keeps_times: index.keeps_times,
            members: index
                .members(&id, other.is_some() || bundle.is_none())
                .collect(),
            commands: Vec::new(),
            init: Init::Unnamed,
            shim: None,
            keeper: bundle.map_or(Keeper::Untold, |bundle| runtime.keeper(bundle)),
            other: other.map(Other::Daemon),
            gvisor: namespace
                .as_ref()
                .and_then(|namespace| runtime.gvisor(namespace, &id)),
            namespace,
            id,
            container,
            bundle,
            cri,
        };
        subject.init = subject.find_init(index);
        // crun's init keeps the arguments of its creator.
        let own = subject.process().map(|process| process.pid);
        let root = container.map(|container| parent_of(container.path.bytes()));
        let ours = |command: &&Command<'f>| {
            let same_root = command
                .root
                .is_none_or(|said| root.is_none_or(|root| said.bytes() == root));
            *command.id == subject.id && same_root && Some(command.process.pid) != own
        };
        let commands = index.commands.iter().filter(ours).copied().collect();
        subject.commands = commands;
        subject.shim = subject.find_shim(index);
        subject.other = subject.find_other(index);
        if let Some(shim) = &subject.shim {
            subject.keeper = by_process(shim.process, subject.keeper);
        }
        subject
    }

    /// Its init, if it runs.
    pub(crate) const fn process(&self) -> Option<&'f Process> {
        match self.init {
            Init::Alive(process) => Some(process),
            _ => None,
        }
    }

    /// Whether what its runtime keeps is read.
    pub(crate) fn is_read(&self) -> bool {
        let program = self.container.map(|container| container.program);
        self.keeper.is_read(self.container.is_some()) && program != Some(Program::Other)
    }

    /// Whose it is, if not this containerd's: by the shim or manager above its init, else by the
    /// bundle that it names.
    fn find_other(&self, index: &Index<'f>) -> Option<Other> {
        if let Some(shim) = &self.shim {
            return shim.other.clone();
        }
        let process = self.process().filter(|_| self.bundle.is_none());
        let belongs = process.map(|process| index.host.owner_of(index.processes, process));
        match belongs {
            Some(Belongs::Theirs(other)) => Some(other.clone()),
            _ => self.other.clone(),
        }
    }

    pub(crate) fn is_crun(&self) -> bool {
        self.container
            .is_some_and(|container| container.program == Program::Crun)
    }

    pub(crate) fn is_youki(&self) -> bool {
        self.container
            .is_some_and(|container| container.program == Program::Youki)
    }

    /// Whether a process of it is an init that has not become its program yet.
    pub(crate) fn is_init(&self, process: &Process) -> bool {
        is_runc_init(process)
            || self.is_crun() && is_crun_init(process)
            || self.is_youki() && is_youki_init(process)
    }

    /// Where its init waits for the start.
    pub(crate) fn place(&self) -> &'static str {
        if self.is_youki() {
            "notify.sock"
        } else {
            "exec.fifo"
        }
    }

    /// The program that keeps it, by its usual name.
    pub(crate) fn program(&self) -> &'static str {
        match self.container.map(|container| container.program) {
            Some(Program::Crun) => "crun",
            Some(Program::Youki) => "youki",
            _ => "runc",
        }
    }

    /// The path of its FIFO.
    pub(crate) fn fifo_path(&self) -> Vec<u8> {
        let folder = self.container.map(|container| container.path.bytes());
        [folder.unwrap_or_default(), b"/exec.fifo"].concat()
    }

    pub(crate) fn has_fifo(&self) -> bool {
        self.container
            .is_some_and(|container| container.fifo.is_some())
    }

    pub(crate) fn phase(&self) -> Option<Phase> {
        self.container.map(|container| container.derived.phase)
    }

    /// Whether its state file was read, and its runtime refuses it.
    pub(crate) fn is_damaged(&self) -> bool {
        self.container.is_some_and(Container::is_lost)
    }

    /// Whether its runtime is known to have no state of it: no folder, or no state file in it.
    pub(crate) fn lost_state(&self, index: &Index<'f>) -> bool {
        match self.container {
            None => index.facts.runtime.whole.containers,
            Some(container) => container.lacks_state(),
        }
    }

    /// Why its state file could not be read, if it could not: nothing is known of what stands in it.
    pub(crate) fn unread(&self) -> Option<&'f Unread> {
        self.container?.unread()
    }

    /// Whether `create` was done to its last step, the pid file; nothing where no file tells.
    pub(crate) fn creation_done(&self) -> Option<bool> {
        if let Some(bundle) = self.bundle {
            return Some(!bundle.init_pid.is_absent());
        }
        let container = self.container?;
        let pid = container.pid();
        let hidden = |name: &Text| name.bytes().starts_with(b".");
        let mut files = container.pid_files.iter();
        if files.any(|(name, found)| !hidden(name) && Some(*found) == pid) {
            return Some(true);
        }
        // It had this name while it was written.
        let mut files = container.pid_files.iter();
        let left = files.any(|(name, found)| hidden(name) && (Some(*found) == pid || *found == 0));
        left.then_some(false)
    }

    /// When its folder last changed, where that is the node's time.
    fn changed(&self) -> Option<Time> {
        let container = self.container.filter(|_| self.keeps_times);
        container.map(|container| container.dir.mtime)
    }

    /// When it was made.
    pub(crate) fn born(&self) -> Option<Time> {
        let container = self
            .container
            .map(|container| container.created().unwrap_or(container.dir.mtime));
        container.or_else(|| self.bundle.map(|bundle| bundle.dir.mtime))
    }

    /// Whether it was made or changed so lately that nothing follows from what is missing.
    pub(crate) fn is_young(&self, now: Time) -> bool {
        [self.born(), self.changed()]
            .into_iter()
            .flatten()
            .any(|time| now.since(time) < YOUNG)
    }

    /// Whether it changed so lately that its folder and its processes may have been read on either
    /// side of the change.
    pub(crate) fn is_fresh(&self, now: Time) -> bool {
        [self.born(), self.changed()]
            .into_iter()
            .flatten()
            .any(|time| now.since(time) < FRESH)
    }

    /// Pid and start that its state says.
    pub(crate) fn claimed(&self) -> Option<(u32, Option<u64>)> {
        let claimed = self.container.and_then(|container| {
            let pid = u32::try_from(container.pid()?).ok()?;
            Some((pid, container.start_ticks()))
        });
        let written = || {
            let pid = *self.bundle?.init_pid.get()?;
            Some((u32::try_from(pid).ok()?, None))
        };
        claimed.or_else(written)
    }

    fn find_init(&self, index: &Index<'f>) -> Init<'f> {
        if let Some((pid, start)) = self.claimed() {
            return match index.processes.get(pid) {
                Some(process) => {
                    let same = match start {
                        Some(start) => process.stat.start_ticks == start,
                        // Without its start, only its cgroup tells whether it is the one.
                        None => process.in_cgroup_of(self.id.bytes()),
                    };
                    if same {
                        Init::Alive(process)
                    } else {
                        Init::Reused(process)
                    }
                }
                None if index.processes.whole => Init::Gone,
                None => Init::Unseen,
            };
        }
        // Nobody wrote it down: it has the FIFO, or is in the cgroup.
        let path = self.fifo_path();
        let waits = |process: &&'f Process| {
            (is_runc_init(process) || is_crun_init(process)) && !is_setns(process)
        };
        let inode = self
            .container
            .and_then(|it| it.fifo.as_ref().and_then(|stat| stat.ino));
        let by_fifo = index
            .holders(&path, inode)
            .map(|(process, _)| process)
            .filter(|_| self.container.is_some());
        let members = self.members.iter().copied();
        let mut all: Vec<&'f Process> = by_fifo.chain(members).filter(waits).collect();
        all.sort_by_key(|process| {
            let last = process.stat.comm.bytes().starts_with(b"runc:[2");
            (
                process.stat.is_dead(),
                !last,
                process.status.is_init() != Some(true),
                process.pid,
            )
        });
        match all.first() {
            Some(process) => Init::Alive(process),
            None if index.processes.whole => Init::Unnamed,
            None => Init::Unseen,
        }
    }

    fn find_shim(&self, index: &Index<'f>) -> Option<Shim<'f>> {
        if let Some(process) = self.process()
            && let Some(parent) = index.host.shim(process.stat.ppid)
        {
            return Some(parent.clone());
        }
        let namespace = self.namespace.as_ref()?;
        let group = self
            .bundle
            .and_then(|bundle| Some(bundle.spec.get()?.group(&bundle.id)));
        let sandbox = self.bundle.and_then(|bundle| bundle.sandbox.as_ref());
        // Where there is no bundle of ours, it is not known whose shim of that name it would be.
        let ours = |shim: &&Shim<'f>| {
            let id = Some(&shim.id);
            let named = shim.id == self.id || id == group || id == sandbox;
            shim.namespace == *namespace && named && shim.other.is_none()
        };
        index.host.shims().iter().find(ours).cloned()
    }

    /// Whether containerd keeps it.
    pub(crate) const fn is_containerds(&self) -> bool {
        self.bundle.is_some()
    }

    /// A runtime that is making it.
    pub(crate) fn creator(&self, index: &Index<'f>) -> Option<&'f Process> {
        let by_words = self.commands.iter().find(|command| command.creates());
        by_words.map(|command| command.process).or_else(|| {
            let parent = index.processes.get(self.process()?.stat.ppid)?;
            let program = parent.program();
            (program.starts_with(b"runc") || program.starts_with(b"crun")).then_some(parent)
        })
    }

    /// Whose a cgroup is that freezes its init.
    ///
    /// Its state names its cgroups; where that does not fit (another mount of the hierarchy), a
    /// cgroup that is named by the container's id is its own.
    pub(crate) fn whose_cgroup(&self, freezer: &Freezer) -> Whose {
        let folder = freezer.folder.bytes();
        let state = self.container.and_then(Container::best_state);
        let controller = match freezer.how {
            Frozen::V1 | Frozen::V1Freezing => "freezer",
            Frozen::V2 | Frozen::V2Freezing => "",
        };
        let paths = state.into_iter().flat_map(|state| &state.cgroup_paths);
        let mut named = paths.filter(|(name, _)| *name == *controller);
        if let Some(whose) = named.find_map(|(_, own)| relation(folder, own.bytes())) {
            return whose;
        }
        let mut parts = folder.rsplit(|byte| *byte == b'/');
        let is_named =
            |part: &[u8]| part == self.id.bytes() || of_scope(part) == Some(self.id.bytes());
        match parts.position(is_named) {
            Some(0) => Whose::Own,
            Some(_) => Whose::Inside,
            None if freezer.own => Whose::Own,
            None => Whose::Above,
        }
    }

    /// Inits of execs into it that have not become their program.
    pub(crate) fn execs(&self, index: &Index<'f>) -> Vec<&'f Process> {
        let own = self.process().map(|process| process.pid);
        let members = self.members.iter().copied();
        let in_cgroup = members.filter(|process| is_runc_init(process) && is_setns(process));
        // One that was held up early is in no cgroup yet, and may not say what it is.
        let called = self
            .commands
            .iter()
            .filter(|command| command.verb == "exec");
        let children = called.flat_map(|command| index.processes.children(command.process.pid));
        let mut execs: Vec<&'f Process> = in_cgroup
            .chain(children.filter(|child| is_runc_init(child)))
            .filter(|process| Some(process.pid) != own && !process.stat.is_dead())
            .collect();
        execs.sort_by_key(|process| process.pid);
        execs.dedup_by_key(|process| process.pid);
        execs
    }
}

/// Who keeps a container, by its shim's process: what runs says more than files that an older
/// release, or a runtime that was there before, left.
fn by_process(shim: &Process, told: Keeper) -> Keeper {
    let exe = shim.exe.as_ref().map(Text::bytes);
    let exe = exe.and_then(Keeper::of_process);
    let named = Keeper::of_process(shim.program());
    let mut both = [exe, named].into_iter().flatten();
    let running = both.clone().find(|it| matches!(it, Keeper::Unread(_)));
    match (running, told) {
        (Some(running), _) => running,
        (None, Keeper::Untold) => both.next().unwrap_or(Keeper::Untold),
        (None, told) => told,
    }
}

/// Where a cgroup stands, as a container sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// It is the container's own.
    Own,
    /// It is above the container's own: others are in it, too.
    Above,
    /// It is one that the container made for itself.
    Inside,
}

/// Where `folder` stands to `own`, if they are on one way.
fn relation(folder: &[u8], own: &[u8]) -> Option<Whose> {
    let below = |path: &[u8], top: &[u8]| {
        let rest = path.strip_prefix(top);
        rest.is_some_and(|rest| rest.first() == Some(&b'/'))
    };
    match () {
        () if folder == own => Some(Whose::Own),
        () if below(folder, own) => Some(Whose::Inside),
        () if below(own, folder) => Some(Whose::Above),
        () => None,
    }
}

/// The folder that holds a path.
pub(crate) fn parent_of(path: &[u8]) -> &[u8] {
    let cut = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    path.get(..cut).unwrap_or_default()
}
