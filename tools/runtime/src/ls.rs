//! `coroner runtime ls`

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Table, age};
use finding::{Text, Time, Unknown};
use serde::Serialize;

use crate::Task;
use crate::live::judged;
use crate::task::{parts, unknown};

#[derive(Serialize)]
struct Listing {
    now: Time,
    containers: Vec<Task>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(
    namespace: Option<&str>,
    all: bool,
    args: &EvidenceArgs,
    out: &mut Out,
) -> Outcome {
    let case = Case::open_live(args, process::Depth::Diagnosis)?;
    let node = case.node()?;
    let judged = judged(&node);
    let wanted = |name: &Option<Text>| {
        namespace.is_none_or(|wanted| name.as_ref().is_some_and(|name| *name == *wanted))
    };
    let containers = parts(&node)
        .iter()
        .filter(|(key, part)| wanted(&key.0) && (all || part.is_task()))
        .map(|(key, part)| part.task(key).judged(&judged))
        .collect();
    out.answer(&Listing {
        now: node.now,
        containers,
        unknown: unknown(&node),
    })
}

impl Answer for Listing {
    const SCHEMA: &'static str = "runtime-ls/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let dash = || "-".to_owned();
        let text = |text: &Option<Text>| text.as_ref().map_or_else(dash, ToString::to_string);
        let mut table = Table::new(&[
            "namespace",
            "!id",
            "!state",
            "~since",
            "~known",
            "~>pid",
            "~cri",
            "!container",
            "!pod",
        ]);
        for task in &self.containers {
            table.cells(vec![
                text(&task.namespace),
                task.id.to_string(),
                task.state.to_owned(),
                task.since.map_or_else(dash, |since| age(since, self.now)),
                task.sure.word().to_owned(),
                task.pid.map_or_else(dash, |pid| pid.to_string()),
                task.cri.map_or_else(dash, |state| state.to_string()),
                text(&task.container),
                text(&task.pod),
            ]);
        }
        pen.table(&table)?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
