//! Taking a repair back.

use std::ffi::OsStr;
use std::io;

use super::sites::Sites;
use super::{Done, Failed, Store, UNDOING, refused};
use crate::journal::{self, FINISHED, Finished, Journal};
use crate::make::Refused;

impl Store {
    /// Takes the last repair back.
    ///
    /// # Errors
    /// [`Failed`] says whether anything has changed. After a daemon has run it is refused, unless
    /// `anyway`: what the daemon wrote since stays in the quarantine then.
    pub fn undo(&self, anyway: bool) -> Result<Done, Failed> {
        self.clear()?;
        let Some((plan, is_finished)) = self.repairs()?.pop() else {
            return Ok(Done::NothingToUndo);
        };
        let journal = self.journal(&plan.id)?;
        let refusals: Vec<Refused> = self.refusals(&plan).into_iter().collect();
        if !refusals.is_empty() {
            return Err(Failed::Refused(refusals));
        }
        let sites = Sites::open(&self.node, &self.root, &journal, true)?;
        let mut has_run = false;
        if is_finished {
            let finished = journal::load::<Finished>(&sites.quarantine, FINISHED)?;
            let now = self.seen(&journal)?;
            has_run = finished.is_none_or(|then| then != now);
        }
        if has_run && !anyway {
            return Err(refused(
                "a daemon has run since the repair, or the machine was started again: what was written since would be lost",
                "keep the node as it is; with --anyway the files of before come back, and those of now stay in the quarantine",
            ));
        }
        let began = journal::load::<bool>(&sites.quarantine, UNDOING)?;
        self.take_back(&journal, &sites, has_run || began.unwrap_or(false))
    }

    fn take_back(&self, journal: &Journal, sites: &Sites, keep: bool) -> Result<Done, Failed> {
        let half_way = |error| Failed::HalfWay {
            plan: journal.plan.id.clone(),
            error,
        };
        let Some((first, others)) = journal.moves.split_first() else {
            return Err(half_way(io::Error::other("the journal is empty")));
        };
        let held = self.old_databases(first, sites, true)?;
        let quarantine = &sites.quarantine;
        let finished = journal::load::<Finished>(quarantine, FINISHED)?;
        journal::store(quarantine, UNDOING, &keep)?;
        if quarantine.stat(OsStr::new(FINISHED))?.is_some() {
            quarantine.unlink(OsStr::new(FINISHED))?;
        }
        quarantine.sync()?;
        if let Some(last) = others.last() {
            sites.back(last).map_err(half_way)?;
            if let Err(why) = self.nobody_has(&held) {
                sites.forward(last).map_err(half_way)?;
                if let Some(finished) = finished {
                    journal::store(quarantine, FINISHED, &finished).map_err(half_way)?;
                    quarantine.unlink(OsStr::new(UNDOING)).map_err(half_way)?;
                }
                return Err(Failed::Refused(vec![why]));
            }
        }
        for step in others.iter().rev() {
            sites.back(step).map_err(half_way)?;
        }
        sites.back(first).map_err(half_way)?;
        self.end(journal, sites, keep).map_err(half_way)?;
        Ok(Done::Undone {
            plan: journal.plan.id.clone(),
        })
    }
}
