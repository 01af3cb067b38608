//! `coroner core take`

use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use cli::{Answer, Exit, Failure, NewFile, Out, Outcome, Pen, size};
use finding::{Draft, Text, Unknown, program};
use goruntime::{Note, Small, Verdict};
use serde::Serialize;

use crate::pid::with;

pub(crate) const EXAMPLES: &str = "Examples:
  coroner core take --pid 4711 -o shim.core
  coroner core take --pid 4711 -o shim.core.zst      packed while it is written
  coroner core goroutines shim.core.zst --exe /usr/bin/containerd-shim-runc-v2

The process is neither stopped nor signalled. The core is a plain ELF core, which gdb and delve open
too; it holds stacks and variables, so it is readable by you alone. The environment is left out.";

/// Level of zstd.
const LEVEL: i32 = 3;

/// Arguments of `core take`.
#[derive(Debug, clap::Args)]
pub(crate) struct TakeArgs {
    /// The process: containerd, a shim, any program of Go's
    #[arg(long, value_name = "N")]
    pid: u32,
}

/// What was taken.
#[derive(Debug, Serialize)]
pub struct Taken {
    /// The process.
    pub process: u32,
    /// Its program.
    pub program: Text,
    /// The core.
    pub core: Text,
    /// Its bytes in memory: those that a core which is not packed has.
    pub bytes: u64,
    /// Goroutines by how they were read.
    pub settled: usize,
    /// Those that ran, and so have no stack.
    pub running: usize,
    /// Those that changed each time that they were read.
    pub moving: usize,
    /// What was left out.
    pub left_out: Vec<String>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(args: &TakeArgs, out: &mut Out) -> Outcome {
    let Some(path) = out.take_output() else {
        return Err(Failure::usage("no file was named for the core").hint("name it with -o FILE"));
    };
    let taken = take(args.pid, &path)?;
    out.answer(&taken)
}

/// Takes a core of a process into a new file.
///
/// # Errors
/// The process cannot be read, or the file not be written.
pub fn take(pid: u32, path: &Path) -> Result<Taken, Failure> {
    let new = NewFile::at(path)?;
    let is_packed = path.extension().is_some_and(|ending| ending == "zst");
    let (small, program) = small(pid)?;
    let failed = |error: io::Error| {
        Failure::unread(format!(
            "{}: {error}",
            finding::Escaped(path.as_os_str().as_encoded_bytes())
        ))
    };
    let mut counted = Counted {
        // Not buffered: pages of zeros become holes.
        to: new.writer(),
        count: 0,
    };
    let bytes = if is_packed {
        let mut packer = zstd::Encoder::new(&mut counted, LEVEL).map_err(failed)?;
        let mut inner = Counted {
            to: &mut packer,
            count: 0,
        };
        small.core.write(&mut inner).map_err(failed)?;
        let bytes = inner.count;
        packer.finish().map_err(failed)?;
        bytes
    } else {
        small.core.write(&mut counted).map_err(failed)?;
        counted.count
    };
    counted.to.flush().map_err(failed)?;
    drop(counted);
    new.put_with(0o600)?;
    Ok(told(pid, program, path, bytes, &small.note))
}

/// The core in memory, and the path of the program.
fn small(pid: u32) -> Result<(Small, Text), Failure> {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = time.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    let (small, program) = with(pid, move |attached| (attached.small(time), attached.path()))?;
    let small = small.map_err(|why| Failure::unread(format!("process {pid}: {why}")))?;
    Ok((small, program))
}

fn told(pid: u32, program: Text, path: &Path, bytes: u64, note: &Note) -> Taken {
    let count = |verdict: Verdict| {
        let all = note.goroutines.iter();
        all.filter(|one| one.1 == verdict).count()
    };
    let moving = count(Verdict::Moving);
    let mut unknown = Vec::new();
    if moving > 0 {
        unknown.push(Unknown::new(
            crate::goroutines::stacks(moving),
            "they ran in between each time that they were read",
        ));
    }
    Taken {
        process: pid,
        program,
        core: Text::from(path.as_os_str().as_encoded_bytes()),
        bytes,
        settled: count(Verdict::Settled),
        running: count(Verdict::Runs),
        moving,
        left_out: note.left_out.clone(),
        unknown,
    }
}

/// Counts what it passes on.
struct Counted<W> {
    to: W,
    count: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.count = self.count.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Answer for Taken {
    const SCHEMA: &'static str = "core-take/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.line(format_args!(
            "{}: {} of process {} ({}), {} goroutines",
            self.core,
            size(self.bytes),
            self.process,
            self.program,
            self.settled
                .saturating_add(self.running)
                .saturating_add(self.moving)
        ))?;
        if self.running > 0 {
            pen.line(format_args!(
                "{} of them ran, and have no stack in it",
                self.running
            ))?;
        }
        pen.line(format_args!("Left out: {}", self.left_out.join("; ")))?;
        let next = Draft::new(program::CORONER).words(&["core", "deadlocks"]);
        let next = next.value("--exe", self.program.clone());
        if let Some(command) = next.operand(self.core.clone()).command() {
            pen.heading("Next")?;
            pen.verbatim(format_args!("  {command}"))?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
