//! Secrets that are told by their shape, whatever stands around them.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::harmless::is_hex;
use crate::names::is_odd;
use crate::words;

/// A stretch of bytes: where it begins, and where it ends.
pub(crate) type Range = (usize, usize);

/// How tokens of known providers begin, and how many bytes follow at least.
const PREFIXES: &[(&str, usize)] = &[
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 10),
    ("gldt-", 10),
    ("glrt-", 10),
    ("glcbt-", 10),
    ("glsa_", 10),
    ("AKIA", 12),
    ("ASIA", 12),
    ("AIza", 20),
    ("ya29.", 10),
    ("GOCSPX-", 10),
    ("xoxb-", 8),
    ("xoxp-", 8),
    ("xoxa-", 8),
    ("xoxr-", 8),
    ("xoxs-", 8),
    ("xapp-", 8),
    ("sk-", 12),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("pk_live_", 8),
    ("whsec_", 8),
    ("hvs.", 8),
    ("hvb.", 8),
    ("hvr.", 8),
    ("npm_", 16),
    ("pypi-", 10),
    ("dckr_pat_", 8),
    ("dckr_oat_", 8),
    ("SG.", 12),
    ("shpat_", 8),
    ("shpss_", 8),
    ("tskey-", 6),
    ("dop_v1_", 8),
    ("doo_v1_", 8),
    ("AGE-SECRET-KEY-", 8),
    ("nvapi-", 8),
    ("hf_", 12),
    ("eyJ", 12),
    ("$2a$", 8),
    ("$2b$", 8),
    ("$2y$", 8),
    ("$1$", 8),
    ("$5$", 8),
    ("$6$", 8),
    ("$y$", 8),
    ("$argon2", 8),
    ("$apr1$", 8),
    ("{SSHA}", 8),
    ("{SHA}", 8),
    ("K10", 24),
    ("lsv2_", 8),
    ("sq0", 8),
    ("dp.pt.", 8),
    ("dapi", 16),
    ("PMAK-", 8),
    ("rubygems_", 8),
    ("cmVmdGtu", 8),
    ("AKCp", 12),
    ("lin_api_", 8),
    ("sntrys_", 8),
    ("phc_", 8),
    ("r8_", 12),
    ("gsk_", 12),
    ("ATATT", 8),
    ("LS0tLS1CRUdJTi", 0),
];

/// All of these prefixes at once.
#[expect(
    clippy::expect_used,
    reason = "the prefixes are fixed; without them nothing may be shown"
)]
static STARTS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let prefixes = PREFIXES.iter().map(|(prefix, _)| prefix);
    AhoCorasick::new(prefixes).expect("prefixes that are fixed")
});

/// Bytes of the shortest token: a prefix and what follows it at least.
const SHORTEST: usize = 11;

/// Letters of a token: what stands between two others is looked at as one.
const fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'_' | b'-' | b'.' | b'+' | b'/' | b'=' | b'~' | b'$' | b'{' | b'}'
        )
        || byte >= 0x80
}

/// The stretches of `text` that have the shape of a secret, in order.
pub(crate) fn secrets(text: &[u8]) -> Vec<Range> {
    shapes(text, Ends::AtBlank)
}

/// The same in the name of a field. An id may be one, in a map of containers; 32 hexadecimal digits are none.
pub(crate) fn of_field(name: &[u8]) -> Vec<Range> {
    let is_hex = core::str::from_utf8(name).is_ok_and(crate::harmless::is_hex);
    if is_hex && (16..64).contains(&name.len()) {
        return vec![(0, name.len())];
    }
    // Who names a field takes letters, digits and a few signs.
    let is_odd = |byte: &u8| is_odd(*byte) || *byte == b'#';
    if name.iter().any(is_odd) && !crate::harmless::is_harmless(name) {
        return vec![(0, name.len())];
    }
    secrets(name)
}

/// The same in a text that is one value: what begins as a secret in it goes on over blanks.
pub(crate) fn of_value(text: &[u8]) -> Vec<Range> {
    shapes(text, Ends::AtSign)
}

