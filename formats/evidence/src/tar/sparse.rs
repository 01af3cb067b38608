//! Maps of sparse files, in the four forms that GNU tar has used.
//!
//! | form     | where the map is                                               | size with holes       |
//! |----------|----------------------------------------------------------------|-----------------------|
//! | old GNU  | header at +0x182, and blocks of 21 after it                    | header at +0x1e3      |
//! | PAX 0.0  | repeated records `GNU.sparse.offset`, `GNU.sparse.numbytes`    | `GNU.sparse.size`     |
//! | PAX 0.1  | record `GNU.sparse.map`: `0,512,4096,512`                      | `GNU.sparse.size`     |
//! | PAX 1.0  | before the data: decimal lines `2\n0\n512\n4096\n512\n`, padded | `GNU.sparse.realsize` |
//!
//! Source: GNU tar manual, "Sparse Formats".

use std::io::{self, Read};

use view::Span;

use super::header::BLOCK;
use super::pax::decimal;

/// Stretches of one file that are kept.
pub(super) const MOST_STRETCHES: usize = 1 << 20;

/// `0,512,4096,512`
pub(crate) fn list(text: &[u8]) -> Option<Vec<Span>> {
    let numbers: Option<Vec<u64>> = text.split(|byte| *byte == b',').map(decimal).collect();
    let numbers = numbers?;
    let pairs = numbers.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let span = |pair: &[u64]| match pair {
        [start, len] => Some(Span::new(*start, *len)),
        _ => None,
    };
    pairs.map(span).collect()
}

/// Reads the map that stands before the data, at most `most` bytes of it. Gives the map and how
/// many bytes of the archive it took; the map is nothing if it is malformed.
pub(crate) fn before_data(
    input: &mut impl Read,
    most: u64,
) -> io::Result<(Option<Vec<Span>>, u64)> {
    let stretches = u64::try_from(MOST_STRETCHES).unwrap_or(u64::MAX);
    let mut taken = 0_u64;
    let mut block = [0; BLOCK];
    let mut line: Vec<u8> = Vec::new();
    let mut wanted: Option<u64> = None;
    let mut numbers: Vec<u64> = Vec::new();
    loop {
        let next = taken.saturating_add(512);
        if next > most {
            return Ok((None, taken));
        }
        input.read_exact(&mut block)?;
        taken = next;
        for byte in block {
            if byte != b'\n' {
                line.push(byte);
                if line.len() > 20 {
                    return Ok((None, taken));
                }
                continue;
            }
            let Some(number) = decimal(&line) else {
                return Ok((None, taken));
            };
            line.clear();
            match wanted {
                // Two lines a stretch, two bytes a line: more than this cannot fit.
                None if number > most.min(stretches) => {
                    return Ok((None, taken));
                }
                None => wanted = Some(number.saturating_mul(2)),
                Some(_) => numbers.push(number),
            }
            if wanted == Some(u64::try_from(numbers.len()).unwrap_or(u64::MAX)) {
                let pairs = numbers.chunks_exact(2);
                let map = pairs.filter_map(|pair| match pair {
                    [start, len] => Some(Span::new(*start, *len)),
                    _ => None,
                });
                return Ok((Some(map.collect()), taken));
            }
        }
    }
}

/// The map without empty stretches, if it is in order, fits into the file, and covers exactly what
/// is stored.
pub(crate) fn sound(map: Vec<Span>, size: u64, stored: u64) -> Option<Vec<Span>> {
    let mut end = 0_u64;
    let mut sum = 0_u64;
    for span in &map {
        let after = span.start.checked_add(span.len)?;
        if span.start < end || after > size {
            return None;
        }
        end = after;
        sum = sum.checked_add(span.len)?;
    }
    (sum == stored).then(|| map.into_iter().filter(|span| span.len != 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read_and_checked() {
        let map = list(b"0,512,4096,512").unwrap();
        assert_eq!(map, [Span::new(0, 512), Span::new(4096, 512)]);
        assert_eq!(list(b"0,512,4096"), None);
        assert_eq!(list(b""), None);
        assert_eq!(sound(map.clone(), 4608, 1024), Some(map.clone()));
        assert_eq!(sound(map.clone(), 4607, 1024), None);
        assert_eq!(sound(map.clone(), 4608, 1023), None);
        let over = vec![Span::new(0, u64::MAX), Span::new(1, u64::MAX)];
        assert_eq!(sound(over, u64::MAX, 5), None);
    }

    #[test]
    fn the_map_before_the_data_takes_whole_blocks() {
        let mut bytes = b"2\n0\n512\n4096\n512\n".to_vec();
        bytes.resize(512, 0);
        let (map, taken) = before_data(&mut bytes.as_slice(), 10_000).unwrap();
        assert_eq!(map.unwrap(), [Span::new(0, 512), Span::new(4096, 512)]);
        assert_eq!(taken, 512);
        let (map, _) = before_data(&mut [b'1'; 512].as_slice(), 10_000).unwrap();
        assert_eq!(map, None);
        let mut huge = b"99999999999\n".to_vec();
        huge.resize(512, b'0');
        assert_eq!(before_data(&mut huge.as_slice(), 10_000).unwrap().0, None);
    }
}
