//! Why a question has no answer.

use core::fmt;

/// Why a question about a node has no answer: what failed, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// One sentence: what was asked for, what was found and what was wanted.
    pub why: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether another question would have an answer; else the evidence could not be read.
    pub is_question: bool,
    /// Whether the answer could not be written: a full disk.
    pub is_unwritten: bool,
}

impl Refused {
    /// The evidence could not be read.
    pub fn unread(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            hint: None,
            is_question: false,
            is_unwritten: false,
        }
    }

    /// What was to be written could not be.
    pub fn unwritten(why: impl Into<String>) -> Self {
        Self {
            is_unwritten: true,
            ..Self::unread(why)
        }
    }

    /// The question makes no sense of this node.
    pub fn question(why: impl Into<String>) -> Self {
        Self {
            is_question: true,
            ..Self::unread(why)
        }
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Refused {}
