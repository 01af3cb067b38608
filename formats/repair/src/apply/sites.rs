//! The folders that a repair writes to: containerd's root, and stores or state outside of it. Each
//! has a quarantine of its own, since names are exchanged within one mount only.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::stat::Mode;

use super::{Failed, boot_id, refused};
use crate::disk::Folder;
use crate::journal::{self, Journal, Move, Seen};
use crate::plan::QUARANTINE;

/// What a folder may take for one more name, and what is kept besides.
const GROWTH: u64 = 16 << 10;
const BALLAST: u64 = 256 << 10;

/// The name of a plan's quarantine.
pub(super) fn name(plan: &str) -> String {
    format!("{QUARANTINE}{plan}")
}

/// Keeps other repairs away from a folder.
pub(super) fn lock(folder: &Folder) -> Result<Flock<OwnedFd>, Failed> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = nix::fcntl::openat(folder.fd(), ".", flags, Mode::empty()).map_err(io::Error::from)?;
    Flock::lock(fd, FlockArg::LockExclusiveNonblock).map_err(|_| {
        let who = crate::refuse::lock_holder(folder)
            .map_or_else(String::new, |pid| format!(" (process {pid})"));
        refused(
            format!("another repair is at work on this root{who}"),
            "wait until it has ended",
        )
    })
}

/// The folder that a step's path is below.
pub(super) fn folder(node: &Folder, root: &Folder, base: Option<&str>) -> io::Result<Folder> {
    match base {
        None => root.below(Path::new("")),
        Some(base) => Folder::inside(node, Path::new(base)),
    }
}

#[derive(Debug)]
struct Site {
    folder: Folder,
    quarantine: Folder,
    _lock: Option<Flock<OwnedFd>>,
}

/// All of them, held open and locked.
#[derive(Debug)]
pub(super) struct Sites {
    root: Folder,
    /// The quarantine in containerd's root, which has the journal.
    pub(super) quarantine: Folder,
    others: BTreeMap<String, Site>,
    /// The folder whose contents a reboot forgets, where there was one since.
    forgotten: Option<String>,
}

impl Sites {
    /// Opens those of a journal. After a reboot, steps on the state are void.
    pub(super) fn open(
        node: &Folder,
        root: &Folder,
        journal: &Journal,
        is_resumed: bool,
    ) -> Result<Self, Failed> {
        let plan = &journal.plan;
        let mut sites = Self {
            root: root.below(Path::new(""))?,
            quarantine: root.below(Path::new(&name(&plan.id)))?,
            others: BTreeMap::new(),
            forgotten: (is_resumed && journal.boot != boot_id()?).then(|| plan.state.clone()),
        };
        for base in plan.bases() {
            if sites.is_forgotten(Some(base)) {
                continue;
            }
            let is_state = Path::new(base).starts_with(&plan.state);
            let folder = Folder::inside(node, Path::new(base));
            let folder = folder.and_then(|folder| {
                let quarantine = folder.below(Path::new(&name(&plan.id)))?;
                Ok((folder, quarantine))
            });
            let (folder, quarantine) = match folder {
                // Emptied without a reboot: what the steps would exchange is gone.
                Err(error) if is_resumed && is_state && error.kind() == io::ErrorKind::NotFound => {
                    sites.forgotten = Some(plan.state.clone());
                    continue;
                }
                folder => folder?,
            };
            let site = Site {
                _lock: Some(lock(&folder)?),
                folder,
                quarantine,
            };
            sites.others.insert(base.to_owned(), site);
        }
        Ok(sites)
    }

    fn is_forgotten(&self, base: Option<&str>) -> bool {
        let (Some(base), Some(state)) = (base, &self.forgotten) else {
            return false;
        };
        Path::new(base).starts_with(state)
    }

    fn folders_of(&self, base: Option<&str>) -> io::Result<(&Folder, &Folder)> {
        let Some(base) = base else {
            return Ok((&self.root, &self.quarantine));
        };
        let site = self.others.get(base);
        let site = site.ok_or_else(|| io::Error::other("a folder of the journal is not open"))?;
        Ok((&site.folder, &site.quarantine))
    }

