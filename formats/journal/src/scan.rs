//! One pass over a file from its first object to its last.

use std::collections::{HashSet, VecDeque};

use finding::Unread;
use view::{Span, View};

use crate::bytes::Bytes;
use crate::data;
use crate::entry::Found;
use crate::file::{FIELDS, Journal, items};
use crate::header;
use crate::object::{ENTRY_ITEMS, HEAD, Kind, Object, aligned, payload_at};

/// Bytes that are read at once: 1 MiB.
const WINDOW: usize = 1 << 20;
/// Bytes of a payload that are shown to whoever chooses.
const SHOWN: usize = 256;
/// A packed payload that is longer is not unpacked to be shown: what is chosen by is short.
const PACKED: u64 = 512;
/// Most data objects that are chosen by.
const CHOSEN: usize = 4 << 20;

/// What one pass found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// The entries, in the order of the file.
    pub entries: VecDeque<Found>,
    /// All entries that were passed.
    pub passed: u64,
    /// Entries that were chosen, and given up again since there were more than wanted.
    pub dropped: u64,
    /// Stretches in which no object was found, though they hold more than zeros.
    pub damaged: Vec<Span>,
    /// Bytes of more such stretches than are listed.
    pub more_damaged: u64,
    /// Whether the file ends before its header says that it does.
    pub is_cut: bool,
}

/// Damaged stretches that are listed.
const LISTED: usize = 64;

/// What is wanted of a file.
pub struct Wish<'w> {
    /// Whether entries with this field are wanted; it sees the first 256 bytes of `NAME=value`.
    pub field: &'w mut dyn FnMut(&[u8]) -> bool,
    /// Whether an entry of that time is wanted.
    pub when: &'w dyn Fn(&Found) -> bool,
    /// The most entries; the newest are kept.
    pub most: usize,
    /// Told how many bytes were passed; whether to go on.
    pub tick: &'w mut dyn FnMut(u64) -> bool,
}

impl std::fmt::Debug for Wish<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wish")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl<B: Bytes> Journal<B> {
    /// Passes over the file once. Reading stops at the first place that cannot be read; what was
    /// found before is given with the error.
    pub fn scan(&self, wish: &mut Wish<'_>) -> (Scanned, Option<Unread>) {
        let mut pass = Pass {
            journal: self,
            window: Window::new(&self.bytes),
            length: self.bytes.length(),
            chosen: HashSet::new(),
            scanned: Scanned::default(),
        };
        let end = self.header.size.saturating_add(self.header.arena);
        pass.scanned.is_cut = end > pass.length;
        let error = pass.run(wish).err();
        (pass.scanned, error)
    }
}

struct Pass<'p, B> {
    journal: &'p Journal<B>,
    window: Window<'p, B>,
    length: u64,
    chosen: HashSet<u64>,
    scanned: Scanned,
}

