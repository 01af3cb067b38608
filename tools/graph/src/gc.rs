//! `coroner gc`: what containerd's garbage collector would keep and delete.

mod answer;

use cli::{Case, EvidenceArgs, Failure, Out, Outcome, Tool};
use daemon::gc;
use refs::gc::{Measured, Simulation};

use crate::judged::{Answered, JudgedArgs};

/// Arguments of `coroner gc`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner gc --simulate /mnt/node                       what a start would collect
  coroner gc --simulate --at +24h node.tar.zst          … when the leases of pulls have ended
  coroner gc --simulate --daemon 2.1 node.tar.zst       … after an upgrade
  coroner gc --simulate --dirty --usage /mnt/node       … once something else is deleted; measured

Nothing is ever collected by coroner: deleting is the daemon's.")]
pub(crate) struct Args {
    /// Simulate (the only thing that this verb does)
    #[arg(long)]
    simulate: bool,
    /// As if something had been deleted from each store before: leftovers are collected, too
    #[arg(long)]
    dirty: bool,
    /// List what is kept, too, and what keeps it
    #[arg(long)]
    all: bool,
    /// Measure what is deleted where no size is recorded: writable layers, leftover directories
    #[arg(long)]
    usage: bool,
    /// How many directories are read at the same time (0: as many as there are cores)
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    jobs: usize,
    #[command(flatten)]
    judged: JudgedArgs,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// `coroner gc`
pub const GC: Tool = cli::tool!(
    "gc",
    "What containerd's garbage collector would keep and delete",
    Args,
    run
);

#[expect(
    clippy::needless_pass_by_value,
    reason = "as every tool takes its arguments"
)]
fn run(args: Args, out: &mut Out) -> Outcome {
    let case = Case::open(&args.evidence)?;
    let node = case.node()?;
    let judged = args.judged.judge_node(&node)?;
    let collection = gc::simulate_with(&node, judged.daemon, judged.at, args.dirty)
        .map_err(|unknown| no_meta(&node, &unknown))?;
    let measured = if args.usage {
        let cancel = out.cancel();
        let control = measure::Control {
            jobs: args.jobs,
            cancel: &cancel,
            ..measure::Control::default()
        };
        refs::gc::measure(&case.evidence, &collection, &control)
    } else {
        Measured::default()
    };
    let options = (args.dirty, args.all);
    out.answer(&Answered {
        about: case.about(&node),
        judged,
        it: Simulation::new(&node, &collection, &measured, options),
    })
}

/// Why nothing can be said of references.
pub(crate) fn no_meta(node: &node::Node, unknown: &finding::Unknown) -> Failure {
    let failure = Failure::unread(format!(
        "nothing is known of what refers to what: {}: {}",
        unknown.what, unknown.why
    ));
    if node.meta.state == node::DatabaseState::Unread(finding::Unread::Denied) {
        return failure.hint("run it as root");
    }
    failure.hint(
        "a daemon takes a missing or empty meta.db for new: it starts, and its next collections \
         delete every snapshot and blob; do not start it (`coroner triage` says more)",
    )
}
