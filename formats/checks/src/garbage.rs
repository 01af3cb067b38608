//! What nothing holds: what the next garbage collection deletes.

use daemon::gc::{self, Collection, Fate};
use daemon::{start, told_of};
use finding::{Code, Finding, Location, Object, Severity, Text};
use node::graph::Kind;

use crate::{Check, Judge};

/// Records that no root reaches.
pub(crate) const UNREACHABLE: Check = Check {
    code: &Code {
        name: "gc/unreachable",
        rule: "G11",
        severity: Severity::Note,
        title: "The next garbage collection deletes what nothing holds",
        explanation: "No image, container, lease or label holds these blobs and snapshots (any more): a \
            container was deleted, a pull or a build was interrupted, a lease has ended. The \
            collection 100 ms after the next start deletes them. What only an expired lease held is \
            listed with that lease.",
        remedy: "Nothing to repair. In an investigation, or if one of the snapshots is a writable \
            layer that is still wanted, copy it before containerd is started, or label the \
            snapshot containerd.io/gc.root in a copy of meta.db. `coroner gc --simulate` lists \
            everything.",
    },
    needs: &[],
    run: unreachable,
};

/// The next collection of the daemon that was here last, as far as that is known.
pub(crate) fn next(judge: &mut Judge<'_>) -> Option<Collection> {
    let detected = daemon::detect(&judge.node.traces);
    let release = detected.one().unwrap_or(detected.to);
    match gc::simulate(judge.node, release, judge.node.now) {
        Ok(collection) => Some(collection),
        Err(unknown) => {
            judge.abstains_for(&[unknown]);
            None
        }
    }
}

/// How many of each kind, in words: `2 snapshots and 1 blob`.
pub(crate) fn counted<'k>(kinds: impl Iterator<Item = &'k Kind>) -> String {
    let mut counts = [0_u64; 4];
    for kind in kinds {
        let at = match kind {
            Kind::Snapshot => 0,
            Kind::Blob => 1,
            Kind::Ingest => 2,
            Kind::Image => 3,
            Kind::Lease | Kind::Container | Kind::Sandbox | Kind::Pod => continue,
        };
        if let Some(count) = counts.get_mut(at) {
            *count = count.saturating_add(1);
        }
    }
    let names = ["snapshot", "blob", "unfinished write", "image"];
    let some = counts.iter().zip(names).filter(|(count, _)| **count > 0);
    let parts: Vec<String> = some
        .map(|(count, name)| format!("{count} {name}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    parts.join(", ")
}

/// How many objects are named.
const SHOWN: usize = 100;

fn unreachable(judge: &mut Judge<'_>) {
    let Some(collection) = next(judge) else {
        return;
    };
    if judge.abstains_for(&collection.graph.all_unknown()) {
        return;
    }
    let held_by_lease = |holder: Option<node::graph::Index>| {
        let holder = holder.and_then(|holder| collection.graph.get(holder));
        holder.is_some_and(|holder| holder.id.kind == Kind::Lease)
    };
    let lost: Vec<&gc::Record> = collection
        .records
        .iter()
        .filter(|record| record.fate == Fate::Deleted && record.id.kind != Kind::Lease)
        .filter(|record| !held_by_lease(record.holder))
        .collect();
    let Some(first) = lost.first() else { return };
    let at = collection
        .graph
        .get(first.index)
        .and_then(|object| object.at.clone());
    let path = &judge.node.meta.path;
    let location = at.map_or_else(|| Location::file(path.clone()), |at| at.location(path));
    let layers: Vec<String> = collection
        .writable_layers()
        .map(|row| row.key.to_string())
        .take(8)
        .collect();
    let layers = if layers.is_empty() {
        String::new()
    } else {
        format!("; among them writable layers: {}", layers.join(", "))
    };
    let counted = counted(lost.iter().map(|record| &record.id.kind));
    let message = format!("nothing holds {counted}{layers}");
    let mut finding = Finding::new(UNREACHABLE.code, location, message);
    for record in lost.iter().take(SHOWN) {
        let key = record.id.snapshot_parts().map(|(_, key)| key);
        let name: Text = key.unwrap_or_else(|| record.id.key.clone());
        let kind = match record.id.kind {
            Kind::Snapshot => "snapshot",
            Kind::Blob => "blob",
            Kind::Ingest => "ingest",
            _ => "image",
        };
        finding = finding.affects(Object::new(kind, record.id.namespace.clone(), name));
    }
    judge.say(told_of(finding, &start::COLLECTS, &counted));
}
