//! `coroner bolt carve`

mod bounds;
mod objects;
mod records;

use std::collections::BTreeMap;
use std::io;

use bolt::{Carve, CarveOptions, Db, FreelistImage, Origin, PageId, Status};
use cli::{Answer, Exit, Failure, Out, Outcome, Pen, Style, size};
use finding::{Text, Time};
use metadb::{CarvedObject, ObjectKind};
use serde::Serialize;

use crate::{
    file::FileArgs,
    frozen::{Frozen, Spool},
    open,
};
use records::Row;

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  coroner bolt carve meta.db                            what was deleted, changed or never finished
  coroner bolt carve meta.db --kind container --details when, from which pages, how it is known
  coroner bolt carve meta.db --from 2026-11-20T00:00:00Z
  coroner bolt carve some.db --schema none -b users     keys and values below one bucket
  coroner bolt carve meta.db --status live              copies of what is still there, too

The file is copied first (in memory, or from 16 MiB on to disk: --spool) and never written to. What
damage may hide is called unknown, never deleted. Exit code 8: the tree in use could not be read whole.")]
pub(crate) struct CarveArgs {
    #[command(flatten)]
    file: FileArgs,
    /// How to read records; auto: containerd's objects where the root bucket is containerd's
    #[arg(long, value_enum, default_value_t = Schema::Auto)]
    schema: Schema,
    /// Only these: deleted, older, uncommitted, unplaced, unknown, live; all but live if not given
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = status)]
    status: Vec<Status>,
    /// Only objects of this kind: namespace, image, container, snapshot, backend, blob, ingest,
    /// lease, sandbox
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<ObjectKind>,
    /// Only below this bucket: its keys from the root bucket on, one -b each (text, or 0x and hex)
    #[arg(short, long = "bucket", value_name = "KEY")]
    bucket: Vec<String>,
    /// Only objects with a time at or after this
    #[arg(long = "from", value_name = "TIME", value_parser = time)]
    since: Option<Time>,
    /// Only objects without a time after this
    #[arg(long = "to", value_name = "TIME", value_parser = time)]
    until: Option<Time>,
    /// How many are shown; 0: all
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
    /// Everything that is known of each, below the table
    #[arg(long)]
    details: bool,
    /// Values in full length
    #[arg(long)]
    raw: bool,
    /// Bytes of a page, where the file does not say it
    #[arg(long, value_name = "BYTES")]
    page_size: Option<u64>,
    #[command(flatten)]
    spool: Spool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Schema {
    Auto,
    Containerd,
    None,
}

/// All that is known by name, in the order in which it is told.
const STATES: [(&str, Status); 6] = [
    ("deleted", Status::Deleted),
    ("older", Status::Older),
    ("uncommitted", Status::Uncommitted),
    ("unplaced", Status::Unplaced),
    ("unknown", Status::Unknown),
    ("live", Status::Live),
];

const KINDS: [ObjectKind; 9] = [
    ObjectKind::Namespace,
    ObjectKind::Image,
    ObjectKind::Container,
    ObjectKind::Snapshot,
    ObjectKind::Backend,
    ObjectKind::Blob,
    ObjectKind::Ingest,
    ObjectKind::Lease,
    ObjectKind::Sandbox,
];

fn status(name: &str) -> Result<Status, String> {
    let found = STATES.iter().find(|(known, _)| *known == name);
    found.map(|(_, status)| *status).ok_or_else(|| {
        let names: Vec<&str> = STATES.iter().map(|(name, _)| *name).collect();
        format!("a status is one of {}", names.join(", "))
    })
}

pub(crate) fn word(status: Status) -> &'static str {
    let found = STATES.iter().find(|(_, known)| *known == status);
    found.map_or("unknown", |(name, _)| name)
}

fn kind(name: &str) -> Result<ObjectKind, String> {
    let found = KINDS.iter().find(|kind| kind.to_string() == name);
    found.copied().ok_or_else(|| {
        let names: Vec<String> = KINDS.iter().map(ToString::to_string).collect();
        format!("a kind is one of {}", names.join(", "))
    })
}

fn time(text: &str) -> Result<Time, String> {
    Time::parse(text).map_err(|error| error.to_string())
}

/// What was looked at.
#[derive(Debug, Default, Serialize)]
struct Pages {
    branches: u64,
    leaves: u64,
    torn: u64,
    previous: u64,
    free: u64,
    past_mark: u64,
    hidden: u64,
    misplaced: u64,
    old_roots: usize,
}

