//! Everything that can be proven, gathered for a new database.
//!
//! First a tree is chosen: that of the newest valid meta, else that of the meta before, else that of
//! a meta whose checksum alone is wrong, else that of the page from which most can be reached. Its
//! pages are read one by one; of a damaged one, each element is judged on its own. Where keys are
//! missing, they come from
//!
//! 1. pages that nothing names any more and that belong there: the children of a branch that is
//!    gone, or the page to which a wrong pointer should lead. A freelist proves that they are in use;
//! 2. the tree of the transaction before, with those of its pages replaced that the newest
//!    transaction wrote anew.
//!
//! What belongs to the newest tree and has no place goes to the bucket `lost+found`, by page. Every
//! choice is written down as a [`Decision`].
//!
//! Keys and values are not copied: they stay where they stand in the file. Of buckets in which
//! nothing is wrong only the place is kept, so that memory grows with the damage and with the largest
//! bucket, not with the file.

mod accounted;
mod believed;
mod best;
mod counters;
mod decision;
mod doubt;
mod fill;
mod fits;
mod frame;
mod gather;
mod header;
mod lost_found;
mod mend;
mod misplaced;
mod notes;
mod older;
mod orphans;
mod output;
mod replaced;
mod sectors;
mod suspects;
mod tree;
mod unexplained;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use view::{Span, View};

use crate::{
    check::{Found, bits::Bits},
    db::Db,
    fault::{Fault, KeyRange, What},
    page::PageId,
    schema::Schemas,
    space::{Pointer, Space},
    write::Layout,
};
use best::Best;
use fill::{Placed, Stock};
use fits::Fits;
use gather::Gather;
use notes::{Hollow, Repaired};
use older::Older;
use orphans::Orphan;
use tree::{Item, Saved};

pub use best::Choice;
pub(crate) use best::is_foreign;
pub use decision::{Action, Decision, Proof};

/// Decisions that are listed.
const LISTED: usize = 10_000;
/// Pages of files that are compared, page by page, with the transaction before.
const COMPARED: u64 = 1 << 16;
/// How often gaps are filled that were found while filling others.
const ROUNDS: usize = 8;

/// How a salvage is done.
#[derive(Debug, Clone, Copy)]
pub struct SalvageOptions {
    /// Whether pages without a place go to `lost+found`.
    pub lost_found: bool,
    /// Whether only what is proven is put back, not what is likely.
    pub only_proven: bool,
    /// Whether the tree of the transaction before is saved, not the newest one.
    pub previous: bool,
    /// The schemas that the file may have.
    pub schemas: Schemas,
    /// Whether it has the first of them, whatever its root bucket says.
    pub is_given: bool,
}

impl Default for SalvageOptions {
    fn default() -> Self {
        Self {
            lost_found: true,
            only_proven: false,
            previous: false,
            schemas: Schemas::default(),
            is_given: false,
        }
    }
}

/// What was saved of one file.
#[derive(Debug)]
pub struct Salvage<'s> {
    space: Option<Space<'s>>,
    root: Saved<'s>,
    lost_found: BTreeMap<lost_found::Spot, Item<'s>>,
    cut: Vec<lost_found::Cut<'s>>,
    layout: Layout,
    /// Which tree it was taken from; none: nothing was found.
    pub choice: Option<Choice>,
    /// What was damaged, and what became of it.
    pub gaps: Vec<Gap>,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
    /// Whether there are more gaps or decisions than are listed.
    pub is_cut: bool,
    /// What is in the new database.
    pub kept: Kept,
    /// Whether no transaction came after it, as far as the file tells.
    is_newest: bool,
    is_tree: bool,
    /// Whether the tree was compared with the one before.
    is_compared: bool,
}

/// What is in the new database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Keys with a value.
    pub values: u64,
    /// Buckets, without the root bucket.
    pub buckets: u64,
    /// Of all these, how many are from the tree of the transaction before.
    pub older: u64,
    /// Of all these, how many are in `lost+found`.
    pub lost_found: u64,
}

