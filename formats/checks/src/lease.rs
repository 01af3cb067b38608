//! Leases: until when they live, and what they hold.

use finding::{Code, Finding, Object, Severity, Text};
use metadb::{Lease, Row};

use crate::{Check, Judge, Need};

/// A lease that has ended.
pub(crate) const EXPIRED: Check = Check {
    code: &Code {
        name: "lease/expired",
        rule: "G12",
        severity: Severity::Note,
        title: "A lease has expired",
        explanation: "What only this lease holds is deleted at the next garbage collection: 100 ms \
            after the next start, or after the next deletion. On an idle node nothing triggers \
            one, so an interrupted pull can keep its layers for ever.",
        remedy: "Nothing to repair. In an investigation, copy what it holds before containerd is \
            started.",
        messages: &[],
    },
    needs: &[],
    run: expired,
};

/// A lease without an end that belongs to nobody who is known.
pub(crate) const OWNERLESS: Check = Check {
    code: &Code {
        name: "lease/ownerless",
        rule: "G12",
        severity: Severity::Note,
        title: "A lease without an end belongs to nobody",
        explanation: "It has no expiry, holds something, and is neither the lease of a pod nor \
            labelled by one of the clients that are known to keep leases for ever (Docker, \
            BuildKit, nerdctl). What it holds is never collected.",
        remedy: "Find out which client made it; `ctr leases rm` removes it once containerd runs.",
        messages: &[],
    },
    needs: &[Need::Containers],
    run: ownerless,
};

fn holds(lease: &Lease) -> String {
    let snapshots: usize = lease
        .snapshots
        .values()
        .map(std::collections::BTreeSet::len)
        .sum();
    format!(
        "{} blobs, {snapshots} snapshots, {} ingests and {} images",
        lease.content.len(),
        lease.ingests.len(),
        lease.images.len()
    )
}

fn each(judge: &mut Judge<'_>, tell: impl Fn(&Judge<'_>, &Text, &Row<Lease>) -> Option<Finding>) {
    for namespace in judge.namespaces() {
        for row in namespace.leases.read().into_iter().flatten() {
            if let Some(finding) = tell(judge, &namespace.name, row) {
                let object = Object::new("lease", namespace.name.clone(), row.key.clone());
                judge.say(finding.affects(object));
            }
        }
    }
}

fn expired(judge: &mut Judge<'_>) {
    each(judge, |judge, _, row| {
        let until = row.expires().filter(|until| *until < judge.node.now)?;
        let message = format!(
            "the lease {} ended at {until}; it holds {}",
            row.key,
            holds(row)
        );
        let location = row.at.location(&judge.node.meta.path);
        Some(Finding::new(EXPIRED.code, location, message))
    });
}

/// Labels and name prefixes of clients that keep leases without an end on purpose.
const OWNERS: [&str; 4] = ["moby", "buildkit", "nerdctl", "io.cri-containerd"];

fn ownerless(judge: &mut Judge<'_>) {
    each(judge, |judge, namespace, row| {
        let labels = &row.labels;
        if labels.get("containerd.io/gc.expire").is_some() || !labels.whole || row.is_empty() {
            return None;
        }
        let owned = OWNERS.iter().any(|owner| {
            let named = |text: &Text| text.to_string().contains(owner);
            named(&row.key) || labels.entries.keys().any(named)
        });
        let is_pods = judge
            .namespaces()
            .iter()
            .filter(|candidate| candidate.name == *namespace)
            .flat_map(|candidate| candidate.containers.read().into_iter().flatten())
            .any(|container| container.key == row.key);
        if owned || is_pods {
            return None;
        }
        let message = format!("the lease {} has no end; it holds {}", row.key, holds(row));
        let location = row.at.location(&judge.node.meta.path);
        Some(Finding::new(OWNERLESS.code, location, message))
    });
}
