//! A new directory, with all that is in it.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use evidence::Placing;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::syncfs;

use super::{Spot, hidden, unfinished, unwritable};
use crate::Failure;

/// A directory that is not in its place yet; dropped, it is gone.
#[derive(Debug)]
pub struct NewTree {
    spot: Spot,
    hidden: OsString,
    top: File,
    is_put: bool,
}

impl NewTree {
    /// A directory that is going to stand at `place`, where nothing is.
    ///
    /// # Errors
    /// Something is there, or nothing can be made there.
    pub fn at(place: &Path) -> Result<Self, Failure> {
        let spot = Spot::at(place)?;
        let hidden = hidden();
        let make = || {
            mkdirat(&*spot.folder, hidden.as_os_str(), Mode::S_IRWXU)?;
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            openat(&*spot.folder, hidden.as_os_str(), flags, Mode::empty())
        };
        let top = make().map_err(|errno| unwritable(place, &errno.into()))?;
        spot.keep_right(Placing::Tree);
        Ok(Self {
            spot,
            hidden,
            top: File::from(top),
            is_put: false,
        })
    }

    /// Where it will stand.
    pub fn place(&self) -> &Path {
        &self.spot.place
    }

    /// Where it is until then.
    pub fn path(&self) -> PathBuf {
        self.spot.place.with_file_name(&self.hidden)
    }

    /// The directory, open.
    pub const fn top(&self) -> &File {
        &self.top
    }

    /// Puts it in its place, on the disk for good, with these permissions; whatever came there
    /// meanwhile stays.
    ///
    /// # Errors
    /// It could not be completed: then nothing of it is left.
    pub fn put(mut self, mode: u32) -> Result<(), Failure> {
        let put = || -> io::Result<()> {
            fchmod(&self.top, Mode::from_bits_truncate(mode))?;
            syncfs(&self.top)?;
            self.spot.rename(&self.hidden)?;
            self.spot.sync()
        };
        let done = put();
        self.is_put = done.is_ok();
        done.map_err(|error| unfinished(&self.spot.place, &error))
    }
}

impl Drop for NewTree {
    fn drop(&mut self) {
        if self.is_put {
            return;
        }
        // In the folder that is held open, whatever its path leads to by now.
        let folder = format!("/proc/self/fd/{}", self.spot.folder.as_raw_fd());
        let path = Path::new(&folder).join(&self.hidden);
        // What cannot be removed is hidden.
        let _ = std::fs::remove_dir_all(path);
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "tests look at files of their own"
)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_whole_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("tree");
        let tree = NewTree::at(&place).unwrap();
        std::fs::write(tree.path().join("file"), b"x").unwrap();
        assert!(!place.exists());
        tree.put(0o755).unwrap();
        assert_eq!(std::fs::read(place.join("file")).unwrap(), b"x");
        assert!(NewTree::at(&place).is_err());
        // What came meanwhile stays.
        let place = folder.path().join("other");
        let tree = NewTree::at(&place).unwrap();
        std::fs::create_dir(&place).unwrap();
        assert!(tree.put(0o755).is_err());
    }
}
