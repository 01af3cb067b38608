//! What is safe to do in each state, as commands.

use finding::Text;
use process::{Frozen, Process};
use serde::Serialize;

use crate::State;
use crate::facts::Index;
use crate::found::Found;
use crate::lines::quoted;
use crate::subject::{Subject, parent_of};

/// A way out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// Whether nothing else can come to harm by it.
    pub safe: bool,
    /// What it does, and why it works.
    pub why: String,
    /// The commands, in this order.
    pub commands: Vec<String>,
}

pub(crate) fn remedy(safe: bool, why: &str, commands: Vec<String>) -> Remedy {
    Remedy {
        safe,
        why: why.to_owned(),
        commands,
    }
}

/// Where ctr looks for the daemon.
const ADDRESS: &str = "/run/containerd/containerd.sock";

/// What the commands are made of.
pub(crate) struct Tools<'s> {
    subject: &'s Subject<'s>,
    runtime: String,
    id: String,
}

impl<'s> Tools<'s> {
    fn new(subject: &'s Subject<'s>) -> Self {
        let program = subject.bundle.and_then(|bundle| bundle.options.get());
        let named = program.and_then(|options| options.binary_name.clone());
        let program = named
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| Text::from(subject.program()));
        let root = subject
            .container
            .map(|container| Text::from(parent_of(container.path.bytes())));
        let root = root.or_else(|| subject.commands.iter().find_map(|c| c.root.cloned()));
        let usual = format!("/run/{}", subject.program());
        let root = root.filter(|root| *root != *usual);
        let root = root.map(|root| format!(" --root {}", quoted(&root)));
        Self {
            runtime: format!("{}{}", quoted(&program), root.unwrap_or_default()),
            id: quoted(&subject.id),
            subject,
        }
    }

    pub(crate) fn call(&self, verb: &str) -> String {
        format!("{} {verb} {}", self.runtime, self.id)
    }

    fn delete(&self) -> String {
        self.call("delete --force")
    }

    /// Removes the task: by containerd if that runs and knows it, else by the runtime.
    pub(crate) fn remove_task(&self, index: &Index<'_>) -> Vec<String> {
        match &self.subject.namespace {
            Some(namespace) if self.subject.is_containerds() && index.daemon.is_some() => {
                // A shim knows whom it serves.
                let address = self
                    .subject
                    .shim
                    .as_ref()
                    .and_then(|shim| shim.address.as_ref());
                let elsewhere = address.filter(|address| **address != *ADDRESS);
                let elsewhere = elsewhere.map(|address| format!(" -a {}", quoted(address)));
                vec![format!(
                    "ctr{} -n {} tasks delete --force {}",
                    elsewhere.unwrap_or_default(),
                    quoted(namespace),
                    self.id
                )]
            }
            _ => vec![self.delete()],
        }
    }

    /// The state folder.
    fn folder(&self) -> Option<String> {
        Some(quoted(&self.subject.container?.path))
    }
}

pub(crate) fn signal(name: &str, process: &Process) -> String {
    format!("kill -{name} {}", process.pid)
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
}

/// A state's own way out.
pub(crate) type Way = fn(&Case<'_, '_>) -> Remedy;

