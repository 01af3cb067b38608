//! Bundles that are compressed, told by their first bytes, and bounded.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::Budget;
use crate::budget::Packed;

/// First bytes of a zstd frame (RFC 8878).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Last three bytes of the magic of a skippable zstd frame; the first is `0x50` to `0x5f`.
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];
/// First bytes of a gzip member (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Bytes that are read from the outside at once.
const AT_ONCE: usize = 256 << 10;

/// How a stream is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
    /// Packed in a way that we know and do not read.
    Unsupported(&'static str),
}

/// How a stream that begins like this is packed.
pub(crate) fn packing(start: &[u8]) -> Packing {
    let skippable = matches!(start.first(), Some(0x50..=0x5f))
        && start
            .get(1..)
            .is_some_and(|rest| rest.starts_with(&SKIPPABLE));
    if start.starts_with(&ZSTD) || skippable {
        Packing::Zstd
    } else if start.starts_with(&GZIP) {
        Packing::Gzip
    } else if start.starts_with(b"\xfd7zXZ\0") {
        Packing::Unsupported("xz")
    } else if start.starts_with(b"BZh") {
        Packing::Unsupported("bzip2")
    } else if start.starts_with(b"PK\x03\x04") {
        Packing::Unsupported("zip")
    } else {
        Packing::Plain
    }
}

/// Counts what is read from the outside.
struct Counted<R> {
    inner: R,
    count: Packed,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.count.add(count);
        Ok(count)
    }
}

/// Stops where a few bytes become too many.
struct Bounded<R> {
    inner: R,
    packed: Packed,
    plain: u64,
    free: u64,
    ratio: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let packed = self.packed.bytes();
        let allowed = packed.saturating_mul(self.ratio).max(self.free);
        if self.plain >= allowed {
            return Err(io::Error::other(format!(
                "{packed} bytes inflate to more than {allowed}, the budget"
            )));
        }
        let count = self.inner.read(into)?;
        self.plain = self
            .plain
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

/// The plain bytes of a stream, whatever it is packed with; `packed` counts those that are read.
pub(crate) fn open<'r>(
    reader: impl Read + 'r,
    budget: &Budget,
    packed: Packed,
) -> io::Result<(Packing, Box<dyn Read + 'r>)> {
    let counted = Counted {
        inner: reader,
        count: packed.clone(),
    };
    let mut buffered = BufReader::with_capacity(AT_ONCE, counted);
    let packing = packing(buffered.fill_buf()?);
    let inner: Box<dyn Read + 'r> = match packing {
        Packing::Plain | Packing::Unsupported(_) => return Ok((packing, Box::new(buffered))),
        Packing::Gzip => Box::new(MultiGzDecoder::new(buffered)),
        Packing::Zstd => Box::new(zstd::Decoder::with_buffer(buffered)?),
    };
    let bounded = Bounded {
        inner,
        packed,
        plain: 0,
        free: budget.inflated,
        ratio: budget.ratio,
    };
    Ok((
        packing,
        Box::new(BufReader::with_capacity(AT_ONCE, bounded)),
    ))
}
