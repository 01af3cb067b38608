//! Databases that stand in the place of others: each true one goes to its place as it is, and nothing is taken from a wrong one.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

use std::collections::BTreeMap;

use evidence::{Evidence, Options};
use node::{DatabaseState, Node, Said, Stranger};
use repair::{Made, Refused, Request};
use testcase::Tar;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
const OVERLAY: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";
const NATIVE: &str = "var/lib/containerd/io.containerd.snapshotter.v1.native/metadata.db";
const NODES: [&str; 5] = [
    "1.6-running",
    "1.7-stopped",
    "1.7-killed",
    "2.1-running",
    "2.1-rebooted",
];

fn opened(tar: &Tar) -> (Evidence, node::Roots) {
    let packed = tar.write();
    let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    (evidence, roots.into_iter().next().unwrap())
}

fn node_of(tar: &Tar) -> Node {
    let (evidence, roots) = opened(tar);
    Node::open(&evidence, roots, node::Options::default())
}

fn plan(tar: &Tar) -> Result<Made, Refused> {
    let (mut evidence, roots) = opened(tar);
    let request = Request::new(roots, finding::Time::parse("2026-11-29T00:00:00Z").unwrap());
    repair::make(&mut evidence, &request)
}

/// Moves the files of these places, each to the next one's.
fn rotated(whole: &Tar, places: &[&str]) -> Tar {
    let mut node = whole.clone();
    let files: Vec<Vec<u8>> = places
        .iter()
        .map(|place| node.member(place).data.clone())
        .collect();
    let next = places.iter().cycle().skip(1);
    for (file, next) in files.into_iter().zip(next) {
        node.member(next).data = file;
    }
    node
}

/// The bytes that the plan writes, by the end of their place.
fn written(made: &Made, place: &str) -> Option<Vec<u8>> {
    let end = place.rsplit_once("containerd/").unwrap().1;
    let mut files = made.files.iter();
    files.find_map(|(at, bytes)| at.ends_with(end).then(|| bytes.clone()))
}

#[test]
fn what_was_exchanged_goes_back_as_it_is() {
    for name in NODES {
        let whole = testcase::node(name);
        let pairs: [&[&str]; 4] = [
            &[META, OVERLAY],
            &[META, NATIVE],
            &[OVERLAY, NATIVE],
            &[META, OVERLAY, NATIVE],
        ];
        for places in pairs {
            // A node that never used native has none.
            if places.iter().any(|place| whole.position(place).is_none()) {
                continue;
            }
            let node = rotated(&whole, places);
            let made = plan(&node).unwrap();
            for place in places {
                assert!(
                    written(&made, place).as_ref() == Some(&whole.clone().member(place).data),
                    "{name} {places:?} {place}: {:?} {:?}",
                    made.plan.wrong,
                    made.plan.steps
                );
            }
            let plan = &made.plan;
            assert!(plan.lost.is_empty(), "{name} {places:?}: {:?}", plan.lost);
            assert!(plan.edits.is_empty(), "{name} {places:?}: {:?}", plan.edits);
            assert_eq!(plan.steps.len(), places.len(), "{name}: {:?}", plan.steps);
        }
    }
}

/// meta.db under the name of a metadata.db, and nothing in its own place: the metadata.db is rebuilt, and meta.db is as it was.
#[test]
fn a_meta_db_under_another_name_is_found() {
    for name in NODES {
        let whole = testcase::node(name);
        let mut node = whole.clone();
        let meta = node.member(META).data.clone();
        node.member(OVERLAY).data.clone_from(&meta);
        node.remove(META);
        let made = plan(&node).unwrap();
        assert!(
            written(&made, META) == Some(meta),
            "{name}: {:?}",
            made.plan.steps
        );
        assert!(
            written(&made, OVERLAY).is_some(),
            "{name}: {:?}",
            made.plan.steps
        );
    }
}

/// The one copied over the other: what has no other copy is rebuilt, the other is not touched.
#[test]
fn what_was_copied_over_another_is_rebuilt_from_the_rest() {
    for name in NODES {
        let whole = testcase::node(name);
        for (from, to) in [
            (META, OVERLAY),
            (OVERLAY, META),
            (NATIVE, OVERLAY),
            (OVERLAY, NATIVE),
        ] {
            if [from, to]
                .iter()
                .any(|place| whole.position(place).is_none())
            {
                continue;
            }
            let mut node = whole.clone();
            let bytes = node.member(from).data.clone();
            node.member(to).data.clone_from(&bytes);
            let made = plan(&node).unwrap();
            let new = written(&made, to);
            assert!(new.is_some(), "{name} {from} {to}: {:?}", made.plan.steps);
            assert!(new != Some(bytes), "{name} {from} {to}");
            assert!(written(&made, from).is_none(), "{name} {from} {to}");
        }
    }
}

