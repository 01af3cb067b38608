//! Runtimes that pods and containers name, and that neither the configuration nor the release has.

use std::collections::{BTreeMap, BTreeSet};

use daemon::config::effective;
use daemon::{Release, detect};
use finding::{Code, Finding, Object, Severity, Text};
use metadb::Row;
use node::Node;

use crate::cri_pod::NAMESPACE;
use crate::judge::affecting;
use crate::{Check, Judge};

/// A pod's runtime that config.toml does not have.
pub(crate) const HANDLER_UNKNOWN: Check = Check {
    code: &Code {
        name: "cri/runtime-handler-unknown",
        rule: "K18",
        severity: Severity::Damage,
        title: "A pod's runtime is not configured",
        explanation: "The pod was made for a runtime handler (its RuntimeClass) that no table of \
            config.toml describes any more: an operator took its part of the configuration away, a \
            later import replaced the table, or the node was moved. What runs goes on. A pod that \
            comes again is refused.",
        remedy: "Bring the handler's table back below containerd.runtimes (`containerd config dump` \
            shows what the daemon has of it), then restart containerd.",
    },
    needs: &[],
    run: handlers,
};

/// A container's runtime that the installed release does not have.
pub(crate) const RUNTIME_GONE: Check = Check {
    code: &Code {
        name: "container/runtime-gone",
        rule: "G19",
        severity: Severity::Damage,
        title: "A container's runtime is not installed",
        explanation: "The container's record names a runtime whose shim is not on this node: 2.0 removed \
            io.containerd.runtime.v1.linux and io.containerd.runc.v1; other shims (Kata, gVisor) are \
            separate packages. The container can be listed and deleted, but not started.",
        remedy: "Install the shim where it still exists. If the runtime no longer exists, recreate the \
            container with io.containerd.runc.v2. Copy its writable layer first (`coroner snapshots \
            extract`).",
    },
    needs: &[],
    run: gone,
};

/// The release that would be started, where the traces leave only one.
fn release(node: &Node) -> Release {
    let detected = detect(&node.traces);
    detected.to
}

/// The runtimes that config.toml has; nothing where it could not be read.
pub(crate) fn configured(node: &Node, release: Release) -> Option<BTreeSet<String>> {
    let Some(config) = &node.roots.config else {
        let known = node.around.config_untold.is_none();
        return known.then(|| BTreeSet::from(["runc".to_owned()]));
    };
    if !config.faults.is_empty() {
        return None;
    }
    let taken = effective(config, release);
    let base = match release {
        Release::V1_6 | Release::V1_7 => "io.containerd.grpc.v1.cri",
        _ => "io.containerd.cri.v1.runtime",
    };
    let base = ["plugins", base, "containerd", "runtimes"];
    let all = taken.settings.all().iter();
    let mut names: BTreeSet<String> = all
        .filter_map(|setting| setting.below(&base)?.first().cloned())
        .collect();
    // 1.x puts a table of runtimes in the place of its own, 2.x adds to it.
    if release >= Release::V2_0 || taken.settings.get(&base).is_none() {
        names.insert("runc".to_owned());
    }
    let old = ["plugins", "io.containerd.grpc.v1.cri", "containerd"];
    for (table, name) in [
        ("untrusted_workload_runtime", "untrusted"),
        ("default_runtime", "default"),
    ] {
        let key = [old.as_slice(), &[table, "runtime_type"]].concat();
        if taken
            .settings
            .text_setting(&key)
            .is_some_and(|text| !text.is_empty())
        {
            names.insert(name.to_owned());
        }
    }
    Some(names)
}

/// Adds a finding to that of the same kind, with all that it befalls.
fn one_of_each(judge: &mut Judge<'_>, all: BTreeMap<Text, Vec<Finding>>) {
    for findings in all.into_values() {
        let mut findings = findings.into_iter();
        if let Some(first) = findings.next() {
            let finding = findings.fold(first, |finding, other| affecting(finding, &other.affects));
            judge.say(finding);
        }
    }
}

