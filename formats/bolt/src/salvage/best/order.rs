//! Which of several trees is the newest, where each makes up the file.
//!
//! A transaction writes over no page of the one before, so with both metas gone the trees of the last two stand
//! whole, each with its list of free pages, and nothing of their form tells them apart. What does:
//!
//! - what the program never does backwards: its [`Schema`] knows;
//! - the pages that were taken: a library that keeps free pages in an array gives the lowest first. What the
//!   newer tree took of what was free in the older one are the lowest; the other way round they hardly are.

use std::collections::BTreeSet;

use super::partition::{Lists, Tree};
use crate::{db::Db, page::PageId, schema::Schema};

/// Trees that are compared with one another.
pub(super) const COMPARED: usize = 32;

/// Of `trees`, with the best first, the newest, and those of which nothing tells whether they are newer.
pub(super) fn newest(
    trees: &[Db<'_>],
    schema: Option<&'static dyn Schema>,
    lists: &mut Lists<'_>,
) -> (usize, Vec<usize>) {
    let Some(schema) = schema else {
        return (0, (1..trees.len()).collect());
    };
    let older = schema.older(trees);
    let is_old = |index: &usize| older.iter().any(|older| older.contains(index));
    let mut left: Vec<usize> = (0..trees.len()).filter(|index| !is_old(index)).collect();
    // Where all are older than another one, nothing is proven.
    if left.is_empty() {
        left = (0..trees.len()).collect();
    }
    let pages: Vec<Option<Tree>> = trees
        .iter()
        .map(|db| lists.taken(db.meta().root, db.meta().freelist))
        .collect();
    let takes = |from: usize, to: usize| {
        let (from, to) = (pages.get(from)?.as_ref()?, pages.get(to)?.as_ref()?);
        to.takes_lowest(from)
    };
    let is_next =
        |from: usize, to: usize| takes(from, to) == Some(true) && takes(to, from) == Some(false);
    let before: BTreeSet<usize> = left
        .iter()
        .copied()
        .filter(|one| left.iter().any(|other| is_next(*one, *other)))
        .collect();
    if before.len() < left.len() {
        left.retain(|index| !before.contains(index));
    }
    let first = left.first().copied().unwrap_or(0);
    (first, left.into_iter().skip(1).collect())
}

impl Tree {
    /// Whether the pages that this tree took of those that are free in `from` are the lowest of them; none: it
    /// took none.
    pub(super) fn takes_lowest(&self, from: &Self) -> Option<bool> {
        let end = self.end().max(from.end());
        let free = || (2..end.0).map(PageId).filter(|page| !from.has(*page));
        let last = free().filter(|page| self.is_single(*page)).max()?;
        Some(free().all(|page| page > last || self.has(page)))
    }
}
