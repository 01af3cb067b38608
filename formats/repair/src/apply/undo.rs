//! Taking a repair back.

use node::Phase;

use super::seen::is_in_effect;
use super::sites::Sites;
use super::{Done, Failed, Store, refused};
use crate::journal::{self, Journal, State};
use crate::refuse::Purpose;

impl Store {
    /// Takes the last repair back.
    ///
    /// # Errors
    /// [`Failed`] says whether anything has changed. After a daemon has run it is refused, unless
    /// `anyway`: what the daemon wrote since stays in the quarantine then.
    pub fn undo(&self, anyway: bool) -> Result<Done, Failed> {
        self.clear()?;
        let Some((journal, _)) = self.journals()?.pop() else {
            return Ok(Done::NothingToUndo);
        };
        self.may(&journal.plan, Purpose::Undo)?;
        let sites = Sites::open(&self.node, &self.root, &journal, true)?;
        let state = journal::state(&sites.quarantine)?;
        // Half-way, meta.db is a directory: no daemon ran.
        let has_run = is_in_effect(&journal, &sites)
            && state.seen.as_ref() != Some(&self.seen(&journal, &sites)?);
        if has_run && !anyway {
            return Err(refused(
                "a daemon has run since the repair, or the machine was started again: what was written since would be lost",
                "keep the node as it is; with --anyway the files of before come back, and those of now stay in the quarantine",
            ));
        }
        self.take_back(
            &journal,
            &sites,
            State {
                phase: Phase::Undoing,
                keep: has_run || state.keep,
                seen: state.seen,
            },
        )
    }

    fn take_back(&self, journal: &Journal, sites: &Sites, state: State) -> Result<Done, Failed> {
        let half_way = |error| Failed::HalfWay {
            plan: journal.plan.id.clone(),
            error,
        };
        let [first, others @ .., last] = journal.moves.as_slice() else {
            return Err(half_way(std::io::Error::other("the journal is empty")));
        };
        let held = self.old_databases(first, sites, true)?;
        let quarantine = &sites.quarantine;
        let was_in_effect = is_in_effect(journal, sites);
        // Everything was back already, and meta.db is in its place: only the end was not told.
        let was_back = !was_in_effect && sites.is_done(last)?;
        journal::set_state(quarantine, &state)?;
        sites.back([last]).map_err(half_way)?;
        if let Err(why) = self.nobody_has(&held) {
            if was_in_effect {
                sites.forward([last]).map_err(half_way)?;
                let phase = Phase::Finished;
                journal::set_state(quarantine, &State { phase, ..state }).map_err(half_way)?;
            } else if was_back {
                sites.back([first]).map_err(half_way)?;
            }
            return Err(Failed::Refused(vec![why]));
        }
        sites.back(others.iter().rev()).map_err(half_way)?;
        sites.back([first]).map_err(half_way)?;
        self.end(journal, sites, state.keep).map_err(half_way)?;
        Ok(Done::Undone {
            plan: journal.plan.id.clone(),
        })
    }
}
