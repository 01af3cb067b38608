//! The few calls by which a repair changes a disk: all of them relative to a folder that is held
//! open, none of them through a link, none of them across a mount.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat};

/// A folder that is held open.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

/// What a name stands for: its inode, or 0 for nothing.
pub(crate) type Inode = u64;

fn how(flags: OFlag, mode: Mode) -> OpenHow {
    OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .mode(mode)
        .resolve(
            ResolveFlag::RESOLVE_BENEATH
                | ResolveFlag::RESOLVE_NO_SYMLINKS
                | ResolveFlag::RESOLVE_NO_XDEV
                | ResolveFlag::RESOLVE_NO_MAGICLINKS,
        )
}

pub(crate) fn split(path: &str) -> io::Result<(&Path, &OsStr)> {
    let path = Path::new(path);
    let is_plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let name = path.file_name().filter(|_| is_plain);
    let name = name
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a name below the root"))?;
    Ok((path.parent().unwrap_or(Path::new("")), name))
}

impl Folder {
    /// Holds `root`, which the user named: links on the way to it are followed, once.
    pub(crate) fn root(root: &Path) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(nix::fcntl::open(root, flags, Mode::empty())?))
    }

    /// The folder at `path` as it is named inside `node`: links are followed as the node would.
    pub(crate) fn inside(node: &Self, path: &Path) -> io::Result<Self> {
        let how = OpenHow::new()
            .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        Ok(Self(openat2(&node.0, path, how)?))
    }

    /// A folder that was opened elsewhere.
    pub(crate) const fn from_fd(folder: OwnedFd) -> Self {
        Self(folder)
    }

    /// A new file, for root alone.
    pub(crate) fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let fd = openat2(&self.0, name, how(flags, Mode::from_bits_truncate(0o600)))?;
        Ok(File::from(fd))
    }

    /// Where this folder is, as the kernel shows it.
    pub(crate) fn shown(&self) -> io::Result<PathBuf> {
        std::fs::read_link(self.proc())
    }

    /// The folder through `/proc`: for calls that take a path only.
    pub(crate) fn proc(&self) -> PathBuf {
        use std::os::fd::AsRawFd as _;
        Path::new("/proc/self/fd").join(self.0.as_raw_fd().to_string())
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// The folder at `path` below this one.
    pub(crate) fn below(&self, path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        Ok(Self(openat2(&self.0, path, how(flags, Mode::empty()))?))
    }

    /// What `name` in this folder is.
    pub(crate) fn stat(&self, name: &OsStr) -> io::Result<Option<FileStat>> {
        match fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(nix::Error::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn inode(&self, name: &OsStr) -> io::Result<Inode> {
        Ok(self.stat(name)?.map_or(0, |stat| stat.st_ino))
    }

    /// The inode of this folder itself.
    pub(crate) fn own(&self) -> io::Result<FileStat> {
        Ok(nix::sys::stat::fstat(&self.0)?)
    }

    /// Makes a folder, for root alone.
    pub(crate) fn make(&self, name: &OsStr) -> io::Result<()> {
        Ok(mkdirat(&self.0, name, Mode::from_bits_truncate(0o700))?)
    }

    /// Writes a new file and syncs it.
    pub(crate) fn write(
        &self,
        name: &OsStr,
        bytes: &[u8],
        like: Option<&FileStat>,
    ) -> io::Result<()> {
        let mut file = self.create(name)?;
        file.write_all(bytes)?;
        if let Some(like) = like {
            fchown(
                &file,
                Some(Uid::from_raw(like.st_uid)),
                Some(Gid::from_raw(like.st_gid)),
            )?;
            let mode = Mode::from_bits_truncate(like.st_mode & 0o7777);
            nix::sys::stat::fchmod(&file, mode)?;
        }
        file.sync_all()
    }

    /// Gives a regular file of this or a folder below another name in `to`.
    pub(crate) fn link(&self, from: &Path, to: &Self, name: &OsStr) -> io::Result<()> {
        let above = self.below(from.parent().unwrap_or(Path::new("")))?;
        let from = from.file_name().unwrap_or_default();
        let is_file = above
            .stat(from)?
            .is_some_and(|stat| is_kind(&stat, SFlag::S_IFREG));
        if !is_file {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "it is no regular file",
            ));
        }
        Ok(nix::unistd::linkat(
            &above.0,
            from,
            &to.0,
            name,
            AtFlags::empty(),
        )?)
    }

    /// Removes a name and, if it is a folder, all below it. No link is followed, no mount entered.
    pub(crate) fn remove_tree(&self, name: &OsStr) -> io::Result<()> {
        let mut path: Vec<OsString> = vec![name.to_owned()];
        while let Some(last) = path.last() {
            let above: PathBuf = path.iter().rev().skip(1).rev().collect();
            let folder = self.below(&above)?;
            let is_dir = folder
                .stat(last)?
                .is_some_and(|stat| is_kind(&stat, SFlag::S_IFDIR));
            let next = if is_dir {
                let inner = folder.below(Path::new(last))?;
                let mut first = None;
                for name in inner.names()? {
                    let is_dir = inner
                        .stat(&name)?
                        .is_some_and(|stat| is_kind(&stat, SFlag::S_IFDIR));
                    if is_dir {
                        first = Some(name);
                        break;
                    }
                    inner.unlink(&name)?;
                }
                first
            } else {
                None
            };
            if let Some(next) = next {
                path.push(next);
            } else {
                folder.unlink(last)?;
                path.pop();
            }
        }
        Ok(())
    }

    /// Reads a regular file of at most `limit` bytes.
    pub(crate) fn read_file(&self, name: &OsStr, limit: u64) -> io::Result<Vec<u8>> {
        let is_file = self
            .stat(name)?
            .is_some_and(|stat| is_kind(&stat, SFlag::S_IFREG));
        if !is_file {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "it is no regular file",
            ));
        }
        let fd = openat2(
            &self.0,
            name,
            how(
                OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK,
                Mode::empty(),
            ),
        )?;
        let mut bytes = Vec::new();
        File::from(fd).take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Gives a file this mode.
    pub(crate) fn set_mode(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        let fd = openat2(
            &self.0,
            name,
            how(OFlag::O_WRONLY | OFlag::O_NOFOLLOW, Mode::empty()),
        )?;
        Ok(nix::sys::stat::fchmod(fd, Mode::from_bits_truncate(mode))?)
    }

    /// Gives a folder this mode.
    pub(crate) fn set_folder_mode(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        let folder = self.below(Path::new(name))?;
        Ok(nix::sys::stat::fchmod(
            &folder.0,
            Mode::from_bits_truncate(mode),
        )?)
    }

    /// Writes a file at `path`, and makes the folders above it (0755).
    pub(crate) fn write_below(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let above = path.parent().unwrap_or(Path::new(""));
        let mut folder = self.below(Path::new(""))?;
        for part in above.components() {
            let name = part.as_os_str();
            if folder.stat(name)?.is_none() {
                folder.make(name)?;
                folder.set_folder_mode(name, 0o755)?;
            }
            folder = folder.below(Path::new(name))?;
        }
        let name = path.file_name().unwrap_or_default();
        folder.write(name, bytes, None)?;
        folder.set_mode(name, 0o600)?;
        folder.sync()
    }

    /// Copies a file to a new one, syncs it, and gives its SHA-256.
    pub(crate) fn copy(
        &self,
        name: &OsStr,
        mut from: impl Read,
        mode: u32,
    ) -> io::Result<[u8; 32]> {
        use sha2::Digest as _;
        let mut file = self.create(name)?;
        let mut hash = sha2::Sha256::new();
        let mut piece = vec![0_u8; 1 << 20];
        loop {
            let count = from.read(&mut piece)?;
            let read = piece.get(..count).unwrap_or_default();
            if read.is_empty() {
                break;
            }
            hash.update(read);
            file.write_all(read)?;
        }
        nix::sys::stat::fchmod(&file, Mode::from_bits_truncate(mode))?;
        file.sync_all()?;
        Ok(hash.finalize().into())
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(nix::unistd::fsync(&self.0)?)
    }

    /// Writes over a file where it lies: no block is taken for what it has room for.
    pub(crate) fn overwrite(&self, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW;
        let mut file = File::from(openat2(&self.0, name, how(flags, Mode::empty()))?);
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Takes everything out of a file.
    pub(crate) fn cut(&self, name: &OsStr) -> io::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW;
        let file = File::from(openat2(&self.0, name, how(flags, Mode::empty()))?);
        file.set_len(0)?;
        file.sync_all()
    }

    /// Removes a file, or a folder that is empty, if it is there.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        match self.stat(name)? {
            Some(_) => self.unlink(name),
            None => Ok(()),
        }
    }

    /// Removes a file, or a folder that is empty.
    pub(crate) fn unlink(&self, name: &OsStr) -> io::Result<()> {
        let is_dir = self
            .stat(name)?
            .is_some_and(|stat| is_kind(&stat, SFlag::S_IFDIR));
        let flag = if is_dir {
            UnlinkatFlags::RemoveDir
        } else {
            UnlinkatFlags::NoRemoveDir
        };
        Ok(unlinkat(&self.0, name, flag)?)
    }

    /// The names in this folder.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let again = openat2(
            &self.0,
            ".",
            how(OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty()),
        )?;
        let mut dir = nix::dir::Dir::from_fd(again)?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

pub(crate) fn is_kind(stat: &FileStat, kind: SFlag) -> bool {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == kind
}
