//! Carved buckets as containerd's objects.
//!
//! An object is a bucket, and its key is its name: in a carved parent the name stands beside the
//! number of the page. Where no parent was carved, the object may say its name itself: a snapshot
//! the key under which its snapshotter knows it, a container its cgroup or the CRI's record.

use bolt::{
    Bounds, Bucket, Carve, Carved, Confidence, Db, Named, Origin, PageId, Record, Status, Top,
};
use finding::{Text, Time};
use serde::Serialize;
use serde_json::Value;
use view::Span;

use crate::living::Living;
use crate::open::{Open, Troubles};
use crate::{backend, container, content, image, lease, sandbox, selfname, snapshot};

/// What a carved object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectKind {
    /// A namespace.
    Namespace,
    /// An image.
    Image,
    /// A container's record.
    Container,
    /// A snapshot, in meta.db.
    Snapshot,
    /// A snapshot, in its snapshotter's metadata.db.
    Backend,
    /// A blob's row.
    Blob,
    /// A write that was begun.
    Ingest,
    /// A lease.
    Lease,
    /// A sandbox.
    Sandbox,
}

impl ObjectKind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Image => "image",
            Self::Container => "container",
            Self::Snapshot => "snapshot",
            Self::Backend => "backend",
            Self::Blob => "blob",
            Self::Ingest => "ingest",
            Self::Lease => "lease",
            Self::Sandbox => "sandbox",
        }
    }
}

impl core::fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// How the name of an object is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamedBy {
    /// By its key in a page that names it.
    Key,
    /// By what it says of itself.
    Itself,
    /// It is not known.
    Nothing,
}

/// An object that was carved.
#[derive(Debug, Clone, Serialize)]
pub struct CarvedObject {
    /// What became of it.
    pub status: Status,
    /// What it is.
    pub kind: ObjectKind,
    /// Its namespace, if that is known.
    pub namespace: Option<Text>,
    /// Of a snapshot in meta.db, its snapshotter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshotter: Option<Text>,
    /// Its name, if that is known.
    pub name: Option<Text>,
    /// How its name is known.
    pub named_by: NamedBy,
    /// When it was made.
    pub created: Option<Time>,
    /// When it was changed.
    pub updated: Option<Time>,
    /// Whether all of it was carved.
    pub whole: bool,
    /// The page that holds its key; of one without a name, its own.
    pub page: PageId,
    /// The page on which its own entries start, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<PageId>,
    /// Where its key, or its page, stands in the file.
    #[serde(serialize_with = "finding::hex_number")]
    pub offset: u64,
    /// On what kind of page.
    pub origin: Origin,
    /// How many copies there are of it.
    pub copies: u64,
    /// How much can be said for name and contents together.
    pub confidence: Confidence,
    /// Another name under which a carved page knows its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contested: Option<Text>,
    /// When its page was written and freed.
    pub bounds: Bounds,
    /// Everything that it says.
    pub record: Value,
}

/// One object's bucket, read.
pub(crate) struct Decoded {
    pub(crate) kind: ObjectKind,
    pub(crate) created: Option<Time>,
    pub(crate) updated: Option<Time>,
    pub(crate) whole: bool,
    pub(crate) record: Value,
    /// What it says of itself: namespace and name.
    pub(crate) own: Option<(Option<Text>, Text)>,
}

/// Where an object stands by the names above it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) kind: Option<ObjectKind>,
    pub(crate) namespace: Option<Text>,
    pub(crate) snapshotter: Option<Text>,
}

/// Whether the root bucket of `db` is that of meta.db or of a metadata.db.
pub fn is_containerd(db: &Db<'_>) -> bool {
    db.root().contents().get(b"v1").is_some()
}

/// Whether something was carved that stands below containerd's root key.
pub fn looks_like_containerd(carve: &Carve<'_>) -> bool {
    carve.records.iter().any(|record| {
        let (top, path) = carve.bucket_of(record);
        top == Top::Root && path.first().copied().unwrap_or(record.key) == b"v1"
    })
}

