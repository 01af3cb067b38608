//! All invariants of a file, all damage.
//!
//! The file is read once from front to back, each page judged by itself; then the trees of both
//! metas are walked, mostly from what was kept of each page; then freelist and trees are compared.

pub(crate) mod bits;
mod found;
mod freelist;
mod metas;
mod state;
mod survey;
mod table;
mod walk;

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::RandomState,
    thread,
};

use finding::{Fault as _, Severity, Unread};
use serde::Serialize;
use view::{Span, View};

use crate::{
    db::{Db, newest},
    fault::{Fault, What},
    meta::Meta,
    page::PageId,
    salvage::{Choice, Gap, Salvage, SalvageOptions, is_foreign},
    schema::Schemas,
    source::{PageSource, read_view},
    stale::Stale,
};
pub(crate) use bits::Bits;
use found::Sink;
use survey::Survey;
use table::Table;
use walk::Walk;

pub use found::{Found, Totals};
pub(crate) use metas::plausible;
pub use metas::{Metas, metas_of};
pub use state::{PageRow, PageState};

/// How a check is done.
#[derive(Clone, Copy)]
pub struct CheckOptions<'a> {
    /// Threads that read; 0: as many as there are cores.
    pub threads: usize,
    /// Is told how many bytes more are done.
    pub done: &'a (dyn Fn(u64) + Sync),
}

impl Default for CheckOptions<'_> {
    fn default() -> Self {
        Self {
            threads: 0,
            done: &|_| {},
        }
    }
}

impl core::fmt::Debug for CheckOptions<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CheckOptions")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// What is known of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TreeState {
    /// Every page of it is there, and every key can be read.
    Whole,
    /// It has faults.
    Damaged,
    /// There is no meta for it.
    None,
}

/// What a check found.
#[derive(Debug)]
pub struct CheckReport {
    /// Everything that is wrong, in the order of the file.
    pub faults: Vec<Found>,
    /// How many more there were of a code, beyond what is listed.
    pub more: BTreeMap<&'static str, u64>,
    /// Both metas: decoded, or why not.
    pub metas: [Result<Meta, Fault>; 2],
    /// The meta in use; if none is valid, one that seems to be right all the same.
    pub meta: Option<Meta>,
    /// Whether `meta` is valid, so that the daemon would use it.
    pub is_valid: bool,
    /// Bytes of a page, if it could be found.
    pub page_size: Option<u64>,
    /// Bytes of the file.
    pub len: u64,
    /// What the tree is made of.
    pub totals: Totals,
    /// The tree in use.
    pub tree: TreeState,
    /// The tree of the transaction before.
    pub previous: TreeState,
    /// Pages on the freelist; none if it was not written, or could not be read.
    pub free: Option<u64>,
    table: Table,
    used: Bits,
    before: Bits,
    freelist: Option<freelist::Freelist>,
    end: PageId,
    /// Whether pages of the true tree may be among those that `used` does not have.
    hides: bool,
}

/// Checks all of a file.
///
/// Fails only if the start of the file cannot be read; everything else that is wrong is in the
/// report.
pub fn check(source: &dyn PageSource, options: &CheckOptions<'_>) -> Result<CheckReport, Unread> {
    let mut sink = Sink::default();
    let mut buffer = Vec::new();
    let len = source.len();
    if len == 0 {
        sink.fault(Fault::new(What::Empty, None, Span::new(0, 0)));
        return Ok(CheckReport::nothing(sink, len));
    }
    let (start, found) = metas::look(source, &mut buffer)?;
    let meta = metas::judge(&found, start, len, &mut sink);
    let valid = newest(&found.metas);
    let Some(page_size) = found.page_size.filter(|_| !found.is_unsupported()) else {
        return Ok(CheckReport {
            metas: found.metas,
            ..CheckReport::nothing(sink, len)
        });
    };
    let around = metas::Around {
        page_size,
        pages: len.checked_div(page_size).unwrap_or(0),
    };
    let marks = found.metas.iter().flatten().map(|meta| meta.high_water);
    let mark = marks.max().or(meta.map(|meta| meta.high_water));
    let end = PageId(mark.map_or(u64::MAX, |mark| mark.0).min(around.pages));
    let survey = Survey {
        source,
        page_size,
        end,
        hash: RandomState::new(),
    };
    let threads = match options.threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let table = survey.run(threads, options.done);
    let mut check = Check {
        survey: &survey,
        table: &table,
        around,
        sink,
    };
    let mut report = check.trees(&found.metas, meta, valid.is_some());
    if let Some(mark) = mark {
        check.past_the_mark(mark, &mut buffer);
    }
    let (faults, more) = check.sink.finish();
    report.faults = faults;
    report.ease();
    report.more = more;
    report.metas = found.metas;
    report.table = table;
    report.len = len;
    Ok(report)
}

