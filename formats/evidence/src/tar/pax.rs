//! PAX records: what does not fit into a header block.
//!
//! ```text
//! "27 mtime=1795232160.123456\n"    27 counts all of it, the digits and the newline too
//! ```
//!
//! The length is the only thing that ends a record: values hold newlines (`security.capability`,
//! `trusted.overlay.origin`), NULs and anything else. Source: POSIX.1-2024 `pax`, "pax Extended
//! Header".

use std::collections::BTreeMap;

use finding::{Text, Time};
use view::Span;

/// What the records of one member say. Later records win.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// GNU sparse 0.0 repeats two keys for each stretch, in order.
    pub(crate) stretches: Vec<Span>,
    offset: Option<u64>,
}

impl Records {
    /// Reads records over what is there; `false` if they are malformed, with what stood before the
    /// damage kept.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            // GNU tar pads some headers with NULs inside the size.
            if bytes.iter().all(|byte| *byte == 0) {
                break;
            }
            match record(bytes) {
                Some((key, value, rest)) => {
                    self.put(key, value);
                    bytes = rest;
                }
                None => return false,
            }
        }
        true
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"GNU.sparse.offset" => self.offset = decimal(value),
            b"GNU.sparse.numbytes" => {
                if let (Some(start), Some(len)) = (self.offset.take(), decimal(value)) {
                    self.stretches.push(Span::new(start, len));
                }
            }
            // An empty value takes back what a global header said; an extended attribute may be
            // empty.
            _ if value.is_empty() && xattr(key, value).is_none() => {
                self.values.remove(key);
            }
            _ => {
                self.values.insert(key.to_vec(), value.to_vec());
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&[u8]> {
        self.values.get(key.as_bytes()).map(Vec::as_slice)
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        decimal(self.get(key)?)
    }

    pub(crate) fn id(&self, key: &str) -> Option<u32> {
        u32::try_from(self.number(key)?).ok()
    }

    pub(crate) fn time(&self, key: &str) -> Option<Time> {
        time(self.get(key)?)
    }

    /// The extended attributes, as GNU tar, star and Go (`SCHILY.xattr.`) and libarchive
    /// (`LIBARCHIVE.xattr.`) write them.
    pub(crate) fn xattrs(&self) -> BTreeMap<Text, Vec<u8>> {
        let records = self.values.iter();
        records
            .filter_map(|(key, value)| xattr(key, value))
            .collect()
    }
}

/// Key, value, and what follows the first record.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let len = usize::try_from(decimal(bytes.get(..space)?)?).ok()?;
    let (record, rest) = bytes.split_at_checked(len)?;
    let record = record.get(space.checked_add(1)?..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = record.split_at_checked(equals)?;
    (!key.is_empty()).then_some((key, value.get(1..)?, rest))
}

/// Decimal digits and nothing else.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds with a fraction, negative before 1970: `-1.5` is half a second after -2.
pub(crate) fn time(text: &[u8]) -> Option<Time> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = text.splitn(2, |byte| *byte == b'.');
    let seconds = i64::try_from(decimal(parts.next()?)?).ok()?;
    let mut nanos = 0_u32;
    let mut worth = 100_000_000_u32;
    for byte in parts.next().unwrap_or_default() {
        let digit = u32::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        nanos = nanos.saturating_add(digit.saturating_mul(worth));
        worth = worth.checked_div(10)?;
    }
    Some(match (negative, nanos) {
        (false, _) => Time::new(seconds, nanos),
        (true, 0) => Time::new(seconds.checked_neg()?, 0),
        (true, _) => Time::new(
            seconds.checked_neg()?.checked_sub(1)?,
            1_000_000_000_u32.checked_sub(nanos)?,
        ),
    })
}

