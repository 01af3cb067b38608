//! A tree, page by page: what of it can be believed, and where keys are missing.

use std::collections::{BTreeMap, BTreeSet};

use view::{Span, View};

use super::{
    doubt::Believed,
    fits::Fits,
    frame::{Frame, Next},
    header::read_or_repair_header,
    mend::{Hole, Mended, Row, mend},
    misplaced::Misplaced,
    notes::{Hollow, Odd, Oddity, Repair, Repaired, Suspect},
    tree::{Item, Path, Root, Saved},
};
use crate::{
    check::bits::Bits,
    fault::{Fault, KeyRange, What},
    inline::{self, Disguise, Header as Head},
    line::DEEPEST,
    node::{BUCKET_FLAG, Node},
    page::{Header, Kind, PageId},
    scan::{Bounds, scan},
    schema::{Fit, Schema},
    space::{Pointer, Space},
    stale::Stale,
};

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

    /// Notes the values of which a page may never have been written.
    fn zeroes(&mut self, node: &Node<'s>, path: &[&'s [u8]]) {
        for (index, _) in node.zero_pages(self.space.page_size) {
            let Ok(element) = node.element(index) else {
                continue;
            };
            if self.zeroes.len() >= LISTED {
                self.is_cut = true;
                return;
            }
            let mut path = path.to_vec();
            path.push(element.key.bytes());
            self.zeroes.push((path, node.id()));
        }
    }

    /// The node that `pointer` leads to, and what had to be set right to read it.
    fn read_or_repair_node(
        &mut self,
        pointer: Pointer,
        bounds: Hole<'s>,
        path: &[&'s [u8]],
        faults: &mut Vec<Fault>,
    ) -> Result<(Node<'s>, Option<Repaired>), Fault> {
        let wrong = match read_or_repair_header(self.space, pointer, bounds, faults) {
            Ok((node, false)) => return Ok((node, None)),
            Ok((node, true)) => Ok(node),
            Err(wrong) => Err(wrong),
        };
        // A page that says this number, and stands elsewhere, is the better one.
        let space = self.space;
        let misplaced = self
            .misplaced
            .get_or_insert_with(|| Misplaced::find_misplaced(space));
        if let Some(node) = misplaced.node(space, pointer.to, bounds)
            && self.fits.node(path, &node) != Fit::No
        {
            let at = PageId(
                node.view()
                    .base()
                    .checked_div(space.page_size)
                    .unwrap_or_default(),
            );
            return Ok((node, Some(Repaired::Misplaced(at))));
        }
        match wrong {
            Ok(node) if self.fits.node(path, &node) != Fit::No && !self.is_missing_there(&node) => {
                Ok((node, Some(Repaired::Header)))
            }
            Ok(node) => {
                let found = node.header().id;
                let want = pointer.to;
                let span = Span::new(node.view().base(), 8);
                Err(Fault::new(What::PageId { want, found }, Some(want), span))
            }
            Err(wrong) => Err(wrong),
        }
    }

    /// Whether the page that the node says to be is not where it should be: then it is that page, and not one
    /// with a wrong number.
    fn is_missing_there(&self, node: &Node<'s>) -> bool {
        let Ok(own) = Header::read_page_header(node.view()).map(|header| header.id) else {
            return false;
        };
        let there = self.space.run(own, 1).and_then(Header::read_page_header);
        let is_page = |id: PageId| id.0 >= 2 && id < self.space.end;
        let is_other = |header: Header| {
            let is_node = matches!(header.kind(), Some(Kind::Branch | Kind::Leaf));
            header.id != own && is_page(header.id) && is_node
        };
        is_page(own) && there.is_ok_and(is_other)
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

    /// Notes what a mended node lacks; gives its rows.
    fn mended(
        &mut self,
        mended: Mended<'s>,
        page: PageId,
        path: &[&'s [u8]],
        fault: &Fault,
    ) -> Vec<Row<'s>> {
        for hole in &mended.holes {
            self.hollow(path, *hole, fault, Some(page), None);
        }
        if mended.repaired > 0 {
            self.repair(path, page, Repaired::Elements(mended.repaired));
        }
        for row in mended.odd {
            self.odd(page, Oddity::Key, row);
        }
        mended.rows
    }

    /// Keys right beside a bucket's header that leads to no page of any tree: what was written over the one
    /// may have been written over the other, and then the true key is missing.
    fn doubtful(&mut self, node: &Node<'s>, rows: &[Row<'s>], bounds: Hole<'s>, path: &[&'s [u8]]) {
        let end = self.space.end;
        let pages = self.space.view.len().checked_div(self.space.page_size);
        // Where the file was cut, pages behind its end were written once.
        let is_mark = pages.is_some_and(|pages| end.0 < pages);
        let fault = |row: &Row<'s>| {
            if row.flags & BUCKET_FLAG == 0 {
                return None;
            }
            match inline::header(row.value, node.id()) {
                (Some(Head::Page { root, .. }), _) if root >= end && is_mark => {
                    let pointer = Pointer {
                        to: root,
                        from: node.id(),
                        span: Span::new(row.value.base(), 8),
                    };
                    Some(pointer.out_of_range(end))
                }
                (None, fault) => fault,
                _ => None,
            }
        };
        let (mut from, mut wrong) = (bounds.0, None);
        for row in rows {
            if let Some(fault) = fault(row) {
                wrong = wrong.or(Some(fault));
                continue;
            }
            if let Some(fault) = wrong.take() {
                self.hollow(path, (from, Some(row.key)), &fault, None, Some(node.id()));
            }
            from = Some(row.key);
        }
        if let Some(fault) = wrong {
            self.hollow(path, (from, bounds.1), &fault, None, Some(node.id()));
        }
    }

    fn odd(&mut self, page: PageId, why: Oddity, row: Row<'s>) {
        if self.odd.len() >= LISTED {
            self.is_cut = true;
            return;
        }
        self.odd.push(Odd { page, why, row });
    }

    fn leaf(
        &mut self,
        frame: &mut Frame<'s>,
        node: &Node<'s>,
        rows: &[Row<'s>],
        path: &[&'s [u8]],
    ) {
        if let Some(hash) = self.fits.birth(path, rows) {
            self.believed.born(hash, node.id());
        }
        let buckets = rows.iter().filter(|row| row.flags & BUCKET_FLAG != 0);
        let among_buckets = buckets.count().saturating_mul(2) > rows.len();
        for row in rows {
            if row.flags & BUCKET_FLAG != 0 {
                frame.below.push((row.key, row.value, node.id()));
                continue;
            }
            match inline::disguise(row.value, node.id()) {
                Some(Disguise::Inline) => {
                    frame.is_clean = false;
                    self.repair(path, node.id(), Repaired::Flag);
                    frame.below.push((row.key, row.value, node.id()));
                    continue;
                }
                Some(Disguise::Page(root))
                    if root < self.space.end && self.suspects.len() < LISTED =>
                {
                    self.suspects.push(Suspect {
                        path: path.to_vec(),
                        key: row.key,
                        value: row.value,
                        leaf: node.id(),
                        root,
                        among_buckets,
                    });
                }
                _ => {}
            }
            if path.is_empty() {
                self.odd(node.id(), Oddity::RootValue, *row);
            } else {
                frame.add(row.key, Item::Value(row.value.bytes()));
            }
        }
    }

    /// The leaf inside a bucket's value.
    fn inline(&mut self, frame: &mut Frame<'s>, page: View<'s>, leaf: PageId, path: &[&'s [u8]]) {
        let mut faults = Vec::new();
        let mut rows = Vec::new();
        inline::scan(page, leaf, self.space.page_size, &mut faults, |element| {
            rows.push(Row {
                key: element.key.bytes(),
                value: element.value,
                flags: 0,
                child: None,
                span: element.span,
            });
        });
        faults.retain(|fault| !matches!(fault.what, What::InlineLarge { .. }));
        if let Some(fault) = worst(&faults).cloned() {
            frame.is_clean = false;
            let header = Header::read_page_header(page).map(|header| Header {
                flags: Kind::Leaf.flags(),
                ..header
            });
            let Ok(header) = header else {
                return self.hollow(path, (None, None), &fault, None, Some(leaf));
            };
            let node = Node::new(page, leaf, header, Kind::Leaf);
            let mended = mend(&node, (None, None), true);
            let is_header = matches!(fault.what, What::InlineHeader { .. });
            if is_header && !mended.rows.is_empty() {
                self.repair(path, leaf, Repaired::Header);
            }
            rows = self.mended(mended, leaf, path, &fault);
            if rows.iter().any(|row| row.flags != 0) {
                self.repair(path, leaf, Repaired::Flag);
            }
        }
        for row in rows {
            frame.add(row.key, Item::Value(row.value.bytes()));
        }
    }
}

/// The fault that says most: one that hides keys, else the first.
fn worst(faults: &[Fault]) -> Option<&Fault> {
    let hiding = faults.iter().find(|fault| fault.unknown.is_some());
    hiding.or(faults.first())
}

/// Whether the page does not start with the key that the branch above has of it: whoever writes a page
/// writes its first key into the branch, so one of the two is of another transaction. Not if a byte of the
/// key is wrong, nor if the page goes beyond what the branch leaves to it, which is told element by element.
fn is_of_other_branch(node: &Node<'_>, bounds: Hole<'_>, first: Option<&[u8]>) -> bool {
    let (Some(first), Ok(element)) = (first, node.element(0)) else {
        return false;
    };
    let key = element.key.bytes();
    let is_inside =
        bounds.0.is_none_or(|from| key >= from) && bounds.1.is_none_or(|until| key < until);
    if key == first || !is_inside || is_nearly(key, first) {
        return false;
    }
    let mut faults = Vec::new();
    let limits = Bounds {
        until: bounds.1,
        ..Bounds::default()
    };
    scan(node, limits, &mut faults, |_, _| {});
    faults.is_empty()
}

/// Whether one byte makes the difference.
fn is_nearly(one: &[u8], other: &[u8]) -> bool {
    let differ = one.iter().zip(other).filter(|(one, other)| one != other);
    one.len() == other.len() && differ.count() == 1
}

/// The children of a branch, onto the stack.
fn branch<'s>(
    frame: &mut Frame<'s>,
    node: &Node<'s>,
    rows: &[Row<'s>],
    bounds: Hole<'s>,
    depth: u64,
    has_hole_first: bool,
) {
    let mut until = bounds.1;
    for (number, row) in rows.iter().enumerate().rev() {
        let pointer = Pointer {
            to: row.child.unwrap_or_default(),
            from: node.id(),
            span: Span::new(row.span.start.saturating_add(8), 8),
        };
        // The library sends smaller keys to the first child, too.
        let is_first = number == 0 && !has_hole_first;
        let from = if is_first { bounds.0 } else { Some(row.key) };
        let deeper = depth.saturating_add(1);
        frame.nodes.push(Next {
            pointer,
            bounds: (from, until),
            depth: deeper,
            first: Some(row.key),
        });
        until = Some(row.key);
    }
}
