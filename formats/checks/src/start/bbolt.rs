//! What bbolt does with a damaged file: at which fault it panics, and when it meets it.

use bolt::{Found, What};
use daemon::Release;
use finding::Location;

/// A fault that ends the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Panic {
    /// Where.
    pub(super) at: Location,
    /// What is printed.
    pub(super) says: String,
    /// The code of the fault.
    pub(super) code: &'static str,
    /// Whether it may also go round for ever, or go on, instead: what the bytes lead to is not
    /// certain.
    pub(super) may_hang: bool,
}

/// The largest array that Go's slices of a page are cut from (`pageMaxAllocSize`).
const MAX_SLICE: u64 = 0x7fff_ffff;

/// The faults in the order in which bbolt's walk meets their pages: all pages of a bucket, then the
/// buckets in it by their keys.
pub(super) fn in_order(faults: &[Found]) -> Vec<&Found> {
    let mut all: Vec<&Found> = faults.iter().collect();
    all.sort_by(|one, other| one.path.cmp(&other.path));
    all
}

/// A fault of the freelist's page.
pub(super) fn freelist(found: &Found) -> Option<(Panic, bool)> {
    let absurd = matches!(found.fault.what, What::FreelistCount { .. });
    if !absurd
        && !matches!(
            found.fault.what,
            What::FreelistType { .. } | What::MetaFreelist { .. }
        )
    {
        return None;
    }
    // Behind the end of the file there are zeroes, a panic, or nothing: then it is a bus error.
    let is_beyond = matches!(found.fault.what, What::MetaFreelist { .. });
    let says = if absurd || is_beyond {
        String::new()
    } else {
        "panic: ".to_owned()
    };
    Some((panic(found, says), absurd))
}

fn panic(found: &Found, says: String) -> Panic {
    let location = Location::default();
    let finding = found.finding(location);
    Panic {
        at: finding.location,
        says,
        code: found.fault.what.code().name,
        may_hang: false,
    }
}

/// A fault of a page of the tree, where bbolt reads that page; `walks`: when it opens the file.
pub(super) fn page(found: &Found, release: Release, walks: bool) -> Option<Panic> {
    let page = found
        .fault
        .page
        .map_or_else(String::new, |page| page.to_string());
    // bbolt 1.3.6 takes a page for what its flags say, whatever number it has.
    let old = release == Release::V1_6;
    match &found.fault.what {
        What::PageId { .. } if old => None,
        What::PageId { want, found: is } => {
            let says = format!("Page expected to be: {want}, but self identifies as {is}");
            Some(panic(found, says))
        }
        What::PageZero if !old => {
            let says = format!("Page expected to be: {page}, but self identifies as 0");
            Some(panic(found, says))
        }
        What::PageType { flags } if !old => {
            let says = format!("page {page}: has unexpected type/flags: {flags:x}");
            Some(panic(found, says))
        }
        // A look-up panics; an iteration follows what it takes for the number of a page.
        What::PageZero | What::PageType { .. } | What::PageCycle { .. } => Some(Panic {
            may_hang: true,
            ..panic(found, String::new())
        }),
        What::PageGarbled { .. } | What::PageRange { .. } | What::PageOverflow { .. } => {
            Some(Panic {
                may_hang: old,
                ..panic(found, String::new())
            })
        }
        // A slice that is cut beyond its array panics; else what lies behind the page is taken for
        // the key or value, and what comes of that depends on it. Nobody who only walks reads a
        // value.
        What::ElementBounds { found: is, .. } => Some(Panic {
            may_hang: *is < MAX_SLICE,
            ..panic(found, String::new())
        }),
        What::BucketHeader { .. } | What::FileShort { .. } | What::MetaRoot { .. } => {
            Some(panic(found, String::new()))
        }
        // The walk of later ones compares keys, with their branch's, too.
        What::KeyOrder | What::KeyBeforeBranch | What::KeyAfterBranch | What::KeyPastBranch
            if walks && !old =>
        {
            Some(panic(found, String::new()))
        }
        What::PageShared { .. } if walks && !old => Some(panic(found, String::new())),
        _ => None,
    }
}
