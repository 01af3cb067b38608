//! Strings as they stand in a file, with their escapes: read, and masked in their place.

use crate::STAR;
use crate::shape::Range;

/// A string as it is meant, and where each byte of it stands.
#[derive(Debug, Default)]
pub(crate) struct Quoted {
    /// What it says.
    pub(crate) text: Vec<u8>,
    /// Where the text stands in the file, piece by piece.
    pieces: Vec<Piece>,
    /// Bytes that must stay as they are: what they damage stays damaged.
    wrong: Vec<usize>,
}

/// A stretch of the text that stands as it is, or as one escape.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Where it begins in the text.
    text: usize,
    /// Where it begins in the file, and ends.
    place: Range,
    is_escape: bool,
}

impl Quoted {
    /// A string without escapes.
    pub(crate) fn literal(bytes: &[u8], from: usize, until: usize) -> Self {
        let text = bytes.get(from..until).unwrap_or_default().to_vec();
        let place = (from, from.saturating_add(text.len()));
        let mut quoted = Self {
            text,
            pieces: vec![Piece {
                text: 0,
                place,
                is_escape: false,
            }],
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
                quoted.push_plain(byte, at);
                at = at.saturating_add(1);
                continue;
            }
            let (len, meant) = escape(bytes.get(at..until).unwrap_or_default());
            let place = (at, at.saturating_add(len));
            if let Some(letter) = meant {
                quoted.pieces.push(Piece {
                    text: quoted.text.len(),
                    place,
                    is_escape: true,
                });
                let mut buffer = [0; 4];
                let letter = letter.encode_utf8(&mut buffer);
                quoted.text.extend_from_slice(letter.as_bytes());
            } else {
                // It is no escape: what makes it wrong stays.
                quoted.wrong.push(at);
                quoted.push_plain(b'\\', at);
                if let Some(next) = bytes
                    .get(at.saturating_add(1))
                    .filter(|_| at.saturating_add(1) < until)
                {
                    if matches!(next, b'u' | b'U' | b'x') {
                        quoted.wrong.push(at.saturating_add(1));
                    }
                    quoted.push_plain(*next, at.saturating_add(1));
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

    /// A byte that stands as it is meant.
    fn push_plain(&mut self, byte: u8, at: usize) {
        let end = at.saturating_add(1);
        match self.pieces.last_mut() {
            Some(last) if !last.is_escape && last.place.1 == at => last.place.1 = end,
            _ => self.pieces.push(Piece {
                text: self.text.len(),
                place: (at, end),
                is_escape: false,
            }),
        }
        self.text.push(byte);
    }

    /// Where a stretch of the text stands in the file, in order; an escape as a whole.
    fn places(&self, from: usize, until: usize) -> impl Iterator<Item = Range> {
        let until = until.min(self.text.len());
        let first = self.pieces.partition_point(|piece| piece.text <= from);
        let pieces = self.pieces.get(first.saturating_sub(1)..);
        let pieces = pieces.unwrap_or_default().iter();
        pieces
            .take_while(move |piece| piece.text < until)
            .map(move |piece| {
                let (begin, end) = piece.place;
                if piece.is_escape {
                    return (begin, end);
                }
                let skip = from.saturating_sub(piece.text);
                let stop = begin.saturating_add(until.saturating_sub(piece.text));
                (begin.saturating_add(skip), stop.min(end))
            })
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
            if from >= until {
                continue;
            }
            for (begin, end) in self.places(*from, *until) {
                for at in begin..end {
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
        let first = self.pieces.first().map_or(0, |piece| piece.place.0);
        let last = self.pieces.last().map_or(0, |piece| piece.place.1);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_hidden_where_it_stands() {
        let text = r"ab\u0063d\ne\q\ud83d\ude00f";
        let quoted = Quoted::escaped(text.as_bytes(), 0, text.len());
        assert_eq!(quoted.text, "abcd\ne\\q\u{1f600}f".as_bytes());
        for from in 0..quoted.text.len() {
            for until in from + 1..=quoted.text.len() {
                let mut bytes = text.as_bytes().to_vec();
                quoted.mask(&mut bytes, &[(from, until)]);
                // What a mask of each byte by itself hides is hidden, and nothing else.
                let mut each = text.as_bytes().to_vec();
                for at in from..until {
                    quoted.mask(&mut each, &[(at, at + 1)]);
                }
                assert_eq!(bytes, each, "{from}..{until}");
            }
        }
        let mut bytes = text.as_bytes().to_vec();
        assert!(quoted.mask(&mut bytes, &[(1, 3)]));
        assert_eq!(&bytes[..9], b"a*******d");
    }
}
