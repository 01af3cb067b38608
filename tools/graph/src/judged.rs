//! For which release and for which time a node is judged.

use std::io;

use cli::{About, Failure, Pen};
use daemon::{Release, Source};
use finding::Escaped;
use node::Node;
use refs::Judged;
use serde::Serialize;

/// For which release and for which time a node is judged.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Judged for")]
pub(crate) struct JudgedArgs {
    /// The release of containerd whose rules count (1.6, 1.7, 2.0, 2.1, 2.2, 2.3); else the one
    /// that the node's own traces show
    #[arg(long, value_name = "RELEASE")]
    daemon: Option<String>,
    /// The time at which it runs: `2026-11-21T03:36:00Z`, or `+90m`, `+24h`, `+7d` after the
    /// capture; else the time of the capture
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,
}

/// An answer that holds for a release and a time.
#[derive(Debug, Serialize)]
pub(crate) struct Answered<T> {
    #[serde(rename = "evidence")]
    pub(crate) about: About,
    #[serde(flatten)]
    pub(crate) judged: Judged,
    #[serde(flatten)]
    pub(crate) it: T,
}

impl JudgedArgs {
    pub(crate) fn judge_node(&self, node: &Node) -> Result<Judged, Failure> {
        let release = self.daemon.as_ref().map(|said| {
            Release::of_version(said).ok_or_else(|| {
                let said = Escaped(said.as_bytes());
                Failure::usage(format!("{said} is no release that coroner knows"))
                    .hint("the releases are 1.6, 1.7, 2.0, 2.1, 2.2 and 2.3")
            })
        });
        let at = self.at.as_ref().map(|text| {
            cli::time_after(text, node.now).ok_or_else(|| {
                let text = Escaped(text.as_bytes());
                Failure::usage(format!("{text} is no time"))
                    .hint("a time is 2026-11-21T03:36:00Z, or +90m, +24h, +7d after the capture")
            })
        });
        Ok(Judged::judge_node(
            node,
            release.transpose()?,
            at.transpose()?,
        ))
    }
}

/// Writes for which release and time it is.
pub(crate) fn write_judged(judged: &Judged, pen: &mut Pen<'_>) -> io::Result<()> {
    let how = match judged.rules {
        Source::Tested => "rules tested",
        Source::FromSource => "rules read in the source",
    };
    let because = match judged.because.as_slice() {
        [] => String::new(),
        because => format!(": {}", because.join("; ")),
    };
    pen.paragraph("Daemon  ", &format!("{} ({how}{because})", judged.daemon))?;
    pen.line(format_args!("At      {}", judged.at))
}
