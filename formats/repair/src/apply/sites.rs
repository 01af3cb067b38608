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
use crate::journal::{Journal, Move};
use crate::plan::QUARANTINE;

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
            let folder = Folder::inside(node, Path::new(base))?;
            let site = Site {
                quarantine: folder.below(Path::new(&name(&plan.id)))?,
                _lock: Some(lock(&folder)?),
                folder,
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

    fn of(&self, base: Option<&str>) -> io::Result<(&Folder, &Folder)> {
        let Some(base) = base else {
            return Ok((&self.root, &self.quarantine));
        };
        let site = self.others.get(base);
        let site = site.ok_or_else(|| io::Error::other("a folder of the journal is not open"))?;
        Ok((&site.folder, &site.quarantine))
    }

    /// Does a step unless it was done.
    pub(super) fn forward(&self, step: &Move) -> io::Result<()> {
        if self.is_forgotten(step.base.as_deref()) {
            return Ok(());
        }
        let (folder, quarantine) = self.of(step.base.as_deref())?;
        step.forward(folder, quarantine)
    }

    /// Takes a step back unless it was taken back.
    pub(super) fn back(&self, step: &Move) -> io::Result<()> {
        if self.is_forgotten(step.base.as_deref()) {
            return Ok(());
        }
        let (folder, quarantine) = self.of(step.base.as_deref())?;
        step.back(folder, quarantine)
    }

    /// Tries an exchange between the two folders of a step.
    pub(super) fn rehearse(&self, step: &Move) -> io::Result<()> {
        let (folder, quarantine) = self.of(step.base.as_deref())?;
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

    /// Removes the quarantines after everything is back: they hold nothing but what was staged. One
    /// that holds something else stays.
    pub(super) fn clean(&self, root: &Folder, journal: &Journal) -> io::Result<()> {
        let plan = &journal.plan.id;
        for (base, site) in &self.others {
            if is_ours(&site.quarantine, Some(base), journal)? {
                clean(&site.folder, plan)?;
            }
        }
        if is_ours(&self.quarantine, None, journal)? {
            clean(root, plan)?;
        }
        Ok(())
    }
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
