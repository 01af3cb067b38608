//! Where answers go.

use std::ffi::OsStr;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use checks::Running;
use evidence::Pages;
use finding::Unread;
use serde::Serialize;
use view::Span;

use crate::{
    Answer, Colour, Exit, Failure, Format, NewFile, Options, Outcome, Pen, Progress, first_line,
    json, progress,
    safety::{self, Safety},
};

/// Where answers go, and how they are written.
#[expect(missing_debug_implementations, reason = "a writer has nothing to show")]
pub struct Out {
    writer: Box<dyn Write>,
    options: Options,
    colour: bool,
    width: Option<usize>,
    cancel: Option<Arc<AtomicBool>>,
    /// The file of `-o`, until it is complete.
    new: Option<NewFile>,
    /// What is said on standard output when that file is in its place.
    after: Vec<String>,
}

/// Bytes that are written to a file at once.
const BUFFER: usize = 256 << 10;

/// What surrounds every answer in JSON.
#[derive(Serialize)]
struct Document<'a, T> {
    schema: String,
    coroner: &'static str,
    exit: u8,
    /// What runs on the node meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<Running>,
    /// What this process could not do any more when it looked at evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    safety: Option<Safety>,
    answer: &'a T,
}

impl Out {
    /// Standard output, or the new file that `-o` names, which has no name until it is complete.
    pub fn open(mut options: Options) -> Result<Self, Failure> {
        // `-o -`: as if it were not given.
        options.output = options.output.filter(|path| path.as_os_str() != "-");
        let Some(path) = &options.output else {
            return Ok(Self::stdout(options));
        };
        let new = NewFile::at(path)?;
        let writer = Box::new(BufWriter::with_capacity(BUFFER, new.writer()));
        let colour = options.color == Colour::Always;
        Ok(Self {
            new: Some(new),
            ..Self::to(writer, options, colour, None)
        })
    }

