//! A store that was copied, as its births tell: real captures on a disk, where every folder is born as they are unpacked.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use checks::Measured;
use evidence::{Evidence, Options};
use finding::{Finding, Severity};
use node::{Node, Said};
use process::{Processes, Tree};

const OVERLAYFS: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs";

/// What is said of the machine that this is, or of a copy of it.
fn found(folder: &Path, is_live: bool) -> Vec<Finding> {
    let evidence = Evidence::open(folder, &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let mut processes = Processes::new(Tree::default());
    processes.live = is_live;
    let options = node::Options {
        processes: Some(Arc::new(processes)),
        ..node::Options::default()
    };
    let node = Node::open(&evidence, roots.into_iter().next().unwrap(), options);
    let all = checks::judge(&node, &Measured::default())
        .findings
        .into_iter();
    all.filter(|one| one.code.name == "snapshot/store-copied")
        .collect()
}

#[test]
fn a_store_younger_than_its_records_was_copied() {
    for node in ["1.6-running", "1.7-running", "2.1-running"] {
        let folder = testcase::node(node).unpacked();
        let told = found(folder.path(), true);
        assert_eq!(told.len(), 1, "{node}: {told:#?}");
        assert_eq!(told[0].severity, Severity::Note);
        assert!(
            told[0]
                .message
                .contains("of overlayfs that have a record are younger"),
            "{}",
            told[0].message
        );
        // Of a copy, births tell nothing of the node.
        assert_eq!(found(folder.path(), false), [], "{node}");
    }
}

#[test]
fn a_store_as_old_as_its_records_is_not_named() {
    for node in ["1.6-running", "1.7-running", "2.1-running"] {
        let folder = testcase::node(node).unpacked();
        // Every time of a record comes after the birth of its folder.
        let path = folder.path().join(OVERLAYFS).join("metadata.db");
        let mut bytes = fs::read(&path).unwrap();
        let mut at = 0;
        while at + 15 < bytes.len() {
            if bytes[at..].starts_with(&[1, 0, 0, 0, 0x0e]) {
                bytes[at + 5] = 0xff;
            }
            at += 1;
        }
        fs::write(&path, bytes).unwrap();
        assert_eq!(found(folder.path(), true), [], "{node}");
    }
}
