//! `v1/<namespace>/content/`: rows of blobs and of ingests.

use finding::{Known, Text, Time};
use serde::Serialize;

use crate::open::{Open, Troubles};
use crate::{Labels, Row};

/// A blob as meta.db knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlobRow {
    /// When it was made.
    pub created: Option<Time>,
    /// When it was changed.
    pub updated: Option<Time>,
    /// Its size in bytes.
    pub size: Option<i64>,
    /// Its labels, the references of the garbage collector among them.
    pub labels: Labels,
}

/// A write that was begun and not committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IngestRow {
    /// Its name in the content store: `<namespace>/1/<ref>`.
    pub backend: Text,
    /// When it may be collected; none while a lease holds it.
    pub expires: Option<Time>,
    /// The blob that it stands for, where another namespace has the bytes already.
    pub wanted: Option<Text>,
}

pub(crate) const BLOB_KEYS: &[&str] = &["createdat", "updatedat", "size", "labels"];
pub(crate) const INGEST_KEYS: &[&str] = &["ref", "expireat", "expected"];

pub(crate) fn blob(bucket: &Open<'_>, troubles: &mut Troubles) -> BlobRow {
    BlobRow {
        created: bucket.time("createdat", troubles),
        updated: bucket.time("updatedat", troubles),
        size: bucket.varint("size", troubles),
        labels: bucket.labels("labels", troubles),
    }
}

pub(crate) fn ingest(bucket: &Open<'_>, troubles: &mut Troubles) -> IngestRow {
    IngestRow {
        backend: bucket.text_value("ref", troubles).unwrap_or_default(),
        expires: bucket.time("expireat", troubles),
        wanted: bucket
            .text_value("expected", troubles)
            .filter(|digest| !digest.is_empty()),
    }
}

/// The rows of one namespace's content.
pub(crate) struct ContentRows {
    pub(crate) blobs: Known<Vec<Row<BlobRow>>>,
    pub(crate) ingests: Known<Vec<Row<IngestRow>>>,
}

pub(crate) fn read_all(namespace: &Open<'_>, troubles: &mut Troubles) -> ContentRows {
    match namespace.bucket("content", troubles) {
        Some(content) => ContentRows {
            blobs: content.rows("blob", BLOB_KEYS, troubles, blob),
            ingests: content.rows("ingests", INGEST_KEYS, troubles, ingest),
        },
        None => ContentRows {
            blobs: Known::with(Vec::new(), namespace.unknown()),
            ingests: Known::with(Vec::new(), namespace.unknown()),
        },
    }
}
