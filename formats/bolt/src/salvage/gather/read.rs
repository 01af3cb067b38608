//! A page, or the one that should stand in its place.

use view::Span;

use super::{
    super::{
        header::read_or_repair_header,
        mend::{Hole, Mended, Row},
        misplaced::Misplaced,
        notes::{Oddity, Repaired},
    },
    Gather,
};
use crate::{
    fault::{Fault, What},
    node::Node,
    page::{Header, Kind, PageId},
    schema::Fit,
    space::Pointer,
};

impl<'s> Gather<'s, '_> {
    /// The node that `pointer` leads to, and what had to be set right to read it.
    pub(super) fn read_or_repair_node(
        &mut self,
        pointer: Pointer,
        bounds: Hole<'s>,
        path: &[&'s [u8]],
        faults: &mut Vec<Fault>,
    ) -> Result<(Node<'s>, Option<Repaired>), Fault> {
        let wrong = match read_or_repair_header(self.space, pointer, bounds, faults) {
            Ok((node, false)) => return Ok((node, None)),
            Ok((node, true)) => Ok(node),
            Err(wrong) => Err(wrong),
        };
        // A page that says this number, and stands elsewhere, is the better one.
        let space = self.space;
        let misplaced = self
            .misplaced
            .get_or_insert_with(|| Misplaced::find_misplaced(space));
        if let Some(node) = misplaced.node(space, pointer.to, bounds)
            && self.fits.node(path, &node) != Fit::No
        {
            let at = PageId(
                node.view()
                    .base()
                    .checked_div(space.page_size)
                    .unwrap_or_default(),
            );
            return Ok((node, Some(Repaired::Misplaced(at))));
        }
        match wrong {
            Ok(node) if self.fits.node(path, &node) != Fit::No && !self.is_missing_there(&node) => {
                Ok((node, Some(Repaired::Header)))
            }
            Ok(node) => {
                let found = node.header().id;
                let want = pointer.to;
                let span = Span::new(node.view().base(), 8);
                Err(Fault::new(What::PageId { want, found }, Some(want), span))
            }
            Err(wrong) => Err(wrong),
        }
    }

    /// Whether the page that the node says to be is not where it should be: then it is that page, and not one
    /// with a wrong number.
    fn is_missing_there(&self, node: &Node<'s>) -> bool {
        let Ok(own) = Header::read_page_header(node.view()).map(|header| header.id) else {
            return false;
        };
        let there = self.space.run(own, 1).and_then(Header::read_page_header);
        let is_page = |id: PageId| id.0 >= 2 && id < self.space.end;
        let is_other = |header: Header| {
            let is_node = matches!(header.kind(), Some(Kind::Branch | Kind::Leaf));
            header.id != own && is_page(header.id) && is_node
        };
        is_page(own) && there.is_ok_and(is_other)
    }

    /// Notes what a mended node lacks; gives its rows.
    pub(super) fn mended(
        &mut self,
        mended: Mended<'s>,
        page: PageId,
        path: &[&'s [u8]],
        fault: &Fault,
    ) -> Vec<Row<'s>> {
        for hole in &mended.holes {
            self.hollow(path, *hole, fault, Some(page), None);
        }
        if mended.repaired > 0 {
            self.repair(path, page, Repaired::Elements(mended.repaired));
        }
        for row in mended.odd {
            self.odd(page, Oddity::Key, row);
        }
        mended.rows
    }
}
