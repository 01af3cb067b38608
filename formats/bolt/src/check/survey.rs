//! First, the whole file in page order: each page by itself.
//!
//! What a page must be like by itself does not depend on the tree, so the file is read once from
//! front to back, by as many threads as there are, in pieces that fit into a core's cache.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use view::View;

use crate::{
    check::table::{Edge, LONG, REGION, Record, Region, SUSPECT, Table, UNREAD, ZEROES, prefix},
    fault::Fault,
    inline::{self, Disguise, Header as Bucket},
    node::{BUCKET_FLAG, Element, Node},
    page::{Header, Kind, PageId},
    scan::{Bounds, scan},
    source::{PageSource, read_view},
};

/// Bytes that are read at once: they stay in the core's cache while they are looked at.
const PIECE: u64 = 1 << 18;
/// Pages with more overflow are only looked into when a tree reaches them, so that pages which
/// only claim to be long cannot make the same bytes be looked at again and again.
const SHORT: u32 = 16;

/// What all threads share.
pub(crate) struct Survey<'a> {
    /// The file.
    pub(crate) source: &'a dyn PageSource,
    /// Bytes of a page.
    pub(crate) page_size: u64,
    /// The first page that is not looked at.
    pub(crate) end: PageId,
    /// The secret of the hashes of first keys.
    pub(crate) hash: RandomState,
}

impl Survey<'_> {
    /// Reads all pages.
    pub(crate) fn run(&self, threads: usize, done: &(dyn Fn(u64) + Sync)) -> Table {
        let todo = self.regions();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut reader = Reader::new(self);
            let mut found = Vec::new();
            while let Some(number) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Some(region) = reader.region(*number) {
                    found.push((*number, region));
                }
                done(REGION.saturating_mul(self.page_size));
            }
            found
        };
        let found = thread::scope(|scope| {
            let others: Vec<_> = (1..threads.min(todo.len()))
                .filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
                .collect();
            let mut found = work();
            for other in others {
                found.extend(other.join().unwrap_or_default());
            }
            found
        });
        Table::new(self.end, found)
    }

    /// The numbers of the regions that hold data.
    fn regions(&self) -> Vec<u64> {
        let size = REGION.saturating_mul(self.page_size).max(1);
        let end = self.end.at(self.page_size).min(self.source.len());
        let mut numbers = Vec::new();
        let mut at = 0;
        while let Some(data) = self.source.data(at).filter(|data| data.start < end) {
            let first = data.start.div_euclid(size);
            let last = data.end().min(end).div_ceil(size);
            let known = numbers
                .last()
                .map_or(0, |last: &u64| last.saturating_add(1));
            numbers.extend(first.max(known)..last);
            if data.end() <= at {
                break;
            }
            at = data.end();
        }
        numbers
    }

    /// The keyed hash of a first key, to be compared with that of the branch above.
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        self.hash.hash_one(key)
    }
}

