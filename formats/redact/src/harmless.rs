//! Values that are harmless by themselves, whatever their name is: what no secret looks like.

use std::net::IpAddr;

use crate::shape::{Range, runs};
use crate::words;

/// Digits of a number that may be anybody's: a longer one may be a code.
const SHORT: usize = 3;

/// Digits and single letters that a value of several words may have in all.
const LOOSE: usize = 5;

/// Whether a value may be shown although nothing is known of its name.
pub(crate) fn is_harmless(value: &[u8]) -> bool {
    let Ok(value) = core::str::from_utf8(value) else {
        return false;
    };
    if value.len() > 4096 {
        return false;
    }
    let mut loose = 0_usize;
    let pieces = value.split(|letter: char| letter.is_whitespace() || ",;|".contains(letter));
    pieces
        .filter(|piece| !piece.is_empty())
        .all(|piece| is_fact(piece) || is_common(piece, &mut loose))
        && !names_a_secret(value)
        && rows(value.as_bytes()).is_empty()
}

/// Numbers in a row that may be the bytes of a secret, or signs in one that may be a text in Morse.
const ROW: usize = 8;
/// Numbers of four digits in a row that may be those of a card or an account.
const CARD: usize = 3;

/// Rows of numbers and of signs: each number by itself tells nothing, and a row of them may be a secret.
pub(crate) fn rows(text: &[u8]) -> Vec<Range> {
    let is_edge = |byte: u8| byte.is_ascii_whitespace() || b",;|[]".contains(&byte);
    let mut found = Vec::new();
    // Where the row begins and ends, how many there are, and how many of four digits follow each other.
    let (mut from, mut until, mut count, mut fours) = (0, 0, 0_usize, 0_usize);
    let mut close = |from: usize, until: usize, count: usize, most: usize| {
        if count >= ROW || most >= CARD {
            found.push((from, until));
        }
    };
    let mut most = 0;
    for (start, end) in runs(text, |byte| !is_edge(byte)) {
        let word = text.get(start..end).unwrap_or_default();
        let hex = word.strip_prefix(b"0x").unwrap_or_default();
        let is_byte = (1..=2).contains(&hex.len()) && hex.iter().all(u8::is_ascii_hexdigit);
        let is_morse = word.len() <= 6 && word.iter().all(|byte| b".-".contains(byte));
        let is_number = word.iter().all(u8::is_ascii_digit);
        if !(is_byte || is_morse || is_number) {
            close(from, until, count, most);
            (count, fours, most) = (0, 0, 0);
            continue;
        }
        if count == 0 {
            from = start;
        }
        until = end;
        count = count.saturating_add(1);
        fours = if is_number && word.len() == 4 {
            fours.saturating_add(1)
        } else {
            0
        };
        most = most.max(fours);
    }
    close(from, until, count, most);
    found
}

/// Whether a list that begins behind its bracket is a row of numbers.
pub(crate) fn is_row_of_numbers(rest: &[u8]) -> bool {
    let of_list = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_whitespace() || *byte == b',';
    // A longer one is one all the same.
    let rest = rest.get(..4096).unwrap_or(rest);
    let len = rest.iter().take_while(|byte| of_list(byte)).count();
    let is_list = rest.get(len).is_none_or(|byte| *byte == b']');
    let inner = rest.get(..len).unwrap_or_default();
    is_list && runs(inner, |byte| byte.is_ascii_digit()).len() >= ROW
}

/// A word that announces a secret: what stands beside it may be one, and it is a usual one itself.
fn names_a_secret(value: &str) -> bool {
    let mut words = value.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_path = value.starts_with('/') && value.bytes().all(|byte| byte != b' ' && byte != b'=');
    !is_path && words.any(|word| words::announces(word.as_bytes()))
}

/// A number with its unit, an address, a version, a time, a digest.
pub(crate) fn is_fact(piece: &str) -> bool {
    is_address(piece)
        || is_quantity(piece)
        || is_version(piece)
        || is_time(piece)
        || is_digest(piece)
}

/// `10.0.0.1`, `10.0.0.0/24`, `10.0.0.1:80`, `[fe80::1]:80`, `aa:bb:cc:dd:ee:ff`.
fn is_address(piece: &str) -> bool {
    let (piece, rest) = piece.split_once('/').unwrap_or((piece, ""));
    if !rest.bytes().all(|byte| byte.is_ascii_digit()) || rest.len() > SHORT {
        return false;
    }
    let ip = |text: &str| text.parse::<IpAddr>().is_ok();
    let port = |text: &str| text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let with_port = piece.rsplit_once(':').is_some_and(|(host, number)| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        port(number) && (ip(host) || host.is_empty())
    });
    let is_mac = piece.len() == 17
        && piece.split(':').count() == 6
        && piece.split(':').all(|pair| pair.len() == 2 && is_hex(pair));
    ip(piece) || with_port || is_mac
}

pub(crate) fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `10`, `-1`, `1.5`, `512Mi`, `100m`, `1h30m`, `80%`, `0644`.
fn is_quantity(piece: &str) -> bool {
    let text = piece.trim_start_matches(['-', '+']);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let mut units =
        text.split(|letter: char| letter.is_ascii_digit() || letter == '.' || letter == '%');
    digits > 0
        && digits <= SHORT.saturating_add(1)
        && text.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && (digits <= SHORT
            || text.bytes().all(|byte| byte.is_ascii_digit()) && text.starts_with('0')
            || digits < text.len())
        && units.all(|unit| unit.is_empty() || UNITS.contains(&unit.to_ascii_lowercase().as_str()))
}

