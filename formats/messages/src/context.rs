//! Whether a line is about what a cause is about: words that several programs say lead to one of them only where the
//! rest of the line is about it.

use crate::message::{Component, Message, Whose, consequence, errno};
use crate::scope::{Line, has};

/// A line about images and registries has one of these.
const REGISTRY: &[&str] = &[
    "pull",
    "pushing",
    "to push",
    "push access",
    "image",
    "registry",
    "resolve reference",
    "/v2/\"",
    "/v2/\\",
    "/v2/:",
    "/v2/ ",
    "/v2/&manifests/",
    "/v2/&blobs/",
    "tags/list",
    "/v2/_catalog",
    "manifest",
    "blob",
    "oauth token",
    "anonymous token",
    "token&/v2/",
    "auth token",
    "docker.io",
    "gcr.io",
    "quay.io",
    "ghcr.io",
    "ecr.",
    "to fetch",
    "fetch&layer",
    "httpreadseeker",
    "mirror",
    "harbor",
    "artifactory",
    "nexus",
    "failed to solve",
    "layer",
    "oauth",
    "toomanyrequests",
    "repository",
    "too many requests",
    "http response to https client",
    "error parsing http",
];

/// A line about the cluster's API server, or another server that is no registry.
const NO_REGISTRY: &[&str] = &[
    "/api/v1/",
    "/apis/",
    "/api?",
    ":6443",
    ":8443/",
    "reflector.go",
    "leases",
    "kubelet_node_status",
    "failed to list *",
    "failed to watch *",
    "kubernetes.default",
    "/healthz",
    "/readyz",
    "/livez",
    "etcd",
    ":2379",
    ":10250",
    ":10259",
    ":10257",
    "169.254.169.254",
    "computemetadata",
    "metadata.google",
    "/metadata/",
    "sts.",
    "openstack",
    "cloudprovider",
    "cloud provider",
    "subscriptions/",
    "otlp",
    "webhook",
    "dl.k8s.io",
    "kubernetes version",
    "/openid/",
    "helm repo",
    "index.yaml",
];

/// What a connection's error tells where it is no registry's.
pub(crate) static FAR: [Message; 3] = [
    errno(
        "name-not-resolved",
        &[],
        "A name could not be resolved: the resolver that was asked does not answer, or has no such name.",
    )
    .first(&["cat /etc/resolv.conf", "getent hosts NAME"]),
    errno(
        "certificate-refused",
        &[],
        "One side does not take the other's certificate: an authority that it does not know, a wrong name, an expired one, \
         or a clock that is wrong.",
    )
    .first(&["date", "openssl s_client -connect HOST:PORT -showcerts < /dev/null"]),
    errno(
        "connection-failed",
        &[],
        "A server was not reached, or answered otherwise than it should; whose address it is tells which.",
    )
    .first(&["curl -ksv -o /dev/null ADDRESS", "ss -lntp"]),
];

/// What systemd tells of a unit that is none of the container daemons'.
pub(crate) static OTHER_UNIT: Message = consequence(
    "other-unit-failed",
    Component::Systemd,
    Whose::Other,
    &[],
    "systemd reports that a unit of the node, which is none of the container daemons', ended, is restarted or did not start in time. \
     Its own lines just before say why.",
)
.first(&["systemctl status UNIT", "journalctl -b -u UNIT --no-pager | tail -n 50"]);

/// Units that run containers, by how their names begin.
const DAEMONS: &[&str] = &[
    "containerd",
    "docker",
    "k3s",
    "rke2",
    "kubelet",
    "crio",
    "cri-docker",
    "k0s",
    "snap.microk8s",
    "microk8s",
    "snap.docker",
    "buildkit",
    "nerdctl",
    "podman",
    "libpod",
    "kube",
];

