//! Whose a process is: of this node's containerd, of another one beside it, of a node inside this
//! one, of another manager of containers.
//!
//! A machine may run several containerds (Docker's own, k3s beside a package), nodes in containers
//! (kind, k3d, Docker in Docker), podman, buildkit, systemd-nspawn and LXC, side by side and all of
//! them well. Their shims, inits and cgroups look alike, down to the names of their paths. They are
//! told apart by what they were started with and by where they are:
//!
//! | a shim is this containerd's if | |
//! |---|---|
//! | it is in our pid namespace | a node inside has one of its own |
//! | it sees the same state folder | another mount namespace may have another one at that path |
//! | its `-address`, its bundle, or the socket that this makes | is one of the state folder's |
//!
//! Everything else is the next such keeper's above it.

use std::collections::BTreeMap;

use finding::Text;
use process::{Mount, Process, Processes};
use runc::{Runtime, SOCKETS, TASKS, socket_name};
use serde::Serialize;

/// A shim that runs.
#[derive(Debug, Clone)]
pub struct Shim<'p> {
    /// Its process.
    pub process: &'p Process,
    /// containerd's namespace.
    pub namespace: Text,
    /// The task, or the pod, that it was started for; of a shim that was not told, its bundle's name.
    pub id: Text,
    /// Where the daemon that it serves listens.
    pub address: Option<Text>,
    /// Whose it is; nothing where it is this containerd's.
    pub other: Option<Other>,
}

/// Who keeps what is not this containerd's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Other {
    /// Another containerd of this machine: where it listens.
    Daemon(Text),
    /// A node or a machine inside this one.
    Nested,
    /// Another manager of containers, by its name.
    Manager(&'static str),
}

impl Other {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Daemon(address) if address.is_empty() => "another containerd".to_owned(),
            Self::Daemon(address) => format!("another containerd (at {address})"),
            Self::Nested => "a node inside this one".to_owned(),
            Self::Manager(name) => (*name).to_owned(),
        }
    }
}

/// Who a process belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs<'h> {
    /// To a shim of this containerd.
    Ours(u32),
    /// To somebody else.
    Theirs(&'h Other),
    /// To nobody that is known: its keeper is gone, or it never had one.
    Nobody,
}

/// Programs that keep containers, and what they are.
const MANAGERS: &[(&[u8], &str)] = &[
    (b"conmon", "conmon (podman or CRI-O)"),
    (b"conmonrs", "conmon-rs (CRI-O)"),
    (b"crio", "CRI-O"),
    (b"podman", "podman"),
    (b"buildah", "buildah"),
    (b"buildkitd", "buildkitd"),
    (b"systemd-nspawn", "systemd-nspawn"),
    (b"lxc-start", "LXC"),
    (b"lxd", "LXD"),
    (b"incusd", "Incus"),
    (b"libvirt_lxc", "libvirt"),
    (b"bwrap", "bubblewrap"),
    (b"apptainer", "Apptainer"),
    (b"starter", "Apptainer"),
];

/// Whose the processes of a machine are.
#[derive(Debug, Clone, Default)]
pub struct Host<'p> {
    /// Every shim, whosever it is, by pid.
    shims: Vec<Shim<'p>>,
    /// Other managers, by pid.
    managers: BTreeMap<u32, Other>,
    /// The containerd of this state folder.
    daemon: Option<&'p Process>,
    /// Every other containerd of this pid namespace.
    daemons: Vec<&'p Process>,
}

impl<'p> Host<'p> {
    /// Tells the keepers among a machine's processes apart.
    pub fn new(runtime: &Runtime, processes: &'p Processes) -> Self {
        let ours = Ours::new(runtime, processes);
        let mut host = Self::default();
        let mut daemons: Vec<&Process> = Vec::new();
        for process in processes.iter().filter(|it| !it.stat.kernel) {
            if let Some(mut shim) = shim(process) {
                shim.other = ours.other(&shim);
                host.shims.push(shim);
            } else if process.program() == b"containerd" {
                daemons.push(process);
            } else if let Some(other) = manager(process) {
                host.managers.insert(process.pid, other);
            }
        }
        host.daemon = ours.daemon(&daemons);
        let daemon = host.daemon.map(|process| process.pid);
        // Its children before they have become another program look like it.
        let is_other = |it: &&Process| Some(it.pid) != daemon && Some(it.stat.ppid) != daemon;
        host.daemons = daemons.into_iter().filter(is_other).collect();
        host
    }

