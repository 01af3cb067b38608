//! `coroner bolt check`

use std::collections::BTreeMap;
use std::io;

use bolt::{
    Affected, AtOpen, CheckReport, Db, Found, PageId, PageSource as _, Totals, TreeState, What,
};
use cli::{Answer, Exit, Out, Outcome, Pen, Style, size};
use finding::{Coverage, Finding, Location, Report, Severity, Text};
use serde::Serialize;

use crate::{
    affected::write_affected,
    checked::{COMPARED, checked},
    file::FileArgs,
    next::{self, Next},
    whose::SchemaArgs,
};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    schema: SchemaArgs,
    /// How many pages are read at the same time (0: as many as there are cores)
    #[arg(
        short = 'j',
        long = "jobs",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true
    )]
    threads: usize,
    /// How many findings of one code are shown
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
}

#[derive(Serialize)]
struct Checked {
    file: Text,
    #[serde(serialize_with = "finding::size_number")]
    size: u64,
    page_size: Option<u64>,
    txid: Option<u64>,
    high_water: Option<PageId>,
    freelist: &'static str,
    free_pages: Option<u64>,
    tree: TreeState,
    previous_tree: TreeState,
    /// Whether a page of the tree may be of an older transaction.
    in_doubt: bool,
    /// Whether one of the two metas is not valid: it may have been the newer one.
    is_later_unknown: bool,
    totals: Totals,
    /// What the library does when it opens the file for writing, as a daemon does.
    at_open: &'static str,
    affected: Affected,
    unsupported: bool,
    /// What to do next.
    next: Vec<Next>,
    #[serde(flatten)]
    report: Report,
}

pub(crate) fn run(args: &CheckArgs, out: &mut Out) -> Outcome {
    let file = args.file.open()?;
    let progress = out.progress("reading", file.len());
    let found = checked(
        &args.file,
        &file,
        args.threads,
        &progress,
        args.schema.schemas(),
    )?;
    drop(progress);
    let path = args.file.shown();
    let findings = findings(&found, &path);
    let mut coverage = Coverage::default();
    coverage.note_read(path.clone(), found.len);
    if file.used() > COMPARED {
        let why =
            "the newest tree was not compared with the one before: `coroner bolt diff` does it";
        coverage.skipped.push(why.to_owned());
    }
    if let Err(why) = file.unchanged() {
        coverage.unread(path.clone(), why);
    }
    let mut report = Report::new(findings, coverage, args.limit);
    for (code, more) in &found.more {
        let count = report.more.entry(code).or_default();
        *count = count.saturating_add(*more);
    }
    let is_unsupported = found.is_unsupported();
    let known = next::Found {
        tree: found.tree,
        previous: found.previous,
        metas: found.metas.iter().flatten().count(),
        report: &report,
    };
    let next = if is_unsupported || report.is_healthy() {
        Vec::new()
    } else {
        known.next(&args.file)
    };
    out.answer(&Checked {
        file: path,
        size: found.len,
        page_size: found.page_size,
        txid: found.meta.map(|meta| meta.txid),
        high_water: found.meta.map(|meta| meta.high_water),
        freelist: match found.meta {
            Some(meta) if meta.is_freelist_synced() => "synced",
            Some(_) => "not synced",
            None => "unknown",
        },
        free_pages: found.free,
        tree: found.tree,
        previous_tree: found.previous,
        in_doubt: found.is_in_doubt(),
        is_later_unknown: found.is_valid && found.metas.iter().any(Result::is_err),
        totals: found.totals,
        at_open: match found.at_open() {
            AtOpen::Opens => "opens",
            AtOpen::MayDie => "may die",
            AtOpen::Dies => "dies",
        },
        affected: affected(args, &found),
        unsupported: is_unsupported,
        next,
        report,
    })
}

/// Which buckets the damage is in.
fn affected(args: &CheckArgs, found: &CheckReport) -> Affected {
    let hides = |found: &Found| found.fault.unknown.is_some();
    let is_small = found.len <= COMPARED && found.faults.iter().any(hides);
    let source = is_small.then(|| args.file.whole().ok()).flatten();
    let db = source
        .as_ref()
        .and_then(|source| Db::open(source.view()).db);
    Affected::from_report(found, db.as_ref())
}

/// The faults as findings. Of pages that one page names and that are reached elsewhere, too, the
/// first stands for all.
fn findings(report: &CheckReport, path: &Text) -> Vec<Finding> {
    let is_shared = |found: &Found| matches!(found.fault.what, What::PageShared { .. });
    let mut shared: BTreeMap<Option<PageId>, (usize, u64)> = BTreeMap::new();
    let mut findings = Vec::new();
    for found in &report.faults {
        if is_shared(found) {
            if let Some((_, more)) = shared.get_mut(&found.fault.page) {
                *more = more.saturating_add(1);
                continue;
            }
            shared.insert(found.fault.page, (findings.len(), 0));
        }
        findings.push(found.finding(Location::file(path.clone())));
    }
    for (place, more) in shared.into_values().filter(|(_, more)| *more > 0) {
        if let Some(finding) = findings.get_mut(place) {
            let pages = if more == 1 { "page" } else { "pages" };
            let rest = format!("; so are {more} more {pages} that this page names");
            finding.message.push_str(&rest);
        }
    }
    findings
}

