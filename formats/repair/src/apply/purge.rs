//! The quarantines of repairs that have ended, emptied by name.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use nix::sys::stat::SFlag;

use node::Phase;

use super::{Failed, Store, refused, sites};
use crate::disk::{Folder, is_kind};
use crate::journal::{self, JOURNAL, Journal, State};

/// A quarantine, and what it keeps.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Kept {
    /// The plan.
    pub plan: String,
    /// When the plan was made; nothing where the journal is gone.
    pub made_at: Option<String>,
    /// `finished`, `half-way`, `undone`; `unknown` where there is no journal.
    pub state: &'static str,
    /// Bytes on disk, of files in it.
    pub bytes: u64,
    /// What was set aside or replaced.
    pub what: Vec<String>,
}

impl Store {
    /// The quarantines in containerd's root, the oldest first.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn kept(&self) -> io::Result<Vec<Kept>> {
        let mut found = Vec::new();
        for (plan, quarantine) in journal::quarantines(&self.root)? {
            let journal = journal::load::<Journal>(&quarantine, JOURNAL)?;
            let phase = journal::state(&quarantine)?.phase;
            let is_done = match &journal {
                Some(journal) => super::last_is_done(journal, &quarantine)?,
                None => false,
            };
            let state = match (&journal, phase) {
                (None, _) => "unknown",
                (Some(_), Phase::Finished) if is_done => "finished",
                (Some(_), Phase::Ended) => "undone",
                (Some(_), _) => "half-way",
            };
            let what = journal.iter().flat_map(|journal| &journal.moves);
            let what = what.filter(|step| {
                quarantine
                    .inode(OsStr::new(&step.slot))
                    .is_ok_and(|inode| inode != 0)
            });
            found.push(Kept {
                bytes: size(&quarantine)?,
                what: what.map(|step| step.path.clone()).collect(),
                made_at: journal.as_ref().map(|journal| journal.plan.made_at.clone()),
                plan,
                state,
            });
        }
        found.sort_by(|one, other| one.made_at.cmp(&other.made_at));
        Ok(found)
    }

    /// Deletes what the repair of this name set aside. It cannot be undone afterwards.
    ///
    /// # Errors
    /// [`Failed`] says whether anything has changed.
    pub fn purge(&self, plan: &str) -> Result<Kept, Failed> {
        let all = self.kept()?;
        let Some(kept) = all.into_iter().find(|kept| kept.plan == plan) else {
            return Err(refused(
                format!("there is no repair {plan}"),
                "`coroner repair purge NODE` lists them",
            ));
        };
        if kept.state == "half-way" {
            return Err(refused(
                format!("the repair {plan} stopped half-way"),
                "go on with it (`coroner repair apply`) or take it back (`coroner repair undo`) first",
            ));
        }
        if kept.state == "unknown" {
            return Err(refused(
                format!(
                    "the quarantine of {plan} has no journal: what is in it may be the only copy"
                ),
                "look at it by hand",
            ));
        }
        let quarantine = self.root.below(Path::new(&sites::name(plan)))?;
        // From now on there is no way back: killed meanwhile, the rest goes with the next attempt.
        let ended = State {
            phase: Phase::Ended,
            ..State::begun()
        };
        journal::set_state(&quarantine, &ended)?;
        if let Some(journal) = journal::load::<Journal>(&quarantine, JOURNAL)? {
            for base in journal.plan.bases() {
                if let Ok(folder) = Folder::inside(&self.node, Path::new(base)) {
                    sites::clean(&folder, plan)?;
                }
            }
        }
        sites::clean(&self.root, plan)?;
        Ok(kept)
    }
}

/// Bytes that the files below a folder take.
fn size(folder: &Folder) -> io::Result<u64> {
    let mut bytes = 0_u64;
    let mut open = vec![folder.below(Path::new(""))?];
    while let Some(folder) = open.pop() {
        for name in folder.names()? {
            let Some(stat) = folder.stat(&name)? else {
                continue;
            };
            let blocks = u64::try_from(stat.st_blocks).unwrap_or(0);
            bytes = bytes.saturating_add(blocks.saturating_mul(512));
            if is_kind(&stat, SFlag::S_IFDIR) {
                open.push(folder.below(Path::new(&name))?);
            }
        }
    }
    Ok(bytes)
}
