//! The first screen of a triage: what somebody needs who looks at nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use checks::Start;
use cli::{Pen, Style};
use finding::{Finding, Object, Report, Severity};
use serde::Serialize;

use crate::report::Triage;

/// Lines of a terminal of 24, without that of the prompt.
const SCREEN: usize = 23;

/// Of a start, and of the kinds of findings, so many come before where the node is.
const VITAL: usize = 3;

/// A title has a column of its own, if that has so much room.
const TITLE: usize = 30;

/// How many findings there are.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Summary {
    /// By severity.
    severities: BTreeMap<Severity, usize>,
    /// By code, the worst severity of each first.
    codes: Vec<Kind>,
    /// Objects that findings above a note affect, by kind.
    affected: BTreeMap<&'static str, usize>,
}

/// How many findings there are of a code and severity.
#[derive(Debug, Clone, Serialize)]
struct Kind {
    severity: Severity,
    code: &'static str,
    #[serde(skip)]
    title: String,
    count: usize,
}

impl Summary {
    pub(crate) fn from_report(report: &Report) -> Self {
        let mut severities: BTreeMap<Severity, usize> = BTreeMap::new();
        let mut kinds: BTreeMap<(Severity, &'static str), Kind> = BTreeMap::new();
        let mut objects: BTreeSet<&Object> = BTreeSet::new();
        for finding in &report.findings {
            let Finding { severity, code, .. } = finding;
            let count = severities.entry(*severity).or_default();
            *count = count.saturating_add(1);
            let kind = kinds.entry((*severity, code.name)).or_insert(Kind {
                severity: *severity,
                code: code.name,
                title: code.headline(),
                count: 0,
            });
            kind.count = kind.count.saturating_add(1);
            if *severity > Severity::Note {
                objects.extend(&finding.affects);
            }
        }
        let mut codes: Vec<Kind> = kinds.into_values().collect();
        codes.sort_by(|a, b| (b.severity, a.code).cmp(&(a.severity, b.code)));
        let mut affected: BTreeMap<&'static str, usize> = BTreeMap::new();
        for object in objects {
            let count = affected.entry(object.kind).or_default();
            *count = count.saturating_add(1);
        }
        Self {
            severities,
            codes,
            affected,
        }
    }

    fn counts(&self) -> String {
        let counts: Vec<String> = self
            .severities
            .iter()
            .rev()
            .map(|(severity, count)| format!("{count} {severity}"))
            .collect();
        if counts.is_empty() {
            return "No findings.".to_owned();
        }
        let mut text = format!("Findings: {}.", counts.join(", "));
        let affected: Vec<String> = self
            .affected
            .iter()
            .map(|(kind, count)| checks::start::counted(*count, kind))
            .collect();
        if !affected.is_empty() {
            text = format!("{text} They affect {}.", affected.join(", "));
        }
        text
    }
}

/// Lines of a part, and how many of them must be shown.
struct Part {
    heading: &'static str,
    lines: Vec<Vec<String>>,
    more: &'static str,
}

impl Part {
    /// Lines that it takes with so many of its items; a gap and a heading come before.
    fn height(&self, items: usize) -> usize {
        if self.lines.is_empty() {
            return 0;
        }
        let shown = self.lines.iter().take(items).map(Vec::len).sum::<usize>();
        let more = usize::from(items < self.lines.len());
        shown.saturating_add(more).saturating_add(2)
    }

    /// As many items as fit `room`; the first of them is always shown.
    fn fits(&self, room: usize) -> usize {
        let first = self.lines.len().min(1);
        let counts = (first..=self.lines.len()).rev();
        counts
            .into_iter()
            .find(|items| self.height(*items) <= room)
            .unwrap_or(first)
    }

    /// What it takes to tell anything: its first items.
    fn needs(&self) -> usize {
        self.height(self.lines.len().min(VITAL))
    }

    fn write(&self, items: usize, pen: &mut Pen<'_>) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        pen.gap()?;
        pen.heading(self.heading)?;
        for line in self.lines.iter().take(items).flatten() {
            pen.verbatim(line)?;
        }
        match self.lines.len().saturating_sub(items) {
            0 => Ok(()),
            more => pen.line(format_args!("  and {more} more {}", self.more)),
        }
    }
}

/// What is compared only when it is asked for: the code that says so, the option, and what it is.
const NOT_COMPARED: &[(&str, &str, &str)] = &[
    (
        "snapshot/layer-differs",
        "(--layers",
        "files of layers (--layers)",
    ),
    ("blob/altered", "(--hash", "bytes of blobs (--hash)"),
];

impl Triage {
    /// Writes the first screen; whether what each part has to say fitted.
    pub(crate) fn screen(&self, pen: &mut Pen<'_>) -> io::Result<[bool; 3]> {
        let mut head = pen.lines(|pen| self.head(pen))?;
        let about = pen.lines(|pen| self.about_text(pen))?;
        let (start, kinds) = self.parts(pen)?;
        // Where the node is matters less than what is wrong with it: without room, its first line has to do.
        let vital = start.needs().saturating_add(kinds.needs());
        let left = SCREEN.saturating_sub(head.len()).saturating_sub(vital);
        let has_room = about.len() <= left;
        // A gap, and the lines of the first paragraph.
        let rest = about
            .iter()
            .skip(2)
            .take_while(|line| line.starts_with("  "));
        let first = rest.count().saturating_add(2);
        let shown = match (has_room, first <= left) {
            (true, _) => about.len(),
            (false, true) => first,
            (false, false) => 0,
        };
        head.extend(about.into_iter().take(shown));
        for line in &head {
            pen.verbatim(line)?;
        }
        let room = SCREEN.saturating_sub(head.len());
        // What a start would do gets what the kinds leave, but a third of the room at least.
        let all = kinds.height(kinds.lines.len());
        let third = room.div_euclid(3);
        let for_start = room.saturating_sub(all).max(third);
        let started = start.fits(for_start);
        let left = room.saturating_sub(start.height(started));
        let listed = kinds.fits(left);
        start.write(started, pen)?;
        kinds.write(listed, pen)?;
        Ok([
            has_room,
            started == start.lines.len(),
            listed == kinds.lines.len(),
        ])
    }

