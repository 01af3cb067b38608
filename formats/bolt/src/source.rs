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
}

/// `len` bytes at `at`, or as many as the file has, in `buffer`.
pub(crate) fn read<'b>(
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
    // Only growth is zeroed; what is there is overwritten.
    buffer.resize(len, 0);
    source.read_at(at, buffer)?;
    Ok(View::based(buffer, at))
}
