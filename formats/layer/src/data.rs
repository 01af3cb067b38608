//! The bytes of one entry, holes filled in.

use std::vec::IntoIter;

use evidence::archive::Member;
use view::Span;

/// What the next bytes of an entry are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// So many zeroes that the tar does not hold.
    Hole(u64),
    /// So many bytes that come next in the tar.
    Stored(u64),
    /// There are none.
    End,
}

/// Where in an entry its reader stands.
#[derive(Debug, Default)]
pub(crate) struct Data {
    at: u64,
    size: u64,
    /// Stretches that the tar holds and that are not read yet.
    stretches: Option<IntoIter<Span>>,
    now: Option<Span>,
    /// The map of a sparse file is damaged: nobody knows which bytes the stored ones are.
    pub(crate) is_lost: bool,
}

impl Data {
    pub(crate) fn from_member(member: &Member) -> Self {
        let map = member.sparse.clone();
        let is_lost = map.as_ref().is_some_and(Vec::is_empty)
            && (member.stored != 0 || !member.odd.is_empty());
        let mut stretches = map.map(Vec::into_iter);
        let now = stretches.as_mut().and_then(Iterator::next);
        Self {
            at: 0,
            size: member.size,
            stretches,
            now,
            is_lost,
        }
    }

    pub(crate) fn next(&self) -> Next {
        let left = self.size.saturating_sub(self.at);
        if left == 0 {
            return Next::End;
        }
        if self.stretches.is_none() {
            return Next::Stored(left);
        }
        match self.now {
            Some(span) if span.start > self.at => Next::Hole(span.start.saturating_sub(self.at)),
            Some(span) => {
                let end = span.start.saturating_add(span.len);
                Next::Stored(end.saturating_sub(self.at))
            }
            None => Next::Hole(left),
        }
    }

    /// `count` bytes of what came [`next`](Self::next) were read.
    pub(crate) fn advance(&mut self, count: u64) {
        self.at = self.at.saturating_add(count);
        if let Some(span) = self.now
            && span.start.saturating_add(span.len) <= self.at
        {
            self.now = self.stretches.as_mut().and_then(Iterator::next);
        }
    }
}
