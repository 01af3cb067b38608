//! What a start of the daemon meets around its stores: what stands where it makes folders and
//! sockets, how much room there is, who holds the locks.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind, Kind, Lock, Mount, locks};
use finding::{Text, Unread};

use process::Processes;

use crate::kernel::{self, Kernel};
use crate::network::{has_programs, is_taken};
use crate::runtime_programs::PATH;
use crate::sysctl::sysctl;
use crate::{CONTENT_DIR, META_DIR, Nri, Roots, Scalar, Snapshotter, left_out};

/// What stands around the stores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Root.
    root: PathBuf,
    /// Whether the root is not there in a copy, which may just be without it.
    pub root_untaken: bool,
    /// What stands at each place that the daemon uses; a link that leads somewhere is what it
    /// leads to.
    kinds: BTreeMap<PathBuf, Result<FileKind, Unread>>,
    /// How the file system of root is mounted, where it is mounted here.
    pub mount: Option<Mount>,
    /// The same of state.
    pub state_mount: Option<Mount>,
    /// What state lies on, where the machine is this one, or the evidence holds its table of mounts: a
    /// copy lies wherever it was put.
    pub state_disk: Option<Mount>,
    /// Folders whose parent a start makes, and cannot: nothing can be written where it belongs.
    unmakable: BTreeSet<PathBuf>,
    /// Who holds a lock, by database; nothing where this machine does not know.
    pub holders: BTreeMap<PathBuf, Vec<Lock>>,
    /// Whether the file system of overlayfs' folders tells the kinds of entries.
    pub tells_kinds: Option<bool>,
    /// How that file system is mounted, where it is mounted here, or the node's table of mounts says.
    pub overlay_mount: Option<Mount>,
    /// What the kernel can mount.
    pub kernel: Kernel,
    /// Where overlayfs' folders are, or would be.
    pub overlay: PathBuf,
    /// Whether everyone may write to the folder of blobs, and not to the folder above root.
    pub is_opened: bool,
    /// Files of the machine that the CRI copies for each pod, and cannot: path, why.
    pub host_files: Vec<(&'static str, String)>,
    /// Who owns root and the stores in it, where that is not root and the folder above root is root's.
    pub owned_by: Option<u32>,
    /// Whether `state` holds a database that belongs under root.
    pub state_has_stores: bool,
    /// Why it is not known whether there is a configuration, where none was found.
    pub config_untold: Option<String>,
    /// The option by which root's file system is mounted without replaying its journal.
    pub without_journal: Option<&'static str>,
    /// Whether the evidence holds the machine's programs.
    pub has_programs: bool,
    /// Folders of what the unit and config.toml name that are in the evidence with the programs of the machine.
    taken: BTreeSet<PathBuf>,
    /// `fs.nr_open`: how many files a process may open at most, where something says it.
    pub nr_open: Option<u64>,
    /// Whether a daemon that is containerd, or holds one, is installed.
    pub has_daemon: bool,
    /// Whether it is known that none of them is, where the folders of programs are.
    pub lacks_daemon: bool,
    /// Quarantines of repairs that began and neither ended nor were taken back.
    pub half_repaired: Vec<PathBuf>,
    /// `cgroupDriver` of kubelet's file, and where that is; nothing where it says nothing, or is not in
    /// the evidence.
    pub kubelet_driver: Option<(Text, String)>,
    /// The shims beside containerd's program; nothing where that is not in the evidence.
    pub shims: Option<BTreeSet<String>>,
    /// Tasks of the runtime that 2.0 took away, which have a folder of their own: namespace, id.
    pub linux_tasks: Vec<(Text, Text)>,
    /// NRI's folder of plugins.
    pub nri: Nri,
    /// Sockets that config.toml names, and where none can be made: no folder leads there.
    blocked: BTreeSet<String>,
}

