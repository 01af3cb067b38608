//! From an inode to its bytes: only regular files and directories are ever opened.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use finding::Unread;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Whence, lseek};
use view::Span;

use super::Directory;
use super::walk::{Handle, io, unread};
use crate::Stat;
use crate::content::{Content, Extent, Place};
use crate::patience::within;

/// Stretches of data that are told apart in one sparse file; what follows is read as one.
const EXTENTS: usize = 1 << 16;

/// An open file and what it was when it was opened.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    pub(crate) file: Arc<File>,
    before: Stat,
}

impl Watch {
    pub(crate) fn unchanged(&self) -> Result<(), Unread> {
        let metadata = self.file.metadata().map_err(|error| io(&error))?;
        let now = Stat::from_metadata(&metadata)?;
        if now.is_unchanged_since(&self.before) {
            Ok(())
        } else {
            Err(Unread::Changed)
        }
    }
}

/// The name under which `/proc` shows what we hold open.
pub(crate) fn own_fd(fd: &File) -> PathBuf {
    Path::new("/proc/self/fd").join(fd.as_raw_fd().to_string())
}

impl Directory {
    /// Opens a regular file or a directory that is held for reading, without moving its atime
    /// where that is possible.
    pub(crate) fn reopen(&self, handle: &Handle) -> Result<File, Unread> {
        let kind = match handle.stat.kind {
            crate::FileKind::File => OFlag::empty(),
            crate::FileKind::Dir => OFlag::O_DIRECTORY,
            other => return Err(Unread::Special(other.word())),
        };
        // O_NONBLOCK: should something else have taken the name (which can only happen without
        // /proc), then at least nobody waits.
        let usual = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | kind;
        let file = match self.open_once(handle, usual | OFlag::O_NOATIME)? {
            Err(Errno::EPERM) => {
                self.moves_atimes.store(true, Ordering::Relaxed);
                self.open_once(handle, usual)?
            }
            opened => opened,
        };
        let file = file.map_err(unread)?;
        let metadata = file.metadata().map_err(|error| io(&error))?;
        let stat = Stat::from_metadata(&metadata)?;
        if (stat.kind, stat.dev, stat.ino) != (handle.stat.kind, handle.stat.dev, handle.stat.ino) {
            return Err(Unread::Changed);
        }
        Ok(file)
    }

    fn open_once(&self, handle: &Handle, flags: OFlag) -> Result<Result<File, Errno>, Unread> {
        let is_live = self.outer.is_none() && handle.stat.kind == crate::FileKind::File;
        let mut tries = 0_u32;
        loop {
            let opened = match &handle.parent {
                _ if self.has_proc && is_live => open_within(handle, flags)?,
                _ if self.has_proc => open(&own_fd(&handle.fd), flags, Mode::empty()),
                Some((parent, name)) => openat(
                    parent.as_fd(),
                    name.as_os_str(),
                    flags | OFlag::O_NOFOLLOW,
                    Mode::empty(),
                ),
                // The root itself.
                None => openat(handle.fd.as_fd(), ".", flags, Mode::empty()),
            };
            tries = tries.saturating_add(1);
            match opened {
                Ok(fd) => return Ok(Ok(File::from(fd))),
                Err(Errno::EAGAIN | Errno::EINTR) if tries < 64 => {}
                Err(errno) => return Ok(Err(errno)),
            }
        }
    }

    /// A regular file's contents, ready to be read, links in the last place followed.
    pub(crate) fn content(&self, path: &Path) -> Result<(Stat, Content, Watch), Unread> {
        let handle = self.hold_followed(path)?;
        if let Some(unread) = handle.stat.kind.unread() {
            return Err(unread);
        }
        let file = Arc::new(self.reopen(&handle)?);
        let metadata = file.metadata().map_err(|error| io(&error))?;
        let stat = Stat::from_metadata(&metadata)?;
        let content = Content {
            len: stat.size,
            extents: extents(&file, stat.size),
        };
        let before = stat.clone();
        Ok((stat, content, Watch { file, before }))
    }
}

/// How long the kernel may take to open a file of a node that lives: a disk that has to start takes less.
const OPENED: Duration = Duration::from_secs(15);

/// Opens a file of a node that lives, where a scanner may have to allow it first.
fn open_within(handle: &Handle, flags: OFlag) -> Result<Result<OwnedFd, Errno>, Unread> {
    let held = handle.fd.try_clone().map_err(|error| io(&error))?;
    let late =
        "it does not open: its disk, or a scanner that must allow it (fanotify), does not answer";
    within(OPENED, late, move || {
        Ok(open(&own_fd(&held), flags, Mode::empty()))
    })
}

/// The stretches of a file that are not holes, as far as its file system tells.
fn extents(file: &Arc<File>, size: u64) -> Vec<Extent> {
    let extent = |start: u64, end: u64| Extent {
        span: Span::new(start, end.saturating_sub(start)),
        place: Place::File(Arc::clone(file), start),
    };
    let seek = |at: u64, whence| -> Result<u64, Errno> {
        let at = i64::try_from(at).map_err(|_| Errno::EOVERFLOW)?;
        let found = lseek(file.as_fd(), at, whence)?;
        u64::try_from(found).map_err(|_| Errno::EOVERFLOW)
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < size {
        let start = match seek(at, Whence::SeekData) {
            Ok(start) if start < size => start,
            // Only a hole until the end.
            Ok(_) | Err(Errno::ENXIO) => break,
            // The file system does not tell: all of it is data.
            Err(_) => at,
        };
        let end = match seek(start, Whence::SeekHole) {
            Ok(end) if end > start && found.len() < EXTENTS => end.min(size),
            _ => size,
        };
        found.push(extent(start, end));
        at = end;
    }
    found
}
