//! The stream, as it is written: for people, as JSON, for Timesketch, for mactime.

mod bodyfile;
mod json;
mod text;
mod timesketch;

use std::io::{self, Write};
use std::path::PathBuf;

use cli::{About, Exit, Format, Out, Outcome};
use finding::{Time, Unknown};

use crate::sort::{BUDGET, Sorter};
use timeline::{Only, Subject, Wanted};

/// Unknowns that are told one by one in text: without CAP_SYS_ADMIN, there may be many.
const SHOWN: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Json,
    Timesketch,
    Bodyfile,
}

/// Where subjects go, until their times are in order.
pub(crate) struct Sink {
    shape: Shape,
    sorter: Sorter,
    /// Bytes of the line in hand.
    line: Vec<u8>,
    events: u64,
    /// Times that the format cannot hold.
    left_out: u64,
}

impl Sink {
    pub(crate) fn new(out: &Out, spool: PathBuf) -> Self {
        let shape = match out.options().format {
            Format::Jsonl => Shape::Timesketch,
            Format::Bodyfile => Shape::Bodyfile,
            Format::Text | Format::Go => Shape::Text,
            Format::Json => Shape::Json,
        };
        Self {
            shape,
            sorter: Sorter::new(spool, BUDGET),
            line: Vec::new(),
            events: 0,
            left_out: 0,
        }
    }

    /// Takes the times of a subject that are wanted.
    pub(crate) fn add(
        &mut self,
        subject: &Subject,
        wanted: &Wanted,
        out: &mut Out,
    ) -> io::Result<()> {
        if self.shape == Shape::Bodyfile {
            return self.body(subject, wanted, out);
        }
        let mut message = None;
        for (time, whats) in subject.moments() {
            if !wanted.has_time(time) {
                continue;
            }
            let message = message.get_or_insert_with(|| subject.message());
            match self.shape {
                Shape::Text => {
                    self.line.clear();
                    text::line(&mut self.line, time, &whats, subject, message)?;
                    self.push(time)?;
                }
                Shape::Json => {
                    self.line.clear();
                    json::line(&mut self.line, time, &whats, subject, message)?;
                    self.push(time)?;
                }
                // One line for each description: that is what Timesketch tells apart.
                _ if !timesketch::can_hold(time) => {
                    let count = u64::try_from(whats.len()).unwrap_or(u64::MAX);
                    self.left_out = self.left_out.saturating_add(count);
                }
                _ => {
                    for what in whats {
                        self.line.clear();
                        timesketch::line(&mut self.line, time, what, subject, message)?;
                        self.push(time)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, time: Time) -> io::Result<()> {
        self.events = self.events.saturating_add(1);
        self.sorter.push(time, &self.line)
    }

    /// A body file needs no order: its lines are written as they come.
    fn body(&mut self, subject: &Subject, wanted: &Wanted, out: &mut Out) -> io::Result<()> {
        for body in bodyfile::bodies(subject, |time| wanted.has_time(time)) {
            match body {
                Some(line) => {
                    self.events = self.events.saturating_add(1);
                    out.writer().write_all(line.as_bytes())?;
                }
                None => self.left_out = self.left_out.saturating_add(1),
            }
        }
        Ok(())
    }

    /// Writes everything in order, and what is not known.
    pub(crate) fn finish(
        self,
        about: &About,
        wanted: &Wanted,
        mut unknown: Vec<Unknown>,
        out: &mut Out,
    ) -> Outcome {
        unknown.sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
        unknown.dedup();
        let mut exit = Exit::of_unknown(&unknown);
        if out.cancel().load(std::sync::atomic::Ordering::Relaxed) {
            exit |= Exit::INTERRUPTED;
        }
        // A name that nothing has is a mistake of who asks, as in other verbs.
        let is_name = |one: &Only| {
            matches!(
                one,
                Only::Container(_) | Only::Image(_) | Only::Namespace(_)
            )
        };
        if self.events == 0 && exit == Exit::CLEAN && wanted.only.iter().any(is_name) {
            exit |= Exit::USAGE;
        }
        let Self {
            shape,
            sorter,
            events,
            left_out,
            ..
        } = self;
        if shape == Shape::Json {
            out.json_line(&json::Head::new(about, wanted))?;
        }
        let is_fitted = shape == Shape::Text && out.pen().width().is_some();
        sorter.finish(|line| {
            if is_fitted {
                return out.pen().row(String::from_utf8_lossy(line));
            }
            out.writer().write_all(line)?;
            out.writer().write_all(b"\n")
        })?;
        match shape {
            Shape::Json => {
                for unknown in &unknown {
                    out.json_line(&json::UnknownRow { unknown })?;
                }
                out.json_line(&json::Tail::new(exit, events, unknown.len()))?;
            }
            Shape::Text => {
                if events == 0 {
                    out.pen().line("No event fits: nothing is called so, or no time of it is known. `coroner meta ls NODE containers` lists ids.")?;
                }
                let shown = unknown.get(..unknown.len().min(SHOWN)).unwrap_or_default();
                out.pen().incomplete(shown)?;
                if let Some(more) = unknown.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                    out.pen().line(format_args!("  and {more} more"))?;
                }
            }
            Shape::Timesketch | Shape::Bodyfile => aside(&unknown, left_out)?,
        }
        out.writer().flush()?;
        Ok(exit)
    }
}

/// What a foreign format has no place for goes to standard error.
fn aside(unknown: &[Unknown], left_out: u64) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    for Unknown { what, why } in unknown.iter().take(SHOWN) {
        writeln!(stderr, "coroner: {what} cannot be known whole: {why}")?;
    }
    if let Some(more) = unknown.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        writeln!(stderr, "coroner: and {more} more")?;
    }
    if left_out > 0 {
        writeln!(
            stderr,
            "coroner: {left_out} times that this format cannot hold were left out (--format json has them)"
        )?;
    }
    Ok(())
}