pub(crate) fn of<'f>(index: &Index<'f>, subject: &Subject<'f>, found: &Found<'f>) -> Remedy {
    if let Some(way) = found.state.row().remedy {
        return way(&Case {
            index,
            subject,
            found,
        });
    }
    let tools = Tools::new(subject);
    let culprit = |name: &str| found.culprit.map(|process| signal(name, process));
    let init = |name: &str| subject.process().map(|process| signal(name, process));
    let one = |command: Option<String>| command.into_iter().collect::<Vec<_>>();
    match found.state {
        State::Running | State::Paused | State::Exited | State::Created | State::Creating => {
            remedy(true, "Nothing is to be done.", Vec::new())
        }
        State::Parked if !subject.is_containerds() => remedy(
            true,
            "Whoever created it may start it still; `delete` instead of `start` removes it, for nothing of it has run.",
            vec![tools.call("start")],
        ),
        State::Parked => remedy(
            true,
            "Nothing of it has run: the task can be removed, and whoever wants it makes another. Take \
             the daemon's goroutines first (`kill -USR1` writes them to its log) if it happens again.",
            tools.remove_task(index),
        ),
        State::ParkedStartHung => {
            let mut commands = one(culprit("KILL"));
            commands.extend(tools.remove_task(index));
            remedy(
                true,
                "When the start that hangs has ended, the shim gives up its lock, and the task can be removed.",
                commands,
            )
        }
        State::ParkedStdio => {
            let mut commands = one(culprit("KILL"));
            if index.daemon.is_none() {
                commands.push(tools.delete());
            }
            remedy(
                index.daemon.is_some() && !shares_shim(index, subject),
                "containerd cleans up after a shim that has ended. All containers of the shim end with it.",
                commands,
            )
        }
        State::ParkedOrphan => remedy(
            true,
            "Nothing of it has run. A start of containerd does the same, and removes the bundle.",
            vec![tools.delete()],
        ),
        State::ParkedNoPidFile | State::ParkedFifoMissing | State::SeccompWait => remedy(
            true,
            "Nothing of it has run: it can be removed.",
            vec![tools.delete()],
        ),
        State::StateDamaged => damaged(&tools, subject),
        State::HookHost
            if found
                .culprit
                .is_some_and(|culprit| is_creator(index, subject, culprit)) =>
        {
            remedy(
                false,
                "Its creator has no hook; look at what it is connected to (systemd by D-Bus) before it is killed.",
                one(culprit("KILL")),
            )
        }
        State::HookHost | State::HookContainer | State::HookStart => remedy(
            true,
            "The creation fails when its hook has failed, and removes what it has made. Give the hook \
             a timeout.",
            one(culprit("KILL")),
        ),
        State::CreatorStopped | State::ShimStopped if found.freezer.is_some() => thaw(found),
        State::CreatorStopped | State::ExecCreatorStopped | State::ShimStopped => {
            let by_tracer = found
                .culprit
                .is_some_and(|process| process.stat.state == 't');
            remedy(
                !by_tracer,
                if by_tracer {
                    "It is traced: end the tracer, then it goes on."
                } else {
                    "It goes on where it was stopped."
                },
                match found.culprit.and_then(|process| process.status.tracer) {
                    Some(tracer) if by_tracer => vec![format!("kill {tracer}")],
                    _ => one(culprit("CONT")),
                },
            )
        }
        State::InitStopped => {
            let tracer = subject.process().and_then(|process| process.status.tracer);
            match tracer {
                Some(tracer) => remedy(false, "End its tracer.", vec![format!("kill {tracer}")]),
                None => remedy(true, "It goes on where it was stopped.", one(init("CONT"))),
            }
        }
        State::CreatorDied | State::StartDiedEarly => {
            let alive = subject
                .process()
                .is_some_and(|process| !process.stat.is_dead());
            let mut commands = Vec::new();
            if alive {
                commands.extend(init("KILL"));
            }
            commands.extend(copies_of_runc(index, subject));
            commands.push(tools.delete());
            remedy(
                true,
                "Nothing of it has run, and nothing of it runs.",
                commands,
            )
        }
        State::LeakedInit => {
            let commands = kill_all(subject);
            remedy(
                true,
                "No runtime knows it; its cgroups can be removed (rmdir) when it has ended.",
                commands,
            )
        }
        State::FrozenV1
        | State::FrozenAncestor
        | State::FrozenV2
        | State::Freezing
        | State::ExecFrozen => thaw(found),
        State::StorageHung => storage(found),
        State::StartedFifoStale => remedy(
            true,
            "It runs. Without the FIFO, runc says so, too. Removing does not open it.",
            tools
                .folder()
                .map(|folder| format!("rm {folder}/exec.fifo"))
                .into_iter()
                .collect(),
        ),
        State::SecondStartHung => {
            let mut commands = one(culprit("KILL"));
            commands.extend(
                tools
                    .folder()
                    .map(|folder| format!("rm {folder}/exec.fifo")),
            );
            remedy(
                true,
                "It runs; the start that waits can only wait.",
                commands,
            )
        }
        State::OomStall => oom(found),
        State::StdoutFull => full(index, subject),
        State::RuntimeBlocked => remedy(
            true,
            "It has made nothing yet: it can be killed. Its caller must read the FIFO that it gives as --log.",
            one(culprit("KILL")),
        ),
        State::PidReused => remedy(
            true,
            "runc sees that the pid is another's, and removes only what it has written.",
            vec![tools.call("delete")],
        ),
        State::Zombie => match found.culprit {
            Some(parent) if parent.stat.is_stopped() => remedy(
                true,
                "Its parent reaps it when it goes on.",
                one(culprit("CONT")),
            ),
            Some(parent) if parent.pid != 1 && subject.shim.is_some() => remedy(
                false,
                "Its shim does not reap; a shim that ends leaves it to pid 1.",
                one(culprit("KILL")),
            ),
            _ => remedy(
                true,
                "It has ended: its folder can be removed. Its number stays taken until its parent reaps.",
                vec![tools.call("delete")],
            ),
        },
        State::ShimDied => remedy(
            false,
            "It runs on, without anybody to take its exit and its output. There is no way back to a \
             shim: it can only be ended, when that suits.",
            vec![tools.delete()],
        ),
        State::Dying | State::Outlived | State::RootfsBusy => Remedy::default(),
        State::Unreachable => remedy(
            false,
            "Its workload runs on, and can only be ended by its pid, when that suits. Its shim then takes \
             notice and cleans up, and whoever wants it makes another.",
            kill_all(subject),
        ),
        State::NotRead => remedy(
            false,
            "Ask its own runtime, with its own tools. Nothing here says that it is not well.",
            Vec::new(),
        ),
        State::NoTask => remedy(
            true,
            "containerd's next start removes the folders of tasks that are gone.",
            Vec::new(),
        ),
        State::Unknowable => remedy(
            false,
            "Examine the node while it runs (`coroner runtime stuck /`), or take a bundle of it with `coroner collect`.",
            Vec::new(),
        ),
    }
}

