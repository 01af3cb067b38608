//! Names in a line, by what they are of: a pod, an image, a path, a host.

use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameOf {
    /// A pod, as `namespace/name` where both are known.
    Pod,
    /// An image.
    Image,
    /// A container or a sandbox, by its id.
    Container,
    /// A volume.
    Volume,
    /// A unit of systemd.
    Unit,
    /// A host whose name was asked for.
    Host,
    /// An address that was dialed.
    Address,
    /// A socket in the file system.
    Socket,
    /// A file or a folder.
    Path,
    /// A node.
    Node,
    /// A network interface.
    Interface,
    /// A process, by its number.
    Process,
}

impl NameOf {
    /// As a list has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Image => "image",
            Self::Container => "container",
            Self::Volume => "volume",
            Self::Unit => "unit",
            Self::Host => "host",
            Self::Address => "address",
            Self::Socket => "socket",
            Self::Path => "path",
            Self::Node => "node",
            Self::Interface => "interface",
            Self::Process => "process",
        }
    }
}

/// A name in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Name {
    /// What it is of.
    pub of: NameOf,
    /// The name, as the line has it.
    pub text: String,
}

/// So much of a line is searched.
const REACH: usize = 8 << 10;

/// How names stand in lines; the last group is the name. Of one kind, the last in the line is the innermost.
const FORMS: &[(NameOf, &str)] = &[
    (NameOf::Pod, r#"\bpod=\\*"([a-z0-9-]+/[a-z0-9.-]+)\\*""#),
    (
        NameOf::Pod,
        r#"\b[Pp]od:? \\*"([a-z0-9-]+/[a-z0-9.-]+)\\*""#,
    ),
    (NameOf::Pod, r"\bpod/([a-z0-9][a-z0-9.-]*)"),
    (
        NameOf::Image,
        r#"(?i)\bimages?[ =:]+\\*"([a-z0-9][\w./:@-]+)\\*""#,
    ),
    (NameOf::Image, r#"\bPullImage \\*"([\w./:@-]+)\\*""#),
    (NameOf::Container, r"\b([0-9a-f]{64})\b"),
    (
        NameOf::Volume,
        r"\b(pvc-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{4,})",
    ),
    (NameOf::Volume, r#"(?i)\bvolume \\*"([\w.@:/-]+)\\*""#),
    (
        NameOf::Unit,
        r"(?:^|[\s'/\x22(])([\w@.\\:-]+\.(?:service|scope|slice|mount|socket|timer|swap|path|target))\b",
    ),
    (NameOf::Host, r"\blookup ([\w.-]+?)\.?(?: on |: |$)"),
    (
        NameOf::Host,
        r#"(?i)\bcould not resolve host(?:name)?:? ['"]?([\w.-]+)"#,
    ),
    (
        NameOf::Host,
        r"https?://([A-Za-z0-9][\w-]*(?:\.[\w-]+)*\.[A-Za-z][\w-]*)(?::\d+)?",
    ),
    (
        NameOf::Address,
        r"\b(?:dial|read|write) (?:tcp|udp)[46]?:? (?:[\w.:\[\]-]+->)?([0-9.]+:\d+|\[[0-9a-fA-F:]+\]:\d+)",
    ),
    (NameOf::Address, r"https?://([0-9.]+:\d+)"),
    (
        NameOf::Address,
        r"\b([0-9]{1,3}(?:\.[0-9]{1,3}){3}:[0-9]{2,5})\b",
    ),
    (NameOf::Socket, r"(?:unix ?(?:://)?|\s)(/[\w./+-]+\.sock)\b"),
    (
        NameOf::Path,
        r#"(?:^|[\s"'`=(\[<])(/[\w.@+~%-]+(?:/[\w.@+~%:=,-]+)*)"#,
    ),
    (NameOf::Node, r#"\b[Nn]ode[ =]\\*"([\w.-]+)\\*""#),
    (
        NameOf::Interface,
        r#"\b(?:device|interface|link|bridge|netdev) ['"]?((?:eth|ens|enp|eno|cni|veth|vxlan|flannel|cali|cilium_|lxc|docker|br|bond|wg|tun|tap|kube-)[\w.-]*)"#,
    ),
    (NameOf::Process, r"(?i)\b(?:pid|process)[ =:]+(\d+)\b"),
];

static COMPILED: LazyLock<Vec<(NameOf, Regex)>> = LazyLock::new(|| {
    let compiled = FORMS
        .iter()
        .map(|(of, form)| Some((*of, Regex::new(form).ok()?)));
    compiled.flatten().collect()
});

/// The names in `line`, each kind once: the innermost, which stands last.
pub(crate) fn of_line(line: &str) -> Vec<Name> {
    let mut end = line.len().min(REACH);
    while !line.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let line = line.get(..end).unwrap_or_default();
    let mut names: Vec<Name> = Vec::new();
    for (of, form) in COMPILED.iter() {
        if names.iter().any(|name| name.of == *of) {
            continue;
        }
        let all = form.captures_iter(line).filter_map(|found| found.get(1));
        let mut all = all
            .map(|found| found.as_str())
            .filter(|text| is_one(*of, text));
        // A path's first is the one that was worked on: `link A B`, `open A`. Others' innermost is the last.
        let found = match of {
            NameOf::Path => all.next(),
            _ => all.last(),
        };
        if let Some(text) = found {
            let text = text.trim_end_matches(['.', ',', ':']).to_owned();
            names.push(Name { of: *of, text });
        }
    }
    // A socket is told once.
    if let Some(socket) = names.iter().find(|name| name.of == NameOf::Socket).cloned() {
        names.retain(|name| name.of != NameOf::Path || name.text != socket.text);
    }
    names
}

/// Whether it is a name of that kind, and no part of something else.
fn is_one(of: NameOf, text: &str) -> bool {
    match of {
        // Programs in a list of what was tried, and what only looks like a path.
        NameOf::Path => text.len() > 4 && text.matches('/').count() > 1,
        NameOf::Unit => !text.starts_with(['.', '-']),
        NameOf::Image => text.contains(['/', ':', '.']) || text.len() > 2,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_a_pattern() {
        assert_eq!(COMPILED.len(), FORMS.len());
    }

    #[test]
    fn names_are_told_by_their_form() {
        for (line, of, text) in [
            (
                "err=\"x\" pod=\"kube-system/a-1\"",
                NameOf::Pod,
                "kube-system/a-1",
            ),
            ("err=\\\"x\\\" pod=\\\"a/b\\\"", NameOf::Pod, "a/b"),
            (
                "Failed to pull image \"r.io/a/b:1\": x",
                NameOf::Image,
                "r.io/a/b:1",
            ),
            (
                "dial tcp: lookup r.io on 10.0.0.10:53: no such host",
                NameOf::Host,
                "r.io",
            ),
            (
                "dial tcp 10.96.0.1:443: connect: refused",
                NameOf::Address,
                "10.96.0.1:443",
            ),
            ("Get \"https://a.b.io/v2/\": EOF", NameOf::Host, "a.b.io"),
            (
                "dial unix /run/a/b.sock: connect: refused",
                NameOf::Socket,
                "/run/a/b.sock",
            ),
            (
                "mkdir /sys/fs/cgroup/a: no space",
                NameOf::Path,
                "/sys/fs/cgroup/a",
            ),
            (
                "docker.service: Failed with result 'exit-code'.",
                NameOf::Unit,
                "docker.service",
            ),
            ("link \"/a/b/c\" \"/d/e/f\": x", NameOf::Path, "/a/b/c"),
            (
                "volume \"pvc-01234567-89ab-cdef-0123\" x",
                NameOf::Volume,
                "pvc-01234567-89ab-cdef-0123",
            ),
            ("process 1234 (sh) of unit a", NameOf::Process, "1234"),
        ] {
            let names = of_line(line);
            let found = names.iter().find(|name| name.of == of);
            assert_eq!(
                found.map(|name| name.text.as_str()),
                Some(text),
                "{line}: {names:?}"
            );
        }
        assert_eq!(of_line("a and/or b: 1/2"), []);
    }

    #[test]
    fn a_long_line_is_searched_in_part() {
        let line = format!("{} /a/b/c", "é".repeat(100_000));
        assert_eq!(of_line(&line), []);
    }
}
