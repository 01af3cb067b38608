//! Versions of Go.

use core::fmt;

/// A version of Go, as its minor number: layouts change from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoVersion(pub u32);

impl GoVersion {
    /// The oldest that is read.
    pub const OLDEST: Self = Self(16);
    /// The newest that was tested.
    pub const NEWEST: Self = Self(27);

    /// From what the linker wrote: `go1.24.4`, `go1.27rc1`, `devel go1.28-abc …`.
    pub fn parse(text: &str) -> Option<Self> {
        let after = text.split_once("go1.")?.1;
        let digits = after
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(after.len());
        after.get(..digits)?.parse().ok().map(Self)
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "go1.{}", self.0)
    }
}
