//! One member of an archive, all headers taken together.

use std::collections::BTreeMap;

use finding::{Text, Time};
use view::Span;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
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
pub(crate) struct Member {
    /// The name as it stands in the archive.
    pub(crate) name: Vec<u8>,
    pub(crate) what: What,
    /// The target of a link, as it stands in the archive.
    pub(crate) link: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Time,
    pub(crate) atime: Option<Time>,
    pub(crate) ctime: Option<Time>,
    pub(crate) btime: Option<Time>,
    pub(crate) rdev: Option<(u32, u32)>,
    pub(crate) xattrs: BTreeMap<Text, Vec<u8>>,
    /// Bytes of the file, holes included.
    pub(crate) size: u64,
    /// Bytes of it that the archive holds.
    pub(crate) stored: u64,
    /// The stretches that the archive holds, in order, if the file is sparse.
    pub(crate) sparse: Option<Vec<Span>>,
    /// What is odd about its headers.
    pub(crate) odd: Vec<String>,
}
