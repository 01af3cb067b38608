//! `coroner collect`: pack a node into a bundle, to be examined elsewhere.
//!
//! ```text
//! # coroner collect / -o node.tar.zst
//! # ssh node coroner collect / | coroner triage -
//! # coroner collect /mnt/image --content all --upperdirs -o everything.tar.zst
//! ```
//!
//! A bundle is a tar, compressed with zstd: first a manifest that tells of every file, directory,
//! socket and FIFO that was seen, with all times and extended attributes, collected or not; then
//! the files. `docs/bundle.md` describes it; `tar --zstd -x` unpacks it.
//!
//! The node is only read. No FIFO, device or socket is opened, no lock is taken, no mount below the
//! stores is looked into. Layers and the files of containers stay on the node unless they are asked
//! for: databases, manifests, configurations and state files are what an examination needs.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use cli::{Case, EvidenceArgs, Exit, Failure, Out, Outcome, Tool};
use evidence::bundle::write::{Blobs, Collect, Summary, write};
use finding::Time;

/// Which content blobs are packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Content {
    /// All of them, layers too
    All,
    /// Those of at most 1 MiB: manifests, indexes, configs
    #[default]
    Metadata,
    /// None; they are listed all the same
    None,
}

/// Arguments of `coroner collect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Which content blobs are packed
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    content: Content,
    /// Pack the files in snapshots, too: layers as they are unpacked, and what containers wrote
    #[arg(long)]
    upperdirs: bool,
    /// Pack this path inside the node, too (may be given more than once)
    #[arg(long = "add", value_name = "PATH")]
    add: Vec<PathBuf>,
    /// Largest file that is packed, in bytes of data
    #[arg(long, default_value_t = 4 << 30, value_name = "BYTES")]
    limit: u64,
}

/// `coroner collect`
pub const TOOL: Tool = cli::tool!(
    "collect",
    "Pack a node into a bundle, to be examined elsewhere",
    Args,
    run
);

/// Configuration that says where the stores are; packed with any node.
const ALWAYS: [&str; 3] = ["/etc/containerd", "/etc/os-release", "/var/lib/dpkg/status"];

/// Runs it: the bundle goes where answers go, what is said of it to standard error.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    if out.options().output.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::usage("a bundle is nothing for a terminal")
            .hint("name a file with -o, or send standard output to a file or a pipe"));
    }
    let case = Case::open(&args.evidence)?;
    let mut roots: Vec<PathBuf> = Vec::new();
    for found in &case.roots {
        roots.extend([found.root.clone(), found.state.clone()]);
        let config = found.config.iter().flat_map(|config| &config.files);
        roots.extend(config.filter_map(|file| file.utf8().map(PathBuf::from)));
    }
    roots.extend(args.add);
    if roots.is_empty() {
        return Err(Failure::unread("no node was found in the evidence")
            .hint("say where its stores are with --root and --state, or add paths with --add"));
    }
    roots.extend(ALWAYS.map(PathBuf::from));
    let roots = without_inner(roots);
    let wanted = Collect {
        roots,
        blobs: match args.content {
            Content::All => Blobs::All,
            Content::Metadata => Blobs::Metadata,
            Content::None => Blobs::None,
        },
        upperdirs: args.upperdirs,
        limit: args.limit,
        tool: format!("coroner {}", env!("CARGO_PKG_VERSION")),
        // What was taken before keeps its own time.
        captured: case.evidence.captured_at().unwrap_or_else(now),
    };
    let summary = write(&case.evidence, &wanted, out.writer())?;
    out.writer().flush()?;
    if !out.options().quiet {
        report(&summary, &mut std::io::stderr().lock())?;
    }
    Ok(if summary.unread.is_empty() {
        Exit::CLEAN
    } else {
        Exit::UNREAD
    })
}

/// Paths that are not below another one of them.
fn without_inner(mut roots: Vec<PathBuf>) -> Vec<PathBuf> {
    roots.sort();
    roots.dedup();
    let mut kept: Vec<PathBuf> = Vec::new();
    for root in roots {
        if !kept.iter().any(|outer| root.starts_with(outer)) {
            kept.push(root);
        }
    }
    kept
}

/// The wall clock: a bundle says when it was taken.
fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Time::new(seconds, since.subsec_nanos())
}

/// What was packed, in a few lines.
fn report(summary: &Summary, out: &mut dyn Write) -> std::io::Result<()> {
    let Summary {
        entries,
        files,
        bytes,
        absent,
        unread,
    } = summary;
    let bytes = cli::size(*bytes);
    writeln!(out, "{entries} entries seen, {files} files packed, {bytes}")?;
    for path in absent {
        // What was added because any node may have it is not worth a word.
        if !ALWAYS.iter().any(|always| *path == *always) {
            writeln!(out, "{path} is not there")?;
        }
    }
    for (path, unread) in unread {
        writeln!(out, "{path} {unread}")?;
    }
    Ok(())
}
