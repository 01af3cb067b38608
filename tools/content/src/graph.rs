//! `coroner content graph`: what an image is made of, and what of it is there.

mod answer;

use answer::dot;
use audit::Image;
use cli::{Answer, Measure, Out, Outcome, measure_with};
use content::Digest;
use serde::Serialize;

/// What is shown, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GraphArgs {
    /// An image, a digest or the beginning of one
    #[arg(value_name = "NAME")]
    name: String,
    /// As a graph for `dot` of Graphviz
    #[arg(long)]
    dot: bool,
    /// Hash the bytes of every blob of it, too
    #[arg(long)]
    hash: bool,
}

#[derive(Serialize)]
struct Graph {
    #[serde(flatten)]
    image: Image,
    #[serde(skip)]
    dot: bool,
}

pub(crate) fn run(args: &cli::EvidenceArgs, how: &GraphArgs, out: &mut Out) -> Outcome {
    let (case, node) = crate::open(args)?;
    let target = names::image(&node, &how.name)?;
    let documents = target.documents(&case.evidence, &node);
    let hashes = if how.hash {
        let wanted = export::needed(&documents, &target);
        let wish = Measure {
            hash: true,
            ..Measure::default()
        };
        let of = |digest: &Digest| wanted.contains(digest);
        measure_with(&case, &node, wish, Some(&of), out).hashes
    } else {
        None
    };
    let image = Image::audit_image(&node, &target, &documents, hashes.as_ref())?;
    let graph = Graph {
        image,
        dot: how.dot,
    };
    if how.dot && out.options().format == cli::Format::Text {
        dot(&graph, &mut out.pen())?;
        out.writer().flush()?;
        return Ok(graph.exit());
    }
    out.answer(&graph)
}
