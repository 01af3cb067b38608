//! What is kept of each page between the reading of the file and the walk of its trees.
//!
//! About 40 bytes a page, and 8 for each page that a page names: enough to walk every tree of the
//! file without reading it a second time, except for branches and for pages that are damaged.

use crate::page::{Kind, PageId};

/// Pages of one region: what one thread reads at once.
pub(crate) const REGION: u64 = 1 << 10;

/// The page has a fault, or something that only a second look can judge.
pub(crate) const SUSPECT: u8 = 1;
/// The page could not be read.
pub(crate) const UNREAD: u8 = 2;
/// The page has so much overflow that it is only looked into when the tree reaches it.
pub(crate) const LONG: u8 = 4;

/// A page of its overflow is all zeroes, inside a value.
pub(crate) const ZEROES: u8 = 8;

/// A page that a page names, and in which element.
///
/// A page whose number does not fit makes the page that names it [`SUSPECT`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    pub(crate) to: u32,
    pub(crate) index: u16,
    /// The element says that it is a plain value; its bucket may have lost its flag.
    pub(crate) is_disguised: bool,
}

/// What is kept of one page.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Record {
    /// Keyed hash of the first key.
    pub(crate) first: u64,
    /// The first 16 bytes of the last key, zero-padded, as one big-endian number.
    pub(crate) last: u128,
    /// Its edges, in the region.
    pub(crate) edges_from: u32,
    pub(crate) edges: u32,
    pub(crate) overflow: u32,
    /// Keys in inline buckets.
    pub(crate) inline_keys: u32,
    pub(crate) inline_buckets: u16,
    /// Elements, as the header says.
    pub(crate) count: u16,
    /// Flags of the header, if it is that of this page.
    pub(crate) kind: Option<Kind>,
    /// SUSPECT, UNREAD, LONG, ZEROES.
    pub(crate) marks: u8,
}

/// The records of [`REGION`] pages.
#[derive(Debug, Default)]
pub(crate) struct Region {
    pub(crate) records: Vec<Record>,
    pub(crate) edges: Vec<Edge>,
}

/// The records of all pages.
#[derive(Debug, Default)]
pub(crate) struct Table {
    regions: Vec<Option<Box<Region>>>,
}

impl Table {
    /// A table of regions, by their numbers.
    pub(crate) fn new(end: PageId, found: Vec<(u64, Region)>) -> Self {
        let count = usize::try_from(end.0.div_ceil(REGION)).unwrap_or(0);
        let mut regions: Vec<Option<Box<Region>>> = Vec::new();
        regions.resize_with(count, || None);
        for (number, region) in found {
            let place = usize::try_from(number).ok();
            if let Some(place) = place.and_then(|place| regions.get_mut(place)) {
                *place = Some(Box::new(region));
            }
        }
        Self { regions }
    }

    fn region(&self, page: PageId) -> Option<&Region> {
        let number = usize::try_from(page.0.div_euclid(REGION)).ok()?;
        self.regions.get(number)?.as_deref()
    }

    /// The record of `page`; of a page in a hole, an empty one.
    pub(crate) fn record(&self, page: PageId) -> Record {
        let inside = usize::try_from(page.0.rem_euclid(REGION)).ok();
        self.region(page)
            .and_then(|region| region.records.get(inside?).copied())
            .unwrap_or_default()
    }

    /// The pages that `page` names: one of its edges.
    pub(crate) fn edge(&self, page: PageId, record: &Record, number: u32) -> Option<Edge> {
        let place = (number < record.edges).then(|| record.edges_from.checked_add(number))??;
        let place = usize::try_from(place).ok()?;
        self.region(page)?.edges.get(place).copied()
    }
}

/// The first 16 bytes of a key as a number that sorts as the key does.
pub(crate) fn prefix(key: &[u8]) -> u128 {
    let mut start = [0; 16];
    for (to, from) in start.iter_mut().zip(key) {
        *to = *from;
    }
    u128::from_be_bytes(start)
}
