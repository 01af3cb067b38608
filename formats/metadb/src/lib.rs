//! containerd's schema on bolt: `meta.db` and the snapshotters' `metadata.db`.
//!
//! ```text
//! ROOT/io.containerd.metadata.v1.bolt/meta.db            core/metadata/buckets.go
//! v1/version                                     varint
//! v1/<namespace>/labels/                         *key = text
//! v1/<namespace>/images/<name>/                  createdat updatedat target/ labels/ annotations/
//! v1/<namespace>/containers/<id>/                createdat updatedat image snapshotter snapshotKey
//!                                                sandboxid spec runtime/ extensions/ labels/
//! v1/<namespace>/snapshots/<snapshotter>/<key>/  name createdat updatedat parent children/ labels/
//! v1/<namespace>/content/blob/<digest>/          createdat updatedat size labels/
//! v1/<namespace>/content/ingests/<ref>/          ref expireat expected
//! v1/<namespace>/leases/<id>/                    createdat labels/ content/ ingests/ snapshots/ images/
//! v1/<namespace>/sandboxes/<id>/                 2.x; in 1.7 at the root: <namespace>/sandboxes/<id>/
//!
//! ROOT/io.containerd.snapshotter.v1.<name>/metadata.db   core/snapshots/storage/bolt.go
//! v1/snapshots/<namespace>/<N>/<key>/            id kind parent createdat updatedat labels/ inodes size
//! v1/parents/<uvarint parent><00><uvarint child> = key of the child
//! ```
//!
//! Everything is read into owned rows: a row says where it stands ([`At`]) and whether all of it
//! could be read; a collection is [`Known`](finding::Known), so that nobody concludes from the
//! absence of a row that a damaged page may have held. What could not be read or decoded is a
//! [`Trouble`].

mod at;
mod backend;
mod carved;
mod container;
mod content;
pub mod cri;
mod encode;
mod encoding;
mod fault;
mod image;
mod labels;
mod lease;
mod living;
mod meta;
mod mounts;
mod open;
mod pool;
mod proto;
mod roots;
mod sandbox;
mod schema;
mod selfname;
mod snapshot;
mod unknown;
mod whose;

pub use at::{At, Row};
pub use backend::{Backend, BackendSnapshot, Kind, meta_key};
pub use carved::{
    CarvedObject, NamedBy, ObjectKind, carved_objects, is_containerd, looks_like_containerd,
};
pub use container::{Container, Runtime};
pub use content::{BlobRow, IngestRow};
pub use encode::{put_any, put_time, put_uvarint, put_varint};
pub use encoding::{Any, DecodeError, go_time, uvarint, varint};
pub use fault::{CODES, Fault, Problem, Trouble};
pub use image::{Image, Target};
pub use labels::Labels;
pub use lease::Lease;
pub use meta::{MetaDb, Namespace};
pub use mounts::{Mount, Mounts};
pub use pool::{Device, Pool};
pub use proto::{Message, ProtoField, ProtoValue, fields as proto_fields};
pub use roots::RootBucket;
pub use sandbox::Sandbox;
pub use schema::{BACKEND, META, SCHEMAS};
pub use snapshot::{SnapshotRow, Snapshots};
pub use whose::Whose;
