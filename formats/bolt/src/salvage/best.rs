//! Which tree to save.

use std::collections::BTreeSet;

use serde::Serialize;
use view::View;

use super::SalvageOptions;
use crate::{
    bucket::Value,
    check::plausible,
    db::Db,
    find,
    inline::{self, Header as Bucket},
    meta::{MAGIC, Meta, VERSION},
    node::{BUCKET_FLAG, Node},
    page::{Header, Kind, PageId},
    scan::{Bounds, scan},
    schema::{Fit, Schema, Schemas},
    walk::Visit,
};

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
    /// That of the page from which most keys can be reached, of all pages that nothing names.
    Root {
        /// That page.
        page: PageId,
        /// How many pages were tried.
        tried: u64,
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
    /// The meta of the transaction before, if there is a valid one.
    pub(super) older: Option<Meta>,
    /// The transaction of the new file: later than any in the old one.
    pub(super) txid: u64,
}

/// Pages that are tried as a root.
const TRIED: usize = 256;
/// Keys up to which trees are compared.
const COUNTED: usize = 1 << 20;

/// The best tree of a file.
pub(super) fn tree(view: View<'_>, options: SalvageOptions) -> Option<Best<'_>> {
    let mut best = best(view, options)?;
    best.schema = best.schema.or_else(|| options.schemas.of(&best.db));
    Some(best)
}

fn best(view: View<'_>, options: SalvageOptions) -> Option<Best<'_>> {
    let opened = Db::open(view);
    if let Some(db) = opened.db.map(with_room) {
        let older = db.previous().map(|db| *db.meta());
        let newest = db.meta().txid;
        let txid = newest.saturating_add(1);
        let previous = db.previous().filter(has_root);
        // Without its root nothing of the newest tree is reached: it is one large gap in itself.
        let wants_previous = options.previous || !has_root(&db);
        if let Some(previous) = previous.filter(|_| wants_previous) {
            let choice = Choice::Previous {
                txid: previous.meta().txid,
                newest,
            };
            let (db, older) = if options.previous {
                (previous, None)
            } else {
                (db, older)
            };
            return Some(Best {
                db,
                choice,
                schema: None,
                older,
                txid,
            });
        }
        if has_root(&db) {
            let choice = Choice::Newest { txid: newest };
            return Some(Best {
                db,
                choice,
                schema: None,
                older,
                txid,
            });
        }
    }
    let found = find::metas(&view, view.len());
    let page_size = found.page_size.or_else(|| find::by_stride(view))?;
    let txids = found.metas.iter().flatten().map(|meta| meta.txid);
    let txid = txids.max().unwrap_or(0).saturating_add(1);
    let db_of = |meta| Db::of_meta(view, page_size, found.metas.clone(), meta);
    if let Some(db) = plausible(view, page_size, view.len())
        .map(db_of)
        .filter(has_root)
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
            older: None,
            txid,
            db,
        });
    }
    let pages = view.len().checked_div(page_size)?;
    let roots = roots(view, page_size, pages);
    let tried = u64::try_from(roots.len()).unwrap_or(u64::MAX);
    if roots.is_empty() {
        return None;
    }
    let mut budget = COUNTED;
    let best = roots
        .iter()
        .map(|root| db_of(guess(*root, page_size, pages)))
        .filter_map(|db| Some((worth(&db, options.schemas, &mut budget)?, db)))
        .max_by_key(|(worth, _)| *worth);
    let mut schema = None;
    let (db, choice) = if let Some((_, db)) = best {
        let page = db.meta().root;
        (db, Choice::Root { page, tried })
    } else {
        let tops = roots.iter().filter_map(|root| {
            let db = db_of(guess(*root, page_size, pages));
            let (name, schema) = top(&db, options.schemas)?;
            Some((db, name, schema))
        });
        match tops.max_by_key(|(db, ..)| size(db, &mut budget)) {
            Some((db, name, whose)) => {
                schema = Some(whose);
                let page = db.meta().root;
                (db, Choice::Top { name, page, tried })
            }
            None => (
                db_of(guess(PageId(0), page_size, pages)),
                Choice::Pages { tried },
            ),
        }
    };
    Some(Best {
        db,
        choice,
        schema,
        older: None,
        txid,
    })
}

