//! A tree, page by page: what of it can be believed, and where keys are missing.

mod branch;
mod leaf;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use view::{Span, View};

use super::{
    doubt::Believed,
    fits::Fits,
    frame::{Frame, Next},
    mend::{Hole, Row, mend},
    misplaced::Misplaced,
    notes::{Hollow, Odd, Oddity, Repair, Repaired, Suspect},
    tree::{Item, Path, Root, Saved},
};
use crate::{
    check::bits::Bits,
    fault::{Fault, KeyRange, What},
    inline::{self, Header as Head},
    line::DEEPEST,
    node::Node,
    page::{Kind, PageId},
    scan::{Bounds, scan},
    schema::Schema,
    space::{Pointer, Space},
    stale::Stale,
};
use branch::{branch, is_of_other_branch};

/// Faults, repairs and oddities that are kept apart; more of them are only counted.
const LISTED: usize = 10_000;
/// How often a page is looked at that did not fit where it was named.
const VISITS: u8 = 4;

/// Goes through a tree, and takes each page once.
pub(super) struct Gather<'s, 'm> {
    space: Space<'s>,
    pub(super) claims: Bits,
    /// Pages in whose place others are read.
    moved: &'m BTreeMap<PageId, PageId>,
    /// Which pages are believed.
    pub(super) believed: Believed<'s>,
    /// Root pages of buckets that several buckets name, and to which of them they belong.
    pub(super) owners: BTreeMap<PageId, Vec<Vec<u8>>>,
    /// Pages of the tree that the freelist has.
    pub(super) listed: BTreeSet<PageId>,
    /// Pages that did not fit where they were named, and how often.
    foreign: BTreeMap<PageId, u8>,
    /// What a page must hold to be read in a place; and pages that stand elsewhere.
    fits: Fits<'s>,
    misplaced: Option<Misplaced>,
    pub(super) hollows: Vec<Hollow<'s>>,
    pub(super) repairs: Vec<Repair<'s>>,
    pub(super) suspects: Vec<Suspect<'s>>,
    /// Elements that cannot be right where they stand.
    pub(super) odd: Vec<Odd<'s>>,
    /// Values in which a page is zeroes, by their whole path, and the leaf.
    pub(super) zeroes: Vec<(Path<'s>, PageId)>,
    /// Whether there were more of anything than is listed.
    pub(super) is_cut: bool,
}

/// Where a bucket is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start<'s> {
    /// A root page, named here; and the sequence.
    Page(Pointer, u64),
    /// The value of a leaf's element, and its page.
    Value(View<'s>, PageId),
}

impl<'s, 'm> Gather<'s, 'm> {
    pub(super) fn new(
        space: Space<'s>,
        moved: &'m BTreeMap<PageId, PageId>,
        schema: Option<&'static dyn Schema>,
    ) -> Self {
        let pages = space.view.len().checked_div(space.page_size).unwrap_or(0);
        Self {
            space,
            claims: Bits::new(PageId(pages)),
            moved,
            believed: Believed::default(),
            owners: BTreeMap::new(),
            listed: BTreeSet::new(),
            foreign: BTreeMap::new(),
            fits: Fits {
                schema,
                space,
                is_listed: false,
            },
            misplaced: None,
            hollows: Vec::new(),
            repairs: Vec::new(),
            suspects: Vec::new(),
            odd: Vec::new(),
            zeroes: Vec::new(),
            is_cut: false,
        }
    }

    /// Pages that stand where something else should.
    pub(super) fn old(&self) -> BTreeSet<PageId> {
        let mut old = self.believed.distrusted.clone();
        let hollows = self.hollows.iter();
        old.extend(
            hollows
                .filter(|hollow| matches!(hollow.fault.what, What::LostWrite { .. }))
                .filter_map(|hollow| hollow.page),
        );
        old.retain(|page| !self.claims.has(*page));
        old
    }