/// Where the value of `name=value` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// In running text: at a blank, too.
    AtBlank,
    /// At a sign that parts one option from another.
    AtSign,
}

fn shapes(text: &[u8], ends: Ends) -> Vec<Range> {
    let mut found = Vec::new();
    userinfo(text, &mut found);
    query(text, &mut found);
    pairs(text, ends, &mut found);
    if text.windows(11).any(|part| part == b"PRIVATE KEY") {
        found.push((0, text.len()));
    }
    for (from, until) in runs(text, is_of_token) {
        token(text, from, until, &mut found);
    }
    let words = runs(text, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    found.extend(words.into_iter().filter(|(from, until)| {
        let word = text.get(*from..*until).unwrap_or_default();
        is_grouped(word) || is_mixed(word)
    }));
    // Most values have none of the signs.
    if text.iter().any(|byte| is_of_password(*byte)) {
        found.extend(
            runs(text, |byte| !parts_words(byte))
                .into_iter()
                .filter(|(from, until)| is_password(text.get(*from..*until).unwrap_or_default())),
        );
    }
    merged(found)
}

/// Signs that passwords have between their letters, and names do not.
const fn is_of_password(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'%' | b'&' | b'*' | b'?' | b'#' | b'^')
}

/// What parts one word from another, in paths and lists, too.
const fn parts_words(byte: u8) -> bool {
    byte <= b' '
        || byte >= 0x7F
        || matches!(
            byte,
            b'/' | b':' | b',' | b';' | b'|' | b'"' | b'\'' | b'`' | b'\\' | b'<' | b'>'
        )
        || matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'@')
}

