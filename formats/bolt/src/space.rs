//! Where pages can be: the file, its page size, and the first page that cannot be.

use view::{Short, Span, View};

use crate::{
    fault::{Fault, What},
    node::Node,
    page::{Header, Kind, PageId},
};

/// The pages of one file, as one meta sees them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Space<'s> {
    /// The whole file.
    pub(crate) view: View<'s>,
    /// Bytes of a page.
    pub(crate) page_size: u64,
    /// The first page that cannot be: the high-water mark, or the end of the file.
    pub(crate) end: PageId,
    /// Whether elements are shown that only a damaged count hides.
    pub(crate) is_thorough: bool,
}

/// A pointer to a page: where it leads, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pointer {
    /// The page that it names.
    pub(crate) to: PageId,
    /// The page in which it stands.
    pub(crate) from: PageId,
    /// Its eight bytes.
    pub(crate) span: Span,
}

impl Pointer {
    /// The fault of a pointer that leads to no page before `end`.
    pub(crate) fn out_of_range(&self, end: PageId) -> Fault {
        let found = self.to;
        let what = if self.from.0 < 2 {
            What::MetaRoot { found, end }
        } else {
            What::PageRange { found, end }
        };
        Fault::new(what, Some(self.from), self.span)
    }
}

impl<'s> Space<'s> {
    /// The bytes of `pages` pages from `id` on, as many as the file has.
    pub(crate) fn run(&self, id: PageId, pages: u64) -> Result<View<'s>, Short> {
        let at = id.at(self.page_size);
        let want = pages.saturating_mul(self.page_size);
        let have = self.view.len().saturating_sub(at);
        self.view.slice(at, want.min(have), "page")
    }

    /// The branch or leaf that `pointer` leads to; what is wrong with its header goes to `faults`.
    pub(crate) fn node(&self, pointer: Pointer, faults: &mut Vec<Fault>) -> Option<Node<'s>> {
        let id = pointer.to;
        let out = pointer.out_of_range(self.end);
        if id.0 < 2 || id >= self.end {
            faults.push(out);
            return None;
        }
        let (Ok(page), Ok(header)) = (
            self.run(id, 1),
            self.run(id, 1).and_then(Header::read_page_header),
        ) else {
            faults.push(out);
            return None;
        };
        if let Some(fault) = wrong_header(page, header, id) {
            faults.push(fault);
            return None;
        }
        let kind = header.kind()?;
        let room = self.end.0.saturating_sub(id.0).saturating_sub(1);
        let mut pages = header.pages();
        if u64::from(header.overflow) > room {
            let what = What::PageOverflow {
                found: header.overflow,
                room,
            };
            let span = Span::new(page.absolute(12), 4);
            faults.push(Fault::new(what, Some(id), span));
            let all = self.run(id, room.saturating_add(1)).ok()?;
            let needs = Node::new(all, id, header, kind).needs(self.page_size);
            pages = needs.min(room.saturating_add(1));
        }
        let view = self.run(id, pages).ok()?;
        Some(Node::new(view, id, header, kind))
    }
}

/// What is wrong with the header of a page that should be branch or leaf `id`.
pub(crate) fn wrong_header(page: View<'_>, header: Header, id: PageId) -> Option<Fault> {
    let fault = |what, at, len| {
        Some(Fault::new(
            what,
            Some(id),
            Span::new(page.absolute(at), len),
        ))
    };
    let is_node = matches!(header.kind(), Some(Kind::Branch | Kind::Leaf));
    if header.id == id && is_node {
        return None;
    }
    if header.id.0 == 0 && header.flags == 0 && page.first_nonzero().is_none() {
        return fault(What::PageZero, 0, page.len());
    }
    if header.id != id {
        let found = header.id;
        return fault(What::PageId { want: id, found }, 0, 8);
    }
    let flags = header.flags;
    fault(What::PageType { flags }, 8, 2)
}
