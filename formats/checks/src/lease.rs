//! Leases: until when they live, and what they hold.

use std::collections::BTreeSet;

use daemon::gc::Fate;
use finding::{Code, Count, Finding, Object, Severity, Text};
use metadb::{Lease, Row};
use node::graph::{Id, Kind};

use crate::{Check, Judge, Need, garbage, lease_owner};

/// A lease that has ended.
pub(crate) const EXPIRED: Check = Check {
    code: &Code {
        name: "lease/expired",
        rule: "G12",
        severity: Severity::Note,
        title: "A lease has expired",
        explanation: "What only this lease holds is deleted at the next garbage collection: 100 ms after the \
            next start, or after the next deletion. On an idle node nothing triggers one, so an \
            interrupted pull can keep its layers without end.",
        remedy: "Nothing to repair. In an investigation, copy what it holds before containerd is \
            started.",
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
        title: "The owner of a lease without an end is not known",
        explanation: "It has no expiry, holds something, and is neither the lease of a pod nor of \
            a shape by which a client is known that keeps leases for ever (Docker, BuildKit, \
            nerdctl, k3s, remote snapshotters). What it holds is never collected.",
        remedy: "Find out which client created the lease, and remove it with that client. Use `ctr leases \
            rm` only if there is no such client.",
    },
    needs: &[Need::Containers],
    run: ownerless,
};

/// A lease without an end that holds nothing.
pub(crate) const LEFTOVER: Check = Check {
    code: &Code {
        name: "lease/leftover",
        rule: "K13",
        severity: Severity::Note,
        title: "A lease without an end holds nothing",
        explanation: "2.x makes a lease without an end for each pod, under the pod's id, and removes it with \
            the pod. Here the pod is gone: its removal was interrupted. The lease takes no space, \
            and is never collected.",
        remedy: "`ctr leases rm` removes it once containerd runs.",
    },
    needs: &[Need::Containers],
    run: leftover,
};

/// A lease whose end is no time.
pub(crate) const EXPIRY_GARBLED: Check = Check {
    code: &Code {
        name: "lease/expiry-garbled",
        rule: "G12",
        severity: Severity::Odd,
        title: "A lease's expiry is not a time",
        explanation: "The label containerd.io/gc.expire is there, but is not an RFC 3339 time. The garbage \
            collector logs that and treats the lease as one without an end: what it holds is never \
            collected.",
        remedy: "Set the label again (`ctr leases` cannot), or remove the lease.",
    },
    needs: &[],
    run: expiry_garbled,
};

/// A lease that holds what is not there.
pub(crate) const DANGLING: Check = Check {
    code: &Code {
        name: "lease/dangling",
        rule: "G14",
        severity: Severity::Note,
        title: "A lease holds what is not there",
        explanation: "It names blobs, snapshots, ingests or images that its namespace does not \
            have: they were deleted under it, or their rows are lost. The garbage collector \
            ignores such names.",
        remedy: "Nothing to repair.",
    },
    needs: &[Need::Blobs, Need::Snapshots, Need::Ingests],
    run: dangling,
};

fn leftover(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        let known: BTreeSet<&Text> = namespace.task_ids().collect();
        if judge.abstains_for(namespace.sandboxes.unknown()) {
            continue;
        }
        for row in namespace.leases.read().into_iter().flatten() {
            let endless = row.labels.get(EXPIRE).is_none() && row.labels.whole;
            if !endless || !row.whole || !row.is_empty() || known.contains(&row.key) {
                continue;
            }
            let is_id =
                row.key.bytes().len() == 64 && row.key.bytes().iter().all(u8::is_ascii_hexdigit);
            let whose = if is_id {
                "; it has the id of a pod that is gone"
            } else {
                ""
            };
            let message = format!("the lease {} has no end and holds nothing{whose}", row.key);
            let location = row.at.location(&judge.node.meta.path);
            let object = Object::new("lease", namespace.name.clone(), row.key.clone());
            judge.say(Finding::new(LEFTOVER.code, location, message).affects(object));
        }
    }
}

fn expiry_garbled(judge: &mut Judge<'_>) {
    each(judge, |judge, _, row| {
        let label = row.labels.get(EXPIRE)?;
        if row.expires().is_some() {
            return None;
        }
        let message = format!(
            "the lease {} ends at `{label}`; it holds {}",
            row.key,
            holds(row)
        );
        let location = row.at.location(&judge.node.meta.path);
        let finding = Finding::new(EXPIRY_GARBLED.code, location, message);
        Some(
            finding
                .want("2006-01-02T15:04:05Z")
                .found(label.to_string()),
        )
    });
}

