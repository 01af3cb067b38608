//! What shows that a page is of an older transaction.

/// Why a page is taken for one of an older transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stale {
    /// The root bucket holds a plain value.
    RootValue,
    /// A page that both trees have is in another bucket.
    Moved,
    /// A page that the transaction was the first to use is not in its tree.
    Unreached,
    /// A free page was passed over.
    Skipped,
    /// A free page was passed over, and a reader may have been the reason.
    Held,
    /// The sequence of a bucket went back, or does not fit what was added.
    Sequence,
    /// A bucket that held only buckets holds a value.
    OtherKind,
    /// An object that the tree before did not have is older than the newest one it had.
    Resurrected,
    /// The time when an object was made changed.
    Remade,
    /// The time of an object's last change went back.
    Reverted,
    /// An object came together with others, or in the place of others.
    Exchanged,
    /// An object has not what every object of its kind has.
    Shapeless,
    /// The transaction wrote a name, and not what it names.
    Dangling,
    /// One of these was seen before.
    Older,
}

impl Stale {
    /// Whether the page with the finding is the old one itself, and not one beside it.
    pub(crate) const fn is_of_page(self) -> bool {
        !matches!(
            self,
            Self::Unreached | Self::Skipped | Self::Held | Self::Exchanged | Self::Dangling
        )
    }

    /// What is seen, in words.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::RootValue => {
                "the root bucket holds a plain value, which no program can put there"
            }
            Self::Moved => "the tree before has this page in another bucket",
            Self::Unreached => {
                "the last transaction was the first to use this page, and does not reach it"
            }
            Self::Skipped | Self::Held => "the last transaction passed over this free page",
            Self::Sequence => "the sequence of the bucket does not go with what changed",
            Self::OtherKind => "a value in a bucket that held nothing but buckets",
            Self::Resurrected => "new, and yet not younger than the newest object before",
            Self::Remade => "the time when the object was made is another one now",
            Self::Reverted => "the time of the last change went back",
            Self::Exchanged => {
                "it came with others or in their place, and one transaction does one thing"
            }
            Self::Shapeless => {
                "it lacks what every object of its kind has, or its collection is gone"
            }
            Self::Dangling => "a new name of something that is not there",
            Self::Older => "its bucket does not go with the tree before",
        }
    }
}
