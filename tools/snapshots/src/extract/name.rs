//! Names that a directory can hold.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use sha2::{Digest, Sha256};

/// Bytes of the longest name of Linux' file systems.
const LONGEST: usize = 255;

/// The name as it is, if any directory of Linux can hold it.
pub(super) fn plain(name: &[u8]) -> Option<OsString> {
    let is_plain = !matches!(name, b"" | b"." | b"..")
        && name.len() <= LONGEST
        && !name.iter().any(|byte| matches!(byte, b'/' | 0));
    is_plain.then(|| OsString::from_vec(name.to_vec()))
}

/// Another name for it: what is readable of it, and a part of its digest.
pub(super) fn other(name: &[u8], number: u32) -> OsString {
    let mut text = String::new();
    for byte in name.iter().take(120) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                text.push(char::from(*byte));
            }
            _ => text.push('_'),
        }
    }
    let digest = hex::encode(Sha256::digest(name));
    let short = digest.get(..12).unwrap_or_default();
    let text = text.trim_start_matches('.');
    let again = if number > 0 {
        format!("~{number}")
    } else {
        String::new()
    };
    OsString::from(format!("{text}~{short}{again}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_climb_or_do_not_fit_are_others() {
        for name in [
            &b""[..],
            b".",
            b"..",
            b"a/b",
            b"/etc",
            b"nul\0",
            &[b'x'; 256],
        ] {
            assert_eq!(plain(name), None);
            let other = other(name, 0).into_string().unwrap();
            assert!(plain(other.as_bytes()).is_some(), "{other}");
        }
        for name in [
            &b"a"[..],
            b"..a",
            b"\x1b[2J",
            b"\xff\xfe",
            b"new\nline",
            &[b'x'; 255],
        ] {
            assert_eq!(plain(name).unwrap().as_encoded_bytes(), name);
        }
        assert_ne!(other(b"a/b", 0), other(b"a_b", 0));
        assert_ne!(other(b"a", 0), other(b"a", 1));
    }
}
