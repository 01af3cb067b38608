//! Then the tree, from its root: every page claimed once, every pointer judged.
//!
//! Healthy leaves are walked from their records alone. Branches, and pages that are damaged or that
//! do not fit under their branch, are read again and looked at element by element.

mod way;

use std::sync::Arc;

use finding::Severity;
use view::{Span, View};

use crate::{
    check::{
        bits::Bits,
        found::{Sink, Totals},
        survey::Survey,
        table::{LONG, Record, SUSPECT, Table, UNREAD, ZEROES, prefix},
    },
    fault::{Fault, What},
    inline::{self, Disguise, Header as Bucket},
    node::{BUCKET_FLAG, Element, Node},
    page::{Header, Kind, PageId},
    scan::{Bounds, scan},
    source::read_view,
    space::{Pointer, wrong_header},
};
use way::Way;

/// Of longer runs, only as much is held in memory as their elements reach.
const LONGEST: u64 = 1 << 24;

/// Notes that are kept.
const NOTED: usize = 1 << 10;
/// Values that may be buckets which are looked at.
const DISGUISED: usize = 1 << 12;
/// Bytes of the largest header with all its elements.
const ELEMENTS: u64 = 1 << 20;

type Key = Option<Arc<[u8]>>;

/// A page to go on with, and the keys that it may hold.
#[derive(Debug, Clone, Default)]
struct Child {
    to: PageId,
    /// In which element of its parent it is named.
    index: u16,
    /// Whether it is the root of a bucket.
    is_bucket: bool,
    /// Whether the element says that it is a plain value.
    is_disguised: bool,
    from: Key,
    until: Key,
}

/// The pages that a page names.
#[derive(Debug)]
enum Children {
    /// Those in its record.
    Recorded(Record),
    /// Those found by reading it again.
    Read(Vec<Child>),
}

/// A page on the way from the root to where the walk is.
#[derive(Debug)]
struct Frame {
    page: PageId,
    kind: Kind,
    children: Children,
    next: u32,
    /// The element in which the page below is named.
    index: u16,
    claimed: u64,
}

