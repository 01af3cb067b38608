//! What a snapshotter deletes once one of its snapshots left meta.db.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Text, Unknown, Unread, size_option};
use metadb::{Backend, BackendSnapshot, MetaDb, Row};
use node::graph::{Id, Kind};
use node::{DatabaseState, Snapshotter};
use serde::Serialize;
use snapshots::{Layout, Rules as Layouts};

use super::{Collection, Fate, is_dirty, known_rows, namespaces, path_text, unnamed};

/// A snapshot of metadata.db and its fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackendRow {
    /// Its key: `<namespace>/<N>/<key>`.
    pub key: Text,
    /// The number of its directory.
    pub id: Option<u64>,
    /// What it is.
    pub kind: Option<metadb::Kind>,
    /// Bytes on disk when it was committed.
    #[serde(serialize_with = "size_option")]
    pub size: Option<u64>,
    /// The record of meta.db that names it.
    pub record: Option<Id>,
    /// Its directory, if it is there.
    pub path: Option<Text>,
    /// What becomes of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// Something in the folders of snapshots that no row of metadata.db has, and its fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Where it lies.
    pub path: Text,
    /// What becomes of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What a snapshotter deletes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackendRun {
    /// Its name.
    pub snapshotter: Text,
    /// Its root.
    pub root: Text,
    /// Whether a snapshot of it is deleted from meta.db: else it is not looked at. Nothing where
    /// that cannot be decided.
    pub dirty: Option<bool>,
    /// Why it does not get to its end, as the daemon's log says it.
    pub failure: Option<String>,
    /// Its snapshots.
    pub rows: Vec<BackendRow>,
    /// What else lies among its directories.
    pub entries: Vec<Entry>,
    /// What is not known.
    #[serde(skip)]
    pub unknown: Vec<Unknown>,
}

/// Who names the keys of a snapshotter in meta.db.
struct Names<'c> {
    by_key: BTreeMap<&'c Text, (Id, &'c Fate)>,
    whole: bool,
}

impl<'c> Names<'c> {
    fn new(collection: &'c Collection, meta: &'c MetaDb, snapshotter: &Text) -> Self {
        let mut by_key: BTreeMap<&Text, (Id, &Fate)> = BTreeMap::new();
        let mut whole = meta.unknown_snapshots().is_empty();
        for ns in namespaces(meta) {
            for snapshots in known_rows(&ns.snapshots).filter(|all| all.snapshotter == *snapshotter)
            {
                for row in known_rows(&snapshots.rows) {
                    if row.name.is_empty() {
                        // Its name may stand on a page that could not be read.
                        whole &= row.readable;
                        continue;
                    }
                    let id = Id::snapshot(&ns.name, snapshotter, &row.key);
                    let Some(record) = collection.record(&id) else {
                        continue;
                    };
                    // Two records may name the same key: one that is kept is enough.
                    let weight = |fate: &Fate| match fate {
                        Fate::Kept => 2,
                        Fate::Unknown => 1,
                        _ => 0,
                    };
                    let named = by_key.get(&row.name);
                    if named.is_none_or(|(_, fate)| weight(&record.fate) > weight(fate)) {
                        by_key.insert(&row.name, (id, &record.fate));
                    }
                }
            }
        }
        Self { by_key, whole }
    }

    /// Whether the daemon would find `key` among the names that are left; nothing where that
    /// cannot be decided.
    fn has(&self, key: &Text) -> Option<bool> {
        match self.by_key.get(key) {
            Some((_, Fate::Kept)) => Some(true),
            Some((_, Fate::Unknown)) => None,
            Some(_) | None => self.whole.then_some(false),
        }
    }
}

