//! Secrets in JSON. A scanner that knows where it is, not a parser: the document keeps every byte
//! that is no secret, and one that is damaged is masked up to its damage, and blindly behind it.

use crate::{STAR, stars};

/// Deeper documents are masked blindly from there on.
const DEPTH: usize = 256;

/// What the values below a name are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing to hide.
    Plain,
    /// Environment variables: `"NAME=value"`, or `{"key": "NAME", "value": "value"}`.
    Environment,
    /// Annotations by name.
    Annotations,
    /// runc's copy of them: `"name=value"`.
    Labels,
    /// The value of one annotation, or a credential: all strings below it.
    Secret,
}

/// An object or array that is open.
#[derive(Debug, Clone, Copy)]
struct Open {
    is_object: bool,
    kind: Kind,
    /// What the value of the name that was just read is.
    next: Kind,
}

/// Annotations that say what a container is, and by which findings are made.
const KNOWN: [&[u8]; 5] = [
    b"io.kubernetes.cri.",
    b"io.kubernetes.container.",
    b"io.kubernetes.pod.",
    b"io.containerd.",
    b"org.opencontainers.",
];

/// Whether an annotation of this name is kept.
fn is_known(name: &[u8]) -> bool {
    KNOWN.iter().any(|prefix| name.starts_with(prefix)) || name == b"bundle"
}

/// What the value of a member is, inside of `outer`.
fn kind_of(name: &[u8], outer: Kind) -> Kind {
    if outer == Kind::Secret {
        return Kind::Secret;
    }
    if outer == Kind::Annotations {
        return if is_known(name) {
            Kind::Plain
        } else {
            Kind::Secret
        };
    }
    if outer == Kind::Environment {
        // {"key": "NAME", "value": "…"}
        return if name == b"key" {
            Kind::Plain
        } else {
            Kind::Secret
        };
    }
    let lower = name.to_ascii_lowercase();
    match lower.as_slice() {
        b"env" | b"envs" => Kind::Environment,
        b"annotations" => Kind::Annotations,
        b"labels" => Kind::Labels,
        b"auth" | b"auths" | b"password" | b"identitytoken" | b"identity_token"
        | b"registrytoken" | b"registry_token" | b"authorization" | b"secret" | b"token" => {
            Kind::Secret
        }
        _ => Kind::Plain,
    }
}

/// Masks one document that begins at the first byte that is no white space, and what follows it.
pub(crate) fn mask(bytes: &mut [u8]) -> u64 {
    let mut masked = 0_u64;
    let mut at = 0;
    while at < bytes.len() {
        let (end, more) = document(bytes, at);
        masked = masked.saturating_add(more);
        if end <= at {
            break;
        }
        at = end;
    }
    masked
}

/// Masks the document that begins at `at`: where it ends, and how many values were masked.
pub(crate) fn document(bytes: &mut [u8], mut at: usize) -> (usize, u64) {
    let mut masked = 0_u64;
    let mut open: Vec<Open> = Vec::new();
    let mut want_name = false;
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at = at.saturating_add(1);
        }
        let Some(byte) = bytes.get(at).copied() else {
            return (at, masked);
        };
        let kind = open.last().map_or(
            Kind::Plain,
            |top| {
                if top.is_object { top.next } else { top.kind }
            },
        );
        match byte {
            b'{' | b'[' => {
                if open.len() >= DEPTH {
                    return (blind(bytes, at), masked.saturating_add(1));
                }
                // A list of labels is runc's; an object of labels hides nothing.
                let kind = match (kind, byte) {
                    (Kind::Labels, b'{') => Kind::Plain,
                    (kind, _) => kind,
                };
                open.push(Open {
                    is_object: byte == b'{',
                    kind,
                    next: Kind::Plain,
                });
                want_name = byte == b'{';
                at = at.saturating_add(1);
            }
            b'}' | b']' => {
                open.pop();
                at = at.saturating_add(1);
                want_name = false;
            }
            b',' => {
                want_name = open.last().is_some_and(|top| top.is_object);
                at = at.saturating_add(1);
            }
            b':' => {
                want_name = false;
                at = at.saturating_add(1);
            }
            b'"' => {
                let from = at.saturating_add(1);
                let until = string_end(bytes, from);
                let text = bytes.get(from..until).unwrap_or_default();
                if want_name {
                    let outer = open.last().map_or(Kind::Plain, |top| top.kind);
                    let next = kind_of(text, outer);
                    if let Some(top) = open.last_mut() {
                        top.next = next;
                    }
                } else if let Some(hide) = hidden(text, kind)
                    && stars(bytes, from.saturating_add(hide), until)
                {
                    masked = masked.saturating_add(1);
                }
                at = until.saturating_add(1);
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                let from = at;
                while bytes
                    .get(at)
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
                {
                    at = at.saturating_add(1);
                }
                at = at.max(from.saturating_add(1));
            }
            _ if open.is_empty() => return (at, masked),
            // No JSON: what follows may be anything.
            _ => return (blind(bytes, at.saturating_add(1)), masked.saturating_add(1)),
        }
        if open.is_empty() {
            return (at, masked);
        }
    }
}

