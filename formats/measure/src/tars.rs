//! Layers, inflated and read through.

use std::collections::BTreeMap;

use content::{Blob, Digest};
use evidence::Evidence;
use finding::Unread;
use layer::{Layer, Limits, Summary, Watch};

use crate::{Control, pool};

/// Reads `blobs` as layers, the biggest first: both digests, and what is wrong with their tars.
///
/// `done` is told of each as it is done, from any thread.
pub fn tars<'b>(
    evidence: &Evidence,
    blobs: impl IntoIterator<Item = &'b Blob>,
    limits: Limits,
    control: &Control<'_>,
    done: &(dyn Fn(&Digest, &Result<Summary, Unread>) + Sync),
) -> BTreeMap<Digest, Result<Summary, Unread>> {
    let mut blobs: Vec<&Blob> = blobs.into_iter().collect();
    blobs.sort_by(|one, other| (other.stat.size, &one.digest).cmp(&(one.stat.size, &other.digest)));
    let read = pool::each(&blobs, control.threads(blobs.len()), |blob| {
        let watch = Watch {
            cancel: control.cancel,
            progress: control.progress,
        };
        let layer = Layer::of_blob(evidence, &blob.path, limits, watch);
        let summary = layer.map(Layer::finish);
        done(&blob.digest, &summary);
        (blob.digest.clone(), summary)
    });
    read.into_iter().collect()
}
