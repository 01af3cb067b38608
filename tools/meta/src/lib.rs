//! `coroner meta`: containerd's meta.db, object by object.
//!
//! ```text
//! $ coroner meta ls NODE images
//! NAMESPACE  NAME                 TARGET               CREATED
//! k8s.io     localhost/app:1      sha256:4bcff6301b2c  2026-11-21T03:59:10Z
//! $ coroner meta show NODE image localhost/app:1      everything that meta.db says of it
//! $ coroner meta history NODE image localhost/app:1   each version of it that can be found
//! ```
//!
//! A name may be the beginning of one, a digest without `sha256:`, and have its namespace (of a
//! snapshot also its snapshotter) before it: `k8s.io/3f1c`, as `coroner why` takes them.
//!
//! Lists hold all namespaces unless `-n` names one. Where a damaged page hides rows, the list says
//! so on its last lines and the exit code has 8: an incomplete list is never mistaken for a complete
//! list.

mod history;
mod kind;
mod list;
mod pods;
mod show;

use cli::{EvidenceArgs, Out, Outcome, Tool};

pub use kind::Kind;

/// Arguments of `coroner meta`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List objects of one kind
    Ls {
        #[command(flatten)]
        evidence: EvidenceArgs,
        /// What to list
        #[arg(value_enum)]
        kind: Kind,
        /// Only this namespace
        #[arg(short, long, value_name = "NAME")]
        namespace: Option<String>,
    },
    /// Show one object from its oldest version to its newest: in both trees, and on pages that neither
    /// uses any more
    #[command(after_help = "Examples:
  coroner meta history NODE image docker.io/library/app:1
  coroner meta history NODE container 3f1c -n k8s.io       a deleted one, too, if it was carved")]
    History {
        #[command(flatten)]
        evidence: EvidenceArgs,
        /// What it is
        #[arg(value_enum)]
        kind: Kind,
        /// Its name, a digest or an id, or the beginning of one if no other begins so; NAMESPACE/NAME, too
        name: String,
        /// Only this namespace
        #[arg(short, long, value_name = "NAME")]
        namespace: Option<String>,
    },
    /// Show everything that meta.db says of one object
    Show {
        #[command(flatten)]
        evidence: EvidenceArgs,
        /// What it is
        #[arg(value_enum)]
        kind: Kind,
        /// Its name, a digest or an id, or the beginning of one if no other begins so; NAMESPACE/NAME, too
        name: String,
        /// Only this namespace
        #[arg(short, long, value_name = "NAME")]
        namespace: Option<String>,
    },
}

/// `coroner meta`
pub const TOOL: Tool = cli::tool!("meta", "containerd's meta.db, object by object", Args, run);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    match args.verb {
        Verb::Ls {
            kind,
            namespace,
            evidence,
        } => list::run(kind, namespace.as_deref(), &evidence, out),
        Verb::History {
            kind,
            name,
            namespace,
            evidence,
        } => history::run(kind, &name, namespace.as_deref(), &evidence, out),
        Verb::Show {
            kind,
            name,
            namespace,
            evidence,
        } => show::run(kind, &name, namespace.as_deref(), &evidence, out),
    }
}
