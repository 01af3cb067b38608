//! Shims: their processes, their sockets, and the tasks that they serve.
//!
//! A shim is known by its bundle, by its socket and by its process, and each of them can be left without the others.

mod join;
mod ways;

use finding::{Remedy, Text};
use serde::Serialize;

pub use join::shims;

/// A shim, joined from its bundles, its socket and its process.
#[derive(Debug, Default, Serialize)]
pub struct Shim {
    /// The path of its socket; empty where that is not known.
    pub socket: Text,
    /// Whether the socket is there; nothing where the evidence does not keep sockets.
    pub there: Option<bool>,
    /// Whether somebody listens at it; nothing where that is not known.
    pub listens: Option<bool>,
    /// How many connections it has: the daemon's is one.
    pub connections: Option<usize>,
    /// Whether the socket has the name that this daemon would give it.
    pub ours: bool,
    /// containerd's namespace.
    pub namespace: Option<Text>,
    /// The pod or container that it was started for.
    pub group: Option<Text>,
    /// By what namespace and group are known.
    pub known_by: Option<KnownBy>,
    /// The pod, as namespace and name.
    pub pod: Option<Text>,
    /// Its program.
    pub binary: Option<Text>,
    /// The tasks that it serves, by their bundles.
    pub tasks: Vec<Text>,
    /// Its process, where one is known.
    pub process: Option<ShimProcess>,
    /// Its runtime, where that is not read: nothing is said of what it keeps.
    pub not_read: Option<String>,
    /// Whose it is, where it is not the examined containerd's.
    pub other: Option<stuck::Other>,
    /// Connections that wait to be accepted; nothing where that is not known.
    pub backlog: Option<usize>,
    /// Whether another process has the socket and the container.
    #[serde(skip)]
    is_second: bool,
    /// What is wrong with it.
    pub conditions: Vec<Condition>,
    /// What follows from each of them, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Remedy>,
    /// Its tasks that hang, and in which state, as `runtime stuck` has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hanging: Vec<String>,
}

/// By what a shim's namespace and group are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KnownBy {
    /// Its bundle.
    Bundle,
    /// Its own command line.
    Process,
    /// A container or sandbox of meta.db whose socket would be named so.
    Record,
}

/// A shim's process.
#[derive(Debug, Clone, Serialize)]
pub struct ShimProcess {
    /// Its pid.
    pub pid: u32,
    /// Its state, as `/proc` writes it.
    pub state: char,
    /// Its parent.
    pub ppid: u32,
    /// The containerd it was started for.
    pub address: Option<Text>,
    /// Its working directory: its first bundle.
    pub bundle: Option<Text>,
    /// Processes that it waits for.
    pub children: Vec<Child>,
}

/// A child of a shim.
#[derive(Debug, Clone, Serialize)]
pub struct Child {
    /// Its pid.
    pub pid: u32,
    /// Its state, as `/proc` writes it.
    pub state: char,
    /// Its name.
    pub name: Text,
    /// The task whose init it is.
    pub init_of: Option<Text>,
}

/// An init whose shim is gone.
#[derive(Debug, Serialize)]
pub struct Reparented {
    /// containerd's namespace.
    pub namespace: Option<Text>,
    /// Its container.
    pub id: Text,
    /// Its pid.
    pub pid: u32,
    /// Its parent now.
    pub ppid: u32,
    /// Its parent's name.
    pub parent: Option<Text>,
}

/// What is wrong with a shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// There are bundles, and no process serves them.
    BundleWithoutShim,
    /// The process serves a bundle that is gone.
    ShimWithoutBundle,
    /// It has no child: nothing runs under it.
    ShimWithoutProcesses,
    /// It has no bundle, and nothing runs under it.
    ShimLeftOver,
    /// Another shim of the same group has the socket and the container.
    ShimTwice,
    /// It is stopped.
    ShimStopped,
    /// It waits in the kernel and cannot be interrupted.
    ShimHangs,
    /// It listens, and does not accept who calls it.
    ShimMute,
    /// Its socket is not there.
    SocketMissing,
    /// The socket is there, and nobody listens.
    SocketDead,
    /// The socket is there, and no bundle and no process names it.
    SocketLeaked,
    /// It was started for another containerd, or its name is no hash of this one.
    SocketForeign,
}

impl Condition {
    /// As a person reads it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BundleWithoutShim => "bundle without shim",
            Self::ShimWithoutBundle => "shim without bundle",
            Self::ShimWithoutProcesses => "shim without processes",
            Self::ShimLeftOver => "shim left over",
            Self::ShimTwice => "second shim",
            Self::ShimStopped => "shim stopped",
            Self::ShimHangs => "shim hangs",
            Self::ShimMute => "shim does not answer",
            Self::SocketMissing => "socket missing",
            Self::SocketDead => "no listener",
            Self::SocketLeaked => "socket leaked",
            Self::SocketForeign => "foreign socket",
        }
    }

    /// Whether something is to be looked after.
    pub const fn counts(self) -> bool {
        !matches!(self, Self::SocketForeign)
    }
}
