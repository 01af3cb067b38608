//! What can be wrong with a document.

use core::fmt;

use finding::{Code, Escaped};
use json::Flaw;
use view::Span;

use crate::{DigestError, Kind, codes};

/// What is wrong in one place of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is no JSON.
    NotJson {
        /// What is wrong, and where.
        flaw: Flaw,
    },
    /// It is more than we read: too deep, or too many values.
    TooComplex {
        /// Which limit was met, and where.
        flaw: Flaw,
    },
    /// Bytes that are not UTF-8 were replaced, as Go does.
    NotUtf8,
    /// It is of another kind than its media type says.
    WrongKind {
        /// What its media type says.
        want: Kind,
        /// What it looks like.
        found: &'static str,
    },
    /// Docker's manifest of 2014.
    Schema1,
    /// A field is not there.
    Missing {
        /// JSON pointer of the field.
        field: String,
    },
    /// A field holds another type than it must.
    Type {
        /// JSON pointer of the field.
        field: String,
        /// What it must be.
        want: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A field's text or number is none that may stand there.
    Value {
        /// JSON pointer of the field.
        field: String,
        /// What it must be.
        want: &'static str,
        /// What it is.
        found: String,
    },
    /// A digest that containerd refuses.
    Digest {
        /// JSON pointer of the field.
        field: String,
        /// What stands there.
        found: String,
        /// Why it is none.
        why: DigestError,
    },
    /// A key stands twice in one object.
    DuplicateKey {
        /// JSON pointer of the key.
        field: String,
    },
    /// A key is written in another case than the specification's; Go reads it all the same.
    KeyCase {
        /// JSON pointer of the key.
        field: String,
        /// The specification's key.
        want: &'static str,
    },
    /// The config names another number of layers than the manifest.
    LayerCount {
        /// How many layers the manifest has.
        layers: usize,
        /// How many diffIDs the config has.
        diff_ids: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { flaw } => write!(f, "not JSON: the document {flaw}"),
            Self::TooComplex { flaw } => write!(f, "not read to its end: the document {flaw}"),
            Self::NotUtf8 => write!(f, "bytes that are no UTF-8, which Go replaces by U+FFFD"),
            Self::WrongKind { want, found } => {
                write!(f, "the media type says {want}, the document is {found}")
            }
            Self::Schema1 => write!(f, "a Docker manifest of schema 1, which containerd refuses"),
            Self::Missing { field } => write!(f, "field {} is missing", safe(field)),
            Self::Type { field, want, found } => {
                write!(f, "field {} is {found}, not {want}", safe(field))
            }
            Self::Value { field, want, found } => {
                write!(f, "field {} is {}, not {want}", safe(field), safe(found))
            }
            Self::Digest { field, found, why } => {
                write!(
                    f,
                    "field {} is no digest: {why}: {}",
                    safe(field),
                    safe(found)
                )
            }
            Self::DuplicateKey { field } => {
                write!(f, "key {} is there twice; Go uses the last", safe(field))
            }
            Self::KeyCase { field, want } => {
                write!(
                    f,
                    "key {} is written {want} in the specification",
                    safe(field)
                )
            }
            Self::LayerCount { layers, diff_ids } => write!(
                f,
                "the manifest has {layers} layers, the config {diff_ids} diffIDs"
            ),
        }
    }
}

/// Text from the evidence, at most 200 bytes of it, harmless.
fn safe(text: &str) -> Escaped<'_> {
    let bytes = text.as_bytes();
    Escaped(bytes.get(..200).unwrap_or(bytes))
}

impl core::error::Error for Fault {}

impl finding::Fault for Fault {
    fn code(&self) -> &'static Code {
        match self {
            Self::NotJson { .. } => &codes::NOT_JSON,
            Self::TooComplex { .. } => &codes::TOO_COMPLEX,
            Self::NotUtf8 => &codes::NOT_UTF8,
            Self::WrongKind { .. } => &codes::WRONG_KIND,
            Self::Schema1 => &codes::SCHEMA_1,
            Self::Missing { .. } | Self::Type { .. } | Self::Value { .. } => &codes::BAD_FIELD,
            Self::Digest { .. } => &codes::BAD_DIGEST,
            Self::DuplicateKey { .. } => &codes::DUPLICATE_KEY,
            Self::KeyCase { .. } => &codes::KEY_CASE,
            Self::LayerCount { .. } => &codes::LAYER_COUNT,
        }
    }

    fn span(&self) -> Option<Span> {
        match self {
            Self::NotJson { flaw } | Self::TooComplex { flaw } => Some(flaw.span()),
            _ => None,
        }
    }

    fn want_found(&self) -> Option<(String, String)> {
        match self {
            Self::WrongKind { want, found } => Some((want.to_string(), (*found).to_owned())),
            Self::Type { want, found, .. } => Some(((*want).to_owned(), (*found).to_owned())),
            Self::Value { want, found, .. } => Some(((*want).to_owned(), safe(found).to_string())),
            Self::LayerCount { layers, diff_ids } => {
                Some((format!("{layers} diffIDs"), diff_ids.to_string()))
            }
            _ => None,
        }
    }
}
