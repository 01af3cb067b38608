//! What is kept of pods outside of containerd: their logs, the kubelet's folders.
//!
//! ```text
//! /var/lib/kubelet/pods/<uid>/                               the kubelet's own
//! /var/log/pods/<namespace>_<pod>_<uid>/<container>/<n>.log  LogPath of the CRI's record
//! ```

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use evidence::Evidence;
use finding::Text;
use metadb::MetaDb;

use crate::discover::distributions;
use crate::{Client, Roots, Scalar, path_text};

/// The folders of logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodFiles {
    /// Folders in which containers log, and whether they are there; nothing about those of which
    /// the evidence does not tell.
    pub log_folders: BTreeMap<Text, bool>,
    /// The uids of the pods that the kubelet has folders of.
    pub kubelet: Vec<Text>,
    /// The uids of the pods that have folders of logs, which may outlive them.
    pub logged: Vec<Text>,
    /// Whether pods and their addresses may be another runtime's: this daemon serves none, the kubelet
    /// uses another, or another is there that serves them.
    pub may_be_others: bool,
}

/// Ids under which the CRI is disabled.
const CRI: &[&str] = &[
    "cri",
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.runtime",
    "io.containerd.cri.v1.images",
];

/// Installations that have pods of their own in other places, or none.
const WITHOUT_PODS: &[&str] = &["docker", "rootless", "kind"];

/// What CRI-O leaves on a node.
const CRIO: &[&str] = &["/etc/crio", "/var/lib/crio", "/run/crio"];

/// Whether an installation's configuration leaves the CRI on.
fn serves_pods(roots: &Roots) -> bool {
    let config = roots.config.as_ref();
    let disabled = config.map(|config| config.settings.list("disabled_plugins"));
    !disabled
        .into_iter()
        .flatten()
        .filter_map(|setting| match &setting.value {
            Scalar::List(ids) => Some(ids),
            _ => None,
        })
        .flatten()
        .any(|id| CRI.contains(&id.as_str()))
}

/// Whether the kubelet is told to use another socket than this daemon's; nothing where nobody says it.
fn uses_another(roots: &Roots, clients: &[Client]) -> Option<bool> {
    let mut clients = clients.iter();
    let socket = clients.find(|client| client.who == "kubelet")?.socket()?;
    let own = String::from_utf8_lossy(&roots.address()).replacen("/var/run/", "/run/", 1);
    let is_usual = roots.whose == "containerd" && socket == "/run/containerd/containerd.sock";
    Some(socket != own && !is_usual)
}

fn may_be_others(evidence: &Evidence, roots: &Roots, clients: &[Client]) -> bool {
    let is_there = |path: &&str| evidence.stat(Path::new(path)).is_ok();
    let uses_another = || {
        let told = uses_another(roots, clients);
        told.unwrap_or_else(|| CRIO.iter().any(is_there))
    };
    let is_another = |other: &Roots| {
        // Of the same daemon there may be an older root, which is no other's.
        let is_new = other.root != roots.root && other.whose != roots.whose;
        let has_none = |kind: &&str| other.whose.contains(*kind);
        is_new && !WITHOUT_PODS.iter().any(has_none) && serves_pods(other)
    };
    !serves_pods(roots) || uses_another() || distributions(evidence).iter().any(is_another)
}

/// The names of the folders in a folder.
fn folders(evidence: &Evidence, path: &str) -> Vec<Text> {
    let list = evidence.list(Path::new(path));
    let entries = list.read().into_iter().flatten();
    let entries = entries.filter(|entry| entry.stat.is_dir());
    // Not cut: who is not in it is taken for gone.
    entries.map(|entry| entry.name.clone()).collect()
}

impl PodFiles {
    /// Reads them.
    pub(crate) fn read_pod_files(
        evidence: &Evidence,
        roots: &Roots,
        clients: &[Client],
        meta: Option<&MetaDb>,
    ) -> Self {
        let mut files = Self {
            may_be_others: may_be_others(evidence, roots, clients),
            ..Self::default()
        };
        files.read_logs(evidence, meta);
        files.kubelet = folders(evidence, "/var/lib/kubelet/pods");
        files.logged = folders(evidence, "/var/log/pods")
            .iter()
            .filter_map(|name| {
                let uid = name.bytes().rsplit(|byte| *byte == b'_').next()?;
                Some(Text::from(uid))
            })
            .collect();
        files
    }

    fn read_logs(&mut self, evidence: &Evidence, meta: Option<&MetaDb>) {
        let namespaces = meta.map_or(&[][..], MetaDb::namespaces).iter();
        let rows =
            namespaces.flat_map(|namespace| namespace.containers.read().into_iter().flatten());
        for row in rows {
            let Ok(container) = row.pod_container() else {
                continue;
            };
            let path = Path::new(OsStr::from_bytes(container.log_path.bytes()));
            let Some(folder) = path.parent().filter(|folder| folder.is_absolute()) else {
                continue;
            };
            // Only where the folder of all pods is there, the absence of one tells something.
            let pods = folder.parent().and_then(Path::parent);
            let told = pods.is_some_and(|pods| evidence.stat(pods).is_ok_and(|stat| stat.is_dir()));
            if told {
                let there = evidence.stat(folder).map(|stat| stat.is_dir());
                let there = match there {
                    Err(unread) if !unread.is_absent() => continue,
                    there => there.unwrap_or(false),
                };
                self.log_folders.insert(path_text(folder), there);
            }
        }
    }
}
