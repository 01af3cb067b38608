//! What a start of containerd would do on a salvaged database, as far as the file alone tells.
//!
//! A database that is in order can be the worst that a daemon gets: it takes what has no row for
//! garbage. An overlay directory goes when the first snapshot is removed, a blob when the first blob
//! is, whether or not its row stood on a page that was lost. So a salvaged file is compared with all
//! that the damaged one still says:
//!
//! - objects that its bytes name and that the new file does not have, where damage may hide them;
//! - objects that the new file has and that nothing in it holds any more;
//! - objects that another tree of the damaged file holds, where that may be the newer one;
//! - records that the daemon cannot read;
//! - ranges of keys of which nobody can say what stood there.
//!
//! What is on disk and what else names it is for `preflight` to say.

mod held;
mod lost;
mod names;
mod rivals;

use std::collections::BTreeSet;

use bolt::{Db, Gap};
use finding::{Severity, Text};
use metadb::{Backend, MetaDb, ObjectKind, Problem, Trouble};
use serde::Serialize;
use view::View;

use names::Names;

/// What is known of a salvage: which tree, and where keys are missing.
#[derive(Debug, Clone, Copy)]
pub struct Salvage<'g> {
    /// Where keys are missing.
    pub gaps: &'g [Gap],
    /// Whole trees of the damaged file that may be newer than the one that was saved.
    pub rivals: &'g [Db<'g>],
    /// Whether every key of the newest transaction is in the new file with its newest value.
    pub is_whole: bool,
    /// Whether there may have been a newer transaction than the one that was saved.
    pub may_be_older: bool,
    /// Whether all of a tree was there, so that only the gaps are unknown.
    pub has_tree: bool,
    /// Whether the file was called as containerd calls its databases.
    pub is_named_so: bool,
}

/// What a start would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The same as on the file before it was damaged.
    AsBefore,
    /// Something is missing; nothing shows that a snapshot or a blob would be deleted for it.
    Incomplete,
    /// It would delete what is needed, or not come up.
    Destructive,
}

/// Why an object would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Its row is not in the new file.
    NoRow,
    /// Its row is not in the new file, and another one refers to it.
    ReferredTo,
    /// Its row is in the new file, and nothing there holds it.
    NotHeld,
}

impl Why {
    /// In words.
    pub const fn why_text(self) -> &'static str {
        match self {
            Self::NoRow => "the new file has no row of it",
            Self::ReferredTo => "the new file has no row of it, though another row refers to it",
            Self::NotHeld => "the new file has its row, and nothing that holds it",
        }
    }
}

/// An object that a start on the new file would lose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Loss {
    /// What it is.
    pub kind: ObjectKind,
    /// Its namespace, if that is known.
    pub namespace: Option<Text>,
    /// Of a snapshot, its snapshotter, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshotter: Option<Text>,
    /// Its name.
    pub name: Text,
    /// Of a snapshot, the key of its directory in metadata.db, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<Text>,
    /// Why.
    pub why: Why,
}

/// Objects whose names are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Nameless {
    /// What they are.
    pub kind: ObjectKind,
    /// How many.
    pub count: u64,
}

/// Keys of which nobody knows whether they were there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unclear {
    /// The bucket, from the outside in.
    pub bucket: Vec<Text>,
    /// The smallest key that may be missing; none: from the first of the bucket.
    pub from: Option<Text>,
    /// The smallest key that is known again; none: up to the last of the bucket.
    pub until: Option<Text>,
    /// Whether only what the last transaction changed can be missing.
    pub last_change: bool,
    /// Whether whole rows of objects may be missing; else something in one of them.
    pub rows: bool,
}

/// A record that the daemon cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Where it stands.
    pub record: Vec<Text>,
    /// What is wrong with it.
    pub what: String,
}

/// What a start of containerd would do on a salvaged database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Salvaged {
    /// What it comes to.
    pub verdict: Verdict,
    /// Whether it is containerd's at all: without the bucket `v1` a daemon takes it for new.
    pub has_rows: bool,
    /// Whether it is meta.db; else a snapshotter's metadata.db.
    pub is_meta: bool,
    /// Objects that it would lose.
    pub loses: Vec<Loss>,
    /// Objects without a name that it would lose.
    pub nameless: Vec<Nameless>,
    /// Where more may have stood.
    pub unknown: Vec<Unclear>,
    /// Records that the daemon cannot read.
    pub stops: Vec<Unreadable>,
}

