//! Which causes of a line are true on a node.

use std::path::Path;

use cli::{Case, EvidenceArgs, Failure, Measure, Out, PlaceArgs};
use finding::Report;
use serde::Serialize;

/// What a node shows of one cause.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct There {
    /// The code.
    pub(crate) code: &'static str,
    /// Its title.
    pub(crate) title: String,
    /// Whether it is true there.
    pub(crate) is: Is,
    /// How many findings there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) findings: Option<usize>,
    /// What the first of them says, or why it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) what: Option<String>,
}

/// Whether something is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Is {
    /// A finding says so.
    True,
    /// The check spoke, and found nothing.
    NotFound,
    /// The check did not speak.
    Unknown,
}

/// The findings of a node.
pub(crate) struct Judged {
    report: Report,
}

impl Judged {
    pub(crate) fn open(node: &Path, out: &mut Out) -> Result<Self, Failure> {
        let evidence = EvidenceArgs {
            evidence: node.to_owned(),
            places: PlaceArgs::default(),
        };
        let case = Case::open_live(&evidence, process::Depth::Diagnosis)?;
        let node = case.node()?;
        let measured = cli::measure_with(&case, &node, Measure::default(), None, out);
        Ok(Self {
            report: checks::judge_all(&node, &measured),
        })
    }

    pub(crate) fn findings_there(&self, code: &'static str) -> There {
        let title = checks::codes().into_iter().find(|known| known.name == code);
        let mut found = self
            .report
            .findings
            .iter()
            .filter(|finding| finding.code.name == code);
        let first = found.next();
        let abstained = self.report.coverage.abstained.iter();
        let abstained = abstained.clone().find(|abstention| abstention.code == code);
        let (is, what) = match (first, abstained) {
            (Some(first), _) => (Is::True, Some(first.message.clone())),
            (None, Some(abstention)) => (Is::Unknown, Some(abstention.because.clone())),
            (None, None) => (Is::NotFound, None),
        };
        There {
            code,
            title: title.map_or_else(String::new, finding::Code::headline),
            is,
            findings: first.map(|_| found.count().saturating_add(1)),
            what,
        }
    }
}