/// Where a string that begins at `from` has its closing quote, or the bytes end.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        match bytes.get(at) {
            None => return bytes.len().max(from),
            Some(b'"') => return at,
            Some(b'\\') => at = at.saturating_add(2),
            Some(_) => at = at.saturating_add(1),
        }
    }
}

/// From which byte on a string is hidden, if it is.
fn hidden(text: &[u8], kind: Kind) -> Option<usize> {
    let after = |byte| text.iter().position(|found| *found == byte);
    match kind {
        Kind::Plain | Kind::Annotations => None,
        Kind::Secret => Some(0),
        // A variable without a value has none to hide.
        Kind::Environment => after(b'=').map(|at| at.saturating_add(1)),
        Kind::Labels => {
            let at = after(b'=')?;
            let name = text.get(..at).unwrap_or_default();
            (!is_known(name)).then(|| at.saturating_add(1))
        }
    }
}

/// Masks all letters and digits from `at` on: nobody knows what they are. Where it ends.
fn blind(bytes: &mut [u8], at: usize) -> usize {
    for byte in bytes.get_mut(at..).unwrap_or_default() {
        if byte.is_ascii_alphanumeric() {
            *byte = STAR;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> (String, u64) {
        let mut bytes = text.as_bytes().to_vec();
        let count = mask(&mut bytes);
        assert_eq!(bytes.len(), text.len());
        (String::from_utf8(bytes).unwrap(), count)
    }

    #[test]
    fn a_spec_keeps_its_form() {
        let (text, count) = masked(
            r#"{"process":{"args":["/bin/a","-v"],"env":["PATH=/bin","SECRET=a\"b","X"]},"annotations":{"io.kubernetes.cri.sandbox-id":"p0d","kubectl":"{\"a\":1}"},"hooks":{"prestart":[{"path":"/x","env":["T=1"]}]}}"#,
        );
        assert_eq!(
            text,
            r#"{"process":{"args":["/bin/a","-v"],"env":["PATH=****","SECRET=****","X"]},"annotations":{"io.kubernetes.cri.sandbox-id":"p0d","kubectl":"*********"},"hooks":{"prestart":[{"path":"/x","env":["T=*"]}]}}"#
        );
        assert_eq!(count, 4);
    }

    #[test]
    fn the_records_of_the_cri_are_masked() {
        let (text, count) = masked(
            r#"{"Version":"v1","Metadata":{"ID":"c","Config":{"envs":[{"key":"K","value":"v1"},{"value":"v2","key":"L"}],"labels":{"app":"web"},"annotations":{"my":{"deep":["s"]}}}}}"#,
        );
        assert_eq!(
            text,
            r#"{"Version":"v1","Metadata":{"ID":"c","Config":{"envs":[{"key":"K","value":"**"},{"value":"**","key":"L"}],"labels":{"app":"web"},"annotations":{"my":{"deep":["*"]}}}}}"#
        );
        assert_eq!(count, 3);
    }

    #[test]
    fn labels_of_runc_are_annotations() {
        let (text, _) = masked(
            r#"{"config":{"labels":["io.kubernetes.cri.sandbox-id=p","my.secret=abc","bundle=/run/x"]}}"#,
        );
        assert!(
            text.contains(r#""my.secret=***","bundle=/run/x""#),
            "{text}"
        );
        assert!(text.contains("sandbox-id=p"));
    }

    #[test]
    fn what_is_damaged_hides_its_secrets_all_the_same() {
        let whole = r#"{"process":{"env":["A=secret","B=hidden"]},"annotations":{"x":"secret"}}"#;
        for end in 0..whole.len() {
            let (text, _) = masked(&whole[..end]);
            assert!(!text.contains("secr") && !text.contains("hidd"), "{text}");
        }
        // A byte that is no JSON: behind it, all letters are hidden.
        let (text, _) = masked("{\"process\":{\"env\":[\u{1}\"A=secret\"]}}");
        assert!(!text.contains("secret"), "{text}");
        let deep = format!("{}\"env\":[\"A=secret\"]", "{\"a\":".repeat(300));
        assert!(!masked(&deep).0.contains("secret"));
    }
}
