//! `coroner collect`: pack a node into a bundle, to be examined elsewhere; `coroner bundle`: what a
//! bundle holds, and whether it is as it was written.
//!
//! ```text
//! # coroner collect / -o node.tar.zst
//! # ssh node coroner collect / | coroner triage -
//! # coroner collect /mnt/image --content all --upperdirs -o everything.tar.zst
//! $ coroner bundle verify node.tar.zst
//! ```
//!
//! A bundle is a tar, compressed with zstd: first a manifest that tells of every file, directory,
//! socket and FIFO that was seen, with all times and extended attributes, collected or not; then
//! the files; last the SHA-256 of everything. `docs/bundle.md` describes it; `tar --zstd -x`
//! unpacks it. `docs/collect.md` says what is packed and what is not.
//!
//! The node is only read. No FIFO, device or socket is opened, no lock is taken, no mount below the
//! stores is looked into. Layers and the files of containers stay on the node unless `--content` and
//! `--upperdirs` ask for them: databases, manifests, configurations and state files are what an examination needs.

mod bundle;
mod cores;
mod logged;
mod pack;
mod processes;
mod roots;

use finding::{Count, Text, Unread};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use cli::{Case, EvidenceArgs, Exit, Failure, Out, Outcome, Tool};
use coroner_runtime::judge_opened;
use evidence::bundle::write::{Blobs, Collect, Summary, write_with};

pub use bundle::{Args as BundleArgs, BUNDLE};
pub use roots::{refuse_below, refuse_inside};

/// Which content blobs are packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Content {
    /// All of them, layers too
    All,
    /// Those of at most 1 MiB: manifests, indexes, configs
    #[default]
    Metadata,
    /// None; they are still listed
    None,
}

/// Arguments of `coroner collect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner collect / -o node.tar.zst               this machine
  coroner collect / -o /mnt/usb/node.tar.zst --redact
  coroner collect / -o node.tar.zst --cores       with the goroutines of what hangs
  ssh node coroner collect / | coroner triage -   nothing is written on the node
  coroner collect / | ssh desk 'cat >node.tar.zst'
  coroner bundle verify node.tar.zst              whether it is as it was written

Exit codes: 0 packed; 8 something could not be read, was too large, or changed meanwhile (standard
error says what); 16 usage; 32 interrupted and 64 a full disk: then there is no bundle.")]
pub struct Args {
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Which content blobs are packed
    #[arg(long, value_enum, default_value_t, value_name = "WHICH", num_args = 0..=1, default_missing_value = "all")]
    content: Content,
    /// Pack the files in snapshots, too: layers as they are unpacked, and what containers wrote
    #[arg(long)]
    upperdirs: bool,
    /// Pack this path inside the node, too (may be given more than once)
    #[arg(long = "add", value_name = "PATH")]
    add: Vec<PathBuf>,
    #[command(flatten)]
    most: cli::MostArgs,
    /// Mask every value that is not known to be harmless, and leave out files of no known kind.
    /// No byte moves; findings stay the same, except those that depend on a masked value
    #[arg(long)]
    redact: bool,
    /// Pack what the daemons logged in so many of the last days: warnings and worse, and their starts, as one text
    /// log of at most 16 MiB; 0 for none
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    logs: u32,
    /// Take a small core of containerd, and of each shim whose container hangs, without stopping them.
    /// Cores hold what lies on stacks and in variables, unmasked
    #[arg(long, conflicts_with = "redact")]
    cores: bool,
    /// With --redact: keep what databases still hold of deleted records, masked as far as it can be
    /// read
    #[arg(long, requires = "redact")]
    keep_deleted: bool,
}

/// `coroner collect`
pub const TOOL: Tool = cli::tool!(
    "collect",
    "Pack a node into a bundle, to be examined elsewhere",
    Args,
    run
);

/// What is said where secrets are packed.
const SECRETS: &str = "secrets are not masked: environments of containers, annotations, \
                       credentials in configuration (--redact masks them)";

