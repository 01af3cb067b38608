//! What the runtime left on disk: containers, bundles, work folders, sockets, the CRI's files.

use std::collections::BTreeSet;

use evidence::Stat;
use finding::{Text, Time, Unread};

use crate::{
    Address, CrunStatus, Derived, Doc, Gvisor, LogLine, Options, Places, Spec, State, Status,
    TASKS, YoukiState,
};

/// Everything that the runtime left of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runtime {
    /// The daemon's state folder, as it was asked for.
    pub state: Text,
    /// Containers that runc or crun know, by namespace and id.
    pub containers: Vec<Container>,
    /// Bundles that containerd made, by namespace and id.
    pub bundles: Vec<Bundle>,
    /// Namespaces that have a folder for bundles, empty or not.
    pub task_namespaces: BTreeSet<Text>,
    /// Work folders under root, by namespace and id.
    pub work_dirs: Vec<WorkDir>,
    /// Sockets of shims; nothing where the evidence does not keep sockets.
    pub sockets: Option<Vec<ShimSocket>>,
    /// Status folders of the CRI plugin, by id.
    pub cri: Vec<CriStatus>,
    /// Folders of pods that the CRI plugin keeps under root, by id.
    pub sandbox_dirs: Vec<Text>,
    /// Whether the folder that holds the CRI's status folders is there.
    pub has_cri_dir: bool,
    /// Status files that were being deleted (`<id>.del-status`), as paths.
    pub cri_deleted: Vec<Text>,
    /// Names that stand where a folder should, and are none: path, and what they are.
    pub strange: Vec<(Text, Unread)>,
    /// Containers of gVisor, by namespace and id.
    pub gvisor: Vec<Gvisor>,
    /// What stands where the CRI and the shims keep files of pods and containers.
    pub places: Places,
    /// Roots of runtimes that bundles name and that are not in the evidence: nothing is known of what
    /// they hold.
    pub unseen_roots: BTreeSet<Text>,
    /// Which of the lists above are known to hold everything.
    pub whole: Whole,
}

impl Runtime {
    /// Puts every list into the order that its look-up needs.
    pub(crate) fn sort(&mut self) {
        self.containers
            .sort_by(|a, b| (&a.namespace, &a.id, &a.path).cmp(&(&b.namespace, &b.id, &b.path)));
        self.bundles
            .sort_by(|a, b| (&a.namespace, &a.id, a.hidden).cmp(&(&b.namespace, &b.id, b.hidden)));
        self.cri.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// The container of this name.
    pub fn container(&self, namespace: Option<&Text>, id: &Text) -> Option<&Container> {
        let wanted = (namespace, id);
        let at = self
            .containers
            .partition_point(|container| (container.namespace.as_ref(), &container.id) < wanted);
        let found = self.containers.get(at)?;
        ((found.namespace.as_ref(), &found.id) == wanted).then_some(found)
    }

    /// The bundle of this name that is not being removed.
    pub fn bundle(&self, namespace: &Text, id: &Text) -> Option<&Bundle> {
        let wanted = (namespace, id);
        let at = self
            .bundles
            .partition_point(|bundle| (&bundle.namespace, &bundle.id) < wanted);
        let found = self.bundles.get(at)?;
        let same = (&found.namespace, &found.id) == wanted && !found.hidden;
        same.then_some(found)
    }

    /// What gVisor wrote of this container.
    pub fn gvisor(&self, namespace: &Text, id: &Text) -> Option<&Gvisor> {
        let wanted = (namespace, id);
        let name = |it: &Gvisor| (it.namespace.clone(), it.id.clone());
        let at = self
            .gvisor
            .partition_point(|it| (&it.namespace, &it.id) < wanted);
        let found = self.gvisor.get(at)?;
        (name(found) == (namespace.clone(), id.clone())).then_some(found)
    }

    /// What the CRI plugin wrote of this container.
    pub fn status(&self, id: &Text) -> Option<&CriStatus> {
        let at = self.cri.binary_search_by(|cri| cri.id.cmp(id)).ok()?;
        self.cri.get(at)
    }
}

/// Which lists are known to hold everything: what absence may be concluded from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Whole {
    /// `containers`
    pub containers: bool,
    /// `bundles`
    pub bundles: bool,
    /// `cri`
    pub cri: bool,
}

/// Which program keeps a container's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Program {
    /// runc, or one that writes as it does.
    Runc,
    /// crun.
    Crun,
    /// youki.
    Youki,
    /// One that is not read: its folder stands among those of runc.
    Other,
}