/// The carved objects of meta.db or a metadata.db; `db` is the tree in use, if there is one.
///
/// Sorted by kind, namespace and name, versions of one object from old to new.
pub fn carved_objects<'s>(carve: &Carve<'s>, db: Option<&Db<'s>>) -> Vec<CarvedObject> {
    let living = db.map(Living::read_living).unwrap_or_default();
    let mut objects = Vec::new();
    for record in &carve.records {
        objects.extend(named(carve, record, &living));
    }
    for unnamed in carve.unnamed() {
        let Some(decoded) = decode(&unnamed.bucket, None) else {
            continue;
        };
        let mut object = CarvedObject {
            status: Status::Unplaced,
            kind: decoded.kind,
            namespace: None,
            snapshotter: None,
            name: None,
            named_by: NamedBy::Nothing,
            created: decoded.created,
            updated: decoded.updated,
            whole: decoded.whole,
            page: unnamed.page,
            root: Some(unnamed.page),
            offset: unnamed.page.at(carve.page_size),
            origin: unnamed.origin,
            copies: 1,
            confidence: Confidence::Medium,
            contested: None,
            bounds: unnamed.bounds,
            record: decoded.record,
        };
        if let Some((namespace, name)) = decoded.own {
            object.namespace = namespace;
            object.name = Some(name);
            object.named_by = NamedBy::Itself;
        }
        object.status = if unnamed.is_uncommitted {
            Status::Uncommitted
        } else if unnamed.is_doubtful {
            Status::Unknown
        } else {
            living.status(&object, carve)
        };
        objects.push(object);
    }
    merge(objects)
}

/// One object for each kind, name and contents.
fn merge(mut objects: Vec<CarvedObject>) -> Vec<CarvedObject> {
    objects.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut merged: Vec<CarvedObject> = Vec::new();
    for object in objects {
        match merged.last_mut() {
            Some(last)
                if order(last) == order(&object)
                    && last.record == object.record
                    && last.status == object.status =>
            {
                let copies = last.copies.saturating_add(object.copies);
                if object.confidence > last.confidence {
                    *last = object;
                }
                last.copies = copies;
            }
            _ => merged.push(object),
        }
    }
    merged
}

type Order<'o> = (
    ObjectKind,
    Option<&'o Text>,
    Option<&'o Text>,
    Option<&'o Text>,
    Option<Time>,
    Option<Time>,
    bool,
);

fn order(object: &CarvedObject) -> Order<'_> {
    (
        object.kind,
        object.namespace.as_ref(),
        object.snapshotter.as_ref(),
        object.name.as_ref(),
        object.updated,
        object.created,
        object.whole,
    )
}

/// What the buckets above say of an object: `path` is that of the bucket that holds it.
pub(crate) fn place(path: &[&[u8]]) -> Option<Place> {
    let at = |kind, namespace: Option<&&[u8]>, snapshotter: Option<&&[u8]>| {
        Some(Place {
            kind: Some(kind),
            namespace: namespace.map(|name| Text::from(*name)),
            snapshotter: snapshotter.map(|name| Text::from(*name)),
        })
    };
    match path {
        [b"v1"] => at(ObjectKind::Namespace, None, None),
        [b"v1", ns, b"images"] => at(ObjectKind::Image, Some(ns), None),
        [b"v1", ns, b"containers"] => at(ObjectKind::Container, Some(ns), None),
        [b"v1", ns, b"leases"] => at(ObjectKind::Lease, Some(ns), None),
        [b"v1", ns, b"sandboxes"] | [ns, b"sandboxes"] => at(ObjectKind::Sandbox, Some(ns), None),
        [b"v1", ns, b"content", b"blob"] => at(ObjectKind::Blob, Some(ns), None),
        [b"v1", ns, b"content", b"ingests"] => at(ObjectKind::Ingest, Some(ns), None),
        [b"v1", ns, b"snapshots", ss] => at(ObjectKind::Snapshot, Some(ns), Some(ss)),
        _ => None,
    }
}

