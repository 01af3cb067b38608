//! The heap of a process: every span that the runtime took from the system.
//!
//! `mheap_.allspans` is a slice in bss whose elements are all spans. It is found by what it must look
//! like, and proven by the caches of the processors: each span that a cache allocates from is in the
//! slice. Upstream: `runtime/mheap.go` (mspan), `runtime/mcache.go`, `runtime/proc.go` (allp).

use std::collections::{BTreeMap, HashMap, HashSet};

use elfcore::Memory;
use serde::Serialize;

use crate::GoVersion;
use crate::find::{Area, slices};
use crate::module::ModuleData;
use crate::types::{self, Layout};

/// Bytes of a page of the heap.
const PAGE: u64 = 8192;
/// Spans that are read.
const SPANS: u64 = 8 << 20;
/// Processors.
const PROCESSORS: u64 = 4096;
/// Classes of spans that a cache allocates from.
const CLASSES: u64 = 136;

/// What a span is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpanUse {
    /// Objects of the heap.
    Objects,
    /// Stacks of goroutines, and what the runtime itself asked for.
    Stacks,
}

/// A run of pages, cut into objects of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where its pages begin.
    pub start: u64,
    /// Its bytes.
    pub bytes: u64,
    /// What it is for.
    pub used_for: SpanUse,
    /// Bytes of an object.
    pub size: u64,
    /// Objects that have room.
    pub room: u64,
    /// Objects that are allocated. Garbage that was not swept yet is among them.
    pub objects: u64,
    /// Whether its objects may hold pointers.
    pub pointers: bool,
    /// Whether it is one object too large for any class.
    pub large: bool,
    /// The list of what is noted of its objects (finalizers).
    pub(crate) specials: u64,
}

/// All spans that are in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heap {
    /// By their addresses.
    pub spans: Vec<Span>,
    /// Caches of processors that were found. None: nothing proves that the list of spans is whole.
    pub caches: usize,
    /// Spans that these caches allocate from, and how many of them are listed: all, or the list is
    /// damaged. A collection empties the caches.
    pub cached: (usize, usize),
    /// Spans that are listed and cannot be read.
    pub damaged: usize,
}

/// What is listed.
enum Listed {
    Used(Span),
    /// Its pages were given back.
    Unused,
}

/// Where the fields of a span are.
struct Offsets {
    size: usize,
    start: u64,
    pages: u64,
    elem: u64,
    room: u64,
    count: u64,
    class: u64,
    state: u64,
    specials: u64,
    /// Whether the room is a word of 8 bytes.
    wide: bool,
}

impl Offsets {
    fn from_layout(layout: &Layout, version: GoVersion) -> Option<Self> {
        let field = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| layout.fields.get(*name))
                .copied()
        };
        Some(Self {
            size: usize::try_from(layout.size)
                .ok()
                .filter(|size| *size < 4096)?,
            start: field(&["startAddr"])?,
            pages: field(&["npages"])?,
            elem: field(&["elemsize"])?,
            room: field(&["nelems"])?,
            count: field(&["allocCount"])?,
            class: field(&["spanclass"])?,
            state: field(&["state.s.value", "state.s", "state"])?,
            specials: field(&["specials"])?,
            wide: version.minor < 22,
        })
    }

    /// A span that is in use, or one that is not; nothing if it is no span at all.
    fn read_special(&self, memory: &dyn Memory, at: u64) -> Option<Listed> {
        if at < 4096 || !at.is_multiple_of(8) {
            return None;
        }
        let bytes = memory.all(at, self.size)?;
        let view = view::View::new(&bytes);
        let word = |offset: u64| view.u64_le(offset, "mspan").ok();
        let used_for = match view.u8(self.state, "mspan").ok()? {
            0 => return Some(Listed::Unused),
            1 => SpanUse::Objects,
            2 => SpanUse::Stacks,
            _ => return None,
        };
        let (start, pages) = (word(self.start)?, word(self.pages)?);
        let length = pages.checked_mul(PAGE)?;
        if start == 0 || !start.is_multiple_of(PAGE) || pages == 0 || pages > 1 << 30 {
            return None;
        }
        start.checked_add(length)?;
        let class = view.u8(self.class, "mspan").ok()?;
        let mut span = Span {
            start,
            bytes: length,
            used_for,
            size: length,
            room: 1,
            objects: 1,
            pointers: class & 1 == 0,
            large: class >> 1 == 0,
            specials: 0,
        };
        if used_for == SpanUse::Stacks {
            return Some(Listed::Used(span));
        }
        span.size = word(self.elem)?;
        span.room = if self.wide {
            word(self.room)?
        } else {
            view.u16_le(self.room, "mspan").ok().map(u64::from)?
        };
        span.objects = view.u16_le(self.count, "mspan").ok().map(u64::from)?;
        span.specials = word(self.specials)?;
        let fits = u64::from(class) < CLASSES
            && span.size > 0
            && span.room.checked_mul(span.size)? <= length
            && span.room > 0
            && span.objects <= span.room;
        fits.then_some(Listed::Used(span))
    }
}

/// What the heap is read from.
pub(crate) struct Source<'m> {
    pub(crate) memory: &'m dyn Memory,
    pub(crate) module: &'m ModuleData,
    pub(crate) version: GoVersion,
    /// Where a processor notes its number, its state and its cache.
    pub(crate) processor: Option<[u64; 3]>,
}

