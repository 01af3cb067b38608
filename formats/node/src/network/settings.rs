//! What config.toml says of the network.
//!
//! `pkg/cri/config/config.go` (1.6, 1.7), `internal/cri/config/config.go` (2.x): `CniConfig`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use evidence::Evidence;
use finding::{Text, Unread};

use crate::config::Config;
use crate::{Roots, Scalar, Setting};

/// The tables of the CRI's plugin for pods: of version 3, 2 and 1.
const TABLES: &[&str] = &[
    "io.containerd.cri.v1.runtime",
    "io.containerd.grpc.v1.cri",
    "cri",
];

/// What is asked of the CRI's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Folders of configurations, with the runtime that has one of its own, and how many files are
    /// loaded of it; 0 is all. The first is the usual one.
    pub folders: Vec<(Option<Text>, PathBuf, usize)>,
    /// Folders of the plugins' programs, in the order in which they are searched.
    pub bin_dirs: Vec<PathBuf>,
    /// `conf_template`: containerd writes a configuration itself, once the kubelet tells the
    /// addresses of the node.
    pub template: Option<String>,
    /// `use_internal_loopback` (2.1): the plugin `loopback` is not used.
    pub internal_loopback: bool,
    /// Whether `disabled_plugins` has the CRI, or the installation is one that never has it.
    pub is_disabled: bool,
    /// The file that says where configurations are, where one does.
    pub said_in: Option<Text>,
    /// Whether the configuration could be read.
    pub is_known: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folders: vec![(None, PathBuf::from("/etc/cni/net.d"), 1)],
            bin_dirs: vec![PathBuf::from("/opt/cni/bin")],
            template: None,
            internal_loopback: false,
            is_disabled: false,
            said_in: None,
            is_known: true,
        }
    }
}

impl Settings {
    /// What a configuration says; the defaults without one.
    pub(crate) fn from_config(config: Option<&Config>) -> Self {
        let mut it = Self::default();
        let Some(config) = config else { return it };
        it.is_known = config.faults.is_empty();
        let cni = |key: &str| {
            let found = TABLES
                .iter()
                .find_map(|table| config.settings.get(&["plugins", table, "cni", key]));
            found.map(|setting| (setting, &setting.value))
        };
        let text = |key: &str| match cni(key) {
            Some((setting, Scalar::Text(text))) if !text.is_empty() => Some((setting, text)),
            _ => None,
        };
        let most = match cni("max_conf_num") {
            Some((_, Scalar::Integer(most))) => usize::try_from(*most).unwrap_or(0),
            _ => 1,
        };
        let usual = match text("conf_dir") {
            Some((setting, dir)) => {
                it.said_in = Some(setting.file.clone());
                PathBuf::from(dir)
            }
            None => PathBuf::from("/etc/cni/net.d"),
        };
        it.folders = vec![(None, usual, most)];
        it.folders.extend(of_runtimes(config, most));
        // Both at once is a configuration that 2.1 refuses: preflight tells that.
        match (cni("bin_dirs"), text("bin_dir")) {
            (Some((_, Scalar::List(dirs))), _) if !dirs.is_empty() => {
                it.bin_dirs = dirs.iter().map(PathBuf::from).collect();
            }
            (_, Some((_, dir))) => it.bin_dirs = vec![PathBuf::from(dir)],
            _ => {}
        }
        it.template = text("conf_template").map(|(_, path)| path.clone());
        it.internal_loopback =
            matches!(cni("use_internal_loopback"), Some((_, Scalar::Bool(true))));
        it.is_disabled = config
            .settings
            .list("disabled_plugins")
            .into_iter()
            .any(disables_cri);
        it
    }
}

fn disables_cri(setting: &Setting) -> bool {
    let Scalar::List(ids) = &setting.value else {
        return false;
    };
    ids.iter().any(|id| TABLES.contains(&id.as_str()))
}

/// Runtimes with a folder of their own: `cni_conf_dir`, `cni_max_conf_num`.
fn of_runtimes(config: &Config, usual: usize) -> Vec<(Option<Text>, PathBuf, usize)> {
    let mut found: Vec<(Option<Text>, PathBuf, usize)> = Vec::new();
    for setting in config.settings.all() {
        let [plugins, table, inner, runtimes, name, key] = setting.path.as_slice() else {
            continue;
        };
        let fits = plugins == "plugins"
            && TABLES.contains(&table.as_str())
            && inner == "containerd"
            && runtimes == "runtimes"
            && key == "cni_conf_dir";
        let (true, Scalar::Text(dir)) = (fits, &setting.value) else {
            continue;
        };
        let path = [
            "plugins",
            table,
            "containerd",
            "runtimes",
            name,
            "cni_max_conf_num",
        ];
        let most = match config.settings.get(&path).map(|setting| &setting.value) {
            Some(Scalar::Integer(most)) if *most != 0 => usize::try_from(*most).unwrap_or(0),
            _ => usual,
        };
        let runtime = Some(Text::from(name.as_str()));
        found.retain(|(known, _, _)| *known != runtime);
        if !dir.is_empty() {
            found.push((runtime, PathBuf::from(dir), most));
        }
    }
    found
}

/// What a bundle has to hold of the network that an installation is configured for: folders of
/// configurations and of leases, and folders of programs, whose names suffice.
pub fn paths(evidence: &Evidence, roots: &Roots) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let settings = Settings::from_config(roots.config.as_ref());
    let mut whole: Vec<PathBuf> = Vec::new();
    let mut needed: Vec<PathBuf> = Vec::new();
    for (runtime, path, most) in &settings.folders {
        let folder = super::Folder::read_conf_folder(evidence, runtime.clone(), path, *most);
        whole.extend(folder.data_dirs().map(PathBuf::from));
        whole.push(path.clone());
        // A kubeconfig is a secret: that it is there is enough.
        let plugins = folder.files.iter().flat_map(super::ConfFile::plugins);
        let files = plugins.flat_map(|plugin| &plugin.files).map(PathBuf::from);
        needed.extend(files.filter(|file| !file.starts_with(path)));
        // What its links lead to, or that it is not there.
        for file in &folder.files {
            let file = Path::new(OsStr::from_bytes(file.path.bytes()));
            if let Ok(target) = evidence.read_link(file) {
                let target = path.join(OsStr::from_bytes(target.bytes()));
                // A link may lead to a secret: only what is named as a configuration is taken.
                let name = target.file_name().map(OsStr::as_bytes).unwrap_or_default();
                let is_conf = cni::EXTENSIONS.contains(&cni::extension(name));
                let is_folder = evidence.stat(&target).is_ok_and(|stat| stat.is_dir());
                let is_absent = matches!(evidence.stat(&target), Err(Unread::Absent));
                let is_plain = !target.components().any(|part| part == Component::ParentDir);
                if is_plain && (is_absent || (is_conf && !is_folder)) {
                    whole.push(target);
                }
            }
        }
    }
    let is_sane = |path: &PathBuf| path.is_absolute() && path != Path::new("/");
    whole.retain(is_sane);
    let mut names = settings.bin_dirs;
    names.extend(needed);
    names.retain(is_sane);
    (whole, names)
}
