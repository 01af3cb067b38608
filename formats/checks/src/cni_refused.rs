//! Configurations of CNI that are loaded, and fail when a pod is made.

use cni::{SPEC_VERSIONS, is_network_name};
use daemon::{start, told};
use finding::{Code, Finding, Location, Severity, Text};
use node::network::{ConfFile, Program};

use crate::cni_conf::{folder_sentence, folders, usable};
use crate::{Check, Judge, version};

/// A configuration that is only refused when a pod is made.
pub(crate) const CONFIG_REFUSED: Check = Check {
    code: &Code {
        name: "cni/config-refused",
        rule: "N03",
        severity: Severity::Damage,
        title: "A network configuration is loaded, and fails for each pod",
        explanation: "Loading does not look at the name of the network, the version of CNI and the ranges of \
            addresses; the plugins do, when a pod is created. So the node reports NetworkReady=true \
            (2.1 asks plugins of versions above 1.0.0 for their status, and reports false), and each \
            pod fails. Running pods cannot be stopped either: the plugins refuse that, too.",
        remedy: "Correct the file; containerd reloads it at once.",
    },
    needs: &[],
    run: config_refused,
};

/// The program of a plugin is not there.
pub(crate) const PLUGIN_MISSING: Check = Check {
    code: &Code {
        name: "cni/plugin-missing",
        rule: "N05",
        severity: Severity::Damage,
        title: "The program of a CNI plugin cannot be run",
        explanation: "Each plugin that the loaded configuration names, the one that gives \
            addresses away, and loopback are programs in bin_dir (2.x: bin_dirs) of config.toml, \
            /opt/cni/bin. The first regular file of that name is taken, even if it cannot be run. \
            The node says NetworkReady=true; each pod fails, and none can be stopped.",
        remedy: "Install the plugins where bin_dir says, or correct bin_dir: packages of \
            distributions put them elsewhere (Debian: /usr/lib/cni, Fedora: /usr/libexec/cni) than \
            upstream (/opt/cni/bin). The programs are looked for each time; config.toml is read at \
            a start.",
    },
    needs: &[],
    run: plugin_missing,
};

fn config_refused(judge: &mut Judge<'_>) {
    let release = version::installed(judge.node);
    for (folder, weight) in folders(judge) {
        for file in usable(folder, release) {
            for (message, says) in refusals(file, release) {
                let location = Location::file(file.path.clone());
                let message = format!("{message}{}", folder_sentence(folder));
                let finding = Finding::new(CONFIG_REFUSED.code, location, message);
                let finding = finding.found(says).severity(weight);
                judge.say(told(finding, &start::NETWORK_POD_FAILS));
            }
        }
    }
}

fn refusals(file: &ConfFile, release: Option<(u32, u32, u32)>) -> Vec<(String, String)> {
    let Some(list) = file.list() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let shown = |text: &str| Text::from(text).to_string();
    if list.name.is_empty() {
        found.push((
            "the network has no name".to_owned(),
            "missing network name".to_owned(),
        ));
    } else if !is_network_name(&list.name) {
        found.push((
            format!(
                "the network's name may hold letters, digits, '_', '.' and '-' only: {}",
                shown(&list.name)
            ),
            "invalid characters found in network name".to_owned(),
        ));
    }
    let says = format!(
        "incompatible CNI versions; config is \"{}\"",
        shown(&list.version)
    );
    let is_old = release.is_some_and(|(major, _, _)| major < 2);
    if !list.version.is_empty() && !SPEC_VERSIONS.contains(&list.version.as_str()) {
        let message = format!("there is no version {} of CNI", shown(&list.version));
        found.push((message, says));
    } else if list.version == "1.1.0" && is_old {
        let message = "containerd 1.x does not know version 1.1.0 of CNI".to_owned();
        found.push((message, says));
    }
    for plugin in file.plugins() {
        if let Some(kind) = plugin.programs().find(|kind| kind.contains('/')) {
            let message = format!(
                "the type of a plugin is a name, not a path: {}",
                shown(kind)
            );
            found.push((message, format!("invalid plugin name: {}", shown(kind))));
        }
        if let Some(Err(why)) = plugin.ipam.as_ref().map(|ipam| &ipam.ranges) {
            let message = format!("host-local refuses its ranges: {}", shown(why));
            found.push((message, shown(why)));
        }
    }
    found
}

fn plugin_missing(judge: &mut Judge<'_>) {
    let node = judge.node;
    let release = version::installed(node);
    let mut wanted: Vec<&str> = Vec::new();
    let mut worst = None;
    for (folder, weight) in folders(judge) {
        let files = usable(folder, release);
        let plugins = files.iter().flat_map(ConfFile::plugins);
        wanted.extend(plugins.flat_map(cni::Plugin::programs));
        if !files.is_empty() {
            worst = Some(weight);
        }
    }
    let Some(weight) = worst else { return };
    if !node.network.settings.internal_loopback {
        wanted.push("loopback");
    }
    let mut missing: Vec<(&str, Option<&str>)> = Vec::new();
    let mut unknown = false;
    let dirs: Vec<String> = node
        .network
        .settings
        .bin_dirs
        .iter()
        .map(|dir| node::path_text(dir).to_string())
        .collect();
    for (kind, program) in &node.network.programs {
        if !wanted.contains(&kind.as_str()) {
            continue;
        }
        let (path, message, says) = match program {
            Program::Unknown => {
                unknown = true;
                continue;
            }
            Program::Missing { instead, elsewhere } => {
                if let Some((path, what)) = instead.first() {
                    let says = format!(
                        "failed to find plugin \"{}\" in path",
                        Text::from(kind.as_str())
                    );
                    (path, format!("it {what}"), says)
                } else {
                    missing.push((kind, *elsewhere));
                    continue;
                }
            }
            Program::Found {
                path,
                size_and_mode,
            } => match size_and_mode {
                Some((_, mode)) if mode & 0o111 == 0 => {
                    let message = format!("it may not be executed: mode {mode:04o}");
                    (
                        path,
                        message,
                        format!("fork/exec {path}: permission denied"),
                    )
                }
                Some((0, _)) => {
                    let says = format!("fork/exec {path}: exec format error");
                    (path, "it is empty".to_owned(), says)
                }
                _ => continue,
            },
        };
        let finding = Finding::new(PLUGIN_MISSING.code, Location::file(path.clone()), message);
        let finding = finding.found(says).severity(weight);
        judge.say(told(finding, &start::NETWORK_POD_FAILS));
    }
    if let Some((first, elsewhere)) = missing.first() {
        let names: Vec<String> = missing
            .iter()
            .map(|(kind, _)| Text::from(*kind).to_string())
            .collect();
        let is = if names.len() == 1 { "is" } else { "are" };
        let message = format!("{} {is} not in {}", names.join(", "), dirs.join(", "));
        let at = dirs.first().cloned().unwrap_or_default();
        let says = format!(
            "failed to find plugin \"{}\" in path [{}]",
            Text::from(*first),
            dirs.join(" ")
        );
        let finding = Finding::new(PLUGIN_MISSING.code, Location::file(at), message);
        let finding = finding.found(says).severity(weight);
        let mut finding = told(finding, &start::NETWORK_POD_FAILS);
        if let Some(place) = elsewhere {
            finding = finding.remedy(format!(
                "{place} has it: set bin_dir (2.x: bin_dirs) in config.toml to {place} and restart \
                 containerd, or install the plugins where it says."
            ));
        }
        judge.say(finding);
    }
    if unknown {
        judge.abstain(format!("{} is not in the evidence", dirs.join(", ")));
    }
}
