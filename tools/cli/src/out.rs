//! Where answers go.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use checks::Running;
use serde::Serialize;

use crate::{
    Answer, Colour, Exit, Failure, Format, Options, Outcome, Pen, Progress, Style, first_line,
    json, progress,
};

/// Where answers go, and how they are written.
#[expect(missing_debug_implementations, reason = "a writer has nothing to show")]
pub struct Out {
    writer: Box<dyn Write>,
    options: Options,
    colour: bool,
    width: Option<usize>,
    cancel: Option<Arc<AtomicBool>>,
    /// Whether the file of `-o` was made here.
    is_ours: bool,
    /// What a verb has made: removed after a failure, where it is empty.
    made: Vec<PathBuf>,
}

/// What surrounds every answer in JSON.
#[derive(Serialize)]
struct Document<'a, T> {
    schema: String,
    coroner: &'static str,
    exit: u8,
    /// What runs on the node meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<Running>,
    answer: &'a T,
}

impl Out {
    /// Standard output, or the new file that `-o` names.
    pub fn open(mut options: Options) -> Result<Self, Failure> {
        // `-o -`: as if it were not given.
        options.output = options.output.filter(|path| path.as_os_str() != "-");
        let Some(path) = &options.output else {
            return Ok(Self::stdout(options));
        };
        let file = create_new(path)?;
        let colour = options.color == Colour::Always;
        Ok(Self {
            is_ours: true,
            ..Self::to(Box::new(BufWriter::new(file)), options, colour, None)
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
    /// Nothing is left at that path: until the file is complete, there is none.
    pub fn take_output(&mut self) -> Option<PathBuf> {
        let path = self.options.output.take()?;
        // In a test, the writer is the test's.
        if self.is_ours {
            let options = self.options.clone();
            *self = Self {
                cancel: self.cancel.take(),
                made: core::mem::take(&mut self.made),
                ..Self::stdout(options)
            };
            remove_if_empty(&path);
        }
        Some(path)
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
            is_ours: false,
            made: Vec::new(),
        }
    }

    /// Notes that the verb makes the file or the directory `path` itself: after a failure it is removed,
    /// if it is empty. Of a directory, name those in it later.
    pub fn made(&mut self, path: PathBuf) {
        self.made.push(path);
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
            Format::Text | Format::Go => {
                let mut pen = Pen::new(&mut *self.writer, self.colour, self.width);
                if let Some(running) = first_line::noted() {
                    let lines = pen.lines(|pen| pen.paragraph("", &running.to_string()))?;
                    for line in lines {
                        let line = pen.styled(Style::Warning, line).to_string();
                        pen.line(line)?;
                    }
                }
                answer.text(&mut pen)?;
            }
            Format::Json => json::write(
                &mut *self.writer,
                &Document {
                    schema: format!("coroner/{}", A::SCHEMA),
                    coroner: env!("CARGO_PKG_VERSION"),
                    exit: exit.0,
                    running: first_line::noted(),
                    answer,
                },
            )?,
        }
        self.writer.flush()?;
        Ok(exit)
    }

    /// A pen for text that comes as a stream.
    pub fn pen(&mut self) -> Pen<'_> {
        Pen::new(&mut *self.writer, self.colour, self.width)
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
                    answer: &answer,
                },
            )?;
        }
        self.writer.flush()
    }

    /// Removes the file of `-o` that a failure left without a byte: the next try may use its name.
    pub(crate) fn discard_if_empty(&self) {
        self.discard_made();
        let Some(path) = &self.options.output else {
            return;
        };
        remove_if_empty(path);
    }

    /// Removes what the verb made and left empty.
    pub(crate) fn discard_made(&self) {
        for path in self.made.iter().rev() {
            remove_if_empty(path);
            // Of a directory that is not empty, this does nothing.
            let _ = std::fs::remove_dir(path);
        }
    }

    /// Progress of a long operation of `total` bytes (0: not known).
    pub fn progress(&self, what: &'static str, total: u64) -> Progress {
        Progress::start(what, total, self.options.quiet)
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

    /// The raw writer, for verbs whose answer is a stream of bytes (`content cat`, `collect -o -`).
    pub fn writer(&mut self) -> &mut dyn Write {
        &mut *self.writer
    }
}

fn remove_if_empty(path: &Path) {
    if std::fs::symlink_metadata(path).is_ok_and(|stat| stat.is_file() && stat.len() == 0) {
        // What cannot be removed only has to be removed by hand.
        let _ = std::fs::remove_file(path);
    }
}

/// Creates `path`, which must not exist: an output never replaces anything.
pub fn create_new(path: &Path) -> Result<std::fs::File, Failure> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| {
            Failure::usage(format!(
                "could not create {}: {error}",
                finding::Escaped(bytes(path))
            ))
            .hint("choose a path that does not exist yet, outside the evidence")
        })
}

fn bytes(path: &Path) -> &[u8] {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes()
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

fn terminal_width() -> Option<usize> {
    let said = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    said.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|columns: &usize| *columns >= 20)
}
