//! Writing everything new beside, before the first step.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use evidence::Evidence;
use nix::sys::stat::SFlag;
use node::Phase;
use sha2::{Digest as _, Sha256};

use super::sites::{self, Sites};
use super::{Failed, STOPPER, Store, boot_id, meta_db, refused};
use crate::disk::{Folder, is_kind};
use crate::journal::{self, JOURNAL, Journal, Move};
use crate::make::Made;
use crate::pair::REHEARSAL;
use crate::plan::{Action, MadeOf, Plan, Step};
use crate::unpack;

/// Files of the state that are copied to the root's quarantine, at most.
const KEPT: u64 = 1 << 20;

/// The plan of an attempt that has not begun.
pub(crate) const STAGING: &str = "staging.json";

/// What is being staged.
struct Staging<'s> {
    store: &'s Store,
    made: &'s Made,
    evidence: Option<&'s Evidence>,
    moves: Vec<Move>,
}

impl Store {
    /// Clears what attempts left that were killed before their journal was written, or when
    /// everything was back: nothing had changed.
    ///
    /// A quarantine that has neither a journal nor a plan whose attempt had not begun may hold the only
    /// copy of something: it stays.
    pub(super) fn clear(&self) -> io::Result<()> {
        for (id, quarantine) in journal::quarantines(&self.root)? {
            let state = journal::state(&quarantine)?;
            if state.phase == Phase::Ended && !state.keep {
                self.clear_one(
                    &id,
                    journal::load::<Journal>(&quarantine, JOURNAL)?.map(|one| one.plan),
                )?;
                continue;
            }
            if quarantine.stat(OsStr::new(JOURNAL))?.is_some() {
                continue;
            }
            let plan = journal::load::<Plan>(&quarantine, STAGING)?;
            let is_bare = quarantine
                .names()?
                .iter()
                .all(|name| name.to_str().is_some_and(journal::is_bookkeeping));
            if plan.is_some() || is_bare {
                self.clear_one(&id, plan)?;
            }
        }
        Ok(())
    }

    /// Clears what an attempt left that had not begun, as the next one would: a plan that is made anew is
    /// then made of the node alone.
    pub fn clear_attempts(&self) {
        // Where nothing can be written, what stands against that is said later.
        let _ = self.clear();
    }

    fn clear_one(&self, id: &str, plan: Option<Plan>) -> io::Result<()> {
        if let Some(plan) = plan {
            let places = plan
                .steps
                .iter()
                .map(|step| (step.base.as_deref(), step.path.clone()));
            for (base, path) in places.chain([(None, meta_db())]) {
                let folder = sites::folder(&self.node, &self.root, base);
                let above = Path::new(&path)
                    .parent()
                    .unwrap_or(Path::new(""))
                    .to_owned();
                if let Ok(above) = folder.and_then(|folder| folder.below(&above)) {
                    above.remove(OsStr::new(REHEARSAL))?;
                }
            }
            for base in plan.bases() {
                if let Ok(folder) = sites::folder(&self.node, &self.root, Some(base)) {
                    sites::clean(&folder, id)?;
                }
            }
        }
        sites::clean(&self.root, id)
    }

    /// Writes every new file beside, and says what the steps will be.
    pub(super) fn stage(
        &self,
        made: &Made,
        evidence: Option<&Evidence>,
    ) -> Result<Journal, Failed> {
        let plan = &made.plan;
        let name = plan.quarantine();
        let bases: Vec<Option<&str>> = core::iter::once(None)
            .chain(plan.bases().into_iter().map(Some))
            .collect();
        for base in &bases {
            let folder = sites::folder(&self.node, &self.root, *base)?;
            // What is there is of an attempt that ended before its journal was written.
            sites::clean(&folder, &plan.id)?;
            folder.make(OsStr::new(&name))?;
            if base.is_none() {
                // From now on, whatever a kill leaves can be found.
                let quarantine = folder.below(Path::new(&name))?;
                journal::store(&quarantine, STAGING, plan)?;
            }
        }
        let staging = Staging {
            store: self,
            made,
            evidence,
            moves: Vec::new(),
        };
        let staged = staging.run();
        if staged.is_err() {
            for base in &bases {
                if let Ok(folder) = sites::folder(&self.node, &self.root, *base) {
                    let _ = sites::clean(&folder, &plan.id);
                }
            }
        }
        staged
    }
}