/// Groups as keys of licences and of recovery have them: `M70SK-ALPPW-1MJU4-ONECY`, `834680-309301-759881-274320`.
fn is_grouped(word: &[u8]) -> bool {
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
fn is_mixed(word: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| word.iter().filter(|byte| is(byte)).count();
    let (digits, upper) = (count(u8::is_ascii_digit), count(u8::is_ascii_uppercase));
    let inner = runs(word, |byte| byte.is_ascii_digit()).len();
    let is_word = word.iter().all(u8::is_ascii_alphanumeric);
    let is_some = word.len() >= 14 && upper >= 3 && digits >= 3 && inner >= 2;
    is_word && is_some && !word.starts_with(b"0x")
}

/// Letters, digits and signs in one word, as generators of passwords mix them.
fn is_password(word: &[u8]) -> bool {
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

/// Whether any stretch of it is a secret by its shape.
pub(crate) fn has_secret(text: &[u8]) -> bool {
    !secrets(text).is_empty()
}

/// Stretches in order, none of which touches another.
pub(crate) fn merged(mut found: Vec<Range>) -> Vec<Range> {
    found.retain(|(from, until)| from < until);
    found.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for (from, until) in found {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => merged.push((from, until)),
        }
    }
    merged
}

/// The stretches of bytes that `keeps`.
pub(crate) fn runs(text: &[u8], keeps: impl Fn(u8) -> bool) -> Vec<Range> {
    let mut found = Vec::new();
    let mut from = None;
    for (at, byte) in text.iter().enumerate() {
        match (keeps(*byte), from) {
            (true, None) => from = Some(at),
            (false, Some(begin)) => {
                found.push((begin, at));
                from = None;
            }
            _ => {}
        }
    }
    if let Some(begin) = from {
        found.push((begin, text.len()));
    }
    found
}

/// `user:password@` and `//token@`, but not `image:tag@sha256:…`.
fn userinfo(text: &[u8], found: &mut Vec<Range>) {
    for (from, until) in runs(text, |byte| {
        !byte.is_ascii_whitespace() && byte != b'"' && byte != b'\''
    }) {
        let word = text.get(from..until).unwrap_or_default();
        let scheme = word.windows(3).position(|part| part == b"://");
        // A password may have slashes that nobody escaped: then the scheme is the edge.
        let pieces = match scheme {
            Some(at) => vec![(at.saturating_add(3), word.len())],
            None => runs(word, |byte| !b"/,<>=([{".contains(&byte)),
        };
        for (start, end) in pieces {
            let piece = word.get(start..end).unwrap_or_default();
            let Some(at) = piece
                .iter()
                .enumerate()
                .rposition(|(at, byte)| *byte == b'@' && !is_pin(piece, at))
            else {
                continue;
            };
            let user = piece.get(..at).unwrap_or_default();
            if scheme.is_some() || (user.contains(&b':') && at.saturating_add(1) < piece.len()) {
                let base = from.saturating_add(start);
                found.push((base, base.saturating_add(at)));
            }
        }
    }
}

/// Whether the `@` at `at` is that of a digest.
fn is_pin(piece: &[u8], at: usize) -> bool {
    let rest = piece.get(at.saturating_add(1)..).unwrap_or_default();
    [&b"sha256:"[..], b"sha384:", b"sha512:"]
        .iter()
        .any(|start| rest.starts_with(start))
}

/// Values in what follows the `?` or `#` of an address.
fn query(text: &[u8], found: &mut Vec<Range>) {
    let is_address = text.windows(3).any(|part| part == b"://") || text.starts_with(b"/");
    if !is_address {
        return;
    }
    for (from, until) in runs(text, |byte| {
        !byte.is_ascii_whitespace() && !b"\"'<>".contains(&byte)
    }) {
        let word = text.get(from..until).unwrap_or_default();
        let Some(at) = word.iter().position(|byte| matches!(byte, b'?' | b'#')) else {
            continue;
        };
        let begin = from.saturating_add(at).saturating_add(1);
        for (start, end) in runs(word.get(at..).unwrap_or_default(), |byte| {
            !b"?#&;".contains(&byte)
        }) {
            let pair = word
                .get(at.saturating_add(start)..at.saturating_add(end))
                .unwrap_or_default();
            let skip = pair
                .iter()
                .position(|byte| *byte == b'=')
                .map_or(0, |place| place.saturating_add(1));
            let value = pair.get(skip..).unwrap_or_default();
            let is_said = skip > 0
                && words::classify_name(pair.get(..skip).unwrap_or_default())
                    != words::Name::Secret;
            let is_harmless = is_said && crate::harmless::is_harmless(value);
            if !is_harmless && !value.is_empty() {
                let base = begin.saturating_sub(1).saturating_add(start);
                found.push((base.saturating_add(skip), base.saturating_add(pair.len())));
            }
        }
    }
}

/// `password=…`, `--api-key=…`, `token: …` wherever they stand: up to what ends a value.
fn pairs(text: &[u8], ends: Ends, found: &mut Vec<Range>) {
    let mut done = 0;
    for (at, sign) in text
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b'=' | b':'))
    {
        // What is in a value is masked with it.
        if at < done {
            continue;
        }
        let before = text.get(..at).unwrap_or_default();
        let trimmed = before.trim_ascii_end();
        let trimmed = trimmed
            .strip_suffix(b"\"")
            .or_else(|| trimmed.strip_suffix(b"'"))
            .unwrap_or(trimmed);
        let name_from = trimmed
            .iter()
            .rposition(|byte| !byte.is_ascii_alphanumeric() && !b"_-.".contains(byte))
            .map_or(0, |place| place.saturating_add(1));
        let name = trimmed.get(name_from..).unwrap_or_default();
        if name.len() < 2 {
            continue;
        }
        let said = words::classify_name(name);
        let mut from = at.saturating_add(1);
        // `username=…` as an option of a mount; a number is nobody's name.
        let is_somebodys = said == words::Name::Personal
            && *sign == b'='
            && text.get(from).is_some_and(u8::is_ascii_alphabetic);
        if said != words::Name::Secret && !is_somebodys {
            continue;
        }
        // `image-secret:1.2` and `https://` are no pairs.
        if *sign == b':'
            && text
                .get(from)
                .is_some_and(|byte| !byte.is_ascii_whitespace() && *byte != b'"')
            && name_from > 0
        {
            continue;
        }
        while text.get(from).is_some_and(u8::is_ascii_whitespace) {
            from = from.saturating_add(1);
        }
        done = value_end(text, from, ends);
        found.push((from, done));
    }
}

