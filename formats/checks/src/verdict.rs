//! The verdict: may containerd be started, and what would be lost?

use std::collections::{BTreeMap, BTreeSet};

use daemon::start::Effect;
use daemon::{Detected, Release};
use finding::{AtStart, Finding, Report, Severity, Time, Unread};
use node::{DatabaseState, Node};
use serde::Serialize;

use crate::part::{self, NotKnown};
use crate::start::{self, Prediction, Statement, predictions};

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
    /// Parts that a start touches and of which something is not known.
    pub not_known: Vec<NotKnown>,
    /// Parts that this kind of evidence does not hold: the verdict holds if they are well.
    pub not_in_evidence: Vec<String>,
    /// What a start of each release that the node may have would come to.
    pub predictions: Vec<Prediction>,
}

/// Concludes from a report; `at` is when containerd would be started.
pub fn verdict(node: &Node, report: &Report, release: &Detected, at: Time) -> Verdict {
    let predictions = predictions(node, report, release, at);
    let (start, sentence) = conclude(node, &predictions);
    Verdict {
        start,
        sentence,
        would: would(report, &predictions, release),
        lost: lost(report),
        not_known: not_known(&predictions),
        not_in_evidence: part::not_in_evidence(node),
        predictions,
    }
}

/// Adds what the verdict says and no finding of the report: each part of it has a code.
pub fn with_verdict(mut report: Report, verdict: &Verdict, node: &Node) -> Report {
    let findings = start::findings(node, &verdict.predictions, &verdict.not_known);
    let findings = findings
        .into_iter()
        .map(crate::said::with_message)
        .map(|finding| crate::config::in_template(node, finding));
    report.findings.extend(findings);
    let mut report = Report {
        findings: Report::all(report.findings, finding::Coverage::default()).findings,
        ..report
    };
    let (root, state) = (
        node::path_text(&node.roots.root),
        node::path_text(&node.roots.state),
    );
    report.identify(&[("root", &root), ("state", &state)]);
    report
}

/// The codes by which a start would destroy what can still be saved.
pub(crate) fn forbidding(predictions: &[Prediction]) -> Vec<&'static str> {
    let all = predictions.iter().flat_map(Prediction::forbidding);
    all.filter_map(|statement| statement.code).collect()
}

/// Findings in the order in which they are to be mended: by which a start would delete, then the worst, of
/// these first what ends the start.
pub fn put_in_order(findings: &mut [Finding], verdict: &Verdict) {
    let forbidding = forbidding(&verdict.predictions);
    let ends = verdict.predictions.iter().filter_map(Prediction::end);
    let ends: Vec<&str> = ends.filter_map(|end| end.code).collect();
    findings.sort_by_key(|finding| {
        let name = finding.code.name;
        (
            !forbidding.contains(&name),
            std::cmp::Reverse(finding.severity),
            !ends.contains(&name),
        )
    });
}

/// Whether containerd may be started on a node, and one sentence about it.
pub fn conclude(node: &Node, predictions: &[Prediction]) -> (Start, String) {
    let (start, sentence) = concluded(node, predictions);
    // Of a daemon that runs, a start is a restart.
    let runs = crate::running(node).is_some_and(|it| it.is_containerd);
    let sentence = match sentence.strip_prefix("Do not start containerd") {
        Some(rest) if runs => format!("Do not restart containerd{rest}"),
        _ => sentence,
    };
    (start, sentence)
}

fn concluded(node: &Node, predictions: &[Prediction]) -> (Start, String) {
    let (start, sentence) = start::overall(predictions);
    if let Some(why) = crate::root_disk::first(node) {
        return (Start::No, format!("Do not start containerd: {why}."));
    }
    if let Err(unread) = &node.root
        && !predictions.iter().all(|one| one.end().is_some())
    {
        let root = node::path_text(&node.roots.root);
        if crate::store::is_none_here(node) {
            let sentence = format!(
                "There is no containerd here: neither {root} nor a configuration nor a program of it \
                 is there."
            );
            return (Start::Unknown, sentence);
        }
        let sentence =
            format!("It is not known whether containerd would start: its root {root} {unread}.");
        return (Start::Unknown, sentence);
    }
    let is_empty = matches!(node.meta.state, DatabaseState::Unread(Unread::Absent));
    if start != Start::No && is_empty {
        let unit = node.roots.unit.as_ref();
        let is_script = unit.is_some_and(|unit| !unit.command.is_empty() && !unit.is_plain());
        let other = if is_script {
            "; whether the command of its unit gives it another root is not known"
        } else {
            ""
        };
        let sentence = format!(
            "There is nothing of containerd to judge: {} holds no meta.db, no blob and no snapshot{other}.",
            node::path_text(&node.roots.root)
        );
        return (Start::Unknown, sentence);
    }
    (start, sentence)
}

/// What is not known for any of the releases.
fn not_known(predictions: &[Prediction]) -> Vec<NotKnown> {
    let mut all: Vec<NotKnown> = Vec::new();
    for part in predictions.iter().flat_map(|one| &one.parts) {
        if !all.contains(part) {
            all.push(part.clone());
        }
    }
    all
}

