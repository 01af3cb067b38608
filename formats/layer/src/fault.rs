//! What can be wrong with a layer.

use core::fmt;

use evidence::archive::End;
use finding::{Text, Unread};

/// Why a layer could not be inflated to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InflateError {
    /// Its bytes could not be read.
    Unread(Unread),
    /// Its bytes are no gzip or zstd from here on.
    Damaged {
        /// Bytes that had gone in, about.
        packed: u64,
        /// Bytes that had come out.
        unpacked: u64,
        /// What the decoder says.
        why: String,
    },
    /// It is packed in a way that is not read.
    Unsupported(String),
    /// It inflates to more than it may: a bomb, or a limit that is too low.
    Bomb {
        /// Bytes that had gone in, about.
        packed: u64,
        /// Bytes that had come out.
        unpacked: u64,
    },
    /// It was ended from outside.
    Cancelled,
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(unread) => write!(f, "{unread}"),
            Self::Damaged {
                packed,
                unpacked,
                why,
            } => write!(
                f,
                "cannot be inflated beyond {unpacked} bytes (of the first {packed} packed): {why}"
            ),
            Self::Unsupported(why) => write!(f, "is packed in a way that is not read: {why}"),
            Self::Bomb { packed, unpacked } => write!(
                f,
                "inflates to more than {unpacked} bytes from {packed}: that is the budget, and it was \
                 not inflated further"
            ),
            Self::Cancelled => write!(f, "was not inflated to its end: it was interrupted"),
        }
    }
}

impl core::error::Error for InflateError {}

/// What is wrong with a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It could not be inflated to its end.
    Inflate(InflateError),
    /// Its tar does not end as a tar should.
    Tar(End),
    /// It has more entries than are read.
    TooMany {
        /// So many were read.
        read: u64,
    },
    /// It has a name that is longer than Linux takes a path: containerd cannot unpack it either.
    LongName {
        /// So many entries come before it.
        read: u64,
    },
    /// A header of an entry is malformed, or its name climbs above the root.
    Entry {
        /// The name as it stands in the tar.
        name: Text,
        /// What is wrong with it.
        what: String,
    },
    /// More entries like that.
    MoreEntries(u64),
}

impl Fault {
    /// Whether entries after it are not known.
    pub const fn ends_it(&self) -> bool {
        match self {
            Self::Inflate(_) | Self::TooMany { .. } | Self::LongName { .. } => true,
            Self::Tar(end) => !matches!(end, End::Unended { .. } | End::Garbage { .. }),
            Self::Entry { .. } | Self::MoreEntries(_) => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inflate(error) => write!(f, "{error}"),
            Self::Tar(end) => write!(f, "{end}"),
            Self::TooMany { read } => write!(f, "has more than {read} entries"),
            Self::LongName { read } => write!(
                f,
                "has, after {read} entries, a name that is longer than Linux takes a path"
            ),
            Self::Entry { name, what } => write!(f, "{name}: {what}"),
            Self::MoreEntries(more) => write!(f, "and {more} more entries like that"),
        }
    }
}
