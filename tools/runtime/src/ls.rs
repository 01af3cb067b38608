//! `coroner runtime ls`

use std::io;

use cli::{Again, Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Table, age};
use finding::{Text, Time, Unknown};
use serde::Serialize;
use tasks::{Parts, Task, judged, parts, unknown};

use crate::live::has_node;

/// What files alone tell of a container that was let go.
const STARTED: &str = "started";

/// How many damaged files the text names.
const SHOWN: usize = 8;

#[derive(Serialize)]
struct Listing {
    now: Time,
    containers: Vec<Task>,
    /// Containers that meta.db has and that no runtime and no bundle knows: those that have ended, too.
    without_task: usize,
    unknown: Vec<Unknown>,
    /// State files of those listed that are damaged or could not be read: their state is of what is left.
    damaged: Vec<Unknown>,
    /// The node as it was given, where its processes are known.
    #[serde(skip)]
    again: Option<Again>,
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
    let parts = parts(&node);
    let is_left = |(key, part): &(&(Option<Text>, Text), &Parts<'_>)| {
        wanted(&key.0) && !all && !part.is_task() && part.recorded == Some(true)
    };
    if parts.is_empty() {
        has_node(&case)?;
    }
    let listed = |(key, part): &(&(Option<Text>, Text), &Parts<'_>)| {
        wanted(&key.0) && (all || part.is_task())
    };
    let damaged = parts.iter().filter(listed);
    let damaged = damaged.filter_map(|(_, part)| part.damaged_state());
    let damaged = damaged.collect();
    let without_task = parts.iter().filter(is_left).count();
    let containers = parts
        .iter()
        .filter(listed)
        .map(|(key, part)| part.task(key).judged(&judged))
        .collect();
    out.answer(&Listing {
        now: node.now,
        containers,
        without_task,
        unknown: unknown(&node),
        damaged,
        again: case.processes.as_ref().map(|_| case.again().clone()),
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
            "~for",
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
                // Files tell that it was started; whether it still runs, only its processes.
                if task.state == STARTED {
                    format!("was {STARTED}")
                } else {
                    task.state.to_owned()
                },
                task.since.map_or_else(dash, |since| age(since, self.now)),
                if task.state == STARTED {
                    "whether it runs is not known".to_owned()
                } else {
                    task.sure.word().to_owned()
                },
                task.pid.map_or_else(dash, |pid| pid.to_string()),
                task.cri.map_or_else(dash, |state| state.to_string()),
                text(&task.container),
                text(&task.pod),
            ]);
        }
        if table.is_empty() {
            pen.line("No runtime and no bundle knows a container.")?;
        } else {
            pen.table(&table)?;
        }
        if self.without_task > 0 {
            pen.line(format_args!(
                "Not listed: {} that meta.db has and that {} no task (`--all`).",
                finding::Count(self.without_task, "container"),
                if self.without_task == 1 {
                    "has"
                } else {
                    "have"
                }
            ))?;
        }
        for Unknown { what, why } in self.damaged.iter().take(SHOWN) {
            pen.paragraph(
                "",
                &format!("{what}: {why}. What is said of this container is of what is left."),
            )?;
        }
        match self.damaged.len().saturating_sub(SHOWN) {
            0 => {}
            more => pen.line(format_args!("{more} more state files are damaged."))?,
        }
        pen.incomplete(&self.unknown)?;
        let Some(again) = &self.again else {
            return Ok(());
        };
        let stuck: (&[&str], &str) = (
            &["runtime", "stuck"],
            "says which of them hang, why, and what is safe to do",
        );
        again.write_next(pen, &[stuck])
    }

    fn exit(&self) -> Exit {
        let exit = Exit::of_unknown(&self.unknown);
        if self.damaged.is_empty() {
            exit
        } else {
            exit | Exit::FINDINGS
        }
    }
}
