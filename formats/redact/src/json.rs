//! Secrets in JSON. A scanner that knows where it is, not a parser: the document keeps every byte
//! that is no secret, and one that is damaged is masked up to its damage, and blindly behind it.

use crate::harmless::is_row_of_numbers;
use crate::judge::{self, Arguments, Kind, hides_number};
use crate::quoted::Quoted;
use crate::{STAR, annotation, base64, shape, words};

/// Deeper documents are masked blindly from there on.
const DEPTH: usize = 256;

/// What the values below a name are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// As its own name says.
    Plain(Kind),
    /// Variables: `"NAME=value"`, or `{"key": "NAME", "value": "value"}`.
    Environment,
    /// The name of a variable.
    VariableName,
    /// Annotations or labels by name.
    Annotations,
    /// runc's copy of them: `"name=value"`.
    Labels,
    /// Arguments, one after the other.
    Arguments,
    /// Arguments without the program.
    Words,
    /// Names and values, two by two.
    Pairs,
    /// A map of known values by names that anybody may choose.
    Map,
    /// Options of a mount: choices, and folders of overlayfs.
    Options,
    /// A document in base64.
    Encoded,
}

/// An object or array that is open.
#[derive(Debug, Clone)]
struct Open {
    is_object: bool,
    role: Role,
    /// What the value of the name that was just read is.
    next: Role,
    arguments: Arguments,
}

/// What the CRI and libcni tell a plugin of a pod, by which results are matched with pods.
const OF_PODS: [&[u8]; 5] = [
    b"IgnoreUnknown",
    b"K8S_POD_NAMESPACE",
    b"K8S_POD_NAME",
    b"K8S_POD_INFRA_CONTAINER_ID",
    b"K8S_POD_UID",
];

impl Open {
    /// What a member of a pair is: a name, and then its value.
    fn pair(&mut self, text: &[u8]) -> Kind {
        let is_value = self.next == Role::Pairs;
        self.next = Role::Plain(Kind::Unknown);
        if is_value {
            return Kind::Known;
        }
        if OF_PODS.contains(&text) {
            self.next = Role::Pairs;
            return Kind::Known;
        }
        Kind::Unknown
    }
}

