//! `coroner runtime shims`

mod join;

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Style, Table};
use finding::{Text, Time, Unknown};
use process::Depth;
use serde::Serialize;

use crate::live::has_node;
use crate::task::unknown;

pub(crate) const ABOUT: &str = "List shims: their processes, their sockets, and the tasks that they serve.

A shim is known by its bundle, by its socket and by its process, and each of them can be left without \
the others. The name of a socket is a hash of containerd's address, the namespace and the group (the \
pod, or the container): so a socket without anything else is still attributed, by the containers and \
pods of meta.db. Who listens is told by /proc/net/unix, where the node runs or is a bundle of \
`coroner collect`; a disk does not tell.";

pub(crate) const EXAMPLES: &str = "Examples:
  coroner runtime shims /                      this machine
  coroner runtime shims node.tar.zst           a bundle, elsewhere
  coroner runtime shims --format json / | jq '.answer.shims[] | select(.conditions != [])'

Exit: 0 healthy, 4 something is left over or dead, 8 something could not be known";

#[derive(Serialize)]
pub(super) struct Listing {
    /// Whether pids are those inside of a node that is a container.
    #[serde(skip)]
    is_inside: bool,
    now: Time,
    pub(super) shims: Vec<Shim>,
    /// Inits whose parent is no shim any more.
    pub(super) reparented: Vec<Reparented>,
    /// Whether sockets would be seen: tars of other people's making leave them out.
    sockets_known: bool,
    /// Whether processes are known.
    processes_known: bool,
    /// Whether it is known who listens.
    listeners_known: bool,
    unknown: Vec<Unknown>,
}

/// A shim, joined from its bundles, its socket and its process.
#[derive(Debug, Default, Serialize)]
pub(super) struct Shim {
    pub(super) socket: Text,
    /// Whether the socket is there; nothing where the evidence does not keep sockets.
    pub(super) there: Option<bool>,
    /// Whether somebody listens at it; nothing where that is not known.
    pub(super) listens: Option<bool>,
    /// How many connections it has: the daemon's is one.
    pub(super) connections: Option<usize>,
    /// Whether the socket has the name that this daemon would give it.
    pub(super) ours: bool,
    pub(super) namespace: Option<Text>,
    pub(super) group: Option<Text>,
    /// By what namespace and group are known.
    pub(super) known_by: Option<KnownBy>,
    /// The pod, as namespace and name.
    pub(super) pod: Option<Text>,
    pub(super) binary: Option<Text>,
    pub(super) tasks: Vec<Text>,
    pub(super) process: Option<ShimProcess>,
    /// Its runtime, where that is not read: nothing is said of what it keeps.
    pub(super) not_read: Option<String>,
    /// Whose it is, where it is not the examined containerd's.
    pub(super) other: Option<stuck::Other>,
    /// Connections that wait to be accepted; nothing where that is not known.
    pub(super) backlog: Option<usize>,
    /// Whether another process has the socket and the container.
    #[serde(skip)]
    pub(super) is_second: bool,
    /// What is wrong with it.
    pub(super) conditions: Vec<Condition>,
    /// Its tasks that hang, and in which state, as `runtime stuck` has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hanging: Vec<String>,
}

/// By what a shim's namespace and group are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KnownBy {
    /// Its bundle.
    Bundle,
    /// Its own command line.
    Process,
    /// A container or sandbox of meta.db whose socket would be named so.
    Record,
}

/// A shim's process.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ShimProcess {
    pub(super) pid: u32,
    /// Its state, as `/proc` writes it.
    pub(super) state: char,
    pub(super) ppid: u32,
    /// The containerd it was started for.
    pub(super) address: Option<Text>,
    /// Its working directory: its first bundle.
    pub(super) bundle: Option<Text>,
    /// Processes that it waits for.
    pub(super) children: Vec<Child>,
}

/// A child of a shim.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Child {
    pub(super) pid: u32,
    pub(super) state: char,
    pub(super) name: Text,
    /// The task whose init it is.
    pub(super) init_of: Option<Text>,
}