/// Takes the node's own logs into account: where its last start failed with words that nothing which was
/// checked explains, it is not known whether the next one does not.
pub(crate) fn heed_logs(
    report: &Report,
    start: &mut Start,
    sentence: &mut String,
    predictions: &mut [Prediction],
) {
    let Some(failed) = crate::said::last_failure(report) else {
        return;
    };
    let tell = |start: &mut Start, sentence: &mut String| match start {
        Start::No => {}
        Start::Yes => {
            *start = Start::Unknown;
            *sentence = format!(
                "Nothing that was checked keeps containerd from starting, but its {failed}."
            );
        }
        Start::WithCare | Start::Unknown => *sentence = format!("{sentence} Its {failed}."),
    };
    tell(start, sentence);
    for one in predictions {
        tell(&mut one.start, &mut one.sentence);
    }
}

impl Verdict {
    /// What the node's own logs, as they stand in `report`, say of its last start.
    pub fn heed_logs(&mut self, report: &Report) {
        heed_logs(
            report,
            &mut self.start,
            &mut self.sentence,
            &mut self.predictions,
        );
    }
}

/// Statements of a prediction; what happens to many in the same way, once.
fn gathered<'s>(statements: impl Iterator<Item = &'s Statement>) -> Vec<Statement> {
    let mut all: Vec<Statement> = Vec::new();
    let mut by_words: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for statement in statements {
        let alike = by_words.entry(&statement.does).or_default();
        let is_like = |at: &&usize| all.get(**at).is_some_and(|other| other.is_like(statement));
        let same = alike.iter().find(is_like).copied();
        let gathers = same.filter(|_| !statement.targets.is_empty());
        if let Some(other) = gathers.and_then(|at| all.get_mut(at)) {
            other.targets.extend_from_slice(&statement.targets);
            other.more = other.more.saturating_add(statement.more);
            continue;
        }
        if same.is_none() {
            alike.push(all.len());
        }
        all.push(statement.clone());
    }
    all
}

/// Where a line stands in the list of what a start does: what goes wrong, what every start does, what may happen.
const TROUBLE: u8 = 2;
const USUAL: u8 = 4;
const POSSIBLE: u8 = 5;

/// What a start would do, a line each: what ends it first, then what is destroyed, then the rest.
fn would(report: &Report, predictions: &[Prediction], release: &Detected) -> Vec<String> {
    let mut lines: Vec<(u8, String, Vec<Release>)> = Vec::new();
    let mut at: BTreeMap<String, usize> = BTreeMap::new();
    let tellers = Tellers::new(report);
    for prediction in predictions {
        for mut statement in gathered(prediction.later.iter()) {
            statement.does = format!("once it starts again, {}", statement.does);
            lines.push((0, statement.line(), prediction.releases.clone()));
        }
        for mut statement in gathered(prediction.statements.iter()) {
            statement.code = statement.code.or_else(|| tellers.code_of(&statement));
            let ends = statement.effect.ends() || statement.effect == Effect::LosesCri;
            let rank = match () {
                () if statement.perhaps && !statement.forbids => POSSIBLE,
                () if ends => 0,
                () if statement.forbids => 1,
                () if statement.is_trouble() => TROUBLE,
                () if statement.effect.destroys() => 3,
                () => USUAL,
            };
            let line = statement.line();
            if let Some((_, _, releases)) = at.get(&line).and_then(|at| lines.get_mut(*at)) {
                releases.extend(&prediction.releases);
            } else {
                at.insert(line.clone(), lines.len());
                lines.push((rank, line, prediction.releases.clone()));
            }
        }
    }
    // What a finding says of a start, and no step of the start has told.
    let told: BTreeSet<&str> = predictions
        .iter()
        .flat_map(|prediction| &prediction.statements)
        .filter_map(|statement| statement.code.or_else(|| tellers.code_of(statement)))
        .collect();
    let ends = ends(predictions);
    for finding in &report.findings {
        if told.contains(&finding.code.name) || ends {
            continue;
        }
        let rank = if finding.severity >= Severity::Damage {
            TROUBLE
        } else {
            USUAL
        };
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
            if at.insert(line.clone(), lines.len()).is_none() {
                lines.push((rank, line, release.releases().collect()));
            }
        }
    }
    lines.sort_by_key(|(rank, _, _)| *rank);
    let all = release.releases().count();
    lines
        .into_iter()
        .map(|(_, line, releases)| {
            if releases.len() == all {
                return line;
            }
            let names: Vec<&str> = releases.iter().map(|release| release.name()).collect();
            format!("{}: {line}", names.join(", "))
        })
        .collect()
}

/// The findings that say what a rule of the start says: of the same rule, and in the same words but for what
/// they count.
struct Tellers<'r>(BTreeMap<(&'r str, &'r str), &'static str>);

impl<'r> Tellers<'r> {
    fn new(report: &'r Report) -> Self {
        let mut first = BTreeMap::new();
        for finding in &report.findings {
            for start in &finding.at_start {
                let words = (finding.code.rule, head(&start.does));
                first.entry(words).or_insert(finding.code.name);
            }
        }
        Self(first)
    }

    fn code_of(&self, statement: &Statement) -> Option<&'static str> {
        let words = (statement.rule, head(&statement.does));
        self.0.get(&words).copied()
    }
}

/// The words before what is counted.
fn head(does: &str) -> &str {
    does.split(':').next().unwrap_or_default()
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
    let mut told = BTreeSet::new();
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
            if told.insert(line.clone()) {
                lost.push(line);
            }
        }
    }
    for unknown in &report.coverage.unknown {
        lost.push(format!("unknown: {} ({})", unknown.what, unknown.why));
    }
    lost
}
