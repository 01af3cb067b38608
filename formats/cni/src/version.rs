//! Versions of the CNI specification.

/// Versions of the specification that there are.
pub const SPEC_VERSIONS: &[&str] = &[
    "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
];

/// Major, minor and micro of a version, as libcni's `ParseVersion` takes it: an empty one is 0.1.0,
/// what is left out is zero, and more than three parts are none.
pub(crate) fn parse_version(version: &str) -> Option<(i64, i64, i64)> {
    if version.is_empty() {
        return Some((0, 1, 0));
    }
    let mut parts = [0_i64; 3];
    for (at, part) in version.split('.').enumerate() {
        *parts.get_mut(at)? = part.parse().ok()?;
    }
    let [major, minor, micro] = parts;
    Some((major, minor, micro))
}

/// The highest of `cniVersions` and `cniVersion` that the newest libcni knows, else the latter.
pub(crate) fn newest_known<'v>(all: impl Iterator<Item = &'v str>, said: &'v str) -> String {
    let newest = SPEC_VERSIONS
        .last()
        .and_then(|version| parse_version(version));
    let said_too = (!said.is_empty()).then_some(said);
    let known = all.chain(said_too).filter_map(|version| {
        let number = parse_version(version)?;
        (Some(number) <= newest).then_some((number, version))
    });
    let highest = known.max_by_key(|(number, _)| *number);
    highest.map_or(said, |(_, version)| version).to_owned()
}
