//! Findings in order, and what they rest on.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{Coverage, Finding, Fingerprint, Location, Severity, Text};

/// Findings in order, and what they rest on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The findings: worst first, then by place.
    pub findings: Vec<Finding>,
    /// What follows from these findings, each with its cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consequences: Vec<Finding>,
    /// How many more there were of a code, beyond the budget.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<&'static str, u64>,
    /// The fingerprints of those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more_fingerprints: Vec<Fingerprint>,
    /// What was read, what not, and why.
    pub coverage: Coverage,
}

impl Report {
    /// Findings in the order in which a person wants them, at most `limit` of one code.
    pub fn new(findings: Vec<Finding>, coverage: Coverage, limit: u64) -> Self {
        let mut report = Self::all(findings, coverage);
        report.cut(limit);
        report
    }

    /// All findings, in the order in which a person wants them.
    pub fn all(findings: Vec<Finding>, coverage: Coverage) -> Self {
        Self {
            findings: ordered(findings),
            coverage,
            ..Self::default()
        }
    }

    /// With what follows from the findings.
    #[must_use]
    pub fn with_consequences(mut self, consequences: Vec<Finding>) -> Self {
        self.consequences = ordered(consequences);
        self
    }

    /// Drops what follows from findings that were taken out.
    pub fn drop_without_cause(&mut self) {
        let mut there: BTreeSet<(&str, &Location)> = BTreeSet::new();
        let findings = self.findings.iter();
        there.extend(findings.map(|finding| (finding.code.name, &finding.location)));
        let is_there = |finding: &Finding, there: &BTreeSet<(&str, &Location)>| {
            let because = finding.because.as_ref();
            because.is_none_or(|cause| there.contains(&(cause.code, &cause.location)))
        };
        // A cause may itself follow from another.
        loop {
            let before = there.len();
            for finding in &self.consequences {
                if is_there(finding, &there) {
                    there.insert((finding.code.name, &finding.location));
                }
            }
            if there.len() == before {
                break;
            }
        }
        let keep: Vec<bool> = self
            .consequences
            .iter()
            .map(|it| is_there(it, &there))
            .collect();
        let mut keep = keep.into_iter();
        self.consequences.retain(|_| keep.next().unwrap_or(true));
    }

    /// Keeps at most `limit` findings of one code, and of the others only how many they are and
    /// their fingerprints; of what follows from them, as many.
    pub fn cut(&mut self, limit: u64) {
        let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
        let Self {
            findings,
            more,
            more_fingerprints,
            ..
        } = self;
        findings.retain(|finding| {
            let count = seen.entry(finding.code.name).or_default();
            *count = count.saturating_add(1);
            if *count > limit {
                let rest = more.entry(finding.code.name).or_default();
                *rest = rest.saturating_add(1);
                more_fingerprints.extend(finding.fingerprint);
            }
            *count <= limit
        });
        let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
        self.consequences.retain(|finding| {
            let count = seen.entry(finding.code.name).or_default();
            *count = count.saturating_add(1);
            *count <= limit
        });
    }

    /// Gives every finding its [`Fingerprint`](crate::Fingerprint); `roots` are folders of the
    /// evidence, each with the name that stands for it.
    pub fn identify(&mut self, roots: &[(&str, &Text)]) {
        let all = self.findings.iter_mut().chain(&mut self.consequences);
        crate::fingerprint::identify(all, roots);
    }

    /// The worst severity, if there is a finding.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Whether anything stands above a note.
    pub fn is_healthy(&self) -> bool {
        self.worst().is_none_or(|worst| worst == Severity::Note)
    }

    /// How many findings there are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }
}

/// Findings in the order in which a person wants them, each once.
fn ordered(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        (b.severity, &a.location, a.code.name, &a.message).cmp(&(
            a.severity,
            &b.location,
            b.code.name,
            &b.message,
        ))
    });
    findings.dedup();
    findings
}
