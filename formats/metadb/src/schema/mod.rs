//! containerd's schema as the bolt crate asks for it.
//!
//! [`SCHEMAS`] are the databases of containerd: handed to a check, a salvage or a carving, they add
//! what the daemon never does, needs and means to what the format alone tells.

mod backend;
mod contradictions;
mod grammar;
mod lost;
mod meta;
mod order;

pub(crate) use meta::is_collection;

use bolt::{Bucket, Counter, Schemas};
use finding::Time;

use crate::carved::ObjectKind;
use crate::open::{Open, Troubles};

/// meta.db, and the snapshotters' metadata.db.
pub const SCHEMAS: Schemas = Schemas(&[&meta::Meta, &backend::Backend]);

/// meta.db alone.
pub const META: Schemas = Schemas(&[&meta::Meta]);
/// A snapshotter's metadata.db alone.
pub const BACKEND: Schemas = Schemas(&[&backend::Backend]);

/// What a bucket is by its keys.
fn kind_of(bucket: &Bucket<'_>) -> Option<ObjectKind> {
    crate::carved::shape(&Open::new(bucket, Vec::new(), &mut Troubles::default()))
}

/// The time in a value.
fn time(value: &[u8]) -> Option<Time> {
    crate::go_time(value).ok()
}

/// When an object was made, if this key and value say it.
fn birthday(key: &[u8], value: &[u8]) -> Option<Time> {
    time(value).filter(|_| key.starts_with(b"created"))
}

/// Whether a value is the version of a schema: a small varint.
fn is_version(value: &[u8]) -> bool {
    crate::varint(value).is_ok_and(|version| (0..=64).contains(&version))
}

/// What all counters of snapshots have in common.
const SNAPSHOTS: Counter = Counter {
    key: b"",
    read: |_| None,
    skipped: 1024,
    why: "a snapshot has this number, and the next one must not get it again",
    why_skipped: "the newest transaction may be lost: 1024 numbers are skipped, as the daemon removes \
                  the directory of a snapshot whose number it gives a second time",
};
