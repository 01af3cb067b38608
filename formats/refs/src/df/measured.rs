//! One walk over everything below the stores.

use std::collections::BTreeSet;
use std::path::PathBuf;

use evidence::Evidence;
use finding::Known;
use measure::{Control, Space, Tree};
use node::Node;

use super::things::{Thing, Things, What};

/// Measures each thing, and what lies around them: every inode below the roots, once.
pub(super) fn measure(
    evidence: &Evidence,
    node: &Node,
    things: &mut Things,
    control: &Control<'_>,
) {
    let paths: BTreeSet<PathBuf> = things.by_path.keys().cloned().collect();
    let walked = paths.iter().map(|path| (path.clone(), path.clone()));
    let trees = measure::trees(evidence, walked, control);
    for (path, tree) in trees {
        things.unknown.extend(tree.unknown().iter().cloned());
        let known = match tree {
            Known::Whole(tree) | Known::Partial(tree, _) => Some(tree),
            Known::Lost(_) => None,
        };
        if let Some(thing) = things.by_path.get_mut(&path) {
            thing.tree = known;
        }
    }
    // The rest: everything else below the root, and below what is kept elsewhere.
    let mut roots: Vec<PathBuf> = vec![node.roots.root.clone()];
    let elsewhere = node
        .snapshotters
        .iter()
        .map(|snapshotter| &snapshotter.root);
    for root in elsewhere {
        let is_there = evidence.stat(root).is_ok();
        if is_there && !roots.iter().any(|outer| root.starts_with(outer)) {
            roots.push(root.clone());
        }
    }
    for root in roots {
        let tree = measure::tree(evidence, &root, &paths, control);
        things.unknown.extend(tree.unknown().iter().cloned());
        let Some(tree) = tree.read().cloned() else {
            continue;
        };
        let rest = Thing {
            what: What::Rest,
            recorded: None,
            tree: Some(tree),
            space: None,
        };
        things.by_path.insert(root, rest);
    }
    settle(things);
}

/// Gives each inode with several names to the first thing that has it.
fn settle(things: &mut Things) {
    let mut seen = BTreeSet::new();
    let mut total = Space::NONE;
    for thing in things.by_path.values_mut() {
        let space = thing.tree.as_ref().map(|tree: &Tree| tree.space(&mut seen));
        total = space.map_or(total, |space| total.and(space));
        thing.space = space;
        thing.tree = None;
    }
    things.total = Some(total);
    things.measured = true;
    things
        .unknown
        .sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
    things.unknown.dedup();
}
