//! `coroner snapshots check`

use std::io;

use checks::judge_with;
use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Style};
use finding::{Abstention, Finding, Severity, Unknown};
use serde::Serialize;

use crate::ls::read;

#[derive(Serialize)]
struct Checked {
    /// Snapshots that were compared.
    snapshots: usize,
    /// Directories of committed layers that were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<usize>,
    findings: Vec<Finding>,
    abstained: Vec<Abstention>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(args: &EvidenceArgs, usage: bool, out: &mut Out) -> Outcome {
    let case = Case::open(args)?;
    let node = case.node()?;
    let (groups, unknown) = read(&node)?;
    let measured = cli::measure(&case, &node, false, usage, out);
    let is_ours = |name: &str| name.starts_with("snapshot/") || name == "store/metadata-broken";
    let report = judge_with(&node, &measured, |check| {
        // `verify` compares layers with their blobs.
        is_ours(check.code.name)
            && (usage || check.code.name != "snapshot/usage-differs")
            && !check.code.name.starts_with("snapshot/layer-")
    });
    // Faults of a snapshotter's database concern its snapshots, too.
    let databases: Vec<_> = node
        .snapshotters
        .iter()
        .map(|s| s.db.path.clone())
        .collect();
    let findings = report.findings.into_iter().filter(|finding| {
        let file = finding.location.file.as_ref();
        is_ours(finding.code.name) || file.is_some_and(|file| databases.contains(file))
    });
    out.answer(&Checked {
        snapshots: groups.iter().map(|group| group.snapshots.len()).sum(),
        measured: measured.usage.as_ref().map(std::collections::BTreeMap::len),
        findings: findings.collect(),
        abstained: report.coverage.abstained,
        unknown,
    })
}

impl Answer for Checked {
    const SCHEMA: &'static str = "snapshots-check/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let bad = self
            .findings
            .iter()
            .filter(|finding| finding.severity > Severity::Note)
            .count();
        let measured = self.measured.map_or_else(String::new, |count| {
            format!(", {count} committed layers were measured")
        });
        let line = format!(
            "{} snapshots were compared with their directories and meta.db{measured}: {}.",
            self.snapshots,
            match bad {
                0 => "nothing is wrong".to_owned(),
                1 => "1 finding".to_owned(),
                more => format!("{more} findings"),
            }
        );
        let style = if bad > 0 {
            Style::Bad
        } else if self.unknown.is_empty() {
            Style::Good
        } else {
            Style::Warning
        };
        pen.line(pen.styled(style, line).to_string())?;
        for finding in &self.findings {
            pen.gap()?;
            let head = format!("{:6}", finding.severity.to_string().to_uppercase());
            let head = pen.styled(finding.severity.into(), head).to_string();
            pen.line(format_args!(
                "{head}  {}  {}",
                finding.code.name, finding.code.title
            ))?;
            pen.paragraph("  what    ", &finding.message)?;
            pen.line(format_args!("  where   {}", finding.location))?;
            if let (Some(want), Some(found)) = (&finding.want, &finding.found) {
                pen.line(format_args!("  want    {want}"))?;
                pen.line(format_args!("  found   {found}"))?;
            }
            if !finding.affects.is_empty() {
                let names: Vec<String> = finding.affects.iter().map(ToString::to_string).collect();
                pen.paragraph("  breaks  ", &names.join(", "))?;
            }
            if finding.severity > Severity::Note {
                pen.what_to_do("  do      ", finding)?;
            }
        }
        if !self.abstained.is_empty() {
            pen.gap()?;
            pen.heading("Not judged")?;
            for Abstention { code, because } in &self.abstained {
                pen.paragraph("  ", &format!("{code}: {because}"))?;
            }
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::CLEAN;
        if self
            .findings
            .iter()
            .any(|finding| finding.severity > Severity::Note)
        {
            exit |= Exit::FINDINGS;
        }
        if !self.unknown.is_empty() {
            exit |= Exit::UNREAD;
        }
        exit
    }
}
