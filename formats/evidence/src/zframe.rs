//! A compressed stream that can be entered in the middle: zstd frames and a seek table.
//!
//! ```text
//! frame, frame, …, skippable frame:
//!   +0x0 magic 0x184d2a5e   +0x4 length of what follows
//!   for each frame: compressed length u32, plain length u32
//!   number of frames u32, descriptor u8 (0: no checksums in the table), magic 0x8f92eab1
//! ```
//!
//! All little-endian. Source: `contrib/seekable_format/zstd_seekable_compression_format.md` of
//! zstd. Any zstd reads such a stream from front to back.

use std::io::{self, Write};

/// Plain bytes after which a frame ends at the next boundary.
const BATCH: u64 = 1 << 20;
/// Plain bytes after which a frame ends anywhere.
const MOST: u64 = 32 << 20;
const LEVEL: i32 = 3;
const SKIPPABLE: u32 = 0x184d_2a5e;
const SEEKABLE: u32 = 0x8f92_eab1;

/// A writer that counts.
struct Counting<W> {
    inner: W,
    count: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.count = self
            .count
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Compresses what is written to it.
pub(crate) struct Frames<W: Write> {
    /// Between two frames.
    idle: Option<Counting<W>>,
    /// Inside one.
    frame: Option<zstd::Encoder<'static, Counting<W>>>,
    plain: u64,
    /// Compressed and plain length of each frame.
    table: Vec<(u32, u32)>,
}

impl<W: Write> Frames<W> {
    pub(crate) const fn new(inner: W) -> Self {
        Self {
            idle: Some(Counting { inner, count: 0 }),
            frame: None,
            plain: 0,
            table: Vec::new(),
        }
    }

    /// A place where a frame may end: between two members.
    pub(crate) fn boundary(&mut self) -> io::Result<()> {
        if self.plain >= BATCH {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        if let Some(frame) = self.frame.take() {
            let mut inner = frame.finish()?;
            let lengths = (u32::try_from(inner.count), u32::try_from(self.plain));
            if let (Ok(packed), Ok(plain)) = lengths {
                self.table.push((packed, plain));
            }
            inner.count = 0;
            self.plain = 0;
            self.idle = Some(inner);
        }
        Ok(())
    }

    /// Ends the last frame and writes the seek table.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.close()?;
        let Some(Counting { mut inner, .. }) = self.idle.take() else {
            return Err(io::Error::other("an earlier write failed"));
        };
        let frames = u32::try_from(self.table.len()).map_err(io::Error::other)?;
        let mut body = Vec::new();
        for (packed, plain) in &self.table {
            body.extend_from_slice(&packed.to_le_bytes());
            body.extend_from_slice(&plain.to_le_bytes());
        }
        body.extend_from_slice(&frames.to_le_bytes());
        body.push(0);
        body.extend_from_slice(&SEEKABLE.to_le_bytes());
        let len = u32::try_from(body.len()).map_err(io::Error::other)?;
        inner.write_all(&SKIPPABLE.to_le_bytes())?;
        inner.write_all(&len.to_le_bytes())?;
        inner.write_all(&body)?;
        inner.flush()?;
        Ok(inner)
    }
}

impl<W: Write> Write for Frames<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.plain >= MOST {
            self.close()?;
        }
        if self.frame.is_none() {
            let inner = self.idle.take();
            let inner = inner.ok_or_else(|| io::Error::other("an earlier write failed"))?;
            let mut frame = zstd::Encoder::new(inner, LEVEL)?;
            frame.include_checksum(true)?;
            self.frame = Some(frame);
        }
        let frame = self.frame.as_mut();
        let frame = frame.ok_or_else(|| io::Error::other("an earlier write failed"))?;
        let count = frame.write(bytes)?;
        let more = u64::try_from(count).unwrap_or(u64::MAX);
        self.plain = self.plain.saturating_add(more);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.frame.as_mut().map_or(Ok(()), Write::flush)
    }
}