/// `message`, of systemd about a unit; of another's, where the line names one that runs no containers.
pub(crate) fn of_its_unit(message: &'static Message, line: &str) -> &'static Message {
    if !matches!(
        message.key,
        "unit-failed" | "unit-timeout" | "unit-killed" | "unit-restart"
    ) {
        return message;
    }
    let is_end = |letter: char| !(letter.is_alphanumeric() || "@._\\:-".contains(letter));
    let units = line
        .split(is_end)
        .filter_map(|word| word.trim_end_matches(['.', ':']).strip_suffix(".service"));
    let mut units = units.filter(|unit| !unit.is_empty()).peekable();
    let is_others = units.peek().is_some()
        && units.all(|unit| !DAEMONS.iter().any(|start| unit.starts_with(start)));
    if is_others { &OTHER_UNIT } else { message }
}

/// Whether words of the line tell that it is not this message's; a name in it tells nothing.
pub(crate) fn is_anothers(message: &Message, line: &Line) -> bool {
    message.unless.iter().any(|word| has(&line.bare, word))
}

/// Whether the line has one of the words without which it is another's.
pub(crate) fn is_within(message: &Message, line: &Line) -> bool {
    message.within.is_empty() || message.within.iter().any(|word| has(&line.whole, word))
}

/// Whether `cause` may be claimed in a line; `is_alone`: nothing else tells where the line comes from.
pub(crate) fn claims(cause: &Message, line: &Line, is_alone: bool) -> bool {
    let any = |words: &[&str], text: &str| words.iter().any(|word| has(text, word));
    if !is_within(cause, line) || is_anothers(cause, line) {
        return false;
    }
    if !is_far(cause) {
        return true;
    }
    // That a registry was not reached is said only where the line is about one: anybody has connections.
    let is_it = (is_alone && cause.whose == Whose::Registry && cause.key != "registry-unreachable")
        || any(REGISTRY, &line.whole);
    is_it && !any(NO_REGISTRY, &line.bare)
}

/// What was being done, and the system's word, that together name a cause.
const JOINED: &[(&str, &str, &str)] = &[
    ("rootfs-mount", "not-a-directory", "mount-type-mismatch"),
    ("rootfs-mount", "permission-denied", "mount-denied"),
    ("rootfs-mount", "not-permitted", "mount-denied"),
    ("rootfs-mount", "read-only", "mountpoint-read-only"),
    ("userns-noop", "no-space", "namespaces-limit"),
];

/// The cause that what was being done and the system's word name together.
pub(crate) fn joined(act: &Message, word: &Message) -> Option<&'static Message> {
    let mut all = JOINED.iter();
    let (_, _, cause) = all.find(|(doing, said, _)| *doing == act.key && *said == word.key)?;
    crate::message(cause)
}

/// Whether it is about a registry, or the way to it.
pub(crate) fn is_far(cause: &Message) -> bool {
    cause.who == Component::Registry
        && matches!(cause.whose, Whose::Registry | Whose::Dns | Whose::Tls)
}

/// What it tells where it is no registry's.
pub(crate) fn far(cause: &Message) -> &'static Message {
    let [name, certificate, connection] = &FAR;
    match cause.whose {
        Whose::Dns => name,
        Whose::Tls => certificate,
        _ => connection,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_unit_that_runs_no_containers_is_anothers() {
        let key = |line: &str| {
            crate::explain(line)
                .head
                .and_then(|head| head.message().map(|message| message.key))
        };
        let line = "systemd[1]: rpc-statd.service: Failed with result 'exit-code'.";
        assert_eq!(key(line), Some("other-unit-failed"));
        let line = "systemd[1]: containerd.service: Failed with result 'exit-code'.";
        assert_eq!(key(line), Some("unit-failed"));
    }

    #[test]
    fn what_is_looked_for_in_a_line_in_lower_case_is_in_lower_case() {
        for message in crate::messages() {
            for word in message.within.iter().chain(message.unless) {
                assert_eq!(*word, word.to_lowercase(), "{}", message.key);
            }
        }
    }
}