    /// Every shim, whosever it is.
    pub fn shims(&self) -> &[Shim<'p>] {
        &self.shims
    }

    /// The containerd whose state folder this is.
    pub const fn daemon(&self) -> Option<&'p Process> {
        self.daemon
    }

    /// Whether somebody else on this machine may keep containers: what nobody of ours names may be
    /// theirs.
    pub fn has_others(&self) -> bool {
        let shims = self.shims.iter().any(|shim| shim.other.is_some());
        shims || !self.managers.is_empty() || !self.daemons.is_empty()
    }

    /// Who a process belongs to: the nearest keeper above it.
    pub fn owner_of(&self, processes: &'p Processes, process: &'p Process) -> Belongs<'_> {
        let up = core::iter::once(process).chain(processes.parents(process));
        for above in up {
            if let Some(shim) = self.shim(above.pid) {
                return match &shim.other {
                    None => Belongs::Ours(above.pid),
                    Some(other) => Belongs::Theirs(other),
                };
            }
            if let Some(other) = self.managers.get(&above.pid) {
                return Belongs::Theirs(other);
            }
            // A first process of a pid namespace is a container's, and whoever was below a keeper
            // in there is what is left when that is gone.
            let inner = process.pid != above.pid && above.is_nested() == Some(true);
            if inner && above.status.is_init() == Some(true) && is_runtimes(process) {
                return Belongs::Theirs(&Other::Nested);
            }
        }
        if process.status.nspid.len() > 2 && is_runtimes(process) {
            return Belongs::Theirs(&Other::Nested);
        }
        Belongs::Nobody
    }

    /// The shim of this pid.
    pub fn shim(&self, pid: u32) -> Option<&Shim<'p>> {
        let at = self.shims.binary_search_by_key(&pid, |it| it.process.pid);
        self.shims.get(at.ok()?)
    }
}

/// Whether it is a runtime or what one makes first: told apart by where it is, not by what it is.
fn is_runtimes(process: &Process) -> bool {
    crate::facts::is_runc_init(process)
        || crate::facts::is_crun_init(process)
        || crate::facts::is_youki_init(process)
}

/// `containerd-shim-runc-v2 -namespace NS -id ID -address SOCKET`
fn shim(process: &Process) -> Option<Shim<'_>> {
    if !process.program().starts_with(b"containerd-shim") {
        return None;
    }
    // Those that only start or delete one have a verb at their end.
    let verb = process.cmdline.as_ref()?.last().and_then(Text::utf8);
    if matches!(verb, Some("start" | "delete")) {
        return None;
    }
    let bundle = process.cwd.as_ref().and_then(bundle_of);
    let named = bundle.map(|(_, namespace, id)| (namespace, id));
    let id = process.flag("id").or_else(|| named.clone().map(|it| it.1));
    Some(Shim {
        process,
        namespace: process.flag("namespace").or_else(|| named.map(|it| it.0))?,
        // Up to 2023 gVisor's was not told which task it is for.
        id: id.unwrap_or_default(),
        address: process.flag("address"),
        other: None,
    })
}

/// State folder, namespace and id of the bundle that a path is, deleted or not.
fn bundle_of(path: &Text) -> Option<(Text, Text, Text)> {
    let bytes = path.bytes();
    let bytes = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
    let tasks = [b"/", TASKS.as_bytes(), b"/"].concat();
    let at = bytes
        .windows(tasks.len().max(1))
        .position(|part| part == tasks)?;
    let below = bytes.get(at.checked_add(tasks.len())?..)?;
    let mut parts = below.split(|byte| *byte == b'/');
    let (namespace, id) = (parts.next()?, parts.next()?);
    Some((bytes.get(..at)?.into(), namespace.into(), id.into()))
}

