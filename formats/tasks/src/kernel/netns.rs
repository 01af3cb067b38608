//! Network namespaces that are bound to names: `/run/netns/cni-…`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use evidence::{Evidence, FileKind};
use finding::Text;
use node::Node;
use process::Processes;

use super::{Left, NetnsRow};

/// Where the CRI plugin and `ip netns` bind them. The second is the first, where `/var/run` is a
/// link, as it should be.
const FOLDERS: [&str; 2] = ["/run/netns", "/var/run/netns"];

/// Every name, who is in it, and who names it.
pub(super) fn rows(
    evidence: &Evidence,
    node: &Node,
    processes: Option<&Processes>,
) -> Vec<NetnsRow> {
    let named = named(node);
    let mounted = mounted(processes);
    let runtime = node.runtime.read();
    let others = runtime
        .zip(processes)
        .is_some_and(|(runtime, processes)| stuck::Host::new(runtime, processes).has_others());
    // Another containerd's pods have names like these, and are named by its own files.
    let whole = runtime.is_some_and(|it| it.whole.containers && it.whole.bundles)
        && node.meta.rows.is_some()
        && !others;
    let mut paths: BTreeSet<Text> = mounted.iter().flat_map(BTreeMap::keys).cloned().collect();
    paths.extend(files(evidence));
    let mut rows = Vec::new();
    for path in paths {
        let Some(name) = path_name(path.bytes()).map(Text::from) else {
            continue;
        };
        let inode = mounted.as_ref().and_then(|all| all.get(&path).copied());
        let count = inode.zip(processes).map(|(inode, processes)| {
            let link = Text::from(format!("net:[{inode}]"));
            let in_it = |process: &&process::Process| {
                processes.namespace(process.pid, "net") == Some(&link)
            };
            processes.iter().filter(in_it).count()
        });
        let count = count.filter(|_| processes.is_some_and(told));
        let named_by: Vec<Text> = named.get(&name).into_iter().flatten().cloned().collect();
        // What `ip netns add` made is somebody else's.
        let is_ours = name.bytes().starts_with(b"cni-");
        let mut conditions = Vec::new();
        if mounted.is_some() && inode.is_none() && is_ours {
            conditions.push(Left::NetnsUnmounted);
        } else if count == Some(0) && is_ours && whole {
            conditions.push(if named_by.is_empty() {
                Left::NetnsLeft
            } else {
                Left::NetnsIdle
            });
        }
        rows.push(NetnsRow {
            ways: Left::ways(&conditions, &path),
            path,
            inode,
            processes: count,
            named_by,
            conditions,
        });
    }
    rows
}

/// The names in the folders.
fn files(evidence: &Evidence) -> Vec<Text> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        let parent = Path::new(folder).parent().unwrap_or(Path::new("/"));
        if evidence.stat(parent).is_ok_and(|stat| stat.is_symlink()) {
            continue;
        }
        let listed = evidence.list(Path::new(folder));
        for entry in listed.read().into_iter().flatten() {
            if entry.stat.kind == FileKind::File {
                let path = Path::new(folder).join(OsStr::from_bytes(entry.name.bytes()));
                found.push(Text::from(path.as_os_str().as_bytes()));
            }
        }
    }
    found
}

/// Whether namespaces of processes were told at all.
fn told(processes: &Processes) -> bool {
    processes.whole
        && processes
            .iter()
            .any(|process| processes.namespace(process.pid, "net").is_some())
}

/// Inodes of network namespaces by the paths at which they are mounted; nothing where the table is
/// not known.
fn mounted(processes: Option<&Processes>) -> Option<BTreeMap<Text, u64>> {
    let mounts = processes?.mounts.as_ref()?;
    let found = mounts.iter().filter(|mount| mount.kind == *"nsfs");
    let found = found.filter_map(|mount| {
        let inode = mount
            .root
            .utf8()?
            .strip_prefix("net:[")?
            .strip_suffix(']')?;
        path_name(mount.point.bytes())?;
        Some((mount.point.clone(), inode.parse().ok()?))
    });
    Some(found.collect())
}

/// The last component of a path in `/run/netns`, however that is reached.
fn path_name(path: &[u8]) -> Option<&[u8]> {
    let folders = [&b"/run/netns/"[..], b"/var/run/netns/"];
    let name = folders
        .iter()
        .find_map(|folder| path.strip_prefix(*folder))?;
    (!name.is_empty() && !name.contains(&b'/')).then_some(name)
}

/// Who names which: states of runc, bundles, pods.
fn named(node: &Node) -> BTreeMap<Text, BTreeSet<Text>> {
    let mut named: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    let mut add = |path: &Text, by: String| {
        if let Some(name) = path_name(path.bytes()) {
            named
                .entry(Text::from(name))
                .or_default()
                .insert(Text::from(by));
        }
    };
    for bundle in node.runtime.read().iter().flat_map(|it| &it.bundles) {
        for (_, path) in bundle.spec.get().iter().flat_map(|spec| &spec.namespaces) {
            add(path, format!("bundle {}", bundle.id));
        }
    }
    for container in node.runtime.read().iter().flat_map(|it| &it.containers) {
        let state = container.best_state();
        for (_, path) in state.iter().flat_map(|state| &state.namespace_paths) {
            add(path, format!("state of {}", container.id));
        }
    }
    let namespaces = node.namespaces();
    for namespace in namespaces {
        for row in namespace.containers.read().into_iter().flatten() {
            if let Ok(pod) = row.value.pod() {
                add(&pod.netns, format!("pod {}", row.key));
            }
        }
        for row in namespace.sandboxes.read().into_iter().flatten() {
            if let Ok(pod) = row.value.pod() {
                add(&pod.netns, format!("pod {}", row.key));
            }
        }
    }
    named
}
