//! Why there are no bytes.

use core::fmt;

use serde::Serialize;

use crate::Text;

/// Why something could not be read. Absent, denied, not collected and not a file are four answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "why", content = "detail")]
pub enum Unread {
    /// There is no such name.
    Absent,
    /// The bundle may have left it out: neither absent nor present is known.
    NotCollected,
    /// No permission, or not enough privileges.
    Denied,
    /// Not a regular file: `fifo`, `socket`, `device`, `directory`, `symlink`. Never opened.
    Special(&'static str),
    /// A symbolic link whose target is not there.
    Dangling(Text),
    /// A symbolic link that leads out of the evidence. Not followed.
    Escapes(Text),
    /// More bytes than the budget allows.
    TooLarge {
        /// Bytes that it has.
        size: u64,
        /// Bytes that may be read.
        limit: u64,
    },
    /// An archive holds more than is kept of one of its size, or less than was asked for: that says nothing of the file.
    NoRoom,
    /// A file that is nearly all hole, too large to be read for the sake of its zeroes.
    Hollow {
        /// Bytes that it claims.
        size: u64,
        /// Bytes that the disk holds of it.
        held: u64,
    },
    /// It changed while it was read.
    Changed,
    /// Secrets in it are masked: its bytes are not those that the node had.
    Masked,
    /// The disk, or its file system, gives an error: what it holds is whatever it was.
    Disk(String),
    /// The operating system, or the archive, says no.
    Io(String),
}

/// How the text of an error of a disk ends.
pub(crate) const DISK_FAILS: &str = "the disk or its file system fails";

impl Unread {
    /// Whether it is known that nothing of that name is there.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether reading ended in an error that tells nothing of the file itself: neither that it is
    /// damaged nor that it is whole.
    pub const fn tells_nothing(&self) -> bool {
        matches!(
            self,
            Self::NotCollected
                | Self::Denied
                | Self::Changed
                | Self::NoRoom
                | Self::Masked
                | Self::Disk(_)
                | Self::Io(_)
        )
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => write!(f, "is not there"),
            Self::NotCollected => write!(f, "is not in the evidence"),
            Self::Masked => write!(
                f,
                "has masked values in this bundle: its own bytes are on the node"
            ),
            Self::Denied => write!(f, "may not be read: run as root, or as the owner"),
            Self::Special(kind) => write!(f, "is a {kind}, not a regular file; it was not opened"),
            Self::Dangling(target) => write!(f, "is a link to {target}, which is not there"),
            Self::Escapes(target) => {
                write!(
                    f,
                    "is a link to {target}, out of the evidence; it was not followed"
                )
            }
            Self::TooLarge { size, limit } => {
                write!(
                    f,
                    "has {size} bytes, more than the {limit} that may be read"
                )
            }
            Self::NoRoom => write!(
                f,
                "was left out for its size or that of the archive: what it holds is not known"
            ),
            Self::Hollow { size, held } => write!(
                f,
                "claims {size} bytes, of which the disk holds {held}; its holes were not read"
            ),
            Self::Changed => write!(f, "changed while it was read"),
            Self::Disk(error) => write!(f, "could not be read: {error}; {DISK_FAILS}"),
            Self::Io(error) => write!(f, "could not be read: {error}"),
        }
    }
}

impl core::error::Error for Unread {}
