//! From when to when: times as people write them.

use finding::Time;

use crate::Failure;

/// From when to when.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct PeriodArgs {
    /// Nothing before this: 2026-11-21, 2026-11-21T08:30 (UTC), or with seconds and a zone
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Time>,
    /// Nothing at this time or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Time>,
}

impl PeriodArgs {
    /// Whether there is anything between the two.
    pub fn checked(self) -> Result<Self, Failure> {
        if self.from.zip(self.to).is_some_and(|(from, to)| from >= to) {
            return Err(Failure::usage("--to is not after --from"));
        }
        Ok(self)
    }
}

/// Reads a time: RFC 3339, or a date or a time without a zone, in UTC.
pub(crate) fn time(text: &str) -> Result<Time, String> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    Time::parse(&whole).map_err(|_| {
        "a time is wanted: 2026-11-21, 2026-11-21T08:30 or 2026-11-21T08:30:00.5+01:00".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let want = Time::parse("2026-11-21T08:30:00Z").unwrap();
        for text in [
            "2026-11-21T08:30",
            "2026-11-21 08:30",
            "2026-11-21T08:30:00",
            "2026-11-21T09:30:00+01:00",
        ] {
            assert_eq!(time(text), Ok(want), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-11-21T25:00",
            "1795223788",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
