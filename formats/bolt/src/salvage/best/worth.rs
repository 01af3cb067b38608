//! How good a tree is, among several.

use finding::Time;

use crate::{
    bucket::Value,
    db::Db,
    schema::{Fit, Schema, Schemas},
    walk::Visit,
};

/// How good a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Worth {
    pub(super) fit: Fit,
    pub(super) is_whole: bool,
    pub(super) youngest: Option<Time>,
    pub(super) keys: usize,
}

/// How good a tree is; none: it is not the tree of a database.
///
/// The root bucket of all programs holds nothing but buckets. One of a known schema is best: then a
/// tree without faults, the one with the youngest record, the one with most keys. Counting has a
/// budget for all trees together.
pub(super) fn worth(db: &Db<'_>, schemas: Schemas, budget: &mut usize) -> Option<Worth> {
    let root = db.root().contents();
    let only_buckets = root
        .entries
        .iter()
        .all(|entry| matches!(entry.value, Value::Bucket(_)));
    if !only_buckets || root.entries.is_empty() {
        return None;
    }
    let fits = schemas.0.iter().map(|schema| schema.root(&db.root()));
    let fit = fits.max().unwrap_or(Fit::Unknown);
    let (is_whole, youngest, keys) = size(db, schemas.0, budget);
    Some(Worth {
        fit,
        is_whole,
        youngest,
        keys,
    })
}

/// Whether a tree has no fault, when its youngest record was made, and how many keys it has.
pub(super) fn size(
    db: &Db<'_>,
    schemas: &[&'static dyn Schema],
    budget: &mut usize,
) -> (bool, Option<Time>, usize) {
    let (mut keys, mut is_whole, mut youngest) = (0_usize, true, None);
    for step in db.walk() {
        match step.what {
            Visit::Entry(entry) => {
                keys = keys.saturating_add(1);
                if let Some(value) = entry.value.bytes().filter(|value| value.len() <= 16) {
                    let times = schemas
                        .iter()
                        .filter_map(|schema| schema.birthday(entry.key, value));
                    youngest = youngest.max(times.max());
                }
            }
            Visit::Fault(fault) => is_whole &= fault.unknown.is_none(),
        }
        *budget = budget.saturating_sub(1);
        if *budget == 0 {
            break;
        }
    }
    (is_whole, youngest, keys)
}