/// Judges the database in `new`, salvaged of the one in `old`; none if it is not containerd's.
pub fn salvaged(old: View<'_>, new: View<'_>, salvage: Salvage<'_>) -> Option<Salvaged> {
    let db = Db::open(new).db?;
    let has_rows = metadb::is_containerd(&db);
    if !has_rows && !salvage.is_named_so && !lost::is_containerd(old) {
        return None;
    }
    let is_backend = is_backend(&db) || !has_rows && lost::is_backend(old);
    let (names, troubles, mut loses) = if is_backend {
        let rows = Backend::read_backend(&db);
        (Names::of_backend(&rows), rows.troubles, BTreeSet::new())
    } else {
        let rows = MetaDb::read_meta(&db);
        let loses = if salvage.is_whole {
            BTreeSet::new()
        } else {
            held::losses(&rows, salvage)
        };
        (Names::of_meta(&rows), rows.troubles, loses)
    };
    let mut nameless = Vec::new();
    if !salvage.is_whole {
        let lost = lost::losses(old, &names, salvage);
        loses.extend(lost.named);
        nameless = lost.nameless;
        loses.extend(named_by_others(&db));
        loses.extend(rivals::losses(&db, is_backend, salvage.rivals));
    }
    let mut seen = BTreeSet::new();
    let loses: Vec<Loss> = loses
        .into_iter()
        // The strongest reason comes first.
        .filter(|loss| seen.insert((loss.kind, loss.namespace.clone(), loss.name.clone())))
        .collect();
    let unknown: Vec<Unclear> = salvage
        .gaps
        .iter()
        .filter(|gap| !gap.is_closed)
        .map(unclear)
        .collect();
    let stops = stops(&troubles);
    let hides_rows = |gap: &Gap| !gap.is_closed && !gap.older_is_whole && hides_rows(gap);
    let is_destructive = !has_rows
        || !loses.is_empty()
        || !nameless.is_empty()
        || !stops.is_empty()
        || salvage.gaps.iter().any(hides_rows);
    let verdict = if is_destructive {
        Verdict::Destructive
    } else if salvage.is_whole {
        Verdict::AsBefore
    } else {
        Verdict::Incomplete
    };
    Some(Salvaged {
        verdict,
        has_rows,
        is_meta: !is_backend,
        loses,
        nameless,
        unknown,
        stops,
    })
}

/// Rows that others of the new file name, and that no transaction takes away alone.
fn named_by_others(db: &Db<'_>) -> Vec<Loss> {
    let root = db.root();
    let Some(schema) = metadb::SCHEMAS.of_root(&root) else {
        return Vec::new();
    };
    let missing = schema.contradictions(&root).into_iter();
    missing
        .filter(|one| one.is_missing)
        .filter_map(|one| {
            let part = |place: usize| one.path.get(place).map(|key| Text::new(key.clone()));
            let is_backend = one.path.len() == 2;
            Some(Loss {
                kind: if is_backend {
                    ObjectKind::Backend
                } else {
                    ObjectKind::Snapshot
                },
                namespace: part(1).filter(|_| !is_backend),
                snapshotter: part(3),
                name: Text::new(one.key?),
                backend: None,
                why: Why::ReferredTo,
            })
        })
        .collect()
}

/// Whether it is a snapshotter's metadata.db.
fn is_backend(db: &Db<'_>) -> bool {
    let root = db.root().contents();
    let v1 = root.get(b"v1").and_then(|entry| entry.value.bucket());
    v1.is_some_and(|v1| {
        let v1 = v1.contents();
        v1.get(b"version").is_none() && v1.get(b"parents").is_some()
    })
}

/// Whether rows of objects may have stood in a gap: it is above the objects, not in one.
fn hides_rows(gap: &Gap) -> bool {
    let path: Vec<&[u8]> = gap.path.iter().map(Vec::as_slice).collect();
    match path.as_slice() {
        [b"v1", _, collection] => *collection != b"labels",
        [b"v1", _, b"snapshots", _] => true,
        [b"v1", _, b"content", kind] => matches!(*kind, b"blob" | b"ingests"),
        [_, second] => path.first() == Some(&b"v1".as_slice()) || *second == b"sandboxes",
        // Beside `v1` stands nothing that holds a snapshot or a blob.
        [] => gap.range.may_hold(b"v1"),
        short => short.len() < 2,
    }
}

fn key_text(key: Option<&Vec<u8>>) -> Option<Text> {
    key.map(|key| Text::new(key.clone()))
}

