//! Whether anybody still has the old databases, and whether they are those of the plan.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

use nix::sys::stat::SFlag;
use sha2::{Digest as _, Sha256};

use super::sites::{self, Sites};
use super::{STOPPER, Store, last_is_done, meta_db};
use crate::disk::is_kind;
use crate::journal::{Journal, Move};
use crate::make::Refused;
use crate::refuse;

/// The most bytes of a database.
const LARGEST: u64 = 4 << 30;

impl Store {
    /// The inodes of the databases that a daemon may hold: those in place, and those that the steps
    /// have moved.
    pub(super) fn old_databases(
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
    pub(super) fn nobody_has(&self, held: &BTreeSet<(u64, u64)>) -> Result<(), Refused> {
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
                format!("cannot find out which process has a database open: {error}"),
                hint,
            )),
        }
    }

    /// The old databases, which nobody can open any more, are still those that the plan was made for.
    pub(super) fn is_as_planned(&self, journal: &Journal, sites: &Sites) -> Result<(), Refused> {
        if last_is_done(journal, &sites.quarantine).unwrap_or(false) {
            return Ok(());
        }
        let digest = |bytes: Vec<u8>| hex::encode(Sha256::digest(bytes));
        let root = Path::new(&journal.plan.root);
        for input in &journal.plan.inputs {
            let path = Path::new(&input.path);
            let own = path.strip_prefix(root).ok().map(|name| (None, name));
            let beside = journal.plan.bases().into_iter();
            let mut beside =
                beside.filter_map(|base| Some((Some(base), path.strip_prefix(base).ok()?)));
            let Some((base, name)) = beside.next().or(own) else {
                continue;
            };
            let is_its =
                |step: &&Move| step.base.as_deref() == base && Path::new(&step.path) == name;
            let mut moved = journal.moves.iter().skip(1).filter(is_its);
            let found = if base.is_none() && name == Path::new(&meta_db()) {
                sites
                    .quarantine
                    .read_file(OsStr::new(STOPPER), LARGEST)
                    .ok()
            } else if moved.any(|step| sites.is_done(step).unwrap_or(false)) {
                // A kill came after this step.
                continue;
            } else {
                let folder = sites::folder(&self.node, &self.root, base);
                let above =
                    folder.and_then(|folder| folder.below(name.parent().unwrap_or(Path::new(""))));
                above
                    .and_then(|above| {
                        above.read_file(name.file_name().unwrap_or_default(), LARGEST)
                    })
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
}
