//! The network of pods as it stands on disk: what CNI was configured to do, and what it left.
//!
//! ```text
//! config.toml ──Settings──▶ conf_dir(s) ──Folder──▶ files, each a cni::List or a fault
//!                           bin_dirs ──Program──▶ what stands where each plugin's program should
//! /var/lib/cni/results     ──▶ Result: what an ADD answered
//! /var/lib/cni/networks/N  ──▶ Store: the leases of host-local, also where `dataDir` says
//! other roots, CRI-O, podman, docker ──▶ containers that leases may belong to as well
//! ```

mod conf;
mod files;
mod others;
mod programs;
mod settings;
mod stores;

use std::path::{Path, PathBuf};

use evidence::Evidence;
use finding::Time;

use crate::{META_DIR, Roots};

pub use conf::{ConfFile, Folder};
pub use files::{PluginFile, PluginFiles, is_below_run};
pub use others::Others;
pub use programs::{PLACES, Program, Programs};
pub(crate) use programs::{followed, has_programs, is_taken};
pub use settings::{Settings, paths};
pub use stores::{AddressLease, CniResult, Store};

/// What is known of the network of pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// What config.toml says of it.
    pub settings: Settings,
    /// The folders of configurations: the usual one first, then those of single runtimes.
    pub folders: Vec<Folder>,
    /// The programs that the configurations name.
    pub programs: Programs,
    /// The files that their plugins need.
    pub files: PluginFiles,
    /// Answers of the CNI plugins.
    pub results: Vec<CniResult>,
    /// Why there may be more of them; nothing where all were read.
    pub results_unknown: Option<String>,
    /// The networks of host-local, with the addresses that are given away.
    pub stores: Vec<Store>,
    /// Why there may be more networks than these; nothing where all were seen.
    pub stores_unknown: Option<String>,
    /// When meta.db was last written: what was given away after that may not be in it yet.
    pub meta_written: Option<Time>,
    /// Who else may hold addresses.
    pub others: Others,
    /// Whether the evidence has traces of a kubelet.
    pub has_kubelet: bool,
}

/// Where libcni and host-local keep their files.
const CNI: &str = "/var/lib/cni";
/// No node has more of anything.
const MOST: usize = 65_536;

/// Where a kubelet leaves traces.
const KUBELET: &[&str] = &[
    "/var/lib/kubelet/config.yaml",
    "/etc/kubernetes/kubelet.conf",
];

impl Network {
    /// Reads it.
    pub(crate) fn read_network(evidence: &Evidence, roots: &Roots) -> Self {
        let settings = Settings::from_config(roots.config.as_ref());
        let folders: Vec<Folder> = settings
            .folders
            .iter()
            .map(|(runtime, path, most)| {
                Folder::read_conf_folder(evidence, runtime.clone(), path, *most)
            })
            .collect();
        let programs = programs::read_cni_programs(evidence, &settings, &folders);
        let files = files::read_plugin_files(evidence, roots, &folders);
        let (results, results_unknown) = stores::results(evidence, &Path::new(CNI).join("results"));
        let mut places = vec![Path::new(CNI).join("networks")];
        for dir in folders.iter().flat_map(Folder::data_dirs) {
            let dir = PathBuf::from(dir);
            if dir.is_absolute() && !places.contains(&dir) {
                places.push(dir);
            }
        }
        let mut stores: Vec<Store> = Vec::new();
        let mut stores_unknown = None;
        for place in &places {
            let (found, unknown) = stores::stores(evidence, place);
            stores.extend(found);
            stores_unknown = stores_unknown.or(unknown);
        }
        let meta = roots.root.join(META_DIR).join("meta.db");
        let meta_written = evidence.stat(&meta).ok().map(|stat| stat.mtime);
        // Only where something is held it matters who else there is.
        let held = !results.is_empty() || stores.iter().any(|store| !store.leases.is_empty());
        let others = if held {
            Others::read_other_networks(evidence, roots)
        } else {
            Others::default()
        };
        let has_kubelet = KUBELET
            .iter()
            .any(|path| evidence.stat(Path::new(path)).is_ok());
        Self {
            settings,
            folders,
            programs,
            files,
            results,
            results_unknown,
            stores,
            stores_unknown,
            meta_written,
            others,
            has_kubelet,
        }
    }

    /// Every address that is given away.
    pub fn leases(&self) -> impl Iterator<Item = &AddressLease> {
        self.stores.iter().flat_map(|store| &store.leases)
    }
}
