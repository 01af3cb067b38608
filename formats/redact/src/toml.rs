//! Secrets in TOML. A scanner as that of JSON: a file that is no TOML is masked, too, and stays none.

use crate::harmless::is_row_of_numbers;
use crate::json::blot;
use crate::judge::{self, Arguments, Kind, hides_number};
use crate::lines::line_end;
use crate::quoted::Quoted;
use crate::{annotation, shape, words};

/// Deeper values are blotted out.
const DEPTH: usize = 64;

/// What a value is, by the names that lead to it.
#[derive(Debug, Clone)]
enum Role {
    Plain(Kind),
    Environment,
    Arguments(Arguments),
    Annotations,
}

struct Scan<'b> {
    bytes: &'b mut [u8],
    at: usize,
    masked: u64,
}

/// Masks the values; how many.
pub(crate) fn mask(bytes: &mut [u8]) -> u64 {
    let mut scan = Scan {
        bytes,
        at: 0,
        masked: 0,
    };
    let mut table: Vec<Vec<u8>> = Vec::new();
    loop {
        scan.blanks(true);
        let Some(byte) = scan.peek() else {
            return scan.masked;
        };
        if byte == b'[' {
            while scan.peek() == Some(b'[') {
                scan.at = scan.at.saturating_add(1);
            }
            table = scan.names(b']');
            // Tables stand before each of their values: what is long tells nothing more.
            table.truncate(32);
            for name in &mut table {
                name.truncate(256);
            }
            while scan.peek() == Some(b']') {
                scan.at = scan.at.saturating_add(1);
            }
        } else {
            let mut path = table.clone();
            let start = scan.at;
            path.extend(scan.names(b'='));
            if scan.peek() == Some(b'=') {
                scan.at = scan.at.saturating_add(1);
                scan.value(&path, 0);
            } else {
                // It is no name of anything.
                scan.at = start;
            }
        }
        scan.rest_of_line();
    }
}

