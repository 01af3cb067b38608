//! What `coroner bolt surgery` says to people.

use std::io;

use bolt::{PageId, TreeState};
use cli::{Answer, Exit, Pen, Table};

use super::{Operated, State};
use crate::salvage::{REFUSED, Start};

pub(super) const fn word(state: TreeState) -> &'static str {
    match state {
        TreeState::Whole => "whole",
        TreeState::Damaged => "damaged",
        TreeState::None => "none",
    }
}

/// A field of a meta, for people.
fn number(field: &str, value: u64) -> String {
    match field {
        "freelist" if value == PageId::NO_FREELIST.0 => "none".to_owned(),
        "magic" | "checksum" | "page header" => format!("{value:#x}"),
        _ => value.to_string(),
    }
}

impl Answer for Operated {
    const SCHEMA: &'static str = "bolt-surgery/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let mut table = Table::new(&["", "before", "after", "because"]);
        for change in &self.changes {
            let before = change.before.map(|before| number(change.field, before));
            table.cells(vec![
                format!("meta {} {}", change.meta, change.field),
                before.unwrap_or_else(|| "not there".to_owned()),
                number(change.field, change.after),
                change.why.to_owned(),
            ]);
        }
        pen.table(&table)?;
        if let Some(free) = self.free_pages {
            pen.line(format_args!("The new freelist names {free} pages."))?;
        }
        pen.gap()?;
        let mut table = Table::new(&["", "before", "after"]);
        let (before, after) = (&self.before, &self.after);
        let metas = |state: &State| {
            let slots: Vec<String> = state.valid_metas.iter().map(u64::to_string).collect();
            if slots.is_empty() {
                "none".to_owned()
            } else {
                slots.join(", ")
            }
        };
        let txid = |state: &State| {
            state
                .transaction
                .map_or("none".to_owned(), |txid| txid.to_string())
        };
        table.cells(vec!["valid metas".to_owned(), metas(before), metas(after)]);
        table.cells(vec!["transaction".to_owned(), txid(before), txid(after)]);
        let trees = [before.tree, after.tree].map(|state| word(state).to_owned());
        let [one, other] = trees;
        table.cells(vec!["tree".to_owned(), one, other]);
        let trees = [before.previous_tree, after.previous_tree].map(|state| word(state).to_owned());
        let [one, other] = trees;
        table.cells(vec!["tree before it".to_owned(), one, other]);
        table.cells(vec![
            "faults".to_owned(),
            before.faults.to_string(),
            after.faults.to_string(),
        ]);
        pen.table(&table)?;
        pen.gap()?;
        if let Some(file) = &self.new {
            pen.line(format_args!(
                "New      {file}; its structure is valid, which does not show that nothing is lost"
            ))?;
        }
        if let Some(start) = &self.start {
            start.write_start(self.new.is_some(), self.refused, pen)?;
        }
        match (&self.new, self.refused) {
            (Some(_), _) => Ok(()),
            (None, true) => pen.paragraph("", REFUSED),
            (None, false) => pen.line("Nothing was written: -o NEW does it."),
        }
    }

    fn exit(&self) -> Exit {
        let is_destructive = self.start.as_ref().is_some_and(Start::is_destructive);
        if self.after.faults == 0 && !is_destructive {
            Exit::CLEAN
        } else {
            Exit::FINDINGS
        }
    }
}
