//! Numbers of seven bits a byte, as Go's `encoding/binary`, protobuf and pclntab write them.

/// The number that the next bytes are: seven bits a byte, the lowest first, the high bit of each
/// byte but the last set. Gives it with how many bytes it takes; nothing where the bytes end before
/// it does, or where it needs more than 64 bits.
///
/// ```
/// assert_eq!(view::uvarint([0xac, 0x02, 0xff]), Some((300, 2)));
/// assert_eq!(view::uvarint([0x80]), None);
/// ```
pub fn uvarint(bytes: impl IntoIterator<Item = u8>) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (place, byte) in bytes.into_iter().take(10).enumerate() {
        let shift = u32::try_from(place).ok()?.checked_mul(7)?;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte holds one bit.
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits.checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value, place.checked_add(1)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::uvarint;

    #[test]
    fn the_largest_number_has_ten_bytes() {
        let mut largest = [0xff; 10];
        largest[9] = 1;
        assert_eq!(uvarint(largest), Some((u64::MAX, 10)));
        largest[9] = 2;
        assert_eq!(uvarint(largest), None);
        assert_eq!(uvarint([0x80; 11]), None);
        assert_eq!(uvarint([]), None);
    }
}
