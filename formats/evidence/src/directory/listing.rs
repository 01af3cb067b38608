//! The names of a directory, each with what `lstat` says of it, and with more where that is wanted.
//!
//! A tree of a million files is a million of these: so each name costs one call, `statx`, and one more
//! for its attributes or its target, all below the directory that is held open.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use finding::{Known, Text, Unknown, Unread};
use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::Mode;
use rustix::fs::{AtFlags, StatxFlags, statx};

use super::open::own_fd;
use super::walk::{io as io_unread, unread};
use super::xattrs::is_unsupported;
use super::{Directory, Xattrs};
use crate::{Entry, FileKind, Stat, path};

/// What is wanted of a name, beside what `lstat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wants {
    /// Its extended attributes.
    pub xattrs: bool,
    /// Its target, if it is a symbolic link.
    pub target: bool,
}

/// A name with more than what `lstat` says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detailed {
    /// The name, and what it stands for.
    pub entry: Entry,
    /// Its extended attributes, if they were wanted.
    pub xattrs: Option<Known<Xattrs>>,
    /// The target of a symbolic link, if it was wanted.
    pub target: Option<Result<Text, Unread>>,
}

impl Detailed {
    /// Nothing more than the name.
    pub(crate) const fn bare(entry: Entry) -> Self {
        Self {
            entry,
            xattrs: None,
            target: None,
        }
    }
}

/// A directory that is being listed.
struct Open<'d> {
    directory: &'d Directory,
    file: File,
    /// Where `/proc` shows it, with a slash; nothing without `/proc`.
    own: Option<Vec<u8>>,
    path: &'d Path,
}

impl Directory {
    pub(crate) fn list(&self, path: &Path) -> Result<Known<Vec<Entry>>, Unread> {
        let entries = self.list_with(path, &|_| Wants::default())?;
        Ok(entries.map(|all| all.into_iter().map(|one| one.entry).collect()))
    }

    /// The entries of a directory, sorted, each with what `wants` asks for.
    pub(crate) fn list_with(
        &self,
        path: &Path,
        wants: &dyn Fn(&Entry) -> Wants,
    ) -> Result<Known<Vec<Detailed>>, Unread> {
        let handle = self.hold_followed(path)?;
        if !handle.stat.is_dir() {
            return Err(Unread::Special(handle.stat.kind.word()));
        }
        let file = self.reopen(&handle)?;
        let shown = path::shown(path);
        let held = file.try_clone().map_err(|error| io_unread(&error))?;
        let mut dir = Dir::from_fd(file.into()).map_err(unread)?;
        let own = self.has_proc.then(|| {
            let mut own = own_fd(&held).into_os_string().into_vec();
            own.push(b'/');
            own
        });
        let open = Open {
            directory: self,
            file: held,
            own,
            path,
        };
        let parts: Vec<&[u8]> = path::components(path.as_os_str().as_bytes()).collect();
        let mut entries = Vec::new();
        let mut unknown = Vec::new();
        for item in dir.iter() {
            let item = match item {
                Ok(item) => item,
                Err(errno) => {
                    unknown.push(Unknown::new(format!("entries of {shown}"), errno.desc()));
                    break;
                }
            };
            let name = item.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if u64::try_from(entries.len()).unwrap_or(u64::MAX) >= self.budget.entries {
                let why = format!("there are more than {}", self.budget.entries);
                let cut = Unknown::new(format!("entries of {shown}"), why);
                self.cuts.add(cut.clone());
                unknown.push(cut);
                break;
            }
            let refused = self.refused_at(parts.iter().copied().chain([name]));
            let stat = match refused {
                Some(_) => Ok(Stat::only(FileKind::Dir)),
                None => stat_at(&open.file, name),
            };
            let stat = match (stat, item.file_type().map(kind)) {
                (Ok(stat), _) => stat,
                // Gone since it was listed.
                (Err(Unread::Absent), _) => continue,
                (Err(why), seen) => {
                    let name = Text::from(name);
                    let what = format!("what {shown}/{name} is");
                    unknown.push(Unknown::new(what, why.to_string()));
                    match seen {
                        Some(kind) => Stat::only(kind),
                        None => continue,
                    }
                }
            };
            let name = Text::from(name);
            entries.push(open.detailed(Entry { name, stat }, wants));
        }
        entries.sort_unstable_by(|one, other| one.entry.name.cmp(&other.entry.name));
        Ok(Known::with(entries, unknown))
    }
}

