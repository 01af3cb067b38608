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
use std::sync::Arc;

use finding::{Text, Time};
use view::Span;

/// Names and values of extended attributes, shared by all members that have the same.
type Xattrs = BTreeMap<Text, Arc<[u8]>>;

/// Bytes of all names of extended attributes that one file can have (`XATTR_LIST_MAX` of Linux).
const XATTR_NAMES: usize = 64 << 10;
/// Bytes of the value of one extended attribute (`XATTR_SIZE_MAX` of Linux).
const XATTR_VALUE: usize = 64 << 10;

/// The keys of which anything is asked.
const KEYS: [&[u8]; 14] = [
    b"path",
    b"linkpath",
    b"size",
    b"uid",
    b"gid",
    b"mtime",
    b"atime",
    b"ctime",
    b"LIBARCHIVE.creationtime",
    b"GNU.sparse.name",
    b"GNU.sparse.realsize",
    b"GNU.sparse.size",
    b"GNU.sparse.major",
    b"GNU.sparse.map",
];

/// What the records of one header say. Later records win.
#[derive(Debug, Clone, Default)]
struct Said {
    /// Nothing: an empty value took the key back.
    values: BTreeMap<Box<[u8]>, Option<Arc<[u8]>>>,
    xattrs: Arc<Xattrs>,
    /// Bytes of the names of `xattrs`.
    names: usize,
    /// GNU sparse 0.0 repeats two keys for each stretch, in order.
    stretches: Vec<Span>,
    offset: Option<u64>,
    /// Bytes of keys and values.
    bytes: u64,
}

/// What the records of one member say: its own, over those of the archive's global headers, which
/// all members share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    global: Arc<Said>,
    own: Option<Box<Said>>,
    /// Extended attributes that no file of Linux can have were left out.
    pub(crate) left_out: bool,
}

impl Said {
    /// Whether it holds an attribute that no file of Linux can have, which is then left out.
    fn put(&mut self, key: &[u8], value: &[u8]) -> bool {
        let len = key.len().saturating_add(value.len());
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(len);
        match key {
            b"GNU.sparse.offset" => self.offset = decimal(value),
            b"GNU.sparse.numbytes" => {
                if let (Some(start), Some(len)) = (self.offset.take(), decimal(value)) {
                    self.stretches.push(Span::new(start, len));
                }
            }
            _ => {
                if let Some((name, value)) = xattr(key, value) {
                    return self.put_xattr(name, &value);
                }
                // There may be millions of others.
                if !KEYS.contains(&key) {
                    return false;
                }
                // An empty value takes back what a global header said.
                let value = (!value.is_empty()).then(|| value.into());
                self.values.insert(key.into(), value);
            }
        }
        false
    }

    fn put_xattr(&mut self, name: Text, value: &[u8]) -> bool {
        let names = self.names.saturating_add(name.bytes().len());
        let names = names.saturating_add(1);
        if value.len() > XATTR_VALUE || names > XATTR_NAMES {
            return true;
        }
        if Arc::make_mut(&mut self.xattrs)
            .insert(name, value.into())
            .is_none()
        {
            self.names = names;
        }
        false
    }

    /// Reads records over what is there; `false` if they are malformed, with what stood before the
    /// damage kept. The second is whether an attribute was left out.
    fn read_pax_records(&mut self, mut bytes: &[u8]) -> (bool, bool) {
        let mut left_out = false;
        while !bytes.is_empty() {
            // GNU tar pads some headers with NULs inside the size.
            if bytes.first() == Some(&0) && bytes.iter().all(|byte| *byte == 0) {
                break;
            }
            match record(bytes) {
                Some((key, value, rest)) => {
                    left_out |= self.put(key, value);
                    bytes = rest;
                }
                None => return (false, left_out),
            }
        }
        (true, left_out)
    }
}

impl Records {
    /// Reads a global header: it holds for all members that follow. `false` if it is malformed.
    pub(crate) fn read_global(&mut self, bytes: &[u8]) -> bool {
        let (sound, left_out) = Arc::make_mut(&mut self.global).read_pax_records(bytes);
        self.left_out |= left_out;
        sound
    }

    /// Bytes of the global headers.
    pub(crate) fn global_bytes(&self) -> u64 {
        self.global.bytes
    }

    /// Bytes of the member's own headers.
    pub(crate) fn own_bytes(&self) -> u64 {
        self.own.as_ref().map_or(0, |own| own.bytes)
    }

    /// The records of a member before its own header was read.
    pub(crate) fn of_member(&self) -> Self {
        Self {
            global: Arc::clone(&self.global),
            own: None,
            left_out: self.left_out,
        }
    }

    /// Reads a member's own header; `false` if it is malformed.
    pub(crate) fn read_pax_header(&mut self, bytes: &[u8]) -> bool {
        let (sound, left_out) = self.own.get_or_insert_default().read_pax_records(bytes);
        self.left_out |= left_out;
        sound
    }

    pub(crate) fn get(&self, key: &str) -> Option<&[u8]> {
        debug_assert!(KEYS.contains(&key.as_bytes()), "{key} is not kept");
        let own = self.own.as_deref();
        let said = own.and_then(|own| own.values.get(key.as_bytes()));
        let said = said.or_else(|| self.global.values.get(key.as_bytes()));
        said?.as_deref()
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

    /// The stretches of a GNU sparse file of form 0.0.
    pub(crate) fn stretches(&self) -> &[Span] {
        let own = self.own.as_deref().map(|own| own.stretches.as_slice());
        own.filter(|own| !own.is_empty())
            .unwrap_or(&self.global.stretches)
    }

    /// The extended attributes, as GNU tar, star and Go (`SCHILY.xattr.`) and libarchive
    /// (`LIBARCHIVE.xattr.`) write them.
    pub(crate) fn xattrs(&self) -> Arc<Xattrs> {
        let own = self.own.as_deref().filter(|own| !own.xattrs.is_empty());
        let Some(own) = own else {
            return Arc::clone(&self.global.xattrs);
        };
        if self.global.xattrs.is_empty() {
            return Arc::clone(&own.xattrs);
        }
        let mut both = (*self.global.xattrs).clone();
        let more = own.xattrs.iter();
        both.extend(more.map(|(name, value)| (name.clone(), Arc::clone(value))));
        Arc::new(both)
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
        let value = b"\x01\n8 gid=1\n\0";
        let key = b"SCHILY.xattr.security.capability=";
        let mut bytes = b"48 ".to_vec();
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        bytes.push(b'\n');
        assert_eq!(bytes.len(), 48);
        bytes.extend_from_slice(b"11 path=ab\n");
        assert!(records.read_pax_header(&bytes));
        let xattrs = records.xattrs();
        assert_eq!(*xattrs[&Text::from("security.capability")], *value);
        assert_eq!(records.get("path"), Some(b"ab".as_slice()));
        assert_eq!(records.get("gid"), None);
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
            assert!(!Records::default().read_pax_header(bytes), "{bytes:?}");
        }
        let mut records = Records::default();
        assert!(!records.read_pax_header(b"8 gid=b\n6 a=b\n9 c"));
        assert_eq!(records.get("gid"), Some(b"b".as_slice()));
        assert!(records.read_pax_header(b"7 gid=\n"));
        assert_eq!(records.get("gid"), None);
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