/// A container that runc or crun knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// containerd's namespace; nothing under a root that has none (`/run/runc`).
    pub namespace: Option<Text>,
    /// Its id: its folder's name.
    pub id: Text,
    /// The folder.
    pub path: Text,
    /// The folder's stat.
    pub dir: Stat,
    /// Which program.
    pub program: Program,
    /// `exec.fifo`, whatever it is. Never opened.
    pub fifo: Option<Stat>,
    /// runc's state.json.
    pub state: Doc<State>,
    /// Stat of the state file, runc's or crun's.
    pub state_stat: Option<Stat>,
    /// crun's status.
    pub status: Doc<CrunStatus>,
    /// youki's state.json.
    pub youki: Doc<YoukiState>,
    /// `state-N` files that were left.
    pub leftovers: Vec<Leftover>,
    /// Names of `runc.XXXXXX` files that were left.
    pub binaries: Vec<Text>,
    /// How far it came.
    pub derived: Derived,
    /// The bundle that it names, and whether that is there.
    pub bundle: Option<(Text, Result<(), Unread>)>,
    /// Files in that bundle that look like pid files (`…pid`), and the number in each; 0 where
    /// there is none. `create` writes `.<name>` and renames it. Of containerd's bundles:
    /// [`Bundle::init_pid`].
    pub pid_files: Vec<(Text, i64)>,
}

/// A temporary state file that was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its name: `state-` and a number.
    pub name: Text,
    /// What stands in it.
    pub state: Doc<State>,
}

impl Container {
    /// What is known of its state: state.json, else a temporary one that is whole.
    pub fn best_state(&self) -> Option<&State> {
        self.state.whole().or_else(|| {
            let left = self.leftovers.iter().find_map(|left| left.state.whole());
            left.or_else(|| self.state.get())
        })
    }

    /// Pid of its init, in the node's pid namespace. Means nothing without its start time.
    pub fn pid(&self) -> Option<i64> {
        match self.program {
            Program::Runc => self.best_state()?.init_process_pid,
            Program::Crun => self.status.get()?.pid,
            Program::Youki => self.youki.get()?.pid,
            Program::Other => None,
        }
    }

    /// When its init started, in clock ticks since boot. youki does not write it down.
    pub fn start_ticks(&self) -> Option<u64> {
        match self.program {
            Program::Runc => self.best_state()?.init_process_start,
            Program::Crun => self.status.get()?.process_start_time,
            Program::Youki | Program::Other => None,
        }
    }

    /// The state folder of the containerd whose bundle it names, if that is another one than
    /// `state`: every containerd of a machine keeps runc's state at one place.
    pub fn other_daemon(&self, state: &Text) -> Option<Text> {
        let (named, _) = self.bundle.as_ref()?;
        let tasks = [b"/", TASKS.as_bytes(), b"/"].concat();
        let bytes = named.bytes();
        let mut parts = bytes.windows(tasks.len().max(1));
        let at = parts.position(|part| part == tasks)?;
        let theirs = Text::from(bytes.get(..at)?);
        let plain = |text: &Text| {
            let bytes = text.bytes();
            Text::from(
                bytes
                    .strip_prefix(b"/var")
                    .filter(|it| it.starts_with(b"/run/"))
                    .unwrap_or(bytes),
            )
        };
        (plain(&theirs) != plain(state)).then_some(theirs)
    }

    /// Name, state and times of the file in which its program keeps its state.
    pub fn state_file(&self) -> (&'static str, &'static str) {
        match self.program {
            Program::Runc => ("state.json", self.state.word()),
            Program::Crun => ("status", self.status.word()),
            Program::Youki => ("state.json", self.youki.word()),
            Program::Other => ("state", "unread"),
        }
    }

    /// Whether its state file was read, and no reader of it would take it.
    pub fn is_lost(&self) -> bool {
        const fn lost<T>(doc: &Doc<T>, refused: bool) -> bool {
            refused || matches!(doc, Doc::Damaged(None, _))
        }
        match self.program {
            Program::Runc => lost(&self.state, self.state.is_refused()),
            Program::Crun => lost(&self.status, self.status.is_refused()),
            Program::Youki => lost(&self.youki, self.youki.is_refused()),
            Program::Other => false,
        }
    }

    /// Why its state file could not be read, if it could not.
    pub const fn unread(&self) -> Option<&Unread> {
        match (self.program, &self.state, &self.status, &self.youki) {
            (Program::Runc, Doc::Unread(why), _, _)
            | (Program::Crun, _, Doc::Unread(why), _)
            | (Program::Youki, _, _, Doc::Unread(why)) => Some(why),
            _ => None,
        }
    }

