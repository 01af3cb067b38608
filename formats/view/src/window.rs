//! A window into a source.

use core::fmt;

use crate::{Meter, Span};

/// A read that did not fit: which field, where, what it needed and what was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short {
    /// The field, in the format's own words.
    pub what: &'static str,
    /// Absolute offset of the field in the source.
    pub at: u64,
    /// Bytes that the field needs.
    pub need: u64,
    /// Bytes that are there from `at` to the end of the window.
    pub have: u64,
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {:#x} needs {} bytes, {} are there",
            self.what, self.at, self.need, self.have
        )
    }
}

impl core::error::Error for Short {}

/// A window into the bytes of one source, which knows its place in that source.
///
/// Offsets given to the methods are relative to the window; offsets in errors and spans are
/// absolute. No method panics and none allocates.
#[derive(Clone, Copy)]
pub struct View<'s> {
    bytes: &'s [u8],
    base: u64,
    meter: Option<&'s Meter>,
}

impl PartialEq for View<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.bytes(), self.base) == (other.bytes(), other.base)
    }
}

impl Eq for View<'_> {}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({})", self.span())
    }
}

macro_rules! integers {
    ($($name:ident $type:ty, $from:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        pub fn $name(self, at: u64, what: &'static str) -> Result<$type, Short> {
            Ok(<$type>::$from(self.array(at, what)?))
        }
    )*};
}

impl<'s> View<'s> {
    /// A view of a whole source.
    pub const fn new(bytes: &'s [u8]) -> Self {
        Self::based(bytes, 0)
    }

    /// A view of bytes that stand at `base` in their source.
    pub const fn based(bytes: &'s [u8], base: u64) -> Self {
        Self {
            bytes,
            base,
            meter: None,
        }
    }

    /// The same, of a source of which is counted what is looked at: through this view, and all that are cut from it.
    #[must_use]
    pub const fn metered(self, meter: &'s Meter) -> Self {
        Self {
            meter: Some(meter),
            ..self
        }
    }

    /// The bytes themselves.
    pub fn bytes(self) -> &'s [u8] {
        if let Some(meter) = self.meter {
            meter.see(self.base, self.len());
        }
        self.bytes
    }

    /// Absolute offset of the window's first byte.
    pub const fn base(self) -> u64 {
        self.base
    }

    /// Length of the window in bytes.
    pub fn len(self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The stretch of the source that the window shows.
    pub fn span(self) -> Span {
        Span::new(self.base, self.len())
    }

    /// The absolute offset of `at`.
    pub const fn absolute(self, at: u64) -> u64 {
        self.base.saturating_add(at)
    }

    /// `len` bytes at `at`, as a window of their own.
    pub fn slice(self, at: u64, len: u64, what: &'static str) -> Result<Self, Short> {
        let short = Short {
            what,
            at: self.absolute(at),
            need: len,
            have: self.len().saturating_sub(at),
        };
        let end = at.checked_add(len).ok_or(short)?;
        let (start, end) = (
            usize::try_from(at).map_err(|_| short)?,
            usize::try_from(end).map_err(|_| short)?,
        );
        let bytes = self.bytes.get(start..end).ok_or(short)?;
        Ok(Self {
            bytes,
            base: self.absolute(at),
            meter: self.meter,
        })
    }

    /// Everything from `at` to the end of the window.
    pub fn rest(self, at: u64, what: &'static str) -> Result<Self, Short> {
        let have = self.len().saturating_sub(at);
        if at > self.len() {
            return Err(Short {
                what,
                at: self.absolute(at),
                need: 0,
                have: 0,
            });
        }
        self.slice(at, have, what)
    }

    /// `N` bytes at `at`.
    pub fn array<const N: usize>(self, at: u64, what: &'static str) -> Result<[u8; N], Short> {
        let need = u64::try_from(N).unwrap_or(u64::MAX);
        let window = self.slice(at, need, what)?;
        window.bytes().first_chunk().copied().ok_or(Short {
            what,
            at: window.base,
            need,
            have: 0,
        })
    }

    /// One byte at `at`.
    pub fn u8(self, at: u64, what: &'static str) -> Result<u8, Short> {
        Ok(u8::from_le_bytes(self.array(at, what)?))
    }

    integers! {
        u16_le u16, from_le_bytes, "A little-endian `u16` at `at`.";
        u32_le u32, from_le_bytes, "A little-endian `u32` at `at`.";
        u64_le u64, from_le_bytes, "A little-endian `u64` at `at`.";
        u16_be u16, from_be_bytes, "A big-endian `u16` at `at`.";
        u32_be u32, from_be_bytes, "A big-endian `u32` at `at`.";
        u64_be u64, from_be_bytes, "A big-endian `u64` at `at`.";
        i16_be i16, from_be_bytes, "A big-endian `i16` at `at`.";
        i32_be i32, from_be_bytes, "A big-endian `i32` at `at`.";
        i64_be i64, from_be_bytes, "A big-endian `i64` at `at`.";
    }

    /// The first byte that is not zero, as an absolute offset.
    pub fn first_nonzero(self) -> Option<u64> {
        // Slack is mostly zero, and checking it is the bulk of a page walk: long steps without a
        // branch inside become vector instructions.
        const STEP: usize = 256;
        let mut chunks = self.bytes.chunks_exact(STEP);
        let mut at = 0_u64;
        for chunk in chunks.by_ref() {
            if let Some(meter) = self.meter {
                meter.see(self.absolute(at), 256);
            }
            if chunk.iter().fold(0, |all, byte| all | byte) != 0 {
                return self.nonzero_in(chunk, at);
            }
            at = at.saturating_add(256);
        }
        self.nonzero_in(chunks.remainder(), at)
    }

    fn nonzero_in(self, chunk: &[u8], at: u64) -> Option<u64> {
        let place = chunk.iter().position(|byte| *byte != 0)?;
        Some(self.absolute(at).saturating_add(u64::try_from(place).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_keeps_its_place_in_the_source() {
        let bytes = [0, 1, 2, 3, 4, 5, 6, 7];
        let inner = View::new(&bytes).slice(2, 4, "inner").unwrap();
        assert_eq!(inner.u16_be(1, "field"), Ok(0x0304));
        assert_eq!(inner.slice(2, 1, "x").unwrap().base(), 4);
        let short = inner.u32_le(2, "field").unwrap_err();
        assert_eq!(
            short,
            Short {
                what: "field",
                at: 4,
                need: 4,
                have: 2
            }
        );
    }

    #[test]
    fn no_offset_and_no_length_panics() {
        let bytes = [1, 2, 3];
        let view = View::based(&bytes, u64::MAX);
        for at in [0, 1, 3, 4, u64::MAX] {
            for len in [0, 1, 3, 4, u64::MAX] {
                let fits = at.checked_add(len).is_some_and(|end| end <= 3);
                assert_eq!(view.slice(at, len, "x").is_ok(), fits, "{at} {len}");
            }
        }
        assert!(view.rest(4, "x").is_err());
        assert_eq!(view.rest(3, "x").unwrap().len(), 0);
    }

    #[test]
    fn the_first_nonzero_byte_is_found_wherever_it_is() {
        for place in 0..600 {
            let mut bytes = [0_u8; 600];
            bytes[place] = 1;
            let want = u64::try_from(place).unwrap() + 100;
            assert_eq!(View::based(&bytes, 100).first_nonzero(), Some(want));
        }
        assert_eq!(View::new(&[0; 600]).first_nonzero(), None);
    }
}