impl Answer for Checked {
    const SCHEMA: &'static str = "bolt-check/2";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for finding in &self.report.findings {
            finding_text(finding, pen)?;
        }
        for (code, count) in &self.report.more {
            pen.line(format_args!("and {count} more of {code}"))?;
        }
        for note in &self.report.coverage.unread {
            pen.line(format_args!("{} {}", note.path, note.unread))?;
        }
        for skipped in &self.report.coverage.skipped {
            pen.line(format_args!("not done: {skipped}"))?;
        }
        if let Some(txid) = self.txid {
            let Totals {
                buckets,
                inline,
                keys,
                depth,
                ..
            } = self.totals;
            pen.line(format_args!(
                "{}: {}, pages of {} bytes, transaction {txid}, freelist {}",
                self.file,
                size(self.size),
                self.page_size.unwrap_or(0),
                self.freelist
            ))?;
            pen.line(format_args!(
                "Pages in use: {} (branches: {}, leaves: {}, overflow: {}); free: {}",
                self.totals.pages(),
                self.totals.branches,
                self.totals.leaves,
                self.totals.overflow,
                self.free_pages
                    .map_or("unknown".to_owned(), |free| free.to_string()),
            ))?;
            pen.line(format_args!(
                "Buckets: {buckets} ({inline} inline); keys: {keys}; levels: {depth}"
            ))?;
        }
        write_affected(&self.affected, pen)?;
        match self.at_open {
            "dies" => pen.line("When a daemon opens the file: it refuses it, or crashes")?,
            "may die" => pen.line(
                "At an open by a daemon: bbolt 1.3.7 and later (containerd 1.7 and later) may die",
            )?,
            _ => {}
        }
        let (style, verdict) = self.verdict();
        let verdict = pen.styled(style, verdict).to_string();
        pen.line(verdict)?;
        next::write_next(&self.next, pen)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::CLEAN;
        if !self.report.is_healthy() {
            exit |= Exit::FINDINGS;
        }
        if self.unsupported || !self.report.coverage.unread.is_empty() {
            exit |= Exit::UNREAD;
        }
        exit
    }
}

impl Checked {
    /// Whether the tree of the transaction before was lost: a note, for a daemon that was killed
    /// leaves it so.
    fn has_no_way_back(&self) -> bool {
        let mut findings = self.report.findings.iter();
        findings.any(|finding| finding.code.name == bolt::codes::PREVIOUS_TREE.name)
    }

    fn verdict(&self) -> (Style, String) {
        let counts: Vec<String> = [
            Severity::Fatal,
            Severity::Damage,
            Severity::Odd,
            Severity::Note,
        ]
        .into_iter()
        .map(|severity| (severity, self.report.count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
        if self.unsupported {
            (Style::Warning, "Not examined: unsupported".to_owned())
        } else if self.report.is_healthy() {
            let notes = if counts.is_empty() {
                String::new()
            } else {
                format!(" ({})", counts.join(", "))
            };
            let back = if self.has_no_way_back() {
                "; there is no transaction before to fall back to, or to compare with: if this is a copy that was \
                 made while a daemon ran, copy it again"
            } else {
                ""
            };
            (Style::Good, format!("OK{notes}{back}"))
        } else {
            let keys = if self.in_doubt {
                "the keys of this tree can be read, and others may be missing: put it in no daemon's place before \
                 `coroner bolt salvage` has said which"
            } else if self.is_later_unknown {
                "all keys of this tree can be read; whether there was a later transaction is not known"
            } else {
                "all keys can be read"
            };
            if self.tree == TreeState::Whole && self.report.count(Severity::Fatal) == 0 {
                let word = if self.in_doubt {
                    "In doubt"
                } else {
                    "Usable, but degraded"
                };
                let text = format!("{word}: {}; {keys}", counts.join(", "));
                return (Style::Bad, text);
            }
            let tree = match (self.tree, self.previous_tree) {
                (TreeState::Whole, _) => format!("; {keys}"),
                (TreeState::Damaged, TreeState::Whole) => {
                    "; the tree of the transaction before is whole".to_owned()
                }
                _ => String::new(),
            };
            (Style::Bad, format!("Findings: {}{tree}", counts.join(", ")))
        }
    }
}

/// One finding: what, where, and what to do.
pub(crate) fn finding_text(finding: &Finding, pen: &mut Pen<'_>) -> io::Result<()> {
    let severity = pen
        .styled(
            finding.severity.into(),
            format!("{:6}", finding.severity.to_string()),
        )
        .to_string();
    let mut place = finding.location.clone();
    place.file = None;
    pen.line(format_args!("{severity}  {}  {place}", finding.code.name))?;
    pen.paragraph("        ", &finding.message)?;
    if let (Some(want), Some(found)) = (&finding.want, &finding.found) {
        pen.line(format_args!("        want {want}, found {found}"))?;
    }
    Ok(())
}