/// Another program that keeps containers.
fn manager(process: &Process) -> Option<Other> {
    let program = process.program();
    // A monitor of LXC calls itself "[lxc monitor] …".
    if process.command().bytes().starts_with(b"[lxc monitor]") {
        return Some(Other::Manager("LXC"));
    }
    let named = |(name, what): &(&[u8], &'static str)| (program == *name).then_some(*what);
    MANAGERS.iter().find_map(named).map(Other::Manager)
}

/// What is this containerd's.
struct Ours<'r, 'p> {
    state: &'r Text,
    runtime: &'r Runtime,
    processes: &'p Processes,
    /// The mount namespace of the first process, and its mounts.
    first: Option<&'p Text>,
}

impl<'r, 'p> Ours<'r, 'p> {
    fn new(runtime: &'r Runtime, processes: &'p Processes) -> Self {
        Self {
            state: &runtime.state,
            runtime,
            processes,
            first: processes
                .get(1)
                .and_then(|first| first.mount_namespace.as_ref()),
        }
    }

    fn address(&self) -> Vec<u8> {
        [self.state.bytes(), b"/containerd.sock"].concat()
    }

    /// Whether a process sees the same state folder as the first process does.
    fn shares_state(&self, process: &Process) -> bool {
        let (Some(first), Some(own)) = (self.first, &process.mount_namespace) else {
            return true;
        };
        if first == own {
            return true;
        }
        let tables = (process.mounts.as_deref(), self.processes.mounts.as_deref());
        let (Some(theirs), Some(ours)) = tables else {
            return false;
        };
        let place = |mounts: &[Mount]| {
            let mount = process::covering(mounts, self.state.bytes())?;
            Some((
                mount.device.clone(),
                mount.root.clone(),
                mount.point.clone(),
            ))
        };
        place(theirs) == place(ours)
    }

    /// Whose a shim is, if not ours.
    fn other(&self, shim: &Shim<'_>) -> Option<Other> {
        if shim.process.is_nested() == Some(true) {
            return Some(Other::Nested);
        }
        let address = shim.address.clone().unwrap_or_default();
        if !self.shares_state(shim.process) {
            return Some(Other::Daemon(address));
        }
        let folder = shim.process.cwd.as_ref().and_then(bundle_of);
        if let Some((state, ..)) = &folder {
            let plain = |text: &Text| text.bytes().strip_prefix(b"/var").map(<[u8]>::to_vec);
            let same = state == self.state
                || plain(state).is_some_and(|it| it == self.state.bytes())
                || plain(self.state).is_some_and(|it| it == state.bytes());
            return (!same).then_some(Other::Daemon(address));
        }
        let said = shim.address.as_ref()?;
        let named = self.names_socket(said, shim);
        (said.bytes() != self.address() && !named).then_some(Other::Daemon(address))
    }

    /// Whether a bundle of ours says that the socket that a shim was told to make is its own.
    fn names_socket(&self, address: &Text, shim: &Shim<'_>) -> bool {
        let (address, namespace) = (address.bytes(), shim.namespace.bytes());
        let name = socket_name(address, namespace, shim.id.bytes(), false);
        let path = Text::from(format!("{SOCKETS}/{name}"));
        let mut bundles = self.runtime.bundles.iter();
        bundles.any(|bundle| bundle.shim().is_some_and(|it| it.path() == path))
    }

    /// The daemon of this state folder: it listens at its socket, was told its folder, or is the
    /// only one that was told nothing.
    fn daemon(&self, all: &[&'p Process]) -> Option<&'p Process> {
        let here: Vec<&'p Process> = all
            .iter()
            .copied()
            .filter(|it| it.is_nested() != Some(true) && self.shares_state(it))
            .collect();
        let address = self.address();
        let sockets = self.processes.sockets.as_deref().unwrap_or_default();
        let at_ours = |socket: &&process::UnixSocket| {
            let path = socket.path.bytes();
            let path = path
                .strip_prefix(b"/var")
                .filter(|it| it.starts_with(b"/run/"))
                .unwrap_or(path);
            socket.listens && path == address
        };
        let inodes: Vec<u64> = sockets.iter().filter(at_ours).map(|it| it.inode).collect();
        let listens = |process: &&&Process| {
            let mut files = process.open_files().iter();
            files.any(|fd| {
                fd.number_in("socket")
                    .is_some_and(|it| inodes.contains(&it))
            })
        };
        if let Some(found) = here.iter().find(listens) {
            return Some(found);
        }
        let told = |process: &Process| process.flag("state").or_else(|| process.flag("address"));
        let is_told = |process: &&&Process| {
            let state = process.flag("state").is_some_and(|it| it == *self.state);
            state
                || process
                    .flag("address")
                    .is_some_and(|it| it.bytes() == address)
        };
        if let Some(found) = here.iter().find(is_told) {
            return Some(found);
        }
        let alone = here.len() == 1 && self.processes.sockets.is_none();
        here.into_iter()
            .find(|process| told(process).is_none() && (alone || process.flag("config").is_none()))
    }
}
