//! `coroner owner`: whose a path, an inode or a mount is.

mod answer;
mod inode;
mod mount;
mod place;
mod resolve;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cli::{Case, EvidenceArgs, Failure, Out, Outcome, Tool};
use evidence::Evidence;
use finding::Unknown;
use node::Node;

use answer::{Owned, Owner};
use place::Is;
use resolve::Resolver;

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
    let resolver = Resolver::new(&node);
    let mut owned = Vec::new();
    for path in &args.path {
        let bytes = path.as_os_str().as_bytes();
        let parts = mount::parts(bytes);
        if parts.is_empty() {
            let inside = inside(&case.evidence, &node, &args.evidence.evidence, path);
            owned.extend(look_up(&case.evidence, &resolver, "path", &inside)?);
            continue;
        }
        for part in parts {
            let place = PathBuf::from(OsStr::from_bytes(&part.path));
            let inside = inside(&case.evidence, &node, &args.evidence.evidence, &place);
            owned.extend(look_up(&case.evidence, &resolver, part.role, &inside)?);
        }
    }
    let mut unknown = unknown(&node);
    if let Some(inode) = args.inode {
        let found = inode::search(&case, &node, inode, out);
        for path in found.paths {
            owned.extend(look_up(&case.evidence, &resolver, "inode", &path)?);
        }
        let is_whole = found.unknown.is_empty();
        unknown.extend(found.unknown);
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

/// What is not known of those who may own something.
fn unknown(node: &Node) -> Vec<Unknown> {
    let Some(meta) = &node.meta.rows else {
        return node.meta.lost().into_iter().collect();
    };
    let mut unknown = meta.unknown(|ns| &ns.images);
    unknown.extend(meta.unknown(|ns| &ns.containers));
    unknown.extend(meta.unknown(|ns| &ns.blobs));
    unknown.extend(meta.unknown_snapshots());
    for snapshotter in &node.snapshotters {
        match &snapshotter.db.rows {
            Some(rows) => unknown.extend(rows.snapshots.unknown().iter().cloned()),
            None => unknown.extend(snapshotter.db.lost()),
        }
    }
    unknown.sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
    unknown.dedup();
    unknown
}

/// A path of the node: without the evidence's own folder, where that was named, too.
fn inside(evidence: &Evidence, node: &Node, root: &Path, path: &Path) -> PathBuf {
    let known = |path: &Path| {
        let roots = [&node.roots.root, &node.roots.state];
        let elsewhere = node
            .snapshotters
            .iter()
            .map(|snapshotter| &snapshotter.root);
        roots
            .into_iter()
            .chain(elsewhere)
            .any(|root| path.starts_with(root))
    };
    if !path.is_absolute() || known(path) {
        return path.to_owned();
    }
    if let Ok(inner) = path.strip_prefix(root) {
        let inner = Path::new("/").join(inner);
        if known(&inner) || evidence.stat(&inner).is_ok() {
            return inner;
        }
    }
    // What a scanner in a container saw as /host/var/lib/containerd/io.containerd.….
    let mut tail = path.components();
    while tail.next().is_some() {
        let rest = Path::new("/").join(tail.as_path());
        if known(&rest) {
            return rest;
        }
        let first = tail.clone().next();
        let first = first.map(|part| part.as_os_str().as_bytes().to_vec());
        if first.is_some_and(|name| name.starts_with(b"io.containerd.")) {
            return node.roots.root.join(tail.as_path());
        }
    }
    path.to_owned()
}

fn look_up(
    evidence: &Evidence,
    resolver: &Resolver<'_>,
    asked: &'static str,
    path: &Path,
) -> Result<Vec<Owned>, Failure> {
    let number = path.to_str().and_then(|text| text.parse::<u64>().ok());
    if let Some(id) = number {
        let all = resolver.snapshots(id);
        if all.is_empty() {
            return Err(
                Failure::usage(format!("no snapshotter has a snapshot {id}"))
                    .hint("`coroner snapshots ls` lists them"),
            );
        }
        return Ok(all
            .into_iter()
            .map(|place| Owned::new(evidence, resolver, "number", place))
            .collect());
    }
    let place = resolver.place(path);
    // What a container has mounted lies in its layers.
    let upper = match &place.is {
        Is::Bundle {
            namespace,
            id,
            rootfs: Some(inner),
        } => resolver.upper(namespace, id, inner),
        _ => None,
    };
    let mut owned = vec![Owned::new(evidence, resolver, asked, place)];
    owned.extend(upper.map(|place| Owned::new(evidence, resolver, "upper", place)));
    Ok(owned)
}