fn unclear(gap: &Gap) -> Unclear {
    Unclear {
        bucket: gap.path.iter().map(|key| Text::new(key.clone())).collect(),
        from: key_text(gap.range.from.as_ref()),
        until: key_text(gap.range.until.as_ref()),
        last_change: gap.older_is_whole,
        rows: hides_rows(gap),
    }
}

/// Records of the new file that the daemon stumbles over.
fn stops(troubles: &[Trouble]) -> Vec<Unreadable> {
    troubles
        .iter()
        .filter_map(|trouble| {
            let Problem::Record(fault) = &trouble.problem else {
                return None;
            };
            let is_bad = finding::Fault::severity(fault) >= Severity::Damage;
            (is_bad && !trouble.path.is_empty()).then(|| Unreadable {
                record: trouble.path.clone(),
                what: fault.to_string(),
            })
        })
        .collect()
}

/// The gaps of which nobody knows what stood in them: of where another whole tree has something else, [`rivals`]
/// knows what that is.
fn unknown_gaps(gaps: &[Gap]) -> impl Iterator<Item = &Gap> {
    gaps.iter()
        .filter(|gap| !gap.is_closed && !gap.is_of_rival())
}

/// Whether damage may hide what stood at `path`.
fn may_hide(gaps: &[Gap], path: &[Vec<u8>]) -> bool {
    unknown_gaps(gaps).any(|gap| {
        let key = path.get(gap.path.len());
        path.starts_with(&gap.path) && key.is_some_and(|key| gap.range.may_hold(key))
    })
}

/// The object whose row stands at `path`, or in which that lies.
fn object_of(path: &[Vec<u8>]) -> Option<Loss> {
    let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    let (kind, namespace, snapshotter, name) = match keys.as_slice() {
        [b"v1", ns, b"images", name, ..] => (ObjectKind::Image, Some(ns), None, name),
        [b"v1", ns, b"containers", name, ..] => (ObjectKind::Container, Some(ns), None, name),
        [b"v1", ns, b"leases", name, ..] => (ObjectKind::Lease, Some(ns), None, name),
        [b"v1", ns, b"sandboxes", name, ..] => (ObjectKind::Sandbox, Some(ns), None, name),
        [b"v1", ns, b"content", b"blob", name, ..] => (ObjectKind::Blob, Some(ns), None, name),
        [b"v1", ns, b"snapshots", ss, name, ..] => (ObjectKind::Snapshot, Some(ns), Some(ss), name),
        [b"v1", b"snapshots", name, ..] => (ObjectKind::Backend, None, None, name),
        _ => return None,
    };
    Some(Loss {
        kind,
        namespace: namespace.map(|key| Text::from(*key)),
        snapshotter: snapshotter.map(|key| Text::from(*key)),
        name: Text::from(*name),
        backend: None,
        why: Why::NoRow,
    })
}

/// Where an object's row stands, if all that says it is known.
fn path_of(
    kind: ObjectKind,
    namespace: Option<&Text>,
    snapshotter: Option<&Text>,
    name: &Text,
) -> Option<Vec<Vec<u8>>> {
    let namespace = namespace.map(|one| one.bytes().to_vec());
    let v1 = b"v1".to_vec();
    let name = name.bytes().to_vec();
    let in_one = |collection: &[u8]| {
        Some(vec![
            v1.clone(),
            namespace.clone()?,
            collection.to_vec(),
            name.clone(),
        ])
    };
    let in_content = |collection: &[u8]| {
        Some(vec![
            v1.clone(),
            namespace.clone()?,
            b"content".to_vec(),
            collection.to_vec(),
            name.clone(),
        ])
    };
    match kind {
        ObjectKind::Namespace => Some(vec![v1, name]),
        ObjectKind::Image => in_one(b"images"),
        ObjectKind::Container => in_one(b"containers"),
        ObjectKind::Lease => in_one(b"leases"),
        ObjectKind::Sandbox => in_one(b"sandboxes"),
        ObjectKind::Blob => in_content(b"blob"),
        ObjectKind::Ingest => in_content(b"ingests"),
        ObjectKind::Snapshot => Some(vec![
            v1,
            namespace?,
            b"snapshots".to_vec(),
            snapshotter?.bytes().to_vec(),
            name,
        ]),
        ObjectKind::Backend => Some(vec![v1, b"snapshots".to_vec(), name]),
    }
}
