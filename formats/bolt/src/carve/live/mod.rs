//! The tree in use, as carved records are compared with it.

mod asked;

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use finding::Time;
use view::View;

use crate::{
    bucket::Value,
    carve::{
        looks::Looks,
        paths::{PathId, Paths},
        relic::Relic,
    },
    check::{Bits, Found, plausible},
    codes::{LOST_WRITE, STALE_ROOT},
    db::Db,
    fault::KeyRange,
    find,
    node::Node,
    page::{HEADER, Header, Kind, PageId},
    schema::{Schema, Schemas},
    walk::{BucketPath, Visit, Walk},
};
use asked::FIELDS;

/// Where something stands in the tree in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// In this bucket, and in no other.
    One(PathId),
    /// In several.
    Many,
}

impl Home {
    pub(crate) const fn one(self) -> Option<PathId> {
        match self {
            Self::One(path) => Some(path),
            Self::Many => None,
        }
    }
}

/// What stands under a key of the tree in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// A value with this hash.
    Value(u64),
    Bucket,
}

/// How a key and its value compare with the tree in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// They are there.
    Same,
    /// The key is there with another value.
    Differs,
    /// The key is not there.
    Absent,
    /// Damage may hide it, or there is no tree.
    Unknown,
}

/// Larger files are not searched for lost writes: that takes both trees into memory.
const COMPARED: u64 = 32 << 20;

/// Keys whose names and values the index keeps: those of the relics.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    keys: HashSet<u64>,
}

/// The trees of both metas, and where what stands in the newest.
#[derive(Debug)]
pub(crate) struct Live<'s> {
    pub(crate) db: Option<Db<'s>>,
    /// Whether the meta in use is valid.
    pub(crate) is_valid: bool,
    /// Pages of the newest tree, its freelist, and the metas.
    pub(crate) claimed: Bits,
    /// Pages of the tree before that the newest does not use.
    pub(crate) before: Bits,
    /// Pages with elements in the newest tree.
    pub(crate) nodes: Vec<PageId>,
    /// Whether all of the newest tree can be read.
    pub(crate) is_whole: bool,
    /// The tree of the transaction before, if there is one.
    pub(crate) previous: Option<Db<'s>>,
    /// Whether all of that can be read, and is what its transaction wrote.
    pub(crate) is_previous_whole: bool,
    /// Whether pages of other buckets stand in it: a transaction that died wrote over it.
    pub(crate) is_overwritten: bool,
    hash: RandomState,
    entries: HashMap<(PathId, u64), Held>,
    hidden: HashMap<PathId, Vec<KeyRange>>,
    pub(crate) sequences: HashMap<PathId, u64>,
    keys: HashMap<u64, Home>,
    pairs: HashMap<u64, Home>,
    shapes: HashMap<u64, Home>,
    links: HashSet<(u64, PageId)>,
    pub(crate) root_keys: HashSet<Vec<u8>>,
    /// What the keys of each bucket look like.
    looks: HashMap<PathId, Looks>,
    /// The keys that the buckets inside each bucket have, where they are few: names of fields.
    fields: HashMap<PathId, HashSet<u64>>,
    /// The newest time among the values of the tree in use.
    pub(crate) newest: Option<Time>,
    /// The lowest page that only the tree of the transaction before uses.
    pub(crate) lowest_before: Option<PageId>,
    /// The bucket to which a page in use belongs, for pages with hidden elements.
    pub(crate) owners: HashMap<PageId, Option<PathId>>,
    schemas: Schemas,
    schema: Option<&'static dyn Schema>,
}

fn insert(homes: &mut HashMap<u64, Home>, key: u64, path: PathId) {
    homes
        .entry(key)
        .and_modify(|home| {
            if *home != Home::One(path) {
                *home = Home::Many;
            }
        })
        .or_insert(Home::One(path));
}

