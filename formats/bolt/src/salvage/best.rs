//! Which tree to save.

use std::collections::{BTreeMap, BTreeSet};

use finding::Time;
use serde::Serialize;
use view::View;

use super::{COMPARED, SalvageOptions, gather::Gather, older, orphans};
use crate::{
    bucket::Value,
    check::{bits::Bits, plausible},
    db::Db,
    find,
    inline::{self, Header as Bucket},
    meta::{MAGIC, Meta, VERSION},
    node::{BUCKET_FLAG, Node},
    page::{Header, Kind, PageId},
    scan::{Bounds, scan},
    schema::{Fit, Schema, Schemas},
    space::Space,
    surgery,
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
    /// Whether there was no transaction after it, as far as the file tells.
    pub(super) is_newest: bool,
    /// Whether the tree is one: not pages that were put together.
    pub(super) is_tree: bool,
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
    let opened = Db::open(view);
    if let Some(db) = opened.db.map(with_room)
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
            older: None,
            txid,
            db,
        });
    }
    let pages = view.len().checked_div(page_size)?;
    let roots = roots(view, page_size, pages, options.schemas);
    let tried = u64::try_from(roots.len()).unwrap_or(u64::MAX);
    if roots.is_empty() {
        return None;
    }
    let mut budget = COUNTED;
    let dbs = || {
        roots
            .iter()
            .map(|root| db_of(guess(*root, page_size, pages)))
    };
    let best = dbs()
        .filter_map(|db| Some((worth(&db, options.schemas, &mut budget)?, db)))
        .max_by_key(|(worth, _)| *worth);
    let best = best.filter(|(worth, _)| {
        options.schemas.0.is_empty()
            || worth.fit == Fit::Yes
            || !is_known(&roots, &db_of, page_size, pages, options.schemas)
    });
    if let Some((worth, db)) = best {
        let page = db.meta().root;
        return Some(Best {
            db,
            choice: Choice::Root { page, tried },
            schema: None,
            is_newest: false,
            is_tree: worth.is_whole && (worth.fit == Fit::Yes || options.schemas.0.is_empty()),
            older: None,
            txid,
        });
    }
    if let Some((db, name, schema, is_whole)) = best_top(dbs(), options.schemas, &mut budget) {
        let page = db.meta().root;
        return Some(Best {
            db,
            choice: Choice::Top { name, page, tried },
            schema: Some(schema),
            is_newest: false,
            is_tree: is_whole,
            older: None,
            txid,
        });
    }
    Some(Best {
        db: db_of(guess(PageId(0), page_size, pages)),
        choice: Choice::Pages { tried },
        schema: None,
        is_newest: false,
        is_tree: false,
        older: None,
        txid,
    })
}

/// The tree of a meta of which everything but magic, version or checksum is right.
fn of_mended<'s>(view: View<'s>, db_of: impl Fn(Meta) -> Db<'s>) -> Option<Best<'s>> {
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
        older: second.filter(|_| is_pair),
        txid: first.txid.saturating_add(1),
        db,
    })
}

/// Whether any page is the top of a known schema: then a root that is none is no root.
fn is_known<'s>(
    roots: &[PageId],
    db_of: &impl Fn(Meta) -> Db<'s>,
    page_size: u64,
    pages: u64,
    schemas: Schemas,
) -> bool {
    let mut dbs = roots
        .iter()
        .map(|root| db_of(guess(*root, page_size, pages)));
    dbs.any(|db| top(&db, schemas).is_some())
}

/// Of the trees whose top bucket is there, and whose root is not, the best.
fn best_top<'s>(
    dbs: impl Iterator<Item = Db<'s>>,
    schemas: Schemas,
    budget: &mut usize,
) -> Option<(Db<'s>, &'static str, &'static dyn Schema, bool)> {
    let tops = dbs.filter_map(|db| {
        let (name, schema) = top(&db, schemas)?;
        let size = size(&db, &[schema], budget);
        Some((size, db, name, schema))
    });
    let best = tops.max_by_key(|(size, ..)| *size)?;
    let (size, db, name, schema) = best;
    Some((db, name, schema, size.0))
}

