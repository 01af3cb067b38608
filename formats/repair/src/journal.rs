//! The journal: which inode stood where before the first step. Written and synced once, it is the
//! commit; what the two places of a step hold says whether the step was done.
//!
//! ```text
//! journal.json   all steps, the plan
//! state.json     how far it came      ┐ both written before the commit, with room for all that comes:
//! state.spare    what it is next      ┘ the spare is overwritten where it lies, then the two are exchanged
//! ballast        blocks that are given back where a folder must grow on a full disk
//! ```
//!
//! So nothing after the commit needs room on the disk.

use std::ffi::OsStr;
use std::io;

use serde::{Deserialize, Serialize};

use node::Phase;

use crate::disk::{Folder, Inode};
use crate::pair::Pair;
use crate::plan::{Plan, QUARANTINE};

/// The journal of a repair that has begun.
pub(crate) use node::REPAIR_JOURNAL as JOURNAL;
/// How far it came.
pub(crate) use node::REPAIR_STATE as STATE;
/// What becomes the state next.
const SPARE: &str = "state.spare";
/// Blocks for folders that must grow.
const BALLAST: &str = "ballast";
/// How much longer a state may become than what is known when it is made.
const SLACK: usize = 8 << 10;
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
    /// How many repairs of this root came before it: the last is taken back first.
    pub(crate) number: u64,
    /// The kernel's boot: state that it forgets is not touched after another one.
    pub(crate) boot: String,
    pub(crate) moves: Vec<Move>,
}

/// How far a repair came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// What was there when the last step was done; nothing before.
    pub(crate) seen: Option<Seen>,
    /// Whether what stood in place before an undo stays in the quarantine.
    pub(crate) keep: bool,
}

impl State {
    pub(crate) const fn begun() -> Self {
        Self {
            phase: Phase::Begun,
            seen: None,
            keep: false,
        }
    }
}

/// What was there when the last step was done: what has changed since was changed by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) boot: String,
    pub(crate) files: Vec<Row>,
}

/// Path, inode, size, seconds and nanoseconds of the last change.
pub(crate) type Row = (String, Inode, i64, i64, i64);

impl Move {
    pub(crate) fn pair(&self, root: &Folder, quarantine: &Folder) -> io::Result<Pair> {
        Pair::open(root, &self.path, quarantine, &self.slot)
    }

    /// Does the step unless it was done. An error if something else stands there. Gives the folder of its place, which is to
    /// be synced, as the quarantine is.
    pub(crate) fn forward(&self, root: &Folder, quarantine: &Folder) -> io::Result<Folder> {
        self.go(root, quarantine, self.old, self.new)
    }

    /// Takes the step back unless it was taken back.
    pub(crate) fn back(&self, root: &Folder, quarantine: &Folder) -> io::Result<Folder> {
        self.go(root, quarantine, self.new, self.old)
    }

    /// The slot tells: it holds what stood at the path before, or what shall stand there.
    fn go(&self, root: &Folder, quarantine: &Folder, from: Inode, to: Inode) -> io::Result<Folder> {
        let pair = self.pair(root, quarantine)?;
        let (place, slot) = pair.inodes()?;
        if slot == from && from != to && (place != from || from == 0) {
            return Ok(pair.into_folder());
        }
        if (place, slot) != (from, to) {
            return Err(io::Error::other(format!(
                "{} was changed by another program: found inode {place}, wanted {from}",
                self.path
            )));
        }
        pair.exchange()?;
        Ok(pair.into_folder())
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
    let bytes = quarantine.read_file(name, LIMIT)?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(io::Error::other)
}

/// Writes a JSON file of the quarantine: whole, or not at all.
pub(crate) fn store<T: Serialize>(quarantine: &Folder, name: &str, value: &T) -> io::Result<()> {
    let bytes = serde_json::to_vec(value)?;
    let new = format!("{name}.new");
    quarantine.remove(OsStr::new(&new))?;
    quarantine.write(OsStr::new(&new), &bytes, None)?;
    nix::fcntl::renameat(quarantine.fd(), new.as_str(), quarantine.fd(), name)?;
    quarantine.sync()
}

/// Makes the two files of the state, with room for one that has `seen`, and the ballast.
pub(crate) fn reserve(quarantine: &Folder, seen: Seen, ballast: u64) -> io::Result<()> {
    let seen = Some(seen);
    let longest = serde_json::to_vec(&State {
        seen,
        ..State::begun()
    })?
    .len();
    let room = longest.saturating_mul(2).saturating_add(SLACK);
    let first = padded(&State::begun(), room)?;
    for name in [STATE, SPARE] {
        quarantine.write(OsStr::new(name), &first, None)?;
    }
    make_ballast(quarantine, ballast)
}

/// Blocks that nothing is in; on file systems that give none without bytes, zeroes.
pub(crate) fn make_ballast(quarantine: &Folder, bytes: u64) -> io::Result<()> {
    use std::io::{Read as _, Write as _};
    let mut file = quarantine.create(OsStr::new(BALLAST))?;
    let length = i64::try_from(bytes).map_err(io::Error::other)?;
    match nix::fcntl::fallocate(&file, nix::fcntl::FallocateFlags::empty(), 0, length) {
        Err(nix::Error::EOPNOTSUPP) => {
            io::copy(&mut io::repeat(0).take(bytes), &mut file)?;
            file.flush()?;
        }
        done => done?,
    }
    file.sync_all()
}

/// Gives the ballast back; whether there was some.
pub(crate) fn release_ballast(quarantine: &Folder) -> io::Result<bool> {
    let has_some = quarantine
        .stat(OsStr::new(BALLAST))?
        .is_some_and(|stat| stat.st_size > 0);
    if has_some {
        quarantine.cut(OsStr::new(BALLAST))?;
        nix::unistd::syncfs(quarantine.fd())?;
    }
    Ok(has_some)
}

/// Whether a name in a quarantine is one of these files', and holds nothing of the node's.
pub(crate) fn is_bookkeeping(name: &str) -> bool {
    let name = name.strip_suffix(".new").unwrap_or(name);
    matches!(name, STATE | SPARE | BALLAST | JOURNAL | "staging.json")
}

/// JSON, and spaces after it.
fn padded(state: &State, room: usize) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(state)?;
    bytes.resize(bytes.len().max(room), b' ');
    Ok(bytes)
}

/// How far a repair came: before its first step, there may be no state.
pub(crate) fn state(quarantine: &Folder) -> io::Result<State> {
    match load(quarantine, STATE) {
        Ok(state) => Ok(state.unwrap_or_else(State::begun)),
        // Killed while it was written: nothing had begun, whatever it says.
        Err(_) if quarantine.stat(OsStr::new(JOURNAL))?.is_none() => Ok(State::begun()),
        Err(error) => Err(error),
    }
}

/// Says how far it came. The new state lies where the spare was: no block is taken for it.
pub(crate) fn set_state(quarantine: &Folder, state: &State) -> io::Result<()> {
    let spare = OsStr::new(SPARE);
    let old = quarantine.stat(spare)?;
    let room = old.map_or(0, |old| usize::try_from(old.st_size).unwrap_or(0));
    let bytes = padded(state, room)?;
    if old.is_some() {
        quarantine.overwrite(spare, &bytes)?;
    } else {
        quarantine.write(spare, &bytes, None)?;
    }
    Pair::within(quarantine, SPARE, STATE)?.exchange_synced()
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
