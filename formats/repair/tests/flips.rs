//! Bits of meta.db that flipped where its pages stay whole: what is told elsewhere is set right, and
//! nothing else is touched.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

use std::collections::BTreeMap;

use bolt::Layout;
use evidence::{Evidence, Options};
use node::Said;
use repair::{Item, Made, Request, Tree};

const BACKEND: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";
const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

fn plan(tar: &testcase::Tar) -> Made {
    let packed = tar.write();
    let mut evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let request = Request::new(
        roots.into_iter().next().unwrap(),
        finding::Time::parse("2026-11-29T00:00:00Z").unwrap(),
    );
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
        ("snapshots", "parent", false, 40),
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

/// With metadata.db gone, too, the keys of meta.db alone tell what a container's snapshot stands on.
#[test]
fn a_parent_and_a_key_are_found_among_the_keys() {
    let node = testcase::node("1.7-stopped");
    let bytes = node.clone().member(META).data.clone();
    let before = Tree::of_bytes(&bytes).unwrap();
    let bucket = ["v1", "default", "snapshots", "overlayfs"];
    let at = [&bucket[..], &["sleeper"]].concat();
    let right = before.at(&at).unwrap().value("parent").unwrap().to_vec();
    let mut tree = before.clone();
    tree.make(&at).put("parent", flipped(&right, 60));
    // Its container and its own name tell the key of another one, a second layer those of the first.
    let all = tree.make(&bucket);
    for key in [&b"paused"[..], &right] {
        let record = all.entries.remove(key).unwrap();
        all.entries.insert(flipped(key, 3), record);
    }
    let mut broken = node.clone();
    broken.member(META).data = tree.write(Layout::default()).unwrap();
    broken.remove(BACKEND);
    let made = plan(&broken);
    let lost = made.plan.lost.join("\n");
    assert!(!lost.contains("that it stands on is not known"), "{lost}");
    let mut written = made.files.iter();
    let new = written.find(|(place, _)| place.ends_with("meta.db"));
    let after = Tree::of_bytes(new.unwrap().1).unwrap();
    assert_eq!(after.at(&at).unwrap().value("parent"), Some(&right[..]));
    let keys = |tree: &Tree| {
        let all = tree.at(&bucket).unwrap().buckets();
        all.map(|(key, _)| key.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&after), keys(&before));
}

/// The key of a row of metadata.db: the snapshot gets its row again, with its own directory; and a metadata.db
/// of another node is named.
#[test]
fn keys_of_rows_are_set_right_and_foreign_rows_are_named() {
    let node = testcase::node("1.7-stopped");
    let bytes = node.clone().member(BACKEND).data.clone();
    let before = Tree::of_bytes(&bytes).unwrap();
    let at = ["v1", "snapshots"];
    let keys: Vec<Vec<u8>> = before
        .at(&at)
        .unwrap()
        .buckets()
        .map(|(key, _)| key.to_vec())
        .collect();
    let key = keys
        .iter()
        .find(|key| key.windows(8).any(|part| part == b"/sha256:"))
        .unwrap();
    let mut tree = before.clone();
    let rows = tree.make(&at);
    let row = rows.entries.remove(key).unwrap();
    rows.entries.insert(flipped(key, key.len() - 3), row);
    let mut broken = node.clone();
    broken.member(BACKEND).data = tree.write(Layout::default()).unwrap();
    let made = plan(&broken);
    let mut written = made.files.iter();
    let (_, new) = written
        .find(|(place, _)| place.ends_with("metadata.db"))
        .unwrap();
    let after = Tree::of_bytes(new).unwrap();
    let ids = |tree: &Tree| -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        let rows = tree.at(&at).unwrap().buckets();
        rows.map(|(key, row)| (key.to_vec(), row.value("id").map(<[u8]>::to_vec)))
            .collect()
    };
    assert_eq!(ids(&after), ids(&before));
    let mut foreign = node.clone();
    let mut other = testcase::node("2.1-stopped");
    foreign.member(BACKEND).data = other.member(BACKEND).data.clone();
    let made = plan(&foreign);
    let unknown = made.plan.unknown.join("\n");
    assert!(
        unknown.contains("put here from elsewhere"),
        "{unknown} {:?}",
        made.plan.wrong
    );
}

