//! A store below the root whose folder holds nothing while meta.db names what should be in it: its own
//! disk is not mounted, a copy left that disk out (`tar --one-file-system`), or it was emptied.

use std::path::Path;

use node::{MountKind, MountPoint, Node, path_text};

/// The disk that fstab or a unit mounts at a store below the root, or above it but below the root.
fn disk_of<'n>(node: &'n Node, store: &Path) -> Option<&'n MountPoint> {
    let mut all = node.mount_points.iter();
    all.find(|one| {
        let is_disk = one.kind == MountKind::Disk;
        is_disk && store.starts_with(&one.at) && one.at != node.roots.root
    })
}

/// What is done before anything else about a store of which all is missing; `rest` is the remedy of a
/// store that lost only some.
pub(crate) fn first_its_disk(node: &Node, store: &Path, rest: &str) -> String {
    let told = disk_of(node, store).map_or_else(String::new, |disk| {
        format!(
            " {} mounts {} at {}.",
            disk.file,
            disk.what,
            path_text(&disk.at)
        )
    });
    format!(
        "Find out first whether a disk belongs at {} and is not mounted (`findmnt`, `lsblk`, /etc/fstab), \
         or whether the copy left that disk out (tar --one-file-system).{told} Mount it, and look again: \
         if the store is on it, nothing is lost. Until then remove, pull and repair nothing: what is removed from meta.db \
         now, containerd deletes from the disk later. Only if the folder was emptied for good: {rest}",
        path_text(store)
    )
}

/// Whether every store at or below a folder is known to hold nothing.
pub(crate) fn holds_nothing(node: &Node, folder: &Path) -> bool {
    let content = node.content_root();
    let is_in = |store: &Path| store.starts_with(folder) || folder.starts_with(store);
    let content_now = node.content.read();
    let no_blobs = content_now.is_some_and(|store| store.blobs.is_empty());
    let of_content = !is_in(&content) || no_blobs;
    of_content
        && node.snapshotters.iter().all(|snapshotter| {
            let layout = snapshotter.layout.read();
            let is_empty = layout.is_some_and(|layout| layout.dirs.is_empty());
            !is_in(&snapshotter.root) || is_empty
        })
}
