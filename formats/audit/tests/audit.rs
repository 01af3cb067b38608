//! The stores of captures, healthy and with faults put in, asked without a command line.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests panic where something is wrong"
)]

use std::collections::BTreeSet;

use audit::{BlobWork, Image, Lacks, LayerWork, Orphans, Verified, Wish};
use evidence::{Evidence, Options};
use layer::Limits;
use measure::Control;
use node::{Node, Said};

fn open(tar: &testcase::Tar) -> (Evidence, Node) {
    let evidence = Evidence::open_stream(tar.write().as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let node = Node::open(&evidence, roots[0].clone(), node::Options::default());
    (evidence, node)
}

const BLOBS: &str = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/";

fn verified(tar: &testcase::Tar, wish: Wish) -> Verified {
    let (evidence, node) = open(tar);
    let store = node.content.read().unwrap();
    let work = BlobWork::blobs_to_hash(&evidence, &node, store, wish, &|_, _| false);
    let control = Control::default();
    let read = work.hash_blobs(&evidence, Limits::default(), &control, &|_, _| ());
    work.verified(read, false)
}

#[test]
fn blobs_of_a_healthy_node_are_what_their_names_promise() {
    let wish = Wish {
        layers: true,
        ..Wish::default()
    };
    let verified = verified(&testcase::node("1.7-stopped"), wish);
    assert!(verified.bad.is_empty() && verified.unchecked.is_empty());
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
    let layers = verified.layers.unwrap();
    assert!(!layers.is_empty() && layers.iter().all(|layer| layer.whole));
    assert!(layers.iter().all(|layer| layer.diff_id.is_some()));
}

#[test]
fn an_altered_blob_is_named_with_what_its_bytes_are() {
    let mut tar = testcase::node("1.7-stopped");
    let size = |path: &String| tar.position(path).map(|at| tar.members[at].data.len());
    let path = tar.paths(BLOBS, "").into_iter().max_by_key(size).unwrap();
    let data = &mut tar.member(&path).data;
    data[100] ^= 1;
    let computed = content::Digest::sha256_of(data);
    let verified = verified(&tar, Wish::default());
    assert_eq!(verified.bad.len(), 1);
    assert!(path.ends_with(verified.bad[0].claimed.hex()));
    assert_eq!(verified.bad[0].computed, computed);
}

#[test]
fn what_was_not_picked_is_said_to_be_unknown() {
    let wish = Wish {
        sample: Some(("10%".parse().unwrap(), 7)),
        ..Wish::default()
    };
    let verified = verified(&testcase::node("1.7-stopped"), wish);
    let sample = verified.sample.unwrap();
    let read = verified.tally.good + verified.tally.bad;
    assert!(read > 0 && usize::try_from(read).unwrap() < sample.left.len());
}

#[test]
fn a_directory_without_a_row_is_an_orphan_and_a_healthy_node_has_none() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let (evidence, node) = open(&testcase::node(name));
        let orphans = Orphans::find_orphans(&evidence, &node, &Control::default());
        assert!(orphans.abstained.is_empty() && orphans.unknown.is_empty());
        // But what the next collection takes: `populate` leaves a view.
        let lacks: BTreeSet<Lacks> = orphans.all.iter().map(|one| one.lacks).collect();
        assert!(lacks.iter().all(|one| *one == Lacks::Holder), "{name}");
    }
    let mut tar = testcase::node("1.7-stopped");
    let folder = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";
    tar.add(&format!("{folder}/4711/fs/left"), b"behind");
    let (evidence, node) = open(&tar);
    let orphans = Orphans::find_orphans(&evidence, &node, &Control::default());
    let found = orphans.all.iter().find(|one| one.lacks == Lacks::Row);
    let found = found.unwrap();
    assert_eq!((found.id, found.usage.is_some()), (Some(4711), true));
    assert!(!found.proof.is_empty());
}

#[test]
fn unpacked_layers_are_those_of_their_blobs() {
    let (evidence, node) = open(&testcase::node("1.7-stopped"));
    let work = LayerWork::layers_to_verify(&evidence, &node, None, Some("overlayfs")).unwrap();
    let layers = work.compare(&evidence, &node, &Control::default());
    assert!(layers.counts.is_empty(), "{:?}", layers.counts);
    assert!(!layers.layers.is_empty() || !layers.without.is_empty());
}

#[test]
fn an_image_is_told_part_by_part() {
    let (evidence, node) = open(&testcase::node("1.7-discarded"));
    let target = names::blob(&node, "images.example/app:1").unwrap();
    let documents = target.documents(&evidence, &node);
    let image = Image::audit_image(&node, &target, &documents, None).unwrap();
    assert_eq!(image.blobs[0].digest, image.target);
    let gone = image.blobs.iter().filter(|part| part.size.is_none());
    let gone = gone.filter(|part| part.kind == "layer").count();
    let unpacked = image.blobs.iter().filter(|part| !part.unpacked.is_empty());
    assert!(gone > 0 && unpacked.count() >= gone);
}
