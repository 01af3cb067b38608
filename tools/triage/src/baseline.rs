//! What is new since an older triage, and what is gone.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use cli::{Failure, Pen, Style, shown};
use compared::{Difference, Entry, Taken};
use finding::{Fingerprint, Report, Severity};
use serde::Serialize;

/// What `--baseline` adds to a triage.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Baseline {
    /// The older triage.
    pub(crate) file: String,
    /// What it had examined, and what time it was there.
    pub(crate) evidence: String,
    pub(crate) now: String,
    /// How many findings are as they were.
    pub(crate) same: usize,
    /// The severity that each finding had which is listed because it has become worse.
    pub(crate) worse: BTreeMap<String, Severity>,
    /// Findings that are gone.
    pub(crate) gone: Vec<Entry>,
    /// How many more are gone that the older triage did not list.
    pub(crate) more_gone: usize,
    /// Findings that cannot be judged now: not found is not gone.
    pub(crate) unjudged: Vec<Entry>,
    #[serde(skip)]
    counts: String,
}

impl Baseline {
    /// Compares, and leaves in `report` only what is new or has become worse.
    pub(crate) fn apply(old: &Taken, now: &Taken, report: &mut Report) -> Self {
        let difference = Difference::between(old, now);
        let new: std::collections::BTreeSet<Fingerprint> = difference
            .new
            .iter()
            .map(|entry| entry.fingerprint)
            .collect();
        let worse = difference
            .changed
            .iter()
            .filter(|changed| changed.now.severity > changed.was);
        let worse: BTreeMap<Fingerprint, Severity> = worse
            .map(|changed| (changed.now.fingerprint, changed.was))
            .collect();
        report.findings.retain(|finding| {
            finding
                .fingerprint
                .is_none_or(|print| new.contains(&print) || worse.contains_key(&print))
        });
        report.drop_without_cause();
        Self {
            file: old.file.clone(),
            evidence: old.evidence.clone(),
            now: old.now.clone(),
            same: difference.same,
            worse: worse
                .into_iter()
                .map(|(print, was)| (print.to_string(), was))
                .collect(),
            counts: difference.counts(),
            gone: difference.gone,
            more_gone: difference.more_gone,
            unjudged: difference.unjudged,
        }
    }

    /// One sentence about it.
    pub(crate) fn sentence(&self) -> String {
        let Self {
            file,
            evidence,
            now,
            counts,
            ..
        } = self;
        format!("Compared with {file} ({evidence}, as of {now}): {counts}.")
    }

    /// What is gone, and what cannot be judged.
    pub(crate) fn write_baseline(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        entries("Gone since then", &self.gone, pen)?;
        entries(
            "Cannot be judged now (not found is not gone)",
            &self.unjudged,
            pen,
        )
    }
}

/// A list of findings, two lines each.
pub(crate) fn entries(heading: &str, entries: &[Entry], pen: &mut Pen<'_>) -> io::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    pen.gap()?;
    pen.heading(heading)?;
    for entry in entries {
        one(entry, &entry.severity.to_string(), pen)?;
    }
    Ok(())
}

/// One finding: severity and code, what, where.
pub(crate) fn one(entry: &Entry, severity: &str, pen: &mut Pen<'_>) -> io::Result<()> {
    let severity = pen
        .styled(Style::from(entry.severity), format!("{severity:8}"))
        .to_string();
    pen.line(format_args!("  {severity}{}", entry.code))?;
    pen.paragraph("          ", &entry.message)?;
    let place = entry.place();
    if place.is_empty() {
        return Ok(());
    }
    pen.paragraph("          ", &place)
}

/// Bytes of the largest triage that is read: no report of ours has as many.
const LARGEST: u64 = 256 << 20;

/// Reads what `triage --format json` wrote.
pub(crate) fn read_taken(path: &Path) -> Result<Taken, Failure> {
    let name = shown(path);
    let failed = |error: std::io::Error| {
        Failure::unread(format!("could not read {name}: {}", cli::reason(&error)))
            .hint("a triage is saved with `coroner triage NODE --format json -o FILE`")
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "an answer of our own, not evidence; it may well be a pipe"
    )]
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let most = LARGEST.saturating_add(1);
    let len = file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(len).is_ok_and(|len| len >= most) {
        return Err(wrong(&name, "it is larger than 256 MiB"));
    }
    Taken::parse(&bytes, &name).map_err(|why| wrong(&name, &why))
}

fn wrong(name: &str, why: &str) -> Failure {
    Failure::usage(format!("{name} is not a triage to compare with: {why}"))
        .hint("`coroner triage --format json NODE -o FILE` writes one")
}
