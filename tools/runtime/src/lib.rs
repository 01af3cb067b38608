//! `coroner runtime`: what runc, crun, containerd's bundles and the CRI plugin left of containers.
//!
//! ```text
//! $ coroner runtime ls node.tar.zst        every container that a runtime or a bundle knows
//! NAMESPACE  ID       STATE    FOR    KNOWN  PID  CRI      CONTAINER  POD
//! default    fresh    created  4 s    sure   374  -        -          -
//! default    sleeper  started  6 s    sure   131  -        -          -
//! k8s.io     00233e…  started  2 s    sure   584  running  server     apps/web
//! k8s.io     3f4f4a…  started  2 s    sure   548  -        (sandbox)  apps/web
//!
//! # coroner runtime stuck                which containers of this machine hang, why, what is safe
//!
//! $ coroner runtime fifo node.tar.zst fresh        what the times of exec.fifo tell; it is never opened
//! /run/containerd/runc/default/fresh/exec.fifo
//!   what        fifo
//!   mode        0622, owner 0:0
//!   mtime       2026-11-21T05:00:57.3017234Z (2 s)
//!   state file  2026-11-21T05:00:57.333879421Z (2 s)
//!   state       created: exec.fifo was not written to since state.json
//!   next        Start the task or delete it through containerd. Do not open, read or write …
//!
//! $ coroner runtime show NODE ID           everything that is known of one, and what is wrong
//! $ coroner runtime shims NODE             which shim serves which tasks, and at which socket
//! $ coroner runtime explain "LOG LINE"     which known state a message belongs to
//! ```
//!
//! The state of a container is worked out from the evidence: runc itself stores none. On a machine that
//! runs, and in a bundle of one, processes and cgroups are judged, too (`runtime stuck` says why and
//! what to do); elsewhere files alone. `sure`: nothing else explains the evidence; `likely`:
//! something else could; `unknowable`: the evidence does not tell. Files never tell whether an init
//! process runs.

mod explain;
mod fifo;
mod goroutines;
mod live;
mod ls;
mod mounts;
mod shims;
mod show;
mod stuck;

use cli::{EvidenceArgs, Out, Outcome, Tool};

pub use goroutines::blamed;
pub use live::{Judged, judge, judge_opened};

/// Arguments of `coroner runtime`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List every container that runc, crun or a bundle knows
    Ls {
        /// Only this namespace
        #[arg(short, long, value_name = "NAME")]
        namespace: Option<String>,
        /// Containers without a task, too: those of meta.db and of the CRI plugin
        #[arg(short, long)]
        all: bool,
        #[command(flatten)]
        node: live::NodeArgs,
    },
    /// Say which containers hang, why, and what is safe to do
    #[command(long_about = stuck::ABOUT, after_help = stuck::EXAMPLES)]
    Stuck {
        /// Healthy containers, too
        #[arg(short, long)]
        all: bool,
        /// Only this namespace
        #[arg(short, long, value_name = "NAME")]
        namespace: Option<String>,
        #[command(flatten)]
        node: live::NodeArgs,
    },
    /// Show everything that is known of one container, and what is wrong with it
    Show {
        #[command(flatten)]
        evidence: EvidenceArgs,
        /// The container's id, or the beginning of it if no other begins so
        id: String,
    },
    /// Show a container's exec.fifo and what its times tell; it is never opened
    Fifo {
        #[command(flatten)]
        evidence: EvidenceArgs,
        /// The container's id, or the beginning of it if no other begins so
        id: String,
    },
    /// List shims: their processes, their sockets, and the tasks that they serve
    #[command(long_about = shims::ABOUT, after_help = shims::EXAMPLES)]
    Shims {
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// List mounts, network namespaces and cgroups of containers, and what is left over of them
    #[command(long_about = mounts::ABOUT, after_help = mounts::EXAMPLES)]
    Mounts {
        /// Only what is left over or broken
        #[arg(long)]
        left: bool,
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Say which known state a log line of runc, a shim, containerd or kubelet belongs to
    Explain {
        /// The line, or a piece of it
        line: String,
    },
}

/// `coroner runtime`
pub const TOOL: Tool = cli::tool!(
    "runtime",
    "What runc, bundles and shims left of containers",
    Args,
    run
);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    match args.verb {
        Verb::Ls {
            namespace,
            all,
            node,
        } => ls::run(namespace.as_deref(), all, &node.evidence(), out),
        Verb::Stuck {
            all,
            namespace,
            node,
        } => stuck::run(all, namespace.as_deref(), &node.evidence(), out),
        Verb::Show { evidence, id } => show::run(&id, &evidence, out),
        Verb::Fifo { evidence, id } => fifo::run(&id, &evidence, out),
        Verb::Shims { evidence } => shims::run(&evidence, out),
        Verb::Mounts { left, evidence } => mounts::run(left, &evidence, out),
        Verb::Explain { line } => explain::run(&line, out),
    }
}