/// What is said where they are masked.
const REDACTED: &str = "values that are not known to be harmless are masked, and files of no known \
                        kind, layers and files of containers are left out; names made of words, ids of \
                        hexadecimal digits and UUIDs stay, even where one is a secret";

/// What is said where deleted records stay.
const DELETED: &str = "free pages of databases are not zeroed: deleted records in them are masked \
                       only as far as they can be read";

/// Runs it: the bundle goes where answers go, what is said of it to standard error.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    if out.options().output.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::usage("a bundle is nothing for a terminal")
            .hint("name a file with -o, or send standard output to a file or a pipe"));
    }
    // Before rights are given up: what was made by then could not be removed afterwards.
    roots::refuse_below(&args.evidence, out.options().output.as_deref())?;
    let taker = args
        .cores
        .then(|| cores::taker(&args.evidence))
        .transpose()?;
    let case = Case::open_live(&args.evidence, process::Depth::Full)?;
    if case.roots.is_empty() && args.add.is_empty() {
        return Err(Failure::unread("no node was found in the evidence")
            .hint("say where its stores are with --root and --state, or add paths with --add"));
    }
    roots::refuse_inside(
        &args.evidence.evidence,
        &case,
        out.options().output.as_deref(),
    )?;
    let places = roots::Places::find_places(&case, args.add);
    // What was taken before keeps its own time, and what does not run has its own.
    let captured = case.evidence.captured_at().or_else(cli::now);
    let captured = captured.unwrap_or(finding::Time::new(0, 0));
    let mut entries = processes::taken(&case, captured);
    let mut warnings = Vec::new();
    if args.logs > 0 {
        let since = (captured, args.logs);
        entries.extend(logged::taken(&case, since, args.redact, &mut warnings, out));
    }
    let case = match taker {
        None => case,
        Some(taker) => {
            let judged = judge_opened(case, None);
            entries.extend(cores::taken(&taker, &judged, captured, &mut warnings));
            judged.case
        }
    };
    if args.redact {
        warnings.push(REDACTED.to_owned());
        if args.keep_deleted {
            warnings.push(DELETED.to_owned());
        }
    } else {
        warnings.push(SECRETS.to_owned());
    }
    let mut wanted = Collect {
        roots: places.roots,
        listed: places.listed,
        disks: places.disks,
        programs: programs(places.programs, args.redact),
        blobs: match args.content {
            Content::All => Blobs::All,
            Content::Metadata => Blobs::Metadata,
            Content::None => Blobs::None,
        },
        upperdirs: args.upperdirs,
        limit: args.most.max_file,
        total: args.most.max_total,
        tool: format!("coroner {}", env!("CARGO_PKG_VERSION")),
        command: std::env::args_os()
            .map(|word| word.as_encoded_bytes().to_vec())
            .map(|word| {
                if args.redact {
                    redact::line(word)
                } else {
                    word
                }
            })
            .map(|word| finding::Escaped(&word).to_string())
            .collect(),
        captured,
        taken: entries,
        as_of: places.as_of,
        warnings,
        redacted: args.redact,
        ..Collect::default()
    };
    let progress = out.progress("packing", 0);
    let redacts = args.redact.then_some(redact::Options {
        keep_deleted: args.keep_deleted,
    });
    let aliases = if args.redact {
        pack::aliases(&case, args.most.max_file)
    } else {
        redact::Aliases::default()
    };
    if !aliases.is_empty() {
        let count = Count(aliases.len(), "name");
        let line = format!(
            "{count} of objects had the shape of a secret: others stand for them everywhere"
        );
        wanted.warnings.push(line);
    }
    let mut packer = pack::Packer::new(
        &case.evidence,
        redacts,
        aliases,
        args.most.max_file,
        &progress,
    );
    let summary = write_with(&case.evidence, &wanted, &mut packer, out.writer())?;
    out.writer().flush()?;
    drop(progress);
    if !out.options().quiet {
        report(&summary, &wanted, &mut std::io::stderr().lock())?;
    }
    let is_one_state = summary.changed.is_empty() && summary.replaced.is_empty();
    Ok(if summary.unread.is_empty() && is_one_state {
        Exit::CLEAN
    } else {
        Exit::UNREAD
    })
}

