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
/// A list that goes with a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    pub(super) freelist: PageId,
    pub(super) high_water: PageId,
}

/// A list of free pages, wherever one stands.
struct List {
    page: PageId,
    own: u64,
    ids: Bits,
}

/// The pages of a tree.
pub(super) struct Tree {
    all: Bits,
    /// Those that were taken one by one.
    single: Bits,
    end: PageId,
}

impl Tree {
    fn new(end: PageId) -> Self {
        Self {
            all: Bits::new(end),
            single: Bits::new(end),
            end: PageId(0),
        }
    }

    /// Adds a page with those that belong to it; none if one of them is there.
    fn insert(&mut self, page: PageId, own: u64) -> Option<()> {
        let end = page.0.saturating_add(own);
        self.end = self.end.max(PageId(end));
        if own == 1 {
            self.single.insert(page);
        }
        (page.0..end)
            .all(|id| self.all.insert(PageId(id)))
            .then_some(())
    }

    pub(super) fn has(&self, page: PageId) -> bool {
        self.all.has(page)
    }

    pub(super) fn is_single(&self, page: PageId) -> bool {
        self.single.has(page)
    }

    /// The first page behind all of them.
    pub(super) const fn end(&self) -> PageId {
        self.end
    }
}

/// All lists of a file.
pub(super) struct Lists<'s> {
    space: Space<'s>,
    all: Vec<List>,
    /// Pages that are still gone through: each tree costs its own.
    budget: u64,
}

impl<'s> Lists<'s> {
    /// The lists in `view`; `named` gives a database whose meta names one of them.
    pub(super) fn find_lists(
        view: View<'s>,
        page_size: u64,
        named: impl Fn(PageId) -> Db<'s>,
    ) -> Self {
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

    /// The list that the meta of `db` names.
    pub(super) fn of_meta(db: &Db<'s>) -> Self {
        let pages = db.pages_in_file();
        let space = Space {
            view: db.view(),
            page_size: db.page_size(),
            end: PageId(pages),
            is_thorough: true,
        };
        let page = db.meta().freelist;
        let header = space.run(page, 1).and_then(Header::read_page_header).ok();
        let ids = free(space, db.meta());
        let list = header.zip(ids).map(|(header, ids)| List {
            page,
            own: header.pages(),
            ids,
        });
        Self {
            space,
            all: list.into_iter().collect(),
            budget: pages.saturating_mul(8),
        }
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The list that goes with the tree at `root`.
    pub(super) fn account(&mut self, root: PageId) -> Option<Account> {
        if self.all.is_empty() {
            return None;
        }
        let tree = self.tree(root)?;
        let fits = self.all.iter().filter_map(|list| self.with(&tree, list));
        fits.max_by_key(|one| one.high_water)
    }

    /// The pages of a tree; none if one cannot be read, or is named twice.
    fn tree(&mut self, root: PageId) -> Option<Tree> {
        let space = self.space;
        let mut tree = Tree::new(space.end);
        let mut stack = vec![root];
        while let Some(page) = stack.pop() {
            self.budget = self.budget.checked_sub(1)?;
            if page.0 < 2 || page >= space.end {
                return None;
            }
            let own = if let Some((node, _)) = sound(space, page) {
                each_pointer(&node, |to, is_root| {
                    // A bucket inside its value has page 0.
                    if !is_root || to.0 != 0 {
                        stack.push(to);
                    }
                });
                node.header().pages()
            } else if self.is_empty_bucket(page) {
                1
            } else {
                return None;
            };
            tree.insert(page, own)?;
        }
        Some(tree)
    }

    /// The pages of a tree and of its list.
    pub(super) fn taken(&mut self, root: PageId, list: PageId) -> Option<Tree> {
        let mut tree = self.tree(root)?;
        if let Some(list) = self.all.iter().find(|one| one.page == list) {
            tree.insert(list.page, list.own)?;
        }
        Some(tree)
    }

    /// Whether the page is the root of a bucket that holds nothing.
    fn is_empty_bucket(&self, page: PageId) -> bool {
        let header = self.space.run(page, 1).and_then(Header::read_page_header);
        header.is_ok_and(|header| {
            header.id == page && header.kind() == Some(Kind::Leaf) && header.count == 0
        })
    }

    /// Whether the tree goes with a list: no page below the last one of both is left over, and none is two things.
    fn with(&self, tree: &Tree, list: &List) -> Option<Account> {
        let own = list.page.0..list.page.0.saturating_add(list.own);
        let mut end = 2_u64;
        for id in 2..self.space.end.0 {
            let page = PageId(id);
            let claims = [tree.has(page), list.ids.has(page), own.contains(&id)];
            match claims.into_iter().filter(|claim| *claim).count() {
                // What lies behind the last page of all is behind the mark.
                0 => {}
                1 if id == end => end = id.saturating_add(1),
                _ => return None,
            }
        }
        Some(Account {
            freelist: list.page,
            high_water: PageId(end),
        })
    }
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "tests make small files of their own"
)]
mod tests {
    use super::{super::roots::guess, Account, Lists};
    use crate::{db::Db, find, meta::Meta, page::PageId};
    use view::View;

