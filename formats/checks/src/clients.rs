//! Clients of the CRI that look for another socket than the daemon's.

use finding::{Code, Finding, Location, Object, Severity, Text};
use node::{Client, Node, Unit};

use crate::cni_use::{Use, of_the_cri};
use crate::cri_pod::{NAMESPACE, Seen, pods};
use crate::{Check, Judge};

/// A client's endpoint is not where the daemon listens.
pub(crate) const ENDPOINT: Check = Check {
    code: &Code {
        name: "client/other-endpoint",
        rule: "P35",
        severity: Severity::Damage,
        title: "A client looks for containerd's socket where containerd does not listen",
        explanation: "The kubelet or crictl is configured with another socket than grpc.address of config.toml \
            (or --address of the unit). It gets `no such file or directory` or `connection refused` \
            from a healthy daemon. A kubelet with the socket of another runtime (CRI-O, cri-dockerd) is \
            odd where containerd's pods run: it knows nothing of them. So is one with dockershim.sock on \
            a node with pods of containerd: kubelet 1.24 and later serve no such socket.",
        remedy: "Give the client the socket at which containerd listens, or put grpc.address back.",
    },
    needs: &[],
    run: endpoint,
};

/// Where other runtimes listen.
const OTHERS: &[&str] = &[
    "crio",
    "cri-o",
    "dockershim",
    "cri-dockerd",
    "docker",
    "podman",
    "k3s",
    "frakti",
];

/// Where the daemon listens, with `/var/run` as `/run`.
fn address(node: &Node) -> String {
    let roots = &node.roots;
    let of_unit = roots
        .unit
        .as_ref()
        .and_then(Unit::address)
        .map(str::to_owned);
    let of_config = || {
        roots
            .config
            .as_ref()?
            .address
            .as_ref()
            .map(ToString::to_string)
    };
    let address = of_unit
        .or_else(of_config)
        .filter(|address| !address.is_empty());
    let address = address.unwrap_or_else(|| "/run/containerd/containerd.sock".to_owned());
    let short = address
        .strip_prefix("/var/run/")
        .map(|rest| format!("/run/{rest}"));
    short.unwrap_or(address)
}

/// The kubelet that is told to use this daemon.
pub(crate) fn kubelet(node: &Node) -> Option<&Client> {
    let address = address(node);
    let mut all = node.clients.iter();
    all.find(|client| client.who == "kubelet" && client.socket().as_ref() == Some(&address))
}

/// The kubelet that is told to use another runtime: then no pod waits for this daemon.
pub(crate) fn kubelet_of_another(node: &Node) -> Option<&Client> {
    let address = address(node);
    let mut all = node.clients.iter();
    all.find(|client| {
        let socket = client.socket().unwrap_or_default();
        client.who == "kubelet"
            && socket != address
            && OTHERS.iter().any(|other| socket.contains(other))
    })
}

/// A kubelet with another runtime's socket, where pods are containerd's.
fn of_another(judge: &Judge<'_>, address: &str) -> Option<Finding> {
    let node = judge.node;
    let kubelet = kubelet_of_another(node)?;
    let socket = kubelet.socket()?;
    let pods = pods(judge);
    if pods.is_empty() || of_the_cri(node) == Use::Disabled {
        return None;
    }
    let runtime = node.runtime.read();
    let namespace = Text::from(NAMESPACE);
    let run = |seen: &Seen<'_>| runtime.is_some_and(|it| it.bundle(&namespace, seen.id).is_some());
    let is_odd = socket.contains("dockershim") || pods.iter().any(run);
    let message = format!(
        "kubelet uses {}, the socket of another runtime, and the pods here are containerd's, which \
         listens at {address}",
        Text::from(socket.as_str())
    );
    let finding = Finding::new(ENDPOINT.code, Location::file(kubelet.file.clone()), message);
    let finding = finding.affects(Object::global("client", kubelet.who));
    Some(finding.severity(if is_odd {
        Severity::Odd
    } else {
        Severity::Note
    }))
}

fn endpoint(judge: &mut Judge<'_>) {
    let node = judge.node;
    let roots = &node.roots;
    // Distributions of their own tell their clients on the command line.
    if roots.whose != "containerd" || roots.config.is_none() && roots.unit.is_none() {
        return;
    }
    let address = address(node);
    let mut found: Vec<Finding> = of_another(judge, &address).into_iter().collect();
    for client in &node.clients {
        let Some(socket) = client.socket() else {
            continue;
        };
        if socket == address || OTHERS.iter().any(|other| socket.contains(other)) {
            continue;
        }
        let message = format!(
            "{} uses {socket}, containerd listens at {address}",
            client.who
        );
        let finding = Finding::new(ENDPOINT.code, Location::file(client.file.clone()), message);
        found.push(finding.affects(Object::global("client", client.who)));
    }
    for finding in found {
        judge.say(finding);
    }
}
