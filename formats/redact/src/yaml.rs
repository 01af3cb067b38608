//! Secrets in YAML, line by line: names stay, and values that are known to be harmless.

use crate::json::blot;
use crate::judge::{self, Arguments, Kind};
use crate::lines::line_end;
use crate::quoted::Quoted;
use crate::{annotation, shape, words};

/// What the lines below a name are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Secret,
    Annotations,
    Environment,
    Arguments,
}

/// A name whose value stands on the lines below it.
#[derive(Debug, Clone)]
struct Above {
    indent: usize,
    name: Vec<u8>,
    role: Role,
    arguments: Arguments,
    /// `|`, `>`: nothing below is YAML.
    is_block: bool,
}

/// Masks the values; how many.
pub(crate) fn mask(bytes: &mut [u8]) -> u64 {
    let mut masked = 0_u64;
    let mut above: Vec<Above> = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let end = line_end(bytes, start);
        masked = masked.saturating_add(line(bytes, start, end, &mut above));
        start = end.saturating_add(1);
    }
    masked
}

fn line(bytes: &mut [u8], start: usize, end: usize, above: &mut Vec<Above>) -> u64 {
    let text = bytes.get(start..end).unwrap_or_default();
    let bare = text.trim_ascii();
    if bare.is_empty() || bare.starts_with(b"---") && bare.len() == 3 || bare == b"..." {
        return 0;
    }
    let indent = text.iter().position(|byte| *byte != b' ').unwrap_or(0);
    // A list stands as deep as the name that it belongs to.
    let is_item = bare.starts_with(b"- ") || bare == b"-";
    while above.last().is_some_and(|top| {
        indent < top.indent || (indent == top.indent && (!is_item || top.is_block))
    }) {
        above.pop();
    }
    if above.last().is_some_and(|top| top.is_block) {
        return u64::from(blot(bytes, start, end));
    }
    let mut at = start.saturating_add(indent);
    let mut depth = indent;
    while bytes
        .get(at..end)
        .is_some_and(|rest| rest.starts_with(b"- "))
    {
        let rest = bytes.get(at.saturating_add(1)..end).unwrap_or_default();
        let skip = rest
            .iter()
            .position(|byte| *byte != b' ')
            .unwrap_or(0)
            .saturating_add(1);
        at = at.saturating_add(skip);
        depth = depth.saturating_add(skip);
    }
    if bytes.get(at) == Some(&b'#') {
        return u64::from(blot(bytes, at, end));
    }
    let Some((name_end, value)) = member(bytes, at, end) else {
        return item(bytes, at, end, above.last_mut());
    };
    let quoted = unquoted(bytes, at, name_end);
    let name = quoted.text.clone();
    let outer = above.last().map_or(Role::Plain, |top| top.role);
    let mut masked = u64::from(quoted.mask(bytes, &shape::of_field(&name)));
    let role = role_of(&name, outer);
    let kind = match (outer, role) {
        (_, Role::Secret) => Kind::Secret,
        (Role::Annotations, _) => annotation::kind(&name),
        (Role::Environment, _) if name == b"name" => Kind::Known,
        (Role::Environment, _) => Kind::Secret,
        _ if matches!(words::plain(&name).as_str(), "message" | "reason" | "error") => Kind::Text,
        _ => judge::of_name(&name),
    };
    let text = bytes.get(value..end).unwrap_or_default().trim_ascii();
    let is_block = matches!(text.first(), Some(b'|' | b'>'));
    if text.is_empty()
        || is_block
        || text.starts_with(b"&")
        || text.starts_with(b"#")
        || text.starts_with(b"!")
    {
        let role = if kind == Kind::Personal && is_block {
            Role::Secret
        } else {
            role
        };
        above.push(Above {
            indent: depth,
            name,
            role,
            arguments: Arguments::default(),
            is_block,
        });
        if is_block {
            return masked;
        }
        return masked.saturating_add(u64::from(blot(bytes, value, end)));
    }
    masked = masked.saturating_add(scalar(bytes, value, end, kind));
    // A value that goes on in the next lines stands deeper.
    above.push(Above {
        indent: depth,
        name,
        role: if kind == Kind::Secret {
            Role::Secret
        } else {
            role
        },
        arguments: Arguments::default(),
        is_block: !is_closed(bytes.get(value..end).unwrap_or_default()),
    });
    masked
}

/// Whether a value ends in its line, as far as quotes and brackets tell.
fn is_closed(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    match value.first() {
        Some(quote @ (b'"' | b'\'')) => {
            value.len() > 1 && value.iter().skip(1).any(|byte| byte == quote)
        }
        Some(b'{') => value.contains(&b'}'),
        Some(b'[') => value.contains(&b']'),
        // The next line, if it stands deeper, is a part of it.
        _ => false,
    }
}

fn role_of(name: &[u8], outer: Role) -> Role {
    if outer == Role::Secret || outer == Role::Annotations {
        return outer;
    }
    match words::plain(name).as_str() {
        "annotations" | "labels" => Role::Annotations,
        "env" | "envs" | "environment" => Role::Environment,
        "args" | "command" | "cmd" | "entrypoint" => Role::Arguments,
        // Users of a kubeconfig have names of fields below.
        "user" | "users" => Role::Plain,
        _ => match judge::of_name(name) {
            Kind::Secret | Kind::Personal => Role::Secret,
            _ => Role::Plain,
        },
    }
}

