//! Which pages a transaction wrote.
//!
//! The library keeps free pages in one of two ways. An array gives the lowest first, so that one
//! passed over tells that what was written there is not in the tree. A hash map gives them in no
//! order: first runs that are just as long as what is wanted. Which of the two it was no file says;
//! it follows from the pages that were taken, where there are enough of them.

use finding::Severity;
use view::Span;

use crate::{
    check::{CheckReport, Found, PageState},
    db::Db,
    fault::{Fault, What},
    node::Node,
    page::{Header, Kind, PageId},
    stale::Stale,
};

/// Pages that N should have used, and did not: the first of each kind.
pub(super) fn skipped(db: &Db<'_>, old: &Db<'_>, report: &CheckReport) -> Vec<Found> {
    // A freelist that is not as it should be tells of lost pages by itself.
    if db.meta().is_freelist_synced() && !report.faults.is_empty() {
        return Vec::new();
    }
    let freelist = freelist(old);
    let was_used = |page: PageId| {
        report.was_used(page) || freelist.as_ref().is_some_and(|run| run.contains(&page.0))
    };
    let mut free = Vec::new();
    let mut order = Order::default();
    let mark = old.meta().high_water;
    let mut last = None;
    for row in report.pages() {
        let is_used = matches!(
            row.state,
            PageState::Used | PageState::Overflow | PageState::Freelist
        );
        if row.id.0 < 2 || was_used(row.id) {
            continue;
        }
        if row.id < mark {
            order.add(
                row.id,
                is_used,
                row.state == PageState::Used && row.overflow == 0,
            );
        }
        if !is_used {
            free.push(row.id);
        } else if row.state == PageState::Used && row.overflow == 0 {
            last = Some(row.id);
        }
    }
    let end = db.meta().high_water;
    let mut found = Vec::new();
    let mut say = |why, page: Option<PageId>| {
        found.extend(page.map(|page| {
            let span = Span::new(page.at(db.page_size()), db.page_size());
            let fault = Fault::new(What::LostWrite { why }, Some(page), span);
            Found {
                // Readers are no fault.
                fault: if why == Stale::Held {
                    fault.no_worse_than(Severity::Note)
                } else {
                    fault
                },
                path: Vec::new(),
            }
        }));
    };
    // A mark behind the end of the file is a fault of its own.
    let is_mark_right = end.0 <= db.pages_in_file();
    let is_first_used = |page: &PageId| is_mark_right && (mark..end).contains(page);
    say(Stale::Unreached, free.iter().copied().find(is_first_used));
    let is_passed = |page: &PageId| *page < mark && last.is_some_and(|last| *page < last);
    let passed: Vec<PageId> = free.into_iter().filter(is_passed).collect();
    if passed.is_empty() || !order.is_array(passed.len()) {
        return found;
    }
    // A transaction writes one root, and its meta names that: a root that was passed over is an
    // older one, which a reader kept from being taken. With it, it kept all of its tree.
    let root = keys(old, old.meta().root);
    let is_root = |page: &&PageId| {
        let (Some((kind, keys)), Some((own, root))) = (keys(old, **page), root.as_ref()) else {
            return false;
        };
        kind == *own && keys.iter().any(|key| root.contains(key))
    };
    let why = match passed.iter().find(is_root) {
        Some(_) => Stale::Held,
        None => Stale::Skipped,
    };
    say(why, passed.first().copied());
    found
}

/// The free pages of N-1 in their order, and which of them N took.
#[derive(Default)]
struct Order {
    pages: Vec<(PageId, bool, bool)>,
}

/// How improbable it must be that pages were taken from the low end by chance: e to the power of
/// minus this.
const CHANCE: f64 = 20.0;

impl Order {
    fn add(&mut self, page: PageId, is_taken: bool, is_single: bool) {
        self.pages.push((page, is_taken, is_taken && is_single));
    }

    /// Whether pages come from an array: those that were taken are the lowest but `passed`, which
    /// does not happen by chance, and not as a hash map would give them.
    fn is_array(&self, passed: usize) -> bool {
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let taken = self.pages.iter().filter(|(_, is_taken, _)| *is_taken);
        let (taken, passed, all) = (count(taken.count()), count(passed), count(self.pages.len()));
        if ways(all, taken) - ways(taken + passed, passed) < CHANCE {
            return false;
        }
        // A hash map gives single pages out of runs of one, as long as there are any.
        let (mut left_alone, mut broken) = (false, false);
        let is_next = |a: &(PageId, bool, bool), b: &(PageId, bool, bool)| {
            a.0.0.checked_add(1) == Some(b.0.0)
        };
        for run in self.pages.chunk_by(is_next) {
            left_alone |= matches!(run, [(_, false, _)]);
            broken |= run.len() > 1 && run.iter().any(|(_, _, is_single)| *is_single);
        }
        left_alone && broken
    }
}

/// The logarithm of how many ways there are to choose `some` of `all`.
fn ways(all: f64, some: f64) -> f64 {
    let (mut sum, mut step) = (0.0, 1.0);
    while step <= some && step <= all {
        sum += ((all - some + step) / step).ln();
        step += 1.0;
    }
    sum
}

/// The keys of the leaf or branch on `page`.
fn keys(db: &Db<'_>, page: PageId) -> Option<(Kind, Vec<Vec<u8>>)> {
    let view = db.view().rest(page.at(db.page_size()), "page").ok()?;
    let header = Header::read_page_header(view)
        .ok()
        .filter(|header| header.id == page)?;
    let kind = header.kind()?;
    let len = header.pages().saturating_mul(db.page_size());
    let node = Node::new(view.slice(0, len, "page").ok()?, page, header, kind);
    let keys = (0..node.count()).map(|index| Some(node.element(index).ok()?.key.bytes().to_vec()));
    Some((kind, keys.collect::<Option<_>>()?))
}

/// The pages on which the freelist stands.
fn freelist(db: &Db<'_>) -> Option<std::ops::Range<u64>> {
    let meta = db.meta();
    let page = meta.freelist;
    let at = page.at(db.page_size());
    let header = meta.is_freelist_synced().then(|| {
        db.view()
            .rest(at, "freelist")
            .and_then(Header::read_page_header)
            .ok()
    })??;
    Some(page.0..page.0.saturating_add(header.pages()))
}