impl Staging<'_> {
    fn plan(&self) -> &Plan {
        &self.made.plan
    }

    fn folder(&self, base: Option<&str>) -> io::Result<Folder> {
        sites::folder(&self.store.node, &self.store.root, base)
    }

    fn quarantine(&self, base: Option<&str>) -> io::Result<Folder> {
        self.folder(base)?
            .below(Path::new(&self.plan().quarantine()))
    }

    fn run(mut self) -> Result<Journal, Failed> {
        let own = self.quarantine(None)?;
        own.make(OsStr::new(STOPPER))?;
        for (number, step) in self.made.plan.steps.iter().enumerate() {
            self.step(number, step)?;
        }
        self.stop(&own)?;
        let mut bases = self
            .plan()
            .bases()
            .into_iter()
            .map(Some)
            .collect::<Vec<_>>();
        bases.push(None);
        for base in bases {
            let quarantine = self.quarantine(base)?;
            quarantine.sync()?;
            nix::unistd::syncfs(quarantine.fd()).map_err(io::Error::from)?;
            self.folder(base)?.sync()?;
        }
        let number = self
            .store
            .journals()?
            .last()
            .map_or(0, |(last, _)| last.number);
        let journal = Journal {
            plan: self.plan().clone(),
            number: number.saturating_add(1),
            boot: boot_id()?,
            moves: self.moves,
        };
        let sites = Sites::open(&self.store.node, &self.store.root, &journal, false)?;
        // Of all steps in one folder one tells.
        let mut rehearsed = BTreeSet::new();
        let is_new = |step: &&Move| {
            let above = Path::new(&step.path).parent().map(Path::to_owned);
            rehearsed.insert((step.base.clone(), above))
        };
        for step in journal.moves.iter().filter(is_new) {
            sites.rehearse(step).map_err(|error| {
                refused(
                    format!("the folder of {} cannot be written to: {error}", step.path),
                    "repair a copy of the whole root on one file system",
                )
            })?;
        }
        sites.reserve(self.store.seen(&journal, &sites)?, &journal)?;
        Ok(journal)
    }

    fn step(&mut self, number: usize, step: &Step) -> Result<(), Failed> {
        let slot = format!("slot-{number}");
        let path = Path::new(&step.path);
        let folder = self.folder(step.base.as_deref())?;
        let quarantine = self.quarantine(step.base.as_deref())?;
        let above = self.above(&folder, step)?;
        // A folder that an earlier step makes is not there yet: nothing stands in it.
        let old = match &above {
            Some(above) => above.stat(path.file_name().unwrap_or_default())?,
            None => None,
        };
        if step.action == Action::Put {
            self.put(step, &quarantine, &slot, old.as_ref())?;
            self.keep(number, step, above.as_ref())?;
        }
        self.moves.push(Move {
            base: step.base.clone(),
            path: step.path.clone(),
            new: quarantine.inode(OsStr::new(&slot))?,
            slot,
            old: old.map_or(0, |old| old.st_ino),
        });
        Ok(())
    }

    /// The folder that a step's name is in.
    #[expect(clippy::unused_self, reason = "a step of the stage, as the others")]
    fn above(&self, folder: &Folder, step: &Step) -> Result<Option<Folder>, Failed> {
        let path = Path::new(&step.path);
        match folder.below(path.parent().unwrap_or(Path::new(""))) {
            Ok(above) => Ok(Some(above)),
            Err(error) => Err(sites::unreachable(&step.place(), &error)),
        }
    }

    fn put(
        &self,
        step: &Step,
        quarantine: &Folder,
        slot: &str,
        old: Option<&nix::sys::stat::FileStat>,
    ) -> Result<(), Failed> {
        let name = OsStr::new(slot);
        let wrong = || {
            refused(
                format!("{} would not be what the plan says", step.place()),
                "plan again",
            )
        };
        match &step.made_of {
            MadeOf::Bytes => {
                let bytes = self.made.files.get(&step.place());
                let bytes =
                    bytes.ok_or_else(|| io::Error::other("a file of the plan is not there"))?;
                if step.sha256.as_deref() != Some(hex::encode(Sha256::digest(bytes)).as_str()) {
                    return Err(wrong());
                }
                let like = old.filter(|old| is_kind(old, SFlag::S_IFREG));
                quarantine.write(name, bytes, like)?;
                if like.is_none() {
                    quarantine.set_mode(name, step.mode.unwrap_or(0o644))?;
                } else {
                    self.copy_labels(step, quarantine, slot)?;
                }
            }
            MadeOf::Folder => {
                quarantine.make(name)?;
                let within = format!("{}/", step.place());
                for (place, bytes) in &self.made.files {
                    if let Some(inner) = place.strip_prefix(&within) {
                        quarantine.write_below(&Path::new(slot).join(inner), bytes)?;
                    }
                }
                quarantine.set_folder_mode(name, step.mode.unwrap_or(0o755))?;
            }
            MadeOf::Link { from } => {
                self.folder(step.base.as_deref())?
                    .link(Path::new(from), quarantine, name)?;
            }
            MadeOf::Copy { from, member } => {
                let donor = self.donor(from)?;
                let file = donor
                    .reader(Path::new(member))
                    .map_err(|why| io::Error::other(format!("{from}: {member}: {why}")))?;
                let digest = quarantine.copy(name, file, step.mode.unwrap_or(0o444))?;
                if step.sha256.as_deref() != Some(hex::encode(digest).as_str()) {
                    return Err(wrong());
                }
            }
            MadeOf::Layer {
                blob,
                diff_id,
                below,
                source,
            } => {
                quarantine.make(name)?;
                let below = below
                    .iter()
                    .map(|path| self.lower(step, path))
                    .collect::<io::Result<Vec<_>>>()?;
                let evidence = match source {
                    Some(source) => self.donor(source)?,
                    None => self
                        .evidence
                        .ok_or_else(|| io::Error::other("the evidence is not open"))?,
                };
                let found = unpack::layer(
                    evidence,
                    &PathBuf::from(blob),
                    &quarantine.below(Path::new(slot))?,
                    &below,
                )?;
                if found != *diff_id {
                    return Err(wrong());
                }
            }
        }
        Ok(())
    }

    /// A store that something is taken from.
    fn donor(&self, from: &str) -> io::Result<&Evidence> {
        let mut donors = self.made.donors.iter();
        let donor = donors.find(|donor| donor.from == from);
        let donor = donor.ok_or_else(|| io::Error::other(format!("{from} is not open")))?;
        Ok(donor.evidence())
    }

    /// The files of a layer below: those that a step before this one has staged, else those in place.
    fn lower(&self, step: &Step, path: &str) -> io::Result<Folder> {
        let staged = self
            .moves
            .iter()
            .find(|other| other.base == step.base && other.path == path && other.new != 0);
        match staged {
            Some(other) => self
                .quarantine(step.base.as_deref())?
                .below(&Path::new(&other.slot).join("fs")),
            None => self
                .folder(step.base.as_deref())?
                .below(&Path::new(path).join("fs")),
        }
    }

    /// What the state had is copied to where a reboot leaves it.
    fn keep(&self, number: usize, step: &Step, above: Option<&Folder>) -> Result<(), Failed> {
        let is_state = step
            .base
            .as_deref()
            .is_some_and(|base| Path::new(base).starts_with(&self.plan().state));
        let Some(above) = above.filter(|_| is_state) else {
            return Ok(());
        };
        let name = Path::new(&step.path).file_name().unwrap_or_default();
        let is_file = above
            .stat(name)?
            .is_some_and(|stat| is_kind(&stat, SFlag::S_IFREG));
        if is_file {
            let bytes = above.read_file(name, KEPT)?;
            self.quarantine(None)?
                .write(OsStr::new(&format!("kept-{number}")), &bytes, None)?;
        }
        Ok(())
    }

    /// The stopper takes the place of meta.db first, and meta.db that of the stopper last: a new one,
    /// or the old one again.
    fn stop(&mut self, quarantine: &Folder) -> Result<(), Failed> {
        let stopper = quarantine.inode(OsStr::new(STOPPER))?;
        let meta = self
            .store
            .root
            .below(Path::new(node::META_DIR))
            .map_err(|error| sites::unreachable(&meta_db(), &error))?
            .inode(OsStr::new("meta.db"))?;
        let is_meta = |step: &Move| step.base.is_none() && step.path == meta_db();
        let turn = |old, new| Move {
            base: None,
            path: meta_db(),
            slot: STOPPER.to_owned(),
            old,
            new,
        };
        for step in self.moves.iter_mut().filter(|step| is_meta(step)) {
            step.old = stopper;
        }
        self.moves.sort_by_key(is_meta);
        if !self.moves.last().is_some_and(is_meta) {
            if meta == 0 {
                return Err(refused(
                    "the plan does not bring meta.db back",
                    "plan again",
                ));
            }
            self.moves.push(turn(stopper, meta));
        }
        self.moves.insert(0, turn(meta, stopper));
        Ok(())
    }

    fn copy_labels(&self, step: &Step, quarantine: &Folder, slot: &str) -> io::Result<()> {
        let path = Path::new(&step.path);
        let above = self
            .folder(step.base.as_deref())?
            .below(path.parent().unwrap_or(Path::new("")))?;
        let from = above.proc().join(path.file_name().unwrap_or_default());
        let to = quarantine.proc().join(slot);
        for attribute in xattr::list(&from)? {
            if attribute.as_encoded_bytes().starts_with(b"security.")
                && let Some(value) = xattr::get(&from, &attribute)?
            {
                xattr::set(&to, &attribute, &value)?;
            }
        }
        Ok(())
    }
}
