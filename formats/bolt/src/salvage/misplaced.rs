//! Pages that stand in the place of others: written to a wrong place, or exchanged.

use std::collections::BTreeMap;

use super::mend::Hole;
use crate::{
    node::Node,
    page::{Header, Kind, PageId},
    scan::{Bounds, scan},
    space::Space,
};

/// Which page stands where, of those that say another number than that of their place.
#[derive(Debug)]
pub(super) struct Misplaced(BTreeMap<PageId, Vec<PageId>>);

impl Misplaced {
    pub(super) fn find_misplaced(space: Space<'_>) -> Self {
        let mut found: BTreeMap<PageId, Vec<PageId>> = BTreeMap::new();
        for at in (2..space.end.0).map(PageId) {
            let header = space.run(at, 1).and_then(Header::read_page_header);
            let Ok(header) = header else { continue };
            let is_node = matches!(header.kind(), Some(Kind::Branch | Kind::Leaf));
            if is_node && header.id != at && header.id.0 >= 2 && header.count > 0 {
                found.entry(header.id).or_default().push(at);
            }
        }
        Self(found)
    }

    /// The node of page `id`, where one other place alone has it, in order and within `bounds`.
    pub(super) fn node<'s>(
        &self,
        space: Space<'s>,
        id: PageId,
        bounds: Hole<'s>,
    ) -> Option<Node<'s>> {
        let [at] = self.0.get(&id)?.as_slice() else {
            return None;
        };
        let header = space.run(*at, 1).and_then(Header::read_page_header).ok()?;
        // Whether its further pages came along, nothing says: they have no header.
        if header.overflow > 0 {
            return None;
        }
        let run = space.run(*at, 1).ok()?;
        let node = Node::new(run, id, header, header.kind()?);
        let limits = Bounds {
            from: bounds.0,
            until: bounds.1,
            ..Bounds::default()
        };
        let mut faults = Vec::new();
        scan(&node, limits, &mut faults, |_, _| {});
        faults.is_empty().then_some(node)
    }
}
