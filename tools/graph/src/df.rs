//! `coroner df`: where the space is, and what could be had back.

mod answer;
mod measured;
mod things;
mod users;

use cli::{Case, EvidenceArgs, Out, Outcome, Tool};
use daemon::gc;
use finding::Time;

use crate::judged::JudgedArgs;
use answer::Df;

/// Arguments of `coroner df`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner df /mnt/node                 measured: the total is what du(1) says
  coroner df --fast /                  recorded sizes only, in a moment
  coroner df --layers node.tar.zst     every snapshot, its size, and how many use it

Sizes are bytes on disk: an inode counts once, however many names it has, and holes take nothing.
A tar does not tell blocks; then sizes are those of the files' contents.")]
pub(crate) struct Args {
    /// Walk no directory: committed layers as recorded, blobs as listed, nothing of writable layers
    #[arg(long)]
    fast: bool,
    /// List snapshots, too
    #[arg(long)]
    layers: bool,
    /// How many directories are read at the same time (0: as many as there are cores)
    #[arg(long, value_name = "N", default_value_t = 0)]
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

/// The end of the year 9999: every lease that ends has ended.
const LATEST: Time = Time::new(253_402_300_799, 0);

#[expect(
    clippy::needless_pass_by_value,
    reason = "as every tool takes its arguments"
)]
fn run(args: Args, out: &mut Out) -> Outcome {
    let case = Case::open(&args.evidence)?;
    let node = case.node()?;
    let judged = args.judged.of(&node)?;
    let mut things = things::Things::of(&node);
    if args.fast {
        things.unmeasured(&node);
    } else {
        measured::measure(&case, &node, &mut things, args.jobs, out);
    }
    let users = users::Users::of(&node, &things);
    let now = gc::simulate(&node, judged.daemon, judged.at).ok();
    let later = gc::simulate(&node, judged.daemon, LATEST).ok();
    out.answer(&Df::new(
        case.about(&node),
        judged,
        (args.fast, args.layers),
        &things,
        &users,
        now.as_ref().zip(later.as_ref()),
        node.meta.lost(),
    ))
}
