//! What is safe to do in each state, as commands.

use finding::program::{self, ECHO, KILL, Program, RM, RUNC, SYSTEMCTL, UMOUNT};
use finding::{Draft, Loss, Object, Remedy, Step, Text};
use process::{Frozen, Process};

use crate::State;
use crate::facts::Index;
use crate::found::Found;
use crate::subject::{Subject, parent_of};

/// A way out that takes nothing away.
pub(crate) fn safe(why: &str, steps: Vec<Step>) -> Remedy {
    Remedy::new(why, steps)
}

/// A way out of which others may come to harm.
pub(crate) fn risky(why: &str, steps: Vec<Step>) -> Remedy {
    Remedy::new(why, losing(&Loss::Unknown, steps))
}

pub(crate) fn losing(loss: &Loss, steps: Vec<Step>) -> Vec<Step> {
    let marked = |step: Step| step.loses(loss.clone());
    steps.into_iter().map(marked).collect()
}

/// A way out that takes nothing away, or of which others may come to harm.
pub(crate) fn remedy<S: Into<Option<Step>>>(is_safe: bool, why: &str, steps: Vec<S>) -> Remedy {
    let steps: Vec<Step> = steps.into_iter().filter_map(Into::into).collect();
    if is_safe {
        safe(why, steps)
    } else {
        risky(why, steps)
    }
}

/// Where ctr looks for the daemon.
pub(crate) const ADDRESS: &str = "/run/containerd/containerd.sock";

/// What the commands are made of.
pub(crate) struct Tools<'s> {
    subject: &'s Subject<'s>,
    /// The runtime, as its bundle names it.
    named: Option<Text>,
    root: Option<Text>,
}

impl<'s> Tools<'s> {
    fn new(subject: &'s Subject<'s>) -> Self {
        let options = subject.bundle.and_then(|bundle| bundle.options.get());
        let named = options.and_then(|options| options.binary_name.clone());
        let root = subject
            .container
            .map(|container| Text::from(parent_of(container.path.bytes())));
        let root = root.or_else(|| subject.commands.iter().find_map(|c| c.root.cloned()));
        let usual = format!("/run/{}", subject.program());
        Self {
            named: named.filter(|name| !name.is_empty()),
            root: root.filter(|root| *root != *usual),
            subject,
        }
    }

    /// A call of the runtime, if it is one whose command line is known.
    fn runtime(&self) -> Option<Draft> {
        let draft = match &self.named {
            None => {
                let own = Program::runtime(self.subject.program().as_bytes());
                Draft::new(own.unwrap_or(RUNC))
            }
            Some(named) => {
                let name = named.bytes().rsplit(|byte| *byte == b'/').next();
                let draft = Draft::new(Program::runtime(name.unwrap_or_default())?);
                if named.bytes().contains(&b'/') {
                    draft.at(named)
                } else {
                    draft
                }
            }
        };
        Some(match &self.root {
            Some(root) => draft.value("--root", root.clone()),
            None => draft,
        })
    }

