//! A page whose header is wrong, read in spite of it.

use view::View;

use super::mend::Hole;
use crate::{
    fault::{Fault, What},
    node::Node,
    page::{HEADER, Header, Kind, PageId},
    scan::{Bounds, scan},
    space::{Pointer, Space},
};

/// The node that `pointer` leads to; and whether its header is wrong.
pub(super) fn read_or_repair_header<'s>(
    space: Space<'s>,
    pointer: Pointer,
    bounds: Hole<'s>,
    faults: &mut Vec<Fault>,
) -> Result<(Node<'s>, bool), Fault> {
    if let Some(node) = space.node(pointer, faults) {
        return Ok((node, false));
    }
    let wrong = faults.pop();
    let wrong = wrong.unwrap_or_else(|| pointer.out_of_range(space.end));
    let fixed = matches!(wrong.what, What::PageId { .. } | What::PageType { .. })
        .then(|| with_other_header(space, pointer.to, bounds))
        .flatten();
    fixed.map(|node| (node, true)).ok_or(wrong)
}

/// The page as the branch or leaf that it would be with a right header, if all its elements fit.
fn with_other_header<'s>(space: Space<'s>, id: PageId, bounds: Hole<'s>) -> Option<Node<'s>> {
    let header = Header::read_page_header(space.run(id, 1).ok()?).ok()?;
    let says = header
        .kind()
        .filter(|kind| matches!(kind, Kind::Branch | Kind::Leaf));
    // One of the two fields is right, or it is no page of this tree.
    if header.id != id && says.is_none() {
        return None;
    }
    if header.id != id && (is_copy(space, id, header) || !is_near(header.id, id)) {
        return None;
    }
    let kinds = match says {
        Some(kind) => vec![kind],
        None => vec![Kind::Leaf, Kind::Branch],
    };
    let room = space.end.0.saturating_sub(id.0);
    let run = space.run(id, header.pages().min(room)).ok()?;
    kinds.into_iter().find_map(|kind| {
        let header = Header {
            id,
            flags: kind.flags(),
            ..header
        };
        let node = Node::new(run, id, header, kind);
        let limits = Bounds {
            from: bounds.0,
            until: bounds.1,
            ..Bounds::default()
        };
        let mut faults = Vec::new();
        scan(&node, limits, &mut faults, |_, _| {});
        (faults.is_empty() && node.count() > 0).then_some(node)
    })
}

/// Whether the number may be this one with a byte gone wrong; else it is another page, written to a
/// wrong place.
fn is_near(found: PageId, want: PageId) -> bool {
    let differs = (found.0 ^ want.0).to_le_bytes();
    found.0 == 0
        || differs.iter().filter(|byte| **byte != 0).count() == 1
            && differs.iter().all(|byte| byte.count_ones() <= 2)
}

/// Whether the page stands where its header says, too: then it was written to a wrong place.
fn is_copy(space: Space<'_>, id: PageId, header: Header) -> bool {
    let body = |id: PageId| {
        let page = space.run(id, 1).ok()?;
        page.rest(HEADER, "page").ok().map(View::bytes)
    };
    body(id).is_some() && body(id) == body(header.id)
}
