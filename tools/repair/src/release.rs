//! `coroner repair release`: what recovery leases hold, and a plan that gives back what is named.

use std::io;
use std::path::PathBuf;

use cli::{Answer, Case, EvidenceArgs, Exit, Failure, Out, Outcome, Pen};
use finding::{Command, Text, size_text};
use node::{Node, Options};
use repair::{HeldThing, Tree, held};
use serde::Serialize;

use crate::saving::saving;
use crate::{FromArgs, PlanArgs, PlanFile, request};

/// What `release` lists.
#[derive(Serialize)]
struct Listed {
    held: Vec<HeldThing>,
    #[serde(skip)]
    node: PathBuf,
}

impl Listed {
    /// What copies the files of a snapshot out of the node: a blob has its own name.
    fn saving(&self, number: usize, name: &str) -> Option<Command> {
        let (namespace, rest) = name.split_once('/')?;
        let (_, key) = rest.split_once('/')?;
        let node = Text::from(self.node.as_os_str().as_encoded_bytes());
        let folder = format!("saved-{number}");
        saving(node, &format!("{namespace}/{key}"), &folder)
    }
}

impl Answer for Listed {
    const SCHEMA: &'static str = "repair-release/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if self.held.is_empty() {
            return pen.line("No recovery lease holds anything here.");
        }
        pen.heading("Held by recovery leases. The next collection deletes what is released, unless something else refers to it:")?;
        for (number, one) in self.held.iter().enumerate() {
            let size = one
                .bytes
                .map_or_else(|| "size not known".to_owned(), size_text);
            let place = one
                .directory
                .as_ref()
                .map_or_else(String::new, |at| format!(", {at}"));
            pen.line(format_args!("  {}  ({size}{place})", one.name))?;
            if let Some(command) = self.saving(number.saturating_add(1), &one.name) {
                pen.verbatim(format_args!("    # {command}"))?;
            }
        }
        pen.gap()?;
        pen.paragraph(
            "Next      ",
            "First copy out what may be needed: the command below each snapshot writes its files into a folder. Then `coroner repair release NODE --give-back NAME -o plan.json` makes a plan that releases NAME, and `coroner repair apply plan.json` carries that plan out.",
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
    let place =
        std::fs::canonicalize(&evidence.evidence).unwrap_or_else(|_| evidence.evidence.clone());
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
        node: place,
        held: held(&case.evidence, &node, &tree),
    })
}