    fn stdout(options: Options) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let colour = wants_colour(options.color, terminal);
        let width = terminal.then(terminal_width).flatten();
        Self::to(Box::new(BufWriter::new(stdout)), options, colour, width)
    }

    /// The path of `-o`, for a verb that puts a whole file there at once; the answer then goes to
    /// standard output.
    ///
    /// Nothing is at that path.
    pub fn take_output(&mut self) -> Option<PathBuf> {
        let path = self.options.output.take()?;
        self.discard();
        Some(path)
    }

    /// Puts the file of `-o` in its place, if `exit` does not say that it is incomplete.
    pub(crate) fn put(&mut self, exit: Exit) -> Result<(), Failure> {
        let flushed = self.writer.flush();
        let Some(new) = self.new.take() else {
            return Ok(flushed?);
        };
        flushed?;
        if exit.has(Exit::INTERRUPTED) {
            let place = crate::shown(new.place());
            let _ = writeln!(
                io::stderr(),
                "coroner: interrupted: {place} was not written"
            );
            return Ok(());
        }
        new.put()?;
        let mut stdout = io::stdout();
        for line in std::mem::take(&mut self.after) {
            // The file is there, whether anybody hears of it or not.
            let _ = writeln!(stdout, "{line}");
        }
        Ok(())
    }

    /// Lines for standard output, once the file of `-o` is in its place.
    pub fn after(&mut self, lines: Vec<String>) {
        self.after = lines;
    }

    /// Drops what was written to the file of `-o`: from here on, answers go to standard output.
    pub(crate) fn discard(&mut self) {
        // In a test, the writer is the test's.
        if self.new.take().is_some() {
            let options = self.options.clone();
            *self = Self {
                cancel: self.cancel.take(),
                ..Self::stdout(options)
            };
        }
    }

    /// A writer of the caller's, for tests and for the goldens.
    pub fn to(
        writer: Box<dyn Write>,
        options: Options,
        colour: bool,
        width: Option<usize>,
    ) -> Self {
        Self {
            writer,
            options,
            colour,
            width,
            cancel: None,
            new: None,
            after: Vec::new(),
        }
    }

    /// Options that every tool has.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Writes an answer, and says what it means for the exit code.
    pub fn answer<A: Answer>(&mut self, answer: &A) -> Outcome {
        let mut exit = answer.exit();
        if self.is_cancelled() {
            exit |= Exit::INTERRUPTED;
        }
        match self.options.format {
            Format::Text | Format::Go | Format::Jsonl | Format::Bodyfile => {
                let mut pen = Pen::new(&mut *self.writer, self.colour, self.width)
                    .whole(self.options.no_trunc);
                if !A::SAYS_RUNNING {
                    first_line::write_running(&mut pen)?;
                }
                answer.write_text(&mut pen)?;
            }
            Format::Json => json::write(
                &mut *self.writer,
                &Document {
                    schema: format!("coroner/{}", A::SCHEMA),
                    coroner: env!("CARGO_PKG_VERSION"),
                    exit: exit.0,
                    running: first_line::noted(),
                    safety: safety::given_up(),
                    answer,
                },
            )?,
        }
        self.writer.flush()?;
        Ok(exit)
    }

    /// A pen for text that comes as a stream.
    pub fn pen(&mut self) -> Pen<'_> {
        Pen::new(&mut *self.writer, self.colour, self.width).whole(self.options.no_trunc)
    }

    /// Writes one line of JSON, for answers that come as a stream: the first line is the head with
    /// schema and version, the last one says the exit code.
    pub fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        json::write_line(&mut *self.writer, value)
    }

    /// Writes why there is no answer: to standard error, and in JSON to standard output, too.
    pub(crate) fn failure(&mut self, failure: &Failure) -> io::Result<()> {
        if self.options.format == Format::Json {
            let answer = serde_json::json!({ "error": failure.message, "hint": failure.hint });
            json::write(
                &mut *self.writer,
                &Document {
                    schema: "coroner/error/1".to_owned(),
                    coroner: env!("CARGO_PKG_VERSION"),
                    exit: failure.exit.0,
                    running: None,
                    safety: safety::given_up(),
                    answer: &answer,
                },
            )?;
        }
        self.writer.flush()
    }

    /// Progress of a long operation of `total` bytes (0: not known).
    pub fn progress(&self, what: &'static str, total: u64) -> Progress {
        Progress::start(what, total, self.options.quiet)
    }

    /// Progress of work in parts.
    pub fn parts(&self) -> Progress {
        Progress::parts(self.options.quiet)
    }

    /// Progress of a long operation on things that are counted: entries of directories.
    pub fn counting(&self, what: &'static str) -> Progress {
        Progress::counting(what, self.options.quiet)
    }

    /// A flag that the first Ctrl-C sets. Whoever asks for it must look at it often.
    pub fn cancel(&mut self) -> Arc<AtomicBool> {
        Arc::clone(self.cancel.get_or_insert_with(progress::cancel_flag))
    }

    fn is_cancelled(&self) -> bool {
        self.cancel
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Copies the bytes of a file: to `-o` its holes stay holes, elsewhere they are zeroes. An
    /// error of `pages` is the inner one; more than `most` bytes are refused.
    pub fn copy(&mut self, pages: &Pages, most: u64) -> io::Result<Result<(), Unread>> {
        let data = pages
            .data()
            .fold(0_u64, |sum, span| sum.saturating_add(span.len));
        let size = if self.new.is_some() {
            data
        } else {
            pages.len()
        };
        if size > most {
            return Ok(Err(Unread::TooLarge { size, limit: most }));
        }
        self.writer.flush()?;
        let mut file = self.new.as_ref().map(NewFile::writer);
        let mut chunk = vec![0; BUFFER];
        let mut at = 0_u64;
        let end = Span::new(pages.len(), 0);
        for span in pages.data().chain([end]) {
            let hole = span.start.saturating_sub(at);
            match &mut file {
                Some(file) => file.skip(hole)?,
                None => drop(io::copy(&mut io::repeat(0).take(hole), &mut self.writer)?),
            }
            at = span.start;
            while at < span.end() {
                let left = span.end().saturating_sub(at);
                let count = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
                let piece = chunk.get_mut(..count).unwrap_or_default();
                match pages.read_at(at, piece) {
                    Ok(read) if read == count => {}
                    Ok(_) => return Ok(Err(Unread::Changed)),
                    Err(why) => return Ok(Err(why)),
                }
                match &mut file {
                    Some(file) => file.write_all(piece)?,
                    None => self.writer.write_all(piece)?,
                }
                at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            }
        }
        self.writer.flush()?;
        Ok(pages.unchanged())
    }

    /// The raw writer, for verbs whose answer is a stream of bytes (`content cat`, `collect -o -`).
    pub fn writer(&mut self) -> &mut dyn Write {
        &mut *self.writer
    }
}

fn wants_colour(wish: Colour, terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match wish {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto if set("NO_COLOR") => false,
        Colour::Auto if std::env::var_os("CLICOLOR_FORCE").as_deref() == Some(OsStr::new("1")) => {
            true
        }
        Colour::Auto => terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// A pen on standard error, as wide as the terminal if it is one.
pub(crate) fn complaint(write: impl FnOnce(&mut Pen<'_>) -> io::Result<()>) {
    let mut stderr = io::stderr().lock();
    let width = stderr.is_terminal().then(terminal_width).flatten();
    // Where a complaint cannot be written, nothing else can.
    let _ = write(&mut Pen::new(&mut stderr, false, width));
}

pub(crate) fn terminal_width() -> Option<usize> {
    let said = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    said.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|columns: &usize| *columns >= 20)
}
