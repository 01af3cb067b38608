//! One member of an archive, all headers taken together.

use std::sync::Arc;

use finding::Time;
use view::Span;

use crate::Xattrs;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// `0`, NUL, `7`, `S`.
    File,
    /// `1`: another name of a member.
    HardLink,
    /// `2`.
    Symlink,
    /// `3`.
    Char,
    /// `4`.
    Block,
    /// `5`, `D`, and a V7 file whose name ends in a slash.
    Dir,
    /// `6`.
    Fifo,
    /// A type that means nothing to us.
    Other(u8),
}

/// One member of an archive.
#[derive(Debug, Clone)]
pub struct Member {
    /// The name as it stands in the archive.
    pub name: Vec<u8>,
    /// What it is.
    pub what: What,
    /// The target of a link, as it stands in the archive.
    pub link: Vec<u8>,
    /// Whether the target is longer than Linux takes a path: then `link` is not it.
    pub linkless: bool,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last change of the contents; the other times only where the archive keeps them.
    pub mtime: Time,
    /// Last read.
    pub atime: Option<Time>,
    /// Last change of the inode.
    pub ctime: Option<Time>,
    /// Birth.
    pub btime: Option<Time>,
    /// Major and minor number of the device that it is.
    pub rdev: Option<(u32, u32)>,
    /// Extended attributes.
    pub xattrs: Arc<Xattrs>,
    /// Whether it has extended attributes that were not read: no file of Linux can have them.
    pub more_xattrs: bool,
    /// Whether its name is longer than Linux takes a path, or not known: then `name` is not it, and at most a folder
    /// on the way.
    pub nameless: bool,
    /// Whether an extended header of it was too long to be read: nothing is known of its name.
    pub unread: bool,
    /// Bytes of the file, holes included.
    pub size: u64,
    /// Bytes of it that the archive holds.
    pub stored: u64,
    /// The stretches that the archive holds, in order, if the file is sparse.
    pub sparse: Option<Vec<Span>>,
    /// What is odd about its headers.
    pub odd: Vec<String>,
}
