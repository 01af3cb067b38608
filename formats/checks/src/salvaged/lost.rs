//! What the damaged file still names, and the new one has not.

use std::collections::BTreeMap;

use bolt::{Carve, CarveOptions, Db, Status};
use finding::Text;
use metadb::{Backend, CarvedObject, MetaDb, NamedBy, ObjectKind, carved_objects};
use view::View;

use super::{Loss, Nameless, Salvage, Why, may_hide, names::Names, path_of, unknown_gaps};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Lost {
    pub(super) named: Vec<Loss>,
    pub(super) nameless: Vec<Nameless>,
}

fn carved(old: View<'_>) -> Option<Carve<'_>> {
    let options = CarveOptions {
        roots: vec![b"v1".to_vec()],
        schemas: metadb::SCHEMAS,
        ..CarveOptions::default()
    };
    Carve::carve_file(old, &options).ok()
}

/// Whether anything in the damaged file looks like containerd's.
pub(super) fn is_containerd(old: View<'_>) -> bool {
    let is_whole = Db::open(old)
        .db
        .is_some_and(|db| metadb::is_containerd(&db));
    is_whole || carved(old).is_some_and(|carve| metadb::looks_like_containerd(&carve))
}

/// Whether the damaged file has rows of a snapshotter, and none of meta.db.
pub(super) fn is_backend(old: View<'_>) -> bool {
    let Some(carve) = carved(old) else {
        return false;
    };
    let objects = carved_objects(&carve, Db::open(old).db.as_ref());
    let is_backend = |object: &CarvedObject| object.kind == ObjectKind::Backend;
    objects.iter().any(is_backend)
        && objects
            .iter()
            .all(|object| is_backend(object) || object.kind == ObjectKind::Namespace)
}

/// The objects that the bytes of `old` name, that are not among `names`, and that are not known to
/// have been deleted before.
pub(super) fn losses(old: View<'_>, names: &Names, salvage: Salvage<'_>) -> Lost {
    let mut lost = Lost::default();
    let Some(carve) = carved(old) else {
        return lost;
    };
    let db = Db::open(old).db;
    if let Some(db) = db.as_ref() {
        // What can be read there and was left out.
        let read = if super::is_backend(db) {
            Names::of_backend(&Backend::read_backend(db))
        } else {
            Names::of_meta(&MetaDb::read_meta(db))
        };
        lost.named.extend(read.not_in(names));
    }
    lost.named.extend(taken_out(names, salvage));
    lost.named.extend(without_labels(names, salvage));
    let mut nameless: BTreeMap<ObjectKind, u64> = BTreeMap::new();
    for object in carved_objects(&carve, db.as_ref()) {
        if !is_open(&object, salvage) {
            continue;
        }
        let Some(name) = object
            .name
            .as_ref()
            .filter(|_| object.named_by != NamedBy::Nothing)
        else {
            let count = nameless.entry(object.kind).or_default();
            *count = count.saturating_add(1);
            continue;
        };
        if names.have(object.kind, object.namespace.as_ref(), name)
            || !is_hidden(&object, name, salvage)
        {
            continue;
        }
        let backend = object.record.get("name").and_then(|name| name.as_str());
        let backend = backend.filter(|_| object.kind == ObjectKind::Snapshot);
        lost.named.push(Loss {
            kind: object.kind,
            namespace: object.namespace.clone(),
            snapshotter: object.snapshotter.clone(),
            name: name.clone(),
            backend: backend.map(Text::from),
            why: Why::NoRow,
        });
    }
    // Old versions of what is there are nameless, too: only where a tree is missing do they count.
    if !salvage.has_tree {
        lost.nameless = nameless
            .into_iter()
            .map(|(kind, count)| Nameless { kind, count })
            .collect();
    }
    lost
}

/// Objects in which keys are missing, and that were left out for it.
fn taken_out(names: &Names, salvage: Salvage<'_>) -> Vec<Loss> {
    let open = unknown_gaps(salvage.gaps);
    let objects = open.filter_map(|gap| super::object_of(&gap.path));
    objects
        .filter(|loss| !names.have(loss.kind, loss.namespace.as_ref(), &loss.name))
        .collect()
}

/// Blobs and snapshots whose rows are there and whose labels may be missing: a label may be all that holds
/// one (`containerd.io/gc.root`), or what it is held by.
fn without_labels(names: &Names, salvage: Salvage<'_>) -> Vec<Loss> {
    let open = unknown_gaps(salvage.gaps);
    let objects = open.filter_map(|gap| {
        let loss = super::object_of(&gap.path)?;
        let (namespace, snapshotter) = (loss.namespace.as_ref(), loss.snapshotter.as_ref());
        let own = path_of(loss.kind, namespace, snapshotter, &loss.name)?;
        let is_own = gap.path == own && gap.range.may_hold(b"labels");
        let is_labels = gap.path.get(own.len()).is_some_and(|key| key == b"labels");
        let is_collected = matches!(loss.kind, ObjectKind::Blob | ObjectKind::Snapshot);
        (is_collected && (is_own || is_labels)).then_some(Loss {
            why: Why::NotHeld,
            ..loss
        })
    });
    objects
        .filter(|loss| names.have(loss.kind, loss.namespace.as_ref(), &loss.name))
        .collect()
}

/// Whether it may be of the newest transaction.
fn is_open(object: &CarvedObject, salvage: Salvage<'_>) -> bool {
    match object.status {
        Status::Unknown | Status::Unplaced => true,
        Status::Uncommitted => salvage.may_be_older,
        Status::Deleted | Status::Older | Status::Live => !salvage.has_tree,
    }
}

/// Whether a gap may hide its row.
fn is_hidden(object: &CarvedObject, name: &Text, salvage: Salvage<'_>) -> bool {
    if !salvage.has_tree || object.status == Status::Uncommitted {
        return true;
    }
    let (namespace, snapshotter) = (object.namespace.as_ref(), object.snapshotter.as_ref());
    match path_of(object.kind, namespace, snapshotter, name) {
        Some(path) => may_hide(salvage.gaps, &path),
        None => unknown_gaps(salvage.gaps)
            .any(|gap| may_be_of(object, name, &gap.path, |key| gap.range.may_hold(key))),
    }
}

/// Whether an object whose namespace or snapshotter is not known may stand below `bucket`.
fn may_be_of(
    object: &CarvedObject,
    name: &Text,
    bucket: &[Vec<u8>],
    holds: impl Fn(&[u8]) -> bool,
) -> bool {
    // Any namespace, any snapshotter: the parts of the gap's own path fill in what is not known.
    let any = |place: usize| bucket.get(place).map(|part| Text::new(part.clone()));
    let namespace = object
        .namespace
        .clone()
        .or_else(|| any(1))
        .unwrap_or_else(|| Text::new(*b"?"));
    let snapshotter = object
        .snapshotter
        .clone()
        .or_else(|| any(3))
        .unwrap_or_else(|| Text::new(*b"?"));
    let path = path_of(object.kind, Some(&namespace), Some(&snapshotter), name);
    path.is_some_and(|path| {
        let Some(key) = path.get(bucket.len()) else {
            return false;
        };
        let is_own = bucket.len() > 1 && (bucket.len() != 3 || object.kind != ObjectKind::Snapshot);
        path.starts_with(bucket) && (!is_own || holds(key))
    })
}