#[derive(Serialize)]
struct Fragment {
    page: PageId,
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
    #[serde(serialize_with = "finding::size_number")]
    length: u64,
    text: Text,
}

#[derive(Serialize)]
struct Answered {
    file: Text,
    #[serde(serialize_with = "finding::size_number")]
    size: u64,
    page_size: u64,
    txid: Option<u64>,
    whole: bool,
    previous_whole: bool,
    schema: &'static str,
    pages: Pages,
    counts: BTreeMap<Status, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<Vec<CarvedObject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Vec<Row>>,
    omitted: u64,
    not_kept: u64,
    fragments: Vec<Fragment>,
    freelists: Vec<FreelistImage>,
    notes: Vec<String>,
    #[serde(skip)]
    details: bool,
    #[serde(skip)]
    raw: bool,
}

/// Fragments that are listed.
const FRAGMENTS: usize = 100;
/// Bytes of a value or a fragment that are shown without --raw.
pub(crate) const SHOWN: usize = 4096;

pub(crate) fn run(args: &CarveArgs, out: &mut Out) -> Outcome {
    let progress = out.progress("reading", 0);
    let frozen = Frozen::freeze_file(&args.file, &args.spool, None, &progress)?;
    let view = frozen.view();
    let db = Db::open(view).db;
    let options = CarveOptions {
        page_size: args.page_size,
        // Of containerd, for files without a tree; a bucket of that name is rare elsewhere.
        roots: vec![b"v1".to_vec()],
        schemas: metadb::SCHEMAS,
        ..CarveOptions::default()
    };
    let carve = Carve::carve_file(view, &options).map_err(|fault| {
        Failure::unread(format!("{}: {fault}", args.file.shown()))
            .hint("`coroner bolt info` shows both metas; --page-size says what the file does not")
    })?;
    drop(progress);
    let mut notes: Vec<String> = frozen
        .unread
        .iter()
        .map(|span| format!("{span} could not be read from the disk: what is there is not known"))
        .collect();
    if !frozen.is_unchanged() {
        notes.push("the file changed while it was read".to_owned());
    }
    let is_containerd = match args.schema {
        Schema::Containerd => true,
        Schema::None => false,
        Schema::Auto => db.as_ref().map_or_else(
            || metadb::looks_like_containerd(&carve),
            metadb::is_containerd,
        ),
    };
    let has_object_filter = args.kind.is_some() || args.since.is_some() || args.until.is_some();
    if !is_containerd && has_object_filter {
        return Err(Failure::usage(
            "--kind, --from and --to need containerd's objects (--schema containerd)",
        ));
    }
    let mut answer = Answered {
        file: args.file.shown(),
        size: view.len(),
        page_size: carve.page_size,
        txid: carve.txid,
        whole: carve.is_whole,
        previous_whole: carve.is_previous_whole,
        schema: if is_containerd { "containerd" } else { "none" },
        pages: pages(&carve),
        counts: BTreeMap::new(),
        objects: None,
        records: None,
        omitted: 0,
        not_kept: carve.more,
        fragments: fragments(&carve, view, args.raw),
        freelists: carve.images.clone(),
        notes,
        details: args.details,
        raw: args.raw,
    };
    let bucket: Vec<Vec<u8>> = args.bucket.iter().map(|key| open::bytes(key)).collect();
    if is_containerd {
        let objects = metadb::carved_objects(&carve, db.as_ref());
        answer.objects = Some(answer.pick(
            args,
            objects,
            |object| object.status,
            |object| objects::matches(object, args.kind, args.since, args.until, &bucket),
        ));
    } else {
        let rows = records::rows(&carve, args.raw);
        answer.records = Some(answer.pick(
            args,
            rows,
            |row| row.status,
            |row| records::is_below(row, &bucket),
        ));
    }
    out.answer(&answer)
}

fn pages(carve: &Carve<'_>) -> Pages {
    let mut pages = Pages {
        old_roots: carve.old_roots(),
        ..Pages::default()
    };
    let add = |count: &mut u64| *count = count.saturating_add(1);
    for relic in carve.relics() {
        add(match relic.kind() {
            bolt::Kind::Branch => &mut pages.branches,
            _ => &mut pages.leaves,
        });
        add(match relic.origin {
            Origin::Previous => &mut pages.previous,
            Origin::Free => &mut pages.free,
            Origin::PastMark => &mut pages.past_mark,
            Origin::Slack => &mut pages.hidden,
        });
        if !relic.is_whole() && relic.origin != Origin::Slack {
            add(&mut pages.torn);
        }
        if relic.is_misplaced() {
            add(&mut pages.misplaced);
        }
    }
    pages
}

