//! Where keys are missing.

use super::notes::Hollow;
use crate::{
    check::Found,
    fault::{Fault, KeyRange, What},
};

/// A place where keys are missing, and what was done about it.
#[derive(Debug)]
pub struct Gap {
    /// The bucket, from the outside in.
    pub path: Vec<Vec<u8>>,
    /// What is wrong there.
    pub fault: Fault,
    /// The keys that are missing.
    pub range: KeyRange,
    /// Keys that were taken from the tree of the transaction before.
    pub filled: u64,
    /// Keys that were taken from pages that nothing names.
    pub orphans: u64,
    /// Whether that tree was whole there, so that only what the last transaction changed is lost.
    pub older_is_whole: bool,
    /// Whether it is proven that nothing is missing after all.
    pub is_closed: bool,
}

impl Gap {
    /// Whether all that is known of it is what another whole tree has there: one of [`Salvage::rivals`].
    ///
    /// [`Salvage::rivals`]: super::Salvage::rivals
    pub const fn is_of_rival(&self) -> bool {
        matches!(self.fault.what, What::TwoTrees { .. })
    }

    /// Of a page that seems to be of an older transaction: what that is, and where.
    pub(crate) fn found(&self) -> Option<Found> {
        let is_old = matches!(
            self.fault.what,
            What::LostWrite { .. } | What::LaterTree { .. }
        );
        (is_old && !self.is_closed).then(|| Found {
            fault: self.fault.clone(),
            path: self.path.clone(),
        })
    }

    /// Something may be missing here, or be older than it should be, though it looks well.
    pub(super) fn doubtful(path: Vec<Vec<u8>>, range: KeyRange, fault: Fault) -> Self {
        Self {
            path,
            fault,
            range,
            filled: 0,
            orphans: 0,
            older_is_whole: false,
            is_closed: false,
        }
    }

    pub(super) fn new(hollow: &Hollow<'_>) -> Self {
        Self {
            path: owned(&hollow.path),
            fault: hollow.fault.clone(),
            range: hollow.range.clone(),
            filled: 0,
            orphans: 0,
            older_is_whole: false,
            is_closed: false,
        }
    }
}

pub(super) fn owned(path: &[&[u8]]) -> Vec<Vec<u8>> {
    path.iter().map(|key| key.to_vec()).collect()
}
