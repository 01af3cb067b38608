//! `coroner owner`: whose a path, an inode or a mount is.

mod answer;

use std::path::{Path, PathBuf};

use cli::{Case, EvidenceArgs, Failure, Out, Outcome, Tool};
use content::{Digest, Store};
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
    /// A path inside the node, the number of a snapshot, the digest of a blob, or a line of /proc/PID/mountinfo or
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
        let path = path_meant(&node, path)?;
        owned.extend(owners.owners_of_path(&path).map_err(no_snapshot)?);
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

/// Digits of a digest that are enough to mean it.
const ENOUGH: usize = 6;

/// The path that was meant: a digest, or the beginning of one, is that of a blob. What else has no slash is
/// the name of something: of that it must not be said that it is nothing of containerd's.
fn path_meant(node: &node::Node, asked: &Path) -> Result<PathBuf, Failure> {
    let text = asked.to_str().unwrap_or_default();
    let is_path = text.contains(['/', '=', ' ']) || text.parse::<u64>().is_ok();
    if is_path || text.is_empty() {
        return Ok(asked.to_owned());
    }
    let root = node.content_root();
    if let Ok(digest) = Digest::parse(text) {
        return Ok(Store::path_of(&root, &digest));
    }
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let is_hex = hex.len() >= ENOUGH && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let blobs = node.content.read().map_or(&[][..], |store| &store.blobs);
    let mut fits = blobs
        .iter()
        .filter(|blob| is_hex && blob.digest.hex().starts_with(hex));
    let shown = cli::shown(asked);
    match (fits.next(), fits.next()) {
        (Some(only), None) => Ok(Store::path_of(&root, &only.digest)),
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "{shown} begins the digests of several blobs"
        ))
        .hint("give more digits")),
        (None, _) => Err(Failure::usage(format!(
            "{shown} is neither a path, nor the number of a snapshot, nor the digest of a blob that is there"
        ))
        .hint(
            "`coroner why NODE NAME` says what keeps an image, a container, a blob or a snapshot of that name",
        )),
    }
}

fn no_snapshot(NoSnapshot(id): NoSnapshot) -> Failure {
    Failure::usage(format!("no snapshotter has a snapshot {id}"))
        .hint("`coroner snapshots ls` lists them")
}
