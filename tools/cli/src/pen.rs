//! Writes text for people.

use std::fmt::{self, Display};
use std::io::{self, Write};

use finding::{Severity, Unknown};

use crate::Table;
use crate::table::Shape;

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

    /// Columns of the terminal; nothing is cut where it is none.
    pub const fn width(&self) -> Option<usize> {
        self.width
    }

    /// `text` in `style`, to be used inside another line.
    pub fn styled<'t>(&self, style: Style, text: impl Display + 't) -> impl Display + 't {
        Styled(text, if self.colour { style.escape() } else { "" })
    }

    /// One line.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
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
        let indent = first.chars().count();
        let room = self
            .width
            .unwrap_or(100)
            .clamp(40, 100)
            .saturating_sub(indent);
        let mut prefix = first.to_owned();
        let mut line = String::new();
        let mut length = 0_usize;
        // Blanks are kept: a name may have two of them.
        for word in text.split([' ', '\n']) {
            let letters = word.chars().count();
            if length > 0 && length.saturating_add(letters).saturating_add(1) > room {
                writeln!(self.writer, "{prefix}{line}")?;
                prefix = " ".repeat(indent);
                line.clear();
                length = 0;
            }
            if length > 0 {
                line.push(' ');
                length = length.saturating_add(1);
            }
            line.push_str(word);
            length = length.saturating_add(letters);
        }
        writeln!(self.writer, "{prefix}{line}")
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
            self.paragraph("  ", &format!("{what} cannot be known whole: {why}"))?;
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
