//! What may stand in each bucket of containerd's databases: by this a page of one bucket is told from that
//! of another, though both are in order.
//!
//! One entry that does not belong may be damage, or of a release that is not known here. So a leaf is of
//! another bucket only if most of what it holds cannot be of this one, or if it says so itself.

use bolt::{Bucket, Fit, Keys, Value};

use super::time;
use crate::carved::{ObjectKind, place};
use crate::{backend, container, content, image, lease, sandbox, selfname, snapshot};

/// Entries of a leaf that are looked at, and records that are looked into.
const ASKED: usize = 64;
const OPENED: usize = 6;

/// Which of the two databases a path is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Meta,
    Backend,
}

/// What the entries of a bucket are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Objects of this kind.
    Records(ObjectKind),
    /// The fields of one object of this kind.
    Fields(ObjectKind),
    /// These keys, all of them buckets.
    Buckets(&'static [&'static str]),
    /// Buckets of snapshots, by snapshotter.
    Snapshotters,
    /// Buckets of names, by snapshotter.
    SetsOfNames,
    /// These keys, all of them values.
    Values(&'static [&'static str]),
    /// Any keys with text or bytes.
    Labels,
    /// Names without a value.
    Names,
    /// Any keys with bytes that are not empty.
    Messages,
    /// The index of a snapshotter: two numbers, and the name of the child.
    Parents,
}

/// What stands in the bucket at `path`, if that is known.
fn holds(of: Of, path: &Keys<'_>) -> Option<Holds> {
    if of == Of::Backend {
        return match path {
            [b"v1"] => Some(Holds::Buckets(&["snapshots", "parents"])),
            [b"v1", b"snapshots"] => Some(Holds::Records(ObjectKind::Backend)),
            [b"v1", b"parents"] => Some(Holds::Parents),
            [b"v1", b"snapshots", _] => Some(Holds::Fields(ObjectKind::Backend)),
            [b"v1", b"snapshots", _, b"labels"] => Some(Holds::Labels),
            _ => None,
        };
    }
    match path {
        [b"v1", _] => return Some(Holds::Fields(ObjectKind::Namespace)),
        [b"v1", _, b"labels"] => return Some(Holds::Labels),
        [b"v1", _, b"content"] => return Some(Holds::Buckets(&["blob", "ingests", "ingest"])),
        [b"v1", _, b"snapshots"] => return Some(Holds::Snapshotters),
        _ => {}
    }
    if let Some(kind) = place(path).and_then(|place| place.kind) {
        return Some(Holds::Records(kind));
    }
    let record = (1..path.len()).find_map(|len| {
        let kind = place(path.get(..len)?)?.kind?;
        (kind != ObjectKind::Namespace).then_some((kind, len.saturating_add(1)))
    });
    let (kind, len) = record?;
    match (kind, path.get(len..)?) {
        (_, []) => Some(Holds::Fields(kind)),
        (_, [b"labels"]) | (ObjectKind::Image, [b"annotations"]) => Some(Holds::Labels),
        (ObjectKind::Image, [b"target"]) => Some(Holds::Values(&["digest", "mediatype", "size"])),
        (ObjectKind::Container | ObjectKind::Sandbox, [b"runtime"]) => {
            Some(Holds::Values(&["name", "options"]))
        }
        (ObjectKind::Container | ObjectKind::Sandbox, [b"extensions"]) => Some(Holds::Messages),
        (ObjectKind::Snapshot, [b"children"])
        | (ObjectKind::Lease, [b"content" | b"ingests" | b"images"] | [b"snapshots", _]) => {
            Some(Holds::Names)
        }
        (ObjectKind::Lease, [b"snapshots"]) => Some(Holds::SetsOfNames),
        _ => None,
    }
}

/// The fields of an object.
const fn fields(kind: ObjectKind) -> &'static [&'static str] {
    match kind {
        ObjectKind::Namespace => super::meta::COLLECTIONS,
        ObjectKind::Image => image::KEYS,
        ObjectKind::Container => container::KEYS,
        ObjectKind::Snapshot => snapshot::KEYS,
        ObjectKind::Backend => backend::KEYS,
        ObjectKind::Blob => content::BLOB_KEYS,
        ObjectKind::Ingest => content::INGEST_KEYS,
        ObjectKind::Lease => lease::KEYS,
        ObjectKind::Sandbox => sandbox::KEYS,
    }
}

