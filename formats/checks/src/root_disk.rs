//! The root on another disk than last time: one that was not mounted, or an empty one in its place.
//!
//! "All images are gone" is how people see it (containerd issue 3671). What shows it: fstab says that
//! a disk belongs there; the kubelet's pods are none of meta.db's; shims run whose containers meta.db
//! does not have.

use std::collections::BTreeSet;

use daemon::{start, told};
use finding::{Code, Finding, Location, Severity, Text, Unread};
use metadb::MetaDb;
use node::{DatabaseState, MountPoint, Node, path_text};

use crate::store_unmounted::holds_nothing;
use crate::{Check, Judge};

/// A disk that belongs at the root, or above it, is not mounted.
pub(crate) const NOT_MOUNTED: Check = Check {
    code: &Code {
        name: "store/disk-not-mounted",
        rule: "P39",
        severity: Severity::Fatal,
        title: "The disk of containerd's root, or of a store in it, is not mounted",
        explanation: "fstab, or a unit, mounts a disk at the root, above it, or at the content store or a \
            snapshotter in it, and nothing is mounted there: what is seen is the folder below. containerd creates empty stores in it and logs \
            nothing. It finds no image and no container, and pulls everything again to the wrong \
            disk. After the right disk is mounted over it, there are two different sets of stores. \
            Where the stores that are seen fit what kubelet and the network know of pods, the line \
            may be an old one: that is reported as odd.",
        remedy: "Do not start containerd, and stop kubelet. Mount the disk, and look again.",
    },
    needs: &[],
    run: not_mounted,
};

/// The root holds nothing, or others than last time.
pub(crate) const EMPTIED: Check = Check {
    code: &Code {
        name: "store/root-emptied",
        rule: "P40",
        severity: Severity::Fatal,
        title: "containerd's root is empty, and the node has pods",
        explanation: "kubelet, the logs of pods, the network or the shims below state know pods and \
            containers, and the root holds nothing. Either the root is not the one of last time (its \
            disk is not mounted, an empty disk is mounted over it, or config.toml names another \
            folder), or it was emptied.",
        remedy: "Find out which disk held the root last time (`lsblk`, `findmnt`, fstab, the journal) \
            before containerd is started: it would make empty stores here. If the root was emptied on \
            purpose, there is nothing to be saved, and a start is right.",
    },
    needs: &[],
    run: emptied,
};

/// Pods and containers that others than meta.db know, and whether meta.db knows one of them.
struct Known {
    /// How many, in words: `3 pods of kubelet`.
    who: Option<String>,
    /// Whether meta.db has one of those.
    fits: bool,
}

/// Whether the root holds nothing: no meta.db that names anything, no blob, no snapshot.
fn is_bare(node: &Node) -> bool {
    let rows = node.meta.rows.as_ref();
    let names_nothing = match &node.meta.state {
        DatabaseState::Unread(Unread::Absent) | DatabaseState::Empty => true,
        DatabaseState::Open => rows.is_some_and(|rows| {
            let all = rows.namespaces.whole();
            all.is_some_and(|all| {
                all.iter().all(|namespace| {
                    let containers = namespace.containers.whole();
                    let images = namespace.images.whole();
                    containers.is_some_and(Vec::is_empty) && images.is_some_and(Vec::is_empty)
                })
            })
        }),
        _ => false,
    };
    let blobs = node.content.read().map_or(0, |store| store.blobs.len());
    let directories = node.snapshotters.iter().map(|snapshotter| {
        let layout = snapshotter.layout.read();
        layout.map_or(0, |layout| layout.dirs.len())
    });
    names_nothing && blobs == 0 && directories.sum::<usize>() == 0
}

/// Ids and pods' uids of meta.db; nothing where it could not be read whole.
fn recorded(node: &Node) -> Option<BTreeSet<&[u8]>> {
    if is_bare(node) {
        return Some(BTreeSet::new());
    }
    let rows = node.meta.rows.as_ref()?;
    if !rows.unknown(|namespace| &namespace.containers).is_empty() {
        return None;
    }
    let namespaces = MetaDb::namespaces(rows).iter();
    let rows = namespaces.flat_map(|namespace| namespace.containers.read().into_iter().flatten());
    let mut all = BTreeSet::new();
    for row in rows {
        all.insert(row.key.bytes());
        all.extend(row.labels.get("io.kubernetes.pod.uid").map(Text::bytes));
    }
    Some(all)
}

/// Whether a task's files are, or may be, in this root: those of Docker's own store of layers are not.
fn stands_here(bundle: &runc::Bundle) -> bool {
    let spec = bundle.spec.whole();
    let rootfs = spec.and_then(|spec| spec.rootfs.as_ref()?.utf8());
    let is_docker = bundle.namespace == *node::DOCKER_NAMESPACE;
    // `/var/lib/docker/overlay2/…/merged`; of containerd's it is `/var/lib/docker/rootfs/overlayfs/ID`.
    let is_own = |path: &str| path.starts_with('/') && !path.contains("/rootfs/");
    !(is_docker && rootfs.is_some_and(is_own))
}

