//! Whether containerd runs on the node, or something else holds its database.

use core::fmt;

use evidence::Lock;
use finding::Text;
use node::{META_DIR, Node};
use serde::Serialize;
use stuck::Facts;

/// Programs that are containerd, or start it inside themselves.
const DAEMONS: &[&[u8]] = &[b"containerd", b"dockerd", b"k3s", b"rke2", b"k0s"];

/// Whether a command line, or a name, is that of a daemon that is containerd.
pub(crate) fn is_daemon(command: &[u8]) -> bool {
    let program = command.split(|byte| matches!(byte, 0 | b' ')).next();
    let name = program.and_then(|path| path.rsplit(|byte| *byte == b'/').next());
    let name = name.unwrap_or_default();
    DAEMONS.contains(&name) || name.starts_with(b"k3s-")
}

/// What runs on the node, or ran when the evidence was taken, and has its databases open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Its process, as it is numbered where it was seen.
    pub pid: Option<u32>,
    /// Its program.
    pub program: Option<Text>,
    /// Whether it is containerd; else it is something that holds the lock.
    pub is_containerd: bool,
    /// Whether it holds the lock of meta.db.
    pub holds_lock: bool,
}

impl Running {
    /// Of who holds the lock of meta.db.
    pub fn of_locks(locks: &[Lock]) -> Option<Self> {
        let held = |lock: &&Lock| lock.kind == "FLOCK" && !lock.waits;
        let lock = locks.iter().find(held)?;
        let command = lock.command.as_ref().map(Text::bytes);
        let program = command.and_then(|command| {
            let first = command.split(|byte| matches!(byte, 0 | b' ')).next()?;
            Some(Text::from(first))
        });
        Some(Self {
            pid: lock.pid,
            // Whose command is not shown to us is most likely the daemon: nobody else locks it.
            is_containerd: command.is_none_or(is_daemon),
            program,
            holds_lock: true,
        })
    }
}

impl Running {
    /// It in a sentence; of a node that is a container, with whose pid it is: that of a lock is this
    /// machine's, that of the node's own processes is not.
    pub fn told(&self, is_inside: bool) -> String {
        let where_from = match (is_inside, self.holds_lock) {
            (false, _) => "",
            (true, true) => " of this machine",
            (true, false) => " inside the node",
        };
        Told(self, where_from).to_string()
    }
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Told(self, "").fmt(f)
    }
}

/// A daemon that runs, and what follows its pid.
struct Told<'r>(&'r Running, &'static str);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(running, whose) = self;
        let pid = running.pid.map_or_else(
            || "in a pid namespace that is not shown here".to_owned(),
            |pid| format!("pid {pid}{whose}"),
        );
        let who = match &running.program {
            Some(program) => format!("{program}, {pid}"),
            None => pid,
        };
        match (running.is_containerd, running.holds_lock) {
            (true, true) => write!(
                f,
                "containerd is running ({who}) and holds the lock of meta.db: files may change \
                 while they are read; what is said of a start is said of a restart."
            ),
            (true, false) => write!(
                f,
                "containerd was running when this was taken ({who}): files may have changed while \
                 they were read; what is said of a start is said of a restart."
            ),
            (false, _) => write!(
                f,
                "Another program ({who}) holds the lock of meta.db: a start of containerd waits \
                 for it."
            ),
        }
    }
}

/// Whether containerd runs, as far as locks and processes tell.
pub fn running(node: &Node) -> Option<Running> {
    let meta = node.roots.root.join(META_DIR).join("meta.db");
    let held = node.around.holders.get(&meta);
    held.and_then(|locks| Running::of_locks(locks))
        .or_else(|| by_processes(node))
}

fn by_processes(node: &Node) -> Option<Running> {
    let one = stuck::daemon(Facts {
        runtime: node.runtime.read()?,
        processes: Some(node.processes.as_deref()?),
        records: &[],
        now: node.now,
    })?;
    Some(Running {
        pid: Some(one.pid),
        program: Some(one.who),
        is_containerd: true,
        holds_lock: false,
    })
}
