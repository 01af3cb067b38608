//! Pods: the address that must be on disk, and the two records of a pod in 2.x.

use daemon::{start, told};
use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Object, Severity, Text};
use metadb::cri::{BadRecord, Pod};
use metadb::{At, Container, Namespace, Row, Sandbox};

use crate::cri::half_read;
use crate::version;
use crate::{Check, Judge, Need};

/// The CRI plugin's namespace.
pub(crate) const NAMESPACE: &str = "k8s.io";

/// A pod whose address was never written.
pub(crate) const ADDRESS_LOST: Check = Check {
    code: &Code {
        name: "cri/address-lost",
        rule: "K11",
        severity: Severity::Damage,
        title: "The address of pods is not on disk",
        explanation: "A pod with a network of its own has a network namespace in its record, but \
            neither an address nor the answer of the CNI plugins. The running daemon has them in \
            memory only: after its next start the kubelet sees a pod without an address, and \
            recreates every such pod (containerd issue 7843). Releases 1.6.9 to 1.6.14, 1.5.15 \
            and 1.5.16 and the first betas of 1.7 leave all pods like this; all of 1.7 leave \
            those with a user namespace like this; any release does if it is killed between \
            making the network and writing the record.",
        remedy: "To keep these pods, write the address back before containerd is started or restarted: copy \
            it, and the interfaces, from /var/lib/cni/results into the record in a copy \
            of meta.db (`coroner repair plan --pod-addresses`), or drain the node first. Then upgrade.",
    },
    needs: &[],
    run: address_lost,
};

/// A sandbox of 2.x without the CRI's record.
pub(crate) const SANDBOX_RECORD: Check = Check {
    code: &Code {
        name: "cri/sandbox-without-record",
        rule: "M08",
        severity: Severity::Damage,
        title: "A sandbox lacks the CRI's record",
        explanation: "In 2.x each pod is a sandbox whose extension `metadata` holds the CRI's record. A crash \
            between the two steps of making a pod leaves a sandbox without it, and without a \
            container. 2.0.0 to 2.0.5 and 2.1.0 to 2.1.2 exit at such a sandbox, and are restarted \
            again and again (issue 10848), also where the pod's container is there. Later releases \
            do not list the pod, and keep the sandbox; where the pod's container is there, they use its \
            record, and this is a note.",
        remedy: "Delete that one sandbox in a copy of meta.db. Deleting all of \
            /var/lib/containerd is not needed.",
    },
    needs: &[],
    run: sandbox_record,
};

/// A sandbox of 2.x without its container.
pub(crate) const SANDBOX_ALONE: Check = Check {
    code: &Code {
        name: "cri/sandbox-alone",
        rule: "K04",
        severity: Severity::Odd,
        title: "A pod's sandbox has no container",
        explanation: "In 2.x a pod is a sandbox and a container of the same id. The container's \
            record is gone, or was never written: the pod is shown as not ready, and the kubelet \
            makes another one.",
        remedy: "Remove the pod (`crictl rmp`), or the sandbox in a copy of meta.db.",
    },
    needs: &[Need::Containers],
    run: sandbox_alone,
};

/// A sandbox that nothing can run.
pub(crate) const SANDBOXER: Check = Check {
    code: &Code {
        name: "cri/sandboxer-unknown",
        rule: "K05",
        severity: Severity::Damage,
        title: "A sandbox belongs to a controller that is not configured",
        explanation: "The sandbox names the controller that runs it: podsandbox, shim, or a proxy plugin. With \
            this configuration containerd has no such controller: the pod's state is not known, and \
            the pod cannot be stopped. Where the pod's container is there, podsandbox takes it over, \
            and this is a note.",
        remedy: "Bring the proxy plugin back into config.toml, or delete the sandbox.",
    },
    needs: &[],
    run: sandboxer,
};

/// What is judged of a pod: in 2.x its sandbox, before that its container.
pub(crate) struct Seen<'n> {
    pub(crate) id: &'n Text,
    pub(crate) at: &'n At,
    pub(crate) pod: Pod,
}

fn namespaces<'n>(judge: &Judge<'n>) -> impl Iterator<Item = &'n Namespace> + use<'n> {
    judge
        .namespaces()
        .iter()
        .filter(|namespace| namespace.name == NAMESPACE)
}

