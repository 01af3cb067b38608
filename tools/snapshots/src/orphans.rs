//! `coroner snapshots orphans`: what nothing owns any more, how much it takes, and how that is
//! known.

use std::io;

use audit::Orphans;
use cli::{Answer, EvidenceArgs, Exit, Out, Outcome, Pen, Style, size};
use finding::Abstention;
use measure::Control;
use serde::Serialize;

use crate::pick;

#[derive(Serialize)]
struct Answered(Orphans);

pub(crate) fn run(args: &EvidenceArgs, out: &mut Out) -> Outcome {
    let (case, node) = pick::open(args)?;
    let cancel = out.cancel();
    let control = Control {
        cancel: &cancel,
        ..Control::default()
    };
    out.answer(&Answered(Orphans::find_orphans(
        &case.evidence,
        &node,
        &control,
    )))
}

impl Answer for Answered {
    const SCHEMA: &'static str = "snapshots-orphans/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let mut last = None;
        for one in &self.0.all {
            if last.replace(one.lacks) != Some(one.lacks) {
                pen.heading(one.lacks.title())?;
            }
            let id = one.id.map_or_else(String::new, |id| format!("/{id}"));
            let key = one
                .key
                .as_ref()
                .map_or_else(String::new, |key| format!("  {key}"));
            let takes = match &one.usage {
                Some(usage) => format!(
                    "  {}, {} inodes",
                    size(usage.size.unwrap_or(usage.apparent)),
                    usage.inodes
                ),
                None => String::new(),
            };
            pen.line(format_args!("  {}{id}{key}{takes}", one.snapshotter))?;
            for fact in &one.proof {
                pen.paragraph("    - ", fact)?;
            }
            if let Some(path) = &one.path {
                pen.line(format_args!("    at {path}"))?;
            }
            pen.line(format_args!("    then: {}", one.fate))?;
        }
        let total = self.0.all.iter().filter_map(|one| {
            let usage = one.usage.as_ref()?;
            Some(usage.size.unwrap_or(usage.apparent))
        });
        let total = total.fold(0, u64::saturating_add);
        if !self.0.all.is_empty() {
            pen.gap()?;
        }
        let line = match self.0.all.len() {
            0 if self.0.abstained.is_empty() && self.0.unknown.is_empty() => {
                "There are no orphans.".to_owned()
            }
            0 => "No orphan is known.".to_owned(),
            1 => format!("1 orphan, {}.", size(total)),
            count => format!("{count} orphans, {} together.", size(total)),
        };
        let style = if self.0.all.is_empty() {
            Style::Plain
        } else {
            Style::Warning
        };
        pen.line(pen.styled(style, line).to_string())?;
        if !self.0.abstained.is_empty() {
            pen.gap()?;
            pen.heading("Not judged: what is there may be no orphan")?;
            for Abstention { code, because } in &self.0.abstained {
                pen.paragraph("  ", &format!("{code}: {because}"))?;
            }
        }
        pen.incomplete(&self.0.unknown)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::of_unknown(&self.0.unknown);
        if !self.0.abstained.is_empty() {
            exit |= Exit::UNREAD;
        }
        if !self.0.all.is_empty() {
            exit |= Exit::FINDINGS;
        }
        exit
    }
}
