//! Who uses the network of pods, and who holds what of it.

use std::collections::BTreeSet;

use finding::{Object, Text, Time};
use node::Node;

use crate::Judge;
use crate::cri_pod::NAMESPACE;

/// Whether the node has pods of the CRI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// There is no CRI: it is disabled, or the installation is docker's or an ordinary user's.
    Disabled,
    /// Nothing shows that there ever was a pod.
    Never,
    /// There are pods, or there is a kubelet.
    Used,
}

/// Whether the node has pods of the CRI.
pub(crate) fn of_the_cri(node: &Node) -> Use {
    let whose = node.roots.whose;
    if node.network.settings.is_disabled
        || whose.starts_with("docker")
        || whose.starts_with("rootless")
    {
        return Use::Disabled;
    }
    let namespaces = node.meta.rows.iter().flat_map(metadb::MetaDb::namespaces);
    let mut ours = namespaces.filter(|namespace| namespace.name == NAMESPACE);
    let has_pods = ours.any(|namespace| {
        let containers = namespace.containers.read();
        let sandboxes = namespace.sandboxes.read();
        containers.is_some_and(|rows| rows.iter().any(|row| row.cri_kind().is_some()))
            || sandboxes.is_some_and(|rows| !rows.is_empty())
    });
    if has_pods || node.network.has_kubelet {
        Use::Used
    } else {
        Use::Never
    }
}

/// Who holds an address or a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// A container or sandbox that is there.
    Known,
    /// One that is not there any more.
    Gone,
    /// The same, unless it was being made when the evidence was taken.
    Young,
    /// One that may never have been containerd's, or is being made.
    Unknown,
}

/// The holder of an address or a result, as what a finding is about.
pub(crate) fn about(id: &Text) -> Object {
    Object::global("holder", id.clone())
}

/// Every container that may hold something.
pub(crate) struct Holders<'n> {
    ids: BTreeSet<&'n Text>,
    /// Pods that their containers still name: one of them that is gone is told by cri/sandbox-gone.
    pods: BTreeSet<Text>,
    /// `<namespace>-<id>`, which is what ctr and nerdctl tell the plugins.
    pairs: BTreeSet<Vec<u8>>,
    namespaces: Vec<&'n Text>,
    bundles: BTreeSet<&'n Text>,
    node: &'n Node,
    since: Option<(Time, Held)>,
    /// Whether there are pods of the CRI.
    pub(crate) has_pods: bool,
}

impl<'n> Holders<'n> {
    /// Nothing, after saying so, where meta.db was not read whole.
    pub(crate) fn from_judge(judge: &mut Judge<'n>) -> Option<Self> {
        let node = judge.node;
        node.meta.rows.as_ref()?;
        let bundles = node.runtime.read().into_iter().flat_map(|it| &it.bundles);
        let mut holders = Self {
            ids: node.network.others.ids.iter().collect(),
            pods: BTreeSet::new(),
            pairs: BTreeSet::new(),
            namespaces: Vec::new(),
            bundles: bundles.map(|bundle| &bundle.id).collect(),
            node,
            since: being_made_since(node),
            has_pods: false,
        };
        for namespace in judge.namespaces() {
            holders.namespaces.push(&namespace.name);
            let containers = namespace.containers.read().into_iter().flatten();
            let sandboxes = namespace.sandboxes.read().into_iter().flatten();
            let mut keys: Vec<&Text> = sandboxes.map(|row| &row.key).collect();
            for row in containers {
                holders.has_pods |= row.cri_kind().is_some();
                let record = row.pod_container().ok();
                holders.pods.extend(record.map(|record| record.sandbox_id));
                keys.push(&row.key);
            }
            for key in keys {
                holders.ids.insert(key);
                let pair = [namespace.name.bytes(), key.bytes()].join(&b'-');
                holders.pairs.insert(pair);
            }
            if judge.abstains_for(namespace.sandboxes.unknown()) {
                return None;
            }
        }
        Some(holders)
    }

    /// Who holds something that was written at this time.
    pub(crate) fn held(&self, container: &Text, written: Time) -> Held {
        if self.ids.contains(container) || self.pairs.contains(container.bytes()) {
            return Held::Known;
        }
        // What still has a bundle may still run, and what containers name as their pod is told by
        // them; that its record is gone is told as that.
        if self.bundles.contains(container) || self.pods.contains(container) {
            return Held::Unknown;
        }
        let others = &self.node.network.others;
        let ours = is_id(container.bytes())
            || self.namespaces.iter().any(|namespace| {
                let rest = container.bytes().strip_prefix(namespace.bytes());
                rest.and_then(|rest| rest.strip_prefix(b"-"))
                    .is_some_and(is_id)
            });
        if !ours || !others.unread.is_empty() {
            Held::Unknown
        } else {
            self.age(written)
        }
    }

    /// What of a holder that no store has: whether it is gone depends on when it came.
    pub(crate) fn age(&self, written: Time) -> Held {
        match self.since {
            Some((since, young)) if written > since => young,
            _ => Held::Gone,
        }
    }
}

/// What is younger than this may be of a pod that was being made, and what that makes of it.
fn being_made_since(node: &Node) -> Option<(Time, Held)> {
    let Some(processes) = &node.processes else {
        // Whether a daemon ran is not known: the address comes before the record.
        return Some((node.network.meta_written?, Held::Young));
    };
    let names = [&b"containerd"[..], b"dockerd"];
    let is_daemon = |process: &process::Process| names.contains(&process.stat.comm.bytes());
    let runs = processes.iter().any(is_daemon) || !processes.whole;
    // A kubelet gives a pod two minutes.
    let since = Time::new(node.now.seconds.saturating_sub(120), 0);
    runs.then_some((since, Held::Unknown))
}

/// An id as the CRI's and nerdctl's: 64 digits in hex.
fn is_id(id: &[u8]) -> bool {
    id.len() == 64 && id.iter().all(u8::is_ascii_hexdigit)
}
