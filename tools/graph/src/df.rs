//! `coroner df`: what takes the space, and what can be reclaimed.

mod answer;

use cli::{Case, EvidenceArgs, Out, Outcome, Tool};
use measure::Control;
use refs::Df;

use crate::judged::{Answered, JudgedArgs};

/// Arguments of `coroner df`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner df /mnt/node                 measured: the total is what du(1) says
  coroner df --no-usage /              recorded sizes only, in a moment
  coroner df --layers node.tar.zst     every snapshot, its size, and how many use it

Sizes are bytes on disk: an inode counts once, however many names it has, and holes take nothing.
A tar does not tell blocks; then sizes are those of the files' contents.")]
pub(crate) struct Args {
    /// Measure directories (the default)
    #[arg(long, overrides_with = "no_usage")]
    usage: bool,
    /// Walk no directory: committed layers as recorded, blobs as listed, nothing of writable layers
    #[arg(long, overrides_with = "usage")]
    no_usage: bool,
    /// Layers, too: a line for each snapshot
    #[arg(long)]
    layers: bool,
    /// How many directories are read at the same time (0: as many as there are cores)
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    jobs: usize,
    #[command(flatten)]
    judged: JudgedArgs,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// `coroner df`
pub const DF: Tool = cli::tool!(
    "df",
    "Where the space is: images, layers, namespaces; shared, unique, reclaimable",
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
    let it = if args.no_usage {
        Df::measure_usage(&case.evidence, &node, &judged, None, args.layers)
    } else {
        let cancel = out.cancel();
        let progress = out.counting("entries of the stores");
        let control = Control {
            jobs: args.jobs,
            cancel: &cancel,
            progress: &|entries| progress.add(entries),
            ..Control::default()
        };
        Df::measure_usage(&case.evidence, &node, &judged, Some(&control), args.layers)
    };
    out.answer(&Answered {
        about: case.about(&node),
        judged,
        it,
    })
}
