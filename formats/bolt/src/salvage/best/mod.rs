//! Which tree to save.

mod later;
mod metas;
mod order;
mod partition;
mod roots;
mod worth;

use std::collections::BTreeSet;

use serde::Serialize;
use view::View;

use super::{COMPARED, SalvageOptions, orphans};
use crate::{
    check::plausible,
    db::Db,
    find,
    meta::Meta,
    page::PageId,
    schema::{Fit, Schema, Schemas},
    space::Space,
};
pub(super) use later::later;
pub(crate) use later::{has_next, is_written_over};
pub(crate) use metas::is_foreign;
use metas::{has_root, of_mended, of_metas, with_room};
use partition::{Account, Lists};
use roots::{Roots, best_top, guess, is_known, roots};
use worth::{Worth, worth};

/// Which tree was saved, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum Choice {
    /// That of the newest valid meta: the one that the daemon would use.
    Newest {
        /// Its transaction.
        txid: u64,
    },
    /// That of the transaction before: nothing can be read of the newest one, or it was asked for.
    Previous {
        /// Its transaction.
        txid: u64,
        /// The newest one.
        newest: u64,
    },
    /// That of a meta that is not valid, but whose fields fit.
    Meta {
        /// Its slot.
        slot: u64,
    },
    /// That of a page that no meta and no other page names. With a freelist: of one with which that
    /// accounts for all pages of the file. Without: of that from which most keys can be reached.
    Root {
        /// That page.
        page: PageId,
        /// How many pages were tried.
        tried: u64,
        /// Whether its pages, those of a freelist, and the free pages that this names make up the file.
        #[serde(rename = "accounted")]
        is_accounted: bool,
    },
    /// None, but this page is the one bucket that the program has in its root bucket.
    Top {
        /// The key of that bucket.
        name: &'static str,
        /// That page.
        page: PageId,
        /// How many pages were tried.
        tried: u64,
    },
    /// None: each page that can be read stands for itself.
    Pages {
        /// How many pages were tried as a root.
        tried: u64,
    },
}

/// The tree that is saved.
#[derive(Debug)]
pub(super) struct Best<'s> {
    pub(super) db: Db<'s>,
    pub(super) choice: Choice,
    /// Whose file it is, if that is known.
    pub(super) schema: Option<&'static dyn Schema>,
    /// Whether there was no transaction after it, as far as the file tells.
    pub(super) is_newest: bool,
    /// The page of its root bucket, if that is lost and one of its buckets stands for it.
    pub(super) lost_root: Option<PageId>,
    /// Whether the tree is one: not pages that were put together.
    pub(super) is_tree: bool,
    /// The meta of the transaction before, if there is a valid one.
    pub(super) older: Option<Meta>,
    /// Trees of which nothing tells whether they are newer than this one.
    pub(super) rivals: Vec<Db<'s>>,
    /// The transaction of the new file: later than any in the old one.
    pub(super) txid: u64,
}

/// Keys up to which trees are compared.
const COUNTED: usize = 1 << 20;

