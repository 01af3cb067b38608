//! What is known of a file without its bytes.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::{SystemTime, UNIX_EPOCH};

use finding::{Text, Time, Unread};
use serde::Serialize;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A regular file: the only kind that is ever opened for its bytes.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A named pipe. Opening one can kill or start a container.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    Char,
    /// A block device.
    Block,
}

impl FileKind {
    /// The word for it in messages: `regular file`, `directory`, `fifo`, …
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "regular file",
            Self::Dir => "directory",
            Self::Symlink => "symlink",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::Char => "character device",
            Self::Block => "block device",
        }
    }

    /// Why there are no bytes to be had of it, if it is not a regular file.
    pub const fn unread(self) -> Option<Unread> {
        match self {
            Self::File => None,
            other => Some(Unread::Special(other.word())),
        }
    }

    /// The letter that `ls -l` and the bundle's manifest use.
    pub const fn letter(self) -> char {
        match self {
            Self::File => 'f',
            Self::Dir => 'd',
            Self::Symlink => 'l',
            Self::Fifo => 'p',
            Self::Socket => 's',
            Self::Char => 'c',
            Self::Block => 'b',
        }
    }

    /// The kind of a manifest's letter.
    pub const fn from_letter(letter: char) -> Option<Self> {
        Some(match letter {
            'f' => Self::File,
            'd' => Self::Dir,
            'l' => Self::Symlink,
            'p' => Self::Fifo,
            's' => Self::Socket,
            'c' => Self::Char,
            'b' => Self::Block,
            _ => return None,
        })
    }

    /// The kind of a `st_mode`; nothing for kinds that Linux does not have.
    const fn of_mode(mode: u32) -> Option<Self> {
        Some(match mode & 0o170_000 {
            0o100_000 => Self::File,
            0o040_000 => Self::Dir,
            0o120_000 => Self::Symlink,
            0o010_000 => Self::Fifo,
            0o140_000 => Self::Socket,
            0o020_000 => Self::Char,
            0o060_000 => Self::Block,
            _ => return None,
        })
    }

    /// The kind of a metadata record; nothing for kinds that Linux does not have.
    fn from_metadata(metadata: &Metadata) -> Option<Self> {
        let kind = metadata.file_type();
        Some(if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Dir
        } else if kind.is_symlink() {
            Self::Symlink
        } else if kind.is_fifo() {
            Self::Fifo
        } else if kind.is_socket() {
            Self::Socket
        } else if kind.is_char_device() {
            Self::Char
        } else if kind.is_block_device() {
            Self::Block
        } else {
            return None;
        })
    }
}

/// What `lstat` says of a name, as far as the evidence kept it.
///
/// A tar of somebody else's making has no block count, link count, inode or birth time; those are
/// `None` there, not zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stat {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits with setuid, setgid and sticky: `mode & 0o7777`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes; of a symbolic link, the length of its target.
    pub size: u64,
    /// Blocks of 512 bytes that are allocated.
    pub blocks: Option<u64>,
    /// Number of hard links.
    pub nlink: Option<u64>,
    /// Inode number.
    pub ino: Option<u64>,
    /// Major and minor number of the device that holds it.
    pub dev: Option<(u32, u32)>,
    /// Major and minor number of the device that it is.
    pub rdev: Option<(u32, u32)>,
    /// Last change of the contents.
    pub mtime: Time,
    /// Last change of the inode.
    pub ctime: Option<Time>,
    /// Last read, if nobody mounted that away.
    pub atime: Option<Time>,
    /// Birth.
    pub btime: Option<Time>,
    /// Only the kind is known (a directory that a bundle implies, an entry of a directory that may
    /// be listed but not searched, a mount that is not looked into); all else here is zero.
    pub only_kind: bool,
}

impl Stat {
    /// Something of which nothing but its kind is known.
    pub const fn only(kind: FileKind) -> Self {
        Self {
            kind,
            mode: 0,
            uid: 0,
            gid: 0,
            size: 0,
            blocks: None,
            nlink: None,
            ino: None,
            dev: None,
            rdev: None,
            mtime: Time::new(0, 0),
            ctime: None,
            atime: None,
            btime: None,
            only_kind: true,
        }
    }

