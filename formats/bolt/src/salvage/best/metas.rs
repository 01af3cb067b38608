//! The tree where a meta can be believed.

use std::collections::BTreeMap;

use finding::Time;
use view::View;

use super::{
    super::{COMPARED, SalvageOptions, gather::Gather, misplaced::Misplaced, older, orphans},
    Best, COUNTED, Choice,
    partition::{Account, Lists},
    roots::{roots, top},
    worth::size,
};
use crate::{
    bucket::Bucket,
    check::bits::Bits,
    db::Db,
    meta::Meta,
    page::PageId,
    schema::{Fit, Schema, Schemas},
    surgery,
};

/// The tree of a meta of which everything but magic, version or checksum is right.
pub(super) fn of_mended<'s>(view: View<'s>, db_of: impl Fn(Meta) -> Db<'s>) -> Option<Best<'s>> {
    let mut metas: Vec<Meta> = (0..2)
        .filter_map(|slot| surgery::mended(view, slot))
        .collect();
    metas.sort_by_key(|meta| core::cmp::Reverse(meta.txid));
    let (first, second) = (*metas.first()?, metas.get(1).copied());
    let is_pair = second.is_some_and(|second| second.txid.saturating_add(1) == first.txid);
    let db = db_of(first);
    is_sound(&db).then(|| Best {
        choice: Choice::Meta { slot: first.slot },
        schema: None,
        is_newest: is_pair,
        is_tree: true,
        lost_root: None,
        rivals: Vec::new(),
        older: second.filter(|_| is_pair),
        txid: first.txid.saturating_add(1),
        db,
    })
}