/// The check of one file, once it is read.
struct Check<'a> {
    survey: &'a Survey<'a>,
    table: &'a Table,
    around: metas::Around,
    sink: Sink,
}

impl Check<'_> {
    fn end(&self, meta: &Meta) -> PageId {
        PageId(meta.high_water.0.min(self.around.pages))
    }

    /// Walks both trees, and compares them with the freelist.
    fn trees(
        &mut self,
        metas: &[Result<Meta, Fault>; 2],
        meta: Option<Meta>,
        is_valid: bool,
    ) -> CheckReport {
        let mut report = CheckReport::nothing(Sink::default(), 0);
        report.page_size = Some(self.around.page_size);
        report.end = self.survey.end;
        report.meta = meta;
        report.is_valid = is_valid;
        let Some(meta) = meta else { return report };
        let end = self.end(&meta);
        let list = (meta.is_freelist_synced() && (2..end.0).contains(&meta.freelist.0))
            .then(|| freelist::freelist(self.survey, meta.freelist, end, &mut self.sink));
        report.tree = TreeState::Damaged;
        if (2..end.0).contains(&meta.root.0) {
            let mut walk = Walk::new(self.survey, self.table, end);
            let faults = self.sink.grave;
            walk.tree(meta.root, meta.slot, &mut self.sink);
            let is_free = |page| list.as_ref().is_some_and(|list| list.free.has(page));
            walk.unmask(is_free, &mut self.sink);
            report.totals = walk.totals;
            report.used = walk.claimed;
            if self.sink.grave == faults {
                report.tree = TreeState::Whole;
            }
            report.hides = self.sink.hides;
            for note in walk.notes {
                self.sink.fault(note);
            }
        }
        self.previous(metas, &meta, &mut report);
        if let Some(list) = list {
            self.compare(&list, end, &mut report);
            report.freelist = Some(list);
        }
        report
    }

    /// Walks the tree of the transaction before; its faults are only counted.
    fn previous(
        &mut self,
        metas: &[Result<Meta, Fault>; 2],
        meta: &Meta,
        report: &mut CheckReport,
    ) {
        let older = metas
            .iter()
            .flatten()
            .find(|other| other.slot != meta.slot && other.txid < meta.txid);
        let Some(older) = older else { return };
        let end = self.end(older);
        let mut faults = Sink::default();
        if older.root.0 >= 2 && older.root < end {
            let mut walk = Walk::new(self.survey, self.table, end);
            walk.tree(older.root, older.slot, &mut faults);
            report.before = walk.claimed;
        }
        report.previous = TreeState::Whole;
        if faults.grave > 0 || report.before.count() == 0 {
            report.previous = TreeState::Damaged;
            let faults = faults.grave;
            let at = PageId(older.slot).at(self.around.page_size);
            let span = Span::new(at.saturating_add(0x20), 8);
            let what = What::PreviousTree { faults };
            // Said of the tree in use already, it is no news.
            if report.tree == TreeState::Whole {
                self.sink
                    .fault(Fault::new(what, Some(PageId(older.slot)), span));
            }
        }
    }

    /// Compares the freelist with the tree.
    fn compare(&mut self, list: &freelist::Freelist, end: PageId, report: &mut CheckReport) {
        if !list.is_whole {
            return;
        }
        report.free = Some(list.free.count());
        // Without a tree, or with a mark that cannot be, all pages would seem lost.
        let is_known = report.totals.leaves > 0
            && report
                .meta
                .is_some_and(|meta| meta.high_water.0 <= self.around.pages);
        let page_size = self.around.page_size;
        let mut gap: Option<(PageId, u64)> = None;
        for id in 2..=end.0 {
            let page = PageId(id);
            let (used, free) = (report.used.has(page), list.free.has(page));
            if used && free {
                let span = Span::new(page.at(page_size), page_size);
                let what = What::FreeReachable { found: page };
                self.sink.fault(Fault::new(what, Some(page), span));
            }
            if is_known && !used && !free && !list.own.has(page) && page < end {
                let (_, pages) = gap.get_or_insert((page, 0));
                *pages = pages.saturating_add(1);
            } else if let Some((first, pages)) = gap.take() {
                let span = Span::new(first.at(page_size), pages.saturating_mul(page_size));
                self.sink
                    .fault(Fault::new(What::PageLost { pages }, Some(first), span));
            }
        }
    }

    /// Looks for data past the high-water mark.
    fn past_the_mark(&mut self, mark: PageId, buffer: &mut Vec<u8>) {
        let source = self.survey.source;
        let len = source.len();
        let mut at = mark.max(self.survey.end).at(self.around.page_size);
        while let Some(data) = source.data(at).filter(|data| data.start < len) {
            let start = data.start.max(at);
            let step = (1 << 20).min(data.end().saturating_sub(start));
            if step == 0 {
                return;
            }
            let Ok(bytes) = read_view(source, start, step, buffer) else {
                return;
            };
            if let Some(first) = bytes.first_nonzero() {
                let bytes = len.saturating_sub(first);
                let page = first.checked_div(self.around.page_size).map(PageId);
                let span = Span::new(first, bytes);
                let fault = Fault::new(What::Uncommitted { bytes }, page, span);
                return self.sink.fault(fault);
            }
            at = start.saturating_add(step);
        }
    }
}

