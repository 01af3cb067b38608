//! Layers, inflated within bounds.

use core::fmt;
use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use content::{Algorithm, Compression, Digest, Hasher};
use finding::Unread;

use crate::{Control, Cut, hash};

/// How far a layer may inflate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InflateLimits {
    /// Bytes that come out.
    pub bytes: u64,
    /// Bytes that may come out for one that went in, after the first [`InflateLimits::free`].
    /// gzip ends at about 1,030, which only zeroes reach; zstd has no end.
    pub ratio: u64,
    /// Bytes that may come out whatever the ratio.
    pub free: u64,
}

impl Default for InflateLimits {
    fn default() -> Self {
        Self {
            bytes: 64 << 30,
            ratio: 1_000,
            free: 256 << 20,
        }
    }
}

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

/// Why a layer could not be inflated to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InflateError {
    /// Its bytes could not be read.
    Unread(Unread),
    /// Its bytes are no gzip or zstd from here on.
    Damaged {
        /// Bytes that had gone in, about.
        packed: u64,
        /// Bytes that had come out.
        unpacked: u64,
        /// What the decoder says.
        why: String,
    },
    /// It inflates to more than it may: a bomb, or a limit that is too low.
    Bomb {
        /// Bytes that had gone in, about.
        packed: u64,
        /// Bytes that had come out.
        unpacked: u64,
    },
    /// It was ended from outside.
    Cut(Cut),
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(unread) => write!(f, "{unread}"),
            Self::Damaged {
                packed,
                unpacked,
                why,
            } => write!(
                f,
                "cannot be inflated beyond {unpacked} bytes (of the first {packed} packed): {why}"
            ),
            Self::Bomb { packed, unpacked } => write!(
                f,
                "inflates to more than {unpacked} bytes from {packed}: it was not inflated further"
            ),
            Self::Cut(cut) => write!(f, "was not inflated to its end: {cut}"),
        }
    }
}

impl core::error::Error for InflateError {}

/// Hashes what passes, and keeps what went wrong below the decoder.
struct Meter<R> {
    reader: R,
    state: Rc<RefCell<State>>,
}

struct State {
    hasher: Option<Hasher>,
    packed: u64,
    broken: Option<Unread>,
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into);
        let mut state = self.state.borrow_mut();
        match count {
            Ok(count) => {
                if let Some(hasher) = &mut state.hasher {
                    hasher.update(into.get(..count).unwrap_or_default());
                }
                state.packed = state
                    .packed
                    .saturating_add(u64::try_from(count).unwrap_or(0));
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let text = error.to_string();
                state.broken = Some(hash::unread(&error));
                Err(io::Error::other(text))
            }
        }
    }
}

/// Inflates a layer, by what its first bytes say, and gives both of its SHA-256 digests; nothing
/// is kept.
pub fn inflate(
    reader: impl Read,
    limits: &InflateLimits,
    control: &Control<'_>,
) -> Result<Inflated, InflateError> {
    inflate_as(reader, limits, control, &mut |_| {})
}

/// As [`inflate`], and gives the inflated bytes to `sink` as they come.
pub fn inflate_as(
    reader: impl Read,
    limits: &InflateLimits,
    control: &Control<'_>,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<Inflated, InflateError> {
    let state = Rc::new(RefCell::new(State {
        hasher: Some(Algorithm::Sha256.hasher()),
        packed: 0,
        broken: None,
    }));
    let meter = Meter {
        reader,
        state: Rc::clone(&state),
    };
    let mut packed = BufReader::with_capacity(128 << 10, meter);
    let first = loop {
        match packed.fill_buf() {
            Ok(first) => break first,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(&state, 0, &error)),
        }
    };
    let compression = Compression::detect(first);
    let (diff_id, unpacked, mut rest) = match compression {
        Compression::Gzip => {
            let mut decoder = flate2::bufread::MultiGzDecoder::new(packed);
            let (diff_id, unpacked) = drain(&mut decoder, &state, limits, control, sink)?;
            (diff_id, unpacked, decoder.into_inner())
        }
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)
                .map_err(|error| failed(&state, 0, &error))?;
            let (diff_id, unpacked) = drain(&mut decoder, &state, limits, control, sink)?;
            (diff_id, unpacked, decoder.finish())
        }
        _ => {
            let (diff_id, unpacked) = drain(&mut packed, &state, limits, control, sink)?;
            (diff_id, unpacked, packed)
        }
    };
    // A decoder may stop before the end of its bytes; the blob's digest is that of all of them.
    io::copy(&mut rest, &mut io::sink()).map_err(|error| failed(&state, unpacked, &error))?;
    drop(rest);
    let mut state = state.borrow_mut();
    let hasher = state
        .hasher
        .take()
        .unwrap_or_else(|| Algorithm::Sha256.hasher());
    Ok(Inflated {
        blob: hasher.finish(),
        diff_id,
        compression,
        packed: state.packed,
        unpacked,
    })
}

fn failed(state: &RefCell<State>, unpacked: u64, error: &io::Error) -> InflateError {
    let mut state = state.borrow_mut();
    match state.broken.take() {
        Some(unread) => InflateError::Unread(unread),
        None => InflateError::Damaged {
            packed: state.packed,
            unpacked,
            why: error.to_string(),
        },
    }
}

fn drain(
    decoder: &mut impl Read,
    state: &RefCell<State>,
    limits: &InflateLimits,
    control: &Control<'_>,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(Digest, u64), InflateError> {
    let mut hasher = Algorithm::Sha256.hasher();
    let mut chunk = vec![0; 128 << 10];
    let mut unpacked = 0_u64;
    loop {
        if control.is_cancelled() {
            return Err(InflateError::Cut(Cut::Cancelled));
        }
        let count = match decoder.read(&mut chunk) {
            Ok(0) => return Ok((hasher.finish(), unpacked)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(state, unpacked, &error)),
        };
        let bytes = chunk.get(..count).unwrap_or_default();
        hasher.update(bytes);
        sink(bytes);
        unpacked = unpacked.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        (control.progress)(u64::try_from(count).unwrap_or(u64::MAX));
        let packed = state.borrow().packed;
        let allowed = packed
            .saturating_mul(limits.ratio)
            .max(limits.free)
            .min(limits.bytes);
        if unpacked > allowed {
            return Err(InflateError::Bomb { packed, unpacked });
        }
    }
}
