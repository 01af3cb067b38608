//! What the content store deletes once a blob or an ingest left meta.db.

use std::collections::BTreeMap;

use content::{Algorithm, IngestFault, Why as StoreWhy};
use finding::{Text, Unknown, size_option};
use metadb::MetaDb;
use node::Node;
use node::graph::{Id, Kind};
use serde::Serialize;

use super::{Collection, Fate, is_dirty, known_rows, namespaces, path_text, unnamed};

/// Something in the content store, and its fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Digest of a blob, reference of an ingest, or a name.
    pub name: Text,
    /// Where it lies.
    pub path: Text,
    /// Bytes of it: apparent, not on disk.
    #[serde(serialize_with = "size_option")]
    pub size: Option<u64>,
    /// What becomes of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What the content store deletes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ContentRun {
    /// Whether a blob or an ingest is deleted from meta.db: else the store is not looked at.
    /// Nothing where that cannot be decided.
    pub dirty: Option<bool>,
    /// Why it does not get to its end, as the daemon's log says it.
    pub failure: Option<String>,
    /// Files among the blobs, in the order in which the daemon walks.
    pub blobs: Vec<Stored>,
    /// Directories of ingests.
    pub ingests: Vec<Stored>,
    /// What lies where no daemon looks.
    pub others: Vec<Stored>,
    /// What is not known.
    #[serde(skip)]
    pub unknown: Vec<Unknown>,
}

/// What meta.db names after the collection, and how surely.
struct Names {
    named: BTreeMap<Text, Option<bool>>,
    whole: bool,
}

impl Names {
    fn has(&self, name: &Text) -> Option<bool> {
        match self.named.get(name) {
            Some(Some(true)) => Some(true),
            Some(None) => None,
            Some(Some(false)) | None => self.whole.then_some(false),
        }
    }

    fn add(&mut self, name: &Text, fate: Option<&Fate>) {
        let keeps = match fate {
            Some(Fate::Kept) => Some(true),
            Some(Fate::Unknown) => None,
            _ => Some(false),
        };
        let entry = self.named.entry(name.clone()).or_insert(Some(false));
        if keeps == Some(true) || *entry == Some(false) {
            *entry = keeps;
        }
    }

    /// The fate of `name` in a store that is looked at if `dirty`.
    fn fate(&self, name: &Text, dirty: Option<bool>) -> Fate {
        match self.has(name) {
            Some(true) => Fate::Kept,
            Some(false) => unnamed(dirty),
            None => Fate::Unknown,
        }
    }
}

fn names(collection: &Collection, meta: &MetaDb) -> (Names, Names) {
    let unknown_blobs = meta.unknown(|ns| &ns.blobs);
    let unknown_ingests = meta.unknown(|ns| &ns.ingests);
    let mut digests = Names {
        named: BTreeMap::new(),
        whole: unknown_blobs.is_empty() && unknown_ingests.is_empty(),
    };
    let mut references = Names {
        named: BTreeMap::new(),
        whole: unknown_ingests.is_empty(),
    };
    for ns in namespaces(meta) {
        let fate = |kind, key: &Text| {
            let id = Id {
                namespace: ns.name.clone(),
                kind,
                key: key.clone(),
            };
            collection.record(&id).map(|record| &record.fate)
        };
        for row in known_rows(&ns.blobs) {
            digests.add(&row.key, fate(Kind::Blob, &row.key));
        }
        for row in known_rows(&ns.ingests) {
            // What it stands for may be on a page that could not be read.
            digests.whole &= row.readable;
            references.whole &= row.readable;
            let fate = fate(Kind::Ingest, &row.key);
            if let Some(wanted) = &row.wanted {
                digests.add(wanted, fate);
            }
            if !row.backend.is_empty() {
                references.add(&row.backend, fate);
            }
        }
    }
    (digests, references)
}

