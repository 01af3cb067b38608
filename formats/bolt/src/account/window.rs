//! A window that moves over the file, so that small pieces do not cost a read each.

use finding::Unread;
use view::{Span, View};

use crate::{
    meta::Fnv,
    page::{HEADER, Header},
    source::PageSource,
};

/// Bytes that are held.
const WINDOW: u64 = 1 << 20;
/// Bytes that are read at once around small pieces.
const AHEAD: u64 = 1 << 16;
/// Bytes of a piece that are kept to be shown.
const SHOWN: usize = 64;

/// What was seen of a piece.
#[derive(Debug)]
pub(crate) struct Sum {
    /// Its first bytes.
    pub(crate) start: Vec<u8>,
    pub(crate) fnv1a: u64,
    pub(crate) is_zero: bool,
}

pub(crate) struct Window<'a> {
    source: &'a dyn PageSource,
    at: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(crate) fn new(source: &'a dyn PageSource) -> Self {
        Self {
            source,
            at: 0,
            bytes: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.source.len()
    }

    /// Whether the file system says that nothing was ever written there.
    pub(crate) fn is_hole(&self, span: Span) -> bool {
        self.hole_from(span.start) >= span.len
    }

    /// How many bytes from `at` on are a hole.
    pub(crate) fn hole_from(&self, at: u64) -> u64 {
        let end = self.source.data(at).map_or(self.len(), |data| data.start);
        end.saturating_sub(at)
    }

    /// The bytes of `span`, at most [`WINDOW`] of them, all of which the file has.
    pub(crate) fn get(&mut self, span: Span) -> Result<View<'_>, Unread> {
        let inside = span.start.checked_sub(self.at);
        let have = u64::try_from(self.bytes.len()).unwrap_or(0);
        let is_there = inside.is_some_and(|from| from.saturating_add(span.len) <= have);
        if !is_there {
            let left = self.len().saturating_sub(span.start);
            let ahead = span.len.clamp(AHEAD, WINDOW).min(left);
            // A bad sector further on must not hide what stands before it.
            self.fill_window(span.start, ahead)
                .or_else(|_| self.fill_window(span.start, span.len.min(left)))?;
        }
        let from = span.start.saturating_sub(self.at);
        View::based(&self.bytes, self.at)
            .slice(from, span.len, "bytes")
            .map_err(|short| Unread::Io(short.to_string()))
    }

    fn fill_window(&mut self, at: u64, len: u64) -> Result<(), Unread> {
        let count = usize::try_from(len.min(WINDOW)).unwrap_or(0);
        self.bytes.resize(count, 0);
        self.at = at;
        let read = self.source.read_at(at, &mut self.bytes);
        if read.is_err() {
            self.bytes.clear();
        }
        read
    }

    /// The page header at `at`.
    pub(crate) fn header(&mut self, at: u64) -> Option<Header> {
        let page = self.get(Span::new(at, HEADER)).ok()?;
        Header::read_page_header(page).ok()
    }

    /// What stands in `span`, however long it is.
    pub(crate) fn sum(&mut self, span: Span) -> Result<Sum, Unread> {
        let mut sum = Sum {
            start: Vec::new(),
            fnv1a: 0,
            is_zero: true,
        };
        let mut hash = Fnv::default();
        let mut at = span.start;
        while at < span.end() {
            let step = WINDOW.min(span.end().saturating_sub(at));
            let piece = self.get(Span::new(at, step))?;
            hash.add(piece.bytes());
            sum.is_zero = sum.is_zero && piece.first_nonzero().is_none();
            let room = SHOWN.saturating_sub(sum.start.len());
            sum.start.extend(piece.bytes().iter().take(room));
            at = at.saturating_add(step);
        }
        sum.fnv1a = hash.finish();
        Ok(sum)
    }
}
