//! Bits of meta.db that flipped where its pages stay whole: what is told elsewhere is set right, and
//! nothing else is touched.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

use std::collections::BTreeMap;

use bolt::Layout;
use evidence::{Evidence, Options};
use node::Said;
use repair::{Item, Made, Request, Told, Tree};

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

fn plan(tar: &testcase::Tar) -> Made {
    let packed = tar.write();
    let mut evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let request = Request {
        roots: roots.into_iter().next().unwrap(),
        made_at: finding::Time::parse("2026-11-29T00:00:00Z").unwrap(),
        at: None,
        names: Vec::new(),
        copies: Vec::new(),
        donors: Vec::new(),
        release: None,
        mounts: Vec::new(),
        points: Vec::new(),
        by_time: false,
        every_layer: false,
        said: Vec::new(),
        released: Vec::new(),
        pod_addresses: false,
        told: Told::default(),
    };
    repair::make(&mut evidence, &request).unwrap()
}

/// The paths of all buckets below one, with itself.
fn buckets(tree: &Tree) -> Vec<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(at) = open.pop() {
        for (key, _) in tree.at(&at).unwrap().buckets() {
            open.push([at.as_slice(), &[key.to_vec()]].concat());
        }
        found.push(at);
    }
    found
}

/// The first key of a bucket whose path begins like this that has this name or, where it begins with `=`, this value.
fn first(tree: &Tree, kind: &str, name: &str) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut all = buckets(tree);
    all.sort();
    let is_kind = |at: &Vec<Vec<u8>>| at.get(2).is_some_and(|part| part == kind.as_bytes());
    let own = all.into_iter().filter(is_kind);
    let mut found = own.filter_map(|at| {
        let bucket = tree.at(&at).unwrap();
        let mut keys = bucket.entries.keys();
        let key = keys.find(|key| key.starts_with(name.as_bytes()))?.clone();
        Some((at, key))
    });
    found.next().unwrap()
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    *bytes.get_mut(at).unwrap() ^= 1;
    bytes
}

#[test]
fn what_a_bit_made_of_names_and_values_is_set_right() {
    let node = testcase::node("1.7-stopped");
    let mut healthy = node.clone();
    let bytes = healthy.member(META).data.clone();
    let before = Tree::of_bytes(&bytes).unwrap();
    assert!(plan(&healthy).plan.steps.is_empty());
    // A key by its beginning, in records of a kind; whether the key flips, or its value; where.
    let all: &[(&str, &str, bool, usize)] = &[
        ("content", "containerd.io/gc.ref.content.config", true, 17),
        ("content", "containerd.io/gc.ref.content.l.", true, 20),
        ("content", "containerd.io/gc.ref.content.config", false, 30),
        (
            "content",
            "containerd.io/gc.ref.snapshot.overlayfs",
            false,
            40,
        ),
        ("content", "containerd.io/uncompressed", false, 50),
        ("content", "containerd.io/uncompressed", true, 18),
        ("content", "size", true, 2),
        ("content", "createdat", true, 3),
        ("images", "digest", false, 40),
        ("images", "mediatype", false, 20),
        ("images", "mediatype", true, 4),
        ("images", "target", true, 1),
        ("containers", "snapshotKey", true, 2),
        ("containers", "snapshotter", false, 3),
        ("snapshots", "containerd.io/gc.root", true, 13),
        ("snapshots", "name", true, 1),
        ("snapshots", "sha256:", true, 40),
    ];
    for (kind, name, is_key, byte) in all {
        let (at, key) = first(&before, kind, name);
        let mut tree = before.clone();
        let bucket = tree.make(&at);
        if *is_key {
            let item = bucket.entries.remove(&key).unwrap();
            bucket.entries.insert(flipped(&key, *byte), item);
        } else {
            let Some(Item::Value(value)) = bucket.entries.get_mut(&key) else {
                panic!("{kind} {name} is no value");
            };
            *value = flipped(value, *byte);
        }
        assert_ne!(tree, before);
        let mut broken = node.clone();
        broken.member(META).data = tree.write(Layout::default()).unwrap();
        let made = plan(&broken);
        let edits = &made.plan.edits;
        assert_eq!(edits.len(), 1, "{kind} {name} {is_key}: {edits:?}");
        assert!(made.plan.lost.is_empty(), "{:?}", made.plan.lost);
        let written: BTreeMap<_, _> = made.files;
        let (_, new) = written
            .iter()
            .find(|(place, _)| place.ends_with("meta.db"))
            .unwrap();
        let after = Tree::of_bytes(new).unwrap();
        assert!(after == before, "{kind} {name} {is_key}: {edits:?}");
    }
}

/// Names that people choose are near to each other: nothing is concluded from that.
#[test]
fn names_that_were_chosen_stay() {
    let node = testcase::node("1.7-stopped");
    let bytes = node.clone().member(META).data.clone();
    let mut tree = Tree::of_bytes(&bytes).unwrap();
    let space = tree.make(&["v1", "default", "containers"]);
    let Some(Item::Bucket(record)) = space.entries.get("sleeper".as_bytes()).cloned() else {
        panic!("no container");
    };
    for (id, key) in [("web-a", "web-c"), ("web-e", "sleeqer")] {
        let mut record = record.clone();
        record.put("snapshotKey", key);
        record.put("image", "images.example/base:3");
        space.entries.insert(id.into(), Item::Bucket(record));
    }
    let mut changed = node.clone();
    changed.member(META).data = tree.write(Layout::default()).unwrap();
    let made = plan(&changed);
    let odd: Vec<&String> = made
        .plan
        .edits
        .iter()
        .filter(|edit| edit.contains("web-"))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
}