impl<'s> Live<'s> {
    /// Opens the trees of the file; `page_size` where nothing else gives one.
    pub(crate) fn open(view: View<'s>, page_size: u64, schemas: Schemas) -> Self {
        let found = find::metas(&view, view.len());
        let pages = PageId(view.len().div_ceil(page_size.max(1)));
        let mut live = Self {
            db: None,
            is_valid: false,
            claimed: Bits::new(pages),
            before: Bits::new(pages),
            nodes: Vec::new(),
            is_whole: false,
            previous: None,
            is_previous_whole: false,
            is_overwritten: false,
            hash: RandomState::new(),
            entries: HashMap::new(),
            hidden: HashMap::new(),
            sequences: HashMap::new(),
            keys: HashMap::new(),
            pairs: HashMap::new(),
            shapes: HashMap::new(),
            links: HashSet::new(),
            root_keys: HashSet::new(),
            looks: HashMap::new(),
            fields: HashMap::new(),
            newest: None,
            lowest_before: None,
            owners: HashMap::new(),
            schemas,
            schema: None,
        };
        live.db = Db::open(view)
            .db
            .filter(|db| db.page_size() == page_size)
            .filter(|db| {
                let contents = db.root().contents();
                contents.is_whole() || !contents.entries.is_empty()
            });
        live.is_valid = live.db.is_some();
        if live.db.is_none() {
            live.db = plausible(view, page_size, view.len())
                .map(|meta| Db::of_meta(view, page_size, found.metas, meta))
                .filter(|db| !db.root().contents().entries.is_empty());
        }
        live.schema = live.db.as_ref().and_then(|db| schemas.schema_of(db));
        live.claim(view, page_size);
        live
    }

    /// Notes which pages the trees use.
    fn claim(&mut self, view: View<'s>, page_size: u64) {
        for id in [0, 1] {
            self.claimed.insert(PageId(id));
        }
        let Some(db) = self.db.clone() else { return };
        let meta = *db.meta();
        if meta.is_freelist_synced() {
            claim_run(view, page_size, meta.freelist, &mut self.claimed);
        }
        let mut walk = db.walk();
        self.is_whole = hides_nothing(&mut walk) && self.is_valid;
        self.nodes = walk.pages().collect();
        self.nodes.sort();
        for id in &self.nodes {
            self.claimed.insert(*id);
        }
        for id in &self.nodes {
            claim_run(view, page_size, *id, &mut self.claimed);
        }
        let Some(previous) = db.previous() else {
            return;
        };
        let mut walk = previous.walk();
        self.is_previous_whole = hides_nothing(&mut walk);
        let claimed = &self.claimed;
        let mut older: Vec<PageId> = walk.pages().filter(|id| !claimed.has(*id)).collect();
        older.sort();
        for id in &older {
            self.before.insert(*id);
        }
        self.lowest_before = older.first().copied();
        for id in older {
            claim_run(view, page_size, id, &mut self.before);
        }
        self.previous = Some(previous);
    }

    /// The transaction of the tree in use; none: no meta says it.
    pub(crate) fn txid(&self) -> Option<u64> {
        let db = self.db.as_ref().filter(|_| self.is_valid)?;
        Some(db.meta().txid)
    }

    /// The first page that the tree in use cannot have.
    pub(crate) fn mark(&self) -> PageId {
        self.db
            .as_ref()
            .map_or(PageId(u64::MAX), |db| db.meta().high_water)
    }

    /// The time in a value, if it is one.
    pub(crate) fn time(&self, value: &[u8]) -> Option<Time> {
        self.schema?.time(value)
    }

    /// When the object of this key and value was made, if they say it.
    pub(crate) fn birthday(&self, key: &[u8], value: &[u8]) -> Option<Time> {
        self.schema?.birthday(key, value)
    }

    pub(crate) fn hash_key(&self, key: &[u8]) -> u64 {
        self.hash.hash_one(key)
    }