/// How programs were built, without the secrets that somebody linked in.
fn programs(
    mut programs: Vec<evidence::bundle::Program>,
    redacts: bool,
) -> Vec<evidence::bundle::Program> {
    for program in programs.iter_mut().filter(|_| redacts) {
        let lines = program.build.lines().map(|line| {
            String::from_utf8_lossy(&redact::line(line.as_bytes().to_vec())).into_owned()
        });
        let mut build = lines.collect::<Vec<String>>().join("\n");
        if program.build.ends_with('\n') {
            build.push('\n');
        }
        program.build = build;
    }
    programs
}

/// What was packed, in a few lines.
fn report(summary: &Summary, wanted: &Collect, out: &mut dyn Write) -> std::io::Result<()> {
    let bytes = cli::size(summary.bytes);
    let entries = Count(summary.entries, "entry");
    let files = Count(summary.files, "file");
    writeln!(out, "{entries} seen, {files} packed, {bytes}")?;
    for path in &summary.absent {
        // What was added because any node may have it is not worth a word.
        if !roots::is_usual(path) {
            writeln!(out, "{path} is not there")?;
        }
    }
    for (path, note) in &summary.notes {
        writeln!(out, "{path}: {note}")?;
    }
    for path in &summary.gone {
        writeln!(out, "{path} was gone when its turn came")?;
    }
    for path in &summary.changed {
        writeln!(
            out,
            "{path} changed while it was copied: the copy counts as unread"
        )?;
    }
    // Of evidence that is a copy itself, what any node may have is said once.
    let is_program = |path: &Text| {
        let folders = ["/usr/", "/opt/", "/bin/", "/sbin/"];
        folders
            .iter()
            .any(|folder| path.bytes().starts_with(folder.as_bytes()))
    };
    let is_usual = |(path, why): &&(Text, Unread)| {
        *why == Unread::NotCollected && (roots::is_usual(path) || is_program(path))
    };
    let (usual, named): (Vec<_>, Vec<_>) = summary.unread.iter().partition(is_usual);
    for (path, unread) in named {
        writeln!(out, "{path} {unread}")?;
    }
    if let Some((first, _)) = usual.first() {
        writeln!(
            out,
            "{} that any node may have, such as {first}: not in the evidence, so whether the node has them is not \
             known",
            Count(usual.len(), "place")
        )?;
    }
    if wanted.redacted {
        let values = summary
            .masked
            .iter()
            .fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        writeln!(
            out,
            "masked: {values} values in {} files",
            summary.masked.len()
        )?;
        for (path, count) in summary.masked.iter().take(MOST) {
            writeln!(out, "  {count:>6}  {path}")?;
        }
        let more = summary.masked.len().saturating_sub(MOST);
        if more > 0 {
            writeln!(
                out,
                "  and {more} more files (`coroner bundle ls` names them)"
            )?;
        }
    }
    for path in summary.hidden.iter().take(MOST) {
        writeln!(out, "{path} was left out: it may hold secrets")?;
    }
    let more = summary.hidden.len().saturating_sub(MOST);
    if more > 0 {
        writeln!(
            out,
            "and {more} more files were left out (`coroner bundle ls --left` names them)"
        )?;
    }
    if summary.renamed > 0 {
        let renamed = summary.renamed;
        writeln!(
            out,
            "{renamed} names of files, targets of links and attributes were masked"
        )?;
    }
    for warning in &wanted.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    writeln!(
        out,
        "SHA-256 of the bundle's trailer (the trailer holds the hashes of everything else): {}",
        hex::encode(summary.trailer)
    )
}

/// Files that are named one by one.
const MOST: usize = 12;
