//! What shows that a page is of an older transaction.

/// Why a page is taken for one of an older transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stale {
    /// The root bucket holds a plain value.
    RootValue,
    /// A page that both trees have is in another bucket.
    Moved,
    /// A page was written again though nothing in it changed.
    Unchanged,
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
    /// The program that owns the file does not do this.
    Rule(&'static Rule),
    /// One of these was seen before.
    Older,
}

/// Something that a program does not do in one transaction.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// What is seen, in words.
    pub text: &'static str,
    /// Whether the page on which it is seen is the old one itself, and not one beside it.
    pub is_of_page: bool,
}

impl Stale {
    /// Whether the page with the finding is the old one itself, and not one beside it.
    pub(crate) const fn is_of_page(self) -> bool {
        match self {
            Self::Rule(rule) => rule.is_of_page,
            Self::Unreached | Self::Skipped | Self::Held => false,
            _ => true,
        }
    }

    /// What is seen, in words.
    pub(crate) const fn stale_text(self) -> &'static str {
        match self {
            Self::RootValue => {
                "the root bucket holds a plain value, which no program can put there"
            }
            Self::Moved => "the tree before has this page in another bucket",
            Self::Unchanged => "the page was written again, and all that it names is where it was",
            Self::Unreached => {
                "the last transaction was the first to use this page, and does not reach it"
            }
            Self::Skipped | Self::Held => "the last transaction passed over this free page",
            Self::Sequence => "the sequence of the bucket does not go with what changed",
            Self::OtherKind => "a value in a bucket that held nothing but buckets",
            Self::Rule(rule) => rule.text,
            Self::Older => "it does not go with what names it, or with what it names",
        }
    }
}
