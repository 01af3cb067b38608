//! A layer's bytes on their way out of the blob, hashed on both sides, bounded.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use content::{Algorithm, Compression, Digest, Hasher};
use finding::Unread;
use flate2::bufread::MultiGzDecoder;

use crate::{InflateError, Limits, Watch};

/// Bytes that are read of the blob at once.
const AT_ONCE: usize = 128 << 10;

/// What a layer inflates to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inflated {
    /// Digest of the bytes as they lie in the store: the blob's.
    pub blob: Digest,
    /// Digest of the inflated bytes: the diffID.
    pub diff_id: Digest,
    /// How it is compressed, by its first bytes, as containerd decides it.
    pub compression: Compression,
    /// Bytes that went in.
    pub packed: u64,
    /// Bytes that came out.
    pub unpacked: u64,
}

/// Hashes what passes, and keeps what went wrong below the decoder.
struct Meter<'w, R> {
    reader: R,
    hasher: Hasher,
    packed: u64,
    broken: Option<Unread>,
    watch: Watch<'w>,
}

impl<R: Read> Read for Meter<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(into) {
            Ok(count) => {
                self.hasher.update(into.get(..count).unwrap_or_default());
                let count_64 = u64::try_from(count).unwrap_or(0);
                self.packed = self.packed.saturating_add(count_64);
                (self.watch.progress)(count_64);
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let text = error.to_string();
                self.broken = Some(unread(&error));
                Err(io::Error::other(text))
            }
        }
    }
}

/// The reason that an evidence's stream wraps.
fn unread(error: &io::Error) -> Unread {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Unread>())
    {
        Some(unread) => unread.clone(),
        None => Unread::Io(error.to_string()),
    }
}

/// Whether a decoder did not get the memory that it needs: that says nothing of its bytes.
fn lacks_memory(why: &str) -> bool {
    why.contains("not enough memory")
}

/// Why a decoder was not made.
fn refused(error: &io::Error) -> InflateError {
    let why = error.to_string();
    if lacks_memory(&why) {
        InflateError::Unread(Unread::Io(why))
    } else {
        InflateError::Unsupported(why)
    }
}

type Packed<'w, R> = BufReader<Meter<'w, R>>;

enum Decoder<'w, R> {
    Plain(Packed<'w, R>),
    Gzip(MultiGzDecoder<Packed<'w, R>>),
    Zstd(zstd::stream::read::Decoder<'static, Packed<'w, R>>),
}

impl<'w, R: Read> Decoder<'w, R> {
    fn read_decoded(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(decoder) => decoder.read(into),
            Self::Gzip(decoder) => decoder.read(into),
            Self::Zstd(decoder) => decoder.read(into),
        }
    }

    fn meter(&self) -> &Meter<'w, R> {
        match self {
            Self::Plain(decoder) => decoder.get_ref(),
            Self::Gzip(decoder) => decoder.get_ref().get_ref(),
            Self::Zstd(decoder) => decoder.get_ref().get_ref(),
        }
    }

    fn into_packed(self) -> Packed<'w, R> {
        match self {
            Self::Plain(decoder) => decoder,
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.finish(),
        }
    }
}

/// The inflated bytes of a layer, by what its first bytes say.
///
/// After an error the stream is over, and [`Inflating::finish`] gives the error.
#[expect(missing_debug_implementations, reason = "a stream has nothing to show")]
pub struct Inflating<'w, R: Read> {
    /// Nothing only if the first bytes could not be read.
    decoder: Option<Decoder<'w, R>>,
    compression: Compression,
    hasher: Hasher,
    unpacked: u64,
    limits: Limits,
    watch: Watch<'w>,
    failed: Option<InflateError>,
}

