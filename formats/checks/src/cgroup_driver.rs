//! Who manages cgroups: systemd, or containerd by itself; and whether kubelet has the same in mind.
//!
//! ```text
//! kubelet   cgroupDriver: systemd   asks for   kubepods-burstable-podUID.slice:cri-containerd:ID
//!           cgroupfs                           /kubepods/burstable/podUID/ID
//! runtime   SystemdCgroup = true    takes the first form only: "expected cgroupsPath to be of format"
//!                           false   takes both, and makes a folder of that whole name of the first
//! ```
//!
//! `internal/cri/server/podsandbox/helpers_linux.go`, `getCgroupsPath`; runc's
//! `libcontainer/specconv/spec_linux.go`, `createCgroupConfig`.

use std::collections::BTreeMap;

use finding::{Code, Finding, Location, Severity, Text};
use node::{Node, Scalar};
use runc::Bundle;

use crate::cri_pod::NAMESPACE;
use crate::{Check, Judge};

/// Kubelet and the runtime do not manage cgroups the same way.
pub(crate) const DIFFERS: Check = Check {
    code: &Code {
        name: "runtime/cgroup-driver-differs",
        rule: "R25",
        severity: Severity::Odd,
        title: "kubelet and containerd manage cgroups differently",
        explanation: "One of them leaves cgroups to systemd, the other makes them itself. If kubelet \
            does and the runtime does not, containers run in folders of their own beside those of \
            their pods: limits of pods do not hold, evictions go wrong, and the node becomes \
            unstable when memory is short. The other way round no pod can be made at all. Known by \
            the cgroups that pods of this node were made with, and by kubelet's own file where the \
            evidence holds it; kubelet 1.34 and later ask containerd 2.x instead.",
        remedy: "Drain the node, set SystemdCgroup of the runtime's options in config.toml and \
            cgroupDriver of kubelet's config.yaml to the same (systemd, where systemd is the first \
            process), then restart both. Pods that run keep what they were made with.",
    },
    needs: &[],
    run: differs,
};

/// What a pod's cgroup says of who asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// `slice:prefix:name`
    Systemd,
    /// A path below a folder of pods.
    Cgroupfs,
}

fn asked(path: &Text) -> Option<Asked> {
    let bytes = path.bytes();
    let mut parts = bytes.split(|byte| *byte == b':');
    let (slice, prefix, name) = (parts.next()?, parts.next(), parts.next());
    match (prefix, name) {
        (Some(_), Some(_)) if slice.ends_with(b".slice") => Some(Asked::Systemd),
        (None, None) if bytes.windows(9).any(|part| part == b"/kubepods") => Some(Asked::Cgroupfs),
        _ => None,
    }
}

/// What `SystemdCgroup` of the usual runtime is; nothing where config.toml could not be read.
fn configured(node: &Node) -> Option<bool> {
    let Some(config) = &node.roots.config else {
        return node.around.config_untold.is_none().then_some(false);
    };
    if !config.faults.is_empty() {
        return None;
    }
    let values = [
        "io.containerd.cri.v1.runtime",
        "io.containerd.grpc.v1.cri",
        "cri",
    ]
    .map(|table| {
        let path = [
            "plugins",
            table,
            "containerd",
            "runtimes",
            "runc",
            "options",
            "SystemdCgroup",
        ];
        match config.settings.get(&path).map(|setting| &setting.value) {
            Some(Scalar::Bool(value)) => Some(*value),
            _ => None,
        }
    });
    Some(values.into_iter().flatten().next().unwrap_or(false))
}

/// How a task's own runtime was told to manage cgroups.
fn told(bundle: &Bundle) -> Option<bool> {
    let is_known = bundle.options.is_absent() || bundle.options.whole().is_some();
    let options = bundle.options.whole();
    let systemd = options.and_then(|options| options.systemd_cgroup);
    is_known.then(|| systemd.unwrap_or(false))
}

fn say_all(judge: &mut Judge<'_>, found: BTreeMap<&'static str, Finding>) {
    for finding in found.into_values() {
        judge.say(finding);
    }
}

fn differs(judge: &mut Judge<'_>) {
    let node = judge.node;
    let mut found: BTreeMap<&'static str, Finding> = BTreeMap::new();
    let bundles = node
        .runtime
        .read()
        .map_or(&[][..], |runtime| &runtime.bundles);
    let pods = bundles
        .iter()
        .filter(|it| it.namespace == *NAMESPACE && !it.hidden);
    for bundle in pods {
        let path = bundle
            .spec
            .get()
            .and_then(|spec| spec.cgroups_path.as_ref());
        let (Some(path), Some(systemd)) = (path, told(bundle)) else {
            continue;
        };
        let message = match (asked(path), systemd) {
            (Some(Asked::Systemd), false) => {
                "kubelet leaves cgroups to systemd, and the runtime made them itself"
            }
            (Some(Asked::Cgroupfs), true) => {
                "kubelet makes cgroups itself, and the runtime left them to systemd"
            }
            _ => continue,
        };
        let task = finding::Object::new("task", bundle.namespace.clone(), bundle.id.clone());
        let new = || {
            let location = Location::file(bundle.path.clone()).place("task", bundle.id.clone());
            let finding = Finding::new(DIFFERS.code, location, message);
            finding.found(format!("its cgroup is {path}"))
        };
        let finding = found.remove(message).unwrap_or_else(new).affects(task);
        found.insert(message, finding);
    }
    let (Some(driver), Some(systemd)) = (&node.around.kubelet_driver, configured(node)) else {
        say_all(judge, found);
        return;
    };
    let (path, driver) = driver;
    let mismatch = match (driver.as_str(), systemd) {
        ("cgroupfs", true) => Some(("true, and no pod can be made", Severity::Damage)),
        ("systemd", false) => Some(("false", Severity::Odd)),
        _ => None,
    };
    if let Some((says, severity)) = mismatch {
        let message = format!("kubelet says {driver}; SystemdCgroup of the runtime runc is {says}");
        let finding = Finding::new(DIFFERS.code, Location::file(path.clone()), message);
        judge.say(finding.severity(severity));
    }
    say_all(judge, found);
}
