//! An account of every byte of a file, in the order of the file.
//!
//! Each byte belongs to exactly one [`Piece`]: a field of a header, an element, a key, a value, the
//! slack behind the last value, what is left on a page that is free, what stands past the
//! high-water mark. Nothing is said of a piece but where it is, what it is and what stands there,
//! so that two accounts can be compared line by line.
//!
//! Nothing is held but one window of the file and the elements of one page.

mod freelist;
mod meta;
mod node;
mod window;

use core::ops::ControlFlow;

use view::Span;

use crate::{
    check::{CheckReport, PageRow, PageState},
    node::RawElement,
    page::{HEADER, Header, Kind, PageId},
    source::PageSource,
};
use window::Window;

/// Pages of a file whose page size is not known are taken to be so long.
const BLOCK: u64 = 4096;

/// What a stretch of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Pages before the high-water mark.
    Page(PageState),
    /// Pages past the high-water mark.
    Past,
    /// Bytes behind the last whole page.
    Ragged,
    /// The page size is unknown, or the file is not read here.
    NoPages,
}

/// One page with those that belong to it, or a row of pages of which nothing is to be said one by
/// one. Its pieces come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first page.
    pub id: PageId,
    /// All its bytes.
    pub span: Span,
    /// What it is used for.
    pub area: Area,
    /// What it is decoded as; nothing: it is not decoded.
    pub kind: Option<Kind>,
}

/// Some bytes that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Where they stand.
    pub span: Span,
    /// What they are: `id`, `leaf[3]`, `key[3]`, `value[3]`, `value[3].inline.key[0]`, `slack`, …
    pub name: String,
    /// What stands there.
    pub content: Content<'a>,
}

/// What stands in a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<'a> {
    /// A number.
    Number(u64),
    /// A number that is read in hex: flags, magic, checksum.
    Hex(u64),
    /// An element, as it stands; and whether it leads out of its page.
    Element(RawElement, bool),
    /// Nothing but zeroes.
    Zeroes,
    /// Bytes: the first of them, and the FNV-1a of all.
    Bytes {
        /// The first ones.
        start: &'a [u8],
        /// FNV-1a-64 of all of them.
        fnv1a: u64,
    },
    /// What is left on a page that is not decoded: its header, if it names the page.
    Old {
        /// The header.
        header: Header,
        /// FNV-1a-64 of the whole piece.
        fnv1a: u64,
    },
    /// The disk does not give them.
    Unread,
}

/// One line of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line<'a> {
    /// Where the pieces that follow are.
    Stretch(Stretch),
    /// A piece.
    Piece(Piece<'a>),
}

/// Which bytes are accounted for, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountOptions {
    /// Only pieces that reach into this span.
    pub range: Option<Span>,
    /// Pages that are not in use are decoded, too, if their header names them.
    pub old: bool,
}

/// Goes through the file that `report` is of, from its first byte to its last, and hands every
/// line to `line`, until that breaks.
pub fn account(
    source: &dyn PageSource,
    report: &CheckReport,
    options: &AccountOptions,
    line: &mut dyn FnMut(Line<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let page_size = report.page_size.filter(|_| !report.is_unsupported());
    let mut account = Account {
        window: Window::new(source),
        page_size: page_size.unwrap_or(BLOCK),
        options,
        line,
        zeroes: None,
    };
    if page_size.is_some() {
        account.pages(report)?;
        account.rest(Area::Past, report.end().at(account.page_size))?;
    } else {
        account.rest(Area::NoPages, 0)?;
    }
    account.flush()
}

/// The state of one account.
struct Account<'a> {
    window: Window<'a>,
    page_size: u64,
    options: &'a AccountOptions,
    line: &'a mut dyn FnMut(Line<'_>) -> ControlFlow<()>,
    /// A row of zero pages that may go on.
    zeroes: Option<Stretch>,
}

