//! Values of known fields. Their names are known, and so is what such values are made of: names, ids, paths,
//! digests, addresses, choices. What stands there and is nothing of the kind is judged as a value of which
//! nothing is known.

use crate::harmless::{is_fact, is_harmless, rows};
use crate::shape::{self, Range, merged, runs};
use crate::words;

/// Bytes of which names, ids, paths, digests and addresses are made.
const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'_'
                | b'-'
                | b'+'
                | b'~'
                | b':'
                | b'/'
                | b'@'
                | b'='
                | b','
                | b'*'
                | b'^'
                | b'$'
                | b'\\'
                | b'"'
        )
        || matches!(byte, b'[' | b']' | b'{' | b'}' | b'(' | b')')
}

/// The stretches of the value of a known field that are hidden.
pub(crate) fn hidden(value: &[u8]) -> Vec<Range> {
    let mut found = shape::of_value(value);
    found.extend(rows(value));
    if value.iter().all(|byte| is_of_name(*byte)) || is_harmless(value) {
        found.extend(digits(value));
        return merged(found);
    }
    // Several words, or a sign that no name has.
    for (from, until) in runs(value, |byte| {
        !byte.is_ascii_whitespace() && !b";|".contains(&byte)
    }) {
        if !is_kept(value.get(from..until).unwrap_or_default()) {
            found.push((from, until));
        }
    }
    merged(found)
}

/// The stretches of the value of a field that holds a choice, a number, a time, a version, a digest.
pub(crate) fn of_choice(value: &[u8]) -> Vec<Range> {
    let text = core::str::from_utf8(value).unwrap_or("\0");
    let pieces = text.split(|letter: char| letter.is_whitespace() || ",;|".contains(letter));
    let mut pieces = pieces.filter(|piece| !piece.is_empty());
    let is_kept = is_number(text)
        || is_set(text)
        || pieces.all(|piece| is_fact(piece) || is_version(piece) || is_choice(piece));
    // What has the shape of a secret has it anywhere.
    if is_kept {
        shape::of_value(value)
    } else {
        merged(vec![(0, value.len())])
    }
}

/// The stretches of the value of a field that holds an address: of a host, a socket.
pub(crate) fn of_address(value: &[u8]) -> Vec<Range> {
    if is_harmless(value) || value.iter().any(|byte| b"./:".contains(byte)) {
        let mut found = hidden(value);
        found.extend(places_of_web(value));
        merged(found)
    } else {
        merged(vec![(0, value.len())])
    }
}

/// Components of the path of a web address that are no words: a token may stand there.
fn places_of_web(value: &[u8]) -> Vec<Range> {
    let schemes: [&[u8]; 2] = [b"https://", b"http://"];
    let Some(scheme) = schemes.into_iter().find(|scheme| value.starts_with(scheme)) else {
        return Vec::new();
    };
    let parts = runs(value, |byte| byte != b'/').into_iter();
    let parts = parts.filter(|(from, _)| *from > scheme.len());
    parts
        .filter(|(from, until)| !is_harmless(value.get(*from..*until).unwrap_or_default()))
        .collect()
}

/// Digits of the longest number in text that is no code: one of 32 bits.
const DIGITS: usize = 10;

/// `1048576`, `-999`.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.len() <= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `0-3,8,10-11`, as the kernel writes a set of processors: in order.
fn is_set(text: &str) -> bool {
    let mut numbers = text.split(['-', ',']).map(str::parse::<u16>);
    let mut before = None;
    numbers.all(|number| {
        let is_next = number
            .as_ref()
            .is_ok_and(|number| before.is_none_or(|before| before < *number));
        before = number.ok();
        is_next
    })
}

/// Words of choices, each with no more than a short number behind it.
fn is_choice(piece: &str) -> bool {
    let mut atoms = piece.split(|letter: char| !letter.is_alphanumeric());
    atoms.all(|atom| {
        let word = atom.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let word = word.to_ascii_lowercase();
        atom.len().saturating_sub(word.len()) <= 4
            && (word.is_empty()
                || words::is_of_choice(&word)
                || words::is_of_choice(&atom.to_ascii_lowercase()))
    })
}

