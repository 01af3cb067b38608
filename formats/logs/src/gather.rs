//! Every line of every log, in one order.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use evidence::Evidence;
use finding::{Time, Unknown};
use measure::Control;
use serde::Serialize;

use crate::assemble::Assembler;
use crate::line::{Line, Program};
use crate::{files, journals};

/// Bytes of lines that are held: 48 MiB.
const HELD: usize = 48 << 20;
/// Of them, of journals: 36 MiB, the newest.
const HELD_OF_JOURNALS: usize = 36 << 20;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Nothing before this.
    pub from: Option<Time>,
    /// Nothing at this time or later.
    pub to: Option<Time>,
    /// Every line of the programs, not only what is at least a warning and what starts tell.
    pub everything: bool,
    /// Only this program's lines, and what systemd and the kernel say; all programs' without it.
    pub program: Option<Program>,
    /// Logs of containers, too.
    pub pods: bool,
    /// At most so many bytes of journals, and as many of other logs, the newest files first; and none that was written
    /// last before `from`. What is left out for that is in [`Gathered::left_out`].
    pub most: Option<u64>,
}

impl Options {
    /// Whether lines of that program are asked for.
    pub(crate) fn wants(&self, program: Program) -> bool {
        self.program.is_none_or(|wanted| {
            program == wanted || matches!(program, Program::Systemd | Program::Kernel)
        })
    }

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
    /// Whether its times were read as UTC because it says no zone.
    #[serde(skip)]
    pub has_no_zone: bool,
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
            has_no_zone: false,
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
    /// Files that were left out on purpose, for [`Options::most`], and why.
    pub left_out: Vec<Unknown>,
}

/// A file that may be read.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    pub(crate) written: Time,
    pub(crate) size: u64,
}

/// Those of `candidates` that are read within the bounds of `options`, in the order in which they came.
pub(crate) fn within(
    options: &Options,
    candidates: Vec<Candidate>,
    left_out: &mut Vec<Unknown>,
) -> Vec<Candidate> {
    let Some(mut room) = options.most else {
        return candidates;
    };
    let mut newest: Vec<usize> = (0..candidates.len()).collect();
    newest.sort_by_key(|index| {
        candidates
            .get(*index)
            .map(|one| std::cmp::Reverse(one.written))
    });
    let mut wanted = HashSet::new();
    for index in newest {
        let Some(one) = candidates.get(index) else {
            continue;
        };
        if options.from.is_some_and(|from| one.written < from) {
            let why = format!("it was written last at {}", one.written);
            left_out.push(Unknown::new(journals::path_text(&one.path), why));
        } else if one.size > room {
            let why = "there is more than is looked at: `coroner logs` reads all of it";
            left_out.push(Unknown::new(journals::path_text(&one.path), why));
        } else {
            room = room.saturating_sub(one.size);
            wanted.insert(index);
        }
    }
    let all = candidates.into_iter().enumerate();
    all.filter(|(index, _)| wanted.contains(index))
        .map(|(_, one)| one)
        .collect()
}

/// Who is told how far it is, and may end it.
pub(crate) struct Ticker<'c>(&'c Control<'c>);

/// Where what is found out of files beside their lines goes.
pub(crate) struct Notes<'g> {
    pub(crate) sources: &'g mut Vec<Source>,
    pub(crate) unread: &'g mut Vec<Unknown>,
    pub(crate) left_out: &'g mut Vec<Unknown>,
}

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
    let mut assembler = Assembler::new(HELD_OF_JOURNALS);
    let mut gathered = Gathered::default();
    for read in [journals::read_journals, files::read_log_files] {
        let notes = Notes {
            sources: &mut gathered.sources,
            unread: &mut gathered.unread,
            left_out: &mut gathered.left_out,
        };
        read(evidence, options, &ticker, notes, &mut assembler);
        assembler.in_no_order(HELD);
    }
    once(&mut gathered.unread);
    if assembler.dropped > 0 {
        gathered.unread.push(Unknown::new(
            format!("{} lines", assembler.dropped),
            format!(
                "there are more than {} MiB; of journals the oldest were left out: narrow the time with --from and --to",
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
