//! Values that are harmless by themselves, whatever their name is: what no secret looks like.

use std::net::IpAddr;

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
        ] {
            assert!(!is_harmless(value.as_bytes()), "{value}");
        }
    }
}