/// The best tree where a meta is valid.
fn of_metas(db: Db<'_>, options: SalvageOptions) -> Option<Best<'_>> {
    let older = db.previous().map(|db| *db.meta());
    let newest = db.meta().txid;
    let txid = newest.saturating_add(1);
    let best = |db, choice, is_newest, older, txid| Best {
        db,
        choice,
        schema: None,
        is_newest,
        is_tree: true,
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
    if has_root(&db) {
        let is_newest = has_both || is_before;
        let newer = (!is_newest).then(|| newer(&db, options)).flatten();
        return newer.or_else(|| {
            let choice = Choice::Newest { txid: newest };
            Some(best(db, choice, is_newest, older, txid))
        });
    }
    // Without its root nothing of the newest tree is reached.
    let previous = db.previous().filter(has_root);
    if let Some(found) = newer(previous.as_ref().unwrap_or(&db), options) {
        // Another root than the one that the meta names is an older one; how old, nobody knows. The bucket
        // below a root may be the newest.
        let is_top = matches!(found.choice, Choice::Top { .. });
        return Some(Best {
            older: previous.map(|db| *db.meta()),
            is_newest: has_both && is_top,
            is_tree: found.is_tree && is_top,
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

/// A whole tree that is younger than that of `db`, and that no valid meta names.
fn newer<'s>(db: &Db<'s>, options: SalvageOptions) -> Option<Best<'s>> {
    if options.schemas.0.is_empty() {
        return None;
    }
    let (view, page_size) = (db.view(), db.page_size());
    let pages = db.pages_in_file();
    let mut budget = COUNTED;
    let has_tree = has_root(db);
    let old = has_tree.then(|| size(db, options.schemas.0, &mut budget));
    let claimed = claims(db);
    let roots: Vec<PageId> = roots(view, page_size, pages, options.schemas)
        .into_iter()
        .filter(|root| !has_tree || !claimed.has(*root))
        .collect();
    let tried = u64::try_from(roots.len()).unwrap_or(u64::MAX);
    let db_of = |root: &PageId| {
        let meta = Meta {
            root: *root,
            high_water: PageId(pages),
            ..*db.meta()
        };
        Db::of_meta(view, page_size, db.metas().clone(), meta)
    };
    let is_better = |size: &(bool, Option<Time>, usize)| {
        size.0 && old.is_none_or(|old| !old.0 || size.1 > old.1)
    };
    let whole = roots.iter().map(db_of).filter_map(|one| {
        let schema = options.schemas.of_root(&one.root())?;
        let size = size(&one, &[schema], &mut budget);
        is_better(&size).then_some((size, one, schema))
    });
    let best = whole.max_by_key(|(size, ..)| *size);
    let txid = db.meta().txid.saturating_add(2);
    let make = |db: Db<'s>, choice, schema| Best {
        db,
        choice,
        schema: Some(schema),
        is_newest: false,
        is_tree: true,
        older: None,
        txid,
    };
    if let Some((_, one, schema)) = best {
        let page = one.meta().root;
        let older = Some(*db.meta()).filter(|_| has_tree);
        return Some(Best {
            older,
            ..make(one, Choice::Root { page, tried }, schema)
        });
    }
    if has_tree && db.metas().iter().any(Result::is_err) {
        // With its root gone as well, nobody can say that a transaction was committed.
        return None;
    }
    let mut budget = COUNTED;
    let tops = roots.iter().map(db_of).filter_map(|one| {
        let (name, schema) = top(&one, options.schemas)?;
        let size = size(&one, &[schema], &mut budget);
        let is_young = size.0 && old.is_none_or(|old| !old.0 || size.1 >= old.1);
        is_young.then_some((size, one, name, schema))
    });
    let (_, one, name, schema) = tops.max_by_key(|(size, ..)| *size)?;
    let page = one.meta().root;
    Some(make(one, Choice::Top { name, page, tried }, schema))
}

/// The pages of a tree.
fn claims(db: &Db<'_>) -> Bits {
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

/// Whether the newest tree is not what the last transaction wrote: the one before is whole.
fn is_stale(db: &Db<'_>, schemas: Schemas) -> bool {
    if db.pages_in_file() > COMPARED {
        return false;
    }
    let lost = db.lost_writes(&db.check(), schemas);
    lost.iter().any(|found| found.fault.what.is_stale_root())
}

/// Whether the root page can be read at all.
fn has_root(db: &Db<'_>) -> bool {
    let contents = db.root().contents();
    contents.is_whole() || !contents.entries.is_empty()
}

/// How good a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Worth {
    fit: Fit,
    is_whole: bool,
    youngest: Option<Time>,
    keys: usize,
}

/// How good a tree is; none: it is not the tree of a database.
///
/// The root bucket of all programs holds nothing but buckets. One of a known schema is best: then a
/// tree without faults, the one with the youngest record, the one with most keys. Counting has a
/// budget for all trees together.
fn worth(db: &Db<'_>, schemas: Schemas, budget: &mut usize) -> Option<Worth> {
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
    let (is_whole, youngest, keys) = size(db, schemas.0, budget);
    Some(Worth {
        fit,
        is_whole,
        youngest,
        keys,
    })
}

/// The name under which the root page of `db` stands in the root bucket of a known schema.
fn top(db: &Db<'_>, schemas: Schemas) -> Option<(&'static str, &'static dyn Schema)> {
    let mut all = schemas.0.iter().copied();
    all.find_map(|schema| Some((schema.top(&db.root())?, schema)))
}

/// Whether a tree has no fault, when its youngest record was made, and how many keys it has.
fn size(
    db: &Db<'_>,
    schemas: &[&'static dyn Schema],
    budget: &mut usize,
) -> (bool, Option<Time>, usize) {
    let (mut keys, mut is_whole, mut youngest) = (0_usize, true, None);
    for step in db.walk() {
        match step.what {
            Visit::Entry(entry) => {
                keys = keys.saturating_add(1);
                if let Some(value) = entry.value.bytes().filter(|value| value.len() <= 16) {
                    let times = schemas
                        .iter()
                        .filter_map(|schema| schema.birthday(entry.key, value));
                    youngest = youngest.max(times.max());
                }
            }
            Visit::Fault(fault) => is_whole &= fault.unknown.is_none(),
        }
        *budget = budget.saturating_sub(1);
        if *budget == 0 {
            break;
        }
    }
    (is_whole, youngest, keys)
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

/// Leaves and branches in order that may be roots. First those that a schema knows, whoever names
/// them: what names them may be older. Then those that no other page names, those with most elements
/// first.
fn roots(view: View<'_>, page_size: u64, pages: u64, schemas: Schemas) -> Vec<PageId> {
    let mut named = BTreeSet::new();
    let mut nodes = Vec::new();
    let mut known = Vec::new();
    for id in 2..pages {
        let at = PageId(id).at(page_size);
        let Some(node) = node(view, PageId(id), at, page_size) else {
            continue;
        };
        let mut faults = Vec::new();
        let mut has_bucket = false;
        scan(&node, Bounds::default(), &mut faults, |element, _| {
            let below = element.child.or_else(|| {
                let is_bucket = element.flags & BUCKET_FLAG != 0;
                has_bucket |= is_bucket;
                match inline::header(element.value, node.id()).0 {
                    Some(Bucket::Page { root, .. }) if is_bucket => Some(root),
                    _ => None,
                }
            });
            named.extend(below);
        });
        if faults.is_empty() {
            nodes.push((core::cmp::Reverse(node.count()), node.id()));
            if has_bucket && known.len() < TRIED && is_root(view, page_size, pages, &node, schemas)
            {
                known.push(node.id());
            }
        }
    }
    nodes.retain(|(_, id)| !named.contains(id) && !known.contains(id));
    nodes.sort();
    let others = nodes.into_iter().map(|(_, id)| id);
    known.into_iter().chain(others).take(TRIED).collect()
}

/// Whether a schema knows the node as a root, or as the one bucket in it.
fn is_root(view: View<'_>, page_size: u64, pages: u64, node: &Node<'_>, schemas: Schemas) -> bool {
    let space = Space {
        view,
        page_size,
        end: PageId(pages),
        is_thorough: true,
    };
    let bucket = crate::bucket::Bucket::at_page(space, node.id(), 0);
    schemas.of_root(&bucket).is_some()
        || schemas.0.iter().any(|schema| schema.top(&bucket).is_some())
}

fn node(view: View<'_>, id: PageId, at: u64, page_size: u64) -> Option<Node<'_>> {
    let page = view.slice(at, page_size, "page").ok()?;
    let header = Header::read_page_header(page).ok()?;
    let kind = header
        .kind()
        .filter(|kind| matches!(kind, Kind::Branch | Kind::Leaf))?;
    // Overflow is bounded, as in the check: nothing is looked at again and again.
    let is_own = header.id == id && header.overflow <= 64;
    let len = header.pages().saturating_mul(page_size);
    let run = view.slice(at, len, "page").ok().filter(|_| is_own)?;
    Some(Node::new(run, id, header, kind))
}
