//! A configuration that keeps containerd from its work, corrected as far as that is certain.
//!
//! ```text
//! statements of a start (checks::start) ──▶ fix::of: an edit of bytes, or what has to be decided
//!        ▲                                      │
//!        └── the edited text, staged ◀──────────┘   until no statement is left that an edit answers
//! ```
//!
//! An edit is kept only if the start that is foretold with it no longer says what it said. Nothing is
//! written: the plan shows the difference.

mod diff;
mod fix;
mod syntax;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use checks::start::{Statement, predictions};
use daemon::Detected;
use evidence::{Change, Evidence};
use finding::{Report, Text, Time};
use node::{Node, config::Config};

pub(crate) use diff::difference;
use fix::Answer;

use crate::make::path;
use crate::plan::HandEdit;

/// No file of a configuration is larger.
const LIMIT: u64 = 4 << 20;
/// No configuration needs more edits.
const MOST: usize = 64;

/// The rules of a start that a configuration alone breaks.
const RULES: &[&str] = &[
    "P01", "P03", "P04", "P05", "P06", "P07", "P08", "P09", "P10", "P11", "P12", "P13", "P17",
    "P18", "P19", "P28", "P29", "P41",
];

/// What is known of one file.
#[derive(Debug, Default)]
struct File {
    old: String,
    new: String,
    why: Vec<String>,
    decide: Vec<String>,
}

/// Corrected files of the node's configuration, and what has to be decided by a person.
pub(crate) fn config(
    evidence: &mut Evidence,
    node: &Node,
    release: &Detected,
    at: Time,
) -> Vec<HandEdit> {
    let Some(config) = node.roots.config.clone() else {
        return Vec::new();
    };
    let first = said(node, release, at);
    if first.is_empty() {
        return Vec::new();
    }
    let mut making = Making {
        evidence,
        node: node.clone(),
        release,
        at,
        files: BTreeMap::new(),
        done: BTreeSet::new(),
    };
    for file in &config.files {
        let bytes = making.evidence.source(&path(file), LIMIT);
        let bytes = bytes.map(|source| source.bytes().to_vec());
        if let Some(text) = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            let (old, new) = (text.clone(), text);
            making.files.insert(
                file.clone(),
                File {
                    old,
                    new,
                    ..File::default()
                },
            );
        }
    }
    making.run(first);
    let files = core::mem::take(&mut making.files);
    for file in files.keys() {
        making.evidence.unstage_at(&path(file));
    }
    let template = node.roots.template();
    files
        .into_iter()
        .filter(|(_, file)| !file.why.is_empty() || !file.decide.is_empty())
        .map(|(name, file)| drafted(&name, file, template))
        .collect()
}

/// What a start says of the configuration, each with a key by which it is told from others.
fn said(node: &Node, release: &Detected, at: Time) -> Vec<Statement> {
    let report = Report::default();
    let all = predictions(node, &report, release, at).into_iter();
    all.flat_map(|one| one.statements)
        .filter(|one| RULES.contains(&one.rule) && !one.perhaps)
        .collect()
}

fn key(one: &Statement) -> (String, String, String) {
    (one.rule.to_owned(), one.at.to_string(), one.says.clone())
}

struct Making<'e> {
    evidence: &'e mut Evidence,
    node: Node,
    release: &'e Detected,
    at: Time,
    files: BTreeMap<Text, File>,
    /// What was answered.
    done: BTreeSet<(String, String, String)>,
}

impl Making<'_> {
    fn run(&mut self, first: Vec<Statement>) {
        let mut all = first;
        for _ in 0..MOST {
            let Some(next) = all.iter().find(|one| !self.done.contains(&key(one))) else {
                return;
            };
            let next = next.clone();
            self.done.insert(key(&next));
            let texts: BTreeMap<Text, String> = self
                .files
                .iter()
                .map(|(name, file)| (name.clone(), file.new.clone()))
                .collect();
            let config = self.node.roots.config.clone().unwrap_or_default();
            let releases: Vec<_> = self.release.releases().collect();
            let mut decide = None;
            for answer in fix::draft_fixes(&next, &config, &texts, &releases) {
                match answer {
                    Answer::Edit { file, text, why } => {
                        if let Some(now) = self.try_out(&next, &all, &file, text, &why) {
                            all = now;
                            decide = None;
                            break;
                        }
                    }
                    Answer::Decide { file, what } => decide = Some((file, what)),
                }
            }
            if let Some((file, what)) = decide
                && let Some(file) = self.files.get_mut(&file)
                && !file.decide.contains(&what)
            {
                file.decide.push(what);
            }
        }
    }

    /// The start with this text in place of the file, if it no longer says what it said, and nothing
    /// worse in its place.
    fn try_out(
        &mut self,
        answered: &Statement,
        before: &[Statement],
        name: &Text,
        text: String,
        why: &str,
    ) -> Option<Vec<Statement>> {
        let at = path(name);
        let old = self.files.get(name)?.new.clone();
        let was = self.node.roots.config.clone();
        self.evidence
            .stage(&at, Change::File(Arc::new(text.clone().into_bytes())));
        self.node.roots.config = self.again(was.as_ref());
        let now = said(&self.node, self.release, self.at);
        let goes = !now.iter().any(|one| key(one) == key(answered));
        // A start that comes further may say what it did not come to before; in the same place that is
        // no better.
        let is_worse = now
            .iter()
            .any(|one| one.at == answered.at && !before.iter().any(|other| key(other) == key(one)));
        if goes && !is_worse {
            let file = self.files.get_mut(name)?;
            file.new = text;
            file.why.push(why.to_owned());
            return Some(now);
        }
        self.evidence
            .stage(&at, Change::File(Arc::new(old.into_bytes())));
        self.node.roots.config = was;
        None
    }

    fn again(&self, was: Option<&Config>) -> Option<Config> {
        let first = was.and_then(|config| config.files.first());
        let first = first.or_else(|| self.files.keys().next())?;
        node::config::read_config(self.evidence, &path(first))
    }
}

fn drafted(name: &Text, file: File, template: Option<&str>) -> HandEdit {
    let of = name.to_string();
    let has_text = file.new != file.old;
    let next = match template {
        _ if !has_text => String::new(),
        Some(instead) => instead.to_owned(),
        None => "`coroner repair draft NODE -o NEW` writes the corrected file. Compare it with the old one, and put it in place yourself.".to_owned(),
    };
    HandEdit {
        diff: if has_text {
            difference(&of, &diff::masked(&file.old), &diff::masked(&file.new))
        } else {
            String::new()
        },
        text: has_text.then_some(file.new),
        option: None,
        why: file.why,
        decide: file.decide,
        next,
        of,
    }
}

#[cfg(test)]
mod tests;