fn handlers(judge: &mut Judge<'_>) {
    let node = judge.node;
    let Some(configured) = configured(node, release(node)) else {
        if has_handlers(judge) {
            judge.abstain("config.toml could not be read: it may have more runtimes");
        }
        return;
    };
    let mut lost: BTreeMap<Text, Vec<Finding>> = BTreeMap::new();
    let mut told: BTreeSet<Text> = BTreeSet::new();
    let spaces = judge.namespaces().iter();
    for namespace in spaces.filter(|space| space.name == NAMESPACE) {
        let containers = namespace.containers.read().into_iter().flatten();
        let of_containers = containers.filter_map(|row| Some((row.pod().ok()?, &row.at, &row.key)));
        let sandboxes = namespace.sandboxes.read().into_iter().flatten();
        let of_sandboxes = sandboxes.filter_map(|row| Some((row.pod().ok()?, &row.at, &row.key)));
        for (pod, at, id) in of_containers.chain(of_sandboxes) {
            let handler = &pod.runtime_handler;
            let is_known = handler.utf8().is_some_and(|name| configured.contains(name));
            if handler.is_empty() || is_known || !told.insert(id.clone()) {
                continue;
            }
            let message = format!("no runtime of config.toml is called {handler}");
            let location = at.location(&node.meta.path);
            let pod = Object::global("pod", format!("{}/{}", pod.namespace, pod.pod));
            let finding = Finding::new(HANDLER_UNKNOWN.code, location, message).affects(pod);
            lost.entry(handler.clone()).or_default().push(finding);
        }
    }
    one_of_each(judge, lost);
}

fn has_handlers(judge: &Judge<'_>) -> bool {
    let spaces = judge.namespaces().iter();
    let mut containers = spaces.flat_map(|space| space.containers.read().into_iter().flatten());
    containers.any(|row| row.pod().is_ok_and(|pod| !pod.runtime_handler.is_empty()))
}

/// The runtime that every release has.
const USUAL: &str = "io.containerd.runc.v2";

/// Runtimes that were containerd's own until 2.0.
const OLD: &[&str] = &["io.containerd.runtime.v1.linux", "io.containerd.runc.v1"];

/// Whether 2.0 took it away.
pub(crate) fn was_taken_away(name: &str) -> bool {
    OLD.contains(&name)
}

/// Why a runtime is not there; nothing where it is, or may be.
pub(crate) fn missing(node: &Node, name: &str, release: Release) -> Option<String> {
    let shims = node.around.shims.as_ref();
    let linux = OLD.first().copied() == Some(name);
    if linux {
        return (release >= Release::V2_0)
            .then(|| format!("containerd {release} has no runtime {name}"));
    }
    // The package of an older release has it, and goes with that.
    let is_upgrade = release >= Release::V2_0 && self::release(node) < Release::V2_0;
    if is_upgrade && OLD.contains(&name) {
        let program = node::shim_program(name)?;
        return Some(format!("containerd {release} comes without {program}"));
    }
    if name.starts_with('/') {
        let gone = node.around.shims.is_some() && node.around.is_named_absent(name);
        return gone.then(|| format!("{name} is not there"));
    }
    let program = node::shim_program(name)?;
    match shims {
        Some(shims) => (!shims.contains(&program)).then(|| format!("{program} is not installed")),
        None => (release >= Release::V2_0 && OLD.contains(&name))
            .then(|| format!("containerd {release} comes without {program}")),
    }
}

/// The containers whose runtime is not there, by runtime and reason.
pub(crate) fn without(
    node: &Node,
    release: Release,
) -> Vec<(&Text, &Row<metadb::Container>, String)> {
    let rows = node.meta.rows.as_ref();
    let spaces = rows.map_or(&[][..], metadb::MetaDb::namespaces);
    let mut found = Vec::new();
    for space in spaces {
        for row in space.containers.read().into_iter().flatten() {
            let name = row.runtime.as_ref().and_then(|runtime| runtime.name.utf8());
            let why = name.and_then(|name| missing(node, name, release));
            // Of runc's shim the check of programs speaks.
            let is_told = node.programs.unknown.is_none() && name == Some(USUAL);
            let why = why.filter(|_| !is_told);
            if let Some(why) = why.filter(|_| row.whole) {
                found.push((&space.name, row, why));
            }
        }
    }
    found
}

fn gone(judge: &mut Judge<'_>) {
    let node = judge.node;
    let mut lost: BTreeMap<Text, Vec<Finding>> = BTreeMap::new();
    for (namespace, row, why) in without(node, release(node)) {
        let name = row.runtime.as_ref().map(|runtime| runtime.name.clone());
        let name = name.unwrap_or_default();
        let message = format!("the runtime {name} cannot run: {why}");
        let location = row.at.location(&node.meta.path);
        let object = Object::new("container", namespace.clone(), row.key.clone());
        let finding = Finding::new(RUNTIME_GONE.code, location, message).affects(object);
        lost.entry(name).or_default().push(finding);
    }
    one_of_each(judge, lost);
}