/// Programs that are containerd, or hold one.
const DAEMONS: &[&str] = &[
    "/usr/bin/containerd",
    "/usr/local/bin/containerd",
    "/usr/sbin/containerd",
    "/bin/containerd",
    "/opt/bin/containerd",
    "/usr/bin/dockerd",
    "/usr/local/bin/k3s",
    "/usr/local/bin/k0s",
    "/usr/bin/kubelet",
];

/// What the CRI copies for each pod.
const HOST_FILES: [&str; 2] = ["/etc/hosts", "/etc/resolv.conf"];

/// Those that it cannot copy. A link into /run leads nowhere in what was taken of a disk.
fn host_files(evidence: &Evidence) -> Vec<(&'static str, String)> {
    let is_machine = evidence.is_machine();
    let has_etc = is_machine || evidence.stat(Path::new("/etc/passwd")).is_ok();
    let all = HOST_FILES.into_iter().filter(|_| has_etc);
    all.filter_map(|path| {
        let why = match followed(evidence, Path::new(path)) {
            Ok(FileKind::File) => return None,
            Ok(kind) => format!("it is a {}", kind.word()),
            Err(Unread::Absent) => "it is not there".to_owned(),
            Err(Unread::Dangling(_)) if is_machine => "it is a link that leads nowhere".to_owned(),
            Err(_) => return None,
        };
        Some((path, why))
    })
    .collect()
}

/// Under state: the tasks of `io.containerd.runtime.v1.linux`.
const LINUX_TASKS: &str = "io.containerd.runtime.v1.linux";

/// The shims in the folders of programs, if containerd's program is in one of them.
fn shims(evidence: &Evidence, roots: &Roots) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut has_daemon = false;
    let own = roots
        .unit
        .as_ref()
        .and_then(|unit| unit.environment.get("PATH"));
    let own = own.into_iter().flat_map(|path| path.split(':'));
    for folder in own.chain(PATH.iter().copied()) {
        let list = evidence.list(Path::new(folder));
        // A bundle has only what was asked for of a folder of programs.
        let entries = list.read().filter(|_| list.is_whole());
        for entry in entries.into_iter().flatten() {
            let Some(name) = entry.name.utf8() else {
                continue;
            };
            has_daemon |= name == "containerd";
            if name.starts_with("containerd-shim") {
                found.insert(name.to_owned());
            }
        }
    }
    (has_daemon && has_programs(evidence)).then_some(found)
}

/// Where kubeadm puts kubelet's configuration.
const KUBELET: &str = "/var/lib/kubelet/config.yaml";

/// `cgroupDriver` of kubelet's configuration: a key at its top.
fn kubelet_driver(evidence: &Evidence) -> Option<(Text, String)> {
    let source = evidence.source_if_there(Path::new(KUBELET), 1 << 20)?;
    let text = std::str::from_utf8(source.bytes()).ok()?;
    let mut values = text
        .lines()
        .rev()
        .filter_map(|line| line.strip_prefix("cgroupDriver:"));
    let value = values
        .next()?
        .split('#')
        .next()?
        .trim()
        .trim_matches(['"', '\'']);
    let is_known = matches!(value, "systemd" | "cgroupfs");
    is_known.then(|| (Text::from(KUBELET), value.to_owned()))
}

fn linux_tasks(evidence: &Evidence, folder: &Path) -> Vec<(Text, Text)> {
    let folders = |path: &Path| -> Vec<Text> {
        let list = evidence.list(path);
        let entries = list.read().into_iter().flatten();
        let entries = entries.filter(|entry| entry.stat.kind == FileKind::Dir);
        entries.map(|entry| entry.name.clone()).collect()
    };
    let mut tasks = Vec::new();
    for namespace in folders(folder) {
        let path = folder.join(OsStr::from_bytes(namespace.bytes()));
        let ids = folders(&path).into_iter();
        tasks.extend(ids.map(|id| (namespace.clone(), id)));
    }
    tasks
}

/// Places under root.
const UNDER_ROOT: &[&str] = &[
    "",
    "tmpmounts",
    META_DIR,
    CONTENT_DIR,
    "io.containerd.content.v1.content/ingest",
    "io.containerd.content.v1.content/blobs",
    "io.containerd.grpc.v1.cri",
    "io.containerd.grpc.v1.cri/containers",
    "io.containerd.grpc.v1.cri/sandboxes",
    "io.containerd.runtime.v2.task",
];