pub(super) fn run(
    collection: &Collection,
    meta: &MetaDb,
    snapshotter: &Snapshotter,
    always: bool,
) -> BackendRun {
    let name = &snapshotter.name;
    let own = collection.records.iter().filter(|record| {
        let parts = || record.id.snapshot_parts();
        record.id.kind == Kind::Snapshot && parts().is_some_and(|(ss, _)| ss == *name)
    });
    let mut run = BackendRun {
        snapshotter: name.clone(),
        root: path_text(&snapshotter.root),
        dirty: if collection.failure.is_some() {
            Some(false)
        } else {
            is_dirty(own, always)
        },
        failure: None,
        rows: Vec::new(),
        entries: Vec::new(),
        // A store that is made anew holds nothing.
        unknown: match snapshotter.elsewhere {
            Some(_) => Vec::new(),
            None => snapshotter.layout.unknown().to_vec(),
        },
    };
    let Some(rows) = &snapshotter.db.rows else {
        if snapshotter.elsewhere.is_none() && !is_bare(snapshotter) {
            run.unknown.extend(snapshotter.db.lost());
        }
        return run;
    };
    run.unknown.extend(rows.snapshots.unknown().iter().cloned());
    let names = Names::new(collection, meta, name);
    let layout = snapshotter.layout.read();
    let mut walk = Walk::default();
    run.failure = failure(rows);
    if run.failure.is_none() {
        walk.prune(rows, &names, layout);
        run.failure.clone_from(&walk.failure);
    }
    let whole = rows.snapshots.is_whole();
    for row in rows.snapshots() {
        let unnamed_fate = match names.has(&row.key) {
            Some(true) => Fate::Kept,
            None => Fate::Unknown,
            Some(false) if !whole => Fate::Unknown,
            Some(false) => match (&run.failure, walk.fates.get(&row.key)) {
                (_, Some(Pruned::Removed)) => unnamed(run.dirty),
                (_, Some(Pruned::Unknown)) => Fate::Unknown,
                (_, Some(Pruned::Child)) => Fate::Stays(
                    "metadata.db's index of parents says that it has a child".to_owned(),
                ),
                (Some(failure), _) => Fate::Stays(failure.clone()),
                (None, _) => Fate::Stays("its chain of parents does not end in a base".to_owned()),
            },
        };
        let directory = row.id.and_then(|id| layout?.dirs.get(&id));
        run.rows.push(BackendRow {
            key: row.key.clone(),
            id: row.id,
            kind: row.kind,
            size: row.size.and_then(|size| u64::try_from(size).ok()),
            record: names.by_key.get(&row.key).map(|(id, _)| id.clone()),
            path: directory.map(|directory| path_text(&directory.path)),
            fate: unnamed_fate,
        });
    }
    if let Some(layout) = layout {
        run.entries = entries(&run, layout, whole);
    }
    run
}

/// Whether a snapshotter has neither a database nor anything among its directories: the daemon makes both anew, and there
/// is nothing to delete.
fn is_bare(snapshotter: &Snapshotter) -> bool {
    let state = &snapshotter.db.state;
    let is_gone = matches!(
        state,
        DatabaseState::Empty | DatabaseState::Unread(Unread::Absent)
    );
    let layout = snapshotter.layout.whole().filter(|_| is_gone);
    layout.is_some_and(|layout| {
        layout.dirs.is_empty() && layout.strays.is_empty() && layout.temporaries.is_empty()
    })
}

/// Why the snapshotter would not get through its rows.
fn failure(rows: &Backend) -> Option<String> {
    for row in rows.snapshots() {
        let times = ["createdat", "updatedat"];
        let fault = times
            .iter()
            .find_map(|key| row.undecodable.get(key.as_bytes()));
        if let Some(fault) = fault {
            return Some(format!("snapshot garbage collection failed: {fault}"));
        }
    }
    if rows.sequence.is_none() && rows.snapshots.is_whole() {
        // The bucket is made by the first Prepare.
        return Some(
            "snapshot garbage collection failed: bucket does not exist: not found".to_owned(),
        );
    }
    None
}

/// What became of a row that no name keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pruned {
    Removed,
    /// `Remove` refuses: it seems to have a child.
    Child,
    /// `Remove` failed before its turn came.
    NotReached,
    Unknown,
}

/// The rows in the order in which the daemon tries to remove them: from each base up, children
/// before parents, by key. What hangs off a parent that is not there, or off itself, is not in it.
fn order(rows: &[Row<BackendSnapshot>]) -> Vec<&Row<BackendSnapshot>> {
    let mut children: BTreeMap<&Text, Vec<&Row<BackendSnapshot>>> = BTreeMap::new();
    let mut stack = Vec::new();
    for row in rows.iter().rev() {
        match &row.parent {
            Some(parent) => children.entry(parent).or_default().push(row),
            None => stack.push((row, false)),
        }
    }
    let mut order = Vec::new();
    // Each row has one parent, so it is met once on the way up and once on the way back.
    while let Some((row, is_back)) = stack.pop() {
        if is_back {
            order.push(row);
            continue;
        }
        stack.push((row, true));
        let of_row = children.get(&row.key).into_iter().flatten();
        stack.extend(of_row.map(|child| (*child, false)));
    }
    order
}

