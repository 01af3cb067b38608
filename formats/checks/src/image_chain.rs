//! Images and their snapshots: the chain that a configuration gives.

use std::collections::BTreeMap;

use content::{Digest, chain_ids};
use finding::{Code, Finding, Object, Severity, Text};
use metadb::{BlobRow, Image, Namespace, Row, SnapshotRow};

use crate::image::{objects, rows, targets};
use crate::judge::affecting;
use crate::snapshot::{Group, groups};
use crate::{Check, Judge, Need};

/// A layer that stands on another one than its image says.
pub(crate) const BROKEN: Check = Check {
    code: &Code {
        name: "image/chain-broken",
        rule: "I01",
        severity: Severity::Damage,
        title: "A layer's snapshot has another parent than its image says",
        explanation: "The chain ID that is a snapshot's key names every layer below it. Here both databases \
            name another parent, or none: a container of this image sees files of another image, or \
            lacks the files of whole layers.",
        remedy: "Delete the snapshot and its descendants, and let containerd unpack the \
            image again. Containers of the image must be recreated.",
    },
    needs: &[],
    run: broken,
};

/// Nothing says that an unpacked image needs its snapshots.
pub(crate) const UNREFERENCED: Check = Check {
    code: &Code {
        name: "image/snapshot-unreferenced",
        rule: "I02",
        severity: Severity::Odd,
        title: "Nothing keeps the snapshots of an unpacked image",
        explanation: "The row of an image's configuration says which snapshot holds the unpacked \
            image (label containerd.io/gc.ref.snapshot.…). Here it does not, or names another \
            one: the garbage collector removes the snapshots as soon as no container needs them, \
            and the image is unpacked again at its next use. Where its layers were discarded \
            after unpacking, that is not possible, and it must be pulled again (reported as damage).",
        remedy: "Give the configuration's row the label back in a copy of meta.db, or let \
            containerd unpack the image again.",
    },
    needs: &[Need::Snapshots, Need::Leases],
    run: unreferenced,
};

/// A configuration that images of a namespace need, with its chain.
pub(crate) struct Unpackable<'n> {
    pub(crate) namespace: &'n Namespace,
    pub(crate) images: Vec<&'n Row<Image>>,
    pub(crate) manifest: Option<&'n Digest>,
    config: Digest,
    pub(crate) chain: Vec<Digest>,
}

pub(crate) fn unpackables<'n>(judge: &Judge<'n>) -> Vec<Unpackable<'n>> {
    let documents = &judge.node.documents;
    let mut all = Vec::new();
    for namespace in judge.namespaces() {
        for (target, images) in targets(namespace) {
            for need in documents.needs(&target) {
                let config = documents.get(&need.digest);
                let config = config.and_then(|wanted| wanted.document()?.config());
                let Some(config) = config.filter(|config| !config.diff_ids.is_empty()) else {
                    continue;
                };
                all.push(Unpackable {
                    namespace,
                    images: images.clone(),
                    manifest: need.from,
                    chain: chain_ids(&config.diff_ids),
                    config: need.digest,
                });
            }
        }
    }
    all
}

pub(crate) type ByKey<'n> = BTreeMap<&'n Text, &'n Row<SnapshotRow>>;

/// The snapshots of every group by key.
pub(crate) fn by_key<'n>(judge: &Judge<'n>) -> Vec<(Group<'n>, ByKey<'n>)> {
    let groups = groups(judge).into_iter();
    groups
        .map(|group| {
            let rows = group.rows().map(|row| (&row.key, row)).collect();
            (group, rows)
        })
        .collect()
}

fn broken(judge: &mut Judge<'_>) {
    let groups = by_key(judge);
    let mut told: BTreeMap<(Text, Text, Text), Finding> = BTreeMap::new();
    for image in unpackables(judge) {
        for (group, rows) in groups
            .iter()
            .filter(|(g, _)| *g.namespace == image.namespace.name)
        {
            let mut below: Option<Text> = None;
            for layer in &image.chain {
                let key = Text::from(layer.as_str());
                let want = below.replace(key.clone());
                let Some(row) = rows.get(&key).filter(|row| row.whole && row.parent != want) else {
                    continue;
                };
                if is_committed(rows, row, want.as_ref()) {
                    continue;
                }
                if !is_agreed(group, rows, row) {
                    continue;
                }
                let name = &group.snapshots.snapshotter;
                let id = (group.namespace.clone(), name.clone(), key.clone());
                let users = objects(group.namespace, &image.images);
                let finding = told.remove(&id).unwrap_or_else(|| {
                    let shown = |parent: &Option<Text>| {
                        parent
                            .as_ref()
                            .map_or("nothing".to_owned(), ToString::to_string)
                    };
                    let message = format!("its parent is {}", shown(&row.parent));
                    let finding = group.finding(judge, BROKEN.code, row, message);
                    finding.want(shown(&want)).found(shown(&row.parent))
                });
                told.insert(id, affecting(finding, &users));
            }
        }
    }
    for finding in told.into_values() {
        judge.say(finding);
    }
}

/// Whether a layer stands on the one below it with what Docker makes for a container between them: `docker
/// commit` makes the layer a child of `ID-init`, and that stands on the image.
fn is_committed(rows: &ByKey<'_>, row: &Row<SnapshotRow>, want: Option<&Text>) -> bool {
    let between = row.parent.as_ref();
    let is_init = between.is_some_and(|key| key.bytes().ends_with(b"-init"));
    let between = between.and_then(|key| rows.get(key));
    is_init && between.is_some_and(|between| between.parent.as_ref() == want)
}

