//! What nothing owns any more, how much it takes, and how that is known.

use std::collections::BTreeMap;
use std::path::PathBuf;

use checks::judge_each;
use daemon::gc::{self, Fate};
use evidence::Evidence;
use finding::{Abstention, Finding, Known, Text, Unknown};
use measure::{Control, Usage};
use metadb::{BackendSnapshot, Row};
use node::graph::Kind;
use node::{Node, Snapshotter, path_text};
use serde::Serialize;

/// What an orphan lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lacks {
    /// A directory without a row in metadata.db.
    Row,
    /// A directory that was half made or half removed.
    End,
    /// A row in metadata.db without a directory.
    Directory,
    /// A row in metadata.db that no namespace of meta.db names.
    MetaRow,
    /// A snapshot that nothing in meta.db holds.
    Holder,
}

impl Lacks {
    /// The check that tells it.
    fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "snapshot/directory-unknown" => Self::Row,
            "snapshot/temporary" => Self::End,
            "snapshot/directory-missing" => Self::Directory,
            "snapshot/backend-unknown" => Self::MetaRow,
            _ => return None,
        })
    }

    /// What stands over those that lack it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Row => "Directories without a row in metadata.db",
            Self::End => "Directories half made or half removed",
            Self::Directory => "Rows of metadata.db without a directory",
            Self::MetaRow => "Rows of metadata.db that no namespace names",
            Self::Holder => "Snapshots that nothing holds",
        }
    }
}

/// Something that nothing owns.
#[derive(Debug, Clone, Serialize)]
pub struct Orphan {
    /// What it lacks.
    pub lacks: Lacks,
    /// Its snapshotter.
    pub snapshotter: Text,
    /// The number of its directory.
    pub id: Option<u64>,
    /// Its key in metadata.db.
    pub key: Option<Text>,
    /// Its directory.
    pub path: Option<Text>,
    /// What that takes.
    pub usage: Option<Usage>,
    /// How it is known, fact by fact.
    pub proof: Vec<String>,
    /// What becomes of it.
    pub fate: &'static str,
}

/// What nothing owns.
#[derive(Debug, Clone, Serialize)]
pub struct Orphans {
    /// The orphans.
    #[serde(rename = "orphans")]
    pub all: Vec<Orphan>,
    /// What could not be judged: nothing is called an orphan there.
    pub abstained: Vec<Abstention>,
    /// What is not known of all this.
    pub unknown: Vec<Unknown>,
}

impl Orphans {
    /// The orphans of a node; their directories are measured.
    pub fn find_orphans(evidence: &Evidence, node: &Node, control: &Control<'_>) -> Self {
        let report = judge_each(node, |check| Lacks::from_code(check.code.name).is_some());
        let findings = report.findings.iter();
        let mut all: Vec<Orphan> = findings
            .filter_map(|finding| of_finding(node, finding))
            .collect();
        let mut abstained = report.coverage.abstained;
        abstained.retain(|abstention| Lacks::from_code(abstention.code).is_some());
        let mut unknown = Vec::new();
        unheld(node, &mut all, &mut unknown);
        for snapshotter in &node.snapshotters {
            unknown.extend(snapshotter.layout.unknown().iter().cloned());
        }
        unknown.sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
        unknown.dedup();
        all.sort_by(|a, b| (a.lacks, &a.snapshotter, a.id).cmp(&(b.lacks, &b.snapshotter, b.id)));
        usages(evidence, &mut all, control);
        Self {
            all,
            abstained,
            unknown,
        }
    }
}

/// The snapshotter whose files or whose database lie at `path`.
fn owner<'n>(node: &'n Node, path: &Text) -> Option<&'n Snapshotter> {
    node.snapshotters.iter().find(|snapshotter| {
        let root = path_text(&snapshotter.root);
        snapshotter.db.path == *path || path.bytes().starts_with(root.bytes())
    })
}

fn of_finding(node: &Node, finding: &Finding) -> Option<Orphan> {
    let lacks = Lacks::from_code(finding.code.name)?;
    let path = finding.location.file.as_ref()?;
    let snapshotter = owner(node, path)?;
    let layout = snapshotter.layout.read();
    let by_key = snapshotter.by_key();
    let name = finding.location.places.last().map(|place| &place.name);
    let row: Option<&Row<BackendSnapshot>> = match lacks {
        Lacks::Directory | Lacks::MetaRow => name.and_then(|key| by_key.get(key).copied()),
        _ => None,
    };
    let id = match lacks {
        Lacks::Row => name.and_then(|name| name.utf8()?.parse().ok()),
        _ => row.and_then(|row| row.id),
    };
    let directory = match (lacks, id, layout) {
        (Lacks::Row | Lacks::End, ..) => Some(path.clone()),
        (_, Some(id), Some(layout)) => Some(path_text(&layout.directory(id))),
        _ => None,
    };
    let mut proof = Vec::new();
    let database = database(snapshotter);
    match lacks {
        Lacks::Row => {
            proof.push(format!("{database}, and none has the id of this directory"));
            proof.extend(counter(snapshotter, id));
        }
        Lacks::End => proof.push(finding.message.clone()),
        Lacks::Directory => {
            let key = row.map(|row| row.key.to_string()).unwrap_or_default();
            proof.push(format!("{} has the snapshot {key}", snapshotter.db.path));
            proof.push("its folder of snapshots could be listed whole".to_owned());
            proof.push(finding.message.clone());
        }
        Lacks::MetaRow | Lacks::Holder => {
            proof.push(format!("{} has its row", snapshotter.db.path));
            proof.push(format!(
                "{}: no namespace has a snapshot of {} by this name",
                meta(node),
                snapshotter.name
            ));
        }
    }
    Some(Orphan {
        lacks,
        snapshotter: snapshotter.name.clone(),
        id,
        key: row.map(|row| row.key.clone()),
        path: directory,
        usage: None,
        proof,
        fate: match lacks {
            Lacks::Row | Lacks::End => "the next clean-up of the snapshotter removes it",
            Lacks::Directory => "nothing removes the row; its descendants cannot be mounted",
            Lacks::MetaRow | Lacks::Holder => "the next garbage collection removes it",
        },
    })
}