fn fragments(carve: &Carve<'_>, view: view::View<'_>, raw: bool) -> Vec<Fragment> {
    let shown = carve.fragments.iter().take(FRAGMENTS);
    shown
        .map(|fragment| {
            let span = fragment.span;
            let bytes = view.slice(span.start, span.len, "fragment");
            let bytes = bytes.map_or(&[][..], view::View::bytes);
            let len = if raw {
                bytes.len()
            } else {
                bytes.len().min(SHOWN)
            };
            Fragment {
                page: fragment.page,
                offset: span.start,
                length: span.len,
                text: Text::from(bytes.get(..len).unwrap_or_default()),
            }
        })
        .collect()
}

impl Answered {
    /// Those that are wanted, no more than the limit; all are counted.
    fn pick<T>(
        &mut self,
        args: &CarveArgs,
        all: Vec<T>,
        status: impl Fn(&T) -> Status,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Vec<T> {
        let mut picked = Vec::new();
        for item in all.into_iter().filter(is_wanted) {
            let status = status(&item);
            let count = self.counts.entry(status).or_default();
            *count = count.saturating_add(1);
            let is_listed = if args.status.is_empty() {
                status != Status::Live
            } else {
                args.status.contains(&status)
            };
            if !is_listed {
                continue;
            }
            if args.limit > 0 && picked.len() >= args.limit {
                self.omitted = self.omitted.saturating_add(1);
            } else {
                picked.push(item);
            }
        }
        picked
    }

    fn heading(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let tree = match (self.txid, self.whole) {
            (Some(txid), true) => format!("transaction {txid}, whole"),
            (Some(txid), false) => {
                format!("transaction {txid}, damaged: what may be hidden in it is unknown")
            }
            (None, _) => "none: nothing can be called deleted or live".to_owned(),
        };
        pen.line(format_args!(
            "File     {}: {}, pages of {} bytes",
            self.file,
            size(self.size),
            self.page_size
        ))?;
        pen.line(format_args!("In use   {tree}"))?;
        let Pages {
            branches,
            leaves,
            torn,
            previous,
            free,
            past_mark,
            hidden,
            misplaced,
            old_roots,
        } = &self.pages;
        let mut parts = vec![
            format!("{previous} of the transaction before"),
            format!("{free} free"),
        ];
        for (count, what) in [
            (past_mark, "past the high-water mark"),
            (hidden, "hidden in pages in use"),
            (torn, "partly used again"),
            (misplaced, "in a wrong place"),
        ] {
            if *count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let what = format!(
            "{branches} branches and {leaves} leaves ({}); {old_roots} old root pages, {} old \
             freelists",
            parts.join(", "),
            self.freelists.len()
        );
        pen.paragraph("Carved   ", &what)
    }
}

impl Answer for Answered {
    const SCHEMA: &'static str = "bolt-carve/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        self.heading(pen)?;
        pen.gap()?;
        if let Some(list) = &self.objects {
            objects::write_objects(list, self.details, pen)?;
        }
        if let Some(rows) = &self.records {
            records::write_records(rows, self.details, self.raw, pen)?;
        }
        for fragment in &self.fragments {
            pen.line(format_args!(
                "fragment  page {} at {:#x}, {} bytes that no element describes: {}",
                fragment.page,
                fragment.offset,
                fragment.length,
                crate::page::shorten(fragment.text.bytes())
            ))?;
        }
        if self.omitted > 0 {
            pen.line(format_args!("… and {} more (--limit)", self.omitted))?;
        }
        if self.not_kept > 0 {
            let line = format!(
                "{} more records were not kept: there are too many",
                self.not_kept
            );
            let line = pen.styled(Style::Warning, line).to_string();
            pen.line(line)?;
        }
        for note in &self.notes {
            let note = pen.styled(Style::Bad, note).to_string();
            pen.line(note)?;
        }
        let counts: Vec<String> = STATES
            .iter()
            .filter_map(|(name, status)| {
                let count = self.counts.get(status)?;
                Some(format!("{count} {name}"))
            })
            .collect();
        let counts = if counts.is_empty() {
            "nothing".to_owned()
        } else {
            counts.join(", ")
        };
        pen.line(format_args!("Found: {counts}"))
    }

    fn exit(&self) -> Exit {
        if self.whole && self.notes.is_empty() {
            Exit::CLEAN
        } else {
            Exit::UNREAD
        }
    }
}
