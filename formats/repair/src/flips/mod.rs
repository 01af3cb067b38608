//! Bits that flipped in a meta.db whose pages are whole. bbolt has no checksums: the daemon takes a label
//! that is called `containerd.io/gc.pef.content.config` as it is, and its next collection deletes the
//! configuration of that image.
//!
//! A name or a value is set right only where one place tells what it was, and what stands there differs from
//! that by a bit or two:
//!
//! | what | what it was is told by |
//! |---|---|
//! | a field (`sire`), a label of containerd's own | the schema |
//! | a label that keeps a blob or a layer, the diffID of a layer | the documents of images |
//! | the key of a snapshot | its `name`, which has a row in metadata.db, or whose key a container or a snapshot names |
//! | what a snapshot stands on | the keys there: a layer's, or one that has the snapshot among its children |
//! | the key of a container | the key of its snapshot, or the other way round |
//! | the target of an image | the documents |
//! | the size of a blob | the file, if a document says the same |
//! | a specification | the container's bundle, while it has one |

mod fields;
mod labels;
mod names;
mod specs;

use std::collections::BTreeMap;

use finding::Text;
use node::Node;

use crate::records::Edit;
use crate::rows::{keys, shown};
use crate::{Item, Survivors, Tree};

/// How many bits of a name or a value may differ.
const BITS: u32 = 2;

/// Sets right what a flipped bit made of names and values.
pub(crate) fn flips(
    tree: &mut Tree,
    node: &Node,
    survivors: &Survivors,
    specs: &BTreeMap<Text, Vec<u8>>,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    // Fields first: a record without its `name` tells nothing.
    fields::fields(tree, &mut edits);
    names::snapshots(tree, node, &mut edits);
    names::parents(tree, &mut edits);
    names::containers(tree, &mut edits);
    names::targets(tree, survivors, &mut edits);
    labels::labels(tree, survivors, &mut edits);
    specs::specs(tree, node, specs, &mut edits);
    edits
}

/// Whether one became the other by a bit or two.
fn is_near(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() || one == other {
        return false;
    }
    let pairs = one.iter().zip(other);
    let bits = pairs.fold(0_u32, |bits, (one, other)| {
        bits.saturating_add((one ^ other).count_ones())
    });
    bits <= BITS
}

/// The only one of `all` that `found` is near to.
pub(crate) fn only_near<'a>(
    found: &[u8],
    all: impl IntoIterator<Item = &'a [u8]>,
) -> Option<&'a [u8]> {
    let mut near = all.into_iter().filter(|one| is_near(found, one));
    near.next().filter(|_| near.next().is_none())
}

/// Gives the key `old` of a bucket another name that is not taken.
fn rename(tree: &mut Tree, at: &[&[u8]], old: &[u8], new: &[u8]) -> bool {
    let bucket = tree.make(at);
    if bucket.entries.contains_key(new) {
        return false;
    }
    let Some(item) = bucket.entries.remove(old) else {
        return false;
    };
    bucket.entries.insert(new.to_vec(), item);
    true
}

fn set(edits: &mut Vec<Edit>, at: &[&[u8]], why: String) {
    edits.push(Edit {
        record: shown(at),
        removed: false,
        why,
    });
}

/// The value of a key that need not be text.
fn value<'t>(tree: &'t Tree, key: &[u8]) -> Option<&'t [u8]> {
    match tree.entries.get(key) {
        Some(Item::Value(value)) => Some(value),
        _ => None,
    }
}

/// The paths of all records of a kind: `v1 > <namespace> > <kind> > <key>`.
fn records(tree: &Tree, kind: &[&[u8]]) -> Vec<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for namespace in keys(tree.at(&["v1"])) {
        let bucket = [&[&b"v1"[..], &namespace], kind].concat();
        for key in keys(tree.at(&bucket)) {
            let at = bucket.iter().map(|part| part.to_vec());
            found.push(at.chain([key]).collect());
        }
    }
    found
}

fn parts(at: &[Vec<u8>]) -> Vec<&[u8]> {
    at.iter().map(Vec::as_slice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_what_a_bit_or_two_make() {
        assert!(is_near(b"size", b"sire"));
        assert!(!is_near(b"size", b"size"));
        assert!(!is_near(b"size", b"sizes"));
        // Three bits.
        assert!(!is_near(b"size", b"tizd"));
        let all: [&[u8]; 3] = [b"app1", b"app3", b"web1"];
        assert_eq!(only_near(b"web0", all), Some(&b"web1"[..]));
        // Two of them: nothing tells which.
        assert_eq!(only_near(b"app2", all), None);
    }
}
