//! Mounts of containers' roots, and others of containerd's and runc's.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::Evidence;
use finding::{Text, Unread};
use node::Node;
use process::{Mount, Processes};
use runc::Runtime;
use stuck::Host;

use super::{Left, MountRow, SnapshotRef};

/// Processes that are named for one mount.
const MOST: usize = 8;

/// What is known of a node, as look-ups.
struct Known<'n> {
    evidence: &'n Evidence,
    node: &'n Node,
    runtime: Option<&'n Runtime>,
    processes: Option<&'n Processes>,
    /// Containers of meta.db by snapshotter and key of their snapshot.
    containers: BTreeMap<(Text, Text), Text>,
    /// Sandboxes that the CRI or meta.db know.
    pods: BTreeSet<Text>,
    /// Whose its processes are.
    host: Option<Host<'n>>,
    /// Whether a containerd runs.
    daemon: bool,
}

/// The mounts that belong to containers, in the order of the table.
pub(super) fn rows(
    evidence: &Evidence,
    node: &Node,
    mounts: &[Mount],
    processes: Option<&Processes>,
) -> Vec<MountRow> {
    let known = Known::known_mounts(evidence, node, processes);
    mounts.iter().filter_map(|mount| known.row(mount)).collect()
}

fn path(text: &Text) -> &Path {
    Path::new(OsStr::from_bytes(text.bytes()))
}

fn path_text(path: &Path) -> Text {
    Text::from(path.as_os_str().as_bytes())
}

impl<'n> Known<'n> {
    fn known_mounts(
        evidence: &'n Evidence,
        node: &'n Node,
        processes: Option<&'n Processes>,
    ) -> Self {
        let mut containers = BTreeMap::new();
        let mut pods = BTreeSet::new();
        let namespaces = node.namespaces();
        for namespace in namespaces {
            for row in namespace.containers.read().into_iter().flatten() {
                let key = (
                    row.value.snapshotter.clone(),
                    row.value.snapshot_key.clone(),
                );
                let name = [namespace.name.bytes(), row.key.bytes()].join(&b'/');
                containers.insert(key, Text::from(name));
                pods.insert(row.key.clone());
            }
            for row in namespace.sandboxes.read().into_iter().flatten() {
                pods.insert(row.key.clone());
            }
        }
        let runtime = node.runtime.read();
        let host = runtime.zip(processes);
        let host = host.map(|(runtime, processes)| Host::new(runtime, processes));
        Self {
            evidence,
            node,
            runtime: node.runtime.read(),
            processes,
            containers,
            pods,
            daemon: host
                .as_ref()
                .is_some_and(|host| host.daemon().is_some_and(|it| !it.stat.is_dead())),
            host,
        }
    }

    fn row(&self, mount: &Mount) -> Option<MountRow> {
        let point = path(&mount.point);
        let (what, namespace, task) = self.what(mount, point)?;
        let (upper, lower) = self.directories(mount);
        let mut row = MountRow {
            point: mount.point.clone(),
            what,
            kind: mount.kind.clone(),
            namespace,
            task,
            container: upper.as_ref().and_then(|upper| self.owner(upper)),
            upper,
            lower,
            held_by: Vec::new(),
            conditions: Vec::new(),
            ways: Vec::new(),
        };
        row.conditions = self.conditions(&row);
        row.ways = Left::ways(&row.conditions, &row.point);
        if row.conditions.contains(&Left::RootfsLeft) {
            row.held_by = self.held_by(&row.point);
        }
        Some(row)
    }

    /// Processes that keep a root busy, and how.
    fn held_by(&self, root: &Text) -> Vec<String> {
        let all = self.processes.into_iter();
        let all = all.flat_map(|processes| stuck::holders(processes, root));
        let words = all.map(|(process, (how, path))| {
            format!(
                "by pid {} ({}): its {how} is {path}",
                process.pid,
                process.command()
            )
        });
        words.take(MOST).collect()
    }