impl Open<'_> {
    fn detailed(&self, entry: Entry, wants: &dyn Fn(&Entry) -> Wants) -> Detailed {
        let mut detailed = Detailed::bare(entry);
        // Of a mount that is not looked into, nothing is asked.
        if detailed.entry.stat.only_kind {
            return detailed;
        }
        let wants = wants(&detailed.entry);
        if wants.target && detailed.entry.stat.is_symlink() {
            let name = OsStr::from_bytes(detailed.entry.name.bytes());
            let target = readlinkat(self.file.as_fd(), name);
            let target = target.map(|target| Text::from(target.into_vec()));
            detailed.target = Some(target.map_err(unread));
        }
        if wants.xattrs {
            detailed.xattrs = Some(self.xattrs(&detailed.entry));
        }
        detailed
    }

    /// As [`Directory::xattrs`], of a name in this directory.
    fn xattrs(&self, entry: &Entry) -> Known<Xattrs> {
        let name = OsStr::from_bytes(entry.name.bytes());
        let full = self.path.join(name);
        let Some(own) = &self.own else {
            return self.directory.xattrs(&full);
        };
        let what = || format!("extended attributes of {}", path::shown(&full));
        let path = PathBuf::from(OsString::from_vec([own, entry.name.bytes()].concat()));
        let mut found = Xattrs::new();
        let mut unknown = Vec::new();
        match read_xattrs(&path, &mut found, &mut unknown, &what) {
            Ok(()) => {}
            Err(error) if is_unsupported(&error) => return Known::Whole(found),
            Err(error) => return Known::lost(what(), error.to_string()),
        }
        self.directory.add_untold(&mut unknown, &what);
        Known::with(found, unknown)
    }
}

/// Reads the attributes of what `path` names, without following it.
fn read_xattrs(
    path: &Path,
    found: &mut Xattrs,
    unknown: &mut Vec<Unknown>,
    what: &dyn Fn() -> String,
) -> io::Result<()> {
    for name in xattr::list(path)? {
        match xattr::get(path, &name) {
            Ok(Some(value)) => {
                found.insert(Text::from(name.into_vec()), value.into());
            }
            // Gone since it was listed.
            Ok(None) => {}
            Err(error) => {
                let name = Text::from(name.into_vec());
                unknown.push(Unknown::new(
                    format!("{name} of {}", what()),
                    error.to_string(),
                ));
            }
        }
    }
    Ok(())
}

/// What `name` in an open directory is. Nothing is opened.
fn stat_at(directory: &File, name: &[u8]) -> Result<Stat, Unread> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    match statx(directory.as_fd(), name, flags, wanted) {
        Ok(found) => Stat::of_statx(&found),
        // No such call, or a seccomp filter that does not know it.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => held_stat_at(directory, name),
        Err(errno) => Err(unread(Errno::from_raw(errno.raw_os_error()))),
    }
}

/// As [`stat_at`], as old kernels can tell it.
fn held_stat_at(directory: &File, name: &[u8]) -> Result<Stat, Unread> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let fd = openat(directory.as_fd(), path::path(name), flags, Mode::empty()).map_err(unread)?;
    let metadata = File::from(fd)
        .metadata()
        .map_err(|error| io_unread(&error))?;
    Stat::from_metadata(&metadata)
}

/// The kind that the directory itself tells.
const fn kind(kind: Type) -> FileKind {
    match kind {
        Type::File => FileKind::File,
        Type::Directory => FileKind::Dir,
        Type::Symlink => FileKind::Symlink,
        Type::Fifo => FileKind::Fifo,
        Type::Socket => FileKind::Socket,
        Type::CharacterDevice => FileKind::Char,
        Type::BlockDevice => FileKind::Block,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[test]
    fn both_ways_to_ask_say_the_same_and_details_are_those_of_the_path() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        std::fs::write(at("file"), b"bytes").unwrap();
        std::fs::create_dir(at("dir")).unwrap();
        std::os::unix::fs::symlink("/nowhere", at("link")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), Mode::S_IRWXU).unwrap();
        // Not every file system has attributes.
        let _ = xattr::set(at("file"), "user.colour", b"red");
        let directory = Directory::open(root.path(), &Options::default()).unwrap();
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
        let held = nix::fcntl::open(root.path(), flags, Mode::empty()).unwrap();
        let held = File::from(held);
        let all = Wants {
            xattrs: true,
            target: true,
        };
        let listed = directory.list_with(Path::new("/"), &|_| all).unwrap();
        let entries = listed.read().unwrap();
        assert_eq!(entries.len(), 4);
        for one in entries {
            let name = one.entry.name.bytes();
            // Reading a link's target moves its time of access.
            let still = |stat: Stat| Stat {
                atime: None,
                ..stat
            };
            let stat = stat_at(&held, name).map(still);
            assert_eq!(stat, held_stat_at(&held, name).map(still));
            assert_eq!(stat, Ok(still(one.entry.stat.clone())));
            let path = Path::new("/").join(OsStr::from_bytes(name));
            assert_eq!(one.xattrs, Some(directory.xattrs(&path)), "{path:?}");
            let target = (name == b"link").then(|| directory.read_link(&path));
            assert_eq!(one.target, target);
        }
    }
}