impl<B: Bytes> Pass<'_, B> {
    fn run(&mut self, wish: &mut Wish<'_>) -> Result<(), Unread> {
        let mut at = aligned(self.journal.header.size);
        let mut told = at;
        while at < self.length {
            if at.saturating_sub(told) >= 1 << 20 {
                if !(wish.tick)(at.saturating_sub(told)) {
                    return Ok(());
                }
                told = at;
            }
            let Some(object) = self.object(at)? else {
                at = self.resume(at)?;
                continue;
            };
            match object.kind {
                Kind::Data => self.data(at, object, wish)?,
                Kind::Entry => self.entry(at, object, wish)?,
                Kind::Other => {}
            }
            at = aligned(at.saturating_add(object.size));
        }
        (wish.tick)(self.length.saturating_sub(told));
        Ok(())
    }

    fn object(&mut self, at: u64) -> Result<Option<Object>, Unread> {
        let room = self.length.saturating_sub(at);
        let head = self.window.get(at, HEAD)?;
        Ok(Object::read_object_header(
            head,
            room,
            self.journal.header.is_compact,
        ))
    }

    /// The next place that looks like an object; what lies between is damaged, or empty.
    fn resume(&mut self, from: u64) -> Result<u64, Unread> {
        let mut at = from;
        let mut damage = None;
        loop {
            let Some(next) = self.window.next_nonzero(at)? else {
                at = self.length;
                break;
            };
            at = next & !7;
            if at < from {
                at = from;
            }
            if self.object(at)?.is_some() {
                break;
            }
            damage = damage.or(Some(at));
            at = at.saturating_add(8);
        }
        if let Some(start) = damage {
            let span = Span::new(start, at.saturating_sub(start));
            if self.scanned.damaged.len() < LISTED {
                self.scanned.damaged.push(span);
            } else {
                self.scanned.more_damaged = self.scanned.more_damaged.saturating_add(span.len);
            }
        }
        Ok(at)
    }

    fn data(&mut self, at: u64, object: Object, wish: &mut Wish<'_>) -> Result<(), Unread> {
        let start = payload_at(self.journal.header.is_compact);
        let size = object.size.saturating_sub(start);
        let is_packed = object.flags != 0;
        if is_packed && size > PACKED || self.chosen.len() >= CHOSEN {
            return Ok(());
        }
        let count = usize::try_from(size).unwrap_or(SHOWN);
        let count = if is_packed { count } else { count.min(SHOWN) };
        let stored = self.window.get(at.saturating_add(start), count)?;
        let is_wanted = if is_packed {
            data::unpack(object.flags, stored, SHOWN)
                .is_ok_and(|(payload, _)| (wish.field)(&payload))
        } else {
            (wish.field)(stored)
        };
        if is_wanted {
            self.chosen.insert(at);
        }
        Ok(())
    }

    fn entry(&mut self, at: u64, object: Object, wish: &mut Wish<'_>) -> Result<(), Unread> {
        let is_compact = self.journal.header.is_compact;
        let step = if is_compact { 4 } else { 16 };
        let most = FIELDS.saturating_mul(step).saturating_add(ENTRY_ITEMS);
        let count = usize::try_from(object.size.min(most)).unwrap_or(0);
        let stored = self.window.get(at, count)?;
        let view = View::new(stored);
        let Some(found) = found(view, at) else {
            return Ok(());
        };
        self.scanned.passed = self.scanned.passed.saturating_add(1);
        let from = usize::try_from(ENTRY_ITEMS).unwrap_or(usize::MAX);
        let list = stored.get(from..).unwrap_or_default();
        if (wish.when)(&found) && items(list, is_compact).any(|item| self.chosen.contains(&item)) {
            if self.scanned.entries.len() >= wish.most.max(1) {
                self.scanned.entries.pop_front();
                self.scanned.dropped = self.scanned.dropped.saturating_add(1);
            }
            self.scanned.entries.push_back(found);
        }
        Ok(())
    }
}

fn found(view: View<'_>, at: u64) -> Option<Found> {
    Some(Found {
        at,
        seqnum: view.u64_le(16, "seqnum").ok()?,
        realtime: view.u64_le(24, "realtime").ok()?,
        monotonic: view.u64_le(32, "monotonic").ok()?,
        boot: header::id(view, 40).ok()?,
    })
}

/// A stretch of the file that is in memory, moved from front to back.
struct Window<'b, B> {
    bytes: &'b B,
    stretches: Vec<Span>,
    at: u64,
    held: Vec<u8>,
}

impl<'b, B: Bytes> Window<'b, B> {
    fn new(bytes: &'b B) -> Self {
        Self {
            bytes,
            stretches: bytes.stretches(),
            at: 0,
            held: Vec::new(),
        }
    }

    /// `count` bytes at `at`, fewer at the end of the file; at most a window of them.
    fn get(&mut self, at: u64, count: usize) -> Result<&[u8], Unread> {
        let count = count.min(WINDOW);
        let offset = at.checked_sub(self.at);
        let offset = offset.and_then(|offset| usize::try_from(offset).ok());
        let is_held = offset
            .and_then(|offset| offset.checked_add(count))
            .is_some_and(|end| end <= self.held.len());
        if !is_held {
            self.held.resize(WINDOW, 0);
            let read = self.bytes.read_at(at, &mut self.held)?;
            self.held.truncate(read);
            self.at = at;
        }
        let from = usize::try_from(at.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let rest = self.held.get(from..).unwrap_or_default();
        Ok(rest.get(..count.min(rest.len())).unwrap_or_default())
    }

    /// The first byte from `at` on that is not zero; holes are stepped over.
    fn next_nonzero(&mut self, at: u64) -> Result<Option<u64>, Unread> {
        let mut at = at;
        loop {
            let index = self.stretches.partition_point(|span| span.end() <= at);
            let Some(stretch) = self.stretches.get(index).copied() else {
                return Ok(None);
            };
            at = at.max(stretch.start);
            let room = stretch.end().saturating_sub(at);
            let count = usize::try_from(room).unwrap_or(WINDOW).min(WINDOW);
            let held = self.get(at, count)?;
            if held.is_empty() {
                return Ok(None);
            }
            if let Some(found) = View::based(held, at).first_nonzero() {
                return Ok(Some(found));
            }
            at = at.saturating_add(u64::try_from(held.len()).unwrap_or(u64::MAX));
        }
    }
}
