//! `coroner core env`, `coroner core strings`

use std::io;

use cli::{Answer, Exit, Out, Outcome, Pen};
use elfcore::{Arguments, Bytes};
use finding::{Text, Unknown};
use serde::Serialize;

use crate::file::CoreArgs;
use crate::open::Files;

/// Bytes of a string that are shown.
const LONG: usize = 4096;
/// Bytes of memory that are searched at once.
const CHUNK: usize = 4 << 20;

/// The environment of a process.
#[derive(Serialize)]
struct EnvAnswer {
    source: Text,
    environment: Vec<Text>,
    unknown: Vec<Unknown>,
}

pub(crate) const ENV: &str =
    "The environment may hold secrets. A core of `coroner core take` does not have it.";

pub(crate) fn environment(args: &CoreArgs, out: &mut Out) -> Outcome {
    let files = Files::open(args)?;
    let image = files.image();
    let found = Arguments::find(&image, &files.headers.auxv);
    let mut unknown = Vec::new();
    let found = found.map(|found| found.environment).unwrap_or_default();
    // What was left out reads as zeroes, and so as texts that are empty.
    let environment: Vec<Text> = found.into_iter().filter(|text| !text.is_empty()).collect();
    if environment.is_empty() {
        unknown.push(Unknown::new(
            "the environment",
            "it is not in the core (`coroner core take` leaves it out, for it may hold secrets)",
        ));
    }
    out.answer(&EnvAnswer {
        source: files.core.name.clone(),
        environment,
        unknown,
    })
}

impl Answer for EnvAnswer {
    const SCHEMA: &'static str = "core-env/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for entry in &self.environment {
            pen.verbatim(entry)?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}

/// Which strings.
#[derive(Debug, clap::Args)]
pub(crate) struct StringsArgs {
    #[command(flatten)]
    core: CoreArgs,
    /// Only strings of at least so many letters
    #[arg(short = 'n', long, value_name = "LETTERS", default_value_t = 8)]
    least: usize,
    /// Only strings that hold this text: a container's id, a path, a part of a log line
    #[arg(long, value_name = "TEXT")]
    has: Option<String>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    most: usize,
}

pub(crate) const STRINGS: &str = "Examples:
  coroner core strings core.4711 --has /run/containerd
  coroner core strings core.4711 --has 9d42c1 -n 12

What lay in the memory that the core holds, with the address of each: it may be old, and may be secret.";

/// A string.
#[derive(Serialize)]
struct Found {
    #[serde(serialize_with = "finding::hex_number")]
    address: u64,
    text: Text,
}

#[derive(Serialize)]
struct StringsAnswer {
    source: Text,
    strings: Vec<Found>,
    unknown: Vec<Unknown>,
}

pub(crate) fn strings(args: &StringsArgs, out: &mut Out) -> Outcome {
    let files = Files::open(&args.core)?;
    let mut unknown = files.unknown();
    let mut found = Vec::new();
    let mut is_full = false;
    for segment in files.headers.loads() {
        let mut search = Search {
            args,
            start: segment.address,
            held: Vec::new(),
            long: 0,
        };
        let len = files.core.len().saturating_sub(segment.offset);
        let len = len.min(segment.held);
        let mut at = 0_u64;
        while at < len && !is_full {
            let offset = segment.offset.saturating_add(at);
            let bytes = files.core.some(offset, len.saturating_sub(at), CHUNK);
            if bytes.is_empty() {
                break;
            }
            for (index, byte) in bytes.iter().enumerate() {
                let place = u64::try_from(index).unwrap_or(0).saturating_add(at);
                search.take(*byte, segment.address.saturating_add(place), &mut found);
            }
            is_full = found.len() > args.most;
            at = at.saturating_add(u64::try_from(bytes.len()).unwrap_or(len));
        }
        search.end(&mut found);
        if is_full {
            break;
        }
    }
    if found.len() > args.most {
        found.truncate(args.most);
        unknown.push(Unknown::new(
            "more strings",
            format!("only the first {} are shown (--most)", args.most),
        ));
    }
    out.answer(&StringsAnswer {
        source: files.core.name.clone(),
        strings: found,
        unknown,
    })
}

/// A string that has begun.
struct Search<'a> {
    args: &'a StringsArgs,
    start: u64,
    held: Vec<u8>,
    long: usize,
}

impl Search<'_> {
    fn take(&mut self, byte: u8, at: u64, found: &mut Vec<Found>) {
        if matches!(byte, b' '..=b'~' | b'\t') {
            if self.long == 0 {
                self.start = at;
            }
            self.long = self.long.saturating_add(1);
            if self.held.len() < LONG {
                self.held.push(byte);
            }
        } else {
            self.end(found);
        }
    }

    fn end(&mut self, found: &mut Vec<Found>) {
        let wanted = self.long >= self.args.least
            && self.args.has.as_ref().is_none_or(|text| {
                let text = text.as_bytes();
                text.is_empty() || self.held.windows(text.len()).any(|window| window == text)
            });
        if wanted && found.len() <= self.args.most {
            found.push(Found {
                address: self.start,
                text: Text::from(self.held.as_slice()),
            });
        }
        self.held.clear();
        self.long = 0;
    }
}

impl Answer for StringsAnswer {
    const SCHEMA: &'static str = "core-strings/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for one in &self.strings {
            pen.verbatim(format_args!("{:#x} {}", one.address, one.text))?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
