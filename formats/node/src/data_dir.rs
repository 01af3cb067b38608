//! Distributions with their data on another disk: the stores, the configuration and the state that belong
//! together.
//!
//! ```text
//! /etc/docker/daemon.json                          { "data-root": "/data/docker" }
//! /run/docker/containerd/containerd.toml           root and state of dockerd's own containerd
//! /etc/systemd/system/k0sworker.service            ExecStart=… --data-dir=/data/k0s
//! /var/snap/microk8s/current/args/containerd       --root ${SNAP_COMMON}/var/lib/containerd
//! /etc/rancher/k3s/config.yaml                     data-dir: /data/k3s
//! /etc/systemd/system/k3s.service                  ExecStart=… --data-dir /data/k3s
//! /data/k3s/agent/containerd                       the root
//! /data/k3s/agent/etc/containerd/config.toml       its configuration, which says its state
//! ```

use std::path::{Path, PathBuf};

use evidence::Evidence;

use crate::discover::{Roots, Rule, absolute, has_stores};
use crate::{Unit, config};

/// The root below the data folder, and the configuration beside it.
const ROOT: &str = "agent/containerd";
const CONFIG: &str = "agent/etc/containerd/config.toml";
/// The state of both, where config.toml does not say it.
const STATE: &str = "/run/k3s/containerd";

/// Who says where the data are: files of settings, and units.
const SETTINGS: &[(&str, &str)] = &[
    ("k3s", "/etc/rancher/k3s/config.yaml"),
    ("rke2", "/etc/rancher/rke2/config.yaml"),
];
const UNITS: &[(&str, &str)] = &[
    ("k3s", "k3s.service"),
    ("k3s", "k3s-agent.service"),
    ("rke2", "rke2-server.service"),
    ("rke2", "rke2-agent.service"),
];
/// No file of settings is larger.
const LIMIT: u64 = 1 << 20;

/// The installations whose data lie where a setting or a unit says.
pub(crate) fn installations(evidence: &Evidence) -> Vec<Roots> {
    let settings = SETTINGS.iter().filter_map(|(whose, path)| {
        let text = text_of(evidence, Path::new(path))?;
        Some((*whose, data_dir_of_yaml(&text)?))
    });
    let units = UNITS.iter().filter_map(|(whose, name)| {
        let unit = Unit::named(evidence, name)?;
        let told = unit.flag("--data-dir").or_else(|| unit.flag("-d"))?;
        Some((*whose, plain_folder(told)?))
    });
    let mut all: Vec<Roots> = Vec::new();
    let rancher = settings
        .chain(units)
        .map(|(whose, folder)| of_folder(evidence, whose, &folder, Rule::Config));
    let rancher: Vec<Roots> = rancher.collect();
    let others = [docker(evidence), k0s(evidence), microk8s(evidence)];
    for roots in rancher.into_iter().chain(others.into_iter().flatten()) {
        let is_new = all.iter().all(|one| one.root != roots.root);
        if is_new && has_stores(evidence, &roots.root) {
            all.push(roots);
        }
    }
    all
}

/// The installation of a root that lies as k3s and RKE2 lay it out, with its configuration beside it.
pub(crate) fn beside(evidence: &Evidence, root: &Path) -> Option<Roots> {
    let folder = root
        .ends_with(ROOT)
        .then(|| root.parent()?.parent())
        .flatten()?;
    evidence.stat(&folder.join(CONFIG)).ok()?;
    Some(of_folder(evidence, "k3s or rke2", folder, Rule::Scan))
}

fn of_folder(evidence: &Evidence, whose: &'static str, folder: &Path, rule: Rule) -> Roots {
    let config = config::read_config(evidence, &folder.join(CONFIG));
    let state = config.as_ref().and_then(|config| config.state.clone());
    Roots {
        root: folder.join(ROOT),
        state: absolute(state.unwrap_or_else(|| STATE.into())),
        whose,
        rule,
        config,
        unit: None,
        elsewhere: Vec::new(),
    }
}

/// An installation of these places, with its configuration.
fn placed(
    evidence: &Evidence,
    whose: &'static str,
    root: PathBuf,
    state: PathBuf,
    config: &Path,
) -> Roots {
    Roots {
        root,
        state,
        whose,
        rule: Rule::Config,
        config: config::read_config(evidence, config),
        unit: None,
        elsewhere: Vec::new(),
    }
}