/// An init whose shim is gone.
#[derive(Debug, Serialize)]
pub(super) struct Reparented {
    pub(super) namespace: Option<Text>,
    pub(super) id: Text,
    pub(super) pid: u32,
    pub(super) ppid: u32,
    /// Its parent's name.
    pub(super) parent: Option<Text>,
}

/// What is wrong with a shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Condition {
    /// There are bundles, and no process serves them.
    BundleWithoutShim,
    /// The process serves a bundle that is gone.
    ShimWithoutBundle,
    /// It has no child: nothing runs under it.
    ShimWithoutProcesses,
    /// It has no bundle, and nothing runs under it.
    ShimLeftOver,
    /// Another shim of the same group has the socket and the container.
    ShimTwice,
    /// It is stopped.
    ShimStopped,
    /// It waits in the kernel and cannot be interrupted.
    ShimHangs,
    /// It listens, and does not accept who calls it.
    ShimMute,
    /// Its socket is not there.
    SocketMissing,
    /// The socket is there, and nobody listens.
    SocketDead,
    /// The socket is there, and no bundle and no process names it.
    SocketLeaked,
    /// It was started for another containerd, or its name is no hash of this one.
    SocketForeign,
}

impl Condition {
    const fn word(self) -> &'static str {
        match self {
            Self::BundleWithoutShim => "bundle without shim",
            Self::ShimWithoutBundle => "shim without bundle",
            Self::ShimWithoutProcesses => "shim without processes",
            Self::ShimLeftOver => "shim left over",
            Self::ShimTwice => "second shim",
            Self::ShimStopped => "shim stopped",
            Self::ShimHangs => "shim hangs",
            Self::ShimMute => "shim does not answer",
            Self::SocketMissing => "socket missing",
            Self::SocketDead => "no listener",
            Self::SocketLeaked => "socket leaked",
            Self::SocketForeign => "foreign socket",
        }
    }

    /// What follows from it, and what to do.
    const fn advice(self) -> &'static str {
        match self {
            Self::BundleWithoutShim => {
                "The next start of containerd kills what is left of the tasks and removes the \
                 bundles. Nothing to do by hand: a running containerd has done so already, or does \
                 it at its next restart."
            }
            Self::ShimWithoutBundle => {
                "containerd does not know it and never cleans it up. Its processes are listed here \
                 and may do useful work. End them by their pids at a suitable time; then the shim \
                 ends, or can be ended. `runc delete --force` leaves processes behind if their state \
                 is gone."
            }
            Self::ShimWithoutProcesses => {
                "Its containers have ended. containerd 1.7 and later end such a shim at their next \
                 start; 1.6 keeps it."
            }
            Self::ShimLeftOver => {
                "Its bundle is gone and nothing runs under it. containerd finds shims by their \
                 bundles: no start ends this one. Look again after a minute, because a shim that is \
                 being started or removed looks the same. Compare its -namespace and -id with `ctr \
                 tasks ls`; then it can be ended by its pid, and nothing is lost."
            }
            Self::ShimTwice => {
                "Two shims have the namespace and id of one group, and one socket. The other one \
                 has the container. Look again after a minute, because a start may be under way. \
                 Where this one has no child then, it can be ended by its pid; never end the other."
            }
            Self::ShimStopped => {
                "It answers no request: a start of containerd waits 5 s for it, then kills its \
                 containers and removes their bundles. Continue it before with `kill -CONT PID`, and \
                 find out who stopped it."
            }
            Self::ShimHangs => "What it waits for is in `coroner runtime stuck`.",
            Self::ShimMute => {
                "Connections wait at its socket, and it accepts none of them. A start of containerd \
                 waits 5 s for each such shim, then kills its containers and removes their bundles. \
                 Until then they run on; what it waits for is in `coroner runtime stuck`."
            }
            Self::SocketMissing => {
                "containerd cannot reach the shim: its next start kills the containers. A socket \
                 that was removed cannot be brought back."
            }
            Self::SocketDead => "The shim that listened here has ended. The file does no harm.",
            Self::SocketLeaked => {
                "A shim that was killed leaves its socket. The file does no harm and may be removed."
            }
            Self::SocketForeign => {
                "It belongs to another containerd of this machine, or to a shim that names its \
                 socket in a way of its own. Leave it alone."
            }
        }
    }

    /// Whether something is to be looked after.
    const fn counts(self) -> bool {
        !matches!(self, Self::SocketForeign)
    }
}

