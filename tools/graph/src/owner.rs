//! `coroner owner`: whose a path, an inode or a mount is.

mod answer;

use std::path::{Path, PathBuf};

use cli::{Case, EvidenceArgs, Failure, Out, Outcome, Tool};
use measure::Control;
use refs::owner::{self, NoSnapshot, Owners};

use answer::Owner;

/// Arguments of `coroner owner`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner owner /mnt/node /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/232/fs/etc/passwd
  coroner owner node.tar.zst 232                       the snapshot of this number
  coroner owner / \"$(grep ' /proc/4711/root ' mounts)\"  every layer of a mount, in order
  coroner owner /mnt/node --inode 1835012              all names of an inode, and whose they are

A path may stand below another root (/mnt/node/…, /host/…): what follows the first folder
of containerd's that is known counts.")]
pub(crate) struct Args {
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// A path inside the node, the number of a snapshot, or a line of /proc/PID/mountinfo or
    /// /proc/mounts (its options alone will do)
    #[arg(value_name = "PATH", required_unless_present = "inode")]
    path: Vec<PathBuf>,
    /// Search the stores for the names of this inode
    #[arg(long, value_name = "N")]
    inode: Option<u64>,
}

/// `coroner owner`
pub const OWNER: Tool = cli::tool!(
    "owner",
    "Which snapshot, image, container and pod a path, inode or mount belongs to",
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
    // Paths of this machine that lead into the evidence: to where the node begins in it.
    let below = case.evidence.begins_at();
    let below = below.and_then(|path| path.strip_prefix("/").ok());
    let called = args
        .evidence
        .evidence
        .join(below.unwrap_or_else(|| Path::new("")));
    let owners = Owners::new(&case.evidence, &node, &called);
    let mut owned = Vec::new();
    for path in &args.path {
        owned.extend(owners.owners_of_path(path).map_err(no_snapshot)?);
    }
    let mut unknown = owner::unknown(&node);
    if let Some(inode) = args.inode {
        let cancel = out.cancel();
        let progress = out.counting("entries searched");
        let control = Control {
            cancel: &cancel,
            progress: &|entries| progress.add(entries),
            ..Control::default()
        };
        let (names, lost) = owners.of_inode(inode, &control).map_err(no_snapshot)?;
        owned.extend(names);
        let is_whole = lost.is_empty();
        unknown.extend(lost);
        if owned.is_empty() && is_whole {
            return Err(Failure::usage(format!(
                "no name below the node's stores has the inode {inode}"
            ))
            .hint("inode numbers are those of one file system; a tar keeps none"));
        }
    }
    out.answer(&Owner {
        about: case.about(&node),
        owned,
        unknown,
    })
}

fn no_snapshot(NoSnapshot(id): NoSnapshot) -> Failure {
    Failure::usage(format!("no snapshotter has a snapshot {id}"))
        .hint("`coroner snapshots ls` lists them")
}
