//! What is new, gone and changed between two triages.

use finding::{Fingerprint, Severity};
use serde::Serialize;

use crate::{Entry, Taken};

/// A finding that both have, with another severity.
#[derive(Debug, Clone, Serialize)]
pub struct Changed {
    /// The severity that it had.
    pub was: Severity,
    /// The finding as it is now.
    #[serde(flatten)]
    pub now: Entry,
}

/// What is new, gone and changed between two triages.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Difference {
    /// Findings that only the newer one has.
    pub new: Vec<Entry>,
    /// Those of `new` that the older one could not have had: its check did not speak then.
    pub unjudged_before: Vec<Fingerprint>,
    /// Findings of another severity.
    pub changed: Vec<Changed>,
    /// Findings that only the older one has.
    pub gone: Vec<Entry>,
    /// Findings of the older one that the newer one cannot tell of: not found is not gone.
    pub unjudged: Vec<Entry>,
    /// How many are as they were.
    pub same: usize,
    /// How many of those that are beyond the budget of a report are new.
    pub more_new: usize,
    /// How many are gone of those.
    pub more_gone: usize,
}

impl Difference {
    /// Compares two triages.
    #[must_use]
    pub fn between(old: &Taken, new: &Taken) -> Self {
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
    pub fn worse(&self) -> impl Iterator<Item = Severity> {
        let worse = self
            .changed
            .iter()
            .filter(|changed| changed.now.severity > changed.was);
        let worse = worse.map(|changed| changed.now.severity);
        self.new.iter().map(|entry| entry.severity).chain(worse)
    }

    /// `2 new, 1 worse, 7 as before, 3 gone`
    pub fn counts(&self) -> String {
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
