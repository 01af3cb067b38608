//! Where the bytes of a big file come from: positioned reads instead of one view.

use finding::Unread;
use view::{Span, View};

/// A file that is read in pieces; several threads may read at once.
pub trait PageSource: Sync {
    /// Bytes that the file has.
    fn len(&self) -> u64;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `into` with the bytes from `at` on; all of them are there.
    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), Unread>;

    /// The next stretch that is not a hole, at or after `from`.
    fn data(&self, from: u64) -> Option<Span> {
        let len = self.len().checked_sub(from).filter(|len| *len > 0)?;
        Some(Span::new(from, len))
    }
}

impl PageSource for View<'_> {
    fn len(&self) -> u64 {
        View::len(*self)
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), Unread> {
        let len = u64::try_from(into.len()).unwrap_or(u64::MAX);
        let window = self
            .slice(at, len, "bytes")
            .map_err(|short| Unread::Io(short.to_string()))?;
        into.copy_from_slice(window.bytes());
        Ok(())
    }

    /// Zeroes in memory are as good as a hole: copied, they would take memory that they do not take
    /// now.
    fn data(&self, from: u64) -> Option<Span> {
        let rest = self.rest(from, "bytes").ok()?;
        let mut start = None;
        let mut at = from;
        while at < View::len(*self) {
            let len = BLOCK.min(View::len(*self).saturating_sub(at));
            let block = rest.slice(at.saturating_sub(from), len, "bytes").ok()?;
            match (start, block.first_nonzero().is_none()) {
                (Some(start), true) => return Some(Span::new(start, at.saturating_sub(start))),
                (None, false) => start = Some(at),
                _ => {}
            }
            at = at.saturating_add(len);
        }
        start.map(|start| Span::new(start, at.saturating_sub(start)))
    }
}

/// Bytes that are looked at together for zeroes.
const BLOCK: u64 = 1 << 16;

/// Bytes of a run of pages from which on its holes are left out of memory.
const LARGE: usize = 1 << 24;

/// `len` bytes at `at`, or as many as the file has, in `buffer`.
pub(crate) fn read_view<'b>(
    source: &dyn PageSource,
    at: u64,
    len: u64,
    buffer: &'b mut Vec<u8>,
) -> Result<View<'b>, Unread> {
    let len = len.min(source.len().saturating_sub(at));
    let len = usize::try_from(len).map_err(|_| Unread::TooLarge {
        size: len,
        limit: u64::MAX,
    })?;
    if len > LARGE {
        return read_data(source, at, len, buffer);
    }
    if buffer.capacity() > LARGE {
        *buffer = Vec::new();
    }
    // Only growth is zeroed; what is there is overwritten.
    buffer.resize(len, 0);
    source.read_at(at, buffer)?;
    Ok(View::based(buffer, at))
}

/// The same, where it may be holes for the most part: what is a hole takes no memory.
fn read_data<'b>(
    source: &dyn PageSource,
    at: u64,
    len: usize,
    buffer: &'b mut Vec<u8>,
) -> Result<View<'b>, Unread> {
    // Fresh zeroes are no memory until they are written to.
    *buffer = Vec::new();
    *buffer = vec![0; len];
    let end = at.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    let mut from = at;
    while let Some(data) = source.data(from).filter(|data| data.start < end) {
        let start = data.start.max(from);
        let stop = data.end().min(end);
        let (Ok(first), Ok(last)) = (
            usize::try_from(start.saturating_sub(at)),
            usize::try_from(stop.saturating_sub(at)),
        ) else {
            break;
        };
        if let Some(piece) = buffer.get_mut(first..last) {
            source.read_at(start, piece)?;
        }
        if stop <= from {
            break;
        }
        from = stop;
    }
    Ok(View::based(buffer, at))
}