/// Where NRI listens, if config.toml does not say.
const NRI_SOCKETS: &[&str] = &["/var/run/nri/nri.sock"];

/// Places under state.
const UNDER_STATE: &[&str] = &[
    "",
    "containerd.sock",
    "containerd.sock.ttrpc",
    "io.containerd.grpc.v1.cri",
    "io.containerd.grpc.v1.cri/containers",
    "io.containerd.grpc.v1.cri/sandboxes",
    "io.containerd.runtime.v2.task",
];

impl Surroundings {
    /// Looks around.
    pub(crate) fn read_surroundings(
        evidence: &Evidence,
        roots: &Roots,
        snapshotters: &[Snapshotter],
        processes: Option<&Processes>,
    ) -> Self {
        let mut around = Self {
            root: roots.root.clone(),
            root_untaken: left_out::is_part(evidence) && evidence.stat(&roots.root).is_err(),
            mount: evidence.mount(&roots.root),
            without_journal: evidence.without_journal(&roots.root),
            ..Self::default()
        };
        let mut databases = vec![roots.root.join(META_DIR).join("meta.db")];
        for snapshotter in snapshotters {
            databases.push(snapshotter.root.join("metadata.db"));
            let folders = snapshotter.root.join("snapshots");
            around.look(evidence, snapshotter.root.clone());
            around.look(evidence, folders);
        }
        // A start loads it whether it was ever used or not.
        around.overlay = overlay_root(roots, snapshotters);
        let folders = around.overlay.join("snapshots");
        around.tells_kinds = evidence.tells_kinds(&folders);
        let places = [&folders, &around.overlay, &roots.root];
        around.overlay_mount = places.into_iter().find_map(|path| evidence.mount(path));
        if around.overlay_mount.is_none() && !evidence.is_machine() {
            around.overlay_mount = kernel::mount_of(evidence, processes, &folders);
        }
        if around.mount.is_none() && !evidence.is_machine() {
            around.mount = kernel::mount_of(evidence, processes, &roots.root);
        }
        // A table of mounts that was cut may lack the tmpfs that every systemd mounts at /run.
        let is_seen = evidence.is_machine() || !roots.state.starts_with("/run");
        around.state_mount = if is_seen {
            mount_at(evidence, processes, &roots.state)
        } else {
            evidence.mount(&roots.state)
        };
        around.state_disk = if evidence.is_machine() {
            evidence.mount(&roots.state)
        } else {
            kernel::mount_of(evidence, processes, &roots.state)
        };
        let absent = |path: &Path| evidence.stat(path) == Err(Unread::Absent);
        around.unmakable = named_paths(roots)
            .into_iter()
            .filter(|path| {
                let above = path.parent().filter(|above| absent(above));
                let mount = above.and_then(|above| mount_at(evidence, processes, above));
                mount.is_some_and(|mount| mount.read_only)
            })
            .collect();
        around.kernel = Kernel::read_kernel(evidence, processes);
        for name in UNDER_ROOT {
            around.look(evidence, join(&roots.root, name));
        }
        for name in UNDER_STATE {
            around.look(evidence, join(&roots.state, name));
        }
        for path in named_paths(roots) {
            around.look(evidence, path);
        }
        around.nri = Nri::read_nri(evidence, roots);
        around.blocked = NRI_SOCKETS
            .iter()
            .map(|socket| (*socket).to_owned())
            .chain(
                named_paths(roots)
                    .iter()
                    .filter_map(|path| Some(path.to_str()?.to_owned())),
            )
            .filter(|path| Nri::is_blocked(evidence, Path::new(path)))
            .collect();
        for path in databases {
            // A bundle's inodes are another machine's.
            if evidence.kind() == Kind::Directory
                && let Ok(stat) = evidence.stat(&path)
            {
                let mut held = locks(&stat).unwrap_or_default();
                held.retain(|lock| lock.kind == "FLOCK" && !lock.waits);
                if !held.is_empty() {
                    around.holders.insert(path.clone(), held);
                }
            }
            around.look(evidence, path);
        }
        let is_open = |path: &Path| {
            let stat = evidence.stat(path).ok()?;
            Some(stat.mode & 0o002 != 0)
        };
        around.is_opened = is_open(&roots.root.join(CONTENT_DIR).join("blobs")) == Some(true)
            && roots.root.parent().and_then(is_open) == Some(false);
        around.host_files = host_files(evidence);
        let owner = |path: &Path| evidence.stat(path).ok().map(|stat| stat.uid);
        let own = owner(&roots.root).filter(|uid| *uid != 0);
        let above = roots.root.parent().and_then(owner);
        let inner = [roots.root.join(CONTENT_DIR).join("blobs"), folders.clone()];
        // An archive has the owners of who made it, a copy one owner throughout, a user's own daemon a
        // folder of theirs.
        around.owned_by = own.filter(|uid| {
            evidence.kind() == Kind::Directory
                && above == Some(0)
                && inner.iter().all(|path| owner(path) == Some(*uid))
        });
        around.half_repaired = crate::repaired::half_repaired(evidence, &roots.root);
        around.shims = shims(evidence, roots);
        around.kubelet_driver = kubelet_driver(evidence);
        around.linux_tasks = linux_tasks(evidence, &roots.state.join(LINUX_TASKS));
        around.state_has_stores = roots.state != roots.root
            && evidence
                .stat(&roots.state.join(META_DIR).join("meta.db"))
                .is_ok();
        let is_there = |path: &str| evidence.stat(Path::new(path)).is_ok();
        around.has_daemon = DAEMONS.iter().any(|path| is_there(path));
        around.lacks_daemon = DAEMONS.iter().all(|path| {
            matches!(
                evidence.stat(Path::new(path)),
                Err(Unread::Absent | Unread::Dangling(_))
            )
        });
        around.has_programs = has_programs(evidence);
        around.taken = named_paths(roots)
            .iter()
            .filter_map(|path| path.parent())
            .filter(|folder| is_taken(evidence, folder))
            .map(Path::to_owned)
            .collect();
        around.nr_open = sysctl(evidence, "fs.nr_open").and_then(|text| text.parse().ok());
        around.config_untold = match roots.config {
            Some(_) => None,
            None if !is_there("/etc") => Some(
                "the evidence has no /etc: whether there is a config.toml is not known".to_owned(),
            ),
            None => roots.generated_config().map(|path| {
                let whose = roots.whose;
                format!("{whose} never runs without one, and {path} is not in the evidence, or leads nowhere")
            }),
        };
        around
    }