impl Account<'_> {
    fn wants(&self, span: Span) -> bool {
        self.options.range.is_none_or(|range| {
            let len = span.len.max(1);
            span.start < range.end() && range.start < span.start.saturating_add(len)
        })
    }

    /// Hands out a stretch, after the zero pages before it.
    fn stretch(&mut self, stretch: Stretch) -> ControlFlow<()> {
        self.flush()?;
        (self.line)(Line::Stretch(stretch))
    }

    /// Hands out a piece of which the content is known.
    fn piece(&mut self, span: Span, name: &str, content: Content<'_>) -> ControlFlow<()> {
        if !self.wants(span) {
            return ControlFlow::Continue(());
        }
        (self.line)(Line::Piece(Piece {
            span,
            name: name.to_owned(),
            content,
        }))
    }

    /// Hands out a piece with what stands there.
    fn bytes(&mut self, span: Span, name: &str) -> ControlFlow<()> {
        if !self.wants(span) {
            return ControlFlow::Continue(());
        }
        let sum = self.window.sum(span);
        let content = match &sum {
            Err(_) => Content::Unread,
            Ok(sum) if sum.is_zero && span.len > 0 => Content::Zeroes,
            Ok(sum) => Content::Bytes {
                start: &sum.start,
                fnv1a: sum.fnv1a,
            },
        };
        (self.line)(Line::Piece(Piece {
            span,
            name: name.to_owned(),
            content,
        }))
    }

    /// Hands out the bytes between two offsets, if there are any.
    fn slack(&mut self, from: u64, to: u64) -> ControlFlow<()> {
        let len = to.saturating_sub(from);
        if len == 0 {
            return ControlFlow::Continue(());
        }
        self.bytes(Span::new(from, len), "slack")
    }

    /// The four fields of a page header at `at`.
    fn header(&mut self, at: u64, header: Header, prefix: &str) -> ControlFlow<()> {
        let span = |offset: u64, len| Span::new(at.saturating_add(offset), len);
        let name = |field: &str| format!("{prefix}{field}");
        self.piece(span(0, 8), &name("id"), Content::Number(header.id.0))?;
        let flags = Content::Hex(u64::from(header.flags));
        self.piece(span(8, 2), &name("flags"), flags)?;
        let count = Content::Number(u64::from(header.count));
        self.piece(span(10, 2), &name("count"), count)?;
        let overflow = Content::Number(u64::from(header.overflow));
        self.piece(span(12, 4), &name("overflow"), overflow)
    }

    /// All pages before the high-water mark.
    fn pages(&mut self, report: &CheckReport) -> ControlFlow<()> {
        let mut rows = report.pages().peekable();
        while let Some(row) = rows.next() {
            let mut pages = 1_u64;
            let most = u64::from(row.overflow);
            let belongs = |next: &PageRow, pages: u64| match row.state {
                PageState::Meta => false,
                PageState::Used | PageState::Overflow => next.state == PageState::Overflow,
                PageState::Freelist => next.state == PageState::Freelist && row.kind.is_some(),
                // Nobody claims them, so only what nothing contradicts.
                state => {
                    self.is_decoded(&row)
                        && next.state == state
                        && next.kind.is_none()
                        && pages <= most
                }
            };
            while rows.next_if(|next| belongs(next, pages)).is_some() {
                pages = pages.saturating_add(1);
            }
            let at = row.id.at(self.page_size);
            let stretch = Stretch {
                id: row.id,
                span: Span::new(at, pages.saturating_mul(self.page_size)),
                area: Area::Page(row.state),
                kind: row.kind.filter(|_| self.is_decoded(&row)),
            };
            if self.wants(stretch.span) {
                self.page(stretch)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether a page is shown field by field.
    fn is_decoded(&self, row: &PageRow) -> bool {
        match row.state {
            PageState::Free | PageState::Lost => self.options.old,
            _ => true,
        }
    }

    /// One page, field by field, as far as that can be.
    fn page(&mut self, stretch: Stretch) -> ControlFlow<()> {
        let at = stretch.span.start;
        if stretch.area == Area::Page(PageState::Meta) {
            self.stretch(Stretch {
                kind: Some(Kind::Meta),
                ..stretch
            })?;
            return self.meta(stretch.span);
        }
        let header = self.window.header(at).filter(|_| stretch.kind.is_some());
        match (stretch.kind, header) {
            (Some(kind @ (Kind::Branch | Kind::Leaf)), Some(header)) => {
                self.stretch(stretch)?;
                self.header(at, header, "")?;
                self.node(stretch.span, header, kind, "")
            }
            (Some(Kind::Freelist), Some(header)) => {
                self.stretch(stretch)?;
                self.header(at, header, "")?;
                self.freelist(stretch.span, header)
            }
            _ => self.undecoded(stretch),
        }
    }

    /// A page of which only a summary is given.
    fn undecoded(&mut self, stretch: Stretch) -> ControlFlow<()> {
        let stretch = Stretch {
            kind: None,
            ..stretch
        };
        let is_zero = self.window.is_hole(stretch.span)
            || self.window.sum(stretch.span).is_ok_and(|sum| sum.is_zero);
        if is_zero {
            let row = self
                .zeroes
                .filter(|row| row.area == stretch.area && row.span.end() == stretch.span.start);
            if row.is_none() {
                self.flush()?;
            }
            let first = row.unwrap_or(stretch);
            let len = stretch.span.end().saturating_sub(first.span.start);
            self.zeroes = Some(Stretch {
                span: Span::new(first.span.start, len),
                ..first
            });
            return ControlFlow::Continue(());
        }
        self.stretch(stretch)?;
        let header = self
            .window
            .header(stretch.span.start)
            .filter(|header| header.id == stretch.id && header.kind().is_some());
        let sum = self.window.sum(stretch.span);
        match (header, sum) {
            (Some(header), Ok(sum)) if stretch.span.len > HEADER => {
                let fnv1a = sum.fnv1a;
                self.piece(stretch.span, "old", Content::Old { header, fnv1a })
            }
            _ => self.bytes(stretch.span, "bytes"),
        }
    }

    /// Hands out the row of zero pages before.
    fn flush(&mut self) -> ControlFlow<()> {
        let Some(row) = self.zeroes.take().filter(|row| self.wants(row.span)) else {
            return ControlFlow::Continue(());
        };
        (self.line)(Line::Stretch(row))?;
        self.piece(row.span, "bytes", Content::Zeroes)
    }

    /// What stands from `at` to the end of the file.
    fn rest(&mut self, area: Area, at: u64) -> ControlFlow<()> {
        let (len, page_size) = (self.window.len(), self.page_size);
        let mut at = at;
        while at < len {
            let left = len.saturating_sub(at);
            // All whole pages of a hole are one row of zeroes.
            let hole = self.window.hole_from(at).div_euclid(page_size);
            let span = Span::new(at, page_size.saturating_mul(hole.max(1)).min(left));
            let is_ragged = span.len < page_size && area == Area::Past;
            let kind = self
                .window
                .header(at)
                .filter(|_| self.options.old && area == Area::Past && !is_ragged)
                .filter(|header| header.id.at(page_size) == at)
                .and_then(|header| header.kind());
            let stretch = Stretch {
                id: PageId(at.div_euclid(page_size)),
                span,
                area: if is_ragged { Area::Ragged } else { area },
                kind,
            };
            if self.wants(span) {
                self.page(stretch)?;
            }
            at = span.end();
        }
        ControlFlow::Continue(())
    }
}