pub(super) fn run(collection: &Collection, meta: &MetaDb, node: &Node, always: bool) -> ContentRun {
    let own = collection
        .records
        .iter()
        .filter(|record| matches!(record.id.kind, Kind::Blob | Kind::Ingest));
    let dirty = if collection.failure.is_some() {
        Some(false)
    } else {
        is_dirty(own, always)
    };
    let mut run = ContentRun {
        dirty,
        unknown: node.content.unknown().to_vec(),
        ..ContentRun::default()
    };
    let Some(store) = node.content.read() else {
        return run;
    };
    let (digests, references) = names(collection, meta);
    let linked: Vec<Option<&std::ffi::OsStr>> = store
        .others
        .iter()
        .filter(|stray| stray.why == StoreWhy::LinkedAlgorithm)
        .map(|stray| stray.path.file_name())
        .collect();
    let is_linked = |path: &std::path::Path| {
        let folder = path.parent().and_then(std::path::Path::file_name);
        folder.is_some() && linked.contains(&folder)
    };
    // In the daemon's order: by algorithm, then by the bytes of the name.
    let mut entries: BTreeMap<(Algorithm, Text), Found<'_>> = BTreeMap::new();
    for blob in &store.blobs {
        let name = Text::from(blob.digest.hex());
        let found = Found {
            path: &blob.path,
            size: (!blob.stat.only_kind).then_some(blob.stat.size),
            is_digest: true,
            is_dir: false,
            is_empty: None,
        };
        entries.insert((blob.digest.algorithm(), name), found);
    }
    for stray in &store.strays {
        let folder = stray.path.parent().and_then(std::path::Path::file_name);
        let algorithm = folder.and_then(|name| Algorithm::named(name.to_str()?));
        let name = stray
            .path
            .file_name()
            .map(std::ffi::OsStr::as_encoded_bytes);
        if let (Some(algorithm), Some(name)) = (algorithm, name) {
            let found = Found {
                path: &stray.path,
                size: None,
                is_digest: matches!(stray.why, StoreWhy::NotAFile(_)),
                is_dir: stray.stat.is_dir(),
                is_empty: stray.is_empty,
            };
            entries.insert((algorithm, Text::from(name)), found);
        }
    }
    let mut ended: Option<String> = None;
    for ((algorithm, name), found) in entries {
        let digest = Text::from([algorithm.name().as_bytes(), b":", name.bytes()].concat());
        let mut fate = digests.fate(&digest, dirty);
        if fate != Fate::Kept {
            if let Some(why) = &ended {
                fate = Fate::Stays(why.clone());
            } else if is_linked(found.path) {
                fate = Fate::Stays("the daemon does not follow the link on its way".to_owned());
            } else if !found.is_digest && fate != Fate::Unknown {
                let why = format!("the collection of content ends at the name {digest}");
                fate = Fate::Stays(why.clone());
                run.failure = Some(
                    "content garbage collection failed: calculating blob path for delete: cannot \
                     calculate blob path from invalid digest"
                        .to_owned(),
                );
                ended = Some(why);
            }
        }
        // The daemon reads a directory's names before it deletes or keeps it, and then looks for
        // each of them.
        if found.is_digest && found.is_dir && ended.is_none() {
            match (&fate, found.is_empty) {
                (_, Some(true)) => {}
                (Fate::Kept | Fate::Deleted | Fate::Waits, Some(false)) => {
                    let why = format!("the collection of content ends at the directory {digest}");
                    ended = Some(why);
                    run.failure = Some("content garbage collection failed: lstat".to_owned());
                }
                (_, _) => {
                    let what = format!("what the collection of content does after {digest}");
                    let why = "what is in that directory is not known";
                    run.unknown.push(Unknown::new(what, why));
                }
            }
        }
        run.blobs.push(Stored {
            name: digest,
            path: path_text(found.path),
            size: found.size,
            fate,
        });
    }
    ingests(&mut run, store, &references, ended.as_ref());
    for stray in &store.others {
        let why = match stray.why {
            StoreWhy::UnknownAlgorithm => "no daemon looks into what is no algorithm's directory",
            StoreWhy::NotAnIngest(_) => "it has no file ref, so no daemon knows what it is",
            StoreWhy::BesideTheStore => "no daemon looks beside blobs and ingest",
            _ => continue,
        };
        run.others.push(Stored {
            name: Text::from(
                stray
                    .path
                    .file_name()
                    .unwrap_or_default()
                    .as_encoded_bytes(),
            ),
            path: path_text(&stray.path),
            size: None,
            fate: Fate::Stays(why.to_owned()),
        });
    }
    run
}

struct Found<'s> {
    path: &'s std::path::Path,
    size: Option<u64>,
    is_digest: bool,
    is_dir: bool,
    is_empty: Option<bool>,
}

fn ingests(
    run: &mut ContentRun,
    store: &content::Store,
    references: &Names,
    ended: Option<&String>,
) {
    for ingest in &store.ingests {
        let misnamed = ingest
            .faults
            .iter()
            .any(|fault| matches!(fault, IngestFault::Misnamed { .. }));
        let no_reference = ingest.faults.iter().any(|fault| {
            matches!(
                fault,
                IngestFault::Missing("ref") | IngestFault::NotAFile("ref", _)
            )
        });
        let fate = match &ingest.reference {
            None if no_reference => {
                Fate::Stays("it has no file ref, so no daemon knows what it is".to_owned())
            }
            None => Fate::Unknown,
            Some(reference) => match (references.fate(reference, run.dirty), ended) {
                (Fate::Kept, _) => Fate::Kept,
                (_, Some(why)) => Fate::Stays(why.clone()),
                (Fate::Deleted | Fate::Waits, None) if misnamed => Fate::Stays(
                    "it is not named after its reference: the daemon deletes another name"
                        .to_owned(),
                ),
                (fate, None) => fate,
            },
        };
        run.ingests.push(Stored {
            name: ingest
                .reference
                .clone()
                .unwrap_or_else(|| ingest.name.clone()),
            path: path_text(&ingest.path),
            size: ingest.data_size,
            fate,
        });
    }
}
