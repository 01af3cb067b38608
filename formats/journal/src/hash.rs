//! The hash that a data object has of its payload.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::header::Header;

/// The hash of `payload` in the file with that header: SipHash-2-4 with the file's id as its key,
/// or Jenkins' lookup3 in files that do not say `KEYED_HASH`.
pub(crate) fn hash_payload(header: &Header, payload: &[u8]) -> u64 {
    if header.is_keyed {
        let mut hasher = SipHasher24::new_with_key(&header.file_id);
        hasher.write(payload);
        hasher.finish()
    } else {
        jenkins(payload)
    }
}

/// Bob Jenkins' lookup3 (`hashlittle2`), both of its words in one, as `jenkins_hash64` in systemd's
/// `lookup3.h` puts them together.
fn jenkins(payload: &[u8]) -> u64 {
    let length = u32::try_from(payload.len() & 0xffff_ffff).unwrap_or(0);
    let start = 0xdead_beef_u32.wrapping_add(length);
    let mut words = [start; 3];
    let mut rest = payload;
    while let Some((piece, after)) = rest.split_at_checked(12) {
        if after.is_empty() {
            break;
        }
        add(&mut words, piece);
        mix(&mut words);
        rest = after;
    }
    if !rest.is_empty() {
        add(&mut words, rest);
        last(&mut words);
    }
    let [_, second, third] = words;
    u64::from(third) << 32 | u64::from(second)
}

/// Adds up to twelve bytes to three words; what is not there counts as zero.
fn add(words: &mut [u32; 3], piece: &[u8]) {
    for (word, bytes) in words.iter_mut().zip(piece.chunks(4)) {
        let mut four = [0_u8; 4];
        for (to, from) in four.iter_mut().zip(bytes) {
            *to = *from;
        }
        *word = word.wrapping_add(u32::from_le_bytes(four));
    }
}

fn mix(words: &mut [u32; 3]) {
    let [mut a, mut b, mut c] = *words;
    for (turn, into) in [(4, 0), (6, 1), (8, 2), (16, 0), (19, 1), (4, 2)] {
        let (first, second, third) = match into {
            0 => (&mut a, &mut c, b),
            1 => (&mut b, &mut a, c),
            _ => (&mut c, &mut b, a),
        };
        *first = first.wrapping_sub(*second) ^ second.rotate_left(turn);
        *second = second.wrapping_add(third);
    }
    *words = [a, b, c];
}

fn last(words: &mut [u32; 3]) {
    let [mut a, mut b, mut c] = *words;
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    c = (c ^ b).wrapping_sub(b.rotate_left(24));
    *words = [a, b, c];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that lookup3.c prints: `hashlittle2` with both seeds 0.
    #[test]
    fn jenkins_is_that_of_lookup3() {
        assert_eq!(jenkins(b""), 0xdead_beef_dead_beef);
        assert_eq!(
            jenkins(b"Four score and seven years ago"),
            0x1777_0551_ce72_26e6
        );
    }
}
