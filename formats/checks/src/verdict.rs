//! The verdict: may containerd be started, and what would be lost?

use daemon::{Detected, Release};
use finding::{AtStart, Finding, Report, Severity, Unread};
use node::{DatabaseState, Node};
use serde::Serialize;

/// May containerd be started on this state?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Nothing stands against it.
    Yes,
    /// It will start; some things will not work, or are deleted.
    WithCare,
    /// It would destroy what can still be saved, or would not come up.
    No,
    /// Too little could be read to say.
    Unknown,
}

/// The verdict on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// May containerd be started?
    pub start: Start,
    /// One sentence.
    pub sentence: String,
    /// What a start would do, worst first.
    pub would: Vec<String>,
    /// What is lost already, or cannot be known.
    pub lost: Vec<String>,
}

/// Findings that stand for something that the next start or garbage collection removes.
const REMOVED: &[(&str, &str)] = &[
    ("blob/unknown", "blobs that no namespace knows"),
    (
        "ingest/unknown",
        "unfinished writes that no namespace knows",
    ),
    (
        "snapshot/backend-unknown",
        "snapshots that no namespace names",
    ),
    (
        "snapshot/directory-unknown",
        "snapshot directories that nobody knows",
    ),
    ("snapshot/temporary", "half-made snapshot directories"),
    ("lease/expired", "expired leases, with what only they hold"),
];

/// Concludes from a report.
pub fn verdict(node: &Node, report: &Report, release: &Detected) -> Verdict {
    let mut fatal: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Fatal)
        .collect();
    // What concerns the whole node comes before what concerns one container.
    fatal.sort_by_key(|finding| finding.code.name.starts_with("runtime/"));
    let damage = report.count(Severity::Damage);
    let nothing_read = node.root.is_err()
        || matches!(node.meta.state, DatabaseState::Unread(ref unread) if !unread.is_absent());
    let has_unknown = !report.coverage.unknown.is_empty();
    let (start, sentence) = if let Err(unread) = &node.root {
        (
            Start::Unknown,
            format!("Nothing can be said: containerd's root {unread}."),
        )
    } else if let Some(worst) = fatal.first() {
        (
            Start::No,
            format!(
                "Do not start containerd: {}{}.",
                lower(worst.code.title),
                in_file(worst)
            ),
        )
    } else if let Some(finding) = ends(report, release) {
        // Damage of a page panics those that touch it: whether that comes at once is not certain.
        let start = if finding.code.name.starts_with("bolt/") {
            "Do not start containerd"
        } else {
            "containerd will not start"
        };
        let sentence = format!("{start}: {}.", lower(finding.code.title));
        (Start::No, sentence)
    } else if nothing_read {
        (
            Start::Unknown,
            "Nothing can be said: meta.db could not be read.".to_owned(),
        )
    } else if damage > 0 {
        let things = if damage == 1 {
            "one thing is"
        } else {
            "some things are"
        };
        (
            Start::WithCare,
            format!("containerd will probably start, but {things} broken."),
        )
    } else if has_unknown {
        (
            Start::Unknown,
            "Nothing wrong was found in what could be read; not all could.".to_owned(),
        )
    } else if matches!(node.meta.state, DatabaseState::Unread(Unread::Absent)) {
        let nothing = "Nothing can be said: there is no meta.db, no blob and no snapshot here.";
        (Start::Unknown, nothing.to_owned())
    } else {
        (
            Start::Yes,
            "containerd may be started: nothing stands against it.".to_owned(),
        )
    };
    Verdict {
        start,
        sentence,
        would: would(report, &fatal, release),
        lost: lost(report),
    }
}

/// How a line about a start begins, where the daemon does not come up.
const ENDS: &[&str] = &["exits before it opens", "panics when it opens"];

/// A finding, short of fatal, that ends a daemon that the node may have.
fn ends<'r>(report: &'r Report, release: &Detected) -> Option<&'r Finding> {
    let ends = |start: &AtStart| {
        ENDS.iter().any(|how| start.does.starts_with(how)) && concerns(start, release)
    };
    let mut findings = report.findings.iter();
    findings
        .find(|finding| finding.severity == Severity::Damage && finding.at_start.iter().any(ends))
}

/// The name of the file that a finding is about, for the end of a sentence.
fn in_file(finding: &Finding) -> String {
    let file = finding
        .location
        .file
        .as_ref()
        .map(finding::Text::bytes)
        .unwrap_or_default();
    match file.rsplit(|byte| *byte == b'/').next() {
        None | Some([]) => String::new(),
        Some(name) => format!(" ({})", finding::Escaped(name)),
    }
}

fn lower(title: &str) -> String {
    // Names of files and of programs keep their case.
    let mut letters = title.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_lowercase().to_string())
        .unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

fn would(report: &Report, fatal: &[&Finding], release: &Detected) -> Vec<String> {
    let mut would: Vec<String> = Vec::new();
    let mut add = |line: String| {
        if !would.contains(&line) {
            would.push(line);
        }
    };
    let others = report
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Fatal);
    for finding in fatal.iter().copied().chain(others) {
        for start in finding
            .at_start
            .iter()
            .filter(|start| concerns(start, release))
        {
            let who = match (start.release, release.one()) {
                ("all", _) | (_, Some(_)) => String::new(),
                (releases, None) => format!("{releases}: "),
            };
            add(format!("{who}{} ({})", start.does, finding.code.name));
        }
    }
    for (code, what) in REMOVED {
        let count = report
            .findings
            .iter()
            .filter(|finding| finding.code.name == *code)
            .count();
        if count > 0 {
            add(format!(
                "deletes {count} {what}, at once or at the next garbage collection ({code})"
            ));
        }
    }
    would
}

/// Whether a release that may have written the node does it.
fn concerns(start: &AtStart, release: &Detected) -> bool {
    let named = |release: Release| {
        start.release.split(", ").any(|one| match one {
            "all" => true,
            "2.x" => release >= Release::V2_0,
            name => name == release.name(),
        })
    };
    release.releases().any(named)
}

fn lost(report: &Report) -> Vec<String> {
    let mut lost = Vec::new();
    for finding in &report.findings {
        if finding.severity >= Severity::Damage && !finding.affects.is_empty() {
            let names: Vec<String> = finding
                .affects
                .iter()
                .take(3)
                .map(ToString::to_string)
                .collect();
            let more = finding.affects.len().saturating_sub(3);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let line = format!("{}{more} ({})", names.join(", "), finding.code.name);
            if !lost.contains(&line) {
                lost.push(line);
            }
        }
    }
    for unknown in &report.coverage.unknown {
        lost.push(format!("unknown: {} ({})", unknown.what, unknown.why));
    }
    lost
}
