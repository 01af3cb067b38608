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
    match label.and_then(|label| Time::parse_go(label.utf8()?).ok()) {
        Some(time) => Until::At(time),
        None => Until::Forever,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_very_second_is_still_held() {
        let now = Time::new(100, 0);
        assert!(Until::At(now).holds(now));
        assert!(!Until::At(Time::new(99, 999_999_999)).holds(now));
        assert!(Until::Never < Until::At(now) && Until::At(now) < Until::Forever);
    }
}