/// Why the directory of snapshot `id` cannot be moved aside, where it has to be before its row is
/// removed: an earlier removal left something there. Go renames over no directory, empty or not.
fn blocked(layout: Option<&Layout>, id: u64) -> Option<String> {
    let layout = layout?;
    let moves = matches!(
        layout.rules,
        Layouts::Native | Layouts::Btrfs | Layouts::Blockfile
    );
    if !moves || !layout.dirs.contains_key(&id) {
        return None;
    }
    let name = format!("rm-{id}");
    let named = |stray: &&snapshots::Stray| stray.path.file_name() == Some(name.as_ref());
    let stray = layout.temporaries.iter().find(named)?;
    let replaces = layout.rules == Layouts::Blockfile && !stray.stat.is_dir();
    (!replaces).then(|| {
        let path = path_text(&stray.path);
        format!("snapshot garbage collection failed: failed to rename to {path}")
    })
}

/// What the snapshotter removes of its rows.
#[derive(Default)]
struct Walk {
    /// Rows that were visited and that no name keeps.
    fates: BTreeMap<Text, Pruned>,
    /// Why it ended early.
    failure: Option<String>,
}

impl Walk {
    fn prune(&mut self, backend: &Backend, names: &Names<'_>, layout: Option<&Layout>) {
        let rows = backend.snapshots();
        let by_key: BTreeMap<&Text, u64> = rows
            .iter()
            .map(|row| (&row.key, row.id.unwrap_or(0)))
            .collect();
        let mut index: BTreeSet<(u64, u64)> = backend
            .parents
            .read()
            .into_iter()
            .flat_map(|parents| parents.keys().copied())
            .collect();
        let whole = backend.parents.is_whole();
        let mut undecided: BTreeSet<u64> = BTreeSet::new();
        for row in order(rows) {
            let parent = row.parent.as_ref().and_then(|key| by_key.get(key)).copied();
            let id = row.id.unwrap_or(0);
            let pruned = match names.has(&row.key) {
                Some(true) => continue,
                None => Pruned::Unknown,
                Some(false) if self.failure.is_some() => Pruned::NotReached,
                Some(false) => {
                    let has_child = index.range((id, 0)..=(id, u64::MAX)).next().is_some();
                    match (has_child, whole) {
                        (true, _) if undecided.contains(&id) => Pruned::Unknown,
                        (true, _) => Pruned::Child,
                        (false, false) => Pruned::Unknown,
                        (false, true) => match blocked(layout, id) {
                            None => Pruned::Removed,
                            failure => {
                                self.failure = failure;
                                Pruned::NotReached
                            }
                        },
                    }
                }
            };
            match (pruned, parent) {
                (Pruned::Removed, Some(parent)) => {
                    index.remove(&(parent, id));
                }
                (Pruned::Unknown, Some(parent)) => {
                    undecided.insert(parent);
                }
                _ => {}
            }
            self.fates.insert(row.key.clone(), pruned);
        }
    }
}

/// Names in the folders of snapshots that no row has.
fn entries(run: &BackendRun, layout: &Layout, whole: bool) -> Vec<Entry> {
    let owned: BTreeSet<u64> = run.rows.iter().map(|row| row.id.unwrap_or(0)).collect();
    let fate = |is_owned: bool| match (layout.rules, &run.failure) {
        _ if is_owned => Fate::Kept,
        _ if !whole => Fate::Unknown,
        (_, Some(failure)) => Fate::Stays(failure.clone()),
        (Layouts::Overlay | Layouts::Erofs, None) => unnamed(run.dirty),
        (Layouts::Native | Layouts::Btrfs | Layouts::Blockfile, None) => Fate::Stays(format!(
            "the snapshotter {} never looks for it",
            layout.name
        )),
        _ => Fate::Unknown,
    };
    let mut entries: Vec<Entry> = layout
        .dirs
        .iter()
        .filter(|(id, _)| !owned.contains(id))
        .map(|(_, directory)| Entry {
            path: path_text(&directory.path),
            fate: fate(false),
        })
        .collect();
    for stray in layout.strays.iter().chain(&layout.temporaries) {
        let name = stray.path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.parse::<u64>().ok());
        // A file in the place of a directory has the name of a row all the same.
        let is_owned =
            number.is_some_and(|id| owned.contains(&id) && name == Some(&id.to_string()));
        entries.push(Entry {
            path: path_text(&stray.path),
            fate: fate(is_owned),
        });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}
