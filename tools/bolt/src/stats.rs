//! `coroner bolt stats`

use std::io;

use bolt::{
    BucketRoot, CheckReport, Counted, Fault, PageId, PageSource as _, PageState, Stats, TreeState,
    Value, codes,
};
use cli::{Answer, Exit, Failure, Out, Outcome, Pen, Style, Table, size};
use finding::{Fault as _, Severity, Text};
use serde::Serialize;
use view::Span;

use crate::{
    checked::checked,
    file::{FileArgs, key},
    open,
};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Only this bucket: its keys from the root bucket on (0x and hex for bytes)
    #[arg(long, value_name = "KEY", num_args = 1..)]
    bucket: Vec<String>,
}

#[derive(Serialize)]
struct Answered {
    file: Text,
    page_size: u64,
    txid: u64,
    bucket: Vec<Text>,
    total: Stats,
    #[serde(serialize_with = "finding::size_number")]
    wasted: u64,
    buckets: Vec<Below>,
    /// Only of the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    space: Option<Space>,
    unknown: Vec<Missing>,
    more_unknown: u64,
}

/// A bucket right in it.
#[derive(Serialize)]
struct Below {
    key: Text,
    #[serde(flatten)]
    stats: Stats,
}

/// What the pages of the file are used for, tree or not.
#[derive(Serialize)]
struct Space {
    freelist: &'static str,
    used: u64,
    freelist_pages: u64,
    /// Null where a damaged tree or freelist leaves it open.
    free: Option<u64>,
    /// Of the free pages, those that the transaction before still uses.
    pending: Option<u64>,
    lost: u64,
    unknown: u64,
    past: u64,
}

/// Why something is not in the numbers.
#[derive(Serialize)]
struct Missing {
    page: Option<PageId>,
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
    what: String,
}

pub(crate) fn run(args: &StatsArgs, out: &mut Out) -> Outcome {
    let file = args.file.open()?;
    let progress = out.progress("reading", file.len());
    let report = checked(&args.file, &file, 0, &progress, metadb::SCHEMAS)?;
    drop(progress);
    let (meta, page_size) = report
        .meta
        .filter(|_| report.is_valid)
        .zip(report.page_size)
        .ok_or_else(|| {
            Failure::unread(format!("{}: there is no tree to count", args.file.shown()))
                .hint("`coroner bolt info` shows both metas")
        })?;
    let root = if args.bucket.is_empty() {
        BucketRoot {
            page: meta.root,
            inline: None,
        }
    } else {
        root(args)?
    };
    let pages = report.len.checked_div(page_size).unwrap_or(0);
    let end = PageId(meta.high_water.0.min(pages));
    let counted = bolt::stats(&file, page_size, end, root);
    if let Err(why) = file.unchanged() {
        return Err(args.file.unread(&why));
    }
    let Counted {
        total,
        buckets,
        faults,
        more,
    } = counted;
    // Of a tree that nobody wrote, the numbers say nothing.
    let stale = report.faults.iter().map(|found| &found.fault);
    let is_old = |fault: &&Fault| {
        let name = fault.what.code().name;
        name == codes::STALE_ROOT.name
            || name == codes::LOST_WRITE.name && fault.severity() > Severity::Note
    };
    let stale = stale.filter(is_old);
    out.answer(&Answered {
        file: args.file.shown(),
        page_size,
        txid: meta.txid,
        bucket: args
            .bucket
            .iter()
            .map(|name| Text::new(open::bytes(name)))
            .collect(),
        total,
        wasted: total.wasted(),
        buckets: buckets
            .into_iter()
            .map(|(key, stats)| Below {
                key: Text::new(key),
                stats,
            })
            .collect(),
        space: args.bucket.is_empty().then(|| space(&report)),
        unknown: stale
            .chain(&faults)
            .map(|fault| Missing {
                page: fault.page,
                offset: fault.span.start,
                what: fault.what.to_string(),
            })
            .collect(),
        more_unknown: more,
    })
}

