//! Something wrong in a file: where it stands, and what is unknown because of it.

use core::fmt;

use finding::{Code, Escaped, Severity};
use view::Span;

use crate::page::PageId;
pub use crate::what::{Part, What};

/// Keys that are not known because of a fault: from `from` on, up to and without `until`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The smallest key that may be missing; none: from the first of the bucket.
    pub from: Option<Vec<u8>>,
    /// The smallest key that is known again; none: up to the last of the bucket.
    pub until: Option<Vec<u8>>,
}

impl KeyRange {
    /// From borrowed bounds.
    pub fn new(from: Option<&[u8]>, until: Option<&[u8]>) -> Self {
        Self {
            from: from.map(<[u8]>::to_vec),
            until: until.map(<[u8]>::to_vec),
        }
    }

    /// Whether it is a single key.
    pub fn is_one(&self) -> bool {
        let after = self
            .until
            .as_deref()
            .and_then(|until| until.strip_suffix(&[0]));
        after.is_some() && after == self.from.as_deref()
    }

    /// Whether `key` may have stood there.
    pub fn may_hold(&self, key: &[u8]) -> bool {
        self.from.as_deref().is_none_or(|from| key >= from)
            && self.until.as_deref().is_none_or(|until| key < until)
    }
}

impl fmt::Display for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.until) {
            (None, None) => write!(f, "all keys"),
            (Some(from), None) => write!(f, "keys from {}", Escaped(from)),
            (None, Some(until)) => write!(f, "keys before {}", Escaped(until)),
            (Some(from), Some(_)) if self.is_one() => {
                write!(f, "key {}", Escaped(from))
            }
            (Some(from), Some(until)) => {
                write!(
                    f,
                    "keys from {} to before {}",
                    Escaped(from),
                    Escaped(until)
                )
            }
        }
    }
}

/// Something wrong in one place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it is.
    pub what: What,
    /// In which page, if it is in one.
    pub page: Option<PageId>,
    /// The bytes that are wrong, or that say so.
    pub span: Span,
    /// Which keys of the bucket are unknown because of it; none: no key is.
    pub unknown: Option<Box<KeyRange>>,
    /// How bad it is, where the file makes it less bad than its code says.
    pub eased: Option<Severity>,
    /// Whether it is in an inline bucket: the library does not look there before it is asked to.
    pub inline: bool,
}

impl Fault {
    /// `what` in `page` at `span`, which hides no key.
    pub const fn new(what: What, page: Option<PageId>, span: Span) -> Self {
        Self {
            what,
            page,
            span,
            unknown: None,
            eased: None,
            inline: false,
        }
    }

    /// Which is no worse than `severity` in this file.
    #[must_use]
    pub fn no_worse_than(mut self, severity: Severity) -> Self {
        let usual = self.what.code().severity;
        self.eased = (severity < usual).then_some(severity);
        self
    }

    /// Which hides these keys.
    #[must_use]
    pub fn hiding(mut self, from: Option<&[u8]>, until: Option<&[u8]>) -> Self {
        self.unknown = Some(Box::new(KeyRange::new(from, until)));
        self
    }

    /// Which hides this key alone; none: any.
    #[must_use]
    pub(crate) fn hiding_key(self, key: Option<&[u8]>) -> Self {
        // The first key behind it.
        let next = key.map(|key| [key, &[0]].concat());
        self.hiding(key, next.as_deref())
    }

    /// Whether it says "this is not read here" instead of "this is broken".
    pub const fn is_unsupported(&self) -> bool {
        matches!(self.what, What::BigEndian | What::UnknownVersion { .. })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if let Some(unknown) = &self.unknown {
            let is = if unknown.is_one() { "is" } else { "are" };
            write!(f, "; {unknown} {is} unknown")?;
        }
        Ok(())
    }
}

impl core::error::Error for Fault {}

impl finding::Fault for Fault {
    fn code(&self) -> &'static Code {
        self.what.code()
    }

    fn severity(&self) -> Severity {
        self.eased.unwrap_or(self.code().severity)
    }

    fn span(&self) -> Option<Span> {
        Some(self.span)
    }

    fn want_found(&self) -> Option<(String, String)> {
        self.what.numbers()
    }
}
