//! meta.db and metadata.db exchanged, or copied one over the other: told by name, and nothing is concluded from the wrong one.

use checks::Measured;
use finding::Severity;
use node::Node;
use testcase::Tar;

use crate::opened;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
const OVERLAY: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";
const NATIVE: &str = "var/lib/containerd/io.containerd.snapshotter.v1.native/metadata.db";

fn node(tar: &Tar) -> Node {
    opened::node(tar)
}

/// Where another database stands, and what is said of it.
fn told(node: &Node) -> Vec<(String, String)> {
    let report = checks::judge(node, &Measured::default());
    let all = report.findings.iter();
    all.filter(|one| one.code.name == "store/other-database")
        .map(|one| {
            assert_eq!(one.severity, Severity::Fatal);
            let file = one.location.file.as_ref().unwrap().to_string();
            (file, one.message.clone())
        })
        .collect()
}

#[test]
fn an_exchange_is_told_and_nothing_is_derived_from_it() {
    for name in ["1.6-running", "1.7-stopped", "2.1-running"] {
        let whole = testcase::node(name);
        for (one, other) in [(META, OVERLAY), (META, NATIVE), (OVERLAY, NATIVE)] {
            let mut tar = whole.clone();
            let (first, second) = (tar.member(one).data.clone(), tar.member(other).data.clone());
            tar.member(one).data = second;
            tar.member(other).data = first;
            let node = node(&tar);
            let told = told(&node);
            assert_eq!(told.len(), 2, "{name} {one} {other}: {told:?}");
            for (place, from) in [(one, other), (other, one)] {
                let (_, message) = told.iter().find(|(file, _)| file.ends_with(place)).unwrap();
                assert!(
                    message.contains(&format!("belongs here is /{from}")),
                    "{message}"
                );
            }
            let report = checks::judge(&node, &Measured::default());
            let derived = [
                "start/loses",
                "snapshot/directory-unknown",
                "snapshot/directory-missing",
                "snapshot/backend-missing",
                "snapshot/backend-unknown",
                "blob/unknown",
                "ingest/unknown",
                "runtime/bundle-without-record",
                "cri/folder-orphan",
                "runtime/status-orphan",
                "meta/unknown-key",
            ];
            for finding in &report.findings {
                let is_native = one == OVERLAY && !finding.code.name.starts_with("snapshot/");
                assert!(
                    !derived.contains(&finding.code.name) || is_native,
                    "{name} {one} {other}: {} {}",
                    finding.code.name,
                    finding.message
                );
            }
            let release = daemon::detect(&node.traces);
            let verdict = checks::verdict(&node, &report, &release, node.now);
            assert_eq!(
                verdict.start,
                checks::Start::No,
                "{name}: {}",
                verdict.sentence
            );
        }
    }
}

#[test]
fn a_copy_over_another_is_told_once() {
    for name in ["1.7-stopped", "2.1-running"] {
        let whole = testcase::node(name);
        for (from, to, words) in [
            (META, OVERLAY, "it is a meta.db"),
            (OVERLAY, META, "it is the metadata.db of overlayfs"),
            (OVERLAY, NATIVE, "it is the metadata.db of overlayfs"),
        ] {
            let mut tar = whole.clone();
            tar.member(to).data = tar.member(from).data.clone();
            let told = told(&node(&tar));
            assert_eq!(told.len(), 1, "{name} {from} {to}: {told:?}");
            assert!(
                told[0].0.ends_with(to) && told[0].1.contains(words),
                "{told:?}"
            );
        }
        assert!(told(&node(&whole)).is_empty(), "{name}");
    }
}
