//! Everything at once: what a start of containerd would do to a node as it is now.

use daemon::Detected;
use finding::{Coverage, Report, Time};
use node::Node;
use serde::Serialize;

use super::{Prediction, predictions};
use crate::{Measured, Start, conclude, judge};

/// What a start would do.
#[derive(Debug, Clone, Serialize)]
pub struct Preflight {
    /// May it be started?
    pub start: Start,
    /// One sentence.
    pub sentence: String,
    /// What it would come to, for each release that behaves differently.
    pub predictions: Vec<Prediction>,
    /// The releases that would be started.
    pub release: Detected,
    /// When.
    pub at: Time,
    /// What all this stands on.
    pub coverage: Coverage,
    /// The findings that it stands on.
    #[serde(skip)]
    pub report: Report,
}

impl Preflight {
    /// A start of `release` at `at`; else of the release that the node's traces show, when the
    /// evidence was taken.
    pub fn predict_start(
        node: &Node,
        measured: &Measured,
        release: Option<Detected>,
        at: Option<Time>,
    ) -> Self {
        let report = judge(node, measured);
        let release = release.unwrap_or_else(|| daemon::detect(&node.traces));
        let at = at.unwrap_or(node.now);
        let predictions = predictions(node, &report, &release, at);
        let (start, sentence) = conclude(node, &predictions);
        Self {
            start,
            sentence,
            predictions,
            release,
            at,
            coverage: report.coverage.clone(),
            report,
        }
    }

    /// What the node's own logs, as they stand in `report`, say of its last start.
    pub fn heed_logs(&mut self, report: &Report) {
        crate::verdict::heed_logs(
            report,
            &mut self.start,
            &mut self.sentence,
            &mut self.predictions,
        );
    }
}
