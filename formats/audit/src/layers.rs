//! Unpacked layers against the blobs that they were unpacked from.

use std::collections::BTreeMap;

use checks::{LayerWithout, layer_jobs};
use evidence::Evidence;
use finding::{Known, Refused, Text, Unknown};
use measure::{Control, Departure, Difference, LayerFound, LayerJob};
use node::Node;
use serde::Serialize;

/// One layer that was compared.
#[derive(Debug, Clone, Serialize)]
pub struct Layer {
    /// Its snapshotter.
    pub snapshotter: Text,
    /// The number of its directory.
    pub id: u64,
    /// Its key in metadata.db.
    pub key: Text,
    /// Where its files lie.
    pub place: Text,
    /// The blobs that it was compared with.
    pub blobs: Vec<Text>,
    /// Names that these make.
    pub names: u64,
    /// In what it differs from them.
    pub differences: Vec<Difference>,
    /// How many more differences there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: u64,
    /// What of it could not be compared.
    pub unknown: Vec<Unknown>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Layers that were compared.
#[derive(Debug, Clone, Serialize)]
pub struct Layers {
    /// Each of them.
    pub layers: Vec<Layer>,
    /// Layers that have nothing to be compared with.
    pub without: Vec<LayerWithout>,
    /// Differences by what they are.
    pub counts: BTreeMap<Departure, u64>,
    /// Layers that may be there, and of which nothing is known.
    pub unknown: Vec<Unknown>,
}

/// What is to be compared, and what cannot be.
#[derive(Debug)]
pub struct LayerWork {
    /// What is.
    pub jobs: Vec<LayerJob>,
    without: Vec<LayerWithout>,
}

impl LayerWork {
    /// The layers of the container, image or snapshot that `name` means, or of all; of the
    /// snapshotter `only`, if that is given.
    ///
    /// # Errors
    /// The name means nothing, or several things.
    pub fn layers_to_verify(
        evidence: &Evidence,
        node: &Node,
        name: Option<&str>,
        only: Option<&str>,
    ) -> Result<Self, Refused> {
        let meant: Option<Vec<(Text, u64)>> = match name {
            None => None,
            Some(name) => {
                let picked = names::snapshot(node, name, only)?;
                let of = &picked.snapshotter.name;
                let layers = picked.lineage()?.into_iter();
                Some(layers.map(|id| (of.clone(), id)).collect())
            }
        };
        let (jobs, without) = layer_jobs(evidence, node, |snapshotter, row| {
            let is_named = only.is_none_or(|name| snapshotter.name == name);
            let is_meant = |id| {
                let mut meant = meant.iter();
                meant.all(|meant| meant.contains(&(snapshotter.name.clone(), id)))
            };
            is_named && row.id.is_some_and(is_meant)
        });
        Ok(Self { jobs, without })
    }

    /// How many jobs are best: one, where the blobs lie on a rotational disk; else as many as
    /// there are cores.
    pub fn threads(&self, evidence: &Evidence) -> usize {
        let blob = self.jobs.iter().find_map(|job| job.blobs.first());
        let turns = blob.and_then(|(path, _)| evidence.is_rotational(path));
        usize::from(turns == Some(true))
    }

    /// How many bytes of blobs are read.
    pub fn bytes(&self, evidence: &Evidence) -> u64 {
        let blobs = self.jobs.iter().flat_map(|job| &job.blobs);
        let sizes = blobs.map(|(path, _)| evidence.stat(path).map_or(0, |stat| stat.size));
        sizes.fold(0, u64::saturating_add)
    }

    /// Compares them.
    pub fn compare(self, evidence: &Evidence, node: &Node, control: &Control<'_>) -> Layers {
        let found = measure::verify_layers(evidence, &self.jobs, control, &|_, _| ());
        let mut unknown = Vec::new();
        for snapshotter in &node.snapshotters {
            unknown.extend(snapshotter.db.lost());
            let rows = snapshotter.db.rows.as_ref();
            let lost = rows.map_or(&[][..], |rows| rows.snapshots.unknown());
            unknown.extend(lost.iter().cloned());
        }
        let keys = keys(node);
        let mut counts: BTreeMap<Departure, u64> = BTreeMap::new();
        let layers = self.jobs.iter().map(|job| {
            let id = (job.snapshotter.clone(), job.id);
            let key = keys.get(&id).cloned().unwrap_or_default();
            let layer = layer(job, key, found.get(&id));
            for one in &layer.differences {
                let count = counts.entry(one.how).or_default();
                *count = count.saturating_add(1);
            }
            layer
        });
        Layers {
            layers: layers.collect(),
            without: self.without,
            counts,
            unknown,
        }
    }
}

fn layer(job: &LayerJob, key: Text, known: Option<&Known<LayerFound>>) -> Layer {
    let found = known.and_then(Known::read);
    Layer {
        snapshotter: job.snapshotter.clone(),
        id: job.id,
        key,
        place: node::path_text(&job.files),
        blobs: job
            .blobs
            .iter()
            .filter_map(|(path, _)| path.file_name())
            .map(|name| Text::from(name.as_encoded_bytes()))
            .collect(),
        names: found.map_or(0, |found| found.names),
        differences: found.map_or_else(Vec::new, |found| found.differences.clone()),
        more: found.map_or(0, |found| found.more),
        unknown: known.map_or_else(Vec::new, |known| known.unknown().to_vec()),
    }
}

fn keys(node: &Node) -> BTreeMap<(Text, u64), Text> {
    let mut keys = BTreeMap::new();
    for snapshotter in &node.snapshotters {
        for row in snapshotter.by_key().into_values() {
            if let Some(id) = row.id {
                keys.insert((snapshotter.name.clone(), id), row.key.clone());
            }
        }
    }
    keys
}
