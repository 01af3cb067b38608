//! `coroner snapshots files`: what the container saw.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use cli::{Case, Exit, Failure, Format, Out, Outcome};
use finding::{Text, Unknown};
use serde::Serialize;
use snapshots::Seen;

use crate::pick::{self, PickArgs};
use crate::row::FileRow;

#[derive(Serialize)]
struct Head<'a> {
    schema: &'static str,
    coroner: &'static str,
    what: &'a str,
    /// Where the files of each layer lie, the topmost first.
    layers: Vec<Text>,
}

#[derive(Serialize)]
struct UnknownRow<'a> {
    path: Text,
    unknown: &'a Unknown,
}

#[derive(Serialize)]
struct Tail {
    exit: u8,
    entries: u64,
    unknown: u64,
}

/// What is shown of each file, beside what `lstat` says.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct More {
    /// Give extended attributes as the mount shows them (with `--format json`)
    #[arg(long)]
    xattrs: bool,
    /// Hash every file
    #[arg(long)]
    sha256: bool,
}

pub(crate) fn run(args: &PickArgs, below: &Path, more: More, out: &mut Out) -> Outcome {
    let (case, node) = pick::open(&args.evidence)?;
    let picked = args.pick(&node)?;
    let merged = picked
        .merged(&case.evidence, args.prefix(&node))?
        .with_targets();
    let is_json = out.options().format == Format::Json;
    let cancel = out.cancel();
    if is_json {
        out.json_line(&Head {
            schema: "coroner/snapshots-files/1",
            coroner: env!("CARGO_PKG_VERSION"),
            what: &picked.what,
            layers: merged
                .layers()
                .iter()
                .map(|path| node::path_text(path))
                .collect(),
        })?;
    }
    let start = PathBuf::from("/").join(below);
    let entry = merged.stat(&start).map_err(|why| {
        Failure::unread(format!(
            "{} of {} {why}",
            node::path_text(&start),
            picked.what
        ))
    })?;
    let (mut entries, mut unknown, mut exit) = (0_u64, 0_u64, Exit::CLEAN);
    let mut each = |seen: Seen| -> std::io::Result<()> {
        let (path, lost) = match seen {
            Seen::Entry(path, entry) => {
                entries = entries.saturating_add(1);
                let mut row = FileRow::from_entry(&merged, &path, &entry);
                let mut lost = Vec::new();
                if more.xattrs {
                    lost.extend(row.add_xattrs(&merged, &entry));
                }
                if more.sha256 {
                    lost.extend(row.add_sha256(&case.evidence, &entry));
                }
                if is_json {
                    out.json_line(&row)?;
                } else {
                    out.pen().row(row.line())?;
                }
                (path, lost)
            }
            Seen::Unknown(path, why) => (path, vec![why]),
        };
        for why in lost {
            unknown = unknown.saturating_add(1);
            exit |= Exit::UNREAD;
            if is_json {
                let path = node::path_text(&path);
                out.json_line(&UnknownRow {
                    path,
                    unknown: &why,
                })?;
            } else if unknown <= SHOWN {
                out.pen()
                    .line(format_args!("unknown: {}: {}", why.what, why.why))?;
            }
        }
        Ok(())
    };
    let mut failed = Ok(());
    let mut is_interrupted = false;
    let threads = threads(&case, merged.layers());
    merged.walk_ahead(&start, entry, threads, &mut |seen| {
        is_interrupted = cancel.load(Ordering::Relaxed);
        if is_interrupted {
            return ControlFlow::Break(());
        }
        failed = each(seen);
        match failed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    failed?;
    if is_interrupted {
        exit |= Exit::INTERRUPTED;
    }
    if is_json {
        out.json_line(&Tail {
            exit: exit.0,
            entries,
            unknown,
        })?;
    } else if let Some(more) = unknown.checked_sub(SHOWN).filter(|more| *more > 0) {
        out.pen().line(format_args!("unknown: {more} more"))?;
    }
    out.writer().flush()?;
    Ok(exit)
}

/// Unknowns that are told one by one: without CAP_SYS_ADMIN, each directory gives one.
const SHOWN: u64 = 8;

/// How many threads list directories ahead: all cores but this one's, none on a disk that turns.
fn threads(case: &Case, layers: &[PathBuf]) -> usize {
    let turns = layers
        .first()
        .is_some_and(|layer| case.evidence.is_rotational(layer) == Some(true));
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    if turns {
        0
    } else {
        cores.saturating_sub(1).min(MOST_THREADS)
    }
}

/// More do not help: one thread writes.
const MOST_THREADS: usize = 4;
