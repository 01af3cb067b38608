//! How much a collection keeps and deletes.

use finding::size_number;
use node::graph::Kind;
use serde::Serialize;

use super::{Collection, Fate};

/// How many of a kind, and their bytes as far as they are recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Kept.
    pub kept: u64,
    /// Deleted.
    pub deleted: u64,
    /// Bytes of the deleted: exact for blobs and ingests, as recorded at the commit for snapshots
    /// (a writable layer records none).
    #[serde(serialize_with = "size_number")]
    pub bytes: u64,
    /// Left until something else in the same store is deleted.
    pub waiting: u64,
    /// Left for ever.
    pub staying: u64,
    /// Undecided.
    pub unknown: u64,
}

impl Count {
    fn add(&mut self, fate: &Fate, bytes: u64) {
        let count = match fate {
            Fate::Kept => &mut self.kept,
            Fate::Deleted => &mut self.deleted,
            Fate::Waits => &mut self.waiting,
            Fate::Stays(_) => &mut self.staying,
            Fate::Unknown => &mut self.unknown,
        };
        *count = count.saturating_add(1);
        if *fate == Fate::Deleted {
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }
}

/// How much a collection keeps and deletes, by what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Leases (records).
    pub leases: Count,
    /// Images (records).
    pub images: Count,
    /// Records of blobs: a blob that two namespaces have has two.
    pub blob_records: Count,
    /// Records of ingests.
    pub ingest_records: Count,
    /// Records of snapshots.
    pub snapshot_records: Count,
    /// Snapshots of the snapshotters, with their directories.
    pub snapshots: Count,
    /// Directories and files without a snapshot.
    pub directories: Count,
    /// Files of blobs.
    pub blobs: Count,
    /// Directories of ingests.
    pub ingests: Count,
}

impl Totals {
    pub(super) fn from_collection(collection: &Collection) -> Self {
        let mut totals = Self::default();
        for record in &collection.records {
            let count = match record.id.kind {
                Kind::Lease => &mut totals.leases,
                Kind::Image => &mut totals.images,
                Kind::Blob => &mut totals.blob_records,
                Kind::Ingest => &mut totals.ingest_records,
                Kind::Snapshot => &mut totals.snapshot_records,
                Kind::Container | Kind::Sandbox | Kind::Pod => continue,
            };
            count.add(&record.fate, 0);
        }
        for backend in &collection.backends {
            for row in &backend.rows {
                totals.snapshots.add(&row.fate, row.size.unwrap_or(0));
            }
            for entry in &backend.entries {
                totals.directories.add(&entry.fate, 0);
            }
        }
        for blob in &collection.content.blobs {
            totals.blobs.add(&blob.fate, blob.size.unwrap_or(0));
        }
        let content = &collection.content;
        for ingest in content.ingests.iter().chain(&content.others) {
            totals.ingests.add(&ingest.fate, ingest.size.unwrap_or(0));
        }
        totals
    }

    /// Whether nothing at all is deleted.
    pub const fn deletes_nothing(&self) -> bool {
        self.leases.deleted == 0
            && self.images.deleted == 0
            && self.blob_records.deleted == 0
            && self.ingest_records.deleted == 0
            && self.snapshot_records.deleted == 0
            && self.snapshots.deleted == 0
            && self.directories.deleted == 0
            && self.blobs.deleted == 0
            && self.ingests.deleted == 0
    }
}
