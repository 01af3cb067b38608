//! `coroner meta history`

mod changes;

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bolt::{Bounds, Carve, CarveOptions, Confidence, Db, PageId, Status};
use cli::{Answer, Case, EvidenceArgs, Exit, Failure, Out, Outcome, Pen, Style, value_lines};
use finding::{Escaped, Text, Time, Unknown};
use metadb::{CarvedObject, MetaDb, ObjectKind, carved_objects};
use serde::Serialize;
use serde_json::Value;

use crate::Kind;
use names::Called;
use changes::{Change, changes};

/// One version of an object.
#[derive(Debug, Serialize)]
struct Version {
    /// The transactions whose trees have it.
    trees: Vec<u64>,
    /// The pages on which it was carved.
    carved: Vec<Found>,
    created: Option<Time>,
    updated: Option<Time>,
    /// Whether all of it is known.
    whole: bool,
    /// What is different from the version before.
    changes: Vec<Change>,
    record: Value,
}

/// Where a version was carved.
#[derive(Debug, Serialize)]
struct Found {
    status: Status,
    page: PageId,
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
    confidence: Confidence,
    bounds: Bounds,
}

/// Whether the object is in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Presence {
    There,
    Absent,
    Unknown,
}

#[derive(Debug, Serialize)]
struct Tree {
    txid: u64,
    object: Presence,
}

/// One object, from its oldest version to its newest.
#[derive(Debug, Serialize)]
struct History {
    kind: ObjectKind,
    namespace: Option<Text>,
    snapshotter: Option<Text>,
    name: Text,
    /// The trees that there are, the older one first.
    trees: Vec<Tree>,
    versions: Vec<Version>,
}

