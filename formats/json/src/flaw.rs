//! What is wrong with a document as JSON.

use core::fmt;

use finding::Text;
use view::Span;

use crate::{DEPTH, VALUES};

/// What is wrong with a document as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// There is nothing in it, or only white space.
    Empty,
    /// It ends inside a value.
    Ends {
        /// Offset of its end.
        at: u64,
    },
    /// Something stands where it may not.
    Syntax {
        /// Offset of the byte.
        at: u64,
        /// What may stand there.
        want: &'static str,
        /// The byte that stands there.
        found: u8,
    },
    /// Deeper than [`DEPTH`]; what is deeper was not read.
    Deep {
        /// Offset of the bracket that is one too many.
        at: u64,
    },
    /// More than [`VALUES`] values; the rest was not read.
    Many {
        /// Offset of the first value that was not read.
        at: u64,
    },
    /// A name comes twice in one object. Go takes the last.
    Twice {
        /// Offset of the second.
        at: u64,
        /// The name.
        key: Text,
    },
}

impl Flaw {
    /// Where it is: the byte that is wrong, or none at the end of what was cut.
    pub fn span(&self) -> Span {
        match self {
            Self::Empty => Span::new(0, 0),
            Self::Ends { at } => Span::new(*at, 0),
            Self::Syntax { at, .. } | Self::Deep { at } | Self::Many { at } => Span::new(*at, 1),
            Self::Twice { at, key } => {
                let len = u64::try_from(key.bytes().len()).unwrap_or(u64::MAX);
                Span::new(*at, len.saturating_add(2))
            }
        }
    }

    /// Whether Go reads the document all the same: it takes the last of two equal names.
    pub const fn is_harmless(&self) -> bool {
        matches!(self, Self::Twice { .. })
    }

    /// Whether a bound of ours was met, and not the end of JSON.
    pub const fn is_limit(&self) -> bool {
        matches!(self, Self::Deep { .. } | Self::Many { .. })
    }
}

impl fmt::Display for Flaw {
    /// What follows the name of the file: "is empty".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "is empty"),
            Self::Ends { at } => write!(f, "ends at {at:#x}, inside a value"),
            Self::Syntax { at, want, found } => {
                write!(
                    f,
                    "has the byte {found:#04x} at {at:#x}, where {want} belongs"
                )
            }
            Self::Deep { at } => write!(f, "is nested deeper than {DEPTH} levels at {at:#x}"),
            Self::Many { at } => {
                write!(
                    f,
                    "has more than {VALUES} values; at {at:#x} they were left"
                )
            }
            Self::Twice { key, .. } => write!(f, "has the key {key} twice"),
        }
    }
}
