//! `coroner snapshots verify`: unpacked layers against the blobs that they were unpacked from.

use std::collections::BTreeMap;
use std::io;

use checks::{LayerWithout, layer_jobs, layer_line};
use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Style};
use finding::{Text, Unknown};
use measure::{Departure, Difference, LayerJob};
use node::Node;
use serde::Serialize;

use crate::pick;

/// What is verified.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    /// Only the layers of this container, image or snapshot (see `files`); all, if it is not given
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The snapshotter, where several have it
    #[arg(long, value_name = "NAME")]
    snapshotter: Option<String>,
    /// How many layers are read at the same time; without it, as many as there are cores, one on a
    /// rotational disk
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// One layer that was compared.
#[derive(Serialize)]
struct Layer {
    snapshotter: Text,
    /// The number of its directory.
    id: u64,
    /// Its key in metadata.db.
    key: Text,
    place: Text,
    /// The blobs that it was compared with.
    blobs: Vec<Text>,
    /// Names that these make.
    names: u64,
    differences: Vec<Difference>,
    #[serde(skip_serializing_if = "is_zero")]
    more: u64,
    unknown: Vec<Unknown>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[derive(Serialize)]
struct Verified {
    layers: Vec<Layer>,
    /// Layers that have nothing to be compared with.
    without: Vec<LayerWithout>,
    /// Differences by what they are.
    counts: BTreeMap<Departure, u64>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(args: &VerifyArgs, out: &mut Out) -> Outcome {
    let case = Case::open(&args.evidence)?;
    let node = pick::node(&case)?;
    // Which layers are meant: by snapshotter and number of the directory.
    let only: Option<Vec<(Text, u64)>> = match &args.name {
        None => None,
        Some(name) => {
            let picked = pick::pick_name(&node, name, args.snapshotter.as_deref())?;
            let of = &picked.snapshotter.name;
            let layers = picked.lineage()?.into_iter();
            Some(layers.map(|id| (of.clone(), id)).collect())
        }
    };
    let (jobs, without) = layer_jobs(&case.evidence, &node, |snapshotter, row| {
        let is_named = args
            .snapshotter
            .as_ref()
            .is_none_or(|name| snapshotter.name == name.as_str());
        let is_meant = |id| {
            only.as_ref()
                .is_none_or(|only| only.contains(&(snapshotter.name.clone(), id)))
        };
        is_named && row.id.is_some_and(is_meant)
    });
    let blob = jobs.iter().find_map(|job| job.blobs.first());
    let turns = blob.and_then(|(path, _)| case.evidence.is_rotational(path)) == Some(true);
    let threads = args.jobs.unwrap_or(usize::from(turns));
    let found = cli::verify_layers(&case, &jobs, threads, &|_, _| (), out);
    let mut unknown = Vec::new();
    for snapshotter in &node.snapshotters {
        unknown.extend(snapshotter.db.lost());
        let rows = snapshotter.db.rows.as_ref();
        unknown.extend(
            rows.map_or(&[][..], |rows| rows.snapshots.unknown())
                .to_vec(),
        );
    }
    let keys = keys(&node);
    let mut counts: BTreeMap<Departure, u64> = BTreeMap::new();
    let layers = jobs.iter().map(|job| {
        let id = (job.snapshotter.clone(), job.id);
        let key = keys.get(&id).cloned().unwrap_or_default();
        let known = found.get(&id);
        let lost = known.map_or_else(Vec::new, |known| known.unknown().to_vec());
        let mut layer = layer(job, key, lost);
        if let Some(found) = known.and_then(|known| known.read()) {
            layer.names = found.names;
            layer.more = found.more;
            layer.differences.clone_from(&found.differences);
        }
        for one in &layer.differences {
            let count = counts.entry(one.how).or_default();
            *count = count.saturating_add(1);
        }
        layer
    });
    let layers = layers.collect();
    out.answer(&Verified {
        layers,
        without,
        counts,
        unknown,
    })
}

fn layer(job: &LayerJob, key: Text, unknown: Vec<Unknown>) -> Layer {
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
        names: 0,
        differences: Vec::new(),
        more: 0,
        unknown,
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

/// Differences of one layer that are listed as text.
const SHOWN: usize = 200;

impl Answer for Verified {
    const SCHEMA: &'static str = "snapshots-verify/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for layer in &self.layers {
            let Layer {
                snapshotter,
                id,
                key,
                ..
            } = layer;
            let (style, word) = match (layer.differences.is_empty(), layer.unknown.is_empty()) {
                (false, _) => (Style::Bad, "DIFFERS"),
                (true, false) => (Style::Warning, "unknown"),
                (true, true) => (Style::Good, "ok     "),
            };
            let word = pen.styled(style, word).to_string();
            pen.line(format_args!(
                "{word}  {snapshotter}/{id}  {key}  {} names",
                layer.names
            ))?;
            for one in layer.differences.iter().take(SHOWN) {
                pen.line(format_args!("    {}", layer_line(one)))?;
            }
            let hidden = layer.differences.len().saturating_sub(SHOWN);
            let hidden = layer
                .more
                .saturating_add(u64::try_from(hidden).unwrap_or(u64::MAX));
            if hidden > 0 {
                pen.line(format_args!("    and {hidden} more"))?;
            }
            for Unknown { what, why } in &layer.unknown {
                pen.paragraph("    unknown: ", &format!("{what}: {why}"))?;
            }
        }
        if !self.without.is_empty() {
            pen.gap()?;
            pen.heading("Nothing to compare with")?;
            for LayerWithout {
                snapshotter,
                id,
                key,
                why,
            } in &self.without
            {
                pen.line(format_args!("  {snapshotter}/{id}  {key}: {why}"))?;
            }
        }
        pen.gap()?;
        let names = self.layers.iter().map(|layer| layer.names);
        let names = names.fold(0, u64::saturating_add);
        let compared = self.layers.len();
        let all: Vec<String> = self
            .counts
            .iter()
            .map(|(how, count)| format!("{count} {}", how.word()))
            .collect();
        let result = if all.is_empty() {
            "nothing differs".to_owned()
        } else {
            format!("differences: {}", all.join(", "))
        };
        pen.line(format_args!(
            "{compared} layers with {names} names were compared with their blobs, {} have none: {result}.",
            self.without.len()
        ))?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::of_unknown(&self.unknown);
        for layer in &self.layers {
            exit |= Exit::of_unknown(&layer.unknown);
            if !layer.differences.is_empty() {
                exit |= Exit::FINDINGS;
            }
        }
        exit
    }
}
