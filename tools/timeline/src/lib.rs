//! `coroner timeline`: one stream of times over all stores of a node.
//!
//! ```text
//! $ coroner timeline NODE --only container=web-1
//! 2026-11-21T08:30:00.121Z        created   meta         container k8s.io/web-1 (image nginx:1)
//! 2026-11-21T08:30:00.4Z          started   cri          status of container k8s.io/web-1 (pid 71)
//! 2026-11-21T08:31:07.9Z          mac.      files        regular file /etc/passwd of container …
//! ```
//!
//! Times come from everything that keeps any: every object of meta.db and of the snapshotters'
//! databases (what is carved from pages that were freed is marked as such), the content store, the
//! directories of containers, the CRI's and runc's files, logs, configuration.

mod sort;
mod write;

use cli::{Case, EvidenceArgs, Failure, Out, Outcome, PeriodArgs, Tool};
use measure::Control;
use timeline::{Only, Options, Subject, Wanted};

/// Arguments of `coroner timeline`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    evidence: EvidenceArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// Only what belongs to this: container=ID (or how it begins, or apps/web/server), namespace=NAME, image=NAME,
    /// kind=KIND, store=STORE, path=PATH (in the container); several of one key add
    #[arg(long, value_name = "KEY=VALUE", value_parser = Only::parse)]
    only: Vec<Only>,
    /// Layers, too: the files of committed layers, not only those of containers
    #[arg(long)]
    layers: bool,
    /// Do not walk the files of containers
    #[arg(long, conflicts_with = "layers")]
    no_files: bool,
    /// Do not look for what was deleted from the databases
    #[arg(long)]
    no_carve: bool,
}

const EXAMPLES: &str = "Each line: time, what happened, which store says so, to what. Of files: m contents modified,
a read, c inode changed, b made. In brackets: what the databases no longer have, and how it is known.

Examples:
  coroner timeline /mnt/image --from 2026-11-20 --to 2026-11-22
  coroner timeline / --only container=4f3c --only store=files
  coroner timeline node.tar.zst --format jsonl -o node.jsonl       for Timesketch
  coroner timeline /mnt/image --format bodyfile -o body && mactime -b body -d -y -z UTC";

/// `coroner timeline`
pub const TOOL: Tool = cli::tool!(
    "timeline",
    "When things happened, over all stores, deleted objects included",
    Args,
    run
);

/// Filters by a container that is named as in its pod are filters by its ID, too.
fn named(node: &node::Node, only: Vec<Only>) -> Vec<Only> {
    let ids = |one: &Only| match one {
        Only::Container(name) => name
            .utf8()
            .map_or_else(Vec::new, |name| names::container_ids(node, name)),
        _ => Vec::new(),
    };
    let ids: Vec<Only> = only.iter().flat_map(ids).map(Only::Container).collect();
    only.into_iter().chain(ids).collect()
}

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    let period = args.period.checked()?;
    let case = Case::open(&args.evidence)?;
    let node = case.node()?;
    if let Err(unread) = &node.root {
        let root = node::path_text(&node.roots.root);
        return Err(Failure::unread(format!("{root} {unread}"))
            .hint("check that the right disk is mounted, or name the root with --root"));
    }
    let wanted = Wanted {
        from: period.from,
        to: period.to,
        only: named(&node, args.only),
    };
    let options = Options {
        carve: !args.no_carve,
        files: !args.no_files,
        layers: args.layers,
    };
    let spool = args.evidence.places.spool.clone();
    let spool = spool.unwrap_or_else(std::env::temp_dir);
    let cancel = out.cancel();
    let progress = out.counting("gathering times");
    let mut sink = write::Sink::new(out, spool);
    let control = Control {
        cancel: &cancel,
        progress: &|entries| progress.add(entries),
        ..Control::default()
    };
    let mut give = |subject: &Subject| sink.add(subject, &wanted, out);
    let wish = (&wanted, options);
    let unknown = timeline::gather(&case.evidence, &node, wish, &control, &mut give)?;
    drop(progress);
    sink.finish(&case.about(&node), &wanted, unknown, out)
}