    const PAGE: usize = 4096;

    /// A file of so many pages, of which the metas are gone.
    struct File(Vec<u8>);

    impl File {
        fn new(pages: usize) -> Self {
            Self(vec![0; pages * PAGE])
        }

        fn header(&mut self, page: usize, flags: u16, count: usize) {
            let at = page * PAGE;
            let count = u16::try_from(count).unwrap();
            self.0[at..at + 8].copy_from_slice(&u64::try_from(page).unwrap().to_le_bytes());
            self.0[at + 8..at + 10].copy_from_slice(&flags.to_le_bytes());
            self.0[at + 10..at + 12].copy_from_slice(&count.to_le_bytes());
        }

        /// A leaf with buckets, whose root pages are these.
        fn buckets(mut self, page: usize, roots: &[usize]) -> Self {
            self.header(page, 2, roots.len());
            let mut data = 16 + 16 * roots.len();
            for (index, root) in roots.iter().enumerate() {
                let element = 16 + 16 * index;
                let at = page * PAGE + element;
                let numbers = [1, u32::try_from(data - element).unwrap(), 1, 16];
                for (place, number) in numbers.into_iter().enumerate() {
                    self.0[at + 4 * place..at + 4 * place + 4]
                        .copy_from_slice(&number.to_le_bytes());
                }
                let at = page * PAGE + data;
                self.0[at] = b'a' + u8::try_from(index).unwrap();
                self.0[at + 1..at + 9]
                    .copy_from_slice(&u64::try_from(*root).unwrap().to_le_bytes());
                data += 17;
            }
            self
        }

        fn free(mut self, page: usize, ids: impl IntoIterator<Item = usize>) -> Self {
            let ids: Vec<usize> = ids.into_iter().collect();
            self.header(page, 16, ids.len());
            for (index, id) in ids.into_iter().enumerate() {
                let at = page * PAGE + 16 + 8 * index;
                self.0[at..at + 8].copy_from_slice(&u64::try_from(id).unwrap().to_le_bytes());
            }
            self
        }

        fn account(&self, root: u64) -> Option<Account> {
            let view = View::new(&self.0);
            let page_size = u64::try_from(PAGE).unwrap();
            let metas = find::metas(&view, view.len()).metas;
            let pages = view.len() / page_size;
            let db_of = |freelist| {
                let meta = guess(PageId(0), page_size, pages);
                Db::of_meta(view, page_size, metas.clone(), Meta { freelist, ..meta })
            };
            Lists::find_lists(view, page_size, db_of).account(PageId(root))
        }
    }

    /// Root 2 names a bucket at 3, which names one at 6; 4 is the list, 5 is free; behind it nothing.
    fn whole() -> File {
        File::new(8)
            .buckets(2, &[3])
            .buckets(3, &[6])
            .buckets(6, &[0])
            .free(4, [5])
    }

    #[test]
    fn a_root_goes_with_the_list_that_makes_up_the_file() {
        let found = whole().account(2).unwrap();
        assert_eq!((found.freelist, found.high_water), (PageId(4), PageId(7)));
    }

    #[test]
    fn a_bucket_of_the_root_leaves_the_root_over() {
        assert!(whole().account(3).is_none());
    }

    #[test]
    fn a_page_is_never_two_things() {
        // In use and free; in use twice; the list itself in use.
        assert!(whole().free(4, [5, 6]).account(2).is_none());
        assert!(whole().buckets(2, &[3, 6]).account(2).is_none());
        assert!(whole().buckets(6, &[4]).account(2).is_none());
    }

    #[test]
    fn no_page_is_left_over() {
        // What a page that cannot be read named is not known, nor what one is that is neither in use nor free.
        assert!(whole().buckets(3, &[7]).account(2).is_none());
        assert!(whole().free(4, []).account(2).is_none());
        let mut bad = whole();
        bad.0[3 * PAGE..4 * PAGE].fill(0);
        assert!(bad.account(2).is_none());
    }

    #[test]
    fn without_a_list_nothing_is_said() {
        assert!(
            File::new(8)
                .buckets(2, &[3])
                .buckets(3, &[0])
                .account(2)
                .is_none()
        );
    }
}
