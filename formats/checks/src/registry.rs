//! Registries: what the daemon refuses of hosts.toml, and endpoints of mirrors that are no address.

use finding::{Code, Finding, Location, Object, Severity};
use node::Scalar;

use crate::{Check, Judge};

/// A hosts.toml that is not taken.
pub(crate) const HOSTS: Check = Check {
    code: &Code {
        name: "registry/hosts-unusable",
        rule: "P33",
        severity: Severity::Damage,
        title: "A hosts.toml is refused: its mirrors and certificates are not used",
        explanation: "containerd reads the hosts.toml of a registry at every pull. If it cannot parse the \
            file, it logs that and ignores the file: pulls go to the registry itself, without its \
            mirrors, certificates and headers.",
        remedy: "Correct the file; it is read again at the next pull, without a restart.",
    },
    needs: &[],
    run: hosts,
};

/// A certificate, a key or a hosts.toml that pulls fail at.
pub(crate) const FILE: Check = Check {
    code: &Code {
        name: "registry/file-unusable",
        rule: "P50",
        severity: Severity::Damage,
        title: "A file that pulls need cannot be used: they fail",
        explanation: "At every pull containerd reads the certificates and keys that hosts.toml (`ca`, `client`) \
            or registry.configs of config.toml name, for every host of the registry, also one without TLS. \
            Without a hosts.toml it reads those that lie in the registry's folder (*.crt, *.cert with *.key). \
            One of them that is missing, empty or no certificate fails the pull, and so does a folder in the \
            place of hosts.toml, or a file in that of config_path. A start says nothing of it; images that are \
            there are still used.",
        remedy: "Put the file back, or take its name out of the file that names it. It is read again at the next \
            pull, without a restart.",
    },
    needs: &[],
    run: files,
};

fn files(judge: &mut Judge<'_>) {
    let node = judge.node;
    for bad in &node.registries.bad_files {
        let whose = match &bad.registry {
            Some(registry) => format!("pulls from {registry} fail"),
            None => "pulls from every registry without a folder of its own fail".to_owned(),
        };
        let message = if bad.by == bad.file {
            format!("{whose}: {}", bad.why)
        } else {
            format!("{whose}: {} ({} names it)", bad.why, bad.by)
        };
        let mut finding = Finding::new(FILE.code, Location::file(bad.file.clone()), message);
        if let Some(registry) = &bad.registry {
            finding = finding.affects(Object::global("registry", registry.clone()));
        }
        judge.say(finding);
    }
}

/// A mirror's endpoint that is no address.
pub(crate) const ENDPOINT: Check = Check {
    code: &Code {
        name: "registry/endpoint-unusable",
        rule: "P34",
        severity: Severity::Damage,
        title: "An endpoint of a mirror in config.toml is no address",
        explanation: "The endpoints below registry.mirrors are parsed when an image of that registry \
            is pulled. With one that is no URL every such pull fails, whatever the other endpoints \
            are. A start says nothing of it.",
        remedy: "Write the endpoint as a URL with its scheme (https://mirror.example), and restart \
            containerd.",
    },
    needs: &[],
    run: endpoints,
};

fn hosts(judge: &mut Judge<'_>) {
    let node = judge.node;
    for (file, unread) in &node.registries.unread {
        judge.abstain(format!("{file} {unread}"));
    }
    // 2.1 began to read it.
    if daemon::detect(&node.traces).to >= daemon::Release::V2_1 {
        for (file, registry, text) in &node.registries.timeouts {
            let is_right = text.as_deref().is_some_and(crate::start::is_duration);
            if is_right {
                continue;
            }
            let message =
                format!("pulls from {registry} do without it: dial_timeout is no duration");
            judge.say(Finding::new(
                HOSTS.code,
                Location::file(file.clone()),
                message,
            ));
        }
    }
    // 1.6.20 and 1.7.24 say "invalid `host` tree"; 2.1.9 takes it.
    if daemon::detect(&node.traces).to <= daemon::Release::V1_7 {
        for (file, registry) in &node.registries.hostless {
            let message = format!(
                "pulls from {registry} do without it: it has no table [host.\"URL\"], without which containerd 1.x takes nothing of it"
            );
            judge.say(Finding::new(
                HOSTS.code,
                Location::file(file.clone()),
                message,
            ));
        }
    }
    for bad in &node.registries.bad {
        let message = format!("pulls from {} do without it: {}", bad.registry, bad.why);
        judge.say(Finding::new(
            HOSTS.code,
            Location::file(bad.file.clone()),
            message,
        ));
    }
}

fn endpoints(judge: &mut Judge<'_>) {
    let config = judge.node.roots.config.as_ref();
    let mut found = Vec::new();
    for setting in config.map_or(&[][..], |config| config.settings.all()) {
        let [.., registry, mirrors, host, endpoint] = setting.path.as_slice() else {
            continue;
        };
        let Scalar::List(list) = &setting.value else {
            continue;
        };
        if (registry.as_str(), mirrors.as_str(), endpoint.as_str())
            != ("registry", "mirrors", "endpoint")
        {
            continue;
        }
        for bad in list.iter().filter(|url| !node::is_url(url)) {
            let place = Location::file(setting.file.clone()).place("key", setting.path.join("."));
            let message = format!("pulls from {host} fail: {bad} is no URL");
            let object = Object::global("registry", host.as_str());
            found.push(Finding::new(ENDPOINT.code, place, message).affects(object));
        }
    }
    for finding in found {
        judge.say(finding);
    }
}
