//! Documents in base64 (RFC 4648): what is in them is masked as if it stood outside.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes, if `text` is base64 of a JSON document.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let bare = text
        .strip_suffix(b"==")
        .or_else(|| text.strip_suffix(b"="))
        .unwrap_or(text);
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in bare {
        let value = LETTERS.iter().position(|found| found == letter)?;
        held = held.wrapping_shl(6) | u32::try_from(value).ok()?;
        bits = bits.saturating_add(6);
        if bits >= 8 {
            bits = bits.saturating_sub(8);
            bytes.push(u8::try_from(held.wrapping_shr(bits) & 0xff).ok()?);
        }
    }
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'[')).then_some(bytes)
}

/// Base64 of `bytes`, as long as `len`: with the padding that this leaves room for.
pub(crate) fn encode(bytes: &[u8], len: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(len);
    let (mut held, mut bits) = (0_u32, 0_u32);
    let letter = |value: u32| {
        LETTERS
            .get(usize::try_from(value & 63).unwrap_or(0))
            .copied()
            .unwrap_or(b'A')
    };
    for byte in bytes {
        held = held.wrapping_shl(8) | u32::from(*byte);
        bits = bits.saturating_add(8);
        while bits >= 6 {
            bits = bits.saturating_sub(6);
            text.push(letter(held.wrapping_shr(bits)));
        }
    }
    if bits > 0 {
        text.push(letter(held.wrapping_shl(6_u32.saturating_sub(bits))));
    }
    text.resize(len.max(text.len()), b'=');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_goes_both_ways() {
        for (text, plain) in [
            ("e30=", &b"{}"[..]),
            ("eyJhIjoxfQ==", b"{\"a\":1}"),
            ("W10", b"[]"),
        ] {
            assert_eq!(decode(text.as_bytes()).unwrap(), plain);
            assert_eq!(encode(plain, text.len()), text.as_bytes());
        }
        assert_eq!(decode(b"aGVsbG8="), None);
    }
}
