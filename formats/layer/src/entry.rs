//! One entry of a layer, and what containerd makes of it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use evidence::archive::{Member, What};
use evidence::{FileKind, Xattrs};
use finding::{Text, Time};

use crate::clean;

/// What an entry stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// Another name of an earlier entry, of this layer or of one below.
    HardLink,
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
    /// `.wh.<name>`: [`Entry::path`] of the layers below is gone.
    Whiteout,
    /// `.wh..wh..opq`: nothing of the layers below is seen in the directory [`Entry::path`].
    Opaque,
    /// Any other name below or of `.wh..wh.…` in the root: what AUFS kept for itself. containerd
    /// passes over it.
    Aufs,
    /// A type of entry that has no meaning here; containerd refuses the layer.
    Other(u8),
}

impl Kind {
    /// The kind of file that it makes, if it makes one.
    pub const fn file_kind(self) -> Option<FileKind> {
        Some(match self {
            Self::File => FileKind::File,
            Self::Dir => FileKind::Dir,
            Self::Symlink => FileKind::Symlink,
            Self::Char => FileKind::Char,
            Self::Block => FileKind::Block,
            Self::Fifo => FileKind::Fifo,
            Self::HardLink | Self::Whiteout | Self::Opaque | Self::Aufs | Self::Other(_) => {
                return None;
            }
        })
    }
}

/// One entry of a layer, all of its headers taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it stands for.
    pub kind: Kind,
    /// Where, from the layer's root: cleaned, no slash at either end, empty for the root. Of a
    /// whiteout, what is gone; of an opaque mark, the directory.
    pub path: Vec<u8>,
    /// The name as it stands in the tar.
    pub name: Text,
    /// The target as it stands in the tar, of a symbolic or hard link.
    pub link: Option<Text>,
    /// Permission bits with setuid, setgid and sticky: `mode & 0o7777`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of a regular file, holes included.
    pub size: u64,
    /// Last change of the contents.
    pub mtime: Time,
    /// Last read, if the tar keeps it.
    pub atime: Option<Time>,
    /// Major and minor number of a device.
    pub rdev: Option<(u32, u32)>,
    /// Extended attributes (`SCHILY.xattr.` and `LIBARCHIVE.xattr.` records). containerd sets those
    /// of `SCHILY.xattr.` and leaves out `trusted.overlay.*`.
    pub xattrs: Arc<Xattrs>,
    /// Whether the tar has holes for parts of it.
    pub is_sparse: bool,
    /// What is odd about its headers.
    pub odd: Vec<String>,
}

/// A name that deletes, or marks as opaque.
const WHITEOUT: &[u8] = b".wh.";
/// What AUFS kept for itself.
const META: &[u8] = b".wh..wh.";
/// The mark of an opaque directory.
const OPAQUE: &[u8] = b".wh..wh..opq";

impl Entry {
    pub(crate) fn from_member(member: &Member) -> Self {
        let (cleaned, climbs) = clean(&member.name);
        let (kind, path) = meaning(member.what, cleaned);
        let mut odd = member.odd.clone();
        if climbs {
            odd.push("its name climbs above the layer's root".to_owned());
        }
        let is_link = matches!(member.what, What::Symlink | What::HardLink);
        Self {
            kind,
            path,
            name: Text::from(member.name.as_slice()),
            link: is_link.then(|| Text::from(member.link.as_slice())),
            mode: member.mode,
            uid: member.uid,
            gid: member.gid,
            size: member.size,
            mtime: member.mtime,
            atime: member.atime,
            rdev: member.rdev,
            xattrs: Arc::clone(&member.xattrs),
            is_sparse: member.sparse.is_some(),
            odd,
        }
    }

    /// [`Entry::path`] as a path from `/`.
    pub fn absolute(&self) -> std::path::PathBuf {
        Path::new("/").join(OsStr::from_bytes(&self.path))
    }

    /// The entry that a hard link names, as [`Entry::path`].
    pub fn target(&self) -> Option<Vec<u8>> {
        let link = self.link.as_ref().filter(|_| self.kind == Kind::HardLink)?;
        Some(clean(link.bytes()).0)
    }
}

/// What a cleaned name makes of an entry: as `applyNaive` and `convertWhiteout` of containerd.
fn meaning(what: What, path: Vec<u8>) -> (Kind, Vec<u8>) {
    if path.starts_with(META) && path != OPAQUE {
        return (Kind::Aufs, path);
    }
    let at = path.iter().rposition(|byte| *byte == b'/');
    let folder = at.and_then(|at| path.get(..at)).unwrap_or_default();
    let start = at.map_or(0, |at| at.saturating_add(1));
    let last = path.get(start..).unwrap_or_default();
    if last == OPAQUE {
        return (Kind::Opaque, folder.to_vec());
    }
    if let Some(name) = last.strip_prefix(WHITEOUT).filter(|name| !name.is_empty()) {
        let gone = match folder {
            b"" => name.to_vec(),
            folder => [folder, b"/", name].concat(),
        };
        return (Kind::Whiteout, gone);
    }
    let kind = match what {
        What::File => Kind::File,
        What::HardLink => Kind::HardLink,
        What::Symlink => Kind::Symlink,
        What::Char => Kind::Char,
        What::Block => Kind::Block,
        What::Dir => Kind::Dir,
        What::Fifo => Kind::Fifo,
        What::Other(flag) => Kind::Other(flag),
    };
    (kind, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whiteouts_as_containerd_reads_them() {
        for (name, kind, path) in [
            (&b"etc/.wh.shadow"[..], Kind::Whiteout, &b"etc/shadow"[..]),
            (b".wh.etc", Kind::Whiteout, b"etc"),
            (b"var/.wh..wh..opq", Kind::Opaque, b"var"),
            (b".wh..wh..opq", Kind::Opaque, b""),
            (b".wh..wh.plnk/1.2", Kind::Aufs, b".wh..wh.plnk/1.2"),
            // Deeper ones are whiteouts of a name that begins with `.wh.`.
            (b"a/.wh..wh.plnk", Kind::Whiteout, b"a/.wh.plnk"),
            (b"a/.wh.", Kind::File, b"a/.wh."),
            (b"a/wh.b", Kind::File, b"a/wh.b"),
        ] {
            assert_eq!(
                meaning(What::File, name.to_vec()),
                (kind, path.to_vec()),
                "{name:?}"
            );
        }
    }
}
