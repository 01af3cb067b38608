//! What a start of containerd would do on the new database, and what to do before it.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use checks::salvaged::{Loss, Salvaged, Unclear, Verdict};
use cli::{Pen, Style};
use finding::{Draft, Text, program};
use serde::Serialize;

use super::text::{NAMED, bucket, some_of};
use crate::file::FileArgs;

/// What the file says of a start on it, and what says the rest.
#[derive(Debug, Serialize)]
pub(crate) struct Start {
    #[serde(flatten)]
    salvaged: Salvaged,
    /// The command that says what a start does on the node with this file in place.
    preflight: String,
}

impl Start {
    pub(crate) fn new(salvaged: Salvaged, file: &FileArgs, new: Option<&Path>) -> Self {
        let new = new.unwrap_or_else(|| Path::new("NEW"));
        let node = file.node().unwrap_or_else(|| PathBuf::from("NODE"));
        let preflight = Draft::new(program::CORONER).word("preflight");
        let preflight = if salvaged.is_meta {
            preflight.value("--meta-db", new.as_os_str().as_bytes())
        } else {
            preflight
        };
        let preflight = preflight.operand(node.as_os_str().as_bytes()).command();
        let preflight = preflight.map_or_else(String::new, |command| command.to_string());
        Self {
            salvaged,
            preflight,
        }
    }

    pub(crate) const fn is_destructive(&self) -> bool {
        matches!(self.salvaged.verdict, Verdict::Destructive)
    }

    pub(crate) fn write_start(
        &self,
        is_written: bool,
        is_refused: bool,
        pen: &mut Pen<'_>,
    ) -> io::Result<()> {
        let Salvaged {
            verdict,
            has_rows,
            is_meta,
            loses,
            nameless,
            unknown,
            stops,
        } = &self.salvaged;
        let (style, says) = match verdict {
            Verdict::AsBefore => (
                Style::Good,
                "containerd would find all that it had: the file alone shows no loss",
            ),
            Verdict::Incomplete => (
                Style::Warning,
                "something is missing; the file alone shows no snapshot or blob that containerd \
                 would delete for it",
            ),
            Verdict::Destructive if !has_rows => (
                Style::Bad,
                "containerd would treat the file as new: its next garbage collections delete every \
                 layer, writable layers included, and every blob",
            ),
            Verdict::Destructive => (
                Style::Bad,
                "containerd would delete what this file no longer names, or would not start",
            ),
        };
        let says = pen.styled(style, says).to_string();
        pen.paragraph("Start    ", &says)?;
        for (kind, why, names) in grouped(loses) {
            let count = names.len();
            let names = some_of(names.into_iter());
            pen.paragraph("  loses  ", &format!("{kind}, {count}: {names}"))?;
            pen.paragraph("         ", &format!("because {why}"))?;
        }
        for one in nameless {
            pen.paragraph(
                "  loses  ",
                &format!("{}, perhaps {}: their names are gone", one.kind, one.count),
            )?;
        }
        let kinds: Vec<&[Unclear]> = unknown.chunk_by(is_like).collect();
        for kind in kinds.iter().take(NAMED) {
            pen.paragraph("  unknown  ", &sentence(kind))?;
        }
        more(kinds.len(), pen)?;
        for one in stops.iter().take(NAMED) {
            let record = bucket(&one.record);
            pen.paragraph("  stops  ", &format!("{record}: {}", one.what))?;
        }
        more(stops.len(), pen)?;
        if *verdict == Verdict::Destructive {
            let lost = if *is_meta {
                "Copy the snapshots' directories and the content store away before any start, or \
                 keep the node off: what no row names is deleted when the next snapshot or image \
                 is removed."
            } else {
                "Copy the snapshots' directories away before any start. Where meta.db is whole, its \
                 rows say more than what is left here."
            };
            pen.paragraph("         ", lost)?;
        }
        if is_written {
            pen.paragraph(
                "Before   ",
                "it takes its place: stop whatever starts containerd again (systemctl stop kubelet \
                 containerd; of k3s, its own unit), and see that no containerd is left. A daemon \
                 that starts while the file is replaced, also by mv, keeps using the old file, and \
                 what it writes is lost. Move the old file away, never delete it.",
            )?;
        }
        // Of a file that was not written, preflight could say nothing.
        if is_refused {
            return Ok(());
        }
        pen.line(format_args!("Then     {}", self.preflight))?;
        let rest = if *is_meta {
            "what is on the node's disks and in no file of meta.db: it names each directory and blob \
             that a start would delete"
        } else {
            "what a start does, with the new file in place and before the daemon runs"
        };
        pen.paragraph("         ", &format!("says the rest: {rest}"))
    }
}

/// How many there are that are not shown.
fn more(count: usize, pen: &mut Pen<'_>) -> io::Result<()> {
    match count.saturating_sub(NAMED) {
        0 => Ok(()),
        more => pen.line(format_args!(
            "         and {more} more (--format json names all)"
        )),
    }
}

/// The losses by kind and reason.
fn grouped(loses: &[Loss]) -> Vec<(&'static str, &'static str, Vec<String>)> {
    use checks::salvaged::Why;
    let mut groups: BTreeMap<(_, Why), Vec<String>> = BTreeMap::new();
    for loss in loses {
        let namespace = loss.namespace.as_ref().map_or_else(
            || "(namespace unknown) ".to_owned(),
            |namespace| format!("{namespace}/"),
        );
        let backend = loss
            .backend
            .as_ref()
            .map_or_else(String::new, |key| format!(" (metadata.db: {key})"));
        let names = groups.entry((loss.kind, loss.why)).or_default();
        names.push(format!("{namespace}{}{backend}", loss.name));
    }
    groups
        .into_iter()
        .map(|((kind, why), names)| (plural(kind), why.why_text(), names))
        .collect()
}

const fn plural(kind: metadb::ObjectKind) -> &'static str {
    use metadb::ObjectKind as Kind;
    match kind {
        Kind::Namespace => "namespaces",
        Kind::Image => "images",
        Kind::Container => "containers",
        Kind::Snapshot | Kind::Backend => "snapshots",
        Kind::Blob => "blobs",
        Kind::Ingest => "ingests",
        Kind::Lease => "leases",
        Kind::Sandbox => "sandboxes",
    }
}

/// Whether they differ only in the keys.
fn is_like(one: &Unclear, other: &Unclear) -> bool {
    let kind = |one: &Unclear| (one.last_change, one.rows);
    kind(one) == kind(other) && one.bucket == other.bucket
}

/// Ranges of keys of one bucket, and what goes with them.
fn sentence(all: &[Unclear]) -> String {
    let Some(one) = all.first() else {
        return String::new();
    };
    let bytes = |key: Option<&Text>| key.map(|key| key.bytes().to_vec());
    let range = |one: &Unclear| bolt::KeyRange {
        from: bytes(one.from.as_ref()),
        until: bytes(one.until.as_ref()),
    };
    let ranges = some_of(all.iter().map(|one| range(one).to_string()));
    let place = format!("{}, {ranges}", bucket(&one.bucket));
    if one.last_change {
        format!("{place}: what the last transaction changed there may be missing")
    } else if one.rows {
        format!("{place}: more may have stood there; what they named would be deleted")
    } else if one.bucket.is_empty() {
        format!(
            "{place}: more may have stood there; containerd holds no snapshot and no blob by it"
        )
    } else {
        format!("{place}: the record may have said more")
    }
}