/// The object in a record with a name, if it is one.
fn named(carve: &Carve<'_>, record: &Record<'_>, living: &Living) -> Option<CarvedObject> {
    let bucket = carve.bucket(record)?;
    let (top, path) = carve.bucket_of(record);
    let known = if top == Top::Root {
        let is_backend = path.as_slice() == [b"v1".as_slice(), b"snapshots"];
        let known = place(&path).or_else(|| is_backend.then(Place::default))?;
        // The buckets of metadata.db stand where namespaces do in meta.db.
        let is_index = known.kind == Some(ObjectKind::Namespace)
            && living.is_backend()
            && matches!(record.key, b"snapshots" | b"parents");
        if is_index {
            return None;
        }
        known
    } else if path.is_empty() {
        Place::default()
    } else {
        return None;
    };
    let is_lost = matches!(
        record.value,
        Carved::Bucket {
            is_there: false,
            ..
        }
    );
    let decoded = decode(&bucket, known.kind);
    let decoded = match (decoded, known.kind) {
        (Some(decoded), _) => decoded,
        // Its name is known, and what it held is gone.
        (None, Some(kind)) => Decoded {
            kind,
            created: None,
            updated: None,
            whole: false,
            record: Value::Null,
            own: None,
        },
        (None, None) => return None,
    };
    let name = Text::from(record.key);
    // A page that says another name than its key was used again since.
    let is_other = decoded
        .own
        .as_ref()
        .is_some_and(|(_, own)| *own != name && selfname::is_sure(decoded.kind));
    let mut object = CarvedObject {
        status: record.status,
        kind: decoded.kind,
        namespace: known
            .namespace
            .or_else(|| decoded.own.as_ref().and_then(|(ns, _)| ns.clone())),
        snapshotter: known.snapshotter,
        name: Some(name),
        named_by: NamedBy::Key,
        created: decoded.created,
        updated: decoded.updated,
        whole: decoded.whole && !is_lost,
        page: record.at.page,
        root: match record.value {
            Carved::Bucket { root, .. } => Some(root),
            Carved::Bytes(_) | Carved::Inline { .. } => None,
        },
        offset: record.at.span.start,
        origin: record.origin,
        copies: record.copies,
        confidence: record.confidence,
        contested: record.contested.map(Text::from),
        bounds: record.bounds,
        record: decoded.record,
    };
    if is_other && let Some((namespace, own)) = decoded.own {
        object.contested = object.name.replace(own);
        object.named_by = NamedBy::Itself;
        object.namespace = namespace.or(object.namespace);
        object.confidence = object.confidence.min(Confidence::Medium);
        if matches!(
            record.status,
            Status::Deleted | Status::Older | Status::Live
        ) {
            object.status = living.status(&object, carve);
        }
    }
    let is_guess = matches!(record.named, Named::Guess | Named::Nothing);
    if object.status == Status::Live || is_guess && object.status == Status::Unplaced {
        object.status = living.status(&object, carve);
    }
    Some(object)
}

pub(crate) fn decode(bucket: &Bucket<'_>, kind: Option<ObjectKind>) -> Option<Decoded> {
    let mut troubles = Troubles::default();
    let open = Open::new(bucket, Vec::new(), &mut troubles);
    let kind = kind
        .filter(|kind| *kind == ObjectKind::Namespace || !open.entries.is_empty())
        .or_else(|| shape(&open))?;
    let troubles = &mut troubles;
    let record = match kind {
        ObjectKind::Namespace => json(open.labels("labels", troubles)),
        ObjectKind::Image => json(image::read_image(&open, troubles)),
        ObjectKind::Container => json(container::read_container(&open, troubles)),
        ObjectKind::Snapshot => json(snapshot::read_snapshot_row(&open, troubles)),
        ObjectKind::Backend => json(backend::read_backend_snapshot(&open, troubles)),
        ObjectKind::Blob => json(content::blob(&open, troubles)),
        ObjectKind::Ingest => json(content::ingest(&open, troubles)),
        ObjectKind::Lease => json(lease::read_lease(&open, troubles)),
        ObjectKind::Sandbox => json(sandbox::read_sandbox(&open, troubles)),
    };
    let mut quiet = Troubles::default();
    let created = open.time("createdat", &mut quiet);
    let updated = open.time("updatedat", &mut quiet);
    Some(Decoded {
        kind,
        created,
        updated,
        whole: open.unknown().is_empty() && !troubles.hides(),
        own: selfname::name_in_record(kind, &record),
        record,
    })
}

fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// What a bucket is, by its keys.
pub(crate) fn shape(open: &Open<'_>) -> Option<ObjectKind> {
    let has = |key: &str| open.entries.contains_key(key.as_bytes());
    let only = |keys: &[&str]| {
        open.entries
            .keys()
            .all(|key| keys.iter().any(|known| known.as_bytes() == key))
    };
    let is_dated = has("createdat");
    if has("id") && has("kind") && only(backend::KEYS) {
        Some(ObjectKind::Backend)
    } else if has("target") && only(image::KEYS) {
        Some(ObjectKind::Image)
    } else if is_dated && has("snapshotKey") && only(container::KEYS) {
        Some(ObjectKind::Container)
    } else if is_dated && has("runtime") && only(sandbox::KEYS) {
        Some(ObjectKind::Sandbox)
    } else if is_dated && has("name") && only(snapshot::KEYS) {
        Some(ObjectKind::Snapshot)
    } else if is_dated && has("size") && only(content::BLOB_KEYS) {
        Some(ObjectKind::Blob)
    } else if has("ref") && only(content::INGEST_KEYS) {
        Some(ObjectKind::Ingest)
    } else if is_dated
        && !has("updatedat")
        && (has("content") || has("snapshots") || has("ingests") || has("labels"))
        && only(lease::KEYS)
    {
        Some(ObjectKind::Lease)
    } else {
        None
    }
}

impl CarvedObject {
    /// The bytes where its key stands.
    pub fn span(&self) -> Span {
        Span::new(self.offset, 0)
    }

    /// The newest time in it.
    pub fn time(&self) -> Option<Time> {
        self.updated.max(self.created)
    }
}
