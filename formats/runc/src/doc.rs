//! A small file and how much of it is known.

use evidence::{Evidence, FileKind};
use finding::Unread;
use view::View;

use crate::fault::Fault;
use crate::folder::Folder;

/// Bytes that a small file of the runtime may have. The largest state.json seen has 200 KiB (a
/// container with a thousand mounts and a full seccomp profile).
pub const LIMIT: u64 = 8 << 20;

/// What became of a file that was looked for: four answers, never merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doc<T> {
    /// It is not there.
    Absent,
    /// It was read, and nothing is wrong with it.
    Whole(T),
    /// Something is wrong with it; what could be read is kept.
    Damaged(Option<T>, Vec<Fault>),
    /// It is there, or may be, and could not be read.
    Unread(Unread),
}

impl<T> Doc<T> {
    /// Whatever was read.
    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Whole(value) | Self::Damaged(Some(value), _) => Some(value),
            Self::Absent | Self::Damaged(None, _) | Self::Unread(_) => None,
        }
    }

    /// What was read, if nothing is wrong with it.
    pub const fn whole(&self) -> Option<&T> {
        match self {
            Self::Whole(value) => Some(value),
            _ => None,
        }
    }

    /// What is wrong with it.
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Damaged(_, faults) => faults,
            _ => &[],
        }
    }

    /// Why it was not read, where it is there or may be.
    pub const fn why_unread(&self) -> Option<&Unread> {
        match self {
            Self::Unread(why) => Some(why),
            _ => None,
        }
    }

    /// Whether it is known not to be there.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether it is there, readable or not.
    pub const fn is_there(&self) -> bool {
        !matches!(self, Self::Absent | Self::Unread(Unread::NotCollected))
    }

    /// Whether its reader would refuse it: damaged by more than an oddity.
    pub fn is_refused(&self) -> bool {
        self.faults().iter().any(Fault::is_fatal_for_reader)
    }

    /// One word for a table.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Whole(_) => "whole",
            Self::Damaged(..) => "damaged",
            Self::Unread(_) => "unread",
        }
    }

    /// Reads `name` of a folder; what is not in one that is not listed whole is not known. `parse` makes a value of its bytes.
    ///
    /// Only what the listing calls a regular file is opened: no runtime writes these files as
    /// links, and a FIFO must not be opened.
    pub(crate) fn read_doc(
        evidence: &Evidence,
        folder: &Folder,
        name: &str,
        parse: impl FnOnce(View<'_>) -> (Option<T>, Vec<Fault>),
    ) -> Self {
        let Some(entry) = folder.get(name) else {
            return if folder.whole {
                Self::Absent
            } else {
                Self::Unread(Unread::NotCollected)
            };
        };
        if entry.stat.kind != FileKind::File {
            return Self::Unread(Unread::Special(entry.stat.kind.word()));
        }
        let source = evidence.source_as_is(&folder.join(&entry.name), LIMIT);
        let kept = source.and_then(|source| evidence.keep(source.view().len()).map(|()| source));
        match kept {
            Err(Unread::Absent) => Self::Absent,
            Err(unread) => Self::Unread(unread),
            Ok(source) => match parse(source.view()) {
                (Some(value), faults) if faults.is_empty() => Self::Whole(value),
                (value, faults) => Self::Damaged(value, faults),
            },
        }
    }
}

/// A parser that always has a value, as [`Doc::read_doc`] wants it.
pub(crate) fn some<T>((value, faults): (T, Vec<Fault>)) -> (Option<T>, Vec<Fault>) {
    (Some(value), faults)
}
