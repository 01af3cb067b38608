//! Lines on standard input: each is explained as it is read, and of those that mean the same the first is kept.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::path::Path;

use cli::{Failure, Out, Outcome};
use finding::Escaped;
use messages::{Explained, Head, LINE_LIMIT};

use crate::line::{Line, Meanings, is_bad, is_worth_telling};
use crate::there::Judged;

/// So many lines are explained, and the rest is counted; who has more asks `coroner logs`.
const MOST_LINES: usize = 100_000;

/// So many bytes of lines and their pieces are kept as they are. Of later ones, only the first [`SHORT`] are.
const KEPT: usize = 4 << 20;

/// So many bytes of a line are kept after that.
const SHORT: usize = 512;

/// Answers for lines on standard input: each meaning once, in the order in which they come.
pub fn explain_lines(input: &mut impl BufRead, node: Option<&Path>, out: &mut Out) -> Outcome {
    let mut seen = Seen::default();
    let mut buffer = Vec::new();
    let mut not_read = 0_usize;
    while read_line(input, &mut buffer).map_err(|error| not_readable(&error))? {
        if seen.lines < MOST_LINES {
            seen.take(&String::from_utf8_lossy(&buffer));
        } else {
            not_read = not_read.saturating_add(1);
        }
    }
    let judged = node.map(|node| Judged::open(node, out)).transpose()?;
    let lines = seen
        .kept
        .into_iter()
        .map(|line| line.on_node(judged.as_ref()))
        .collect();
    out.answer(&Meanings {
        lines,
        other: Some(seen.other),
        not_read,
    })
}

fn not_readable(error: &io::Error) -> Failure {
    let why = error.to_string();
    Failure::usage(format!("standard input: {}", Escaped(why.as_bytes())))
}

/// So many lines are kept of which no text is known, each of another shape.
const SHAPES: usize = 500;

/// What was read.
#[derive(Default)]
struct Seen {
    /// How many lines.
    lines: usize,
    /// The first line of each meaning.
    kept: Vec<Line>,
    /// Where in `kept` a meaning is.
    known: BTreeMap<Cow<'static, str>, usize>,
    /// How many of those are known only by what the line itself shows.
    read: usize,
    /// Bytes of what is kept.
    bytes: usize,
    /// How many lines are not worth a word.
    other: usize,
}

impl Seen {
    fn take(&mut self, text: &str) {
        self.lines = self.lines.saturating_add(1);
        if text.trim().is_empty() {
            self.other = self.other.saturating_add(1);
            return;
        }
        let explained = messages::explain(text);
        let named = key(&explained).map(Cow::Borrowed);
        let is_named = named.is_some();
        let Some(key) = named.or_else(|| shape(text, &explained).map(Cow::Owned)) else {
            self.other = self.other.saturating_add(1);
            return;
        };
        if let Some(&at) = self.known.get(&key) {
            if let Some(line) = self.kept.get_mut(at) {
                line.count_one_more();
            }
            return;
        }
        if !is_named {
            if self.read >= SHAPES {
                self.other = self.other.saturating_add(1);
                return;
            }
            self.read = self.read.saturating_add(1);
        }
        self.known.insert(key, self.kept.len());
        let most = if self.bytes < KEPT { LINE_LIMIT } else { SHORT };
        let line = Line::from_explained(text, &explained, most);
        self.bytes = self.bytes.saturating_add(line.bytes());
        self.kept.push(line);
    }
}

/// The name of what a line means, if that is worth a word.
fn key(explained: &Explained) -> Option<&'static str> {
    match explained.head.as_ref()? {
        Head::Text(text, _) => Some(text.says),
        // What tells no more than where it comes from is worth a word only where something failed.
        Head::Place(..) if !is_bad(explained) => None,
        head => head
            .message()
            .filter(|message| is_worth_telling(message))
            .map(|message| message.key),
    }
}

/// Of a line of which no text is known: who wrote it, and what it says that failed, without numbers and names. Nothing of a line that
/// tells of no failure, or that does not show whose it is.
fn shape(text: &str, explained: &Explained) -> Option<String> {
    if explained.head.is_some() || !explained.tells_failure || !is_bad(explained) {
        return None;
    }
    let reading = messages::read_line(text);
    if !reading.is_telling() {
        return None;
    }
    let said = reading.said.map_or_else(String::new, |said| said.name);
    let kind = reading.kind.map_or("", |kind| kind.key);
    let failed = reading.failed.unwrap_or_default();
    let words = failed.split_whitespace().filter(|word| {
        word.bytes()
            .all(|byte| byte.is_ascii_alphabetic() || b".,:'-".contains(&byte))
    });
    let failed: Vec<&str> = words.take(12).collect();
    Some(format!("{said}\n{kind}\n{}", failed.join(" ")))
}

/// Reads the next line, without what of it is beyond the bound of a line that is looked at; false at the end.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut has_begun = false;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(has_begun);
        }
        has_begun = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let piece = buffer
            .get(..end.unwrap_or(buffer.len()))
            .unwrap_or_default();
        let room = LINE_LIMIT.saturating_sub(line.len());
        line.extend_from_slice(piece.get(..piece.len().min(room)).unwrap_or_default());
        let over = end.map_or(buffer.len(), |end| end.saturating_add(1));
        input.consume(over);
        if end.is_some() {
            return Ok(true);
        }
    }
}
