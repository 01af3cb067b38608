//! A view of the evidence in which nothing moves: a read-only mount without access times, in a
//! mount namespace of our own.
//!
//! `O_NOATIME` covers what is opened, but not symbolic links, which are read without being opened.
//! Root can do better: in a private mount namespace the evidence is bound over itself read-only,
//! `noatime`, `nodev`; nobody else sees that mount, and it is gone when we are. Unmounts on the
//! machine still reach us (the namespace is a slave), so that no daemon's unmount fails because of
//! us.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::directory::mounts_below;

/// What became of the wish for a private view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrivateView {
    /// The evidence is mounted read-only and without access times, for us alone.
    Mounted,
    /// It is not, and why: access times of symbolic links, and of what could not be opened with
    /// `O_NOATIME`, may move.
    Refused(String),
}

/// Gives the calling thread, and those that it starts later, a private read-only view of the
/// directory `root`. Call it before any thread is started, before [`lockdown`](crate::lockdown()),
/// and before the evidence is opened.
///
/// A live `/` is not bound over itself (our own output may lie on it); its mounts are only made
/// `noatime` for us.
pub fn private_view(root: &Path) -> PrivateView {
    if !nix::unistd::geteuid().is_root() {
        return PrivateView::Refused("only root can make a private mount".into());
    }
    match try_private_view(root) {
        Ok(()) => PrivateView::Mounted,
        Err((what, errno)) => PrivateView::Refused(format!("{what}: {}", errno.desc())),
    }
}

fn try_private_view(root: &Path) -> Result<(), (&'static str, Errno)> {
    let no: Option<&str> = None;
    let root: PathBuf = std::fs::canonicalize(root).map_err(|error| {
        let raw = error.raw_os_error().unwrap_or(0);
        ("the directory cannot be found", Errno::from_raw(raw))
    })?;
    unshare(CloneFlags::CLONE_NEWNS).map_err(|errno| ("no mount namespace", errno))?;
    mount(no, "/", no, MsFlags::MS_REC | MsFlags::MS_SLAVE, no)
        .map_err(|errno| ("mounts cannot be made private", errno))?;
    let mut flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_NOATIME;
    if root != Path::new("/") {
        mount(
            Some(&root),
            &root,
            no,
            MsFlags::MS_BIND | MsFlags::MS_REC,
            no,
        )
        .map_err(|errno| ("the evidence cannot be bound", errno))?;
        flags |= MsFlags::MS_RDONLY | MsFlags::MS_NODEV;
    }
    let mounts = mounts_below(&root);
    // The evidence itself must be there and must work; mounts below it may be refused us.
    let (first, rest) = mounts
        .split_first()
        .filter(|(first, _)| first.0 == root)
        .ok_or(("the mounts cannot be listed", Errno::ENOENT))?;
    mount(no, &first.0, no, flags | first.1, no)
        .map_err(|errno| ("the evidence cannot be mounted read-only", errno))?;
    for (at, kept) in rest {
        let _refused = mount(no, at, no, flags | *kept, no);
    }
    Ok(())
}
