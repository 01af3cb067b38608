//! Which paths of a node are packed.

use std::path::{Path, PathBuf};

use cli::{Case, EvidenceArgs, Failure};
use evidence::Kind;
use finding::{Text, Time};

/// Paths that any node may have: configuration that says where the stores are, what is installed,
/// what the CNI plugins know.
const ALWAYS: &[&str] = &[
    "/etc/containerd",
    "/etc/os-release",
    "/etc/hostname",
    "/etc/cni",
    "/etc/fstab",
    "/etc/crictl.yaml",
    "/etc/systemd/system/containerd.service",
    "/etc/systemd/system/containerd.service.d",
    "/usr/lib/systemd/system/containerd.service",
    "/lib/systemd/system/containerd.service",
    // Who talks to the daemon, and where it looks for its socket.
    "/etc/systemd/system/kubelet.service",
    "/etc/systemd/system/kubelet.service.d",
    "/usr/lib/systemd/system/kubelet.service",
    "/usr/lib/systemd/system/kubelet.service.d",
    "/etc/default/kubelet",
    "/etc/sysconfig/kubelet",
    "/var/lib/kubelet/kubeadm-flags.env",
    "/var/lib/kubelet/config.yaml",
    // What the kernel may load.
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/lib/modprobe.d",
    "/var/lib/dpkg/status",
    "/var/lib/cni",
    "/run/netns",
    "/var/run/netns",
    "/run/runc",
    "/run/crun",
    "/run/youki",
    "/run/containerd/runc",
    "/run/containerd/s",
    "/run/docker/runtime-runc",
    "/run/snap.docker/runtime-runc",
];

/// Paths of which only the names count: what is below grows.
const NAMES: &[&str] = &[
    "/var/log/pods",
    "/opt/cni/bin",
    "/opt/nri/plugins",
    "/usr/lib/cni",
    "/usr/libexec/cni",
    // Whose containers addresses may be given to as well, and whether there is a kubelet.
    "/var/lib/containers/storage/overlay-containers",
    "/var/lib/docker/containers",
    "/etc/kubernetes/kubelet.conf",
];

/// Whether a path is one that any node may have: that it is not there is not worth a word.
pub(crate) fn is_usual(path: &Text) -> bool {
    ALWAYS.iter().chain(NAMES).any(|usual| *path == **usual)
}

/// What is packed of a node, and how.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) listed: Vec<PathBuf>,
    /// Places of whose disks the kernel is asked.
    pub(crate) disks: Vec<PathBuf>,
    /// How its programs were built.
    pub(crate) programs: Vec<evidence::bundle::Program>,
    /// What time it was at the node, if that is not now.
    pub(crate) as_of: Option<Time>,
}

impl Places {
    /// The places of a node, and `more`.
    pub(crate) fn find_places(case: &Case, more: Vec<PathBuf>) -> Self {
        let mut roots: Vec<PathBuf> = more;
        let mut disks = Vec::new();
        let mut listed: Vec<PathBuf> = NAMES.iter().map(PathBuf::from).collect();
        for found in &case.roots {
            let (network, programs) = node::network::paths(&case.evidence, found);
            roots.extend(network);
            listed.extend(programs);
            roots.extend([found.root.clone(), found.state.clone()]);
            let config = found.config.iter().flat_map(|config| &config.files);
            roots.extend(config.filter_map(|file| file.utf8().map(PathBuf::from)));
            let elsewhere = found
                .config
                .iter()
                .flat_map(|config| &config.snapshotter_roots);
            roots.extend(elsewhere.map(|(_, path)| path.clone()));
        }
        roots.extend(ALWAYS.iter().map(PathBuf::from));
        let (mut as_of, mut programs) = (None, Vec::new());
        if let Ok(node) = case.node() {
            let [builtin, overlay] = node.around.kernel.places();
            roots.extend(builtin);
            listed.extend(overlay);
            disks.extend(node.disk_places());
            programs = node::programs(&case.evidence, &node);
            listed.extend(node::program_places(&node));
            roots.extend(pid_files(&node));
            roots.extend(elsewhere(&node));
            // A node that does not run has the time of its last write, as whoever examines it says.
            let runs = case.is_live() || case.evidence.kind() != Kind::Directory;
            as_of = (!runs).then_some(node.now);
        }
        Self {
            roots: without_inner(roots),
            listed: without_inner(listed),
            disks,
            programs,
            as_of,
        }
    }
}

