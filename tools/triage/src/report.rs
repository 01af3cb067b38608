//! The report of a triage, as text and JSON.

use std::collections::BTreeMap;
use std::io;

use checks::start::Statement;
use checks::{Start, Verdict};
use cli::{About, Again, Answer, Exit, Pen, Style};
use daemon::Detected;
use finding::{Coverage, Finding, Logged, Report, Severity};
use node::Traces;
use serde::Serialize;

use crate::baseline::Baseline;
use crate::fail_on::FailOn;
use crate::next;
use crate::preflight;
use crate::summary::Summary;

/// What `triage` answers.
#[derive(Serialize)]
pub(crate) struct Triage {
    pub(crate) verdict: Verdict,
    #[serde(rename = "evidence")]
    pub(crate) about: About,
    pub(crate) release: Detected,
    pub(crate) traces: Traces,
    pub(crate) summary: Summary,
    /// How many findings of each code were left out on purpose.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) ignored: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) baseline: Option<Baseline>,
    #[serde(flatten)]
    pub(crate) listed: Listed,
    #[serde(skip)]
    pub(crate) options: Options,
}

/// The report, or of a summary only its coverage.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Listed {
    Whole(Report),
    Summary {
        #[serde(skip)]
        findings: Vec<Severity>,
        coverage: Coverage,
    },
}

impl Listed {
    fn severities(&self) -> Vec<Severity> {
        match self {
            Self::Whole(report) => report.findings.iter().map(|f| f.severity).collect(),
            Self::Summary { findings, .. } => findings.clone(),
        }
    }

    pub(crate) const fn coverage(&self) -> &Coverage {
        match self {
            Self::Whole(Report { coverage, .. }) | Self::Summary { coverage, .. } => coverage,
        }
    }
}

/// How a triage is shown and what its exit code means.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) notes: bool,
    pub(crate) fail_on: FailOn,
    /// Whether it is the machine itself.
    pub(crate) is_live: bool,
    /// The node as it was given.
    pub(crate) node: Again,
}

/// What is shown of a list before it says how many more there are.
const SHOWN: usize = 8;

impl Answer for Triage {
    const SCHEMA: &'static str = "triage/1";
    const SAYS_RUNNING: bool = true;

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let fitted = self.screen(pen)?;
        let Listed::Whole(report) = &self.listed else {
            return Ok(());
        };
        self.beyond(fitted, pen)?;
        let has_ways = report
            .findings
            .iter()
            .any(|finding| !finding.ways.is_empty());
        if has_ways && !self.options.is_live {
            pen.gap()?;
            pen.paragraph(
                "",
                "The commands below are for a shell on that node, where its root is /: not for this machine.",
            )?;
        }
        let mut ways = cli::Ways::default();
        for finding in report
            .findings
            .iter()
            .filter(|f| f.severity > Severity::Note)
        {
            pen.gap()?;
            finding_text(finding, &mut ways, pen)?;
        }
        self.notes_text(report, pen)?;
        for (code, count) in &report.more {
            pen.line(format_args!("and {count} more of {code}"))?;
        }
        if let Some(baseline) = &self.baseline {
            baseline.write_baseline(pen)?;
        }
        coverage_text(&report.coverage, pen)?;
        next::write_next(self, report, pen)
    }

    fn exit(&self) -> Exit {
        // Where nothing can be said, nothing is clean; and what a start would do does not depend on
        // which findings are wanted.
        let loses = self.verdict.predictions.iter().any(|one| {
            let mut statements = one.statements.iter();
            statements.any(Statement::removes_a_writable_layer)
        });
        let verdict = match self.verdict.start {
            Start::WithCare if !loses => preflight::exit(Start::Yes, &self.verdict.not_known),
            start => preflight::exit(start, &self.verdict.not_known),
        };
        let found = self.options.fail_on.exit(self.listed.severities());
        found | unread(self.listed.coverage()) | verdict | self.about.exit()
    }
}

/// What a report's coverage means for the exit code.
fn unread(coverage: &Coverage) -> Exit {
    let mut unread = coverage.unread.iter();
    if unread.any(|note| !note.unread.is_absent()) || !coverage.unknown.is_empty() {
        Exit::UNREAD
    } else {
        Exit::CLEAN
    }
}

impl Triage {
    /// Notes take a line each, those of one code together, unless they are wanted in full.
    fn notes_text(&self, report: &Report, pen: &mut Pen<'_>) -> io::Result<()> {
        let notes: Vec<&Finding> = report
            .findings
            .iter()
            .filter(|f| f.severity == Severity::Note)
            .collect();
        if notes.is_empty() {
            return Ok(());
        }
        pen.gap()?;
        if self.options.notes {
            for note in notes {
                finding_text(note, &mut cli::Ways::default(), pen)?;
            }
            return Ok(());
        }
        pen.heading("Notes (--notes shows them in full)")?;
        let mut by_code: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for note in notes {
            by_code.entry(note.code.name).or_default().push(note);
        }
        for (code, notes) in by_code {
            let [first, rest @ ..] = notes.as_slice() else {
                continue;
            };
            let more = if rest.is_empty() {
                String::new()
            } else {
                format!(" (and {} more)", rest.len())
            };
            pen.paragraph(
                &format!("  {code:28}  "),
                &format!("{}{more}", first.message),
            )?;
        }
        Ok(())
    }
}