/// The walk of one tree.
pub(crate) struct Walk<'a> {
    pub(crate) survey: &'a Survey<'a>,
    pub(crate) table: &'a Table,
    /// The first page that cannot be.
    pub(crate) end: PageId,
    /// Pages that the tree reached, overflow included.
    pub(crate) claimed: Bits,
    /// Pages that plain values seem to name, and the pages of these values.
    disguised: Vec<(Vec<Way>, PageId, Child)>,
    /// Pages between the root and where the walk is.
    above: Bits,
    pub(crate) totals: Totals,
    /// What is worth a look, and no fault of the tree.
    pub(crate) notes: Vec<Fault>,
    stack: Vec<Frame>,
    buffer: Vec<u8>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(survey: &'a Survey<'a>, table: &'a Table, end: PageId) -> Self {
        Self {
            survey,
            table,
            end,
            claimed: Bits::new(end),
            disguised: Vec::new(),
            above: Bits::new(end),
            totals: Totals::default(),
            notes: Vec::new(),
            stack: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Walks the tree below the root page that the meta of `slot` names.
    pub(crate) fn tree(&mut self, root: PageId, slot: u64, sink: &mut Sink) {
        let span = Span::new(
            PageId(slot).at(self.survey.page_size).saturating_add(0x20),
            8,
        );
        let pointer = Pointer {
            to: root,
            from: PageId(slot),
            span,
        };
        let child = Child {
            to: root,
            is_bucket: true,
            ..Child::default()
        };
        self.enter(&child, Some(pointer), sink);
        while let Some(top) = self.stack.last_mut() {
            match next_child(top, self.table) {
                Some(child) if child.is_disguised => {
                    let page = top.page;
                    top.index = child.index;
                    if self.disguised.len() < DISGUISED {
                        let ways = self.ways();
                        self.disguised.push((ways, page, child));
                    }
                }
                Some(child) => {
                    top.index = child.index;
                    self.enter(&child, None, sink);
                }
                None => self.leave(),
            }
        }
    }

    /// Values that name a whole page which neither the tree nor anybody in `others` has.
    pub(crate) fn unmask(&mut self, others: impl Fn(PageId) -> bool, sink: &mut Sink) {
        for (ways, page, child) in core::mem::take(&mut self.disguised) {
            let record = self.table.record(child.to);
            let is_node = matches!(record.kind, Some(Kind::Branch | Kind::Leaf));
            let is_whole = is_node && record.count > 0 && record.marks == 0;
            if is_whole && child.to < self.end && !self.claimed.has(child.to) && !others(child.to) {
                let row = Node::elements_end(u64::from(child.index));
                let at = page.at(self.survey.page_size).saturating_add(row);
                let fault = Fault::new(What::BucketFlag, Some(page), Span::new(at, 4));
                let mut path = self.path(&ways);
                // The last one is the key of the value itself.
                let key = path.pop();
                sink.push(fault.hiding_key(key.as_deref()), path);
            }
        }
    }

    fn leave(&mut self) {
        if let Some(frame) = self.stack.pop() {
            self.above.remove(frame.page);
        }
    }

    /// Goes to the page that `child` names. `root` is where it is named, if not in a page.
    fn enter(&mut self, child: &Child, root: Option<Pointer>, sink: &mut Sink) {
        let id = child.to;
        let bad = if id.0 < 2 || id >= self.end {
            let pointer = root.unwrap_or_else(|| self.pointer(child));
            Some(pointer.out_of_range(self.end).what)
        } else if self.above.has(id) {
            Some(What::PageCycle { found: id })
        } else if self.claimed.has(id) {
            Some(What::PageShared { found: id })
        } else {
            None
        };
        if let Some(what) = bad {
            let pointer = root.unwrap_or_else(|| self.pointer(child));
            let fault = Fault::new(what, Some(pointer.from), pointer.span);
            return self.report(hiding(fault, child), sink);
        }
        self.claimed.insert(id);
        let record = self.table.record(id);
        let kind = match record.kind {
            Some(kind @ (Kind::Branch | Kind::Leaf)) if record.marks & UNREAD == 0 => kind,
            _ => return self.not_a_node(child, sink),
        };
        let pages = self.claim_overflow(id, &record, kind, sink);
        self.totals.page(kind, pages);
        if child.is_bucket {
            self.totals.buckets = self.totals.buckets.saturating_add(1);
        }
        if record.marks & (ZEROES | LONG) != 0 {
            self.zeroes(id, kind, pages);
        }
        let inline = self.totals.inline;
        let mut is_in_order = true;
        let is_plain = kind == Kind::Leaf
            && record.marks & (SUSPECT | LONG) == 0
            && fits(self.survey, &record, child);
        let children = if is_plain {
            self.totals.leaf(&record);
            Children::Recorded(record)
        } else {
            let faults = sink.total();
            let children = self.read_node(child, kind, pages, sink);
            is_in_order = sink.total() == faults;
            Children::Read(children)
        };
        // A bucket in a value is a level of its own, as `Bucket.Stats` of the library counts it.
        let below = if self.totals.inline > inline { 2 } else { 1 };
        let depth = u64::try_from(self.stack.len()).unwrap_or(u64::MAX);
        self.totals.depth = self.totals.depth.max(depth.saturating_add(below));
        if is_in_order && record.count == 0 && (kind == Kind::Branch || !child.is_bucket) {
            let at = id.at(self.survey.page_size).saturating_add(10);
            let fault = Fault::new(What::PageEmpty { kind }, Some(id), Span::new(at, 2));
            self.report(hiding(fault, child), sink);
        }
        self.above.insert(id);
        self.stack.push(Frame {
            page: id,
            kind,
            children,
            next: 0,
            index: 0,
            claimed: pages,
        });
    }

    /// Claims the pages behind a page that belong to it; how many pages it has.
    fn claim_overflow(&mut self, id: PageId, record: &Record, kind: Kind, sink: &mut Sink) -> u64 {
        let room = self.end.0.saturating_sub(id.0).saturating_sub(1);
        let mut overflow = u64::from(record.overflow);
        let at = id.at(self.survey.page_size).saturating_add(12);
        if overflow > room {
            let found = record.overflow;
            let what = What::PageOverflow { found, room };
            self.report(Fault::new(what, Some(id), Span::new(at, 4)), sink);
            overflow = self.needs(id, kind).saturating_sub(1).min(room);
        }
        for step in 1..=overflow {
            let page = PageId(id.0.saturating_add(step));
            if !self.claimed.insert(page) {
                let what = What::PageShared { found: page };
                self.report(Fault::new(what, Some(id), Span::new(at, 4)), sink);
                return step;
            }
        }
        overflow.saturating_add(1)
    }

    /// Notes the values in which a page is all zeroes.
    fn zeroes(&mut self, id: PageId, kind: Kind, pages: u64) {
        let page_size = self.survey.page_size;
        let len = self.length(id, kind, pages);
        let mut buffer = core::mem::take(&mut self.buffer);
        let run = read_view(self.survey.source, id.at(page_size), len, &mut buffer);
        if let Ok(run) = run
            && let Ok(header) = Header::read_page_header(run)
            && self.notes.len() < NOTED
        {
            let found = Node::new(run, id, header, kind).zero_pages(page_size);
            let notes = found
                .into_iter()
                .map(|(index, span)| Fault::new(What::ValueZeroes { index }, Some(id), span));
            self.notes.extend(notes.take(NOTED));
        }
        self.buffer = buffer;
    }

    /// How many bytes of a run are worth holding: never more than it has.
    fn length(&mut self, id: PageId, kind: Kind, pages: u64) -> u64 {
        let page_size = self.survey.page_size;
        let len = pages.saturating_mul(page_size);
        if len <= LONGEST {
            return len;
        }
        len.min(self.needs(id, kind).saturating_mul(page_size))
    }

    /// How many pages the elements of a page need, whose overflow cannot be.
    fn needs(&mut self, id: PageId, kind: Kind) -> u64 {
        let page_size = self.survey.page_size;
        let mut buffer = core::mem::take(&mut self.buffer);
        let run = read_view(self.survey.source, id.at(page_size), ELEMENTS, &mut buffer);
        let pages = run.ok().and_then(|run| {
            let header = Header::read_page_header(run).ok()?;
            Some(Node::new(run, id, header, kind).needs(page_size))
        });
        self.buffer = buffer;
        pages.unwrap_or(1)
    }

    /// Reads a page again: its faults to `sink`, the pages that it names as the result.
    fn read_node(&mut self, child: &Child, kind: Kind, pages: u64, sink: &mut Sink) -> Vec<Child> {
        let id = child.to;
        let page_size = self.survey.page_size;
        let mut children = Vec::new();
        let mut faults = Vec::new();
        let len = self.length(id, kind, pages);
        let mut buffer = core::mem::take(&mut self.buffer);
        let run = read_view(self.survey.source, id.at(page_size), len, &mut buffer);
        let header = run
            .as_ref()
            .ok()
            .and_then(|run| Header::read_page_header(*run).ok());
        if let (Ok(run), Some(header)) = (run, header) {
            let bounds = Bounds {
                from: child.from.as_deref(),
                until: child.until.as_deref(),
                ..Bounds::default()
            };
            let node = Node::new(run, id, header, kind);
            scan(&node, bounds, &mut faults, |element, faults| {
                if let Some(found) = self.element(&element, &node, child, faults) {
                    close(&mut children, &found);
                    children.push(found);
                }
            });
        } else {
            let what = What::PageUnread { pages };
            let span = Span::new(id.at(page_size), len);
            faults.push(hiding(Fault::new(what, Some(id), span), child));
        }
        self.buffer = buffer;
        for fault in faults {
            self.report(fault, sink);
        }
        children
    }

    /// Judges one element of a page that is read again.
    fn element(
        &mut self,
        element: &Element<'_>,
        node: &Node<'_>,
        child: &Child,
        faults: &mut Vec<Fault>,
    ) -> Option<Child> {
        let index = u16::try_from(element.index).unwrap_or(u16::MAX);
        if let Some(to) = element.child {
            return Some(Child {
                to,
                index,
                from: Some(element.key.bytes().into()),
                until: child.until.clone(),
                ..Child::default()
            });
        }
        self.totals.keys = self.totals.keys.saturating_add(1);
        if element.flags & BUCKET_FLAG == 0 {
            let to = match inline::disguise(element.value, node.id())? {
                Disguise::Page(root) => root,
                Disguise::Inline => {
                    faults.push(inline::flag_lost(element, node.id()));
                    return None;
                }
            };
            return Some(Child {
                to,
                index,
                is_bucket: true,
                is_disguised: true,
                ..Child::default()
            });
        }
        let (header, fault) = inline::header(element.value, node.id());
        // Of this bucket nothing is known, and it alone.
        faults.extend(fault.map(|fault| fault.hiding_key(Some(element.key.bytes()))));
        match header? {
            Bucket::Page { root, .. } => Some(Child {
                to: root,
                index,
                is_bucket: true,
                ..Child::default()
            }),
            Bucket::Inline { page, .. } => {
                let totals = &mut self.totals;
                totals.buckets = totals.buckets.saturating_add(1);
                totals.inline = totals.inline.saturating_add(1);
                inline::scan(page, node.id(), self.survey.page_size, faults, |_| {
                    totals.keys = totals.keys.saturating_add(1);
                });
                None
            }
        }
    }

    /// Says why the page that `child` names is neither branch nor leaf.
    fn not_a_node(&mut self, child: &Child, sink: &mut Sink) {
        let id = child.to;
        let page_size = self.survey.page_size;
        let mut buffer = core::mem::take(&mut self.buffer);
        let page = read_view(self.survey.source, id.at(page_size), page_size, &mut buffer);
        let fault = page.ok().and_then(|page: View<'_>| {
            let header = Header::read_page_header(page).ok()?;
            let fault = wrong_header(page, header, id)?;
            Some(if is_only_misnumbered(page, header, child) {
                fault.no_worse_than(Severity::Damage)
            } else {
                fault
            })
        });
        self.buffer = buffer;
        let fault = fault.unwrap_or_else(|| {
            let span = Span::new(id.at(page_size), page_size);
            Fault::new(What::PageUnread { pages: 1 }, Some(id), span)
        });
        self.report(hiding(fault, child), sink);
    }
}

