//! Cgroups that are named by containers.

use std::collections::{BTreeMap, BTreeSet};

use finding::Text;
use node::Node;
use process::{Process, Processes};
use stuck::{Belongs, Host};

use super::{CgroupRow, Left};

/// The cgroups of containers, by id.
pub(super) fn rows(node: &Node, processes: &Processes) -> Vec<CgroupRow> {
    let mut names: BTreeSet<(&[u8], &[u8])> = BTreeSet::new();
    let mut recorded: BTreeSet<&[u8]> = BTreeSet::new();
    let namespaces = node.namespaces();
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
    let mut known: BTreeSet<&[u8]> = containers.iter().map(|it| it.id.bytes()).collect();
    // What a runtime keeps that is not read has no state here.
    let bundles = runtime.map_or(&[][..], |runtime| &runtime.bundles);
    known.extend(bundles.iter().map(|bundle| bundle.id.bytes()));
    let host = runtime.map(|runtime| Host::new(runtime, processes));
    let has_others = host.as_ref().is_some_and(Host::has_others);
    let recorded_ids: BTreeSet<&[u8]> = names.iter().map(|(_, id)| *id).collect();
    let of_others = host.as_ref().map(|host| others(host, processes));
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
        // A cgroup is named alike by every containerd, podman and CRI-O.
        let theirs = of_others
            .as_ref()
            .is_some_and(|all| all.contains(id.bytes()));
        let may_be_theirs = has_others && !recorded_ids.contains(id.bytes());
        let silent = is_known || !whole || theirs || may_be_theirs;
        let conditions = match (silent, count) {
            (true, _) => Vec::new(),
            (false, 0) => vec![Left::CgroupLeft],
            (false, _) => vec![Left::CgroupLeaked],
        };
        CgroupRow {
            ways: Left::ways(&conditions, &id),
            id,
            folders: folders.into_iter().collect(),
            processes: count,
            known: is_known,
            conditions,
        }
    });
    rows.collect()
}

/// Components of the cgroups of processes that belong to somebody else than this containerd.
fn others<'p>(host: &Host<'p>, processes: &'p Processes) -> BTreeSet<&'p [u8]> {
    let theirs =
        |process: &&Process| matches!(host.owner_of(processes, process), Belongs::Theirs(_));
    let groups = processes.iter().filter(theirs).flat_map(|it| &it.cgroups);
    let parts = groups.flat_map(|group| group.path.bytes().split(|byte| *byte == b'/'));
    let id = |part: &'p [u8]| {
        let scope = part.strip_suffix(b".scope");
        scope.map_or(part, |scope| {
            let last = scope.rsplit(|byte| matches!(byte, b'-' | b':')).next();
            last.unwrap_or(scope)
        })
    };
    parts.map(id).filter(|part| !part.is_empty()).collect()
}

/// The container that a folder is named by: `…/<64 hex digits>`, `…-<64 hex digits>.scope`,
/// `…/<namespace>/<id>`.
///
/// Not what other managers name so: `libpod-…`, `crio-…`, `docker-….scope`, or a folder `docker`.
fn id_of<'f>(folder: &'f [u8], names: &BTreeSet<(&[u8], &[u8])>) -> Option<&'f [u8]> {
    let mut parts = folder.rsplit(|byte| *byte == b'/');
    let name = parts.next()?;
    let above = parts.next().unwrap_or_default();
    let is_id = |id: &[u8]| id.len() == 64 && id.iter().all(u8::is_ascii_hexdigit);
    let of_others = |name: &[u8]| {
        let starts = [
            &b"libpod"[..],
            b"crio-",
            b"docker",
            b"buildkit",
            b"machine",
            b"lxc",
            b"payload",
        ];
        starts.iter().any(|start| name.starts_with(start))
    };
    if folder.split(|byte| *byte == b'/').any(of_others) {
        return None;
    }
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
        for theirs in [
            format!("/sys/fs/cgroup/machine.slice/libpod-{id}.scope"),
            format!("/sys/fs/cgroup/kubepods.slice/crio-{id}.scope"),
            format!("/sys/fs/cgroup/pids/docker/{id}"),
            format!("/sys/fs/cgroup/system.slice/docker-{id}.scope/kubepods/{id}"),
        ] {
            assert_eq!(of(&theirs), None, "{theirs}");
        }
    }
}
