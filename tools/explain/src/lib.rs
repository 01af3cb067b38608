//! `coroner explain`: what a finding means, and what a line of a log means.
//!
//! ```text
//! $ coroner explain                           every code
//! $ coroner explain snapshot/id-sequence      what a finding means, and what to do
//! $ coroner explain 'failed to reserve …'     what a line of a log means
//! $ journalctl -u containerd | coroner explain - --node /
//! ```
//!
//! A line may be copied from a journal, a terminal, an event of a pod or a report. Its innermost
//! cause decides; words that many causes have (`no such file or directory`) never lead to one. With
//! `--node` the findings of that node tell which of the causes are true there.

mod code;
mod input;
mod line;
mod reference;
mod there;

use std::path::PathBuf;

use cli::{Failure, Out, Outcome, Tool};

pub use input::explain_lines;
pub use line::explain_line;

/// Arguments of `coroner explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner explain                      every code
  coroner explain snapshot/id-sequence
  coroner explain C03                  a rule that a finding names
  coroner explain containerd#6772      what refers to an issue
  coroner explain 'failed to reserve sandbox name \"web_0\": name \"web_0\" is reserved for \"9d42\"'
  coroner explain --node / 'invalid database'
  journalctl -b -u containerd | coroner explain -")]
pub struct Args {
    /// A code or a part of one, a rule (C03), an issue (containerd#6772), a state of a container
    /// (zombie), or a line of a log; `-` for lines on standard input
    #[arg(value_name = "CODE|LINE")]
    what: Option<String>,
    /// Say which of the causes are true on this node: as `coroner triage NODE` takes it
    #[arg(long, value_name = "NODE")]
    node: Option<PathBuf>,
}

/// `coroner explain`
pub const EXPLAIN: Tool = cli::tool!(
    "explain",
    "What a finding or a line of a log means, and what to do",
    Args,
    run
);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    let Args { what, node } = args;
    let node = node.as_deref();
    // Lines of a log may be anybody's; with a node, its reader gives up what it does not need.
    if node.is_none() {
        cli::lock_down(&[]);
    }
    match what {
        None => code::all(out),
        Some(what) if what.trim().is_empty() => Err(Failure::usage("there is nothing to explain")
            .hint("give a code, a rule, an issue, or a line of a log")),
        Some(what) if what == "-" => input::explain_lines(&mut std::io::stdin().lock(), node, out),
        Some(what) => {
            if let Some(reference) = reference::reference(&what) {
                return code::referred(reference, out);
            }
            match code::named(&what) {
                Some(codes) => code::answer(codes, out),
                None => explain_line(&what, node, out),
            }
        }
    }
}
