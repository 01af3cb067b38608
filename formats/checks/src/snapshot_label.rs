//! Labels that name a snapshot which is gone.

use finding::{Code, Finding, Object, Severity, Text};

use crate::image_chain::by_key;
use crate::{Check, Judge, Need};

/// A blob whose label keeps a snapshot that is not there.
pub(crate) const GONE: Check = Check {
    code: &Code {
        name: "snapshot/label-gone",
        rule: "G10",
        severity: Severity::Note,
        title: "A label names a snapshot that is gone",
        explanation: "The row of an image's configuration says which snapshot holds the unpacked image (label \
            containerd.io/gc.ref.snapshot.…), and its namespace has no such snapshot: it was \
            removed by hand, or its row is lost. The garbage collector ignores the label. The next \
            container of the image unpacks it again, which needs the blobs of its layers.",
        remedy: "Nothing to do where the layers' blobs are there. Pull the image again where they \
            were discarded. `coroner repair` makes the snapshot's record again where metadata.db still has it and \
            another snapshot depends on it.",
    },
    needs: &[Need::Snapshots],
    run: gone,
};

/// What such a label begins with; the name of the snapshotter follows.
const LABEL: &[u8] = b"containerd.io/gc.ref.snapshot.";

fn gone(judge: &mut Judge<'_>) {
    let groups = by_key(judge);
    let mut found = Vec::new();
    for namespace in judge.namespaces() {
        for row in namespace.blobs.read().into_iter().flatten() {
            for (label, key) in &row.labels.entries {
                let Some(rest) = label.bytes().strip_prefix(LABEL) else {
                    continue;
                };
                let name = rest.split(|byte| *byte == b'/').next().unwrap_or(rest);
                let is_there = groups.iter().any(|(group, keys)| {
                    *group.namespace == namespace.name
                        && group.snapshots.snapshotter.bytes() == name
                        && keys.contains_key(key)
                });
                if is_there {
                    continue;
                }
                let message = format!(
                    "its label {label} names {key}, which {} does not have",
                    namespace.name
                );
                let object = Object::new("blob", namespace.name.clone(), row.key.clone());
                let location = row.at.location(&judge.node.meta.path);
                let snapshot = [name, b"/", key.bytes()].concat();
                let finding = Finding::new(GONE.code, location, message)
                    .affects(object)
                    .affects(Object::new(
                        "snapshot",
                        namespace.name.clone(),
                        Text::from(snapshot),
                    ));
                found.push(finding);
            }
        }
    }
    for finding in found {
        judge.say(finding);
    }
}
