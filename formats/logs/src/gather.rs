//! Every line of every log, in one order.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;

use evidence::Evidence;
use finding::{Time, Unknown};
use measure::Control;
use serde::Serialize;

use crate::assemble::Assembler;
use crate::line::Line;
use crate::{files, journals};

/// Bytes of lines that are held: 96 MiB.
const HELD: usize = 96 << 20;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Nothing before this.
    pub from: Option<Time>,
    /// Nothing at this time or later.
    pub to: Option<Time>,
    /// Every line of the programs, not only what is at least a warning and what starts tell.
    pub everything: bool,
    /// Logs of containers, too.
    pub pods: bool,
}

impl Options {
    pub(crate) fn takes(&self, time: Option<Time>) -> bool {
        let Some(time) = time else {
            return true;
        };
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its path in the evidence.
    pub path: String,
    /// `journal` or `text`.
    pub kind: &'static str,
    /// Lines, or entries, that it has.
    pub passed: u64,
    /// How many of them are kept.
    pub kept: u64,
    /// What to know of it: its times have no zone. What it lacks is in [`Gathered::unread`].
    pub notes: Vec<String>,
    /// Files of one row follow each other: journals, a log and those that were put aside.
    #[serde(skip)]
    pub(crate) row: usize,
}

impl Source {
    pub(crate) const fn new(path: String, kind: &'static str) -> Self {
        Self {
            path,
            kind,
            passed: 0,
            kept: 0,
            notes: Vec::new(),
            row: 0,
        }
    }
}

/// What the logs of a node say.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// The lines, in the order of their times.
    pub lines: Vec<Line>,
    /// The files that were read.
    pub sources: Vec<Source>,
    /// What could not be read: files, and parts of them.
    pub unread: Vec<Unknown>,
}

/// Who is told how far it is, and may end it.
pub(crate) struct Ticker<'c>(&'c Control<'c>);

impl<'c> Ticker<'c> {
    pub(crate) fn add(&self, bytes: u64) {
        (self.0.progress)(bytes);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.cancel.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) const fn cancel(&self) -> &'c AtomicBool {
        self.0.cancel
    }

    pub(crate) fn progress(&self) -> &'c (dyn Fn(u64) + Sync) {
        self.0.progress
    }
}

/// Reads every log of the node.
pub fn gather(evidence: &Evidence, options: &Options, control: &Control<'_>) -> Gathered {
    let ticker = Ticker(control);
    let mut assembler = Assembler::new(HELD);
    let mut gathered = Gathered::default();
    for read in [journals::read, files::read] {
        let notes = (&mut gathered.sources, &mut gathered.unread);
        read(evidence, options, &ticker, notes, &mut assembler);
    }
    once(&mut gathered.unread);
    if assembler.dropped > 0 {
        gathered.unread.push(Unknown::new(
            format!("{} lines", assembler.dropped),
            format!(
                "there are more than {} MiB of them: narrow the time with --from and --to",
                HELD >> 20
            ),
        ));
    }
    if ticker.is_cancelled() {
        gathered
            .unread
            .push(Unknown::new("the rest of the logs", "it was interrupted"));
    }
    let mut lines = assembler.lines;
    lines.retain(|line| options.takes(line.time));
    in_order(&mut lines, &gathered.sources);
    gathered.lines = lines;
    gathered
}

/// Each unknown once: several kinds of logs lie in one folder.
fn once(unread: &mut Vec<Unknown>) {
    let mut seen = HashSet::new();
    unread.retain(|unknown| seen.insert((unknown.what.clone(), unknown.why.clone())));
}

/// By time. A line without one stays behind the line of its file that was before it; so does one
/// that is a little earlier: files have times of whole seconds beside those of the programs.
fn in_order(lines: &mut Vec<Line>, sources: &[Source]) {
    let mut keyed = Vec::with_capacity(lines.len());
    let mut last: HashMap<usize, Time> = HashMap::new();
    for (number, line) in lines.drain(..).enumerate() {
        let row = sources.get(line.source).map_or(0, |source| source.row);
        let before = last.get(&row).copied();
        let time = match (line.time, before) {
            (Some(time), Some(before)) if time < before && before.since(time) <= 2 => Some(before),
            (Some(time), _) => Some(time),
            (None, before) => before,
        };
        if let Some(time) = time {
            last.insert(row, time);
        }
        keyed.push((time, number, line));
    }
    keyed.sort_by_key(|(time, number, _)| (*time, *number));
    lines.extend(keyed.into_iter().map(|(_, _, line)| line));
}
