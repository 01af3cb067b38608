//! What containers left in the kernel: mounts, network namespaces, cgroups, units of systemd.
//!
//! Each mount of a container's root is followed to its snapshots, from there to the key in the snapshotter's database and to the
//! container. What has no owner any more has a [`Left`]. That needs a node that runs, or a bundle of one: a disk holds none of it.

mod cgroup;
mod mounts;
mod netns;
mod unit;
mod ways;

use evidence::Evidence;
use finding::{Remedy, Text};
use node::Node;
use process::Processes;
use serde::Serialize;

/// What containers have in the kernel, and had.
#[derive(Debug, Serialize)]
pub struct Kernel {
    /// Mounts of containers and of containerd, in the order of the table.
    pub mounts: Vec<MountRow>,
    /// Network namespaces that are bound to names.
    pub netns: Vec<NetnsRow>,
    /// Cgroups of containers.
    pub cgroups: Vec<CgroupRow>,
    /// Units of systemd that were made for containers.
    pub units: Vec<UnitRow>,
    /// Whether the table of mounts is known.
    pub mounts_known: bool,
}

impl Kernel {
    /// What of it is seen.
    pub fn seen_on(evidence: &Evidence, node: &Node, processes: Option<&Processes>) -> Self {
        let table = processes.and_then(|processes| processes.mounts.as_deref());
        Self {
            mounts: table.map_or_else(Vec::new, |table| {
                mounts::rows(evidence, node, table, processes)
            }),
            netns: netns::rows(evidence, node, processes),
            cgroups: processes.map_or_else(Vec::new, |processes| cgroup::rows(node, processes)),
            units: unit::rows(evidence, node, processes),
            mounts_known: table.is_some(),
        }
    }

    /// Only what is left over or broken.
    #[must_use]
    pub fn left(mut self) -> Self {
        self.mounts.retain(|row| !row.conditions.is_empty());
        self.netns.retain(|row| !row.conditions.is_empty());
        self.cgroups.retain(|row| !row.conditions.is_empty());
        self.units.retain(|row| !row.conditions.is_empty());
        self
    }

    /// Whether there is nothing.
    pub const fn is_empty(&self) -> bool {
        self.mounts.is_empty()
            && self.netns.is_empty()
            && self.cgroups.is_empty()
            && self.units.is_empty()
    }

    /// All ways out.
    pub fn ways_mut(&mut self) -> impl Iterator<Item = &mut Remedy> {
        let mounts = self.mounts.iter_mut().flat_map(|row| &mut row.ways);
        let netns = self.netns.iter_mut().flat_map(|row| &mut row.ways);
        let cgroups = self.cgroups.iter_mut().flat_map(|row| &mut row.ways);
        let units = self.units.iter_mut().flat_map(|row| &mut row.ways);
        mounts.chain(netns).chain(cgroups).chain(units)
    }

    /// All that is left over or broken, by its name, and what to do.
    pub fn conditions(&self) -> impl Iterator<Item = (&Text, Left, &Remedy)> {
        let mounts = self
            .mounts
            .iter()
            .map(|row| (&row.point, &row.conditions, &row.ways));
        let netns = self
            .netns
            .iter()
            .map(|row| (&row.path, &row.conditions, &row.ways));
        let cgroups = self.cgroups.iter().map(|row| {
            let name = row.folders.first().unwrap_or(&row.id);
            (name, &row.conditions, &row.ways)
        });
        let units = self
            .units
            .iter()
            .map(|row| (&row.unit, &row.conditions, &row.ways));
        let all = mounts.chain(netns).chain(cgroups).chain(units);
        all.flat_map(|(name, conditions, ways)| {
            conditions
                .iter()
                .zip(ways)
                .map(move |(it, way)| (name, *it, way))
        })
    }
}

/// A mount of containerd's, or of a container.
#[derive(Debug, Serialize)]
pub struct MountRow {
    /// Where it is mounted.
    pub point: Text,
    /// `rootfs`, `tmpmount`, `shm`, `runc-binary`, `overlay`.
    pub what: &'static str,
    /// Type of the file system.
    pub kind: Text,
    /// containerd's namespace.
    pub namespace: Option<Text>,
    /// The task, or the sandbox, whose folder the mount is in.
    pub task: Option<Text>,
    /// The snapshot that is written to, or the only one.
    pub upper: Option<SnapshotRef>,
    /// The snapshots below it, the topmost first.
    pub lower: Vec<SnapshotRef>,
    /// The container of meta.db whose snapshot it is, as namespace and id.
    pub container: Option<Text>,
    /// Who keeps a root busy that was left, and how.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<String>,
    /// What is wrong with it.
    pub conditions: Vec<Left>,
    /// What follows from each of them, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Remedy>,
}

/// A unit of systemd that was made for a container.
#[derive(Debug, Serialize)]
pub struct UnitRow {
    /// `cri-containerd-<id>.scope`
    pub unit: Text,
    /// The container.
    pub id: Text,
    /// What is wrong with it.
    pub conditions: Vec<Left>,
    /// What follows from each of them, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Remedy>,
}

/// A directory of a mount, and the snapshot that it is.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotRef {
    /// Where it is.
    pub path: Text,
    /// Whose snapshot it is.
    pub snapshotter: Option<Text>,
    /// Its number.
    pub id: Option<u64>,
    /// Its key in the snapshotter's database.
    pub key: Option<Text>,
    /// Whether the directory is there; nothing where that is not known.
    pub there: Option<bool>,
}

/// A network namespace that is bound to a name.
#[derive(Debug, Serialize)]
pub struct NetnsRow {
    /// Where it is.
    pub path: Text,
    /// Its inode, as `net:[inode]` names it; none where nothing is mounted there.
    pub inode: Option<u64>,
    /// Processes in it; nothing where that is not known.
    pub processes: Option<usize>,
    /// Who names it: states of runc, bundles, pods.
    pub named_by: Vec<Text>,
    /// What is wrong with it.
    pub conditions: Vec<Left>,
    /// What follows from each of them, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Remedy>,
}

/// Cgroups of one container.
#[derive(Debug, Serialize)]
pub struct CgroupRow {
    /// The container.
    pub id: Text,
    /// The folders, one a hierarchy, sorted.
    pub folders: Vec<Text>,
    /// Processes in them and below, in the hierarchy that has the most.
    pub processes: usize,
    /// Whether a runtime knows the container.
    pub known: bool,
    /// What is wrong with it.
    pub conditions: Vec<Left>,
    /// What follows from each of them, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Remedy>,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Left {
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

impl Left {
    /// As a person reads it.
    pub const fn word(self) -> &'static str {
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
}