pub(crate) fn run(args: &EvidenceArgs, out: &mut Out) -> Outcome {
    let case = Case::open_live(args, Depth::Full)?;
    let node = case.node()?;
    let processes = case.processes.as_deref();
    let runtime = node.runtime.read();
    let (mut shims, reparented) = join::join(&node, processes);
    if shims.is_empty() && reparented.is_empty() {
        has_node(&case)?;
    }
    if let Some(runtime) = runtime.filter(|_| processes.is_some_and(|all| all.whole)) {
        hanging(&mut shims, runtime, processes, node.now);
    }
    out.answer(&Listing {
        is_inside: case.is_inside(),
        now: node.now,
        shims,
        reparented,
        sockets_known: runtime.is_some_and(|runtime| runtime.sockets.is_some()),
        processes_known: processes.is_some_and(|processes| processes.whole),
        listeners_known: processes.is_some_and(|processes| processes.sockets.is_some()),
        unknown: unknown(&node),
    })
}

/// Names the tasks of shims that hang: a shim may be well, and its task not.
fn hanging(
    shims: &mut [Shim],
    runtime: &runc::Runtime,
    processes: Option<&process::Processes>,
    now: Time,
) {
    let verdicts = stuck::diagnose(stuck::Facts {
        runtime,
        processes,
        records: &[],
        now,
    });
    let all = verdicts.containers.iter();
    for one in all.filter(|one| one.state.is_stuck()) {
        let owner = shims.iter_mut().find(|shim| {
            shim.other.is_none() && shim.namespace == one.namespace && shim.tasks.contains(&one.id)
        });
        if let Some(shim) = owner {
            shim.hanging
                .push(format!("{} is {}", short(&one.id), one.state));
        }
    }
}

impl Answer for Listing {
    const SCHEMA: &'static str = "runtime-shims/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let dash = || "-".to_owned();
        let mut table = Table::new(&[
            "namespace",
            "~group",
            "!pod",
            "!tasks",
            ">pid",
            "~socket",
            "~listens",
            "!is",
        ]);
        let text = |text: &Option<Text>| text.as_ref().map_or_else(dash, ToString::to_string);
        for shim in &self.shims {
            let tasks: Vec<String> = shim.tasks.iter().map(Text::to_string).collect();
            let words: Vec<&str> = shim.conditions.iter().map(|it| it.word()).collect();
            let pid = shim.process.as_ref().map(|process| process.pid.to_string());
            let none = if self.processes_known {
                "none"
            } else {
                "unknown"
            };
            let pid = pid.unwrap_or_else(|| none.to_owned());
            table.cells(vec![
                text(&shim.namespace),
                text(&shim.group),
                text(&shim.pod),
                if tasks.is_empty() {
                    dash()
                } else {
                    tasks.join(", ")
                },
                pid,
                socket_name(&shim.socket, shim.there),
                match shim.listens {
                    Some(true) => "yes".to_owned(),
                    Some(false) => "no".to_owned(),
                    None => "unknown".to_owned(),
                },
                shim.words(&words),
            ]);
        }
        if table.is_empty() {
            pen.line("No shim is known.")?;
        } else {
            pen.table(&table)?;
        }
        self.problems(pen)?;
        if !self.sockets_known {
            pen.gap()?;
            pen.line("The evidence does not keep sockets: whether they are there is unknown.")?;
        }
        if !self.processes_known {
            pen.gap()?;
            pen.line("The evidence holds no processes: which shims live is unknown.")?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let mut conditions = self.shims.iter().flat_map(|shim| &shim.conditions);
        let mut exit = Exit::of_unknown(&self.unknown);
        if conditions.any(|condition| condition.counts()) || !self.reparented.is_empty() {
            exit |= Exit::FINDINGS;
        }
        exit
    }
}

