//! A new file.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use evidence::Placing;
use evidence::floor::Guard;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use super::{Spot, hidden, unfinished, unwritable};
use crate::Failure;

/// A file that is not in its place yet; dropped, it is gone.
#[derive(Debug)]
pub struct NewFile {
    spot: Spot,
    file: Arc<File>,
    guard: Arc<Mutex<Guard>>,
    /// Where it ends, if it ends in a hole.
    end: Arc<AtomicU64>,
    /// Its name until then, where it has one.
    hidden: Option<OsString>,
}

/// Writes to a [`NewFile`]; the disk is not filled.
#[derive(Debug, Clone)]
pub struct FileWriter {
    file: Arc<File>,
    guard: Arc<Mutex<Guard>>,
    end: Arc<AtomicU64>,
}

/// What a file may be read and written by, before the process's mask.
const MODE: Mode = Mode::from_bits_truncate(0o666);

impl NewFile {
    /// A file that is going to stand at `place`, where nothing is.
    ///
    /// # Errors
    /// Something is there, or nothing can be made there.
    pub fn at(place: &Path) -> Result<Self, Failure> {
        let spot = Spot::at(place)?;
        let (file, hidden) = match nameless(&spot) {
            Some(file) => (file, None),
            None => named(&spot).map_err(|errno| unwritable(place, &errno.into()))?,
        };
        spot.keep_right(match hidden {
            Some(_) => Placing::Rename,
            None => Placing::Link,
        });
        Ok(Self {
            spot,
            file: Arc::new(file),
            guard: Arc::default(),
            end: Arc::default(),
            hidden,
        })
    }

    /// Where it will stand.
    pub fn place(&self) -> &Path {
        &self.spot.place
    }

    /// The file itself: to be read, or to be looked at.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it is written.
    pub fn writer(&self) -> FileWriter {
        FileWriter {
            file: Arc::clone(&self.file),
            guard: Arc::clone(&self.guard),
            end: Arc::clone(&self.end),
        }
    }

    /// Puts it in its place, on the disk for good; whatever came there meanwhile stays.
    ///
    /// # Errors
    /// It could not be completed: then nothing of it is left.
    pub fn put(self) -> Result<(), Failure> {
        let put = self.try_put();
        put.map_err(|error| unfinished(&self.spot.place, &error))
    }

    /// As [`put`](Self::put), with these permissions.
    ///
    /// # Errors
    /// As there.
    pub fn put_with(self, mode: u32) -> Result<(), Failure> {
        let set = self.file.set_permissions(Permissions::from_mode(mode));
        set.map_err(|error| unfinished(&self.spot.place, &error))?;
        self.put()
    }

    fn try_put(&self) -> io::Result<()> {
        let end = self.end.load(Ordering::Relaxed);
        if self.file.metadata()?.len() < end {
            self.file.set_len(end)?;
        }
        self.file.sync_all()?;
        let folder = &*self.spot.folder;
        let name = self.spot.name.as_os_str();
        if let Some(hidden) = &self.hidden {
            self.spot.rename(hidden)?;
        } else {
            let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            let flags = AtFlags::AT_SYMLINK_FOLLOW;
            linkat(AT_FDCWD, own.as_str(), folder, name, flags)?;
        }
        self.spot.sync()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(hidden) = &self.hidden {
            // In its place, it has another name; else what cannot be removed is hidden.
            let folder = &*self.spot.folder;
            let _ = unlinkat(folder, hidden.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// A file without a name, where the disk has such files and they can be given one.
fn nameless(spot: &Spot) -> Option<File> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let file = File::from(openat(&*spot.folder, ".", flags, MODE).ok()?);
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    std::fs::symlink_metadata(own).ok()?;
    Some(file)
}

/// A file with a hidden name.
fn named(spot: &Spot) -> Result<(File, Option<OsString>), Errno> {
    let flags =
        OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let name = hidden();
    let file = openat(&*spot.folder, name.as_os_str(), flags, MODE)?;
    Ok((File::from(file), Some(name)))
}

/// Zeroes that are worth a hole.
const HOLE: usize = 4096;

impl FileWriter {
    /// Leaves so many bytes out: a hole.
    ///
    /// # Errors
    /// No file is so long.
    pub fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = i64::try_from(bytes).map_err(io::Error::other)?;
        let at = (&*self.file).seek(SeekFrom::Current(bytes))?;
        self.end.fetch_max(at, Ordering::Relaxed);
        Ok(())
    }
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Over what was written before, zeroes are data.
        let is_hole = bytes.len() >= HOLE && bytes.iter().all(|byte| *byte == 0);
        if is_hole && (&*self.file).stream_position()? >= self.file.metadata()?.len() {
            self.skip(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
            return Ok(bytes.len());
        }
        if let Ok(mut guard) = self.guard.lock() {
            guard.take(&*self.file, bytes.len())?;
        }
        (&*self.file).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for FileWriter {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (&*self.file).read(into)
    }
}

impl Seek for FileWriter {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&*self.file).seek(to)
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "tests look at files of their own"
)]
mod tests {
    use super::*;

    /// Every name in a folder, hidden ones too.
    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<std::fs::DirEntry>| {
            entry.unwrap().file_name().to_string_lossy().into_owned()
        };
        entries.map(name).collect()
    }

    #[test]
    fn a_file_is_whole_or_absent() {
        for has_name in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join("new");
            let make = || {
                let mut new = NewFile::at(&place).unwrap();
                if has_name {
                    let (file, hidden) = named(&new.spot).unwrap();
                    (new.file, new.hidden) = (Arc::new(file), hidden);
                }
                new.writer().write_all(b"all of it").unwrap();
                new
            };
            let new = make();
            assert!(!place.exists());
            drop(new);
            assert_eq!(names(folder.path()), [""; 0]);
            make().put_with(0o640).unwrap();
            assert_eq!(std::fs::read(&place).unwrap(), b"all of it");
            assert_eq!(names(folder.path()), ["new"]);
            assert!(NewFile::at(&place).is_err());
        }
    }

    #[test]
    fn nothing_is_replaced_and_no_link_is_followed() {
        for has_name in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join("new");
            let mut new = NewFile::at(&place).unwrap();
            if has_name {
                let (file, hidden) = named(&new.spot).unwrap();
                (new.file, new.hidden) = (Arc::new(file), hidden);
            }
            let target = folder.path().join("target");
            std::os::unix::fs::symlink(&target, &place).unwrap();
            assert_eq!(new.put().unwrap_err().exit, crate::Exit::UNWRITTEN);
            assert!(!target.exists());
            assert_eq!(names(folder.path()), ["new"]);
            assert!(NewFile::at(&place).is_err());
        }
    }
}
