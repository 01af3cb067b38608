//! What to do next: the verbs that answer the question which a check leaves open.

use std::io;

use bolt::{TreeState, codes};
use cli::Pen;
use finding::{Command, Draft, Report, Severity, program};
use serde::Serialize;

use crate::file::FileArgs;

/// Why to go back.
const REVERT: &str = "a copy as it was one transaction before: that tree is whole";

/// Where the new file goes: a word to be replaced.
const NEW: &[&str] = &["-o", "NEW"];

/// A command, and what it is good for.
#[derive(Debug, Serialize)]
pub(crate) struct Next {
    command: Command,
    why: &'static str,
}

/// What a check found, as far as the next step depends on it.
pub(crate) struct Found<'a> {
    pub(crate) tree: TreeState,
    pub(crate) previous: TreeState,
    /// How many of the two metas are valid.
    pub(crate) metas: usize,
    pub(crate) report: &'a Report,
}

impl Found<'_> {
    fn has(&self, code: &str) -> bool {
        let mut findings = self.report.findings.iter();
        findings.any(|finding| finding.code.name == code)
    }

    fn has_freelist_damage(&self) -> bool {
        let worse = |severity| severity > Severity::Odd;
        self.report.findings.iter().any(|finding| {
            worse(finding.severity)
                && (finding.code.name.starts_with("bolt/freelist")
                    || finding.code.name == codes::FREE_REACHABLE.name
                    || finding.code.name == codes::META_FREELIST.name)
        })
    }

    /// The commands, the safest first.
    pub(crate) fn next(&self, file: &FileArgs) -> Vec<Next> {
        let mut all = Vec::new();
        let mut add = |verb: &[&'static str], rest: &[&'static str], why| {
            let draft = Draft::new(program::CORONER).word("bolt").words(verb);
            let command = file.named(draft.words(rest)).command();
            all.extend(command.map(|command| Next { command, why }));
        };
        let is_whole = self.tree == TreeState::Whole;
        let is_stale = self.has(codes::STALE_ROOT.name);
        if is_stale && self.previous == TreeState::Whole {
            add(&["surgery", "revert"], NEW, REVERT);
        }
        if self.metas < 2 && self.tree != TreeState::None {
            add(
                &["surgery", "meta"],
                &[],
                "can the broken meta be repaired, and what would it say? -o NEW writes the copy",
            );
        }
        if is_whole && self.has_freelist_damage() {
            add(
                &["surgery", "freelist", "rebuild"],
                NEW,
                "a copy with a right freelist: the keys are those that the tree has now",
            );
        }
        let is_suspected = self.has(codes::LOST_WRITE.name);
        // Nothing can be saved of a file that holds nothing.
        let is_empty = self.has(codes::NOT_BOLT.name);
        if !is_empty && (!is_whole || is_suspected) {
            add(
                &["salvage"],
                &[],
                "what can be saved, what is lost, and what a start of containerd on it would do; -o NEW writes \
                 the new database, and says what comes before it may take the place of this one",
            );
        }
        if self.previous == TreeState::Whole && !is_stale && (!is_whole || is_suspected) {
            add(&["surgery", "revert"], NEW, REVERT);
        }
        if is_suspected || is_stale {
            add(&["diff"], &[], "what the last transaction changed");
        }
        if is_empty {
            let repair = Draft::new(program::CORONER).words(&["repair", "NODE"]);
            let why = "if it is the meta.db or metadata.db of a node: what the other stores of NODE can bring back; \
                       it writes nothing";
            all.extend(repair.command().map(|command| Next { command, why }));
        }
        let is_damaged = self.report.worst() > Some(Severity::Odd);
        if all.is_empty() && is_damaged {
            let why = "what can be saved, and what is lost; -o NEW writes the new database, and says what comes \
                       before it may take the place of this one";
            let salvage = Draft::new(program::CORONER).words(&["bolt", "salvage"]);
            let command = file.named(salvage).command();
            all.extend(command.map(|command| Next { command, why }));
        }
        all
    }
}

/// The commands, for people.
pub(crate) fn write_next(all: &[Next], pen: &mut Pen<'_>) -> io::Result<()> {
    for (number, next) in all.iter().enumerate() {
        let head = if number == 0 { "Next" } else { "" };
        pen.verbatim(format_args!("{head:8}{}", next.command))?;
        pen.paragraph("        ", &format!("  {}", next.why))?;
    }
    Ok(())
}
