//! A tree that is younger than what the metas name, by more than one transaction.
//!
//! A transaction that dies leaves its tree behind, whole perhaps, and that is the next one after the metas'. A tree
//! that is later than that shows a file that was copied while a program wrote: the metas came first, and
//! of their tree pages were written over since.

use finding::{Fault as _, Severity};

use super::{
    super::orphans, COMPARED, COUNTED, Meta, metas::claims, order, partition::Lists, roots::roots,
    worth::size,
};
use crate::{
    db::Db,
    page::PageId,
    schema::{Schema, Schemas},
};

/// The root of a whole tree that is proven to be later than that of `db`, and not by one transaction alone.
pub(in super::super) fn later(
    db: &Db<'_>,
    schema: &'static dyn Schema,
    schemas: Schemas,
) -> Option<PageId> {
    let trees = others(db, schema, schemas);
    let mut later = newer(&trees, schema).into_iter();
    later.find_map(|one| {
        let changes: Vec<_> = one.changes_since(db).collect();
        let several = schema.stale(db, one, &changes);
        let is_several = several
            .iter()
            .any(|found| found.fault.severity() > Severity::Note);
        is_several.then(|| one.meta().root)
    })
}

/// Whether a transaction that was not finished wrote over pages of `old`, the tree before that of `db`: it looks
/// whole then, and is none of any transaction.
///
/// With a list of free pages it does not make up the file any more. Without one, a tree that is later than that of
/// `db` shows who wrote, or what in the tree before is later, or does not go together.
pub(crate) fn is_written_over(db: &Db<'_>, old: &Db<'_>, schemas: Schemas) -> bool {
    if db.pages_in_file() > COMPARED {
        return false;
    }
    if old.meta().is_freelist_synced() {
        let mut lists = Lists::of_meta(old);
        let (list, root) = (old.meta().freelist, old.meta().root);
        if lists.is_empty() {
            // Another page stands in its place, in order.
            return orphans::sound(db.space(), list).is_some();
        }
        // What is damaged by itself tells nothing.
        let can_tell = lists.taken(db.meta().root, PageId(0)).is_some();
        return can_tell && lists.account(root).is_none();
    }
    let Some(schema) = schemas.schema_of(db) else {
        return false;
    };
    let is_old = !schema.contradictions(&db.root()).is_empty();
    if !schema.contradictions(&old.root()).is_empty() && !is_old {
        return true;
    }
    let mut trees = others(db, schema, schemas);
    if is_old {
        // That the tree before looks later than this one follows from an old page in this one.
        trees.retain(|one| one.meta().root != old.meta().root);
    } else {
        trees.push(old.clone());
    }
    !newer(&trees, schema).is_empty()
}

/// Whether the file holds the whole tree of a transaction after that of `db`: by what it changed, and by the pages
/// that it took or by a record that is younger.
pub(crate) fn has_next(db: &Db<'_>, schemas: Schemas) -> bool {
    let Some(schema) = schemas.schema_of(db) else {
        return false;
    };
    let mut lists = Lists::of_meta(db);
    let Some(own) = lists.taken(db.meta().root, db.meta().freelist) else {
        return false;
    };
    let trees = others(db, schema, schemas);
    let before = db.previous().map(|old| old.meta().root);
    let youngest = |db: &Db<'_>| size(db, &[schema], &mut COUNTED.clone()).1;
    let own_youngest = youngest(db);
    trees.iter().skip(1).any(|next| {
        let Some(pages) = lists.taken(next.meta().root, PageId(0)) else {
            return false;
        };
        let is_next =
            pages.takes_lowest(&own) == Some(true) && own.takes_lowest(&pages) == Some(false);
        let changes: Vec<_> = next.changes_since(db).collect();
        let is_one = || {
            let found = schema.stale(db, next, &changes);
            found
                .iter()
                .all(|found| found.fault.severity() == Severity::Note)
        };
        // The tree of the meta before is in question itself.
        let is_other = before != Some(next.meta().root);
        let is_later = is_next || is_other && youngest(next) > own_youngest;
        is_later && !changes.is_empty() && is_one()
    })
}

/// The tree of `db`, and all whole ones of the program whose root it does not have.
fn others<'s>(db: &Db<'s>, schema: &'static dyn Schema, schemas: Schemas) -> Vec<Db<'s>> {
    let mut trees = vec![db.clone()];
    let pages = db.pages_in_file();
    let is_one = |db: &Db<'_>| {
        let own = schemas.of_root(&db.root());
        own.is_some_and(|own| own.name() == schema.name())
    };
    if pages > COMPARED || !is_one(db) {
        return trees;
    }
    let (view, page_size) = (db.view(), db.page_size());
    let claimed = claims(db);
    let mut budget = COUNTED;
    let roots = roots(view, page_size, pages, schemas).unwrap_or_default();
    for root in roots.pages.into_iter().filter(|root| !claimed.has(*root)) {
        let meta = Meta {
            root,
            high_water: PageId(pages),
            ..*db.meta()
        };
        let one = Db::of_meta(view, page_size, db.metas().clone(), meta);
        if is_one(&one) && size(&one, &[], &mut budget).0 && budget > 0 {
            trees.push(one);
        }
        if trees.len() >= order::COMPARED {
            break;
        }
    }
    trees
}

/// Of `trees`, those that are proven to be later than the first.
fn newer<'a, 's>(trees: &'a [Db<'s>], schema: &'static dyn Schema) -> Vec<&'a Db<'s>> {
    if trees.len() < 2 {
        return Vec::new();
    }
    let older = schema.older(trees);
    let later = trees.iter().zip(older).skip(1);
    later
        .filter(|(_, older)| older.contains(&0))
        .map(|(one, _)| one)
        .collect()
}
