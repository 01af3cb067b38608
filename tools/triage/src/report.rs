//! The report of a triage, as text and JSON.

use std::collections::BTreeMap;
use std::io;

use checks::{Start, Verdict};
use cli::{About, Answer, Exit, Pen, Style};
use daemon::Detected;
use finding::{Coverage, Finding, Report, Severity};
use node::Traces;
use serde::Serialize;

/// What `triage` answers.
#[derive(Serialize)]
pub(crate) struct Triage {
    pub(crate) verdict: Verdict,
    #[serde(rename = "evidence")]
    pub(crate) about: About,
    pub(crate) release: Detected,
    pub(crate) traces: Traces,
    #[serde(flatten)]
    pub(crate) report: Report,
    #[serde(skip)]
    pub(crate) notes: bool,
}

/// What is shown of a list before it says how many more there are.
const SHOWN: usize = 8;

impl Answer for Triage {
    const SCHEMA: &'static str = "triage/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        self.verdict_text(pen)?;
        pen.gap()?;
        self.about.text(pen)?;
        release_text(&self.release, pen)?;
        for finding in self
            .report
            .findings
            .iter()
            .filter(|f| f.severity > Severity::Note)
        {
            pen.gap()?;
            finding_text(finding, pen)?;
        }
        self.notes_text(pen)?;
        for (code, count) in &self.report.more {
            pen.line(format_args!("and {count} more of {code}"))?;
        }
        coverage_text(&self.report.coverage, pen)
    }

    fn exit(&self) -> Exit {
        // Where nothing can be said, nothing is clean.
        let unknown = match self.verdict.start {
            Start::Unknown => Exit::UNREAD,
            Start::Yes | Start::WithCare | Start::No => Exit::CLEAN,
        };
        exit(&self.report) | unknown
    }
}

/// What a report means for the exit code.
pub(crate) fn exit(report: &Report) -> Exit {
    let mut exit = Exit::CLEAN;
    if !report.is_healthy() {
        exit |= Exit::FINDINGS;
    }
    let hidden = report
        .coverage
        .unread
        .iter()
        .any(|note| !note.unread.is_absent());
    if hidden || !report.coverage.unknown.is_empty() {
        exit |= Exit::UNREAD;
    }
    exit
}

impl Triage {
    fn verdict_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let style = match self.verdict.start {
            Start::Yes => Style::Good,
            Start::WithCare => Style::Warning,
            Start::No | Start::Unknown => Style::Bad,
        };
        let line = pen.styled(style, &self.verdict.sentence).to_string();
        pen.line(line)?;
        let counts = [
            Severity::Fatal,
            Severity::Damage,
            Severity::Odd,
            Severity::Note,
        ]
        .map(|severity| (severity, self.report.count(severity)));
        let counts: Vec<String> = counts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {severity}"))
            .collect();
        if counts.is_empty() {
            pen.line("No findings.")?;
        } else {
            pen.line(format_args!("Findings: {}.", counts.join(", ")))?;
        }
        list("At a start, containerd:", &self.verdict.would, pen)?;
        list("Broken or unknown:", &self.verdict.lost, pen)
    }

    /// Notes take a line each, those of one code together, unless they are wanted in full.
    fn notes_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let notes: Vec<&Finding> = self
            .report
            .findings
            .iter()
            .filter(|f| f.severity == Severity::Note)
            .collect();
        if notes.is_empty() {
            return Ok(());
        }
        pen.gap()?;
        if self.notes {
            for note in notes {
                finding_text(note, pen)?;
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

fn list(heading: &str, lines: &[String], pen: &mut Pen<'_>) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    pen.gap()?;
    pen.heading(heading)?;
    for line in lines.iter().take(SHOWN) {
        pen.paragraph("  - ", line)?;
    }
    match lines.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => pen.line(format_args!("  - and {more} more")),
    }
}

fn release_text(release: &Detected, pen: &mut Pen<'_>) -> io::Result<()> {
    let mixed = if release.mixed {
        ", with traces of another"
    } else {
        ""
    };
    let because = if release.because.is_empty() {
        "nothing here tells which".to_owned()
    } else {
        release.because.join("; ")
    };
    pen.paragraph(
        "Release ",
        &format!("{}{mixed} ({because})", release.name()),
    )
}

/// One finding: what, where, what it breaks, what a start would do, what to do.
pub(crate) fn finding_text(finding: &Finding, pen: &mut Pen<'_>) -> io::Result<()> {
    let severity = finding.severity.to_string().to_uppercase();
    let head = pen
        .styled(finding.severity.into(), format!("{severity:6}"))
        .to_string();
    let code = pen.styled(Style::Heading, finding.code.name).to_string();
    pen.line(format_args!("{head}  {code}  {}", finding.code.headline()))?;
    pen.paragraph("  what    ", &finding.message)?;
    let place = finding.location.to_string();
    if !place.is_empty() {
        pen.line(format_args!("  where   {place}"))?;
    }
    if let (Some(want), Some(found)) = (&finding.want, &finding.found) {
        pen.line(format_args!("  want    {want}"))?;
        pen.line(format_args!("  found   {found}"))?;
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
        pen.paragraph("  breaks  ", &names.join(", "))?;
    }
    for start in &finding.at_start {
        pen.paragraph("  start   ", &format!("{}: {}", start.release, start.does))?;
    }
    if finding.severity > Severity::Note {
        pen.paragraph("  do      ", finding.what_to_do())?;
    }
    Ok(())
}

fn coverage_text(coverage: &Coverage, pen: &mut Pen<'_>) -> io::Result<()> {
    pen.gap()?;
    pen.heading("Coverage")?;
    let names: Vec<String> = coverage
        .sources
        .iter()
        .map(|source| format!("{} ({})", source.path, cli::size(source.size)))
        .collect();
    if !names.is_empty() {
        pen.paragraph("  read      ", &names.join(", "))?;
    }
    for note in &coverage.unread {
        pen.paragraph("  not read  ", &format!("{} {}", note.path, note.unread))?;
    }
    for unknown in coverage.unknown.iter().take(SHOWN) {
        pen.paragraph(
            "  unknown   ",
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
            [one, .., last] => format!("{} checks from {one} to {last}", codes.len()),
            [] => continue,
        };
        pen.paragraph("  abstained ", &format!("{who}: {because}"))?;
    }
    for skipped in &coverage.skipped {
        pen.paragraph("  skipped   ", skipped)?;
    }
    Ok(())
}
