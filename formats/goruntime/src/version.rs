//! Versions of Go.

use core::fmt;

/// A version of Go: layouts change from one minor number to the next, and in rare cases with a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoVersion {
    /// 24 of `go1.24.4`.
    pub minor: u32,
    /// 4 of `go1.24.4`; 0 where it does not say.
    pub patch: u32,
}

impl GoVersion {
    /// The oldest that is read.
    pub const OLDEST: Self = Self::new(16);
    /// The newest that was tested.
    pub const NEWEST: Self = Self::new(27);

    /// The first of a minor number.
    pub const fn new(minor: u32) -> Self {
        Self { minor, patch: 0 }
    }

    /// From what the linker wrote: `go1.24.4`, `go1.27rc1`, `devel go1.28-abc …`.
    pub fn parse(text: &str) -> Option<Self> {
        let (minor, after) = number(text.split_once("go1.")?.1)?;
        let patch = after.strip_prefix('.').and_then(number);
        Some(Self {
            minor,
            patch: patch.map_or(0, |(patch, _)| patch),
        })
    }
}

/// The number that a text begins with, and what follows it.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, after) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, after))
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "go1.{}", self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_a_minor_number_and_may_have_a_patch() {
        let parsed = |text| GoVersion::parse(text).map(|it| (it.minor, it.patch));
        assert_eq!(parsed("go1.24.11"), Some((24, 11)));
        assert_eq!(parsed("go1.24"), Some((24, 0)));
        assert_eq!(parsed("go1.27rc1"), Some((27, 0)));
        assert_eq!(parsed("devel go1.28-abc.3"), Some((28, 0)));
        assert_eq!(parsed("go1.24.4-X:nodwarf5"), Some((24, 4)));
        assert_eq!(parsed("go1."), None);
    }
}