    /// Does steps unless they were done.
    pub(super) fn forward<'m>(&self, steps: impl IntoIterator<Item = &'m Move>) -> io::Result<()> {
        self.go(steps, Move::forward)
    }

    /// Takes steps back unless they were taken back.
    pub(super) fn back<'m>(&self, steps: impl IntoIterator<Item = &'m Move>) -> io::Result<()> {
        self.go(steps, Move::back)
    }

    /// Each step tells by itself whether it was done, so that their folders need be synced only once, at the end: whatever
    /// comes after that finds all of them done.
    fn go<'m>(
        &self,
        steps: impl IntoIterator<Item = &'m Move>,
        way: impl Fn(&Move, &Folder, &Folder) -> io::Result<Folder>,
    ) -> io::Result<()> {
        let mut changed = BTreeMap::new();
        for step in steps {
            if self.is_forgotten(step.base.as_deref()) {
                continue;
            }
            let (folder, quarantine) = self.folders_of(step.base.as_deref())?;
            // A folder that gets a name more may have to grow: on a full disk the ballast is for that.
            let above = match way(step, folder, quarantine) {
                Err(error) if is_full(&error) && journal::release_ballast(quarantine)? => {
                    way(step, folder, quarantine)
                }
                done => done,
            }?;
            for folder in [above, quarantine.below(Path::new(""))?] {
                let stat = folder.own()?;
                changed.insert((stat.st_dev, stat.st_ino), folder);
            }
        }
        changed.values().try_for_each(Folder::sync)
    }

    /// Whether a step is done; those on what a reboot forgot count as done.
    pub(super) fn is_done(&self, step: &Move) -> io::Result<bool> {
        if self.is_forgotten(step.base.as_deref()) {
            return Ok(true);
        }
        let (_, quarantine) = self.folders_of(step.base.as_deref())?;
        let slot = quarantine.inode(OsStr::new(&step.slot))?;
        Ok(slot == step.old && slot != step.new)
    }

    /// Whether what a step put in its place is still there.
    pub(super) fn is_in_place(&self, step: &Move) -> io::Result<bool> {
        if self.is_forgotten(step.base.as_deref()) {
            return Ok(true);
        }
        let (folder, quarantine) = self.folders_of(step.base.as_deref())?;
        let (place, _) = step.pair(folder, quarantine)?.inodes()?;
        Ok(place == step.new)
    }

    /// Takes the room on the disk that will be needed after the commit: for the state, and for folders
    /// that grow by a name.
    pub(super) fn reserve(&self, seen: Seen, journal: &Journal) -> io::Result<()> {
        let growing = |base: Option<&str>| {
            let moves = journal
                .moves
                .iter()
                .filter(|step| step.base.as_deref() == base);
            let count = moves.filter(|step| step.old == 0 || step.new == 0).count();
            u64::try_from(count)
                .unwrap_or(0)
                .saturating_mul(GROWTH)
                .saturating_add(BALLAST)
        };
        for (base, site) in &self.others {
            journal::make_ballast(&site.quarantine, growing(Some(base)))?;
        }
        journal::reserve(&self.quarantine, seen, growing(None))
    }

    /// Tries an exchange between the two folders of a step.
    pub(super) fn rehearse(&self, step: &Move) -> io::Result<()> {
        let (folder, quarantine) = self.folders_of(step.base.as_deref())?;
        step.pair(folder, quarantine)?.rehearse()
    }

    /// The folders beside containerd's root.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Folder> {
        self.others.values().map(|site| &site.folder)
    }

    pub(super) fn quarantines(&self) -> impl Iterator<Item = &Folder> {
        let others = self.others.values().map(|site| &site.quarantine);
        core::iter::once(&self.quarantine).chain(others)
    }

    /// Whether the quarantines hold nothing but what was staged.
    pub(super) fn are_ours(&self, journal: &Journal) -> io::Result<bool> {
        let mut ours = is_ours(&self.quarantine, None, journal)?;
        for (base, site) in &self.others {
            ours &= is_ours(&site.quarantine, Some(base), journal)?;
        }
        Ok(ours)
    }

    /// Removes the quarantines after everything is back: that with the journal last.
    pub(super) fn clean(&self, root: &Folder, journal: &Journal) -> io::Result<()> {
        let plan = &journal.plan.id;
        for site in self.others.values() {
            clean(&site.folder, plan)?;
        }
        clean(root, plan)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn is_ours(quarantine: &Folder, base: Option<&String>, journal: &Journal) -> io::Result<bool> {
    for step in journal
        .moves
        .iter()
        .filter(|step| step.base.as_ref() == base)
    {
        let found = quarantine.inode(OsStr::new(&step.slot))?;
        let stopper = journal.moves.first().map_or(0, |first| first.new);
        if found != 0 && found != step.new && found != stopper {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes the quarantine of `plan` in `folder`, with all in it.
pub(super) fn clean(folder: &Folder, plan: &str) -> io::Result<()> {
    let name = name(plan);
    if folder.stat(OsStr::new(&name))?.is_some() {
        folder.remove_tree(OsStr::new(&name))?;
        folder.sync()?;
    }
    Ok(())
}

/// A folder that is on another mount, behind a link, or not there.
pub(super) fn unreachable(place: &str, error: &io::Error) -> Failed {
    let why = match error.raw_os_error() {
        Some(18) => "it is on another mount than the root".to_owned(),
        Some(40) => "a link leads to it".to_owned(),
        _ => error.to_string(),
    };
    refused(
        format!("{place} cannot be written to: {why}"),
        "repair a copy of the whole root on one file system",
    )
}