/// Where the value that begins at `from` ends: a quoted one at its quote, another at a blank or a
/// sign that ends one; a scheme of HTTP is a part of it.
fn value_end(text: &[u8], from: usize, ends: Ends) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let len = if let Some(quote @ (b'"' | b'\'')) = rest.first() {
        rest.iter()
            .skip(1)
            .position(|byte| byte == quote)
            .map_or(rest.len(), |at| at.saturating_add(2))
    } else {
        let lower = rest.get(..7).unwrap_or(rest).to_ascii_lowercase();
        let scheme = [&b"bearer "[..], b"basic ", b"token ", b"digest "];
        let skip = scheme
            .iter()
            .find(|scheme| lower.starts_with(scheme))
            .map_or(0, |scheme| scheme.len());
        let ends = |byte: &u8| match ends {
            Ends::AtBlank => byte.is_ascii_whitespace() || b"\"'`&;,)]}>".contains(byte),
            Ends::AtSign => b",;\n\0".contains(byte),
        };
        let tail = rest.get(skip..).unwrap_or_default();
        skip.saturating_add(tail.iter().position(ends).unwrap_or(tail.len()))
    };
    from.saturating_add(len)
}

/// A run of letters of a token: of a provider, or too random for a name.
fn token(text: &[u8], from: usize, until: usize, found: &mut Vec<Range>) {
    // No token is as short, and most words are.
    if until.saturating_sub(from) < SHORTEST {
        return;
    }
    let Ok(run) = core::str::from_utf8(text.get(from..until).unwrap_or_default()) else {
        return;
    };
    // What stands for a name that was replaced is no secret any more.
    if is_replaced(run) {
        return;
    }
    for hit in STARTS.find_overlapping_iter(run) {
        let at = hit.start();
        let is_start = at == 0
            || run
                .as_bytes()
                .get(at.saturating_sub(1))
                .is_some_and(|byte| !byte.is_ascii_alphanumeric());
        let least = PREFIXES.get(hit.pattern().as_usize());
        let rest = run.len().saturating_sub(hit.end());
        if is_start && least.is_some_and(|(_, least)| rest >= *least) {
            found.push((from.saturating_add(at), until));
        }
    }
    if is_base64(run) {
        found.push((from, until));
        return;
    }
    for (start, end) in runs(run.as_bytes(), |byte| {
        byte.is_ascii_alphanumeric() || b"_-+=".contains(&byte)
    }) {
        let part = run.get(start..end).unwrap_or_default();
        if is_random(part) {
            found.push((from.saturating_add(start), from.saturating_add(end)));
        }
    }
    for (start, end) in runs(run.as_bytes(), |byte| byte.is_ascii_alphanumeric()) {
        if is_unspeakable(run.get(start..end).unwrap_or_default()) {
            found.push((from.saturating_add(start), from.saturating_add(end)));
        }
    }
    // kubeadm: six and sixteen; Kubernetes' older ones.
    if let Some((left, right)) = run.split_once('.')
        && (left.len(), right.len()) == (6, 16)
        && run
            .bytes()
            .all(|byte| byte == b'.' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        found.push((from, until));
    }
}

