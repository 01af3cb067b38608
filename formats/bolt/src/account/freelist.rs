//! The ids of a freelist.

use core::ops::ControlFlow;

use view::Span;

use super::{Account, Content};
use crate::page::{HEADER, Header};

/// Bytes of an id.
const ID: u64 = 8;

impl Account<'_> {
    /// What stands behind the header of a freelist: its ids if its count can be, else just bytes.
    pub(super) fn freelist(&mut self, page: Span, header: Header) -> ControlFlow<()> {
        let mut at = page.start.saturating_add(HEADER);
        let mut count = u64::from(header.count);
        if header.count == u16::MAX
            && let Some(real) = self.number(at)
        {
            self.piece(Span::new(at, ID), "real-count", Content::Number(real))?;
            at = at.saturating_add(ID);
            count = real;
        }
        let room = page.end().saturating_sub(at).div_euclid(ID);
        for _ in 0..count.min(if count > room { 0 } else { room }) {
            let span = Span::new(at, ID);
            match self.number(at) {
                Some(id) => self.piece(span, "free", Content::Number(id))?,
                None => self.piece(span, "free", Content::Unread)?,
            }
            at = at.saturating_add(ID);
        }
        self.slack(at, page.end())
    }

    fn number(&mut self, at: u64) -> Option<u64> {
        let view = self.window.get(Span::new(at, ID)).ok()?;
        view.u64_le(0, "id").ok()
    }
}
