//! What is noticed while a tree is gathered: gaps, repairs, and what is not as it should be.

use view::View;

use super::{
    mend::{Hole, Row},
    tree::Path,
};
use crate::{
    fault::{Fault, KeyRange},
    page::PageId,
};

/// Where keys are missing.
#[derive(Debug)]
pub(super) struct Hollow<'s> {
    pub(super) path: Path<'s>,
    pub(super) range: KeyRange,
    pub(super) fault: Fault,
    /// The page that is lost, or partly so.
    pub(super) page: Option<PageId>,
    /// The page that names it.
    pub(super) above: Option<PageId>,
    /// What that page holds, if it may be the old one itself.
    pub(super) around: Option<Hole<'s>>,
}

/// Something that was set right.
#[derive(Debug)]
pub(super) struct Repair<'s> {
    pub(super) path: Path<'s>,
    pub(super) page: PageId,
    pub(super) what: Repaired,
}

/// What was set right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repaired {
    /// Numbers of so many elements.
    Elements(u64),
    /// The header of a page whose elements are all in order.
    Header,
    /// The flag of a bucket.
    Flag,
    /// The page stands in the place of this other one.
    Misplaced(PageId),
}

/// A plain value that may be a bucket which lost its flag.
#[derive(Debug)]
pub(super) struct Suspect<'s> {
    pub(super) path: Path<'s>,
    pub(super) key: &'s [u8],
    pub(super) value: View<'s>,
    pub(super) leaf: PageId,
    pub(super) root: PageId,
    /// Whether most of its neighbours are buckets.
    pub(super) among_buckets: bool,
}

/// An element that is left over: it cannot be right where it stands.
#[derive(Debug)]
pub(super) struct Odd<'s> {
    pub(super) page: PageId,
    pub(super) why: Oddity,
    pub(super) row: Row<'s>,
}

/// Why an element is left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oddity {
    /// Its key is not between those around it.
    Key,
    /// It is a value, and stands in the root bucket.
    RootValue,
}

impl Oddity {
    pub(super) const fn oddity_text(self) -> &'static str {
        match self {
            Self::Key => "their keys do not fit between those around them",
            Self::RootValue => {
                "they are values in the root bucket, where no program can put any: the page may be that \
                 of another bucket"
            }
        }
    }
}
