//! What a path of a node is.

use content::Digest;
use finding::Text;
use metadb::Kind;
use serde::Serialize;

/// One snapshot of a chain.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Layer {
    /// The number of its directory.
    pub(crate) id: Option<u64>,
    /// Its key in metadata.db.
    pub(crate) key: Text,
    pub(crate) kind: Option<Kind>,
}

/// What a path of a node is.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub(crate) enum Is {
    /// In the directory of a snapshot.
    Snapshot {
        snapshotter: Text,
        id: u64,
        kind: Option<Kind>,
        /// Its key in metadata.db; nothing where no row has the number.
        key: Option<Text>,
        /// Below the layer's root: what a container sees as this path.
        inner: Option<Text>,
        /// It and all below it, itself first.
        chain: Vec<Layer>,
    },
    /// Among a snapshotter's directories, but no snapshot's.
    Leftover { snapshotter: Text },
    /// A snapshotter's database or folder.
    Snapshotter { snapshotter: Text, database: bool },
    /// A blob.
    Blob {
        digest: Text,
        /// What it is to the images that need it: `config`, `layer 2`, `target`.
        role: Option<String>,
    },
    /// An ingest.
    Ingest { reference: Option<Text> },
    /// In the content store, but neither.
    Content,
    /// meta.db.
    Meta,
    /// A task's bundle under `state`.
    Bundle {
        namespace: Text,
        id: Text,
        /// Below the container's mounted root: what it sees as this path.
        rootfs: Option<Text>,
    },
    /// A task's folder under `root`.
    Work { namespace: Text, id: Text },
    /// What runc or crun keeps of a container.
    RuntimeState { namespace: Option<Text>, id: Text },
    /// A shim's socket.
    Socket,
    /// A folder of the CRI plugin: `containers` or `sandboxes`.
    Cri { what: &'static str, id: Text },
    /// A file that a pod's or container's record names: its log, its network namespace.
    Named { by: &'static str },
    /// Somewhere else under `root` or `state`.
    Other { below: &'static str },
    /// Nowhere that belongs to containerd.
    Outside,
}

/// A path, and what it is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) path: std::path::PathBuf,
    pub(crate) is: Is,
    /// The blob, if it is one.
    pub(crate) digest: Option<Digest>,
}
