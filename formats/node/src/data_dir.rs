//! k3s and RKE2 with their data on another disk (`--data-dir`): the stores, the configuration and the
//! state that belong together.
//!
//! ```text
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
    for (whose, folder) in settings.chain(units) {
        let roots = of_folder(evidence, whose, &folder, Rule::Config);
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

fn text_of(evidence: &Evidence, path: &Path) -> Option<String> {
    let source = evidence.source(path, LIMIT).ok()?;
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