    /// Whether it is a regular file.
    pub const fn is_file(&self) -> bool {
        matches!(self.kind, FileKind::File)
    }

    /// Whether it is a directory.
    pub const fn is_dir(&self) -> bool {
        matches!(self.kind, FileKind::Dir)
    }

    /// Whether it is a symbolic link.
    pub const fn is_symlink(&self) -> bool {
        matches!(self.kind, FileKind::Symlink)
    }

    /// What the kernel says of an open file.
    pub(crate) fn from_metadata(metadata: &Metadata) -> Result<Self, Unread> {
        let kind = FileKind::from_metadata(metadata)
            .ok_or_else(|| Unread::Io(format!("unknown file type, mode {:o}", metadata.mode())))?;
        Ok(Self {
            kind,
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            size: metadata.size(),
            blocks: Some(metadata.blocks()),
            nlink: Some(metadata.nlink()),
            ino: Some(metadata.ino()),
            dev: Some(device(metadata.dev())),
            rdev: matches!(kind, FileKind::Char | FileKind::Block).then(|| device(metadata.rdev())),
            mtime: time(metadata.mtime(), metadata.mtime_nsec()),
            ctime: Some(time(metadata.ctime(), metadata.ctime_nsec())),
            atime: Some(time(metadata.atime(), metadata.atime_nsec())),
            btime: metadata.created().ok().and_then(birth),
            only_kind: false,
        })
    }

    /// What the kernel says of a name.
    pub(crate) fn of_statx(found: &rustix::fs::Statx) -> Result<Self, Unread> {
        let mode = u32::from(found.stx_mode);
        let kind = FileKind::of_mode(mode)
            .ok_or_else(|| Unread::Io(format!("unknown file type, mode {mode:o}")))?;
        let time = |time: rustix::fs::StatxTimestamp| Time::new(time.tv_sec, time.tv_nsec);
        let has_birth = found.stx_mask & rustix::fs::StatxFlags::BTIME.bits() != 0;
        let is_device = matches!(kind, FileKind::Char | FileKind::Block);
        Ok(Self {
            kind,
            mode: mode & 0o7777,
            uid: found.stx_uid,
            gid: found.stx_gid,
            size: found.stx_size,
            blocks: Some(found.stx_blocks),
            nlink: Some(u64::from(found.stx_nlink)),
            ino: Some(found.stx_ino),
            dev: Some((found.stx_dev_major, found.stx_dev_minor)),
            rdev: is_device.then_some((found.stx_rdev_major, found.stx_rdev_minor)),
            mtime: time(found.stx_mtime),
            ctime: Some(time(found.stx_ctime)),
            atime: Some(time(found.stx_atime)),
            btime: has_birth.then(|| time(found.stx_btime)),
            only_kind: false,
        })
    }

    /// Whether the same bytes would be read again: size, mtime and ctime are as they were.
    pub(crate) fn is_unchanged_since(&self, earlier: &Self) -> bool {
        (self.size, self.mtime, self.ctime) == (earlier.size, earlier.mtime, earlier.ctime)
    }
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The name, without any slash.
    pub name: Text,
    /// What it stands for.
    pub stat: Stat,
}

/// Major and minor of a Linux `dev_t`.
fn device(device: u64) -> (u32, u32) {
    let major = nix::sys::stat::major(device);
    let minor = nix::sys::stat::minor(device);
    (
        u32::try_from(major).unwrap_or(u32::MAX),
        u32::try_from(minor).unwrap_or(u32::MAX),
    )
}

fn time(seconds: i64, nanos: i64) -> Time {
    Time::new(seconds, u32::try_from(nanos).unwrap_or(0))
}

fn birth(time: SystemTime) -> Option<Time> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Some(Time::new(
            i64::try_from(after.as_secs()).ok()?,
            after.subsec_nanos(),
        )),
        Err(before) => {
            let before = before.duration();
            let nanos = i64::try_from(before.as_nanos()).ok()?;
            Some(Time::from_nanos(nanos.checked_neg()?))
        }
    }
}