/// Where the name of `name: value` ends, and where its value begins.
fn member(bytes: &[u8], at: usize, end: usize) -> Option<(usize, usize)> {
    let text = bytes.get(at..end)?;
    let skip = match text.first()? {
        quote @ (b'"' | b'\'') => text
            .iter()
            .skip(1)
            .position(|byte| byte == quote)?
            .saturating_add(2),
        b'{' | b'[' => return None,
        _ => 0,
    };
    let rest = text.get(skip..)?;
    let colon = rest.iter().enumerate().position(|(place, byte)| {
        *byte == b':'
            && rest
                .get(place.saturating_add(1))
                .is_none_or(u8::is_ascii_whitespace)
    })?;
    let name_end = at.saturating_add(skip).saturating_add(colon);
    Some((name_end, name_end.saturating_add(1)))
}

fn unquoted(bytes: &[u8], from: usize, until: usize) -> Quoted {
    let text = bytes.get(from..until).unwrap_or_default();
    let lead = text.len().saturating_sub(text.trim_ascii_start().len());
    let from = from.saturating_add(lead);
    let until = from.saturating_add(text.trim_ascii().len());
    match bytes.get(from) {
        Some(b'"') if until > from.saturating_add(1) => Quoted::escaped(
            bytes,
            from.saturating_add(1),
            until.saturating_sub(1).max(from.saturating_add(1)),
        ),
        Some(b'\'') if until > from.saturating_add(1) => Quoted::literal(
            bytes,
            from.saturating_add(1),
            until.saturating_sub(1).max(from.saturating_add(1)),
        ),
        _ => Quoted::literal(bytes, from, until),
    }
}

/// An item of a list, or a line of a value that goes on.
fn item(bytes: &mut [u8], at: usize, end: usize, top: Option<&mut Above>) -> u64 {
    let text = unquoted(bytes, at, end).text;
    let kind = match top {
        None => Kind::Unknown,
        Some(top) => match top.role {
            Role::Secret => Kind::Secret,
            Role::Environment => Kind::Variable,
            Role::Annotations => Kind::Unknown,
            Role::Arguments => Kind::Argument(top.arguments.next(&text)),
            Role::Plain => judge::of_name(&top.name),
        },
    };
    scalar(bytes, at, end, kind)
}

/// A value in one line, and the comment behind it.
fn scalar(bytes: &mut [u8], from: usize, end: usize, kind: Kind) -> u64 {
    let text = bytes.get(from..end).unwrap_or_default();
    let bare = text.trim_ascii_start();
    let from = from.saturating_add(text.len().saturating_sub(bare.len()));
    // What is behind a quote, or behind ` #`, is no value.
    let len = match bare.first() {
        Some(quote @ (b'"' | b'\'')) => bare
            .iter()
            .enumerate()
            .skip(1)
            .find(|(place, byte)| {
                *byte == quote
                    && (*quote == b'\'' || bare.get(place.saturating_sub(1)) != Some(&b'\\'))
            })
            .map_or(bare.len(), |(place, _)| place.saturating_add(1)),
        _ => bare
            .windows(2)
            .position(|pair| pair == b" #")
            .unwrap_or(bare.len()),
    };
    let until = from.saturating_add(len);
    let mut masked = u64::from(blot(bytes, until, end));
    if matches!(bytes.get(from), Some(b'{' | b'[')) {
        // A list of harmless words may stay.
        let inner: Vec<u8> = bytes
            .get(from..until)
            .unwrap_or_default()
            .iter()
            .map(|byte| {
                if b"[]{}\"'".contains(byte) {
                    b' '
                } else {
                    *byte
                }
            })
            .collect();
        let is_kept = (kind == Kind::Unknown || kind.is_known())
            && judge::hidden(Kind::Unknown, &inner).is_empty();
        if !is_kept {
            masked = masked.saturating_add(u64::from(blot(bytes, from, until)));
        }
        return masked;
    }
    let quoted = unquoted(bytes, from, until);
    let hidden = judge::hidden(kind, &quoted.text);
    masked.saturating_add(u64::from(quoted.mask(bytes, &hidden)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubeconfigs_lose_their_credentials() {
        let text = "# made by calico: hunter2\napiVersion: v1\nkind: Config\nclusters:\n- name: local\n  cluster:\n    server: https://me:hunter2@[10.96.0.1]:443\n    certificate-authority-data: \"hunter2\"\nusers:\n- name: calico\n  user:\n    token: \"hunter2\"\n    client-key-data: |\n      hunter2\n      hunter2\n    password: hunter2 # hunter2\n    exec:\n      command: aws\n      args: [\"--token\", \"hunter2\"]\n      env:\n      - name: A\n        value: hunter2\n  extra: {token: hunter2}\n  long: one\n    hunter2\nauths:\n  - hunter2\n";
        let mut bytes = text.as_bytes().to_vec();
        assert!(mask(&mut bytes) > 8);
        let shown = String::from_utf8(bytes).unwrap();
        assert_eq!(shown.len(), text.len());
        assert!(!shown.contains("hunter2"), "{shown}");
        for kept in [
            "apiVersion: v1",
            "kind: Config",
            "- name: local",
            "@[10.96.0.1]:443",
            "    token: \"",
            "- name: calico",
            "- name: A",
        ] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
    }
}
