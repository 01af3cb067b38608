//! `coroner snapshots verify`: unpacked layers against the blobs that they were unpacked from.

use std::io;

use audit::{LayerWork, Layers};
use checks::{LayerWithout, layer_line};
use cli::{Answer, EvidenceArgs, Exit, Out, Outcome, Pen, Style};
use finding::{Count, Unknown};
use measure::Control;
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
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
}

#[derive(Serialize)]
struct Answered(Layers);

pub(crate) fn run(args: &VerifyArgs, out: &mut Out) -> Outcome {
    let (case, node) = pick::open(&args.evidence)?;
    let (name, only) = (args.name.as_deref(), args.snapshotter.as_deref());
    let work = LayerWork::layers_to_verify(&case.evidence, &node, name, only)?;
    let cancel = out.cancel();
    let progress = out.progress("comparing layers", work.bytes(&case.evidence));
    let control = Control {
        jobs: args.jobs.unwrap_or_else(|| work.threads(&case.evidence)),
        cancel: &cancel,
        progress: &|bytes| progress.add(bytes),
        ..Control::default()
    };
    let layers = work.compare(&case.evidence, &node, &control);
    drop(progress);
    out.answer(&Answered(layers))
}

/// Differences of one layer that are listed as text.
const SHOWN: usize = 200;

impl Answer for Answered {
    const SCHEMA: &'static str = "snapshots-verify/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for layer in &self.0.layers {
            let audit::Layer {
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
            pen.row(format_args!(
                "{word}  {snapshotter}/{id}  {key}  {}",
                Count(layer.names, "name")
            ))?;
            for one in layer.differences.iter().take(SHOWN) {
                pen.row(format_args!("    {}", layer_line(one)))?;
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
        if !self.0.without.is_empty() {
            pen.gap()?;
            pen.heading("Nothing to compare with")?;
            for LayerWithout {
                snapshotter,
                id,
                key,
                why,
            } in &self.0.without
            {
                pen.row(format_args!("  {snapshotter}/{id}  {key}: {why}"))?;
            }
        }
        pen.gap()?;
        let names = self.0.layers.iter().map(|layer| layer.names);
        let names = names.fold(0, u64::saturating_add);
        let compared = self.0.layers.len();
        let all: Vec<String> = self
            .0
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
            "Compared {} ({}) with their blobs, {} without a blob: {result}.",
            Count(compared, "layer"),
            Count(names, "name"),
            self.0.without.len()
        ))?;
        pen.incomplete(&self.0.unknown)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::of_unknown(&self.0.unknown);
        for layer in &self.0.layers {
            exit |= Exit::of_unknown(&layer.unknown);
            if !layer.differences.is_empty() {
                exit |= Exit::FINDINGS;
            }
        }
        exit
    }
}