/// Whether the field of an object is a bucket.
fn is_bucket_field(kind: ObjectKind, key: &[u8]) -> bool {
    match kind {
        ObjectKind::Namespace => true,
        ObjectKind::Ingest => false,
        ObjectKind::Lease => key != b"createdat",
        _ => matches!(
            key,
            b"labels" | b"annotations" | b"target" | b"runtime" | b"extensions" | b"children"
        ),
    }
}

/// The field without which nothing is an object of this kind.
const fn mark(kind: ObjectKind) -> Option<&'static [u8]> {
    match kind {
        ObjectKind::Namespace => None,
        ObjectKind::Image => Some(b"target"),
        ObjectKind::Snapshot => Some(b"name"),
        ObjectKind::Backend => Some(b"id"),
        ObjectKind::Ingest => Some(b"ref"),
        ObjectKind::Container | ObjectKind::Blob | ObjectKind::Lease | ObjectKind::Sandbox => {
            Some(b"createdat")
        }
    }
}

const fn is_bucket(value: &Value<'_>) -> bool {
    matches!(value, Value::Bucket(_))
}

/// Whether a value can be that of a time.
fn is_dated(key: &[u8], value: &Value<'_>) -> bool {
    value.bytes().is_some_and(|bytes| {
        matches!(key, b"createdat" | b"updatedat" | b"expireat") && time(bytes).is_some()
    })
}

/// Whether a field has the right key and the right kind of value.
fn is_field(kind: ObjectKind, key: &[u8], value: &Value<'_>) -> bool {
    fields(kind).iter().any(|field| field.as_bytes() == key)
        && is_bucket(value) == is_bucket_field(kind, key)
        && (!matches!(key, b"createdat" | b"updatedat" | b"expireat") || is_dated(key, value))
}

/// Whether the entries of a leaf can be those of the bucket at `path`; `is_all`: that bucket has no others.
pub(super) fn leaf(of: Of, path: &Keys<'_>, entries: &[(&[u8], Value<'_>)], is_all: bool) -> Fit {
    let Some(holds) = holds(of, path) else {
        return root(of, path, entries);
    };
    if entries.is_empty() {
        return Fit::Unknown;
    }
    let entries = entries.get(..ASKED).unwrap_or(entries);
    if let Holds::Fields(kind) = holds {
        return record(kind, path, entries, is_all);
    }
    let (mut right, mut wrong) = (0_usize, 0_usize);
    let mut opened = 0_usize;
    for (key, value) in entries {
        match entry(holds, path, key, value, &mut opened) {
            Fit::Yes => right = right.saturating_add(1),
            Fit::No => wrong = wrong.saturating_add(1),
            Fit::Unknown => {}
        }
    }
    match (right, wrong) {
        (_, wrong) if wrong > right => Fit::No,
        (0, _) => Fit::Unknown,
        _ => Fit::Yes,
    }
}

/// The root bucket, and `v1` of meta.db, which hold what other programs may add to.
fn root(of: Of, path: &Keys<'_>, entries: &[(&[u8], Value<'_>)]) -> Fit {
    let has = |name: &[u8]| entries.iter().any(|(key, _)| *key == name);
    match path {
        [] if has(b"v1") => Fit::Yes,
        // What stands deeper.
        [] if entries.iter().any(|(key, value)| {
            is_dated(key, value) || of == Of::Meta && super::meta::is_collection(key)
        }) =>
        {
            Fit::No
        }
        _ => Fit::Unknown,
    }
}

/// Whether an entry can be one of such a bucket.
fn entry(holds: Holds, path: &Keys<'_>, key: &[u8], value: &Value<'_>, opened: &mut usize) -> Fit {
    let fit = |is_right: bool| if is_right { Fit::Yes } else { Fit::No };
    match (holds, value) {
        (Holds::Records(ObjectKind::Namespace), value) if key == b"version" => fit(!is_bucket(value)),
        (Holds::Records(kind), Value::Bucket(bucket)) => object(kind, path, key, bucket, opened),
        (Holds::Buckets(keys), Value::Bucket(_)) => {
            fit(keys.iter().any(|known| known.as_bytes() == key))
        }
        (Holds::Values(keys), Value::Bytes(_)) => {
            fit(keys.iter().any(|known| known.as_bytes() == key))
        }
        (Holds::Snapshotters | Holds::SetsOfNames, Value::Bucket(bucket)) => {
            if super::meta::is_collection(key) || *opened >= OPENED {
                return if *opened >= OPENED { Fit::Unknown } else { Fit::No };
            }
            *opened = opened.saturating_add(1);
            let contents = bucket.contents();
            let mut below = contents.entries.iter();
            let is_wrong = below.any(|entry| match holds {
                Holds::Snapshotters => !is_bucket(&entry.value),
                _ => entry.value.bytes().is_none_or(|bytes| !bytes.is_empty()),
            });
            match (is_wrong, contents.is_whole()) {
                (true, _) => Fit::No,
                (false, true) => Fit::Yes,
                (false, false) => Fit::Unknown,
            }
        }
        (Holds::Labels, Value::Bytes(_)) => fit(!is_dated(key, value)),
        (Holds::Names, Value::Bytes(bytes)) => fit(bytes.is_empty()),
        (Holds::Messages, Value::Bytes(bytes)) => fit(!bytes.is_empty() && !is_dated(key, value)),
        (Holds::Parents, Value::Bytes(_)) => fit(backend::parent_key(key).is_some()),
        (Holds::Fields(_), _) => Fit::Unknown,
        (
            Holds::Records(_)
            | Holds::Buckets(_)
            | Holds::Snapshotters
            | Holds::SetsOfNames
            | Holds::Parents
            | Holds::Labels
            | Holds::Names
            | Holds::Messages
            | Holds::Values(_),
            _,
        ) => Fit::No,
    }
}