/// The best tree of a file.
pub(super) fn tree(view: View<'_>, options: SalvageOptions) -> Option<Best<'_>> {
    let mut best = best(view, options)?;
    if options.is_given {
        best.schema = options.schemas.0.first().copied();
        return Some(best);
    }
    // What looks like the top of a program's file may be anybody's.
    if matches!(best.choice, Choice::Top { .. }) {
        best.schema = by_records(&best.db, options.schemas);
        return Some(best);
    }
    best.schema = best
        .schema
        .or_else(|| options.schemas.schema_of(&best.db))
        .or_else(|| by_records(&best.db, options.schemas));
    Some(best)
}

/// Records that a file has at least to be known by them.
const RECORDS: usize = 4;

/// Whose file it is by the records on its pages, where its root bucket does not tell.
fn by_records(db: &Db<'_>, schemas: Schemas) -> Option<&'static dyn Schema> {
    let pages = db.pages_in_file().min(COMPARED);
    let space = Space {
        view: db.view(),
        page_size: db.page_size(),
        end: PageId(pages),
        is_thorough: false,
    };
    let count = |schema: &'static dyn Schema| {
        let is_dated = |bucket: &crate::bucket::Bucket<'_>| {
            bucket.contents().entries.iter().any(|entry| {
                let value = entry.value.bytes();
                value.is_some_and(|value| schema.birthday(entry.key, value).is_some())
            })
        };
        let records = (2..pages).filter(|id| {
            let bucket = crate::bucket::Bucket::at_page(space, PageId(*id), 0);
            orphans::sound(space, PageId(*id)).is_some()
                && schema.record(&bucket).is_some()
                && is_dated(&bucket)
        });
        records.count()
    };
    let counts = schemas.0.iter().map(|schema| (count(*schema), *schema));
    let (most, schema) = counts.max_by_key(|(count, _)| *count)?;
    (most >= RECORDS).then_some(schema)
}

fn best(view: View<'_>, options: SalvageOptions) -> Option<Best<'_>> {
    let opened = Db::open(view).db.map(with_room);
    if let Some(db) = opened.clone()
        && let Some(best) = of_metas(db, options)
    {
        return Some(best);
    }
    let found = find::metas(&view, view.len());
    let page_size = found.page_size.or_else(|| find::by_stride(view))?;
    let txids = found.metas.iter().flatten().map(|meta| meta.txid);
    let txid = txids.max().unwrap_or(0).saturating_add(1);
    let db_of = |meta| Db::of_meta(view, page_size, found.metas.clone(), meta);
    if let Some(best) = of_mended(view, db_of) {
        return Some(best);
    }
    if let Some(db) = plausible(view, page_size, view.len())
        .map(db_of)
        .filter(has_root)
        .filter(|db| options.schemas.0.is_empty() || options.schemas.of_root(&db.root()).is_some())
    {
        let slot = db.meta().slot;
        // A torn meta may say any number; the next one only has to be later than a sane one.
        let said = db.meta().txid;
        let txid = if said < 1 << 62 {
            said.saturating_add(1).max(txid)
        } else {
            txid
        };
        return Some(Best {
            choice: Choice::Meta { slot },
            schema: None,
            is_newest: false,
            is_tree: true,
            lost_root: None,
            rivals: Vec::new(),
            older: None,
            txid,
            db,
        });
    }
    let pages = view.len().checked_div(page_size)?;
    let Roots {
        pages: roots,
        outer,
    } = roots(view, page_size, pages, options.schemas)?;
    let tried = u64::try_from(roots.len()).unwrap_or(u64::MAX);
    let best = |db, choice, schema, is_tree| Best {
        db,
        choice,
        schema,
        is_newest: false,
        is_tree,
        lost_root: None,
        rivals: Vec::new(),
        older: None,
        txid,
    };
    let mut budget = COUNTED;
    let guessed = |root: PageId| guess(root, page_size, pages);
    // With a valid meta whose root is gone, any other root is an older one.
    let rootless = opened.filter(|db| !options.previous && !has_root(db));
    let mut lists = Lists::find_lists(view, page_size, |freelist| {
        db_of(Meta {
            freelist,
            ..guessed(PageId(0))
        })
    });
    let mut all: Vec<(Rank, Option<Account>, Worth, Db<'_>)> = Vec::new();
    for root in &roots {
        let db = db_of(guessed(*root));
        let Some(worth) = worth(&db, options.schemas, &mut budget) else {
            continue;
        };
        let account = lists.account(*root);
        let high_water = account.map(|one| one.high_water);
        let rank = (worth.fit == Fit::Yes, high_water, !outer.contains(root));
        let db = match account {
            Some(Account {
                freelist,
                high_water,
            }) => db_of(Meta {
                freelist,
                high_water,
                ..*db.meta()
            }),
            None => db,
        };
        all.push((rank, account, worth, db));
    }
    // Of those that are as good, the one that comes last.
    all.reverse();
    all.sort_by_key(|(rank, _, worth, _)| core::cmp::Reverse((*rank, *worth)));
    let (found, rivals) = first_of(all, options.schemas, &mut lists);
    // What a valid meta's freelist does not go with is an older tree, of which pages were written over since.
    let is_listed = |db: &Db<'_>| db.meta().is_freelist_synced() && !lists.is_empty();
    let found = found.filter(|(account, worth, _)| {
        let is_any = options.schemas.0.is_empty()
            || !is_known(&roots, &db_of, page_size, pages, options.schemas);
        match &rootless {
            Some(db) => worth.fit == Fit::Yes && (account.is_some() || !is_listed(db)),
            None => worth.fit == Fit::Yes || is_any,
        }
    });
    if let Some((account, worth, db)) = found {
        let page = db.meta().root;
        let is_accounted = account.is_some();
        let choice = Choice::Root {
            page,
            tried,
            is_accounted,
        };
        let is_tree =
            account.is_some() || lists.is_empty() && worth.is_whole && worth.fit == Fit::Yes;
        return Some(Best {
            rivals,
            ..best(db, choice, None, is_tree)
        });
    }
    let dbs = roots.iter().map(|root| db_of(guessed(*root)));
    if let Some((db, name, schema, is_whole)) = best_top(dbs, options.schemas, &mut budget) {
        let page = db.meta().root;
        let choice = Choice::Top { name, page, tried };
        return Some(best(db, choice, Some(schema), is_whole));
    }
    // Of the meta, the freelist is still worth something: it says which pages were in use.
    let db = rootless.unwrap_or_else(|| db_of(guessed(PageId(0))));
    Some(best(db, Choice::Pages { tried }, None, false))
}

/// What makes one tree better than another before its keys do: whether it is the program's, the mark up to which
/// it makes up the file, and whether no newer root is in it.
type Rank = (bool, Option<PageId>, bool);
/// A tree, the list that goes with it, and how good it is.
type Judged<'s> = (Option<Account>, Worth, Db<'s>);
/// A tree, and how good it is.
type Ranked<'s> = (Rank, Option<Account>, Worth, Db<'s>);

