//! Numbers with a noun that agrees: `1 blob`, `3 directories`.

use core::fmt;

/// So many of something, named by its singular: `1 blob`, `0 blobs`, `2 entries`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<N>(pub N, pub &'static str);

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Count<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, noun) = self;
        if *count == N::from(1) {
            return write!(f, "{count} {noun}");
        }
        match noun
            .strip_suffix('y')
            .filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']))
        {
            Some(stem) => write!(f, "{count} {stem}ies"),
            None => write!(f, "{count} {noun}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noun_agrees() {
        for (count, noun, want) in [
            (0_usize, "blob", "0 blobs"),
            (1, "blob", "1 blob"),
            (2, "blob", "2 blobs"),
            (1, "snapshot directory", "1 snapshot directory"),
            (3, "snapshot directory", "3 snapshot directories"),
            (2, "key", "2 keys"),
        ] {
            assert_eq!(Count(count, noun).to_string(), want);
        }
    }
}