/// Small letters, capitals and digits, in how many changes from one to another.
fn classes(text: &str) -> (bool, bool, usize, usize) {
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
fn is_base64(run: &str) -> bool {
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
fn is_random(part: &str) -> bool {
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
fn is_replaced(run: &str) -> bool {
    let count = run.bytes().filter(|byte| *byte == b'x').count();
    run.contains("xxxxxx") && count.saturating_mul(2) >= run.len()
}

/// Consonants in a row that no word has.
const UNSPEAKABLE: usize = 6;

/// Letters and digits that nobody says: no name is made of them, unless a program chose it.
fn is_unspeakable(atom: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_groups_and_mixed_words_are_secrets() {
        for text in [
            "M70SK-ALPPW-1MJU4-ONECY-77T0D",
            "834680-309301-759881-274320-524694-517828-931063-058135",
            "zelwz982ZUSRK964",
            "EPBMEBI77UNJSE64",
        ] {
            assert!(has_secret(text.as_bytes()), "{text}");
        }
        for text in [
            "2026-11-28T18-00-00Z",
            "CAP_DAC_READ_SEARCH",
            "SCMP_ARCH_X86_64",
            "9f86d081-884c-7d65-9a2f-eaa0c55ad015",
            "web-7d4b9c6f5-x2x9z",
            "20-30-40-50",
            "ECDSA-P256-SHA256",
        ] {
            assert!(!has_secret(text.as_bytes()), "{text}");
        }
    }

    fn masked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for (from, until) in secrets(text.as_bytes()) {
            bytes[from..until].fill(b'*');
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn shapes_of_secrets_are_found_in_any_text() {
        for (text, hidden) in [
            ("https://me:hunter2@r.example/v2", "hunter2"),
            ("https://hunter2@r.example/v2", "hunter2"),
            ("http://u:p/hunter2@r.example", "hunter2"),
            ("https://r.example/v2?sig=hunter2&x=1", "hunter2"),
            ("postgres://u:hunter2@db/x", "hunter2"),
            ("run with --password=hunter2 now", "hunter2"),
            ("Authorization: Bearer hunter2", "hunter2"),
            (
                "ghp_0123456789abcdefABCDEF0123456789abcd",
                "0123456789abcdef",
            ),
            ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "K7MDENG"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJhbG"),
            ("abcdef.0123456789abcdef", "0123456789"),
            ("user = hunter; api_key = 'a b hunter2'", "hunter2"),
            ("/dev/0HmUv$G5ilQ~1b0", "G5ilQ"),
            ("pipe:5m2II*6N2WX=4ZB", "6N2WX"),
            ("name THQ6Z$i0TWa^0yG", "i0TWa"),
            ("wg-awmx72pczgeztr", "awmx"),
            ("vendor/9ntqduicujnoumbayxwh7k", "duicuj"),
        ] {
            let shown = masked(text);
            assert!(!shown.contains(hidden), "{text}: {shown}");
        }
    }

    #[test]
    fn no_token_is_shorter_than_the_shortest() {
        let least = PREFIXES.iter().map(|(prefix, least)| prefix.len() + least);
        assert_eq!(least.min(), Some(SHORTEST));
    }

    #[test]
    fn names_and_ids_are_none() {
        for text in [
            "docker.io/library/redis:7.2@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "/run/containerd/io.containerd.runtime.v2.task/k8s.io/1522f05c5e686d9514fc8faa04f857defd8447c1528649e433b1caefa70d03ae",
            "web-7d4b9c6f5-x2x9z",
            "veth01abfb29",
            "extract-857364583-Zk3d sha256:00",
            "runc.v2",
            "123e4567-e89b-12d3-a456-426614174000",
            "io.kubernetes.cri.sandbox-id",
            "CAP_NET_BIND_SERVICE",
            "2026-11-28T18:24:25.123456789Z",
            "kube-system_coredns-5d78c9869d-abcde_123e4567-e89b-12d3-a456-426614174000",
            "unix:///run/containerd/s/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "types.containerd.io/opencontainers/runtime-spec/1/Spec",
            "application/vnd.oci.image.manifest.v1+json",
            "SCMP_ACT_ERRNO",
            "clock_adjtime64",
            "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/12/fs",
            "kube-controller-manager-ip-10-0-12-34.eu-central-1.compute.internal",
            "gke-production-pool-3f2a1b4c-x1x2",
            "szczebrzeszyn-postgresql16-primary-0",
            "https%3A%2F%2Fr.example%2FV2",
            "kubelet.service.d/20-*.conf",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
