//! Who talks to the daemon's CRI, and where each of them looks for its socket.

use std::path::Path;

use evidence::Evidence;
use finding::Text;

use crate::{Unit, path_text};

/// A client, and the endpoint that it is told to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `kubelet` or `crictl`.
    pub who: &'static str,
    /// Where that is said.
    pub file: Text,
    /// `unix:///run/containerd/containerd.sock`
    pub endpoint: String,
}

impl Client {
    /// The path of the socket, with `/var/run` as `/run`; nothing where it is no socket of a path.
    pub fn socket(&self) -> Option<String> {
        let path = self
            .endpoint
            .strip_prefix("unix:")
            .unwrap_or(&self.endpoint);
        let path = path.trim_start_matches('/');
        let whole = format!("/{path}");
        let is_path = self.endpoint.starts_with("unix:") || self.endpoint.starts_with('/');
        let short = whole.strip_prefix("/var/run/");
        is_path.then(|| short.map_or_else(|| whole.clone(), |rest| format!("/run/{rest}")))
    }
}

/// No such file is larger.
const LIMIT: u64 = 1 << 20;

/// Files with the keys that say it, the strongest of each client first.
const FILES: &[(&str, &str, &str)] = &[
    (
        "kubelet",
        "/etc/default/kubelet",
        "--container-runtime-endpoint=",
    ),
    (
        "kubelet",
        "/etc/sysconfig/kubelet",
        "--container-runtime-endpoint=",
    ),
    (
        "kubelet",
        "/var/lib/kubelet/kubeadm-flags.env",
        "--container-runtime-endpoint=",
    ),
    (
        "kubelet",
        "/var/lib/kubelet/config.yaml",
        "containerRuntimeEndpoint:",
    ),
    ("crictl", "/etc/crictl.yaml", "runtime-endpoint:"),
];

/// Whether a client's endpoint may stand in this file.
pub fn is_of_client(path: &Text) -> bool {
    let mut files = FILES.iter();
    let unit = b"/kubelet.service";
    files.any(|(_, file, _)| *path == **file)
        || path.bytes().windows(unit.len()).any(|it| it == unit)
}

/// The kubelet's unit, whose flags win over its configuration.
fn of_unit(evidence: &Evidence) -> Option<Client> {
    let unit = Unit::named(evidence, "kubelet.service")?;
    let endpoint = unit.flag("--container-runtime-endpoint")?;
    Some(Client {
        who: "kubelet",
        file: unit.files.first()?.clone(),
        endpoint: endpoint.to_owned(),
    })
}

/// The clients that the evidence tells of, each once.
pub(crate) fn clients(evidence: &Evidence) -> Vec<Client> {
    let mut all: Vec<Client> = of_unit(evidence).into_iter().collect();
    for (who, path, key) in FILES {
        if all.iter().any(|client| client.who == *who) {
            continue;
        }
        let Some(source) = evidence.source_if_there(Path::new(path), LIMIT) else {
            continue;
        };
        let text = String::from_utf8_lossy(source.bytes()).into_owned();
        if let Some(endpoint) = text.lines().find_map(|line| value(line, key)) {
            let file = path_text(Path::new(path));
            all.push(Client {
                who,
                file,
                endpoint,
            });
        }
    }
    all
}

/// What stands behind a flag or a key of a line.
fn value(line: &str, key: &str) -> Option<String> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let rest = if key.starts_with("--") {
        line.split_once(key)?.1
    } else {
        line.strip_prefix(key)?
    };
    let rest = rest.trim().trim_start_matches(['"', '\'']);
    let end = rest.find(|letter: char| letter.is_whitespace() || "\"'".contains(letter));
    let value = rest.get(..end.unwrap_or(rest.len()))?;
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_found_and_compared_by_their_path() {
        let flags = "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///var/run/containerd/containerd.sock --x=y\"";
        let endpoint = value(flags, "--container-runtime-endpoint=").unwrap();
        let client = Client {
            who: "kubelet",
            file: Text::default(),
            endpoint,
        };
        assert_eq!(
            client.socket().as_deref(),
            Some("/run/containerd/containerd.sock")
        );
        let yaml = value(
            "runtime-endpoint: \"unix:///run/k.sock\"",
            "runtime-endpoint:",
        );
        assert_eq!(yaml.as_deref(), Some("unix:///run/k.sock"));
        assert_eq!(value("# runtime-endpoint: x", "runtime-endpoint:"), None);
        assert_eq!(value("image-endpoint: x", "runtime-endpoint:"), None);
    }
}
