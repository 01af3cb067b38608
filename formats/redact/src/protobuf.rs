//! Strings in protocol buffers, whose schema nobody asks for: the wire format tells where they are.

use crate::judge::{self, Kind};
use crate::shape::{self, Range};
use crate::{json, quoted};

/// Messages in messages.
const DEPTH: usize = 12;

/// Masks the strings of a message; nothing: it is none, and was not touched.
pub(crate) fn mask(bytes: &mut [u8]) -> Option<u64> {
    let fields = fields(bytes)?;
    Some(each(bytes, &fields, 0))
}

/// Number of a field, and where its bytes stand.
type Field = (u64, Range);

/// The fields that have a length, if all of `bytes` is fields.
fn fields(bytes: &[u8]) -> Option<Vec<Field>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let key = varint(bytes, &mut at)?;
        let number = key.wrapping_shr(3);
        if number == 0 || number > 0xffff {
            return None;
        }
        match key & 7 {
            0 => {
                varint(bytes, &mut at)?;
            }
            1 => at = at.checked_add(8)?,
            5 => at = at.checked_add(4)?,
            2 => {
                let len = usize::try_from(varint(bytes, &mut at)?).ok()?;
                let end = at.checked_add(len)?;
                bytes.get(at..end)?;
                found.push((number, (at, end)));
                at = end;
            }
            _ => return None,
        }
        if at > bytes.len() {
            return None;
        }
    }
    Some(found)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let (value, length) = view::uvarint(bytes.get(*at..)?.iter().copied())?;
    *at = at.checked_add(length)?;
    Some(value)
}

fn each(bytes: &mut [u8], found: &[Field], depth: usize) -> u64 {
    let mut masked = 0_u64;
    // An Any: the name of its type, then its bytes.
    let is_any = matches!(found, [(1, _), (2, _)]) && depth == 0;
    for (number, (from, until)) in found {
        let Some(piece) = bytes.get_mut(*from..*until) else {
            continue;
        };
        masked = masked.saturating_add(piece_of(piece, is_any && *number == 1, depth));
    }
    masked
}

fn piece_of(piece: &mut [u8], is_type: bool, depth: usize) -> u64 {
    if piece.starts_with(b"{\"") {
        return json::mask(piece);
    }
    let is_text = core::str::from_utf8(piece).is_ok_and(|text| {
        !text
            .chars()
            .any(|letter| letter.is_control() && letter != '\n')
    });
    if is_text {
        let kind = if is_type || judge::is_path(piece) {
            Kind::Known
        } else {
            Kind::Unknown
        };
        let hidden = judge::hidden(kind, piece);
        let text = quoted::Quoted::literal(piece, 0, piece.len());
        return u64::from(text.mask(piece, &hidden));
    }
    match fields(piece) {
        Some(inner) if depth < DEPTH => each(piece, &inner, depth.saturating_add(1)),
        _ => raw(piece),
    }
}

/// Masks what can be read in bytes of which nothing else is known: documents, and runs of letters.
pub(crate) fn raw(bytes: &mut [u8]) -> u64 {
    let mut masked = 0_u64;
    let mut at = 0;
    let mut rest: Vec<Range> = Vec::new();
    while let Some(found) = next(bytes, at) {
        rest.push((at, found));
        // A document ends at the first byte that is none: what follows is another value.
        let end = end(bytes, found);
        masked = masked.saturating_add(json::mask(bytes.get_mut(found..end).unwrap_or_default()));
        at = end.max(found.saturating_add(1));
    }
    rest.push((at, bytes.len()));
    for (from, until) in rest {
        let piece = bytes.get(from..until).unwrap_or_default();
        for (start, stop) in shape::runs(piece, |byte| byte >= 0x20 && byte != 0x7f) {
            let (start, stop) = (from.saturating_add(start), from.saturating_add(stop));
            if stop.saturating_sub(start) < 4 {
                continue;
            }
            let word = bytes.get(start..stop).unwrap_or_default();
            let hidden = judge::hidden(Kind::Text, word);
            let text = quoted::Quoted::literal(bytes, start, stop);
            masked = masked.saturating_add(u64::from(text.mask(bytes, &hidden)));
        }
    }
    masked
}

/// Where the next document may begin: an object with a name.
fn next(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let found = rest.windows(2).position(|pair| pair == b"{\"")?;
    Some(at.saturating_add(found))
}

/// Where the document that begins at `from` ends: behind its last bracket, or at a byte that no
/// JSON has outside of a string.
fn end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    let mut text = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            // Strings of Go's encoder have no control characters.
            0..=0x1f if text || !byte.is_ascii_whitespace() => return at,
            b'\\' if text => at = at.saturating_add(1),
            b'"' => text = !text,
            b'{' | b'[' if !text => depth = depth.saturating_add(1),
            b'}' | b']' if !text => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at.saturating_add(1);
                }
            }
            _ => {}
        }
        at = at.saturating_add(1);
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_masked_and_lengths_are_kept() {
        let mut any = b"\x0a\x05Types\x12\x1a\x0a\x07hunter2\x12\x0d/usr/bin/runc\x18\x01".to_vec();
        assert_eq!(mask(&mut any), Some(1));
        assert_eq!(
            any,
            b"\x0a\x05Types\x12\x1a\x0a\x07*******\x12\x0d/usr/bin/runc\x18\x01"
        );
        assert_eq!(mask(&mut b"\xff\xff".to_vec()), None);
    }
}
