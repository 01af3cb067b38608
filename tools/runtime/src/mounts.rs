//! `coroner runtime mounts`

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Style, Table};
use finding::{Time, Unknown};
use process::Depth;
use serde::Serialize;
use tasks::{Kernel, Left, SnapshotRef, unknown};

pub(crate) const ABOUT: &str =
    "List what containers left in the kernel: mounts, network namespaces, cgroups, units of systemd.

Each mount of a container's root is followed to its snapshots, from there to the key in the snapshotter's database and to the container. What has no owner any more is named: a root that is still mounted though nothing runs in it, a mount whose lower directories are gone, a network namespace without a process that no pod names, a cgroup of a container that no runtime knows. That needs a node that runs, or a bundle of `coroner collect`: a disk holds none of it.";

pub(crate) const EXAMPLES: &str = "Examples:
  coroner runtime mounts /                     this machine
  coroner runtime mounts --left /              only what is left over
  coroner runtime mounts node.tar.zst          a bundle, elsewhere
  coroner runtime mounts --format json / | jq '.answer.mounts[] | select(.conditions != [])'

Exit: 0 all is in use, 4 something is left over or broken, 8 something could not be known";

#[derive(Serialize)]
struct Listing {
    now: Time,
    #[serde(flatten)]
    kernel: Kernel,
    /// Whether processes are known.
    processes_known: bool,
    unknown: Vec<Unknown>,
    #[serde(skip)]
    left: bool,
}

pub(crate) fn run(left: bool, args: &EvidenceArgs, out: &mut Out) -> Outcome {
    let case = Case::open_live(args, Depth::Full)?;
    let node = case.node()?;
    let processes = case.processes.as_deref();
    let table = processes.and_then(|processes| processes.mounts.as_deref());
    let mut unknown = unknown(&node);
    if table.is_none() {
        let why = "the evidence holds no table of mounts and no processes";
        unknown.push(Unknown::new("mounts, network namespaces and cgroups", why));
    }
    let mut kernel = Kernel::seen_on(&case.evidence, &node, processes);
    if left {
        kernel = kernel.left();
    }
    kernel.ways_mut().for_each(|way| case.from_here(way));
    out.answer(&Listing {
        now: node.now,
        kernel,
        processes_known: processes.is_some_and(|processes| processes.whole),
        unknown,
        left,
    })
}

fn words(conditions: &[Left]) -> String {
    if conditions.is_empty() {
        return "in use".to_owned();
    }
    let words: Vec<&str> = conditions.iter().map(|it| it.word()).collect();
    words.join(", ")
}

fn snapshot(snapshot: &SnapshotRef) -> String {
    match (&snapshot.snapshotter, snapshot.id) {
        (Some(snapshotter), Some(id)) => format!("{snapshotter}/{id}"),
        _ => snapshot.path.to_string(),
    }
}

impl Answer for Listing {
    const SCHEMA: &'static str = "runtime-mounts/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let dash = || "-".to_owned();
        if !self.kernel.mounts.is_empty() {
            let mut table = Table::new(&[
                "~what",
                "!task",
                "snapshot",
                "~>layers",
                "~container",
                "!is",
            ]);
            for row in &self.kernel.mounts {
                let task = row.task.as_ref().unwrap_or(&row.point);
                table.cells(vec![
                    row.what.to_owned(),
                    task.to_string(),
                    row.upper.as_ref().map_or_else(dash, snapshot),
                    row.lower.len().to_string(),
                    row.container
                        .as_ref()
                        .map_or_else(dash, ToString::to_string),
                    words(&row.conditions),
                ]);
            }
            pen.table(&table)?;
        }
        let mut gap = !self.kernel.mounts.is_empty();
        let mut apart = |pen: &mut Pen<'_>| {
            if std::mem::replace(&mut gap, true) {
                pen.gap()
            } else {
                Ok(())
            }
        };
        if !self.kernel.netns.is_empty() {
            apart(pen)?;
            let mut table = Table::new(&[
                "/network namespace",
                "~>inode",
                ">processes",
                "~>named by",
                "!is",
            ]);
            for row in &self.kernel.netns {
                table.cells(vec![
                    row.path.to_string(),
                    row.inode.map_or_else(dash, |inode| inode.to_string()),
                    row.processes
                        .map_or_else(|| "unknown".to_owned(), |count| count.to_string()),
                    row.named_by.len().to_string(),
                    words(&row.conditions),
                ]);
            }
            pen.table(&table)?;
        }
        if !self.kernel.cgroups.is_empty() {
            apart(pen)?;
            let mut table = Table::new(&["!cgroup of", ">folders", ">processes", "!is"]);
            for row in &self.kernel.cgroups {
                table.cells(vec![
                    row.id.to_string(),
                    row.folders.len().to_string(),
                    row.processes.to_string(),
                    words(&row.conditions),
                ]);
            }
            pen.table(&table)?;
        }
        if !self.kernel.units.is_empty() {
            apart(pen)?;
            let mut table = Table::new(&["!unit", "!is"]);
            for row in &self.kernel.units {
                table.cells(vec![row.unit.to_string(), words(&row.conditions)]);
            }
            pen.table(&table)?;
        }
        for (name, condition, way) in self.kernel.conditions() {
            pen.gap()?;
            let head = format!("{}: {name}", condition.word());
            let head = pen.styled(Style::Warning, head).to_string();
            pen.line(head)?;
            let row = self.kernel.mounts.iter().find(|row| row.point == *name);
            if let Some(row) = row.filter(|_| condition == Left::DirectoryGone) {
                let gone = row.upper.iter().chain(&row.lower);
                for gone in gone.filter(|it| it.there == Some(false)) {
                    pen.paragraph("  gone    ", &gone.path.to_string())?;
                }
            }
            for held in row.into_iter().flat_map(|row| &row.held_by) {
                pen.paragraph("  held    ", held)?;
            }
            pen.paragraph("  so      ", &way.why)?;
            pen.steps("          ", way)?;
        }
        if self.kernel.is_empty() {
            pen.line(if self.kernel.mounts_known && self.left {
                "Nothing is left over."
            } else if self.kernel.mounts_known {
                "There are no mounts, network namespaces or cgroups of containers."
            } else {
                "No mounts, network namespaces or cgroups were looked at: the evidence does not hold them."
            })?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::of_unknown(&self.unknown);
        if self.kernel.conditions().next().is_some() {
            exit |= Exit::FINDINGS;
        }
        exit
    }
}
