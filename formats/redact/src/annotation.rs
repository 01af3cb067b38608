//! Annotations and labels: those that say what a thing is are kept.

use crate::judge::{Kind, hidden};
use crate::shape::Range;
use crate::words::{self, Name};

/// Those by which findings are made: ids, names, digests, choices.
const KNOWN: &[&[u8]] = &[
    b"bundle",
    b"io.kubernetes.cri.container-name",
    b"io.kubernetes.cri.image-name",
    b"io.kubernetes.cri.podsandbox.image-name",
    b"io.kubernetes.cri.sandbox-id",
    b"io.kubernetes.cri.sandbox-image-name",
    b"io.kubernetes.cri.sandbox-log-directory",
    b"io.kubernetes.cri.sandbox-name",
    b"io.kubernetes.cri.sandbox-namespace",
    b"io.kubernetes.cri.sandbox-uid",
    b"io.kubernetes.container.name",
    b"io.kubernetes.container.hash",
    b"io.kubernetes.container.terminationMessagePath",
    b"io.kubernetes.container.ports",
    b"io.kubernetes.pod.name",
    b"io.kubernetes.pod.namespace",
    b"io.kubernetes.pod.uid",
    b"io.containerd.image.name",
    b"org.opencontainers.image.ref.name",
    b"org.opencontainers.image.base.digest",
    b"org.opencontainers.image.base.name",
    b"org.opencontainers.image.version",
    b"org.opencontainers.image.revision",
    b"kubernetes.io/config.source",
    b"kubernetes.io/config.seen",
    b"kubernetes.io/config.hash",
    b"vnd.docker.reference.digest",
    b"vnd.docker.reference.type",
    b"nerdctl/namespace",
    b"nerdctl/name",
    b"nerdctl/hostname",
    b"nerdctl/state-dir",
    b"nerdctl/network-namespace",
];

/// The same, whose values are choices, numbers and times.
const CHOICES: &[&[u8]] = &[
    b"io.kubernetes.cri.container-type",
    b"io.kubernetes.cri.sandbox-cpu-period",
    b"io.kubernetes.cri.sandbox-cpu-quota",
    b"io.kubernetes.cri.sandbox-cpu-shares",
    b"io.kubernetes.cri.sandbox-memory",
    b"io.kubernetes.container.restartCount",
    b"io.kubernetes.container.terminationMessagePolicy",
    b"io.kubernetes.pod.terminationGracePeriod",
    b"io.cri-containerd.kind",
    b"io.cri-containerd.image",
    b"io.cri-containerd.pinned",
    b"org.opencontainers.image.created",
];

/// Beginnings of names whose values containerd and its snapshotters write and read themselves.
const FAMILIES: &[&[u8]] = &[
    b"containerd.io/gc.",
    SOURCE,
    b"containerd.io/uncompressed",
    b"containerd.io/snapshot",
    b"containerd.io/lease",
    b"containerd.io/namespace",
    b"containerd.io/restart.",
    b"buildkit.io/",
    b"buildkit/",
];

/// What the value of an annotation or label is.
pub(crate) fn kind(name: &[u8]) -> Kind {
    if CHOICES.contains(&name) {
        return Kind::Choice;
    }
    if KNOWN.contains(&name) {
        return Kind::Known;
    }
    let Some(family) = FAMILIES.iter().find(|family| name.starts_with(family)) else {
        return Kind::Unknown;
    };
    let rest = name.get(family.len()..).unwrap_or_default();
    match words::classify_name(rest) {
        // Snapshotters are given credentials this way: `containerd.io/snapshot/pullsecret`. The name of a
        // registry is no name of a field.
        Name::Secret | Name::Personal if *family != SOURCE => Kind::Secret,
        // What refers to a blob has its digest; to anything else, its key.
        _ if rest.starts_with(b"ref.content") || rest.starts_with(b"bref.content") => Kind::Unknown,
        _ => Kind::Known,
    }
}

/// Where a blob came from: what follows is a registry, and the value a repository.
const SOURCE: &[u8] = b"containerd.io/distribution.source.";

/// What is hidden of `name=value`.
pub(crate) fn pair(text: &[u8]) -> Vec<Range> {
    let Some(at) = text.iter().position(|byte| *byte == b'=') else {
        return hidden(Kind::Unknown, text);
    };
    let name = text.get(..at).unwrap_or_default();
    let base = at.saturating_add(1);
    let value = text.get(base..).unwrap_or_default();
    let of_value = hidden(kind(name), value).into_iter();
    let mut found = crate::shape::secrets(name);
    found.extend(
        of_value.map(|(from, until)| (base.saturating_add(from), base.saturating_add(until))),
    );
    found
}
