//! The one door to the bytes of a node.

use core::fmt;
use std::io::Read;
use std::path::Path;

use finding::{Known, Text, Time, Unread};

use crate::directory::Directory;
use crate::{Entry, Manifest, Options, Pages, Source, Stat, Xattrs};

/// What the evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory: `/`, a mounted image, any folder.
    Directory,
    /// Our own bundle, with a manifest.
    Bundle,
    /// Somebody else's tar.
    Tar,
}

/// Why evidence could not be opened at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenError {
    /// What was to be opened.
    pub path: Text,
    /// Why it could not be.
    pub why: Unread,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.why)
    }
}

impl core::error::Error for OpenError {}

/// A node's bytes: where they come from, and how they are looked up.
#[derive(Debug)]
pub struct Evidence {
    held: Held,
}

#[derive(Debug)]
enum Held {
    Directory(Directory),
}

impl Evidence {
    /// Opens a directory, or a bundle (told by its first bytes).
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let directory = Directory::open(path, options).map_err(|why| OpenError {
            path: Text::from(path.as_os_str().as_encoded_bytes()),
            why,
        })?;
        Ok(Self {
            held: Held::Directory(directory),
        })
    }

    /// Reads a bundle from a stream, in one pass: standard input.
    pub fn open_stream(_reader: impl Read, _options: &Options) -> Result<Self, OpenError> {
        Err(OpenError {
            path: Text::from("-"),
            why: Unread::Io("bundles are not supported yet".into()),
        })
    }

    const fn directory(&self) -> &Directory {
        match &self.held {
            Held::Directory(directory) => directory,
        }
    }

    /// What the evidence is.
    pub const fn kind(&self) -> Kind {
        match self.held {
            Held::Directory(_) => Kind::Directory,
        }
    }

    /// The name for reports.
    pub fn name(&self) -> Text {
        self.directory().name()
    }

    /// When the evidence was taken: the manifest's word, or the newest time in a bundle; nothing
    /// for a directory.
    pub fn captured_at(&self) -> Option<Time> {
        None
    }

    /// The manifest of our own bundle.
    pub fn manifest(&self) -> Option<&Manifest> {
        None
    }

    /// What the reader of a report should know of how the evidence was read.
    pub fn notes(&self) -> Vec<String> {
        self.directory().notes()
    }

    /// Whether the evidence is all there: `false` for an archive that ends before its end.
    pub fn is_complete(&self) -> bool {
        true
    }

    /// Whether sockets would be seen: tars of other people's making leave them out.
    pub fn keeps_sockets(&self) -> bool {
        true
    }

    /// What `path` is; a link in the last place is not followed (`lstat`).
    pub fn stat(&self, path: &Path) -> Result<Stat, Unread> {
        self.directory().stat(path)
    }

    /// The entries of a directory, sorted by their names' bytes; links are followed inside the
    /// evidence.
    pub fn list(&self, path: &Path) -> Known<Vec<Entry>> {
        self.try_list(path).unwrap_or_else(|why| {
            Known::lost(
                format!("entries of {}", crate::path::shown(path)),
                why.to_string(),
            )
        })
    }

    /// As [`list`](Self::list), with the reason why there is nothing.
    pub fn try_list(&self, path: &Path) -> Result<Known<Vec<Entry>>, Unread> {
        self.directory().list(path)
    }

    /// The target of a symbolic link.
    pub fn read_link(&self, path: &Path) -> Result<Text, Unread> {
        self.directory().read_link(path)
    }

    /// Names and values of extended attributes; a link in the last place is not followed.
    pub fn xattrs(&self, path: &Path) -> Known<Xattrs> {
        self.directory().xattrs(path)
    }

    /// A whole regular file of at most `limit` bytes, frozen in memory. Links are followed inside
    /// the evidence.
    pub fn source(&self, path: &Path, limit: u64) -> Result<Source, Unread> {
        self.directory().source(path, limit, false)
    }

    /// As [`source`](Self::source), of a file that is being written to: where three attempts met
    /// a change, the last one is given, and [`Source::is_torn`] says so.
    pub fn source_as_is(&self, path: &Path, limit: u64) -> Result<Source, Unread> {
        self.directory().source(path, limit, true)
    }

    /// A regular file from front to back, for hashing. An error that wraps [`Unread::Changed`] ends
    /// the stream if the file changes.
    pub fn reader(&self, path: &Path) -> Result<Box<dyn Read + Send + '_>, Unread> {
        self.directory().reader(path)
    }

    /// The SHA-256 that was computed when a bundle's member flew by, if it was.
    pub fn sha256_known(&self, _path: &Path) -> Option<[u8; 32]> {
        None
    }

    /// A regular file that is read in pieces: a big database.
    pub fn pages(&self, path: &Path) -> Result<Pages, Unread> {
        self.directory().pages(path)
    }

    /// The target of the first link on the way to `path` that leads above the evidence's root and
    /// was therefore clamped to it.
    pub fn clamped(&self, path: &Path) -> Option<Text> {
        self.directory().clamped(path)
    }

    /// Whether two paths are the same file (hard links), as far as the evidence tells.
    pub fn same_file(&self, one: &Path, other: &Path) -> Option<bool> {
        let (one, other) = (self.stat(one).ok()?, self.stat(other).ok()?);
        Some((one.dev?, one.ino?) == (other.dev?, other.ino?))
    }
}