    pub(crate) fn hash_pair(&self, key: &[u8], value: &[u8]) -> u64 {
        self.hash.hash_one((key, value))
    }

    /// The keys that the index has to keep.
    pub(crate) fn wanted(&self, relics: &[Relic<'s>]) -> Wanted {
        let mut wanted = Wanted::default();
        for relic in relics {
            for element in relic.elements() {
                wanted.keys.insert(self.hash_key(element.key.bytes()));
                if let Some(inside) = super::inline_page(&element) {
                    for element in super::inline_elements(inside, relic.id()) {
                        wanted.keys.insert(self.hash_key(element.key.bytes()));
                    }
                }
            }
        }
        wanted
    }

    /// Notes where everything stands.
    pub(crate) fn index(&mut self, paths: &mut Paths<'s>, wanted: &Wanted) {
        let Some(db) = self.db.clone() else { return };
        let mut shapes: HashMap<PathId, u64> = HashMap::new();
        let mut last = Cursor::default();
        self.sequences.insert(PathId::ROOT, db.meta().sequence);
        for step in db.walk() {
            let Some(path) = last.path_of_bucket(&step.bucket, paths) else {
                self.is_whole = false;
                continue;
            };
            self.link(&step.what);
            match step.what {
                Visit::Fault(fault) => {
                    if let Some(range) = fault.unknown {
                        self.hidden.entry(path).or_default().push(*range);
                    }
                }
                Visit::Entry(entry) => {
                    // What is inside an inline bucket comes after the bucket itself.
                    if let Some(owner) = self.owners.get_mut(&entry.page) {
                        owner.get_or_insert(path);
                    }
                    let key = self.hash_key(entry.key);
                    let shape = shapes.entry(path).or_default();
                    *shape = shape.wrapping_add(key);
                    let looks = self.looks.entry(path).or_default();
                    looks.add(entry.key, matches!(entry.value, Value::Bucket(_)));
                    if let Some((up, _)) = paths.up(path) {
                        let fields = self.fields.entry(up).or_default();
                        if fields.len() <= FIELDS {
                            fields.insert(key);
                        }
                    }
                    if path == PathId::ROOT {
                        self.root_keys.insert(entry.key.to_vec());
                    }
                    if let Value::Bucket(bucket) = &entry.value
                        && let Some(below) = paths.below(path, entry.key)
                    {
                        self.sequences.insert(below, bucket.sequence());
                        if let Some(owner) =
                            bucket.page().and_then(|page| self.owners.get_mut(&page))
                        {
                            owner.get_or_insert(below);
                        }
                    }
                    if wanted.keys.contains(&key) {
                        self.keep(path, key, entry.key, &entry.value);
                    }
                }
            }
        }
        for (path, shape) in shapes {
            insert_shape(&mut self.shapes, shape, paths.up(path).map(|(up, _)| up));
        }
        self.index_previous(paths);
        if db.view().len() <= COMPARED {
            for found in db.doubted_writes(&db.check(), self.schemas) {
                self.doubt(&found, paths);
            }
        }
    }

    /// Takes a bucket whose page seems to be of an older transaction for one that may hide keys.
    fn doubt(&mut self, found: &Found, paths: &Paths<'s>) {
        // A note is none: a reader of an older transaction explains it.
        let name = found.fault.what.code().name;
        let is_doubt =
            (name == LOST_WRITE.name || name == STALE_ROOT.name) && found.fault.eased.is_none();
        if !is_doubt {
            return;
        }
        let mut path = Some(PathId::ROOT);
        for key in &found.path {
            path = path.and_then(|up| paths.find(up, key));
        }
        if let Some(path) = path {
            self.hidden
                .entry(path)
                .or_default()
                .push(KeyRange::default());
            self.is_whole = false;
        }
    }

    /// Notes what the tree of the transaction before names, and whether its pages are still its own.
    ///
    /// A transaction that died may have begun to write over it: then there are whole pages with the
    /// right numbers, which are those of other buckets.
    fn index_previous(&mut self, paths: &mut Paths<'s>) {
        let Some(previous) = self.previous.clone() else {
            return;
        };
        let mut last = Cursor::default();
        let mut shared: HashMap<PathId, u64> = HashMap::new();
        for step in previous.walk() {
            self.link(&step.what);
            let path = last.path_of_bucket(&step.bucket, paths);
            if let (Visit::Entry(entry), Some(path)) = (&step.what, path)
                && self.before.has(entry.page)
                && self.has_bucket(path)
            {
                let common = shared.entry(path).or_default();
                let is_common = self.entries.contains_key(&(path, self.hash_key(entry.key)));
                *common = common.saturating_add(u64::from(is_common));
            }
        }
        // One transaction rarely replaces all keys of a bucket.
        self.is_overwritten = shared
            .iter()
            .any(|(path, common)| *common == 0 && self.looks.contains_key(path));
        if self.is_overwritten {
            self.is_previous_whole = false;
        }
    }

    fn keep(&mut self, path: PathId, hash: u64, key: &[u8], value: &Value<'s>) {
        insert(&mut self.keys, hash, path);
        let held = match value {
            Value::Bytes(bytes) => {
                self.newest = self.newest.max(self.time(bytes));
                let pair = self.hash_pair(key, bytes);
                insert(&mut self.pairs, pair, path);
                Held::Value(pair)
            }
            Value::Bucket(_) => Held::Bucket,
        };
        self.entries.insert((path, hash), held);
    }

    fn link(&mut self, what: &Visit<'s>) {
        if let Visit::Entry(entry) = what
            && let Value::Bucket(bucket) = &entry.value
            && let Some(page) = bucket.page()
        {
            self.links.insert((self.hash_key(entry.key), page));
        }
    }
}

/// The bucket of the last step of a walk.
#[derive(Default)]
struct Cursor<'s>(BucketPath<'s>, Option<PathId>);

