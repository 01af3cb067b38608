//! `coroner runtime mounts`

mod cgroup;
mod netns;
mod table;
mod unit;

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Style, Table};
use finding::{Text, Time, Unknown};
use process::Depth;
use serde::Serialize;

use crate::task::unknown;

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
    mounts: Vec<MountRow>,
    netns: Vec<NetnsRow>,
    cgroups: Vec<CgroupRow>,
    /// Units of systemd that were made for containers.
    units: Vec<UnitRow>,
    /// Whether the table of mounts is known.
    mounts_known: bool,
    /// Whether processes are known.
    processes_known: bool,
    unknown: Vec<Unknown>,
    #[serde(skip)]
    left: bool,
}

/// A mount of containerd's, or of a container.
#[derive(Debug, Serialize)]
struct MountRow {
    point: Text,
    /// `rootfs`, `tmpmount`, `shm`, `runc-binary`, `overlay`.
    what: &'static str,
    /// Type of the file system.
    kind: Text,
    namespace: Option<Text>,
    /// The task, or the sandbox, whose folder the mount is in.
    task: Option<Text>,
    /// The snapshot that is written to, or the only one.
    upper: Option<SnapshotRef>,
    /// The snapshots below it, the topmost first.
    lower: Vec<SnapshotRef>,
    /// The container of meta.db whose snapshot it is, as namespace and id.
    container: Option<Text>,
    /// Who keeps a root busy that was left, and how.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    held_by: Vec<String>,
    conditions: Vec<Condition>,
}

/// A unit of systemd that was made for a container.
#[derive(Debug, Serialize)]
struct UnitRow {
    /// `cri-containerd-<id>.scope`
    unit: Text,
    id: Text,
    conditions: Vec<Condition>,
}

/// A directory of a mount, and the snapshot that it is.
#[derive(Debug, Clone, Serialize)]
struct SnapshotRef {
    path: Text,
    snapshotter: Option<Text>,
    id: Option<u64>,
    key: Option<Text>,
    /// Whether the directory is there; nothing where that is not known.
    there: Option<bool>,
}

/// A network namespace that is bound to a name.
#[derive(Debug, Serialize)]
struct NetnsRow {
    path: Text,
    /// Its inode, as `net:[inode]` names it; none where nothing is mounted there.
    inode: Option<u64>,
    /// Processes in it; nothing where that is not known.
    processes: Option<usize>,
    /// Who names it: states of runc, bundles, pods.
    named_by: Vec<Text>,
    conditions: Vec<Condition>,
}

/// Cgroups of one container.
#[derive(Debug, Serialize)]
struct CgroupRow {
    id: Text,
    /// The folders, one a hierarchy, sorted.
    folders: Vec<Text>,
    /// Processes in them and below, in the hierarchy that has the most.
    processes: usize,
    /// Whether a runtime knows the container.
    known: bool,
    conditions: Vec<Condition>,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Condition {
    /// A root is mounted for a task that is gone.
    RootfsLeft,
    /// A lower or upper directory is not there.
    DirectoryGone,
    /// A directory of it is no snapshot of the database.
    SnapshotUnknown,
    /// A mount for unpacking or reading an image, and no daemon runs.
    TmpmountLeft,
    /// The shared memory of a pod that nobody knows.
    ShmLeft,
    /// runc's copy of itself, which its dead init left mounted.
    RuncBinaryLeft,
    /// Nobody is in it and nobody names it.
    NetnsLeft,
    /// A pod names it, and nobody is in it.
    NetnsIdle,
    /// The name is there, and nothing is mounted at it.
    NetnsUnmounted,
    /// Empty, and no runtime knows the container.
    CgroupLeft,
    /// No runtime knows the container, and processes are in it.
    CgroupLeaked,
    /// The unit of a container that nobody knows, with nothing in it.
    UnitLeft,
}

impl Condition {
    const fn word(self) -> &'static str {
        match self {
            Self::RootfsLeft => "root left mounted",
            Self::DirectoryGone => "directory gone",
            Self::SnapshotUnknown => "unknown snapshot",
            Self::TmpmountLeft => "temporary mount left",
            Self::ShmLeft => "shm left mounted",
            Self::RuncBinaryLeft => "runc's binary left mounted",
            Self::NetnsLeft => "network namespace left",
            Self::NetnsIdle => "no process in it",
            Self::NetnsUnmounted => "not mounted",
            Self::CgroupLeft => "empty cgroup left",
            Self::CgroupLeaked => "processes without a runtime",
            Self::UnitLeft => "unit left",
        }
    }

