//! Files of the cgroups of processes that were taken.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use finding::Unread;

use super::{Capture, Depth, SMALL};
use crate::cgroup::Cgroups;
use crate::tree::{Item, bytes};
use crate::{Membership, Stat, mounts};

/// Folders of one hierarchy of cgroups.
const FOLDERS: usize = 20_000;
/// Files of each cgroup.
const FREEZER_V1: &[&str] = &[
    "freezer.state",
    "freezer.self_freezing",
    "freezer.parent_freezing",
];
const FREEZER_V2: &[&str] = &["cgroup.freeze", "cgroup.events"];
const MEMORY_V1: &[&str] = &[
    "memory.oom_control",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
];
const MEMORY_V2: &[&str] = &[
    "memory.events",
    "memory.max",
    "memory.current",
    "memory.high",
];
const PIDS: &[&str] = &["pids.max", "pids.current", "pids.events"];
const CPU_V1: &[&str] = &["cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.stat"];
const CPU_V2: &[&str] = &["cpu.max", "cpu.stat"];

impl Capture<'_> {
    /// The first process of a container that shares its pod's pid namespace, or the host's, is told by its parent.
    pub(super) fn below_shims(&mut self) {
        let all = &self.tree.processes;
        let stat =
            |files: &BTreeMap<Box<str>, Item>| Stat::parse(files.get("stat").and_then(bytes)?);
        let is_shim = |(_, stat): &(u32, Stat)| stat.comm.bytes().starts_with(b"containerd-shim");
        let stats = all
            .iter()
            .filter_map(|(pid, files)| Some((*pid, stat(files)?)));
        let shims: BTreeSet<u32> = stats.filter(is_shim).map(|(pid, _)| pid).collect();
        let below = all
            .values()
            .filter(|files| stat(files).is_some_and(|stat| shims.contains(&stat.ppid)));
        let groups = below.filter_map(|files| files.get("cgroup").and_then(bytes));
        let groups: Vec<_> = groups.map(Membership::parse).collect();
        for group in groups {
            *self.groups.entry(group).or_default() |= true;
        }
    }

    pub(super) fn cgroups(&mut self) {
        let table = self
            .tree
            .file("/proc/self/mountinfo")
            .map(mounts)
            .unwrap_or_default();
        let places = Cgroups::from_mounts(&table);
        let mut files: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut want = |folder: &[u8], names: &[&str]| {
            for name in names {
                files.insert([folder, b"/", name.as_bytes()].concat());
            }
        };
        for (groups, limits) in &self.groups {
            let [v1, v2] = places.freezers(groups);
            let full = self.depth == Depth::Full;
            for folder in &v1 {
                want(folder, FREEZER_V1);
            }
            for folder in &v2 {
                want(folder, FREEZER_V2);
            }
            for folder in v1.iter().chain(&v2).filter(|_| full) {
                want(folder, &["cgroup.procs"]);
            }
            if !*limits {
                continue;
            }
            if let Some((folder, is_v2)) = places.memory(groups) {
                want(&folder, if is_v2 { MEMORY_V2 } else { MEMORY_V1 });
            }
            if let Some((folder, is_v2)) = places.processor(groups) {
                want(&folder, if is_v2 { CPU_V2 } else { CPU_V1 });
            }
            for folder in places.pids_folders(groups) {
                want(&folder, PIDS);
            }
        }
        if self.depth == Depth::Full {
            for point in crate::cgroup::points(&table) {
                let at: &std::ffi::OsStr =
                    std::os::unix::ffi::OsStrExt::from_bytes(point.as_slice());
                for folder in self.door.cgroup_folders(Path::new(at), FOLDERS) {
                    let folder = folder.as_os_str().as_encoded_bytes();
                    files.insert([folder, b"/cgroup.procs"].concat());
                }
            }
        }
        for path in files {
            let at: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(path.as_slice());
            let item = match self.door.cgroup_file(Path::new(at), SMALL) {
                Ok(bytes) => Item::File(bytes),
                Err(Unread::Absent) => continue,
                Err(unread) => Item::Unread(unread),
            };
            self.tree.global.insert(path.into(), item);
        }
    }
}