/// Where the bucket that is asked for stands.
fn root(args: &StatsArgs) -> Result<BucketRoot, Failure> {
    let source = args.file.whole()?;
    let db = open::db(&source, &args.file.shown(), false)?;
    let (name, path) = args
        .bucket
        .split_last()
        .ok_or_else(|| Failure::usage("no bucket was named"))?;
    let contents = open::bucket(&db, path)?.contents();
    let name = open::bytes(name);
    let entry = contents.get(&name);
    let span = entry.map(|entry| entry.value_span);
    let bucket = entry.and_then(|entry| match &entry.value {
        Value::Bucket(bucket) => Some(bucket),
        Value::Bytes(_) => None,
    });
    let (Some(bucket), Some(span)) = (bucket, span) else {
        let why = open::hidden(&contents, &name);
        return Err(Failure::unread(format!(
            "there is no bucket {}{why}",
            key(&name)
        )));
    };
    // Behind root page and sequence.
    let inside = Span::new(span.start.saturating_add(16), span.len.saturating_sub(16));
    Ok(match bucket.page() {
        Some(page) => BucketRoot { page, inline: None },
        None => BucketRoot {
            page: PageId(0),
            inline: Some(inside),
        },
    })
}

fn space(report: &CheckReport) -> Space {
    let mut space = Space {
        freelist: match report.meta {
            Some(meta) if meta.is_freelist_synced() => "synced",
            Some(_) => "not synced",
            None => "unknown",
        },
        used: 0,
        freelist_pages: 0,
        free: None,
        pending: None,
        lost: 0,
        unknown: 0,
        past: 0,
    };
    let (mut free, mut pending) = (0_u64, 0_u64);
    for row in report.pages() {
        let count = match row.state {
            PageState::Meta => continue,
            PageState::Used | PageState::Overflow => &mut space.used,
            PageState::Freelist => &mut space.freelist_pages,
            PageState::Free => &mut free,
            PageState::Previous => &mut pending,
            PageState::Lost => &mut space.lost,
            PageState::Unknown => &mut space.unknown,
        };
        *count = count.saturating_add(1);
    }
    // What a damaged tree does not reach is not therefore free.
    if report.tree == TreeState::Whole && !report.is_in_doubt() {
        space.free = Some(report.free.unwrap_or(free.saturating_add(pending)));
        space.pending = (report.previous == TreeState::Whole).then_some(pending);
    } else {
        space.free = report.free;
    }
    let pages = report
        .page_size
        .and_then(|size| report.len.checked_div(size));
    space.past = pages.unwrap_or(0).saturating_sub(report.end().0);
    space
}

/// `1 page`, `2 pages`.
fn many(count: u64, what: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {what}{end}")
}

/// A share in percent, with one digit behind the point.
fn percent(part: u64, whole: u64) -> String {
    let tenths = u128::from(part)
        .saturating_mul(1000)
        .checked_div(u128::from(whole));
    tenths.map_or("-".to_owned(), |tenths| {
        format!("{}.{} %", tenths.div_euclid(10), tenths.rem_euclid(10))
    })
}

