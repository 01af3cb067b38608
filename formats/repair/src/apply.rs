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
//! Killed at any point, the next [`apply`] or [`undo`] goes on from what the places hold.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::stat::{Mode, SFlag};
use sha2::{Digest as _, Sha256};

use crate::disk::{Folder, is_kind};
use crate::journal::{self, FINISHED, Finished, JOURNAL, Journal, Move};
use crate::make::{Made, Refused};
use crate::plan::{Action, Plan};
use crate::refuse;

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
    root: Folder,
    shown: std::path::PathBuf,
    is_copy: bool,
    _lock: Flock<std::os::fd::OwnedFd>,
}

impl Store {
    /// Takes containerd's root at `path` for a repair. `is_copy`: no daemon and no container uses it,
    /// so that processes and mounts need not be asked.
    ///
    /// # Errors
    /// It cannot be opened, or another repair is at work.
    pub fn open(path: &Path, is_copy: bool) -> Result<Self, Failed> {
        let shown = path.canonicalize()?;
        let root = Folder::root(&shown)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = nix::fcntl::open(&shown, flags, Mode::empty()).map_err(io::Error::from)?;
        let lock = Flock::lock(fd, FlockArg::LockExclusiveNonblock);
        let lock = lock.map_err(|_| {
            refused(
                "another repair is at work on this root",
                "wait until it has ended",
            )
        })?;
        Ok(Self {
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
            refuse::all(&self.root, &self.shown, plan)
        }
    }

    /// Puts `made` into effect, or goes on where an attempt stopped.
    ///
    /// # Errors
    /// [`Failed`] says whether anything has changed.
    pub fn apply(&self, made: &Made) -> Result<Done, Failed> {
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
        self.is_there(plan)?;
        let journal = self.stage(made)?;
        let quarantine = self.quarantine(&plan.id)?;
        journal::store(&quarantine, JOURNAL, &journal)?;
        self.steps(&journal, &quarantine)
    }

    /// Goes on with a repair that stopped half-way.
    ///
    /// # Errors
    /// [`Failed`] says whether anything has changed.
    pub fn go_on(&self, plan: &str) -> Result<Done, Failed> {
        let quarantine = self.quarantine(plan)?;
        let journal = journal::load::<Journal>(&quarantine, JOURNAL)?;
        let journal = journal
            .ok_or_else(|| refused(format!("the repair {plan} has no journal"), "plan again"))?;
        if quarantine.stat(OsStr::new(UNDOING))?.is_some() {
            quarantine.unlink(OsStr::new(UNDOING))?;
            quarantine.sync()?;
        }
        self.steps(&journal, &quarantine)
    }

    fn quarantine(&self, plan: &str) -> io::Result<Folder> {
        let name = format!("{}{plan}", crate::plan::QUARANTINE);
        self.root.below(Path::new(&name))
    }

    /// What a step moves away must be there.
    fn is_there(&self, plan: &Plan) -> Result<(), Failed> {
        for step in plan
            .steps
            .iter()
            .filter(|step| step.action == Action::Remove)
        {
            let path = Path::new(&step.path);
            let above = self.root.below(path.parent().unwrap_or(Path::new("")))?;
            if above.inode(path.file_name().unwrap_or_default())? == 0 {
                return Err(refused(
                    format!("{} is not there any more", step.path),
                    "plan again",
                ));
            }
        }
        Ok(())
    }

    /// Writes every new file beside, and says what the steps will be.
    fn stage(&self, made: &Made) -> Result<Journal, Failed> {
        let plan = &made.plan;
        let name = plan.quarantine();
        if self.root.stat(OsStr::new(&name))?.is_some() {
            // An attempt that ended before its journal was written.
            self.clean(&plan.id)?;
        }
        self.root.make(OsStr::new(&name))?;
        let staged = self.stage_into(made);
        if staged.is_err() {
            let _ = self.clean(&plan.id);
        }
        staged
    }

    fn stage_into(&self, made: &Made) -> Result<Journal, Failed> {
        let plan = &made.plan;
        let quarantine = self.quarantine(&plan.id)?;
        quarantine.make(OsStr::new(STOPPER))?;
        let mut moves = Vec::new();
        for (number, step) in plan.steps.iter().enumerate() {
            let slot = format!("slot-{number}");
            let path = Path::new(&step.path);
            let above = self.root.below(path.parent().unwrap_or(Path::new("")));
            let above = above.map_err(|error| {
                let why = match error.raw_os_error() {
                    Some(18) => "it is on another mount than the root".to_owned(),
                    Some(40) => "a link leads to it".to_owned(),
                    _ => error.to_string(),
                };
                refused(
                    format!("{} cannot be written to: {why}", step.path),
                    "repair a copy of the whole root on one file system",
                )
            })?;
            let old = above.stat(path.file_name().unwrap_or_default())?;
            if step.action == Action::Put {
                let bytes = made
                    .files
                    .get(&step.path)
                    .ok_or_else(|| io::Error::other("a file of the plan is not there"))?;
                let found = hex::encode(Sha256::digest(bytes));
                if step.sha256.as_deref() != Some(found.as_str()) {
                    return Err(refused(
                        format!("{} would not be what the plan says", step.path),
                        "plan again",
                    ));
                }
                let like = old.filter(|old| is_kind(old, SFlag::S_IFREG));
                quarantine.write(OsStr::new(&slot), bytes, like.as_ref())?;
                if like.is_none() {
                    quarantine.set_mode(OsStr::new(&slot), 0o644)?;
                } else {
                    self.copy_labels(&step.path, &quarantine, &slot)?;
                }
            }
            moves.push(Move {
                path: step.path.clone(),
                new: quarantine.inode(OsStr::new(&slot))?,
                slot,
                old: old.map_or(0, |old| old.st_ino),
            });
        }
        self.stop(&mut moves, &quarantine)?;
        quarantine.sync()?;
        nix::unistd::syncfs(quarantine.fd()).map_err(io::Error::from)?;
        self.root.sync()?;
        for step in &moves {
            step.pair(&self.root, &quarantine)?
                .rehearse()
                .map_err(|error| {
                    refused(
                        format!("the folder of {} cannot be written to: {error}", step.path),
                        "repair a copy of the whole root on one file system",
                    )
                })?;
        }
        Ok(Journal {
            plan: plan.clone(),
            boot: boot_id()?,
            moves,
        })
    }

    /// The stopper takes the place of meta.db first, and the new meta.db that of the stopper last.
    fn stop(&self, moves: &mut Vec<Move>, quarantine: &Folder) -> Result<(), Failed> {
        let stopper = quarantine.inode(OsStr::new(STOPPER))?;
        let meta = self
            .root
            .below(Path::new(node::META_DIR))?
            .inode(OsStr::new("meta.db"))?;
        let first = Move {
            path: meta_db(),
            slot: STOPPER.to_owned(),
            old: meta,
            new: stopper,
        };
        for step in moves.iter_mut().filter(|step| step.path == meta_db()) {
            step.old = stopper;
        }
        moves.sort_by_key(|step| step.path == meta_db());
        if moves.last().is_none_or(|last| last.path != meta_db()) {
            return Err(refused("the plan does not end with meta.db", "plan again"));
        }
        moves.insert(0, first);
        Ok(())
    }

    fn copy_labels(&self, path: &str, quarantine: &Folder, slot: &str) -> io::Result<()> {
        use std::os::fd::AsRawFd;
        let path = Path::new(path);
        let above = self.root.below(path.parent().unwrap_or(Path::new("")))?;
        let name = |folder: &Folder, name: &OsStr| {
            Path::new("/proc/self/fd")
                .join(folder.fd().as_raw_fd().to_string())
                .join(name)
        };
        let from = name(&above, path.file_name().unwrap_or_default());
        let to = name(quarantine, OsStr::new(slot));
        for attribute in xattr::list(&from)? {
            if attribute.as_encoded_bytes().starts_with(b"security.")
                && let Some(value) = xattr::get(&from, &attribute)?
            {
                xattr::set(&to, &attribute, &value)?;
            }
        }
        Ok(())
    }

    /// All steps, from wherever they stopped.
    fn steps(&self, journal: &Journal, quarantine: &Folder) -> Result<Done, Failed> {
        let half_way = |error| Failed::HalfWay {
            plan: journal.plan.id.clone(),
            error,
        };
        let Some((first, others)) = journal.moves.split_first() else {
            return Err(half_way(io::Error::other("the journal is empty")));
        };
        let held = self
            .old_databases(first, quarantine, false)
            .map_err(half_way)?;
        first.forward(&self.root, quarantine).map_err(half_way)?;
        if let Err(why) = self
            .nobody_has(&held)
            .and_then(|()| is_as_planned(journal, quarantine))
        {
            first.back(&self.root, quarantine).map_err(half_way)?;
            self.end(&journal.plan.id, quarantine).map_err(half_way)?;
            return Err(Failed::Refused(vec![why]));
        }
        for step in others {
            step.forward(&self.root, quarantine).map_err(half_way)?;
        }
        let finished = self.seen(journal).map_err(half_way)?;
        journal::store(quarantine, FINISHED, &finished).map_err(half_way)?;
        Ok(Done::Applied {
            steps: others.len(),
        })
    }

    /// The inodes of the databases that a daemon may hold: those in place, and the one that the
    /// stopper has moved.
    fn old_databases(
        &self,
        first: &Move,
        quarantine: &Folder,
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
        for name in quarantine.names()? {
            if let Some(stat) = quarantine
                .stat(&name)?
                .filter(|stat| is_kind(stat, SFlag::S_IFREG))
            {
                held.insert((stat.st_dev, stat.st_ino));
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
        let mut seen = Vec::new();
        let mut paths: Vec<String> = journal.moves.iter().map(|step| step.path.clone()).collect();
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
        paths.sort();
        paths.dedup();
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

    /// Takes the last repair back.
    ///
    /// # Errors
    /// [`Failed`] says whether anything has changed. After a daemon has run it is refused, unless
    /// `anyway`: what the daemon wrote since would be lost.
    pub fn undo(&self, anyway: bool) -> Result<Done, Failed> {
        let Some((plan, is_finished)) = self.repairs()?.pop() else {
            return Ok(Done::NothingToUndo);
        };
        let quarantine = self.quarantine(&plan.id)?;
        let journal = journal::load::<Journal>(&quarantine, JOURNAL)?;
        let journal =
            journal.ok_or_else(|| refused("the journal is gone", "nothing can be undone"))?;
        let refusals: Vec<Refused> = self.refusals(&plan).into_iter().collect();
        if !refusals.is_empty() {
            return Err(Failed::Refused(refusals));
        }
        if is_finished && !anyway {
            let finished = journal::load::<Finished>(&quarantine, FINISHED)?;
            let now = self.seen(&journal)?;
            let changed = finished.is_none_or(|then| then != now);
            if changed {
                return Err(refused(
                    "a daemon has run since the repair, or the machine was started again: what was written since would be lost",
                    "keep the node as it is; with --anyway the files of before come back, and those of now are deleted",
                ));
            }
        }
        self.take_back(&journal, &quarantine)
    }

    fn take_back(&self, journal: &Journal, quarantine: &Folder) -> Result<Done, Failed> {
        let half_way = |error| Failed::HalfWay {
            plan: journal.plan.id.clone(),
            error,
        };
        let Some((first, others)) = journal.moves.split_first() else {
            return Err(half_way(io::Error::other("the journal is empty")));
        };
        let held = self.old_databases(first, quarantine, true)?;
        let finished = journal::load::<Finished>(quarantine, FINISHED)?;
        journal::store(quarantine, UNDOING, &journal.plan.id)?;
        if quarantine.stat(OsStr::new(FINISHED))?.is_some() {
            quarantine.unlink(OsStr::new(FINISHED))?;
        }
        quarantine.sync()?;
        if let Some(last) = others.last() {
            last.back(&self.root, quarantine).map_err(half_way)?;
            if let Err(why) = self.nobody_has(&held) {
                last.forward(&self.root, quarantine).map_err(half_way)?;
                if let Some(finished) = finished {
                    journal::store(quarantine, FINISHED, &finished).map_err(half_way)?;
                    quarantine.unlink(OsStr::new(UNDOING)).map_err(half_way)?;
                }
                return Err(Failed::Refused(vec![why]));
            }
        }
        for step in others.iter().rev() {
            step.back(&self.root, quarantine).map_err(half_way)?;
        }
        first.back(&self.root, quarantine).map_err(half_way)?;
        self.end(&journal.plan.id, quarantine).map_err(half_way)?;
        Ok(Done::Undone {
            plan: journal.plan.id.clone(),
        })
    }

    /// The journal holds no more; what is left in the quarantine was ours.
    fn end(&self, plan: &str, quarantine: &Folder) -> io::Result<()> {
        nix::fcntl::renameat(quarantine.fd(), JOURNAL, quarantine.fd(), ENDED)?;
        quarantine.sync()?;
        self.clean(plan)
    }

    /// Removes a quarantine that holds nothing but what was staged: files, and empty folders.
    fn clean(&self, plan: &str) -> io::Result<()> {
        let quarantine = self.quarantine(plan)?;
        for name in quarantine.names()? {
            quarantine.unlink(&name)?;
        }
        self.root
            .unlink(OsStr::new(&format!("{}{plan}", crate::plan::QUARANTINE)))?;
        self.root.sync()
    }
}

fn boot_id() -> io::Result<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a file of the kernel's, not of the evidence"
    )]
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}

/// The old meta.db, which nobody can open any more, is still the one that the plan was made for.
fn is_as_planned(journal: &Journal, quarantine: &Folder) -> Result<(), Refused> {
    let suffix = meta_db();
    let input = journal
        .plan
        .inputs
        .iter()
        .find(|input| input.path.ends_with(&suffix));
    let want = input.and_then(|input| input.sha256.clone());
    let found = quarantine
        .read(OsStr::new(STOPPER), 1 << 30)
        .ok()
        .map(|bytes| hex::encode(Sha256::digest(&bytes)));
    let is_done = journal.moves.last().is_some_and(|last| {
        let slot = quarantine.inode(OsStr::new(&last.slot));
        slot.is_ok_and(|slot| slot == last.old)
    });
    if is_done || want == found {
        return Ok(());
    }
    Err(Refused::new(
        "meta.db has changed since the plan was made",
        "plan again; nothing has changed",
    ))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a folder of the test's own")]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::plan::{BringsBack, Held, Input, SCHEMA, Step};

    /// A root with a meta.db, a folder that goes, and a file that comes.
    fn root() -> (tempfile::TempDir, Made) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join(node::META_DIR)).unwrap();
        fs::write(root.join(meta_db()), b"old").unwrap();
        fs::create_dir_all(root.join("store/gone/inner")).unwrap();
        fs::write(root.join("store/gone/inner/file"), b"kept").unwrap();
        let sha256 = |bytes: &[u8]| Some(hex::encode(Sha256::digest(bytes)));
        let step = |action, path: &str, bytes: Option<&[u8]>| Step {
            action,
            path: path.to_owned(),
            sha256: bytes.and_then(sha256),
            size: None,
            why: String::new(),
        };
        let plan = Plan {
            schema: SCHEMA.to_owned(),
            id: "0123456789ab".to_owned(),
            made_at: "2026-01-01T00:00:00Z".to_owned(),
            node: None,
            config: None,
            daemon: None,
            root: "/".to_owned(),
            state: "/".to_owned(),
            release: String::new(),
            names: Vec::new(),
            inputs: vec![Input {
                path: meta_db(),
                sha256: sha256(b"old"),
            }],
            wrong: Vec::new(),
            steps: vec![
                step(Action::Remove, "store/gone", None),
                step(Action::Put, "store/come", Some(b"come")),
                step(Action::Put, &meta_db(), Some(b"new")),
            ],
            brings_back: BringsBack::default(),
            edits: Vec::new(),
            lost: Vec::new(),
            held: Held::default(),
            unknown: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            collected: Vec::new(),
            bytes: 0,
        };
        let files = BTreeMap::from([
            ("store/come".to_owned(), b"come".to_vec()),
            (meta_db(), b"new".to_vec()),
        ]);
        (folder, Made { plan, files })
    }

    fn meta(root: &Path) -> Vec<u8> {
        fs::read(root.join(meta_db())).unwrap()
    }

    fn is_new(root: &Path) {
        assert_eq!(meta(root), b"new");
        assert_eq!(fs::read(root.join("store/come")).unwrap(), b"come");
        assert!(!root.join("store/gone").exists());
    }

    fn is_old(root: &Path) {
        assert_eq!(meta(root), b"old");
        assert!(!root.join("store/come").exists());
        assert_eq!(
            fs::read(root.join("store/gone/inner/file")).unwrap(),
            b"kept"
        );
        let names: Vec<_> = fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    /// Stops after the journal and this many steps, as a kill would.
    fn stopped_after(count: usize, back: usize) -> (tempfile::TempDir, Made) {
        let (folder, made) = root();
        let store = Store::open(folder.path(), true).unwrap();
        let journal = store.stage(&made).unwrap();
        let quarantine = store.quarantine(&made.plan.id).unwrap();
        journal::store(&quarantine, JOURNAL, &journal).unwrap();
        assert_eq!(journal.moves.len(), 4);
        for step in journal.moves.iter().take(count) {
            step.forward(&store.root, &quarantine).unwrap();
        }
        for step in journal.moves.iter().take(count).rev().take(back) {
            step.back(&store.root, &quarantine).unwrap();
        }
        (folder, made)
    }

    #[test]
    fn wherever_it_stops_it_goes_on_to_the_new_or_back_to_the_old() {
        for count in 0..=4 {
            for back in 0..=count {
                let (folder, made) = stopped_after(count, back);
                let store = Store::open(folder.path(), true).unwrap();
                assert!(
                    matches!(store.apply(&made), Ok(Done::Applied { .. })),
                    "{count} {back}"
                );
                is_new(folder.path());
                assert!(matches!(store.apply(&made), Ok(Done::AlreadyApplied)));
                assert!(matches!(store.undo(false), Ok(Done::Undone { .. })));
                is_old(folder.path());

                let (folder, _) = stopped_after(count, back);
                let store = Store::open(folder.path(), true).unwrap();
                assert!(
                    matches!(store.undo(false), Ok(Done::Undone { .. })),
                    "{count} {back}"
                );
                is_old(folder.path());
                assert!(matches!(store.undo(false), Ok(Done::NothingToUndo)));
            }
        }
    }

    #[test]
    fn between_the_first_and_the_last_step_meta_db_is_a_directory() {
        for count in 1..4 {
            let (folder, _) = stopped_after(count, 0);
            assert!(folder.path().join(meta_db()).is_dir(), "{count}");
        }
    }

    #[test]
    fn a_missing_meta_db_is_missing_again_after_an_undo() {
        let (folder, mut made) = root();
        fs::remove_file(folder.path().join(meta_db())).unwrap();
        for input in &mut made.plan.inputs {
            input.sha256 = None;
        }
        let store = Store::open(folder.path(), true).unwrap();
        assert!(matches!(store.apply(&made), Ok(Done::Applied { .. })));
        is_new(folder.path());
        assert!(matches!(store.undo(false), Ok(Done::Undone { .. })));
        assert!(!folder.path().join(meta_db()).exists());
    }

    #[test]
    fn what_changed_meanwhile_is_not_overwritten() {
        let (folder, made) = root();
        fs::write(folder.path().join(meta_db()), b"another").unwrap();
        let store = Store::open(folder.path(), true).unwrap();
        assert!(matches!(store.apply(&made), Err(Failed::Refused(_))));
        assert_eq!(meta(folder.path()), b"another");
        let (folder, made) = stopped_after(2, 0);
        fs::write(folder.path().join("store/come"), b"somebody else's").unwrap();
        let store = Store::open(folder.path(), true).unwrap();
        assert!(matches!(store.apply(&made), Err(Failed::HalfWay { .. })));
        assert_eq!(
            fs::read(folder.path().join("store/come")).unwrap(),
            b"somebody else's"
        );
    }

    #[test]
    fn after_a_daemon_has_run_an_undo_is_refused() {
        let (folder, made) = root();
        let store = Store::open(folder.path(), true).unwrap();
        assert!(matches!(store.apply(&made), Ok(Done::Applied { .. })));
        fs::write(folder.path().join(meta_db()), b"the daemon's").unwrap();
        assert!(matches!(store.undo(false), Err(Failed::Refused(_))));
        assert_eq!(meta(folder.path()), b"the daemon's");
    }

    #[test]
    fn two_repairs_at_once_are_refused() {
        let (folder, _) = root();
        let _store = Store::open(folder.path(), true).unwrap();
        assert!(matches!(
            Store::open(folder.path(), true),
            Err(Failed::Refused(_))
        ));
    }

    #[test]
    fn a_link_below_the_root_is_never_followed() {
        let (folder, made) = root();
        let outside = tempfile::tempdir().unwrap();
        fs::remove_dir_all(folder.path().join("store")).unwrap();
        fs::create_dir(outside.path().join("gone")).unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("store")).unwrap();
        let store = Store::open(folder.path(), true).unwrap();
        assert!(store.apply(&made).is_err());
        assert!(outside.path().join("gone").is_dir());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }
}
