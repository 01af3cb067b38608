//! Layers of images whose directories are gone, half there, or full of empty files: unpacked again
//! from their blobs.

use std::collections::{BTreeMap, BTreeSet};

use content::Digest;
use evidence::Evidence;
use finding::size_text;
use measure::{Control, Departure, Difference, LayerFound, LayerJob, usages, verify_layers};
use metadb::{BackendSnapshot, Kind, Row};
use node::Snapshotter;
use snapshots::{Layout, Rules, SnapshotDir};

use super::Making;
use crate::Survivors;
use crate::backend::LayerBlob;
use crate::plan::{MadeOf, Step};
use crate::rows::{backend_rows, split_key};

const NOT_THERE: &str = "its directory is not there";

/// A directory is made before its snapshot is recorded. One that is so many seconds younger than its record was copied.
const COPIED: i64 = 60;

/// Layers of a copied store are compared with their blobs, up to so many bytes of blobs: more takes minutes.
const COMPARED: u64 = 64 << 20;

/// What is wrong with a layer's directory.
struct Broken<'b> {
    row: &'b Row<BackendSnapshot>,
    id: u64,
    why: String,
    how: How,
}

/// What is to be made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// It lost something: its blob has that.
    Lost,
    /// It was changed, and not only lost something: that may be evidence.
    Changed,
    /// Its disk did not give it: nothing is known of it.
    Unread,
}

