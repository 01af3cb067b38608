//! The content store: blobs, ingests, and OCI documents with their links.
//!
//! # On disk
//!
//! containerd's `plugins/content/local` (1.x: `content/local`) keeps everything that was ever
//! pulled below `ROOT/io.containerd.content.v1.content`:
//!
//! ```text
//! blobs/<algorithm>/<hex>     a blob: a regular file, mode 0444 once it is committed
//! ingest/<sha256 of ref>/     a blob on its way in
//!     ref                     <namespace>/1/<reference>, without a line feed
//!     data                    the bytes so far
//!     startedat, updatedat    RFC 3339, as Go's time.MarshalText writes it
//!     total                   the size in decimal, if it was known
//! ```
//!
//! A commit syncs `data`, renames it to its place among the blobs, removes the ingest, makes the
//! blob 0444, and only then is the record in meta.db written: each gap between two of these steps
//! is a state in which a crash can leave the store. Before 2.2 the directory is not synced, so that
//! after a power loss meta.db can name a blob whose file never arrived.
//!
//! # Documents
//!
//! A few blobs are JSON and tell what the others are:
//!
//! ```text
//! index ──manifests──> manifest ──config──> config ──rootfs.diff_ids──> diffID, chainID
//!                               └─layers──> layer (tar, gzip or zstd)
//! ```
//!
//! [`Document`] reads them as Go does ([`json::Node::field`] says how Go differs) and keeps all that stands
//! there; what is wrong is a [`Fault`] beside it. A chainID names the snapshot that a layer was
//! unpacked to: chainID(0) = diffID(0), chainID(n) = SHA-256("chainID(n-1) diffID(n)").
//!
//! Nothing here is hashed but small documents: the costly facts are `measure`'s.

pub mod codes;
mod config;
mod descriptor;
mod digest;
mod document;
mod fault;
mod fields;
mod ingest;
mod media;
mod reference;
mod store;

pub use codes::CODES;
pub use config::{ImageConfig, chain_ids};
pub use descriptor::{Descriptor, Link, Platform, Role};
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use document::{DOCUMENT_LIMIT, Document};
pub use fault::Fault;
pub use ingest::{Ingest, IngestFault, Zeros};
pub use media::{Compression, Kind};
pub use reference::normal_name;
pub use store::{Blob, DocumentError, Store, Stray, Why};
