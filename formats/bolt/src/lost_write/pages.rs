//! Which pages a transaction wrote: the lowest that the tree before it does not use.

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
    let mut last = None;
    for row in report.pages() {
        let is_used = matches!(
            row.state,
            PageState::Used | PageState::Overflow | PageState::Freelist
        );
        if row.id.0 < 2 || was_used(row.id) {
            continue;
        }
        if !is_used {
            free.push(row.id);
        } else if row.state == PageState::Used && row.overflow == 0 {
            last = Some(row.id);
        }
    }
    let (mark, end) = (old.meta().high_water, db.meta().high_water);
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
    // A transaction writes one root, and its meta names that: a root that was passed over is an
    // older one, which a reader kept from being taken. With it, it kept all of its tree.
    let root = keys(old, old.meta().root);
    let is_root = |page: &&PageId| root.is_some() && keys(old, **page) == root;
    let why = match passed.iter().find(is_root) {
        Some(_) => Stale::Held,
        None => Stale::Skipped,
    };
    say(why, passed.first().copied());
    found
}

/// The keys of the leaf or branch on `page`.
fn keys(db: &Db<'_>, page: PageId) -> Option<(Kind, Vec<Vec<u8>>)> {
    let view = db.view().rest(page.at(db.page_size()), "page").ok()?;
    let header = Header::read(view).ok().filter(|header| header.id == page)?;
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
    let header = meta
        .is_freelist_synced()
        .then(|| db.view().rest(at, "freelist").and_then(Header::read).ok())??;
    Some(page.0..page.0.saturating_add(header.pages()))
}
