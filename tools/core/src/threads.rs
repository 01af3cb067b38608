//! `coroner core threads`

use std::io;

use cli::{Answer, Exit, Out, Outcome, Pen, Table};
use elfcore::Registers;
use finding::{Text, Unknown};
use goruntime::{Means, Native, NativeFrame};
use serde::Serialize;

use crate::file::CoreArgs;
use crate::open::Files;

pub(crate) const EXAMPLES: &str = "Examples:
  coroner core threads core.4711 --exe /usr/bin/containerd-shim-runc-v2
  coroner core threads core.4711 --stacks              frames of C and of Go, as each thread stands
  coroner core threads core.4711 --registers";

/// How much of each thread.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ThreadArgs {
    /// Registers, too
    #[arg(short, long)]
    registers: bool,
    /// The stack of each thread: frames of C by the unwind tables of the libraries, where the node still has
    /// those of the core, else by frame pointers; then those of Go
    #[arg(short, long)]
    stacks: bool,
}

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
    /// Its frames, the innermost first; and why there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<Stack>,
}

#[derive(Serialize)]
struct Stack {
    frames: Vec<NativeFrame>,
    end: String,
}

#[derive(Serialize)]
struct Listing {
    source: Text,
    threads: Vec<Row>,
    unknown: Vec<Unknown>,
    #[serde(skip)]
    registers: bool,
}

pub(crate) fn run(args: &CoreArgs, show: ThreadArgs, out: &mut Out) -> Outcome {
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
    let native = show.stacks.then(|| Native {
        memory: &image,
        arch: files.headers.arch,
        libraries: files.libraries(args, &image, &mut unknown),
        go: go.as_ref(),
    });
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
            stack: native.as_ref().map(|native| {
                let (frames, end) = native.stack(&thread.registers);
                Stack { frames, end }
            }),
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
        registers: show.registers,
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
        for row in &self.threads {
            if self.registers || row.stack.is_some() {
                pen.gap()?;
                pen.heading(format_args!("thread {}", row.tid))?;
            }
            if let Some(stack) = &row.stack {
                for frame in &stack.frames {
                    pen.line(format_args!("  {}", line(frame)))?;
                }
                pen.line(format_args!("  end: {}", stack.end))?;
            }
            for (name, value) in row.registers.all().filter(|_| self.registers) {
                pen.line(format_args!("  {name:<8} {value:#018x}"))?;
            }
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}

/// A frame as one line.
fn line(frame: &NativeFrame) -> String {
    let file = frame
        .file
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let offset = frame.offset.unwrap_or(0);
    let place = match &frame.function {
        Some(function) if frame.by == Means::Go => format!("{function}  {file}"),
        Some(function) => format!("{function}+{offset:#x}  {file}"),
        None if file.is_empty() => format!("{:#x}", frame.pc),
        None => format!("{file}+{offset:#x}"),
    };
    match frame.by {
        Means::FramePointer => format!("{place}  (by the frame pointer: not certain)"),
        _ => place,
    }
}