    fn look(&mut self, evidence: &Evidence, path: PathBuf) {
        let kind = followed(evidence, &path);
        self.kinds.insert(path, kind);
    }

    /// What stands at `path`, if anything does and it is known.
    pub fn kind(&self, path: &Path) -> Option<FileKind> {
        self.kinds.get(path)?.as_ref().ok().copied()
    }

    /// Whether nothing stands where a setting of config.toml says that something does.
    pub fn is_named_absent(&self, path: &str) -> bool {
        self.is_absent(Path::new(path))
    }

    /// Whether a program that the unit names is not where it names it, and the programs of that folder are in the
    /// evidence.
    pub fn is_program_gone(&self, path: &str) -> bool {
        let folder = Path::new(path).parent();
        path.starts_with('/')
            && folder.is_some_and(|folder| self.taken.contains(folder))
            && self.is_named_absent(path)
    }

    /// Whether something else than a folder stands where a setting of config.toml says that there is
    /// one.
    pub fn is_named_taken(&self, path: &str) -> bool {
        self.kind(Path::new(path))
            .is_some_and(|kind| kind != FileKind::Dir)
    }

    /// Whether a folder stands where a setting of config.toml says that there is a file or a socket.
    pub fn is_named_folder(&self, path: &str) -> bool {
        self.kind(Path::new(path)) == Some(FileKind::Dir)
    }

