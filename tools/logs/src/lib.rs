//! `coroner logs`: what a node's daemons said, from the evidence alone.
//!
//! ```text
//! $ coroner logs NODE               starts of containerd and how they ended; what is known of its
//!                                   lines, warnings and worse, repeated ones once
//! $ coroner logs NODE --program kubelet
//! $ coroner logs NODE --names       names of images that were pulled, with their digests
//! $ coroner logs NODE --all         every line, in one order
//! ```
//!
//! Journals, also cut and damaged ones, syslog and its rotated files, logs of k3s, RKE2 and Talos.

mod lines;
mod names;
mod sources;
mod starts;

use cli::{Case, EvidenceArgs, Out, Outcome, PeriodArgs, Tool};
use logs::{Gathered, Options, Program};
use measure::Control;

/// Arguments of `coroner logs`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    evidence: EvidenceArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// Only the starts and lines of this program; without it, the starts of containerd and the lines of
    /// all programs
    #[arg(long, value_enum, value_name = "PROGRAM")]
    program: Option<Which>,
    /// How many starts to show, the newest first
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    starts: usize,
    /// List the names of images in the logs instead
    #[arg(long, conflicts_with = "all")]
    names: bool,
    /// List every line in order instead, not only warnings and worse
    #[arg(long)]
    all: bool,
    /// Read the logs of containers (/var/log/pods), too
    #[arg(long)]
    pods: bool,
}

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    Containerd,
    Shim,
    Runc,
    Kubelet,
    Dockerd,
    K3s,
    Kernel,
    Cni,
}

impl Which {
    const fn program(self) -> Program {
        match self {
            Self::Containerd => Program::Containerd,
            Self::Shim => Program::Shim,
            Self::Runc => Program::Runtime,
            Self::Kubelet => Program::Kubelet,
            Self::Dockerd => Program::Dockerd,
            Self::K3s => Program::Distribution,
            Self::Kernel => Program::Kernel,
            Self::Cni => Program::Cni,
        }
    }
}

const EXAMPLES: &str = "Lines that differ only in numbers and ids are shown once, with a count. A line that
is known stands with its name: `coroner explain` says what it means.

Examples:
  coroner logs /mnt/image
  coroner logs / --from 2026-11-28T03:00
  coroner logs node.tar.zst --program kubelet --starts 20
  coroner logs /mnt/image --names > names.txt       for: coroner repair plan --names-from names.txt";

/// `coroner logs`
pub const TOOL: Tool = cli::tool!(
    "logs",
    "What the daemons said: starts and how they ended, errors and what they mean",
    Args,
    run
);

/// Runs it.
#[expect(
    clippy::needless_pass_by_value,
    reason = "every tool runs with arguments of its own"
)]
pub fn run(args: Args, out: &mut Out) -> Outcome {
    let period = args.period.checked()?;
    let case = Case::open(&args.evidence)?;
    let options = Options {
        from: period.from,
        to: period.to,
        everything: args.all,
        program: args.program.map(Which::program),
        pods: args.pods,
        most: None,
    };
    let cancel = out.cancel();
    let progress = out.progress("reading logs", 0);
    let control = Control {
        cancel: &cancel,
        progress: &|bytes| progress.add(bytes),
        ..Control::default()
    };
    let mut gathered = logs::gather(&case.evidence, &options, &control);
    drop(progress);
    if args.names {
        return names::answer(&gathered, out);
    }
    let program = args.program.map(Which::program);
    if args.all {
        keep(&mut gathered, program);
        return lines::answer(&gathered, out);
    }
    starts::answer(&mut gathered, program, args.starts, out)
}

/// Keeps the lines of one program, and what systemd and the kernel say.
fn keep(gathered: &mut Gathered, program: Option<Program>) {
    let Some(program) = program else {
        return;
    };
    gathered
        .lines
        .retain(|line| line.program == program || line.program == Program::Systemd);
}
