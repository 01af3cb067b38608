//! `coroner content ls`

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Style, Table, size};
use content::{Digest, Ingest, Store};
use evidence::Evidence;
use finding::{Known, Object, Text, Unknown, size_option};
use node::{Documents, Node, path_text};
use serde::Serialize;

/// One blob, as its file and meta.db have it.
#[derive(Serialize)]
struct BlobLine {
    digest: Digest,
    /// Bytes of its file, if it is there.
    #[serde(serialize_with = "size_option")]
    size: Option<u64>,
    /// What an image needs it for.
    kind: Option<String>,
    namespaces: Vec<Text>,
    state: State,
    used_by: Vec<Object>,
}

/// How file and row agree; the bytes were not looked at.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum State {
    Ok,
    /// A row, no file.
    Missing,
    /// A row, and a file of another size.
    OtherSize,
    /// A file, no row.
    NoRow,
    /// A file, and no rows to compare with.
    Unknown,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::OtherSize => "other size",
            Self::NoRow => "no row",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Serialize)]
struct StrayLine {
    path: Text,
    why: content::Why,
}

#[derive(Serialize)]
struct Listing {
    blobs: Vec<BlobLine>,
    ingests: Vec<Ingest>,
    strays: Vec<StrayLine>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(args: &EvidenceArgs, out: &mut Out) -> Outcome {
    let case = Case::open(args)?;
    let node = case.node()?;
    let store = names::store(&node)?;
    let mut unknown = node.content.unknown().to_vec();
    let rows = rows(&node, &mut unknown);
    let strays = store.strays.iter().chain(&store.others);
    let listing = Listing {
        blobs: blobs(&case.evidence, &node, store, &rows),
        ingests: store.ingests.clone(),
        strays: strays
            .map(|stray| StrayLine {
                path: path_text(&stray.path),
                why: stray.why,
            })
            .collect(),
        unknown,
    };
    out.answer(&listing)
}

type Rows<'n> = Known<BTreeMap<Digest, Vec<(&'n Text, Option<i64>)>>>;

/// Rows of all namespaces by digest.
fn rows<'n>(node: &'n Node, unknown: &mut Vec<Unknown>) -> Rows<'n> {
    let Some(meta) = &node.meta.rows else {
        let lost: Vec<Unknown> = node.meta.lost().into_iter().collect();
        unknown.extend(lost.iter().cloned());
        return Known::Lost(lost);
    };
    let mut rows: BTreeMap<Digest, Vec<(&Text, Option<i64>)>> = BTreeMap::new();
    for namespace in meta.namespaces() {
        for row in namespace.blobs.read().into_iter().flatten() {
            if let Ok(digest) = Digest::parse_bytes(row.key.bytes()) {
                rows.entry(digest)
                    .or_default()
                    .push((&namespace.name, row.size));
            }
        }
    }
    let lacking = meta.unknown(|namespace| &namespace.blobs);
    unknown.extend(lacking.iter().cloned());
    Known::with(rows, lacking)
}

fn blobs(evidence: &Evidence, node: &Node, store: &Store, rows: &Rows<'_>) -> Vec<BlobLine> {
    let mut kinds = kinds(&node.documents);
    // Where rows of images are lost, documents are known by what they hold.
    if !rows.is_whole() {
        let small = store.blobs.iter().filter(|blob| blob.stat.size <= DOCUMENT);
        let all = small.map(|blob| (blob.digest.clone(), String::new()));
        let found = Documents::below(evidence, &store.root, all);
        for (digest, kind) in self::kinds(&found) {
            kinds.entry(digest).or_insert(kind);
        }
    }
    let known = rows.read();
    let mut digests: BTreeSet<&Digest> = store.blobs.iter().map(|blob| &blob.digest).collect();
    // That a file is missing can only be told where every directory could be listed.
    if node.content.is_whole() {
        digests.extend(known.into_iter().flat_map(BTreeMap::keys));
    }
    let line = |digest: &Digest| {
        let file = store.blob(digest);
        let row = known.and_then(|rows| rows.get(digest));
        let size = file.map(|blob| blob.stat.size);
        let other_size = |(_, claimed): &(&Text, Option<i64>)| {
            claimed
                .is_some_and(|claimed| size.is_some_and(|size| i64::try_from(size) != Ok(claimed)))
        };
        let state = match row {
            Some(_) if file.is_none() => State::Missing,
            Some(rows) if rows.iter().any(other_size) => State::OtherSize,
            Some(_) => State::Ok,
            None if rows.is_whole() => State::NoRow,
            None => State::Unknown,
        };
        BlobLine {
            digest: digest.clone(),
            size,
            kind: kinds.get(digest).cloned(),
            namespaces: row
                .into_iter()
                .flatten()
                .map(|(name, _)| (*name).clone())
                .collect(),
            state,
            used_by: node.graph().users_of_blob(digest),
        }
    };
    digests.into_iter().map(line).collect()
}

/// Bytes that a document may have to be found without an image that names it: those of manifests and
/// configurations.
const DOCUMENT: u64 = 1 << 20;

/// What documents are, and what they say that other blobs are.
fn kinds(documents: &Documents) -> BTreeMap<Digest, String> {
    let mut kinds = BTreeMap::new();
    for (digest, wanted) in documents.iter() {
        let Some(document) = wanted.document() else {
            continue;
        };
        kinds.insert(digest.clone(), document.kind.to_string());
        for link in document.links() {
            kinds
                .entry(link.descriptor.digest.clone())
                .or_insert_with(|| link.role.to_string());
        }
    }
    kinds
}

impl Answer for Listing {
    const SCHEMA: &'static str = "content-ls/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let mut table = Table::new(&[
            "digest",
            ">size",
            "kind",
            "~namespaces",
            "state",
            "!used by",
        ]);
        for blob in &self.blobs {
            let names: Vec<String> = blob.namespaces.iter().map(ToString::to_string).collect();
            let users: Vec<String> = blob.used_by.iter().map(ToString::to_string).collect();
            table.cells(vec![
                blob.digest.to_string(),
                blob.size.map_or_else(|| "-".to_owned(), size),
                blob.kind.clone().unwrap_or_else(|| "-".to_owned()),
                if names.is_empty() {
                    "-".to_owned()
                } else {
                    names.join(",")
                },
                blob.state.word().to_owned(),
                users.join(", "),
            ]);
        }
        pen.table(&table)?;
        if !self.ingests.is_empty() {
            pen.gap()?;
            let mut table = Table::new(&["!unfinished write", ">size", ">of", "last written"]);
            for ingest in &self.ingests {
                let cell = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), size);
                table.cells(vec![
                    ingest
                        .reference
                        .as_ref()
                        .unwrap_or(&ingest.name)
                        .to_string(),
                    cell(ingest.data_size),
                    cell(ingest.total),
                    ingest
                        .updated_at
                        .map_or_else(|| "-".to_owned(), |time| time.to_string()),
                ]);
            }
            pen.table(&table)?;
            for ingest in self
                .ingests
                .iter()
                .filter(|ingest| !ingest.faults.is_empty())
            {
                let faults: Vec<String> = ingest.faults.iter().map(ToString::to_string).collect();
                let line = format!("{}: {}", ingest.name, faults.join("; "));
                pen.line(pen.styled(Style::Warning, line).to_string())?;
            }
        }
        if !self.strays.is_empty() {
            pen.gap()?;
            pen.heading("Not blobs")?;
            for stray in &self.strays {
                pen.line(format_args!("  {}: {}", stray.path, stray.why))?;
            }
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
