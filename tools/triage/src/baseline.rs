//! What is new, gone and changed between two triages.

use std::collections::BTreeMap;
use std::io;

use cli::{Pen, Style};
use finding::{Fingerprint, Report, Severity};
use serde::Serialize;

use crate::taken::{Entry, Taken};

/// A finding that both have, with another severity.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Changed {
    /// The severity that it had.
    pub(crate) was: Severity,
    #[serde(flatten)]
    pub(crate) now: Entry,
}

/// What is new, gone and changed between two triages.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Difference {
    /// Findings that only the newer one has.
    pub(crate) new: Vec<Entry>,
    /// Those of `new` that the older one could not have had: its check did not speak then.
    pub(crate) unjudged_before: Vec<Fingerprint>,
    /// Findings of another severity.
    pub(crate) changed: Vec<Changed>,
    /// Findings that only the older one has.
    pub(crate) gone: Vec<Entry>,
    /// Findings of the older one that the newer one cannot tell of: not found is not gone.
    pub(crate) unjudged: Vec<Entry>,
    /// How many are as they were.
    pub(crate) same: usize,
    /// How many of those that are beyond the budget of a report are new, and gone.
    pub(crate) more_new: usize,
    pub(crate) more_gone: usize,
}

impl Difference {
    /// Compares two triages.
    pub(crate) fn between(old: &Taken, new: &Taken) -> Self {
        let mut difference = Self::default();
        for (fingerprint, entry) in &new.findings {
            match old.findings.get(fingerprint) {
                Some(before) if before.severity != entry.severity => {
                    difference.changed.push(Changed {
                        was: before.severity,
                        now: entry.clone(),
                    });
                }
                Some(_) => difference.same = difference.same.saturating_add(1),
                // Beyond the budget then: of what severity it was is not known.
                None if old.more.contains(fingerprint) => {
                    difference.same = difference.same.saturating_add(1);
                }
                None => {
                    if !old.judged(entry) {
                        difference.unjudged_before.push(*fingerprint);
                    }
                    difference.new.push(entry.clone());
                }
            }
        }
        let is_new =
            |print: &&Fingerprint| !old.more.contains(*print) && !old.findings.contains_key(*print);
        difference.more_new = new.more.iter().filter(is_new).count();
        let kept = new.more.len().saturating_sub(difference.more_new);
        difference.same = difference.same.saturating_add(kept);
        let is_gone =
            |print: &Fingerprint| !new.more.contains(print) && !new.findings.contains_key(print);
        for (_, entry) in old.findings.iter().filter(|(print, _)| is_gone(print)) {
            if new.judged(entry) {
                difference.gone.push(entry.clone());
            } else {
                difference.unjudged.push(entry.clone());
            }
        }
        difference.more_gone = old.more.iter().filter(|print| is_gone(print)).count();
        let order = |a: &Entry, b: &Entry| {
            (b.severity, &a.code, a.place()).cmp(&(a.severity, &b.code, b.place()))
        };
        difference.new.sort_by(order);
        difference.gone.sort_by(order);
        difference.unjudged.sort_by(order);
        difference.changed.sort_by(|a, b| order(&a.now, &b.now));
        difference
    }

    /// Severities of what is new or has become worse.
    pub(crate) fn worse(&self) -> impl Iterator<Item = Severity> {
        let worse = self
            .changed
            .iter()
            .filter(|changed| changed.now.severity > changed.was);
        let worse = worse.map(|changed| changed.now.severity);
        self.new.iter().map(|entry| entry.severity).chain(worse)
    }

