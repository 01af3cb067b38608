//! The payload of a data object: unpacked within a bound, and compared with its hash.

use std::io::Read;

use crate::hash;
use crate::header::Header;

const XZ: u8 = 1;
const LZ4: u8 = 2;
const ZSTD: u8 = 4;

/// LZ4 packs no more than so many bytes into one.
const LZ4_RATIO: usize = 256;
/// The most of memory that an XZ stream may want, in KiB: systemd's wants 9 MiB.
const XZ_MEMORY: u32 = 80 << 10;

/// A payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    /// `NAME=value`, up to the limit.
    pub(crate) bytes: Vec<u8>,
    /// Whether it is what its hash says; nothing if it was cut at the limit.
    pub(crate) is_sound: Option<bool>,
}

/// Why there is no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unpackable;

/// The payload that is packed as `flags` say, at most `limit` bytes of it.
pub(crate) fn payload(
    header: &Header,
    flags: u8,
    claimed: u64,
    stored: &[u8],
    limit: usize,
) -> Result<Payload, Unpackable> {
    let (bytes, is_cut) = unpack(flags, stored, limit)?;
    let is_sound = (!is_cut).then(|| hash::hash_payload(header, &bytes) == claimed);
    Ok(Payload { bytes, is_sound })
}

/// The plain bytes, and whether more of them were left.
pub(crate) fn unpack(
    flags: u8,
    stored: &[u8],
    limit: usize,
) -> Result<(Vec<u8>, bool), Unpackable> {
    match flags {
        0 => {
            let end = stored.len().min(limit);
            Ok((
                stored.get(..end).unwrap_or_default().to_vec(),
                end < stored.len(),
            ))
        }
        LZ4 => lz4(stored, limit),
        ZSTD => read_unpacked(
            zstd::Decoder::with_buffer(stored)
                .map_err(|_| Unpackable)?
                .single_frame(),
            limit,
        ),
        XZ => {
            if xz_memory(stored).is_none_or(|memory| memory > XZ_MEMORY) {
                return Err(Unpackable);
            }
            read_unpacked(lzma_rust2::XzReader::new(stored, false), limit)
        }
        _ => Err(Unpackable),
    }
}

fn read_unpacked(reader: impl Read, limit: usize) -> Result<(Vec<u8>, bool), Unpackable> {
    let more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let ended = reader.take(more).read_to_end(&mut bytes);
    ended.map_err(|_| Unpackable)?;
    let is_cut = bytes.len() > limit;
    bytes.truncate(limit);
    Ok((bytes, is_cut))
}

/// Eight bytes of size, then one block.
fn lz4(stored: &[u8], limit: usize) -> Result<(Vec<u8>, bool), Unpackable> {
    let (size, block) = stored.split_first_chunk::<8>().ok_or(Unpackable)?;
    let size = usize::try_from(u64::from_le_bytes(*size)).map_err(|_| Unpackable)?;
    if size > limit || size > block.len().saturating_mul(LZ4_RATIO) {
        return Err(Unpackable);
    }
    let bytes = lz4_flex::block::decompress(block, size).map_err(|_| Unpackable)?;
    Ok((bytes, false))
}

/// The memory in KiB that the first block of an XZ stream wants: from the size of its dictionary.
fn xz_memory(stored: &[u8]) -> Option<u32> {
    // Stream header of 12 bytes; block header: its size, flags (sizes present: 0x40, 0x80), then
    // the filters: id 0x21 (LZMA2), one byte of properties: the dictionary.
    let mut at = 14_usize;
    let flags = *stored.get(13)?;
    if flags & 0x3f != 0 {
        return None;
    }
    for present in [0x40, 0x80] {
        if flags & present != 0 {
            while stored.get(at)? & 0x80 != 0 {
                at = at.checked_add(1)?;
            }
            at = at.checked_add(1)?;
        }
    }
    let filter = stored.get(at..at.checked_add(3)?)?;
    let &[0x21, 1, size] = filter else {
        return None;
    };
    let bits = u32::from(size);
    if bits > 40 {
        return None;
    }
    let mantissa = 2 | bits & 1;
    let shift = bits.checked_div(2)?.checked_add(11)?;
    let kib = u64::from(mantissa).checked_shl(shift)?.checked_shr(10)?;
    u32::try_from(kib).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_packed_payloads_are_not_trusted() {
        let mut lz4 = u64::MAX.to_le_bytes().to_vec();
        lz4.extend([0x10, b'x']);
        assert_eq!(unpack(LZ4, &lz4, 1 << 20), Err(Unpackable));
        let mut xz = b"\xfd7zXZ\0\0\x01".to_vec();
        xz.extend([0_u8; 4]);
        xz.extend([2, 0, 0x21, 1, 40, 0, 0, 0]);
        assert_eq!(xz_memory(&xz), Some(4 << 20));
        assert_eq!(unpack(XZ, &xz, 1 << 20), Err(Unpackable));
        assert_eq!(unpack(3, b"", 1), Err(Unpackable));
    }

    #[test]
    fn a_payload_is_cut_at_the_limit() {
        let packed = zstd::encode_all(&vec![b'x'; 5000][..], 1).unwrap();
        let (bytes, is_cut) = unpack(ZSTD, &packed, 100).unwrap();
        assert_eq!((bytes.len(), is_cut), (100, true));
    }
}
