//! Exit codes, which add up as in fsck(8).

use finding::Unknown;
use std::ops::{BitOr, BitOrAssign};

/// An exit code; several add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exit(pub u8);

impl Exit {
    /// Nothing wrong, all of it was read.
    pub const CLEAN: Self = Self(0);
    /// Something was repaired.
    pub const REPAIRED: Self = Self(1);
    /// Findings above a note are left.
    pub const FINDINGS: Self = Self(4);
    /// Something that was asked for could not be read.
    pub const UNREAD: Self = Self(8);
    /// The command line makes no sense.
    pub const USAGE: Self = Self(16);
    /// Interrupted (Ctrl-C, SIGTERM); what is printed is incomplete, and no file was written.
    pub const INTERRUPTED: Self = Self(32);

    /// What was to be written could not be: the disk is full, or nearly; nothing is left of it.
    pub const UNWRITTEN: Self = Self(64);

    /// What an answer means that may lack something: clean if it lacks nothing.
    pub const fn of_unknown(unknown: &[Unknown]) -> Self {
        if unknown.is_empty() {
            Self::CLEAN
        } else {
            Self::UNREAD
        }
    }

    /// Whether `code` is part of it.
    pub const fn has(self, code: Self) -> bool {
        self.0 & code.0 == code.0
    }

    /// The codes as the help text lists them.
    pub const HELP: &'static str = "Exit codes, which add up: 0 clean, 4 findings above a note, 8 something could not be read, 16 usage, \
32 interrupted, 64 the output could not be written (a full disk)";

    /// The same for verbs that change a node.
    pub const HELP_OF_CHANGES: &'static str = "Exit codes, which add up: 0 clean, 1 changed what it should \
(`apply`, `undo`, `purge`), 4 findings above a note, 8 something could not be read, 16 usage, 32 interrupted, \
64 the output could not be written (a full disk)";
}

impl BitOr for Exit {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Exit {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
