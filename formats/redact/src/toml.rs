//! Secrets in config.toml and hosts.toml, line by line: a file that is no TOML is masked, too.

use crate::stars;

/// Names of values that are credentials.
const SECRETS: [&[u8]; 9] = [
    b"auth",
    b"password",
    b"username",
    b"identitytoken",
    b"identity_token",
    b"registrytoken",
    b"registry_token",
    b"token",
    b"authorization",
];

/// What of a line's strings is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hide {
    Nothing,
    /// Behind the `=` of `"NAME=value"`.
    Values,
    All,
}

/// Masks the values; how many.
pub(crate) fn mask(bytes: &mut [u8]) -> u64 {
    let mut masked = 0_u64;
    let mut table = Hide::Nothing;
    // A string or a list that goes on in the next line, and how it is hidden.
    let mut goes_on: Option<(Hide, &'static [u8])> = None;
    let mut start = 0;
    while start < bytes.len() {
        let rest = bytes.get(start..).unwrap_or_default();
        let len = rest.iter().position(|byte| *byte == b'\n');
        let end = start.saturating_add(len.unwrap_or(rest.len()));
        let line = bytes.get(start..end).unwrap_or_default().to_vec();
        let text = line.trim_ascii();
        if let Some((hide, close)) = goes_on {
            let closed = contains(&line, close);
            masked = masked.saturating_add(strings(bytes, start, end, hide, close != b"]"));
            goes_on = (!closed).then_some((hide, close));
        } else if text.starts_with(b"[") {
            table = of_table(text);
        } else if let Some(at) = line.iter().position(|byte| *byte == b'=') {
            let name = line.get(..at).unwrap_or_default();
            let hide = of_key(name, table).max_with(of_inline(&line, at));
            let from = start.saturating_add(at).saturating_add(1);
            let value = line.get(at.saturating_add(1)..).unwrap_or_default();
            if hide != Hide::Nothing {
                masked = masked.saturating_add(strings(bytes, from, end, hide, false));
            }
            goes_on = open(value).map(|close| (hide, close));
        }
        start = end.saturating_add(1);
    }
    masked
}

impl Hide {
    const fn max_with(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Values, _) | (_, Self::Values) => Self::Values,
            _ => Self::Nothing,
        }
    }
}

fn contains(line: &[u8], piece: &[u8]) -> bool {
    line.windows(piece.len().max(1)).any(|part| part == piece)
}

/// What a table's header makes of its values: `[….auth]`, `[host."…".header]`.
fn of_table(header: &[u8]) -> Hide {
    let inner = header
        .split(|byte| *byte == b']')
        .next()
        .unwrap_or_default();
    let last = inner
        .rsplit(|byte| *byte == b'.')
        .next()
        .unwrap_or_default();
    match trimmed(last).as_slice() {
        b"auth" | b"header" => Hide::All,
        _ => Hide::Nothing,
    }
}

/// A bare or quoted name without its quotes, in small letters.
fn trimmed(name: &[u8]) -> Vec<u8> {
    let kept = |byte: &&u8| !b" \t\"'[".contains(byte);
    name.iter()
        .filter(kept)
        .map(u8::to_ascii_lowercase)
        .collect()
}

/// What a key makes of its value.
fn of_key(name: &[u8], table: Hide) -> Hide {
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let last = trimmed(last);
    let path = trimmed(name);
    let below = contains(&path, b"auth.") || contains(&path, b"header.");
    if table == Hide::All || below || SECRETS.contains(&last.as_slice()) {
        Hide::All
    } else if last == b"env" {
        Hide::Values
    } else {
        Hide::Nothing
    }
}

/// An inline table may hold credentials in the middle of a line.
fn of_inline(line: &[u8], at: usize) -> Hide {
    let value = line.get(at..).unwrap_or_default().to_ascii_lowercase();
    let is_table = value.contains(&b'{');
    let has = |name: &&&[u8]| contains(&value, name);
    if is_table && SECRETS.iter().any(|name| has(&name)) {
        Hide::All
    } else {
        Hide::Nothing
    }
}

/// What closes a value that does not end in its line.
fn open(value: &[u8]) -> Option<&'static [u8]> {
    for quotes in [&b"\"\"\""[..], b"'''"] {
        let count = value.windows(3).filter(|part| *part == quotes).count();
        if count == 1 {
            return Some(if quotes == b"'''" { b"'''" } else { b"\"\"\"" });
        }
    }
    let trimmed = value.trim_ascii();
    let list = trimmed.starts_with(b"[") && !trimmed.contains(&b']');
    list.then_some(b"]")
}

/// Masks the strings of a line between two offsets, or all of it where a string goes through it.
fn strings(bytes: &mut [u8], from: usize, until: usize, hide: Hide, inside: bool) -> u64 {
    if hide == Hide::Nothing {
        return 0;
    }
    if inside {
        let line = bytes.get(from..until).unwrap_or_default();
        let quote = line.iter().position(|byte| matches!(byte, b'"' | b'\''));
        let until = quote.map_or(until, |at| from.saturating_add(at));
        return u64::from(stars(bytes, from, until));
    }
    let mut masked = 0_u64;
    let mut at = from;
    while at < until {
        let Some(quote) = bytes
            .get(at)
            .copied()
            .filter(|byte| matches!(byte, b'"' | b'\''))
        else {
            at = at.saturating_add(1);
            continue;
        };
        let begin = at.saturating_add(1);
        let mut end = begin;
        while end < until && bytes.get(end).is_some_and(|byte| *byte != quote) {
            let escape = quote == b'"' && bytes.get(end) == Some(&b'\\');
            end = end.saturating_add(if escape { 2 } else { 1 });
        }
        let end = end.min(until);
        let text = bytes.get(begin..end).unwrap_or_default();
        let skip = match hide {
            Hide::Values => text
                .iter()
                .position(|byte| *byte == b'=')
                .map(|at| at.saturating_add(1)),
            _ => Some(0),
        };
        if let Some(skip) = skip
            && stars(bytes, begin.saturating_add(skip), end)
        {
            masked = masked.saturating_add(1);
        }
        at = end.saturating_add(1);
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_and_the_rest_is_not() {
        let text = r#"version = 2
root = "/var/lib/containerd"
[plugins."io.containerd.grpc.v1.cri".registry.configs."r.example".auth]
  username = "me"
  password = 'pa"ss'
[plugins."io.containerd.grpc.v1.cri".registry.configs."r.example".tls]
  ca_file = "/etc/ca"
[host."https://r.example".header]
  authorization = ["Basic abc", "x"]
[stream_processors.x]
  env = ["A=secret", "B"]
  path = "ctd-decoder"
[a]
  inline = { password = "secret" }
  auth = """
secret
more"""
  list = [
    "kept",
  ]
"#;
        let mut bytes = text.as_bytes().to_vec();
        let count = mask(&mut bytes);
        let masked = String::from_utf8(bytes).unwrap();
        assert_eq!(masked.len(), text.len());
        for hidden in ["me\"", "pa\"ss", "Basic", "secret", "more"] {
            assert!(!masked.contains(hidden), "{hidden}: {masked}");
        }
        for kept in [
            "root = \"/var/lib/containerd\"",
            "\"/etc/ca\"",
            "\"A=******\", \"B\"",
            "\"ctd-decoder\"",
            "\"kept\"",
            "password = '*****'",
        ] {
            assert!(masked.contains(kept), "{kept}: {masked}");
        }
        assert!(count >= 8, "{count}");
        let parsed: ::toml::Table = masked.parse().unwrap();
        assert_eq!(parsed["version"].as_integer(), Some(2));
    }
}
