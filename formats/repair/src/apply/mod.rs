//! Putting a plan into effect, and taking it back.
//!
//! ```text
//! stage     new files beside, in ROOT/.coroner-repair-<plan>/, written and synced
//! rehearse  an exchange of two empty files with every folder that a step writes to
//! journal   which inode stands where: the commit
//! stopper   a directory takes the name meta.db: a daemon that is started on it serves nothing
//!           and deletes nothing
//! openers   who still has the old databases open? then back, and nothing has happened
//! steps     exchanges of names; what was there is in the quarantine; then their folders are synced
//! meta.db   the new one takes the stopper's place
//! ```
//!
//! Before the last step the state says what an undo will want to know: whether a daemon ran since.
//! Killed at any point, the next `apply` or `undo` goes on from what the places hold. Nothing after the
//! commit takes room on the disk.

mod purge;
mod seen;
mod sites;
mod stage;
mod undo;
mod untouched;

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use evidence::Evidence;
use nix::fcntl::Flock;
use node::Phase;

use crate::disk::Folder;
use crate::journal::{self, JOURNAL, Journal, State};
use crate::make::{Made, Refused};
use crate::plan::{Action, Plan};
use crate::refuse::{self, Purpose};
pub use purge::Kept;
use sites::Sites;
pub(crate) use stage::STAGING;

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
        let asker = if is_copy { Vec::new() } else { refuse::asker() };
        if !asker.is_empty() {
            return Err(Failed::Refused(asker));
        }
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

    /// The plans that are in effect or half-way, in the order in which they were applied, and whether
    /// each was finished.
    ///
    /// # Errors
    /// The root cannot be read.
    pub fn repairs(&self) -> io::Result<Vec<(Plan, bool)>> {
        let all = self.journals()?.into_iter();
        Ok(all.map(|(journal, done)| (journal.plan, done)).collect())
    }

    /// A database that this finished repair wrote and that is another file now, or none.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn replaced_since(&self, plan: &str) -> Result<Option<String>, Failed> {
        let journal = self.journal(plan)?;
        let sites = Sites::open(&self.node, &self.root, &journal, true)?;
        // The first is the stopper's.
        for step in journal.moves.iter().skip(1) {
            let is_database = Path::new(&step.path)
                .extension()
                .is_some_and(|end| end == "db");
            if is_database && !sites.is_in_place(step)? {
                return Ok(Some(step.path.clone()));
            }
        }
        Ok(None)
    }

    fn journals(&self) -> io::Result<Vec<(Journal, bool)>> {
        let mut found = Vec::new();
        for (_, quarantine) in journal::quarantines(&self.root)? {
            let Some(journal) = journal::load::<Journal>(&quarantine, JOURNAL)? else {
                continue;
            };
            let phase = journal::state(&quarantine)?.phase;
            if phase != Phase::Ended {
                let is_finished = phase == Phase::Finished && last_is_done(&journal, &quarantine)?;
                found.push((journal, is_finished));
            }
        }
        found.sort_by_key(|(journal, _)| journal.number);
        Ok(found)
    }

    /// What stands against writing to this root now.
    pub fn refusals(&self, plan: &Plan, purpose: Purpose) -> Vec<Refused> {
        if self.is_copy {
            Vec::new()
        } else {
            refuse::all(&self.node, &self.root, &self.shown, plan, purpose)
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
        self.may(plan, Purpose::Apply)?;
        if let Some(why) = refuse::result(plan) {
            return Err(Failed::Refused(vec![why]));
        }
        self.clear()?;
        self.is_there(plan)?;
        let journal = self.stage(made, evidence)?;
        let sites = Sites::open(&self.node, &self.root, &journal, false)?;
        if let Err(error) = journal::store(&sites.quarantine, JOURNAL, &journal) {
            drop(sites);
            // It may be there all the same: then it is the next attempt's.
            let _ = self.clear();
            return Err(Failed::Io(error));
        }
        self.steps(&journal, &sites)
    }

    fn may(&self, plan: &Plan, purpose: Purpose) -> Result<(), Failed> {
        let refusals = self.refusals(plan, purpose);
        if refusals.is_empty() {
            return Ok(());
        }
        Err(Failed::Refused(refusals))
    }

    /// Goes on with a repair that stopped half-way.
    ///
    /// # Errors
    /// [`Failed`] says whether anything has changed.
    pub fn go_on(&self, plan: &str) -> Result<Done, Failed> {
        let journal = self.journal(plan)?;
        self.may(&journal.plan, Purpose::GoOn)?;
        let sites = Sites::open(&self.node, &self.root, &journal, true)?;
        let state = journal::state(&sites.quarantine)?;
        if seen::is_in_effect(&journal, &sites) && state.seen.is_some() {
            // An undo had only begun. What is known of the end of the repair still holds.
            let phase = Phase::Finished;
            journal::set_state(&sites.quarantine, &State { phase, ..state })?;
            let steps = journal.plan.steps.len();
            return Ok(Done::Applied { steps });
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
            let above = folder
                .below(path.parent().unwrap_or(Path::new("")))
                .map_err(|error| sites::unreachable(&step.place(), &error))?;
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
        let ([first, others @ ..], Some(last)) = (journal.moves.as_slice(), journal.moves.last())
        else {
            return Err(half_way(io::Error::other("the journal is empty")));
        };
        let quarantine = &sites.quarantine;
        // Whoever finds the journal gone finds no plan by which to clear away what it named.
        quarantine
            .remove(OsStr::new(stage::STAGING))
            .map_err(half_way)?;
        quarantine.sync().map_err(half_way)?;
        let state = journal::state(quarantine).map_err(half_way)?;
        if state.phase == Phase::Undoing {
            let phase = Phase::Begun;
            let begun = State { phase, ..state };
            journal::set_state(quarantine, &begun).map_err(half_way)?;
        }
        let held = self.old_databases(first, sites, false).map_err(half_way)?;
        sites.forward([first]).map_err(half_way)?;
        if let Err(why) = self
            .nobody_has(&held)
            .and_then(|()| self.is_as_planned(journal, sites))
        {
            // An attempt before this one may have done some of them.
            sites.back(others.iter().rev()).map_err(half_way)?;
            sites.back([first]).map_err(half_way)?;
            self.end(journal, sites, state.keep).map_err(half_way)?;
            return Err(Failed::Refused(vec![why]));
        }
        let but_last = others.len().saturating_sub(1);
        sites
            .forward(others.iter().take(but_last))
            .map_err(half_way)?;
        // What nobody could change in the meantime is known before the last step: after it nothing has
        // to be written, and a kill leaves no repair of which it is not known whether a daemon ran.
        let seen = Some(self.seen(journal, sites).map_err(half_way)?);
        let finished = State {
            phase: Phase::Finished,
            seen,
            keep: state.keep,
        };
        journal::set_state(quarantine, &finished).map_err(half_way)?;
        sites.forward([last]).map_err(half_way)?;
        Ok(Done::Applied {
            steps: journal.plan.steps.len(),
        })
    }

    /// The journal holds no more; what is left in the quarantine was ours.
    fn end(&self, journal: &Journal, sites: &Sites, keep: bool) -> io::Result<()> {
        let ended = State {
            phase: Phase::Ended,
            seen: None,
            keep,
        };
        if keep || !sites.are_ours(journal)? {
            let keep = true;
            return journal::set_state(&sites.quarantine, &State { keep, ..ended });
        }
        journal::set_state(&sites.quarantine, &ended)?;
        sites.clean(&self.root, journal)
    }
}

/// Whether the new meta.db, or the old one again, has its place.
fn last_is_done(journal: &Journal, quarantine: &Folder) -> io::Result<bool> {
    let Some(last) = journal.moves.last() else {
        return Ok(false);
    };
    Ok(quarantine.inode(OsStr::new(&last.slot))? == last.old)
}

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
