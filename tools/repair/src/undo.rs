//! `coroner repair undo`.

use std::io;
use std::path::Path;

use cli::{Answer, Exit, Failure, Out, Outcome, Pen, PlaceArgs};
use evidence::{Evidence, Options};
use repair::{Done, Failed, Store};
use serde::Serialize;

use crate::{apply, request};

/// What `undo` answers.
#[derive(Serialize)]
struct Undone {
    plan: Option<String>,
}

impl Answer for Undone {
    const SCHEMA: &'static str = "repair-undo/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        match &self.plan {
            Some(plan) => pen.line(format_args!(
                "The repair {plan} was undone: the stores are as they were before the repair."
            )),
            None => pen.line("No repair is in effect here: nothing was done."),
        }
    }

    fn exit(&self) -> Exit {
        if self.plan.is_some() {
            Exit::REPAIRED
        } else {
            Exit::CLEAN
        }
    }
}

pub(crate) fn run(
    node: &Path,
    places: &PlaceArgs,
    anyway: bool,
    copy: bool,
    out: &mut Out,
) -> Outcome {
    let evidence = Evidence::open(node, &Options::default())
        .map_err(|error| Failure::unread(format!("{} {}", error.path, error.why)))?;
    let roots = request::roots(&evidence, places)?;
    if copy && apply::is_own_root(node) {
        return Err(apply::not_a_copy());
    }
    let store = Store::open(node, &roots.root, copy).map_err(apply::failure)?;
    let done = store.undo(anyway).map_err(apply::failure)?;
    let plan = match done {
        Done::Undone { plan } => Some(plan),
        Done::NothingToUndo => None,
        Done::Applied { .. } | Done::AlreadyApplied => {
            return Err(apply::failure(Failed::Io(io::Error::other(
                "it was applied",
            ))));
        }
    };
    out.answer(&Undone { plan })
}