/// A place where keys are missing, and what was done about it.
#[derive(Debug)]
pub struct Gap {
    /// The bucket, from the outside in.
    pub path: Vec<Vec<u8>>,
    /// What is wrong there.
    pub fault: Fault,
    /// The keys that are missing.
    pub range: KeyRange,
    /// Keys that were taken from the tree of the transaction before.
    pub filled: u64,
    /// Keys that were taken from pages that nothing names.
    pub orphans: u64,
    /// Whether that tree was whole there, so that only what the last transaction changed is lost.
    pub older_is_whole: bool,
    /// Whether it is proven that nothing is missing after all.
    pub is_closed: bool,
}

impl Gap {
    /// Of a page that seems to be of an older transaction: what that is, and where.
    pub(crate) fn found(&self) -> Option<Found> {
        let is_old = matches!(self.fault.what, What::LostWrite { .. });
        (is_old && !self.is_closed).then(|| Found {
            fault: self.fault.clone(),
            path: self.path.clone(),
        })
    }

    /// Something may be missing here, or be older than it should be, though it looks well.
    fn doubtful(path: Vec<Vec<u8>>, range: KeyRange, fault: Fault) -> Self {
        Self {
            path,
            fault,
            range,
            filled: 0,
            orphans: 0,
            older_is_whole: false,
            is_closed: false,
        }
    }

    fn new(hollow: &Hollow<'_>) -> Self {
        Self {
            path: owned(&hollow.path),
            fault: hollow.fault.clone(),
            range: hollow.range.clone(),
            filled: 0,
            orphans: 0,
            older_is_whole: false,
            is_closed: false,
        }
    }
}

fn owned(path: &[&[u8]]) -> Vec<Vec<u8>> {
    path.iter().map(|key| key.to_vec()).collect()
}

impl<'s> Salvage<'s> {
    /// Gathers what can be proven of the file in `view`.
    pub fn salvage_file(view: View<'s>) -> Self {
        Self::with(view, SalvageOptions::default())
    }

    /// The same, in some other way.
    pub fn with(view: View<'s>, options: SalvageOptions) -> Self {
        let mut salvage = Self {
            space: None,
            root: Saved::default(),
            lost_found: BTreeMap::new(),
            cut: Vec::new(),
            layout: Layout::default(),
            choice: None,
            gaps: Vec::new(),
            decisions: Vec::new(),
            is_cut: false,
            kept: Kept::default(),
            is_newest: false,
            is_tree: false,
            is_compared: true,
        };
        if let Some(best) = best::tree(view, options) {
            salvage.run(&best, options);
        }
        salvage
    }

    fn run(&mut self, best: &Best<'s>, options: SalvageOptions) {
        let db = &best.db;
        let space = db.space();
        self.space = Some(space);
        self.choice = Some(best.choice);
        self.is_newest = best.is_newest;
        self.is_tree = best.is_tree;
        self.layout = Layout {
            page_size: db.page_size(),
            freelist: db.meta().is_freelist_synced(),
            txid: best.txid,
            sequence: db.meta().sequence,
        };
        let moved = BTreeMap::new();
        let free = orphans::free(space, db.meta());
        let mut gather = Gather::new(space, &moved, best.schema);
        self.root.sequence = db.meta().sequence;
        if let Choice::Top { name, .. } = best.choice {
            let name = name.as_bytes();
            let item = gather.bucket(older::start(space, db.meta()), &[name]);
            self.root.entries.insert(name, item);
        } else if !matches!(best.choice, Choice::Pages { .. }) {
            self.root = gathered(&mut gather, db);
            let again = |believed, owners| {
                let mut gather = Gather::new(space, &moved, best.schema);
                gather.believed = believed;
                gather.owners = owners;
                let root = gathered(&mut gather, db);
                (gather, root)
            };
            let mut believed = gather.believed.without();
            believed.distrusted = self.distrusted(best, &gather, options.schemas);
            if !believed.distrusted.is_empty() {
                (gather, self.root) = again(believed, BTreeMap::new());
            }
            let settled = believed::settle(best, gather, free.as_ref(), again);
            gather = settled.0;
            self.root = settled.1.unwrap_or(core::mem::take(&mut self.root));
            self.disbelieved(&gather);
            if gather.hollows.is_empty() {
                self.contradictions(best, !gather.repairs.is_empty());
            }
        }
        self.restore(best, &mut gather, free.as_ref(), options);
        if !best.is_tree {
            self.rootless(db);
        } else if let (Choice::Top { name, .. }, Some(root)) = (best.choice, best.lost_root) {
            self.beside(db, name.as_bytes(), root);
        }
        self.repairs(&gather);
        self.is_cut |= gather.is_cut;
        // Of two metas the broken one may have been the newer one.
        let is_newest =
            best.is_newest && matches!(best.choice, Choice::Newest { .. } | Choice::Meta { .. });
        let one = best.schema.map(|schema| vec![schema]);
        let schemas = one.unwrap_or_else(|| options.schemas.0.to_vec());
        self.leave_out(space, best.schema, options);
        counters::raise(self, space, &schemas, is_newest);
        self.count();
    }

