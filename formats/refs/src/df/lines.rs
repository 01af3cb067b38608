//! Space by store, image, container and namespace.

use std::collections::{BTreeMap, BTreeSet};

use daemon::gc::{Collection, Fate};
use finding::{Text, Unknown, size_number, size_option};
use measure::Space;
use metadb::Kind;
use serde::Serialize;

use super::things::{Things, What};
use super::users::Users;

/// What things of one kind take together.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Line {
    /// `content`, a snapshotter, `other`.
    pub store: Text,
    /// `layers`, `writable layers`, `views`, `blobs`, …
    pub what: &'static str,
    /// How many there are.
    pub count: u64,
    /// Bytes on disk.
    #[serde(serialize_with = "size_number")]
    pub bytes: u64,
    /// Bytes on disk, where the evidence tells them.
    #[serde(serialize_with = "size_option")]
    pub allocated: Option<u64>,
    /// Bytes in files.
    #[serde(serialize_with = "size_number")]
    pub apparent: u64,
    /// Inodes.
    pub inodes: u64,
    /// How many of them have no known size.
    pub unmeasured: u64,
}

/// What an image takes.
#[derive(Debug, Clone, Serialize)]
pub struct ImageLine {
    /// The digest of its target.
    pub target: Text,
    /// Its names.
    pub names: Vec<Text>,
    /// The namespaces that have it.
    pub namespaces: Vec<Text>,
    /// Containers made of it.
    pub containers: u64,
    /// Bytes of its blobs.
    #[serde(serialize_with = "size_number")]
    pub blobs: u64,
    /// Bytes of its snapshots.
    #[serde(serialize_with = "size_number")]
    pub snapshots: u64,
    /// Bytes on disk.
    #[serde(serialize_with = "size_number")]
    pub bytes: u64,
    /// Bytes that no other image and no container uses.
    #[serde(serialize_with = "size_number")]
    pub unique: u64,
    /// Bytes that others use, too.
    #[serde(serialize_with = "size_number")]
    pub shared: u64,
}

/// What a container wrote.
#[derive(Debug, Clone, Serialize)]
pub struct ContainerLine {
    /// containerd's namespace.
    pub namespace: Text,
    /// Its id.
    pub id: Text,
    /// The image that it is made of.
    pub image: Text,
    /// The pod that it belongs to.
    pub pod: Option<Text>,
    /// Its writable layer; nothing where that was not measured or is not there.
    #[serde(serialize_with = "size_option")]
    pub writable: Option<u64>,
    /// Where it lies.
    pub path: Option<Text>,
}

/// What a namespace takes.
#[derive(Debug, Clone, Serialize)]
pub struct NamespaceLine {
    /// containerd's namespace.
    pub namespace: Text,
    /// Bytes on disk.
    #[serde(serialize_with = "size_number")]
    pub bytes: u64,
    /// Bytes that no other namespace names.
    #[serde(serialize_with = "size_number")]
    pub unique: u64,
    /// Bytes that others use, too.
    #[serde(serialize_with = "size_number")]
    pub shared: u64,
}

/// What a snapshot takes.
#[derive(Debug, Clone, Serialize)]
pub struct LayerLine {
    /// Where it lies.
    pub path: Text,
    /// Its snapshotter.
    pub snapshotter: Text,
    /// Its id.
    pub id: u64,
    /// What its row says it is.
    pub kind: Option<Kind>,
    /// Bytes on disk.
    #[serde(serialize_with = "size_option")]
    pub bytes: Option<u64>,
    /// Bytes when it was committed.
    #[serde(serialize_with = "size_option")]
    pub recorded: Option<u64>,
    /// Images and containers that use it.
    pub users: u64,
}

/// What could be had back, each byte once.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Reclaimable {
    /// What the next collection deletes.
    #[serde(serialize_with = "size_number")]
    pub now: u64,
    /// What goes when the leases that end have ended, besides.
    #[serde(serialize_with = "size_number")]
    pub leases: u64,
    /// What nothing names, and what goes once something else in its store is deleted.
    #[serde(serialize_with = "size_number")]
    pub orphans: u64,
    /// What no collection ever deletes.
    #[serde(serialize_with = "size_number")]
    pub forever: u64,
    /// What cannot be decided.
    #[serde(serialize_with = "size_number")]
    pub undecided: u64,
    /// What only images without a container use.
    #[serde(serialize_with = "size_number")]
    pub unused_images: u64,
}