    /// What a mount is to containerd or runc, and whose.
    fn what(
        &self,
        mount: &Mount,
        point: &Path,
    ) -> Option<(&'static str, Option<Text>, Option<Text>)> {
        let state = &self.node.roots.state;
        let part = |path: &Path, nth: usize| {
            let part = path.components().nth(nth)?.as_os_str();
            Some(Text::from(part.as_bytes()))
        };
        if let Ok(below) = point.strip_prefix(state.join(runc::TASKS))
            && point.file_name() == Some(OsStr::new("rootfs"))
        {
            return Some(("rootfs", part(below, 0), part(below, 1)));
        }
        let sandboxes = state.join("io.containerd.grpc.v1.cri").join("sandboxes");
        if let Ok(below) = point.strip_prefix(&sandboxes)
            && point.file_name() == Some(OsStr::new("shm"))
        {
            return Some(("shm", None, part(below, 0)));
        }
        let name = point
            .file_name()
            .map(OsStrExt::as_bytes)
            .unwrap_or_default();
        let is_temporary = point.starts_with(self.node.roots.root.join("tmpmounts"))
            || name.starts_with(b"containerd-mount");
        if is_temporary {
            return Some(("tmpmount", None, None));
        }
        let in_state = point.starts_with(runc::SHIM_ROOT) || point.starts_with("/run/runc");
        if in_state && name.starts_with(b"runc.") {
            let task = point.parent().and_then(Path::file_name);
            let task = task.map(|task| Text::from(task.as_bytes()));
            return Some(("runc-binary", None, task));
        }
        // Any other overlay of a snapshot: `ctr snapshots mount`, a debugger's.
        let (upper, lower) = self.directories(mount);
        let of_snapshot = upper
            .iter()
            .chain(&lower)
            .any(|it| it.snapshotter.is_some());
        (mount.kind == *"overlay" && of_snapshot).then_some(("overlay", None, None))
    }

    /// The directories of a mount: the one that is written to, and those below.
    fn directories(&self, mount: &Mount) -> (Option<SnapshotRef>, Vec<SnapshotRef>) {
        if mount.kind == *"overlay" {
            let upper = mount.option("upperdir").map(|dir| self.snapshot(&dir));
            let mut lower = Vec::new();
            for (name, value) in &mount.options {
                let Some(value) = value else { continue };
                if *name == *"lowerdir" {
                    lower.extend(split(value.bytes()).iter().map(|dir| self.snapshot(dir)));
                } else if *name == *"lowerdir+" {
                    lower.push(self.snapshot(value));
                }
            }
            return (upper, lower);
        }
        // A bind mount of a snapshot: the native snapshotter's, one layer without a parent.
        let root = path(&mount.root);
        for snapshotter in &self.node.snapshotters {
            let folder = snapshotter.root.join("snapshots");
            // What is mounted is told from the root of its file system, not from ours.
            let tail: PathBuf = folder
                .iter()
                .rev()
                .take(2)
                .collect::<Vec<_>>()
                .iter()
                .rev()
                .collect();
            let bytes = root.as_os_str().as_bytes();
            let tail = [b"/", tail.as_os_str().as_bytes(), b"/"].concat();
            let found = bytes
                .windows(tail.len().max(1))
                .position(|part| part == tail.as_slice());
            if let Some(at) = found {
                let rest = bytes
                    .get(at.saturating_add(tail.len())..)
                    .unwrap_or_default();
                let full = folder.join(OsStr::from_bytes(rest));
                return (Some(self.snapshot(&path_text(&full))), Vec::new());
            }
        }
        (None, Vec::new())
    }

    /// The snapshot that a directory is.
    fn snapshot(&self, dir: &Text) -> SnapshotRef {
        let mut found = SnapshotRef {
            path: dir.clone(),
            snapshotter: None,
            id: None,
            key: None,
            there: None,
        };
        for snapshotter in &self.node.snapshotters {
            let folder = snapshotter.root.join("snapshots");
            // Many layers: the daemon stands in the folder and names them from there.
            let full = folder.join(path(dir));
            let Ok(below) = full.strip_prefix(&folder) else {
                continue;
            };
            let relative = !dir.bytes().starts_with(b"/");
            let id = below
                .components()
                .next()
                .and_then(|part| part.as_os_str().to_str()?.parse::<u64>().ok());
            let rows = snapshotter.db.rows.as_ref();
            let rows = rows.map_or(&[][..], metadb::Backend::snapshots);
            let row = rows.iter().find(|row| id.is_some() && row.value.id == id);
            if relative && row.is_none() {
                continue;
            }
            found.path = path_text(&full);
            found.snapshotter = Some(snapshotter.name.clone());
            found.id = id;
            found.key = row.map(|row| row.key.clone());
            break;
        }
        found.there = match self.evidence.stat(path(&found.path)) {
            Ok(_) => Some(true),
            Err(Unread::Absent) => Some(false),
            Err(_) => None,
        };
        found
    }

