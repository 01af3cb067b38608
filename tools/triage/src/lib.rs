//! `coroner triage`: examine a whole containerd node that is not running.
//!
//! ```text
//! $ coroner triage --sample
//! ```
//!
//! The verdict comes first: may containerd be started, and what would be lost. Then the findings,
//! the worst first; each says what is wrong, where, what it breaks, what a start would do, and what
//! to do. The report ends with its coverage: what was read, what was not, which checks did not
//! speak. `coroner explain CODE` says more about a finding.

mod explain;
mod report;
mod sample;

use cli::{Case, EvidenceArgs, Failure, Out, Outcome, PlaceArgs, Tool};

pub use explain::EXPLAIN;
use report::Triage;

/// Arguments of `coroner triage`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner triage --sample              a real, broken node that comes with coroner
  coroner triage /                     this machine (run as root)
  coroner triage /mnt/image            a mounted disk image
  coroner triage --hash node.tar.zst   a bundle, every blob re-hashed
  ssh node tar c /var/lib/containerd /run/containerd | coroner triage -")]
pub struct Args {
    /// The node: `/`, a mounted image, a folder that holds var/lib/containerd, containerd's root
    /// itself, a tar of these (plain, .gz, .zst), a bundle of `coroner collect`, or `-` for a tar
    /// on standard input
    #[arg(
        value_name = "NODE",
        required_unless_present = "sample",
        conflicts_with = "sample"
    )]
    evidence: Option<std::path::PathBuf>,
    /// Examine the broken node that comes with coroner
    #[arg(long)]
    sample: bool,
    /// Re-hash every blob of the content store
    #[arg(long)]
    hash: bool,
    /// Measure the directory of every committed layer and compare it with what it was
    #[arg(long)]
    usage: bool,
    /// Leave findings of this code out (may be repeated)
    #[arg(long, value_name = "CODE")]
    ignore: Vec<String>,
    /// Show notes in full, too
    #[arg(long)]
    notes: bool,
    #[command(flatten)]
    places: PlaceArgs,
}

/// `coroner triage`
pub const TOOL: Tool = cli::tool!(
    "triage",
    "Examine a whole containerd node that is not running",
    Args,
    run
);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    for code in &args.ignore {
        if !checks::codes().iter().any(|known| known.name == code) {
            let code = finding::Escaped(code.as_bytes());
            return Err(Failure::usage(format!("there is no code {code}"))
                .hint("`coroner explain` lists all codes"));
        }
    }
    let case = match args.evidence {
        Some(evidence) => Case::open(&EvidenceArgs {
            evidence,
            places: args.places,
        })?,
        None => sample::open(&args.places)?,
    };
    let node = case.node()?;
    let measured = cli::measure(&case, &node, args.hash, args.usage, out);
    let mut report = checks::judge(&node, &measured);
    report
        .findings
        .retain(|finding| !args.ignore.iter().any(|code| code == finding.code.name));
    let release = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &release);
    out.answer(&Triage {
        about: case.about(&node),
        release,
        traces: node.traces.clone(),
        verdict,
        report,
        notes: args.notes,
    })
}