    /// What follows from it, and what to do.
    const fn advice(self) -> &'static str {
        match self {
            Self::RootfsLeft => {
                "Its snapshot cannot be removed while it is mounted. Where no process has it as its \
                 root: `umount POINT`; then containerd removes the rest."
            }
            Self::DirectoryGone => {
                "What the kernel holds can still be read through the mount, and is lost when it is \
                 unmounted: copy what is needed first. The container cannot be started again."
            }
            Self::SnapshotUnknown => {
                "The snapshotter's database has no such snapshot: it was removed under the mount, \
                 or the mount is older than the database."
            }
            Self::TmpmountLeft => {
                "containerd unmounts these at its next start (1.7 and later); `umount POINT` does it \
                 now. It is read-only or holds half an image: nothing is lost."
            }
            Self::ShmLeft => "`umount POINT`; the folder of the pod may then be removed.",
            Self::RuncBinaryLeft => {
                "`runc delete` fails with \"device or resource busy\" until it is unmounted: `umount \
                 POINT`, then delete the container."
            }
            Self::NetnsLeft => {
                "Its interfaces and addresses are still taken. `ip netns delete NAME` ends it; the \
                 leases of its addresses are below /var/lib/cni."
            }
            Self::NetnsIdle => {
                "The pod's sandbox is not running, or runs elsewhere. Stop the pod through the \
                 kubelet or `crictl stopp`: that gives its addresses back."
            }
            Self::NetnsUnmounted => "An empty file that a node restart left; it may be removed.",
            Self::CgroupLeft => "`rmdir` its folders, the deepest first. It holds nothing.",
            Self::CgroupLeaked => {
                "A container that was deleted while it was made. Look at `coroner runtime stuck`; \
                 end its processes through the cgroup (cgroup.kill, or cgroup.procs), then `rmdir`."
            }
            Self::UnitLeft => {
                "systemd keeps the unit of a container that is gone, usually because it ended with a \
                 failure. A container of the same id cannot be made beside it (\"was already loaded or \
                 has a fragment file\"). Where `systemctl status NAME` shows no process: `systemctl \
                 reset-failed NAME`, or `systemctl stop NAME` if it is not failed."
            }
        }
    }
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
    let mut listing = Listing {
        now: node.now,
        mounts: table.map_or_else(Vec::new, |mounts| {
            table::rows(&case.evidence, &node, mounts, processes)
        }),
        netns: netns::rows(&case.evidence, &node, processes),
        cgroups: processes.map_or_else(Vec::new, |processes| cgroup::rows(&node, processes)),
        units: unit::rows(&case.evidence, &node, processes),
        mounts_known: table.is_some(),
        processes_known: processes.is_some_and(|processes| processes.whole),
        unknown,
        left,
    };
    if left {
        listing.mounts.retain(|row| !row.conditions.is_empty());
        listing.netns.retain(|row| !row.conditions.is_empty());
        listing.cgroups.retain(|row| !row.conditions.is_empty());
        listing.units.retain(|row| !row.conditions.is_empty());
    }
    out.answer(&listing)
}

impl Listing {
    fn conditions(&self) -> impl Iterator<Item = (&Text, &Condition)> {
        let mounts = self
            .mounts
            .iter()
            .map(|row| (&row.point, row.conditions.as_slice()));
        let netns = self
            .netns
            .iter()
            .map(|row| (&row.path, row.conditions.as_slice()));
        let cgroups = self.cgroups.iter().map(|row| {
            (
                row.folders.first().unwrap_or(&row.id),
                row.conditions.as_slice(),
            )
        });
        let units = self
            .units
            .iter()
            .map(|row| (&row.unit, row.conditions.as_slice()));
        let all = mounts.chain(netns).chain(cgroups).chain(units);
        all.flat_map(|(name, conditions)| conditions.iter().map(move |it| (name, it)))
    }
}

