//! What to look at first: a command that only reads, made from the names in the line.

use finding::{Command, Draft, program};

use super::names::{Name, NameOf};
use super::said::Said;

/// What the names of the line, and how it failed, lead to; the most telling first, at most three.
pub(crate) fn of_names(
    names: &[Name],
    kind: Option<&str>,
    owner: Option<&str>,
    said: Option<&Said>,
    lower: &str,
) -> Vec<Command> {
    const MOST: usize = 3;
    let name = |of: NameOf| {
        names
            .iter()
            .find(|name| name.of == of)
            .map(|name| name.text.as_str())
    };
    let kind = kind.unwrap_or_default();
    let owner = owner.unwrap_or_default();
    let mut found: Vec<Option<Command>> = Vec::new();
    if kind == "name"
        && let Some(host) = name(NameOf::Host)
    {
        found.push(ask_resolver(host));
    }
    if let Some(unit) = name(NameOf::Unit).filter(|unit| unit.ends_with(".service")) {
        found.push(
            Draft::new(program::SYSTEMCTL)
                .words(&["status", "--no-pager"])
                .operand(unit)
                .command(),
        );
        found.push(journal_of(unit));
    }
    if matches!(kind, "refused" | "address-taken")
        && names
            .iter()
            .any(|name| matches!(name.of, NameOf::Address | NameOf::Socket))
    {
        let is_here = name(NameOf::Address).is_none_or(|address| {
            address.starts_with("127.") || address.starts_with("[::1]") || kind == "address-taken"
        });
        if is_here {
            let sockets = if name(NameOf::Address).is_some() {
                "-lntup"
            } else {
                "-lxp"
            };
            found.push(Draft::new(program::SS).word(sockets).command());
        }
    }
    if let Some(socket) = name(NameOf::Socket) {
        found.push(Draft::new(program::STAT).path(socket).command());
    }
    if let Some(path) = name(NameOf::Path).filter(|path| is_of_the_node(path)) {
        match kind {
            "no-space" => {
                found.push(Draft::new(program::DF).words(&["-h"]).path(path).command());
                found.push(Draft::new(program::DF).words(&["-i"]).path(path).command());
            }
            "read-only" | "io" | "damaged" | "stale" | "not-connected" | "busy" => {
                found.push(
                    Draft::new(program::FINDMNT)
                        .value("--target", path)
                        .command(),
                );
            }
            "no-file" | "no-permission" | "folder" | "exists" | "link" | "not-found" | "parse"
            | "library" | "no-program" => {
                found.push(Draft::new(program::STAT).path(path).command());
            }
            _ => {}
        }
    }
    if matches!(
        kind,
        "io" | "damaged" | "read-only" | "memory" | "killed" | "no-device"
    ) {
        found.push(
            Draft::new(program::JOURNALCTL)
                .words(&["--dmesg", "--boot", "--no-pager"])
                .command(),
        );
    }
    if let Some(pod) = name(NameOf::Pod) {
        found.push(describe(pod));
    }
    let is_anothers = ["podman", "libpod", "containers/storage", "layer"]
        .iter()
        .any(|word| lower.contains(word));
    if let Some(id) = name(NameOf::Container).filter(|_| !is_anothers) {
        let is_dockers = lower.contains("docker") || lower.contains("error response from daemon");
        let draft = match (is_dockers, lower.contains("sandbox")) {
            (true, _) => Draft::new(program::DOCKER).word("inspect"),
            (false, true) => Draft::new(program::CRICTL).word("inspectp"),
            (false, false) => Draft::new(program::CRICTL).word("inspect"),
        };
        found.push(draft.operand(id).command());
    }
    match owner {
        "volume" => found.push(
            Draft::new(program::KUBECTL)
                .words(&[
                    "get",
                    "persistentvolumes,persistentvolumeclaims,volumeattachments",
                    "--all-namespaces",
                ])
                .command(),
        ),
        "webhook" => found.push(
            Draft::new(program::KUBECTL)
                .words(&[
                    "get",
                    "validatingwebhookconfigurations,mutatingwebhookconfigurations",
                ])
                .command(),
        ),
        "network" | "etcd" | "services" | "metrics" => found.push(
            Draft::new(program::KUBECTL)
                .words(&["get", "pods", "--namespace=kube-system", "--output=wide"])
                .command(),
        ),
        // Whether it answers is asked where that is in doubt, not where a word was written wrongly.
        "api-server" if !matches!(kind, "parse" | "usage" | "not-supported" | "no-file") => found
            .push(
                Draft::new(program::KUBECTL)
                    .words(&["get", "--raw=/readyz?verbose"])
                    .command(),
            ),
        "scheduling" => found.push(
            Draft::new(program::KUBECTL)
                .words(&["describe", "nodes"])
                .command(),
        ),
        "memory" => found.push(
            Draft::new(program::JOURNALCTL)
                .words(&["--dmesg", "--boot", "--no-pager"])
                .command(),
        ),
        "gpu" => found.push(Draft::new(program::NVIDIA_SMI).command()),
        _ => {}
    }
    if matches!(owner, "registry" | "dns")
        && kind != "name"
        && let Some(host) = name(NameOf::Host)
    {
        found.push(ask_resolver(host));
    }
    if let Some(unit) = said.and_then(|said| said.unit) {
        found.push(journal_of(unit));
    }
    let mut commands: Vec<Command> = Vec::new();
    for command in found.into_iter().flatten() {
        if commands.len() < MOST && !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

fn ask_resolver(host: &str) -> Option<Command> {
    Draft::new(program::GETENT)
        .word("ahosts")
        .operand(host)
        .command()
}

fn journal_of(unit: &str) -> Option<Command> {
    let draft = Draft::new(program::JOURNALCTL).value("--unit", unit);
    draft
        .words(&["--boot", "--no-pager", "--lines=50"])
        .command()
}

fn describe(pod: &str) -> Option<Command> {
    let draft = Draft::new(program::KUBECTL);
    let draft = match pod.split_once('/') {
        Some((namespace, _)) => draft.value("--namespace", namespace),
        None => draft,
    };
    let name = pod.rsplit('/').next().unwrap_or_default();
    draft.words(&["describe", "pod"]).operand(name).command()
}

/// Whether the node has that path: not one in a container, nor one of an address.
fn is_of_the_node(path: &str) -> bool {
    const ROOTS: &[&str] = &[
        "/var/",
        "/run/",
        "/etc/",
        "/opt/",
        "/sys/",
        "/proc/sys/",
        "/dev/",
        "/lib/",
        "/mnt/",
        "/media/",
        "/srv/",
        "/boot/",
    ];
    ROOTS.iter().any(|root| path.starts_with(root)) && !path.starts_with("/var/run/secrets/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::names;

    fn first(line: &str, kind: &str, owner: &str) -> Option<String> {
        let names = names::of_line(line);
        let commands = of_names(
            &names,
            Some(kind),
            Some(owner),
            None,
            &line.to_ascii_lowercase(),
        );
        commands.first().map(ToString::to_string)
    }

    #[test]
    fn commands_are_made_from_the_names_of_the_line() {
        for (line, kind, owner, right) in [
            (
                "lookup r.io on 10.0.0.10:53: no such host",
                "name",
                "dns",
                Some("getent ahosts -- r.io"),
            ),
            (
                "dial unix /run/a/b.sock: connect: connection refused",
                "refused",
                "",
                Some("ss -lxp"),
            ),
            (
                "mkdir /var/lib/a/b: no space left on device",
                "no-space",
                "",
                Some("df -h -- /var/lib/a/b"),
            ),
            (
                "err=\"x\" pod=\"web/a-1\"",
                "",
                "",
                Some("kubectl --namespace=web describe pod -- a-1"),
            ),
            (
                "docker.service: Failed with result 'exit-code'.",
                "exit",
                "unit",
                Some("systemctl status --no-pager -- docker.service"),
            ),
            (
                "open /app/config: no such file or directory",
                "no-file",
                "",
                None,
            ),
            // A name that climbs gets into no command.
            (
                "open /var/lib/../../etc/a: no such file or directory",
                "no-file",
                "",
                None,
            ),
        ] {
            assert_eq!(first(line, kind, owner).as_deref(), right, "{line}");
        }
    }
}
