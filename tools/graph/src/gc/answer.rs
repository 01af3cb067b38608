//! The simulation as text and JSON.

use std::io;

use cli::{Answer, Exit, Pen, Style, Table, size};
use daemon::gc::Count;
use refs::gc::{Item, Simulation};

use crate::judged::{self, Answered};

/// The first line: what would happen.
fn sentence(simulation: &Simulation) -> (Style, String) {
    if let Some(failure) = &simulation.failure {
        let dies = if failure.is_fatal {
            "The collection fails, and the daemon crashes"
        } else {
            "The collection fails"
        };
        return (
            Style::Bad,
            format!("{dies}: {} ({})", failure.says, failure.record),
        );
    }
    if simulation.totals.deletes_nothing() {
        return (Style::Good, "Nothing would be deleted.".to_owned());
    }
    let totals = &simulation.totals;
    let mut parts = Vec::new();
    let mut part = |count: Count, one: &str, many: &str, sized: bool| {
        if count.deleted == 0 {
            return;
        }
        let name = if count.deleted == 1 { one } else { many };
        let bytes = if sized && count.bytes > 0 {
            format!(" ({})", size(count.bytes))
        } else {
            String::new()
        };
        parts.push(format!("{} {name}{bytes}", count.deleted));
    };
    part(totals.snapshots, "snapshot", "snapshots", true);
    part(
        totals.directories,
        "leftover directory",
        "leftover directories",
        false,
    );
    part(totals.blobs, "blob", "blobs", true);
    part(totals.ingests, "ingest", "ingests", true);
    part(totals.images, "image", "images", false);
    part(totals.leases, "lease", "leases", false);
    let rows = [
        (totals.snapshot_records, totals.snapshots, "snapshot"),
        (totals.blob_records, totals.blobs, "blob"),
        (totals.ingest_records, totals.ingests, "ingest"),
    ];
    for (records, things, name) in rows {
        if records.deleted > 0 && things.deleted == 0 {
            let plural = if records.deleted == 1 { "" } else { "s" };
            parts.push(format!("{} record{plural} of {name}s", records.deleted));
        }
    }
    (
        Style::Warning,
        format!("Would be deleted: {}.", parts.join(", ")),
    )
}

/// What is freed or kept of it; a record may go without its bytes.
fn bytes(item: &Item) -> String {
    if item.data.as_ref().is_some_and(|data| *data != item.fate) {
        return "record only".to_owned();
    }
    item.size.map_or_else(|| "-".to_owned(), size)
}

fn place(item: &Item) -> String {
    match &item.namespace {
        Some(namespace) => format!("{namespace}/{}", item.key),
        None => item.key.to_string(),
    }
}

fn list(heading: &str, items: &[Item], pen: &mut Pen<'_>) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    pen.gap()?;
    pen.heading(heading)?;
    let mut table = Table::new(&["~store", "what", ">size", "!which", "!why"]);
    // A snapshot or file that shares its record's fate is told by the line of the record.
    for item in items.iter().filter(|item| !item.is_told) {
        let what = if item.writable {
            "snapshot (writable)".to_owned()
        } else {
            item.what.to_owned()
        };
        table.cells(vec![
            item.store.to_string(),
            what,
            bytes(item),
            place(item),
            item.reason.clone(),
        ]);
    }
    pen.table(&table)
}

impl Answer for Answered<Simulation> {
    const SCHEMA: &'static str = "gc/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let simulation = &self.it;
        let (style, sentence) = sentence(simulation);
        let line = pen.styled(style, sentence).to_string();
        pen.line(line)?;
        for store in &simulation.stores {
            if let Some(failure) = &store.failure {
                let line = format!(
                    "The collection of {} does not get to its end: {failure}",
                    store.name
                );
                let line = pen.styled(Style::Bad, line).to_string();
                pen.line(line)?;
            }
        }
        if simulation.meta_damaged {
            let line =
                "meta.db is damaged: whether a daemon gets so far is said by `coroner triage`.";
            let line = pen.styled(Style::Bad, line).to_string();
            pen.line(line)?;
        }
        pen.gap()?;
        self.about.write_about(pen)?;
        judged::write_judged(&self.judged, pen)?;
        list("Deleted", &simulation.deleted, pen)?;
        list("Left, though nothing names it", &simulation.left, pen)?;
        list("Undecided", &simulation.undecided, pen)?;
        if let Some(kept) = &simulation.kept {
            list("Kept", kept, pen)?;
        }
        pen.incomplete(&simulation.unknown)
    }

    fn exit(&self) -> Exit {
        let exit = if self.it.fails() {
            Exit::FINDINGS
        } else {
            Exit::CLEAN
        };
        exit | Exit::of_unknown(&self.it.unknown)
    }
}
