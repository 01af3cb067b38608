//! What was read before the walk: files that the kernel makes up, and that may be gone by then.

use finding::{Text, Time, Unread};

use crate::{FileKind, Stat};

/// Something that was read before the walk, under its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Absolute path inside the evidence.
    pub path: Text,
    /// What was known of it.
    pub stat: Stat,
    /// Its bytes, if it is a file.
    pub bytes: Vec<u8>,
    /// Its target, if it is a symbolic link.
    pub target: Option<Text>,
    /// Whether all names in it were taken, if it is a directory.
    pub listed: bool,
    /// Why its bytes are not known, if they are not.
    pub unread: Option<Unread>,
}

impl Taken {
    fn new(path: Text, kind: FileKind, mode: u32, at: Time) -> Self {
        let mut stat = Stat::only(kind);
        stat.only_kind = false;
        (stat.mode, stat.mtime) = (mode, at);
        Self {
            path,
            stat,
            bytes: Vec::new(),
            target: None,
            listed: false,
            unread: None,
        }
    }

    /// A file of these bytes, read at this time.
    pub fn file(path: Text, bytes: Vec<u8>, at: Time) -> Self {
        let mut taken = Self::new(path, FileKind::File, 0o444, at);
        taken.stat.size = super::len(&bytes);
        taken.bytes = bytes;
        taken
    }

    /// A file that could not be read.
    pub fn unread(path: Text, unread: &Unread, at: Time) -> Self {
        let mut taken = Self::new(path, FileKind::File, 0o444, at);
        taken.unread = Some(unread.clone());
        taken
    }

    /// A symbolic link.
    pub fn link(path: Text, target: Text, at: Time) -> Self {
        let mut taken = Self::new(path, FileKind::Symlink, 0o777, at);
        taken.stat.size = super::len(target.bytes());
        taken.target = Some(target);
        taken
    }

    /// A directory, of which all names were taken, or not.
    pub fn directory(path: Text, listed: bool, at: Time) -> Self {
        let mut taken = Self::new(path, FileKind::Dir, 0o555, at);
        taken.listed = listed;
        taken
    }
}
