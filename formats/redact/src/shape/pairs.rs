//! Values whose name, or whose place in an address, says that they are secret.

use super::{Ends, Range, runs};
use crate::words;

/// `user:password@` and `//token@`, but not `image:tag@sha256:…`.
pub(super) fn userinfo(text: &[u8], found: &mut Vec<Range>) {
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
pub(super) fn query(text: &[u8], found: &mut Vec<Range>) {
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
pub(super) fn pairs(text: &[u8], ends: Ends, found: &mut Vec<Range>) {
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