const UNITS: [&str; 22] = [
    "b", "k", "m", "g", "t", "ki", "mi", "gi", "ti", "kb", "mb", "gb", "kib", "mib", "gib", "ns",
    "us", "ms", "s", "h", "d", "u",
];

/// `v1.29.3`, `0.4.0`, `1.7.24-0+deb12u1` up to its first letter.
fn is_version(piece: &str) -> bool {
    let text = piece.trim_start_matches(['v', '~', '^', '>', '=', '<']);
    let parts: Vec<&str> = text.split('.').collect();
    let numbers = |part: &&str| {
        !part.is_empty() && part.len() <= SHORT && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    (2..=4).contains(&parts.len()) && parts.iter().all(numbers)
}

/// `2026-11-28T18:24:25.123456789Z`, and its halves.
fn is_time(piece: &str) -> bool {
    let is_shape = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(byte, want)| {
                if want == b'0' {
                    byte.is_ascii_digit()
                } else {
                    byte == want
                }
            })
    };
    let clock = |text: &str| {
        let text = text.trim_end_matches('Z');
        let text = text.split(['+', '.']).next().unwrap_or_default();
        is_shape(text, "00:00:00")
    };
    match piece.split_once('T') {
        Some((day, time)) => {
            is_shape(day, "0000-00-00") && time.len() <= 35 && clock(time) && tail(time)
        }
        None => is_shape(piece, "0000-00-00") || (clock(piece) && tail(piece) && piece.len() <= 18),
    }
}

/// What may follow a clock: a fraction and a zone.
fn tail(time: &str) -> bool {
    time.bytes()
        .all(|byte| byte.is_ascii_digit() || b":.+-Z".contains(&byte))
}

/// `sha256:…`.
pub(crate) fn is_digest(piece: &str) -> bool {
    let hex = |text: &str, len| text.len() == len && is_hex(text);
    match piece.split_once(':') {
        Some(("sha256", text)) => hex(text, 64),
        Some(("sha384", text)) => hex(text, 96),
        Some(("sha512", text)) => hex(text, 128),
        _ => false,
    }
}

/// Whether a piece is made of words that any node has; counts its digits and single letters.
fn is_common(piece: &str, loose: &mut usize) -> bool {
    let mut atoms = piece.split(|letter: char| !letter.is_alphanumeric());
    atoms.all(|atom| {
        let word = atom.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let digits = atom.len().saturating_sub(word.len());
        let counted = if words::is_common(atom) { 0 } else { digits };
        *loose = loose
            .saturating_add(counted)
            .saturating_add(usize::from(word.len() == 1));
        *loose <= LOOSE && is_atom(atom)
    })
}

/// Whether letters and digits are a common word, with no more than a short number behind it.
pub(crate) fn is_atom(atom: &str) -> bool {
    let word = atom.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let digits = atom.len().saturating_sub(word.len());
    words::is_common(atom) || (digits <= SHORT && is_word(word))
}

/// Whether a word is common: in small letters, in capitals, or with one capital at its start.
pub(crate) fn is_word(word: &str) -> bool {
    if word.len() <= 1 {
        return word.is_empty() || word.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    }
    let rest = word.get(1..).unwrap_or_default();
    let is_plain = !rest.bytes().any(|byte| byte.is_ascii_uppercase())
        || !word.bytes().any(|byte| byte.is_ascii_lowercase());
    is_plain && words::is_common(&word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_harmless() {
        for value in [
            "",
            "true",
            "10",
            "-1",
            "512Mi",
            "1h30m",
            "10.0.0.0/24",
            "10.0.0.1:6443",
            "fe80::1",
            "02:42:ac:11:00:02",
            "v1.29",
            "0.4.0",
            "2026-11-28T18:24:25.123456789Z",
            "overlayfs",
            "/etc/cni/net.d/10-calico.conflist",
            "unix:///run/containerd/containerd.sock",
            "eth0",
            "rw,nosuid,nodev",
            "https://registry.example.com/v2",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ] {
            assert!(is_harmless(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn a_row_of_numbers_is_found_in_a_text() {
        for (text, row) in [
            ("card 4215 1814 7816 6210 of Kim", Some((5, 24))),
            ("DE55 6029 5302 4212 0090 00", Some((5, 27))),
            ("0x2a,0x7f,0x10,0x5c,0xae,0x97,0x87,0x9a", Some((0, 39))),
            ("pid 4215 took 12 ms, then 7 ms", None),
            ("1 2 3 4 5 6 7", None),
            ("a --- b", None),
        ] {
            assert_eq!(rows(text.as_bytes()).first().copied(), row, "{text}");
        }
        assert!(is_row_of_numbers(b" 1, 22, 3,4,5,6,7,8 ] x"));
        assert!(!is_row_of_numbers(b"1, 2, 3]"));
    }

    #[test]
    fn what_may_be_a_secret_is_not() {
        for value in [
            "hunter2",
            "Tr0ub4dor&3",
            "correct horse battery staple",
            "48151623",
            "1234",
            "123-456-789-012",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "secret-17",
            "token1",
            "pässwörd",
            "123e4567-e89b-12d3-a456-426614174000",
            "aGVsbG8gd29ybGQ=",
            "a1b2c3",
            "PaSs",
            "a-b-c-d-e-f",
            "root:toor",
            "password admin",
            "172,81,142,150,119,88,209,26",
            "86 255 40 254 111 127 36 61",
            "-. .. ..- -- .- ... .-.. --",
        ] {
            assert!(!is_harmless(value.as_bytes()), "{value}");
        }
    }
}