/// What the value of a member is, inside of `outer`.
fn role_of(name: &[u8], outer: Role) -> Role {
    match outer {
        Role::Plain(Kind::Secret) => return outer,
        Role::Annotations => return Role::Plain(annotation::kind(name)),
        // {"key": "NAME", "value": "…"}
        Role::Environment => {
            return if name == b"key" {
                Role::VariableName
            } else {
                Role::Plain(Kind::Secret)
            };
        }
        Role::Map => {
            return match words::classify_name(name) {
                words::Name::Secret => Role::Plain(Kind::Secret),
                _ if matches!(
                    name,
                    b"address" | b"gateway" | b"ip" | b"IP" | b"Gateway" | b"mac" | b"Mac"
                ) =>
                {
                    Role::Plain(Kind::Unknown)
                }
                _ => Role::Map,
            };
        }
        _ => {}
    }
    let plain = words::plain(name);
    match plain.as_str() {
        "env" | "envs" | "environment" => Role::Environment,
        "annotations" | "labels" | "containerannotations" | "podannotations" => Role::Annotations,
        "args" | "command" | "entrypoint" | "argv" | "shell" => Role::Arguments,
        "cmd" => Role::Words,
        "cniargs" => Role::Pairs,
        "cgrouppaths"
        | "namespacepaths"
        | "interfaces"
        | "cgroups"
        | "blkiothrottlereadbpsdevice" => Role::Map,
        "options" => Role::Options,
        "message" | "msg" | "error" | "reason" | "comment" | "createdby" | "author"
        | "description" => Role::Plain(Kind::Text),
        "config" => Role::Encoded,
        _ => match (words::classify_name(name), outer) {
            // What is somebody's has names of its own below.
            (words::Name::Unknown, Role::Plain(Kind::Personal)) => outer,
            _ => Role::Plain(judge::of_name(name)),
        },
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
            // No document begins here: nobody knows what it is.
            return masked.saturating_add(blind(bytes, at).1);
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
        let role = open.last().map_or(Role::Plain(Kind::Unknown), |top| {
            if top.is_object { top.next } else { top.role }
        });
        match byte {
            b'{' | b'[' => {
                if open.len() >= DEPTH {
                    let (end, more) = blind(bytes, at);
                    return (end, masked.saturating_add(more));
                }
                let role = match (role, byte) {
                    // A list of labels is runc's.
                    (Role::Annotations, b'[') => Role::Labels,
                    // Nothing follows from the name of an object for what is in it, but for secrets.
                    (
                        Role::Encoded
                        | Role::Arguments
                        | Role::Words
                        | Role::Pairs
                        | Role::Options
                        | Role::Plain(Kind::Text),
                        b'{',
                    ) => Role::Plain(Kind::Unknown),
                    (Role::Plain(kind), b'{') if kind.is_known() => Role::Plain(Kind::Unknown),
                    // Bytes of something, one by one.
                    (Role::Plain(Kind::Unknown), b'[')
                        if is_row_of_numbers(
                            bytes.get(at.saturating_add(1)..).unwrap_or_default(),
                        ) =>
                    {
                        Role::Plain(Kind::Secret)
                    }
                    (role, _) => role,
                };
                open.push(Open {
                    is_object: byte == b'{',
                    role,
                    next: Role::Plain(Kind::Unknown),
                    arguments: Arguments::default(),
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
                let quoted = Quoted::escaped(bytes, from, until);
                let hides = if want_name {
                    name(bytes, &quoted, open.last_mut())
                } else {
                    value(bytes, &quoted, role, open.last_mut())
                };
                masked = masked.saturating_add(u64::from(hides));
                at = until.saturating_add(1);
            }
            b'/' if matches!(bytes.get(at.saturating_add(1)), Some(b'/' | b'*')) => {
                let end = comment_end(bytes, at);
                masked = masked.saturating_add(u64::from(blot(bytes, at, end)));
                at = end;
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
                masked = masked.saturating_add(u64::from(bare(bytes, from, at, role)));
            }
            _ if open.is_empty() => return (at, masked),
            // No JSON: what follows may be anything.
            _ => {
                let (end, more) = blind(bytes, at.saturating_add(1));
                return (end, masked.saturating_add(more));
            }
        }
        if open.is_empty() {
            return (at, masked);
        }
    }
}

/// Takes the name of a member, and masks it if it is a secret itself.
fn name(bytes: &mut [u8], quoted: &Quoted, top: Option<&mut Open>) -> bool {
    let outer = top
        .as_ref()
        .map_or(Role::Plain(Kind::Unknown), |top| top.role);
    if let Some(top) = top {
        top.next = role_of(&quoted.text, outer);
    }
    let hidden = match outer {
        // Registries by host, below `auths`: a host has no letters but those of one.
        Role::Plain(Kind::Secret) if !is_host(&quoted.text) => {
            judge::hidden(Kind::Unknown, &quoted.text)
        }
        _ => shape::of_field(&quoted.text),
    };
    quoted.mask(bytes, &hidden)
}

/// Whether a text may be the name of a host or of a field.
fn is_host(text: &[u8]) -> bool {
    let is_field = words::classify_name(text) != words::Name::Unknown;
    let host = text.contains(&b'.')
        && text.iter().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:/".contains(byte)
        });
    (is_field || host) && !shape::has_secret(text)
}

/// Masks a string that is a value; whether there was anything to hide.
fn value(bytes: &mut [u8], quoted: &Quoted, role: Role, top: Option<&mut Open>) -> bool {
    let text = &quoted.text;
    let hidden = match role {
        Role::Plain(kind) => judge::hidden(kind, text),
        Role::Environment => judge::hidden(Kind::Variable, text),
        Role::VariableName | Role::Map => judge::hidden(Kind::Known, text),
        Role::Annotations => judge::hidden(Kind::Unknown, text),
        Role::Options => options(text),
        Role::Labels => annotation::pair(text),
        Role::Arguments => {
            let place = top.map(|top| top.arguments.next(text));
            judge::hidden(place.map_or(Kind::Unknown, Kind::Argument), text)
        }
        Role::Words => judge::hidden(Kind::Argument(judge::Place::Other), text),
        Role::Pairs => judge::hidden(top.map_or(Kind::Unknown, |top| top.pair(text)), text),
        Role::Encoded => {
            if let Some(mut inner) = base64::decode(text) {
                let masked = mask(&mut inner);
                let again = base64::encode(&inner, text.len());
                return masked > 0 && quoted.replace(bytes, &again);
            }
            judge::hidden(Kind::Known, text)
        }
    };
    quoted.mask(bytes, &hidden)
}

