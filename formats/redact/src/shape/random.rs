//! Whether letters stand in no order that a language or a name has.

use crate::harmless::is_hex;
use crate::words;

/// Small letters, capitals and digits, in how many changes from one to another.
pub(super) fn classes(text: &str) -> (bool, bool, usize, usize) {
    let (mut lower, mut upper, mut digits, mut changes) = (false, false, 0_usize, 0_usize);
    let mut before = 0_u8;
    for byte in text.bytes() {
        let class = match byte {
            b'a'..=b'z' => 1,
            b'A'..=b'Z' => 2,
            b'0'..=b'9' => 3,
            _ => 0,
        };
        lower |= class == 1;
        upper |= class == 2;
        digits = digits.saturating_add(usize::from(class == 3));
        if class != 0 && before != 0 && class != before {
            changes = changes.saturating_add(1);
        }
        before = class;
    }
    (lower, upper, digits, changes)
}

/// Long, of all classes, and no path: base64 with slashes in it, too.
pub(super) fn is_base64(run: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte);
    let (lower, upper, digits, changes) = classes(run);
    run.len() >= 20
        && run.bytes().all(is_letter)
        && lower
        && upper
        && digits > 0
        && changes.saturating_mul(5) >= run.len()
        && !run.starts_with('/')
        && !run
            .split('/')
            .any(|part| part.len() > 3 && crate::harmless::is_word(part))
}

/// Whether a piece of a name is too random for one.
pub(super) fn is_random(part: &str) -> bool {
    let (lower, upper, digits, changes) = classes(part);
    let bare = part.trim_end_matches('=');
    // Ids, digests and what is made of them are names here.
    if is_hex(bare) || is_uuid(bare) || bare.split(['-', '_']).all(is_id) {
        return false;
    }
    let all = lower && upper && digits > 0 && part.len() >= 12 && changes >= 4;
    let long = lower && upper && part.len() >= 24 && changes.saturating_mul(4) >= part.len();
    let two = (lower || upper)
        && digits >= 3
        && part.len() >= 16
        && longest(part) >= 16
        && changes.saturating_mul(5) >= part.len();
    all || long || two
}

/// Whether most of it are the letters that stand for those of a name.
pub(super) fn is_replaced(run: &str) -> bool {
    let count = run.bytes().filter(|byte| *byte == b'x').count();
    run.contains("xxxxxx") && count.saturating_mul(2) >= run.len()
}

/// Consonants in a row that no word has.
const UNSPEAKABLE: usize = 6;

/// Letters and digits that nobody says: no name is made of them, unless a program chose it.
pub(super) fn is_unspeakable(atom: &str) -> bool {
    if atom.len() < 8 || is_hex(atom) || is_id(atom) || is_interface(atom) {
        return false;
    }
    let (mut row, mut longest) = (0_usize, 0_usize);
    let (mut digits, mut changes, mut before) = (0_usize, 0_usize, None);
    for byte in atom.bytes() {
        let is_digit = byte.is_ascii_digit();
        let is_vowel = b"aeiouy".contains(&byte.to_ascii_lowercase());
        row = if is_digit || is_vowel {
            0
        } else {
            row.saturating_add(1)
        };
        longest = longest.max(row);
        digits = digits.saturating_add(usize::from(is_digit));
        changes = changes.saturating_add(usize::from(before.is_some_and(|was| was != is_digit)));
        before = Some(is_digit);
    }
    let is_number = digits == atom.len();
    let odd = words::odd_pairs(atom);
    // A capital begins a word: `PrivateNetworkNS`, `RFC3339`.
    let is_camel = atom.bytes().filter(u8::is_ascii_uppercase).count() >= 2;
    (is_number && (11..=16).contains(&digits))
        || (longest >= UNSPEAKABLE && !is_camel)
        // Letters that stand beside each other in no word: more of them than a foreign word has.
        || (atom.len() >= 12 && !is_camel && odd >= if digits > 0 { 2 } else { 4 })
        || (changes >= 4
            && digits >= 2
            && atom.len() >= 10
            && digits.saturating_mul(2) < atom.len())
}

/// A few letters and hexadecimal digits: `veth01abfb29`, as plugins name interfaces.
fn is_interface(atom: &str) -> bool {
    let named = (2..=5).filter_map(|at| atom.split_at_checked(at));
    let mut named = named.filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_lowercase()));
    named.any(|(_, rest)| is_hex(rest))
}

/// The longest piece between dashes.
fn longest(part: &str) -> usize {
    part.split(['-', '_']).map(str::len).max().unwrap_or(0)
}

fn is_id(piece: &str) -> bool {
    is_hex(piece)
        || crate::harmless::is_word(piece.trim_end_matches(|letter: char| letter.is_ascii_digit()))
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.split('-').all(is_hex)
}