    pub(crate) fn call(&self, verb: &[&'static str]) -> Step {
        let draft = self.runtime();
        let command = draft.and_then(|draft| {
            let draft = draft.words(verb).operand(self.subject.id.clone());
            draft.command()
        });
        command.map_or_else(|| self.in_words(verb), Step::from)
    }

    fn in_words(&self, verb: &[&str]) -> Step {
        let named = self
            .named
            .clone()
            .unwrap_or_else(|| Text::from("its runtime"));
        Step::words(format!(
            "Give the runtime {named} this: {}, and the container's id, {}.",
            verb.join(" "),
            self.subject.id
        ))
    }

    pub(crate) fn delete(&self) -> Step {
        self.call(&["delete", "--force"])
    }

    /// Removes the task: by containerd if that runs and knows it, else by the runtime.
    pub(crate) fn remove_task(&self, index: &Index<'_>) -> Step {
        let Some(namespace) = &self.subject.namespace else {
            return self.delete();
        };
        if !self.subject.is_containerds() || index.daemon.is_none() {
            return self.delete();
        }
        // A shim knows whom it serves.
        let address = self.subject.shim.as_ref();
        let address = address.and_then(|shim| shim.address.as_ref());
        let ctr = Draft::new(program::CTR);
        let ctr = match address.filter(|address| **address != *ADDRESS) {
            Some(elsewhere) => ctr.value("--address", elsewhere.clone()),
            None => ctr,
        };
        let command = ctr
            .value("--namespace", namespace.clone())
            .words(&["tasks", "delete", "--force"])
            .operand(self.subject.id.clone())
            .command();
        command.map_or_else(|| self.delete(), Step::from)
    }

    /// Removes the FIFO, without opening it.
    pub(crate) fn remove_fifo(&self) -> Option<Step> {
        let folder = &self.subject.container?.path;
        let path = below(folder, b"exec.fifo");
        Draft::new(RM).path(path).command().map(Step::from)
    }
}

fn below(folder: &Text, name: &[u8]) -> Text {
    Text::from([folder.bytes(), b"/", name].concat())
}

/// Sends a signal. Neither to everybody, nor to the first process, whatever the evidence says.
pub(crate) fn kill(word: &'static str, pid: u32) -> Option<Step> {
    let draft = Draft::new(KILL).word(word).number(pid);
    let command = draft.command().filter(|_| pid > 1);
    command.map(Step::from)
}

pub(crate) const END: &str = "-KILL";
pub(crate) const CONTINUE: &str = "-CONT";
pub(crate) const ASK: &str = "-TERM";

fn send(word: &'static str, process: &Process) -> Option<Step> {
    if word == END {
        end(process)
    } else {
        kill(word, process.pid)
    }
}

/// Ends a process. Of one that no signal ends it says so instead.
pub(crate) fn end(process: &Process) -> Option<Step> {
    let why = if process.stat.state == 'D' {
        "sleeps uninterruptibly (D)"
    } else if process.status.is_killed() {
        "was sent SIGKILL already"
    } else {
        return kill(END, process.pid);
    };
    Some(Step::words(format!(
        "Pid {} {why}: it ends when what it waits for answers, and no signal changes that. Find what \
         it waits for in the kernel (its stack, dmesg), and mend that.",
        process.pid
    )))
}

/// Sends a signal to a process.
pub(crate) fn signal(name: &str, process: &Process) -> Option<Step> {
    if name == "KILL" {
        return end(process);
    }
    let word = if name == "CONT" { CONTINUE } else { ASK };
    let step = kill(word, process.pid);
    step.map(|step| {
        if name == "CONT" {
            step.undoable()
        } else {
            step
        }
    })
}

/// A container and what was found of it.
#[derive(Clone, Copy)]
pub(crate) struct Case<'c, 'f> {
    pub(crate) index: &'c Index<'f>,
    pub(crate) subject: &'c Subject<'f>,
    pub(crate) found: &'c Found<'f>,
}

impl<'c> Case<'c, '_> {
    /// What commands for it are made of.
    pub(crate) fn tools(&self) -> Tools<'c> {
        Tools::new(self.subject)
    }

    /// Whether its init has not become its program yet.
    pub(crate) fn is_init(&self) -> bool {
        let init = self.subject.process();
        init.is_some_and(|init| self.subject.is_init(init))
    }

    /// A signal to who holds it up.
    pub(crate) fn culprit(&self, word: &'static str) -> Vec<Step> {
        self.found
            .culprit
            .and_then(|it| send(word, it))
            .into_iter()
            .collect()
    }

    /// A signal to its init.
    pub(crate) fn init(&self, word: &'static str) -> Vec<Step> {
        self.subject
            .process()
            .and_then(|it| send(word, it))
            .into_iter()
            .collect()
    }
}

/// A state's way out.
pub(crate) type Way = fn(&Case<'_, '_>) -> Remedy;

pub(crate) fn remedy_of<'f>(index: &Index<'f>, subject: &Subject<'f>, found: &Found<'f>) -> Remedy {
    let way = found.state.row().remedy;
    way(&Case {
        index,
        subject,
        found,
    })
}

/// Of one that is well.
pub(crate) fn nothing(_: &Case<'_, '_>) -> Remedy {
    safe("Nothing is to be done.", Vec::new())
}

/// Of one that was never let go.
pub(crate) fn never_ran(case: &Case<'_, '_>) -> Remedy {
    let why = "The container has run no program: it can be removed.";
    safe(why, vec![case.tools().delete()])
}

/// Of one whose hook hangs.
pub(crate) fn end_hook(case: &Case<'_, '_>) -> Remedy {
    let why = "The creation fails when its hook has failed, and removes what it has made. Give the hook a timeout.";
    safe(why, case.culprit(END))
}

/// Of one that somebody stopped, by a signal or as its tracer.
pub(crate) fn continued(case: &Case<'_, '_>) -> Remedy {
    let culprit = case.found.culprit;
    let by_tracer = culprit.is_some_and(|process| process.stat.state == 't');
    match culprit.and_then(|process| process.status.tracer) {
        Some(tracer) if by_tracer => risky(TRACED, kill(ASK, tracer).into_iter().collect()),
        _ if by_tracer => risky(TRACED, case.culprit(CONTINUE)),
        _ => go_on(case.culprit(CONTINUE)),
    }
}