    /// `2 new, 1 worse, 7 as before, 3 gone`
    pub(crate) fn counts(&self) -> String {
        let worse = self
            .changed
            .iter()
            .filter(|changed| changed.now.severity > changed.was);
        let worse = worse.count();
        let better = self.changed.len().saturating_sub(worse);
        let new = self.new.len().saturating_add(self.more_new);
        let gone = self.gone.len().saturating_add(self.more_gone);
        let mut parts = vec![format!("{new} new")];
        for (count, what) in [(worse, "worse"), (better, "less bad")] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        parts.push(format!("{} as before", self.same));
        parts.push(format!("{gone} gone"));
        if !self.unjudged.is_empty() {
            parts.push(format!("{} that cannot be judged now", self.unjudged.len()));
        }
        let mut counts = parts.join(", ");
        if !self.unjudged_before.is_empty() {
            let note = format!(
                "; {} of the new ones could not be judged then",
                self.unjudged_before.len()
            );
            counts.push_str(&note);
        }
        counts
    }
}

/// What `--baseline` adds to a triage.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Baseline {
    /// The older triage.
    pub(crate) file: String,
    /// What it had examined, and what time it was there.
    pub(crate) evidence: String,
    pub(crate) now: String,
    /// How many findings are as they were.
    pub(crate) same: usize,
    /// The severity that each finding had which is listed because it has become worse.
    pub(crate) worse: BTreeMap<String, Severity>,
    /// Findings that are gone.
    pub(crate) gone: Vec<Entry>,
    /// How many more are gone that the older triage did not list.
    pub(crate) more_gone: usize,
    /// Findings that cannot be judged now: not found is not gone.
    pub(crate) unjudged: Vec<Entry>,
    #[serde(skip)]
    counts: String,
}

impl Baseline {
    /// Compares, and leaves in `report` only what is new or has become worse.
    pub(crate) fn apply(old: &Taken, now: &Taken, report: &mut Report) -> Self {
        let difference = Difference::between(old, now);
        let new: std::collections::BTreeSet<Fingerprint> = difference
            .new
            .iter()
            .map(|entry| entry.fingerprint)
            .collect();
        let worse = difference
            .changed
            .iter()
            .filter(|changed| changed.now.severity > changed.was);
        let worse: BTreeMap<Fingerprint, Severity> = worse
            .map(|changed| (changed.now.fingerprint, changed.was))
            .collect();
        report.findings.retain(|finding| {
            finding
                .fingerprint
                .is_none_or(|print| new.contains(&print) || worse.contains_key(&print))
        });
        report.drop_without_cause();
        Self {
            file: old.file.clone(),
            evidence: old.evidence.clone(),
            now: old.now.clone(),
            same: difference.same,
            worse: worse
                .into_iter()
                .map(|(print, was)| (print.to_string(), was))
                .collect(),
            counts: difference.counts(),
            gone: difference.gone,
            more_gone: difference.more_gone,
            unjudged: difference.unjudged,
        }
    }

    /// One sentence about it.
    pub(crate) fn sentence(&self) -> String {
        let Self {
            file,
            evidence,
            now,
            counts,
            ..
        } = self;
        format!("Compared with {file} ({evidence}, as of {now}): {counts}.")
    }

    /// What is gone, and what cannot be judged.
    pub(crate) fn write_baseline(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        entries("Gone since then", &self.gone, pen)?;
        entries(
            "Cannot be judged now (not found is not gone)",
            &self.unjudged,
            pen,
        )
    }
}

/// A list of findings, two lines each.
pub(crate) fn entries(heading: &str, entries: &[Entry], pen: &mut Pen<'_>) -> io::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    pen.gap()?;
    pen.heading(heading)?;
    for entry in entries {
        one(entry, &entry.severity.to_string(), pen)?;
    }
    Ok(())
}

/// One finding: severity and code, what, where.
pub(crate) fn one(entry: &Entry, severity: &str, pen: &mut Pen<'_>) -> io::Result<()> {
    let severity = pen
        .styled(Style::from(entry.severity), format!("{severity:8}"))
        .to_string();
    pen.line(format_args!("  {severity}{}", entry.code))?;
    pen.paragraph("          ", &entry.message)?;
    let place = entry.place();
    if place.is_empty() {
        return Ok(());
    }
    pen.paragraph("          ", &place)
}
