//! From a path to an inode, inside the evidence: `openat2` where the kernel has it, else one
//! component after the other.
//!
//! What is opened here is opened with `O_PATH`: nothing of the file is touched, no FIFO notices.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use finding::{Text, Unread};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::Mode;

use super::Directory;
use crate::{Stat, path};

/// How often the kernel may say that something moved while it looked.
const RETRIES: u32 = 64;

/// An inode, held with `O_PATH`.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) fd: File,
    pub(crate) stat: Stat,
    /// The directory in which the last component was found, and that component: known only if the
    /// path was walked.
    pub(crate) parent: Option<(Arc<File>, OsString)>,
}

impl Handle {
    fn new(fd: File, parent: Option<(Arc<File>, OsString)>) -> Result<Self, Unread> {
        let metadata = fd.metadata().map_err(|error| io(&error))?;
        let stat = Stat::from_metadata(&metadata)?;
        Ok(Self { fd, stat, parent })
    }

    /// The target, if it is a symbolic link.
    pub(crate) fn target(&self) -> Result<Vec<u8>, Unread> {
        readlinkat(self.fd.as_fd(), "")
            .map(OsString::into_vec)
            .map_err(unread)
    }
}

/// What an error of the kernel means for the evidence.
pub(crate) fn unread(errno: Errno) -> Unread {
    match errno {
        // A component that is a file has no names in it.
        Errno::ENOENT | Errno::ENOTDIR => Unread::Absent,
        Errno::EACCES | Errno::EPERM => Unread::Denied,
        other if is_of_disk(other) => Unread::Disk(other.desc().to_owned()),
        other => Unread::Io(other.desc().to_owned()),
    }
}

/// Errors of a disk that is gone or gives errors, of a file system that found itself damaged or was shut
/// down (ext4 and XFS say EIO, EUCLEAN, EFSBADCRC, ESHUTDOWN), and of a network's that lost its server.
const fn is_of_disk(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::EIO
            | Errno::EUCLEAN
            | Errno::EBADMSG
            | Errno::ESHUTDOWN
            | Errno::EREMOTEIO
            | Errno::ENXIO
            | Errno::ENODEV
            | Errno::ENODATA
            | Errno::ENOTCONN
            | Errno::ESTALE
            | Errno::ETIMEDOUT
    )
}

/// As [`unread`], of an error that went through std.
pub(crate) fn io(error: &std::io::Error) -> Unread {
    error.raw_os_error().map_or_else(
        || Unread::Io(error.to_string()),
        |raw| unread(Errno::from_raw(raw)),
    )
}

/// The flags under which something is held.
fn held() -> OFlag {
    OFlag::O_PATH | OFlag::O_CLOEXEC
}

impl Directory {
    /// The inode that `path` names; a link in the last place is not followed.
    pub(crate) fn hold(&self, path: &Path) -> Result<Handle, Unread> {
        self.held_at(path).map_err(|why| match why {
            Unread::Absent if self.is_partial && self.is_left_out(path) => Unread::NotCollected,
            why => why,
        })
    }

    /// Whether the folder below the root that leads to `path` is not there.
    fn is_left_out(&self, path: &Path) -> bool {
        let mut parts = path::components(path.as_os_str().as_bytes());
        let top = parts.find(|part| *part != b"..");
        top.is_some_and(|top| {
            let top = Path::new(OsStr::from_bytes(top));
            matches!(self.held_at(top), Err(Unread::Absent))
        })
    }

    /// Whether this is a folder into which parts of a node were put: it has folders of a root file
    /// system, and not all that every one of them has, in use or on a disk.
    pub(super) fn holds_parts(&self) -> bool {
        const SOME: [&str; 5] = ["etc", "var", "run", "usr", "proc"];
        const ALL: [&str; 4] = ["proc", "sys", "dev", "usr"];
        let is_there = |name: &str| self.held_at(Path::new(name)).is_ok();
        let shows_processes = || {
            let mount = self.mount(Path::new("/proc")).ok().flatten();
            mount.is_some_and(|mount| mount.is_procfs())
        };
        self.name != *"/"
            && SOME.iter().any(|name| is_there(name))
            && !ALL.iter().all(|name| is_there(name))
            && !shows_processes()
    }

    fn held_at(&self, path: &Path) -> Result<Handle, Unread> {
        let relative = path::relative(path);
        if self.walks.load(Ordering::Relaxed) {
            return self.walk(&relative);
        }
        let how = OpenHow::new()
            .flags(held() | OFlag::O_NOFOLLOW)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        for _ in 0..RETRIES {
            match openat2(self.root.as_fd(), &relative, how) {
                Ok(fd) => return Handle::new(File::from(fd), None),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                // No such call, or a seccomp filter that does not know it.
                Err(Errno::ENOSYS | Errno::EPERM | Errno::EOPNOTSUPP) => {
                    self.walks.store(true, Ordering::Relaxed);
                    return self.walk(&relative);
                }
                Err(errno) => return Err(unread(errno)),
            }
        }
        // It never held still: component by component no one can force a retry.
        self.walk(&relative)
    }

