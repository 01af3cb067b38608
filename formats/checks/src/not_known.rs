//! A part of a node that a start touches, and of which something is not known.

use core::fmt;

use serde::Serialize;

/// What kind of part it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// config.toml, its imports, and the options of the unit.
    Configuration,
    /// A plugin that the configuration names.
    Plugin,
    /// meta.db.
    Database,
    /// A snapshotter: its database and its store.
    Snapshotter,
    /// The content store.
    Content,
    /// The CRI's files.
    Cri,
    /// Tasks, bundles and shims.
    Tasks,
    /// containerd, its shims and runtimes.
    Programs,
    /// The disks below the stores.
    Disks,
    /// What the collector and the clean-ups of a start remove.
    Removals,
}

/// A part of which something is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NotKnown {
    /// Which kind of part.
    pub part: Part,
    /// Its name: `the configuration`, `snapshotter stargz`, `meta.db`.
    pub name: String,
    /// Why it is not known.
    pub why: String,
}

impl NotKnown {
    /// `name`, a part of this kind, is not known because of `why`.
    pub fn new(part: Part, name: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            part,
            name: name.into(),
            why: why.into(),
        }
    }
}

impl fmt::Display for NotKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.why)
    }
}
