//! `coroner meta history`

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Failure, Out, Outcome, Pen, Style, value_lines};
use finding::Escaped;
use history::{Change, Histories, History, Presence};
use metadb::ObjectKind;
use serde::Serialize;
use serde_json::Value;

use crate::Kind;

#[derive(Serialize)]
struct Answered(Histories);

const fn object_kind(kind: Kind) -> Option<ObjectKind> {
    Some(match kind {
        Kind::Namespaces => ObjectKind::Namespace,
        Kind::Images => ObjectKind::Image,
        Kind::Containers => ObjectKind::Container,
        Kind::Snapshots => ObjectKind::Snapshot,
        Kind::Content => ObjectKind::Blob,
        Kind::Ingests => ObjectKind::Ingest,
        Kind::Leases => ObjectKind::Lease,
        Kind::Sandboxes => ObjectKind::Sandbox,
        Kind::Pods => return None,
    })
}

pub(crate) fn run(
    kind: Kind,
    name: &str,
    namespace: Option<&str>,
    args: &EvidenceArgs,
    out: &mut Out,
) -> Outcome {
    let kind = object_kind(kind).ok_or_else(|| {
        Failure::usage("a pod has no record of its own")
            .hint("`coroner meta history NODE container ID` shows that of its sandbox")
    })?;
    let case = Case::open(args)?;
    let node = case.node()?;
    let file = &node.meta.path;
    let histories = Histories::read_histories(&case.evidence, file, (kind, name), namespace)?;
    out.answer(&Answered(histories))
}

impl Answer for Answered {
    const SCHEMA: &'static str = "meta-history/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (number, object) in self.0.objects.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            one(object, pen)?;
        }
        pen.incomplete(&self.0.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.0.unknown)
    }
}

fn one(object: &History, pen: &mut Pen<'_>) -> io::Result<()> {
    let space = object
        .namespace
        .as_ref()
        .map_or_else(String::new, |space| format!(" in {space}"));
    pen.heading(format_args!("{} {}{space}", object.kind, object.name))?;
    for tree in &object.trees {
        let presence = match tree.object {
            Presence::There => "has it",
            Presence::Absent => "does not have it",
            Presence::Unknown => "may have it: part of it cannot be read",
        };
        pen.line(format_args!("  transaction {} {presence}", tree.txid))?;
    }
    for (number, version) in object.versions.iter().enumerate() {
        pen.gap()?;
        let time = version.updated.or(version.created);
        let time = time.map_or_else(|| "at an unknown time".to_owned(), |time| time.to_string());
        let part = if version.whole { "" } else { " (in part)" };
        let count = number.saturating_add(1);
        let heading = format!(
            "  version {count} of {}: {time}{part}",
            object.versions.len()
        );
        let heading = pen.styled(Style::Heading, heading).to_string();
        pen.line(heading)?;
        for tree in &version.trees {
            pen.line(format_args!("    in the tree of transaction {tree}"))?;
        }
        for found in &version.carved {
            let freed = match (found.bounds.freed_from, found.bounds.freed_until) {
                (Some(from), Some(until)) if from.txid == until.txid => {
                    format!(", freed by transaction {}", until.txid)
                }
                (_, Some(until)) => format!(", freed by transaction {} or before", until.txid),
                _ => String::new(),
            };
            pen.line(format_args!(
                "    carved from page {} at {:#x}{freed}",
                found.page, found.offset
            ))?;
        }
        if number == 0 {
            value_lines(&version.record, 2, pen)?;
        }
        for change in &version.changes {
            let (style, text) = line(change);
            let text = pen.styled(style, text).to_string();
            pen.line(format_args!("    {text}"))?;
        }
    }
    Ok(())
}

/// As a line: `~ updated: … -> …`.
fn line(change: &Change) -> (Style, String) {
    let path: Vec<String> = change
        .path
        .iter()
        .map(|key| Escaped(key.as_bytes()).to_string())
        .collect();
    let path = path.join(" > ");
    match (&change.old, &change.new) {
        (Value::Null, new) => (Style::Good, format!("+ {path}: {}", shown(new))),
        (old, Value::Null) => (Style::Bad, format!("- {path}: {}", shown(old))),
        (old, new) => (
            Style::Warning,
            format!("~ {path}: {} -> {}", shown(old), shown(new)),
        ),
    }
}

/// Letters of a value that are shown.
const SHOWN: usize = 100;

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    Escaped(short.as_bytes()).to_string()
}
