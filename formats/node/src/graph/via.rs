//! How one object refers to another.

use core::fmt;

use content::Role;
use finding::{Text, Time};
use serde::Serialize;

/// How one object refers to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// A lease holds it.
    Holds,
    /// An image's target.
    Target,
    /// A container's snapshot.
    Snapshot,
    /// The snapshot of the container's own name: Docker names none in its records, and holds it by a lease
    /// of that name.
    SameName,
    /// A snapshot's parent.
    Parent,
    /// The blob that an ingest stands for.
    Expected,
    /// A label `containerd.io/gc.ref.…` of the one that refers.
    Label(Text),
    /// A label `containerd.io/gc.bref.…` of the one that is referred to.
    BackLabel(Text),
    /// A label `containerd.io/gc.cond.snapshot…` of the one that refers: it does so while the
    /// snapshot was used within, or before, some time.
    Condition {
        /// The label.
        label: Text,
        /// When the snapshot was used.
        used: Time,
        /// The time, in nanoseconds.
        nanos: i128,
        /// Within it (`<`) or before it (`>`).
        within: bool,
    },
    /// A document names it.
    Link(Role),
    /// A configuration's layers, unpacked: the snapshot is called by their chain ID.
    ChainId,
    /// A container's image.
    Image,
    /// A pod's sandbox.
    Sandbox,
    /// A container of a pod.
    Member,
}

impl Via {
    /// Whether a record of meta.db expresses it: nothing else is ever followed by the collector.
    pub const fn is_recorded(&self) -> bool {
        match self {
            Self::Holds
            | Self::Target
            | Self::Snapshot
            | Self::Parent
            | Self::Expected
            | Self::Label(_)
            | Self::BackLabel(_)
            | Self::Condition { .. } => true,
            Self::SameName
            | Self::Link(_)
            | Self::ChainId
            | Self::Image
            | Self::Sandbox
            | Self::Member => false,
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => f.pad("holds"),
            Self::Target => f.pad("target"),
            Self::Snapshot => f.pad("snapshot"),
            Self::SameName => f.pad("same name"),
            Self::Parent => f.pad("parent"),
            Self::Expected => f.pad("expected"),
            Self::Label(label) => write!(f, "label {label}"),
            Self::BackLabel(label) => write!(f, "its label {label}"),
            Self::Condition { label, .. } => write!(f, "condition {label}"),
            Self::Link(role) => role.fmt(f),
            Self::ChainId => f.pad("chain ID"),
            Self::Image => f.pad("image"),
            Self::Sandbox => f.pad("sandbox"),
            Self::Member => f.pad("member"),
        }
    }
}

impl Serialize for Via {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
