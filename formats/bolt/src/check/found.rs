//! What a check finds: faults with the bucket in which they are, and numbers.

use std::collections::BTreeMap;

use finding::{Code, Fault as _, Finding, Location};
use serde::Serialize;

use crate::{check::table::Record, fault::Fault, page::Kind};

/// Faults of one code that are listed; more of them are only counted.
const LISTED: u64 = 1000;

/// A fault, and where it stands in the meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What is wrong.
    pub fault: Fault,
    /// The bucket in which it is, from the outside in; empty: the root bucket, or no bucket.
    pub path: Vec<Vec<u8>>,
}

impl Found {
    /// As a finding in the file at `location`.
    pub fn finding(&self, mut location: Location) -> Finding {
        if let Some(page) = self.fault.page {
            location = location.place("page", page.to_string().as_str());
        }
        for key in &self.path {
            location = location.place("bucket", key.as_slice());
        }
        self.fault.finding(location)
    }
}

/// Where faults go; bounded for each code.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    list: Vec<Found>,
    counts: BTreeMap<&'static str, u64>,
    /// How many of them are more than bytes that nobody reads.
    pub(crate) grave: u64,
    /// Whether keys are unknown because of any of them.
    pub(crate) hides: bool,
}

impl Sink {
    /// Whether more faults of this code are listed.
    pub(crate) fn wants(&self, code: &Code) -> bool {
        self.counts
            .get(code.name)
            .is_none_or(|count| *count < LISTED)
    }

    /// Counts a fault that is not listed.
    pub(crate) fn count(&mut self, fault: &Fault) {
        let count = self.counts.entry(fault.what.code().name).or_default();
        *count = count.saturating_add(1);
        self.hides |= fault.unknown.is_some();
        let is_grave = fault.unknown.is_some() || !fault.what.is_harmless();
        self.grave = self.grave.saturating_add(u64::from(is_grave));
    }

    /// Takes a fault of the bucket at `path`.
    pub(crate) fn push(&mut self, fault: Fault, path: Vec<Vec<u8>>) {
        let wanted = self.wants(fault.what.code());
        self.count(&fault);
        if wanted {
            self.list.push(Found { fault, path });
        }
    }

    /// Takes a fault of no bucket.
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.push(fault, Vec::new());
    }

    /// How many faults there were.
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The faults in the order of the file, and how many more there were of each code.
    pub(crate) fn finish(mut self) -> (Vec<Found>, BTreeMap<&'static str, u64>) {
        self.list.sort_by(|a, b| {
            key(&a.fault)
                .cmp(&key(&b.fault))
                .then_with(|| a.path.cmp(&b.path))
        });
        self.list.dedup();
        let more = self
            .counts
            .into_iter()
            .filter_map(|(name, count)| Some((name, count.checked_sub(LISTED)?)))
            .filter(|(_, more)| *more > 0)
            .collect();
        (self.list, more)
    }
}

fn key(fault: &Fault) -> (u64, u64, &'static str) {
    (fault.span.start, fault.span.len, fault.what.code().name)
}

/// What a tree is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Branch pages.
    pub branches: u64,
    /// Leaf pages.
    pub leaves: u64,
    /// Pages that belong to the page before them.
    pub overflow: u64,
    /// Buckets, the root bucket included.
    pub buckets: u64,
    /// Buckets of these that stand in a value.
    pub inline: u64,
    /// Keys, those of buckets included.
    pub keys: u64,
    /// Levels from the root page to the deepest leaf, or to the deepest bucket in a value of one.
    pub depth: u64,
}

impl Totals {
    pub(crate) fn page(&mut self, kind: Kind, pages: u64) {
        let count = if kind == Kind::Branch {
            &mut self.branches
        } else {
            &mut self.leaves
        };
        *count = count.saturating_add(1);
        self.overflow = self.overflow.saturating_add(pages.saturating_sub(1));
    }

    pub(crate) fn leaf(&mut self, record: &Record) {
        let inline = u64::from(record.inline_buckets);
        self.inline = self.inline.saturating_add(inline);
        self.buckets = self.buckets.saturating_add(inline);
        self.keys = self
            .keys
            .saturating_add(u64::from(record.count))
            .saturating_add(u64::from(record.inline_keys));
    }

    /// All pages of the tree.
    pub const fn pages(&self) -> u64 {
        self.branches
            .saturating_add(self.leaves)
            .saturating_add(self.overflow)
    }
}