/// A daemon ran after the exchange: it writes its version, and empty collections, into what it takes for meta.db.
#[test]
fn what_a_daemon_wrote_into_it_does_not_hide_whose_it_is() {
    let whole = testcase::node("1.7-stopped");
    let mut node = rotated(&whole, &[META, OVERLAY]);
    let mut tree = repair::Tree::of_bytes(&node.member(META).data).unwrap();
    tree.make(&["v1"]).put("version", [6]);
    tree.make(&["v1", "default", "leases"]);
    tree.make(&["v1", "default", "snapshots", "overlayfs"]);
    node.member(META).data = tree.write(bolt::Layout::default()).unwrap();
    let made = plan(&node).unwrap();
    let meta = whole.clone().member(META).data.clone();
    assert!(written(&made, META) == Some(meta));
    assert!(written(&made, OVERLAY) == Some(node.member(META).data.clone()));
    // With records in it, it is both: nothing tells which of them hold.
    tree.make(&["v1", "default", "leases", "new"])
        .put("createdat", "x");
    node.member(META).data = tree.write(bolt::Layout::default()).unwrap();
    assert_eq!(
        node_of(&node).meta.state,
        DatabaseState::Other(Stranger::Both)
    );
    assert!(plan(&node).is_err());
}

/// The meta.db of another node, or of BuildKit: nothing of it gets into this node's.
#[test]
fn a_meta_db_of_another_root_gives_no_record() {
    let mut node = testcase::node("1.7-stopped");
    let mut tree = repair::Tree::default();
    tree.make(&["v1"]).put("version", [6]);
    let space = ["v1", "buildkit"];
    let digest = format!("sha256:{}", "ab".repeat(32));
    let blob = ["v1", "buildkit", "content", "blob", digest.as_str()];
    tree.make(&blob).put("size", [2]);
    let row = ["v1", "buildkit", "snapshots", "overlayfs", "one"];
    tree.make(&row).put("name", "buildkit/1/one");
    let image = [
        space[0],
        space[1],
        "images",
        "docker.io/library/theirs:1",
        "target",
    ];
    tree.make(&image).put("digest", digest.as_str());
    node.member(META).data = tree.write(bolt::Layout::default()).unwrap();
    assert_eq!(
        node_of(&node).meta.state,
        DatabaseState::Other(Stranger::Elsewhere)
    );
    let made = plan(&node).unwrap();
    let spaces: Vec<&String> = made.plan.brings_back.namespaces.keys().collect();
    assert_eq!(spaces, ["default", "k8s.io", "tenant"]);
    let mut images = made.plan.brings_back.images.iter();
    assert!(!images.any(|image| image.name.contains("theirs")));
}

#[test]
fn on_every_capture_each_database_is_its_own() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for name in testcase::nodes() {
        let node = node_of(&testcase::node(&name));
        assert!(node.misplaced().is_empty(), "{name}");
        let meta = (&node.meta.path, &node.meta.state);
        let backends = node.snapshotters.iter();
        let backends = backends.map(|one| (&one.db.path, &one.db.state));
        for (path, state) in [meta].into_iter().chain(backends) {
            assert!(!matches!(state, DatabaseState::Other(_)), "{name} {path}");
            *seen.entry(name.clone()).or_default() += 1;
        }
    }
    assert!(seen.values().all(|count| *count > 1), "{seen:?}");
}

/// `mv meta.db meta.db.bak`, as advice has it: the records are taken from there, unless that is an older one.
#[test]
fn a_meta_db_that_was_renamed_is_found_unless_it_is_older() {
    // Of a daemon that was killed, the two databases may differ: then nothing tells which moment it is of.
    for name in NODES.into_iter().filter(|name| *name != "1.7-killed") {
        let whole = testcase::node(name);
        let mut node = whole.clone();
        let meta = node.member(META).data.clone();
        node.remove(META);
        node.add(&format!("{META}.bak"), &meta);
        let made = plan(&node).unwrap();
        let new = repair::Tree::of_bytes(&written(&made, META).unwrap()).unwrap();
        let old = repair::Tree::of_bytes(&meta).unwrap();
        for (space, records) in old.at(&["v1"]).unwrap().buckets() {
            for kind in ["images", "containers", "leases", "sandboxes"] {
                for (key, _) in records
                    .at(&[kind])
                    .into_iter()
                    .flat_map(repair::Tree::buckets)
                {
                    let at = [b"v1", space, kind.as_bytes(), key];
                    assert!(new.at(&at).is_some(), "{name} {kind} {key:?}");
                }
            }
        }
        assert!(
            made.plan
                .wrong
                .iter()
                .any(|line| line.contains("meta.db.bak"))
        );
        // One that lacks a snapshot which metadata.db has is of another time.
        let mut old = old;
        assert!(
            old.remove(&["v1", "default", "snapshots", "overlayfs", "sleeper"]),
            "{name}"
        );
        node.member(&format!("{META}.bak")).data = old.write(bolt::Layout::default()).unwrap();
        let made = plan(&node).unwrap();
        assert!(
            !made
                .plan
                .wrong
                .iter()
                .any(|line| line.contains("meta.db.bak"))
        );
    }
}