    /// The container of meta.db whose snapshot it is: keys of the backend are
    /// `<namespace>/<number>/<key>`.
    fn owner(&self, snapshot: &SnapshotRef) -> Option<Text> {
        let key = snapshot.key.as_ref()?;
        let mut parts = key.bytes().splitn(3, |byte| *byte == b'/');
        let namespace = parts.next()?;
        let name = Text::from(parts.nth(1)?);
        let owner = self
            .containers
            .get(&(snapshot.snapshotter.clone()?, name))?;
        owner.bytes().starts_with(namespace).then(|| owner.clone())
    }

    fn conditions(&self, row: &MountRow) -> Vec<Left> {
        let mut found = Vec::new();
        match row.what {
            "rootfs" if !self.has_task(row) => found.push(Left::RootfsLeft),
            "tmpmount" if !self.daemon => found.push(Left::TmpmountLeft),
            "shm" => {
                let known = row.task.as_ref().is_some_and(|id| self.pods.contains(id));
                if !known && self.node.meta.rows.is_some() {
                    found.push(Left::ShmLeft);
                }
            }
            "runc-binary" => found.push(Left::RuncBinaryLeft),
            _ => {}
        }
        let all = || row.upper.iter().chain(&row.lower);
        if all().any(|it| it.there == Some(false)) {
            found.push(Left::DirectoryGone);
        }
        let is_unknown = |it: &SnapshotRef| {
            it.snapshotter.is_some() && it.id.is_some() && it.key.is_none() && self.is_whole(it)
        };
        if all().any(is_unknown) {
            found.push(Left::SnapshotUnknown);
        }
        found
    }

    /// Whether all snapshots of a snapshotter are known.
    fn is_whole(&self, snapshot: &SnapshotRef) -> bool {
        let mut all = self.node.snapshotters.iter();
        all.find(|it| Some(&it.name) == snapshot.snapshotter.as_ref())
            .and_then(|it| it.db.rows.as_ref())
            .is_some_and(|rows| rows.snapshots.is_whole())
    }

    /// Whether somebody runs, or may run, in a root that is mounted.
    fn has_task(&self, row: &MountRow) -> bool {
        let (Some(namespace), Some(id), Some(runtime)) = (&row.namespace, &row.task, self.runtime)
        else {
            return true;
        };
        let bundle = runtime.bundle(namespace, id);
        if bundle.is_some_and(|bundle| !runtime.is_read(bundle)) {
            return true;
        }
        let container = runtime.container(Some(namespace), id);
        if container.is_some() || !runtime.whole.containers || !runtime.whole.bundles {
            return true;
        }
        // The runtime knows nothing of it. A shim that lives may be about to make it, or keep it.
        let group = bundle.and_then(|bundle| Some(bundle.spec.get()?.group(&bundle.id)));
        let sandbox = bundle.and_then(|bundle| bundle.sandbox.as_ref());
        let (Some(processes), Some(host)) = (self.processes, &self.host) else {
            return true;
        };
        let mut shims = host.shims().iter().filter(|shim| shim.other.is_none());
        !processes.whole
            || shims.any(|shim| {
                let it = Some(&shim.id);
                shim.namespace == *namespace && (shim.id == *id || it == group || it == sandbox)
            })
    }
}

/// The directories of `lowerdir=a:b`; `\:` is a colon in a name.
fn split(value: &[u8]) -> Vec<Text> {
    let mut found = vec![Vec::new()];
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        let last = found.last_mut();
        match (byte, last) {
            (b':', _) => found.push(Vec::new()),
            (b'\\', Some(last)) => last.extend(bytes.next()),
            (byte, Some(last)) => last.push(byte),
            (_, None) => {}
        }
    }
    found
        .into_iter()
        .filter(|dir| !dir.is_empty())
        .map(Text::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn colons_in_names_are_escaped() {
        let found: Vec<String> = split(b"/a\\:b:2/fs::/c")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, ["/a:b", "2/fs", "/c"]);
        assert!(split(b"").is_empty());
    }
}
