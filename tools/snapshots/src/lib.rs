//! `coroner snapshots`: what the snapshotters' databases, meta.db and the directories say.
//!
//! ```text
//! $ coroner snapshots tree NODE
//! overlayfs
//!    1  committed  k8s.io  sha256:1d9a…          4.2 MiB
//!    2  committed  k8s.io  sha256:77ab…          1.1 MiB
//!    ├─ 5  active  k8s.io  4f3c…  container k8s.io/4f3c…
//!    └─ 7  active  k8s.io  9b1e…  DIRECTORY MISSING
//! ```
//!
//! A chain of snapshots is shown in one column, however deep; only a fork moves to the right. The
//! numbers are those of the directories.

mod cat;
mod check;
mod diff;
mod export;
mod extract;
mod files;
mod line;
mod ls;
mod orphans;
mod pick;
mod row;
mod tree;
mod verify;

use std::path::PathBuf;

use cli::{EvidenceArgs, Out, Outcome, Tool};

pub use extract::write_tree;

/// Arguments of `coroner snapshots`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List snapshots, and directories that belong to no snapshot
    Ls {
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Show snapshots as a tree: parents and children
    Tree {
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Compare metadata.db, meta.db and the directories
    Check {
        /// Measure the directory of every committed layer and compare it with what it was
        #[arg(long)]
        usage: bool,
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Compare unpacked layers with the blobs that they were unpacked from, file by file
    #[command(after_help = VERIFY)]
    Verify {
        #[command(flatten)]
        args: verify::VerifyArgs,
    },
    /// List the files that a container, an image or a snapshot shows, without mounting anything
    #[command(after_help = FILES)]
    Files {
        #[command(flatten)]
        pick: pick::PickArgs,
        /// What to list, with everything below it
        #[arg(value_name = "PATH", default_value = "/")]
        path: PathBuf,
        #[command(flatten)]
        more: files::More,
    },
    /// Write the bytes of one file of a container, image or snapshot to standard output
    #[command(after_help = CAT)]
    Cat {
        #[command(flatten)]
        pick: pick::PickArgs,
        /// The file; links are followed inside the container's tree
        #[arg(value_name = "PATH")]
        path: PathBuf,
        #[command(flatten)]
        most: cli::MostFileArgs,
    },
    /// Say what a container changed of its image, or in what two trees differ
    #[command(after_help = DIFF)]
    Diff {
        #[command(flatten)]
        pick: pick::PickArgs,
        /// Compare with this container, image or snapshot instead of with its parent
        #[arg(long, value_name = "NAME")]
        with: Option<String>,
        /// Show files that were copied up without a change, too
        #[arg(long)]
        all: bool,
    },
    /// List directories and records that nothing owns any more, with their sizes and the proof
    #[command(after_help = ORPHANS)]
    Orphans {
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Write the files of a container, an image or a snapshot into a new directory (-o)
    #[command(after_help = EXTRACT)]
    Extract {
        #[command(flatten)]
        pick: pick::PickArgs,
        #[command(flatten)]
        how: extract::ExtractArgs,
    },
    /// Write the tree of a container, an image or a snapshot as a tar, or what it changed
    #[command(after_help = EXPORT)]
    Export {
        #[command(flatten)]
        pick: pick::PickArgs,
        #[command(flatten)]
        how: export::ExportArgs,
    },
}

const ORPHANS: &str = "Directories without a row, rows without a directory, snapshots that no namespace names, snapshots
that nothing holds, what a crash left half made. Nothing is called an orphan where a database could
not be read whole. `coroner snapshots export NODE overlayfs/42` carries one away.

Examples:
  coroner snapshots orphans /mnt/image
  coroner snapshots orphans node.tar.zst --format json";

const EXTRACT: &str = "DIR must not be there; the files are in DIR/files, DIR/manifest.jsonl has a line for each: path, SHA-256, mode,
owner, times, attributes, where it lies in the evidence, and what of it could not be read. Devices,
FIFOs, sockets and links that lead out of DIR are lines of the manifest alone; setuid is not set.

Examples:
  coroner snapshots extract / web-1 -o web-1
  coroner snapshots extract /mnt/image overlayfs/42 -o lost-layer";

const EXPORT: &str = "The tar is the same for the same files: names in order, numeric owners, times with nanoseconds,
extended attributes, devices and hard links as they are. A directory that no snapshot owns any more
(`coroner snapshots ls` lists them) is exported by its number, as a layer.

Examples:
  coroner snapshots export / web-1 -o web-1.tar
  coroner snapshots export /mnt/image 4f3c --layer --manifest files.jsonl -o changes.tar
  coroner snapshots export /mnt/image overlayfs/42 | tar tv";

const VERIFY: &str = "Contents, kind, mode, setuid, owner, capability and other attributes, link targets, hard links,
device numbers, times, deleted names, marks. Times of directories and what the kernel writes for
itself are not compared. Layers whose blobs were discarded have nothing to be compared with;
`coroner snapshots check --usage` finds files that a power loss emptied without any blob.

Examples:
  coroner snapshots verify /mnt/image
  coroner snapshots verify / web-1
  coroner snapshots verify node.tar.zst docker.io/library/nginx:latest --format json";

const FILES: &str = "Each line: mode, owner, group, size, mtime, layer (0 is the topmost), path.

Examples:
  coroner snapshots files / web-1
  coroner snapshots files node.tar.zst docker.io/library/nginx:latest /etc
  coroner snapshots files /mnt/image overlayfs/42";

const CAT: &str = "Examples:
  coroner snapshots cat / web-1 /var/log/app.log
  coroner snapshots cat /mnt/image 4f3c /etc/passwd -o passwd";

const DIFF: &str = "A added, C changed (and how), D deleted, = copied up without a change.

Examples:
  coroner snapshots diff / web-1
  coroner snapshots diff /mnt/image docker.io/library/app:2 --with docker.io/library/app:1";

/// `coroner snapshots`
pub const TOOL: Tool = cli::tool!(
    "snapshots",
    "Snapshots: databases, directories, trees",
    Args,
    run
);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    match args.verb {
        Verb::Ls { evidence } => ls::run(&evidence, out),
        Verb::Tree { evidence } => tree::run(&evidence, out),
        Verb::Check { usage, evidence } => check::run(&evidence, usage, out),
        Verb::Orphans { evidence } => orphans::run(&evidence, out),
        Verb::Extract { pick, how } => extract::run(&pick, how, out),
        Verb::Verify { args } => verify::run(&args, out),
        Verb::Files { pick, path, more } => files::run(&pick, &path, more, out),
        Verb::Cat { pick, path, most } => cat::run(&pick, &path, most.max_file, out),
        Verb::Export { pick, how } => export::run(&pick, &how, out),
        Verb::Diff { pick, with, all } => diff::run(&pick, with.as_deref(), all, out),
    }
}
