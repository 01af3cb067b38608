//! The verdict: may containerd be started, and what would be lost?

use daemon::{Detected, Release};
use finding::{AtStart, Report, Severity, Time, Unread};
use node::{DatabaseState, Node};
use serde::Serialize;

use crate::start::{Prediction, Statement, predictions};

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
    /// What a start of each release that the node may have would come to.
    pub predictions: Vec<Prediction>,
}

/// Concludes from a report; `at` is when containerd would be started.
pub fn verdict(node: &Node, report: &Report, release: &Detected, at: Time) -> Verdict {
    let predictions = predictions(node, report, release, at);
    let (mut start, mut sentence) = worst(&predictions);
    if let Err(unread) = &node.root {
        start = Start::Unknown;
        sentence = format!("Nothing can be said: containerd's root {unread}.");
    } else if start == Start::Yes
        && matches!(node.meta.state, DatabaseState::Unread(Unread::Absent))
    {
        start = Start::Unknown;
        "Nothing can be said: there is no meta.db, no blob and no snapshot here."
            .clone_into(&mut sentence);
    } else if start == Start::Yes && !report.coverage.unknown.is_empty() {
        start = Start::Unknown;
        "Nothing wrong was found in what could be read; not all could.".clone_into(&mut sentence);
    }
    Verdict {
        start,
        sentence,
        would: would(report, &predictions, release),
        lost: lost(report),
        predictions,
    }
}

/// What is worst of several predictions: whether containerd may be started, and why not.
pub fn worst(predictions: &[Prediction]) -> (Start, String) {
    let rank = |start: Start| match start {
        Start::No => 3,
        Start::Unknown => 2,
        Start::WithCare => 1,
        Start::Yes => 0,
    };
    let mut worst: Option<&Prediction> = None;
    for prediction in predictions {
        if worst.is_none_or(|worst| rank(prediction.start) > rank(worst.start)) {
            worst = Some(prediction);
        }
    }
    worst.map_or_else(
        || {
            (
                Start::Unknown,
                "Nothing can be said: no release is known.".to_owned(),
            )
        },
        |worst| (worst.start, worst.sentence.clone()),
    )
}

/// The statements of a prediction; what happens to many in the same way, once.
fn gathered(prediction: &Prediction) -> Vec<Statement> {
    let mut all: Vec<Statement> = Vec::new();
    for statement in &prediction.statements {
        let same = all.iter_mut().find(|other| other.is_like(statement));
        match same.filter(|_| !statement.targets.is_empty()) {
            Some(same) => {
                same.targets.extend_from_slice(&statement.targets);
                same.more = same.more.saturating_add(statement.more);
            }
            None => all.push(statement.clone()),
        }
    }
    all
}

/// What a start would do, a line each: what ends it first, then what is destroyed, then the rest.
fn would(report: &Report, predictions: &[Prediction], release: &Detected) -> Vec<String> {
    let mut lines: Vec<(u8, String, Vec<Release>)> = Vec::new();
    for prediction in predictions {
        for statement in gathered(prediction) {
            let rank = match () {
                () if statement.effect.ends() => 0,
                () if statement.forbids => 1,
                () if statement.effect.destroys() => 2,
                () => 3,
            };
            let line = statement.line();
            match lines.iter_mut().find(|(_, other, _)| *other == line) {
                Some((_, _, releases)) => releases.extend(&prediction.releases),
                None => lines.push((rank, line, prediction.releases.clone())),
            }
        }
    }
    lines.sort_by_key(|(rank, _, _)| *rank);
    let all = release.releases().count();
    let mut would: Vec<String> = lines
        .into_iter()
        .map(|(_, line, releases)| {
            if releases.len() == all {
                return line;
            }
            let names: Vec<&str> = releases.iter().map(|release| release.name()).collect();
            format!("{}: {line}", names.join(", "))
        })
        .collect();
    // What a finding says of a start, and no step of the start has told.
    let told: Vec<&str> = predictions
        .iter()
        .flat_map(|prediction| &prediction.statements)
        .filter_map(|statement| statement.code)
        .collect();
    for finding in &report.findings {
        if told.contains(&finding.code.name) || ends(predictions) {
            continue;
        }
        for start in finding
            .at_start
            .iter()
            .filter(|start| concerns(start, release))
        {
            let who = match (start.release.as_str(), release.one()) {
                ("all", _) | (_, Some(_)) => String::new(),
                (releases, None) => format!("{releases}: "),
            };
            let line = format!("{who}{} ({})", start.does, finding.code.name);
            if !would.contains(&line) {
                would.push(line);
            }
        }
    }
    would
}

/// Whether no release comes so far as to do anything.
fn ends(predictions: &[Prediction]) -> bool {
    predictions.iter().all(|prediction| {
        let end = prediction.end();
        end.is_some_and(|end| end.effect.ends())
    })
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
