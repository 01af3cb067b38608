//! Whose each database is: meta.db and metadata.db that were exchanged, or copied one over the other. What a file is
//! says its own schema, and which snapshotter's a metadata.db is, meta.db: it has the names of all its snapshots.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bolt::Db;
use content::Store;
use evidence::Evidence;
use finding::{Known, Text};
use metadb::{Backend, MetaDb, Whose};

use crate::{Database, DatabaseState, Headers, META_DIR, Node, Snapshotter, path_text};

/// The database that stands where another one belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stranger {
    /// A meta.db.
    Meta,
    /// A metadata.db: of this snapshotter, where that is known.
    Backend(Option<Text>),
    /// Records of meta.db and of a metadata.db: a daemon used it as the one and as the other.
    Both,
    /// A meta.db of another root: none of its blobs and snapshots is here.
    Elsewhere,
}

impl core::fmt::Display for Stranger {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Meta => f.write_str("it is a meta.db"),
            Self::Backend(None) => f.write_str("it is the metadata.db of a snapshotter"),
            Self::Backend(Some(name)) => write!(f, "it is the metadata.db of {name}"),
            Self::Both => f.write_str("it holds records of meta.db and of a metadata.db"),
            Self::Elsewhere => f.write_str(
                "it is the meta.db of another root: none of its blobs and snapshots is here",
            ),
        }
    }
}

/// A database that stands in the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// Where it belongs.
    pub place: PathBuf,
    /// Where it is.
    pub found: PathBuf,
}

/// Rows, and whose they are.
type Told<T> = (Option<Whose>, T);

impl Database<MetaDb> {
    /// meta.db at `path`.
    pub fn open_meta(evidence: &Evidence, path: &Path, headers: Headers) -> Self {
        Database::open_as(evidence, path, headers, told_meta).of_own(Whose::Meta)
    }

    /// As [`Self::open_meta`], of bytes that are to stand at `path`.
    pub fn meta_of(bytes: &[u8], path: &Path, headers: Headers) -> Self {
        Database::of_bytes(bytes, path, headers, told_meta).of_own(Whose::Meta)
    }
}

impl Database<Backend> {
    /// The metadata.db at `path`.
    pub(crate) fn open_backend(evidence: &Evidence, path: &Path, headers: Headers) -> Self {
        let told = |db: &Db<'_>| (Whose::of_tree(db), Backend::read_backend(db));
        Database::open_as(evidence, path, headers, told).of_own(Whose::Backend)
    }
}

fn told_meta(db: &Db<'_>) -> Told<MetaDb> {
    (Whose::of_tree(db), MetaDb::read_meta(db))
}

impl<T> Database<Told<T>> {
    /// With its rows, if it is what it should be.
    fn of_own(self, wanted: Whose) -> Database<T> {
        let Self {
            path,
            mut state,
            facts,
            faults,
            rows,
        } = self;
        let whose = rows.as_ref().and_then(|(whose, _)| *whose);
        let stranger = whose.filter(|whose| *whose != wanted);
        if let Some(stranger) = stranger {
            state = DatabaseState::Other(match stranger {
                Whose::Meta => Stranger::Meta,
                Whose::Backend => Stranger::Backend(None),
                Whose::Both => Stranger::Both,
            });
        }
        let rows = rows.filter(|_| stranger.is_none()).map(|(_, rows)| rows);
        Database {
            path,
            state,
            facts,
            faults,
            rows,
        }
    }
}

impl<T> Database<T> {
    /// Nothing of it is this node's, or this snapshotter's.
    fn disown(&mut self, stranger: Stranger) {
        self.rows = None;
        self.state = DatabaseState::Other(stranger);
    }
}