    /// Everything in the bucket at `start`, which stands under the last key of `base`.
    pub(super) fn bucket(&mut self, start: Start<'s>, base: &[&'s [u8]]) -> Item<'s> {
        let mut frames = vec![self.open(base.last().copied().unwrap_or_default(), start, base)];
        loop {
            let Some(mut top) = frames.pop() else {
                return Item::Bucket(Saved::default());
            };
            let path = || -> Path<'s> {
                let open = frames.iter().skip(1).map(|frame: &Frame<'s>| frame.key);
                let last = (!frames.is_empty()).then_some(top.key);
                base.iter().copied().chain(open).chain(last).collect()
            };
            if let Some(mut next) = top.nodes.pop() {
                let path = path();
                let above = u64::try_from(frames.len()).unwrap_or(u64::MAX);
                next.depth = next.depth.saturating_add(above);
                self.node(&mut top, next, &path);
                frames.push(top);
            } else if let Some((key, value, leaf)) = top.below.pop() {
                let mut path = path();
                path.push(key);
                frames.push(top);
                let below = self.open(key, Start::Value(value, leaf), &path);
                frames.push(below);
            } else {
                let key = top.key;
                match frames.last_mut() {
                    Some(above) => above.add(key, top.finish()),
                    None => return Item::Bucket(top.saved()),
                }
            }
        }
    }

    /// A bucket to be gathered.
    fn open(&mut self, key: &'s [u8], start: Start<'s>, path: &[&'s [u8]]) -> Frame<'s> {
        let (value, leaf) = match start {
            Start::Page(pointer, sequence) => {
                let mut frame = Frame::new(key, Root::Page(pointer.to), sequence);
                frame.nodes.push(Next::root(pointer));
                return frame;
            }
            Start::Value(value, leaf) => (value, leaf),
        };
        let (head, fault) = inline::header(value, leaf);
        let mut frame = match head {
            Some(Head::Page { root, sequence }) => {
                let span = Span::new(value.base(), 8);
                let pointer = Pointer {
                    to: root,
                    from: leaf,
                    span,
                };
                let mut frame = Frame::new(key, Root::Page(root), sequence);
                frame.nodes.push(Next::root(pointer));
                frame
            }
            Some(Head::Inline { page, sequence }) => {
                let mut frame = Frame::new(key, Root::Inline(page, leaf), sequence);
                self.inline(&mut frame, page, leaf, path);
                frame
            }
            None => {
                let mut frame = Frame::new(key, Root::Page(PageId(0)), 0);
                frame.is_clean = false;
                if let Some(fault) = &fault {
                    self.hollow(path, (None, None), fault, None, Some(leaf));
                }
                frame
            }
        };
        frame.is_clean &= fault.is_none();
        frame
    }

    fn hollow(
        &mut self,
        path: &[&'s [u8]],
        hole: Hole<'s>,
        fault: &Fault,
        page: Option<PageId>,
        above: Option<PageId>,
    ) {
        if self.hollows.len() >= LISTED {
            self.is_cut = true;
            return;
        }
        self.hollows.push(Hollow {
            path: path.to_vec(),
            range: KeyRange::new(hole.0, hole.1),
            fault: fault.clone(),
            page,
            above,
            around: None,
        });
    }

    /// What should stand at `next` is not there. `is_doubtful`: the leaf that names it may be the old one.
    fn lost(
        &mut self,
        path: &[&'s [u8]],
        next: Next<'s>,
        fault: &Fault,
        page: Option<PageId>,
        is_doubtful: bool,
    ) {
        let above = next.pointer.from;
        let listed = self.hollows.len();
        self.hollow(path, next.bounds, fault, page, Some(above));
        if is_doubtful
            && !path.is_empty()
            && let Some(hollow) = self.hollows.get_mut(listed)
        {
            hollow.around = Some(self.believed.bounds(above));
        }
    }

    fn repair(&mut self, path: &[&'s [u8]], page: PageId, what: Repaired) {
        if self.repairs.len() >= LISTED {
            self.is_cut = true;
            return;
        }
        self.repairs.push(Repair {
            path: path.to_vec(),
            page,
            what,
        });
    }

    /// One page of the bucket in `frame`.
    fn node(&mut self, frame: &mut Frame<'s>, next: Next<'s>, path: &[&'s [u8]]) {
        let Next {
            pointer,
            bounds,
            depth,
            first,
        } = next;
        let to = self.moved.get(&pointer.to).copied().unwrap_or(pointer.to);
        let is_root = matches!(frame.root, Root::Page(root) if root == pointer.to);
        if is_root {
            frame.root = Root::Page(to);
        }
        frame.is_clean &= is_root || to == pointer.to;
        let pointer = Pointer { to, ..pointer };
        let mut faults = Vec::new();
        let is_owned =
            |owner: &Vec<Vec<u8>>| owner.iter().map(Vec::as_slice).eq(path.iter().copied());
        let is_other = is_root && self.owners.get(&to).is_some_and(|owner| !is_owned(owner));
        self.believed.leads(pointer.from, to);
        let what = if self.claims.has(to) || is_other || self.believed.is_nobodys(to) {
            self.believed.doubt(pointer.from, to);
            Some(What::PageShared { found: to })
        } else if self.believed.is_distrusted(to) {
            Some(What::LostWrite { why: Stale::Older })
        } else {
            (depth >= DEEPEST).then_some(What::TreeDeep { depth: DEEPEST })
        };
        let is_lost = what.is_none() || self.believed.is_distrusted(to) && !self.claims.has(to);
        let read = match what {
            Some(what) => Err(Fault::new(what, Some(pointer.from), pointer.span)),
            None => self.read_or_repair_node(pointer, bounds, path, &mut faults),
        };
        let (node, repaired) = match read {
            Ok(read) => read,
            Err(fault) => {
                frame.is_clean = false;
                let page = Some(to).filter(|_| is_lost);
                let is_shared = matches!(fault.what, What::PageShared { .. });
                return self.lost(path, next, &fault, page, is_root && is_shared);
            }
        };
        let is_foreign = self.fits.is_foreign(path, &node, is_root);
        if is_foreign || is_of_other_branch(&node, bounds, first) {
            // In order by itself, and not what should stand here: that never arrived.
            frame.is_clean = false;
            self.believed.doubt(pointer.from, to);
            let what = What::LostWrite { why: Stale::Older };
            let fault = Fault::new(what, Some(to), node.view().span());
            return self.lost(path, next, &fault, Some(to), is_root);
        }
        if !is_root && node.kind() == Kind::Leaf {
            self.believed.bounded(to, bounds);
        }
        self.claim(&node);
        if let Some(repaired) = repaired {
            frame.is_clean = false;
            self.repair(path, to, repaired);
        }
        let mut rows = Vec::new();
        let limits = Bounds {
            from: bounds.0,
            until: bounds.1,
            ..Bounds::default()
        };
        scan(&node, limits, &mut faults, |element, _| {
            rows.push(Row {
                key: element.key.bytes(),
                value: element.value,
                flags: element.flags,
                child: element.child,
                span: element.span,
            });
        });
        if node.count() == 0 && faults.is_empty() && !(is_root && node.kind() == Kind::Leaf) {
            let kind = node.kind();
            let span = Span::new(node.view().absolute(10), 2);
            faults.push(Fault::new(What::PageEmpty { kind }, Some(to), span).hiding(None, None));
        }
        let mut has_hole_first = false;
        if let Some(worst) = worst(&faults) {
            frame.is_clean = false;
            if worst.unknown.is_some() || matches!(worst.what, What::PageCount { .. }) {
                let worst = worst.clone();
                let mended = mend(&node, bounds, false);
                if mended.rows.is_empty() && mended.odd.len() > 1 {
                    // The page of some other place: whoever names it next may have it.
                    let visits = self.foreign.entry(to).or_default();
                    *visits = visits.saturating_add(1);
                    if *visits < VISITS {
                        self.release(&node);
                    }
                    return self.hollow(path, bounds, &worst, Some(to), Some(pointer.from));
                }
                has_hole_first = mended.holes.first().is_some_and(|hole| hole.0 == bounds.0);
                rows = self.mended(mended, to, path, &worst);
            }
        }
        if node.kind() == Kind::Branch {
            branch(frame, &node, &rows, bounds, depth, has_hole_first);
        } else {
            self.zeroes(&node, path);
            self.doubtful(&node, &rows, bounds, path);
            self.leaf(frame, &node, &rows, path);
        }
    }

    /// The pages that the node needs: a wrong overflow must not swallow its neighbours.
    fn pages_of(&self, node: &Node<'s>) -> core::ops::Range<u64> {
        let size = self.space.page_size;
        let held = node.view().len().checked_div(size).unwrap_or(1).max(1);
        let pages = node.needs(size).min(held);
        node.id().0..node.id().0.saturating_add(pages)
    }

    fn claim(&mut self, node: &Node<'s>) {
        for id in self.pages_of(node) {
            if !self.claims.insert(PageId(id)) {
                break;
            }
        }
    }

    fn release(&mut self, node: &Node<'s>) {
        for id in self.pages_of(node) {
            self.claims.remove(PageId(id));
        }
    }

    fn odd(&mut self, page: PageId, why: Oddity, row: Row<'s>) {
        if self.odd.len() >= LISTED {
            self.is_cut = true;
            return;
        }
        self.odd.push(Odd { page, why, row });
    }
}

/// The fault that says most: one that hides keys, else the first.
fn worst(faults: &[Fault]) -> Option<&Fault> {
    let hiding = faults.iter().find(|fault| fault.unknown.is_some());
    hiding.or(faults.first())
}
