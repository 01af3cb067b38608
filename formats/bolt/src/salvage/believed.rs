//! What of the newest tree is not believed, although it is in order by itself.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Fault as _, Severity};

use super::{
    COMPARED, Compared, Gap, ROUNDS, Salvage,
    best::Best,
    decision::{Action, Proof},
    doubt::{Believed, both},
    fits::Fits,
    gather::Gather,
    older::Older,
    tree::Saved,
};
use crate::{
    bucket::Bucket,
    check::{TreeState, bits::Bits},
    fault::{KeyRange, What},
    page::PageId,
    schema::Schemas,
    stale::Stale,
    walk::Visit,
};

impl<'s> Salvage<'s> {
    /// Pages of the newest tree that are of an older transaction.
    pub(super) fn distrusted(
        &mut self,
        best: &Best<'s>,
        gather: &Gather<'s, '_>,
        schemas: Schemas,
    ) -> BTreeSet<PageId> {
        let mut pages = BTreeSet::new();
        let db = &best.db;
        let Some(older) = best.older else {
            return pages;
        };
        if !gather.hollows.is_empty() {
            return pages;
        }
        if db.pages_in_file() > COMPARED {
            self.compared = Compared::TooLarge;
            return pages;
        }
        // Between damaged trees there are differences that nobody made.
        let fits = Fits {
            schema: None,
            space: db.space(),
            is_listed: false,
        };
        let older = Older::read_older(fits, older, &BTreeMap::new(), &BTreeSet::new());
        if !older.is_whole(&[], &KeyRange::default()) {
            self.compared = Compared::WrittenOver;
            return pages;
        }
        // A program that puts values there against the rules has done so before.
        let has_values = !older.odd.is_empty();
        let report = db.check();
        let has_both = report.previous != TreeState::None;
        if has_both && report.tree == TreeState::Whole && !report.can_compare() {
            self.compared = Compared::WrittenOver;
        }
        let doubted = if self.is_check {
            db.lost_writes(&report, schemas)
        } else {
            db.doubted_writes(&report, schemas)
        };
        for found in doubted {
            if let What::PreviousTree { .. } = found.fault.what {
                self.compared = Compared::WrittenOver;
                // Whether it is the one after or the one before, nothing tells: what differs is named.
                let schema = schemas.schema_of(db);
                let before = db.previous().zip(schema);
                let before = before.filter(|(old, schema)| db.is_before(old, *schema));
                self.rival = before.map(|(old, _)| *old.meta());
            }
            if found.fault.severity() == Severity::Note {
                continue;
            }
            let Some(page) = found.fault.page else {
                continue;
            };
            if has_values && is_root_value(&found.fault.what) {
                continue;
            }
            if !is_stale(&found.fault.what) {
                // Something of the transaction is missing, and this is not it.
                let any = KeyRange::default();
                self.gaps.push(Gap::doubtful(found.path, any, found.fault));
                continue;
            }
            if !pages.insert(page) {
                continue;
            }
            let why = "it holds what only an older transaction can have written";
            let path: Vec<&[u8]> = found.path.iter().map(Vec::as_slice).collect();
            self.decide(Action::Distrusted, Proof::Likely, &path, Some(page), 0, why);
        }
        pages
    }
}

/// Goes through the tree until what is believed of it does not change any more.
pub(super) fn settle<'s, 'm>(
    best: &Best<'s>,
    mut gather: Gather<'s, 'm>,
    free: Option<&Bits>,
    again: impl Fn(Believed<'s>, BTreeMap<PageId, Vec<Vec<u8>>>) -> (Gather<'s, 'm>, Saved<'s>),
) -> (Gather<'s, 'm>, Option<Saved<'s>>) {
    let mut saved = None;
    let end = best.db.space().end;
    for _ in 0..ROUNDS {
        let known = core::mem::take(&mut gather.owners);
        let count = known.len();
        let mut owners = owners(best, &gather);
        owners.extend(known);
        let shared = gather
            .hollows
            .iter()
            .filter_map(|hollow| match hollow.fault.what {
                What::PageShared { found } => Some(found),
                _ => None,
            });
        let shared: BTreeSet<PageId> = shared.filter(|page| !owners.contains_key(page)).collect();
        // A page that names what names it is in a circle: then the outermost is right.
        let fits = Fits {
            schema: best.schema,
            space: best.db.space(),
            is_listed: free.is_some(),
        };
        let leaves = shared.iter().filter(|page| fits.is_record(**page));
        let leaves = leaves.copied().collect();
        let listed = free.map(|free| both(&gather.claims, free, end));
        let listed = listed.unwrap_or_default();
        let has_owners = owners.len() > count;
        // Where the program is not known, what a page holds says nothing of whose it is.
        let known = best
            .schema
            .and_then(|_| gather.believed.next(&shared, &leaves, &listed));
        let next = match known {
            Some(next) => next,
            None if has_owners => gather.believed.without(),
            None => {
                gather.owners = owners;
                gather.listed = listed;
                break;
            }
        };
        let (other, root) = again(next, owners);
        gather = other;
        saved = Some(root);
    }
    (gather, saved)
}

/// Of root pages that several buckets name: to which one they belonged a transaction before.
pub(super) fn owners(best: &Best<'_>, gather: &Gather<'_, '_>) -> BTreeMap<PageId, Vec<Vec<u8>>> {
    let shared: BTreeSet<PageId> = gather
        .hollows
        .iter()
        .filter_map(|hollow| match hollow.fault.what {
            What::PageShared { found } => Some(found),
            _ => None,
        })
        .collect();
    let mut owners = BTreeMap::new();
    let Some(older) = best.db.previous().filter(|_| !shared.is_empty()) else {
        return owners;
    };
    for step in older.walk() {
        if let Visit::Entry(entry) = step.what
            && let Some(page) = entry.value.bucket().and_then(Bucket::page)
            && shared.contains(&page)
        {
            let path = step.bucket.iter().copied().chain([entry.key]);
            owners.insert(page, path.map(<[u8]>::to_vec).collect());
        }
    }
    owners
}

/// Whether the page of the fault is of an older transaction.
const fn is_stale(what: &What) -> bool {
    what.is_stale_root() || matches!(what, What::LostWrite { why } if why.is_of_page())
}

const fn is_root_value(what: &What) -> bool {
    matches!(
        what,
        What::LostWrite {
            why: Stale::RootValue
        }
    )
}
