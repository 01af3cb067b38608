//! `coroner repair purge`: what the quarantines keep, and deleting those that are named.

use std::io;
use std::path::Path;

use cli::{Answer, Exit, Failure, Out, Outcome, Pen, PlaceArgs};
use evidence::{Evidence, Options};
use finding::size_text;
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
                "The quarantine of the repair {} was deleted ({}). That repair cannot be undone any more.",
                one.plan,
                size_text(one.bytes)
            ))?;
        }
        if self.kept.is_empty() {
            return pen.line("There is no quarantine: no repair keeps anything here.");
        }
        pen.heading("Quarantines, the oldest first:")?;
        for one in &self.kept {
            let made = one.made_at.as_deref().unwrap_or("a time that is not known");
            pen.line(format_args!(
                "  {}  {}, planned at {made}, {}",
                one.plan,
                one.state,
                size_text(one.bytes)
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
            "`coroner repair purge NODE --delete PLAN` deletes the quarantine of that repair. It may hold the only copy of a file: look at the node first. A repair can be undone only as long as its quarantine is there.",
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
