//! The versions of an object.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bolt::{Bounds, Carve, CarveOptions, Confidence, Db, PageId, Status};
use evidence::Evidence;
use finding::{Escaped, Refused, Text, Time, Unknown};
use metadb::{CarvedObject, MetaDb, ObjectKind, carved_objects};
use names::Called;
use serde::Serialize;
use serde_json::Value;

use crate::changes::{Change, changes};
use crate::objects::{Objects, time};

/// One version of an object.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// The transactions whose trees have it.
    pub trees: Vec<u64>,
    /// The pages on which it was carved.
    pub carved: Vec<Found>,
    /// When it was made.
    pub created: Option<Time>,
    /// When it was changed.
    pub updated: Option<Time>,
    /// Whether all of it is known.
    pub whole: bool,
    /// What is different from the version before.
    pub changes: Vec<Change>,
    /// Everything that it says.
    pub record: Value,
}

/// Where a version was carved.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// What became of it.
    pub status: Status,
    /// The page that holds its key.
    pub page: PageId,
    /// Where that stands in the file.
    #[serde(serialize_with = "finding::hex_number")]
    pub offset: u64,
    /// How much can be said for it.
    pub confidence: Confidence,
    /// Between which transactions its page was freed.
    pub bounds: Bounds,
}

/// Whether the object is in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It is in it.
    There,
    /// It is not.
    Absent,
    /// Part of the tree could not be read.
    Unknown,
}

/// Whether a tree has it.
#[derive(Debug, Clone, Serialize)]
pub struct Tree {
    /// Its transaction.
    pub txid: u64,
    /// Whether it has the object.
    pub object: Presence,
}

/// One object, from its oldest version to its newest.
#[derive(Debug, Clone, Serialize)]
pub struct History {
    /// What it is.
    pub kind: ObjectKind,
    /// Its namespace.
    pub namespace: Option<Text>,
    /// Of a snapshot.
    pub snapshotter: Option<Text>,
    /// Its name.
    pub name: Text,
    /// The trees that there are, the older one first.
    pub trees: Vec<Tree>,
    /// Its versions, the oldest first.
    pub versions: Vec<Version>,
}

/// The objects that a name means.
#[derive(Debug, Clone, Serialize)]
pub struct Histories {
    /// The database.
    pub file: Text,
    /// Each of them.
    pub objects: Vec<History>,
    /// What is not known of the newest tree.
    pub unknown: Vec<Unknown>,
}

/// What tells objects apart.
type Identity = (Option<Text>, Option<Text>, Text);

/// A version in a tree, or a carved one.
struct Source {
    identity: Identity,
    tree: Option<u64>,
    carved: Option<Found>,
    created: Option<Time>,
    updated: Option<Time>,
    whole: bool,
    record: Value,
}

/// meta.db as a whole is read into memory; larger ones are not met.
const LIMIT: u64 = 4 << 30;

impl Histories {
    /// Every version of the objects of `kind` that `name` means, in one namespace or in all: of
    /// the tree in use, of the one before, and of pages that no tree has.
    ///
    /// # Errors
    /// The name means nothing, or several objects; the database cannot be read.
    pub fn read_histories(
        evidence: &Evidence,
        file: &Text,
        (kind, name): (ObjectKind, &str),
        namespace: Option<&str>,
    ) -> Result<Self, Refused> {
        let source = evidence
            .source(Path::new(std::ffi::OsStr::from_bytes(file.bytes())), LIMIT)
            .map_err(|why| Refused::unread(format!("{file} {why}")))?;
        let options = CarveOptions {
            roots: vec![b"v1".to_vec()],
            schemas: metadb::SCHEMAS,
            ..CarveOptions::default()
        };
        let carve = Carve::carve_file(source.view(), &options)
            .map_err(|fault| Refused::unread(format!("{file}: {fault}")))?;
        let db = Db::open(source.view()).db;
        let previous = db.as_ref().and_then(Db::previous);
        let wanted = |space: &Option<Text>| {
            namespace.is_none_or(|wanted| space.as_ref().is_some_and(|space| *space == wanted))
        };
        let mut sources = Vec::new();
        let mut trees: Vec<(u64, Vec<Unknown>)> = Vec::new();
        for db in [&previous, &db].into_iter().flatten() {
            let txid = db.meta().txid;
            let objects = Objects::from_meta(&MetaDb::read_meta(db), kind);
            trees.push((txid, objects.unknown));
            sources.extend(objects.objects.into_iter().map(|object| Source {
                tree: Some(txid),
                carved: None,
                created: object.created,
                updated: time(&object.record, "updated"),
                whole: object.whole,
                identity: (
                    (kind != ObjectKind::Namespace).then(|| object.namespace.clone()),
                    object.snapshotter().cloned(),
                    object.name,
                ),
                record: bare(object.record),
            }));
        }
        let carved = carved_objects(&carve, db.as_ref());
        let of_kind = carved.into_iter().filter(|object| object.kind == kind);
        sources.extend(of_kind.filter_map(carved_source));
        sources.retain(|source| wanted(&source.identity.0));
        let identities = pick(&sources, name)?;
        let unknown = trees
            .last()
            .map_or_else(Vec::new, |(_, unknown)| unknown.clone());
        if identities.is_empty() {
            return Err(absent(name, &unknown));
        }
        let mut objects: Vec<History> = Vec::new();
        for identity in identities {
            let (mine, others) = sources
                .into_iter()
                .partition(|source| source.identity == identity);
            sources = others;
            objects.push(history(kind, identity, mine, &trees));
        }
        Ok(Self {
            file: file.clone(),
            objects,
            unknown,
        })
    }
}