/// Takes away the copies of itself that runc (up to 1.1.14) mounted in the folder, without which it
/// says that the folder is busy.
fn copies_of_runc(index: &Index<'_>, subject: &Subject<'_>) -> Vec<String> {
    let Some(container) = subject.container else {
        return Vec::new();
    };
    let paths = container.binaries.iter().map(|name| {
        let path = [container.path.bytes(), b"/", name.bytes()].concat();
        Text::from(path)
    });
    let mounts = index.processes.mounts.as_deref().unwrap_or_default();
    let is_mount = |path: &Text| mounts.iter().any(|mount| mount.point == *path);
    paths
        .filter(is_mount)
        .map(|path| format!("umount {}", quoted(&path)))
        .collect()
}

/// Ends everything in a container. The kernel ends what is in a pid namespace with its first process.
fn kill_all(subject: &Subject<'_>) -> Vec<String> {
    let init = subject.process();
    let mut commands: Vec<String> = init.iter().map(|init| signal("KILL", init)).collect();
    if init.is_some_and(|init| init.status.is_init() == Some(true)) {
        return commands;
    }
    let members = subject.members.iter();
    let others = members.filter(|member| init.is_none_or(|init| init.pid != member.pid));
    commands.extend(others.map(|member| signal("KILL", member)));
    commands
}

fn is_creator(index: &Index<'_>, subject: &Subject<'_>, process: &Process) -> bool {
    subject
        .creator(index)
        .is_some_and(|creator| creator.pid == process.pid)
}

fn shares_shim(index: &Index<'_>, subject: &Subject<'_>) -> bool {
    let Some(shim) = &subject.shim else {
        return false;
    };
    let own = subject.process().map(|process| process.pid);
    let mut children = index.processes.children(shim.process.pid);
    children.any(|child| Some(child.pid) != own && child.cgroups != shim.process.cgroups)
}

