//! Findings in order, and what they rest on.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Coverage, Finding, Severity};

/// Findings in order, and what they rest on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The findings: worst first, then by place.
    pub findings: Vec<Finding>,
    /// How many more there were of a code, beyond the budget.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<&'static str, u64>,
    /// What was read, what not, and why.
    pub coverage: Coverage,
}

impl Report {
    /// Findings in the order in which a person wants them, at most `limit` of one code.
    pub fn new(mut findings: Vec<Finding>, coverage: Coverage, limit: u64) -> Self {
        findings.sort_by(|a, b| {
            (b.severity, &a.location, a.code.name, &a.message).cmp(&(
                a.severity,
                &b.location,
                b.code.name,
                &b.message,
            ))
        });
        findings.dedup();
        let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut more: BTreeMap<&'static str, u64> = BTreeMap::new();
        findings.retain(|finding| {
            let count = seen.entry(finding.code.name).or_default();
            *count = count.saturating_add(1);
            if *count > limit {
                let rest = more.entry(finding.code.name).or_default();
                *rest = rest.saturating_add(1);
            }
            *count <= limit
        });
        Self {
            findings,
            more,
            coverage,
        }
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