/// Finds metadata.db files that are another snapshotter's, and a meta.db of another root.
pub(crate) fn compare(
    evidence: &Evidence,
    headers: Headers,
    meta: &mut Database<MetaDb>,
    snapshotters: &mut [Snapshotter],
) {
    // The right one, wherever it is.
    let elsewhere = meta_place(snapshotters).filter(|_| meta.rows.is_none());
    let other = elsewhere.map(|path| Database::open_meta(evidence, &path, headers));
    let rows = meta.rows.as_ref().or_else(|| other.as_ref()?.rows.as_ref());
    let named = rows.map(named_snapshots).unwrap_or_default();
    if matches!(meta.state, DatabaseState::Other(Stranger::Backend(_))) {
        let path = crate::open::path_of(&meta.path);
        let backend = Database::open_backend(evidence, &path, headers);
        let owner = backend.rows.as_ref().and_then(|rows| {
            owner(rows, &named)
                .or_else(|| owner_by_numbers(rows, snapshotters).filter(|_| named.is_empty()))
        });
        meta.state = DatabaseState::Other(Stranger::Backend(owner));
    }
    for one in snapshotters.iter_mut().filter(|one| !one.is_proxy) {
        let Some(rows) = &one.db.rows else { continue };
        let owner = owner(rows, &named).filter(|owner| *owner != one.name);
        let own = named.get(&one.name);
        let is_known = |name: &Text| own.is_some_and(|own| own.contains(name));
        let is_own = rows.snapshots().iter().any(|row| is_known(&row.key));
        let dirs = one.layout.read().map(|layout| &layout.dirs);
        let fits = rows.snapshots().iter().all(|row| {
            row.id
                .is_some_and(|id| dirs.is_some_and(|dirs| dirs.contains_key(&id)))
        });
        // Keys alone may be alike where both snapshotters unpacked the same images, and one that keeps no directories
        // here (ZFS, btrfs, devmapper) shows nothing else.
        let keeps = dirs.is_some_and(|dirs| !dirs.is_empty());
        if owner.is_some() && !is_own && (own.is_some() || keeps && !fits) {
            one.db.disown(Stranger::Backend(owner));
        }
    }
    if named.is_empty() {
        exchanged(snapshotters);
    }
}

/// A meta.db that tells of other stores than these: it names blobs and snapshots, none of which is here, and of those that
/// are here it names none.
pub(crate) fn disown_foreign(
    meta: &mut Database<MetaDb>,
    snapshotters: &[Snapshotter],
    content: &Known<Store>,
) {
    let is_foreign = || {
        let rows = meta.rows.as_ref()?;
        let store = content.whole()?;
        let namespaces = rows.namespaces.whole()?;
        let mut blobs = BTreeSet::new();
        for namespace in namespaces {
            blobs.extend(
                namespace
                    .blobs
                    .whole()?
                    .iter()
                    .map(|row| row.key.to_string()),
            );
        }
        let named = named_snapshots(rows);
        let snapshots: BTreeSet<&Text> = named.values().flatten().collect();
        let mut there = Vec::new();
        for one in snapshotters.iter().filter(|one| !one.is_proxy) {
            match (&one.db.rows, &one.db.state) {
                (Some(rows), _) => there.extend(rows.snapshots.whole()?.iter().map(|row| &row.key)),
                (None, DatabaseState::Unread(why)) if why.is_absent() => {}
                (None, _) => return None,
            }
        }
        let some = !blobs.is_empty()
            && !snapshots.is_empty()
            && !there.is_empty()
            && !store.blobs.is_empty();
        let mut here = store.blobs.iter();
        let knows_blob = here.any(|blob| blobs.contains(&blob.digest.to_string()));
        Some(some && !knows_blob && !there.into_iter().any(|name| snapshots.contains(name)))
    };
    if is_foreign() == Some(true) {
        meta.disown(Stranger::Elsewhere);
    }
}

/// Without a meta.db: two metadata.db of which each has the numbers of the other's directories, and not of its own.
fn exchanged(snapshotters: &mut [Snapshotter]) {
    let facts = |one: &Snapshotter| {
        let rows = one.db.rows.as_ref().filter(|_| !one.is_proxy)?;
        let ids = ids_of(rows)?;
        let dirs: BTreeSet<u64> = one.layout.whole()?.dirs.keys().copied().collect();
        (!ids.is_empty() && ids != dirs).then(|| (one.name.clone(), ids, dirs))
    };
    let all: Vec<_> = snapshotters.iter().filter_map(facts).collect();
    for (name, ids, dirs) in &all {
        let mut others = all.iter();
        let Some((other, ..)) = others.find(|(_, of, at)| of == dirs && at == ids) else {
            continue;
        };
        if let Some(one) = snapshotters.iter_mut().find(|one| one.name == *name) {
            one.db.disown(Stranger::Backend(Some(other.clone())));
        }
    }
}