/// The metadata.db of native in the place of overlayfs's: its numbers are those of other directories, so nothing of it is used.
#[test]
fn a_database_of_another_snapshotter_is_not_used() {
    let whole = testcase::node("1.7-stopped");
    let mut node = whole.clone();
    let native = "var/lib/containerd/io.containerd.snapshotter.v1.native/metadata.db";
    node.member(BACKEND).data = node.member(native).data.clone();
    let made = plan(&node);
    let wrong = made.plan.wrong.join("\n");
    assert!(wrong.contains("it is the metadata.db of native"), "{wrong}");
    let mut written = made.files.iter();
    let new = written.find(|(place, _)| place.ends_with("overlayfs/metadata.db"));
    let rows = |bytes: &[u8]| -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        let tree = Tree::of_bytes(bytes).unwrap();
        let rows = tree.at(&["v1", "snapshots"]).unwrap().buckets();
        rows.map(|(key, row)| (key.to_vec(), row.value("id").map(<[u8]>::to_vec)))
            .collect()
    };
    let before = rows(&whole.clone().member(BACKEND).data);
    for (key, id) in rows(new.unwrap().1) {
        // A layer that cannot be matched gets a new number, and is unpacked there.
        assert!(
            before.contains_key(&key),
            "{}",
            String::from_utf8_lossy(&key)
        );
        let highest = before.values().max().unwrap();
        assert!(
            before[&key] == id || id > *highest,
            "{}",
            String::from_utf8_lossy(&key)
        );
    }
    // meta.db is as it was: no record is made of what that database says.
    assert!(
        made.plan.brings_back.snapshots == 0,
        "{:?}",
        made.plan.brings_back
    );
}

/// A metadata.db in the place of meta.db: its buckets are no namespaces.
#[test]
fn another_database_is_no_meta_db() {
    let mut node = testcase::node("2.1-stopped");
    node.member(META).data = node.member(BACKEND).data.clone();
    let made = plan(&node);
    let wrong = made.plan.wrong.join("\n");
    assert!(
        wrong.contains("it is the metadata.db of overlayfs"),
        "{wrong}"
    );
    let spaces: Vec<&String> = made.plan.brings_back.namespaces.keys().collect();
    assert_eq!(spaces, ["default", "k8s.io", "tenant"]);
    // The content store's folder of downloads is a file.
    let mut node = testcase::node("1.7-stopped");
    let folder = "var/lib/containerd/io.containerd.content.v1.content/ingest";
    node.remove(folder);
    node.add(folder, b"x");
    let made = plan(&node);
    assert!(
        made.plan
            .steps
            .iter()
            .any(|step| step.path.ends_with("/ingest")),
        "{:?}",
        made.plan.steps
    );
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

/// A page that held a part of a blob's record, its labels, is zeroes: the record is whole again, and a
/// collection takes nothing of the image.
#[test]
fn a_record_that_lost_a_part_is_completed() {
    let node = testcase::node("1.6-stopped");
    let bytes = node.clone().member(META).data.clone();
    let before = Tree::of_bytes(&bytes).unwrap();
    let is_labels = |page: &[u8]| {
        page.get(8) == Some(&2)
            && page.windows(13).any(|part| part == b"io/gc.ref.con")
            && !page.windows(9).any(|part| part == b"mediatype")
    };
    let pages = bytes.chunks(4096).enumerate();
    let pages: Vec<usize> = pages
        .filter(|(_, page)| is_labels(page))
        .map(|(number, _)| number)
        .collect();
    let mut seen = 0;
    for number in pages {
        let mut broken = node.clone();
        let data = &mut broken.member(META).data;
        data.get_mut(number * 4096..(number + 1) * 4096)
            .unwrap()
            .fill(0);
        let made = plan(&broken);
        let written = made
            .files
            .iter()
            .find(|(place, _)| place.ends_with("meta.db"));
        let Some((_, new)) = written else { continue };
        seen += 1;
        let after = Tree::of_bytes(new).unwrap();
        for (namespace, space) in before.at(&["v1"]).unwrap().buckets() {
            let all = space
                .at(&["content", "blob"])
                .into_iter()
                .flat_map(Tree::buckets);
            for (digest, record) in all {
                let at = [&b"v1"[..], namespace, b"content", b"blob", digest];
                let labels = |tree: &Tree| tree.at(&["labels"]).cloned().unwrap_or_default();
                let found = labels(after.at(&at).unwrap());
                for (label, value) in labels(record).entries {
                    let is_kept = label.starts_with(b"containerd.io/gc.ref.");
                    assert!(
                        !is_kept || found.entries.get(&label) == Some(&value),
                        "page {number}"
                    );
                }
            }
        }
        assert!(
            made.plan.after.iter().all(|one| one.start != "no"),
            "page {number}: {:?}",
            made.plan.after
        );
    }
    assert!(seen > 1, "{seen}");
}

#[test]
fn what_a_lease_held_is_lost_with_its_page() {
    let node = testcase::node("2.1-stopped");
    let mut broken = node.clone();
    let page = broken
        .member(META)
        .data
        .chunks(4096)
        .position(|page| {
            let has = |word: &[u8]| page.windows(word.len()).any(|part| part == word);
            has(b"half-way-leased") && has(b"createdat") && has(b"snapshots")
        })
        .unwrap();
    // It says that it is another page: nothing on it is believed.
    broken.member(META).data[page * 4096] -= 1;
    let lost = |made: &Made| {
        let lost = made.plan.lost.iter();
        lost.filter(|line| line.contains("leases > expires-late"))
            .count()
    };
    let told = plan(&broken);
    assert_eq!(lost(&told), 1, "{:?} {:?}", told.plan.wrong, told.plan.lost);
    assert_eq!(lost(&plan(&node)), 0);
}
