//! Which units of systemd run a containerd, and start it again.

use std::path::Path;

use evidence::{Evidence, FileKind};

use crate::unit::{UNIT_FOLDERS, Unit};

/// Units by name, without `.service`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Units {
    /// Those that are stopped, in this order.
    pub stop: Vec<&'static str>,
    /// Those that are started again, in this order; none where it is not known which of [`Units::stop`]
    /// ran: an agent must not be started as a server.
    pub start: Vec<&'static str>,
}

/// The units that run an installation ([`Roots::whose`](crate::Roots::whose)), in the order in which they
/// are stopped; started again from the last to the first. None where a user's own systemd runs it.
pub fn unit_names(whose: &str) -> &'static [&'static str] {
    match whose {
        "k3s" => &["k3s", "k3s-agent"],
        "rke2" => &["rke2-server", "rke2-agent"],
        "k3s or rke2" => &["k3s", "k3s-agent", "rke2-server", "rke2-agent"],
        "docker" => &["docker.socket", "docker"],
        "docker (snap)" => &["snap.docker.dockerd"],
        "k0s" => &["k0scontroller", "k0sworker"],
        "microk8s" => &[
            "snap.microk8s.daemon-kubelite",
            "snap.microk8s.daemon-containerd",
        ],
        _ if whose.starts_with("rootless") => &[],
        // Docker's daemon uses the machine's containerd, and systemd stops it with that.
        _ => &["docker.socket", "docker", "kubelet", "containerd"],
    }
}

/// Of these installations one unit alone runs: a node is a server or an agent.
pub fn is_one_of_several(whose: &str) -> bool {
    matches!(whose, "k3s" | "rke2" | "k3s or rke2" | "k0s")
}

/// Units that are on a machine only together with the program that they start.
const OTHERS: &[&str] = &["docker.socket", "docker"];

impl Units {
    /// The units of an installation, as far as the evidence tells which of them are there and are started
    /// at boot.
    pub fn read_units(evidence: &Evidence, whose: &str) -> Self {
        let names = unit_names(whose);
        let is_here = |name: &&str| Unit::named(evidence, &file_name(name)).is_some();
        let here: Vec<&'static str> = names.iter().copied().filter(|name| is_here(name)).collect();
        if is_one_of_several(whose) {
            let enabled = here
                .iter()
                .copied()
                .filter(|name| is_enabled(evidence, name) == Some(true));
            let enabled: Vec<&'static str> = enabled.collect();
            let start = match (enabled.is_empty(), here.as_slice()) {
                (false, _) => enabled,
                (true, [only]) => vec![*only],
                (true, _) => Vec::new(),
            };
            let stop = if here.is_empty() {
                names.to_vec()
            } else {
                here
            };
            return Self { stop, start };
        }
        // Docker's and the kubelet's may lie where nothing was taken: the kubelet's is named until it is
        // known that there is none.
        let is_known = has_system_units(evidence);
        let is_named = |name: &&str| here.contains(name) || !is_known && !OTHERS.contains(name);
        let stop: Vec<&'static str> = names
            .iter()
            .copied()
            .filter(|name| is_named(name))
            .collect();
        let stop = if stop.is_empty() {
            names.to_vec()
        } else {
            stop
        };
        let start = stop.iter().rev().copied().collect();
        Self { stop, start }
    }
}

/// Whether the units of the system itself are in the evidence, and so all that packages brought.
fn has_system_units(evidence: &Evidence) -> bool {
    let mut folders = ["/usr/lib/systemd/system", "/lib/systemd/system"].into_iter();
    folders.any(|folder| {
        let unit = Path::new(folder).join("systemd-journald.service");
        evidence.stat(&unit).is_ok()
    })
}

/// `docker.socket` is a whole name, `docker` that of a service.
fn file_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, "socket")) => name.to_owned(),
        _ => format!("{name}.service"),
    }
}

/// Whether systemd starts a unit at boot; nothing where its folders are not in the evidence.
pub fn is_enabled(evidence: &Evidence, name: &str) -> Option<bool> {
    let name = file_name(name);
    let mut is_known = false;
    for folder in UNIT_FOLDERS.iter().map(Path::new) {
        let list = evidence.list(folder);
        let Some(entries) = list.read() else { continue };
        is_known |= folder.starts_with("/etc/systemd/system");
        for entry in entries
            .iter()
            .filter(|entry| entry.stat.kind == FileKind::Dir)
        {
            let wants = entry.name.utf8().filter(|name| {
                let end = name.rsplit_once('.').map(|(_, end)| end);
                matches!(end, Some("wants" | "requires"))
            });
            if wants.is_some_and(|wants| evidence.stat(&folder.join(wants).join(&name)).is_ok()) {
                return Some(true);
            }
        }
    }
    is_known.then_some(false)
}