/// State folders of containers under roots that are not usual.
fn elsewhere(node: &node::Node) -> impl Iterator<Item = PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let runtime = node.runtime.read();
    let containers = runtime.into_iter().flat_map(|runtime| &runtime.containers);
    containers.map(|container| {
        let folder = PathBuf::from(std::ffi::OsStr::from_bytes(container.path.bytes()));
        // A runtime's own root is packed whole: what is not in it is then known, too.
        match folder.parent() {
            Some(root) if root.ends_with("runc") || root.ends_with("crun") => root.to_owned(),
            _ => folder,
        }
    })
}

/// Pid files in the bundles of containers that containerd did not make: they tell how far a
/// creation came.
fn pid_files(node: &node::Node) -> impl Iterator<Item = PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let runtime = node.runtime.read();
    let containers = runtime.into_iter().flat_map(|runtime| &runtime.containers);
    containers.flat_map(|container| {
        let bundle = container.bundle.iter().map(|(path, _)| path);
        bundle.flat_map(|bundle| {
            container.pid_files.iter().map(|(name, _)| {
                let folder = Path::new(std::ffi::OsStr::from_bytes(bundle.bytes()));
                folder.join(std::ffi::OsStr::from_bytes(name.bytes()))
            })
        })
    })
}

/// Paths that are not below another one of them.
fn without_inner(mut roots: Vec<PathBuf>) -> Vec<PathBuf> {
    roots.sort();
    roots.dedup();
    let mut kept: Vec<PathBuf> = Vec::new();
    for root in roots {
        if !kept.iter().any(|outer| root.starts_with(outer)) {
            kept.push(root);
        }
    }
    kept
}

/// Where stores usually are on this machine.
const USUAL: [&str; 9] = [
    "/var/lib/containerd",
    "/run/containerd",
    "/var/lib/docker",
    "/run/docker",
    "/var/lib/rancher",
    "/run/k3s",
    "/var/lib/k0s",
    "/run/k0s",
    "/var/snap",
];

/// An output inside of what is packed would be evidence that was written to: nothing may be written
/// below an image or a folder, and nothing into the stores of this machine.
///
/// # Errors
/// It would be.
pub fn refuse_below(node: &EvidenceArgs, output: Option<&Path>) -> Result<(), Failure> {
    let Some(output) = output else {
        return Ok(());
    };
    let folder = folder_of(output);
    let base = std::fs::canonicalize(&node.evidence);
    let (Some(folder), Ok(base)) = (folder, base) else {
        return Ok(());
    };
    if base != Path::new("/") {
        // A bundle that is packed again is a file.
        return refuse(folder.starts_with(&base), &base);
    }
    let said = [&node.places.root, &node.places.state];
    let said = said.into_iter().flatten().map(PathBuf::as_path);
    let mut places = USUAL.iter().map(Path::new).chain(said);
    let inside = places.find(|place| folder.starts_with(place));
    refuse(inside.is_some(), inside.unwrap_or(&base))
}

/// The same, of stores that only the configuration of the machine names.
///
/// # Errors
/// It would be.
pub fn refuse_inside(node: &Path, case: &Case, output: Option<&Path>) -> Result<(), Failure> {
    let (Some(output), Kind::Directory) = (output, case.evidence.kind()) else {
        return Ok(());
    };
    let (Some(folder), Ok(base)) = (folder_of(output), std::fs::canonicalize(node)) else {
        return Ok(());
    };
    let stores = case
        .roots
        .iter()
        .flat_map(|roots| [&roots.root, &roots.state]);
    let mut stores = stores.map(|path| base.join(path.strip_prefix("/").unwrap_or(path)));
    let inside = stores.find(|path| folder.starts_with(path));
    refuse(inside.is_some(), inside.as_deref().unwrap_or(&base))
}

fn folder_of(output: &Path) -> Option<PathBuf> {
    let folder = output.parent().filter(|it| !it.as_os_str().is_empty());
    std::fs::canonicalize(folder.unwrap_or_else(|| Path::new("."))).ok()
}

fn refuse(inside: bool, place: &Path) -> Result<(), Failure> {
    if !inside {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the bundle would be written into the evidence, below {}",
        cli::shown(place)
    ))
    .hint("write it to another disk, or to standard output"))
}
