//! Putting a plan into effect, and taking it back.
//!
//! ```text
//! stage     new files beside, in ROOT/.coroner-repair-<plan>/, written and synced
//! rehearse  an exchange of two empty files with every folder that a step writes to
//! journal   which inode stands where: the commit
//! stopper   a directory takes the name meta.db: a daemon that is started on it serves nothing
//!           and deletes nothing
//! openers   who still has the old databases open? then back, and nothing has happened
//! steps     exchanges of names; what was there is in the quarantine
//! meta.db   the new one takes the stopper's place
//! finished  what was seen last, so that an undo knows whether a daemon ran since
//! ```
//!
//! Killed at any point, the next `apply` or `undo` goes on from what the places hold.

mod purge;
mod sites;
mod stage;
mod undo;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use evidence::Evidence;
use nix::fcntl::Flock;
use nix::sys::stat::SFlag;
use sha2::{Digest as _, Sha256};

use crate::disk::{Folder, is_kind};
use crate::journal::{self, FINISHED, Finished, JOURNAL, Journal, Move};
use crate::make::{Made, Refused};
use crate::plan::{Action, Plan};
use crate::refuse;
pub use purge::Kept;
use sites::Sites;

/// A repair that an undo began to take back.
const UNDOING: &str = "undoing.json";
/// A journal whose repair was taken back, or that came to nothing.
const ENDED: &str = "ended.json";
/// The stopper before it takes the place of meta.db, and the old meta.db afterwards.
const STOPPER: &str = "slot-stopper";

/// Where meta.db is below a root.
fn meta_db() -> String {
    format!("{}/meta.db", node::META_DIR)
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// All steps were done.
    Applied {
        /// How many, without the stopper.
        steps: usize,
    },
    /// It was done before.
    AlreadyApplied,
    /// Everything is as it was before the plan of this name.
    Undone {
        /// The plan.
        plan: String,
    },
    /// There is nothing to undo.
    NothingToUndo,
}

