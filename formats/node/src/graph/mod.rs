//! The reference graph of a node: objects, and what refers to what.
//!
//! ```text
//! of records, which the collector may follow            core/metadata/gc.go
//!   lease ──holds──▶ blob, snapshot, ingest, image
//!   image ──target──▶ blob ──containerd.io/gc.ref.*──▶ blob, snapshot, image
//!   container ──snapshot──▶ snapshot ──parent──▶ snapshot
//!   ingest ──expected──▶ blob
//!   blob, snapshot, image ◀──containerd.io/gc.bref.*── the child says it (2.2 and later)
//! of what is used, which it never follows
//!   index ──manifest N──▶ manifest ──config, layer N──▶ blob        the documents say it
//!   configuration ──chain ID──▶ snapshot                            the image, unpacked
//!   container ──image──▶ image
//!   pod ──sandbox, member──▶ container                              the CRI's records say it
//! ```
//!
//! The graph holds every reference that a record expresses in some release; which of them count,
//! what is a root and until when, differs by release and is said by `daemon`. References never
//! leave their namespace. What a reference names and no record has is an object, too
//! ([`Object::at`] is nothing then): 2.2 follows back references through it.

mod build;
mod labels;
mod used;
mod users;
mod via;

use core::fmt;
use std::collections::BTreeMap;

use finding::{Text, Time, Unknown};
use metadb::At;
use serde::Serialize;

pub use via::Via;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A lease.
    Lease,
    /// An image.
    Image,
    /// A container's record.
    Container,
    /// A sandbox of the sandbox store.
    Sandbox,
    /// A snapshot; its key is `<snapshotter>/<key>`.
    Snapshot,
    /// A blob.
    Blob,
    /// A write that was begun.
    Ingest,
    /// A pod of the CRI, which has no record of its own; its key is `<namespace>/<name>`.
    Pod,
}

impl Kind {
    /// Whether meta.db keeps records of this kind.
    pub const fn is_record(self) -> bool {
        !matches!(self, Self::Pod)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::Image => "image",
            Self::Container => "container",
            Self::Sandbox => "sandbox",
            Self::Snapshot => "snapshot",
            Self::Blob => "blob",
            Self::Ingest => "ingest",
            Self::Pod => "pod",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which object: references are by this.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Id {
    /// Its namespace.
    pub namespace: Text,
    /// What it is.
    pub kind: Kind,
    /// Its key: an image's name, a digest, `<snapshotter>/<key>` of a snapshot.
    pub key: Text,
}

impl Id {
    /// The snapshot `key` of `snapshotter`.
    pub fn snapshot(namespace: &Text, snapshotter: &Text, key: &Text) -> Self {
        let key = [snapshotter.bytes(), b"/", key.bytes()].concat();
        Self {
            namespace: namespace.clone(),
            kind: Kind::Snapshot,
            key: Text::from(key),
        }
    }

    /// The same for a finding: a pod is in no namespace of containerd's.
    pub fn object(&self) -> finding::Object {
        match self.kind {
            Kind::Pod => finding::Object::global(self.kind.name(), self.key.clone()),
            kind => finding::Object::new(kind.name(), self.namespace.clone(), self.key.clone()),
        }
    }

    /// Snapshotter and key of a snapshot, parted as the daemon parts them: at the first slash.
    pub fn snapshot_parts(&self) -> Option<(Text, Text)> {
        let bytes = self.key.bytes();
        let slash = bytes.iter().position(|byte| *byte == b'/')?;
        let (snapshotter, key) = bytes.split_at_checked(slash)?;
        let key = key.get(1..)?;
        (self.kind == Kind::Snapshot).then(|| (Text::from(snapshotter), Text::from(key)))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.key)
    }
}

/// An object's number in its graph.
pub type Index = usize;

/// One reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// What is referred to.
    pub to: Index,
    /// How.
    pub via: Via,
}

/// What an object's labels and fields say of its life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Life {
    /// The label `containerd.io/gc.expire` of a lease or image.
    pub expire: Option<Text>,
    /// Whether a lease has the label `containerd.io/gc.flat`.
    pub flat: bool,
    /// The label `containerd.io/gc.root` of a blob or snapshot.
    pub root: bool,
    /// The first of its labels that only begins so.
    pub root_like: Option<Text>,
    /// `expireat` of an ingest.
    pub expires: Option<Time>,
    /// Why `expireat` does not decode: then the garbage collector ends.
    pub expires_fault: Option<String>,
    /// A sandbox where 1.7 keeps it, at the root of the database.
    pub old_sandbox: bool,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Which it is.
    pub id: Id,
    /// Where its record stands; nothing where it is only referred to.
    pub at: Option<At>,
    /// Whether all that it refers to could be read.
    pub readable: bool,
    /// What it says of its life.
    pub life: Life,
    /// What it refers to.
    pub edges: Vec<Edge>,
    /// Where the bytes of a blob or the directory of a snapshot lie, if they are there.
    pub path: Option<Text>,
}

/// The reference graph of a node, as far as it could be read.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    objects: Vec<Object>,
    index: BTreeMap<Id, Index>,
    /// For each object, who refers to it and by which of their edges, sorted by who they are.
    referrers: Vec<Vec<(Index, usize)>>,
    /// The namespaces of meta.db.
    namespaces: Vec<Text>,
    /// Pods by the key of their sandbox.
    pods: BTreeMap<Text, Index>,
    /// Namespaces with what is not known of their records: references from there may be missing.
    unknown: BTreeMap<Text, Vec<Unknown>>,
    /// What is not known of the namespaces themselves.
    lost: Vec<Unknown>,
    /// Steps that were gone backwards, of all questions.
    gone: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Graph {
    /// Every object, sorted by its [`Id`].
    pub fn objects(&self) -> impl Iterator<Item = (Index, &Object)> {
        self.index
            .values()
            .filter_map(|index| Some((*index, self.objects.get(*index)?)))
    }

    /// How many objects there are, those that are only referred to included.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The object of this number.
    pub fn get(&self, index: Index) -> Option<&Object> {
        self.objects.get(index)
    }

    /// The number of an object.
    pub fn find(&self, id: &Id) -> Option<Index> {
        self.index.get(id).copied()
    }

    /// What is not known of a namespace's records.
    pub fn unknown(&self, namespace: &Text) -> &[Unknown] {
        self.unknown.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// Everything that is not known: of each namespace, and of which there are.
    pub fn all_unknown(&self) -> Vec<Unknown> {
        let of_namespaces = self.unknown.values().flatten();
        let mut all: Vec<Unknown> = self.lost.iter().chain(of_namespaces).cloned().collect();
        all.sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
        all.dedup();
        all
    }

    /// What is not known of which namespaces there are.
    pub fn lost(&self) -> &[Unknown] {
        &self.lost
    }
}
