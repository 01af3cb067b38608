//! `coroner repair draft`: a corrected file of the configuration.

use std::io;

use cli::{Answer, EvidenceArgs, Exit, Failure, Out, Outcome, Pen};
use repair::plan::HandEdit;
use serde::Serialize;

use crate::{FromArgs, PlanArgs, request};

/// A corrected file, secrets and all.
#[derive(Serialize)]
struct Drafted {
    file: String,
    why: Vec<String>,
    decide: Vec<String>,
    text: String,
}

impl Answer for Drafted {
    const SCHEMA: &'static str = "repair-draft/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.writer().write_all(self.text.as_bytes())
    }

    fn exit(&self) -> Exit {
        if self.decide.is_empty() {
            Exit::CLEAN
        } else {
            Exit::FINDINGS
        }
    }
}

pub(crate) fn run(
    evidence: EvidenceArgs,
    file: Option<&str>,
    daemon: Option<String>,
    out: &mut Out,
) -> Outcome {
    let plan = request::plan(
        &PlanArgs {
            evidence,
            from: FromArgs {
                daemon,
                ..FromArgs::default()
            },
            released: Vec::new(),
        },
        out,
    )?;
    let corrected = |draft: &&HandEdit| draft.text.is_some();
    let mut all: Vec<&HandEdit> = plan.drafts.iter().filter(corrected).collect();
    if let Some(file) = file {
        all.retain(|draft| draft.of == file);
    }
    match all.as_slice() {
        [one] => out.answer(&Drafted {
            file: one.of.clone(),
            why: one.why.clone(),
            decide: one.decide.clone(),
            text: one.text.clone().unwrap_or_default(),
        }),
        [] => Err(Failure::usage("no file of the configuration is corrected")
            .hint("coroner repair NODE shows what has to be decided by a person, if anything has")),
        more => {
            let names: Vec<&str> = more.iter().map(|one| one.of.as_str()).collect();
            Err(
                Failure::usage(format!("{} files are corrected", more.len()))
                    .hint(format!("name one with --file: {}", names.join(", "))),
            )
        }
    }
}