/// The best tree where a meta is valid.
pub(super) fn of_metas(db: Db<'_>, options: SalvageOptions) -> Option<Best<'_>> {
    let older = db.previous().map(|db| *db.meta());
    let newest = db.meta().txid;
    let txid = newest.saturating_add(1);
    let best = |db, choice, is_newest, older, txid| Best {
        db,
        choice,
        schema: None,
        is_newest,
        is_tree: true,
        lost_root: None,
        rivals: Vec::new(),
        older,
        txid,
    };
    if options.previous || is_stale(&db, options.schemas) {
        let previous = db.previous().filter(has_root)?;
        let choice = Choice::Previous {
            txid: previous.meta().txid,
            newest,
        };
        return Some(best(previous, choice, false, None, txid));
    }
    let has_both = db.metas().iter().all(Result::is_ok);
    // The other meta, if what is wrong with it can be set right.
    let other = 1_u64.saturating_sub(db.meta().slot);
    let mended = (!has_both)
        .then(|| surgery::mended(db.view(), other))
        .flatten()
        .map(|meta| Db::of_meta(db.view(), db.page_size(), db.metas().clone(), meta));
    if let Some(mended) = mended
        .as_ref()
        .filter(|one| one.meta().txid == txid && is_sound(one))
    {
        let choice = Choice::Meta { slot: other };
        let older = Some(*db.meta());
        return Some(best(
            mended.clone(),
            choice,
            true,
            older,
            txid.saturating_add(1),
        ));
    }
    let is_before = mended.as_ref().is_some_and(|one| one.meta().txid < newest);
    if is_foreign(&db, options.schemas) {
        // What the metas name is not of the program at all: it is an older page, or one of another bucket.
        let previous = db
            .previous()
            .filter(|old| options.schemas.of_root(&old.root()).is_some() && is_sound(old));
        if let Some(previous) = previous {
            let choice = Choice::Previous {
                txid: previous.meta().txid,
                newest,
            };
            return Some(best(previous, choice, false, None, txid));
        }
        if let Some(found) = newer(&db, &db, options) {
            let is_newest = has_both && found.is_newest;
            return Some(Best {
                is_newest,
                txid,
                ..found
            });
        }
    }
    if has_root(&db) {
        let is_newest = has_both || is_before;
        let newer = (!is_newest).then(|| newer(&db, &db, options)).flatten();
        return newer.or_else(|| {
            let choice = Choice::Newest { txid: newest };
            Some(best(db, choice, is_newest, older, txid))
        });
    }
    // Without its root nothing of the newest tree is reached.
    let previous = db.previous().filter(has_root);
    if let Some(found) = newer(previous.as_ref().unwrap_or(&db), &db, options) {
        // Another root than the one that the meta names is an older one; how old, nobody knows. The bucket
        // below a root may be the newest.
        let is_top = matches!(found.choice, Choice::Top { .. });
        return Some(Best {
            older: previous.map(|db| *db.meta()),
            is_newest: has_both && is_top && found.is_newest,
            is_tree: found.is_tree && is_top,
            lost_root: Some(db.meta().root),
            txid,
            ..found
        });
    }
    let previous = previous?;
    let choice = Choice::Previous {
        txid: previous.meta().txid,
        newest,
    };
    Some(best(db, choice, false, older, txid))
}

/// A whole tree that is younger than that of `db`, and that no valid meta names. `newest` is the database with
/// the meta of the last transaction that was committed, as far as that is known.
fn newer<'s>(db: &Db<'s>, newest: &Db<'s>, options: SalvageOptions) -> Option<Best<'s>> {
    if options.schemas.0.is_empty() {
        return None;
    }
    let (view, page_size) = (db.view(), db.page_size());
    let pages = db.pages_in_file();
    let mut budget = COUNTED;
    let has_tree = has_root(db) && !is_foreign(db, options.schemas);
    let old = has_tree.then(|| size(db, options.schemas.0, &mut budget));
    let claimed = claims(db);
    let roots: Vec<PageId> = roots(view, page_size, pages, options.schemas)
        .unwrap_or_default()
        .pages
        .into_iter()
        .filter(|root| !has_tree || !claimed.has(*root))
        .collect();
    let tried = u64::try_from(roots.len()).unwrap_or(u64::MAX);
    let db_of = |root: &PageId| {
        let meta = Meta {
            root: *root,
            high_water: PageId(pages),
            ..*newest.meta()
        };
        Db::of_meta(view, page_size, db.metas().clone(), meta)
    };
    let is_better = |size: &(bool, Option<Time>, usize)| {
        size.0 && old.is_none_or(|old| !old.0 || size.1 > old.1)
    };
    // Where there are lists of free pages, the tree of a transaction goes with one: of an older one, pages were
    // written over since, and hold what other records hold.
    let mut lists = Lists::find_lists(view, page_size, |freelist| {
        let meta = Meta {
            freelist,
            high_water: PageId(pages),
            ..*db.meta()
        };
        Db::of_meta(view, page_size, db.metas().clone(), meta)
    });
    let is_listed = db.meta().is_freelist_synced() && !lists.is_empty();
    let whole = roots.iter().map(db_of).filter_map(|one| {
        let schema = options.schemas.of_root(&one.root())?;
        let account = lists.account(one.meta().root);
        if is_listed && account.is_none() {
            return None;
        }
        let size = size(&one, &[schema], &mut budget);
        is_better(&size).then_some((size, one, schema, account))
    });
    let best = whole.max_by_key(|(size, ..)| *size);
    let txid = db.meta().txid.saturating_add(2);
    let make = |db: Db<'s>, choice, schema| Best {
        db,
        choice,
        schema: Some(schema),
        is_newest: false,
        is_tree: true,
        lost_root: None,
        rivals: Vec::new(),
        older: None,
        txid,
    };
    if let Some((_, one, schema, account)) = best {
        let page = one.meta().root;
        let older = Some(*db.meta()).filter(|_| has_tree);
        let choice = Choice::Root {
            page,
            tried,
            is_accounted: account.is_some(),
        };
        // The freelist of the meta is not the one of this tree.
        let one = match account {
            Some(Account {
                freelist,
                high_water,
            }) => {
                let meta = Meta {
                    freelist,
                    high_water,
                    ..*one.meta()
                };
                Db::of_meta(view, page_size, db.metas().clone(), meta)
            }
            None => one,
        };
        return Some(Best {
            older,
            ..make(one, choice, schema)
        });
    }
    if has_tree && db.metas().iter().any(Result::is_err) {
        // With its root gone as well, nobody can say that a transaction was committed.
        return None;
    }
    let mut budget = COUNTED;
    let free = orphans::free(newest.space(), newest.meta());
    let tops = roots.iter().map(db_of).filter_map(|one| {
        let (name, schema) = top(&one, options.schemas)?;
        let is_free = |free: &Bits| free.has(one.meta().root);
        let size = size(&one, &[schema], &mut budget);
        let is_young = size.0 && old.is_none_or(|old| !old.0 || size.1 >= old.1);
        let is_one = is_young && !free.as_ref().is_some_and(is_free);
        is_one.then_some((size, one, name, schema))
    });
    let (size, one, name, schema) = tops.max_by_key(|(size, ..)| *size)?;
    // What the last transaction wrote is in use by its list of free pages, or has a record that the one before
    // has not yet, or is on a page that there was not before.
    let mark = db.meta().high_water;
    let is_grown = || {
        let pages = claims(&one);
        (mark.0..pages_in(newest)).any(|id| pages.has(PageId(id)))
    };
    let is_after = free.is_some()
        || old.is_some_and(|old| old.0 && size.1 > old.1)
        || old.is_some() && is_grown();
    let page = one.meta().root;
    Some(Best {
        is_newest: is_after,
        ..make(one, Choice::Top { name, page, tried }, schema)
    })
}