pub(crate) fn release_text(release: &Detected, pen: &mut Pen<'_>) -> io::Result<()> {
    let mixed = if release.mixed {
        ", with traces of another"
    } else {
        ""
    };
    let because = if release.because.is_empty() {
        "nothing here shows which".to_owned()
    } else {
        release.because.join("; ")
    };
    pen.paragraph(
        "Release ",
        &match release.beyond() {
            Some((version, why)) => format!("{version} ({why}; judged as {})", release.name()),
            None => format!("{}{mixed} ({because})", release.name()),
        },
    )
}

/// One finding: what, where, what it affects, what a start would do, how to fix it.
pub(crate) fn finding_text(
    finding: &Finding,
    ways: &mut cli::Ways,
    pen: &mut Pen<'_>,
) -> io::Result<()> {
    let severity = finding.severity.to_string().to_uppercase();
    let head = pen
        .styled(finding.severity.into(), format!("{severity:6}"))
        .to_string();
    let code = pen.styled(Style::Heading, finding.code.name).to_string();
    // A head that would not fit goes on in the next line, under the code.
    let title = finding.code.headline();
    let room = pen.width().unwrap_or(usize::MAX);
    let taken = finding.code.name.len().saturating_add(10);
    if taken.saturating_add(title.chars().count()) <= room {
        pen.line(format_args!("{head}  {code}  {title}"))?;
    } else {
        pen.line(format_args!("{head}  {code}"))?;
        pen.paragraph("        ", &title)?;
    }
    pen.paragraph("  what    ", &finding.message)?;
    let place = finding.location.to_string();
    if !place.is_empty() {
        pen.paragraph("  where   ", &place)?;
    }
    if let Some(logged) = &finding.logged {
        pen.paragraph("  log     ", &logged_text(logged))?;
    }
    if let (Some(want), Some(found)) = (&finding.want, &finding.found) {
        pen.paragraph("  want    ", want)?;
        pen.paragraph("  found   ", found)?;
    }
    if !finding.affects.is_empty() {
        let mut names: Vec<String> = finding
            .affects
            .iter()
            .take(SHOWN)
            .map(ToString::to_string)
            .collect();
        let more = finding.affects.len().saturating_sub(SHOWN);
        if more > 0 {
            names.push(format!("and {more} more"));
        }
        pen.paragraph("  affects ", &names.join(", "))?;
    }
    if !finding.causes.is_empty() {
        pen.paragraph("  causes  ", &causes_text(finding))?;
    }
    for start in &finding.at_start {
        pen.paragraph("  start   ", &format!("{}: {}", start.release, start.does))?;
    }
    if finding.severity > Severity::Note {
        pen.what_to_do_once("  fix     ", finding, ways)?;
    }
    Ok(())
}

/// `snapshot/children, 2 of snapshot/backend-unknown`
fn causes_text(finding: &Finding) -> String {
    let causes = finding.causes.iter();
    let causes = causes.map(|(code, count)| match count {
        1 => (*code).to_owned(),
        count => format!("{count} of {code}"),
    });
    causes.collect::<Vec<String>>().join(", ")
}

/// The node's own line: when, who, what, and how often.
fn logged_text(logged: &Logged) -> String {
    let at = logged
        .at
        .map_or_else(|| "at an unknown time".to_owned(), |at| at.to_string());
    let times = match logged.times {
        0 | 1 => String::new(),
        times => format!(" (said {times} times, this is the last)"),
    };
    format!("{at} {}: {}{times}", logged.by, logged.said)
}

/// Checks that lack the same thing are named, up to so many.
const NAMED: usize = 4;

fn coverage_text(coverage: &Coverage, pen: &mut Pen<'_>) -> io::Result<()> {
    pen.gap()?;
    pen.heading("Coverage")?;
    let names: Vec<String> = coverage
        .sources
        .iter()
        .map(|source| format!("{} ({})", source.path, cli::size(source.size)))
        .collect();
    if !names.is_empty() {
        pen.paragraph("  read        ", &names.join(", "))?;
    }
    for note in &coverage.unread {
        pen.paragraph("  not read    ", &format!("{} {}", note.path, note.unread))?;
    }
    for unknown in coverage.unknown.iter().take(SHOWN) {
        pen.paragraph(
            "  unknown     ",
            &format!("{}: {}", unknown.what, unknown.why),
        )?;
    }
    // Many checks may lack the same thing: it is told once.
    let mut abstained: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for abstention in &coverage.abstained {
        abstained
            .entry(&abstention.because)
            .or_default()
            .push(abstention.code);
    }
    for (because, codes) in abstained {
        let who = match codes.as_slice() {
            [one] => (*one).to_owned(),
            [one, other] => format!("{one}, {other}"),
            [.., last] if codes.len() <= NAMED => {
                let rest = codes
                    .get(..codes.len().saturating_sub(1))
                    .unwrap_or_default();
                format!("{} and {last}", rest.join(", "))
            }
            [first, second, ..] => format!(
                "{first}, {second} and {} more checks",
                codes.len().saturating_sub(2)
            ),
            [] => continue,
        };
        pen.paragraph("  not checked ", &format!("{who}: {because}"))?;
    }
    for skipped in &coverage.skipped {
        pen.paragraph("  skipped     ", skipped)?;
    }
    Ok(())
}
