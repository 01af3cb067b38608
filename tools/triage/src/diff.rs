//! `coroner triage diff A.json B.json`: what is new, gone and changed between two triages.

use std::io;
use std::path::PathBuf;

use cli::{Answer, Exit, Out, Outcome, Pen};
use compared::{Difference, Taken};
use serde::Serialize;

use crate::baseline::{entries, one, read_taken};
use crate::fail_on::FailOn;

/// Arguments of `coroner triage diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner triage --format json / -o monday.json
  coroner triage diff monday.json tuesday.json
  coroner triage diff <(ssh a coroner triage --format json /) <(ssh b coroner triage --format json /)")]
pub(crate) struct Args {
    /// The older triage, as `coroner triage --format json` wrote it
    #[arg(value_name = "A.json")]
    a: PathBuf,
    /// The newer one
    #[arg(value_name = "B.json")]
    b: PathBuf,
    /// From which severity on what is new or worse counts for the exit code
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    fail_on: FailOn,
}

/// One of the two.
#[derive(Debug, Serialize)]
struct Side {
    file: String,
    evidence: String,
    now: String,
    findings: usize,
}

#[derive(Debug, Serialize)]
struct Compared {
    a: Side,
    b: Side,
    #[serde(flatten)]
    difference: Difference,
    #[serde(skip)]
    fail_on: FailOn,
}

fn side(taken: &Taken) -> Side {
    Side {
        file: taken.file.clone(),
        evidence: taken.evidence.clone(),
        now: taken.now.clone(),
        findings: taken.findings.len().saturating_add(taken.more.len()),
    }
}

pub(crate) fn run(args: &Args, out: &mut Out) -> Outcome {
    cli::lock_down(&[]);
    let (a, b) = (read_taken(&args.a)?, read_taken(&args.b)?);
    out.answer(&Compared {
        a: side(&a),
        b: side(&b),
        difference: Difference::between(&a, &b),
        fail_on: args.fail_on,
    })
}

impl Answer for Compared {
    const SCHEMA: &'static str = "triage-diff/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (name, side) in [("A", &self.a), ("B", &self.b)] {
            let Side {
                file,
                evidence,
                now,
                findings,
            } = side;
            let line = format!(
                "{file}: {evidence}, as of {now}, {}",
                finding::Count(*findings, "finding")
            );
            pen.paragraph(&format!("{name}  "), &line)?;
        }
        if self.a.evidence != self.b.evidence {
            pen.paragraph(
                "",
                "The two were taken of evidence with different names: whether it is one node is not known.",
            )?;
        }
        let difference = &self.difference;
        pen.paragraph("", &format!("{}.", difference.counts()))?;
        entries("New in B", &difference.new, pen)?;
        if !difference.changed.is_empty() {
            pen.gap()?;
            pen.heading("Changed")?;
            for changed in &difference.changed {
                let severity = format!("{} -> {}  ", changed.was, changed.now.severity);
                one(&changed.now, &severity, pen)?;
            }
        }
        entries("Gone in B", &difference.gone, pen)?;
        let heading = "Cannot be judged in B (not found is not gone)";
        entries(heading, &difference.unjudged, pen)
    }

    fn exit(&self) -> Exit {
        let unjudged = if self.difference.unjudged.is_empty() {
            Exit::CLEAN
        } else {
            Exit::UNREAD
        };
        self.fail_on.exit(self.difference.worse()) | unjudged
    }
}
