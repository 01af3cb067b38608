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

/// Whether a key is one that the schema itself has somewhere: no object is called so.
fn is_reserved(key: &[u8]) -> bool {
    matches!(
        key,
        b"v1"
            | b"version"
            | b"blob"
            | b"ingests"
            | b"createdat"
            | b"updatedat"
            | b"target"
            | b"runtime"
            | b"extensions"
            | b"children"
            | b"parents"
            | b"spec"
    ) || super::meta::is_collection(key)
}

/// Whether a key is the id that containerd draws for a lease of its own: `927504671-jcMr`.
fn is_lease_id(key: &[u8]) -> bool {
    let mut parts = key.splitn(2, |byte| *byte == b'-');
    let (Some(number), Some(rest)) = (parts.next(), parts.next()) else {
        return false;
    };
    rest.len() == 4 && number.len() >= 6 && number.iter().all(u8::is_ascii_digit)
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
    let has_version = || entries.iter().any(|(key, _)| *key == b"version");
    if holds == Holds::Records(ObjectKind::Namespace) && is_all && !has_version() {
        return unversioned(entries);
    }
    // What stands in the place of its namespaces may be damage; a page with the version is that of `v1`.
    if holds == Holds::Records(ObjectKind::Namespace) && has_version() {
        let others = entries.iter().filter(|(key, _)| *key != b"version");
        let all_buckets = others.map(|(_, value)| value).all(is_bucket);
        return if all_buckets { Fit::Yes } else { Fit::Unknown };
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
    // Containerd 1.7 puts sandboxes beside `v1`, and salvage what it found.
    let is_beside = |(key, value): &(&[u8], Value<'_>)| {
        key.starts_with(b"lost+found")
            || of == Of::Meta
                && !is_reserved(key)
                && value.bucket().is_some_and(|bucket| {
                    let mut below = bucket.contents().entries.into_iter();
                    below.all(|entry| entry.key == b"sandboxes")
                })
    };
    match path {
        [] if has(b"v1") => Fit::Yes,
        [] if !entries.iter().all(is_beside) => Fit::No,
        _ => Fit::Unknown,
    }
}

/// `v1` without its version: then all that it holds must be namespaces beyond doubt.
fn unversioned(entries: &[(&[u8], Value<'_>)]) -> Fit {
    let is_namespace = |(key, value): &(&[u8], Value<'_>)| {
        value.bucket().is_some_and(|bucket| {
            let contents = bucket.contents();
            let mut below = contents.entries.iter();
            !is_reserved(key)
                && !is_lease_id(key)
                && !contents.entries.is_empty()
                && below.all(|entry| is_field(ObjectKind::Namespace, entry.key, &entry.value))
        })
    };
    if entries.iter().all(is_namespace) {
        Fit::Yes
    } else {
        Fit::No
    }
}

/// Whether what stands under a snapshotter are its snapshots.
fn are_snapshots(path: &Keys<'_>, key: &[u8], bucket: &Bucket<'_>) -> Fit {
    let contents = bucket.contents();
    let path: Vec<&[u8]> = path.iter().copied().chain([key]).collect();
    let mut opened = OPENED.saturating_sub(2);
    let mut fit = Fit::Unknown;
    for entry in contents.entries.iter().take(2) {
        let Value::Bucket(below) = &entry.value else {
            return Fit::No;
        };
        match object(ObjectKind::Snapshot, &path, entry.key, below, &mut opened) {
            Fit::No => return Fit::No,
            Fit::Yes => fit = Fit::Yes,
            Fit::Unknown => {}
        }
    }
    fit
}

/// Whether an entry can be one of such a bucket.
fn entry(holds: Holds, path: &Keys<'_>, key: &[u8], value: &Value<'_>, opened: &mut usize) -> Fit {
    let fit = |is_right: bool| if is_right { Fit::Yes } else { Fit::No };
    match (holds, value) {
        (Holds::Records(ObjectKind::Namespace), value) if key == b"version" => {
            fit(!is_bucket(value))
        }
        (Holds::Records(kind), Value::Bucket(bucket)) => object(kind, path, key, bucket, opened),
        (Holds::Buckets(keys), Value::Bucket(_)) => {
            fit(keys.iter().any(|known| known.as_bytes() == key))
        }
        (Holds::Values(keys), Value::Bytes(_)) => {
            fit(keys.iter().any(|known| known.as_bytes() == key))
        }
        (Holds::Snapshotters | Holds::SetsOfNames, Value::Bucket(_)) if is_reserved(key) => Fit::No,
        (Holds::Snapshotters | Holds::SetsOfNames, Value::Bucket(bucket)) => {
            if *opened >= OPENED {
                return Fit::Unknown;
            }
            *opened = opened.saturating_add(1);
            if holds == Holds::Snapshotters {
                return are_snapshots(path, key, bucket);
            }
            let contents = bucket.contents();
            let mut below = contents.entries.iter();
            let is_name = |entry: &bolt::Entry<'_>| entry.value.bytes() == Some(b"");
            fit(below.all(is_name))
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
    // Whoever asks for a lease may call it anything; nobody calls something else like one.
    let is_of_lease = kind != ObjectKind::Lease && kind != ObjectKind::Snapshot && is_lease_id(key);
    if is_reserved(key) || is_of_lease {
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
    let right = entries
        .iter()
        .filter(|(key, value)| is_field(kind, key, value));
    let right = right.count();
    let wrong = entries.len().saturating_sub(right);
    let has = |name: &[u8]| entries.iter().any(|(key, _)| *key == name);
    let lacks = mark(kind).is_some_and(|mark| !has(mark));
    // All objects but blobs and leases have what no blob and no lease has.
    let is_other = match kind {
        ObjectKind::Blob => {
            has(b"target") || has(b"snapshotKey") || has(b"name") || has(b"runtime")
        }
        ObjectKind::Container => has(b"target") || has(b"name") || has(b"size"),
        ObjectKind::Sandbox => has(b"snapshotKey") || has(b"target") || has(b"name"),
        ObjectKind::Lease => has(b"updatedat"),
        _ => false,
    };
    if wrong > right
        || is_all && (is_other || lacks && wrong > 0)
        || is_all && lacks && !is_new(kind)
    {
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
