//! Ingests: writes into the content store that were begun and not committed.

use std::collections::BTreeSet;

use content::Ingest;
use finding::{Code, Finding, Location, Object, Severity, Text};
use metadb::{IngestRow, Row};
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
            ref. A crash between two steps of a write leaves such a folder. The next pull of the \
            same content rewrites the file and continues, or starts over (seen on 1.6, 1.7 and \
            2.1); without such a pull the folder stays, and containerd complains about one without \
            a ref at each garbage collection.",
        remedy: "Nothing has to be done for the next pull. Put the folder aside while containerd \
            is stopped, if it is to be gone.",
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
        title: "Unfinished write in no namespace",
        explanation: "No namespace of meta.db has a row for it: its lease has ended or the daemon \
            was killed between two steps. It is removed when the garbage collector next looks at \
            the content store.",
        remedy: "Nothing to repair.",
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
    },
    needs: &[Need::Content],
    run: row_alone,
};

/// A row whose name in the content store is none.
pub(crate) const REFERENCE: Check = Check {
    code: &Code {
        name: "ingest/reference",
        rule: "G14",
        severity: Severity::Odd,
        title: "An unfinished write has a reference that containerd does not give",
        explanation: "meta.db keeps, for each unfinished write, its name in the content store: \
            `<namespace>/1/<key>`. This one has another form: the write cannot be resumed, and no \
            row has its folder.",
        remedy: "Nothing to repair: pulling the content again begins a new write.",
    },
    needs: &[],
    run: reference,
};

/// A write that is younger may still be going on.
const YOUNG: i64 = 3600;

pub(crate) fn ingests<'n>(judge: &Judge<'n>) -> &'n [Ingest] {
    judge
        .node
        .content
        .read()
        .map_or(&[], |store| &store.ingests)
}

/// A write, as what a finding is about.
pub(crate) fn about(ingest: &Ingest) -> Object {
    Object::global("ingest", path_text(&ingest.path))
}

pub(crate) fn named(ingest: &Ingest) -> Text {
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
                .about([about(ingest)])
                .affects(Object::global("ingest", named(ingest))),
        );
    }
}

fn damaged(judge: &mut Judge<'_>) {
    for ingest in ingests(judge) {
        for fault in &ingest.faults {
            let location = Location::file(path_text(&ingest.path)).place("ingest", named(ingest));
            let finding = Finding::new(DAMAGED.code, location, fault.to_string());
            judge.say(finding.about([about(ingest)]));
        }
    }
}

fn unknown(judge: &mut Judge<'_>) {
    let namespaces = judge.namespaces().iter();
    let known: BTreeSet<&Text> = namespaces
        .flat_map(|namespace| namespace.ingests.read().into_iter().flatten())
        .map(|row| &row.backend)
        .collect();
    let garbled: BTreeSet<&[u8]> = rows(judge)
        .filter(|(namespace, row)| !is_reference(&row.backend, namespace, &row.key))
        .map(|(_, row)| row.key.bytes())
        .collect();
    for ingest in ingests(judge) {
        let Some(reference) = &ingest.reference else {
            continue;
        };
        if !known.contains(reference) && !garbled.contains(&key_of(reference)) {
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
            let named = is_reference(&row.backend, &namespace.name, &row.key);
            if row.wanted.is_none() && named && !there.contains(&row.backend) {
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

fn rows<'n>(judge: &Judge<'n>) -> impl Iterator<Item = (&'n Text, &'n Row<IngestRow>)> + use<'n> {
    judge.namespaces().iter().flat_map(|namespace| {
        let rows = namespace.ingests.read().into_iter().flatten();
        rows.map(move |row| (&namespace.name, row))
    })
}

/// `<namespace>/<N>/<key>`; N is 1 in every release, as the bucket is made anew for each write.
fn is_reference(reference: &Text, namespace: &Text, key: &Text) -> bool {
    crate::snapshot_commit::is_name(reference, namespace, key)
}

/// The key of meta.db in the reference of a folder.
fn key_of(reference: &Text) -> &[u8] {
    let mut parts = reference.bytes().splitn(3, |byte| *byte == b'/');
    parts.nth(2).unwrap_or_default()
}

fn reference(judge: &mut Judge<'_>) {
    for (namespace, row) in rows(judge) {
        // One that waits for the bytes of another namespace has no folder of its own.
        if row.wanted.is_some() || !row.whole || is_reference(&row.backend, namespace, &row.key) {
            continue;
        }
        let location = row.at.location(&judge.node.meta.path);
        let message = format!(
            "the write {} is `{}` in the content store",
            row.key, row.backend
        );
        judge.say(
            Finding::new(REFERENCE.code, location, message)
                .want(format!("{namespace}/1/{}", row.key))
                .found(row.backend.to_string())
                .affects(Object::new("ingest", namespace.clone(), row.key.clone())),
        );
    }
}
