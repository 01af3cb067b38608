//! `coroner runtime shims`

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Style, Table};
use finding::{Text, Time, Unknown};
use process::Depth;
use serde::Serialize;
use tasks::{Reparented, Shim, shims, short, unknown};

use crate::live::has_node;

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
struct Listing {
    now: Time,
    shims: Vec<Shim>,
    /// Inits whose parent is no shim any more.
    reparented: Vec<Reparented>,
    /// Whether sockets would be seen: tars of other people's making leave them out.
    sockets_known: bool,
    /// Whether processes are known.
    processes_known: bool,
    /// Whether it is known who listens.
    listeners_known: bool,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(args: &EvidenceArgs, out: &mut Out) -> Outcome {
    let case = Case::open_live(args, Depth::Full)?;
    let node = case.node()?;
    let processes = case.processes.as_deref();
    let runtime = node.runtime.read();
    let (mut shims, reparented) = shims(&node, processes);
    for way in shims.iter_mut().flat_map(|shim| &mut shim.ways) {
        case.from_here(way);
    }
    if shims.is_empty() && reparented.is_empty() {
        has_node(&case)?;
    }
    out.answer(&Listing {
        now: node.now,
        shims,
        reparented,
        sockets_known: runtime.is_some_and(|runtime| runtime.sockets.is_some()),
        processes_known: processes.is_some_and(|processes| processes.whole),
        listeners_known: processes.is_some_and(|processes| processes.sockets.is_some()),
        unknown: unknown(&node),
    })
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
                said(shim, &words),
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

/// In a word what a shim is. That it listens does not say that it answers: nobody calls it here.
fn said(shim: &Shim, conditions: &[&str]) -> String {
    let listens = match shim.listens {
        _ if !shim.hanging.is_empty() => return shim.hanging.join(", "),
        Some(true) if shim.connections == Some(0) => "healthy, as far as is known (not called)",
        Some(true) => "well",
        // Neither its process nor its socket was seen.
        Some(false) | None if shim.process.is_none() => "not known",
        Some(false) | None => "healthy, as far as is known (not called)",
    };
    match (&shim.other, &shim.not_read) {
        (Some(other), _) => format!("of {}", other.words()),
        (None, Some(keeper)) => format!("not read: {keeper}"),
        (None, None) if conditions.is_empty() => listens.to_owned(),
        (None, None) => conditions.join(", "),
    }
}

impl Listing {
    /// What is wrong, and what follows.
    fn problems(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for shim in &self.shims {
            for (condition, way) in shim.conditions.iter().zip(&shim.ways) {
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
                pen.paragraph("  so      ", &way.why)?;
                pen.steps("          ", way)?;
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
