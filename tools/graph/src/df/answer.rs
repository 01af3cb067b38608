//! Space by store, image, container and namespace, as text and JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use cli::{About, Answer, Exit, Pen, Table, size};
use daemon::gc::{Collection, Fate};
use finding::{Text, Unknown, size_number, size_option};
use measure::Space;
use metadb::Kind;
use serde::Serialize;

use super::things::{Things, What};
use super::users::Users;
use crate::judged::Judged;

/// What things of one kind take together.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Line {
    /// `content`, a snapshotter, `other`.
    store: Text,
    /// `layers`, `writable layers`, `views`, `blobs`, …
    what: &'static str,
    count: u64,
    #[serde(serialize_with = "size_number")]
    bytes: u64,
    #[serde(serialize_with = "size_option")]
    allocated: Option<u64>,
    #[serde(serialize_with = "size_number")]
    apparent: u64,
    inodes: u64,
    /// How many of them have no known size.
    unmeasured: u64,
}

#[derive(Debug, Serialize)]
struct ImageLine {
    target: Text,
    names: Vec<Text>,
    namespaces: Vec<Text>,
    containers: u64,
    #[serde(serialize_with = "size_number")]
    blobs: u64,
    #[serde(serialize_with = "size_number")]
    snapshots: u64,
    #[serde(serialize_with = "size_number")]
    bytes: u64,
    /// Bytes that no other image and no container uses.
    #[serde(serialize_with = "size_number")]
    unique: u64,
    #[serde(serialize_with = "size_number")]
    shared: u64,
}

#[derive(Debug, Serialize)]
struct ContainerLine {
    namespace: Text,
    id: Text,
    image: Text,
    pod: Option<Text>,
    /// Its writable layer; nothing where that was not measured or is not there.
    #[serde(serialize_with = "size_option")]
    writable: Option<u64>,
    path: Option<Text>,
}

#[derive(Debug, Serialize)]
struct NamespaceLine {
    namespace: Text,
    #[serde(serialize_with = "size_number")]
    bytes: u64,
    /// Bytes that no other namespace names.
    #[serde(serialize_with = "size_number")]
    unique: u64,
    #[serde(serialize_with = "size_number")]
    shared: u64,
}

#[derive(Debug, Serialize)]
struct LayerLine {
    path: Text,
    snapshotter: Text,
    id: u64,
    kind: Option<Kind>,
    #[serde(serialize_with = "size_option")]
    bytes: Option<u64>,
    #[serde(serialize_with = "size_option")]
    recorded: Option<u64>,
    /// Images and containers that use it.
    users: u64,
}

/// What could be had back, each byte once.
#[derive(Debug, Default, Serialize)]
struct Reclaimable {
    /// What the next collection deletes.
    #[serde(serialize_with = "size_number")]
    now: u64,
    /// What goes when the leases that end have ended, besides.
    #[serde(serialize_with = "size_number")]
    leases: u64,
    /// What nothing names, and what goes once something else in its store is deleted.
    #[serde(serialize_with = "size_number")]
    orphans: u64,
    /// What no collection ever deletes.
    #[serde(serialize_with = "size_number")]
    forever: u64,
    /// What cannot be decided.
    #[serde(serialize_with = "size_number")]
    undecided: u64,
    /// What only images without a container use.
    #[serde(serialize_with = "size_number")]
    unused_images: u64,
}

/// What `df` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Df {
    #[serde(rename = "evidence")]
    about: About,
    #[serde(flatten)]
    judged: Judged,
    /// Whether directories were walked.
    measured: bool,
    total: Option<Space>,
    stores: Vec<Line>,
    images: Vec<ImageLine>,
    containers: Vec<ContainerLine>,
    namespaces: Vec<NamespaceLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<LayerLine>>,
    /// Nothing where nothing of meta.db is known.
    reclaimable: Option<Reclaimable>,
    unknown: Vec<Unknown>,
}

fn sum<'t>(things: &Things, paths: impl IntoIterator<Item = &'t Text>) -> u64 {
    paths
        .into_iter()
        .filter_map(|path| things.bytes(path))
        .fold(0, u64::saturating_add)
}