/// Of trees, the best first: the newest of those that are whole and as good as the first, and those of which
/// nothing tells whether they are newer.
fn first_of<'s>(
    mut all: Vec<Ranked<'s>>,
    schemas: Schemas,
    lists: &mut Lists<'s>,
) -> (Option<Judged<'s>>, Vec<Db<'s>>) {
    let Some((first, _, best, db)) = all.first() else {
        return (None, Vec::new());
    };
    let (first, schema) = (*first, schemas.of_root(&db.root()));
    let is_known = best.is_whole && (first.1.is_some() || best.fit == Fit::Yes);
    all.retain(|(rank, _, worth, _)| *rank == first && (!is_known || worth.is_whole));
    let mut seen = BTreeSet::new();
    all.retain(|(.., db)| seen.insert(db.meta().root));
    let most = all.iter().map(|(_, _, worth, _)| worth.keys).max();
    let most = COUNTED.div_euclid(most.unwrap_or(0).max(1));
    all.truncate(if is_known {
        order::COMPARED.min(most)
    } else {
        1
    });
    let trees: Vec<Db<'s>> = all.iter().map(|(.., db)| db.clone()).collect();
    let (newest, rivals) = order::newest(&trees, schema, lists);
    let rivals = rivals
        .into_iter()
        .filter_map(|place| trees.get(place).cloned());
    let rivals = rivals.collect();
    let found = all.into_iter().nth(newest);
    (
        found.map(|(_, account, worth, db)| (account, worth, db)),
        rivals,
    )
}