    /// As [`hold`](Self::hold), and links in the last place are followed inside the evidence.
    pub(crate) fn hold_followed(&self, path: &Path) -> Result<Handle, Unread> {
        let mut at = path.to_owned();
        let mut first: Option<Text> = None;
        for _ in 0..=self.budget.links {
            let handle = match (self.hold(&at), &first) {
                (Err(Unread::Absent), Some(target)) => {
                    return Err(Unread::Dangling(target.clone()));
                }
                (handle, _) => handle?,
            };
            if !handle.stat.is_symlink() {
                return Ok(handle);
            }
            let target = handle.target()?;
            let shown = Text::from(target.as_slice());
            at = path::follow(&at, &target).ok_or(Unread::Escapes(shown.clone()))?;
            first.get_or_insert(shown);
        }
        Err(Unread::Io("too many symbolic links".into()))
    }

    /// Component by component, each opened below the one before.
    fn walk(&self, relative: &Path) -> Result<Handle, Unread> {
        let mut todo: VecDeque<Vec<u8>> = path::components(relative.as_os_str().as_bytes())
            .map(<[u8]>::to_vec)
            .collect();
        let mut way: Vec<(Arc<File>, Vec<u8>)> = Vec::new();
        let mut links = 0_u32;
        while let Some(name) = todo.pop_front() {
            if name == b".." {
                way.pop();
                continue;
            }
            let parent = way
                .last()
                .map_or_else(|| Arc::clone(&self.root), |(fd, _)| Arc::clone(fd));
            self.refuse_mount(&way)?;
            // Before it is opened: where an automounter does not answer, O_PATH waits as well.
            let reached = way.iter().map(|(_, part)| part.as_slice());
            if let Some(word) = self.refused_at(reached.chain([name.as_slice()])) {
                return Err(Unread::Special(word));
            }
            let flags = held() | OFlag::O_NOFOLLOW;
            let fd = openat(
                parent.as_fd(),
                OsStr::from_bytes(&name),
                flags,
                Mode::empty(),
            )
            .map_err(unread)?;
            let parent = (parent, OsString::from_vec(name.clone()));
            let handle = Handle::new(File::from(fd), Some(parent))?;
            if todo.is_empty() {
                return Ok(handle);
            }
            if handle.stat.is_symlink() {
                links = links.saturating_add(1);
                if links > self.budget.links {
                    return Err(Unread::Io("too many symbolic links".into()));
                }
                let target = handle.target()?;
                if target.starts_with(b"/") {
                    way.clear();
                }
                for part in path::components(&target).rev() {
                    todo.push_front(part.to_vec());
                }
            } else if handle.stat.is_dir() {
                way.push((Arc::new(handle.fd), name));
                if way.len() > usize::try_from(self.budget.depth).unwrap_or(usize::MAX) {
                    return Err(Unread::Io("path is too deep".into()));
                }
            } else {
                return Err(Unread::Absent);
            }
        }
        let (fd, parent) = match way.pop() {
            Some((fd, name)) => {
                let parent = way
                    .last()
                    .map_or_else(|| Arc::clone(&self.root), |(fd, _)| Arc::clone(fd));
                (fd, Some((parent, OsString::from_vec(name))))
            }
            None => (Arc::clone(&self.root), None),
        };
        let fd = fd.try_clone().map_err(|error| io(&error))?;
        Handle::new(fd, parent)
    }

    /// An error if the directory that was reached lies on a mount that is not looked into.
    fn refuse_mount(&self, way: &[(Arc<File>, Vec<u8>)]) -> Result<(), Unread> {
        let parts = way.iter().map(|(_, part)| part.as_slice());
        self.refused_at(parts)
            .map_or(Ok(()), |word| Err(Unread::Special(word)))
    }

    /// What the mount at exactly this path is called, if it is not looked into.
    pub(crate) fn refused_at<'p>(
        &self,
        parts: impl Iterator<Item = &'p [u8]>,
    ) -> Option<&'static str> {
        if self.refused.is_empty() {
            return None;
        }
        let joined = parts.collect::<Vec<_>>().join(&b'/');
        let mount = self.refused.iter().find(|mount| mount.at == joined)?;
        Some(mount.word)
    }

    /// The first link on the way to `path` that leads above the root, taken as text, and its
    /// target. Such a link is clamped to the root when it stands in the middle of a path.
    pub(crate) fn clamped(&self, path: &Path) -> Option<Text> {
        let mut at = PathBuf::from("/");
        for part in path::components(path.as_os_str().as_bytes()) {
            at.push(OsStr::from_bytes(part));
            for _ in 0..self.budget.links {
                let handle = self.hold(&at).ok()?;
                if !handle.stat.is_symlink() {
                    break;
                }
                let target = handle.target().ok()?;
                match path::follow(&at, &target) {
                    Some(next) => at = next,
                    None => return Some(Text::from(target)),
                }
            }
        }
        None
    }
}
