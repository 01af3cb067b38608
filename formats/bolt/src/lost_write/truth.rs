//! Which of the two trees is what its transaction wrote, where they do not go together.
//!
//! Two things leave two whole trees that have nothing in common:
//!
//! - the root page of N never arrived: a leaf of an older transaction stands in its place, and the
//!   tree below it is small and strange. The tree of N-1 is right, and whole;
//! - N+1 began to write over the pages of N-1 and died. The tree of N is right.
//!
//! Whose file it is decides: the root bucket of a program is known when it is seen. Else the
//! freelist of N does, which has all pages but those of the true tree; else how much each reaches.

use view::Span;

use crate::{
    bucket::{Contents, Entry, Value},
    check::{CheckReport, Found},
    db::Db,
    fault::{Fault, What},
    page::PageId,
    schema::{Fit, Schema, Schemas},
    walk::Visit,
};

/// Which of the two trees is what its transaction wrote.
pub(super) enum Truth {
    /// Both, as far as their roots tell.
    Both,
    /// That of N-1; the page of N that is of an older transaction.
    Older(Found),
    /// That of N.
    Newer,
}

/// How many times as many keys the true tree has at least, where nothing else decides.
const MANY_TIMES: u64 = 2;
/// How deep the way to a page that does not fit is followed.
const DEEPEST: usize = 3;

/// Which tree is true, by the buckets at their roots.
pub(super) fn truth(db: &Db<'_>, old: &Db<'_>, report: &CheckReport, schemas: Schemas) -> Truth {
    let of = |db: &Db<'_>| schemas.of_root(&db.root());
    match (of(db), of(old)) {
        (Some(_), None) if !is_shared(db, old) => return Truth::Newer,
        (Some(_), _) => return Truth::Both,
        (None, Some(schema)) => {
            return match strange(db, old, schema) {
                Some(stale) => Truth::Older(stale),
                None => Truth::Both,
            };
        }
        (None, None) => {}
    }
    if is_shared(db, old) {
        return Truth::Both;
    }
    let is_listed = db.meta().is_freelist_synced() && report.free.is_some();
    let disagrees = report.faults.iter().any(|found| {
        matches!(
            found.fault.what,
            What::PageLost { .. } | What::FreeReachable { .. }
        )
    });
    let (keys, before) = (report.totals.keys, keys(old));
    let is_newer = match (is_listed, disagrees) {
        (true, false) => true,
        (true, true) => false,
        (false, _) if keys >= before.saturating_mul(MANY_TIMES) => true,
        (false, _) if before >= keys.saturating_mul(MANY_TIMES) => false,
        // Nothing decides: all that is known is that they do not go together.
        (false, _) => {
            let what = What::StaleRoot { is_sure: false };
            return Truth::Older(found(db, what, db.meta().root, Vec::new()));
        }
    };
    if is_newer {
        Truth::Newer
    } else {
        Truth::Older(found(db, SURE, db.meta().root, Vec::new()))
    }
}

const SURE: What = What::StaleRoot { is_sure: true };

/// Whether the root buckets have a key in common, or one of them is empty.
fn is_shared(db: &Db<'_>, old: &Db<'_>) -> bool {
    let (now, before) = (db.root().contents(), old.root().contents());
    let mut entries = now.entries.iter();
    now.entries.is_empty()
        || before.entries.is_empty()
        || entries.any(|entry| before.get(entry.key).is_some())
}

fn keys(db: &Db<'_>) -> u64 {
    let entries = db
        .walk()
        .filter(|step| matches!(step.what, Visit::Entry(_)));
    u64::try_from(entries.count()).unwrap_or(u64::MAX)
}

/// The outermost page of the newest tree that the program did not write there.
fn strange(db: &Db<'_>, old: &Db<'_>, schema: &dyn Schema) -> Option<Found> {
    let mut path: Vec<Vec<u8>> = Vec::new();
    let mut level = vec![(Vec::<&[u8]>::new(), db.root(), old.root())];
    while let Some((keys, bucket, before)) = level.pop() {
        path.clear();
        path.extend(keys.iter().map(|key| key.to_vec()));
        let (now, was) = (bucket.contents(), before.contents());
        let fits = |entry: &Entry<'_>| schema.entry(&keys, entry.key, &entry.value);
        // What fitted before is gone, or what never fits stands here.
        let lacks = was
            .entries
            .iter()
            .any(|entry| is_lasting(&keys, entry, schema) && now.get(entry.key).is_none());
        let misfit = now.entries.iter().find(|entry| fits(entry) == Fit::No);
        let misfit = misfit.filter(|_| !has_misfit(&was, &keys, schema));
        if lacks || misfit.is_some() {
            // Beside others that are as they should be it is that one's page that is old, not the one that names it.
            let has_right = now.entries.iter().any(|entry| fits(entry) == Fit::Yes);
            let below = misfit.and_then(|entry| Some((entry.key, entry.value.bucket()?.page()?)));
            if let Some((key, page)) = below.filter(|_| !lacks && has_right && !keys.is_empty()) {
                path.push(key.to_vec());
                return Some(found(db, SURE, page, path));
            }
            let page = bucket.page().unwrap_or(db.meta().root);
            return Some(found(db, SURE, page, path));
        }
        if keys.len() >= DEEPEST {
            continue;
        }
        for entry in now.entries {
            let other = was.get(entry.key).map(|entry| entry.value.clone());
            if let (Value::Bucket(below), Some(Value::Bucket(before))) = (entry.value, other) {
                let keys = keys.iter().copied().chain([entry.key]).collect();
                level.push((keys, below, before));
            }
        }
    }
    None
}

/// Whether a bucket that the program has in its root bucket never goes.
fn is_lasting(keys: &[&[u8]], entry: &Entry<'_>, schema: &dyn Schema) -> bool {
    keys.is_empty() && schema.entry(keys, entry.key, &entry.value) == Fit::Yes
}

fn has_misfit(was: &Contents<'_>, keys: &[&[u8]], schema: &dyn Schema) -> bool {
    let mut entries = was.entries.iter();
    entries.any(|entry| schema.entry(keys, entry.key, &entry.value) == Fit::No)
}

fn found(db: &Db<'_>, what: What, page: PageId, path: Vec<Vec<u8>>) -> Found {
    let span = Span::new(page.at(db.page_size()), db.page_size());
    let fault = Fault::new(what, Some(page), span);
    Found { fault, path }
}
