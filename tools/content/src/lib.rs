//! `coroner content`: the content store, blob by blob.
//!
//! ```text
//! $ coroner content ls NODE
//! DIGEST                SIZE      KIND      NAMESPACES  STATE    USED BY
//! sha256:4bcff63911fc   1.2 KiB   manifest  k8s.io      ok       image k8s.io/localhost/app:1
//! sha256:9a1cd8b0e0d3   3.4 MiB   layer 0   k8s.io      missing  image k8s.io/localhost/app:1
//! $ coroner content verify NODE                 every blob re-hashed, on all cores
//! 41 of 42 blobs are what their names promise (1.2 GiB hashed).
//! ```
//!
//! `ls` opens no blob but manifests and configurations: STATE compares names, sizes and rows of
//! meta.db. `verify` reads every byte. Neither calls a blob unknown to meta.db, or missing, on the
//! strength of a store that could not be read whole.

mod ls;
mod verify;

use cli::{EvidenceArgs, Out, Outcome, Tool};

/// Arguments of `coroner content`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List blobs and unfinished writes
    Ls {
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Re-hash every blob and compare it with its name
    Verify {
        /// How many blobs are read at the same time; 0 for as many as there are cores. One is
        /// best for a rotational disk
        #[arg(short, long, value_name = "N", default_value_t = 0)]
        jobs: usize,
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
}

/// `coroner content`
pub const TOOL: Tool = cli::tool!(
    "content",
    "The content store: blobs, sizes, digests",
    Args,
    run
);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    match args.verb {
        Verb::Ls { evidence } => ls::run(&evidence, out),
        Verb::Verify { jobs, evidence } => verify::run(&evidence, jobs, out),
    }
}