/// Why an attempt ended.
#[derive(Debug)]
pub enum Failed {
    /// It was not begun, or it was taken back: nothing has changed.
    Refused(Vec<Refused>),
    /// It stopped half-way; the next attempt goes on.
    HalfWay {
        /// The plan.
        plan: String,
        /// Why.
        error: io::Error,
    },
    /// It was not begun.
    Io(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn refused(why: impl Into<String>, hint: impl Into<String>) -> Failed {
    Failed::Refused(vec![Refused::new(why, hint)])
}

/// A root that is being written to, and the lock that keeps others away.
#[derive(Debug)]
pub struct Store {
    node: Folder,
    root: Folder,
    shown: PathBuf,
    is_copy: bool,
    _lock: Flock<OwnedFd>,
}

impl Store {
    /// Takes containerd's root for a repair: `root` as the evidence names it, which is the directory
    /// `node` of this machine. `is_copy`: no daemon and no container uses it, so that processes and
    /// mounts need not be asked.
    ///
    /// # Errors
    /// It cannot be opened, or another repair is at work.
    pub fn open(node: &Path, root: &Path, is_copy: bool) -> Result<Self, Failed> {
        let node = Folder::root(node)?;
        let root = Folder::inside(&node, root)?;
        let shown = root.shown()?;
        let lock = sites::lock(&root)?;
        Ok(Self {
            node,
            root,
            shown,
            is_copy,
            _lock: lock,
        })
    }

    /// The plans whose journal is there, and whether each was finished.
    ///
    /// # Errors
    /// The root cannot be read.
    pub fn repairs(&self) -> io::Result<Vec<(Plan, bool)>> {
        let mut found = Vec::new();
        for (_, quarantine) in journal::quarantines(&self.root)? {
            if let Some(journal) = journal::load::<Journal>(&quarantine, JOURNAL)? {
                let is_finished = quarantine.stat(OsStr::new(FINISHED))?.is_some();
                found.push((journal.plan, is_finished));
            }
        }
        found.sort_by(|(one, _), (other, _)| one.made_at.cmp(&other.made_at));
        Ok(found)
    }

    /// What stands against applying `plan` now.
    pub fn refusals(&self, plan: &Plan) -> Vec<Refused> {
        if self.is_copy {
            Vec::new()
        } else {
            refuse::all(&self.node, &self.root, &self.shown, plan)
        }
    }

    /// Puts `made` into effect, or goes on where an attempt stopped. Layers are unpacked from the
    /// blobs in `evidence`.
    ///
    /// # Errors
    /// [`Failed`] says whether anything has changed.
    pub fn apply(&self, made: &Made, evidence: Option<&Evidence>) -> Result<Done, Failed> {
        let plan = &made.plan;
        for (other, is_finished) in self.repairs()? {
            match (other.id == plan.id, is_finished) {
                (true, true) => return Ok(Done::AlreadyApplied),
                (true, false) => return self.go_on(&other.id),
                (false, false) => {
                    return Err(refused(
                        format!("the repair {} stopped half-way", other.id),
                        "go on with it (`coroner repair apply`) or take it back (`coroner repair undo`) first",
                    ));
                }
                (false, true) => {}
            }
        }
        let refusals = self.refusals(plan);
        if !refusals.is_empty() {
            return Err(Failed::Refused(refusals));
        }
        self.clear()?;
        self.is_there(plan)?;
        let journal = self.stage(made, evidence)?;
        let sites = Sites::open(&self.node, &self.root, &journal, false)?;
        journal::store(&sites.quarantine, JOURNAL, &journal)?;
        self.steps(&journal, &sites)
    }

    /// Goes on with a repair that stopped half-way.
    ///
    /// # Errors
    /// [`Failed`] says whether anything has changed.
    pub fn go_on(&self, plan: &str) -> Result<Done, Failed> {
        let journal = self.journal(plan)?;
        let sites = Sites::open(&self.node, &self.root, &journal, true)?;
        if sites.quarantine.stat(OsStr::new(UNDOING))?.is_some() {
            sites.quarantine.unlink(OsStr::new(UNDOING))?;
            sites.quarantine.sync()?;
        }
        self.steps(&journal, &sites)
    }

    fn journal(&self, plan: &str) -> Result<Journal, Failed> {
        let quarantine = self.root.below(Path::new(&sites::name(plan)))?;
        let journal = journal::load::<Journal>(&quarantine, JOURNAL)?;
        journal.ok_or_else(|| refused(format!("the repair {plan} has no journal"), "plan again"))
    }

    /// What a step moves away must be there.
    fn is_there(&self, plan: &Plan) -> Result<(), Failed> {
        let gone = |step: &&crate::plan::Step| step.action == Action::Remove;
        for step in plan.steps.iter().filter(gone) {
            let folder = sites::folder(&self.node, &self.root, step.base.as_deref())?;
            let path = Path::new(&step.path);
            let above = folder.below(path.parent().unwrap_or(Path::new("")))?;
            if above.inode(path.file_name().unwrap_or_default())? == 0 {
                return Err(refused(
                    format!("{} is not there any more", step.place()),
                    "plan again",
                ));
            }
        }
        Ok(())
    }

    /// All steps, from wherever they stopped.
    fn steps(&self, journal: &Journal, sites: &Sites) -> Result<Done, Failed> {
        let half_way = |error| Failed::HalfWay {
            plan: journal.plan.id.clone(),
            error,
        };
        let Some((first, others)) = journal.moves.split_first() else {
            return Err(half_way(io::Error::other("the journal is empty")));
        };
        let held = self.old_databases(first, sites, false).map_err(half_way)?;
        sites.forward(first).map_err(half_way)?;
        if let Err(why) = self
            .nobody_has(&held)
            .and_then(|()| self.is_as_planned(journal, &sites.quarantine))
        {
            // An attempt before this one may have done some of them.
            for step in journal.moves.iter().rev() {
                sites.back(step).map_err(half_way)?;
            }
            self.end(journal, sites, false).map_err(half_way)?;
            return Err(Failed::Refused(vec![why]));
        }
        for step in others {
            sites.forward(step).map_err(half_way)?;
        }
        let finished = self.seen(journal).map_err(half_way)?;
        journal::store(&sites.quarantine, FINISHED, &finished).map_err(half_way)?;
        Ok(Done::Applied {
            steps: journal.plan.steps.len(),
        })
    }

    /// The inodes of the databases that a daemon may hold: those in place, and those that the steps
    /// have moved.
    fn old_databases(
        &self,
        first: &Move,
        sites: &Sites,
        undo: bool,
    ) -> io::Result<BTreeSet<(u64, u64)>> {
        let mut held: BTreeSet<(u64, u64)> = refuse::databases(&self.root)?
            .into_iter()
            .map(|(_, inode)| inode)
            .collect();
        let device = self.root.own()?.st_dev;
        if !undo && first.old != 0 {
            held.insert((device, first.old));
        }
        for folder in sites.folders() {
            held.extend(refuse::database_in(folder)?);
        }
        for quarantine in sites.quarantines() {
            for name in quarantine.names()? {
                if let Some(stat) = quarantine
                    .stat(&name)?
                    .filter(|stat| is_kind(stat, SFlag::S_IFREG))
                {
                    held.insert((stat.st_dev, stat.st_ino));
                }
            }
        }
        Ok(held)
    }

    /// Nobody has one of these files open, even if only to wait for its lock.
    fn nobody_has(&self, held: &BTreeSet<(u64, u64)>) -> Result<(), Refused> {
        if self.is_copy {
            return Ok(());
        }
        let hint = "stop it, and what starts it again, then try again; nothing has changed";
        match refuse::openers(held) {
            Ok(openers) if openers.is_empty() => Ok(()),
            Ok(openers) => Err(Refused::new(
                format!("{} has a database of this root open", openers.join(", ")),
                hint,
            )),
            Err(error) => Err(Refused::new(
                format!("it could not be told who has a database open: {error}"),
                hint,
            )),
        }
    }

    /// What the steps left, for an undo.
    fn seen(&self, journal: &Journal) -> io::Result<Finished> {
        let own = journal.moves.iter().filter(|step| step.base.is_none());
        let mut paths: Vec<String> = own.map(|step| step.path.clone()).collect();
        for (name, _) in refuse::databases(&self.root)? {
            paths.push(name);
        }
        for folder in self.root.names()? {
            let Some(folder) = folder.to_str() else {
                continue;
            };
            if folder.starts_with("io.containerd.snapshotter.v1.") {
                paths.push(format!("{folder}/snapshots"));
            }
        }
        for (folder, inner) in [
            ("io.containerd.content.v1.content", "ingest"),
            ("io.containerd.grpc.v1.cri", "containers"),
            ("io.containerd.grpc.v1.cri", "sandboxes"),
        ] {
            let is_there = self.root.stat(OsStr::new(folder))?.is_some();
            paths.extend(is_there.then(|| format!("{folder}/{inner}")));
        }
        paths.sort();
        paths.dedup();
        let mut seen = Vec::new();
        for path in paths {
            let whole = Path::new(&path);
            let stat = self
                .root
                .below(whole.parent().unwrap_or(Path::new("")))
                .and_then(|above| above.stat(whole.file_name().unwrap_or_default()))?;
            let row = match stat {
                Some(stat) => (
                    path,
                    stat.st_ino,
                    stat.st_size,
                    stat.st_mtime,
                    stat.st_mtime_nsec,
                ),
                None => (path, 0, 0, 0, 0),
            };
            seen.push(row);
        }
        Ok(Finished {
            boot: boot_id()?,
            seen,
        })
    }

    /// The old databases, which nobody can open any more, are still those that the plan was made for.
    fn is_as_planned(&self, journal: &Journal, quarantine: &Folder) -> Result<(), Refused> {
        let is_done = journal.moves.last().is_some_and(|last| {
            let slot = quarantine.inode(OsStr::new(&last.slot));
            slot.is_ok_and(|slot| slot == last.old)
        });
        if is_done {
            return Ok(());
        }
        let digest = |bytes: Vec<u8>| hex::encode(Sha256::digest(bytes));
        let root = Path::new(&journal.plan.root);
        for input in &journal.plan.inputs {
            let Ok(name) = Path::new(&input.path).strip_prefix(root) else {
                continue;
            };
            let step = journal.moves.iter().skip(1);
            let moved = step
                .filter(|step| step.base.is_none() && Path::new(&step.path) == name)
                .find(|step| {
                    quarantine
                        .inode(OsStr::new(&step.slot))
                        .is_ok_and(|slot| slot == step.old)
                });
            let found = if name == Path::new(&meta_db()) {
                quarantine.read(OsStr::new(STOPPER), LARGEST).ok()
            } else if moved.is_some() {
                // A kill came after this step.
                continue;
            } else {
                let above = self.root.below(name.parent().unwrap_or(Path::new("")));
                above
                    .and_then(|above| above.read(name.file_name().unwrap_or_default(), LARGEST))
                    .ok()
            };
            if found.map(digest) != input.sha256 {
                return Err(Refused::new(
                    format!("{} has changed since the plan was made", input.path),
                    "plan again; nothing has changed",
                ));
            }
        }
        Ok(())
    }

    /// The journal holds no more; what is left in the quarantine was ours.
    fn end(&self, journal: &Journal, sites: &Sites, keep: bool) -> io::Result<()> {
        nix::fcntl::renameat(sites.quarantine.fd(), JOURNAL, sites.quarantine.fd(), ENDED)?;
        sites.quarantine.sync()?;
        if keep {
            return Ok(());
        }
        sites.clean(&self.root, journal)
    }
}

/// The most bytes of a database.
const LARGEST: u64 = 4 << 30;

fn boot_id() -> io::Result<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a file of the kernel's, not of the evidence"
    )]
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a folder of the test's own")]
mod tests;
