//! The journal: which inode stood where before the first step. Written and synced once, it is the
//! commit; what the two places of a step hold says whether the step was done.

use std::ffi::OsStr;
use std::io;

use serde::{Deserialize, Serialize};

use crate::disk::{Folder, Inode, Pair};
use crate::plan::{Plan, QUARANTINE};

/// The journal of a repair that has begun and was not ended.
pub(crate) const JOURNAL: &str = "journal.json";
/// Beside the journal: every step was done.
pub(crate) const FINISHED: &str = "finished.json";
/// The most bytes of a journal.
const LIMIT: u64 = 256 << 20;

/// One step: what stood at `path` and in `slot` before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Move {
    /// The folder in the evidence that `path` is below; containerd's root where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) base: Option<String>,
    pub(crate) path: String,
    pub(crate) slot: String,
    pub(crate) old: Inode,
    pub(crate) new: Inode,
}

/// All steps, the stopper's first and meta.db's last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    pub(crate) plan: Plan,
    /// The kernel's boot: state that it forgets is not touched after another one.
    pub(crate) boot: String,
    pub(crate) moves: Vec<Move>,
}

/// What was there when the last step was done: what has changed since was changed by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finished {
    pub(crate) boot: String,
    /// Path, inode, size, seconds and nanoseconds of the last change of contents.
    pub(crate) seen: Vec<(String, Inode, i64, i64, i64)>,
}

impl Move {
    pub(crate) fn pair(&self, root: &Folder, quarantine: &Folder) -> io::Result<Pair> {
        Pair::open(root, &self.path, quarantine, &self.slot)
    }

    /// Does the step unless it was done. An error if something else stands there.
    pub(crate) fn forward(&self, root: &Folder, quarantine: &Folder) -> io::Result<()> {
        self.go(root, quarantine, self.old, self.new)
    }

    /// Takes the step back unless it was taken back.
    pub(crate) fn back(&self, root: &Folder, quarantine: &Folder) -> io::Result<()> {
        self.go(root, quarantine, self.new, self.old)
    }

    /// The slot tells: it holds what stood at the path before, or what shall stand there.
    fn go(&self, root: &Folder, quarantine: &Folder, from: Inode, to: Inode) -> io::Result<()> {
        let pair = self.pair(root, quarantine)?;
        let (place, slot) = pair.inodes()?;
        if slot == from && from != to && (place != from || from == 0) {
            return Ok(());
        }
        if (place, slot) != (from, to) {
            return Err(io::Error::other(format!(
                "{} was changed by somebody else: found inode {place}, wanted {from}",
                self.path
            )));
        }
        pair.exchange()
    }
}

/// Reads a JSON file of the quarantine; nothing if there is none.
pub(crate) fn load<T: for<'de> Deserialize<'de>>(
    quarantine: &Folder,
    name: &str,
) -> io::Result<Option<T>> {
    let name = OsStr::new(name);
    if quarantine.stat(name)?.is_none() {
        return Ok(None);
    }
    let bytes = quarantine.read(name, LIMIT)?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(io::Error::other)
}

/// Writes a JSON file of the quarantine: whole, or not at all.
pub(crate) fn store<T: Serialize>(quarantine: &Folder, name: &str, value: &T) -> io::Result<()> {
    let bytes = serde_json::to_vec(value)?;
    let new = format!("{name}.new");
    if quarantine.stat(OsStr::new(&new))?.is_some() {
        quarantine.unlink(OsStr::new(&new))?;
    }
    quarantine.write(OsStr::new(&new), &bytes, None)?;
    nix::fcntl::renameat(quarantine.fd(), new.as_str(), quarantine.fd(), name)?;
    quarantine.sync()
}

/// The quarantines below `root`, by the name of their plan.
pub(crate) fn quarantines(root: &Folder) -> io::Result<Vec<(String, Folder)>> {
    let mut found = Vec::new();
    for name in root.names()? {
        let id = name.to_str().and_then(|name| name.strip_prefix(QUARANTINE));
        if let Some(id) = id {
            found.push((id.to_owned(), root.below(name.as_ref())?));
        }
    }
    Ok(found)
}
