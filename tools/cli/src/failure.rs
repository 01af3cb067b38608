//! Why a tool has no answer.

use std::{fmt, io};

use finding::Refused;

use crate::Exit;

/// What a tool ends with.
pub type Outcome = Result<Exit, Failure>;

/// Why a tool has no answer: what failed, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One sentence: the file, the offset or path, what was found and what was wanted.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The exit code.
    pub exit: Exit,
    /// Whoever reads our output went away; that is not an error.
    pub(crate) broken_pipe: bool,
}

impl Failure {
    /// The evidence could not be read.
    pub fn unread(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            exit: Exit::UNREAD,
            broken_pipe: false,
        }
    }

    /// The command line makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::USAGE,
            ..Self::unread(message)
        }
    }

    /// It was ended from outside, and nothing stands where the answer was to be.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::INTERRUPTED,
            ..Self::unread(message)
        }
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let failure = if refused.is_question {
            Self::usage(refused.why)
        } else {
            Self::unread(refused.why)
        };
        Self {
            hint: refused.hint,
            exit: if refused.is_unwritten {
                Exit::UNWRITTEN
            } else {
                failure.exit
            },
            ..failure
        }
    }
}

/// Only our own output is written with `io::Error`s, so they are about that.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self {
            broken_pipe,
            exit: Exit::UNWRITTEN,
            ..Self::unread(format!(
                "could not write the answer: {}",
                crate::reason(&error)
            ))
        }
    }
}