#[derive(Serialize)]
struct Histories {
    file: Text,
    objects: Vec<History>,
    unknown: Vec<Unknown>,
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

const fn object_kind(kind: Kind) -> Option<ObjectKind> {
    Some(match kind {
        Kind::Namespaces => ObjectKind::Namespace,
        Kind::Images => ObjectKind::Image,
        Kind::Containers => ObjectKind::Container,
        Kind::Snapshots => ObjectKind::Snapshot,
        Kind::Content => ObjectKind::Blob,
        Kind::Ingests => ObjectKind::Ingest,
        Kind::Leases => ObjectKind::Lease,
        Kind::Sandboxes => ObjectKind::Sandbox,
        Kind::Pods => return None,
    })
}

/// meta.db as a whole is read into memory; larger ones are not met.
const LIMIT: u64 = 4 << 30;

pub(crate) fn run(
    kind: Kind,
    name: &str,
    namespace: Option<&str>,
    args: &EvidenceArgs,
    out: &mut Out,
) -> Outcome {
    let object_kind = object_kind(kind).ok_or_else(|| {
        Failure::usage("a pod has no record of its own")
            .hint("`coroner meta history container ID` tells that of its sandbox")
    })?;
    let case = Case::open(args)?;
    let node = case.node()?;
    let path = node.meta.path.clone();
    let source = case
        .evidence
        .source(Path::new(std::ffi::OsStr::from_bytes(path.bytes())), LIMIT)
        .map_err(|why| Failure::unread(format!("{path} {why}")))?;
    let options = CarveOptions {
        roots: vec![b"v1".to_vec()],
        schemas: metadb::SCHEMAS,
        ..CarveOptions::default()
    };
    let carve = Carve::of(source.view(), &options)
        .map_err(|fault| Failure::unread(format!("{path}: {fault}")))?;
    let db = Db::open(source.view()).db;
    let previous = db.as_ref().and_then(Db::previous);
    let wanted = |space: &Option<Text>| {
        namespace.is_none_or(|wanted| space.as_ref().is_some_and(|space| *space == wanted))
    };
    let mut sources = Vec::new();
    let mut trees: Vec<(u64, Vec<Unknown>)> = Vec::new();
    for db in [&previous, &db].into_iter().flatten() {
        let txid = db.meta().txid;
        let objects = kind.read(&MetaDb::read(db), |_| true);
        trees.push((txid, objects.unknown));
        sources.extend(objects.objects.into_iter().map(|object| Source {
            tree: Some(txid),
            carved: None,
            created: object.created,
            updated: time(&object.record, "updated"),
            whole: object.whole,
            identity: (
                (kind != Kind::Namespaces).then(|| object.namespace.clone()),
                object.snapshotter().cloned(),
                object.name,
            ),
            record: bare(object.record),
        }));
    }
    let carved = carved_objects(&carve, db.as_ref());
    let of_kind = carved
        .into_iter()
        .filter(|object| object.kind == object_kind);
    sources.extend(of_kind.filter_map(carved_source));
    sources.retain(|source| wanted(&source.identity.0));
    let identities = pick(&sources, name)?;
    let unknown = trees
        .last()
        .map_or_else(Vec::new, |(_, unknown)| unknown.clone());
    if identities.is_empty() {
        let name = Escaped(name.as_bytes());
        return Err(match unknown.first() {
            None => Failure::usage(format!(
                "there is no such object, neither in the trees nor on carved pages: {name}"
            )),
            Some(Unknown { what, why }) => Failure::unread(format!(
                "{name} was not found, but {what} cannot be known whole: {why}"
            )),
        }
        .hint("`coroner bolt carve` lists what was carved, without names, too"));
    }
    let mut histories: Vec<History> = Vec::new();
    for identity in identities {
        let (mine, others) = sources
            .into_iter()
            .partition(|source| source.identity == identity);
        sources = others;
        histories.push(history(object_kind, identity, mine, &trees));
    }
    out.answer(&Histories {
        file: path,
        objects: histories,
        unknown,
    })
}

fn time(record: &Value, key: &str) -> Option<Time> {
    Time::parse(record.get(key)?.as_str()?).ok()
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
fn pick(sources: &[Source], name: &str) -> Result<Vec<Identity>, Failure> {
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

impl Answer for Histories {
    const SCHEMA: &'static str = "meta-history/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (number, object) in self.objects.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            one(object, pen)?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}

fn one(object: &History, pen: &mut Pen<'_>) -> io::Result<()> {
    let space = object
        .namespace
        .as_ref()
        .map_or_else(String::new, |space| format!(" in {space}"));
    pen.heading(format_args!("{} {}{space}", object.kind, object.name))?;
    for tree in &object.trees {
        let presence = match tree.object {
            Presence::There => "has it",
            Presence::Absent => "does not have it",
            Presence::Unknown => "may have it: part of it cannot be read",
        };
        pen.line(format_args!("  transaction {} {presence}", tree.txid))?;
    }
    for (number, version) in object.versions.iter().enumerate() {
        pen.gap()?;
        let time = version.updated.or(version.created);
        let time = time.map_or_else(|| "at an unknown time".to_owned(), |time| time.to_string());
        let part = if version.whole { "" } else { " (in part)" };
        let count = number.saturating_add(1);
        let heading = format!(
            "  version {count} of {}: {time}{part}",
            object.versions.len()
        );
        let heading = pen.styled(Style::Heading, heading).to_string();
        pen.line(heading)?;
        for tree in &version.trees {
            pen.line(format_args!("    in the tree of transaction {tree}"))?;
        }
        for found in &version.carved {
            let freed = match (found.bounds.freed_from, found.bounds.freed_until) {
                (Some(from), Some(until)) if from.txid == until.txid => {
                    format!(", freed by transaction {}", until.txid)
                }
                (_, Some(until)) => format!(", freed by transaction {} or before", until.txid),
                _ => String::new(),
            };
            pen.line(format_args!(
                "    carved from page {} at {:#x}{freed}",
                found.page, found.offset
            ))?;
        }
        if number == 0 {
            value_lines(&version.record, 2, pen)?;
        }
        for change in &version.changes {
            let (style, text) = change.text();
            let text = pen.styled(style, text).to_string();
            pen.line(format_args!("    {text}"))?;
        }
    }
    Ok(())
}
