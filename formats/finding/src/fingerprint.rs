//! What makes a finding of today the same as one of yesterday.

use core::fmt;
use core::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{Finding, Text};

/// Which fault a finding is about, however often the node is looked at.
///
/// The first eight bytes of the SHA-256 of its code, its file and its place in the meaning. Left out
/// is what changes while the fault stays: the message, the severity, what it affects, offsets, and
/// the number of a page whose bucket is known (the next transaction moves it). Paths below
/// containerd's root and state count from there, so that a copy of the root compares with the node.
/// Several findings of one code at one place are numbered in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    /// The fingerprint of the finding, the `number`th (from 0) of its code at its place.
    fn from_place(place: &[u8], number: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(place);
        if number > 0 {
            hash.update(number.to_le_bytes());
        }
        let mut first = [0; 8];
        for (to, from) in first.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        Self(first)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl FromStr for Fingerprint {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 8];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Gives every finding its fingerprint; `roots` are folders and what they are called instead.
pub(crate) fn identify<'f>(
    findings: impl Iterator<Item = &'f mut Finding>,
    roots: &[(&str, &Text)],
) {
    let mut seen: std::collections::HashMap<Vec<u8>, u64> = std::collections::HashMap::new();
    for finding in findings {
        let place = place(finding, roots);
        let fingerprint = |number| Fingerprint::from_place(&place, number);
        let number = seen.get(&place).copied().unwrap_or(0);
        finding.fingerprint = Some(fingerprint(number));
        seen.insert(place, number.saturating_add(1));
    }
}

/// Code, file and place, each with its length before it, so that no name can look like two.
fn place(finding: &Finding, roots: &[(&str, &Text)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut add = |part: &[u8]| {
        bytes.extend(u64::try_from(part.len()).unwrap_or(0).to_le_bytes());
        bytes.extend(part);
    };
    add(finding.code.name.as_bytes());
    let location = &finding.location;
    let file = location.file.as_ref().map_or(&[][..], Text::bytes);
    let below = roots.iter().find_map(|(name, root)| {
        let rest = file.strip_prefix(root.bytes())?;
        // `/` itself ends with the slash that every other folder's files begin with.
        let is_below = rest.is_empty() || rest.starts_with(b"/") || root.bytes().ends_with(b"/");
        is_below.then_some((*name, rest.strip_prefix(b"/").unwrap_or(rest)))
    });
    let (base, rest) = below.unwrap_or(("", file));
    add(base.as_bytes());
    add(rest);
    let in_the_meaning = location.places.iter().any(|place| place.kind != "page");
    for place in &location.places {
        if place.kind != "page" || !in_the_meaning {
            add(place.kind.as_bytes());
            add(place.name.bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use view::Span;

    use super::*;
    use crate::{Code, Location, Report, Severity};

    const CODE: Code = Code {
        name: "a/b",
        rule: "",
        severity: Severity::Odd,
        title: "t",
        explanation: "e",
        remedy: "r",
    };

    fn finding(location: Location, message: &str) -> Finding {
        Finding::new(&CODE, location, message)
    }

    fn fingerprints(findings: Vec<Finding>, root: &str) -> Vec<Fingerprint> {
        let mut report = Report::all(findings, crate::Coverage::default());
        report.identify(&[("root", &Text::from(root))]);
        let all = report.findings.into_iter();
        all.filter_map(|finding| finding.fingerprint).collect()
    }

    #[test]
    fn what_moves_is_the_same_and_what_is_elsewhere_is_not() {
        let at = |page: &str, bucket: &str, start| {
            Location::file("/r/meta.db")
                .span(Span::new(start, 16))
                .place("page", page)
                .place("bucket", bucket)
        };
        let old = fingerprints(vec![finding(at("5", "v1", 0x5000), "old")], "/r");
        let moved = fingerprints(vec![finding(at("9", "v1", 0x9000), "new")], "/r");
        let other = fingerprints(vec![finding(at("5", "v2", 0x5000), "old")], "/r");
        assert_eq!(old, moved);
        assert_ne!(old, other);
        let bare = |page| Location::file("/r/meta.db").place("page", page);
        let pages = fingerprints(vec![finding(bare("5"), ""), finding(bare("6"), "")], "/r");
        assert_ne!(pages[0], pages[1]);
    }

    #[test]
    fn a_copy_of_the_root_compares_with_the_node() {
        let node = fingerprints(
            vec![finding(Location::file("/var/lib/x/a"), "")],
            "/var/lib/x",
        );
        let copy = fingerprints(vec![finding(Location::file("/a"), "")], "/");
        assert_eq!(node, copy);
        let beside = fingerprints(
            vec![finding(Location::file("/var/lib/xy/a"), "")],
            "/var/lib/x",
        );
        assert_ne!(node, beside);
    }

    #[test]
    fn several_at_one_place_are_told_apart() {
        let both = || {
            vec![
                finding(Location::file("/r/a"), "one"),
                finding(Location::file("/r/a"), "two"),
            ]
        };
        let first = fingerprints(both(), "/r");
        assert_ne!(first[0], first[1]);
        assert_eq!(first, fingerprints(both(), "/r"));
        let text = first[0].to_string();
        assert_eq!(text.parse::<Fingerprint>(), Ok(first[0]));
    }
}