    /// Of the root bucket, on the page `root`, one bucket is there: what stood beside it is not known.
    fn beside(&mut self, db: &Db<'s>, name: &[u8], root: PageId) {
        let span = Span::new(root.at(db.page_size()), db.page_size());
        let pointer = Pointer {
            to: root,
            from: root,
            span,
        };
        let mut faults = Vec::new();
        db.space().node(pointer, &mut faults);
        let none = || Fault::new(What::PageZero, Some(root), span);
        let fault = faults.into_iter().next().unwrap_or_else(none);
        let after = [name, &[0]].concat();
        for range in [
            KeyRange::new(None, Some(name)),
            KeyRange::new(Some(&after), None),
        ] {
            self.gaps
                .push(Gap::doubtful(Vec::new(), range, fault.clone()));
        }
    }

    /// No root was found, so nothing says what there was.
    fn rootless(&mut self, db: &Db<'s>) {
        let start = older::start(db.space(), db.meta());
        let gather::Start::Page(pointer, _) = start else {
            return;
        };
        let mut faults = Vec::new();
        db.space().node(pointer, &mut faults);
        let none = || Fault::new(What::NoMeta, None, Span::new(0, db.page_size()));
        let fault = faults.into_iter().next().unwrap_or_else(none);
        let any = KeyRange::default();
        self.gaps.push(Gap::doubtful(Vec::new(), any, fault));
    }

