//! One snapshot, as every store has it.

use std::collections::BTreeMap;

use finding::{Object, Text, Time, size_option};
use metadb::Kind;
use node::{Node, Snapshotter, path_text};
use serde::Serialize;

/// One snapshot, as every store has it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Line {
    /// The number of its directory.
    pub(crate) id: Option<u64>,
    pub(crate) kind: Option<Kind>,
    /// The namespace and key by which meta.db knows it.
    pub(crate) namespace: Option<Text>,
    pub(crate) key: Text,
    /// Its key in metadata.db.
    pub(crate) name: Text,
    pub(crate) parent: Option<Text>,
    pub(crate) parent_id: Option<u64>,
    /// Bytes on disk when it was committed.
    #[serde(serialize_with = "size_option")]
    pub(crate) size: Option<u64>,
    pub(crate) inodes: Option<u64>,
    pub(crate) created: Option<Time>,
    pub(crate) directory: Directory,
    /// Whether meta.db has a row for it; nothing where that cannot be known.
    pub(crate) in_meta: Option<bool>,
    pub(crate) used_by: Vec<Object>,
    /// Whether all of its row could be read.
    pub(crate) whole: bool,
}

/// Whether its directory is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Directory {
    There,
    /// Its directory is there, `fs` in it is not.
    WithoutFs,
    Missing,
    /// The directories could not be listed whole, or are not kept here.
    Unknown,
}

impl Line {
    /// What is wrong with it at first sight, in capitals.
    pub(crate) fn remark(&self) -> String {
        let mut remarks = Vec::new();
        match self.directory {
            Directory::There | Directory::Unknown => {}
            Directory::WithoutFs => remarks.push("NO FS"),
            Directory::Missing => remarks.push("DIRECTORY MISSING"),
        }
        if self.in_meta == Some(false) {
            remarks.push("NOT IN META.DB");
        }
        if !self.whole {
            remarks.push("ROW DAMAGED");
        }
        remarks.join(", ")
    }

    pub(crate) fn users(&self) -> String {
        let users: Vec<String> = self.used_by.iter().map(ToString::to_string).collect();
        users.join(", ")
    }
}

/// One snapshotter.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Group {
    pub(crate) snapshotter: Text,
    pub(crate) root: Text,
    pub(crate) snapshots: Vec<Line>,
    /// Directories and files that no snapshot of metadata.db owns.
    pub(crate) strays: Vec<Stray>,
    /// What this snapshotter keeps where we do not look.
    pub(crate) unread: Option<&'static str>,
}

/// Something among the directories that no snapshot owns.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stray {
    pub(crate) path: Text,
    pub(crate) why: String,
}

/// Every snapshotter that has snapshots, a database or directories.
pub(crate) fn groups(node: &Node) -> Vec<Group> {
    node.snapshotters
        .iter()
        .map(|snapshotter| group(node, snapshotter))
        .collect()
}

/// Rows of meta.db by their name in metadata.db: namespace and key.
type Named<'n> = BTreeMap<&'n Text, (&'n Text, &'n Text)>;

/// The rows of meta.db for this snapshotter, and whether these are all.
fn named<'n>(node: &'n Node, snapshotter: &Snapshotter) -> (Named<'n>, bool) {
    let mut named = BTreeMap::new();
    let Some(meta) = &node.meta.rows else {
        return (named, false);
    };
    for namespace in meta.namespaces() {
        let all = namespace.snapshots.read().into_iter().flatten();
        for snapshots in all.filter(|all| all.snapshotter == snapshotter.name) {
            for row in snapshots.rows.read().into_iter().flatten() {
                named.insert(&row.name, (&namespace.name, &row.key));
            }
        }
    }
    (named, meta.unknown_snapshots().is_empty())
}

fn group(node: &Node, snapshotter: &Snapshotter) -> Group {
    let (named, all_named) = named(node, snapshotter);
    let by_key = snapshotter.by_key();
    let layout = snapshotter.layout.read();
    let directory = |id: Option<u64>| match (id, layout) {
        (Some(id), Some(layout)) => match layout.dirs.get(&id) {
            Some(dir) if layout.has_fs() && dir.fs.is_none() && dir.unknown.is_empty() => {
                Directory::WithoutFs
            }
            Some(_) => Directory::There,
            None if layout.is_understood() && snapshotter.layout.is_whole() => Directory::Missing,
            None => Directory::Unknown,
        },
        _ => Directory::Unknown,
    };
    let mut snapshots: Vec<Line> = by_key
        .values()
        .map(|row| {
            let meta = named.get(&row.key);
            let users = meta.map(|(namespace, key)| {
                node.graph()
                    .users_of_snapshot(namespace, &snapshotter.name, key)
            });
            Line {
                id: row.id,
                kind: row.kind,
                namespace: meta.map(|(namespace, _)| (*namespace).clone()),
                key: meta.map_or_else(|| row.key.clone(), |(_, key)| (*key).clone()),
                name: row.key.clone(),
                parent: row.parent.clone(),
                parent_id: row
                    .parent
                    .as_ref()
                    .and_then(|parent| by_key.get(parent)?.id),
                size: row.size.and_then(|size| u64::try_from(size).ok()),
                inodes: row.inodes.and_then(|inodes| u64::try_from(inodes).ok()),
                created: row.created,
                directory: directory(row.id),
                in_meta: if meta.is_some() {
                    Some(true)
                } else {
                    all_named.then_some(false)
                },
                used_by: users.unwrap_or_default(),
                whole: row.whole,
            }
        })
        .collect();
    snapshots.sort_by(|one, other| (one.id, &one.name).cmp(&(other.id, &other.name)));
    Group {
        snapshotter: snapshotter.name.clone(),
        root: path_text(&snapshotter.root),
        strays: strays(snapshotter, &snapshots),
        snapshots,
        unread: layout.and_then(|layout| layout.unread),
    }
}

fn strays(snapshotter: &Snapshotter, snapshots: &[Line]) -> Vec<Stray> {
    let Some(layout) = snapshotter.layout.read() else {
        return Vec::new();
    };
    let mut strays = Vec::new();
    let rows = snapshotter.db.rows.as_ref();
    let whole = rows.is_some_and(|rows| rows.snapshots.is_whole());
    let known: std::collections::BTreeSet<u64> =
        snapshots.iter().filter_map(|line| line.id).collect();
    for (id, dir) in layout.dirs.iter().filter(|(id, _)| !known.contains(id)) {
        let why = if whole {
            "not in metadata.db"
        } else {
            "what it belongs to cannot be known"
        };
        strays.push(Stray {
            path: path_text(&dir.path),
            why: format!("{id}: {why}"),
        });
    }
    for stray in layout.temporaries.iter().chain(&layout.strays) {
        strays.push(Stray {
            path: path_text(&stray.path),
            why: stray.why.to_string(),
        });
    }
    strays
}
