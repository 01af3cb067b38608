//! Releases of containerd that differ in what they do with a node.

use core::fmt;

use serde::{Serialize, Serializer};

/// A minor release of containerd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Release {
    /// 1.6
    V1_6,
    /// 1.7
    V1_7,
    /// 2.0
    V2_0,
    /// 2.1
    V2_1,
    /// 2.2
    V2_2,
    /// 2.3
    V2_3,
}

/// How a rule about a release is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The real daemon of a release that the rule names was seen to do it.
    Tested,
    /// It was read in the source.
    FromSource,
}

impl Release {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::V1_6,
        Self::V1_7,
        Self::V2_0,
        Self::V2_1,
        Self::V2_2,
        Self::V2_3,
    ];

    /// The newest of them: what holds up to now holds up to it.
    pub const NEWEST: Self = Self::V2_3;

    /// How it is known what it does, where no rule says otherwise: its daemon was run, or its source
    /// was read.
    pub const fn source(self) -> Source {
        match self {
            Self::V1_6 | Self::V1_7 | Self::V2_1 => Source::Tested,
            Self::V2_0 | Self::V2_2 | Self::V2_3 => Source::FromSource,
        }
    }

    /// Its numbers.
    const fn numbers(self) -> (u32, u32) {
        match self {
            Self::V1_6 => (1, 6),
            Self::V1_7 => (1, 7),
            Self::V2_0 => (2, 0),
            Self::V2_1 => (2, 1),
            Self::V2_2 => (2, 2),
            Self::V2_3 => (2, 3),
        }
    }

    /// Its name: `1.6`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1_6 => "1.6",
            Self::V1_7 => "1.7",
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
            Self::V2_3 => "2.3",
        }
    }

    /// The release of a version such as `1.6.20~ds1-1+deb12u3` or `v2.1.9`.
    ///
    /// Something that is not known here is taken for the newest before it; something older than 1.6 for
    /// nothing.
    pub fn of_version(version: &str) -> Option<Self> {
        // An epoch of a distribution stands before a colon.
        let version = version.rsplit(':').next().unwrap_or(version);
        let mut numbers = version
            .trim_start_matches('v')
            .split(|c: char| !c.is_ascii_digit());
        let major: u32 = numbers.next()?.parse().ok()?;
        let minor: u32 = numbers.next()?.parse().ok()?;
        let known = Self::ALL.into_iter();
        let mut known = known.filter(|release| release.numbers() <= (major, minor));
        known.next_back()
    }

    /// Why nothing is known here of a version, if nothing is: it is older or newer than all releases.
    pub fn beyond(version: &str) -> Option<&'static str> {
        let plain = version.rsplit(':').next().unwrap_or(version);
        let mut numbers = plain
            .trim_start_matches('v')
            .split(|c: char| !c.is_ascii_digit());
        let major: u32 = numbers.next()?.parse().ok()?;
        let minor: u32 = numbers.next()?.parse().ok()?;
        match (major, minor) {
            (0, _) | (1, 0..6) => Some("older than 1.6, the first release that is known here"),
            (2, 4..) | (3.., _) => Some("newer than 2.3, the last release that is known here"),
            _ => None,
        }
    }

    /// The minor version of meta.db's schema (`v1/version`) that it writes.
    pub const fn schema(self) -> i64 {
        match self {
            Self::V1_6 | Self::V1_7 => 3,
            Self::V2_0 | Self::V2_1 | Self::V2_2 | Self::V2_3 => 4,
        }
    }

    /// The newest `version` of config.toml that it knows.
    pub const fn config_version(self) -> i64 {
        match self {
            Self::V1_6 | Self::V1_7 => 2,
            Self::V2_0 | Self::V2_1 | Self::V2_2 => 3,
            Self::V2_3 => 4,
        }
    }

    /// Whether it panics when the first garbage collection after its start fails.
    pub const fn dies_of_garbage(self) -> bool {
        match self {
            Self::V1_6 | Self::V1_7 | Self::V2_0 | Self::V2_1 => true,
            Self::V2_2 | Self::V2_3 => false,
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Release {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_packages_are_understood() {
        for (version, release) in [
            ("1.6.20~ds1-1+deb12u3", Some(Release::V1_6)),
            ("1.7.24~ds1-6+deb13u1+b4", Some(Release::V1_7)),
            ("v2.1.9", Some(Release::V2_1)),
            ("1:2.3.0-1", Some(Release::V2_3)),
            ("2.17.0", Some(Release::NEWEST)),
            ("1.8.0", Some(Release::V1_7)),
            ("3.0", Some(Release::NEWEST)),
            ("1.5.9", None),
            ("unknown", None),
            ("", None),
            ("2", None),
        ] {
            assert_eq!(Release::of_version(version), release, "{version}");
        }
    }
}