/// Whether a bucket can be an object of this kind in the bucket at `path`.
fn object(
    kind: ObjectKind,
    path: &Keys<'_>,
    key: &[u8],
    bucket: &Bucket<'_>,
    opened: &mut usize,
) -> Fit {
    // A blob is named by its digest.
    if kind == ObjectKind::Blob && !key.contains(&b':') {
        return Fit::No;
    }
    if kind == ObjectKind::Namespace && super::meta::is_collection(key) {
        return Fit::No;
    }
    if *opened >= OPENED {
        return Fit::Unknown;
    }
    *opened = opened.saturating_add(1);
    let contents = bucket.contents();
    if contents.entries.is_empty() {
        return Fit::Unknown;
    }
    let entries: Vec<(&[u8], Value<'_>)> = contents
        .entries
        .iter()
        .map(|entry| (entry.key, entry.value.clone()))
        .collect();
    let path: Vec<&[u8]> = path.iter().copied().chain([key]).collect();
    record(kind, &path, &entries, contents.is_whole())
}

/// Whether the entries can be the fields of the object of this kind at `path`.
fn record(kind: ObjectKind, path: &Keys<'_>, entries: &[(&[u8], Value<'_>)], is_all: bool) -> Fit {
    let right = entries.iter().filter(|(key, value)| is_field(kind, key, value));
    let right = right.count();
    let wrong = entries.len().saturating_sub(right);
    let has = |name: &[u8]| entries.iter().any(|(key, _)| *key == name);
    let lacks = mark(kind).is_some_and(|mark| !has(mark));
    // All objects but blobs and leases have what no blob and no lease has.
    let is_other = match kind {
        ObjectKind::Blob => has(b"target") || has(b"snapshotKey") || has(b"name") || has(b"runtime"),
        ObjectKind::Container => has(b"target") || has(b"name") || has(b"size"),
        ObjectKind::Sandbox => has(b"snapshotKey") || has(b"target") || has(b"name"),
        ObjectKind::Lease => has(b"updatedat"),
        _ => false,
    };
    if wrong > right || is_all && (is_other || lacks && wrong > 0) || is_all && lacks && !is_new(kind) {
        return Fit::No;
    }
    if says_another_name(kind, path, entries) {
        return Fit::No;
    }
    if right > 0 { Fit::Yes } else { Fit::Unknown }
}

/// Whether an object of the kind may lack its mark: a daemon that reads it makes do.
const fn is_new(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Namespace
            | ObjectKind::Container
            | ObjectKind::Blob
            | ObjectKind::Lease
            | ObjectKind::Sandbox
    )
}

/// Whether the object says that it is another one: the name of a snapshot and of an ingest has namespace
/// and key in it.
fn says_another_name(kind: ObjectKind, path: &Keys<'_>, entries: &[(&[u8], Value<'_>)]) -> bool {
    let field: &[u8] = match kind {
        ObjectKind::Snapshot => b"name",
        ObjectKind::Ingest => b"ref",
        _ => return false,
    };
    let Some(name) = entries
        .iter()
        .find(|(key, _)| *key == field)
        .and_then(|(_, value)| value.bytes())
        .and_then(|name| core::str::from_utf8(name).ok())
    else {
        return false;
    };
    let (Some(namespace), Some(key)) = (path.get(1), path.last()) else {
        return false;
    };
    selfname::backend_name(name).is_some_and(|(of, own)| {
        own.bytes() != *key || of.is_some_and(|of| of.bytes() != *namespace)
    })
}
