//! A root in another mount namespace: `/proc/<pid>/root` of a process that lives in a container, as
//! all of a kind, k3d or Docker-in-Docker node does.
//!
//! [`lockdown`](crate::lockdown()) takes such roots away from us, and what is below them is below no
//! directory of ours: so the root is opened before, and named to it.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, fstat, stat};

use super::mounts::{Refused, mounted_in, refused_in};
use crate::host;

/// A directory that was opened before rights were given up.
#[derive(Debug, Clone)]
pub struct HeldRoot {
    pub(super) root: Arc<File>,
    /// What its own namespace mounts below it, and must not be looked into.
    pub(super) refused: Vec<Refused>,
    /// What that namespace mounts, below this directory: where, and whether read-only.
    pub(super) mounted: Vec<(PathBuf, bool)>,
}

impl HeldRoot {
    /// The directory at `path`, if that leads into the mounts of another process; nothing if an
    /// ordinary path leads there, too.
    pub fn take(path: &Path) -> Option<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = File::from(nix::fcntl::open(path, flags, Mode::empty()).ok()?);
        // Where the links on the way lead, read as text: in our own mounts, that may be elsewhere.
        let canonical = std::fs::canonicalize(path).ok()?;
        let held = fstat(root.as_fd()).ok()?;
        let ours = stat(&canonical).ok();
        if ours.is_some_and(|ours| (ours.st_dev, ours.st_ino) == (held.st_dev, held.st_ino)) {
            return None;
        }
        let table = host::own(&process(path)?.join("mountinfo"))?;
        Some(Self {
            root: Arc::new(root),
            refused: refused_in(&table, &canonical),
            mounted: mounted_in(&table, &canonical),
        })
    }
}

impl AsFd for HeldRoot {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

/// `/proc/<pid>`, where `path` begins with it.
fn process(path: &Path) -> Option<PathBuf> {
    let parts: PathBuf = path.components().take(3).collect();
    let pid = path.components().nth(2)?;
    let is_proc = parts.parent() == Some(Path::new("/proc"));
    let is_pid = matches!(pid, Component::Normal(pid)
        if pid.to_str().is_some_and(|pid| pid.parse::<u32>().is_ok()));
    (is_proc && is_pid).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_not_held() {
        let folder = tempfile::tempdir().unwrap();
        for path in [Path::new("/"), folder.path(), Path::new("/nothing/here")] {
            assert!(HeldRoot::take(path).is_none(), "{}", path.display());
        }
        // Our own root, by the long way.
        let own = PathBuf::from(format!("/proc/{}/root", std::process::id()));
        assert!(HeldRoot::take(&own).is_none());
    }

    #[test]
    fn only_the_folder_of_a_process_is_one() {
        assert_eq!(
            process(Path::new("/proc/17/root/var")),
            Some("/proc/17".into())
        );
        for other in ["/proc/self/root", "/proc", "/srv/17/root", "proc/17/root"] {
            assert_eq!(process(Path::new(other)), None, "{other}");
        }
    }
}
