//! `coroner core`: cores of Go programs, stripped or not.
//!
//! ```text
//! $ coroner core info CORE --exe SHIM     which process it was, what it was built from, what is missing
//! $ coroner core goroutines CORE          every goroutine, grouped by identical stacks
//! $ coroner core goroutines --pid 4711    the same of a running process, without stopping it
//! $ coroner core deadlocks CORE           who waits for whom, rings, and where chains end
//! $ coroner core take --pid 4711 -o FILE a small core of a running process, without stopping it
//! $ coroner core strings CORE --has ID     paths, ids and log lines in its memory
//! $ coroner core fds CORE                  files and sockets that it held open
//! $ coroner core memory CORE               its heap by sizes of objects, and the largest objects
//! $ coroner core export CORE -o FILE      all goroutines as a text that other tools read
//! $ coroner core env CORE                  its environment, which may hold secrets
//! $ coroner core threads CORE             every thread, and the goroutine that it runs
//! ```
//!
//! Production builds of containerd, its shims and runc have no symbols and no DWARF. The tables
//! that the Go runtime itself needs to walk a stack are still in them; coroner reads these.

mod deadlocks;
mod exe;
mod export;
mod fds;
mod file;
mod goroutines;
mod info;
mod join;
mod memory;
mod open;
mod pid;
mod take;
mod taken;
mod text;
mod threads;
mod variables;
mod waits;

use cli::{Out, Outcome, Tool};

pub use take::{Taken, take};

/// Arguments of `coroner core`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say which process a core is of, what it was built from, and what is missing from it
    #[command(after_help = info::EXAMPLES)]
    Info {
        #[command(flatten)]
        core: file::CoreArgs,
    },
    /// List every goroutine, grouped by identical stacks; `--format go` writes Go's own format
    #[command(after_help = goroutines::EXAMPLES)]
    Goroutines(goroutines::GoroutinesArgs),
    /// Say who waits for whom: locks and channels, their holders, rings, and where chains end
    #[command(after_help = deadlocks::EXAMPLES)]
    Deadlocks(deadlocks::DeadlocksArgs),
    /// Write all goroutines as text, in Go's own format, with who it was in front
    #[command(after_help = export::EXAMPLES)]
    Export(export::ExportArgs),
    /// Show the environment of the process, which may hold secrets
    #[command(after_help = text::ENV)]
    Env {
        #[command(flatten)]
        core: file::CoreArgs,
    },
    /// List the files and sockets that the process held open, by its own objects
    #[command(after_help = fds::EXAMPLES)]
    Fds {
        #[command(flatten)]
        core: file::CoreArgs,
    },
    /// Show the heap: objects by their sizes, and the largest objects
    #[command(after_help = memory::EXAMPLES)]
    Memory {
        #[command(flatten)]
        core: file::CoreArgs,
    },
    /// List the strings in the memory that the core holds: paths, ids, lines of logs
    #[command(after_help = text::STRINGS)]
    Strings(text::StringsArgs),
    /// Take a small core of a running process, without stopping it
    #[command(after_help = take::EXAMPLES)]
    Take(take::TakeArgs),
    /// List every thread, with the goroutine that it runs, its registers, and its stack
    #[command(after_help = threads::EXAMPLES)]
    Threads {
        #[command(flatten)]
        core: file::CoreArgs,
        #[command(flatten)]
        show: threads::ThreadArgs,
    },
}

/// `coroner core`
pub const TOOL: Tool = cli::tool!(
    "core",
    "Cores of containerd, shims and runc: every goroutine, stripped or not",
    Args,
    run
);

impl Verb {
    /// Whether files alone are read: processes, and nodes beside a core, lock down by themselves.
    const fn reads_files(&self) -> bool {
        match self {
            Self::Take(_) => false,
            Self::Goroutines(args) => !args.is_live(),
            Self::Export(args) => !args.is_live(),
            Self::Deadlocks(args) => !args.is_live() && !args.has_node(),
            _ => true,
        }
    }
}

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    if args.verb.reads_files() {
        cli::lock_down(&[]);
    }
    match args.verb {
        Verb::Info { core } => info::run(&core, out),
        Verb::Goroutines(args) => goroutines::run(&args, out),
        Verb::Deadlocks(args) => deadlocks::run(&args, out),
        Verb::Export(args) => export::run(&args, out),
        Verb::Env { core } => text::environment(&core, out),
        Verb::Fds { core } => fds::run(&core, out),
        Verb::Memory { core } => memory::run(&core, out),
        Verb::Strings(args) => text::strings(&args, out),
        Verb::Take(args) => take::run(&args, out),
        Verb::Threads { core, show } => threads::run(&core, show, out),
    }
}