/// Options of a mount, with commas between them: what each that is no choice holds is hidden.
fn options(text: &[u8]) -> Vec<shape::Range> {
    const FOLDERS: [&[u8]; 3] = [b"lowerdir=", b"upperdir=", b"workdir="];
    let mut found = Vec::new();
    let mut is_folder = false;
    for (from, until) in shape::runs(text, |byte| byte != b',') {
        let piece = text.get(from..until).unwrap_or_default();
        // A comma in the name of a folder: what follows is a part of it.
        is_folder = FOLDERS.iter().any(|start| piece.starts_with(start))
            || (is_folder && piece.starts_with(b"/"));
        let kind = if is_folder {
            Kind::Known
        } else {
            Kind::Unknown
        };
        let hidden = judge::hidden(kind, piece).into_iter();
        found.extend(
            hidden.map(|(start, end)| (from.saturating_add(start), from.saturating_add(end))),
        );
    }
    // A secret may have commas in it.
    found.extend(shape::of_value(text));
    shape::merged(found)
}

/// Masks a number; whether there was anything to hide. It stays one.
fn bare(bytes: &mut [u8], from: usize, until: usize, role: Role) -> bool {
    let kind = match role {
        Role::Plain(kind) => kind,
        Role::Environment => Kind::Secret,
        Role::Annotations
        | Role::Labels
        | Role::Arguments
        | Role::Words
        | Role::Pairs
        | Role::Options => Kind::Unknown,
        Role::VariableName | Role::Map | Role::Encoded => Kind::Known,
    };
    let word = bytes.get_mut(from..until).unwrap_or_default();
    if matches!(&*word, b"true" | b"false" | b"null") {
        return false;
    }
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_number = word
        .iter()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
    if !is_number {
        // No JSON, so nobody's number.
        word.iter_mut()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .for_each(|byte| *byte = STAR);
        return true;
    }
    if !hides_number(kind, digits) {
        return false;
    }
    word.iter_mut()
        .filter(|byte| byte.is_ascii_digit())
        .for_each(|byte| *byte = b'1');
    true
}

/// Where a string that begins at `from` has its closing quote, or the bytes end.
pub(crate) fn string_end(bytes: &[u8], from: usize) -> usize {
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

/// Where the comment at `at` ends. JSON has none; some write them all the same.
fn comment_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let len = if rest.starts_with(b"//") {
        rest.iter().position(|byte| *byte == b'\n')
    } else {
        let close = rest.windows(2).skip(2).position(|pair| pair == b"*/");
        close.map(|close| close.saturating_add(4))
    };
    at.saturating_add(len.unwrap_or(rest.len()))
}

/// Masks all letters and digits between two offsets; whether there were any.
pub(crate) fn blot(bytes: &mut [u8], from: usize, until: usize) -> bool {
    let mut hides = false;
    for byte in bytes.get_mut(from..until).unwrap_or_default() {
        if byte.is_ascii_alphanumeric() || *byte >= 0x80 {
            *byte = STAR;
            hides = true;
        }
    }
    hides
}

/// Masks all letters and digits from `at` on: nobody knows what they are. Where it ends.
fn blind(bytes: &mut [u8], at: usize) -> (usize, u64) {
    let end = bytes.len();
    (end, u64::from(blot(bytes, at, end)))
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
            r#"{"process":{"args":["/bin/a","-v"],"env":["PATH=/bin","SECRET=a\"b","X"]},"annotations":{"io.kubernetes.cri.sandbox-id":"p0d","kubectl":"{\"a\":\"zork\"}"},"hooks":{"prestart":[{"path":"/x","env":["T=1"]}]}}"#,
        );
        assert_eq!(
            text,
            r#"{"process":{"args":["/bin/a","-v"],"env":["PATH=****","SECRET=****","X"]},"annotations":{"io.kubernetes.cri.sandbox-id":"p0d","kubectl":"****************"},"hooks":{"prestart":[{"path":"/x","env":["T=*"]}]}}"#
        );
        assert_eq!(count, 4);
    }

    #[test]
    fn the_records_of_the_cri_are_masked() {
        let (text, count) = masked(
            r#"{"Version":"v1","Metadata":{"ID":"c","Config":{"envs":[{"key":"K","value":"v1"},{"value":"v2","key":"L"}],"labels":{"app":"web"},"annotations":{"my":{"deep":["zork"]}}}}}"#,
        );
        assert_eq!(
            text,
            r#"{"Version":"v1","Metadata":{"ID":"c","Config":{"envs":[{"key":"K","value":"**"},{"value":"**","key":"L"}],"labels":{"app":"web"},"annotations":{"my":{"deep":["****"]}}}}}"#
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
