//! Words that were made to be secret: passwords, keys in groups, keys of licences.

use super::random::classes;
use super::{SHORTEST, runs};

/// Signs that passwords have between their letters, and names do not.
pub(super) const fn is_of_password(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'%' | b'&' | b'*' | b'?' | b'#' | b'^')
}

/// What parts one word from another, in paths and lists, too.
pub(super) const fn parts_words(byte: u8) -> bool {
    byte <= b' '
        || byte >= 0x7F
        || matches!(
            byte,
            b'/' | b':' | b',' | b';' | b'|' | b'"' | b'\'' | b'`' | b'\\' | b'<' | b'>'
        )
        || matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'@')
}

/// Groups as keys of licences and of recovery have them: `M70SK-ALPPW-1MJU4-ONECY`, `834680-309301-759881-274320`.
pub(super) fn is_grouped(word: &[u8]) -> bool {
    let groups: Vec<&[u8]> = word.split(|byte| *byte == b'-').collect();
    let len = groups.first().map_or(0, |group| group.len());
    let is_one = |group: &&[u8]| {
        let mut letters = group.iter();
        group.len() == len && letters.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    // In small letters, words and numbers may be as long by chance: two groups have both.
    let is_mixed = |group: &&[u8]| {
        let has = |is: fn(&u8) -> bool| group.iter().any(is);
        group.len() == len && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
    };
    let is_small = |group: &&[u8]| {
        let mut letters = group.iter();
        group.len() == len && letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let has_digit = word.iter().any(u8::is_ascii_digit);
    let is_key = groups.iter().all(is_one)
        || groups.iter().all(is_small)
            && groups.iter().filter(|group| is_mixed(group)).count() >= 2;
    groups.len() >= 4 && (4..=8).contains(&len) && has_digit && is_key
}

/// A word of capitals, digits, and perhaps small letters, in which digits stand between letters, as no name has them.
pub(super) fn is_mixed(word: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| word.iter().filter(|byte| is(byte)).count();
    let (digits, upper) = (count(u8::is_ascii_digit), count(u8::is_ascii_uppercase));
    let inner = runs(word, |byte| byte.is_ascii_digit()).len();
    let is_word = word.iter().all(u8::is_ascii_alphanumeric);
    let is_some = word.len() >= 14 && upper >= 3 && digits >= 3 && inner >= 2;
    is_word && is_some && !word.starts_with(b"0x")
}

/// Letters, digits and signs in one word, as generators of passwords mix them.
pub(super) fn is_password(word: &[u8]) -> bool {
    if word.len() < SHORTEST {
        return false;
    }
    let Ok(text) = core::str::from_utf8(word) else {
        return false;
    };
    let (lower, upper, digits, changes) = classes(text);
    let is_letter = |at: usize| word.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let is_escape = |at: usize| {
        let pair = word.get(at.saturating_add(1)..at.saturating_add(3));
        word.get(at) == Some(&b'%')
            && pair.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
    };
    let signs = (1..word.len()).filter(|at| {
        word.get(*at).copied().is_some_and(is_of_password)
            && !is_escape(*at)
            && is_letter(at.saturating_sub(1))
            && is_letter(at.saturating_add(1))
    });
    lower && upper && digits > 0 && changes >= 3 && signs.count() > 0
}
