//! A branch or a leaf: its elements, keys and values.

use view::{Short, Span, View};

use crate::page::{HEADER, Header, Kind, PageId};

/// Bytes of an element, in branches as in leaves.
pub(crate) const ELEMENT: u64 = 16;
/// The longest key that the library takes (`MaxKeySize`).
pub(crate) const MAX_KEY: u64 = 32_768;
/// In a leaf element's flags: the value is a bucket.
pub(crate) const BUCKET_FLAG: u32 = 1;

/// A branch or leaf page with all its overflow, or the leaf inside an inline bucket.
#[derive(Debug, Clone, Copy)]
pub struct Node<'s> {
    view: View<'s>,
    id: PageId,
    header: Header,
    kind: Kind,
}

/// One element of a node, in bounds.
#[derive(Debug, Clone, Copy)]
pub struct Element<'s> {
    /// Which one.
    pub index: u64,
    /// Its 16 bytes.
    pub span: Span,
    /// Flags: of a leaf 0, or 1 for a bucket; of a branch 0.
    pub flags: u32,
    /// Its key.
    pub key: View<'s>,
    /// Its value; of a branch, nothing.
    pub value: View<'s>,
    /// Of a branch, the page below.
    pub child: Option<PageId>,
}

/// The numbers of one element as they stand.
///
/// ```text
///         0       4            8            12          16
/// leaf    | flags | position   | key size   | value size |
/// branch  | position | key size | page: u64              |
/// ```
///
/// The position counts from the element's own first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawElement {
    /// Offset of the element in its page.
    pub at: u64,
    /// Flags of a leaf element.
    pub flags: u32,
    /// Position of the key.
    pub pos: u32,
    /// Bytes of the key.
    pub ksize: u32,
    /// Bytes of the value of a leaf element.
    pub vsize: u32,
    /// Page that a branch element names.
    pub pgid: Option<PageId>,
}

impl RawElement {
    /// Offset of the key in the page.
    pub fn key_at(&self) -> u64 {
        self.at.saturating_add(u64::from(self.pos))
    }

    /// Offset of the value in the page.
    pub fn value_at(&self) -> u64 {
        self.key_at().saturating_add(u64::from(self.ksize))
    }

    /// Offset of the byte behind the value in the page.
    pub fn end(&self) -> u64 {
        self.value_at().saturating_add(u64::from(self.vsize))
    }
}

impl<'s> Node<'s> {
    pub(crate) const fn new(view: View<'s>, id: PageId, header: Header, kind: Kind) -> Self {
        Self {
            view,
            id,
            header,
            kind,
        }
    }

