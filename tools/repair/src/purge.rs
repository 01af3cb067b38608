//! `coroner repair purge`: what the quarantines keep, and deleting those that are named.

use std::io;
use std::path::Path;

use cli::{Answer, Exit, Failure, Out, Outcome, Pen, PlaceArgs};
use evidence::{Evidence, Options};
use repair::{Failed, Kept, Store};
use serde::Serialize;

use crate::{apply, request};

/// What `purge` answers.
#[derive(Serialize)]
struct Purged {
    kept: Vec<Kept>,
    deleted: Vec<Kept>,
}

impl Answer for Purged {
    const SCHEMA: &'static str = "repair-purge/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for one in &self.deleted {
            pen.line(format_args!(
                "The quarantine of {} was deleted: {} bytes. It cannot be undone any more.",
                one.plan, one.bytes
            ))?;
        }
        if self.kept.is_empty() {
            return pen.line("No quarantine is left here.");
        }
        pen.heading("Quarantines, the oldest first:")?;
        for one in &self.kept {
            let made = one.made_at.as_deref().unwrap_or("a time that is not known");
            pen.line(format_args!(
                "  {}  {}, planned at {made}, {} bytes",
                one.plan, one.state, one.bytes
            ))?;
            for path in one.what.iter().take(5) {
                pen.line(format_args!("    {}", finding::Escaped(path.as_bytes())))?;
            }
            if one.what.len() > 5 {
                pen.line(format_args!(
                    "    and {} more",
                    one.what.len().saturating_sub(5)
                ))?;
            }
        }
        pen.gap()?;
        pen.paragraph(
            "Next      ",
            "coroner repair purge NODE --delete PLAN deletes one. What it holds may be the only copy: look at the node first, and keep a finished one for as long as an undo may be wanted.",
        )
    }

    fn exit(&self) -> Exit {
        if self.deleted.is_empty() {
            Exit::CLEAN
        } else {
            Exit::REPAIRED
        }
    }
}

pub(crate) fn run(node: &Path, places: &PlaceArgs, delete: &[String], out: &mut Out) -> Outcome {
    let evidence = Evidence::open(node, &Options::default())
        .map_err(|error| Failure::unread(format!("{} {}", error.path, error.why)))?;
    let roots = request::roots(&evidence, places)?;
    let store = Store::open(node, &roots.root, true).map_err(apply::failure)?;
    let mut deleted = Vec::new();
    for plan in delete {
        deleted.push(store.purge(plan).map_err(apply::failure)?);
    }
    let kept = store
        .kept()
        .map_err(|error| apply::failure(Failed::Io(error)))?;
    out.answer(&Purged { kept, deleted })
}
