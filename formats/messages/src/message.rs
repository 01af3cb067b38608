//! What is known of a line: who says it, what it means, whose it is, and what to look at first.

use core::fmt;

use serde::Serialize;

/// Whoever says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// The daemon.
    Containerd,
    /// The daemon's CRI plugin.
    Cri,
    /// The shim of a task.
    Shim,
    /// runc.
    Runc,
    /// crun.
    Crun,
    /// A runtime that is neither: runsc, kata, youki.
    OtherRuntime,
    /// A CNI plugin, or the libraries that call it.
    Cni,
    /// kubelet.
    Kubelet,
    /// A tool: crictl, kubeadm, ctr, nerdctl.
    Client,
    /// dockerd.
    Dockerd,
    /// k3s or RKE2.
    K3s,
    /// systemd.
    Systemd,
    /// The kernel.
    Kernel,
    /// Go's runtime, inside of any of these programs.
    Go,
    /// The system's own word for a failed call, in any of these programs.
    System,
    /// A registry, or the network on the way to it.
    Registry,
    /// Kubernetes outside of the node: the API server, the scheduler, controllers.
    Kubernetes,
    /// `BuildKit`, or another builder of images.
    Buildkit,
    /// Another engine: CRI-O, Podman.
    OtherEngine,
    /// A snapshotter that is a program of its own: stargz, nydus, SOCI.
    OtherSnapshotter,
    /// Windows' own services for containers.
    Windows,
    /// A driver of volumes (CSI), or the storage behind it.
    Volumes,
}

impl Component {
    /// The name, as a sentence has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Cri => "containerd's CRI plugin",
            Self::Shim => "the shim",
            Self::Runc => "runc",
            Self::Crun => "crun",
            Self::OtherRuntime => "another runtime",
            Self::Cni => "CNI",
            Self::Kubelet => "kubelet",
            Self::Client => "the client",
            Self::Dockerd => "dockerd",
            Self::K3s => "k3s",
            Self::Systemd => "systemd",
            Self::Kernel => "the kernel",
            Self::Go => "Go's runtime",
            Self::System => "the system",
            Self::Registry => "the registry",
            Self::Kubernetes => "Kubernetes outside of the node",
            Self::Buildkit => "a builder of images",
            Self::OtherEngine => "another engine",
            Self::OtherSnapshotter => "a snapshotter of its own",
            Self::Windows => "Windows",
            Self::Volumes => "a driver of volumes",
        }
    }

    /// Whether both are one program or parts of one.
    pub(crate) const fn is_kin(self, other: Self) -> bool {
        const fn family(who: Component) -> u8 {
            match who {
                Component::Containerd | Component::Cri | Component::Shim => 1,
                Component::Runc | Component::Crun | Component::OtherRuntime => 2,
                Component::Cni => 3,
                Component::Kubelet => 4,
                Component::Dockerd => 5,
                Component::K3s => 6,
                Component::Kernel => 7,
                Component::Systemd => 8,
                Component::Go => 9,
                Component::Client => 10,
                Component::Registry => 11,
                Component::Kubernetes => 12,
                Component::Buildkit => 13,
                Component::OtherEngine => 14,
                Component::OtherSnapshotter => 15,
                Component::Windows => 16,
                Component::Volumes => 17,
                Component::System => 0,
            }
        }
        family(self) != 0 && family(self) == family(other)
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What part a text has in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It says why.
    Cause,
    /// It says what was being done.
    Act,
    /// It says through which layers the error came.
    Wrapper,
    /// It follows from something else: a timeout, a closed connection.
    Consequence,
    /// The system's word for a failed call: many causes have it.
    Errno,
    /// The class of an answer (`unknown`, `not found`), which tells nothing.
    Class,
}

/// Whose the fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// containerd's stores under its root.
    Stores,
    /// containerd's settings.
    Settings,
    /// The daemon itself: a defect, a release, a start.
    Daemon,
    /// What runs: shims, runc's state, bundles under /run.
    Tasks,
    /// cgroups, and systemd's units for them.
    Cgroups,
    /// The pods' network: CNI.
    Network,
    /// A registry: its answer, its rules, the way to it.
    Registry,
    /// Names that cannot be resolved.
    Dns,
    /// Certificates.
    Tls,
    /// The image, or the program in it.
    Image,
    /// Memory: of a container, or of the node.
    Memory,
    /// A disk, a file system, a volume.
    Storage,
    /// What the kernel has or lacks.
    Kernel,
    /// AppArmor, SELinux, seccomp, capabilities.
    Security,
    /// Programs that the node lacks.
    Programs,
    /// kubelet, or what the pod asks for.
    Pod,
    /// Another product.
    Other,
    /// Nobody's: it is no fault.
    Nobody,
    /// The line does not tell.
    Unknown,
}

