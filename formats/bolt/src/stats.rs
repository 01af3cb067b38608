//! What a bucket is made of: pages, bytes, keys, as the library's `Bucket.Stats` counts them.
//!
//! The walk reads page after page and holds one bit a page and the pointers of the pages on the
//! way, so it works on files of any size. Pages that cannot be counted are said, and do not end it.

use serde::Serialize;
use view::{Span, View};

use crate::{
    check::Bits,
    fault::{Fault, What},
    inline::{self, Header as Bucket},
    line::DEEPEST,
    node::{BUCKET_FLAG, Node},
    page::{self, HEADER, Kind, PageId},
    source::{PageSource, read_view},
    space::wrong_header,
};

/// Faults that are kept.
const LISTED: usize = 100;
/// Faults of one page that are kept.
const PER_PAGE: usize = 4;
/// Of longer runs only so much is held: all elements, and what small values follow.
const LONGEST: u64 = 1 << 22;

/// What a bucket and all buckets in it are made of (`bbolt`, `bucket.go`, `type BucketStats`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Branch pages (`BranchPageN`).
    pub branch_pages: u64,
    /// Pages that belong to a branch page before them (`BranchOverflowN`).
    pub branch_overflow: u64,
    /// Leaf pages (`LeafPageN`).
    pub leaf_pages: u64,
    /// Pages that belong to a leaf page before them (`LeafOverflowN`).
    pub leaf_overflow: u64,
    /// Keys, those of buckets included (`KeyN`).
    pub keys: u64,
    /// Levels of pages, with those of the deepest bucket inside (`Depth`).
    pub depth: u64,
    /// Bytes of branch pages (`BranchAlloc`).
    pub branch_bytes: u64,
    /// Bytes of these in use (`BranchInuse`).
    pub branch_used: u64,
    /// Bytes of leaf pages (`LeafAlloc`).
    pub leaf_bytes: u64,
    /// Bytes of these in use, inline buckets included (`LeafInuse`).
    pub leaf_used: u64,
    /// Buckets, this one included (`BucketN`).
    pub buckets: u64,
    /// Buckets of these that stand in a value (`InlineBucketN`).
    pub inline_buckets: u64,
    /// Bytes in use in these (`InlineBucketInuse`).
    pub inline_used: u64,
}

impl Stats {
    /// With those of a bucket beside this one.
    pub fn add(&mut self, other: &Self) {
        let sum = |to: &mut u64, more: u64| *to = to.saturating_add(more);
        sum(&mut self.branch_pages, other.branch_pages);
        sum(&mut self.branch_overflow, other.branch_overflow);
        sum(&mut self.leaf_pages, other.leaf_pages);
        sum(&mut self.leaf_overflow, other.leaf_overflow);
        sum(&mut self.keys, other.keys);
        sum(&mut self.branch_bytes, other.branch_bytes);
        sum(&mut self.branch_used, other.branch_used);
        sum(&mut self.leaf_bytes, other.leaf_bytes);
        sum(&mut self.leaf_used, other.leaf_used);
        sum(&mut self.buckets, other.buckets);
        sum(&mut self.inline_buckets, other.inline_buckets);
        sum(&mut self.inline_used, other.inline_used);
        self.depth = self.depth.max(other.depth);
    }

    /// Bytes of its pages that hold nothing.
    pub const fn wasted(&self) -> u64 {
        let bytes = self.branch_bytes.saturating_add(self.leaf_bytes);
        bytes.saturating_sub(self.branch_used.saturating_add(self.leaf_used))
    }
}

/// A bucket whose stats are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketRoot {
    /// Its root page; 0: it is inline.
    pub page: PageId,
    /// Where its inline page stands in the file.
    pub inline: Option<Span>,
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// The bucket.
    pub total: Stats,
    /// The buckets right in it, by key, as they come.
    pub buckets: Vec<(Vec<u8>, Stats)>,
    /// Why something is not in these numbers.
    pub faults: Vec<Fault>,
    /// How many more there are.
    pub more: u64,
}

/// Counts the bucket at `root` in a file with pages of `page_size` bytes, of which `end` is the
/// first that cannot be.
pub fn stats(source: &dyn PageSource, page_size: u64, end: PageId, root: BucketRoot) -> Counted {
    let mut count = Count {
        source,
        page_size,
        end,
        seen: Bits::new(end),
        frames: Vec::new(),
        buffer: Vec::new(),
        counted: Counted::default(),
    };
    match root.inline {
        Some(span) => count.inline_root(span),
        None => count.tree(root.page),
    }
    count
        .counted
        .buckets
        .sort_by(|one, other| one.0.cmp(&other.0));
    count.counted
}