fn known(node: &Node) -> Option<Known> {
    let recorded = recorded(node)?;
    let bundles = node.runtime.read().into_iter();
    let bundles = bundles.flat_map(|runtime| &runtime.bundles);
    let bundles: BTreeSet<&[u8]> = bundles
        .filter(|bundle| !bundle.hidden && stands_here(bundle))
        .map(|bundle| bundle.id.bytes())
        .collect();
    let pods: BTreeSet<&[u8]> = node.pods.kubelet.iter().map(Text::bytes).collect();
    let logged: BTreeSet<&[u8]> = node.pods.logged.iter().map(Text::bytes).collect();
    let results = node.network.results.iter();
    let results: BTreeSet<&[u8]> = results.map(|result| result.container.bytes()).collect();
    // Beside another runtime, only what is below this daemon's state is surely its own.
    let is_own = !node.pods.may_be_others;
    let sources = [
        (&pods, is_own, "pods of kubelet", "pod of kubelet"),
        (&bundles, true, "tasks below state", "task below state"),
        (&logged, is_own, "pods with logs", "pod with logs"),
        (
            &results,
            is_own,
            "containers with addresses",
            "container with an address",
        ),
    ];
    let mut said = sources.iter();
    let said = said.find(|(all, is_own, ..)| *is_own && !all.is_empty());
    let who = said.map(|(all, _, many, one)| match all.len() {
        1 => format!("is 1 {one}"),
        count => format!("are {count} {many}"),
    });
    let fits = sources
        .iter()
        .flat_map(|(all, ..)| all.iter())
        .any(|name| recorded.contains(name));
    Some(Known { who, fits })
}

/// Disks that are not mounted where they belong.
fn lacking(node: &Node) -> Option<&MountPoint> {
    let mut all = node.mount_points.iter();
    all.find(|one| one.is_mounted == Some(false))
}

/// Whether what is seen is not what the disk would show: the line is no old one.
fn hides_stores(node: &Node, disk: &MountPoint, fits: bool) -> bool {
    let root = &node.roots.root;
    if disk.at == *root || !disk.at.starts_with(root) {
        return !fits;
    }
    holds_nothing(node, &disk.at)
}

/// Whether a link stands in its place that leads nowhere: then no start makes one.
fn leads_nowhere(node: &Node) -> bool {
    matches!(node.root, Err(Unread::Dangling(_)))
}

/// Why no start may be tried, where the root is not that of last time, or a disk of it is not mounted: it stands
/// before all else, and nothing is to be repaired there.
pub fn first(node: &Node) -> Option<String> {
    let known = known(node);
    let fits = known.as_ref().is_some_and(|known| known.fits);
    if let Some(disk) = lacking(node)
        && hides_stores(node, disk, fits)
    {
        let at = path_text(&disk.at);
        return Some(format!(
            "the disk that {} mounts at {at} is not mounted there",
            disk.file
        ));
    }
    let is_it = || is_bare(node) && may_be_emptied(node);
    let who = known?.who.filter(|_| is_it())?;
    let root = path_text(&node.roots.root);
    Some(format!(
        "there {who}, and the root {root} is empty: it is not the root of last time"
    ))
}

/// Whether the root is where the daemon keeps it, and was not found by searching; and whether it is
/// known what is there.
fn may_be_emptied(node: &Node) -> bool {
    let is_found = matches!(node.roots.rule, node::Rule::Scan | node::Rule::Itself);
    let unit = node.roots.unit.as_ref();
    // A script may give another root.
    let is_told = unit.is_none_or(|unit| unit.command.is_empty() || unit.is_plain());
    !is_found && is_told && !leads_nowhere(node) && !node.around.root_untaken
}

fn not_mounted(judge: &mut Judge<'_>) {
    let node = judge.node;
    let Some(disk) = lacking(node) else { return };
    let at = path_text(&disk.at);
    let message = format!(
        "{} mounts {} at {at}, and nothing is mounted there",
        disk.file, disk.what
    );
    let finding = Finding::new(NOT_MOUNTED.code, Location::file(at), message);
    let fits = known(node).is_some_and(|known| known.fits);
    judge.say(if hides_stores(node, disk, fits) {
        told(finding, &start::ROOT_BELOW)
    } else {
        finding.severity(Severity::Odd)
    });
}

fn emptied(judge: &mut Judge<'_>) {
    let node = judge.node;
    // Which disk it is, is said already.
    if lacking(node).is_some() || !may_be_emptied(node) {
        return;
    }
    let Some(who) = known(node)
        .and_then(|known| known.who)
        .filter(|_| is_bare(node))
    else {
        return;
    };
    let root = path_text(&node.roots.root);
    let message = format!("there {who}, and the root {root} holds no image, container or snapshot");
    let finding = Finding::new(EMPTIED.code, Location::file(root), message);
    judge.say(told(finding, &start::ROOT_BELOW));
}
