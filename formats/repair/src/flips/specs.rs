//! Specifications: containerd writes a container's into its bundle byte by byte.

use std::collections::BTreeMap;

use finding::Text;
use metadb::{Any, put_any};
use node::Node;

use super::set;
use crate::Tree;
use crate::containers::SPEC;
use crate::records::Edit;

/// How many bytes of one may differ, by a bit each.
const BYTES: usize = 4;

pub(super) fn specs(
    tree: &mut Tree,
    node: &Node,
    specs: &BTreeMap<Text, Vec<u8>>,
    edits: &mut Vec<Edit>,
) {
    let bundles = node
        .runtime
        .read()
        .map_or(&[][..], |runtime| &runtime.bundles);
    for bundle in bundles {
        let at = [
            b"v1",
            bundle.namespace.bytes(),
            b"containers",
            bundle.id.bytes(),
        ];
        let record = tree.at(&at).and_then(|record| record.value("spec"));
        let (Some(right), Some(Ok(found))) = (specs.get(&bundle.path), record.map(Any::parse))
        else {
            continue;
        };
        if is_flipped(&found.value, right) {
            tree.make(&at).put("spec", put_any(SPEC, right));
            let why = "bits of its specification flipped; that of its bundle is the same otherwise";
            set(edits, &at, why.to_owned());
        }
    }
}

/// Whether bits alone make the difference. Numbers are changed by whoever sets limits anew, and not in the
/// bundle.
fn is_flipped(found: &[u8], right: &[u8]) -> bool {
    if found.len() != right.len() {
        return false;
    }
    let pairs = found.iter().zip(right);
    let odd: Vec<(&u8, &u8)> = pairs.filter(|(one, other)| one != other).collect();
    let is_bit = |(one, other): &(&u8, &u8)| {
        (*one ^ *other).is_power_of_two() && !(one.is_ascii_digit() && other.is_ascii_digit())
    };
    !odd.is_empty() && odd.len() <= BYTES && odd.iter().all(is_bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_no_new_limit() {
        assert!(is_flipped(br#"["nmdev"]"#, br#"["nodev"]"#));
        assert!(!is_flipped(br#"{"shares":2}"#, br#"{"shares":3}"#));
        assert!(!is_flipped(br#"["nodev"]"#, br#"["nodev"]"#));
        assert!(!is_flipped(br#"["nodev","ro"]"#, br#"["nodev"]"#));
        assert!(!is_flipped(br#"["/bin/b"]"#, br#"["/bin/a"]"#));
    }
}
