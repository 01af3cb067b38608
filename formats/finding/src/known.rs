//! What could be read, kept apart from what could not.

use serde::Serialize;

/// Something that is not known, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// What is not known: "the images of k8s.io", "xattrs of /var/…".
    pub what: String,
    /// Why not: a damaged page, no permission, not in the bundle.
    pub why: String,
}

impl Unknown {
    /// Whether a disk, or its file system, gave an error: no privilege would help.
    pub fn is_of_a_disk(&self) -> bool {
        self.why.contains(crate::unread::DISK_FAILS)
            || self.what.contains(crate::unread::DISK_FAILS)
    }

    /// `what` is unknown because of `why`.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
        }
    }
}

/// A value and how much of it is known.
///
/// Whoever concludes from absence ("no row names this blob") must hold a whole store:
/// [`Known::whole`] gives nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// All of it was read.
    Whole(T),
    /// What is here was read; more may have been there.
    Partial(T, Vec<Unknown>),
    /// Nothing could be read.
    Lost(Vec<Unknown>),
}

impl<T> Known<T> {
    /// Whole if nothing is unknown, else partial.
    pub fn with(value: T, unknown: Vec<Unknown>) -> Self {
        if unknown.is_empty() {
            Self::Whole(value)
        } else {
            Self::Partial(value, unknown)
        }
    }

    /// Nothing is known of `what`, because of `why`.
    pub fn lost(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Lost(vec![Unknown::new(what, why)])
    }

    /// Whatever was read, whole or not.
    pub const fn read(&self) -> Option<&T> {
        match self {
            Self::Whole(value) | Self::Partial(value, _) => Some(value),
            Self::Lost(_) => None,
        }
    }

    /// The value, only if all of it is known: what absence may be concluded from.
    pub const fn whole(&self) -> Option<&T> {
        match self {
            Self::Whole(value) => Some(value),
            Self::Partial(..) | Self::Lost(_) => None,
        }
    }

    /// Whether all of it is known.
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    /// What is not known.
    pub fn unknown(&self) -> &[Unknown] {
        match self {
            Self::Whole(_) => &[],
            Self::Partial(_, unknown) | Self::Lost(unknown) => unknown,
        }
    }

    /// The same knowledge of something made from the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Whole(value) => Known::Whole(make(value)),
            Self::Partial(value, unknown) => Known::Partial(make(value), unknown),
            Self::Lost(unknown) => Known::Lost(unknown),
        }
    }

    /// The same knowledge, borrowed.
    pub fn as_ref(&self) -> Known<&T> {
        match self {
            Self::Whole(value) => Known::Whole(value),
            Self::Partial(value, unknown) => Known::Partial(value, unknown.clone()),
            Self::Lost(unknown) => Known::Lost(unknown.clone()),
        }
    }
}