impl Df {
    pub(crate) fn new(
        about: About,
        judged: Judged,
        (_, layers): (bool, bool),
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
            about,
            judged,
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

impl Df {
    fn reclaimable_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let Some(back) = &self.reclaimable else {
            return pen.line("What could be had back cannot be known: nothing of meta.db is.");
        };
        pen.heading("Could be had back")?;
        for (bytes, what) in [
            (back.now, "by the next collection (coroner gc --simulate)"),
            (back.leases, "when the leases that end have ended, besides"),
            (
                back.orphans,
                "nothing names it; once something else in its store is deleted",
            ),
            (back.forever, "never collected: by hand only"),
            (
                back.undecided,
                "cannot be decided: what may name it could not be read",
            ),
            (
                back.unused_images,
                "only images without a container use it (not collected while they are there)",
            ),
        ] {
            if bytes == 0 && what.starts_with("cannot") {
                continue;
            }
            pen.line(format_args!("  {:>10}  {what}", size(bytes)))?;
        }
        Ok(())
    }
}

const SHOWN: usize = 20;

impl Answer for Df {
    const SCHEMA: &'static str = "df/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        match self.total {
            Some(total) => match total.allocated {
                Some(allocated) => pen.line(format_args!(
                    "{} on disk in {} inodes; {} in files.",
                    size(allocated),
                    total.inodes,
                    size(total.apparent)
                ))?,
                None => pen.line(format_args!(
                    "{} in files, {} inodes; the evidence does not tell what they take on disk.",
                    size(total.apparent),
                    total.inodes
                ))?,
            },
            None => pen.line("Recorded sizes only: nothing was walked.")?,
        }
        pen.gap()?;
        let mut table = Table::new(&["store", "what", ">count", ">size", ">inodes"]);
        for line in &self.stores {
            let some = if line.unmeasured == line.count {
                "-".to_owned()
            } else {
                size(line.bytes)
            };
            let mark = if line.unmeasured > 0 && line.unmeasured < line.count {
                "+?"
            } else {
                ""
            };
            let inodes = if line.inodes > 0 {
                line.inodes.to_string()
            } else {
                "-".to_owned()
            };
            table.row([
                &line.store,
                &line.what,
                &line.count,
                &format!("{some}{mark}"),
                &inodes,
            ]);
        }
        pen.table(&table)?;
        if !self.images.is_empty() {
            pen.gap()?;
            let mut table = Table::new(&[
                ">size",
                ">unique",
                ">shared",
                ">blobs",
                ">layers",
                ">containers",
                "namespaces",
                "image",
            ]);
            for line in self.images.iter().take(SHOWN) {
                let join = |list: &[Text]| {
                    list.iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                table.row([
                    &size(line.bytes),
                    &size(line.unique),
                    &size(line.shared),
                    &size(line.blobs),
                    &size(line.snapshots),
                    &line.containers,
                    &join(&line.namespaces),
                    &join(&line.names),
                ]);
            }
            pen.table(&table)?;
            more(self.images.len(), pen)?;
        }
        if !self.containers.is_empty() {
            pen.gap()?;
            let mut table = Table::new(&[">written", "namespace", "container", "pod", "image"]);
            for line in self.containers.iter().take(SHOWN) {
                let pod = line
                    .pod
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), ToString::to_string);
                let bytes = line.writable.map_or_else(|| "-".to_owned(), size);
                table.row([&bytes, &line.namespace, &line.id, &pod, &line.image]);
            }
            pen.table(&table)?;
            more(self.containers.len(), pen)?;
        }
        pen.gap()?;
        let mut table = Table::new(&[">size", ">unique", ">shared", "namespace"]);
        for line in &self.namespaces {
            table.row([
                &size(line.bytes),
                &size(line.unique),
                &size(line.shared),
                &line.namespace,
            ]);
        }
        pen.table(&table)?;
        if let Some(layers) = &self.layers {
            pen.gap()?;
            let mut table = Table::new(&[">size", ">recorded", ">users", "kind", "path"]);
            for line in layers {
                let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), size);
                let kind = line
                    .kind
                    .map_or_else(|| "?".to_owned(), |kind| kind.to_string());
                table.row([
                    &bytes(line.bytes),
                    &bytes(line.recorded),
                    &line.users,
                    &kind,
                    &line.path,
                ]);
            }
            pen.table(&table)?;
        }
        pen.gap()?;
        self.reclaimable_text(pen)?;
        pen.gap()?;
        self.about.text(pen)?;
        self.judged.text(pen)?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let lost = if self.reclaimable.is_none() {
            Exit::UNREAD
        } else {
            Exit::CLEAN
        };
        lost | Exit::of_unknown(&self.unknown)
    }
}

fn more(count: usize, pen: &mut Pen<'_>) -> io::Result<()> {
    match count.saturating_sub(SHOWN) {
        0 => Ok(()),
        more => pen.line(format_args!("and {more} more (--format json has them all)")),
    }
}