impl Making<'_> {
    /// Adds a step for each layer that is to be unpacked again.
    pub(super) fn layers(&mut self, evidence: &Evidence, survivors: &Survivors) {
        let blobs = self.layer_blobs(survivors);
        let encrypted = crate::backend::encrypted_layers(survivors);
        for snapshotter in self.node.snapshotters.clone() {
            let is_overlay =
                Rules::for_snapshotter(&snapshotter.name.to_string()) == Rules::Overlay;
            let Some(layout) = snapshotter.layout.whole().filter(|_| !snapshotter.is_proxy) else {
                continue;
            };
            let rows: BTreeMap<&[u8], &Row<BackendSnapshot>> = backend_rows(&snapshotter)
                .iter()
                .map(|row| (row.key.bytes(), row))
                .collect();
            self.lost_files(&snapshotter, layout);
            let every = self.request.every_layer;
            let mut compared = Compared::default();
            let mut broken = broken(evidence, &snapshotter, layout, &blobs, every, &mut compared);
            self.tell_copied(&snapshotter, layout, &compared);
            // Lower ones first: a layer takes directories from those below it.
            broken.sort_by_key(|one| stack(&rows, one.row).count());
            let in_use = crate::backend::in_use(&self.request.mounts, layout);
            // Those that are not there, and stay so.
            let mut gone = BTreeSet::new();
            for one in broken {
                let name = format!(
                    "the layer {} ({}, directory {})",
                    one.row.key, snapshotter.name, one.id
                );
                if one.how == How::Unread {
                    self.plan.unknown.push(format!(
                        "{name} could not be compared with what it was: {}. It stays as it is",
                        one.why
                    ));
                    continue;
                }
                if one.how == How::Changed {
                    self.plan.unknown.push(format!(
                        "{name} is not what its blob holds: {}. It stays as it is: what was changed or added may be evidence, or the directory is another layer's",
                        one.why
                    ));
                    continue;
                }
                let blob = blob_of(&blobs, one.row).filter(|_| is_overlay);
                // What is mounted is not changed: the kernel would show its containers parts of both.
                let is_mounted = in_use.contains(&one.id);
                let stands_on_nothing =
                    stack(&rows, one.row).flatten().any(|id| gone.contains(&id));
                if one.why == NOT_THERE && (blob.is_none() || is_mounted || stands_on_nothing) {
                    gone.insert(one.id);
                }
                match blob {
                    Some(_) if is_mounted => self.plan.unknown.push(format!(
                        "{name}: {}; it stays as it is, because a container that runs has it mounted: stop that container, \
                         then plan again",
                        one.why
                    )),
                    Some(_) if stands_on_nothing => self.plan.unknown.push(format!(
                        "{name}: {}; it stays as it is, because a layer below it is not there",
                        one.why
                    )),
                    Some(blob) => self.unpack(evidence, layout, &rows, &one, blob, &name),
                    None if is_among(&encrypted, one.row) => self.plan.unknown.push(format!(
                        "{name}: {}; its blob is encrypted, and only containerd with the key unpacks it: the next \
                         pull does, after the image and what uses it were removed",
                        one.why
                    )),
                    None if one.why == NOT_THERE => self.plan.lost.push(format!(
                        "the files of {name}: {NOT_THERE}, and its blob is not on the node, or it is a full copy"
                    )),
                    None => self.plan.unknown.push(format!(
                        "{name}: {}; its blob is not on the node, or it is a full copy: it stays as it is",
                        one.why
                    )),
                }
            }
        }
    }

    /// Writable layers, and what was committed of them, are nowhere else: nothing brings them back.
    fn lost_files(&mut self, snapshotter: &Snapshotter, layout: &Layout) {
        for row in backend_rows(snapshotter) {
            let Some(id) = row.id.filter(|id| !layout.dirs.contains_key(id)) else {
                continue;
            };
            let (name, store) = (&row.key, &snapshotter.name);
            if row.kind != Some(Kind::Committed) || !is_of_image(row) {
                self.plan.lost.push(format!(
                    "the files of the snapshot {name} ({store}, directory {id}): {NOT_THERE}, and nothing else has them"
                ));
            }
        }
    }

    /// What a copy of the store may have lost, where that cannot be seen or brought back.
    fn tell_copied(&mut self, snapshotter: &Snapshotter, layout: &Layout, compared: &Compared) {
        let name = &snapshotter.name;
        if compared.left_out > 0 {
            let count = compared.left_out;
            self.plan.unknown.push(format!(
                "whether the attributes of {count} layers of {name} were copied with their files: their directories are \
                 younger than their records, so the store was copied. `--every-layer` compares them with their blobs"
            ));
        }
        let layers = backend_rows(snapshotter).iter().filter(|row| {
            row.kind == Some(Kind::Active)
                && row
                    .id
                    .and_then(|id| layout.dirs.get(&id))
                    .is_some_and(|dir| is_copied(row, dir) && dir.is_empty == Some(false))
        });
        let all: Vec<String> = layers.map(|row| row.key.to_string()).collect();
        if all.is_empty() || compared.lacking == 0 {
            return;
        }
        // Each is named: what is lost is what the decision hangs on.
        self.plan.lost.push(format!(
            "attributes of the writable layers {} ({name}): the store was copied without them. Folders that a \
             container had deleted and made again show the image's files again, and capabilities of programs are gone",
            all.join(", ")
        ));
    }

    fn unpack(
        &mut self,
        evidence: &Evidence,
        layout: &Layout,
        rows: &BTreeMap<&[u8], &Row<BackendSnapshot>>,
        one: &Broken<'_>,
        blob: &LayerBlob,
        name: &str,
    ) {
        let mut below = Vec::new();
        for id in stack(rows, one.row) {
            let place = id.and_then(|id| self.place(&layout.directory(id)));
            let Some((_, place)) = place.filter(|_| below.len() < 256) else {
                return;
            };
            below.push(place);
        }
        // About what it takes; how much it is inflated is not known before.
        let donated = self.donated.get(&blob.blob);
        let packed = match donated {
            Some((donor, member)) => donor.evidence().stat(member),
            None => evidence.stat(&blob.path),
        };
        let packed = packed.map_or(0, |stat| stat.size);
        let size = one.row.size.and_then(|size| u64::try_from(size).ok());
        self.plan.wrong.push(format!("{name}: {}", one.why));
        let path = donated.map_or(&blob.path, |(_, member)| member);
        let Some(path) = path.to_str() else {
            return;
        };
        let made_of = MadeOf::Layer {
            blob: path.to_owned(),
            diff_id: blob.diff_id.to_string(),
            below,
            source: donated.map(|(donor, _)| donor.from.clone()),
        };
        let step = Step {
            size: Some(size.unwrap_or_else(|| packed.saturating_mul(4))),
            mode: Some(0o700),
            ..Step::put(
                "",
                made_of,
                format!("{name} is unpacked again: {}", one.why),
            )
        };
        self.step(&layout.directory(one.id), step);
    }
}

/// The numbers of the directories below a layer's, the nearest first.
fn stack<'r>(
    rows: &'r BTreeMap<&[u8], &Row<BackendSnapshot>>,
    row: &'r Row<BackendSnapshot>,
) -> impl Iterator<Item = Option<u64>> + 'r {
    let below = |row: &&'r Row<BackendSnapshot>| {
        let parent = row.parent.as_ref()?;
        rows.get(parent.bytes()).copied()
    };
    // Rows that name one another in a ring have an end, too.
    core::iter::successors(below(&row), move |row| below(row))
        .take(rows.len())
        .map(|row| row.id)
}

fn is_among(chains: &BTreeSet<Digest>, row: &Row<BackendSnapshot>) -> bool {
    let key = split_key(row.key.bytes()).and_then(|(_, _, key)| Digest::parse_bytes(key).ok());
    key.is_some_and(|key| chains.contains(&key))
}