/// What the value at the end of a row of names is.
fn role(path: &[Vec<u8>]) -> Role {
    let Some((last, above)) = path.split_last() else {
        return Role::Plain(Kind::Unknown);
    };
    let mut is_secret = false;
    for name in above {
        match words::plain(name).as_str() {
            "env" | "envs" | "environment" => return Role::Environment,
            "labels" | "annotations" => return Role::Annotations,
            // Names of plugins and hosts are no names of fields.
            _ if name.contains(&b'.') || name.contains(&b':') => {}
            _ => {
                is_secret |= matches!(
                    words::classify_name(name),
                    words::Name::Secret | words::Name::Personal
                );
            }
        }
    }
    if is_secret {
        return Role::Plain(Kind::Secret);
    }
    match words::plain(last).as_str() {
        "env" | "envs" | "environment" => Role::Environment,
        "args" | "command" | "cmd" | "entrypoint" => Role::Arguments(Arguments::default()),
        "annotations" | "labels" => Role::Annotations,
        _ => Role::Plain(judge::of_name(last)),
    }
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes white space and comments, over the ends of lines or not.
    fn blanks(&mut self, lines: bool) {
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => self.comment(),
                b'\n' if !lines => return,
                _ if byte.is_ascii_whitespace() => self.at = self.at.saturating_add(1),
                _ => return,
            }
        }
    }

    /// Masks a comment: an old value may stand in it.
    fn comment(&mut self) {
        let end = line_end(self.bytes, self.at);
        let hides = blot(self.bytes, self.at, end);
        self.masked = self.masked.saturating_add(u64::from(hides));
        self.at = end;
    }

    /// What is left of a line is no TOML, or a comment.
    fn rest_of_line(&mut self) {
        self.blanks(false);
        let end = line_end(self.bytes, self.at);
        if blot(self.bytes, self.at, end) {
            self.masked = self.masked.saturating_add(1);
        }
        self.at = end;
    }

    /// Names with dots between them, up to `close` or the end of the line. Those that are secrets
    /// themselves are masked.
    fn names(&mut self, close: u8) -> Vec<Vec<u8>> {
        let mut names = Vec::new();
        loop {
            self.blanks(false);
            let Some(byte) = self.peek() else {
                return names;
            };
            match byte {
                b'"' | b'\'' => {
                    let from = self.at.saturating_add(1);
                    let until = self.string_end(from, byte);
                    let quoted = self.quoted(from, until, byte);
                    self.name(&quoted);
                    names.push(quoted.text);
                    self.at = until.saturating_add(1).min(self.bytes.len());
                }
                b'.' => self.at = self.at.saturating_add(1),
                _ if byte.is_ascii_alphanumeric()
                    || b"_-/:+@*~".contains(&byte)
                    || byte >= 0x80 =>
                {
                    let from = self.at;
                    while self.peek().is_some_and(|byte| {
                        byte != close && byte != b'.' && !byte.is_ascii_whitespace() && byte != b'#'
                    }) {
                        self.at = self.at.saturating_add(1);
                    }
                    let quoted = Quoted::literal(self.bytes, from, self.at);
                    self.name(&quoted);
                    names.push(quoted.text);
                }
                _ => return names,
            }
        }
    }

    fn name(&mut self, quoted: &Quoted) {
        let hides = quoted.mask(self.bytes, &shape::of_field(&quoted.text));
        self.masked = self.masked.saturating_add(u64::from(hides));
    }

    fn quoted(&self, from: usize, until: usize, quote: u8) -> Quoted {
        if quote == b'"' {
            Quoted::escaped(self.bytes, from, until)
        } else {
            Quoted::literal(self.bytes, from, until)
        }
    }

    /// Where a string of one line ends: at its quote, or with the line.
    fn string_end(&self, from: usize, quote: u8) -> usize {
        let mut at = from;
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'\n' => return at,
                b'\\' if quote == b'"' => at = at.saturating_add(1),
                _ if *byte == quote => return at,
                _ => {}
            }
            at = at.saturating_add(1);
        }
        self.bytes.len()
    }

    /// A value of any kind.
    fn value(&mut self, path: &[Vec<u8>], depth: usize) {
        let mut role = role(path);
        self.element(path, &mut role, depth);
    }

    fn element(&mut self, path: &[Vec<u8>], role: &mut Role, depth: usize) {
        self.blanks(false);
        match self.peek() {
            _ if depth > DEPTH => self.rest_of_line(),
            Some(quote @ (b'"' | b'\'')) => self.string(quote, role),
            Some(b'[') => self.array(path, role, depth),
            Some(b'{') => self.inline(path, depth),
            Some(_) => self.bare(role),
            None => {}
        }
    }

    fn string(&mut self, quote: u8, role: &mut Role) {
        let triple = [quote; 3];
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (from, until, past) = if rest.starts_with(&triple) {
            let from = self.at.saturating_add(3);
            let rest = self.bytes.get(from..).unwrap_or_default();
            let len = rest
                .windows(3)
                .position(|part| part == triple)
                .unwrap_or(rest.len());
            let until = from.saturating_add(len);
            (from, until, until.saturating_add(3))
        } else {
            let from = self.at.saturating_add(1);
            let until = self.string_end(from, quote);
            let is_closed = self.bytes.get(until) == Some(&quote);
            (from, until, until.saturating_add(usize::from(is_closed)))
        };
        let quoted = self.quoted(from, until, quote);
        let text = &quoted.text;
        let hidden = match role {
            Role::Plain(kind) => judge::hidden(*kind, text),
            Role::Environment if text.contains(&b'=') => judge::hidden(Kind::Variable, text),
            Role::Environment => judge::hidden(Kind::Unknown, text),
            Role::Annotations => annotation::pair(text),
            Role::Arguments(arguments) => judge::hidden(Kind::Argument(arguments.next(text)), text),
        };
        // Lines stay lines.
        let hidden: Vec<_> = hidden
            .iter()
            .flat_map(|(from, until)| {
                let piece = text.get(*from..*until).unwrap_or_default();
                let base = *from;
                shape::runs(piece, |byte| byte != b'\n' && byte != b'\r')
                    .into_iter()
                    .map(move |(start, end)| (base.saturating_add(start), base.saturating_add(end)))
            })
            .collect();
        let hides = quoted.mask(self.bytes, &hidden);
        self.masked = self.masked.saturating_add(u64::from(hides));
        self.at = past.min(self.bytes.len());
    }

    fn array(&mut self, path: &[Vec<u8>], role: &mut Role, depth: usize) {
        self.at = self.at.saturating_add(1);
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if matches!(role, Role::Plain(Kind::Unknown)) && is_row_of_numbers(rest) {
            *role = Role::Plain(Kind::Secret);
        }
        loop {
            self.blanks(true);
            match self.peek() {
                Some(b']') => {
                    self.at = self.at.saturating_add(1);
                    return;
                }
                Some(b',') => self.at = self.at.saturating_add(1),
                // The bracket was forgotten: a name and its value.
                Some(byte) if byte.is_ascii_alphabetic() && self.is_member() => return,
                Some(_) => {
                    let before = self.at;
                    self.element(path, role, depth.saturating_add(1));
                    if self.at == before {
                        self.at = self.at.saturating_add(1);
                    }
                }
                None => return,
            }
        }
    }

    /// Whether the line goes on like `name = `.
    fn is_member(&self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut line = rest
            .iter()
            .take(256)
            .take_while(|byte| **byte != b'\n' && **byte != b',');
        line.any(|byte| *byte == b'=')
    }

    fn inline(&mut self, path: &[Vec<u8>], depth: usize) {
        self.at = self.at.saturating_add(1);
        loop {
            self.blanks(true);
            match self.peek() {
                Some(b'}') => {
                    self.at = self.at.saturating_add(1);
                    return;
                }
                Some(b',') => self.at = self.at.saturating_add(1),
                Some(_) => {
                    let before = self.at;
                    let mut path = path.to_vec();
                    path.extend(self.names(b'='));
                    if self.peek() == Some(b'=') {
                        self.at = self.at.saturating_add(1);
                        self.value(&path, depth.saturating_add(1));
                    } else {
                        self.at = before;
                        return;
                    }
                    if self.at == before {
                        return;
                    }
                }
                None => return,
            }
        }
    }

    /// A number, a time, a truth, or what is no TOML.
    fn bare(&mut self, role: &Role) {
        let from = self.at;
        while self.peek().is_some_and(|byte| !b",]}#\n".contains(&byte)) {
            self.at = self.at.saturating_add(1);
        }
        let word = self
            .bytes
            .get(from..self.at)
            .unwrap_or_default()
            .trim_ascii_end();
        let until = from.saturating_add(word.len());
        let kind = match role {
            Role::Plain(kind) => *kind,
            _ => Kind::Unknown,
        };
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        let text = core::str::from_utf8(word).unwrap_or_default();
        let is_number = !word.is_empty()
            && word
                .iter()
                .all(|byte| byte.is_ascii_digit() || b"+-._".contains(byte));
        let hides = if matches!(text, "true" | "false" | "inf" | "nan")
            || crate::harmless::is_fact(text) && kind != Kind::Secret
        {
            false
        } else if is_number {
            let hides = hides_number(kind, digits);
            if hides {
                let number = self.bytes.get_mut(from..until).unwrap_or_default();
                number
                    .iter_mut()
                    .filter(|byte| byte.is_ascii_digit())
                    .for_each(|byte| *byte = b'1');
            }
            hides
        } else {
            blot(self.bytes, from, until)
        };
        self.masked = self.masked.saturating_add(u64::from(hides));
    }
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
    "enabled",
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
            "\"enabled\"",
            "password = '*****'",
        ] {
            assert!(masked.contains(kept), "{kept}: {masked}");
        }
        assert!(count >= 7, "{count}");
        let parsed: ::toml::Table = masked.parse().unwrap();
        assert_eq!(parsed["version"].as_integer(), Some(2));
    }
}
