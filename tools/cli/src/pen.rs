//! Writes text for people.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::io::{self, Write};

use finding::{Severity, Unknown};

use crate::Table;
use crate::short::Digits;
use crate::table::Shape;
use crate::wrap::{hang, letters, wrap};

/// What a piece of text is, which decides its colour; never the only carrier of a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// A heading.
    Heading,
    /// Less important than what surrounds it.
    Faint,
    /// All is well.
    Good,
    /// Worth a look.
    Warning,
    /// Broken.
    Bad,
}

impl Style {
    const fn escape(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Heading => "\x1b[1m",
            Self::Faint => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Warning => "\x1b[33m",
            Self::Bad => "\x1b[1;31m",
        }
    }
}

impl From<Severity> for Style {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Note => Self::Faint,
            Severity::Odd => Self::Warning,
            Severity::Damage | Severity::Fatal => Self::Bad,
        }
    }
}

/// Text with a style, where styles are on.
struct Styled<T>(T, &'static str);

impl<T: Display> Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1.is_empty() {
            return self.0.fmt(f);
        }
        f.write_str(self.1)?;
        self.0.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}

/// Writes text for people: lines, headings, tables; colour only where it is wanted.
#[expect(missing_debug_implementations, reason = "a writer has nothing to show")]
pub struct Pen<'w> {
    writer: &'w mut dyn Write,
    colour: bool,
    width: Option<usize>,
    /// Digests and ids stand in full, and no cell is cut.
    whole: bool,
}

impl<'w> Pen<'w> {
    /// A pen that writes to `writer`; `width` is that of the terminal, if it is one.
    pub fn new(writer: &'w mut dyn Write, colour: bool, width: Option<usize>) -> Self {
        Self {
            writer,
            colour,
            width,
            whole: false,
        }
    }

    /// The same pen; with `whole`, its tables hold digests and ids in full (`--no-trunc`).
    #[must_use]
    pub const fn whole(mut self, whole: bool) -> Self {
        self.whole = whole;
        self
    }

    /// A pen of the same width and colour that shortens nothing: for what stands for itself, such as a record.
    pub fn in_full(&mut self) -> Pen<'_> {
        Pen::new(&mut *self.writer, self.colour, self.width).whole(true)
    }

    /// Columns of the terminal; nothing is cut where it is none.
    pub const fn width(&self) -> Option<usize> {
        self.width
    }

    /// `text` in `style`, to be used inside another line.
    pub fn styled<'t>(&self, style: Style, text: impl Display + 't) -> impl Display + 't {
        Styled(text, if self.colour { style.escape() } else { "" })
    }

    /// One line; on a terminal it is broken at blanks where it does not fit. What a person may paste is
    /// written by [`verbatim`](Self::verbatim).
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        let Some(width) = self.width else {
            return writeln!(self.writer, "{text}");
        };
        for line in text.to_string().split('\n') {
            for line in wrap(line, width, hang(line)) {
                writeln!(self.writer, "{line}")?;
            }
        }
        Ok(())
    }

    /// A row of something that is no table: a tree, a listing, events. On a terminal, where it does not
    /// fit, digests and ids are shortened as in a table, and it is broken at blanks.
    pub fn row(&mut self, text: impl Display) -> io::Result<()> {
        let Some(width) = self.width else {
            return writeln!(self.writer, "{text}");
        };
        let mut text = text.to_string();
        if letters(&text) > width && !self.whole {
            text = Digits::for_cells([text.as_str()].into_iter()).shorten(&text);
        }
        let margin = text.len().saturating_sub(text.trim_start().len());
        for line in wrap(&text, width, margin.saturating_add(4)) {
            writeln!(self.writer, "{line}")?;
        }
        Ok(())
    }

    /// One line as it is, however long: a command, the contents of a file, what another program reads.
    pub fn verbatim(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.writer, "{text}")
    }

    /// An empty line.
    pub fn gap(&mut self) -> io::Result<()> {
        writeln!(self.writer)
    }

    /// A heading of its own line.
    pub fn heading(&mut self, text: impl Display) -> io::Result<()> {
        let text = self.styled(Style::Heading, text).to_string();
        self.line(text)
    }

    /// `text` broken into lines of at most the terminal's width (100 where there is none), the
    /// first after `first`, all others after as many blanks.
    pub fn paragraph(&mut self, first: &str, text: &str) -> io::Result<()> {
        let indent = letters(first);
        let width = self.width.unwrap_or(100).clamp(40, 100);
        let room = width.saturating_sub(indent);
        let mut prefix = first.to_owned();
        // A line feed is a blank here: texts of sources are broken anywhere.
        let text = text.replace('\n', " ");
        for line in wrap(&self.fitting(&text, room), room, 0) {
            writeln!(self.writer, "{prefix}{line}")?;
            prefix = " ".repeat(indent);
        }
        Ok(())
    }

    /// `text`, with digests and ids shortened in those names that would not fit a line of the terminal.
    /// Paths stay whole, and so does what holds a command.
    fn fitting<'t>(&self, text: &'t str, room: usize) -> Cow<'t, str> {
        let is_long =
            |word: &str| letters(word) > room && !word.contains(":/") && !word.starts_with('/');
        if self.width.is_none() || self.whole || text.contains('`') || !text.split(' ').any(is_long)
        {
            return Cow::Borrowed(text);
        }
        let digits = Digits::for_cells(text.split(' '));
        let words = text.split(' ').map(|word| {
            if is_long(word) {
                digits.shorten(word)
            } else {
                word.to_owned()
            }
        });
        Cow::Owned(words.collect::<Vec<_>>().join(" "))
    }

    /// Says what an answer may lack, where it may lack something.
    pub fn incomplete(&mut self, unknown: &[Unknown]) -> io::Result<()> {
        if unknown.is_empty() {
            return Ok(());
        }
        self.gap()?;
        let line = self.styled(Style::Bad, "This is incomplete:").to_string();
        self.line(line)?;
        for Unknown { what, why } in unknown {
            let it = if crate::joined("", why).starts_with(' ') {
                "it "
            } else {
                ""
            };
            self.paragraph("  ", &format!("{what} cannot be known whole: {it}{why}"))?;
        }
        Ok(())
    }

    /// A table.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        let shape = Shape {
            width: self.width,
            whole: self.whole,
        };
        let heading = if self.colour {
            Style::Heading.escape()
        } else {
            ""
        };
        table.write(self.writer, shape, heading)
    }

    /// The lines that `write` writes, in this pen's width and colour, without writing them: for
    /// whoever must know how many they are.
    pub fn lines(
        &self,
        write: impl FnOnce(&mut Pen<'_>) -> io::Result<()>,
    ) -> io::Result<Vec<String>> {
        let mut bytes = Vec::new();
        write(&mut Pen::new(&mut bytes, self.colour, self.width).whole(self.whole))?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The writer itself, for output that comes as a stream.
    pub fn writer(&mut self) -> &mut dyn Write {
        self.writer
    }
}
