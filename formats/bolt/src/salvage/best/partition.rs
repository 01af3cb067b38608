//! Whether a tree, a list of free pages and the free pages make up a whole file.
//!
//! Below the high-water mark each page is one of the two metas, in use by the tree, free, or part of the
//! list that says so; none is two of these. So where both metas are gone, a root that goes with a list in
//! this way is the root of a transaction, and one that does not is that of a bucket, or an old page whose
//! tree was written over since.

use view::View;

use super::super::orphans::{each_pointer, free, sound};
use crate::{
    check::bits::Bits,
    db::Db,
    page::{Header, Kind, PageId},
    space::Space,
};

/// Lists of free pages that are tried.
const LISTS: usize = 64;
/// Of so many pages, one may be accounted for by nothing, where some of the tree cannot be read.
const SHARE: u64 = 10;

/// A list that goes with a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    pub(super) freelist: PageId,
    pub(super) high_water: PageId,
    /// Whether no page is left over.
    pub(super) is_exact: bool,
}

/// A list of free pages, wherever one stands.
struct List {
    page: PageId,
    own: u64,
    ids: Bits,
}

/// All lists of a file.
pub(super) struct Lists<'s> {
    space: Space<'s>,
    all: Vec<List>,
    /// Pages that are still gone through: each tree costs its own.
    budget: u64,
}

impl<'s> Lists<'s> {
    /// The lists in `view`; `db_of` gives a database whose meta names one of them.
    pub(super) fn of(view: View<'s>, page_size: u64, named: impl Fn(PageId) -> Db<'s>) -> Self {
        let pages = view.len().checked_div(page_size).unwrap_or(0);
        let space = Space {
            view,
            page_size,
            end: PageId(pages),
            is_thorough: true,
        };
        let list = |page: PageId| {
            let header = Header::read_page_header(space.run(page, 1).ok()?).ok()?;
            if header.id != page || header.kind() != Some(Kind::Freelist) {
                return None;
            }
            let ids = free(space, named(page).meta())?;
            let own = header.pages();
            Some(List { page, own, ids })
        };
        // The last ones that were written stand anywhere; those of a file that grew, at its end.
        let all = (2..pages).rev().filter_map(|id| list(PageId(id)));
        Self {
            space,
            all: all.take(LISTS).collect(),
            budget: pages.saturating_mul(8),
        }
    }

    /// The list that goes with the tree at `root`.
    pub(super) fn account(&mut self, root: PageId) -> Option<Account> {
        if self.all.is_empty() {
            return None;
        }
        let (tree, lost) = self.tree(root)?;
        let all = self.all.iter();
        let fits = all.filter_map(|list| self.with(&tree, lost, list));
        fits.max_by_key(|one| (one.is_exact, one.high_water))
    }

    /// The pages of a tree, and how many of them cannot be read; none if one is named twice.
    fn tree(&mut self, root: PageId) -> Option<(Bits, u64)> {
        let space = self.space;
        let mut tree = Bits::new(space.end);
        let (mut stack, mut lost) = (vec![root], 0_u64);
        while let Some(page) = stack.pop() {
            self.budget = self.budget.checked_sub(1)?;
            if page.0 < 2 || page >= space.end {
                lost = lost.saturating_add(1);
                continue;
            }
            let own = match sound(space, page) {
                Some((node, _)) => {
                    each_pointer(&node, |to, is_root| {
                        // A bucket inside its value has page 0.
                        if !is_root || to.0 != 0 {
                            stack.push(to);
                        }
                    });
                    node.header().pages()
                }
                None => {
                    lost = lost.saturating_add(u64::from(!self.is_empty_bucket(page)));
                    1
                }
            };
            let end = page.0.saturating_add(own);
            if !(page.0..end).all(|id| tree.insert(PageId(id))) {
                return None;
            }
        }
        Some((tree, lost))
    }

    /// Whether the page is the root of a bucket that holds nothing.
    fn is_empty_bucket(&self, page: PageId) -> bool {
        let header = self.space.run(page, 1).and_then(Header::read_page_header);
        header.is_ok_and(|header| {
            header.id == page && header.kind() == Some(Kind::Leaf) && header.count == 0
        })
    }

    /// How the tree goes with one list.
    fn with(&self, tree: &Bits, lost: u64, list: &List) -> Option<Account> {
        let own = list.page.0..list.page.0.saturating_add(list.own);
        let (mut left, mut pending, mut last) = (0_u64, 0_u64, 1);
        for id in 2..self.space.end.0 {
            let page = PageId(id);
            let claims = [tree.has(page), list.ids.has(page), own.contains(&id)];
            match claims.into_iter().filter(|claim| *claim).count() {
                0 => pending = pending.saturating_add(1),
                1 => {
                    // What lies behind the last page of all is behind the mark.
                    left = left.saturating_add(core::mem::take(&mut pending));
                    last = id;
                }
                _ => return None,
            }
        }
        let high_water = PageId(last.saturating_add(1));
        let is_exact = lost == 0 && left == 0;
        let is_most = left.saturating_mul(SHARE) <= high_water.0;
        (is_exact || is_most).then_some(Account {
            freelist: list.page,
            high_water,
            is_exact,
        })
    }
}
