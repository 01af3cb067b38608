//! Strings as they stand in a file, with their escapes: read, and masked in their place.

use crate::STAR;
use crate::shape::Range;

/// A string as it is meant, and where each byte of it stands.
#[derive(Debug, Default)]
pub(crate) struct Quoted {
    /// What it says.
    pub(crate) text: Vec<u8>,
    /// Where each byte of the text begins in the file, and ends.
    places: Vec<Range>,
    /// Bytes that must stay as they are: what they damage stays damaged.
    wrong: Vec<usize>,
}

impl Quoted {
    /// A string without escapes.
    pub(crate) fn literal(bytes: &[u8], from: usize, until: usize) -> Self {
        let text = bytes.get(from..until).unwrap_or_default().to_vec();
        let places = (from..from.saturating_add(text.len()))
            .map(|at| (at, at.saturating_add(1)))
            .collect();
        let mut quoted = Self {
            text,
            places,
            wrong: Vec::new(),
        };
        quoted.check(bytes, from, until);
        quoted
    }

    /// A string with the escapes of JSON and TOML, between its quotes.
    pub(crate) fn escaped(bytes: &[u8], from: usize, until: usize) -> Self {
        let mut quoted = Self::default();
        let mut at = from;
        while at < until {
            let byte = bytes.get(at).copied().unwrap_or(0);
            if byte != b'\\' {
                quoted.push(byte, (at, at.saturating_add(1)));
                at = at.saturating_add(1);
                continue;
            }
            let (len, meant) = escape(bytes.get(at..until).unwrap_or_default());
            let place = (at, at.saturating_add(len));
            if let Some(letter) = meant {
                let mut buffer = [0; 4];
                for byte in letter.encode_utf8(&mut buffer).bytes() {
                    quoted.push(byte, place);
                }
            } else {
                // It is no escape: what makes it wrong stays.
                quoted.wrong.push(at);
                quoted.push(b'\\', (at, at.saturating_add(1)));
                if let Some(next) = bytes
                    .get(at.saturating_add(1))
                    .filter(|_| at.saturating_add(1) < until)
                {
                    if matches!(next, b'u' | b'U' | b'x') {
                        quoted.wrong.push(at.saturating_add(1));
                    }
                    quoted.push(*next, (at.saturating_add(1), at.saturating_add(2)));
                    at = at.saturating_add(1);
                }
                at = at.saturating_add(1);
                continue;
            }
            at = at.saturating_add(len);
        }
        quoted.check(bytes, from, until);
        quoted
    }

    fn push(&mut self, byte: u8, place: Range) {
        self.text.push(byte);
        self.places.push(place);
    }

    /// Notes bytes that no string may have.
    fn check(&mut self, bytes: &[u8], from: usize, until: usize) {
        let mut at = from;
        for chunk in bytes.get(from..until).unwrap_or_default().utf8_chunks() {
            for byte in chunk.valid().bytes() {
                if byte < 0x20 {
                    self.wrong.push(at);
                }
                at = at.saturating_add(1);
            }
            for _ in chunk.invalid() {
                self.wrong.push(at);
                at = at.saturating_add(1);
            }
        }
        self.wrong.sort_unstable();
    }

    /// Masks stretches of the text where they stand; whether there was anything to hide.
    pub(crate) fn mask(&self, bytes: &mut [u8], hidden: &[Range]) -> bool {
        let mut hides = false;
        for (from, until) in hidden {
            for (begin, end) in self
                .places
                .get(*from..(*until).min(self.places.len()))
                .unwrap_or_default()
            {
                for at in *begin..*end {
                    let is_wrong = self.wrong.binary_search(&at).is_ok();
                    if let Some(byte) = bytes.get_mut(at).filter(|_| !is_wrong) {
                        *byte = STAR;
                        hides = true;
                    }
                }
            }
        }
        hides
    }

    /// Writes a text of the same length in place, if it stands without escapes.
    pub(crate) fn replace(&self, bytes: &mut [u8], text: &[u8]) -> bool {
        let first = self.places.first().map_or(0, |place| place.0);
        let last = self.places.last().map_or(0, |place| place.1);
        match bytes.get_mut(first..last) {
            Some(place) if place.len() == text.len() => {
                place.copy_from_slice(text);
                true
            }
            _ => false,
        }
    }
}

/// How long the escape at the start of `rest` is, and what it means; nothing: it is none.
fn escape(rest: &[u8]) -> (usize, Option<char>) {
    let simple = |letter| (2, Some(letter));
    match rest.get(1) {
        Some(b'n') => simple('\n'),
        Some(b't') => simple('\t'),
        Some(b'r') => simple('\r'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'"') => simple('"'),
        Some(b'\\') => simple('\\'),
        Some(b'/') => simple('/'),
        Some(b'u') => match number(rest, 2, 4) {
            // Two of them are one letter.
            Some(high @ 0xd800..=0xdbff) => {
                let low = (rest.get(6..8) == Some(b"\\u"))
                    .then(|| number(rest, 8, 4))
                    .flatten();
                match low {
                    Some(low @ 0xdc00..=0xdfff) => {
                        let high = high.saturating_sub(0xd800).wrapping_shl(10);
                        let code = 0x1_0000_u32
                            .saturating_add(high)
                            .saturating_add(low.saturating_sub(0xdc00));
                        (12, char::from_u32(code))
                    }
                    _ => (6, None),
                }
            }
            Some(code) => (6, char::from_u32(code)),
            None => (2, None),
        },
        Some(b'U') => match number(rest, 2, 8) {
            Some(code) => (10, char::from_u32(code)),
            None => (2, None),
        },
        _ => (2, None),
    }
}

fn number(rest: &[u8], from: usize, len: usize) -> Option<u32> {
    let digits = rest.get(from..from.saturating_add(len))?;
    let digits = core::str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, 16).ok()
}