    /// When it was created.
    pub fn created(&self) -> Option<Time> {
        match self.program {
            Program::Runc => self.best_state()?.created,
            Program::Crun => self.status.get()?.created,
            Program::Youki => self.youki.get()?.created,
            Program::Other => None,
        }
    }

    /// Whether its folder was listed whole, and has no state file: it is being created, or the file was
    /// removed.
    pub const fn lacks_state(&self) -> bool {
        matches!(
            self.derived.phase,
            crate::Phase::Creating | crate::Phase::Empty
        ) && !self.has_state()
    }

    /// Whether it has the state file that its program writes.
    pub const fn has_state(&self) -> bool {
        match self.program {
            Program::Runc => self.state.is_there(),
            Program::Crun => self.status.is_there(),
            Program::Youki => self.youki.is_there(),
            Program::Other => true,
        }
    }
}

/// A bundle: the folder of one task under `state`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// containerd's namespace.
    pub namespace: Text,
    /// The task's id, without the dot of a hidden one.
    pub id: Text,
    /// The folder.
    pub path: Text,
    /// The folder's stat.
    pub dir: Stat,
    /// Whether it was copied, and is not the one that the daemon made: what unpacks a copy sets the time of
    /// contents back, and cannot set that of the inode.
    pub copied: bool,
    /// Whether it is being removed (`.<id>`).
    pub hidden: bool,
    /// How many entries it has; nothing if it could not be listed whole.
    pub entries: Option<usize>,
    /// `address` (up to 1.7).
    pub address: Doc<Address>,
    /// `bootstrap.json` (2.x).
    pub bootstrap: Doc<Address>,
    /// `init.pid`.
    pub init_pid: Doc<i64>,
    /// `config.json`.
    pub spec: Doc<Spec>,
    /// What its shim wrote down as the program that it calls (`runtime`).
    pub runtime_file: Option<Text>,
    /// The runtime that its record in meta.db names, where that was read.
    pub recorded_runtime: Option<Text>,
    /// `options.json`.
    pub options: Doc<Options>,
    /// `log.json`: the last lines.
    pub log: Doc<Vec<LogLine>>,
    /// `sandbox`: the pod whose shim it shares (2.x).
    pub sandbox: Option<Text>,
    /// `shim-binary-path`: the shim that serves it. 2.x leaves it out for members of a pod.
    pub shim_binary: Option<Text>,
    /// Where the link `work` leads, and whether that is there.
    pub work: Option<(Text, Result<(), Unread>)>,
    /// The name that its shim's socket should have for a daemon at the default address.
    pub socket: String,
    /// The name of its second socket, which a 2.x shim has under `-debug`.
    pub debug_socket: String,
}

impl Bundle {
    /// Whether there is an `address` (1.5 to 1.7 wrote it).
    pub const fn has_address(&self) -> bool {
        self.address.is_there()
    }

    /// Whether there is a `bootstrap.json` (2.x wrote it).
    pub const fn has_bootstrap(&self) -> bool {
        self.bootstrap.is_there()
    }

    /// How its shim is reached: as 2.x says, else as 1.x does.
    pub fn shim(&self) -> Option<&Address> {
        self.bootstrap.get().or_else(|| self.address.get())
    }

    /// What runc said went wrong, the last first.
    pub fn errors(&self) -> impl Iterator<Item = &LogLine> {
        let lines = self.log.get().into_iter().flatten().rev();
        lines.filter(|line| {
            line.level
                .as_ref()
                .is_some_and(|level| *level == "error" || *level == "fatal")
        })
    }
}

/// The folder of one task under `root`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkDir {
    /// containerd's namespace.
    pub namespace: Text,
    /// The task's id.
    pub id: Text,
    /// The folder.
    pub path: Text,
    /// The folder's stat.
    pub dir: Stat,
}

/// A name in the folder of the shims' sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShimSocket {
    /// The socket.
    pub path: Text,
    /// Its stat.
    pub stat: Stat,
    /// Bundles that name it, or would: namespace and id.
    pub bundles: Vec<(Text, Text)>,
}

/// The folder of one container of the CRI plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriStatus {
    /// The container's id.
    pub id: Text,
    /// The folder.
    pub path: Text,
    /// The folder's stat.
    pub dir: Stat,
    /// Its `status`.
    pub status: Doc<Status>,
    /// Names of `.tmp-status*` files that were left.
    pub leftovers: Vec<Text>,
    /// The pod that its record in meta.db names; nothing where there is none, or was not read.
    pub pod: Option<Text>,
}
