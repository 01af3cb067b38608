//! What goes into a tar, in order: of a whole tree, of what changed, of one layer by itself.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::Evidence;
use finding::{Text, Unknown};

use crate::merged::{Change, Comparison, Merged, MergedEntry, Seen};
use crate::overlay::{Marks, Opaque, Prefix, is_whiteout_device};

/// One step of writing a tar.
#[derive(Debug, Clone)]
pub enum Step {
    /// This file goes into it, under this path.
    Put(PathBuf, Box<MergedEntry>),
    /// The layers below have nothing under this path.
    Delete(PathBuf),
    /// Nothing of the layers below is seen through this directory.
    Opaque(PathBuf),
    /// Something is not known, and not in the tar.
    Lost(String),
}

fn lost(unknown: &Unknown) -> Step {
    Step::Lost(format!("{}: {}", unknown.what, unknown.why))
}

/// Everything in a tree.
pub fn tree_steps<'m>(tree: &'m Merged<'_>) -> impl Iterator<Item = Step> + 'm {
    tree.walk().map(|seen| match seen {
        Seen::Entry(path, entry) => Step::Put(path, entry),
        Seen::Unknown(_, unknown) => lost(&unknown),
    })
}

/// What makes `after` of `before`.
pub fn change_steps<'m, 'e>(
    before: &'m Merged<'e>,
    after: &'m Merged<'e>,
) -> impl Iterator<Item = Step> + use<'m, 'e> {
    Comparison::compare_trees(before, after).filter_map(|(path, change)| match change {
        Change::Added(entry) | Change::Changed { after: entry, .. } => {
            Some(Step::Put(path, Box::new(entry)))
        }
        Change::Deleted(_) => Some(Step::Delete(path)),
        Change::Same(_) => None,
        Change::Unknown(unknown) => Some(lost(&unknown)),
    })
}

/// A layer of overlayfs by itself: what it holds, with its marks as a layer's tar has them. What it
/// stands on is not looked at.
#[derive(Debug, Clone)]
pub struct Lone<'e> {
    evidence: &'e Evidence,
    /// As it lies there.
    plain: Merged<'e>,
    /// Without overlayfs' own attributes.
    seen: Merged<'e>,
    prefix: Prefix,
}

impl<'e> Lone<'e> {
    /// The layer whose files lie in `files`.
    pub fn new(evidence: &'e Evidence, files: &Path, prefix: Prefix) -> Self {
        Self {
            evidence,
            plain: Merged::plain(evidence, files.to_owned()),
            seen: Merged::overlay(evidence, vec![files.to_owned()], prefix),
            prefix,
        }
    }

    /// The tree whose extended attributes are those of the layer's tar: overlayfs' own are not
    /// among them.
    pub const fn tree(&self) -> &Merged<'e> {
        &self.seen
    }

    /// What goes into the layer's tar.
    pub fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        self.plain.walk().flat_map(move |seen| self.step(seen))
    }

    fn step(&self, seen: Seen) -> Vec<Step> {
        let (path, entry) = match seen {
            Seen::Entry(path, entry) => (path, entry),
            Seen::Unknown(_, unknown) => return vec![lost(&unknown)],
        };
        if is_whiteout_device(&entry.stat) == Some(true) {
            return vec![Step::Delete(path)];
        }
        let known = self.evidence.xattrs(&entry.place);
        let marks = known.read().map(|attrs| Marks::decode(attrs, self.prefix));
        let marks = marks.unwrap_or_default();
        let mut steps = Vec::new();
        if marks.redirect.is_some() || marks.metacopy.is_some() {
            steps.push(Step::Lost(format!(
                "{}: a part of it lies in a layer below, and which that is is not known",
                Text::from(path.as_os_str().as_bytes())
            )));
        }
        let is_opaque = entry.stat.is_dir() && marks.opaque == Some(Opaque::Yes);
        steps.push(Step::Put(path.clone(), entry));
        if is_opaque {
            steps.push(Step::Opaque(path));
        }
        steps
    }
}