fn sandboxes<'n>(judge: &Judge<'n>) -> impl Iterator<Item = &'n Row<Sandbox>> + use<'n> {
    namespaces(judge).flat_map(|namespace| namespace.sandboxes.read().into_iter().flatten())
}

fn pod_containers<'n>(judge: &Judge<'n>) -> impl Iterator<Item = &'n Row<Container>> + use<'n> {
    namespaces(judge)
        .flat_map(|namespace| namespace.containers.read().into_iter().flatten())
        .filter(|row| row.cri_kind() == Some("sandbox"))
}

pub(crate) fn pods<'n>(judge: &Judge<'n>) -> Vec<Seen<'n>> {
    let mut pods: BTreeMap<&Text, Seen<'n>> = BTreeMap::new();
    for row in pod_containers(judge) {
        if let Ok(pod) = row.pod() {
            let (id, at) = (&row.key, &row.at);
            pods.insert(id, Seen { id, at, pod });
        }
    }
    for row in sandboxes(judge) {
        if let Ok(pod) = row.pod() {
            let (id, at) = (&row.key, &row.at);
            pods.insert(id, Seen { id, at, pod });
        }
    }
    pods.into_values().collect()
}

/// How many addresses are named.
const SHOWN: usize = 8;

fn address_lost(judge: &mut Judge<'_>) {
    let node = judge.node;
    let lost: Vec<Seen<'_>> = pods(judge)
        .into_iter()
        .filter(|seen| {
            let Pod { netns, ip, .. } = &seen.pod;
            let without = ip.is_empty() && !seen.pod.has_cni_result;
            without && !netns.is_empty() && !seen.pod.on_host_network
        })
        .collect();
    let Some(first) = lost.first() else { return };
    let addresses: Vec<String> = lost
        .iter()
        .map(|seen| {
            let name = format!("{}/{}", seen.pod.namespace, seen.pod.pod);
            let results = node.network.results.iter();
            let results = results.filter(|result| result.container == *seen.id);
            let cached = results
                .filter(|result| result.interface != "lo")
                .flat_map(|result| &result.addresses);
            let leased = node.network.leases();
            let leased = leased.filter(|lease| lease.container() == Some(seen.id));
            let mut known: Vec<String> = cached.map(ToString::to_string).collect();
            known.extend(leased.map(|lease| lease.address.to_string()));
            known.dedup();
            let unique: BTreeSet<String> = known.into_iter().collect();
            let unique: Vec<String> = unique.into_iter().collect();
            if unique.is_empty() {
                format!("{name}: not known")
            } else {
                format!("{name}: {}", unique.join(", "))
            }
        })
        .collect();
    let recoverable = addresses
        .iter()
        .filter(|text| !text.ends_with("not known"))
        .count();
    let message = match lost.len() {
        1 => "the record of one pod has a network namespace, but no address".to_owned(),
        count => format!("the records of {count} pods have a network namespace, but no address"),
    };
    let message = format!("{message}; {}", cause(judge, &lost));
    let more = match addresses.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown: Vec<&str> = addresses.iter().map(String::as_str).take(SHOWN).collect();
    let location = first.at.location(&node.meta.path);
    let mut finding = Finding::new(ADDRESS_LOST.code, location, message)
        .want(format!(
            "addresses, of which /var/lib/cni has {recoverable} of {}",
            lost.len()
        ))
        .found(format!("none ({}{more})", shown.join("; ")));
    for seen in &lost {
        let object = format!("{}/{}", seen.pod.namespace, seen.pod.pod);
        finding = finding.affects(Object::global("pod", object));
    }
    // The bundle comes after the network: what has none is being made, or does not run and is made
    // anew in any case.
    let runs = |seen: &Seen<'_>| {
        let bundles = node.runtime.read().filter(|runtime| runtime.whole.bundles);
        bundles.is_none_or(|runtime| runtime.bundle(&Text::from(NAMESPACE), seen.id).is_some())
    };
    let matters = lost.iter().any(runs);
    judge.say(if matters {
        told(finding, &start::POD_ADDRESS_LOST)
    } else {
        finding.severity(Severity::Note)
    });
}

