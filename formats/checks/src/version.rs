//! Releases to the last number: some bugs live in a few of them.

use node::Node;

/// Major, minor and patch of an installed containerd, where the package database tells.
pub(crate) fn installed(node: &Node) -> Option<(u32, u32, u32)> {
    parse(node.traces.package.as_ref()?.utf8()?)
}

/// `1.6.20~ds1-1+deb12u1`, `1:2.1.0-1`, `v1.7.24`
fn parse(version: &str) -> Option<(u32, u32, u32)> {
    let version = version.rsplit(':').next().unwrap_or(version);
    let mut numbers = version
        .trim_start_matches('v')
        .split(|letter: char| !letter.is_ascii_digit())
        .map(|digits| digits.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn versions_of_packages_have_three_numbers() {
        assert_eq!(parse("1.6.20~ds1-1+deb12u1"), Some((1, 6, 20)));
        assert_eq!(parse("1:2.1.0-1"), Some((2, 1, 0)));
        assert_eq!(parse("v1.7.24"), Some((1, 7, 24)));
        assert_eq!(parse("1.7"), None);
        assert_eq!(parse("none"), None);
    }
}
