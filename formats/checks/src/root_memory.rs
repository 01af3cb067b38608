//! A tmpfs that belongs at the root, or at a store in it: each boot begins with an empty one.

use std::collections::BTreeSet;
use std::path::Path;

use finding::{Code, Finding, Location, Severity};
use node::{META_DIR, MountKind, MountPoint, Node, path_text};

use crate::root_disk::is_bare;
use crate::{Check, Judge};

/// Stores that a boot empties.
pub(crate) const ON_TMPFS: Check = Check {
    code: &Code {
        name: "store/on-tmpfs",
        rule: "P64",
        severity: Severity::Odd,
        title: "The next boot begins with an empty tmpfs at containerd's root, or at a store in it",
        explanation: "fstab, or a unit, mounts a tmpfs (or a ramfs) at the root, above it, at meta.db, at the \
            content store or at a snapshotter. What lies in a tmpfs is lost at each boot. Where the tmpfs \
            is not mounted yet, the next boot mounts it over the stores that are seen: they stay on the \
            disk, hidden, and containerd finds no image and no container. Where it is mounted, or the stores \
            hold nothing, that is reported as a note: some nodes are made so.",
        remedy: "Remove the line, or disable the unit, before the next boot, unless the stores are meant to be \
            empty after each boot. If the tmpfs is mounted, first stop containerd and copy the stores to a disk.",
    },
    needs: &[],
    run: on_tmpfs,
};

/// What is mounted at a folder, or nearest above it.
fn nearest<'n>(node: &'n Node, store: &Path) -> Option<&'n MountPoint> {
    let above = node.mount_points.iter();
    let above = above.filter(|one| store.starts_with(&one.at));
    above.max_by_key(|one| one.at.components().count())
}

fn on_tmpfs(judge: &mut Judge<'_>) {
    let node = judge.node;
    let mut stores = vec![
        node.roots.root.clone(),
        node.roots.root.join(META_DIR),
        node.content_root(),
    ];
    stores.extend(node.snapshotters.iter().map(|one| one.root.clone()));
    let mut told = BTreeSet::new();
    for store in stores {
        let Some(one) = nearest(node, &store).filter(|one| one.kind == MountKind::Memory) else {
            continue;
        };
        if !told.insert(&one.at) {
            continue;
        }
        let (does, is_meant) = match one.is_mounted {
            Some(true) => ("what is there is lost at the next boot", true),
            Some(false) => (
                "nothing is mounted there now: the next boot hides the stores that are seen there",
                false,
            ),
            None => (
                "it is not known whether it is mounted now: the next boot loses the stores that are seen there, \
                 or hides them",
                false,
            ),
        };
        let at = path_text(&one.at);
        let message = format!("{} mounts {} at {at}; {does}", one.file, one.what);
        let finding = Finding::new(ON_TMPFS.code, Location::file(at), message);
        judge.say(if is_meant || is_bare(node) {
            finding.severity(Severity::Note)
        } else {
            finding
        });
    }
}
