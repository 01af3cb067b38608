//! `coroner snapshots`: what the snapshotters' databases, meta.db and the directories say.
//!
//! ```text
//! $ coroner snapshots tree NODE
//! overlayfs
//!    1  committed  k8s.io  sha256:1d9a…          4.2 MiB
//!    2  committed  k8s.io  sha256:77ab…          1.1 MiB
//!    ├─ 5  active  k8s.io  4f3c…  container k8s.io/4f3c…
//!    └─ 7  active  k8s.io  9b1e…  DIRECTORY MISSING
//! ```
//!
//! A chain stands in one column, however deep; only where it forks does it move to the right. Ids
//! are those of the directories.

mod check;
mod line;
mod ls;
mod tree;

use cli::{EvidenceArgs, Out, Outcome, Tool};

/// Arguments of `coroner snapshots`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List snapshots, and directories that are none
    Ls {
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Show which snapshot stands on which
    Tree {
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Compare metadata.db, meta.db and the directories
    Check {
        /// Measure the directory of every committed layer and compare it with what it was
        #[arg(long)]
        usage: bool,
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
}

/// `coroner snapshots`
pub const TOOL: Tool = cli::tool!(
    "snapshots",
    "Snapshots: databases, directories, trees",
    Args,
    run
);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    match args.verb {
        Verb::Ls { evidence } => ls::run(&evidence, out),
        Verb::Tree { evidence } => tree::run(&evidence, out),
        Verb::Check { usage, evidence } => check::run(&evidence, usage, out),
    }
}
