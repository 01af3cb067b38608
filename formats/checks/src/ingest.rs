//! Ingests: writes into the content store that were begun and not committed.

use std::collections::BTreeSet;

use content::Ingest;
use finding::{Code, Finding, Location, Object, Severity, Text};
use node::path_text;

use crate::{Check, Judge, Need};

/// A write that nobody goes on with.
pub(crate) const STALE: Check = Check {
    code: &Code {
        name: "ingest/stale",
        rule: "G14",
        severity: Severity::Note,
        title: "A write into the content store was never finished",
        explanation: "A pull or import was interrupted more than an hour ago. It will be resumed if \
            the same content is wanted again, and removed by the garbage collector once no lease \
            holds it and its time (24 hours) is over.",
        remedy: "Nothing to repair. Its bytes may be all that is left of a layer: keep them in an \
            investigation.",
        messages: &[],
    },
    needs: &[],
    run: stale,
};

/// An ingest whose files are not right.
pub(crate) const DAMAGED: Check = Check {
    code: &Code {
        name: "ingest/damaged",
        rule: "C06",
        severity: Severity::Odd,
        title: "The folder of an unfinished write is damaged",
        explanation: "It lacks its ref, its data or a time, or its name is not the digest of its \
            ref. A crash between two steps of a write leaves such a folder. containerd never \
            removes one without a ref: it complains at each garbage collection.",
        remedy: "Delete the folder while containerd is stopped; nothing refers to it.",
        messages: &[
            "failed to read ingest ref",
            "ref key does not match",
            "could not parse timestamp file",
        ],
    },
    needs: &[],
    run: damaged,
};

/// An ingest that meta.db does not know.
pub(crate) const UNKNOWN: Check = Check {
    code: &Code {
        name: "ingest/unknown",
        rule: "C07",
        severity: Severity::Note,
        title: "An unfinished write of no namespace",
        explanation: "No namespace of meta.db has a row for it: its lease has ended or the daemon \
            was killed between two steps. It is removed when the garbage collector next looks at \
            the content store.",
        remedy: "Nothing to repair.",
        messages: &[],
    },
    needs: &[Need::Ingests],
    run: unknown,
};

/// A row without a folder.
pub(crate) const ROW_ALONE: Check = Check {
    code: &Code {
        name: "ingest/row-alone",
        rule: "C07",
        severity: Severity::Note,
        title: "meta.db knows an unfinished write that has no folder",
        explanation: "Asking for its status gives 'not found'. It is removed when its time is over.",
        remedy: "Nothing to repair.",
        messages: &[],
    },
    needs: &[Need::Content],
    run: row_alone,
};

/// A write that is younger may still be going on.
const YOUNG: i64 = 3600;

fn ingests<'n>(judge: &Judge<'n>) -> &'n [Ingest] {
    judge
        .node
        .content
        .read()
        .map_or(&[], |store| &store.ingests)
}

fn named(ingest: &Ingest) -> Text {
    ingest
        .reference
        .clone()
        .unwrap_or_else(|| ingest.name.clone())
}

fn stale(judge: &mut Judge<'_>) {
    for ingest in ingests(judge) {
        let Some(last) = ingest.updated_at.or(ingest.started_at) else {
            continue;
        };
        if judge.node.now.since(last) < YOUNG {
            continue;
        }
        let done = ingest.data_size.unwrap_or(0);
        let of = ingest
            .total
            .map(|total| format!(" of {total}"))
            .unwrap_or_default();
        let message = format!(
            "the write {} stopped at {last} with {done}{of} bytes",
            named(ingest)
        );
        let location = Location::file(path_text(&ingest.path)).place("ingest", named(ingest));
        judge.say(
            Finding::new(STALE.code, location, message)
                .affects(Object::global("ingest", named(ingest))),
        );
    }
}

fn damaged(judge: &mut Judge<'_>) {
    for ingest in ingests(judge) {
        for fault in &ingest.faults {
            let location = Location::file(path_text(&ingest.path)).place("ingest", named(ingest));
            judge.say(Finding::new(DAMAGED.code, location, fault.to_string()));
        }
    }
}

fn unknown(judge: &mut Judge<'_>) {
    let namespaces = judge.namespaces().iter();
    let known: BTreeSet<&Text> = namespaces
        .flat_map(|namespace| namespace.ingests.read().into_iter().flatten())
        .map(|row| &row.backend)
        .collect();
    for ingest in ingests(judge) {
        let Some(reference) = &ingest.reference else {
            continue;
        };
        if !known.contains(reference) {
            let location =
                Location::file(path_text(&ingest.path)).place("ingest", reference.clone());
            let message = format!("no namespace knows the write {reference}");
            judge.say(Finding::new(UNKNOWN.code, location, message));
        }
    }
}

fn row_alone(judge: &mut Judge<'_>) {
    let there: BTreeSet<&Text> = ingests(judge)
        .iter()
        .filter_map(|ingest| ingest.reference.as_ref())
        .collect();
    for namespace in judge.namespaces() {
        for row in namespace.ingests.read().into_iter().flatten() {
            // One that waits for the bytes of another namespace has no folder of its own.
            if row.wanted.is_none() && !there.contains(&row.backend) {
                let message = format!("the write {} has no folder", row.key);
                let location = row.at.location(&judge.node.meta.path);
                judge.say(
                    Finding::new(ROW_ALONE.code, location, message).affects(Object::new(
                        "ingest",
                        namespace.name.clone(),
                        row.key.clone(),
                    )),
                );
            }
        }
    }
}
