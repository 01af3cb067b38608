//! `coroner snapshots diff`: what a container changed, or in what two trees differ.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

use cli::{Exit, Format, Out, Outcome, Style};
use evidence::FileKind;
use finding::{Text, Unknown};
use serde::Serialize;
use snapshots::{Aspect, Change, Comparison, Merged};

use crate::pick::{self, PickArgs};
use crate::row::FileRow;

#[derive(Serialize)]
struct Head<'a> {
    schema: &'static str,
    coroner: &'static str,
    before: &'a str,
    after: &'a str,
}

#[derive(Serialize)]
struct ChangeRow {
    change: &'static str,
    path: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    how: Vec<Aspect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<FileRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<FileRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<Unknown>,
}

#[derive(Serialize)]
struct Tail<'a> {
    exit: u8,
    counts: &'a BTreeMap<&'static str, u64>,
}

/// What becomes of names that are the same, though they lie in a directory of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Same {
    /// They are not told at all.
    Untold,
    /// In text they are counted, in JSON told.
    Counted,
    Told,
}

/// Where runtimes mount what a container needs: where an image lacks one, they make it, empty.
const PLACES: &[&str] = &[
    "/dev",
    "/proc",
    "/sys",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
];

pub(crate) fn run(args: &PickArgs, with: Option<&str>, all: bool, out: &mut Out) -> Outcome {
    let (case, node) = pick::open(&args.evidence)?;
    let picked = args.pick(&node)?;
    let after = picked.merged(&case.evidence, args.prefix(&node))?;
    let (base, before) = match with {
        Some(with) => {
            let other = names::snapshot(&node, with, args.snapshotter.as_deref())?;
            let tree = other.merged(&case.evidence, args.prefix(&node))?;
            (other.what, tree)
        }
        None => picked.base(&case.evidence, args.prefix(&node))?,
    };
    let (before, after) = (before.with_targets(), after.with_targets());
    // Of a full copy, what is the same says nothing: all of it was copied.
    let same = match (picked.is_copy(), all) {
        (true, _) => Same::Untold,
        (false, true) => Same::Told,
        (false, false) => Same::Counted,
    };
    show((&base, &before), (&picked.what, &after), same, out)
}

fn show(
    (base, before): (&str, &Merged<'_>),
    (what, after): (&str, &Merged<'_>),
    same: Same,
    out: &mut Out,
) -> Outcome {
    let is_json = out.options().format == Format::Json;
    let cancel = out.cancel();
    if is_json {
        out.json_line(&Head {
            schema: "coroner/snapshots-diff/1",
            coroner: env!("CARGO_PKG_VERSION"),
            before: base,
            after: what,
        })?;
    } else {
        out.pen().row(format_args!("{what}, against {base}"))?;
        out.pen()
            .line("(A added, C changed, D deleted; the number before a path is that of the layer, 0 the topmost)")?;
    }
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut exit = Exit::CLEAN;
    let mut made: Vec<&str> = Vec::new();
    for (path, change) in Comparison::compare_trees(before, after) {
        if cancel.load(Ordering::Relaxed) {
            exit |= Exit::INTERRUPTED;
            break;
        }
        let is_same = matches!(change, Change::Same(_));
        if is_same && same == Same::Untold {
            continue;
        }
        let row = row(after, &path, &change);
        let count = counts.entry(row.change).or_default();
        *count = count.saturating_add(1);
        if let Change::Added(entry) = &change {
            let point = PLACES.iter().find(|point| path == Path::new(point));
            made.extend(point.filter(|_| entry.stat.kind == FileKind::Dir || entry.stat.size == 0));
        }
        if matches!(change, Change::Unknown(_)) {
            exit |= Exit::UNREAD;
        }
        if is_json {
            out.json_line(&row)?;
        } else if !is_same || same == Same::Told {
            line(&row, out)?;
        }
    }
    if is_json {
        out.json_line(&Tail {
            exit: exit.0,
            counts: &counts,
        })?;
    } else {
        let counts: Vec<String> = counts
            .iter()
            .map(|(change, count)| format!("{count} {}", words(change)))
            .collect();
        let counts = if counts.is_empty() {
            "nothing differs".to_owned()
        } else {
            counts.join(", ")
        };
        out.pen().line(counts)?;
        if !made.is_empty() {
            let line = format!(
                "Of the added, the runtime makes these itself, to mount on them: {}.",
                made.join(", ")
            );
            out.pen().paragraph("", &line)?;
        }
    }
    out.writer().flush()?;
    Ok(exit)
}

fn words(change: &str) -> &str {
    match change {
        "same" => "copied up without a change (--all shows them)",
        other => other,
    }
}

fn row(tree: &Merged<'_>, path: &Path, change: &Change) -> ChangeRow {
    let file = |entry| Some(FileRow::from_entry(tree, path, entry));
    let mut row = ChangeRow {
        change: "unknown",
        path: node::path_text(path),
        how: Vec::new(),
        before: None,
        after: None,
        unknown: None,
    };
    match change {
        Change::Added(entry) => {
            row.change = "added";
            row.after = file(entry);
        }
        Change::Deleted(entry) => {
            row.change = "deleted";
            row.before = file(entry);
        }
        Change::Changed { before, after, how } => {
            row.change = "changed";
            row.how.clone_from(how);
            row.before = file(before);
            row.after = file(after);
        }
        Change::Same(entry) => {
            row.change = "same";
            row.after = file(entry);
        }
        Change::Unknown(unknown) => row.unknown = Some(unknown.clone()),
    }
    row
}

/// `A -rwsr-xr-x …/path`, `C … (content, mode)`.
fn line(row: &ChangeRow, out: &mut Out) -> std::io::Result<()> {
    let mut pen = out.pen();
    let (letter, style) = match row.change {
        "added" => ("A", Style::Good),
        "deleted" => ("D", Style::Bad),
        "changed" => ("C", Style::Warning),
        "same" => ("=", Style::Faint),
        _ => ("?", Style::Bad),
    };
    let letter = pen.styled(style, letter).to_string();
    if let Some(unknown) = &row.unknown {
        return pen.row(format_args!("{letter} {}: {}", unknown.what, unknown.why));
    }
    let file = row.after.as_ref().or(row.before.as_ref());
    let Some(text) = file.map(FileRow::line) else {
        return pen.line(letter);
    };
    let how: Vec<String> = row.how.iter().map(|how| told(*how, row)).collect();
    if how.is_empty() {
        pen.row(format_args!("{letter} {text}"))
    } else {
        pen.row(format_args!("{letter} {text}  ({})", how.join(", ")))
    }
}

/// What is different, with what it was.
fn told(how: Aspect, row: &ChangeRow) -> String {
    let Some(before) = &row.before else {
        return how.word().to_owned();
    };
    match how {
        Aspect::Mode => format!("mode was {:04o}", before.mode),
        Aspect::Owner => format!("owner was {}:{}", before.uid, before.gid),
        Aspect::Content
            if row
                .after
                .as_ref()
                .is_some_and(|after| after.size != before.size) =>
        {
            format!("content, size was {}", before.size)
        }
        Aspect::Target => match &before.target {
            Some(target) => format!("target was {target}"),
            None => how.word().to_owned(),
        },
        Aspect::Kind => format!("was a {}", before.kind.word()),
        Aspect::Mtime => format!("mtime was {}", before.mtime),
        other => other.word().to_owned(),
    }
}