    /// What did not fit the first screen, in full: where the node is, what a start does, what is wrong.
    pub(crate) fn beyond(&self, fitted: [bool; 3], pen: &mut Pen<'_>) -> io::Result<()> {
        let [about, started, listed] = fitted;
        let (mut start, mut kinds) = self.parts(pen)?;
        start.heading = "All that a start of containerd would do:";
        kinds.heading = "All kinds of findings:";
        if !about {
            self.about_text(pen)?;
        }
        if !started {
            start.write(start.lines.len(), pen)?;
        }
        if !listed {
            kinds.write(kinds.lines.len(), pen)?;
        }
        Ok(())
    }

    fn about_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.gap()?;
        self.about.write_about(pen)?;
        crate::report::release_text(&self.release, pen)
    }

    fn head(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let style = match self.verdict.start {
            Start::Yes => Style::Good,
            Start::WithCare => Style::Warning,
            Start::No | Start::Unknown => Style::Bad,
        };
        self.about.refused(pen)?;
        for line in pen.lines(|pen| pen.paragraph("", &self.verdict.sentence))? {
            let line = pen.styled(style, line).to_string();
            pen.line(line)?;
        }
        pen.paragraph("", &self.summary.counts())?;
        cli::write_running(pen)?;
        if let Some(baseline) = &self.baseline {
            pen.paragraph("", &baseline.sentence())?;
        }
        if !self.ignored.is_empty() {
            let ignored: Vec<String> = self
                .ignored
                .iter()
                .map(|(code, count)| format!("{count} {code}"))
                .collect();
            pen.paragraph("", &format!("Ignored: {}.", ignored.join(", ")))?;
        }
        if !self.verdict.not_in_evidence.is_empty() {
            let lacks = self.verdict.not_in_evidence.join(", ");
            pen.paragraph("", &format!("Not in this evidence: {lacks}."))?;
        }
        let not_compared: Vec<&str> = NOT_COMPARED
            .iter()
            .filter(|(code, option, _)| {
                let mut abstained = self.listed.coverage().abstained.iter();
                abstained.any(|one| one.code == *code && one.because.contains(option))
            })
            .map(|(.., what)| *what)
            .collect();
        // What was not looked at matters to who would start it.
        let may_start = self.verdict.start != checks::Start::No;
        if may_start && !not_compared.is_empty() {
            let what = not_compared.join(", ");
            pen.paragraph("", &format!("Not compared: {what}."))?;
        }
        let unknown = self.listed.coverage().unknown.len();
        if unknown > 0 {
            let things = if unknown == 1 { "thing" } else { "things" };
            let line = format!("Unknown: {unknown} {things} could not be read (see Coverage).");
            let line = pen.styled(Style::Bad, line).to_string();
            pen.line(line)?;
        }
        Ok(())
    }

    /// What a start would do, and what is wrong: a line for each kind.
    fn parts(&self, pen: &Pen<'_>) -> io::Result<(Part, Part)> {
        let would = &self.verdict.would;
        let start = would
            .iter()
            .map(|line| pen.lines(|pen| pen.paragraph("  - ", line)))
            .collect::<io::Result<_>>()?;
        let kinds = self.summary.codes.iter();
        let kinds: Vec<&Kind> = kinds
            .filter(|kind| kind.severity > Severity::Note)
            .collect();
        let widest = kinds.iter().map(|kind| kind.code.len()).max().unwrap_or(0);
        let most = kinds.iter().map(|kind| kind.count).max().unwrap_or(0);
        let digits = most.to_string().len();
        let width = pen.width().unwrap_or(usize::MAX);
        let column = digits.saturating_add(widest).saturating_add(14);
        let is_wide = width.saturating_sub(column) >= TITLE;
        let lines = kinds.iter().map(|kind| {
            let severity = format!("{:6}", kind.severity.to_string());
            let severity = pen.styled(kind.severity.into(), severity);
            let Kind {
                count, code, title, ..
            } = kind;
            if width == usize::MAX {
                let line = format!("  {severity}  {count:digits$}  {code:widest$}  {title}");
                return Ok(vec![line]);
            }
            let head = format!("  {severity}  {count:digits$}  {code}");
            if is_wide {
                let head = format!("  {severity}  {count:digits$}  {code:widest$}  ");
                return pen.lines(|pen| pen.paragraph(&head, title));
            }
            let indent = " ".repeat(digits.saturating_add(12));
            let mut lines = vec![head];
            lines.extend(pen.lines(|pen| pen.paragraph(&indent, title))?);
            Ok(lines)
        });
        let lines = lines.collect::<io::Result<Vec<Vec<String>>>>()?;
        let start = Part {
            heading: "At a start, containerd:",
            lines: start,
            more: "of these",
        };
        let kinds = Part {
            heading: "What is wrong:",
            lines,
            more: "kinds of findings",
        };
        Ok((start, kinds))
    }
}