impl Answer for Answered {
    const SCHEMA: &'static str = "bolt-stats/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let path: Vec<String> = self.bucket.iter().map(|part| key(part.bytes())).collect();
        let what = if path.is_empty() {
            format!("{}, transaction {}", self.file, self.txid)
        } else {
            format!(
                "{}, transaction {}: {}",
                self.file,
                self.txid,
                path.join(" > ")
            )
        };
        pen.heading(what)?;
        let Stats {
            branch_pages,
            branch_overflow,
            leaf_pages,
            leaf_overflow,
            keys,
            depth,
            branch_bytes,
            branch_used,
            leaf_bytes,
            leaf_used,
            buckets,
            inline_buckets,
            inline_used,
        } = self.total;
        let mut table = Table::new(&["", ">pages", ">overflow", ">allocated", ">in use", ">fill"]);
        for (name, pages, overflow, bytes, used) in [
            (
                "branches",
                branch_pages,
                branch_overflow,
                branch_bytes,
                branch_used,
            ),
            ("leaves", leaf_pages, leaf_overflow, leaf_bytes, leaf_used),
        ] {
            table.cells(vec![
                name.to_owned(),
                pages.to_string(),
                overflow.to_string(),
                bytes.to_string(),
                used.to_string(),
                percent(used, bytes),
            ]);
        }
        pen.table(&table)?;
        pen.line(format_args!(
            "{}, {inline_buckets} of them inline ({inline_used} bytes)",
            many(buckets, "bucket")
        ))?;
        pen.line(format_args!(
            "{}, {} deep, {} allocated and not in use",
            many(keys, "key"),
            many(depth, "level"),
            size(self.wasted)
        ))?;
        if let Some(space) = &self.space {
            self.space_text(space, pen)?;
        }
        if !self.buckets.is_empty() {
            pen.gap()?;
            let mut table = Table::new(&[
                ">keys",
                ">buckets",
                ">inline",
                ">levels",
                ">pages",
                ">allocated",
                ">fill",
                "bucket",
            ]);
            for Below { key: name, stats } in &self.buckets {
                let sum = |one: u64, other: u64| one.saturating_add(other);
                let pages = [stats.leaf_pages, stats.branch_overflow, stats.leaf_overflow]
                    .into_iter()
                    .fold(stats.branch_pages, sum);
                let bytes = sum(stats.branch_bytes, stats.leaf_bytes);
                let used = sum(stats.branch_used, stats.leaf_used);
                table.cells(vec![
                    stats.keys.to_string(),
                    stats.buckets.to_string(),
                    stats.inline_buckets.to_string(),
                    stats.depth.to_string(),
                    pages.to_string(),
                    bytes.to_string(),
                    percent(used, bytes),
                    key(name.bytes()),
                ]);
            }
            pen.table(&table)?;
        }
        if !self.unknown.is_empty() {
            pen.gap()?;
            let line = "Damage, because of which these numbers are not whole:";
            let line = pen.styled(Style::Bad, line).to_string();
            pen.line(line)?;
        }
        for Missing { offset, what, .. } in &self.unknown {
            pen.line(format_args!("  {offset:#012x}  {what}"))?;
        }
        if self.more_unknown > 0 {
            pen.line(format_args!("  and {} more", self.more_unknown))?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.unknown.is_empty() {
            Exit::CLEAN
        } else {
            Exit::FINDINGS | Exit::UNREAD
        }
    }
}

impl Answered {
    fn space_text(&self, space: &Space, pen: &mut Pen<'_>) -> io::Result<()> {
        let bytes = |pages: u64| size(pages.saturating_mul(self.page_size));
        pen.line(format_args!(
            "{} in the tree ({})",
            many(space.used, "page"),
            bytes(space.used)
        ))?;
        let from = if space.freelist == "synced" {
            "on the freelist"
        } else {
            "not in the tree: there is no freelist"
        };
        match space.free {
            Some(free) => {
                let pending = space.pending.map_or(String::new(), |pending| {
                    format!(", {pending} of them still used by the transaction before")
                });
                let (free, bytes) = (many(free, "page"), bytes(free));
                pen.line(format_args!("{free} free ({from}; {bytes}){pending}"))?;
            }
            None => pen.line("free pages: unknown, because the tree or the freelist is damaged")?,
        }
        if space.freelist_pages > 0 {
            let pages = many(space.freelist_pages, "page");
            pen.line(format_args!("{pages} for the freelist"))?;
        }
        for (pages, what) in [
            (space.lost, "lost: neither in use nor free"),
            (space.unknown, "unknown"),
            (space.past, "past the high-water mark"),
        ] {
            if pages > 0 {
                let (count, bytes) = (many(pages, "page"), bytes(pages));
                pen.line(format_args!("{count} {what} ({bytes})"))?;
            }
        }
        Ok(())
    }
}
