//! Which buckets damage is in, and which of their keys are unknown because of it.

use std::collections::{BTreeMap, BTreeSet};

use finding::Text;
use serde::Serialize;

use crate::{Bucket, CheckReport, Db, Fault, KeyRange};

/// Buckets that are listed.
const LISTED: usize = 100;
/// Ranges of one bucket that are listed.
const RANGES: usize = 8;

/// What damage means for the keys.
#[derive(Debug, Default, Serialize)]
pub struct Affected {
    /// Buckets with unknown keys.
    pub buckets: Vec<Hit>,
    /// How many more there are.
    pub more: u64,
    /// Buckets that were reached and have no unknown key of their own.
    pub whole: u64,
}

/// A bucket with unknown keys.
#[derive(Debug, Serialize)]
pub struct Hit {
    /// Its path.
    pub bucket: Vec<Text>,
    /// Which keys are unknown.
    pub unknown: Vec<Range>,
    /// How many more ranges there are.
    pub more_ranges: u64,
    /// How many keys the transaction before has there that cannot be read now; null where that
    /// cannot be told.
    pub before: Option<u64>,
}

/// Keys that are unknown, in their order.
#[derive(Debug, Serialize)]
pub struct Range {
    /// The smallest key that may be missing; null: from the first of the bucket.
    pub from: Option<Text>,
    /// The smallest key that is known again; null: up to the last of the bucket.
    pub until: Option<Text>,
    /// The same, in words.
    #[serde(skip)]
    pub shown: String,
}

impl Range {
    fn from_key_range(range: &KeyRange) -> Self {
        let text = |key: &Option<Vec<u8>>| key.as_ref().map(|key| Text::new(key.clone()));
        Self {
            from: text(&range.from),
            until: text(&range.until),
            shown: range.to_string(),
        }
    }
}

impl Affected {
    /// Of the faults of a check; `db` is the file in memory, if it is not too large for that.
    pub fn from_report(report: &CheckReport, db: Option<&Db<'_>>) -> Self {
        let mut hits: BTreeMap<&[Vec<u8>], Vec<&Fault>> = BTreeMap::new();
        let hiding = report
            .faults
            .iter()
            .filter(|found| found.fault.unknown.is_some());
        for found in hiding {
            hits.entry(&found.path).or_default().push(&found.fault);
        }
        // A bucket of which no page was found is none of those that were counted.
        let reached = hits
            .values()
            .filter(|faults| !faults.iter().any(|fault| is_lost(fault)));
        let reached = reached.count();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Self {
            whole: report.totals.buckets.saturating_sub(count(reached)),
            more: count(hits.len().saturating_sub(LISTED)),
            buckets: hits
                .iter()
                .take(LISTED)
                .map(|(path, faults)| {
                    let mut ranges: Vec<Range> = Vec::new();
                    for range in faults.iter().filter_map(|fault| fault.unknown.as_deref()) {
                        let range = Range::from_key_range(range);
                        if ranges.iter().all(|other| other.shown != range.shown) {
                            ranges.push(range);
                        }
                    }
                    let more = ranges.len().saturating_sub(RANGES);
                    ranges.truncate(RANGES);
                    Hit {
                        bucket: path.iter().map(|key| Text::new(key.clone())).collect(),
                        unknown: ranges,
                        more_ranges: count(more),
                        before: db.and_then(|db| before(db, path, faults)),
                    }
                })
                .collect(),
        }
    }
}

/// Whether a fault hides all of a bucket.
fn is_lost(fault: &Fault) -> bool {
    let range = fault.unknown.as_deref();
    range.is_some_and(|range| range.from.is_none() && range.until.is_none())
}

/// How many keys the tree of the transaction before has in the ranges that `faults` hide, and the
/// newest has not.
fn before(db: &Db<'_>, path: &[Vec<u8>], faults: &[&Fault]) -> Option<u64> {
    let old = bucket(&db.previous()?, path)?.contents();
    if !old.is_whole() {
        return None;
    }
    // Where all of a bucket is unknown, what can be read in its place is not it.
    let there = (!faults.iter().any(|fault| is_lost(fault)))
        .then(|| bucket(db, path))
        .flatten();
    let readable: BTreeSet<Vec<u8>> = there
        .map(|bucket| bucket.contents().entries)
        .unwrap_or_default()
        .iter()
        .map(|entry| entry.key.to_vec())
        .collect();
    let is_hidden = |key: &[u8]| {
        let mut ranges = faults.iter().filter_map(|fault| fault.unknown.as_deref());
        ranges.any(|range| range.may_hold(key)) && !readable.contains(key)
    };
    let hidden = old
        .entries
        .iter()
        .filter(|entry| is_hidden(entry.key))
        .count();
    u64::try_from(hidden).ok()
}

fn bucket<'s>(db: &Db<'s>, path: &[Vec<u8>]) -> Option<Bucket<'s>> {
    let mut bucket = db.root();
    for key in path {
        let contents = bucket.contents();
        bucket = contents.get(key)?.value.bucket()?.clone();
    }
    Some(bucket)
}
