//! `coroner logs --all`: every line, in one order.

use std::io;

use cli::{Answer, Exit, Out, Outcome, Pen};
use finding::{Escaped, Text, Time};
use logs::{Gathered, Level, Line, Program};
use serde::Serialize;

use crate::sources::Read;

/// A line, as JSON has it.
#[derive(Serialize)]
pub(crate) struct Told {
    pub(crate) time: Option<Time>,
    pub(crate) program: Program,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<u32>,
    pub(crate) level: Level,
    pub(crate) text: Text,
    /// The lines that go on with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) more: Option<Text>,
    /// The file that it was read from.
    pub(crate) source: Option<String>,
    /// False if the journal's own hash contradicts it.
    pub(crate) is_sound: bool,
}

impl Told {
    pub(crate) fn from_line(line: &Line, gathered: &Gathered) -> Self {
        Self {
            time: line.time,
            program: line.program,
            unit: line.unit.as_deref().cloned(),
            pid: line.pid,
            level: line.level,
            text: line.text.clone(),
            more: (!line.more.is_empty()).then(|| Text::from(line.more.as_slice())),
            source: gathered
                .sources
                .get(line.source)
                .map(|source| source.path.clone()),
            is_sound: line.is_sound,
        }
    }

    /// As one line of a terminal.
    pub(crate) fn write_line(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let time = shown(self.time);
        let program = self.program.name();
        let pid = self.pid.map_or_else(String::new, |pid| format!("[{pid}]"));
        pen.line(format_args!("{time}  {program}{pid}: {}", self.text))?;
        if !self.is_sound {
            pen.line("    (the journal's hash contradicts this line: bytes of it have changed)")?;
        }
        if let Some(more) = &self.more {
            for line in more.bytes().split(|byte| *byte == b'\n') {
                if !line.is_empty() {
                    let line = Escaped(line).to_string().replace("\\x09", "    ");
                    pen.line(format_args!("    {line}"))?;
                }
            }
        }
        Ok(())
    }
}

/// A time in as many letters as any other.
pub(crate) fn shown(time: Option<Time>) -> String {
    let Some(time) = time else {
        return "?".repeat(23);
    };
    let millis = time.nanos.checked_div(1_000_000).unwrap_or(0);
    let seconds = Time::new(time.seconds, 0).to_string();
    format!("{}.{millis:03}", seconds.trim_end_matches('Z'))
}

#[derive(Serialize)]
struct Lines {
    lines: Vec<Told>,
    #[serde(flatten)]
    read: Read,
}

pub(crate) fn answer(gathered: &Gathered, out: &mut Out) -> Outcome {
    let lines = gathered
        .lines
        .iter()
        .map(|line| Told::from_line(line, gathered));
    out.answer(&Lines {
        lines: lines.collect(),
        read: Read::from_gathered(gathered),
    })
}

impl Answer for Lines {
    const SCHEMA: &'static str = "logs-lines/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for line in &self.lines {
            line.write_line(pen)?;
        }
        self.read.write_sources(pen)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.read.unread)
    }
}
