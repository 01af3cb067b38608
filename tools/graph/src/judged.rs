//! For which release and for which time a node is judged.

use std::io;

use cli::{Failure, Pen};
use daemon::{Release, Source};
use finding::{Escaped, Time};
use node::Node;
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

/// For which release and time a node is judged, and why.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Judged {
    /// The release.
    pub(crate) daemon: Release,
    /// From what it was concluded.
    pub(crate) because: Vec<String>,
    /// How its rules are known.
    pub(crate) rules: Source,
    /// The time.
    pub(crate) at: Time,
}

impl JudgedArgs {
    pub(crate) fn of(&self, node: &Node) -> Result<Judged, Failure> {
        let (daemon, because) = if let Some(said) = &self.daemon {
            let release = Release::of_version(said).ok_or_else(|| {
                let said = Escaped(said.as_bytes());
                Failure::usage(format!("{said} is no release that coroner knows"))
                    .hint("the releases are 1.6, 1.7, 2.0, 2.1, 2.2 and 2.3")
            })?;
            (release, vec!["you said so".to_owned()])
        } else {
            let detected = daemon::detect(&node.traces);
            let mut because = detected.because.clone();
            if detected.one().is_none() {
                let fits = detected.name();
                because.push(format!("{fits} would fit: --daemon names another one"));
            }
            // Where several fit, one whose rules were tested comes first.
            let tested = [Release::V2_1, Release::V1_7, Release::V1_6];
            let fits = |release: &Release| detected.releases().any(|fit| fit == *release);
            let release = tested.into_iter().find(fits).unwrap_or(detected.to);
            (release, because)
        };
        let at = match &self.at {
            None => node.now,
            Some(text) => time(text, node.now).ok_or_else(|| {
                let text = Escaped(text.as_bytes());
                Failure::usage(format!("{text} is no time"))
                    .hint("a time is 2026-11-21T03:36:00Z, or +90m, +24h, +7d after the capture")
            })?,
        };
        let rules = daemon::gc::Rules {
            release: daemon,
            schema: None,
        };
        Ok(Judged {
            daemon,
            because,
            rules: rules.source(),
            at,
        })
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

impl Judged {
    pub(crate) fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let how = match self.rules {
            Source::Tested => "rules tested",
            Source::FromSource => "rules read in the source",
        };
        let because = match self.because.as_slice() {
            [] => String::new(),
            because => format!(": {}", because.join("; ")),
        };
        pen.paragraph("Daemon  ", &format!("{} ({how}{because})", self.daemon))?;
        pen.line(format_args!("At      {}", self.at))
    }
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
