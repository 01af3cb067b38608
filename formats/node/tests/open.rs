//! Every capture opened, and what is in it against what the node said of itself when it was taken.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong"
)]

use std::collections::BTreeSet;

use evidence::{Evidence, Options};
use finding::{Text, Time};
use node::{DatabaseState, Node, Said, discover};
use serde_json::Value;
use testcase::Tar;

fn opened(tar: &Tar, options: node::Options) -> Node {
    let evidence = Evidence::open_stream(tar.write().as_slice(), &Options::default()).unwrap();
    let roots = discover(&evidence, &Said::default()).swap_remove(0);
    Node::open(&evidence, roots, options)
}

fn node(name: &str) -> Node {
    opened(&testcase::node(name), node::Options::default())
}

/// What the node said of itself.
fn truth(name: &str) -> Value {
    let path = testcase::testdata().join(format!("nodes/{name}/truth.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<String> {
    let keys = value
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    keys.cloned().collect()
}

fn names<'t>(texts: impl Iterator<Item = &'t Text>) -> BTreeSet<String> {
    texts.map(ToString::to_string).collect()
}

#[test]
fn a_node_holds_what_its_daemon_listed() {
    let states = ["running", "stopped", "rebooted"];
    let mut seen = 0;
    for name in testcase::nodes() {
        if !states.iter().any(|state| name.ends_with(state)) {
            continue;
        }
        seen += 1;
        let (node, truth) = (node(&name), truth(&name));
        let meta = node.meta.rows.as_ref().expect("meta.db");
        let api = &truth["api"]["namespaces"];
        assert_eq!(
            names(meta.namespaces().iter().map(|namespace| &namespace.name)),
            keys(api),
            "{name}"
        );
        for namespace in meta.namespaces() {
            let said = &api[namespace.name.to_string()];
            let images = namespace.images.read().into_iter().flatten();
            assert_eq!(
                names(images.map(|row| &row.key)),
                keys(&said["images"]),
                "{name}"
            );
            let containers = namespace.containers.read().into_iter().flatten();
            assert_eq!(
                names(containers.map(|row| &row.key)),
                keys(&said["containers"]),
                "{name}"
            );
            let blobs = namespace.blobs.read().into_iter().flatten();
            assert_eq!(
                names(blobs.map(|row| &row.key)),
                keys(&said["content"]),
                "{name}"
            );
        }
        // Every blob of it is a file of that name.
        let store = node.content.read().expect("the content store");
        for namespace in meta.namespaces() {
            for digest in keys(&api[namespace.name.to_string()]["content"]) {
                let there = store
                    .blobs
                    .iter()
                    .any(|blob| blob.digest.as_str() == digest);
                assert!(there, "{name}: {digest}");
            }
        }
    }
    assert_eq!(seen, 9);
}

#[test]
fn every_capture_is_read_whole() {
    for name in testcase::nodes() {
        let node = node(&name);
        assert_eq!(node.meta.state, DatabaseState::Open, "{name}");
        let unread: Vec<_> = node.coverage.unread.iter().collect();
        assert!(
            unread.iter().all(|note| note.unread.is_absent()),
            "{name}: {unread:?}"
        );
        assert!(
            node.coverage.unknown.is_empty(),
            "{name}: {:?}",
            node.coverage.unknown
        );
        let snapshotters: Vec<_> = node
            .snapshotters
            .iter()
            .map(|each| each.name.to_string())
            .collect();
        assert!(
            snapshotters.iter().any(|each| each == "overlayfs"),
            "{name}: {snapshotters:?}"
        );
    }
}

#[test]
fn the_time_is_said_or_the_newest_that_a_store_has() {
    let mut tar = testcase::node("1.7-stopped");
    let said = Some(Time::new(1_900_000_000, 7));
    let options = node::Options {
        now: said,
        ..node::Options::default()
    };
    assert_eq!(Some(opened(&tar, options).now), said);
    // One file that was made again later does not move the time of all others.
    let as_taken = opened(&tar, node::Options::default()).now;
    tar.member("var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db")
        .touch(1_999_999_999);
    let node = opened(&tar, node::Options::default());
    assert_eq!(node.now.seconds, as_taken.seconds);
}

#[test]
fn what_is_gone_is_absent_and_what_is_damaged_is_not() {
    let meta = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
    let mut tar = testcase::node("1.7-stopped");
    tar.remove(meta);
    let gone = opened(&tar, node::Options::default());
    assert!(
        matches!(&gone.meta.state, DatabaseState::Unread(unread) if unread.is_absent()),
        "{:?}",
        gone.meta.state
    );
    let mut tar = testcase::node("1.7-stopped");
    tar.member(meta).data.clear();
    let empty = opened(&tar, node::Options::default());
    assert_eq!(empty.meta.state, DatabaseState::Empty);
    let mut tar = testcase::node("1.7-stopped");
    tar.member(meta).data[..8192].fill(0);
    let broken = opened(&tar, node::Options::default());
    assert_eq!(broken.meta.state, DatabaseState::Broken);
    // Of what cannot be read, the rest of the node is read all the same.
    assert!(broken.content.read().is_some() && broken.runtime.read().is_some());
    assert!(!broken.coverage.unknown.is_empty());
}

#[test]
fn the_folders_of_logs_are_told_only_where_they_would_be_seen() {
    let whole = node("1.7-stopped");
    let there = whole.pods.log_folders.iter().find(|(_, there)| **there);
    let folder = there.expect("a folder of logs").0.clone();
    let mut tar = testcase::node("1.7-stopped");
    tar.remove(folder.to_string().trim_start_matches('/'));
    let less = opened(&tar, node::Options::default());
    assert_eq!(less.pods.log_folders.get(&folder), Some(&false));
    tar.remove("var/log");
    assert!(
        opened(&tar, node::Options::default())
            .pods
            .log_folders
            .is_empty()
    );
}