/// What was read of a snapshotter's database: whole, or else the check has abstained.
fn database(snapshotter: &Snapshotter) -> String {
    let rows = snapshotter.db.rows.as_ref();
    let count = rows.map_or(0, |rows| rows.snapshots().len());
    let txid = snapshotter.db.facts.map_or(0, |facts| facts.txid);
    let path = &snapshotter.db.path;
    format!("{path}, transaction {txid}, was read whole: {count} snapshots")
}

fn meta(node: &Node) -> String {
    let txid = node.meta.facts.map_or(0, |facts| facts.txid);
    format!("{}, transaction {txid}, was read whole", node.meta.path)
}

/// What the counter of ids says of a directory.
fn counter(snapshotter: &Snapshotter, id: Option<u64>) -> Option<String> {
    let sequence = snapshotter.db.rows.as_ref()?.sequence?;
    let id = id?;
    Some(if id <= sequence {
        format!(
            "the last id that was handed out is {sequence}: a snapshot {id} was made once, and its row removed"
        )
    } else if id == sequence.saturating_add(1) {
        format!(
            "the last id that was handed out is {sequence}: {id} is the next, and the transaction that made it never ended"
        )
    } else {
        format!(
            "the last id that was handed out is {sequence}: it was never given {id}, or the counter is behind"
        )
    })
}

/// Snapshots that the next garbage collection deletes: nothing in meta.db holds them.
fn unheld(node: &Node, orphans: &mut Vec<Orphan>, unknown: &mut Vec<Unknown>) {
    let detected = daemon::detect(&node.traces);
    let release = detected.one().unwrap_or(detected.to);
    let collection = match gc::simulate(node, release, node.now) {
        Ok(collection) => collection,
        Err(why) => return unknown.push(why),
    };
    let lost = collection.graph.all_unknown();
    if !lost.is_empty() {
        // What holds a snapshot may stand where nothing could be read.
        return unknown.extend(lost);
    }
    for record in &collection.records {
        if record.fate != Fate::Deleted || record.id.kind != Kind::Snapshot {
            continue;
        }
        let Some((name, key)) = record.id.snapshot_parts() else {
            continue;
        };
        let found = node.snapshotters.iter().find(|one| one.name == name);
        let backend = backend_key(node, &record.id.namespace, &name, &key);
        let row = found.zip(backend.as_ref());
        let row = row.and_then(|(one, key)| one.by_key().get(key).copied());
        let id = row.and_then(|row| row.id);
        let layout = found.and_then(|one| one.layout.read());
        let path = layout
            .zip(id)
            .map(|(layout, id)| path_text(&layout.directory(id)));
        let mut proof = vec![format!(
            "{}: no image, container, lease, label or child of {}/{key} holds it, as containerd {release} collects",
            meta(node),
            record.id.namespace
        )];
        if let Some(holder) = record.holder.and_then(|at| collection.graph.get(at)) {
            proof.push(format!("what held it last has ended: {}", holder.id));
        }
        orphans.push(Orphan {
            lacks: Lacks::Holder,
            snapshotter: name,
            id,
            key: backend,
            path,
            usage: None,
            proof,
            fate: "the next garbage collection, 100 ms after a start, removes it",
        });
    }
}

fn backend_key(node: &Node, namespace: &Text, snapshotter: &Text, key: &Text) -> Option<Text> {
    let meta = node.meta.rows.as_ref()?;
    let space = meta
        .namespaces()
        .iter()
        .find(|space| space.name == *namespace)?;
    let mut all = space.snapshots.read()?.iter();
    let rows = &all.find(|all| all.snapshotter == *snapshotter)?.rows;
    let row = rows.read()?.iter().find(|row| row.key == *key)?;
    Some(row.name.clone())
}

/// Measures the directories.
fn usages(evidence: &Evidence, orphans: &mut [Orphan], control: &Control<'_>) {
    let path = |text: &Text| {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(text.bytes()))
    };
    let places = orphans.iter().filter(|one| one.lacks != Lacks::Directory);
    let places = places.filter_map(|one| one.path.as_ref());
    let places: Vec<(Text, PathBuf)> = places.map(|text| (text.clone(), path(text))).collect();
    let found: BTreeMap<Text, Known<Usage>> = measure::usages(evidence, places, control);
    for one in orphans {
        let usage = one.path.as_ref().and_then(|path| found.get(path)?.read());
        one.usage = usage.copied();
        if let Ok(stat) = evidence.stat(&one.path.as_ref().map(path).unwrap_or_default())
            && one.lacks != Lacks::Directory
        {
            one.proof
                .push(format!("it was last changed at {}", stat.mtime));
        }
    }
}