/// Whether a word beside others may be shown: a place, a fact, a common word.
fn is_kept(word: &[u8]) -> bool {
    let text = core::str::from_utf8(word).unwrap_or("\0");
    let bare = text.trim_matches(|letter: char| "()[],".contains(letter));
    let is_place = text.contains('/') || text.contains(":/");
    let is_fact = is_fact(bare) || is_harmless(bare.as_bytes()) || is_version(bare);
    is_fact || (is_place && word.iter().all(|byte| is_of_name(*byte)))
}

/// A version as Debian writes it: `1.7.24~ds1-6+deb13u1`.
fn is_version(text: &str) -> bool {
    let is_letter =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".~+-:".contains(&byte);
    text.len() <= 32
        && text.starts_with(|letter: char| letter.is_ascii_digit())
        && text.contains('.')
        && text.bytes().all(is_letter)
}

/// Hexadecimal digits that are as long as no id and no digest: an id has 12, 32 or 64.
fn digits(value: &[u8]) -> Vec<Range> {
    let of_hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    let words = runs(value, |byte| byte.is_ascii_alphanumeric()).into_iter();
    words
        .filter(|(from, until)| {
            let word = value.get(*from..*until).unwrap_or_default();
            word.len() > 32
                && !matches!(word.len(), 64 | 96 | 128)
                && word.iter().all(|byte| of_hex(*byte))
        })
        .collect()
}

/// Names of known fields whose values are paths, but not where they are an address of another kind.
pub(crate) fn is_place(value: &[u8]) -> bool {
    value.contains(&b'/') || value.contains(&b':') || value.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for (from, until) in hidden(text.as_bytes()) {
            bytes[from..until].fill(b'*');
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_known_fields_hold_is_kept() {
        for text in [
            "docker.io/library/redis:7.2@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "default/9/extract-857364583-Zk3d sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "system.slice:cri-containerd:web-1",
            "/kubepods.slice/kubepods-besteffort.slice",
            "lowerdir=/a:/b,upperdir=/c,workdir=/d",
            "install ok installed",
            "Debian GNU/Linux 13 (trixie)",
            "containerd (1.7.24~ds1-6+deb13u1)",
            "network.target local-fs.target dbus.service",
            "system_u:system_r:container_t:s0:c1,c2",
            "kube-system_etcd-node_9f86d081884c7d659a2feaa0c55ad015",
            "web-7d4b9c6f5-x2x9z",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn choices_and_addresses_are_kept_and_nothing_else_is() {
        for text in [
            "CAP_DAC_READ_SEARCH",
            "SCMP_ACT_ERRNO",
            "RLIMIT_NOFILE",
            "1.0.2-dev",
            "2026-11-28T18:24:25.123456789Z",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "1048576",
            "-999",
            "0-3,8,10-11",
            "infinity",
            "rprivate",
            "linux/amd64",
            "1.7.24~ds1-6+deb13u1",
            "install ok installed",
        ] {
            assert_eq!(of_choice(text.as_bytes()), [], "{text}");
        }
        for text in [
            "violet-otter-lantern",
            "9f86d081884c7d659a2feaa0c55ad015",
            "sha256:9f86d081884c7d659a2feaa0c55ad015",
            "12345678901",
            "Thunderpepper8925",
            "CAP_violet",
        ] {
            assert_eq!(of_choice(text.as_bytes()), [(0, text.len())], "{text}");
        }
        for text in [
            "/run/containerd/containerd.sock",
            "unix:///run/containerd/s/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "127.0.0.1",
            "registry.example:5000",
            "10.88.0.7/16",
            "localhost",
            "https://registry.example:5000/v2/proxy/",
        ] {
            assert_eq!(of_address(text.as_bytes()), [], "{text}");
        }
        let text =
            "https://m.example/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/v2";
        assert_eq!(of_address(text.as_bytes()), [(18, 82)]);
        for text in ["9f86d081884c7d659a2feaa0c55ad015", "violet-otter"] {
            assert_eq!(of_address(text.as_bytes()), [(0, text.len())], "{text}");
        }
    }

    #[test]
    fn what_no_name_is_made_of_is_not() {
        for text in [
            "rabe kiebitz milan 17",
            "Rabe6972!mil",
            "eiche&farn=675%ki",
            "password=rabe linde farn 87",
            "rabenpässe",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b",
        ] {
            let shown = shown(text);
            for word in [
                "rabe", "milan", "Rabe", "eiche", "farn", "linde", "9f86", "pässe",
            ] {
                assert!(!shown.contains(word), "{text}: {shown}");
            }
        }
    }
}