fn words(conditions: &[Condition]) -> String {
    if conditions.is_empty() {
        return "in use".to_owned();
    }
    let words: Vec<&str> = conditions.iter().map(|it| it.word()).collect();
    words.join(", ")
}

impl SnapshotRef {
    fn words(&self) -> String {
        match (&self.snapshotter, self.id) {
            (Some(snapshotter), Some(id)) => format!("{snapshotter}/{id}"),
            _ => self.path.to_string(),
        }
    }
}

impl Answer for Listing {
    const SCHEMA: &'static str = "runtime-mounts/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let dash = || "-".to_owned();
        if !self.mounts.is_empty() {
            let mut table = Table::new(&[
                "~what",
                "!task",
                "snapshot",
                "~>layers",
                "~container",
                "!is",
            ]);
            for row in &self.mounts {
                let task = row.task.as_ref().unwrap_or(&row.point);
                table.cells(vec![
                    row.what.to_owned(),
                    task.to_string(),
                    row.upper.as_ref().map_or_else(dash, SnapshotRef::words),
                    row.lower.len().to_string(),
                    row.container
                        .as_ref()
                        .map_or_else(dash, ToString::to_string),
                    words(&row.conditions),
                ]);
            }
            pen.table(&table)?;
        }
        let mut gap = !self.mounts.is_empty();
        let mut apart = |pen: &mut Pen<'_>| {
            if std::mem::replace(&mut gap, true) {
                pen.gap()
            } else {
                Ok(())
            }
        };
        if !self.netns.is_empty() {
            apart(pen)?;
            let mut table = Table::new(&[
                "/network namespace",
                "~>inode",
                ">processes",
                "~>named by",
                "!is",
            ]);
            for row in &self.netns {
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
        if !self.cgroups.is_empty() {
            apart(pen)?;
            let mut table = Table::new(&["!cgroup of", ">folders", ">processes", "!is"]);
            for row in &self.cgroups {
                table.cells(vec![
                    row.id.to_string(),
                    row.folders.len().to_string(),
                    row.processes.to_string(),
                    words(&row.conditions),
                ]);
            }
            pen.table(&table)?;
        }
        if !self.units.is_empty() {
            apart(pen)?;
            let mut table = Table::new(&["!unit", "!is"]);
            for row in &self.units {
                table.cells(vec![row.unit.to_string(), words(&row.conditions)]);
            }
            pen.table(&table)?;
        }
        for (name, condition) in self.conditions() {
            pen.gap()?;
            let head = format!("{}: {name}", condition.word());
            let head = pen.styled(Style::Warning, head).to_string();
            pen.line(head)?;
            let row = self.mounts.iter().find(|row| row.point == *name);
            if let Some(row) = row.filter(|_| *condition == Condition::DirectoryGone) {
                let gone = row.upper.iter().chain(&row.lower);
                for gone in gone.filter(|it| it.there == Some(false)) {
                    pen.paragraph("  gone    ", &gone.path.to_string())?;
                }
            }
            for held in row.into_iter().flat_map(|row| &row.held_by) {
                pen.paragraph("  held    ", held)?;
            }
            let short = name.utf8().and_then(|name| name.rsplit('/').next());
            let advice = crate::shims::filled(condition.advice(), "POINT", name.utf8());
            let advice = crate::shims::filled(&advice, "NAME", short);
            pen.paragraph("  so      ", &advice)?;
        }
        let none = self.mounts.is_empty() && self.netns.is_empty() && self.cgroups.is_empty();
        if none && self.units.is_empty() {
            pen.line(if self.mounts_known && self.left {
                "Nothing is left over."
            } else if self.mounts_known {
                "There are no mounts, network namespaces or cgroups of containers."
            } else {
                "No mounts, network namespaces or cgroups were looked at: the evidence does not hold them."
            })?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::of_unknown(&self.unknown);
        if self.conditions().next().is_some() {
            exit |= Exit::FINDINGS;
        }
        exit
    }
}