    /// Fills what is missing.
    fn restore(
        &mut self,
        best: &Best<'s>,
        gather: &mut Gather<'s, '_>,
        free: Option<&Bits>,
        options: SalvageOptions,
    ) {
        let space = best.db.space();
        let unmoved = BTreeMap::new();
        let mut older = None;
        let is_damaged = !gather.hollows.is_empty() || !gather.suspects.is_empty();
        if is_damaged && let Some(meta) = best.older {
            let fits = Fits {
                schema: best.schema,
                space,
                is_listed: free.is_some(),
            };
            let distrusted = &gather.believed.distrusted;
            older = Some(Older::read_older(fits, meta, &unmoved, distrusted));
        }
        self.suspects(gather, older.as_mut(), free);
        let is_homeless = matches!(
            best.choice,
            Choice::Root { .. } | Choice::Top { .. } | Choice::Pages { .. }
        );
        let is_whole = gather.hollows.is_empty() && !is_homeless;
        if is_whole && free.is_none() {
            return self.odd(gather, options);
        }
        let claimed = &gather.claims;
        let is_taken = |page| claimed.has(page) || free.is_some_and(|free| free.has(page));
        let (mut orphans, roots) = orphans::orphans(space, is_taken);
        if is_whole && orphans.is_empty() && gather.listed.is_empty() {
            return self.odd(gather, options);
        }
        let newer = orphans.clone();
        if free.is_some() {
            orphans = older::topmost(space, &orphans);
        } else if let (Some(older), None) = (&older, best.schema) {
            // The place of these is known: what is missing is taken from that tree, key by key.
            orphans.retain(|orphan| !older.claims.has(orphan.id));
        }
        // What stands on a page that is not what it should be goes in nobody's place.
        let old = gather.old();
        orphans.retain(|orphan| !old.contains(&orphan.id));
        let fits = Fits {
            schema: best.schema,
            space,
            is_listed: free.is_some(),
        };
        let mut stock = Stock {
            space,
            older,
            orphans,
            is_sure: free.is_some(),
            roots,
            used: BTreeSet::new(),
            left: BTreeSet::new(),
            options,
            fits,
        };
        let mut placed = Vec::new();
        for _ in 0..ROUNDS {
            let hollows = core::mem::take(&mut gather.hollows);
            if hollows.is_empty() {
                break;
            }
            placed.extend(stock.place_all(self, gather, hollows));
        }
        let lost: BTreeSet<PageId> = placed.iter().filter_map(Placed::page).collect();
        let is_cut = best.db.meta().high_water > space.end && !is_homeless;
        let in_use = |one: &Orphan<'_>| free.is_some() && !gather.claims.has(one.id);
        let is_accounted = !is_cut
            && gather.hollows.is_empty()
            && !newer.iter().any(in_use)
            && !accounted::is_anything_missing(space, &gather.claims, free, &lost);
        if is_accounted {
            placed.iter_mut().for_each(Placed::close);
        }
        let unplaced = newer.iter().filter(|one| !gather.claims.has(one.id));
        let unplaced = unplaced.filter(|one| !old.contains(&one.id)).copied();
        let moved = self.grafts(&fits, unplaced.collect(), stock.older.as_ref(), free);
        if !moved.is_empty() {
            stock.older = stock.older.map(|older| older.with(&moved));
        }
        let grafted: BTreeSet<_> = moved.values().copied().collect();
        let homeless = newer.iter().filter(|orphan| old.contains(&orphan.id));
        let homeless: Vec<Orphan<'s>> = homeless.copied().collect();
        let wanted: Vec<Orphan<'s>> = stock
            .orphans
            .iter()
            .chain(&homeless)
            .filter(|orphan| !stock.used.contains(&orphan.id) && !grafted.contains(&orphan.id))
            .filter(|orphan| !gather.claims.has(orphan.id))
            .filter(|orphan| free.is_some() || !stock.is_before(orphan))
            .filter(|orphan| {
                free.is_some()
                    || is_homeless && !best.is_tree
                    || stock.left.contains(&orphan.id)
                    || old.contains(&orphan.id)
                    || placed.iter().any(|gap| gap.may_want(orphan, &fits))
            })
            .copied()
            .collect();
        self.unexplained(gather, &wanted, &placed, &fits);
        stock.fill_all(self, placed);
        self.keep_homeless(gather, space, &wanted, &fits, options);
        self.odd(gather, options);
    }

    /// Pages of the newest transaction that took the place of pages of the tree before.
    fn grafts(
        &mut self,
        fits: &Fits<'s>,
        mut newer: Vec<Orphan<'s>>,
        older: Option<&Older<'s>>,
        free: Option<&Bits>,
    ) -> BTreeMap<PageId, PageId> {
        let (Some(older), Some(free)) = (older, free) else {
            return BTreeMap::new();
        };
        newer.retain(|orphan| !older.claims.has(orphan.id));
        let newer = older::topmost(fits.space, &newer);
        let moved = replaced::replaced(fits, &newer, older, free);
        for to in moved.values() {
            let why = "the freelist says that it is in use and that the page of the transaction before, \
                       with which it shares what one bucket alone has, is not";
            let keys = newer
                .iter()
                .find(|one| one.id == *to)
                .map_or(0, |one| one.count);
            self.decide(Action::Grafted, Proof::Proven, &[], Some(*to), keys, why);
        }
        moved
    }

