//! The entries of a leaf, and those of a bucket in a value.

use view::{Span, View};

use super::{
    super::{
        frame::Frame,
        mend::{Hole, Row, mend},
        notes::{Oddity, Repaired, Suspect},
        tree::Item,
    },
    Gather, LISTED, worst,
};
use crate::{
    fault::What,
    inline::{self, Disguise, Header as Head},
    node::{BUCKET_FLAG, Node},
    page::{Header, Kind, PageId},
    space::Pointer,
};

impl<'s> Gather<'s, '_> {
    /// Notes the values of which a page may never have been written.
    pub(super) fn zeroes(&mut self, node: &Node<'s>, path: &[&'s [u8]]) {
        for (index, _) in node.zero_pages(self.space.page_size) {
            let Ok(element) = node.element(index) else {
                continue;
            };
            if self.zeroes.len() >= LISTED {
                self.is_cut = true;
                return;
            }
            let mut path = path.to_vec();
            path.push(element.key.bytes());
            self.zeroes.push((path, node.id()));
        }
    }

    /// Keys right beside a bucket's header that leads to no page of any tree: what was written over the one
    /// may have been written over the other, and then the true key is missing.
    pub(super) fn doubtful(
        &mut self,
        node: &Node<'s>,
        rows: &[Row<'s>],
        bounds: Hole<'s>,
        path: &[&'s [u8]],
    ) {
        let end = self.space.end;
        let pages = self.space.view.len().checked_div(self.space.page_size);
        // Where the file was cut, pages behind its end were written once.
        let is_mark = pages.is_some_and(|pages| end.0 < pages);
        let fault = |row: &Row<'s>| {
            if row.flags & BUCKET_FLAG == 0 {
                return None;
            }
            match inline::header(row.value, node.id()) {
                (Some(Head::Page { root, .. }), _) if root >= end && is_mark => {
                    let pointer = Pointer {
                        to: root,
                        from: node.id(),
                        span: Span::new(row.value.base(), 8),
                    };
                    Some(pointer.out_of_range(end))
                }
                (None, fault) => fault,
                _ => None,
            }
        };
        let (mut from, mut wrong) = (bounds.0, None);
        for row in rows {
            if let Some(fault) = fault(row) {
                wrong = wrong.or(Some(fault));
                continue;
            }
            if let Some(fault) = wrong.take() {
                self.hollow(path, (from, Some(row.key)), &fault, None, Some(node.id()));
            }
            from = Some(row.key);
        }
        if let Some(fault) = wrong {
            self.hollow(path, (from, bounds.1), &fault, None, Some(node.id()));
        }
    }

    pub(super) fn leaf(
        &mut self,
        frame: &mut Frame<'s>,
        node: &Node<'s>,
        rows: &[Row<'s>],
        path: &[&'s [u8]],
    ) {
        if let Some(hash) = self.fits.birth(path, rows) {
            self.believed.born(hash, node.id());
        }
        let buckets = rows.iter().filter(|row| row.flags & BUCKET_FLAG != 0);
        let among_buckets = buckets.count().saturating_mul(2) > rows.len();
        for row in rows {
            if row.flags & BUCKET_FLAG != 0 {
                frame.below.push((row.key, row.value, node.id()));
                continue;
            }
            match inline::disguise(row.value, node.id()) {
                Some(Disguise::Inline) => {
                    frame.is_clean = false;
                    self.repair(path, node.id(), Repaired::Flag);
                    frame.below.push((row.key, row.value, node.id()));
                    continue;
                }
                Some(Disguise::Page(root))
                    if root < self.space.end && self.suspects.len() < LISTED =>
                {
                    self.suspects.push(Suspect {
                        path: path.to_vec(),
                        key: row.key,
                        value: row.value,
                        leaf: node.id(),
                        root,
                        among_buckets,
                    });
                }
                _ => {}
            }
            if path.is_empty() {
                self.odd(node.id(), Oddity::RootValue, *row);
            } else {
                frame.add(row.key, Item::Value(row.value.bytes()));
            }
        }
    }

    /// The leaf inside a bucket's value.
    pub(super) fn inline(
        &mut self,
        frame: &mut Frame<'s>,
        page: View<'s>,
        leaf: PageId,
        path: &[&'s [u8]],
    ) {
        let mut faults = Vec::new();
        let mut rows = Vec::new();
        inline::scan(page, leaf, self.space.page_size, &mut faults, |element| {
            rows.push(Row {
                key: element.key.bytes(),
                value: element.value,
                flags: 0,
                child: None,
                span: element.span,
            });
        });
        faults.retain(|fault| !matches!(fault.what, What::InlineLarge { .. }));
        if let Some(fault) = worst(&faults).cloned() {
            frame.is_clean = false;
            let header = Header::read_page_header(page).map(|header| Header {
                flags: Kind::Leaf.flags(),
                ..header
            });
            let Ok(header) = header else {
                return self.hollow(path, (None, None), &fault, None, Some(leaf));
            };
            let node = Node::new(page, leaf, header, Kind::Leaf);
            let mended = mend(&node, (None, None), true);
            let is_header = matches!(fault.what, What::InlineHeader { .. });
            if is_header && !mended.rows.is_empty() {
                self.repair(path, leaf, Repaired::Header);
            }
            rows = self.mended(mended, leaf, path, &fault);
            if rows.iter().any(|row| row.flags != 0) {
                self.repair(path, leaf, Repaired::Flag);
            }
        }
        for row in rows {
            frame.add(row.key, Item::Value(row.value.bytes()));
        }
    }
}
