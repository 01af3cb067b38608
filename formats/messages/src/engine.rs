//! Whose commands an answer gives: a line of dockerd, CRI-O, Podman or kubelet is looked at with that program's own, not
//! with containerd's.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use crate::hedge;
use crate::message::{Component, Message};
use crate::speaker::{DOCKERSHIM, Speaker};

/// Who runs the containers that a line is about, where that is not containerd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Engine {
    /// dockerd.
    Docker,
    /// CRI-O.
    Crio,
    /// Podman or Buildah.
    Podman,
    /// kubelet itself, of its own process.
    Kubelet,
    /// Nothing in the line shows who.
    Unknown,
}

/// Words that only lines of CRI-O have.
const CRIO: &[&str] = &[
    "crio",
    "cri-o",
    "creating pod sandbox with name",
    "error reserving ctr name",
    "reserving pod name",
    "reserving ctr name",
    "committing the finished image",
    "error mounting storage for container",
    "layer not known",
    "error pinging ",
];

/// Words that only lines of Podman and Buildah have.
const PODMAN: &[&str] = &["podman", "libpod", "buildah", "conmon"];

/// The library that CRI-O and Podman keep images and layers with.
const STORAGE: &[&str] = &[
    "containers/storage",
    "containers-storage",
    "/graphroot/",
    "/overlay-containers/",
];

/// Words of lines that kubelet passes on, or a client of it.
const OF_KUBELET: &[&str] = &["rpc error", "sandbox", "kubelet", "kube-", "openshift"];

impl Engine {
    /// The engine that the line shows, if it shows another than containerd.
    pub(crate) fn of_line(speaker: Speaker, whole: &str) -> Option<Self> {
        let any = |words: &[&str]| words.iter().any(|word| whole.contains(word));
        if any(CRIO) {
            return Some(Self::Crio);
        }
        if any(PODMAN) {
            return Some(Self::Podman);
        }
        if any(STORAGE) {
            return Some(if any(OF_KUBELET) {
                Self::Crio
            } else {
                Self::Podman
            });
        }
        if whole.contains("containerd") && !whole.contains("libcontainerd") {
            return None;
        }
        if any(DOCKERSHIM) || speaker.speaker_of(Component::Containerd, whole) == Component::Dockerd
        {
            return Some(Self::Docker);
        }
        let is_its_own = speaker.program == Some(Component::Kubelet)
            && !any(&["rpc error", "sandbox", "containerd"]);
        if is_its_own {
            return Some(Self::Kubelet);
        }
        let is_shown = speaker.shows(Component::Cri, whole)
            || speaker.shows(Component::Shim, whole)
            || speaker.shows_well(Component::Client, whole);
        (!is_shown && speaker.program.is_none()).then_some(Self::Unknown)
    }

    /// `command`, as it is for this engine; nothing where the engine has none like it.
    fn adapt(self, command: &str) -> Option<String> {
        let unit = match self {
            Self::Docker => "docker",
            Self::Crio => "crio",
            Self::Kubelet => "kubelet",
            Self::Podman => "",
            // A word of the system: containerd is one of many.
            Self::Unknown => {
                let is_containerds = command.contains("containerd") || command.starts_with("ctr ");
                return (!is_containerds).then(|| command.to_owned());
            }
        };
        let is_a_unit = command.contains("-u containerd")
            || command.contains("systemctl status containerd")
            || command.contains("systemctl show containerd");
        if is_a_unit {
            if unit.is_empty() {
                return None;
            }
            return Some(
                command
                    .replace("containerd kubelet", unit)
                    .replace("containerd", unit),
            );
        }
        // kubelet speaks of its own process: what runs containers is another's.
        if self == Self::Kubelet {
            return Some(command.replace("pgrep -xo containerd", "pgrep -xo kubelet"));
        }
        let store = match self {
            Self::Docker => "/var/lib/docker",
            _ => "/var/lib/containers",
        };
        let has = |word: &str| command.contains(word);
        if has("/etc/containerd")
            || has("containerd config")
            || command.starts_with("ctr ")
            || has("config_path")
        {
            return None;
        }
        if self == Self::Docker && has("runc --root") {
            return Some("docker ps -a".to_owned());
        }
        if self != Self::Docker && (command.starts_with("coroner ") || has("runc --root")) {
            return None;
        }
        if command.starts_with("coroner ") && !command.starts_with("coroner runtime") {
            return None;
        }
        if self != Self::Crio && has("crictl") {
            let client = if self == Self::Docker {
                "docker"
            } else {
                "podman"
            };
            return command
                .starts_with("crictl ps -a")
                .then(|| command.replace("crictl", client));
        }
        if self == Self::Podman
            && (has("kubectl") || has("kubelet") || command.starts_with("docker "))
        {
            return None;
        }
        if self == Self::Crio && command.starts_with("docker ") {
            return None;
        }
        let command = command.replace("/var/lib/containerd", store);
        let command = command.replace(
            "pgrep -xo containerd",
            if self == Self::Docker {
                "pgrep -xo dockerd"
            } else {
                "pgrep -xo crio"
            },
        );
        (!command.contains("containerd")).then_some(command)
    }

    /// What each engine is looked at with, where nothing else is left.
    const fn plain(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &[
                "journalctl -b -u docker --no-pager | tail -n 50",
                "docker info",
            ],
            Self::Crio => &[
                "journalctl -b -u crio --no-pager | tail -n 50",
                "crictl ps -a",
            ],
            Self::Podman => &["podman ps -a", "podman info"],
            Self::Kubelet => &["journalctl -b -u kubelet --no-pager | tail -n 50"],
            Self::Unknown => &[],
        }
    }
}