impl<'w, R: Read> Inflating<'w, R> {
    /// The inflated bytes of `blob`.
    pub fn new(blob: R, limits: Limits, watch: Watch<'w>) -> Self {
        let mut packed = BufReader::with_capacity(
            AT_ONCE,
            Meter {
                reader: blob,
                hasher: Algorithm::Sha256.hasher(),
                packed: 0,
                broken: None,
                watch,
            },
        );
        let mut inflating = Self {
            decoder: None,
            compression: Compression::None,
            hasher: Algorithm::Sha256.hasher(),
            unpacked: 0,
            limits,
            watch,
            failed: None,
        };
        let opened = loop {
            match packed.fill_buf() {
                Ok(first) => break Ok(Compression::detect(first)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        match opened {
            Ok(compression) => {
                inflating.compression = compression;
                inflating.decoder = match compression {
                    Compression::Gzip => Some(Decoder::Gzip(MultiGzDecoder::new(packed))),
                    Compression::Zstd => zstd::stream::read::Decoder::with_buffer(packed)
                        .map_err(|error| inflating.failed = Some(refused(&error)))
                        .ok()
                        .map(Decoder::Zstd),
                    _ => Some(Decoder::Plain(packed)),
                };
            }
            Err(error) => {
                let broken = packed.get_mut().broken.take();
                let why = broken.unwrap_or_else(|| Unread::Io(error.to_string()));
                inflating.failed = Some(InflateError::Unread(why));
            }
        }
        inflating
    }

    /// How it is compressed.
    pub const fn compression(&self) -> Compression {
        self.compression
    }

    /// Bytes that went in so far, about.
    pub fn packed(&self) -> u64 {
        self.decoder
            .as_ref()
            .map_or(0, |decoder| decoder.meter().packed)
    }

    /// Bytes that came out so far.
    pub const fn unpacked(&self) -> u64 {
        self.unpacked
    }

    /// Why it ended before its end, if it did.
    pub const fn failed(&self) -> Option<&InflateError> {
        self.failed.as_ref()
    }

    /// As many bytes as may come out for those that went in.
    fn allowed(&self) -> u64 {
        let by_ratio = self.packed().saturating_mul(self.limits.ratio);
        by_ratio.max(self.limits.free).min(self.limits.bytes)
    }

    /// Counts `more` bytes that came out of nothing: a hole. Whether they are allowed.
    pub(crate) fn count_hole(&mut self, holes: u64) -> bool {
        if self.unpacked.saturating_add(holes) > self.limits.bytes {
            self.failed = Some(InflateError::Bomb {
                packed: self.packed(),
                unpacked: self.unpacked.saturating_add(holes),
            });
        }
        if self.watch.is_cancelled() {
            self.failed = Some(InflateError::Cancelled);
        }
        self.failed.is_none()
    }

    fn fail(&mut self, error: &io::Error) -> InflateError {
        let packed = self.packed();
        let broken = self
            .decoder
            .as_ref()
            .and_then(|decoder| decoder.meter().broken.clone());
        let why = error.to_string();
        match broken {
            Some(unread) => InflateError::Unread(unread),
            // A window that is larger than what a layer may ask for (128 MiB).
            None if why.contains("too much memory") => InflateError::Unsupported(why),
            None if lacks_memory(&why) => InflateError::Unread(Unread::Io(why)),
            None => InflateError::Damaged {
                packed,
                unpacked: self.unpacked,
                why,
            },
        }
    }

    /// Reads what is left, of the tar and after it, and gives both digests.
    pub fn finish(self) -> Result<Inflated, InflateError> {
        self.finish_both().1
    }

    /// As [`finish`](Self::finish), with the blob's digest even where it could not be inflated:
    /// nothing only where its bytes could not be read, or it was ended from outside.
    pub(crate) fn finish_both(mut self) -> (Option<Digest>, Result<Inflated, InflateError>) {
        let mut chunk = vec![0; AT_ONCE];
        loop {
            match self.read(&mut chunk) {
                Ok(0) => break,
                Err(error) if error.kind() != ErrorKind::Interrupted => break,
                Ok(_) | Err(_) => {}
            }
        }
        drop(chunk);
        if let Some(InflateError::Unread(_) | InflateError::Cancelled) = self.failed {
            self.decoder = None;
        }
        let Some(decoder) = self.decoder else {
            return (None, Err(self.failed.unwrap_or(InflateError::Cancelled)));
        };
        // A decoder may stop before the end of its bytes; the blob's digest is that of all of them.
        let mut packed = decoder.into_packed();
        if let Err(why) = drain(&mut packed, self.watch) {
            return (None, Err(self.failed.unwrap_or(why)));
        }
        let meter = packed.into_inner();
        let blob = meter.hasher.finish();
        if let Some(failed) = self.failed {
            return (Some(blob), Err(failed));
        }
        let inflated = Inflated {
            blob: blob.clone(),
            diff_id: self.hasher.finish(),
            compression: self.compression,
            packed: meter.packed,
            unpacked: self.unpacked,
        };
        (Some(blob), Ok(inflated))
    }
}

/// Reads what a decoder left.
fn drain<R: Read>(packed: &mut Packed<'_, R>, watch: Watch<'_>) -> Result<(), InflateError> {
    loop {
        if watch.is_cancelled() {
            return Err(InflateError::Cancelled);
        }
        let count = match packed.fill_buf() {
            Ok([]) => return Ok(()),
            Ok(bytes) => bytes.len(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                let broken = packed.get_mut().broken.take();
                let why = broken.unwrap_or_else(|| Unread::Io(error.to_string()));
                return Err(InflateError::Unread(why));
            }
        };
        packed.consume(count);
    }
}

impl<R: Read> Read for Inflating<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let failed = |why: &InflateError| io::Error::other(why.clone());
        if let Some(why) = &self.failed {
            return Err(failed(why));
        }
        if self.watch.is_cancelled() {
            self.failed = Some(InflateError::Cancelled);
            return Err(failed(&InflateError::Cancelled));
        }
        // Between two looks at the limit no more than this comes out.
        let most = into.len().min(AT_ONCE);
        let into = into.get_mut(..most).unwrap_or_default();
        let Some(decoder) = &mut self.decoder else {
            return Ok(0);
        };
        let count = match decoder.read_decoded(into) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                let why = self.fail(&error);
                let wrapped = failed(&why);
                self.failed = Some(why);
                return Err(wrapped);
            }
        };
        self.hasher.update(into.get(..count).unwrap_or_default());
        let count_64 = u64::try_from(count).unwrap_or(u64::MAX);
        self.unpacked = self.unpacked.saturating_add(count_64);
        if self.unpacked > self.allowed() {
            let why = InflateError::Bomb {
                packed: self.packed(),
                unpacked: self.unpacked,
            };
            let wrapped = failed(&why);
            self.failed = Some(why);
            return Err(wrapped);
        }
        Ok(count)
    }
}