/// dockerd's own containerd: where the configuration that it wrote says, or below its data folder.
fn docker(evidence: &Evidence) -> Option<Roots> {
    let config = Path::new("/run/docker/containerd/containerd.toml");
    let written = config::read_config(evidence, config);
    let root = written.as_ref().and_then(|config| config.root.clone());
    let state = written.and_then(|config| config.state);
    let of_settings = || {
        let text = text_of(evidence, Path::new("/etc/docker/daemon.json"))?;
        let json: serde_json::Value = serde_json::from_str(&text).ok()?;
        let named = json.get("data-root").or_else(|| json.get("graph"))?;
        plain_folder(named.as_str()?)
    };
    let of_unit = || {
        let unit = Unit::named(evidence, "docker.service")?;
        let told = unit.flag("--data-root").or_else(|| unit.flag("-g"))?;
        plain_folder(told)
    };
    let root = root.or_else(|| {
        let data = of_settings().or_else(of_unit)?;
        Some(data.join("containerd/daemon"))
    })?;
    let state = state.unwrap_or_else(|| "/run/docker/containerd/daemon".into());
    Some(placed(
        evidence,
        "docker",
        absolute(root),
        absolute(state),
        config,
    ))
}

fn k0s(evidence: &Evidence) -> Option<Roots> {
    let units = ["k0sworker.service", "k0scontroller.service"].into_iter();
    let mut told = units.filter_map(|name| {
        let unit = Unit::named(evidence, name)?;
        plain_folder(unit.flag("--data-dir")?)
    });
    let root = told.next()?.join("containerd");
    let state = PathBuf::from("/run/k0s/containerd");
    Some(placed(
        evidence,
        "k0s",
        root,
        state,
        Path::new("/etc/k0s/containerd.toml"),
    ))
}

/// MicroK8s: the arguments that its snap starts containerd with.
fn microk8s(evidence: &Evidence) -> Option<Roots> {
    const DATA: &str = "/var/snap/microk8s/current";
    const COMMON: &str = "/var/snap/microk8s/common";
    let text = text_of(evidence, &Path::new(DATA).join("args/containerd"))?;
    let text = text
        .replace("${SNAP_COMMON}", COMMON)
        .replace("$SNAP_COMMON", COMMON);
    let text = text
        .replace("${SNAP_DATA}", DATA)
        .replace("$SNAP_DATA", DATA);
    let words: Vec<&str> = text.split_whitespace().collect();
    let flag = |name: &str| {
        let mut found = None;
        for (at, word) in words.iter().enumerate() {
            if let Some(rest) = word.strip_prefix(name) {
                match rest.strip_prefix('=') {
                    Some(value) => found = Some(value),
                    None if rest.is_empty() => found = words.get(at.saturating_add(1)).copied(),
                    None => {}
                }
            }
        }
        found.and_then(plain_folder)
    };
    let state = flag("--state").unwrap_or_else(|| Path::new(COMMON).join("run/containerd"));
    let config = flag("--config").unwrap_or_else(|| Path::new(DATA).join("args/containerd.toml"));
    Some(placed(
        evidence,
        "microk8s",
        flag("--root")?,
        state,
        &config,
    ))
}

fn text_of(evidence: &Evidence, path: &Path) -> Option<String> {
    let source = evidence.source_if_there(path, LIMIT)?;
    Some(String::from_utf8_lossy(source.bytes()).into_owned())
}

/// `data-dir: "/data/k3s"` at the top of a document; the last one counts.
fn data_dir_of_yaml(text: &str) -> Option<PathBuf> {
    let lines = text.lines().rev();
    let mut values = lines.filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim_matches(['"', '\'']) == "data-dir").then_some(value)
    });
    let value = values.next()?;
    // A comment begins after a space.
    let value = value.split(" #").next().unwrap_or_default();
    plain_folder(value)
}

fn plain_folder(value: &str) -> Option<PathBuf> {
    let path = PathBuf::from(value.trim().trim_matches(['"', '\'']));
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_read_from_settings() {
        let found = |folder: &str| Some(PathBuf::from(folder));
        let yaml = "token: a\ndata-dir: \"/data/k3s\" # moved\n";
        assert_eq!(data_dir_of_yaml(yaml), found("/data/k3s"));
        assert_eq!(data_dir_of_yaml("nested:\n  data-dir: /a\n"), None);
        assert_eq!(data_dir_of_yaml("data-dir: relative\n"), None);
    }
}
