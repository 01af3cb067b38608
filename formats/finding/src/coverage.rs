//! What was read, what was not, and why.

use serde::Serialize;

use crate::{Text, Unknown, Unread, size_number};

/// A source that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceNote {
    /// Absolute path inside the evidence.
    pub path: Text,
    /// Bytes that it has.
    #[serde(serialize_with = "size_number")]
    pub size: u64,
    /// SHA-256 of its bytes in hex, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreadNote {
    /// Absolute path inside the evidence.
    pub path: Text,
    /// Why not.
    #[serde(flatten)]
    pub unread: Unread,
}

/// A check that did not speak, because what it concludes from is not known whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Abstention {
    /// The check's code.
    pub code: &'static str,
    /// What it would have needed.
    pub because: String,
}

/// What was read, skipped, and why; every report ends with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// What was read.
    pub sources: Vec<SourceNote>,
    /// What could not be read although it was looked for.
    pub unread: Vec<UnreadNote>,
    /// What is not known of the stores that were read.
    pub unknown: Vec<Unknown>,
    /// Which checks did not speak.
    pub abstained: Vec<Abstention>,
    /// What was left out on purpose: "blobs were not hashed (--hash does it)".
    pub skipped: Vec<String>,
}

impl Coverage {
    /// Notes a source.
    pub fn note_read(&mut self, path: impl Into<Text>, size: u64) {
        self.sources.push(SourceNote {
            path: path.into(),
            size,
            sha256: None,
        });
    }

    /// Notes that `path` could not be read.
    pub fn unread(&mut self, path: impl Into<Text>, unread: Unread) {
        let note = UnreadNote {
            path: path.into(),
            unread,
        };
        if !self.unread.contains(&note) {
            self.unread.push(note);
        }
    }

    /// Notes that check `code` did not speak.
    pub fn abstain(&mut self, code: &'static str, because: impl Into<String>) {
        let note = Abstention {
            code,
            because: because.into(),
        };
        if !self.abstained.contains(&note) {
            self.abstained.push(note);
        }
    }
}
