//! The way from the root to where a walk is: for a fault, the bucket that it is in and the element
//! that leads there. Read again only then, as healthy leaves are walked from their records.

use view::Span;

use super::{Child, Walk};
use crate::{
    check::found::Sink,
    fault::Fault,
    node::{Element, Node},
    page::{Header, Kind, PageId},
    source::read_view,
    space::Pointer,
};

/// A leaf on the way, its pages, and the element that leads on.
pub(super) type Way = (PageId, u64, u16);

impl Walk<'_> {
    /// Where in the page on top of the stack `child` is named.
    pub(super) fn pointer(&mut self, child: &Child) -> Pointer {
        let page_size = self.survey.page_size;
        let Some(top) = self.stack.last() else {
            return Pointer {
                to: child.to,
                from: PageId(0),
                span: Span::new(0, 0),
            };
        };
        let (from, kind, pages) = (top.page, top.kind, top.claimed);
        let at = from.at(page_size);
        let row = at.saturating_add(Node::elements_end(u64::from(child.index)));
        let mut span = Span::new(row.saturating_add(8), 8);
        if kind == Kind::Leaf {
            // The page is named at the start of the value.
            let value = self.with_element(from, kind, pages, child.index, |element| {
                element.value.base()
            });
            span = value.map_or(Span::new(row, 16), |value| Span::new(value, 8));
        }
        Pointer {
            to: child.to,
            from,
            span,
        }
    }

    /// Reads a page of the way again, for one of its elements.
    pub(super) fn with_element<T>(
        &mut self,
        page: PageId,
        kind: Kind,
        pages: u64,
        index: u16,
        take: impl FnOnce(Element<'_>) -> T,
    ) -> Option<T> {
        let page_size = self.survey.page_size;
        let len = self.length(page, kind, pages);
        let mut buffer = core::mem::take(&mut self.buffer);
        let run = read_view(self.survey.source, page.at(page_size), len, &mut buffer);
        let taken = run.ok().and_then(|run| {
            let header = Header::read_page_header(run).ok()?;
            let node = Node::new(run, page, header, kind);
            node.element(u64::from(index)).ok().map(take)
        });
        self.buffer = buffer;
        taken
    }

    /// The leaves from the root to where the walk is, each with its pages and the element of it.
    pub(super) fn ways(&self) -> Vec<Way> {
        let leaves = self.stack.iter().filter(|frame| frame.kind == Kind::Leaf);
        let ways = leaves.map(|frame| (frame.page, frame.claimed, frame.index));
        // A path that long is not worth reading again for each fault.
        ways.take(64).collect()
    }

    /// The keys of these elements.
    pub(super) fn path(&mut self, ways: &[Way]) -> Vec<Vec<u8>> {
        let mut path = Vec::new();
        for (page, pages, index) in ways {
            // The last leaf may be the page with the fault itself: then it is not on the way.
            let key = self.with_element(*page, Kind::Leaf, *pages, *index, |element| {
                element.key.bytes().to_vec()
            });
            path.push(key.unwrap_or_default());
        }
        path
    }

    /// Notes a fault, with the bucket in which the walk is.
    pub(super) fn report(&mut self, fault: Fault, sink: &mut Sink) {
        if !sink.wants(fault.what.code()) {
            return sink.count(&fault);
        }
        let ways = self.ways();
        let path = self.path(&ways);
        sink.push(fault, path);
    }
}
