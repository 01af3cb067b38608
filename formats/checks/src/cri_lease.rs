//! Pods that 2.x made, by their leases, and that its sandbox store does not know.

use std::collections::BTreeSet;

use finding::{Code, Finding, Object, Severity, Text};

use crate::cri_pod::NAMESPACE;
use crate::{Check, Judge, Need};

/// A pod of 2.x that is no sandbox any more.
pub(crate) const SANDBOX_LOST: Check = Check {
    code: &Code {
        name: "cri/sandbox-record-gone",
        rule: "K13",
        severity: Severity::Odd,
        title: "A pod has its container and its lease, and no sandbox",
        explanation: "2.x makes a sandbox and a lease without an end for each pod, both with the pod's id. Here \
            the container and the lease of the pod are there, and the sandbox is gone. The CRI goes \
            by the container's record, and the pod goes on. The next container that is made in it \
            is taken for one of a pod of 1.x: containerd calls the shim's program, and logs \
            `sandbox not found, maybe created from v1.x`.",
        remedy: "Delete the pod, so that its owner recreates it.",
    },
    needs: &[Need::Containers, Need::Leases],
    run: sandbox_lost,
};

fn sandbox_lost(judge: &mut Judge<'_>) {
    let mut found = Vec::new();
    for namespace in judge.namespaces() {
        if namespace.name != *NAMESPACE {
            continue;
        }
        let Some(sandboxes) = namespace.sandboxes.whole() else {
            judge.abstains_for(namespace.sandboxes.unknown());
            continue;
        };
        let known: BTreeSet<&Text> = sandboxes.iter().map(|row| &row.key).collect();
        let leases = namespace.leases.read().into_iter().flatten();
        let held: BTreeSet<&Text> = leases.map(|lease| &lease.key).collect();
        for row in namespace.containers.read().into_iter().flatten() {
            let is_pod = row.cri_kind() == Some("sandbox");
            if !is_pod || !held.contains(&row.key) || known.contains(&row.key) {
                continue;
            }
            let location = row.at.location(&judge.node.meta.path);
            let message = format!("the lease {} is there, and no sandbox of this id", row.key);
            let object = Object::new("sandbox", namespace.name.clone(), row.key.clone());
            let mut finding = Finding::new(SANDBOX_LOST.code, location, message).affects(object);
            if let Some(pod) = judge.graph.pod(&row.key) {
                finding = finding.affects(pod);
            }
            found.push(finding);
        }
    }
    for finding in found {
        judge.say(finding);
    }
}