/// Why the addresses are not there, as far as the release tells.
fn cause(judge: &Judge<'_>, lost: &[Seen<'_>]) -> String {
    match version::installed(judge.node) {
        Some(version @ ((1, 6, 9..=14) | (1, 5, 15..=16))) => {
            let (major, minor, patch) = version;
            format!("containerd {major}.{minor}.{patch} never writes it (issue 7843)")
        }
        Some((1, 7, _)) if lost.iter().all(|seen| seen.pod.has_user_namespace) => {
            "1.7 never writes it for pods with a user namespace (issue 10363)".to_owned()
        }
        Some((major, minor, patch)) => format!(
            "containerd {major}.{minor}.{patch} writes it: it was killed in between, or another \
             release made the pods"
        ),
        None => {
            "releases 1.6.9 to 1.6.14, 1.5.15 and 1.5.16 never write it (issue 7843)".to_owned()
        }
    }
}

fn sandbox_record(judge: &mut Judge<'_>) {
    let version = version::installed(judge.node);
    let recorded = recorded(judge);
    for row in sandboxes(judge).filter(|row| row.whole) {
        let Err(error) = row.pod() else { continue };
        let message = match error {
            BadRecord::Missing => "it has no extension `metadata`".to_owned(),
            other => format!("its record cannot be used: {other}"),
        };
        let location = row.at.location(&judge.node.meta.path);
        let object = Object::new("sandbox", NAMESPACE, row.key.clone());
        let ends = matches!(version, Some((2, 0, 0..=5) | (2, 1, 0..=2)));
        let finding = Finding::new(SANDBOX_RECORD.code, location, message).affects(object);
        if recorded.contains(&row.key) && !ends {
            let mut finding = finding.severity(Severity::Note);
            finding
                .message
                .push_str("; containerd uses that of its container");
            judge.say(finding);
            continue;
        }
        let finding = told(finding, &start::SANDBOX_METADATA);
        let finding = told(finding, &start::SANDBOX_SKIPPED);
        judge.say(if ends {
            finding.severity(Severity::Fatal)
        } else {
            finding
        });
    }
}

/// Pods whose container has a record that can be used: the CRI takes that one.
fn recorded<'n>(judge: &Judge<'n>) -> BTreeSet<&'n Text> {
    let usable = pod_containers(judge).filter(|row| row.pod().is_ok());
    usable.map(|row| &row.key).collect()
}

fn sandbox_alone(judge: &mut Judge<'_>) {
    let mut containers: BTreeSet<&Text> = pod_containers(judge).map(|row| &row.key).collect();
    containers.extend(half_read(judge));
    for row in sandboxes(judge).filter(|row| row.whole && !containers.contains(&row.key)) {
        // Other controllers keep no container; one without a record is told as that.
        let is_cri = row
            .sandboxer
            .as_ref()
            .is_some_and(|name| *name == "podsandbox");
        let Some(pod) = row.pod().ok().filter(|_| is_cri) else {
            continue;
        };
        let location = row.at.location(&judge.node.meta.path);
        let message = format!("no container of {NAMESPACE} has the id {}", row.key);
        judge.say(
            Finding::new(SANDBOX_ALONE.code, location, message)
                .affects(Object::new("sandbox", NAMESPACE, row.key.clone()))
                .affects(Object::global(
                    "pod",
                    format!("{}/{}", pod.namespace, pod.pod),
                )),
        );
    }
}

fn sandboxer(judge: &mut Judge<'_>) {
    let node = judge.node;
    let recorded = recorded(judge);
    for row in sandboxes(judge).filter(|row| row.whole) {
        let Some(name) = row.sandboxer.as_ref().filter(|name| !name.is_empty()) else {
            continue;
        };
        if *name == "podsandbox" || *name == "shim" {
            continue;
        }
        let Some(config) = node
            .roots
            .config
            .as_ref()
            .filter(|config| config.faults.is_empty())
        else {
            judge.abstain("config.toml could not be read: it may have more controllers");
            return;
        };
        if name
            .utf8()
            .is_some_and(|name| config.sandboxers.contains(name))
        {
            continue;
        }
        let location = row.at.location(&node.meta.path);
        let message = format!("nothing in config.toml is the controller {name}");
        let object = Object::new("sandbox", NAMESPACE, row.key.clone());
        let mut finding = Finding::new(SANDBOXER.code, location, message).affects(object);
        if let Ok(pod) = row.pod() {
            let pod = Object::global("pod", format!("{}/{}", pod.namespace, pod.pod));
            finding = finding.affects(pod);
        }
        judge.say(if recorded.contains(&row.key) {
            finding.severity(Severity::Note)
        } else {
            finding
        });
    }
}
