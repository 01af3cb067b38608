//! Pages that may be the root of a tree, where no meta names one.

use std::collections::BTreeSet;

use view::View;

use super::worth::size;
use crate::{
    db::Db,
    inline::{self, Header as Bucket},
    meta::{MAGIC, Meta, VERSION},
    node::{BUCKET_FLAG, Node},
    page::{Header, Kind, PageId},
    scan::{Bounds, scan},
    schema::{Schema, Schemas},
    space::Space,
};

/// Pages that are tried as a root.
const TRIED: usize = 256;

/// Whether any page is the top of a known schema: then a root that is none is no root.
pub(super) fn is_known<'s>(
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
pub(super) fn best_top<'s>(
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

/// The name under which the root page of `db` stands in the root bucket of a known schema.
pub(super) fn top(db: &Db<'_>, schemas: Schemas) -> Option<(&'static str, &'static dyn Schema)> {
    let mut all = schemas.0.iter().copied();
    all.find_map(|schema| Some((schema.top(&db.root())?, schema)))
}

/// A meta for a tree that has none.
pub(super) fn guess(root: PageId, page_size: u64, pages: u64) -> Meta {
    Meta {
        slot: 0,
        header: Header::of_meta(0),
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

/// Pages that may be roots.
#[derive(Debug, Default)]
pub(super) struct Roots {
    pub(super) pages: Vec<PageId>,
    /// Those in which, as a bucket, another one of them stands with the same keys.
    pub(super) outer: BTreeSet<PageId>,
}

/// Leaves and branches in order that may be roots. First those that a schema knows, whoever names
/// them: what names them may be older. Then those that no other page names, those with most elements
/// first: leaves, as a root has few elements, then branches. No program can put a value into the root.
///
/// None: there is no such page at all, nor any other leaf or branch.
pub(super) fn roots(view: View<'_>, page_size: u64, pages: u64, schemas: Schemas) -> Option<Roots> {
    let mut is_any = false;
    let mut named = BTreeSet::new();
    let mut nodes = Vec::new();
    let mut known = Vec::new();
    for id in 2..pages {
        let at = PageId(id).at(page_size);
        let Some(node) = node(view, PageId(id), at, page_size) else {
            continue;
        };
        let mut faults = Vec::new();
        let (mut has_bucket, mut has_value) = (false, false);
        scan(&node, Bounds::default(), &mut faults, |element, _| {
            let is_bucket = element.flags & BUCKET_FLAG != 0;
            let below = element.child.or_else(|| {
                has_bucket |= is_bucket;
                has_value |= !is_bucket;
                match inline::header(element.value, node.id()).0 {
                    Some(Bucket::Page { root, .. }) if is_bucket => Some(root),
                    _ => None,
                }
            });
            named.extend(below);
        });
        if faults.is_empty() {
            is_any = true;
            if !has_value {
                let is_branch = node.kind() == Kind::Branch;
                nodes.push((is_branch, core::cmp::Reverse(node.count()), node.id()));
            }
            if has_bucket && known.len() < TRIED && is_root(view, page_size, pages, &node, schemas)
            {
                known.push(node.id());
            }
        }
    }
    let all: BTreeSet<PageId> = nodes.iter().map(|(.., id)| *id).collect();
    nodes.retain(|(.., id)| !named.contains(id) && !known.contains(id));
    nodes.sort();
    let others = nodes.into_iter().map(|(.., id)| id);
    let mut outer = BTreeSet::new();
    let mut pages_of = Vec::new();
    for id in others.take(TRIED) {
        let inner = innermost(view, page_size, id, &all);
        if inner != id {
            outer.insert(id);
            pages_of.push(inner);
        }
        pages_of.push(id);
    }
    is_any.then(|| Roots {
        pages: known.into_iter().chain(pages_of).take(TRIED).collect(),
        outer,
    })
}

/// An older root may name, as the page of a bucket, what is a newer root by now: that has the same keys, and
/// is the better one, unless a list of free pages says otherwise.
fn innermost(view: View<'_>, page_size: u64, root: PageId, all: &BTreeSet<PageId>) -> PageId {
    let rows = |id: PageId| -> Option<Vec<(Vec<u8>, Option<PageId>)>> {
        let node = node(view, id, id.at(page_size), page_size)?;
        let elements = (0..node.count()).map(|index| node.element(index).ok());
        let rows = elements.map(|element| {
            let element = element?;
            let below = match inline::header(element.value, id).0 {
                Some(Bucket::Page { root, .. }) => Some(root),
                _ => None,
            };
            Some((element.key.bytes().to_vec(), below))
        });
        rows.collect()
    };
    let mut seen = BTreeSet::from([root]);
    let mut found = root;
    while let Some(own) = rows(found) {
        let is_same = |id: &PageId| {
            let other = rows(*id);
            other.is_some_and(|other| {
                own.iter()
                    .map(|row| &row.0)
                    .eq(other.iter().map(|row| &row.0))
            })
        };
        let mut below = own.iter().filter_map(|row| row.1);
        let next = below.find(|id| all.contains(id) && is_same(id));
        match next {
            Some(next) if seen.insert(next) => found = next,
            _ => break,
        }
    }
    found
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
