//! `coroner triage`: examine a whole containerd node, running or not.
//!
//! ```text
//! $ coroner triage --sample
//! ```
//!
//! The verdict comes first: may containerd be started, and what would be lost. Then the findings,
//! the worst first; each says what is wrong, where, what it affects, what a start would do, and how
//! to fix it. The report ends with its coverage: what was read, what was not, and which checks
//! were not made. `coroner explain CODE` says more about a finding.
//!
//! For daily use: `--summary` shows the first screen alone, `--baseline` leaves out known findings,
//! and `triage diff` compares two triages that were saved as JSON.

mod baseline;
mod diff;
mod fail_on;
mod ignore;
mod next;
mod preflight;
mod report;
mod summary;

use cli::{Again, Case, EvidenceArgs, Failure, Out, Outcome, PlaceArgs, Tool};

use baseline::{Baseline, read_taken};
use compared::Taken;
use fail_on::FailOn;
use ignore::Ignore;
pub use preflight::PREFLIGHT;
use report::{Listed, Options, Triage};
use summary::Summary;

/// Arguments of `coroner triage`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  coroner triage --sample              a real, broken node that comes with coroner
  coroner triage /                     this machine (run as root)
  coroner triage /mnt/image            a mounted disk image
  coroner triage --hash node.tar.zst   a bundle, every blob re-hashed
  coroner triage / --baseline old.json --fail-on damage
                                       exit code 4 only for new damage
  coroner triage diff old.json new.json
  ssh NODE sudo tar cz --xattrs --xattrs-include=\\'*\\' --one-file-system \\
    /var/lib/containerd /run/containerd /etc/containerd | coroner triage -")]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The node, `/` (this machine) if it is left out: `/`, a mounted image, a folder that holds
    /// var/lib/containerd, containerd's root itself, a tar of these (plain, .gz, .zst), a bundle of
    /// `coroner collect`, or `-` for a tar on standard input
    #[arg(value_name = "NODE", conflicts_with = "sample")]
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
    /// Layers, too: compare every committed layer, file by file, with the blob that it was unpacked
    /// from, and read every layer's blob to its end
    #[arg(long)]
    layers: bool,
    /// Show only what is new or worse since this triage, which `--format json` wrote
    #[arg(long, value_name = "OLD.json")]
    baseline: Option<std::path::PathBuf>,
    /// Leave findings of these codes out, such as `blob/unknown` or `bolt/*`; the verdict still
    /// counts them
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// From which severity on a finding counts for the exit code
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    fail_on: FailOn,
    /// Only the first screen: the verdict, what a start would do, and which kinds of findings
    #[arg(long)]
    summary: bool,
    /// Show notes in full, too
    #[arg(long)]
    notes: bool,
    /// Leave the node's own logs unread: what they say of the last week stands beside the findings
    #[arg(long)]
    no_logs: bool,
    #[command(flatten)]
    places: PlaceArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// What is new, gone and changed between two triages
    Diff(diff::Args),
}

/// `coroner triage`
pub const TOOL: Tool = cli::tool!(
    "triage",
    "Examine a whole containerd node, running or not",
    Args,
    run
);

/// `coroner check`, which is `coroner triage` by the name that others give it.
pub const CHECK: Tool = cli::tool!("check", "The same as triage", Args, run);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    if let Some(Verb::Diff(args)) = &args.verb {
        return diff::run(args, out);
    }
    let ignore = Ignore::new(args.ignore)?;
    let baseline = args.baseline.as_deref().map(read_taken).transpose()?;
    let usual = if args.sample { cli::SAMPLE } else { "/" };
    let given = args.evidence.clone().unwrap_or_else(|| usual.into());
    let again = Again::from_path(&given);
    let evidence = EvidenceArgs {
        evidence: given,
        places: args.places,
    };
    let case = Case::open_live(&evidence, process::Depth::Diagnosis)?;
    let node = case.node()?;
    let wanted = cli::Measure {
        hash: args.hash,
        usage: args.usage,
        layers: args.layers,
        jobs: 0,
    };
    let measured = cli::measure_with(&case, &node, wanted, None, out);
    let report = checks::judge_all(&node, &measured);
    let release = daemon::detect(&node.traces);
    // Whether somebody knows of a fault changes nothing about what a start would do.
    let mut verdict = checks::verdict(&node, &report, &release, node.now);
    let report = checks::with_verdict(report, &verdict, &node);
    let mut report = if args.no_logs {
        report
    } else {
        cli::with_logs(&case, &node, report, out)
    };
    verdict.heed_logs(&report);
    let forbidding = checks::Forbidding::new(&report, &verdict);
    checks::put_in_order(&mut report.findings, &verdict);
    let ignored = ignore.apply(&mut report);
    let baseline = match baseline {
        None => None,
        Some(old) => {
            let now = Taken::from_report(&report, &ignored)
                .map_err(|why| Failure::unread(format!("the report cannot be compared: {why}")))?;
            Some(Baseline::apply(&old, &now, &mut report))
        }
    };
    let summary = Summary::from_report(&report);
    report.cut(checks::MOST_OF_A_CODE);
    let mut report = checks::with_ways(&node, report, &forbidding);
    let ways = report
        .findings
        .iter_mut()
        .flat_map(|finding| &mut finding.ways);
    ways.for_each(|way| case.from_here(way));
    out.answer(&Triage {
        about: case.about_all(&node),
        release,
        traces: node.traces.clone(),
        verdict,
        summary,
        ignored,
        baseline,
        listed: if args.summary {
            Listed::Summary {
                findings: report.findings.iter().map(|f| f.severity).collect(),
                coverage: report.coverage,
            }
        } else {
            Listed::Whole(report)
        },
        options: Options {
            notes: args.notes,
            fail_on: args.fail_on,
            is_live: case.is_live(),
            node: again,
        },
    })
}