/// Of one that ended before it was let go.
pub(crate) fn remains(case: &Case<'_, '_>) -> Remedy {
    let alive = case.subject.process();
    let alive = alive.is_some_and(|process| !process.stat.is_dead());
    let mut steps = if alive { case.init(END) } else { Vec::new() };
    steps.extend(copies_of_runc(case.index, case.subject));
    steps.push(case.tools().delete());
    safe(
        "The container has run no program and has no process.",
        steps,
    )
}

/// Of one that is frozen.
pub(crate) fn thawed(case: &Case<'_, '_>) -> Remedy {
    thaw(case.found)
}

/// Of one that waits for a file system.
pub(crate) fn answered(case: &Case<'_, '_>) -> Remedy {
    storage(case.found)
}

/// Of one that waits for a file, and no mount is to blame.
pub(crate) fn file_answered(case: &Case<'_, '_>) -> Remedy {
    without_mount(case.found.state).unwrap_or_default()
}

/// What ends a wait for a file, where that is not a mount's server.
pub(crate) fn without_mount(state: State) -> Option<Remedy> {
    let why = match state {
        // When a scanner closes its group, the kernel lets all go on that wait for its answer.
        State::ScannerHung => {
            "Restart the service of the scanner (antivirus, audit, backup): when it ends, the kernel lets \
             everything go on that waits for its answer. Nothing of containerd has to be stopped."
        }
        State::Unthawed => {
            "Let what froze the file system (a backup or a snapshot of the disk or machine) end, or thaw it with \
             `fsfreeze -u` and its mount point: everything continues. A restart of containerd would hang as well."
        }
        _ => return None,
    };
    Some(safe(why, Vec::new()))
}

const TRACED: &str = "The process is traced: end the tracer, then the process continues.";

/// What lets a process go that is traced.
pub(crate) fn of_tracer(tracer: u32) -> Step {
    Step::words(format!(
        "End the tracer, pid {tracer}, by its own means (quit the debugger or the agent)."
    ))
}

/// Lets a process go on that somebody stopped.
pub(crate) fn go_on(steps: Vec<Step>) -> Remedy {
    let steps = steps.into_iter().map(Step::undoable).collect();
    safe("The process continues where it was stopped.", steps)
}

/// The loss of all that runs in the container.
pub(crate) fn task(subject: &Subject<'_>) -> Loss {
    Loss::of_object(Object {
        kind: "task",
        namespace: subject.namespace.clone(),
        name: subject.id.clone(),
    })
}

/// Takes away the copies of itself that runc (up to 1.1.14) mounted in the folder, without which it
/// says that the folder is busy.
fn copies_of_runc(index: &Index<'_>, subject: &Subject<'_>) -> Vec<Step> {
    let Some(container) = subject.container else {
        return Vec::new();
    };
    let paths = container.binaries.iter();
    let paths = paths.map(|name| below(&container.path, name.bytes()));
    let mounts = index.processes.mounts.as_deref().unwrap_or_default();
    let is_mount = |path: &Text| mounts.iter().any(|mount| mount.point == *path);
    paths
        .filter(is_mount)
        .filter_map(|path| Draft::new(UMOUNT).path(path).command())
        .map(Step::from)
        .collect()
}

/// Ends everything in a container. The kernel ends what is in a pid namespace with its first process.
pub(crate) fn kill_all(subject: &Subject<'_>) -> Vec<Step> {
    let init = subject.process();
    let mut all: Vec<&Process> = init.into_iter().collect();
    if init.is_none_or(|init| init.status.is_init() != Some(true)) {
        let members = subject.members.iter().copied();
        all.extend(members.filter(|it| init.is_none_or(|init| init.pid != it.pid)));
    }
    all.into_iter().filter_map(end).collect()
}

pub(crate) fn is_creator(index: &Index<'_>, subject: &Subject<'_>, process: &Process) -> bool {
    subject
        .creator(index)
        .is_some_and(|creator| creator.pid == process.pid)
}

pub(crate) fn shares_shim(index: &Index<'_>, subject: &Subject<'_>) -> bool {
    let Some(shim) = &subject.shim else {
        return false;
    };
    let own = subject.process().map(|process| process.pid);
    let mut children = index.processes.children(shim.process.pid);
    children.any(|child| Some(child.pid) != own && child.cgroups != shim.process.cgroups)
}

/// Of one whose state file no runtime reads.
pub(crate) fn damaged(case: &Case<'_, '_>) -> Remedy {
    let subject = case.subject;
    // Its state names no pid: what runs in its cgroup, or that it was started, tells as much.
    let own = subject.process().into_iter();
    let mut all = own.chain(subject.members.iter().copied());
    let runs = all.any(|process| {
        !crate::facts::is_runc_init(process)
            && !crate::facts::is_crun_init(process)
            && !crate::facts::is_youki_init(process)
    });
    // What is not known to have stopped before the start may have run.
    let never_started = matches!(
        subject.phase(),
        Some(runc::Phase::Creating | runc::Phase::Created)
    );
    let running = runs || !never_started;
    let mut steps = kill_all(subject);
    let folder = subject.container.map(|container| container.path.clone());
    let remove = folder.and_then(|folder| Draft::new(RM).word("-r").path(folder).command());
    steps.extend(remove.map(Step::from));
    if running {
        return Remedy::new(
            "Its workload was started, and may be healthy: only its runtime cannot reach it. It can only be \
             ended by its pid, when that suits, and its folder removed.",
            losing(&task(subject), steps),
        );
    }
    safe(
        "The container has run no program. No runtime can read its state: its process and its folder \
         are removed by hand, then its cgroups (rmdir).",
        steps,
    )
}

