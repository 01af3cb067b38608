//! Two places whose contents a step exchanges.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use nix::fcntl::{RenameFlags, renameat2};

use crate::disk::{Folder, Inode, split};

/// The name of the empty files of a rehearsal.
pub(crate) const REHEARSAL: &str = ".coroner-rehearsal";

/// Two places whose contents a step exchanges.
#[derive(Debug)]
pub(crate) struct Pair {
    place: Folder,
    place_name: OsString,
    slot: Folder,
    slot_name: OsString,
}

impl Pair {
    /// `path` below `root`, and `slot` in the quarantine.
    pub(crate) fn open(
        root: &Folder,
        path: &str,
        quarantine: &Folder,
        slot: &str,
    ) -> io::Result<Self> {
        let (above, name) = split(path)?;
        let (_, slot_name) = split(slot)?;
        Ok(Self {
            place: root.below(above)?,
            place_name: name.to_owned(),
            slot: quarantine.below(Path::new(""))?,
            slot_name: slot_name.to_owned(),
        })
    }

    /// Two names of one folder.
    pub(crate) fn within(folder: &Folder, one: &str, other: &str) -> io::Result<Self> {
        Self::open(folder, one, folder, other)
    }

    pub(crate) fn inodes(&self) -> io::Result<(Inode, Inode)> {
        Ok((
            self.place.inode(&self.place_name)?,
            self.slot.inode(&self.slot_name)?,
        ))
    }

    /// Exchanges the two, or moves the one that is there; then syncs both folders.
    pub(crate) fn exchange_synced(&self) -> io::Result<()> {
        self.exchange()?;
        self.place.sync()?;
        self.slot.sync()
    }

    /// Exchanges the two, or moves the one that is there. Neither folder is synced.
    pub(crate) fn exchange(&self) -> io::Result<()> {
        let (place, slot) = self.inodes()?;
        match (place, slot) {
            (0, 0) => {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    "neither place holds anything",
                ));
            }
            (0, _) => renameat2(
                self.slot.fd(),
                self.slot_name.as_os_str(),
                self.place.fd(),
                self.place_name.as_os_str(),
                RenameFlags::RENAME_NOREPLACE,
            )?,
            (_, 0) => renameat2(
                self.place.fd(),
                self.place_name.as_os_str(),
                self.slot.fd(),
                self.slot_name.as_os_str(),
                RenameFlags::RENAME_NOREPLACE,
            )?,
            _ => renameat2(
                self.place.fd(),
                self.place_name.as_os_str(),
                self.slot.fd(),
                self.slot_name.as_os_str(),
                RenameFlags::RENAME_EXCHANGE,
            )?,
        }
        Ok(())
    }

    /// The folder of the place.
    pub(crate) fn into_folder(self) -> Folder {
        self.place
    }

    /// Tries an exchange of two empty files between the two folders, and takes them away again: what
    /// would fail later fails here, with nothing changed.
    pub(crate) fn rehearse(&self) -> io::Result<()> {
        let name = OsStr::new(REHEARSAL);
        for folder in [&self.place, &self.slot] {
            folder.remove(name)?;
        }
        self.place.write(name, b"", None)?;
        let tried = self.slot.write(name, b"", None).and_then(|()| {
            let done = renameat2(
                self.place.fd(),
                name,
                self.slot.fd(),
                name,
                RenameFlags::RENAME_EXCHANGE,
            );
            done.map_err(io::Error::from)
        });
        for folder in [&self.place, &self.slot] {
            folder.remove(name)?;
        }
        tried
    }
}
