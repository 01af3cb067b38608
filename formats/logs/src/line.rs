//! A line of a log, and who said it.

use std::sync::Arc;

use finding::{Text, Time};
use serde::Serialize;

use crate::Level;

/// Who says a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// containerd.
    Containerd,
    /// A shim.
    Shim,
    /// runc, crun.
    Runtime,
    /// kubelet.
    Kubelet,
    /// dockerd, or cri-dockerd.
    Dockerd,
    /// k3s, RKE2, k0s, MicroK8s: one process that is kubelet and more.
    Distribution,
    /// BuildKit.
    Buildkit,
    /// systemd, about a unit.
    Systemd,
    /// The kernel.
    Kernel,
    /// A CNI plugin.
    Cni,
    /// A container.
    Container,
}

impl Program {
    /// The program that calls itself that: an identifier of syslog, a name of a process.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        let name = name.strip_prefix(b"/").map_or(name, |_| {
            name.rsplit(|byte| *byte == b'/').next().unwrap_or(name)
        });
        let begins = |prefix: &[u8]| name.starts_with(prefix);
        Some(match name {
            b"containerd" | b"host-containerd" | b"cri-containerd" => Self::Containerd,
            b"kubelet" | b"hyperkube" => Self::Kubelet,
            b"dockerd" | b"docker" | b"cri-dockerd" => Self::Dockerd,
            b"runc" | b"crun" => Self::Runtime,
            b"buildkitd" => Self::Buildkit,
            b"kernel" => Self::Kernel,
            b"cni" => Self::Cni,
            b"systemd" | b"systemd-coredump" => Self::Systemd,
            _ if begins(b"containerd-shim") => Self::Shim,
            _ if begins(b"k3s") || begins(b"rke2") || begins(b"k0s") => Self::Distribution,
            _ if begins(b"microk8s.daemon-containerd") => Self::Containerd,
            _ if begins(b"microk8s.daemon-kubel") => Self::Distribution,
            _ => return None,
        })
    }

    /// The program that runs as this unit of systemd.
    pub(crate) fn of_unit(unit: &[u8]) -> Option<Self> {
        let unit = unit.strip_suffix(b".service")?;
        let unit = unit.strip_prefix(b"snap.").unwrap_or(unit);
        match unit {
            b"docker" | b"cri-docker" => Some(Self::Dockerd),
            b"buildkit" => Some(Self::Buildkit),
            _ => Self::named(unit),
        }
    }

    /// Its name in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Shim => "shim",
            Self::Runtime => "runc",
            Self::Kubelet => "kubelet",
            Self::Dockerd => "dockerd",
            Self::Distribution => "k3s",
            Self::Buildkit => "buildkitd",
            Self::Systemd => "systemd",
            Self::Kernel => "kernel",
            Self::Cni => "cni",
            Self::Container => "container",
        }
    }
}

/// A line of a log; a panic with all its goroutines is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When; nothing where neither the line nor one before it says.
    pub time: Option<Time>,
    /// Index of the file that it was read from.
    pub source: usize,
    /// Who says it.
    pub program: Program,
    /// The unit of systemd: the speaker's, or the one that systemd speaks about.
    pub unit: Option<Arc<Text>>,
    /// The speaker's process.
    pub pid: Option<u32>,
    /// The boot, where the journal tells it.
    pub boot: Option<[u8; 16]>,
    /// How bad the speaker calls it.
    pub level: Level,
    /// What it says, without the prefix of the journal or of syslog.
    pub text: Text,
    /// The lines that go on with it: goroutines of a panic.
    pub more: Vec<u8>,
    /// How many these are.
    pub more_lines: u64,
    /// False if a field in the journal is not what its hash says.
    pub is_sound: bool,
}