/// The snapshotter of which meta.db names most of these snapshots, and of no other as many. A daemon that was killed
/// leaves some in one of the two databases alone.
fn owner(rows: &Backend, named: &BTreeMap<Text, BTreeSet<Text>>) -> Option<Text> {
    let rows = rows.snapshots();
    let count = |names: &BTreeSet<Text>| rows.iter().filter(|row| names.contains(&row.key)).count();
    let counts = named.iter().map(|(name, names)| (count(names), name));
    let mut counts: Vec<(usize, &Text)> = counts.collect();
    counts.sort();
    let (most, owner) = counts.pop()?;
    let is_alone = counts.pop().is_none_or(|(next, _)| next < most);
    (is_alone && most.saturating_mul(2) > rows.len()).then(|| owner.clone())
}

/// The numbers of all its snapshots; nothing where they could not be read whole.
fn ids_of(rows: &Backend) -> Option<BTreeSet<u64>> {
    let rows = rows.snapshots.whole()?;
    Some(rows.iter().filter_map(|row| row.id).collect())
}

/// The snapshotter whose directories have just the numbers of these snapshots, if there is one alone.
fn owner_by_numbers(rows: &Backend, snapshotters: &[Snapshotter]) -> Option<Text> {
    let ids = ids_of(rows)?;
    let fits = |one: &&Snapshotter| {
        let layout = one.layout.whole();
        layout.is_some_and(|layout| layout.dirs.keys().copied().eq(ids.iter().copied()))
    };
    let mut owners = snapshotters.iter().filter(|one| !one.is_proxy).filter(fits);
    let owner = owners.next().filter(|_| !ids.is_empty())?;
    owners.next().is_none().then(|| owner.name.clone())
}

/// The names of snapshots in meta.db, by snapshotter.
fn named_snapshots(rows: &MetaDb) -> BTreeMap<Text, BTreeSet<Text>> {
    let mut named: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    for namespace in rows.namespaces() {
        for snapshots in namespace.snapshots.read().into_iter().flatten() {
            let all = named.entry(snapshots.snapshotter.clone()).or_default();
            let rows = snapshots.rows.read().into_iter().flatten();
            all.extend(rows.map(|row| row.value.name.clone()));
        }
    }
    named.retain(|_, names| !names.is_empty());
    named
}

/// Where the only meta.db is that stands in the place of a metadata.db.
fn meta_place(snapshotters: &[Snapshotter]) -> Option<PathBuf> {
    let is_meta = |one: &&Snapshotter| one.db.state == DatabaseState::Other(Stranger::Meta);
    let mut found = snapshotters.iter().filter(is_meta);
    let found = found.next().filter(|_| found.next().is_none())?;
    Some(found.root.join("metadata.db"))
}

impl Node {
    /// Databases that are sound and stand where another one belongs, each where that one's place holds none of its own.
    pub fn misplaced(&self) -> Vec<Misplaced> {
        let is_free = |state: &DatabaseState| match state {
            DatabaseState::Open => false,
            DatabaseState::Unread(why) => why.is_absent(),
            _ => true,
        };
        let meta = self.roots.root.join(META_DIR).join("meta.db");
        let mut found = Vec::new();
        if is_free(&self.meta.state)
            && let Some(place) = meta_place(&self.snapshotters)
        {
            found.push(Misplaced {
                place: meta.clone(),
                found: place,
            });
        }
        for one in &self.snapshotters {
            let own = DatabaseState::Other(Stranger::Backend(Some(one.name.clone())));
            let others = self
                .snapshotters
                .iter()
                .filter(|other| other.db.state == own);
            let mut places: Vec<PathBuf> =
                others.map(|other| other.root.join("metadata.db")).collect();
            places.extend((self.meta.state == own).then(|| meta.clone()));
            if let [place] = places.as_slice()
                && is_free(&one.db.state)
            {
                found.push(Misplaced {
                    place: one.root.join("metadata.db"),
                    found: place.clone(),
                });
            }
        }
        let is_sound = |one: &Misplaced| {
            let path = path_text(&one.found);
            let mut backends = self.snapshotters.iter().map(|one| &one.db);
            let faults = if self.meta.path == path {
                Some(self.meta.is_damaged())
            } else {
                backends
                    .find(|db| db.path == path)
                    .map(Database::is_damaged)
            };
            faults == Some(false)
        };
        found.retain(is_sound);
        found
    }
}
