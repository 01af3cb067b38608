//! Who may keep the root of a container busy in which nothing of it runs any more.

use std::collections::{BTreeMap, BTreeSet};

use finding::Text;

use super::{Capture, LARGE, WAIT};
use crate::mounts;
use crate::tree::Item;

impl Capture<'_> {
    /// Who may keep a container's root busy in which nothing of the container runs any more: what
    /// processes of the machine have mapped, and the mounts of other mount namespaces. Where no root
    /// is idle, and that is the rule, nothing of it is read.
    pub(super) fn idle_roots(&mut self) {
        let table = self.tree.file("/proc/self/mountinfo").map(mounts);
        let groups = self.groups.keys().flatten();
        let used: BTreeSet<&[u8]> = groups
            .flat_map(|group| group.path.bytes().split(|byte| *byte == b'/'))
            .flat_map(|part| {
                let scope = part.strip_suffix(b".scope");
                let id = scope.and_then(|scope| scope.rsplit(|byte| *byte == b'-').next());
                [Some(part), id].into_iter().flatten()
            })
            .collect();
        let table = table.unwrap_or_default();
        let points = table.iter().map(|mount| mount.point.bytes());
        let idle: Vec<&[u8]> = points
            .filter(|point| task_of(point).is_some_and(|id| !used.contains(id)))
            .collect();
        if idle.is_empty() {
            return;
        }
        let namespace = |files: &BTreeMap<Box<str>, Item>| match files.get("ns/mnt") {
            Some(Item::Link(target)) => Some(target.clone()),
            _ => None,
        };
        let first = self.tree.processes.get(&1).and_then(namespace);
        let mut seen: BTreeSet<Text> = BTreeSet::new();
        let mut all = self.tree.processes.iter();
        let mut wanted: Vec<(u32, &'static str)> = Vec::new();
        for (pid, files) in all.by_ref() {
            match namespace(files) {
                own @ Some(_) if own == first => wanted.push((*pid, "maps")),
                Some(own) if seen.insert(own.clone()) => wanted.push((*pid, "mountinfo")),
                _ => {}
            }
        }
        for (pid, name) in wanted {
            let Ok(process) = self.door.process(pid) else {
                continue;
            };
            let taken = process.patiently(name, LARGE, WAIT).unwrap_or_default();
            let names_one = |line: &[u8]| {
                let mut idle = idle.iter();
                idle.any(|point| line.windows(point.len().max(1)).any(|part| part == *point))
            };
            let mut lines = taken.split(|byte| *byte == b'\n');
            if lines.any(names_one)
                && let Some(files) = self.tree.processes.get_mut(&pid)
            {
                files.entry(name.into()).or_insert(Item::File(taken));
            }
        }
    }
}

/// The task whose root a mount point is: `…/io.containerd.runtime.v2.task/<namespace>/<id>/rootfs`.
fn task_of(point: &[u8]) -> Option<&[u8]> {
    let mut parts = point.rsplit(|byte| *byte == b'/');
    let (root, id, _, tasks) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (root == b"rootfs" && tasks == b"io.containerd.runtime.v2.task").then_some(id)
}