fn damaged(tools: &Tools<'_>, subject: &Subject<'_>) -> Remedy {
    let running = subject.process().is_some_and(|process| {
        !crate::facts::is_runc_init(process) && !crate::facts::is_crun_init(process)
    });
    let mut commands = kill_all(subject);
    commands.extend(tools.folder().map(|folder| format!("rm -r {folder}")));
    remedy(
        !running,
        if running {
            "Its workload runs, and no runtime can reach it: it can only be killed, when that suits, \
             and its folder removed."
        } else {
            "Nothing of it has run. No runtime can read its state: its process and its folder are \
             removed by hand, then its cgroups (rmdir)."
        },
        commands,
    )
}

pub(crate) fn thaw(found: &Found<'_>) -> Remedy {
    let Some(freezer) = &found.freezer else {
        return Remedy::default();
    };
    let folder = &freezer.folder;
    let file = |name: &str| {
        quoted(&Text::from(
            [folder.bytes(), b"/", name.as_bytes()].concat(),
        ))
    };
    let command = match freezer.how {
        Frozen::V1 | Frozen::V1Freezing => format!("echo THAWED > {}", file("freezer.state")),
        Frozen::V2 | Frozen::V2Freezing => format!("echo 0 > {}", file("cgroup.freeze")),
    };
    let why = match (found.state, freezer.own) {
        (State::ExecFrozen, _) => "The container goes on, and the exec with it.",
        (State::Freezing, _) => "It goes on; what does not freeze waits for storage: see to that.",
        (_, false) => "Everything below that cgroup goes on, this container too.",
        (_, true) => "It goes on where it was frozen.",
    };
    remedy(true, why, vec![command])
}

pub(crate) fn storage(found: &Found<'_>) -> Remedy {
    let Some(mount) = &found.mount else {
        return remedy(
            false,
            "Find the mount that does not answer (dmesg, hung_task), and bring its server back.",
            Vec::new(),
        );
    };
    let fuse = mount.kind.bytes().starts_with(b"fuse");
    let minor = mount
        .device
        .utf8()
        .and_then(|device| device.split_once(':'))
        .map(|(_, minor)| minor);
    let command = match minor.filter(|_| fuse) {
        Some(minor) => format!("echo 1 > /sys/fs/fuse/connections/{minor}/abort"),
        None => format!("umount -f {}", quoted(&mount.point)),
    };
    remedy(
        false,
        "Every wait for that mount ends with an error, that of others, too; the creation fails and \
         cleans up.",
        vec![command],
    )
}

fn oom(found: &Found<'_>) -> Remedy {
    let Some(oom) = &found.oom else {
        return remedy(false, "Raise its memory limit.", Vec::new());
    };
    let file = |name: &str| {
        quoted(&Text::from(
            [oom.folder.bytes(), b"/", name.as_bytes()].concat(),
        ))
    };
    let limit = oom.limit.filter(|limit| *limit < 1 << 50);
    let limit = limit.map_or_else(String::new, |limit| format!(" of {limit} bytes"));
    let why = format!(
        "The kernel then kills something in the container, as its limit{limit} says. A higher one \
         (memory.limit_in_bytes) lets it go on instead, for as long as that is enough."
    );
    remedy(
        true,
        &why,
        vec![format!("echo 0 > {}", file("memory.oom_control"))],
    )
}

fn full(index: &Index<'_>, subject: &Subject<'_>) -> Remedy {
    match (&subject.shim, index.daemon) {
        (Some(shim), _) if shim.process.stat.is_stopped() => remedy(
            true,
            "Its shim reads on when it goes on.",
            vec![signal("CONT", shim.process)],
        ),
        (Some(_), None) => remedy(
            true,
            "containerd reads the container's output: start it.",
            vec!["systemctl start containerd".to_owned()],
        ),
        _ => remedy(
            false,
            "Whoever reads its output must go on reading, or be started again.",
            Vec::new(),
        ),
    }
}
