//! Evidence that is a directory: `/`, a mounted image, or any folder that holds a node.

mod disk;
mod held;
mod listing;
mod live;
mod mounts;
mod open;
mod walk;
mod xattrs;

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use finding::{Text, Unknown, Unread};
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};

pub use held::HeldRoot;
pub use listing::{Detailed, Wants};
pub use live::Mount;
pub(crate) use mounts::mounts_below;
pub(crate) use open::Watch;
pub use xattrs::Xattrs;

use crate::cuts::Cuts;
use crate::pages::Stream;
use crate::{Budget, FileKind, Options, Pages, Source, Stat, host, path};
use walk::io;
pub(crate) use walk::unread;

/// How often a file that changes is read again.
const TRIES: u32 = 3;

/// A directory and what must be known to read below it.
#[derive(Debug)]
pub(crate) struct Directory {
    name: Text,
    root: Arc<File>,
    /// The device on which the evidence was put down: that of the folder that holds it. Nothing
    /// for `/`, and for the root of other processes.
    outer: Option<(u32, u32)>,
    budget: Budget,
    /// Whether `/proc` is there and is what it seems.
    has_proc: bool,
    /// Whether `trusted.*` extended attributes are shown to us.
    trusted: bool,
    /// Paths are walked component by component: there is no `openat2`, or no `/proc` (reopening
    /// needs the parent then), or there are mounts that must not be looked into.
    walks: AtomicBool,
    /// Some file could not be opened with `O_NOATIME`.
    moves_atimes: AtomicBool,
    refused: Vec<mounts::Refused>,
    /// What another namespace mounts below this directory, where that is what it shows.
    mounted: Vec<(std::path::PathBuf, bool)>,
    /// Whether it holds parts of a node, put down there by somebody: of a folder that is not beside
    /// the others nothing is known.
    is_partial: bool,
    /// Folders with more entries than are read.
    cuts: Box<Cuts>,
}

