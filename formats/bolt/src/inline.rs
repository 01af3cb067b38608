//! The value of a bucket: its header, and the leaf inside a small one.

use view::{Span, View};

use crate::{
    fault::{Fault, What},
    node::{BUCKET_FLAG, Element, Node},
    page::{self, HEADER, Kind, PageId},
    scan::{Bounds, scan as scan_node},
};

/// Bytes of a bucket's header, at the start of its value (`BucketHeaderSize`).
pub(crate) const BUCKET: u64 = 16;

/// A bucket's header, as its value starts (`internal/common/bucket.go`, `type InBucket`).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Header<'s> {
    /// Its entries are in pages of their own.
    Page { root: PageId, sequence: u64 },
    /// Its entries are in the page that follows in the value.
    Inline { page: View<'s>, sequence: u64 },
}

/// Reads the header at the start of a bucket's `value`, which stands in page `leaf`.
///
/// A fault may come with a header that can be used all the same.
pub(crate) fn header(value: View<'_>, leaf: PageId) -> (Option<Header<'_>>, Option<Fault>) {
    let fault = || {
        let what = What::BucketHeader { found: value.len() };
        Fault::new(what, Some(leaf), value.span()).hiding(None, None)
    };
    let (Ok(root), Ok(sequence)) = (
        value.u64_le(0, "bucket root"),
        value.u64_le(8, "bucket sequence"),
    ) else {
        return (None, Some(fault()));
    };
    if root != 0 {
        let root = PageId(root);
        let fault = (value.len() != BUCKET).then(fault);
        return (Some(Header::Page { root, sequence }), fault);
    }
    match value.rest(BUCKET, "inline page") {
        Ok(page) if page.len() >= HEADER => (Some(Header::Inline { page, sequence }), None),
        _ => (None, Some(fault())),
    }
}

/// What a plain value may be in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disguise {
    /// The header of a bucket whose root is this page, if nothing else names that.
    Page(PageId),
    /// A whole inline bucket.
    Inline,
}

/// What a plain value may be in truth: a bucket that lost its flag.
pub(crate) fn disguise(value: View<'_>, page: PageId) -> Option<Disguise> {
    let root = value.u64_le(0, "root").ok()?;
    // No sequence of a real bucket needs more.
    if root >= 2 && value.len() == BUCKET && value.u64_le(8, "sequence").ok()? < 1 << 40 {
        return Some(Disguise::Page(PageId(root)));
    }
    let inside = value
        .rest(BUCKET, "inline page")
        .ok()
        .filter(|_| root == 0)?;
    let head = page::Header::read_page_header(inside).ok()?;
    if head.id.0 != 0 || head.kind() != Some(Kind::Leaf) || head.overflow != 0 {
        return None;
    }
    let mut faults = Vec::new();
    scan(inside, page, u64::MAX, &mut faults, |_| {});
    faults.is_empty().then_some(Disguise::Inline)
}

/// The fault of such a value: the flags of `element` are wrong.
pub(crate) fn flag_lost(element: &Element<'_>, page: PageId) -> Fault {
    let span = Span::new(element.span.start, 4);
    Fault::new(What::BucketFlag, Some(page), span).hiding_key(Some(element.key.bytes()))
}

/// Goes through the leaf inside a bucket's value, which stands in page `leaf`.
pub(crate) fn scan<'s>(
    page: View<'s>,
    leaf: PageId,
    page_size: u64,
    faults: &mut Vec<Fault>,
    row: impl FnMut(Element<'s>),
) {
    let before = faults.len();
    scan_inside(page, leaf, page_size, faults, row);
    for fault in faults.iter_mut().skip(before) {
        fault.inline = true;
    }
}

fn scan_inside<'s>(
    page: View<'s>,
    leaf: PageId,
    page_size: u64,
    faults: &mut Vec<Fault>,
    mut row: impl FnMut(Element<'s>),
) {
    let fault = |what, at, len| Fault::new(what, Some(leaf), Span::new(page.absolute(at), len));
    let Ok(header) = page::Header::read_page_header(page) else {
        return;
    };
    if header.id.0 != 0 || header.kind() != Some(Kind::Leaf) || header.overflow != 0 {
        let what = What::InlineHeader {
            id: header.id,
            flags: header.flags,
            overflow: header.overflow,
        };
        let bad = fault(what, 0, HEADER);
        if header.kind() != Some(Kind::Leaf) {
            faults.push(bad.hiding(None, None));
            return;
        }
        faults.push(bad);
    }
    let node = Node::new(page, leaf, header, Kind::Leaf);
    let first = faults.len();
    let mut end = HEADER;
    let bounds = Bounds {
        is_inline: true,
        ..Bounds::default()
    };
    scan_node(&node, bounds, faults, |element, faults| {
        end = element.value.span().end().saturating_sub(page.base());
        if element.flags & BUCKET_FLAG == 0 {
            row(element);
        } else {
            let nested = Fault::new(What::InlineNested, Some(leaf), element.span);
            faults.push(nested.hiding(Some(element.key.bytes()), None));
        }
    });
    if faults.len() == first && end != page.len() {
        let what = What::InlineLength {
            want: end.saturating_add(BUCKET),
            found: page.len().saturating_add(BUCKET),
        };
        faults.push(fault(what, end, page.len().saturating_sub(end)));
    }
    let limit = page_size.div_euclid(4);
    if page.len() > limit {
        let found = page.len();
        faults.push(fault(What::InlineLarge { limit, found }, 0, found));
    }
}