/// The database, with a high-water mark that its root does not deny.
fn with_room(db: Db<'_>) -> Db<'_> {
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

/// Whether the root page can be read at all.
fn has_root(db: &Db<'_>) -> bool {
    let contents = db.root().contents();
    contents.is_whole() || !contents.entries.is_empty()
}

/// How good a tree is; none: it is not the tree of a database.
///
/// The root bucket of all programs holds nothing but buckets. One of a known schema is best: then a
/// tree without faults, then the one with most keys. Counting has a budget for all trees together.
fn worth(db: &Db<'_>, schemas: Schemas, budget: &mut usize) -> Option<(Fit, bool, usize)> {
    let root = db.root().contents();
    let only_buckets = root
        .entries
        .iter()
        .all(|entry| matches!(entry.value, Value::Bucket(_)));
    if !only_buckets || root.entries.is_empty() {
        return None;
    }
    let fits = schemas.0.iter().map(|schema| schema.root(&db.root()));
    let fit = fits.max().unwrap_or(Fit::Unknown);
    let (is_whole, keys) = size(db, budget);
    Some((fit, is_whole, keys))
}

/// The name under which the root page of `db` stands in the root bucket of a known schema.
fn top(db: &Db<'_>, schemas: Schemas) -> Option<(&'static str, &'static dyn Schema)> {
    let mut all = schemas.0.iter().copied();
    all.find_map(|schema| Some((schema.top(&db.root())?, schema)))
}

/// Whether a tree has no fault, and how many keys.
fn size(db: &Db<'_>, budget: &mut usize) -> (bool, usize) {
    let (mut keys, mut is_whole) = (0_usize, true);
    for step in db.walk() {
        match step.what {
            Visit::Entry(_) => keys = keys.saturating_add(1),
            Visit::Fault(fault) => is_whole &= fault.unknown.is_none(),
        }
        *budget = budget.saturating_sub(1);
        if *budget == 0 {
            break;
        }
    }
    (is_whole, keys)
}

/// A meta for a tree that has none.
fn guess(root: PageId, page_size: u64, pages: u64) -> Meta {
    Meta {
        slot: 0,
        header: Header {
            id: PageId(0),
            flags: Kind::Meta.flags(),
            count: 0,
            overflow: 0,
        },
        magic: MAGIC,
        version: VERSION,
        page_size: u32::try_from(page_size).unwrap_or(0),
        flags: 0,
        root,
        sequence: 0,
        freelist: PageId::NO_FREELIST,
        high_water: PageId(pages),
        txid: 1,
        checksum: 0,
        computed: 0,
    }
}

/// Leaves and branches in order that no other page names, those with most elements first.
fn roots(view: View<'_>, page_size: u64, pages: u64) -> Vec<PageId> {
    let mut named = BTreeSet::new();
    let mut nodes = Vec::new();
    for id in 2..pages {
        let at = PageId(id).at(page_size);
        let Some(node) = node(view, PageId(id), at, page_size) else {
            continue;
        };
        let mut faults = Vec::new();
        scan(&node, Bounds::default(), &mut faults, |element, _| {
            let below = element.child.or_else(|| {
                let is_bucket = element.flags & BUCKET_FLAG != 0;
                match inline::header(element.value, node.id()).0 {
                    Some(Bucket::Page { root, .. }) if is_bucket => Some(root),
                    _ => None,
                }
            });
            named.extend(below);
        });
        if faults.is_empty() {
            nodes.push((core::cmp::Reverse(node.count()), node.id()));
        }
    }
    nodes.retain(|(_, id)| !named.contains(id));
    nodes.sort();
    nodes.into_iter().take(TRIED).map(|(_, id)| id).collect()
}

fn node(view: View<'_>, id: PageId, at: u64, page_size: u64) -> Option<Node<'_>> {
    let page = view.slice(at, page_size, "page").ok()?;
    let header = Header::read(page).ok()?;
    let kind = header
        .kind()
        .filter(|kind| matches!(kind, Kind::Branch | Kind::Leaf))?;
    // Overflow is bounded, as in the check: nothing is looked at again and again.
    let is_own = header.id == id && header.overflow <= 64;
    let len = header.pages().saturating_mul(page_size);
    let run = view.slice(at, len, "page").ok().filter(|_| is_own)?;
    Some(Node::new(run, id, header, kind))
}