    /// All its bytes, header and overflow included.
    pub const fn view(&self) -> View<'s> {
        self.view
    }

    /// Its page; for an inline bucket, the page in which it stands.
    pub const fn id(&self) -> PageId {
        self.id
    }

    /// Its header.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// Branch or leaf.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How many elements fit into it.
    pub fn room(&self) -> u64 {
        self.view.len().saturating_sub(HEADER) / ELEMENT
    }

    /// How many elements it says to have.
    pub fn count(&self) -> u64 {
        u64::from(self.header.count)
    }

    /// Offset of the byte behind `count` elements.
    pub(crate) const fn elements_end(count: u64) -> u64 {
        HEADER.saturating_add(count.saturating_mul(ELEMENT))
    }

    /// The numbers of element `index`, whatever they are.
    pub fn raw(&self, index: u64) -> Result<RawElement, Short> {
        let at = Self::elements_end(index);
        let row: [u8; 16] = self.view.array(at, "element")?;
        let row = View::based(&row, self.view.absolute(at));
        Ok(match self.kind {
            Kind::Branch => RawElement {
                at,
                flags: 0,
                pos: row.u32_le(0, "element position")?,
                ksize: row.u32_le(4, "key size")?,
                vsize: 0,
                pgid: Some(PageId(row.u64_le(8, "child page")?)),
            },
            _ => RawElement {
                at,
                flags: row.u32_le(0, "element flags")?,
                pos: row.u32_le(4, "element position")?,
                ksize: row.u32_le(8, "key size")?,
                vsize: row.u32_le(12, "value size")?,
                pgid: None,
            },
        })
    }

    /// Key and value of element `index`.
    pub fn element(&self, index: u64) -> Result<Element<'s>, Short> {
        let raw = self.raw(index)?;
        self.cut(index, &raw)
    }

    /// Key and value that `raw` names.
    pub(crate) fn cut(&self, index: u64, raw: &RawElement) -> Result<Element<'s>, Short> {
        Ok(Element {
            index,
            span: Span::new(self.view.absolute(raw.at), ELEMENT),
            flags: raw.flags,
            key: self.view.slice(raw.key_at(), u64::from(raw.ksize), "key")?,
            value: self
                .view
                .slice(raw.value_at(), u64::from(raw.vsize), "value")?,
            child: raw.pgid,
        })
    }

    /// Whether elements 0 to before `count` are packed, as the library writes them, in a page of
    /// `len` bytes.
    fn is_packed(&self, count: u64, len: u64) -> bool {
        let mut next = Self::elements_end(count);
        count > 0
            && count <= self.room()
            && (0..count).all(|index| {
                let Ok(raw) = self.raw(index) else {
                    return false;
                };
                let fits = raw.key_at() == next && raw.ksize > 0 && raw.end() <= len;
                next = raw.end();
                fits
            })
    }

    /// How many pages its elements need, for a node whose overflow cannot be: from the last one.
    pub(crate) fn needs(&self, page_size: u64) -> u64 {
        let last = self.count().min(self.room()).checked_sub(1);
        let end = last
            .and_then(|last| self.raw(last).ok())
            .map(|raw| raw.end());
        end.unwrap_or(1).div_ceil(page_size.max(1)).max(1)
    }

    /// Pages of its overflow that are all zeroes where a value stands: the value and the page.
    pub(crate) fn zero_pages(&self, page_size: u64) -> Vec<(u64, Span)> {
        let mut found = Vec::new();
        if self.kind != Kind::Leaf || self.header.overflow == 0 {
            return found;
        }
        // Of values that overlap, as only damage makes them, no page is looked at twice.
        let mut next = 1;
        for index in 0..self.count().min(self.room()) {
            let Ok(element) = self.element(index) else {
                continue;
            };
            let value = element.value;
            let base = self.view.base();
            let inside = value.base().saturating_sub(base);
            let first = inside.div_ceil(page_size.max(1)).max(next);
            let last = inside
                .saturating_add(value.len())
                .div_euclid(page_size.max(1));
            next = next.max(last);
            let is_zero = |at: u64, len: u64| {
                let bytes = self.view.slice(at, len, "value").map(View::bytes);
                bytes.is_ok_and(|bytes| bytes.iter().all(|byte| *byte == 0))
            };
            // Up to the end of its first page: of values that overlap, nothing is read twice.
            let start = inside.next_multiple_of(page_size.max(1));
            let mut starts_with_zeroes =
                first < last && is_zero(inside, start.saturating_sub(inside));
            for page in first..last {
                let at = page.saturating_mul(page_size);
                let is_hole = is_zero(at, page_size);
                starts_with_zeroes &= is_hole;
                // What starts with zeroes is meant to hold them.
                if is_hole && !starts_with_zeroes {
                    found.push((index, Span::new(base.saturating_add(at), page_size)));
                    break;
                }
            }
        }
        found
    }

    /// The number of elements that the place of the first key gives, if they are all packed.
    pub fn packed_count(&self) -> Option<u64> {
        self.packed_count_in(self.view.len())
    }

    /// The same in a page of `len` bytes, of which at least the elements are here.
    pub(crate) fn packed_count_in(&self, len: u64) -> Option<u64> {
        let pos = u64::from(self.raw(0).ok()?.pos);
        let count = pos / ELEMENT;
        (pos % ELEMENT == 0 && u16::try_from(count).is_ok() && self.is_packed(count, len))
            .then_some(count)
    }
}