impl Directory {
    /// The directory at `name`, which may be a link: it is the analyst's word, not evidence.
    pub(crate) fn open(name: &Path, options: &Options) -> Result<Self, Unread> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let (root, outer, refused) = if let Some(held) = &options.held {
            (Arc::clone(&held.root), None, held.refused.clone())
        } else {
            let root = nix::fcntl::open(name, flags, Mode::empty()).map_err(unread)?;
            let canonical = std::fs::canonicalize(name).map_err(|error| io(&error))?;
            let outer = canonical.parent().and_then(device);
            let refused = mounts::refused(&canonical);
            (Arc::new(File::from(root)), outer, refused)
        };
        let has_proc = statfs("/proc/self/fd")
            .is_ok_and(|file_system| file_system.filesystem_type() == PROC_SUPER_MAGIC);
        let held = options.held.as_ref();
        let mounted = held.map_or_else(Vec::new, |held| held.mounted.clone());
        let mut directory = Self {
            is_partial: false,
            mounted,
            name: Text::from(name.as_os_str().as_bytes()),
            root,
            outer,
            budget: options.budget.clone(),
            has_proc,
            trusted: host::sees_trusted_xattrs(),
            walks: AtomicBool::new(!has_proc || !refused.is_empty()),
            moves_atimes: AtomicBool::new(false),
            refused,
            cuts: Box::default(),
        };
        directory.is_partial = directory.holds_parts();
        Ok(directory)
    }

    /// Of which folders entries were left out.
    pub(crate) fn left_out(&self) -> Vec<Unknown> {
        self.cuts.all()
    }

    pub(crate) const fn name(&self) -> &Text {
        &self.name
    }

    /// From now on, paths begin at this directory, as if it had been named: what lies on its own
    /// file system lies on a disk of the node, all else where the evidence was put down.
    pub(crate) fn begin_at(&mut self, path: &Path) -> Result<(), Unread> {
        let handle = self.hold_followed(path)?;
        if !handle.stat.is_dir() {
            return Err(Unread::Special(handle.stat.kind.word()));
        }
        let above = path.parent().unwrap_or(path);
        let outer = self.hold_followed(above)?.stat.dev;
        let prefix = path::relative(path);
        let prefix = [prefix.as_os_str().as_bytes(), b"/"].concat();
        self.refused.retain_mut(|mount| {
            let below = mount.at.strip_prefix(prefix.as_slice()).map(<[u8]>::to_vec);
            below.is_some_and(|below| {
                mount.at = below;
                true
            })
        });
        self.mounted = mounts::from(&self.mounted, path);
        self.outer = outer;
        self.root = Arc::new(handle.fd);
        self.is_partial = self.holds_parts();
        Ok(())
    }

    /// What the reader of a report should know.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.moves_atimes.load(Ordering::Relaxed) {
            notes.push(
                "some files were opened without O_NOATIME (only their owner and root may ask for \
                 it): their atimes may have moved"
                    .into(),
            );
        }
        if !self.has_proc {
            notes.push(
                "there is no /proc: between looking at a file and opening it, something else \
                 could have taken its name"
                    .into(),
            );
        }
        for mount in &self.refused {
            let at = Text::from(mount.at.as_slice());
            notes.push(format!(
                "/{at} is a mount of type {}; it was not looked into",
                mount.kind
            ));
        }
        notes
    }

    pub(crate) fn stat(&self, path: &Path) -> Result<Stat, Unread> {
        self.hold(path).map(|handle| handle.stat)
    }

    pub(crate) fn read_link(&self, path: &Path) -> Result<Text, Unread> {
        let handle = self.hold(path)?;
        if handle.stat.is_symlink() {
            handle.target().map(Text::from)
        } else {
            Err(Unread::Special(handle.stat.kind.word()))
        }
    }

    pub(crate) fn source(&self, path: &Path, limit: u64, torn: bool) -> Result<Source, Unread> {
        let mut tries = 0_u32;
        loop {
            tries = tries.saturating_add(1);
            let (stat, content, watch) = self.content(path)?;
            let whole = content.whole(limit);
            let unchanged = watch.unchanged();
            match (whole, unchanged) {
                (Ok(bytes), Ok(())) => {
                    return Ok(Source::new(path::shown(path), stat, bytes, false));
                }
                (Err(Unread::Changed), _) | (_, Err(Unread::Changed)) if tries < TRIES => {}
                (Ok(bytes), Err(Unread::Changed)) if torn => {
                    return Ok(Source::new(path::shown(path), stat, bytes, true));
                }
                (Err(why), _) | (_, Err(why)) => return Err(why),
            }
        }
    }

    pub(crate) fn pages(&self, path: &Path) -> Result<Pages, Unread> {
        let (stat, content, watch) = self.content(path)?;
        Ok(Pages::new(path::shown(path), stat, content, Some(watch)))
    }

    pub(crate) fn reader(&self, path: &Path) -> Result<Box<dyn Read + Send + '_>, Unread> {
        let (_, content, watch) = self.content(path)?;
        Ok(Box::new(Stream::new(content, Some(watch))))
    }
}

/// The device of a folder (the analyst's word, not evidence).
fn device(folder: &Path) -> Option<(u32, u32)> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = nix::fcntl::open(folder, flags, Mode::empty()).ok()?;
    Stat::from_metadata(&File::from(fd).metadata().ok()?)
        .ok()?
        .dev
}