/// Name and value, if the record is an extended attribute.
fn xattr(key: &[u8], value: &[u8]) -> Option<(Text, Vec<u8>)> {
    if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
        // GNU tar escapes two letters of the name, and only those.
        let mut plain = Vec::new();
        let mut rest = name;
        while let Some((first, tail)) = rest.split_first() {
            let (byte, next) = match rest.get(..3) {
                Some(b"%3D") => (b'=', rest.get(3..)?),
                Some(b"%25") => (b'%', rest.get(3..)?),
                _ => (*first, tail),
            };
            plain.push(byte);
            rest = next;
        }
        return Some((Text::from(plain), value.to_vec()));
    }
    if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
        return Some((Text::from(url(name)), base64(value)?));
    }
    if key == b"RHT.security.selinux" {
        return Some((Text::from("security.selinux"), value.to_vec()));
    }
    None
}

/// Undoes `%XX`.
fn url(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match hex {
            Some(byte) if *first == b'%' => {
                plain.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    plain
}

/// Base64 without padding, as libarchive writes it.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in text {
        let value = match letter {
            b'A'..=b'Z' => letter.checked_sub(b'A')?,
            b'a'..=b'z' => letter.checked_sub(b'a')?.checked_add(26)?,
            b'0'..=b'9' => letter.checked_sub(b'0')?.checked_add(52)?,
            b'+' => 62,
            b'/' => 63,
            b'=' | b'\n' => continue,
            _ => return None,
        };
        bits = bits.checked_shl(6)? | u32::from(value);
        count = count.checked_add(6)?;
        if let Some(left) = count.checked_sub(8) {
            plain.push(u8::try_from(bits.checked_shr(left)? & 0xff).ok()?);
            bits &= (1_u32.checked_shl(left)?).checked_sub(1)?;
            count = left;
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_newlines_and_what_looks_like_a_record() {
        let mut records = Records::default();
        let value = b"\x01\n8 a=b\n\0";
        let key = b"SCHILY.xattr.security.capability=";
        let mut bytes = b"46 ".to_vec();
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        bytes.push(b'\n');
        assert_eq!(bytes.len(), 46);
        bytes.extend_from_slice(b"11 path=ab\n");
        assert!(records.read(&bytes));
        let xattrs = records.xattrs();
        assert_eq!(xattrs[&Text::from("security.capability")], value);
        assert_eq!(records.get("path"), Some(b"ab".as_slice()));
        assert_eq!(records.get("a"), None);
    }

    #[test]
    fn malformed_records_end_the_reading() {
        for bytes in [
            b"5 a=b".as_slice(),
            b"99 a=b\n",
            b"x a=b\n",
            b"6 a=b\n6",
            b"5 ab\n",
            b"0 a=b\n",
            b"18446744073709551616 a=b\n",
        ] {
            assert!(!Records::default().read(bytes), "{bytes:?}");
        }
        let mut records = Records::default();
        assert!(!records.read(b"6 a=b\n9 c"));
        assert_eq!(records.get("a"), Some(b"b".as_slice()));
        assert!(records.read(b"5 a=\n"));
        assert_eq!(records.get("a"), None);
    }

    #[test]
    fn times_keep_their_nanoseconds() {
        assert_eq!(time(b"5"), Some(Time::new(5, 0)));
        assert_eq!(time(b"5.123456789"), Some(Time::new(5, 123_456_789)));
        assert_eq!(time(b"5.1234567899"), Some(Time::new(5, 123_456_789)));
        assert_eq!(time(b"-1.5"), Some(Time::new(-2, 500_000_000)));
        assert_eq!(time(b"-2"), Some(Time::new(-2, 0)));
        assert_eq!(time(b"5.x"), None);
        assert_eq!(time(b""), None);
    }

    #[test]
    fn libarchive_writes_base64() {
        assert_eq!(base64(b"AQAAAg").unwrap(), [1, 0, 0, 2]);
        assert_eq!(base64(b"aGVsbG8K").unwrap(), b"hello\n");
        assert_eq!(base64(b"*"), None);
        assert_eq!(url(b"user.a%20b"), b"user.a b");
    }
}