    /// Whether the folder above a path is not there, and cannot be made on a read-only file system.
    pub fn is_unmakable(&self, path: &str) -> bool {
        self.unmakable.contains(Path::new(path))
    }

    /// Whether no socket can be made at a path, since something else than a folder is on the way to it.
    pub fn is_blocked(&self, path: &str) -> bool {
        self.blocked.contains(path)
    }

    /// Whether something else than a folder stands at a place, links followed; one that leads nowhere
    /// is none, and none can be made there.
    pub fn is_no_folder(&self, path: &Path) -> bool {
        match self.kinds.get(path) {
            Some(Ok(kind)) => *kind != FileKind::Dir,
            Some(Err(unread)) => matches!(unread, Unread::Dangling(_)),
            None => false,
        }
    }

    /// Whether a place is known to be empty.
    pub fn is_absent(&self, path: &Path) -> bool {
        matches!(self.kinds.get(path), Some(Err(Unread::Absent)))
    }
}

/// Where the CRI looks for configurations of networks, if config.toml does not say.
pub const CNI_FOLDER: &str = "/etc/cni/net.d";

/// As many as there may be settings.
const MOST_NAMED: usize = 20_000;

/// The absolute paths that config.toml names.
fn named_paths(roots: &Roots) -> Vec<PathBuf> {
    let config = roots.config.as_ref();
    let all = config.map_or(&[][..], |config| config.settings.all());
    let texts = all.iter().filter_map(|setting| match &setting.value {
        Scalar::Text(text) if text.starts_with('/') && text.len() < 4096 => Some(text),
        _ => None,
    });
    let unit = roots.unit.iter();
    let of_unit = unit.flat_map(|unit| {
        let before = unit.before.iter().filter(|(_, may_fail)| !may_fail);
        let before = before.filter_map(|(words, _)| words.first());
        let conditions = unit.conditions.iter().map(|(_, value)| value);
        let paths = conditions.map(|value| value.trim_start_matches(['|', '!']));
        before
            .map(String::as_str)
            .chain(paths)
            .chain(unit.program())
    });
    let of_unit = of_unit.filter(|path| path.starts_with('/'));
    // What a start needs first.
    let named = of_unit.chain([CNI_FOLDER]);
    let named = named.chain(texts.map(String::as_str));
    named.map(PathBuf::from).take(MOST_NAMED).collect()
}

/// Where overlayfs' folders are, or would be.
pub(crate) fn overlay_root(roots: &Roots, snapshotters: &[Snapshotter]) -> PathBuf {
    let used = snapshotters.iter().find(|it| it.name == *"overlayfs");
    let usual = || roots.root.join("io.containerd.snapshotter.v1.overlayfs");
    used.map_or_else(usual, |used| used.root.clone())
}

/// How the file system is mounted on which a path lies, or would lie.
fn mount_at(evidence: &Evidence, processes: Option<&Processes>, path: &Path) -> Option<Mount> {
    let mut there = path.ancestors();
    let there = there.find(|path| evidence.stat(path).is_ok())?;
    let seen = evidence.mount(there);
    let is_told = seen.is_some() || evidence.is_machine();
    seen.or_else(|| {
        let told = kernel::mount_of(evidence, processes, path);
        told.filter(|_| !is_told)
    })
}

fn join(base: &Path, name: &str) -> PathBuf {
    if name.is_empty() {
        base.to_path_buf()
    } else {
        base.join(name)
    }
}

/// What stands at a place, links followed.
pub(crate) fn followed(evidence: &Evidence, path: &Path) -> Result<FileKind, Unread> {
    let stat = evidence.stat(path)?;
    if stat.kind != FileKind::Symlink {
        return Ok(stat.kind);
    }
    match evidence.try_list(path) {
        Ok(_) => Ok(FileKind::Dir),
        Err(Unread::Special("regular file")) => Ok(FileKind::File),
        Err(unread) => Err(unread),
    }
}
