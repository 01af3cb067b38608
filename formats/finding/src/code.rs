//! Kinds of findings.

use core::fmt;

use serde::Serialize;

/// How bad a finding is, from the point of view of somebody who wants the node back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; does not count for the exit code.
    Note,
    /// Legal, but the real program would not write it, or it only wastes space.
    Odd,
    /// Something is broken: a container, an image, a database page.
    Damage,
    /// The daemon will not start, or will destroy what can still be saved, or data are gone.
    Fatal,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Odd => "odd",
            Self::Damage => "damage",
            Self::Fatal => "fatal",
        })
    }
}

impl Code {
    /// The title as the beginning of a line; a file's name keeps its case.
    pub fn headline(&self) -> String {
        let first_word = self.title.split(' ').next().unwrap_or_default();
        if first_word.contains(|letter: char| !letter.is_alphabetic() && letter != '\'') {
            return self.title.to_owned();
        }
        let mut letters = self.title.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        format!("{}{}", first.unwrap_or_default(), letters.as_str())
    }
}

/// What is said of a [`Code`] that no message of a daemon is known of.
pub const SILENT: &str = "No line of a daemon's log is known that names it.";

/// A kind of finding: what `coroner explain CODE` prints and the docs' table of codes lists.
#[derive(Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Code {
    /// `family/kebab-case`; stable, never used again for something else.
    pub name: &'static str,
    /// The invariant that it breaks, as numbered in `docs/invariants.md` ("B05"), or nothing.
    pub rule: &'static str,
    /// The usual severity; a finding may differ.
    pub severity: Severity,
    /// One line, without a full stop.
    pub title: &'static str,
    /// What it means, how it comes about, how it was concluded.
    pub explanation: &'static str,
    /// What is safe to do, and what is not.
    pub remedy: &'static str,
}
