//! Everything below a directory.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Entry, Evidence, Stat};
use finding::{Known, Text, Unknown};

use crate::{Control, Cut};

/// How far a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkLimits {
    /// Entries in all.
    pub entries: u64,
    /// Directories above each other.
    pub depth: usize,
}

impl Default for WalkLimits {
    fn default() -> Self {
        Self {
            entries: 10_000_000,
            depth: 4_096,
        }
    }
}

/// One step of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Something is there. Directories come before what is in them.
    Entry {
        /// Where it lies, the walk's root included.
        path: PathBuf,
        /// What it is.
        stat: Stat,
        /// How many directories below the root it lies; the root itself at 0.
        depth: usize,
    },
    /// Something is not known; the walk goes on elsewhere.
    Unknown(Unknown),
}

/// A walk over everything below a directory, itself first, each directory sorted by its names'
/// bytes.
///
/// No link is followed and nothing but directories is opened: FIFOs, sockets and devices are only
/// looked at. It keeps one listing for each directory on its way down, and does not recurse.
#[derive(Debug)]
pub struct Walk<'e> {
    evidence: &'e Evidence,
    limits: WalkLimits,
    /// The root, before it is visited.
    start: Option<PathBuf>,
    /// Directories on the way down: their path, and what is left of their entries.
    open: Vec<(PathBuf, std::vec::IntoIter<Entry>)>,
    /// A directory that was given and is to be listed next.
    next: Option<PathBuf>,
    /// What listings could not tell, to be given before the next entry.
    unknown: Vec<Unknown>,
    entries: u64,
}

impl<'e> Walk<'e> {
    /// A walk from `root` down.
    pub fn new(evidence: &'e Evidence, root: &Path, limits: WalkLimits) -> Self {
        Self {
            evidence,
            limits,
            start: Some(root.to_owned()),
            open: Vec::new(),
            next: None,
            unknown: Vec::new(),
            entries: 0,
        }
    }

    /// Does not go into the directory that was given last.
    pub fn skip(&mut self) {
        self.next = None;
    }

    fn list(&mut self, path: PathBuf) {
        if self.open.len() >= self.limits.depth {
            let what = format!("what lies in {}", shown(&path));
            let why = format!("it lies deeper than {} directories", self.limits.depth);
            self.unknown.push(Unknown::new(what, why));
            return;
        }
        let entries = match self.evidence.list(&path) {
            Known::Whole(entries) => entries,
            Known::Partial(entries, unknown) => {
                self.unknown.extend(unknown);
                entries
            }
            Known::Lost(unknown) => {
                self.unknown.extend(unknown);
                return;
            }
        };
        self.open.push((path, entries.into_iter()));
    }

    fn give(&mut self, path: PathBuf, stat: Stat, depth: usize) -> Step {
        self.entries = self.entries.saturating_add(1);
        if self.entries > self.limits.entries {
            // Said once: nothing is left to be walked after it.
            self.open.clear();
            let what = format!("what follows {}", shown(&path));
            let why = format!("there are more than {} entries", self.limits.entries);
            return Step::Unknown(Unknown::new(what, why));
        }
        if stat.is_dir() && stat.only_kind && depth > 0 {
            // A mount that is not looked into, or a directory that may not be searched: listing it
            // would give nothing, or somebody else's files.
            let what = format!("what lies in {}", shown(&path));
            self.unknown
                .push(Unknown::new(what, "it was not looked into"));
        } else if stat.is_dir() {
            self.next = Some(path.clone());
        }
        Step::Entry { path, stat, depth }
    }
}

impl Iterator for Walk<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if let Some(root) = self.start.take() {
            return match self.evidence.stat(&root) {
                Ok(stat) => Some(self.give(root, stat, 0)),
                Err(why) => Some(Step::Unknown(Unknown::new(
                    shown(&root).to_string(),
                    why.to_string(),
                ))),
            };
        }
        if let Some(path) = self.next.take() {
            self.list(path);
        }
        if let Some(unknown) = self.unknown.pop() {
            return Some(Step::Unknown(unknown));
        }
        loop {
            let depth = self.open.len();
            let (folder, entries) = self.open.last_mut()?;
            if let Some(Entry { name, stat }) = entries.next() {
                let path = folder.join(OsStr::from_bytes(name.bytes()));
                return Some(self.give(path, stat, depth));
            }
            self.open.pop();
        }
    }
}

/// A walk that tells its progress, and ends where it is cancelled: what was left is then unknown.
pub(crate) struct Watched<'e, 'c> {
    walk: Walk<'e>,
    root: &'c Path,
    control: &'c Control<'c>,
    steps: u64,
    has_ended: bool,
}

/// Steps after which progress is told.
const STEPS: u64 = 256;

impl<'e, 'c> Watched<'e, 'c> {
    pub(crate) fn new(evidence: &'e Evidence, root: &'c Path, control: &'c Control<'c>) -> Self {
        Self {
            walk: Walk::new(evidence, root, WalkLimits::default()),
            root,
            control,
            steps: 0,
            has_ended: false,
        }
    }

    /// As [`Walk::skip`].
    pub(crate) fn pass_over(&mut self) {
        Walk::skip(&mut self.walk);
    }
}

impl Iterator for Watched<'_, '_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.has_ended {
            return None;
        }
        let Some(step) = self.walk.next() else {
            self.has_ended = true;
            (self.control.progress)(self.steps.rem_euclid(STEPS));
            return None;
        };
        self.steps = self.steps.saturating_add(1);
        if self.steps.is_multiple_of(STEPS) {
            (self.control.progress)(STEPS);
            if self.control.is_cancelled() {
                self.has_ended = true;
                let what = format!("the rest of {}", shown(self.root));
                let why = Cut::Cancelled.to_string();
                return Some(Step::Unknown(Unknown::new(what, why)));
            }
        }
        Some(step)
    }
}

pub(crate) fn shown(path: &Path) -> Text {
    Text::from(path.as_os_str().as_bytes())
}