/// One thread's buffers.
struct Reader<'a> {
    survey: &'a Survey<'a>,
    piece: Vec<u8>,
    run: Vec<u8>,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn new(survey: &'a Survey<'a>) -> Self {
        Self {
            survey,
            piece: Vec::new(),
            run: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// The records of one region, if there is a page in it.
    fn region(&mut self, number: u64) -> Option<Region> {
        let Survey { page_size, end, .. } = *self.survey;
        let first = number.saturating_mul(REGION);
        let last = first.saturating_add(REGION).min(end.0);
        let step = PIECE.div_euclid(page_size).max(1);
        let mut region = Region::default();
        let mut from = first;
        while from < last {
            let count = step.min(last.saturating_sub(from));
            let mut piece = core::mem::take(&mut self.piece);
            self.piece(PageId(from), count, &mut piece, &mut region);
            self.piece = piece;
            from = from.saturating_add(count);
        }
        region
            .records
            .iter()
            .any(|record| record.kind.is_some() || record.marks != 0)
            .then_some(region)
    }

    fn piece(&mut self, from: PageId, count: u64, buffer: &mut Vec<u8>, region: &mut Region) {
        let page_size = self.survey.page_size;
        let len = count.saturating_mul(page_size);
        let source = self.survey.source;
        match read_view(source, from.at(page_size), len, buffer) {
            Ok(piece) => {
                for id in from.0..from.0.saturating_add(count) {
                    let record = self.page(PageId(id), piece, region);
                    region.records.push(record);
                }
            }
            // A bad sector: what can be read of the piece, page by page.
            Err(_) if count > 1 => {
                for id in from.0..from.0.saturating_add(count) {
                    self.piece(PageId(id), 1, buffer, region);
                }
            }
            Err(_) => region.records.push(Record {
                marks: UNREAD,
                ..Record::default()
            }),
        }
    }

    /// Looks at one page of `piece`.
    fn page(&mut self, id: PageId, piece: View<'_>, region: &mut Region) -> Record {
        let page_size = self.survey.page_size;
        let mut record = Record::default();
        let inside = id.at(page_size).saturating_sub(piece.base());
        let Ok(rest) = piece.rest(inside, "page") else {
            return record;
        };
        let Ok(header) = Header::read_page_header(rest) else {
            return record;
        };
        if header.id != id {
            return record;
        }
        record.kind = header.kind();
        record.count = header.count;
        record.overflow = header.overflow;
        let Some(kind @ (Kind::Branch | Kind::Leaf)) = record.kind else {
            return record;
        };
        let len = header.pages().saturating_mul(page_size);
        if header.overflow > SHORT {
            record.marks = LONG;
        } else if let Ok(run) = rest.slice(0, len, "page") {
            self.node(&Node::new(run, id, header, kind), &mut record, region);
        } else {
            let mut buffer = core::mem::take(&mut self.run);
            match read_view(self.survey.source, id.at(page_size), len, &mut buffer) {
                Ok(run) => self.node(&Node::new(run, id, header, kind), &mut record, region),
                Err(_) => record.marks = UNREAD,
            }
            self.run = buffer;
        }
        record
    }

    /// Looks at all elements of a branch or a leaf.
    fn node(&mut self, node: &Node<'_>, record: &mut Record, region: &mut Region) {
        let faults = &mut self.faults;
        faults.clear();
        record.edges_from = u32::try_from(region.edges.len()).unwrap_or(u32::MAX);
        let mut first = None;
        let mut last = None;
        let mut outside = false;
        scan(node, Bounds::default(), faults, |element, faults| {
            let key = element.key.bytes();
            first = first.or(Some(key));
            last = Some(key);
            let is_plain = element.child.is_none() && element.flags & BUCKET_FLAG == 0;
            match target(&element, node.id(), self.survey.page_size, record, faults) {
                Some(to) if is_plain && to >= self.survey.end => {}
                Some(to) if to < self.survey.end && to.0 >= 2 => {
                    region.edges.push(Edge {
                        to: u32::try_from(to.0).unwrap_or(u32::MAX),
                        index: u16::try_from(element.index).unwrap_or(u16::MAX),
                        is_disguised: is_plain,
                    });
                    record.edges = record.edges.saturating_add(1);
                }
                Some(_) => outside = true,
                None => {}
            }
        });
        record.first = first.map_or(0, |key| self.survey.hash(key));
        record.last = last.map_or(0, prefix);
        if outside || !faults.is_empty() || node.count() == 0 {
            record.marks |= SUSPECT;
        }
        if !node.zero_pages(self.survey.page_size).is_empty() {
            record.marks |= ZEROES;
        }
    }
}

/// The page that an element names; of an inline bucket, its contents are counted instead.
fn target(
    element: &Element<'_>,
    page: PageId,
    page_size: u64,
    record: &mut Record,
    faults: &mut Vec<Fault>,
) -> Option<PageId> {
    if element.child.is_some() {
        return element.child;
    }
    if element.flags & BUCKET_FLAG == 0 {
        return match inline::disguise(element.value, page)? {
            Disguise::Page(root) => Some(root),
            Disguise::Inline => {
                faults.push(inline::flag_lost(element, page));
                None
            }
        };
    }
    let (header, fault) = inline::header(element.value, page);
    faults.extend(fault);
    match header? {
        Bucket::Page { root, .. } => Some(root),
        Bucket::Inline { page: inside, .. } => {
            record.inline_buckets = record.inline_buckets.saturating_add(1);
            inline::scan(inside, page, page_size, faults, |_| {
                record.inline_keys = record.inline_keys.saturating_add(1);
            });
            None
        }
    }
}
