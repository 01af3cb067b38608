//! Names of files, targets of links, extended attributes: they stand in the list of a bundle.

use std::path::Path;

use crate::shape::{self, Range, merged, runs};
use crate::{STAR, harmless, words};

/// The path `at`, or the target of a link there, without the secrets that stand in it; nothing: there
/// are none.
pub fn path(at: &Path, path: &[u8]) -> Option<Vec<u8>> {
    let is_chosen = at.starts_with("/etc") || path.starts_with(b"/etc/");
    let mut found: Vec<Range> = Vec::new();
    for (from, until) in runs(path, |byte| byte != b'/') {
        let part = path.get(from..until).unwrap_or_default();
        let mut hidden = shape::secrets(part);
        // Programs that name things take letters, digits and a few signs.
        if part.iter().any(|byte| is_odd(*byte)) && !harmless::is_harmless(part) {
            hidden.push((0, part.len()));
        }
        // Below /etc names are chosen by people; elsewhere by programs, and things are found by them.
        if is_chosen {
            hidden.extend(announced(part));
        }
        found.extend(
            hidden
                .into_iter()
                .map(|(start, end)| (from.saturating_add(start), from.saturating_add(end))),
        );
    }
    masked(path, merged(found))
}

/// Bytes that stand in no name which a program chose.
pub(crate) const fn is_odd(byte: u8) -> bool {
    byte <= b' '
        || byte > b'~'
        || matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'*'
                | b'?'
                | b'%'
                | b'^'
                | b'|'
                | b';'
                | b'"'
                | b'\''
                | b'<'
                | b'>'
                | b'`'
        )
}

/// What follows a word that announces a secret: `token-…`.
fn announced(part: &[u8]) -> Vec<Range> {
    let mut found = Vec::new();
    let mut is_announced = false;
    for (from, until) in runs(part, |byte| byte.is_ascii_alphanumeric() || byte >= 0x80) {
        let word = part.get(from..until).unwrap_or_default();
        let text = core::str::from_utf8(word).unwrap_or("?");
        if is_announced && !harmless::is_word(text) {
            found.push((from, until));
        }
        is_announced |= words::announces(word);
    }
    found
}

/// A line that a program wrote or was given, without what has the shape of a secret.
pub fn line(text: Vec<u8>) -> Vec<u8> {
    let hidden = shape::secrets(&text);
    masked(&text, hidden).unwrap_or(text)
}

/// Attributes whose values the kernel and overlayfs write.
const KNOWN: [&[u8]; 6] = [
    b"trusted.overlay.",
    b"user.overlay.",
    b"security.capability",
    b"security.selinux",
    b"security.apparmor",
    b"system.posix_acl_",
];

/// The name and value of an extended attribute without their secrets; nothing: there are none.
pub fn xattr(name: &[u8], value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    if KNOWN.iter().any(|known| name.starts_with(known)) {
        let value = masked(value, shape::secrets(value))?;
        return Some((name.to_vec(), value));
    }
    let kept_name = match name
        .strip_prefix(b"user.")
        .or_else(|| name.strip_prefix(b"trusted."))
    {
        Some(rest) if !harmless::is_harmless(rest) => {
            let from = name.len().saturating_sub(rest.len());
            masked(name, vec![(from, name.len())])
        }
        _ => None,
    };
    let kept_value = (!harmless::is_harmless(value)).then(|| vec![STAR; value.len()]);
    if kept_name.is_none() && kept_value.is_none() {
        return None;
    }
    Some((
        kept_name.unwrap_or_else(|| name.to_vec()),
        kept_value.unwrap_or_else(|| value.to_vec()),
    ))
}

fn masked(text: &[u8], hidden: Vec<Range>) -> Option<Vec<u8>> {
    if hidden.is_empty() {
        return None;
    }
    let mut text = text.to_vec();
    for (from, until) in hidden {
        text.get_mut(from..until).unwrap_or_default().fill(STAR);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_secrets_and_nothing_else() {
        let shown = |text: &str| {
            path(Path::new("/x"), text.as_bytes()).map(|text| String::from_utf8(text).unwrap())
        };
        for (text, hidden) in [
            (
                "/etc/containerd/certs.d/me:hunter2@r.example/hosts.toml",
                "hunter2",
            ),
            ("/etc/cni/net.d/token-hunter2.conf", "hunter2"),
            ("/run/x/password=hunter2", "hunter2"),
            ("/run/x/P!ss.w0rd~1", "w0rd"),
            ("/var/log/pods/default_zkqwrtpsdfg_uid/a/0.log", "zkqwrt"),
            (
                "/var/lib/x/ghp_0123456789abcdefABCDEF0123456789abcd",
                "ghp_",
            ),
        ] {
            assert!(
                shown(text)
                    .is_some_and(|shown| !shown.contains(hidden) && shown.len() == text.len()),
                "{text}"
            );
        }
        for text in [
            "/var/log/pods/default_vault-token-renewer-x2x9z_123e4567-e89b-12d3-a456-426614174000/web/0.log",
            "/etc/containerd/certs.d/docker.io/hosts.toml",
            "/etc/cni/net.d/10-calico.conflist",
            "/proc/12/fd/3",
            "socket:[12345]",
            "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
        assert_eq!(xattr(b"trusted.overlay.opaque", b"y"), None);
        assert_eq!(xattr(b"user.note", b"hunter2").unwrap().1, b"*******");
    }
}
