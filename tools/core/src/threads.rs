//! `coroner core threads`

use std::io;

use cli::{Answer, Exit, Out, Outcome, Pen, Table};
use elfcore::Registers;
use finding::{Text, Unknown};
use serde::Serialize;

use crate::file::CoreArgs;
use crate::open::Files;

/// A thread.
#[derive(Serialize)]
struct Row {
    tid: u64,
    signal: u16,
    /// The runtime's number of it.
    m: Option<u64>,
    /// The goroutine that it runs.
    goroutine: Option<u64>,
    /// Where it is: a function of Go, or a file and an offset in it.
    at: Option<String>,
    registers: Registers,
}

#[derive(Serialize)]
struct Listing {
    source: Text,
    threads: Vec<Row>,
    unknown: Vec<Unknown>,
    #[serde(skip)]
    registers: bool,
}

pub(crate) fn run(args: &CoreArgs, registers: bool, out: &mut Out) -> Outcome {
    let files = Files::open(args)?;
    let image = files.image();
    let mut unknown = files.unknown();
    let go = match files.go(&image) {
        Ok(go) => Some(go),
        Err(failure) => {
            unknown.push(Unknown::new("the goroutines", failure.message));
            None
        }
    };
    let tied = go.as_ref().map(|go| files.threads(go)).unwrap_or_default();
    let rows = files.headers.threads.iter().map(|thread| {
        let link = tied.found.get(&thread.tid);
        let pc = thread.registers.pc();
        let function = go.as_ref().and_then(|go| go.function(pc));
        Row {
            tid: thread.tid,
            signal: thread.signal,
            m: link.map(|(m, _)| *m),
            goroutine: link.and_then(|(_, goroutine)| *goroutine),
            at: function
                .map(|name| name.to_string())
                .or_else(|| in_file(&files, pc)),
            registers: thread.registers.clone(),
        }
    });
    let threads: Vec<Row> = rows.collect();
    if threads.is_empty() {
        unknown.push(Unknown::new(
            "the threads",
            "the core has no notes: its end is missing",
        ));
    }
    out.answer(&Listing {
        source: files.core.name.clone(),
        threads,
        unknown,
        registers,
    })
}

/// The mapped file that holds an address.
fn in_file(files: &Files, pc: u64) -> Option<String> {
    let file = files
        .headers
        .files
        .iter()
        .find(|file| file.start <= pc && pc < file.end)?;
    let offset = pc.saturating_sub(file.start).saturating_add(file.offset);
    Some(format!("{}+{offset:#x}", file.path))
}

impl Answer for Listing {
    const SCHEMA: &'static str = "core-threads/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let mut table = Table::new(&[">tid", "signal", ">m", ">goroutine", "pc", "at"]);
        let number =
            |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |it| it.to_string());
        for row in &self.threads {
            table.cells(vec![
                row.tid.to_string(),
                row.signal.to_string(),
                number(row.m),
                number(row.goroutine),
                format!("{:#x}", row.registers.pc()),
                row.at.clone().unwrap_or_else(|| "-".to_owned()),
            ]);
        }
        pen.table(&table)?;
        if self.registers {
            for row in &self.threads {
                pen.gap()?;
                pen.heading(format_args!("thread {}", row.tid))?;
                for (name, value) in row.registers.all() {
                    pen.line(format_args!("  {name:<8} {value:#018x}"))?;
                }
            }
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