impl Shim {
    /// In a word what it is. That it listens does not say that it answers: nobody calls it here.
    fn words(&self, conditions: &[&str]) -> String {
        let listens = match self.listens {
            _ if !self.hanging.is_empty() => return self.hanging.join(", "),
            Some(true) if self.connections == Some(0) => "healthy, as far as is known (not called)",
            Some(true) => "well",
            // Neither its process nor its socket was seen.
            Some(false) | None if self.process.is_none() => "not known",
            Some(false) | None => "healthy, as far as is known (not called)",
        };
        match (&self.other, &self.not_read) {
            (Some(other), _) => format!("of {}", other.words()),
            (None, Some(keeper)) => format!("not read: {keeper}"),
            (None, None) if conditions.is_empty() => listens.to_owned(),
            (None, None) => conditions.join(", "),
        }
    }
}

impl Listing {
    /// What is wrong, and what follows.
    fn problems(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for shim in &self.shims {
            for condition in &shim.conditions {
                let of = shim.group.as_ref().unwrap_or(&shim.socket);
                let style = if condition.counts() {
                    Style::Warning
                } else {
                    Style::Plain
                };
                pen.gap()?;
                let head = format!("{}: {of}", condition.word());
                let head = pen.styled(style, head).to_string();
                pen.line(head)?;
                if let Some(process) = &shim.process {
                    let (pid, state, parent) = (process.pid, process.state, process.ppid);
                    pen.paragraph(
                        "  process ",
                        &format!("{pid}, state {state}, parent {parent}"),
                    )?;
                    if let Some(bundle) = &process.bundle {
                        pen.paragraph("  bundle  ", &bundle.to_string())?;
                    }
                    for child in &process.children {
                        let (pid, state, name) = (child.pid, child.state, &child.name);
                        let of = child.init_of.as_ref();
                        let of = of.map_or_else(String::new, |id| format!(", init of {id}"));
                        pen.paragraph("  child   ", &format!("{pid} {name} ({state}){of}"))?;
                    }
                }
                if !shim.socket.is_empty() {
                    pen.paragraph("  socket  ", &shim.socket.to_string())?;
                }
                // A pid inside of the node is no pid to type here.
                let pid = shim.process.as_ref().filter(|_| !self.is_inside);
                let pid = pid.map(|process| process.pid.to_string());
                let advice = filled(condition.advice(), "PID", pid.as_deref());
                let namespace = shim.namespace.as_ref().and_then(Text::utf8);
                let advice = filled(&advice, "NAMESPACE", namespace);
                pen.paragraph("  so      ", &advice)?;
            }
        }
        for init in &self.reparented {
            let (id, pid, parent) = (&init.id, init.pid, init.ppid);
            let name = init.parent.as_ref();
            let name = name.map_or_else(String::new, |name| format!(" ({name})"));
            pen.gap()?;
            let head = format!("reparented: {id}");
            let head = pen.styled(Style::Warning, head).to_string();
            pen.line(head)?;
            pen.paragraph(
                "  process ",
                &format!("{pid} runs, and its parent is {parent}{name}: its shim has ended"),
            )?;
            pen.paragraph(
                "  so      ",
                "No process reaps it or reads its output. The next start of containerd kills it if \
                 its bundle is still there; otherwise `runc delete --force` does.",
            )?;
        }
        Ok(())
    }
}

/// A text with a place filled in, if what goes there is safe to be typed.
pub(crate) fn filled(text: &str, place: &str, value: Option<&str>) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:".contains(&byte);
    match value {
        Some(value) if !value.is_empty() && value.bytes().all(is_plain) => {
            text.replace(place, value)
        }
        _ => text.to_owned(),
    }
}

/// The first twelve letters of an id that is a hash.
pub(crate) fn short(id: &Text) -> String {
    let bytes = id.bytes();
    if bytes.len() == 64 && bytes.iter().all(u8::is_ascii_hexdigit) {
        Text::from(bytes.get(..12).unwrap_or(bytes)).to_string()
    } else {
        id.to_string()
    }
}

fn socket_name(path: &Text, there: Option<bool>) -> String {
    let name = path.bytes().rsplit(|byte| *byte == b'/').next();
    let name = short(&Text::from(name.unwrap_or_default()));
    match there {
        _ if path.is_empty() => "unknown".to_owned(),
        Some(true) => name,
        Some(false) => format!("gone: {name}"),
        None => format!("unknown: {name}"),
    }
}
