//! What a path of a node is.

use content::Digest;
use finding::Text;
use metadb::Kind;
use serde::Serialize;

/// One snapshot of a chain.
#[derive(Debug, Clone, Serialize)]
pub struct Layer {
    /// The number of its directory.
    pub id: Option<u64>,
    /// Its key in metadata.db.
    pub key: Text,
    /// What its row says it is.
    pub kind: Option<Kind>,
}

/// What a path of a node is.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Is {
    /// In the directory of a snapshot.
    Snapshot {
        /// The snapshotter's name.
        snapshotter: Text,
        /// The number of its directory.
        id: u64,
        /// What its row says it is.
        kind: Option<Kind>,
        /// Its key in metadata.db; nothing where no row has the number.
        key: Option<Text>,
        /// Below the layer's root: what a container sees as this path.
        inner: Option<Text>,
        /// It and all below it, itself first.
        chain: Vec<Layer>,
    },
    /// Among a snapshotter's directories, but no snapshot's.
    Leftover {
        /// The snapshotter's name.
        snapshotter: Text,
    },
    /// A snapshotter's database or folder.
    Snapshotter {
        /// The snapshotter's name.
        snapshotter: Text,
        /// Whether it is the database.
        database: bool,
    },
    /// A blob.
    Blob {
        /// Its digest.
        digest: Text,
        /// What it is to the images that need it: `config`, `layer 2`, `target`.
        role: Option<String>,
    },
    /// An ingest.
    Ingest {
        /// What it writes.
        reference: Option<Text>,
    },
    /// In the content store, but neither.
    Content,
    /// meta.db.
    Meta,
    /// A task's bundle under `state`.
    Bundle {
        /// containerd's namespace.
        namespace: Text,
        /// Its id.
        id: Text,
        /// Below the container's mounted root: what it sees as this path.
        rootfs: Option<Text>,
    },
    /// A task's folder under `root`.
    Work {
        /// containerd's namespace.
        namespace: Text,
        /// Its id.
        id: Text,
    },
    /// What runc or crun keeps of a container.
    RuntimeState {
        /// containerd's namespace.
        namespace: Option<Text>,
        /// Its id.
        id: Text,
    },
    /// A shim's socket.
    Socket,
    /// A folder of the CRI plugin: `containers` or `sandboxes`.
    Cri {
        /// `container` or `pod`.
        what: &'static str,
        /// Its id.
        id: Text,
    },
    /// A file that a pod's or container's record names: its log, its network namespace.
    Named {
        /// What the file is.
        by: &'static str,
    },
    /// Somewhere else under `root` or `state`.
    Other {
        /// `root` or `state`.
        below: &'static str,
    },
    /// Nowhere that belongs to containerd.
    Outside,
}

/// A path, and what it is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) path: std::path::PathBuf,
    pub(super) is: Is,
    /// The blob, if it is one.
    pub(super) digest: Option<Digest>,
}
