//! Pages that are in order by themselves, and that no tree reaches.

use view::View;

use crate::{
    check::bits::Bits,
    inline::{self, Header as Head},
    meta::Meta,
    node::{BUCKET_FLAG, Node},
    page::{HEADER, Header, Kind, PageId},
    scan::{Bounds, scan},
    space::Space,
};

/// Pages that may follow a page without a header, in a page that nothing vouches for.
const OVERFLOW: u32 = 1 << 10;

/// A branch or leaf in order that nothing reaches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Orphan<'s> {
    pub(super) id: PageId,
    pub(super) kind: Kind,
    pub(super) count: u64,
    pub(super) first: &'s [u8],
    pub(super) last: &'s [u8],
    /// Elements that are buckets.
    pub(super) buckets: u64,
}

impl Orphan<'_> {
    /// Whether both have keys in the same range.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The branch or leaf at `id`, if every rule holds in it.
pub(super) fn sound(space: Space<'_>, id: PageId) -> Option<(Node<'_>, Orphan<'_>)> {
    let page = space.run(id, 1).ok()?;
    let header = Header::read_page_header(page)
        .ok()
        .filter(|header| header.id == id)?;
    let kind = header
        .kind()
        .filter(|kind| matches!(kind, Kind::Branch | Kind::Leaf))?;
    let room = space.end.0.checked_sub(id.0)?;
    if header.overflow > OVERFLOW || header.pages() > room || header.count == 0 {
        return None;
    }
    let run = space.run(id, header.pages()).ok()?;
    let node = Node::new(run, id, header, kind);
    let mut faults = Vec::new();
    let mut orphan = Orphan {
        id,
        kind,
        count: 0,
        first: &[],
        last: &[],
        buckets: 0,
    };
    scan(&node, Bounds::default(), &mut faults, |element, _| {
        if orphan.count == 0 {
            orphan.first = element.key.bytes();
        }
        orphan.last = element.key.bytes();
        orphan.count = orphan.count.saturating_add(1);
        let is_bucket = element.flags & BUCKET_FLAG != 0;
        orphan.buckets = orphan.buckets.saturating_add(u64::from(is_bucket));
    });
    faults.is_empty().then_some((node, orphan))
}

/// All of them among the pages that `is_taken` does not name; and which pages they name
/// as roots of buckets.
pub(super) fn orphans(
    space: Space<'_>,
    is_taken: impl Fn(PageId) -> bool,
) -> (Vec<Orphan<'_>>, Bits) {
    let mut found = Vec::new();
    let mut roots = Bits::new(space.end);
    let mut id = 2;
    while id < space.end.0 {
        let page = PageId(id);
        id = id.saturating_add(1);
        if is_taken(page) {
            continue;
        }
        let Some((node, orphan)) = sound(space, page) else {
            continue;
        };
        each_pointer(&node, |to, is_root| {
            if is_root {
                roots.insert(to);
            }
        });
        // What follows it has no header of its own.
        id = id.saturating_add(u64::from(node.header().overflow));
        found.push(orphan);
    }
    (found, roots)
}

/// The pages that a node names; of a leaf, the roots of its buckets.
pub(super) fn each_pointer(node: &Node<'_>, mut take: impl FnMut(PageId, bool)) {
    for index in 0..node.count().min(node.room()) {
        let Ok(element) = node.element(index) else {
            continue;
        };
        if let Some(child) = element.child {
            take(child, false);
        } else if element.flags & BUCKET_FLAG != 0
            && let (Some(Head::Page { root, .. }), _) = inline::header(element.value, node.id())
        {
            take(root, true);
        }
    }
}

/// The pages that the freelist of `meta` names, if there is one and all of it is in order.
pub(super) fn free(space: Space<'_>, meta: &Meta) -> Option<Bits> {
    if !meta.is_freelist_synced() || !(2..space.end.0).contains(&meta.freelist.0) {
        return None;
    }
    let header = Header::read_page_header(space.run(meta.freelist, 1).ok()?).ok()?;
    if header.id != meta.freelist || header.kind() != Some(Kind::Freelist) {
        return None;
    }
    let room = space.end.0.checked_sub(meta.freelist.0)?;
    let run = space.run(meta.freelist, header.pages().min(room)).ok()?;
    let ids = run.rest(HEADER, "freelist").ok()?;
    let (count, skip) = if header.count == u16::MAX {
        (ids.u64_le(0, "freelist count").ok()?, 8)
    } else {
        (u64::from(header.count), 0)
    };
    let ids: View<'_> = ids.slice(skip, count.checked_mul(8)?, "freelist").ok()?;
    let mut free = Bits::new(space.end);
    let mut before = 1;
    for index in 0..count {
        let id = ids.u64_le(index.saturating_mul(8), "free page").ok()?;
        if id <= before || id >= space.end.0 {
            return None;
        }
        free.insert(PageId(id));
        before = id;
    }
    Some(free)
}