/// The space of a node.
#[derive(Debug, Clone, Serialize)]
pub struct Df {
    /// Whether directories were walked.
    pub measured: bool,
    /// Everything together, where it was measured.
    pub total: Option<Space>,
    /// By store and kind.
    pub stores: Vec<Line>,
    /// By image.
    pub images: Vec<ImageLine>,
    /// By container.
    pub containers: Vec<ContainerLine>,
    /// By namespace.
    pub namespaces: Vec<NamespaceLine>,
    /// Every snapshot, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<LayerLine>>,
    /// Nothing where nothing of meta.db is known.
    pub reclaimable: Option<Reclaimable>,
    /// What is not known.
    pub unknown: Vec<Unknown>,
}

fn sum<'t>(things: &Things, paths: impl IntoIterator<Item = &'t Text>) -> u64 {
    paths
        .into_iter()
        .filter_map(|path| things.bytes(path))
        .fold(0, u64::saturating_add)
}

impl Df {
    pub(super) fn new(
        layers: bool,
        things: &Things,
        users: &Users,
        collections: Option<(&Collection, &Collection)>,
        lost: Option<Unknown>,
    ) -> Self {
        let mut unknown = things.unknown.clone();
        unknown.extend(lost);
        unknown.extend(collections.iter().flat_map(|(now, _)| now.unknown.clone()));
        unknown.sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
        unknown.dedup();
        let counts = users.counts();
        let unique = |paths: &BTreeSet<Text>| {
            sum(
                things,
                paths.iter().filter(|path| counts.get(path) == Some(&1)),
            )
        };
        let images = users.images.iter().map(|(target, image)| {
            let blobs = image.things.iter().filter(|path| is_blob(things, path));
            let bytes = sum(things, &image.things);
            let blobs = sum(things, blobs);
            let unique = unique(&image.things);
            let names: BTreeSet<Text> = image.names.iter().map(|(_, name)| name.clone()).collect();
            let spaces: BTreeSet<Text> = image.names.iter().map(|(ns, _)| ns.clone()).collect();
            ImageLine {
                target: target.clone(),
                names: names.into_iter().collect(),
                namespaces: spaces.into_iter().collect(),
                containers: image.containers,
                blobs,
                snapshots: bytes.saturating_sub(blobs),
                bytes,
                unique,
                shared: bytes.saturating_sub(unique),
            }
        });
        let mut images: Vec<ImageLine> = images.collect();
        images.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.names.cmp(&b.names)));
        let containers = users.containers.iter().map(|container| ContainerLine {
            namespace: container.namespace.clone(),
            id: container.id.clone(),
            image: container.image.clone(),
            pod: container.pod.clone(),
            writable: container.own.as_ref().and_then(|path| things.bytes(path)),
            path: container.own.clone(),
        });
        let mut containers: Vec<ContainerLine> = containers.collect();
        containers.sort_by(|a, b| {
            let key = |line: &ContainerLine| (line.namespace.clone(), line.id.clone());
            b.writable
                .cmp(&a.writable)
                .then_with(|| key(a).cmp(&key(b)))
        });
        Self {
            measured: things.measured,
            total: things.total,
            stores: stores(things),
            images,
            containers,
            namespaces: namespaces(things, users),
            layers: layers.then(|| layer_lines(things, &counts)),
            reclaimable: collections.map(|(now, later)| reclaimable(things, users, now, later)),
            unknown,
        }
    }
}

fn is_blob(things: &Things, path: &Text) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path.bytes()));
    let thing = things.by_path.get(path);
    thing.is_some_and(|thing| matches!(thing.what, What::Blob(_)))
}

