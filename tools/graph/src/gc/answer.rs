//! The simulation as text and JSON.

use std::io;

use cli::{About, Answer, Exit, Pen, Style, Table, size};
use daemon::gc::{Collection, Count, Failure, Fate, Totals};
use finding::{Text, Unknown};
use serde::Serialize;

use super::items::{Item, Measured, items};
use crate::judged::Judged;

/// What a store says of its own run.
#[derive(Debug, Serialize)]
struct Store {
    #[serde(rename = "store")]
    name: Text,
    /// Whether something of it is deleted from meta.db: else it is not looked at.
    dirty: Option<bool>,
    /// Why it does not get to its end.
    failure: Option<String>,
}

/// What `gc` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Simulation {
    #[serde(rename = "evidence")]
    about: About,
    #[serde(flatten)]
    judged: Judged,
    /// Whether it was simulated as if something had been deleted before.
    as_if_dirty: bool,
    /// Why there is no collection, if there is none.
    failure: Option<Failure>,
    totals: Totals,
    stores: Vec<Store>,
    /// What is deleted.
    deleted: Vec<Item>,
    /// What nothing holds and no collection deletes, now or ever.
    left: Vec<Item>,
    /// What cannot be decided.
    undecided: Vec<Item>,
    /// What is kept, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<Vec<Item>>,
    unknown: Vec<Unknown>,
    /// Whether meta.db is damaged: then a daemon may not get so far.
    meta_damaged: bool,
}

impl Simulation {
    pub(crate) fn new(
        about: About,
        judged: Judged,
        meta_damaged: bool,
        (as_if_dirty, all): (bool, bool),
        collection: &Collection,
        measured: &Measured,
    ) -> Self {
        let mut deleted = Vec::new();
        let mut left = Vec::new();
        let mut undecided = Vec::new();
        let mut kept = Vec::new();
        for item in items(collection, measured) {
            match item.fate {
                Fate::Kept => kept.push(item),
                Fate::Deleted => deleted.push(item),
                Fate::Waits | Fate::Stays(_) => left.push(item),
                Fate::Unknown => undecided.push(item),
            }
        }
        let backends = collection.backends.iter().map(|run| Store {
            name: run.snapshotter.clone(),
            dirty: run.dirty,
            failure: run.failure.clone().filter(|_| run.dirty != Some(false)),
        });
        let content = Store {
            name: Text::from("content"),
            dirty: collection.content.dirty,
            failure: (collection.content.failure.clone())
                .filter(|_| collection.content.dirty != Some(false)),
        };
        Self {
            about,
            judged,
            as_if_dirty,
            failure: collection.failure.clone(),
            totals: collection.totals(),
            stores: backends.chain([content]).collect(),
            deleted,
            left,
            undecided,
            kept: all.then_some(kept),
            unknown: collection.unknown.clone(),
            meta_damaged,
        }
    }

    /// The first line: what would happen.
    fn sentence(&self) -> (Style, String) {
        if let Some(failure) = &self.failure {
            let dies = if failure.is_fatal {
                "The collection fails, and the daemon dies of it"
            } else {
                "The collection fails"
            };
            return (
                Style::Bad,
                format!("{dies}: {} ({})", failure.says, failure.record),
            );
        }
        if self.totals.deletes_nothing() {
            return (Style::Good, "Nothing would be deleted.".to_owned());
        }
        let totals = &self.totals;
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
    let mut table = Table::new(&["store", "what", ">size", "which", "why"]);
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

impl Answer for Simulation {
    const SCHEMA: &'static str = "gc/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let (style, sentence) = self.sentence();
        let line = pen.styled(style, sentence).to_string();
        pen.line(line)?;
        for store in &self.stores {
            if let Some(failure) = &store.failure {
                let line = format!(
                    "The collection of {} does not get to its end: {failure}",
                    store.name
                );
                let line = pen.styled(Style::Bad, line).to_string();
                pen.line(line)?;
            }
        }
        if self.meta_damaged {
            let line =
                "meta.db is damaged: whether a daemon gets so far is said by `coroner triage`.";
            let line = pen.styled(Style::Bad, line).to_string();
            pen.line(line)?;
        }
        pen.gap()?;
        self.about.text(pen)?;
        self.judged.text(pen)?;
        list("Deleted", &self.deleted, pen)?;
        list("Left, though nothing names it", &self.left, pen)?;
        list("Undecided", &self.undecided, pen)?;
        if let Some(kept) = &self.kept {
            list("Kept", kept, pen)?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let failed =
            self.failure.is_some() || self.stores.iter().any(|store| store.failure.is_some());
        let exit = if failed { Exit::FINDINGS } else { Exit::CLEAN };
        exit | Exit::of_unknown(&self.unknown)
    }
}
