//! Goroutines, wherever they come from: a core, a process that runs, a dump as text.

use std::collections::HashMap;
use std::path::PathBuf;

use cli::Failure;
use elfcore::Bytes;
use finding::{Text, Unknown};
use goroutines::{End, Goroutine, Hit, dumps};
use goruntime::{Note, Verdict};

use crate::file::{CoreArgs, File};
use crate::goroutines::Origin;
use crate::open::Files;
use crate::pid;

/// Bytes of a text: a log with dumps.
const TEXT: usize = 256 << 20;

/// Where goroutines come from.
#[derive(Debug, clap::Args)]
pub(crate) struct FromArgs {
    #[command(flatten)]
    core: CoreArgs,
    /// A process that runs, instead of a core: it is read without a stop, a signal or ptrace
    #[arg(long, value_name = "N", conflicts_with_all = ["core", "node", "exe"])]
    pid: Option<u32>,
    /// A text that holds a dump, instead of a core: what SIGUSR1 or SIGQUIT wrote, a panic, or a log
    /// with one in it. Of several dumps, the last is taken
    #[arg(long, value_name = "FILE", conflicts_with_all = ["core", "node", "exe", "pid"])]
    dump: Option<PathBuf>,
}

impl FromArgs {
    /// Whether a process is read.
    pub(crate) const fn is_live(&self) -> bool {
        self.pid.is_some()
    }

    /// The core, if it is one.
    pub(crate) const fn core(&self) -> Option<&CoreArgs> {
        match (self.pid, &self.dump) {
            (None, None) => Some(&self.core),
            _ => None,
        }
    }
}

/// Goroutines, and what is known of where they come from.
pub(crate) struct Taken {
    pub(crate) origin: Origin,
    pub(crate) owner: Owner,
    pub(crate) goroutines: Vec<Goroutine>,
    /// An end of a child that a shim lost: what only a process that runs can tell.
    pub(crate) lost_end: Option<Hit>,
    pub(crate) unknown: Vec<Unknown>,
}

/// Whose goroutines they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owner {
    /// The process.
    pub(crate) pid: Option<u32>,
    /// The container that a shim serves: namespace and id.
    pub(crate) container: Option<(Text, Text)>,
}

impl Owner {
    /// Of a process with these arguments.
    pub(crate) fn from_command_line(pid: Option<u32>, words: &[Text]) -> Self {
        let after = |flag: &str| {
            let at = words.iter().position(|word| *word == *flag)?;
            words.get(at.saturating_add(1)).cloned()
        };
        Self {
            pid,
            container: after("-namespace").zip(after("-id")),
        }
    }
}

/// Reads them.
pub(crate) fn read_taken(args: &FromArgs) -> Result<Taken, Failure> {
    match (args.pid, &args.dump) {
        (Some(pid), _) => pid::take(pid),
        (None, Some(path)) => taken_from_text(&File::open(path)?),
        (None, None) => core(&args.core),
    }
}

fn core(args: &CoreArgs) -> Result<Taken, Failure> {
    let files = Files::open(args)?;
    let image = files.image();
    let go = files.go(&image)?;
    let threads = files.threads(&go);
    let note = Note::from_core(&files.headers);
    let mut goroutines = go.goroutines(&threads, note.as_ref().map(|note| note.clock));
    let mut unknown = files.unknown();
    if let Some(note) = &note {
        judged(&mut goroutines, note);
    }
    let damaged = go.damaged();
    if damaged > 0 {
        unknown.push(Unknown::new(
            format!("{damaged} goroutines"),
            "their own structures are damaged or not in the core",
        ));
    }
    let origin = Origin::from_source(
        files.core.name.clone(),
        files.exe_known.file.clone(),
        files.exe_known.matches,
        &go,
    );
    let words = files.arguments(&image);
    let pid = files.headers.process.as_ref().map(|process| process.pid);
    Ok(Taken {
        origin,
        owner: Owner::from_command_line(pid, &words),
        goroutines,
        lost_end: None,
        unknown,
    })
}

/// What was said of each goroutine when the core was taken: those that moved have no stack.
fn judged(goroutines: &mut [Goroutine], note: &Note) {
    let said: HashMap<u64, Verdict> = note.goroutines.iter().map(|one| (one.0, one.1)).collect();
    for one in goroutines {
        let end = match said.get(&one.id) {
            Some(Verdict::Moving) => End::Moving,
            Some(Verdict::Runs) => End::None("it ran when the core was taken"),
            Some(Verdict::Settled | Verdict::None) | None => continue,
        };
        one.frames.clear();
        one.awaits.clear();
        one.holds.clear();
        one.end = end;
    }
}

fn taken_from_text(file: &File) -> Result<Taken, Failure> {
    let bytes = file.some(0, file.len(), TEXT);
    let mut found = dumps(&bytes);
    let count = found.len();
    let Some(goroutines) = found.pop() else {
        return Err(
            Failure::unread(format!("{}: no goroutine is in it", file.name))
                .hint("a dump has lines such as `goroutine 1 [running]:`"),
        );
    };
    let mut unknown = Vec::new();
    if bytes.len().try_into() != Ok(file.len()) {
        unknown.push(Unknown::new(
            "the end of the text",
            format!("only its first {TEXT} bytes were read"),
        ));
    }
    let mut origin = Origin::of_text(file.name.clone());
    origin.earlier = count.saturating_sub(1);
    Ok(Taken {
        origin,
        owner: Owner::default(),
        goroutines,
        lost_end: None,
        unknown,
    })
}
