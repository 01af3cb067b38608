//! `coroner repair release`: what recovery leases hold, and a plan that gives back what is named.

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Failure, Out, Outcome, Pen};
use node::{Node, Options};
use repair::{HeldThing, Tree, held};
use serde::Serialize;

use crate::{FromArgs, PlanArgs, PlanFile, request};

/// What `release` lists.
#[derive(Serialize)]
struct Listed {
    held: Vec<HeldThing>,
}

impl Answer for Listed {
    const SCHEMA: &'static str = "repair-release/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if self.held.is_empty() {
            return pen.line("No recovery lease holds anything here.");
        }
        pen.heading("Held by recovery leases. What is given back is deleted by the next collection, unless something else holds it:")?;
        for one in &self.held {
            let size = one.bytes.map_or_else(
                || "size not known".to_owned(),
                |bytes| format!("{bytes} bytes"),
            );
            let place = one
                .directory
                .as_ref()
                .map_or_else(String::new, |at| format!(", {at}"));
            pen.line(format_args!("  {}  ({size}{place})", one.name))?;
        }
        pen.gap()?;
        pen.paragraph(
            "Next      ",
            "First copy out what may be needed: `coroner snapshots extract` writes the files of a snapshot. Then `coroner repair release NODE --give-back NAME -o plan.json` makes a plan that gives it back, and `coroner repair apply plan.json` does it.",
        )
    }

    fn exit(&self) -> Exit {
        Exit::CLEAN
    }
}

pub(crate) fn run(
    evidence: EvidenceArgs,
    give_back: Vec<String>,
    daemon: Option<String>,
    out: &mut Out,
) -> Outcome {
    if !give_back.is_empty() {
        let from = FromArgs {
            daemon,
            ..FromArgs::default()
        };
        let args = PlanArgs {
            evidence,
            from,
            released: give_back,
        };
        let plan = request::plan(&args, out)?;
        return out.answer(&PlanFile(plan));
    }
    let case = Case::open(&evidence)?;
    let roots = case.roots.first().cloned();
    let roots = roots.ok_or_else(|| Failure::unread("no node was found in the evidence"))?;
    let path = roots.root.join(node::META_DIR).join("meta.db");
    let node = Node::open(&case.evidence, roots, Options::default());
    let source = case
        .evidence
        .source(&path, 1 << 30)
        .map_err(|why| Failure::unread(format!("meta.db {why}")))?;
    let tree = Tree::of_bytes(source.bytes()).ok_or_else(|| {
        Failure::unread("meta.db cannot be read whole").hint("coroner repair NODE")
    })?;
    out.answer(&Listed {
        held: held(&case.evidence, &node, &tree),
    })
}
