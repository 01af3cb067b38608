//! For which release and for which time a node is judged.

use std::io;

use cli::{About, Failure, Pen};
use daemon::{Release, Source};
use finding::{Escaped, Time};
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
            time(text, node.now).ok_or_else(|| {
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

/// RFC 3339, or `+24h` and its like.
fn time(text: &str, now: Time) -> Option<Time> {
    let Some(after) = text.strip_prefix('+') else {
        return Time::parse(text).ok();
    };
    let unit = after.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = after.split_at_checked(unit)?;
    let worth: i64 = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let seconds = number.parse::<i64>().ok()?.checked_mul(worth)?;
    Some(Time::new(now.seconds.checked_add(seconds)?, now.nanos))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_after_the_capture() {
        let now = Time::new(1000, 5);
        assert_eq!(time("+24h", now), Some(Time::new(87_400, 5)));
        assert_eq!(time("+90m", now), Some(Time::new(6_400, 5)));
        assert_eq!(time("1970-01-01T00:00:07Z", now), Some(Time::new(7, 0)));
        for nonsense in [
            "",
            "+",
            "+h",
            "24h",
            "+24",
            "+1y",
            "+9999999999999999999d",
            "now",
        ] {
            assert_eq!(time(nonsense, now), None, "{nonsense}");
        }
    }
}
