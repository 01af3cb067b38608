//! `coroner snapshots ls`

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Failure, Out, Outcome, Pen, Table, size};
use finding::Unknown;
use node::Node;
use serde::Serialize;

use crate::line::{Group, groups};

#[derive(Serialize)]
struct Listing {
    snapshotters: Vec<Group>,
    unknown: Vec<Unknown>,
}

/// The snapshotters, or why there is nothing to show.
pub(crate) fn read_groups(node: &Node) -> Result<(Vec<Group>, Vec<Unknown>), Failure> {
    if let Err(unread) = &node.root {
        let root = node::path_text(&node.roots.root);
        return Err(Failure::unread(format!("{root} {unread}"))
            .hint("check that the right disk is mounted, or name the root with --root"));
    }
    Ok((groups(node), unknown(node)))
}

/// What of the snapshots is not known.
fn unknown(node: &Node) -> Vec<Unknown> {
    let mut unknown: Vec<Unknown> = Vec::new();
    match &node.meta.rows {
        Some(meta) => unknown.extend(meta.unknown_snapshots()),
        None => unknown.extend(node.meta.lost()),
    }
    for snapshotter in &node.snapshotters {
        match &snapshotter.db.rows {
            Some(rows) => unknown.extend(rows.snapshots.unknown().iter().cloned()),
            None => unknown.extend(snapshotter.db.lost()),
        }
        unknown.extend(snapshotter.layout.unknown().iter().cloned());
    }
    unknown
}

pub(crate) fn run(args: &EvidenceArgs, out: &mut Out) -> Outcome {
    let case = Case::open(args)?;
    let node = case.node()?;
    let (snapshotters, unknown) = read_groups(&node)?;
    out.answer(&Listing {
        snapshotters,
        unknown,
    })
}

impl Answer for Listing {
    const SCHEMA: &'static str = "snapshots-ls/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let columns = [
            "snapshotter",
            ">id",
            "kind",
            "~namespace",
            "!key",
            ">parent",
            ">size",
            "~>inodes",
            "~created",
            "~remarks",
            "!used by",
        ];
        let mut table = Table::new(&columns);
        let dash = || "-".to_owned();
        for group in &self.snapshotters {
            for line in &group.snapshots {
                let number = |number: Option<u64>| number.map_or_else(dash, |n| n.to_string());
                let remark = line.remark();
                table.cells(vec![
                    group.snapshotter.to_string(),
                    number(line.id),
                    line.kind
                        .map_or_else(|| "?".to_owned(), |kind| kind.to_string()),
                    line.namespace
                        .as_ref()
                        .map_or_else(dash, ToString::to_string),
                    line.key.to_string(),
                    match (&line.parent, line.parent_id) {
                        (Some(_), None) => "?".to_owned(),
                        (_, id) => number(id),
                    },
                    line.size.map_or_else(dash, size),
                    number(line.inodes),
                    line.created.map_or_else(dash, |time| time.to_string()),
                    if remark.is_empty() { dash() } else { remark },
                    line.users(),
                ]);
            }
        }
        if table.is_empty() {
            pen.line("No snapshot is known.")?;
        } else {
            pen.table(&table)?;
        }
        strays_text(&self.snapshotters, pen)?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}

/// What lies among the directories and is no snapshot's, and what was not looked at.
pub(crate) fn strays_text(groups: &[Group], pen: &mut Pen<'_>) -> io::Result<()> {
    for group in groups {
        if !group.strays.is_empty() {
            pen.gap()?;
            pen.heading(format_args!("No snapshot's, in {}", group.root))?;
            for stray in &group.strays {
                pen.line(format_args!("  {}  {}", stray.path, stray.why))?;
            }
        }
        if let Some(unread) = group.unread {
            pen.gap()?;
            pen.paragraph("", &format!("{}: {unread}.", group.snapshotter))?;
        }
    }
    Ok(())
}
