//! Members of our own bundles, as POSIX.1-2001 (PAX) writes them.

use std::io::{self, Write};

use finding::Time;
use view::Span;

use super::header::BLOCK;
use crate::bundle::manifest::pax_time;

/// What a member's headers say.
#[derive(Debug)]
pub(crate) struct Item<'i> {
    pub(crate) name: &'i [u8],
    pub(crate) flag: u8,
    pub(crate) link: &'i [u8],
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Time,
    /// Bytes of the file, holes included.
    pub(crate) size: u64,
    /// Its data, if it has holes.
    pub(crate) sparse: Option<&'i [Span]>,
}

impl<'i> Item<'i> {
    pub(crate) const fn file(name: &'i [u8], size: u64, mtime: Time) -> Self {
        Self {
            name,
            flag: b'0',
            link: b"",
            mode: 0o600,
            uid: 0,
            gid: 0,
            mtime,
            size,
            sparse: None,
        }
    }
}

/// Writes the headers of a member, and the map of its holes; the caller writes the data.
pub(crate) fn member(out: &mut impl Write, item: &Item<'_>) -> io::Result<()> {
    let mut records = Vec::new();
    let map = item.sparse.map(sparse_map).unwrap_or_default();
    let stored = match item.sparse {
        None => item.size,
        Some(spans) => spans
            .iter()
            .fold(u64::try_from(map.len()).unwrap_or(u64::MAX), |sum, span| {
                sum.saturating_add(span.len)
            }),
    };
    if core::str::from_utf8(item.name).is_err() || core::str::from_utf8(item.link).is_err() {
        pax_record(&mut records, "hdrcharset", b"BINARY");
    }
    if item.sparse.is_some() {
        pax_record(&mut records, "GNU.sparse.major", b"1");
        pax_record(&mut records, "GNU.sparse.minor", b"0");
        pax_record(&mut records, "GNU.sparse.name", item.name);
        pax_record(
            &mut records,
            "GNU.sparse.realsize",
            item.size.to_string().as_bytes(),
        );
    }
    pax_record(&mut records, "path", item.name);
    if !item.link.is_empty() {
        pax_record(&mut records, "linkpath", item.link);
    }
    pax_record(&mut records, "mtime", pax_time(item.mtime).as_bytes());
    pax_record(&mut records, "size", stored.to_string().as_bytes());
    pax_record(&mut records, "uid", item.uid.to_string().as_bytes());
    pax_record(&mut records, "gid", item.gid.to_string().as_bytes());
    let len = u64::try_from(records.len()).unwrap_or(u64::MAX);
    out.write_all(&header(b"coroner.pax", b'x', 0o600, len, item))?;
    out.write_all(&records)?;
    pad(out, len)?;
    out.write_all(&header(item.name, item.flag, item.mode, stored, item))?;
    out.write_all(&map)
}

/// Zeros up to the next block, after `len` bytes.
pub(crate) fn pad(out: &mut impl Write, len: u64) -> io::Result<()> {
    let zeros = [0; BLOCK];
    let count = usize::try_from(len.wrapping_neg() & 511).unwrap_or(0);
    out.write_all(zeros.get(..count).unwrap_or_default())
}

/// The end of an archive.
pub(crate) fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; BLOCK])?;
    out.write_all(&[0; BLOCK])
}

/// Adds an extended header record of POSIX.1-2001, `27 mtime=1795232160.123456\n`: the length
/// counts its own digits.
pub fn pax_record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len().saturating_add(value.len()).saturating_add(3);
    let mut len = rest;
    // The digits of the sum: two rounds settle it.
    for _ in 0..3 {
        len = rest.saturating_add(len.to_string().len());
    }
    records.extend_from_slice(format!("{len} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// The map of a sparse file, form 1.0, padded to whole blocks.
fn sparse_map(spans: &[Span]) -> Vec<u8> {
    let mut map = format!("{}\n", spans.len()).into_bytes();
    for span in spans {
        map.extend_from_slice(format!("{}\n{}\n", span.start, span.len).as_bytes());
    }
    let whole = map.len().next_multiple_of(BLOCK);
    map.resize(whole, 0);
    map
}

/// A ustar header; what does not fit into it is in the records before it.
fn header(name: &[u8], flag: u8, mode: u32, size: u64, item: &Item<'_>) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, len: usize, bytes: &[u8]| {
        let end = at.saturating_add(len);
        let field = block.get_mut(at..end).unwrap_or_default();
        for (to, from) in field.iter_mut().zip(bytes) {
            *to = *from;
        }
    };
    let octal = |number: u64, digits: usize| {
        let text = format!("{number:0digits$o}");
        // Too big for the field: the record has it.
        if text.len() > digits {
            "7".repeat(digits)
        } else {
            text
        }
    };
    put(0x000, 100, name);
    put(0x064, 7, octal(u64::from(mode), 7).as_bytes());
    put(0x06c, 7, octal(u64::from(item.uid), 7).as_bytes());
    put(0x074, 7, octal(u64::from(item.gid), 7).as_bytes());
    put(0x07c, 11, octal(size, 11).as_bytes());
    let seconds = u64::try_from(item.mtime.seconds).unwrap_or(0);
    put(0x088, 11, octal(seconds, 11).as_bytes());
    put(0x094, 8, b"        ");
    put(0x09c, 1, &[flag]);
    if flag != b'x' {
        put(0x09d, 100, item.link);
    }
    put(0x101, 8, b"ustar\x0000");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    if let Some(field) = block.get_mut(0x094..0x09c) {
        for (to, from) in field.iter_mut().zip(sum.bytes()) {
            *to = from;
        }
    }
    block
}