fn dangling(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        let blobs: BTreeSet<&Text> = keys(namespace.blobs.read());
        let ingests: BTreeSet<&Text> = keys(namespace.ingests.read());
        let snapshots: BTreeSet<(&Text, &Text)> = namespace
            .snapshots
            .read()
            .into_iter()
            .flatten()
            .flat_map(|of| {
                keys(of.rows.read())
                    .into_iter()
                    .map(|key| (&of.snapshotter, key))
            })
            .collect();
        let images = namespace.images.whole().map(|images| keys(Some(images)));
        for row in namespace.leases.read().into_iter().flatten() {
            let mut gone: Vec<String> = Vec::new();
            let content = row.content.iter().filter(|key| !blobs.contains(key));
            gone.extend(content.map(|key| format!("blob {key}")));
            // An ingest that was committed leaves its name in the lease.
            for (snapshotter, held) in &row.snapshots {
                let held = held
                    .iter()
                    .filter(|key| !snapshots.contains(&(snapshotter, *key)));
                gone.extend(held.map(|key| format!("snapshot {key}")));
            }
            let writes = row.ingests.iter().filter(|key| !ingests.contains(key));
            gone.extend(writes.map(|key| format!("ingest {key}")));
            if let Some(images) = &images {
                let held = row.images.iter().filter(|key| !images.contains(key));
                gone.extend(held.map(|key| format!("image {key}")));
            }
            let Some(first) = gone.first() else { continue };
            let more = match gone.len().saturating_sub(1) {
                0 => String::new(),
                more => format!(" and {more} more things"),
            };
            let message = format!(
                "the lease {} holds {first}{more}, which are not there",
                row.key
            );
            let location = row.at.location(&judge.node.meta.path);
            let object = Object::new("lease", namespace.name.clone(), row.key.clone());
            judge.say(Finding::new(DANGLING.code, location, message).affects(object));
        }
    }
}

fn keys<T>(rows: Option<&Vec<Row<T>>>) -> BTreeSet<&Text> {
    rows.into_iter().flatten().map(|row| &row.key).collect()
}

/// The label that says when a lease ends.
const EXPIRE: &str = "containerd.io/gc.expire";

fn holds(lease: &Lease) -> String {
    let snapshots: usize = lease
        .snapshots
        .values()
        .map(std::collections::BTreeSet::len)
        .sum();
    let all = [
        (lease.content.len(), "blob"),
        (snapshots, "snapshot"),
        (lease.ingests.len(), "ingest"),
        (lease.images.len(), "image"),
    ];
    let some = all.into_iter().filter(|(count, _)| *count > 0);
    let some: Vec<String> = some
        .map(|(count, noun)| Count(count, noun).to_string())
        .collect();
    match some.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
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
    let collection = garbage::next(judge);
    each(judge, |judge, namespace, row| {
        let until = row.expires().filter(|until| *until < judge.node.now)?;
        let only = collection.as_ref().map(|collection| {
            let id = Id {
                namespace: namespace.clone(),
                kind: Kind::Lease,
                key: row.key.clone(),
            };
            let lease = collection.graph.find(&id);
            let records = collection.records.iter();
            let lost = records.filter(|record| {
                record.fate == Fate::Deleted
                    && record.holder == lease
                    && Some(record.index) != lease
            });
            garbage::counted(lost.map(|record| &record.id.kind))
        });
        let only = match only.as_deref() {
            None => String::new(),
            Some("") => "; others hold all of that".to_owned(),
            Some(lost) => format!("; {lost} are held by nothing else and are deleted next"),
        };
        let only = if row.is_empty() { String::new() } else { only };
        let message = format!(
            "the lease {} ended at {until}; it holds {}{only}",
            row.key,
            holds(row)
        );
        let location = row.at.location(&judge.node.meta.path);
        Some(Finding::new(EXPIRED.code, location, message))
    });
}

fn ownerless(judge: &mut Judge<'_>) {
    each(judge, |judge, namespace, row| {
        let labels = &row.labels;
        if labels.get(EXPIRE).is_some() || !labels.whole || row.is_empty() {
            return None;
        }
        let owner = lease_owner::lease_owner(judge, namespace, row);
        if owner.is_some() {
            return None;
        }
        let message = format!("the lease {} has no end; it holds {}", row.key, holds(row));
        let location = row.at.location(&judge.node.meta.path);
        Some(Finding::new(OWNERLESS.code, location, message))
    });
}
