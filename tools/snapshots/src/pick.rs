//! Which snapshot is meant: by container, image, key or the number of its directory.

use cli::{Case, EvidenceArgs, Failure};
use names::Picked;
use node::Node;
use snapshots::Prefix;

/// Which snapshot, of which node.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PickArgs {
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    /// A container, an image, a snapshot (whole or as far as they are unique, with `NAMESPACE/`
    /// before them if you like), or the number of a snapshot's directory
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The snapshotter, where several have it
    #[arg(long, value_name = "NAME")]
    pub(crate) snapshotter: Option<String>,
    /// Read the marks of a mount with `userxattr`: `user.overlay.*`, as for rootless installations
    #[arg(long)]
    pub(crate) userxattr: bool,
}

impl PickArgs {
    /// The prefix of overlayfs' marks; a daemon without root mounts with `userxattr`.
    pub(crate) fn prefix(&self, node: &Node) -> Prefix {
        if self.userxattr || node.roots.whose.starts_with("rootless") {
            Prefix::User
        } else {
            Prefix::Trusted
        }
    }

    /// The snapshot that is meant.
    pub(crate) fn pick<'n>(&'n self, node: &'n Node) -> Result<Picked<'n>, Failure> {
        Ok(names::snapshot(
            node,
            &self.name,
            self.snapshotter.as_deref(),
        )?)
    }

    /// As [`pick`](Self::pick), and directories that no row owns by their number.
    pub(crate) fn pick_any<'n>(&'n self, node: &'n Node) -> Result<Picked<'n>, Failure> {
        Ok(names::directory(
            node,
            &self.name,
            self.snapshotter.as_deref(),
        )?)
    }
}

/// Opens the evidence and the node.
pub(crate) fn open(args: &EvidenceArgs) -> Result<(Case, Node), Failure> {
    let case = Case::open(args)?;
    let node = node(&case)?;
    Ok((case, node))
}

/// The node of a case, whose root is there.
pub(crate) fn node(case: &Case) -> Result<Node, Failure> {
    let node = case.node()?;
    names::has_root(&node)?;
    Ok(node)
}