impl CheckReport {
    /// The first fault that a file in order does not have. What is only noted is none.
    pub fn disorder(&self) -> Option<&Found> {
        let is_wrong = |found: &&Found| found.fault.severity() > Severity::Note;
        self.faults.iter().find(is_wrong)
    }

    /// The report of a file of which nothing but `sink` is known.
    fn nothing(sink: Sink, len: u64) -> Self {
        let (faults, more) = sink.finish();
        let none = || Err(Fault::new(What::NoMeta, None, Span::new(0, 0)));
        Self {
            faults,
            more,
            metas: [none(), none()],
            meta: None,
            is_valid: false,
            page_size: None,
            len,
            totals: Totals::default(),
            tree: TreeState::None,
            previous: TreeState::None,
            free: None,
            table: Table::default(),
            used: Bits::default(),
            before: Bits::default(),
            freelist: None,
            end: PageId(0),
            hides: true,
        }
    }

    /// Takes back what the file as a whole shows to be less bad than it looks in its place.
    fn ease(&mut self) {
        let synced = self.meta.is_some_and(|meta| meta.is_freelist_synced());
        let is_whole = self.tree == TreeState::Whole;
        for Found { fault, .. } in &mut self.faults {
            match fault.what {
                // The missing pages are free: nothing touches them.
                What::FileShort { .. } if is_whole => {
                    fault.eased = Some(Severity::Damage);
                }
                // Without a freelist the library comes by at once.
                What::PageId { .. } if !synced => fault.eased = None,
                What::PageShared { .. } if synced => fault.eased = Some(Severity::Damage),
                _ => {}
            }
        }
    }