fn blob_of<'b>(
    blobs: &'b BTreeMap<Digest, LayerBlob>,
    row: &Row<BackendSnapshot>,
) -> Option<&'b LayerBlob> {
    let (_, _, key) = split_key(row.key.bytes())?;
    blobs.get(&Digest::parse_bytes(key).ok()?)
}

/// What was found out of layers beside what is broken.
#[derive(Debug, Default)]
struct Compared {
    /// Copied layers that were not compared.
    left_out: usize,
    /// Copied layers that lack attributes.
    lacking: usize,
    /// Bytes of blobs that copied layers were compared with.
    bytes: u64,
}

/// Whether a snapshot's directory is a copy: it is younger than the snapshot's record. An ordinary user's copy has
/// neither owners nor marks, and cannot get them.
fn is_copied(row: &Row<BackendSnapshot>, dir: &SnapshotDir) -> bool {
    if !nix::unistd::geteuid().is_root() {
        return false;
    }
    let made = dir.fs.as_ref().and_then(|fs| fs.btime);
    let recorded = row.created;
    made.zip(recorded)
        .is_some_and(|(made, recorded)| made.seconds.saturating_sub(recorded.seconds) > COPIED)
}

/// Committed layers that are not as they were committed.
fn broken<'b>(
    evidence: &Evidence,
    snapshotter: &'b Snapshotter,
    layout: &Layout,
    blobs: &BTreeMap<Digest, LayerBlob>,
    every: bool,
    compared: &mut Compared,
) -> Vec<Broken<'b>> {
    let mut found = Vec::new();
    let mut suspects: Vec<(&Row<BackendSnapshot>, u64)> = Vec::new();
    let rows = backend_rows(snapshotter).iter();
    let is_layer =
        |row: &&Row<BackendSnapshot>| row.kind == Some(Kind::Committed) && is_of_image(row);
    for row in rows.filter(is_layer) {
        let Some(id) = row.id else { continue };
        let mut add = |why: &str| {
            found.push(Broken {
                row,
                id,
                why: why.to_owned(),
                how: How::Lost,
            });
        };
        match layout.dirs.get(&id) {
            None => add(NOT_THERE),
            Some(dir) if layout.has_fs() && dir.fs.is_none() && dir.unknown.is_empty() => {
                add("it has no directory `fs`");
            }
            Some(_) => suspects.push((row, id)),
        }
    }
    found.extend(counted(
        evidence,
        snapshotter,
        layout,
        blobs,
        suspects,
        every,
        compared,
    ));
    found
}

/// Those that do not take the room that was recorded when they were committed (of `every` layer, this is
/// not asked), and whose files are then seen to be others than the blob's.
fn counted<'b>(
    evidence: &Evidence,
    snapshotter: &Snapshotter,
    layout: &Layout,
    blobs: &BTreeMap<Digest, LayerBlob>,
    suspects: Vec<(&'b Row<BackendSnapshot>, u64)>,
    every: bool,
    compared: &mut Compared,
) -> Vec<Broken<'b>> {
    let paths = suspects.iter().map(|(_, id)| (*id, layout.files(*id)));
    let usages = usages(evidence, paths, &Control::default());
    let mut found = Vec::new();
    for (row, id) in suspects {
        let unread = |unknown: &[finding::Unknown]| {
            let mut unknown = unknown.iter();
            unknown.find(|one| one.is_of_a_disk()).map(|first| Broken {
                row,
                id,
                why: format!("{}: {}", first.what, first.why),
                how: How::Unread,
            })
        };
        let usage = usages.get(&id);
        found.extend(usage.and_then(|known| unread(known.unknown())));
        let Some(usage) = usage.and_then(|known| known.whole()) else {
            continue;
        };
        let (Some(inodes), Some(size)) = (row.inodes, row.size) else {
            continue;
        };
        let now = (
            i64::try_from(usage.inodes).ok(),
            usage.size.and_then(|size| i64::try_from(size).ok()),
        );
        let is_other = now.1.is_some() && now != (Some(inodes), Some(size));
        let is_copy = layout.dirs.get(&id).is_some_and(|dir| is_copied(row, dir));
        if !every && !is_other && !is_copy {
            continue;
        }
        let Some(blob) = blob_of(blobs, row).filter(|_| layout.has_fs()) else {
            // Nothing tells which files these are.
            if is_other && layout.has_fs() {
                let why = format!(
                    "it has {} files and folders that take {}, and {inodes} that took {} were recorded",
                    usage.inodes,
                    usage.size.map_or_else(String::new, size_text),
                    size_text(u64::try_from(size).unwrap_or(0)),
                );
                found.push(Broken {
                    row,
                    id,
                    why,
                    how: How::Lost,
                });
            }
            continue;
        };
        if !every && !is_other {
            let packed = evidence.stat(&blob.path).map_or(0, |stat| stat.size);
            let bytes = compared.bytes.saturating_add(packed);
            if bytes > COMPARED {
                compared.left_out = compared.left_out.saturating_add(1);
                continue;
            }
            compared.bytes = bytes;
        }
        let job = LayerJob {
            snapshotter: snapshotter.name.clone(),
            id,
            files: layout.files(id),
            blobs: vec![(blob.path.clone(), blob.diff_id.clone())],
            is_overlay: true,
            is_base: blob.below.is_none(),
            owners: !is_shifted(row),
        };
        let mut differences = verify_layers(evidence, &[job], &Control::default(), &|_, _| {});
        let known = differences.remove(&(snapshotter.name.clone(), id));
        found.extend(known.as_ref().and_then(|known| unread(known.unknown())));
        let Some(known) = known.as_ref().and_then(|known| known.whole()) else {
            continue;
        };
        if let Some(why) = attributes(known).filter(|_| is_copy) {
            compared.lacking = compared.lacking.saturating_add(1);
            found.push(Broken {
                row,
                id,
                why: format!("copied without its attributes: {why}"),
                how: How::Lost,
            });
        } else if let Some(why) = damage(known) {
            found.push(Broken {
                row,
                id,
                why,
                how: How::Lost,
            });
        } else if let Some(why) = change(known) {
            found.push(Broken {
                row,
                id,
                why,
                how: How::Changed,
            });
        }
    }
    found
}

