//! Until when something is held, and the times that labels say.

use core::fmt;

use finding::{Text, Time};
use serde::{Serialize, Serializer};

/// Until when something is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// Not at all.
    Never,
    /// To the end of this point in time.
    At(Time),
    /// As long as nothing changes.
    Forever,
}

impl Until {
    /// Whether it is held at `now`: the daemon lets go when `now` is *after* the time.
    pub fn holds(self, now: Time) -> bool {
        match self {
            Self::Never => false,
            Self::At(time) => time >= now,
            Self::Forever => true,
        }
    }

    /// The time, where it has one.
    pub const fn time(self) -> Option<Time> {
        match self {
            Self::At(time) => Some(time),
            Self::Never | Self::Forever => None,
        }
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.pad("never"),
            Self::At(time) => time.fmt(f),
            Self::Forever => f.pad("forever"),
        }
    }
}

/// `"never"`, `"forever"`, or a time.
impl Serialize for Until {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What the label `containerd.io/gc.expire` says: nothing or nonsense is for ever.
pub(super) fn expire(label: Option<&Text>) -> Until {
    match label.and_then(|label| rfc3339(label.bytes())) {
        Some(time) => Until::At(time),
        None => Until::Forever,
    }
}

/// Go's `time.Parse(time.RFC3339, …)`, which differs from the RFC: `T` and `Z` are capitals, an
/// hour may have one digit, there is no 60th second.
fn rfc3339(text: &[u8]) -> Option<Time> {
    let text = core::str::from_utf8(text).ok()?;
    let (date, clock) = text.split_at_checked(10)?;
    let clock = clock.strip_prefix('T')?;
    let hour = clock.find(':')?;
    let padded = match hour {
        1 => format!("{date}T0{clock}"),
        2 => format!("{date}T{clock}"),
        _ => return None,
    };
    // A lower-case z and a leap second pass where the RFC is the measure.
    let second = padded.get(17..19)?;
    if second == "60" || padded.ends_with('z') {
        return None;
    }
    Time::parse(&padded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_reads_them() {
        for (text, is_time) in [
            ("2026-11-21T03:36:00Z", true),
            ("2026-11-21T03:36:00.123456789+01:00", true),
            ("2026-11-21T03:36:00,5Z", true),
            ("2026-11-21T3:36:00Z", true),
            ("2026-11-21t03:36:00Z", false),
            ("2026-11-21 03:36:00Z", false),
            ("2026-11-21T03:36:00z", false),
            ("2026-11-21T03:36:60Z", false),
            ("2026-11-21T03:36:00", false),
            ("2026-11-31T03:36:00Z", false),
            ("1795232160", false),
            ("", false),
            ("never", false),
        ] {
            assert_eq!(rfc3339(text.as_bytes()).is_some(), is_time, "{text}");
        }
    }

    #[test]
    fn the_very_second_is_still_held() {
        let now = Time::new(100, 0);
        assert!(Until::At(now).holds(now));
        assert!(!Until::At(Time::new(99, 999_999_999)).holds(now));
        assert!(Until::Never < Until::At(now) && Until::At(now) < Until::Forever);
    }
}