/// The pages that the last transaction has, as far as the file goes.
fn pages_in(newest: &Db<'_>) -> u64 {
    newest.meta().high_water.0.min(newest.pages_in_file())
}

/// Whether the root bucket of a file with the records of a known program is not that program's: then no tree
/// of that program is below it.
pub(crate) fn is_foreign(db: &Db<'_>, schemas: Schemas) -> bool {
    let root = db.root();
    let contents = root.contents();
    if !contents.is_whole() || schemas.of_root(&root).is_some() {
        return false;
    }
    let entries = contents.entries.into_iter();
    let entries: Vec<_> = entries.map(|entry| (entry.key, entry.value)).collect();
    super::by_records(db, schemas)
        .or_else(|| by_roots(db, schemas))
        .is_some_and(|schema| schema.leaf(&[], &entries, true) == Fit::No)
}

/// Whose file it is by a root bucket that is not in its tree: one of a few records has no other sign.
fn by_roots(db: &Db<'_>, schemas: Schemas) -> Option<&'static dyn Schema> {
    let space = db.space();
    let claimed = claims(db);
    let mut pages = (2..db.pages_in_file().min(COMPARED)).map(PageId);
    pages.find_map(|page| {
        let is_own = !claimed.has(page) && orphans::sound(space, page).is_some();
        let bucket = is_own.then(|| Bucket::at_page(space, page, 0))?;
        schemas.of_root(&bucket)
    })
}

/// The pages of a tree.
pub(super) fn claims(db: &Db<'_>) -> Bits {
    let moved = BTreeMap::new();
    let mut gather = Gather::new(db.space(), &moved, None);
    gather.bucket(older::start(db.space(), db.meta()), &[]);
    gather.claims
}

/// Whether a tree has no fault that hides a key.
fn is_sound(db: &Db<'_>) -> bool {
    let mut budget = COUNTED;
    has_root(db) && size(db, &[], &mut budget).0
}

/// The database, with a high-water mark that its root does not deny.
pub(super) fn with_room(db: Db<'_>) -> Db<'_> {
    let pages = db.pages_in_file();
    let meta = *db.meta();
    if meta.root < meta.high_water || meta.root.0 >= pages {
        return db;
    }
    let metas = db.metas().clone();
    let meta = Meta {
        high_water: PageId(pages),
        ..meta
    };
    Db::of_meta(db.view(), db.page_size(), metas, meta)
}

/// Whether the newest tree is not what the last transaction wrote: the one before is whole.
fn is_stale(db: &Db<'_>, schemas: Schemas) -> bool {
    if db.pages_in_file() > COMPARED {
        return false;
    }
    let lost = db.doubted_writes(&db.check(), schemas);
    lost.iter().any(|found| found.fault.what.is_stale_root())
}

/// Whether the root page can be read at all.
pub(super) fn has_root(db: &Db<'_>) -> bool {
    let contents = db.root().contents();
    contents.is_whole() || !contents.entries.is_empty() || is_moved(db)
}

/// Whether the root page stands in the place of another one, in order.
fn is_moved(db: &Db<'_>) -> bool {
    let space = db.space();
    let moved = Misplaced::find_misplaced(space);
    moved.node(space, db.meta().root, (None, None)).is_some()
}
