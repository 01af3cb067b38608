//! Who else has containers on the node: `/var/lib/cni` is shared by all of them.

use std::collections::BTreeSet;
use std::path::Path;

use evidence::Evidence;
use finding::{Text, Unread};

use crate::discover::distributions;
use crate::{Database, DatabaseState, Headers, META_DIR, Roots, path_text};

/// Containers of others, to which leases and results may belong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// Their ids.
    pub ids: BTreeSet<Text>,
    /// Stores that are there and could not be read whole: to their containers, too, things may
    /// belong.
    pub unread: Vec<Text>,
}

/// Folders with one folder a container: podman's and CRI-O's, docker's (for the time before a
/// kubelet used containerd).
const FOLDERS: &[&str] = &[
    "/var/lib/containers/storage/overlay-containers",
    "/var/lib/docker/containers",
];

impl Others {
    pub(super) fn read_other_networks(evidence: &Evidence, roots: &Roots) -> Self {
        let mut others = Self::default();
        for folder in FOLDERS.iter().map(Path::new) {
            match evidence.try_list(folder) {
                Ok(list) => {
                    let names = list.read().into_iter().flatten();
                    others.ids.extend(names.map(|entry| entry.name.clone()));
                    if !list.is_whole() {
                        others.unread.push(path_text(folder));
                    }
                }
                Err(Unread::Absent | Unread::NotCollected) => {}
                Err(_) => others.unread.push(path_text(folder)),
            }
        }
        for other in distributions(evidence) {
            if other.root == roots.root {
                continue;
            }
            let path = other.root.join(META_DIR).join("meta.db");
            let meta = Database::open_meta(evidence, &path, Headers::Exact);
            if matches!(
                meta.state,
                DatabaseState::Empty | DatabaseState::Unread(Unread::Absent)
            ) {
                continue;
            }
            let Some(rows) = &meta.rows else {
                others.unread.push(path_text(&path));
                continue;
            };
            let mut whole = rows.unknown(|namespace| &namespace.containers).is_empty();
            for namespace in rows.namespaces() {
                let containers = namespace.containers.read().into_iter().flatten();
                others.ids.extend(containers.map(|row| row.key.clone()));
                let sandboxes = namespace.sandboxes.read().into_iter().flatten();
                others.ids.extend(sandboxes.map(|row| row.key.clone()));
                whole &= namespace.sandboxes.unknown().is_empty();
            }
            if !whole {
                others.unread.push(path_text(&path));
            }
        }
        others
    }
}
