//! What a program gives up before it looks at evidence.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use evidence::{HeldRoot, Lockdown, Needs, PrivateView, lockdown, lockdown_writer, private_view};
use serde::Serialize;

/// Whether this is a program of ours: a test that runs a tool inside its own process keeps its
/// rights.
static PROGRAM: AtomicBool = AtomicBool::new(false);

/// Says that this process is ours alone.
pub(crate) fn arm() {
    PROGRAM.store(true, Ordering::Relaxed);
}

/// What was given up, once it was.
static GIVEN_UP: Mutex<Option<Safety>> = Mutex::new(None);

/// What this process cannot do any more: `safety` in JSON, and what `--verbose` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a thing of its own, that the kernel gives or does not"
)]
pub(crate) struct Safety {
    /// Write anywhere but to the output and the spool; run a program; connect (Landlock).
    landlock: bool,
    /// Use a capability that reading does not need.
    capabilities: bool,
    /// Make a system call that reading does not need (seccomp).
    seccomp: bool,
    /// Take more memory than it is given.
    memory: bool,
    /// Dump a core, which would hold evidence.
    no_core: bool,
    /// See an interface or a socket of the machine: the network namespace is an empty one.
    network: bool,
    /// What could not be given up, and why.
    refused: Vec<String>,
}

impl From<&Lockdown> for Safety {
    fn from(held: &Lockdown) -> Self {
        Self {
            landlock: held.read_only,
            capabilities: held.capabilities,
            seccomp: held.calls,
            memory: held.memory,
            no_core: held.no_core,
            network: held.network,
            refused: held.refused.clone(),
        }
    }
}

impl Safety {
    /// In a sentence.
    fn sentence(&self) -> String {
        let held: Vec<&str> = [
            (self.landlock, "Landlock"),
            (self.capabilities, "capabilities"),
            (self.seccomp, "seccomp"),
            (self.memory, "memory limit"),
            (self.no_core, "no core dump"),
            (self.network, "an empty network namespace"),
        ]
        .into_iter()
        .filter_map(|(is_held, name)| is_held.then_some(name))
        .collect();
        let held = if held.is_empty() {
            "nothing".to_owned()
        } else {
            held.join(", ")
        };
        let refused: Vec<String> = self
            .refused
            .iter()
            .map(|why| format!("; not held: {why}"))
            .collect();
        let network = if self.network {
            ""
        } else {
            "; not held: an empty network namespace (root makes one, and not where the machine itself is read)"
        };
        format!("locked down by: {held}{}{network}", refused.concat())
    }
}

/// What was given up; nothing before it was, and in a test.
pub(crate) fn given_up() -> Option<Safety> {
    GIVEN_UP.lock().ok()?.clone()
}

/// Tells it on standard error.
pub(crate) fn tell() {
    let says = given_up().map_or_else(
        || "not locked down: this verb gives up no rights".to_owned(),
        |safety| safety.sentence(),
    );
    let _ = writeln!(std::io::stderr(), "coroner: {says}");
}

/// Gives up what reading single files does not need; once, before any thread is started. `writable`:
/// directories in which files are made.
pub fn lock_down(writable: &[PathBuf]) {
    if !PROGRAM.swap(false, Ordering::Relaxed) {
        return;
    }
    keep(&lockdown(&Needs {
        held: None,
        writable: [&[std::env::temp_dir()], writable].concat(),
        trees: Vec::new(),
        places: crate::output::places(),
        memory: Some(MEMORY),
        network: false,
    }));
}

/// Gives up what a verb does not need that writes to a node: the network, other programs, and the rights
/// that have nothing to do with files. Once, before anything of the node is read.
pub fn lock_down_writer() {
    if PROGRAM.swap(false, Ordering::Relaxed) {
        keep(&lockdown_writer(Some(MEMORY)));
    }
}

fn keep(held: &Lockdown) {
    if let Ok(mut given_up) = GIVEN_UP.lock() {
        *given_up = Some(held.into());
    }
}

/// No tool needs more memory for data.
const MEMORY: u64 = 8 << 30;

/// Whether a directory is the root of a machine that runs: its `/proc` is read for processes and sockets.
fn is_machine(path: &Path) -> bool {
    path == Path::new("/") || std::fs::symlink_metadata(path.join("proc/self")).is_ok()
}

/// Gives up whatever reading the evidence at `path` does not need; once, before any thread is
/// started. Says what did not hold and what follows from it, and gives the directory at `path`, if
/// it could not be opened any more.
pub(crate) fn give_up(
    path: &Path,
    spool: Option<&PathBuf>,
    writable: &[PathBuf],
    trees: &[PathBuf],
) -> (Vec<String>, Option<HeldRoot>) {
    if !PROGRAM.swap(false, Ordering::Relaxed) {
        return (Vec::new(), None);
    }
    let mut notes = Vec::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "a FIFO or device is not opened by this"
    )]
    let is_directory = path.is_dir();
    let held = is_directory.then(|| HeldRoot::take(path)).flatten();
    if held.is_some() {
        notes.push(
            "access times of symbolic links may move: the evidence is mounted for other processes"
                .into(),
        );
    } else if is_directory && let PrivateView::Refused(why) = private_view(path) {
        notes.push(format!("access times of symbolic links may move: {why}"));
    }
    let spool = spool.cloned().unwrap_or_else(std::env::temp_dir);
    let needs = Needs {
        held: held.clone(),
        writable: [&[spool], writable].concat(),
        trees: trees.to_vec(),
        places: crate::output::places(),
        memory: Some(MEMORY),
        network: is_directory && is_machine(path),
    };
    let locked = lockdown(&needs);
    keep(&locked);
    let refused = locked.refused.into_iter();
    notes.extend(refused.map(|why| format!("not locked down: {why}")));
    (notes, held)
}
