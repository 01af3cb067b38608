//! What the library does when it opens a damaged file for writing, as a daemon does.
//!
//! With a freelist on disk it reads the metas and the freelist, and no page of the tree: damage
//! there waits until something touches it. Without one it walks the whole tree. Measured with
//! bbolt 1.3.6 and 1.4.3 on every case of `testdata/bolt/cases` (`opens.json` there).

use crate::{
    check::CheckReport,
    fault::{Fault, Part, What},
};

/// What becomes of an open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AtOpen {
    /// The file is opened; what is damaged is found when something touches it, or never.
    Opens,
    /// bbolt 1.3.7 and later may die, for they compare keys: it depends on the bytes that stand
    /// where the damage points. Earlier ones open it.
    MayDie,
    /// It is refused, or the process dies.
    Dies,
}

impl Fault {
    /// What this fault does to an open of a file whose freelist is `synced`, or is not.
    pub fn at_open(&self, synced: bool) -> AtOpen {
        let walked = |what| if synced { AtOpen::Opens } else { what };
        match self.what {
            // Nobody uses this meta, or nobody misses these pages.
            _ if self.eased.is_some() && synced => AtOpen::Opens,
            What::MetaRoot { .. } | What::MetaFreelist { .. } | What::MetaPageSize { .. }
                if self.eased.is_some() =>
            {
                AtOpen::Opens
            }
            What::NotBolt | What::NoMeta | What::BigEndian | What::UnknownVersion { .. } => {
                AtOpen::Dies
            }
            What::MetaFreelist { found, end } => {
                if found.0 < 2 || end.0 > 2 {
                    AtOpen::Dies
                } else {
                    AtOpen::MayDie
                }
            }
            What::FreelistType { .. } => AtOpen::Dies,
            // A count in the header is believed; only the long form is allocated first.
            What::FreelistCount { found, .. } => {
                if found > u64::from(u16::MAX) {
                    AtOpen::Dies
                } else {
                    AtOpen::Opens
                }
            }
            What::MetaPageSize { .. } | What::FileShort { .. } => AtOpen::MayDie,
            _ if self.inline => AtOpen::Opens,
            What::MetaRoot { .. }
            | What::PageRange { .. }
            | What::PageCycle { .. }
            | What::PageShared { .. }
            | What::PageZero
            | What::PageType { .. }
            | What::PageUnread { .. } => walked(AtOpen::Dies),
            What::PageCount { want, found } if found > want => walked(AtOpen::Dies),
            // Earlier ones go by the number that the page gives itself, and die only if another has it.
            What::PageId { .. }
            | What::PageOverflow { .. }
            | What::PageGarbled { .. }
            | What::KeyEmpty
            | What::KeyOrder
            | What::KeyBeforeBranch
            | What::KeyPastBranch
            | What::ElementOverlap { .. }
            | What::ElementBounds {
                part: Part::Position | Part::Key,
                ..
            } => walked(AtOpen::MayDie),
            _ => AtOpen::Opens,
        }
    }
}

impl CheckReport {
    /// What the library does when it opens the file for writing.
    pub fn at_open(&self) -> AtOpen {
        // In the file of a freelist that names itself otherwise, only the tree is not looked at.
        let synced = self.meta.is_some_and(|meta| meta.is_freelist_synced());
        let faults = self.faults.iter().map(|found| found.fault.at_open(synced));
        faults.max().unwrap_or(AtOpen::Opens)
    }
}