/// A bucket that is being counted.
#[derive(Debug, Default)]
struct Frame {
    key: Vec<u8>,
    own: Stats,
    inside: Stats,
    /// Pages to go on with, and their depth.
    pages: Vec<(PageId, u64)>,
    /// Buckets of the leaf that was read last: keys (of the outermost bucket) and root pages.
    buckets: Vec<(Vec<u8>, PageId)>,
}

struct Count<'a> {
    source: &'a dyn PageSource,
    page_size: u64,
    end: PageId,
    seen: Bits,
    frames: Vec<Frame>,
    buffer: Vec<u8>,
    counted: Counted,
}

impl Count<'_> {
    fn fault(&mut self, fault: Fault) {
        if self.counted.faults.len() < LISTED {
            self.counted.faults.push(fault);
        } else {
            self.counted.more = self.counted.more.saturating_add(1);
        }
    }

    fn inline_root(&mut self, span: Span) {
        let mut buffer = core::mem::take(&mut self.buffer);
        let stats = read_view(self.source, span.start, span.len.min(LONGEST), &mut buffer)
            .ok()
            .and_then(inline_stats);
        self.counted.total = stats.unwrap_or_default();
        self.buffer = buffer;
    }

    fn tree(&mut self, root: PageId) {
        self.enter(Vec::new(), root);
        while let Some(top) = self.frames.last_mut() {
            if let Some((key, root)) = top.buckets.pop() {
                self.enter(key, root);
            } else if let Some((page, depth)) = top.pages.pop() {
                self.page(page, depth);
            } else {
                self.leave();
            }
        }
    }

    fn enter(&mut self, key: Vec<u8>, root: PageId) {
        if u64::try_from(self.frames.len()).is_ok_and(|depth| depth >= DEEPEST) {
            let span = Span::new(root.at(self.page_size), self.page_size);
            let what = What::TreeDeep { depth: DEEPEST };
            return self.fault(Fault::new(what, Some(root), span));
        }
        self.frames.push(Frame {
            key,
            own: Stats {
                buckets: 1,
                ..Stats::default()
            },
            pages: vec![(root, 1)],
            ..Frame::default()
        });
    }

    fn leave(&mut self) {
        let Some(Frame {
            key,
            mut own,
            inside,
            ..
        }) = self.frames.pop()
        else {
            return;
        };
        let bytes =
            |pages: u64, more: u64| pages.saturating_add(more).saturating_mul(self.page_size);
        own.branch_bytes = bytes(own.branch_pages, own.branch_overflow);
        own.leaf_bytes = bytes(own.leaf_pages, own.leaf_overflow);
        let depth = own.depth.saturating_add(inside.depth);
        own.add(&inside);
        own.depth = depth;
        match self.frames.len() {
            0 => self.counted.total = own,
            1 => self.counted.buckets.push((key, own)),
            _ => {}
        }
        if let Some(parent) = self.frames.last_mut() {
            parent.inside.add(&own);
        }
    }

    /// Counts one page of the bucket on top.
    fn page(&mut self, id: PageId, depth: u64) {
        let at = id.at(self.page_size);
        let here = Span::new(at, self.page_size);
        if id.0 < 2 || id >= self.end {
            let end = self.end;
            let what = What::PageRange { found: id, end };
            return self.fault(Fault::new(what, Some(id), here));
        }
        if !self.seen.insert(id) {
            let what = What::PageShared { found: id };
            return self.fault(Fault::new(what, Some(id), here));
        }
        let mut buffer = core::mem::take(&mut self.buffer);
        self.page_in(id, depth, here, &mut buffer);
        self.buffer = buffer;
    }

    fn page_in(&mut self, id: PageId, depth: u64, here: Span, buffer: &mut Vec<u8>) {
        let unread = |span| Fault::new(What::PageUnread { pages: 1 }, Some(id), span);
        let Ok(page) = read_view(self.source, here.start, here.len, buffer) else {
            return self.fault(unread(here));
        };
        let Ok(header) = page::Header::read_page_header(page) else {
            return self.fault(unread(here));
        };
        if let Some(fault) = wrong_header(page, header, id) {
            return self.fault(fault);
        }
        let Some(kind @ (Kind::Branch | Kind::Leaf)) = header.kind() else {
            return;
        };
        let room = self.end.0.saturating_sub(id.0).saturating_sub(1);
        let mut overflow = u64::from(header.overflow);
        if overflow > room {
            let found = header.overflow;
            let span = Span::new(here.start.saturating_add(12), 4);
            self.fault(Fault::new(
                What::PageOverflow { found, room },
                Some(id),
                span,
            ));
            overflow = 0;
        }
        let len = overflow.saturating_add(1).saturating_mul(self.page_size);
        let held = if overflow == 0 {
            Ok(page)
        } else {
            read_view(self.source, here.start, len.min(LONGEST), buffer)
        };
        match held {
            Ok(run) => {
                let node = Node::new(run, id, header, kind);
                self.node(&node, depth, overflow, len);
            }
            Err(_) => self.fault(unread(Span::new(here.start, len))),
        }
    }

    fn node(&mut self, node: &Node<'_>, depth: u64, overflow: u64, len: u64) {
        let (kind, id) = (node.kind(), node.id());
        let claimed = node.packed_count_in(len).unwrap_or_else(|| node.count());
        let count = claimed.min(node.room());
        let mut faults = Vec::new();
        if count != node.count() {
            let (want, found) = (count, node.count());
            let span = Span::new(node.view().absolute(10), 2);
            faults.push(Fault::new(What::PageCount { want, found }, Some(id), span));
        }
        let is_outermost = self.frames.len() == 1;
        let mut inside = Stats::default();
        let mut listed = Vec::new();
        let mut buckets = Vec::new();
        let mut pages = Vec::new();
        let mut used = HEADER;
        for index in 0..count {
            let Ok(raw) = node.raw(index) else { break };
            used = used.max(raw.end().min(len));
            if let Some(child) = raw.pgid {
                pages.push((child, depth.saturating_add(1)));
            }
            if raw.end() > len {
                let span = Span::new(node.view().absolute(raw.at), 16);
                let what = What::ElementBounds {
                    part: crate::fault::Part::Value,
                    found: raw.end(),
                    room: len,
                };
                faults.push(Fault::new(what, Some(id), span));
                continue;
            }
            if kind == Kind::Branch || raw.flags & BUCKET_FLAG == 0 {
                continue;
            }
            // Behind what is held there can be a bucket only in a page with a value of megabytes.
            let Ok(element) = node.element(index) else {
                let span = Span::new(node.view().absolute(raw.at), 16);
                faults.push(Fault::new(What::PageUnread { pages: 1 }, Some(id), span));
                continue;
            };
            let key = || element.key.bytes().to_vec();
            match inline::header(element.value, id) {
                (Some(Bucket::Page { root, .. }), _) => {
                    buckets.push((if is_outermost { key() } else { Vec::new() }, root));
                }
                (Some(Bucket::Inline { page, .. }), _) => {
                    let stats = inline_stats(page).unwrap_or_default();
                    inside.add(&stats);
                    if is_outermost {
                        listed.push((key(), stats));
                    }
                }
                (None, fault) => faults.extend(fault),
            }
        }
        if let Some(top) = self.frames.last_mut() {
            let own = &mut top.own;
            let add = |to: &mut u64, more: u64| *to = to.saturating_add(more);
            if kind == Kind::Branch {
                add(&mut own.branch_pages, 1);
                add(&mut own.branch_overflow, overflow);
                add(&mut own.branch_used, used);
            } else {
                add(&mut own.leaf_pages, 1);
                add(&mut own.leaf_overflow, overflow);
                add(&mut own.leaf_used, used);
                add(&mut own.keys, count);
            }
            own.depth = own.depth.max(depth);
            top.inside.add(&inside);
            // What is pushed last is taken first.
            top.pages.extend(pages.into_iter().rev());
            top.buckets.extend(buckets.into_iter().rev());
        }
        self.counted.buckets.extend(listed);
        // What is wrong with the first few elements says enough of a page.
        for (number, fault) in faults.into_iter().enumerate() {
            if number < PER_PAGE {
                self.fault(fault);
            } else {
                self.counted.more = self.counted.more.saturating_add(1);
            }
        }
    }
}

/// What an inline bucket is made of.
fn inline_stats(page: View<'_>) -> Option<Stats> {
    let header = page::Header::read_page_header(page).ok()?;
    let node = Node::new(page, PageId(0), header, Kind::Leaf);
    let count = node.count().min(node.room());
    let end = (0..count)
        .filter_map(|index| node.raw(index).ok())
        .map(|raw| raw.end().min(page.len()))
        .max();
    Some(Stats {
        keys: count,
        depth: 1,
        buckets: 1,
        inline_buckets: 1,
        inline_used: end.unwrap_or(HEADER),
        ..Stats::default()
    })
}
