//! Which tree to save.

use std::collections::BTreeSet;

use serde::Serialize;
use view::View;

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
}

/// Pages that are tried as a root.
const TRIED: usize = 256;

/// The best tree of a file.
pub(super) fn tree(view: View<'_>) -> Option<(Db<'_>, Choice)> {
    let opened = Db::open(view);
    let valid = opened.db.map(Db::thorough).filter(has_root);
    if let Some(db) = valid {
        let txid = db.meta().txid;
        return Some((db, Choice::Newest { txid }));
    }
    let found = find::metas(&view, view.len());
    let page_size = found.page_size.or_else(|| find::by_stride(view))?;
    let db_of = |meta| Db::of_meta(view, page_size, found.metas.clone(), meta);
    if let Some(db) = plausible(view, page_size, view.len())
        .map(db_of)
        .filter(has_root)
    {
        let slot = db.meta().slot;
        return Some((db, Choice::Meta { slot }));
    }
    let pages = view.len().checked_div(page_size)?;
    let roots = roots(view, page_size, pages);
    let tried = u64::try_from(roots.len()).unwrap_or(u64::MAX);
    let best = roots
        .into_iter()
        .map(|root| db_of(guess(root, page_size, pages)))
        .max_by_key(keys)?;
    let page = best.meta().root;
    Some((best, Choice::Root { page, tried }))
}

/// Whether the root page can be read at all.
fn has_root(db: &Db<'_>) -> bool {
    let contents = db.root().contents();
    contents.is_whole() || !contents.entries.is_empty()
}

/// How good a tree is: first whether its root bucket holds nothing but buckets, as those of all
/// known programs do; then how many keys can be reached.
fn keys(db: &Db<'_>) -> (bool, usize) {
    let root = db.root().contents();
    let only_buckets = root
        .entries
        .iter()
        .all(|entry| matches!(entry.value, Value::Bucket(_)));
    let entries = db
        .walk()
        .filter(|step| matches!(step.what, Visit::Entry(_)));
    (only_buckets, entries.count())
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
