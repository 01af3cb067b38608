//! Where a root of the evidence lies on this machine.

use std::path::{Path, PathBuf};

/// The root at `inside`, a path in the evidence, where the evidence is the directory `node`.
pub(crate) fn on_this_machine(node: &Path, inside: &Path) -> PathBuf {
    let below = inside.strip_prefix("/").unwrap_or(inside);
    node.join(below)
}
