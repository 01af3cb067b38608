//! Whether every page of the file is accounted for.
//!
//! A file that the library wrote has something in order on every page below the high-water mark: what
//! the tree uses, what it used once, lists of free pages. So where no page is unreadable but those
//! that are known to be lost, nothing else is lost.

use std::collections::BTreeSet;

use super::orphans::sound;
use crate::{
    check::bits::Bits,
    page::{Header, Kind, PageId},
    space::Space,
};

/// Whether there is a page of which nobody can say what stood there: neither claimed, nor free, nor in
/// order, nor among those that are known to be lost.
pub(super) fn is_anything_missing(
    space: Space<'_>,
    claims: &Bits,
    free: Option<&Bits>,
    lost: &BTreeSet<PageId>,
) -> bool {
    let mut id = 2;
    while id < space.end.0 {
        let page = PageId(id);
        id = id.saturating_add(1);
        if claims.has(page) || lost.contains(&page) || free.is_some_and(|free| free.has(page)) {
            continue;
        }
        let header = space.run(page, 1).and_then(Header::read_page_header);
        let Ok(header) = header.map_err(drop).and_then(|header| {
            let is_own = header.id == page;
            is_own.then_some(header).ok_or(())
        }) else {
            return true;
        };
        let is_list = header.kind() == Some(Kind::Freelist);
        if !is_list && sound(space, page).is_none() && !is_empty_root(header) {
            return true;
        }
        id = id.saturating_add(u64::from(header.overflow));
    }
    false
}

/// An empty leaf: the root of a bucket that held nothing.
fn is_empty_root(header: Header) -> bool {
    header.kind() == Some(Kind::Leaf) && header.count == 0
}