fn absent(name: &str, unknown: &[Unknown]) -> Refused {
    let name = Escaped(name.as_bytes());
    match unknown.first() {
        None => Refused::question(format!(
            "there is no such object, neither in the trees nor on carved pages: {name}"
        )),
        Some(Unknown { what, why }) => Refused::unread(format!(
            "{name} was not found, but {what} cannot be known whole: {why}"
        )),
    }
    .hint("`coroner bolt carve` lists what was carved, without names, too")
}

/// A row's record without what says where it stands.
fn bare(mut record: Value) -> Value {
    if let Some(map) = record.as_object_mut() {
        for key in ["key", "at", "whole", "unknown"] {
            map.remove(key);
        }
    }
    record
}

fn carved_source(object: CarvedObject) -> Option<Source> {
    let found = Found {
        status: object.status,
        page: object.page,
        offset: object.offset,
        confidence: object.confidence,
        bounds: object.bounds,
    };
    // A name alone is no version.
    (!object.record.is_null()).then_some(Source {
        identity: (object.namespace, object.snapshotter, object.name?),
        tree: None,
        carved: Some(found),
        created: object.created,
        updated: object.updated,
        whole: object.whole,
        record: object.record,
    })
}

/// The objects that a name means, each once.
fn pick(sources: &[Source], name: &str) -> Result<Vec<Identity>, Refused> {
    let identities: BTreeSet<&Identity> = sources.iter().map(|source| &source.identity).collect();
    let identities = identities.into_iter().cloned().collect();
    names::pick(identities, name, |(namespace, snapshotter, name)| Called {
        namespace: namespace.as_ref(),
        snapshotter: snapshotter.as_ref(),
        name,
        also: &[],
    })
}

/// The versions of one object, oldest first.
fn history(
    kind: ObjectKind,
    identity: Identity,
    mut sources: Vec<Source>,
    trees: &[(u64, Vec<Unknown>)],
) -> History {
    // What a tree has is newer than what was carved with the same time.
    sources.sort_by_key(|source| {
        let freed = source
            .carved
            .as_ref()
            .and_then(|found| found.bounds.freed_until)
            .map(|bound| bound.txid);
        let tree = source.tree.unwrap_or(0);
        (source.updated.or(source.created), tree, freed, source.whole)
    });
    let trees = trees
        .iter()
        .map(|(txid, unknown)| {
            let is_there = sources.iter().any(|source| source.tree == Some(*txid));
            Tree {
                txid: *txid,
                object: match (is_there, unknown.is_empty()) {
                    (true, _) => Presence::There,
                    (false, true) => Presence::Absent,
                    (false, false) => Presence::Unknown,
                },
            }
        })
        .collect();
    let mut versions: Vec<Version> = Vec::new();
    for source in sources {
        let same = versions
            .iter_mut()
            .find(|version| version.record == source.record);
        if let Some(version) = same {
            version.trees.extend(source.tree);
            version.carved.extend(source.carved);
            version.whole |= source.whole;
            continue;
        }
        let before = versions.last();
        versions.push(Version {
            changes: before.map_or_else(Vec::new, |before| changes(&before.record, &source.record)),
            trees: source.tree.into_iter().collect(),
            carved: source.carved.into_iter().collect(),
            created: source.created,
            updated: source.updated,
            whole: source.whole,
            record: source.record,
        });
    }
    let (namespace, snapshotter, name) = identity;
    History {
        kind,
        namespace,
        snapshotter,
        name,
        trees,
        versions,
    }
}