/// Whether a page that gives another number is in order but for that, and fits in its place.
fn is_only_misnumbered(page: View<'_>, header: Header, child: &Child) -> bool {
    let Some(kind @ (Kind::Branch | Kind::Leaf)) = header.kind() else {
        return false;
    };
    let bounds = Bounds {
        from: child.from.as_deref(),
        until: child.until.as_deref(),
        ..Bounds::default()
    };
    let mut faults = Vec::new();
    let node = Node::new(page, child.to, header, kind);
    scan(&node, bounds, &mut faults, |_, _| {});
    header.overflow == 0 && header.count > 0 && header.id != child.to && faults.is_empty()
}

/// The next page below the page of `frame`.
fn next_child(frame: &mut Frame, table: &Table) -> Option<Child> {
    let number = frame.next;
    frame.next = number.saturating_add(1);
    match &mut frame.children {
        Children::Recorded(record) => {
            let edge = table.edge(frame.page, record, number)?;
            Some(Child {
                to: PageId(u64::from(edge.to)),
                index: edge.index,
                is_bucket: true,
                is_disguised: edge.is_disguised,
                ..Child::default()
            })
        }
        Children::Read(children) => {
            let place = usize::try_from(number).ok()?;
            children.get_mut(place).map(core::mem::take)
        }
    }
}

/// The child before ends where the next one starts.
fn close(children: &mut [Child], next: &Child) {
    if let Some(last) = children.last_mut().filter(|_| !next.is_bucket) {
        last.until.clone_from(&next.from);
    }
}

/// `fault`, which hides all keys of `child`.
fn hiding(fault: Fault, child: &Child) -> Fault {
    fault.hiding(child.from.as_deref(), child.until.as_deref())
}

/// Whether the record alone shows that the page fits under its branch.
fn fits(survey: &Survey<'_>, record: &Record, child: &Child) -> bool {
    let starts = child
        .from
        .as_deref()
        .is_none_or(|from| survey.hash(from) == record.first);
    let ends = child
        .until
        .as_deref()
        .is_none_or(|until| record.last < prefix(until));
    starts && ends
}