impl Source<'_> {
    /// Reads it.
    pub(crate) fn heap(&self) -> Option<Heap> {
        let wanted = ["mspan", "mcache"];
        let layouts = types::layouts(self.memory, self.module, self.version, "runtime", &wanted);
        let offsets = Offsets::from_layout(layouts.get("mspan")?, self.version)?;
        let all = self.all_spans(&offsets)?;
        let found = self.processor.map(|fields| self.caches(fields));
        let found = found.unwrap_or_default();
        let cached = self.cached(&found, &layouts, &all);
        let mut heap = Heap {
            spans: Vec::new(),
            caches: found.len(),
            cached,
            damaged: 0,
        };
        for at in all {
            match offsets.read_special(self.memory, at) {
                Some(Listed::Used(span)) => heap.spans.push(span),
                Some(Listed::Unused) => {}
                None => heap.damaged = heap.damaged.saturating_add(1),
            }
        }
        heap.spans.sort_by_key(|span| span.start);
        Some(heap)
    }

    /// The slice in bss with the most spans in use, nearly every element of which is one.
    fn all_spans(&self, offsets: &Offsets) -> Option<Vec<u64>> {
        let mut best: Option<(usize, Vec<u64>)> = None;
        // Whether something is a span in use, by its address: slices overlap.
        let mut known: HashMap<u64, Option<bool>> = HashMap::new();
        for range in [self.module.data[2], self.module.data[3]] {
            let words: Vec<u64> = Area::read_area(self.memory, range).words().collect();
            for (pointer, len) in slices(&words, SPANS) {
                let mut kind = |at: u64| {
                    *known.entry(at).or_insert_with(|| {
                        offsets
                            .read_special(self.memory, at)
                            .map(|span| matches!(span, Listed::Used(_)))
                    })
                };
                if self.memory.u64(pointer).and_then(&mut kind).is_none() {
                    continue;
                }
                let bytes = self.memory.some(pointer, len.saturating_mul(8));
                let all: Vec<u64> = bytes
                    .chunks_exact(8)
                    .filter_map(|word| word.first_chunk().copied().map(u64::from_le_bytes))
                    .collect();
                let mut used = 0_usize;
                let mut bad = 0_usize;
                for at in &all {
                    match kind(*at) {
                        Some(true) => used = used.saturating_add(1),
                        Some(false) => {}
                        None => bad = bad.saturating_add(1),
                    }
                    if bad > all.len() / 16 {
                        break;
                    }
                }
                let better = best.as_ref().is_none_or(|(most, _)| used > *most);
                if used > 0 && bad <= all.len() / 16 && better {
                    best = Some((used, all));
                }
            }
        }
        best.map(|(_, all)| all)
    }

    /// Caches of all processors: of `allp`, the slice in bss each element of which knows its number.
    fn caches(&self, [id, status, cache]: [u64; 3]) -> Vec<u64> {
        let mut best = Vec::new();
        let word = |at: u64, offset: u64| self.memory.u64(at.checked_add(offset)?);
        for range in [self.module.data[2], self.module.data[3]] {
            let words: Vec<u64> = Area::read_area(self.memory, range).words().collect();
            for (pointer, len) in slices(&words, PROCESSORS) {
                let found = (0..len).map_while(|index| {
                    let at = word(pointer, index.checked_mul(8)?)?;
                    let number = self.memory.u32(at.checked_add(id)?)?;
                    let state = self.memory.u32(at.checked_add(status)?)?;
                    let is_one = at >= 4096 && u64::from(number) == index && state <= 4;
                    let cache = word(at, cache)?;
                    (is_one && cache >= 4096 && cache.is_multiple_of(8)).then_some(cache)
                });
                let found: Vec<u64> = found.collect();
                if u64::try_from(found.len()) == Ok(len) && found.len() > best.len() {
                    best = found;
                }
            }
        }
        best
    }

    /// Spans that the caches allocate from: how many, and how many of them are listed.
    fn cached(
        &self,
        caches: &[u64],
        layouts: &BTreeMap<&str, Layout>,
        all: &[u64],
    ) -> (usize, usize) {
        let listed: HashSet<u64> = all.iter().copied().collect();
        let alloc = layouts
            .get("mcache")
            .and_then(|layout| layout.fields.get("alloc"));
        let mut count = (0_usize, 0_usize);
        let Some(alloc) = alloc.copied() else {
            return count;
        };
        for cache in caches {
            let Some(first) = cache.checked_add(alloc) else {
                continue;
            };
            let bytes = self.memory.some(first, CLASSES.saturating_mul(8));
            for word in bytes.chunks_exact(8) {
                let Some(at) = word.first_chunk().copied().map(u64::from_le_bytes) else {
                    continue;
                };
                // A class that was not used yet has the one empty span, which is a variable.
                let mut data = self.module.data.iter();
                if at < 4096 || data.any(|(start, end)| (*start..*end).contains(&at)) {
                    continue;
                }
                count.0 = count.0.saturating_add(1);
                if listed.contains(&at) {
                    count.1 = count.1.saturating_add(1);
                }
            }
        }
        count
    }
}