/// Whether a row is that of a layer of an image: its key is what it is made of.
fn is_of_image(row: &Row<BackendSnapshot>) -> bool {
    split_key(row.key.bytes()).is_some_and(|(_, _, key)| key.starts_with(b"sha256:"))
}

fn is_shifted(row: &Row<BackendSnapshot>) -> bool {
    row.labels.entries.keys().any(|label| {
        label.bytes().ends_with(b"/uidmapping") || label.bytes().ends_with(b"/gidmapping")
    })
}

/// What of a layer is lost, in words. What was added to it, or changed in it, is somebody's doing and
/// may be evidence: that is not repaired.
fn damage(found: &LayerFound) -> Option<String> {
    let is_lost = |how: Departure| {
        matches!(
            how,
            Departure::Missing
                | Departure::Empty
                | Departure::Truncated
                | Departure::Whiteout
                | Departure::Mark
        )
    };
    let differences: Vec<_> = found
        .differences
        .iter()
        .filter(|one| one.path != "/")
        .collect();
    let lost: Vec<_> = differences
        .iter()
        .filter(|one| is_lost(one.how))
        .map(|one| &one.path)
        .collect();
    // A file that was cut has lost its time, its capability and its setuid bit with its bytes; a time
    // alone is nothing that a file holds.
    let goes_with = |how: Departure| matches!(how, Departure::Capability | Departure::Setuid);
    let is_damage = differences.iter().all(|one| {
        is_lost(one.how)
            || one.how == Departure::Mtime
            || (goes_with(one.how) && lost.contains(&&one.path))
    });
    let first = differences
        .iter()
        .find(|one| is_lost(one.how))
        .filter(|_| is_damage)?;
    Some(first_of(first, differences.len()))
}

/// What a copy of a layer lost that holds the same names and bytes, in words: owners, modes, marks, capabilities, second
/// names of one file.
fn attributes(found: &LayerFound) -> Option<String> {
    let is_attribute = |how: Departure| {
        matches!(
            how,
            Departure::Mode
                | Departure::Setuid
                | Departure::Owner
                | Departure::Capability
                | Departure::Xattrs
                | Departure::HardLink
                | Departure::Mark
        )
    };
    let all = found.differences.iter();
    let all: Vec<_> = all.filter(|one| one.how != Departure::Mtime).collect();
    let has_these_alone = all.iter().all(|one| is_attribute(one.how));
    let first = all.first().filter(|_| has_these_alone)?;
    Some(first_of(first, all.len()))
}

/// Which names and contents of a layer are others than in its blob, in words: owners, times and the like
/// are others in every copy.
fn change(found: &LayerFound) -> Option<String> {
    let is_content = |how: Departure| {
        matches!(
            how,
            Departure::Added
                | Departure::Missing
                | Departure::Kind
                | Departure::Empty
                | Departure::Truncated
                | Departure::Longer
                | Departure::Content
                | Departure::Target
        )
    };
    let all = found.differences.iter();
    let all: Vec<_> = all
        .filter(|one| one.path != "/" && is_content(one.how))
        .collect();
    Some(first_of(all.first()?, all.len()))
}

fn first_of(first: &Difference, count: usize) -> String {
    let more = match count.saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("{}{more}", checks::layer_line(first))
}