pub(crate) fn thaw(found: &Found<'_>) -> Remedy {
    let Some(freezer) = &found.freezer else {
        return Remedy::default();
    };
    let (word, file) = match freezer.how {
        Frozen::V1 | Frozen::V1Freezing => ("THAWED", b"freezer.state".as_slice()),
        Frozen::V2 | Frozen::V2Freezing => ("0", b"cgroup.freeze".as_slice()),
    };
    let why = match (found.state, freezer.own) {
        (State::ExecFrozen, _) => "The container continues, and the exec with it.",
        (State::Freezing, _) => {
            "The container continues. The process that does not freeze waits for storage: fix the storage."
        }
        (State::Dying, _) => {
            "The kernel ends it as soon as the cgroup is thawed; its shim then takes notice."
        }
        (_, false) => "Everything below that cgroup continues, this container too.",
        (_, true) => "The container continues where it was frozen.",
    };
    safe(
        why,
        write(word, below(&freezer.folder, file))
            .map(Step::undoable)
            .into_iter()
            .collect(),
    )
}

/// Writes a word into a file of the kernel.
fn write(word: &'static str, file: Text) -> Option<Step> {
    let draft = Draft::new(ECHO).word(word).into_file(file);
    draft.command().map(Step::from)
}

pub(crate) fn storage(found: &Found<'_>) -> Remedy {
    let Some(mount) = &found.mount else {
        return risky(
            "Find the mount that does not answer (dmesg, hung_task), and bring its server back.",
            Vec::new(),
        );
    };
    if mount.kind == *"autofs" {
        let why = "Bring back what the automounter of that place mounts, or restart the automounter (autofs, systemd's \
            .automount unit): when it ends, the kernel lets everything go on that waits for it, with an error.";
        return risky(why, Vec::new());
    }
    let device = mount
        .device
        .utf8()
        .and_then(|device| device.split_once(':'));
    let minor = device.and_then(|(_, minor)| minor.parse::<u32>().ok());
    let step = match minor {
        Some(minor) if mount.kind.bytes().starts_with(b"fuse") => write(
            "1",
            Text::from(format!("/sys/fs/fuse/connections/{minor}/abort")),
        ),
        _ => {
            let draft = Draft::new(UMOUNT).word("-f").path(mount.point.clone());
            draft.command().map(Step::from)
        }
    };
    risky(
        "Every wait for that mount ends with an error, that of others, too; the creation fails and \
         cleans up.",
        step.into_iter().collect(),
    )
}

/// Of one that waits for memory.
pub(crate) fn oom(case: &Case<'_, '_>) -> Remedy {
    let (subject, found) = (case.subject, case.found);
    let Some(oom) = &found.oom else {
        return risky("Raise its memory limit.", Vec::new());
    };
    let limit = oom.limit.filter(|limit| *limit < 1 << 50);
    let limit = limit.map_or_else(String::new, |limit| format!(" of {limit} bytes"));
    let why = format!(
        "The kernel then kills something in the container, as its limit{limit} says. A higher one \
         (memory.limit_in_bytes) lets it go on instead, for as long as that is enough."
    );
    let step = write("0", below(&oom.folder, b"memory.oom_control"));
    let step = step.map(|step| step.loses(task(subject)));
    Remedy::new(why, step.into_iter().collect())
}

/// Of one whose output nobody reads.
pub(crate) fn full(case: &Case<'_, '_>) -> Remedy {
    let (index, subject) = (case.index, case.subject);
    match (&subject.shim, index.daemon) {
        (Some(shim), _) if shim.process.stat.is_stopped() => {
            let step = kill(CONTINUE, shim.process.pid).map(Step::undoable);
            safe(
                "The shim reads on once it continues.",
                step.into_iter().collect(),
            )
        }
        (Some(_), None) => {
            let start = Draft::new(SYSTEMCTL)
                .words(&["start", "containerd"])
                .command();
            safe(
                "containerd reads the container's output: start it.",
                start.map(Step::from).into_iter().collect(),
            )
        }
        _ => risky(
            "Whoever reads its output must go on reading, or be started again.",
            Vec::new(),
        ),
    }
}
