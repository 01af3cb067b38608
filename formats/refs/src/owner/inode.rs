//! Names of an inode below the stores.

use std::path::PathBuf;

use evidence::Evidence;
use finding::Unknown;
use measure::{Control, Step, Walk, WalkLimits};
use node::Node;

/// What a search found.
pub(super) struct Found {
    pub(super) paths: Vec<PathBuf>,
    pub(super) unknown: Vec<Unknown>,
}

/// Most names that are told: an inode of more is a flood.
const MOST: usize = 1000;

/// Walks the root, the state, and snapshotters that are kept elsewhere.
pub(super) fn search(evidence: &Evidence, node: &Node, inode: u64, control: &Control<'_>) -> Found {
    let mut roots: Vec<PathBuf> = vec![node.roots.root.clone(), node.roots.state.clone()];
    let elsewhere = node
        .snapshotters
        .iter()
        .map(|snapshotter| &snapshotter.root);
    for root in elsewhere {
        if !roots.iter().any(|outer| root.starts_with(outer)) {
            roots.push(root.clone());
        }
    }
    let mut found = Found {
        paths: Vec::new(),
        unknown: Vec::new(),
    };
    let mut tells = false;
    let mut more = 0_usize;
    for root in roots {
        // An image of a disk has no state: that is no lack.
        if evidence.stat(&root).is_err() {
            continue;
        }
        for step in Walk::new(evidence, &root, WalkLimits::default()) {
            (control.progress)(1);
            if control.cancel.load(std::sync::atomic::Ordering::Relaxed) {
                found
                    .unknown
                    .push(Unknown::new("the rest of the names", "it was interrupted"));
                return found;
            }
            match step {
                Step::Unknown(what) => found.unknown.push(what),
                Step::Entry { path, stat, .. } => {
                    tells |= stat.ino.is_some();
                    if stat.ino != Some(inode) {
                        continue;
                    }
                    if found.paths.len() < MOST {
                        found.paths.push(path);
                    } else {
                        more = more.saturating_add(1);
                    }
                }
            }
        }
    }
    if more > 0 {
        found.unknown.push(Unknown::new(
            format!("{more} more names of the inode"),
            format!("only {MOST} are looked at"),
        ));
    }
    if !tells {
        let why = "the evidence does not tell inodes (a tar does not)";
        found
            .unknown
            .push(Unknown::new("which names the inode has", why));
    }
    found
}