/// The file at `path` (the analyst's word, not evidence), if it is a regular one; nothing if it
/// may be a directory.
pub(crate) fn bundle(path: &Path) -> Result<Option<File>, Unread> {
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    let fd = File::from(nix::fcntl::open(path, flags, Mode::empty()).map_err(unread)?);
    let metadata = fd.metadata().map_err(|error| io(&error))?;
    let stat = Stat::from_metadata(&metadata)?;
    match stat.kind {
        FileKind::Dir => Ok(None),
        FileKind::File => {
            let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
            let file = nix::fcntl::open(path, flags, Mode::empty()).map_err(unread)?;
            let file = File::from(file);
            let metadata = file.metadata().map_err(|error| io(&error))?;
            // Something else may have taken the name: only what was looked at is read.
            if Stat::from_metadata(&metadata)?.kind == FileKind::File {
                Ok(Some(file))
            } else {
                Err(Unread::Changed)
            }
        }
        other => Err(Unread::Special(other.word())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use finding::Known;

    use super::*;
    use crate::Entry;

    /// What a directory says of everything in it, in words.
    fn said(directory: &Directory) -> Vec<String> {
        let mut todo = vec![std::path::PathBuf::from("/")];
        let mut said = Vec::new();
        for path in [
            "/up/x",
            "/in/x",
            "/loop",
            "/x/below",
            "/a/../in/../x",
            "/none",
            "/../..",
        ] {
            let ino = directory.stat(Path::new(path)).map(|stat| stat.ino);
            said.push(format!("{path} {ino:?}"));
        }
        while let Some(path) = todo.pop() {
            let listed = directory.list(&path);
            let is_dir = directory.stat(&path).is_ok_and(|stat| stat.is_dir());
            let entries = listed.iter().filter_map(Known::read).flatten();
            for entry in entries.filter(|_| is_dir) {
                todo.push(path.join(path::path(entry.name.bytes())));
            }
            let source = directory.source(&path, 100, false);
            let source = source.map(|source| source.bytes().to_vec());
            let link = directory.read_link(&path);
            let clamped = directory.clamped(&path);
            // Not the whole stat: access times of links move when they are read.
            let names = listed.map(|known| {
                let name = |entry: Entry| (entry.name, entry.stat.ino, entry.stat.kind);
                known.map(|all| all.into_iter().map(name).collect::<Vec<_>>())
            });
            let shown = path.display();
            said.push(format!("{shown} {names:?} {source:?} {link:?} {clamped:?}"));
        }
        said
    }

    #[test]
    fn every_way_to_open_leads_to_the_same() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        std::fs::create_dir_all(at("a/b/c")).unwrap();
        std::fs::write(at("x"), b"bytes").unwrap();
        std::fs::write(at("a/b/y"), b"more").unwrap();
        nix::unistd::mkfifo(&at("a/fifo"), Mode::S_IRWXU).unwrap();
        symlink("a/b/../..", at("in")).unwrap();
        symlink("../../../..", at("up")).unwrap();
        symlink("/a/b/y", at("absolute")).unwrap();
        symlink("../../x", at("a/b/climbs")).unwrap();
        symlink("../../../x", at("a/b/escapes")).unwrap();
        symlink("loop", at("loop")).unwrap();
        symlink("nothing", at("a/dangling")).unwrap();
        let usual = Directory::open(root.path(), &Options::default()).unwrap();
        let want = said(&usual);
        assert!(want.len() > 15);
        let mut walks = Directory::open(root.path(), &Options::default()).unwrap();
        walks.walks = AtomicBool::new(true);
        assert_eq!(want, said(&walks));
        // As in an empty chroot.
        walks.has_proc = false;
        assert_eq!(want, said(&walks));
        assert_eq!(walks.notes().len(), 1);
    }

    #[test]
    fn what_may_hang_is_not_looked_into() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a/dead/inside")).unwrap();
        symlink("a/dead", root.path().join("link")).unwrap();
        let mut directory = Directory::open(root.path(), &Options::default()).unwrap();
        directory.refused.push(mounts::Refused {
            at: b"a/dead".to_vec(),
            kind: "fuse.sshfs".into(),
            word: "FUSE mount",
        });
        directory.walks = AtomicBool::new(true);
        for path in [
            "/a/dead",
            "/a/dead/inside",
            "/link/inside",
            "/a/../a/dead/x",
        ] {
            let stat = directory.stat(Path::new(path));
            assert_eq!(stat, Err(Unread::Special("FUSE mount")), "{path}");
        }
        let listed = directory.list(Path::new("/a")).unwrap();
        assert!(listed.whole().unwrap()[0].stat.only_kind);
        assert_eq!(directory.notes().len(), 1);
    }
}
