//! A tree that is younger than what the metas name, by more than one transaction.
//!
//! A transaction that dies leaves its tree behind, whole perhaps, and that is the next one after the metas'. A tree
//! that is later than that shows a file that was copied while a program wrote: the metas came first, and
//! of their tree pages were written over since.

use finding::{Fault as _, Severity};

use super::{COMPARED, COUNTED, Meta, metas::claims, order, roots::roots, worth::size};
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
    let pages = db.pages_in_file();
    if pages > COMPARED || schemas.of_root(&db.root())?.name() != schema.name() {
        return None;
    }
    let (view, page_size) = (db.view(), db.page_size());
    let claimed = claims(db);
    let mut budget = COUNTED;
    let mut trees = vec![db.clone()];
    let others = roots(view, page_size, pages, schemas)?.pages.into_iter();
    for root in others.filter(|root| !claimed.has(*root)) {
        let meta = Meta {
            root,
            high_water: PageId(pages),
            ..*db.meta()
        };
        let one = Db::of_meta(view, page_size, db.metas().clone(), meta);
        let is_one = schemas
            .of_root(&one.root())
            .is_some_and(|own| own.name() == schema.name());
        if is_one && size(&one, &[], &mut budget).0 {
            trees.push(one);
        }
        if trees.len() >= order::COMPARED {
            break;
        }
    }
    if trees.len() == 1 || budget == 0 {
        return None;
    }
    let older = schema.older(&trees);
    let later = trees.iter().zip(older).skip(1);
    let mut later = later.filter(|(_, older)| older.contains(&0));
    later.find_map(|(one, _)| {
        let changes: Vec<_> = one.changes_since(db).collect();
        let several = schema.stale(db, one, &changes);
        let is_several = several
            .iter()
            .any(|found| found.fault.severity() > Severity::Note);
        is_several.then(|| one.meta().root)
    })
}