/// What a registry said, to another engine: that has settings of its own for registries.
fn registrys(message: &'static Message, engine: Engine) -> &'static Message {
    let (asker, own) = match engine {
        Engine::Docker => (
            Component::Dockerd,
            "Which registries are asked how is set in dockerd's daemon.json and its certs.d.",
        ),
        Engine::Crio | Engine::Podman => (
            Component::OtherEngine,
            "Which registries are asked how is set in registries.conf and its certs.d.",
        ),
        Engine::Kubelet | Engine::Unknown => return message,
    };
    let message = hedge::as_asked(message, asker);
    let is_containerds = |text: &str| {
        ["containerd", "hosts.toml", "config_path"]
            .iter()
            .any(|word| text.contains(word))
    };
    if !is_containerds(message.means) {
        return message;
    }
    copied(message, engine, || {
        // A sentence holds without its part about containerd, if that is its end.
        let of_sentence = |sentence: &str| {
            let end = [", and containerd", ": a hosts.toml", " (", ": "]
                .iter()
                .filter_map(|at| sentence.find(at))
                .min();
            let kept = if is_containerds(sentence) {
                sentence.get(..end?)?
            } else {
                sentence
            };
            (!is_containerds(kept)).then(|| format!("{}. ", kept.trim().trim_end_matches('.')))
        };
        let mut means: String = message
            .means
            .split_inclusive(". ")
            .filter_map(of_sentence)
            .collect();
        means.push_str(own);
        Message {
            means: Box::leak(means.into_boxed_str()),
            ..*message
        }
    })
}

/// Commands that were adapted. There are no more of them than messages times engines.
type Copies = HashMap<
    (
        &'static str,
        &'static str,
        Component,
        crate::message::Sure,
        Engine,
    ),
    &'static Message,
>;

static COPIES: LazyLock<Mutex<Copies>> = LazyLock::new(Mutex::default);

/// The copy of `message` for `engine`, made once.
fn copied(
    message: &'static Message,
    engine: Engine,
    make: impl FnOnce() -> Message,
) -> &'static Message {
    let Ok(mut copies) = COPIES.lock() else {
        return message;
    };
    copies
        .entry((
            message.key,
            message.means,
            message.who,
            message.sure,
            engine,
        ))
        .or_insert_with(|| Box::leak(Box::new(make())))
}

/// `message`, with commands of the program that the line shows.
pub(crate) fn with_commands_of(
    message: &'static Message,
    engine: Option<Engine>,
) -> &'static Message {
    let Some(engine) = engine else {
        return message;
    };
    if engine == Engine::Unknown && message.who != Component::System {
        return message;
    }
    if message.who == Component::Registry {
        return registrys(message, engine);
    }
    let adapted: Vec<Option<String>> = message
        .first
        .iter()
        .map(|command| engine.adapt(command))
        .collect();
    let is_same = adapted
        .iter()
        .zip(message.first)
        .all(|(one, other)| one.as_deref() == Some(*other));
    if is_same {
        return message;
    }
    copied(message, engine, || {
        let mut first: Vec<&'static str> = Vec::new();
        for command in adapted.into_iter().flatten() {
            if !first.contains(&command.as_str()) {
                first.push(Box::leak(command.into_boxed_str()));
            }
        }
        if first.is_empty() {
            first.extend(engine.plain());
        }

        Message {
            first: Box::leak(first.into_boxed_slice()),
            ..*message
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peel::peel;

    fn engine(line: &str) -> Option<Engine> {
        let whole = line.to_ascii_lowercase();
        Engine::of_line(Speaker::from_line(&peel(line), &whole), &whole)
    }

    #[test]
    fn the_engine_is_what_the_line_shows() {
        for (line, right) in [
            ("Nov 28 14:18:11 node crio[40]: x", Some(Engine::Crio)),
            ("Nov 28 14:18:11 node containerd[40]: x", None),
            (
                "rpc error: error creating pod sandbox with name \"k8s_a\": layer not known",
                Some(Engine::Crio),
            ),
            (
                "ERRO[0000] mkdir /home/a/.local/share/containers/storage/overlay/b: x",
                Some(Engine::Podman),
            ),
            ("Error response from daemon: x", Some(Engine::Docker)),
            (
                " kubelet[11]: F0812 16:26:52.166979  11 server.go:269] inotify_init: too many open files",
                Some(Engine::Kubelet),
            ),
            (
                "kubelet[11]: F0812 16:26:52.166979  11 server.go:269] rpc error: x",
                None,
            ),
            ("failed to create shim task: x", None),
            ("write: no space left on device", Some(Engine::Unknown)),
        ] {
            assert_eq!(engine(line), right, "{line}");
        }
    }

    #[test]
    fn no_other_engine_is_asked_with_containerds_commands() {
        for message in crate::messages().chain(crate::place::all()) {
            for engine in [Engine::Docker, Engine::Crio, Engine::Podman] {
                let adapted = with_commands_of(message, Some(engine));
                assert_eq!(
                    adapted.first.is_empty(),
                    message.first.is_empty(),
                    "{}",
                    message.key
                );
                for command in adapted.first {
                    let is_foreign = command.contains("containerd")
                        || engine != Engine::Crio && command.contains("crictl")
                        || engine != Engine::Docker && command.contains("coroner ");
                    assert!(!is_foreign, "{}: {engine:?}: {command}", message.key);
                }
            }
        }
    }
}