    /// Adds pages of the newest tree that seem to be of an older transaction; `view` is the file that was
    /// checked.
    ///
    /// What the tree itself shows, where it looks whole: a page that does not go with what names it. What
    /// the comparison with the tree before shows: only where that is whole, too, and no transaction that
    /// was not finished is known to have written over it.
    #[must_use]
    pub fn with_lost_writes(mut self, view: View<'_>, schemas: Schemas) -> Self {
        let Some(db) = Db::open(view).db.filter(|_| self.tree == TreeState::Whole) else {
            return self;
        };
        let is_over = |found: &Found| matches!(found.fault.what, What::PreviousTree { .. });
        let mut lost = if self.can_compare() {
            db.lost_writes(&self, schemas)
        } else {
            Vec::new()
        };
        let is_stale = |found: &Found| found.fault.what.is_stale_root();
        if !lost.iter().any(is_stale) && is_foreign(&db, schemas) {
            return self.foreign(&db, schemas);
        }
        let is_note = |found: &Found| found.fault.severity() == Severity::Note;
        if lost.iter().all(is_note) {
            let mut old = old_pages(view, schemas);
            // Of a page that is neither in use nor free that is all there is to say: the library loses some by
            // itself. A program that is known makes it lose none.
            if schemas.schema_of(&db).is_none() {
                old.retain(|found| !self.is_said_lost(found));
            }
            // Of a copy that was written to meanwhile, neither tree is what its transaction wrote.
            let is_later = |found: &Found| matches!(found.fault.what, What::LaterTree { .. });
            if old.iter().any(is_later) {
                self.previous = TreeState::Damaged;
            } else if !old.is_empty() {
                // A page of this tree is an older one: what the tree before lacks, it does not lack for a later one.
                lost.retain(|found| !is_over(found));
            }
            self.faults.extend(old);
        }
        // Then the tree is whole by itself, and not the one that was written.
        if lost.iter().any(is_stale) {
            self.tree = TreeState::Damaged;
        }
        let lost_is_over = lost.iter().any(is_over);
        self.faults.extend(lost);
        // The tree before looks whole, and is not.
        if lost_is_over {
            self.previous = TreeState::Damaged;
        }
        // What the true tree uses may not be in this one.
        self.hides |= self.is_in_doubt();
        self
    }

    /// Whether the page of `found` is said to be lost, and nothing more is known of where it belongs.
    fn is_said_lost(&self, found: &Found) -> bool {
        let is_its = |other: &Found| {
            let start = found.fault.span.start;
            let span = other.fault.span;
            matches!(other.fault.what, What::PageLost { .. })
                && (span.start..span.start.saturating_add(span.len)).contains(&start)
        };
        let is_older = matches!(found.fault.what, What::LostWrite { why: Stale::Older });
        is_older && found.path.is_empty() && self.faults.iter().any(is_its)
    }

    /// The root bucket is that of no tree of the program.
    fn foreign(mut self, db: &Db<'_>, schemas: Schemas) -> Self {
        let is_one = |old: &Db<'_>| schemas.of_root(&old.root()).is_some();
        if self.previous == TreeState::Whole && !db.previous().as_ref().is_some_and(is_one) {
            self.previous = TreeState::Damaged;
        }
        let page = db.meta().root;
        let span = Span::new(page.at(db.page_size()), db.page_size());
        let fault = Fault::new(What::ForeignRoot, Some(page), span).hiding(None, None);
        let path = Vec::new();
        self.faults.push(Found { fault, path });
        self.tree = TreeState::Damaged;
        self.hides = true;
        self
    }

    /// Whether a page of the tree may be of an older transaction, so that newer keys may be missing.
    pub fn is_in_doubt(&self) -> bool {
        let is_old = |found: &Found| {
            let what = &found.fault.what;
            let is_page = matches!(what, What::LostWrite { .. } | What::LaterTree { .. })
                || what.is_stale_root();
            is_page && found.fault.severity() > Severity::Note
        };
        self.faults.iter().any(is_old)
    }

    /// Whether the two trees can be compared.
    pub(crate) fn can_compare(&self) -> bool {
        let unfinished = |found: &Found| matches!(found.fault.what, What::Uncommitted { .. });
        (self.tree, self.previous) == (TreeState::Whole, TreeState::Whole)
            && !self.faults.iter().any(unfinished)
    }

    /// Whether the file is of a kind that is not read here.
    pub fn is_unsupported(&self) -> bool {
        self.faults.iter().any(|found| found.fault.is_unsupported())
    }
}

/// Pages that salvage does not believe, of a tree that looks whole: each once.
fn old_pages(view: View<'_>, schemas: Schemas) -> Vec<Found> {
    let options = SalvageOptions {
        schemas,
        ..SalvageOptions::default()
    };
    let salvage = Salvage::for_check(view, options);
    // What is missing in another tree says nothing of this one.
    if !matches!(salvage.choice, Some(Choice::Newest { .. })) {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let gaps = salvage.gaps.iter().filter_map(Gap::found);
    gaps.filter(|found| seen.insert(found.fault.page)).collect()
}

impl Default for CheckReport {
    fn default() -> Self {
        Self::nothing(Sink::default(), 0)
    }
}
