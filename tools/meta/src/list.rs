//! `coroner meta ls`

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Failure, Out, Outcome, Pen, Table};
use finding::Unknown;
use node::Node;
use serde::Serialize;

use crate::Kind;
use crate::kind::{Listed, Objects};

#[derive(Serialize)]
struct Listing {
    #[serde(skip)]
    kind: Kind,
    objects: Vec<Listed>,
    unknown: Vec<Unknown>,
}

/// What of meta.db the node has, or why there is nothing to list.
pub(crate) fn objects(
    node: &Node,
    kind: Kind,
    namespace: Option<&str>,
) -> Result<Objects, Failure> {
    let Some(meta) = &node.meta.rows else {
        let lost = node.meta.lost();
        let why = lost.map(|unknown| format!("{} is unknown: {}", unknown.what, unknown.why));
        let is_gone = matches!(
            node.meta.state,
            node::DatabaseState::Unread(finding::Unread::Absent)
        );
        let hint = if is_gone {
            "`coroner repair NODE` says what comes back of it from the other stores, `coroner content ls NODE` lists \
             the blobs that are there"
        } else {
            "`coroner triage NODE` says what is wrong with it, `coroner bolt info FILE` shows its pages"
        };
        return Err(Failure::unread(why.unwrap_or_default()).hint(hint));
    };
    Ok(kind.read_objects(meta, |name| namespace.is_none_or(|wanted| *name == wanted)))
}

pub(crate) fn run(
    kind: Kind,
    namespace: Option<&str>,
    args: &EvidenceArgs,
    out: &mut Out,
) -> Outcome {
    let case = Case::open(args)?;
    let node = case.node()?;
    let Objects { objects, unknown } = objects(&node, kind, namespace)?;
    out.answer(&Listing {
        kind,
        objects,
        unknown,
    })
}

impl Answer for Listing {
    const SCHEMA: &'static str = "meta-ls/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let mut columns = vec!["namespace", "!name"];
        columns.extend(self.kind.columns());
        columns.push("~created");
        let mut table = Table::new(&columns);
        for Listed {
            object,
            cells: more,
            ..
        } in &self.objects
        {
            let damaged = if object.whole { "" } else { " (damaged)" };
            let mut cells = vec![
                object.namespace.to_string(),
                format!("{}{damaged}", object.name),
            ];
            cells.extend(more.iter().cloned());
            cells.push(
                object
                    .created
                    .map_or_else(|| "-".to_owned(), |time| time.to_string()),
            );
            table.cells(cells);
        }
        pen.table(&table)?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