impl Whose {
    /// As a clause after "It is".
    pub const fn clause(self) -> &'static str {
        match self {
            Self::Stores => "about containerd's stores",
            Self::Settings => "about containerd's settings",
            Self::Daemon => "about the daemon itself",
            Self::Tasks => "about what runs: the shim, the bundle, the runtime's state",
            Self::Cgroups => "about cgroups",
            Self::Network => "about the pods' network (CNI), not containerd's state",
            Self::Registry => "about the registry or the way to it, not containerd's state",
            Self::Dns => "about the node's name resolution, not containerd's state",
            Self::Tls => "about certificates, not containerd's state",
            Self::Image => "about the image or the program in it, not containerd's state",
            Self::Memory => "about memory, not containerd's state",
            Self::Storage => "about a disk, a file system or a volume",
            Self::Kernel => "about the node's kernel",
            Self::Security => "about what the node's security rules allow",
            Self::Programs => "about a program that the node lacks",
            Self::Pod => "about kubelet, or what the pod asks for, not containerd's state",
            Self::Other => "about another product, not containerd's state",
            Self::Nobody => "no fault",
            Self::Unknown => "about a part that the line does not name",
        }
    }

    /// Whether containerd, its stores and what it runs have no part in it.
    pub const fn is_elsewhere(self) -> bool {
        matches!(
            self,
            Self::Network
                | Self::Registry
                | Self::Dns
                | Self::Tls
                | Self::Image
                | Self::Memory
                | Self::Pod
                | Self::Other
        )
    }
}

/// How much the line alone proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sure {
    /// Only this makes the program say so.
    Certain,
    /// Usually this; other causes are known.
    Likely,
    /// One of several causes.
    Open,
}

impl Sure {
    /// As a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Certain => "The line alone proves it.",
            Self::Likely => "This is the usual cause; the line alone does not prove it.",
            Self::Open => "The line alone does not tell which of the causes it is.",
        }
    }
}

/// A message, and all that is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its name; stable, never used again for something else.
    pub key: &'static str,
    /// Who says it.
    pub who: Component,
    /// Its texts, with holes: `{q}` quoted, `{n}` a number, `{path}`, `{id}`, `{}` anything up to the next
    /// `: `, `{rest}` anything.
    pub says: &'static [&'static str],
    /// The releases that say it, where not all do.
    pub releases: &'static str,
    /// What part it has in a line.
    pub role: Role,
    /// Whose the fault is.
    pub whose: Whose,
    /// How sure it is alone.
    pub sure: Sure,
    /// What it means.
    pub means: &'static str,
    /// Codes of findings that confirm it, the likeliest first.
    pub confirmed_by: &'static [&'static str],
    /// States of containers that confirm it (`coroner runtime stuck`).
    pub states: &'static [&'static str],
    /// What else can cause it.
    pub or: &'static [&'static str],
    /// What to run first. Nothing of these loses data.
    pub first: &'static [&'static str],
    /// Words of which the line must have one, in lower case, where its text alone is said by others, too; `&` joins
    /// words that must all be there.
    #[serde(skip)]
    pub(crate) within: &'static [&'static str],
    /// Words with which it is another's.
    #[serde(skip)]
    pub(crate) unless: &'static [&'static str],
    /// Where another error stands inside of its text: the words of the system with which it holds all the same.
    #[serde(skip)]
    pub(crate) wraps: Option<&'static [&'static str]>,
}