impl<'s> Cursor<'s> {
    fn path_of_bucket(&mut self, bucket: &BucketPath<'s>, paths: &mut Paths<'s>) -> Option<PathId> {
        if self.1.is_none() || !Arc::ptr_eq(bucket, &self.0) {
            let mut path = Some(PathId::ROOT);
            for key in bucket.iter() {
                path = path.and_then(|up| paths.below(up, key));
            }
            *self = Self(Arc::clone(bucket), path);
        }
        self.1
    }
}

/// Buckets with the same keys stand in one bucket, or in several.
fn insert_shape(shapes: &mut HashMap<u64, Home>, shape: u64, up: Option<PathId>) {
    match up {
        Some(up) => insert(shapes, shape, up),
        None => {
            shapes.insert(shape, Home::Many);
        }
    }
}

fn hides_nothing(walk: &mut Walk<'_>) -> bool {
    walk.by_ref().fold(true, |whole, step| match step.what {
        Visit::Fault(fault) => whole && fault.unknown.is_none(),
        Visit::Entry(_) => whole,
    })
}

/// Claims `id` with the overflow that it needs.
fn claim_run(view: View<'_>, page_size: u64, id: PageId, into: &mut Bits) {
    into.insert(id);
    let at = id.at(page_size);
    let Ok(header) = view
        .slice(at, HEADER, "page header")
        .and_then(Header::read_page_header)
    else {
        return;
    };
    let mut pages = header.pages();
    if let Some(kind @ (Kind::Branch | Kind::Leaf)) = header.kind()
        && let Ok(run) = view.rest(at, "page")
    {
        pages = pages.min(Node::new(run, id, header, kind).needs(page_size));
    }
    let left = view.len().saturating_sub(at).div_ceil(page_size.max(1));
    // Runs of a healthy file do not meet; those of a hostile one end where they do.
    for more in 1..pages.min(left) {
        if !into.insert(PageId(id.0.saturating_add(more))) {
            break;
        }
    }
}