    /// What was set right on the way.
    fn repairs(&mut self, gather: &Gather<'s, '_>) {
        for repair in &gather.repairs {
            let (action, keys, why) = match repair.what {
                Repaired::Elements(count) => (
                    Action::ElementsRepaired,
                    count,
                    "elements are packed, so the neighbours tell the number that is wrong",
                ),
                Repaired::Header => (
                    Action::HeaderRepaired,
                    0,
                    "all its elements are in order and lie where the tree wants them",
                ),
                Repaired::Misplaced(_) => (
                    Action::HeaderRepaired,
                    0,
                    "it is in the place of another page, and gives its own number",
                ),
                Repaired::Flag => (
                    Action::FlagRestored,
                    1,
                    "its contents show whether it is a bucket",
                ),
            };
            let path = &repair.path;
            self.decide(action, Proof::Proven, path, Some(repair.page), keys, why);
        }
        let why = "a whole page of it is zeroes, as a write that was lost leaves them; a program may have \
                   written them, too";
        for (path, page) in &gather.zeroes {
            self.decide(Action::Doubtful, Proof::Possible, path, Some(*page), 1, why);
        }
    }

    fn decide(
        &mut self,
        action: Action,
        proof: Proof,
        path: &[&[u8]],
        page: Option<PageId>,
        keys: u64,
        why: &'static str,
    ) {
        if self.decisions.len() >= LISTED {
            self.is_cut = true;
            return;
        }
        self.decisions.push(Decision {
            action,
            proof,
            path: owned(path),
            page,
            keys,
            why,
        });
    }

    fn count(&mut self) {
        let mut add = |item: &Item<'_>| {
            let (values, buckets) = item.count();
            self.kept.values = self.kept.values.saturating_add(values);
            self.kept.buckets = self.kept.buckets.saturating_add(buckets);
            values.saturating_add(buckets)
        };
        for item in self.root.entries.values() {
            add(item);
        }
        let mut lost_found = 0_u64;
        for item in self.lost_found.values() {
            lost_found = lost_found.saturating_add(add(item));
        }
        self.kept.lost_found = lost_found;
    }

    /// Whether it is proven that every key of the newest transaction is in the new database, with
    /// its newest value.
    pub fn is_whole(&self) -> bool {
        let loses = |decision: &Decision| match decision.action {
            Action::ElementsRepaired
            | Action::HeaderRepaired
            | Action::PageRestored
            | Action::SequenceRaised => false,
            Action::FlagRestored | Action::Grafted => decision.proof != Proof::Proven,
            Action::FromPrevious
            | Action::Distrusted
            | Action::LostAndFound
            | Action::LeftOut
            | Action::Doubtful => true,
        };
        matches!(
            self.choice,
            Some(Choice::Newest { .. } | Choice::Meta { .. })
        ) && self.is_newest
            && !self.is_cut
            && self.is_compared
            && self.gaps.iter().all(|gap| gap.is_closed)
            && !self.decisions.iter().any(loses)
    }

    /// Whether there may have been a transaction after the one whose tree was saved.
    pub const fn may_be_older(&self) -> bool {
        !self.is_newest
    }

    /// Whether the tree was compared with the one before, if there is one: of very large files it is not.
    pub const fn is_compared(&self) -> bool {
        self.is_compared
    }

    /// Whether it is one tree, so that nothing but the gaps is unknown of it.
    pub const fn has_tree(&self) -> bool {
        self.is_tree
    }

    /// What the new file will be like: as the old one, one transaction later.
    pub const fn layout(&self) -> Layout {
        self.layout
    }
}

fn gathered<'s>(gather: &mut Gather<'s, '_>, db: &Db<'s>) -> Saved<'s> {
    match gather.bucket(older::start(db.space(), db.meta()), &[]) {
        Item::Bucket(root) => root,
        Item::Whole(_) | Item::Value(_) => Saved::default(),
    }
}
