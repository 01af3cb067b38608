//! Costly facts, measured with progress where they are asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use checks::{Layers, Measured};
use content::{Blob, Digest};
use finding::{Known, Text, Unread};
use layer::{Limits, Summary};
use measure::{Control, LayerFound, LayerJob, LayerTold};
use node::Node;

use crate::{Case, Out};

/// Which costly facts are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// The digest of every blob's bytes.
    pub hash: bool,
    /// The disk usage of every committed layer.
    pub usage: bool,
    /// Every committed layer, compared with the blob that it was unpacked from; and every layer's
    /// blob, read through.
    pub layers: bool,
    /// How many files are read at the same time; 0 for as many as there are cores.
    pub jobs: usize,
}

/// Hashes and measures what was asked for.
pub fn measure(case: &Case, node: &Node, hash: bool, usage: bool, out: &mut Out) -> Measured {
    measure_with(
        case,
        node,
        Measure {
            hash,
            usage,
            ..Measure::default()
        },
        None,
        out,
    )
}

/// As [`measure()`], with all that can be chosen, `only` these blobs among it.
pub fn measure_with(
    case: &Case,
    node: &Node,
    wanted: Measure,
    only: Option<&dyn Fn(&Digest) -> bool>,
    out: &mut Out,
) -> Measured {
    let mut measured = Measured::default();
    let cancel = out.cancel();
    let Measure {
        hash,
        usage,
        layers,
        jobs,
    } = wanted;
    if let Some(store) = node.content.read().filter(|_| hash) {
        let fits = |blob: &&Blob| only.is_none_or(|only| only(&blob.digest));
        let blobs: Vec<&Blob> = store.blobs.iter().filter(fits).collect();
        let sizes = blobs.iter().map(|blob| blob.stat.size);
        let progress = out.progress("hashing blobs", sizes.fold(0, u64::saturating_add));
        let add = |bytes| progress.add(bytes);
        let control = Control {
            jobs,
            cancel: &cancel,
            progress: &add,
            ..Control::default()
        };
        measured.hashes = Some(measure::hash(&case.evidence, blobs, &control).blobs);
        // Only what has all of its bytes can have the right ones.
        let whole = store.ingests.iter();
        let whole = whole.filter(|ingest| only.is_none() && ingest.is_complete());
        measured.ingests = Some(measure::hash_ingests(&case.evidence, whole, &control));
    }
    if usage {
        // Entries of directories, not bytes: no progress is shown, but Ctrl-C is heard.
        let control = Control {
            jobs,
            cancel: &cancel,
            ..Control::default()
        };
        let mut paths = Vec::new();
        for snapshotter in &node.snapshotters {
            let layout = snapshotter
                .layout
                .read()
                .filter(|layout| layout.rules.has_files());
            let rows = snapshotter.db.rows.as_ref();
            let (Some(layout), Some(rows)) = (layout, rows) else {
                continue;
            };
            // Only a commit records what a layer takes.
            let ids = rows.snapshots().iter().filter(|row| row.inodes.is_some());
            for id in ids
                .filter_map(|row| row.id)
                .filter(|id| layout.dirs.contains_key(id))
            {
                paths.push(((snapshotter.name.clone(), id), layout.files(id)));
            }
        }
        measured.usage = Some(measure::usages(&case.evidence, paths, &control));
    }
    if layers {
        let (all, without) = checks::layer_jobs(&case.evidence, node, |_, _| true);
        let read = Mutex::new(BTreeMap::new());
        let told = |path: &Path, summary: &Summary| {
            let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
            read.insert(path.to_owned(), summary.clone());
        };
        let found = verify_layers(case, &all, jobs, &told, out);
        let read = read.into_inner().unwrap_or_else(PoisonError::into_inner);
        measured.tars = tars(case, node, read, jobs, out);
        measured.layers = Some(Layers { found, without });
    }
    measured
}

/// What became of every layer that is in the store: of those that were read already (`read`, by their
/// paths), and of those that nothing was unpacked from.
fn tars(
    case: &Case,
    node: &Node,
    mut read: BTreeMap<PathBuf, Summary>,
    jobs: usize,
    out: &mut Out,
) -> Option<BTreeMap<Digest, Result<Summary, Unread>>> {
    let store = node.content.read()?;
    let cancel = out.cancel();
    let layers = checks::layer_digests(node);
    let blobs = store.blobs.iter();
    let blobs = blobs.filter(|blob| layers.contains(&blob.digest));
    let (known, others): (Vec<&Blob>, Vec<&Blob>) =
        blobs.partition(|blob| read.contains_key(&blob.path));
    let sizes = others.iter().map(|blob| blob.stat.size);
    let progress = out.progress("reading layers", sizes.fold(0, u64::saturating_add));
    let add = |bytes| progress.add(bytes);
    let control = Control {
        jobs,
        cancel: &cancel,
        progress: &add,
        ..Control::default()
    };
    let limits = Limits::default();
    let mut tars = measure::tars(&case.evidence, others, limits, &control, &|_, _| ());
    for blob in known {
        if let Some(summary) = read.remove(&blob.path) {
            tars.insert(blob.digest.clone(), Ok(summary));
        }
    }
    Some(tars)
}

/// Compares layers with their blobs; `told` is given what became of each blob.
pub fn verify_layers(
    case: &Case,
    layers: &[LayerJob],
    jobs: usize,
    told: &LayerTold<'_>,
    out: &mut Out,
) -> BTreeMap<(Text, u64), Known<LayerFound>> {
    let cancel = out.cancel();
    let size = |path: &PathBuf| case.evidence.stat(path).map_or(0, |stat| stat.size);
    let blobs = layers.iter().flat_map(|job| &job.blobs);
    let total = blobs
        .map(|(path, _)| size(path))
        .fold(0, u64::saturating_add);
    let progress = out.progress("comparing layers", total);
    let add = |bytes| progress.add(bytes);
    let control = Control {
        jobs,
        cancel: &cancel,
        progress: &add,
        ..Control::default()
    };
    measure::verify_layers(&case.evidence, layers, &control, told)
}
