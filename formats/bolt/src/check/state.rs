//! What each page is used for.

use serde::Serialize;

use crate::{
    check::CheckReport,
    page::{Kind, PageId},
};

/// What a page is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PageState {
    /// One of the two metas.
    Meta,
    /// In the tree.
    Used,
    /// Belongs to the page before it.
    Overflow,
    /// The freelist stands on it.
    Freelist,
    /// Not in the tree, but in that of the transaction before.
    Previous,
    /// On the freelist, or not in the tree of a file without a freelist.
    Free,
    /// Neither in the tree nor on the freelist.
    Lost,
    /// Nothing says what it is: the tree or the freelist is damaged, or there is no meta.
    Unknown,
}

/// One page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PageRow {
    /// Its number.
    pub id: PageId,
    /// What its header says, if the header is that of this page.
    pub kind: Option<Kind>,
    /// Elements, as the header says.
    pub count: u16,
    /// Further pages that belong to it, as the header says.
    pub overflow: u32,
    /// What it is used for.
    pub state: PageState,
}

impl CheckReport {
    /// Every page before the high-water mark.
    pub fn pages(&self) -> impl Iterator<Item = PageRow> + '_ {
        let mut inside = 0;
        (0..self.end.0).map(move |id| {
            let row = self.page(PageId(id), inside);
            inside = if row.state == PageState::Used {
                u64::from(row.overflow)
            } else {
                inside.saturating_sub(1)
            };
            row
        })
    }

    /// Whether a freelist says which pages are free.
    fn is_listed(&self) -> bool {
        self.meta.is_some_and(|meta| meta.is_freelist_synced())
    }

    /// Whether the tree of the transaction before has `page`.
    pub(crate) fn was_used(&self, page: PageId) -> bool {
        self.before.has(page)
    }

    /// The first page past the high-water mark, or past the end of the file.
    pub const fn end(&self) -> PageId {
        self.end
    }

    /// `inside`: how many pages, this one included, belong to a page before.
    fn page(&self, id: PageId, inside: u64) -> PageRow {
        let record = self.table.record(id);
        let list = self.freelist.as_ref();
        let state = if id.0 < 2 {
            PageState::Meta
        } else if self.used.has(id) && inside > 0 {
            PageState::Overflow
        } else if self.used.has(id) {
            PageState::Used
        } else if list.is_some_and(|list| list.own.has(id)) {
            PageState::Freelist
        } else if self.before.has(id) {
            PageState::Previous
        } else if list.is_some_and(|list| list.free.has(id)) {
            PageState::Free
        } else if self.hides {
            // What a damaged tree does not reach may be in use all the same.
            PageState::Unknown
        } else if list.is_some_and(|list| list.is_whole) {
            PageState::Lost
        } else if self.is_listed() {
            PageState::Unknown
        } else {
            PageState::Free
        };
        let of_itself = state != PageState::Overflow;
        PageRow {
            id,
            kind: record.kind.filter(|_| of_itself),
            count: if of_itself { record.count } else { 0 },
            overflow: if of_itself { record.overflow } else { 0 },
            state,
        }
    }
}
