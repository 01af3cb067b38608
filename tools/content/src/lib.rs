//! `coroner content`: the content store, blob by blob.
//!
//! ```text
//! $ coroner content ls NODE
//! DIGEST                SIZE      KIND      NAMESPACES  STATE    USED BY
//! sha256:4bcff63911fc   1.2 KiB   manifest  k8s.io      ok       image k8s.io/localhost/app:1
//! sha256:9a1cd8b0e0d3   3.4 MiB   layer 0   k8s.io      missing  image k8s.io/localhost/app:1
//! $ coroner content verify NODE                 every blob re-hashed, on all cores
//! Checked 42 of 42 blobs (1.2 GiB hashed): 41 match their digests, 1 does not.
//! $ coroner content graph NODE app:1            what it is made of, and what of it is there
//! manifest  sha256:4bcff63911fc  linux/amd64  1.2 KiB
//! ├── config  sha256:208e68916baa  479 B
//! └── layer 0  sha256:9a1cd8b0e0d3  3.4 MiB  gzip  discarded  unpacked in overlayfs
//! $ coroner content export NODE app:1 -o app.tar   out of a node that does not start; layer 0 is rebuilt
//! ```
//!
//! `ls` opens no blob but manifests and configurations: STATE compares names, sizes and rows of
//! meta.db. `verify` reads every byte. If a store could not be read whole, neither
//! reports a blob as missing, or as unknown to meta.db.

mod cat;
mod export;
mod graph;
mod ls;
mod max_inflate;
mod resume;
mod verify;
mod watch;

use cli::{Case, EvidenceArgs, Failure, Out, Outcome, Tool};
use node::Node;

/// Arguments of `coroner content`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List blobs and unfinished writes
    Ls {
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Write a blob's bytes, or those of a file in an image's layers
    #[command(after_help = CAT)]
    Cat {
        #[command(flatten)]
        evidence: EvidenceArgs,
        #[command(flatten)]
        how: cat::CatArgs,
    },
    /// Write an image as an OCI layout or an archive, offline; layers whose blobs are gone are rebuilt
    #[command(after_help = EXPORT)]
    Export {
        #[command(flatten)]
        evidence: EvidenceArgs,
        #[command(flatten)]
        how: export::ExportArgs,
    },
    /// Show what an image is made of, and what of it is there
    #[command(after_help = GRAPH)]
    Graph {
        #[command(flatten)]
        evidence: EvidenceArgs,
        #[command(flatten)]
        how: graph::GraphArgs,
    },
    /// Re-hash every blob and compare it with its name; layers with their diffIDs
    #[command(after_help = VERIFY)]
    Verify {
        #[command(flatten)]
        how: verify::VerifyArgs,
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
}

const CAT: &str = "The bytes are written as they lie there, and hashed on the way: exit 4 if they are not those that
the name promises.

Examples:
  coroner content cat / docker.io/library/nginx:latest --pretty
  coroner content cat /mnt/image sha256:9a1cd8 --inflate | tar tv
  coroner content cat node.tar.zst docker.io/library/nginx:latest:/etc/nginx/nginx.conf";

const EXPORT: &str = "Blobs are hashed before they are taken. A platform that was not pulled is left out, and an index of
what is there is written in place of the image's own. A layer whose blob is gone or damaged is rebuilt
from its snapshot (the CRI's discard_unpacked_layers drops blobs by design): a new digest, a new
configuration and manifest, annotated with io.github.coroner.rebuilt. What was written is read again.

Examples:
  coroner content export /mnt/image docker.io/library/nginx:latest -o nginx.tar
  ctr images import nginx.tar;  skopeo copy oci-archive:nginx.tar docker://...;  docker load -i nginx.tar
  coroner content export / app:2 --layout app/ --manifest app.json
  coroner content export / app:2 --archive docker --platform linux/amd64 -o app.tar";

const VERIFY: &str = "Examples:
  coroner content verify / --sample 5% --seed 46
  coroner content verify /mnt/image --layers --time-limit 2h --resume verified.jsonl
  coroner content verify /mnt/image --layers --resume verified.jsonl      continues where it ended";

const GRAPH: &str = "A platform that was not pulled, and a layer that was discarded after it was unpacked, are shown as
missing and are no findings.

Examples:
  coroner content graph / docker.io/library/nginx:latest
  coroner content graph /mnt/image app:2 --hash
  coroner content graph / app:2 --dot | dot -Tsvg > app.svg";

/// Opens the evidence, and a node that has a content store.
fn open(args: &EvidenceArgs) -> Result<(Case, Node), Failure> {
    let case = Case::open(args)?;
    let node = case.node()?;
    names::store(&node)?;
    Ok((case, node))
}

/// `coroner content`
pub const TOOL: Tool = cli::tool!(
    "content",
    "The content store: blobs, sizes, digests",
    Args,
    run
);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    match args.verb {
        Verb::Ls { evidence } => ls::run(&evidence, out),
        Verb::Cat { evidence, how } => cat::run(&evidence, &how, out),
        Verb::Export { evidence, how } => export::run(&evidence, &how, out),
        Verb::Graph { evidence, how } => graph::run(&evidence, &how, out),
        Verb::Verify { how, evidence } => verify::run(&evidence, &how, out),
    }
}