impl Message {
    const fn new(
        key: &'static str,
        who: Component,
        role: Role,
        whose: Whose,
        says: &'static [&'static str],
        means: &'static str,
    ) -> Self {
        Self {
            key,
            who,
            says,
            releases: "",
            role,
            whose,
            sure: Sure::Likely,
            means,
            confirmed_by: &[],
            states: &[],
            or: &[],
            first: &[],
            within: &[],
            unless: &[],
            wraps: None,
        }
    }

    /// The line alone proves it.
    pub(crate) const fn certain(mut self) -> Self {
        self.sure = Sure::Certain;
        self
    }

    /// The line alone does not tell the cause.
    pub(crate) const fn open(mut self) -> Self {
        self.sure = Sure::Open;
        self
    }

    /// Findings that confirm it.
    pub(crate) const fn codes(mut self, codes: &'static [&'static str]) -> Self {
        self.confirmed_by = codes;
        self
    }

    /// States of a container that confirm it.
    pub(crate) const fn states(mut self, states: &'static [&'static str]) -> Self {
        self.states = states;
        self
    }

    /// Other causes.
    pub(crate) const fn or(mut self, causes: &'static [&'static str]) -> Self {
        self.or = causes;
        self
    }

    /// What to run first.
    pub(crate) const fn first(mut self, commands: &'static [&'static str]) -> Self {
        self.first = commands;
        self
    }

    /// It is claimed only where the line has one of these words.
    pub(crate) const fn within(mut self, words: &'static [&'static str]) -> Self {
        self.within = words;
        self
    }

    /// It is not claimed where the line has one of these words.
    pub(crate) const fn unless(mut self, words: &'static [&'static str]) -> Self {
        self.unless = words;
        self
    }

    /// Another error stands inside of its text, and decides, unless it is one of these words (their keys).
    pub(crate) const fn wraps(mut self, words: &'static [&'static str]) -> Self {
        self.wraps = Some(words);
        self
    }

    /// Only these releases say it.
    pub(crate) const fn of_releases(mut self, releases: &'static str) -> Self {
        self.releases = releases;
        self
    }

    /// Whose it is, as a clause after "It is": another program's stores and settings are its own.
    pub const fn about(&self) -> &'static str {
        let is_its_own = matches!(self.whose, Whose::Stores | Whose::Settings | Whose::Daemon);
        match self.who {
            Component::Dockerd if is_its_own => {
                "about dockerd and its own stores and settings, not containerd's state"
            }
            Component::OtherEngine if is_its_own => "about another engine, not containerd's state",
            Component::OtherSnapshotter if is_its_own => {
                "about a snapshotter that is a program of its own"
            }
            Component::Buildkit if is_its_own => "about the builder, not containerd's state",
            Component::Containerd | Component::Cri | Component::Shim => self.whose.clause(),
            _ if is_its_own => "about the program that says it: its own files and settings",
            _ => self.whose.clause(),
        }
    }

    /// The part of its first text that is always the same, the longest of them.
    pub fn fixed(&self) -> &'static str {
        let text = self.says.first().copied().unwrap_or_default();
        crate::pattern::longest_literal(text).trim_matches([' ', ':', '"'])
    }

    /// Its texts as a person reads them: `…` for what differs.
    pub fn shown(&self) -> impl Iterator<Item = String> {
        self.says.iter().map(|text| crate::pattern::shown(text))
    }
}

/// It says why.
pub(crate) const fn cause(
    key: &'static str,
    who: Component,
    whose: Whose,
    says: &'static [&'static str],
    means: &'static str,
) -> Message {
    Message::new(key, who, Role::Cause, whose, says, means)
}

/// It says what was being done.
pub(crate) const fn act(
    key: &'static str,
    who: Component,
    whose: Whose,
    says: &'static [&'static str],
    means: &'static str,
) -> Message {
    Message::new(key, who, Role::Act, whose, says, means).open()
}

/// It follows from something else.
pub(crate) const fn consequence(
    key: &'static str,
    who: Component,
    whose: Whose,
    says: &'static [&'static str],
    means: &'static str,
) -> Message {
    Message::new(key, who, Role::Consequence, whose, says, means).open()
}

/// It only says through which layers an error came.
pub(crate) const fn wrapper(
    key: &'static str,
    who: Component,
    says: &'static [&'static str],
    means: &'static str,
) -> Message {
    Message::new(key, who, Role::Wrapper, Whose::Unknown, says, means).open()
}

/// The system's word for a failed call.
pub(crate) const fn errno(
    key: &'static str,
    says: &'static [&'static str],
    means: &'static str,
) -> Message {
    let who = Component::System;
    Message::new(key, who, Role::Errno, Whose::Unknown, says, means).open()
}

/// The class of an answer.
pub(crate) const fn class(
    key: &'static str,
    says: &'static [&'static str],
    means: &'static str,
) -> Message {
    let who = Component::System;
    Message::new(key, who, Role::Class, Whose::Unknown, says, means).open()
}