/// Whether both databases know the snapshot with the same parent, which is there: whatever else
/// is wrong with it is told as that.
fn is_agreed(group: &Group<'_>, rows: &ByKey<'_>, row: &Row<SnapshotRow>) -> bool {
    let parent = match &row.parent {
        None => None,
        Some(parent) => match rows.get(parent) {
            None => return false,
            Some(parent) => Some(&parent.name),
        },
    };
    let backend = group.snapshotter.map(node::Snapshotter::by_key);
    match backend.as_ref().and_then(|by_key| by_key.get(&row.name)) {
        Some(backend) => backend.parent.as_ref() == parent,
        None => group
            .snapshotter
            .is_none_or(|snapshotter| snapshotter.is_proxy),
    }
}

fn unreferenced(judge: &mut Judge<'_>) {
    let groups = by_key(judge);
    let mut told = std::collections::BTreeSet::new();
    for image in unpackables(judge) {
        let name = &image.namespace.name;
        let blobs = rows(image.namespace);
        let Some(row) = blobs.get(&image.config).filter(|row| row.labels.whole) else {
            continue;
        };
        let Some(top) = image.chain.last().map(|top| Text::from(top.as_str())) else {
            continue;
        };
        for (group, keys) in groups.iter().filter(|(group, _)| group.namespace == name) {
            let snapshotter = &group.snapshots.snapshotter;
            let Some(snapshot) = keys.get(&top) else {
                continue;
            };
            let label = format!("containerd.io/gc.ref.snapshot.{snapshotter}");
            let found = row.labels.get(&label);
            if found == Some(&top)
                || is_kept(judge, image.namespace, snapshotter, snapshot, &top)
                || is_below_kept(image.namespace, snapshotter, keys, &top)
            {
                continue;
            }
            let id = (name.clone(), snapshotter.clone(), image.config.clone());
            if !told.insert(id) {
                continue;
            }
            let message = match found {
                None => format!("its configuration has no label {label}"),
                Some(other) => format!("the label {label} of its configuration names {other}"),
            };
            let location = row.at.location(&judge.node.meta.path);
            let mut finding = Finding::new(UNREFERENCED.code, location, message)
                .want(top.to_string())
                .found(found.map_or("no label".to_owned(), ToString::to_string));
            finding = affecting(finding, &objects(name, &image.images));
            finding = finding.affects(Object::new("snapshot", name.clone(), top.clone()));
            if lacks_layers(judge, &blobs, image.manifest) {
                finding = finding.severity(Severity::Damage);
            }
            judge.say(finding);
        }
    }
}

/// Whether something else keeps a snapshot: a label of its own, a lease, another blob.
fn is_kept(
    judge: &Judge<'_>,
    namespace: &Namespace,
    snapshotter: &Text,
    row: &Row<SnapshotRow>,
    top: &Text,
) -> bool {
    let root = row.labels.get("containerd.io/gc.root").is_some() || !row.labels.whole;
    let leases = namespace.leases.read().into_iter().flatten();
    let is_held = leases
        .filter(|lease| lease.expires().is_none_or(|until| until >= judge.node.now))
        .filter_map(|lease| lease.snapshots.get(snapshotter))
        .any(|keys| keys.contains(top));
    let prefix = format!("containerd.io/gc.ref.snapshot.{snapshotter}");
    let blobs = namespace.blobs.read().into_iter().flatten();
    let labelled = |blob: &Row<BlobRow>| {
        let mut labels = blob.labels.entries.iter();
        labels.any(|(key, value)| value == top && key.bytes().starts_with(prefix.as_bytes()))
    };
    root || is_held || blobs.into_iter().any(labelled)
}

/// Whether another image keeps a snapshot that stands on this one: images of one base, unpacked in several
/// snapshotters, share it.
fn is_below_kept(namespace: &Namespace, snapshotter: &Text, keys: &ByKey<'_>, top: &Text) -> bool {
    let prefix = format!("containerd.io/gc.ref.snapshot.{snapshotter}");
    let blobs = namespace.blobs.read().into_iter().flatten();
    let labels = blobs.flat_map(|blob| &blob.labels.entries);
    let mut held = labels
        .filter(|(key, _)| {
            let rest = key.bytes().strip_prefix(prefix.as_bytes());
            rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/' | b'.')))
        })
        .filter_map(|(_, value)| keys.get(value));
    held.any(|row| {
        let below = |row: &&&Row<SnapshotRow>| keys.get(row.parent.as_ref()?);
        // A chain in a circle has no more steps than there are rows.
        let mut chain = std::iter::successors(Some(row), below).take(keys.len());
        chain.any(|row| row.key == *top)
    })
}

/// Whether a layer of the manifest has no row: it was discarded.
pub(crate) fn lacks_layers(
    judge: &Judge<'_>,
    blobs: &crate::image::Rows<'_>,
    manifest: Option<&Digest>,
) -> bool {
    let document = manifest.and_then(|manifest| judge.node.documents.get(manifest)?.document());
    let links = document.map(content::Document::links).into_iter().flatten();
    let mut layers = links.filter(|link| matches!(link.role, content::Role::Layer(_)));
    layers.any(|link| !blobs.contains_key(&link.descriptor.digest))
}
