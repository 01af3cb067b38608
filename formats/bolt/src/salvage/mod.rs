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
mod gap;
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
mod restore;
mod rivals;
mod sectors;
mod suspects;
mod tree;
mod unexplained;

use std::collections::BTreeMap;

use serde::Serialize;
use view::{Span, View};

use crate::{
    db::Db,
    fault::{Fault, KeyRange, What},
    meta::Meta,
    page::PageId,
    schema::Schemas,
    space::{Pointer, Space},
    write::Layout,
};
use best::Best;
use gap::owned;
use gather::Gather;
use notes::Repaired;
use tree::{Item, Saved};

pub use best::Choice;
pub(crate) use best::{has_next, is_foreign, is_written_over};
pub use decision::{Action, Decision, Proof};
pub use gap::Gap;

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
    compared: Compared,
    /// The meta before, where its tree may be the newer one.
    rival: Option<Meta>,
    /// Whether it is done for a check: what another transaction may explain is not doubted.
    is_check: bool,
    /// Trees that may be newer than the one that was saved, and have something else.
    rivals: Vec<Db<'s>>,
}

/// Whether a tree was compared with that of the transaction before, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// It was, or a gap or the lack of another meta says why not.
    Yes,
    /// The file is too large.
    TooLarge,
    /// A later transaction began to write, over the tree before perhaps.
    WrittenOver,
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

impl<'s> Salvage<'s> {
    /// Gathers what can be proven of the file in `view`.
    pub fn salvage_file(view: View<'s>) -> Self {
        Self::with(view, SalvageOptions::default())
    }

    /// The same, in some other way.
    pub fn with(view: View<'s>, options: SalvageOptions) -> Self {
        Self::saved(view, options, false)
    }

    /// The same, of which a check asks what it doubts.
    pub(crate) fn for_check(view: View<'s>, options: SalvageOptions) -> Self {
        Self::saved(view, options, true)
    }

    fn saved(view: View<'s>, options: SalvageOptions, is_check: bool) -> Self {
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
            compared: Compared::Yes,
            rival: None,
            rivals: Vec::new(),
            is_check,
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
                self.later(best, options.schemas);
            }
        }
        self.restore(best, &mut gather, free.as_ref(), options);
        if !best.is_tree {
            self.rootless(db);
        } else if let (Choice::Top { name, .. }, Some(root)) = (best.choice, best.lost_root) {
            self.beside(db, name.as_bytes(), root);
        }
        self.repairs(&gather);
        self.compare_rivals(best);
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

    /// Whether every key of the newest transaction is in the new database, with its newest value, as far as the
    /// file tells.
    pub fn is_whole(&self) -> bool {
        self.has_no_gap() && self.compared == Compared::Yes
    }

    /// The same, also where a later transaction began to write: then the tree cannot be compared with the one
    /// before, and shows no loss by itself.
    pub fn has_no_gap(&self) -> bool {
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
            && self.compared != Compared::TooLarge
            && self.gaps.iter().all(|gap| gap.is_closed)
            && !self.decisions.iter().any(loses)
    }

    /// Whether there may have been a transaction after the one whose tree was saved.
    pub const fn may_be_older(&self) -> bool {
        !self.is_newest
    }

    /// Whole trees of the file that may be newer than the one that was saved. What differs is among the gaps.
    pub fn rivals(&self) -> &[Db<'s>] {
        &self.rivals
    }

    /// Whether the tree was compared with the one before, if there is one.
    pub const fn compared(&self) -> Compared {
        self.compared
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
