//! Cgroups that are named by containers.

use std::collections::{BTreeMap, BTreeSet};

use finding::Text;
use node::Node;
use process::Processes;

use super::{CgroupRow, Condition};

/// The cgroups of containers, by id.
pub(super) fn rows(node: &Node, processes: &Processes) -> Vec<CgroupRow> {
    let mut names: BTreeSet<(&[u8], &[u8])> = BTreeSet::new();
    let mut recorded: BTreeSet<&[u8]> = BTreeSet::new();
    let namespaces = node.meta.rows.iter().flat_map(metadb::MetaDb::namespaces);
    for namespace in namespaces {
        for row in namespace.containers.read().into_iter().flatten() {
            names.insert((namespace.name.bytes(), row.key.bytes()));
            recorded.insert(namespace.name.bytes());
        }
    }
    let runtime = node.runtime.read();
    let containers = runtime.map_or(&[][..], |runtime| &runtime.containers);
    for container in containers {
        let namespace = container.namespace.as_ref().map_or(&b""[..], Text::bytes);
        names.insert((namespace, container.id.bytes()));
    }
    let known: BTreeSet<&[u8]> = containers.iter().map(|it| it.id.bytes()).collect();
    let whole = runtime.is_some_and(|runtime| runtime.whole.containers);
    let mut found: BTreeMap<Text, (BTreeSet<Text>, usize)> = BTreeMap::new();
    let folders: Vec<(&[u8], usize)> = processes.cgroup_folders().collect();
    for (folder, _) in &folders {
        let Some(id) = id_of(folder, &names) else {
            continue;
        };
        // With those below: a container may make cgroups of its own.
        let below = [folder, &b"/"[..]].concat();
        let inside = folders
            .iter()
            .filter(|(other, _)| other == folder || other.starts_with(&below))
            .fold(0_usize, |sum, (_, count)| sum.saturating_add(*count));
        let (all, most) = found.entry(Text::from(id)).or_default();
        all.insert(Text::from(*folder));
        *most = inside.max(*most);
    }
    let rows = found.into_iter().map(|(id, (folders, count))| {
        let is_known = known.contains(id.bytes());
        let conditions = match (is_known || !whole, count) {
            (true, _) => Vec::new(),
            (false, 0) => vec![Condition::CgroupLeft],
            (false, _) => vec![Condition::CgroupLeaked],
        };
        CgroupRow {
            id,
            folders: folders.into_iter().collect(),
            processes: count,
            known: is_known,
            conditions,
        }
    });
    rows.collect()
}

/// The container that a folder is named by: `…/<64 hex digits>`, `…-<64 hex digits>.scope`,
/// `…/<namespace>/<id>`.
fn id_of<'f>(folder: &'f [u8], names: &BTreeSet<(&[u8], &[u8])>) -> Option<&'f [u8]> {
    let mut parts = folder.rsplit(|byte| *byte == b'/');
    let name = parts.next()?;
    let above = parts.next().unwrap_or_default();
    let is_id = |id: &[u8]| id.len() == 64 && id.iter().all(u8::is_ascii_hexdigit);
    if is_id(name) {
        return Some(name);
    }
    if let Some(scope) = name.strip_suffix(b".scope") {
        let id = scope.rsplit(|byte| matches!(byte, b'-' | b':')).next()?;
        return is_id(id).then_some(id);
    }
    names.contains(&(above, name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_by_their_names() {
        let names = BTreeSet::from([(&b"default"[..], &b"sleeper"[..])]);
        let id = "ab".repeat(32);
        let of = |folder: &str| id_of(folder.as_bytes(), &names).map(Text::from);
        let want = Some(Text::from(id.as_str()));
        assert_eq!(of(&format!("/sys/fs/cgroup/pids/k8s.io/{id}")), want);
        let scope = format!("/sys/fs/cgroup/kubepods.slice/cri-containerd-{id}.scope");
        assert_eq!(of(&scope), want);
        assert_eq!(
            of("/sys/fs/cgroup/cpu/default/sleeper"),
            Some("sleeper".into())
        );
        assert_eq!(of("/sys/fs/cgroup/cpu/system.slice"), None);
        assert_eq!(of("/sys/fs/cgroup/other/sleeper"), None);
    }
}