fn stores(things: &Things) -> Vec<Line> {
    let mut lines: BTreeMap<(Text, &'static str), Line> = BTreeMap::new();
    for thing in things.by_path.values() {
        let (store, what) = match &thing.what {
            What::Snapshot {
                snapshotter, kind, ..
            } => (
                snapshotter.clone(),
                match kind {
                    Some(Kind::Committed) => "layers",
                    Some(Kind::Active) => "writable layers",
                    Some(Kind::View) => "views",
                    None => "snapshots of unknown kind",
                },
            ),
            What::Leftover { snapshotter } => (snapshotter.clone(), "leftovers"),
            What::Blob(_) => (Text::from("content"), "blobs"),
            What::Stray => (Text::from("content"), "strays"),
            What::Ingest => (Text::from("content"), "ingests"),
            What::Rest => (Text::from("other"), "databases, folders, CRI files"),
        };
        let line = lines.entry((store.clone(), what)).or_insert_with(|| Line {
            store,
            what,
            allocated: Some(0),
            ..Line::default()
        });
        line.count = line.count.saturating_add(1);
        let Some(space) = thing.space else {
            line.unmeasured = line.unmeasured.saturating_add(1);
            continue;
        };
        line.bytes = line.bytes.saturating_add(space.bytes());
        let allocated = line.allocated.zip(space.allocated);
        line.allocated = allocated.map(|(a, b)| a.saturating_add(b));
        line.apparent = line.apparent.saturating_add(space.apparent);
        line.inodes = line.inodes.saturating_add(space.inodes);
    }
    lines.into_values().collect()
}

fn namespaces(things: &Things, users: &Users) -> Vec<NamespaceLine> {
    let mut named: BTreeMap<&Text, u64> = BTreeMap::new();
    for path in users.namespaces.values().flatten() {
        let count = named.entry(path).or_default();
        *count = count.saturating_add(1);
    }
    let lines = users.namespaces.iter().map(|(namespace, paths)| {
        let own = paths.iter().filter(|path| named.get(path) == Some(&1));
        let (bytes, unique) = (sum(things, paths), sum(things, own));
        NamespaceLine {
            namespace: namespace.clone(),
            bytes,
            unique,
            shared: bytes.saturating_sub(unique),
        }
    });
    lines.collect()
}

fn layer_lines(things: &Things, counts: &BTreeMap<&Text, u64>) -> Vec<LayerLine> {
    let lines = things.iter().filter_map(|(path, thing)| {
        let What::Snapshot {
            snapshotter,
            id,
            kind,
        } = &thing.what
        else {
            return None;
        };
        Some(LayerLine {
            snapshotter: snapshotter.clone(),
            id: *id,
            kind: *kind,
            bytes: thing.space.map(|space| space.bytes()),
            recorded: thing.recorded,
            users: counts.get(&path).copied().unwrap_or(0),
            path,
        })
    });
    let mut lines: Vec<LayerLine> = lines.collect();
    lines.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    lines
}

/// The fate of everything that lies in a store, by its path.
fn fates(collection: &Collection) -> BTreeMap<&Text, &Fate> {
    let mut fates = BTreeMap::new();
    for backend in &collection.backends {
        let rows = backend.rows.iter();
        fates.extend(rows.filter_map(|row| Some((row.path.as_ref()?, &row.fate))));
        fates.extend(
            backend
                .entries
                .iter()
                .map(|entry| (&entry.path, &entry.fate)),
        );
    }
    let content = &collection.content;
    for stored in content.blobs.iter().chain(&content.ingests) {
        fates.insert(&stored.path, &stored.fate);
    }
    fates
}

fn reclaimable(
    things: &Things,
    users: &Users,
    now: &Collection,
    later: &Collection,
) -> Reclaimable {
    let mut back = Reclaimable::default();
    let later = fates(later);
    for (path, fate) in fates(now) {
        let bytes = things.bytes(path).unwrap_or(0);
        let place = match (fate, later.get(path)) {
            (Fate::Deleted, _) => &mut back.now,
            (Fate::Waits, _) => &mut back.orphans,
            (Fate::Stays(_), _) => &mut back.forever,
            (Fate::Unknown, _) => &mut back.undecided,
            (Fate::Kept, Some(Fate::Deleted)) => &mut back.leases,
            _ => continue,
        };
        *place = place.saturating_add(bytes);
    }
    let mut used: BTreeSet<&Text> = BTreeSet::new();
    let mut unused: BTreeSet<&Text> = BTreeSet::new();
    for container in &users.containers {
        used.extend(&container.things);
    }
    for image in users.images.values() {
        if image.containers > 0 {
            &mut used
        } else {
            &mut unused
        }
        .extend(&image.things);
    }
    back.unused_images = sum(things, unused.difference(&used).copied());
    back
}
