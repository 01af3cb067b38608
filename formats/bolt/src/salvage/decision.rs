//! What was decided, so that a person can judge it.

use serde::Serialize;

use crate::page::PageId;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A number of elements was set right from the elements around them.
    ElementsRepaired,
    /// A page was read although its header is wrong.
    HeaderRepaired,
    /// A value was taken for the bucket that it is.
    FlagRestored,
    /// Keys were taken from the tree of the transaction before.
    FromPrevious,
    /// A page that nothing names any more was put back into its bucket.
    PageRestored,
    /// A page of the newest transaction took the place of an older one.
    Grafted,
    /// A page of the newest tree was not believed: it is of an older transaction.
    Distrusted,
    /// A page, or elements of one, went to `lost+found`.
    LostAndFound,
    /// A page that may hold something was left out.
    LeftOut,
    /// The sequence of a bucket was raised.
    SequenceRaised,
    /// A value was kept of which a part may never have been written.
    Doubtful,
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// Nothing else is possible if the library wrote the file.
    Proven,
    /// Nothing speaks against it; an older state is possible.
    Likely,
    /// Nobody knows where it belongs, or when it was true.
    Possible,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was done.
    pub action: Action,
    /// How sure it is.
    pub proof: Proof,
    /// The bucket, from the outside in.
    pub path: Vec<Vec<u8>>,
    /// The page from which the keys are.
    pub page: Option<PageId>,
    /// Keys, with those of buckets below; of [`Action::SequenceRaised`], the new sequence.
    pub keys: u64,
    /// Why, in words.
    pub why: &'static str,
}
