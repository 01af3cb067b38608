//! One block of 512 bytes that says what follows.
//!
//! ```text
//! +0x000 name 100   +0x064 mode 8    +0x06c uid 8      +0x074 gid 8      +0x07c size 12
//! +0x088 mtime 12   +0x094 chksum 8  +0x09c typeflag 1 +0x09d linkname 100
//! +0x101 magic 6    +0x107 version 2 +0x109 uname 32   +0x129 gname 32
//! +0x149 devmajor 8 +0x151 devminor 8
//! ustar: +0x159 prefix 155
//! GNU:   +0x159 atime 12  +0x165 ctime 12  +0x182 sparse 4 x (offset 12, numbytes 12)
//!        +0x1e2 isextended 1  +0x1e3 realsize 12
//! ```
//!
//! Numbers are octal digits, or, with the top bit of the first byte set, big-endian two's
//! complement ("base-256", GNU and star). Source: POSIX.1-2024 `pax`, and `tar.h` of GNU tar.

use finding::Time;
use view::Span;

/// Bytes of a block.
pub(crate) const BLOCK: usize = 512;

/// Whose fields stand after +0x101.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// No magic: Seventh Edition.
    V7,
    /// `ustar\0` `00`: POSIX, with or without PAX records.
    Ustar,
    /// `ustar ` ` \0`: GNU.
    Gnu,
}

/// One header block whose checksum holds.
pub(crate) struct Header<'b>(&'b [u8; BLOCK]);

impl<'b> Header<'b> {
    /// The header, if its checksum holds.
    pub(crate) fn new(block: &'b [u8; BLOCK]) -> Option<Self> {
        let header = Self(block);
        let claimed = header.number(0x94, 8)?;
        let blank = |at: usize| (0x94..0x9c).contains(&at);
        let mut sum = 0_i64;
        // Some old tars added the bytes as signed ones.
        let mut signed = 0_i64;
        for (at, byte) in block.iter().enumerate() {
            let byte = if blank(at) { b' ' } else { *byte };
            sum = sum.saturating_add(i64::from(byte));
            signed = signed.saturating_add(i64::from(byte.cast_signed()));
        }
        (claimed == sum || claimed == signed).then_some(header)
    }

    fn field(&self, at: usize, len: usize) -> &'b [u8] {
        let end = at.saturating_add(len);
        self.0.get(at..end).unwrap_or_default()
    }

    /// A text up to its NUL or the end of the field.
    fn text_until_nul(&self, at: usize, len: usize) -> &'b [u8] {
        let field = self.field(at, len);
        field.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    fn number(&self, at: usize, len: usize) -> Option<i64> {
        number(self.field(at, len))
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self.field(0x101, 8) {
            b"ustar  \0" => Dialect::Gnu,
            magic if magic.starts_with(b"ustar") => Dialect::Ustar,
            _ => Dialect::V7,
        }
    }

    /// Prefix, slash, name.
    pub(crate) fn path(&self) -> Vec<u8> {
        let name = self.text_until_nul(0, 100);
        let prefix = match self.dialect() {
            Dialect::Ustar => self.text_until_nul(0x159, 155),
            Dialect::V7 | Dialect::Gnu => b"",
        };
        if prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    pub(crate) fn link(&self) -> &'b [u8] {
        self.text_until_nul(0x9d, 100)
    }

    pub(crate) fn typeflag(&self) -> u8 {
        self.field(0x9c, 1).first().copied().unwrap_or(0)
    }

    pub(crate) fn mode(&self) -> Option<u32> {
        u32::try_from(self.number(0x64, 8)?).ok()
    }

    pub(crate) fn uid(&self) -> Option<u32> {
        u32::try_from(self.number(0x6c, 8)?).ok()
    }

    pub(crate) fn gid(&self) -> Option<u32> {
        u32::try_from(self.number(0x74, 8)?).ok()
    }

    pub(crate) fn size(&self) -> Option<u64> {
        u64::try_from(self.number(0x7c, 12)?).ok()
    }

    pub(crate) fn mtime(&self) -> Option<Time> {
        Some(Time::new(self.number(0x88, 12)?, 0))
    }

    /// Major and minor number of a device.
    pub(crate) fn device(&self) -> Option<(u32, u32)> {
        Some((
            u32::try_from(self.number(0x149, 8)?).ok()?,
            u32::try_from(self.number(0x151, 8)?).ok()?,
        ))
    }

    /// GNU's access and change time, which stand in place of the prefix where they are kept.
    pub(crate) fn gnu_times(&self) -> (Option<Time>, Option<Time>) {
        let time = |at| {
            let seconds = self.number(at, 12).filter(|seconds| *seconds != 0);
            seconds.map(|seconds| Time::new(seconds, 0))
        };
        match self.dialect() {
            Dialect::Gnu => (time(0x159), time(0x165)),
            Dialect::V7 | Dialect::Ustar => (None, None),
        }
    }

    /// Old GNU sparse (type `S`): the first four stretches, whether more follow in blocks of their
    /// own, and the size of the file with its holes.
    pub(crate) fn old_sparse(&self) -> Option<(Vec<Span>, bool, u64)> {
        let stretches = stretches(self.field(0x182, 96))?;
        let extended = self.field(0x1e2, 1) != [0];
        let size = u64::try_from(self.number(0x1e3, 12)?).ok()?;
        Some((stretches, extended, size))
    }
}

/// A block that goes on with an old GNU sparse map: 21 stretches, and whether there are more.
pub(crate) fn more_sparse(block: &[u8; BLOCK]) -> Option<(Vec<Span>, bool)> {
    let (map, rest) = block.split_at_checked(504)?;
    Some((stretches(map)?, rest.first() != Some(&0)))
}

/// Offset and length, 12 bytes each, until the first empty one.
fn stretches(bytes: &[u8]) -> Option<Vec<Span>> {
    let mut found = Vec::new();
    for pair in bytes.chunks_exact(24) {
        let (start, len) = pair.split_at_checked(12)?;
        if start.first() == Some(&0) || len.first() == Some(&0) {
            break;
        }
        found.push(Span::new(
            u64::try_from(number(start)?).ok()?,
            u64::try_from(number(len)?).ok()?,
        ));
    }
    Some(found)
}

/// Octal digits with blanks and NULs around them, or base-256. An empty field is zero.
fn number(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => base_256(field),
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Option<i64> {
    let blank = |byte: &u8| *byte == b' ' || *byte == 0;
    let start = field.iter().position(|byte| !blank(byte));
    let field = field.get(start.unwrap_or(field.len())..)?;
    let end = field.iter().position(blank).unwrap_or(field.len());
    let mut value = 0_i64;
    for byte in field.get(..end)? {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value = value.checked_mul(8)?.checked_add(i64::from(digit))?;
    }
    Some(value)
}

fn base_256(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    // Bit 7 only marks the form; bit 6 is the sign.
    let negative = first & 0x40 != 0;
    let first = if negative { first | 0x80 } else { first & 0x7f };
    let mut value = i64::from(first.cast_signed());
    for byte in rest {
        value = value.checked_mul(256)?.checked_add(i64::from(*byte))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_both_forms() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"64x\0"), None);
        assert_eq!(number(b"\x80\0\0\0\0\0\x01\x02"), Some(258));
        assert_eq!(
            number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"),
            Some(-2)
        );
        assert_eq!(
            number(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            None
        );
        assert_eq!(number(b"77777777777777777777777"), None);
    }
}
