//! `coroner snapshots check`

use std::io;

use checks::judge_with;
use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Style};
use finding::{Abstention, Count, Finding, Known, Severity, Text, Unknown};
use node::Snapshotter;
use serde::Serialize;

use crate::ls::read_groups;

#[derive(Serialize)]
struct Checked {
    /// Snapshots that were compared with their directories.
    snapshots: usize,
    /// Snapshots that were not, by snapshotter, and why not.
    not_compared: Vec<NotCompared>,
    /// Directories of committed layers that were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<usize>,
    findings: Vec<Finding>,
    abstained: Vec<Abstention>,
    unknown: Vec<Unknown>,
}

/// Snapshots of which no directory was looked at.
#[derive(Serialize)]
struct NotCompared {
    snapshotter: Text,
    snapshots: usize,
    why: String,
}

/// Why the snapshots of a snapshotter cannot be compared with their directories, if they cannot.
fn why_not(snapshotter: &Snapshotter) -> Option<String> {
    if snapshotter.is_proxy {
        return Some("another daemon keeps its store".to_owned());
    }
    let layout = match &snapshotter.layout {
        Known::Whole(layout) | Known::Partial(layout, _) => layout,
        Known::Lost(unknown) => {
            let why = unknown.first().map(|unknown| unknown.why.clone());
            return Some(format!("its folder {}", why.unwrap_or_default()));
        }
    };
    if layout.is_understood() {
        return None;
    }
    let why = layout
        .unread
        .unwrap_or("how it lays out its store is not known");
    Some(why.to_owned())
}

pub(crate) fn run(args: &EvidenceArgs, usage: bool, out: &mut Out) -> Outcome {
    let case = Case::open(args)?;
    let node = case.node()?;
    let (groups, unknown) = read_groups(&node)?;
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
    let mut compared = 0_usize;
    let mut not_compared = Vec::new();
    for group in groups.iter().filter(|group| !group.snapshots.is_empty()) {
        let count = group.snapshots.len();
        let mut all = node.snapshotters.iter();
        let snapshotter = all.find(|one| one.name == group.snapshotter);
        match snapshotter.map_or_else(|| Some("it has no store".to_owned()), why_not) {
            None => compared = compared.saturating_add(count),
            Some(why) => not_compared.push(NotCompared {
                snapshotter: group.snapshotter.clone(),
                snapshots: count,
                why,
            }),
        }
    }
    out.answer(&Checked {
        snapshots: compared,
        not_compared,
        measured: measured.usage.as_ref().map(std::collections::BTreeMap::len),
        findings: findings.collect(),
        abstained: report.coverage.abstained,
        unknown,
    })
}

impl Answer for Checked {
    const SCHEMA: &'static str = "snapshots-check/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let bad = self
            .findings
            .iter()
            .filter(|finding| finding.severity > Severity::Note)
            .count();
        let measured = self.measured.map_or_else(String::new, |count| {
            format!(", measured: {}", Count(count, "committed layer"))
        });
        let result = match bad {
            0 => "nothing is wrong".to_owned(),
            more => Count(more, "finding").to_string(),
        };
        let line = match (self.snapshots, self.not_compared.is_empty(), bad) {
            (0, false, 0) => "No snapshot was compared with its directory.".to_owned(),
            (0, false, _) => format!("No snapshot was compared with its directory: {result}."),
            (count, ..) => format!(
                "Compared {} with directories and meta.db{measured}: {result}.",
                Count(count, "snapshot")
            ),
        };
        let style = if bad > 0 {
            Style::Bad
        } else if self.unknown.is_empty() && self.not_compared.is_empty() {
            Style::Good
        } else {
            Style::Warning
        };
        pen.line(pen.styled(style, line).to_string())?;
        for NotCompared {
            snapshotter,
            snapshots,
            why,
        } in &self.not_compared
        {
            let line = format!("{snapshots} snapshots of {snapshotter} were not compared: {why}.");
            pen.paragraph("", &line)?;
        }
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
                pen.paragraph("  affects ", &names.join(", "))?;
            }
            if finding.severity > Severity::Note {
                pen.what_to_do("  fix     ", finding)?;
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
        if !self.unknown.is_empty() || !self.not_compared.is_empty() {
            exit |= Exit::UNREAD;
        }
        exit
    }
}
